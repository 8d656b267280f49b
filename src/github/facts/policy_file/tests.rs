use serde_json::json;

use super::*;
use crate::github::graphql::deployments::DeploymentContext;

fn read(context: &DeploymentContext, is_partial: bool) -> PolicyFile {
    policy_file(context.default_branch_ref.as_ref(), context.policy.as_ref(), is_partial)
}

fn context(policy: serde_json::Value) -> DeploymentContext {
    serde_json::from_value(json!({
        "databaseId": 3, "defaultBranchRef": { "name": "main", "target": { "oid": "head" } }, "policy": policy,
    }))
    .unwrap()
}

#[test]
fn a_policy_file_is_present_absent_or_unreadable() {
    let commit = || "head".to_owned();
    let blob =
        json!({ "__typename": "Blob", "oid": "b", "text": "version: 1", "isTruncated": false, "isBinary": false });
    assert_eq!(
        read(&context(blob.clone()), false),
        PolicyFile::Present { commit: commit(), blob: "b".to_owned(), text: "version: 1".to_owned() }
    );
    assert_eq!(read(&context(json!(null)), false), PolicyFile::Absent { commit: commit() });
    for (field, value) in [("isTruncated", json!(true)), ("isBinary", json!(true)), ("text", json!(null))] {
        let mut blob = blob.clone();
        blob[field] = value;
        assert!(matches!(read(&context(blob), false), PolicyFile::Unreadable { .. }), "{field}");
    }
    assert!(matches!(read(&context(json!({ "__typename": "Tree" })), false), PolicyFile::Unreadable { .. }));
}

#[test]
fn a_policy_file_github_left_out_with_an_error_is_not_absent() {
    assert!(matches!(read(&context(json!(null)), true), PolicyFile::Unreadable { .. }));
}
