//! The question about commits and their notes, and its answer by alias.
//!
//! GitHub charges a query by the connections it could open: co-authors of the commits *inside* pull requests are
//! therefore read from their trailers, not asked for (150 points a call would become the price of 30 commits).

use std::collections::HashMap;
use std::fmt::Write as _;

use serde::Deserialize;
use serde_json::json;
use serde_json::value::RawValue;

use super::authorship::{CommitNode, NoteNode};

const FRAGMENTS: &str = " fragment Who on GitActor { name email user { databaseId login } } \
    fragment Authorship on Commit { oid message committedDate parents(first: 5) { nodes { oid } } \
    author { ...Who } committer { ...Who } authors(first: 20) { totalCount nodes { ...Who } } ...Signed } \
    fragment Signed on Commit { signature { __typename isValid wasSignedByGitHub signer { databaseId login } \
    ... on SshSignature { keyFingerprint } } }";
const BRIEF: &str = " fragment Brief on Commit { ...Authorship \
    associatedPullRequests(first: 5) { totalCount nodes { number } } }";
const FULL: &str = " fragment Full on Commit { ...Authorship \
    associatedPullRequests(first: 5) { totalCount nodes { number title body headRefName baseRefOid \
    author { ...Actor } \
    timelineItems(first: 100, itemTypes: [ASSIGNED_EVENT, REVIEW_REQUESTED_EVENT]) { totalCount nodes { __typename \
    ... on AssignedEvent { actor { ...Actor } } ... on ReviewRequestedEvent { actor { ...Actor } } } } \
    commits(first: 100) { totalCount nodes { commit { oid message author { ...Who } committer { ...Who } ...Signed } } } } } } \
    fragment Actor on Actor { __typename login ... on User { databaseId } ... on Bot { databaseId } \
    ... on Mannequin { databaseId } }";

/// Where git keeps a commit's note: in folders once there are many.
const NOTE_FOLDERS: [usize; 3] = [0, 1, 2];
const NOTE: &str = " fragment Note on Blob { text isTruncated }";

/// A commit to ask about, and whether its pull requests are wanted with their own commits.
#[derive(Clone, Copy)]
pub(in crate::github) struct Wanted<'a> {
    pub sha: &'a str,
    pub full: bool,
}

/// The request body for several commits; the answer calls them `c0`, `c1`, … in this order.
pub(in crate::github) fn commit_context(owner: &str, name: &str, wanted: &[Wanted<'_>]) -> String {
    let mut query = String::with_capacity(1_200 + wanted.len() * 450);
    query.push_str("query CommitContext($owner: String!, $name: String!) { repository(owner: $owner, name: $name) {");
    for (index, commit) in wanted.iter().enumerate() {
        // Only hex digits: the id cannot end the string it stands in.
        let sha: String = commit.sha.chars().filter(char::is_ascii_hexdigit).collect();
        let fragment = if commit.full { "Full" } else { "Brief" };
        let _ = write!(query, " c{index}: object(oid:\"{sha}\") {{ ...{fragment} }}");
        // An object looked up by name opens no connection: the query costs the same.
        for folders in NOTE_FOLDERS {
            let path = note_path(&sha, folders);
            let _ = write!(query, " n{index}_{folders}: object(expression:\"refs/notes/ai:{path}\") {{ ...Note }}");
        }
    }
    query.push_str(" } }");
    query.push_str(NOTE);
    query.push_str(FRAGMENTS);
    if wanted.iter().any(|commit| commit.full) {
        query.push_str(FULL);
    }
    if wanted.iter().any(|commit| !commit.full) {
        query.push_str(BRIEF);
    }
    json!({ "operationName": "CommitContext", "query": query, "variables": { "owner": owner, "name": name } })
        .to_string()
}

/// `ab/cdef…`, two letters a folder.
fn note_path(sha: &str, folders: usize) -> String {
    let (mut path, mut rest) = (String::with_capacity(sha.len() + folders), sha);
    for _ in 0..folders {
        let (folder, file) = rest.split_at_checked(2).unwrap_or((rest, ""));
        path.push_str(folder);
        path.push('/');
        rest = file;
    }
    path + rest
}

/// The commits of an answer by alias, and their notes.
#[derive(Deserialize)]
#[serde(transparent)]
pub(in crate::github) struct CommitContext(HashMap<String, Option<Box<RawValue>>>);

impl CommitContext {
    /// What GitHub says of the commits that were asked for, in the same order; `None` where it says nothing.
    pub fn commits(mut self, asked: usize) -> Result<Vec<Option<CommitNode>>, serde_json::Error> {
        let mut nodes = Vec::with_capacity(asked);
        for index in 0..asked {
            let mut take = |alias: &str| self.0.remove(alias).flatten();
            let node =
                take(&format!("c{index}")).map(|raw| serde_json::from_str::<CommitNode>(raw.get())).transpose()?;
            let mut note = None;
            for folders in NOTE_FOLDERS {
                if let Some(raw) = take(&format!("n{index}_{folders}")) {
                    note = note.or(Some(serde_json::from_str::<NoteNode>(raw.get())?));
                }
            }
            nodes.push(node.map(|node| node.with_note(note)));
        }
        Ok(nodes)
    }
}

#[cfg(test)]
mod tests;
