//! The question about the repository's policy file and the environment's deployments, and its answer.

use serde::Deserialize;
use serde_json::json;

use super::{Nodes, Object, Ref};

const DEPLOYMENT_CONTEXT: &str = "query DeploymentContext($owner: String!, $name: String!, $environment: String!) { \
    repository(owner: $owner, name: $name) { databaseId \
    defaultBranchRef { name target { oid } } \
    policy: object(expression: \"HEAD:.github/seconder.yml\") { \
    __typename ... on Blob { oid text isTruncated isBinary byteSize } } \
    deployments(environments: [$environment], first: 50, orderBy: { field: CREATED_AT, direction: DESC }) { \
    pageInfo { hasNextPage endCursor } nodes { id commitOid state createdAt statuses(first: 20) { nodes { state } } } } } }";

const EARLIER_DEPLOYMENTS: &str = "query EarlierDeployments($owner: String!, $name: String!, $environment: String!, $after: String!) { \
    repository(owner: $owner, name: $name) { databaseId \
    deployments(environments: [$environment], first: 100, after: $after, orderBy: { field: CREATED_AT, direction: DESC }) { \
    pageInfo { hasNextPage endCursor } nodes { id commitOid statuses(first: 20) { nodes { state } } } } } }";

/// The request body for the repository's policy file and the environment's deployments.
pub(in crate::github) fn deployment_context(owner: &str, name: &str, environment: &str) -> String {
    json!({
        "operationName": "DeploymentContext",
        "query": DEPLOYMENT_CONTEXT,
        "variables": { "owner": owner, "name": name, "environment": environment },
    })
    .to_string()
}

/// The request body for the environment's deployments before a place in their list.
pub(in crate::github) fn earlier_deployments(owner: &str, name: &str, environment: &str, after: &str) -> String {
    json!({
        "operationName": "EarlierDeployments",
        "query": EARLIER_DEPLOYMENTS,
        "variables": { "owner": owner, "name": name, "environment": environment, "after": after },
    })
    .to_string()
}

/// The repository's policy file and its newest deployments; on a later page the deployments alone.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::github) struct DeploymentContext {
    pub database_id: Option<u64>,
    pub default_branch_ref: Option<Ref>,
    pub policy: Option<Object>,
    pub deployments: Option<Deployments>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::github) struct Deployments {
    pub page_info: Option<PageInfo>,
    pub nodes: Option<Vec<Option<Deployment>>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::github) struct PageInfo {
    pub has_next_page: bool,
    #[serde(default)]
    pub end_cursor: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::github) struct Deployment {
    pub id: Option<String>,
    pub commit_oid: Option<String>,
    pub statuses: Option<Nodes<Status>>,
}

impl Deployment {
    /// Whether it ever succeeded. Its newest state may say `INACTIVE` since.
    pub fn succeeded(&self) -> bool {
        let statuses = self.statuses.iter().filter_map(|statuses| statuses.nodes.as_deref()).flatten().flatten();
        statuses.into_iter().any(|status| status.state.as_deref() == Some("SUCCESS"))
    }
}

#[derive(Deserialize)]
pub(in crate::github) struct Status {
    pub state: Option<String>,
}
