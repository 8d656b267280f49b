//! Check runs: what GitHub wants of them, and what a press tells the App.

use serde_json::{Value, json};

use super::World;

#[tokio::test]
async fn a_label_longer_than_twenty_characters_is_refused() {
    let world = World::new().await;
    let token = world.token(json!({ "permissions": { "checks": "write" } })).await;
    let check = |label: &str| {
        json!({
            "name": "Seconder", "head_sha": world.sha, "conclusion": "action_required",
            "output": { "title": "Waits", "summary": "for a second" },
            "actions": [{ "label": label, "description": "Release it", "identifier": "approve" }],
        })
    };
    let (status, answer) = world.post("/repos/acme/shop/check-runs", &token, check("Approve this deployment")).await;
    assert_eq!(
        (status, answer["errors"][0]["message"].as_str()),
        (422, Some("label is too long (maximum is 20 characters)"))
    );
    let (status, answer) = world.post("/repos/acme/shop/check-runs", &token, check("Approve")).await;
    assert_eq!((status, answer["status"].as_str(), answer["actions"].as_str()), (201, Some("completed"), None));
    assert_eq!(world.github.check_runs("acme/shop", &world.sha).len(), 1);
}

#[tokio::test]
async fn a_check_run_needs_a_commit_a_conclusion_and_a_summary_that_fits() {
    let world = World::new().await;
    let token = world.token(json!({})).await;
    for (wrong, field) in [
        (json!({ "head_sha": "0".repeat(40) }), "No commit found"),
        (json!({ "status": "completed" }), "conclusion"),
        (json!({ "conclusion": "approved" }), "conclusion"),
        (json!({ "output": { "title": "no summary" } }), "summary"),
        (json!({ "output": { "title": "long", "summary": "x".repeat(65_536) } }), "summary"),
    ] {
        let mut body = json!({ "name": "Seconder", "head_sha": world.sha });
        body.as_object_mut().unwrap().extend(wrong.as_object().unwrap().clone());
        let (status, answer) = world.post("/repos/acme/shop/check-runs", &token, body).await;
        assert_eq!(status, 422, "{wrong}");
        assert!(answer.to_string().contains(field), "{answer}");
    }
    assert_eq!(world.github.writes(), 0);
}

#[tokio::test]
async fn pressing_a_button_tells_the_app_who_pressed_it() {
    let world = World::new().await;
    let token = world.token(json!({})).await;
    let (_, check) = world
        .post(
            "/repos/acme/shop/check-runs",
            &token,
            json!({
                "name": "Seconder", "head_sha": world.sha, "external_id": "request-1", "conclusion": "action_required",
                "output": { "title": "Waits", "summary": "for a second" },
                "actions": [{ "label": "Approve", "description": "Release it", "identifier": "approve" }],
            }),
        )
        .await;
    let id = check["id"].as_u64().unwrap();
    assert!(!world.github.click(id, "no-such-button", "olga"));
    assert!(world.github.click(id, "approve", "olga"));
    let (headers, body) = world.received(1).await.remove(0);
    let payload: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(headers["x-github-event"], "check_run");
    assert_eq!(payload["requested_action"]["identifier"], "approve");
    assert_eq!(
        (&payload["sender"]["login"], &payload["check_run"]["external_id"]),
        (&json!("olga"), &json!("request-1"))
    );
    assert_eq!(payload["check_run"]["check_suite"]["head_sha"], world.sha);
}
