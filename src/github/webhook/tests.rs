use secrecy::SecretString;
use serde_json::{Value, json};

use super::*;
use crate::domain::people::AccountKind;

fn secrets(list: &[&str]) -> Secrets {
    Secrets::new(list.iter().map(|secret| SecretString::from(*secret)))
}

/// The example of GitHub's documentation.
const SIGNED: (&str, &str, &str) = (
    "It's a Secret to Everybody",
    "Hello, World!",
    "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17",
);

#[test]
fn githubs_own_example_of_a_signature_is_accepted() {
    let (secret, body, header) = SIGNED;
    assert!(secrets(&[secret]).verify(body.as_bytes(), header));
}

#[test]
fn either_secret_is_accepted_while_one_is_being_replaced() {
    let (secret, body, header) = SIGNED;
    assert!(secrets(&["new", secret]).verify(body.as_bytes(), header));
    assert!(secrets(&[secret, "new"]).verify(body.as_bytes(), header));
}

#[test]
fn nothing_else_is_accepted() {
    let (secret, body, header) = SIGNED;
    let ours = secrets(&[secret]);
    assert!(!ours.verify(b"Hello, World", header), "another body");
    assert!(!secrets(&["other"]).verify(body.as_bytes(), header), "another secret");
    assert!(!secrets(&[]).verify(body.as_bytes(), header), "no secret");
    assert!(secrets(&[""]).is_empty(), "an empty secret is none");
    for header in ["", "sha256=", "sha1=757107ea", &header[7..], &header[..header.len() - 2], "sha256=zz"] {
        assert!(!ours.verify(body.as_bytes(), header), "{header}");
    }
}

#[test]
fn secrets_do_not_show_in_debug_output() {
    assert_eq!(format!("{:?}", secrets(&["one", "two"])), "Secrets(2)");
}

fn held() -> Value {
    json!({
        "action": "requested",
        "environment": "production",
        "event": "push",
        "sha": "4f6c3ad1c8a2c1b4f1b7a1f0a3a8a6cdfb5a4d9e",
        "ref": "main",
        "deployment_callback_url":
            "https://api.github.com/repos/Acme/shop/actions/runs/77/deployment_protection_rule",
        "deployment": { "id": 5, "sha": "ignored", "creator": { "id": 9, "login": "octo", "type": "User" } },
        "pull_requests": [],
        "repository": { "id": 3, "name": "shop", "owner": { "id": 2, "login": "acme", "type": "Organization" } },
        "installation": { "id": 1, "node_id": "x" },
        "organization": null,
        "sender": { "id": 9, "login": "octo", "type": "User" },
    })
}

fn parsed(event: &str, payload: &Value) -> Result<Option<Incoming>, Unusable> {
    parse(event, payload.to_string().as_bytes())
}

fn parsed_held(payload: &Value) -> DeploymentHeld {
    match parsed("deployment_protection_rule", payload) {
        Ok(Some(Incoming::DeploymentHeld(held))) => held,
        other => panic!("not held: {other:?}"),
    }
}

#[test]
fn a_held_deployment_is_read_with_its_run_out_of_the_callback_url() {
    let held = parsed_held(&held());
    assert_eq!(held.run_id, 77);
    assert_eq!(held.tenant, Tenant { account_id: 2, login: "acme".into(), installation_id: 1 });
    assert_eq!(held.repository, Repository { id: 3, owner: "acme".into(), name: "shop".into() });
    assert_eq!((held.environment.as_str(), held.deployment_id), ("production", Some(5)));
    assert_eq!(held.deployment_creator.unwrap().id, 9);
}

#[test]
fn fields_github_leaves_out_or_sets_to_null_do_not_matter() {
    let mut payload = held();
    for field in ["deployment", "sender", "pull_requests", "event"] {
        payload[field] = Value::Null;
    }
    for field in ["sha", "ref"] {
        payload.as_object_mut().unwrap().remove(field);
    }
    let held = parsed_held(&payload);
    assert_eq!((held.deployment_id, held.sha, held.sender), (None, None, None));
}

#[test]
fn a_bot_as_sender_stays_a_bot_and_an_unknown_kind_is_never_a_human() {
    for (word, kind) in [("Bot", AccountKind::Bot), ("Robot", AccountKind::Other)] {
        let mut payload = held();
        payload["sender"]["type"] = json!(word);
        assert_eq!(parsed_held(&payload).sender.unwrap().kind, kind);
    }
}

#[test]
fn the_callback_host_does_not_matter_and_enterprise_server_has_a_prefix() {
    for host in ["https://evil.example", "https://ghe.acme.com/api/v3", "http://127.0.0.1:8080"] {
        let mut payload = held();
        payload["deployment_callback_url"] =
            json!(format!("{host}/repos/acme/SHOP/actions/runs/78/deployment_protection_rule"));
        assert_eq!(parsed_held(&payload).run_id, 78, "{host}");
    }
}

#[test]
fn a_callback_url_that_names_anything_else_is_refused() {
    for path in [
        "repos/acme/other/actions/runs/77/deployment_protection_rule",
        "repos/other/shop/actions/runs/77/deployment_protection_rule",
        "repos/acme/shop/actions/runs/x/deployment_protection_rule",
        "repos/acme/shop/actions/runs/-1/deployment_protection_rule",
        "repos/acme/shop/actions/runs/77/deployment_protection_rule/more",
        "repos/acme/shop/actions/runs/77/approvals",
        "x/repos/acme/shop/actions/runs/77/deployment_protection_rule",
        "",
    ] {
        let mut payload = held();
        payload["deployment_callback_url"] = json!(format!("https://api.github.com/{path}"));
        let refused = parsed("deployment_protection_rule", &payload);
        assert!(matches!(refused, Err(Unusable::Callback { .. })), "{path}: {refused:?}");
    }
}

#[test]
fn what_is_indispensable_and_missing_is_named() {
    for (field, name) in [
        ("installation", "installation"),
        ("repository", "repository"),
        ("environment", "environment"),
        ("deployment_callback_url", "deployment_callback_url"),
    ] {
        let mut payload = held();
        payload.as_object_mut().unwrap().remove(field);
        assert_eq!(parsed("deployment_protection_rule", &payload), Err(Unusable::Missing(name)));
    }
    assert!(matches!(parse("check_run", b"{"), Err(Unusable::Malformed(_))));
}

fn check_run(action: &str) -> Value {
    json!({
        "action": action,
        "check_run": { "id": 40, "external_id": "e", "head_sha": "abc", "status": "completed", "app": {} },
        "requested_action": { "identifier": "approve" },
        "repository": held()["repository"],
        "installation": held()["installation"],
        "sender": held()["sender"],
    })
}

#[test]
fn a_pressed_button_says_which_one_and_who() {
    let Ok(Some(Incoming::ButtonPressed(pressed))) = parsed("check_run", &check_run("requested_action")) else {
        panic!("not pressed")
    };
    assert_eq!((pressed.check_run_id, pressed.identifier.as_str(), pressed.sender.id), (40, "approve", 9));
    assert_eq!((pressed.external_id.as_str(), pressed.head_sha.as_str()), ("e", "abc"));
}

#[test]
fn a_press_without_button_or_presser_is_unusable() {
    for field in ["requested_action", "sender"] {
        let mut payload = check_run("requested_action");
        payload[field] = Value::Null;
        assert!(matches!(parsed("check_run", &payload), Err(Unusable::Missing(_))), "{field}");
    }
}

#[test]
fn a_check_run_asked_for_again_and_a_finished_run_are_read() {
    let again = parsed("check_run", &check_run("rerequested")).unwrap().unwrap();
    assert!(matches!(again, Incoming::CheckRerequested(CheckRerequested { check_run_id: 40, .. })));

    let mut payload = check_run("completed");
    payload["workflow_run"] = json!({ "id": 77, "run_attempt": 2, "conclusion": "cancelled" });
    let Ok(Some(Incoming::RunCompleted(ended))) = parsed("workflow_run", &payload) else { panic!("not ended") };
    assert_eq!((ended.run_id, ended.attempt, ended.conclusion.as_deref()), (77, 2, Some("cancelled")));
}

#[test]
fn other_events_and_actions_are_not_used() {
    assert_eq!(parse("star", b"not even JSON"), Ok(None));
    assert_eq!(parsed("check_run", &check_run("created")), Ok(None));
    assert_eq!(parsed("workflow_run", &json!({ "action": "requested" })), Ok(None));
    assert!(!is_used("star") && is_used("check_run") && is_used("push"));
}

#[test]
fn what_is_stored_reads_back_the_same() {
    let incoming = Incoming::DeploymentHeld(parsed_held(&held()));
    let stored = serde_json::to_string(&incoming).unwrap();
    assert_eq!(serde_json::from_str::<Incoming>(&stored).unwrap(), incoming);
    assert!(stored.len() < 600, "{stored}");
}
