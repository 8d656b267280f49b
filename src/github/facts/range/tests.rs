use serde_json::json;

use super::*;

fn deployments(nodes: serde_json::Value) -> Deployments {
    serde_json::from_value(json!({ "pageInfo": { "hasNextPage": false }, "nodes": nodes })).unwrap()
}

fn deployment(id: u64, states: &[&str]) -> serde_json::Value {
    let states: Vec<_> = states.iter().map(|state| json!({ "state": state })).collect();
    json!({ "id": id.to_string(), "commitOid": format!("sha{id}"), "state": "INACTIVE", "statuses": { "nodes": states } })
}

#[test]
fn the_last_good_deployment_is_the_newest_that_ever_succeeded() {
    let history = deployments(json!([
        deployment(9, &["WAITING"]),
        deployment(8, &["FAILURE", "IN_PROGRESS"]),
        null,
        deployment(7, &["INACTIVE", "SUCCESS", "QUEUED"]),
        deployment(6, &["SUCCESS"]),
    ]));
    let base = last_good(&history, Some("9"), &[]).unwrap();
    assert_eq!((base.deployment.as_str(), base.sha.as_str()), ("7", "sha7"));
}

#[test]
fn the_held_deployment_is_never_its_own_predecessor() {
    let history = deployments(json!([deployment(9, &["SUCCESS"]), deployment(6, &["SUCCESS"])]));
    assert_eq!(last_good(&history, Some("9"), &[]).unwrap().deployment, "6");
}
