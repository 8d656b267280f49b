//! The GraphQL queries and the shapes of their answers, checked against GitHub's public schema. A room a subject, each with
//! the question and its answer:
//!
//! - [`deployments`] the policy file and the environment's deployments
//! - [`commits`] commits with their notes; [`authorship`] what is read of each: authors, pull requests, signatures
//! - [`files`] files alone
//! - [`refs`] whether a name is a branch or a tag
//! - [`reply`] the envelope all answers come in
//!
//! Here is what several of them are made of.

pub(super) mod authorship;
pub(super) mod commits;
pub(super) mod deployments;
pub(super) mod files;
pub(super) mod refs;
pub(super) mod reply;

use serde::Deserialize;

#[derive(Deserialize)]
pub(super) struct Ref {
    pub target: Option<Target>,
}

#[derive(Deserialize)]
pub(super) struct Target {
    pub oid: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Object {
    #[serde(rename = "__typename")]
    pub typename: String,
    pub oid: Option<String>,
    pub text: Option<String>,
    pub is_truncated: Option<bool>,
    pub is_binary: Option<bool>,
}

impl Object {
    /// Blob id and text, or why it cannot be read in full.
    pub fn file(&self) -> Result<(String, String), &'static str> {
        match self {
            Self { typename, .. } if typename != "Blob" => Err("it is not a file"),
            Self { is_binary: Some(true), .. } => Err("it is a binary file"),
            Self { is_truncated: Some(true), .. } => Err("it is too large: GitHub cut it off"),
            Self { oid: Some(blob), text: Some(text), .. } => Ok((blob.clone(), text.clone())),
            Self { .. } => Err("GitHub did not say what is in it"),
        }
    }
}

#[derive(Deserialize)]
pub(super) struct Nodes<T> {
    pub nodes: Option<Vec<Option<T>>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Counted<T> {
    total_count: Option<u64>,
    nodes: Option<Vec<Option<T>>>,
}

impl<T> Counted<T> {
    /// What was read, and whether that is all there is.
    fn read(self) -> (Vec<T>, bool) {
        let nodes: Vec<T> = self.nodes.into_iter().flatten().flatten().collect();
        let is_all = self.total_count.is_some_and(|total| total <= u64::try_from(nodes.len()).unwrap_or(u64::MAX));
        (nodes, is_all)
    }
}
