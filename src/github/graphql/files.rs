//! Questions about files, and the shapes of their answers.

use std::collections::HashMap;
use std::fmt::Write as _;

use serde::Deserialize;
use serde_json::json;

use super::{Object, Ref, Target};

const TEXT: &str = " fragment Text on GitObject { __typename ... on Blob { oid text isTruncated isBinary } }";

/// The request body for the organization's policy file. Renames are not followed: whoever moved the repository away took
/// the rules away with it, and that must be seen.
pub(in crate::github) fn organization_file(owner: &str, name: &str, file: &str) -> String {
    let query = "query OrganizationFile($owner: String!, $name: String!, $file: String!) { \
        repository(owner: $owner, name: $name, followRenames: false) { isEmpty \
        owner { __typename ... on Organization { databaseId } ... on User { databaseId } } \
        defaultBranchRef { target { oid } } file: object(expression: $file) { ...Text } } }";
    json!({
        "operationName": "OrganizationFile",
        "query": format!("{query}{TEXT}"),
        "variables": { "owner": owner, "name": name, "file": file },
    })
    .to_string()
}

/// The request body for files at one commit; the answer calls them `f0`, `f1`, … in this order.
pub(in crate::github) fn files_at(owner: &str, name: &str, commit: &str, paths: &[&str]) -> String {
    let sha: String = commit.chars().filter(char::is_ascii_hexdigit).collect();
    let mut query = "query FilesAt($owner: String!, $name: String!, $commit: GitObjectID!) { \
        repository(owner: $owner, name: $name) { databaseId commit: object(oid: $commit) { oid }"
        .to_owned();
    for (index, path) in paths.iter().enumerate() {
        let expression = json!(format!("{sha}:{path}"));
        let _ = write!(query, " f{index}: object(expression: {expression}) {{ ...Text }}");
    }
    query.push_str(" } }");
    query.push_str(TEXT);
    let variables = json!({ "owner": owner, "name": name, "commit": sha });
    json!({ "operationName": "FilesAt", "query": query, "variables": variables }).to_string()
}

/// The request body for a file on the default branch and at a commit.
pub(in crate::github) fn proposed(owner: &str, name: &str, commit: &str, path: &str) -> String {
    let sha: String = commit.chars().filter(char::is_ascii_hexdigit).collect();
    let query = "query ProposedFile($owner: String!, $name: String!, $commit: GitObjectID!, $now: String!, $then: String!) { \
        repository(owner: $owner, name: $name) { databaseId defaultBranchRef { name target { oid } } \
        commit: object(oid: $commit) { oid } now: object(expression: $now) { ...Text } \
        then: object(expression: $then) { ...Text } } }";
    json!({
        "operationName": "ProposedFile",
        "query": format!("{query}{TEXT}"),
        "variables": {
            "owner": owner, "name": name, "commit": sha,
            "now": format!("HEAD:{path}"), "then": format!("{sha}:{path}"),
        },
    })
    .to_string()
}

/// The request body that asks which repository a name means.
pub(in crate::github) fn repository(owner: &str, name: &str) -> String {
    let query = "query RepositoryByName($owner: String!, $name: String!) { \
        repository(owner: $owner, name: $name) { databaseId nameWithOwner } }";
    let variables = json!({ "owner": owner, "name": name });
    json!({ "operationName": "RepositoryByName", "query": query, "variables": variables }).to_string()
}

/// The request body for the policy file and a folder of workflows.
pub(in crate::github) fn survey(owner: &str, name: &str, workflows: &str) -> String {
    let query = "query Survey($owner: String!, $name: String!, $policy: String!, $workflows: String!) { \
        repository(owner: $owner, name: $name) { defaultBranchRef { target { oid } } \
        policy: object(expression: $policy) { ...Text } \
        workflows: object(expression: $workflows) { ... on Tree { entries { name type object { ...Text } } } } } }";
    json!({
        "operationName": "Survey",
        "query": format!("{query}{TEXT}"),
        "variables": {
            "owner": owner, "name": name,
            "policy": format!("HEAD:{}", crate::domain::policy::PATH), "workflows": format!("HEAD:{workflows}"),
        },
    })
    .to_string()
}

/// Which repository a name means.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::github) struct RepositoryContext {
    pub database_id: u64,
    pub name_with_owner: String,
}

/// The policy file and the workflows.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::github) struct SurveyContext {
    pub default_branch_ref: Option<Ref>,
    pub policy: Option<Object>,
    pub workflows: Option<Tree>,
}

#[derive(Deserialize)]
pub(in crate::github) struct Tree {
    pub entries: Option<Vec<TreeEntry>>,
}

#[derive(Deserialize)]
pub(in crate::github) struct TreeEntry {
    pub name: String,
    #[serde(rename = "type")]
    pub kind: String,
    pub object: Option<Object>,
}

/// The repository of the organization's rules.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::github) struct OrganizationContext {
    pub is_empty: Option<bool>,
    pub owner: Option<Owner>,
    pub default_branch_ref: Option<Ref>,
    pub file: Option<Object>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::github) struct Owner {
    pub database_id: Option<u64>,
}

/// A file on the default branch and at a commit.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::github) struct ProposedContext {
    pub database_id: Option<u64>,
    pub default_branch_ref: Option<NamedRef>,
    pub commit: Option<Target>,
    pub now: Option<Object>,
    pub then: Option<Object>,
}

#[derive(Deserialize)]
pub(in crate::github) struct NamedRef {
    pub name: String,
    pub target: Option<Target>,
}

/// Files at a commit, by alias.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::github) struct FilesContext {
    pub database_id: Option<u64>,
    pub commit: Option<Target>,
    #[serde(flatten)]
    pub files: HashMap<String, Option<Object>>,
}
