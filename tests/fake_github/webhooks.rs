//! Webhooks: signed, lost, sent again, and some that nobody asked for.

use seconder::demo::{Options, signature};
use serde_json::{Value, json};

use super::{PATIENCE, SECRET, World};

#[tokio::test]
async fn a_webhook_is_signed_and_names_the_run_only_in_its_callback_address() {
    let world = World::new().await;
    let run = world.deploy();
    let (headers, body) = world.received(1).await.remove(0);
    assert_eq!(headers["x-github-event"], "deployment_protection_rule");
    assert_eq!(headers["x-hub-signature-256"].to_str().unwrap(), signature(SECRET, &body));
    let payload: Value = serde_json::from_slice(&body).unwrap();
    let callback = format!("{}/repos/acme/shop/actions/runs/{run}/deployment_protection_rule", world.github.api_url());
    assert_eq!(payload["deployment_callback_url"], callback);
    assert_eq!((&payload["sha"], &payload["ref"]), (&json!(world.sha), &json!("main")));
    assert_eq!(payload["deployment"]["creator"]["login"], "github-actions[bot]");
    assert!(payload.get("workflow_run").is_none() && body.len() > 15_000, "{} bytes", body.len());
}

#[tokio::test]
async fn a_lost_webhook_is_listed_and_comes_again_under_its_old_name() {
    let world = World::new().await;
    world.github.webhooks_down(true);
    world.deploy();
    let app = world.app_token(0, 600);
    let (_, failed) = world.get("/app/hook/deliveries?status=failure", &app).await;
    assert_eq!((failed.as_array().unwrap().len(), &failed[0]["status_code"]), (1, &json!(502)));
    world.github.webhooks_down(false);
    let path = format!("/app/hook/deliveries/{}/attempts", failed[0]["id"]);
    assert_eq!(world.post(&path, &app, json!({})).await.0, 202);
    let (headers, _) = world.received(1).await.remove(0);
    assert_eq!(headers["x-github-delivery"], failed[0]["guid"].as_str().unwrap());
    world.github.wait_until(PATIENCE, |github| github.deliveries()[1].arrived()).await.unwrap();
    let (_, all) = world.get("/app/hook/deliveries", &app).await;
    assert_eq!((&all[0]["redelivery"], &all[0]["guid"]), (&json!(true), &failed[0]["guid"]));
    assert_ne!(all[0]["id"], failed[0]["id"]);
}

#[tokio::test]
async fn events_nobody_asked_for_come_too_when_the_options_want_them() {
    let world = World::with(Options { noise: true, finish_at_once: true, ..Options::default() }).await;
    let run = world.deploy();
    world.github.bypass(run);
    let events: Vec<_> = world.github.deliveries().into_iter().map(|delivery| delivery.event).collect();
    for event in ["workflow_run", "workflow_job", "check_suite", "deployment_protection_rule"] {
        assert!(events.iter().any(|sent| sent == event), "{event} in {events:?}");
    }
    assert_eq!(world.github.run(run).unwrap().conclusion.as_deref(), Some("success"));
    assert_eq!(world.github.callbacks(run), [], "an administrator went past the rule");
}
