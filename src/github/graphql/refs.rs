//! The question what a name stands for, a branch or a tag, and its answer.

use serde::Deserialize;
use serde_json::json;

const BRANCHES: &str = "refs/heads/";
const TAGS: &str = "refs/tags/";

const REF_KIND: &str = "query RefKind($owner: String!, $name: String!, $branch: String!, $tag: String!) { \
    repository(owner: $owner, name: $name) { databaseId \
    branch: ref(qualifiedName: $branch) { prefix name target { oid } } \
    tag: ref(qualifiedName: $tag) { prefix name target { __typename oid ... on Tag { target { oid } } } } } }";

/// The request body for a branch and a tag of one name.
pub(in crate::github) fn ref_kind(owner: &str, name: &str, git_ref: &str) -> String {
    let (branch, tag) = (format!("{BRANCHES}{git_ref}"), format!("{TAGS}{git_ref}"));
    json!({
        "operationName": "RefKind",
        "query": REF_KIND,
        "variables": { "owner": owner, "name": name, "branch": branch, "tag": tag },
    })
    .to_string()
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::github) struct RefContext {
    pub database_id: Option<u64>,
    branch: Option<Named>,
    tag: Option<Named>,
}

#[derive(Deserialize)]
struct Named {
    prefix: String,
    name: String,
    target: Option<Pointed>,
}

#[derive(Deserialize)]
struct Pointed {
    oid: String,
    /// What an annotated tag points at.
    target: Option<Box<Pointed>>,
}

impl Named {
    /// What it points at, if it is what was asked for. GitHub falls back on short names: `refs/heads/x` may also be a branch
    /// whose name is all of that.
    fn commit(&self, prefix: &str, name: &str) -> Option<&str> {
        let target = self.target.as_ref().filter(|_| self.prefix == prefix && self.name == name)?;
        Some(target.target.as_ref().map_or(&target.oid, |inner| &inner.oid))
    }
}

impl RefContext {
    /// The head of the branch of this name, if there is one and no tag of the same name.
    pub fn branch(&self, name: &str) -> Option<&str> {
        self.branch.as_ref().filter(|_| self.tag.is_none())?.commit(BRANCHES, name)
    }

    /// The commit of the tag of this name, if there is one and no branch of the same name.
    pub fn tag(&self, name: &str) -> Option<&str> {
        self.tag.as_ref().filter(|_| self.branch.is_none())?.commit(TAGS, name)
    }
}
