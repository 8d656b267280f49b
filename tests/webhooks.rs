//! Whatever GitHub sends is taken: the payloads it publishes, the shapes its documentation allows, and what nobody can use.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::body::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use seconder::demo::{RunId, UserKind, signature};
use seconder::github::webhook::{self, Incoming};
use seconder::server::Server;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tracing::subscriber::DefaultGuard;

use crate::support::prism::packages;
use crate::support::stage::{PATIENCE, SHOP, Stage};

const SECRET: &str = "a secret of this test";
const MEGABYTE: usize = 1024 * 1024;
/// Events some of whose actions are used, and of which GitHub publishes examples.
const USED: [&str; 10] = [
    "check_run",
    "member",
    "membership",
    "organization",
    "pull_request",
    "push",
    "repository",
    "team",
    "team_add",
    "workflow_run",
];

#[tokio::test]
async fn every_payload_github_publishes_is_taken() {
    let (log, _guard) = Log::keep();
    let stage = Stage::set().await;
    let post = Sender::to(&stage);
    let mut sent = BTreeMap::<String, u64>::new();
    for (event, payload) in examples() {
        assert_eq!(post.signed(&event, &payload.to_string()).await, 202, "{event}: {payload}");
        *sent.entry(event).or_default() += 1;
    }
    assert!(sent.len() > 50 && sent.values().sum::<u64>() > 300, "GitHub publishes more than {sent:?}");
    // Some were recorded by plain webhooks, which name no installation. An App is never sent such.
    let complaints = log.errors();
    assert!(complaints.iter().all(|line| line.contains("the payload has no installation")), "{complaints:#?}");

    let health = post.settled().await;
    assert_eq!(health["queues"]["failed_deliveries"], 0, "{health}");
    for (event, count) in sent.iter().filter(|(event, _)| !USED.contains(&event.as_str())) {
        assert_eq!(health["events_not_used"][event], *count, "{event} is answered and counted: {health}");
    }
}

#[tokio::test]
async fn every_published_payload_as_an_app_receives_it_is_handled_without_complaint() {
    let (log, _guard) = Log::keep();
    let stage = Stage::set().await;
    let post = Sender::to(&stage);
    for (event, mut payload) in examples().filter(|(event, _)| USED.contains(&event.as_str())) {
        payload["installation"] = json!({ "id": 690_857, "node_id": "MDIzOkludGVncmF0aW9uSW5zdGFsbGF0aW9uNjkwODU3" });
        assert_eq!(post.signed(&event, &payload.to_string()).await, 202, "{payload}");
    }
    let health = post.settled().await;
    assert_eq!(health["queues"]["failed_deliveries"], 0, "{health}");
    assert_eq!(log.errors(), Vec::<String>::new());
}

#[test]
fn what_github_publishes_about_rules_and_pull_requests_is_read() {
    let mut read = BTreeSet::new();
    for (event, mut payload) in examples().filter(|(event, _)| USED.contains(&event.as_str())) {
        payload["installation"] = json!({ "id": 690_857 });
        let said = match webhook::parse(&event, payload.to_string().as_bytes()).unwrap() {
            Some(Incoming::RulesMayHaveChanged(changed)) if changed.repository.is_none() => {
                format!("{:?} everywhere", changed.why)
            }
            Some(Incoming::RulesMayHaveChanged(changed)) => format!("{:?}", changed.why),
            Some(Incoming::PullRequestChanged(_)) => "a new head".to_owned(),
            _ => continue,
        };
        let action = payload["action"].as_str().map(|action| format!(".{action}")).unwrap_or_default();
        read.insert(format!("{event}{action}: {said}"));
    }
    let expected = [
        "member.added: Access",
        "member.edited: Access",
        "membership.added: Teams everywhere",
        "membership.removed: Teams everywhere",
        "pull_request.opened: a new head",
        "pull_request.reopened: a new head",
        "pull_request.synchronize: a new head",
        "repository.edited: DefaultBranch",
        "team.added_to_repository: Teams",
        "team.created: Teams everywhere",
        "team.deleted: Teams everywhere",
        "team.edited: Teams everywhere",
        "team.removed_from_repository: Teams",
        "team_add: Teams",
    ];
    // No push: none of those it publishes touches a file of the rules. With another file, it would.
    assert_eq!(read.iter().map(String::as_str).collect::<Vec<_>>(), expected);
    let is_to_a_branch = |push: &Value| push["ref"].as_str().unwrap().starts_with("refs/heads/");
    let pushes = examples().filter(|(event, payload)| event == "push" && is_to_a_branch(payload));
    for (_, mut push) in pushes {
        push["installation"] = json!({ "id": 690_857 });
        push["commits"][0]["added"] = json!([".github/seconder.yml"]);
        let read = webhook::parse("push", push.to_string().as_bytes()).unwrap();
        assert!(matches!(read, Some(Incoming::RulesMayHaveChanged(_))), "{read:?}");
    }
}

#[tokio::test]
async fn a_held_deployment_is_understood_in_every_shape_github_may_give_it() {
    let (log, _guard) = Log::keep();
    let stage = Stage::set().await;
    stage.github.webhooks_down(true);
    let post = Sender::to(&stage);
    for (shape, change) in shapes() {
        let sha = stage.agents_commit();
        let run = stage.deploy(&sha);
        let payload = held(&stage, run, &sha, &change);
        assert_eq!(post.signed("deployment_protection_rule", &payload).await, 202, "{shape}");
        let check = stage.asked(&sha).await;
        stage.github.webhooks_down(false);
        stage.github.click(check.id, "approve", "alice");
        assert_eq!(
            stage.decision(run).await.0,
            "approved",
            "{shape}: the decision goes to GitHub, wherever the URL led"
        );
        stage.github.webhooks_down(true);
    }
    let health = post.settled().await;
    assert_eq!(health["queues"]["failed_deliveries"], 0, "{health}");
    assert_eq!(log.errors(), Vec::<String>::new());
}

#[tokio::test]
async fn what_cannot_be_used_is_acknowledged_and_said_aloud() {
    let (log, _guard) = Log::keep();
    let stage = Stage::set().await;
    let post = Sender::to(&stage);
    let waiting = stage.deploy(&stage.agents_commit());
    let about = |run: u64, change: Value| held(&stage, RunId(run), &"0".repeat(40), &change);
    for (body, complaint) in [
        ("{ not json".to_owned(), "the payload cannot be read"),
        ("[1, 2, 3]".to_owned(), "the payload cannot be read"),
        (r#"{"action":"requested"}"#.to_owned(), "the payload has no installation"),
        (about(1, json!({ "environment": null, "deployment": null })), "the payload has no environment"),
        (about(1, json!({ "deployment_callback_url": null })), "the payload has no deployment_callback_url"),
        (
            about(
                1,
                json!({ "deployment_callback_url": "https://api.github.com/repos/acme/vault/actions/runs/1/deployment_protection_rule" }),
            ),
            "does not name a run of acme/shop",
        ),
        // These can be read and lead nowhere: they are given up after one look, not tried for ever.
        (about(404, json!({})), "delivery given up"),
        (about(404, json!({ "installation": { "id": 1 } })), "delivery given up"),
    ] {
        assert_eq!(post.signed("deployment_protection_rule", &body).await, 202, "{body}");
        post.settled().await;
        let complaints = log.errors();
        assert!(complaints.len() == 1 && complaints[0].contains(complaint), "{body}\n{complaints:#?}");
    }
    let health = post.settled().await;
    assert_eq!(
        (&health["queues"]["failed_deliveries"], &health["events_not_used"]["unusable"]),
        (&json!(2), &json!(6))
    );
    assert!(stage.github.callbacks(waiting).is_empty(), "nothing is released by it");
}

#[tokio::test]
async fn who_cannot_sign_or_does_not_say_what_is_turned_away() {
    let stage = Stage::set().await;
    let post = Sender::to(&stage);
    let body = "{}";
    let (event, delivery) = (("x-github-event", "check_run"), ("x-github-delivery", "1"));
    let mine = ("x-hub-signature-256", signature(SECRET, body.as_bytes()));
    let anothers = ("x-hub-signature-256", signature("another", body.as_bytes()));
    let (mine, anothers) = ((mine.0, mine.1.as_str()), (anothers.0, anothers.1.as_str()));
    for (headers, status) in [
        (vec![event, delivery], 401),
        (vec![event, delivery, ("x-hub-signature-256", "sha256=00")], 401),
        (vec![event, delivery, ("x-hub-signature-256", "sha1=0000000000000000000000000000000000000000")], 401),
        (vec![event, delivery, anothers], 401),
        (vec![delivery, mine], 400),
        (vec![event, mine], 400),
        (vec![event, delivery, mine], 202),
    ] {
        assert_eq!(post.post(&headers, body).await, status, "{headers:?}");
    }
    assert_eq!(post.signed("push", &" ".repeat(25 * MEGABYTE)).await, 202, "as large as GitHub sends them");
    assert_eq!(post.announced(25 * MEGABYTE + 1).await, 413, "turned away before it is sent");
}

#[tokio::test]
async fn while_the_secret_is_replaced_both_are_accepted() {
    let mut stage = Stage::set().await;
    stage.stop().await;
    let mut config = stage.config();
    config.github.webhook_secrets = vec!["the new one".to_owned().into(), SECRET.to_owned().into()];
    stage.server = Some(Server::start(config).await.unwrap());
    let post = Sender::to(&stage);
    for (secret, status) in [(SECRET, 202), ("the new one", 202), ("neither", 401)] {
        assert_eq!(post.signed_with(secret, "check_run", r#"{"action":"created"}"#).await, status, "{secret}");
    }
}

/// Every payload in GitHub's collection, with its event's name.
fn examples() -> impl Iterator<Item = (String, Value)> {
    let index = packages().join("@octokit/webhooks-examples/api.github.com/index.json");
    let events: Vec<Value> = serde_json::from_slice(&std::fs::read(index).unwrap()).unwrap();
    events.into_iter().flat_map(|event| {
        let name = event["name"].as_str().unwrap().to_owned();
        let payloads = event["examples"].as_array().unwrap().clone();
        payloads.into_iter().map(move |payload| (name.clone(), payload))
    })
}

/// What GitHub's documentation leaves open, was seen, or may come.
fn shapes() -> Vec<(&'static str, Value)> {
    let absent = || json!("absent");
    let mut deployment = deployment(&"0".repeat(40));
    deployment["creator"] = Value::Null;
    deployment["payload"] = json!("{\"free\": \"text\"}");
    vec![
        ("as documented", json!({})),
        ("from before `sha` and `ref` were sent", json!({ "sha": absent(), "ref": absent(), "event": absent() })),
        ("without a deployment", json!({ "deployment": null })),
        ("without even the word", json!({ "deployment": absent(), "pull_requests": absent(), "organization": null })),
        ("a deployment nobody created, whose payload is a string", json!({ "deployment": deployment })),
        (
            "a callback that leads elsewhere",
            json!({ "deployment_callback_url": "https://attacker.example/repos/ACME/Shop/actions/runs/{run}/deployment_protection_rule" }),
        ),
        (
            "from GitHub Enterprise Server",
            json!({ "deployment_callback_url": "https://ghe.example/api/v3/repos/acme/shop/actions/runs/{run}/deployment_protection_rule" }),
        ),
        ("caused by a bot", json!({ "sender": { "login": "shopbot[bot]", "id": 99, "type": "Bot" } })),
        ("caused by nobody", json!({ "sender": null })),
        ("with fields of tomorrow", json!({ "run_attempt": { "number": 1 }, "jobs": [null], "enterprise": {} })),
    ]
}

fn deployment(sha: &str) -> Value {
    json!({
        "id": 42, "sha": sha, "ref": "main", "task": "deploy", "environment": "production", "payload": { "any": ["thing"] },
        "creator": { "login": "github-actions[bot]", "id": 41_898_282, "type": "Bot" },
        "created_at": "2026-11-22T08:00:00Z", "statuses_url": "https://api.github.com/",
    })
}

/// `deployment_protection_rule` as GitHub documents it, with some fields changed: GitHub publishes no example.
///
/// <https://docs.github.com/webhooks/webhook-events-and-payloads#deployment_protection_rule>
fn held(stage: &Stage, run: RunId, sha: &str, change: &Value) -> String {
    let account = |login: &str, id: u64| json!({ "login": login, "id": id, "type": "User" });
    let mona = account("mona", stage.github.user("mona", UserKind::User));
    let acme = account("acme", stage.github.user("acme", UserKind::Organization));
    let mut payload = json!({
        "action": "requested",
        "environment": "production",
        "event": "push",
        "sha": sha,
        "ref": "main",
        "deployment_callback_url": "https://api.github.com/repos/acme/shop/actions/runs/{run}/deployment_protection_rule",
        "deployment": deployment(sha),
        "pull_requests": [],
        "repository": { "id": repository_id(stage), "name": "shop", "full_name": SHOP, "private": true, "owner": acme },
        "organization": acme,
        "installation": { "id": stage.github.org("acme"), "node_id": "MDIz" },
        "sender": mona,
    });
    let fields = payload.as_object_mut().unwrap();
    fields.extend(change.as_object().unwrap().clone());
    fields.retain(|_, value| *value != "absent");
    payload.to_string().replace("{run}", &run.to_string())
}

/// The shop's id, as the fake's own webhooks have it.
fn repository_id(stage: &Stage) -> u64 {
    stage.github.deliveries().iter().find_map(|delivery| delivery.repository).expect("a webhook about the shop")
}

/// Posts webhooks to the server of a stage.
struct Sender {
    client: Client<HttpConnector, Full<Bytes>>,
    server: String,
    sent: AtomicU64,
}

impl Sender {
    fn to(stage: &Stage) -> Self {
        let client = Client::builder(TokioExecutor::new()).build_http();
        Self { client, server: format!("http://{}", stage.server.as_ref().unwrap().address()), sent: AtomicU64::new(0) }
    }

    async fn signed(&self, event: &str, body: &str) -> u16 {
        self.signed_with(SECRET, event, body).await
    }

    async fn signed_with(&self, secret: &str, event: &str, body: &str) -> u16 {
        let delivery = format!("delivery-{}", self.sent.fetch_add(1, Ordering::Relaxed));
        let signature = signature(secret, body.as_bytes());
        let headers =
            [("x-github-event", event), ("x-github-delivery", &delivery), ("x-hub-signature-256", &signature)];
        self.post(&headers, body).await
    }

    async fn post(&self, headers: &[(&str, &str)], body: &str) -> u16 {
        let mut request = http::Request::post(format!("{}/github/webhooks", self.server));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Full::new(Bytes::copy_from_slice(body.as_bytes()))).unwrap();
        self.client.request(request).await.unwrap().status().as_u16()
    }

    /// Says how long a body would be, and waits for the answer without sending it.
    async fn announced(&self, length: usize) -> u16 {
        let mut stream = TcpStream::connect(self.server.strip_prefix("http://").unwrap()).await.unwrap();
        let head = format!(
            "POST /github/webhooks HTTP/1.1\r\nhost: seconder\r\nx-hub-signature-256: sha256=00\r\n\
             content-length: {length}\r\n\r\n"
        );
        stream.write_all(head.as_bytes()).await.unwrap();
        let mut status_line = [0; 12];
        stream.read_exact(&mut status_line).await.unwrap();
        std::str::from_utf8(&status_line[9..]).unwrap().parse().unwrap()
    }

    /// What `/readyz` says once nothing is left to do. The server must be ready all the while.
    async fn settled(&self) -> Value {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let answer = self.client.get(format!("{}/readyz", self.server).parse().unwrap()).await.unwrap();
            let status = answer.status();
            let health: Value =
                serde_json::from_slice(&answer.into_body().collect().await.unwrap().to_bytes()).unwrap();
            assert_eq!(status, 200, "{health}");
            if health["queues"]["queued_deliveries"] == 0 && health["queues"]["queued_effects"] == 0 {
                return health;
            }
            assert!(Instant::now() < deadline, "there is always something left to do: {health}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

/// What a server of this test logs as an error, a line each: it logs where the thread logs that starts it.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    fn keep() -> (Self, DefaultGuard) {
        let log = Self::default();
        let writer = log.clone();
        let subscriber = tracing_subscriber::fmt()
            .with_max_level(tracing::Level::ERROR)
            .with_ansi(false)
            .with_writer(move || writer.clone())
            .finish();
        (log, tracing::subscriber::set_default(subscriber))
    }

    /// The errors since this was last asked.
    fn errors(&self) -> Vec<String> {
        let bytes = std::mem::take(&mut *self.0.lock().unwrap());
        String::from_utf8(bytes).unwrap().lines().map(str::to_owned).collect()
    }
}

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
