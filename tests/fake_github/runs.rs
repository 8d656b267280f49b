//! Runs: what waits, what is decided, what is begun again.

use serde_json::json;

use super::World;

#[tokio::test]
async fn an_approved_run_goes_on_and_cannot_be_decided_again() {
    let world = World::new().await;
    let run = world.deploy();
    let token = world.token(json!({ "permissions": { "deployments": "write", "actions": "read" } })).await;
    let note = json!({ "environment_name": "production", "comment": "waits for a second" });
    assert_eq!(world.decide(run, &token, note).await, 204);
    assert_eq!(world.github.run(run).unwrap().status, "waiting");
    let decision =
        |state: &str| json!({ "environment_name": "production", "state": state, "comment": "seconded by olga" });
    assert_eq!(world.decide(run, &token, decision("approved")).await, 204);
    assert_eq!(world.decide(run, &token, decision("rejected")).await, 422);
    world.github.finish(run, true);
    assert_eq!(world.github.run(run).unwrap().conclusion.as_deref(), Some("success"));
    assert_eq!(world.github.deployment_states(run, "production"), ["waiting", "in_progress", "success"]);
    let (_, approvals) = world.get(&format!("/repos/acme/shop/actions/runs/{run}/approvals"), &token).await;
    assert_eq!((&approvals[0]["state"], &approvals[0]["user"]["login"]), (&json!("approved"), &json!("seconder[bot]")));
    assert_eq!((world.github.callbacks(run).len(), world.github.notes(run).len()), (1, 1));
}

#[tokio::test]
async fn a_decision_needs_a_waiting_environment_and_a_sensible_body() {
    let world = World::new().await;
    let run = world.deploy();
    let token = world.token(json!({})).await;
    for body in [
        json!({ "environment_name": "staging", "state": "approved" }),
        json!({ "environment_name": "production", "state": "maybe" }),
        json!({ "environment_name": "production" }),
        json!({ "environment_name": "production", "state": "approved", "comment": "x".repeat(1_025) }),
    ] {
        assert_eq!(world.decide(run, &token, body.clone()).await, 422, "{body}");
    }
    for _ in 0..10 {
        assert_eq!(
            world.decide(run, &token, json!({ "environment_name": "production", "comment": "still" })).await,
            204
        );
    }
    assert_eq!(world.decide(run, &token, json!({ "environment_name": "production", "comment": "still" })).await, 422);
    world.github.cancel(run);
    assert_eq!(world.decide(run, &token, json!({ "environment_name": "production", "state": "approved" })).await, 422);
    assert_eq!(world.github.callbacks(run), []);
}

#[tokio::test]
async fn a_rerun_is_a_new_attempt_by_somebody_else_with_a_new_question() {
    let world = World::new().await;
    let run = world.deploy();
    assert_eq!(world.github.rerun(run, "olga"), 2);
    let token = world.token(json!({})).await;
    let (_, now) = world.get(&format!("/repos/acme/shop/actions/runs/{run}"), &token).await;
    assert_eq!((&now["actor"]["login"], &now["triggering_actor"]["login"]), (&json!("mona"), &json!("olga")));
    let (_, first) = world.get(&format!("/repos/acme/shop/actions/runs/{run}/attempts/1"), &token).await;
    assert_eq!((&first["run_attempt"], &first["triggering_actor"]["login"]), (&json!(1), &json!("mona")));
    assert_eq!(world.received(2).await.len(), 2);
}
