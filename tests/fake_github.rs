//! The fake GitHub is as strict as the real one: whoever gets past it did what GitHub asks for.

use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioIo};
use ring::rand::SystemRandom;
use ring::signature::{RSA_PKCS1_SHA256, RsaKeyPair};
use seconder::demo::{Commit, Deploy, GitHub, Level, Options, PullRequest, RunId, Trouble, UserKind, signature};
use serde_json::{Value, json};
use tokio::net::TcpListener;

const SECRET: &str = "between us";
const PATIENCE: Duration = Duration::from_secs(5);

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
async fn a_token_can_do_only_what_it_was_minted_for() {
    let world = World::new().await;
    world.github.repository("acme/vault");
    let reader = world.token(json!({ "permissions": { "checks": "read" }, "repositories": ["shop"] })).await;
    let body = json!({ "name": "Seconder", "head_sha": world.sha });
    assert_eq!(world.post("/repos/acme/shop/check-runs", &reader, body).await.0, 403);
    assert_eq!(world.get("/repos/acme/shop", &reader).await.0, 200);
    assert_eq!(world.get("/repos/acme/vault", &reader).await.0, 404, "out of the token's reach");
    assert_eq!(world.get("/repos/acme/shop", "ghs_made_up").await.0, 401);
    assert_eq!(world.get("/app", &reader).await.0, 401, "only the App itself may ask this");
    let more = json!({ "permissions": { "administration": "write" } });
    assert_eq!(world.post(&world.tokens_path(), &world.app_token(0, 600), more).await.0, 422);
}

#[tokio::test]
async fn a_release_is_a_draft_until_it_is_published_and_where_that_is_final_it_never_changes_again() {
    let mut options = Options::default();
    options.permissions.insert("contents".to_owned(), Level::Write);
    let world = World::with(options).await;
    world.github.immutable_releases("acme/shop", true);
    let writer = world.token(json!({ "permissions": { "contents": "write" } })).await;
    let reader = world.token(json!({ "permissions": { "contents": "read" } })).await;
    let releases = "/repos/acme/shop/releases";
    let draft = json!({ "tag_name": "v1", "draft": true });
    assert_eq!(world.post(releases, &reader, draft.clone()).await.0, 403);
    let (status, release) = world.post(releases, &writer, draft.clone()).await;
    assert_eq!((status, release["draft"].as_bool()), (201, Some(true)));
    let one = format!("{releases}/{}", release["id"]);
    assert_eq!(world.get(&one, &reader).await.0, 404, "who cannot push sees no draft");
    assert_eq!(world.get(releases, &reader).await.1, json!([]));

    let upload = async |name: &str| {
        let path = format!("/uploads{one}/assets?name={name}");
        world.send("POST", &path, &writer, Bytes::from_static(b"a file")).await
    };
    let (status, asset) = upload("notes").await;
    let sha256 = hex::encode(ring::digest::digest(&ring::digest::SHA256, b"a file"));
    assert_eq!((status, asset["digest"].as_str()), (201, Some(format!("sha256:{sha256}").as_str())));
    assert_eq!(upload("notes").await.0, 422, "a name is taken once");
    let publish = async || world.send("PATCH", &one, &writer, Bytes::from_static(br#"{"draft":false}"#)).await;
    assert_eq!(publish().await.1["immutable"], true);
    assert_eq!(upload("more").await.0, 422);
    let asset = format!("{releases}/assets/{}", asset["id"]);
    assert_eq!(world.send("DELETE", &asset, &writer, Bytes::new()).await.0, 422);

    world.github.delete_release("acme/shop", release["id"].as_u64().unwrap());
    let (_, again) = world.post(releases, &writer, draft).await;
    let again = format!("{releases}/{}", again["id"]);
    let (status, answer) = world.send("PATCH", &again, &writer, Bytes::from_static(br#"{"draft":false}"#)).await;
    assert_eq!(status, 422);
    assert!(answer.to_string().contains("tag_name was used by an immutable release"), "{answer}");
}

#[tokio::test]
async fn an_app_token_that_lives_too_long_or_is_forged_is_refused() {
    let world = World::new().await;
    assert_eq!(world.get("/app", &world.app_token(-60, 540)).await.0, 200);
    assert_eq!(world.get("/app", &world.app_token(0, 3_600)).await.0, 401);
    assert_eq!(world.get("/app", &world.app_token(-900, -300)).await.0, 401);
    let mut forged = world.app_token(0, 300);
    let middle = forged.find('.').unwrap() + 5;
    forged.replace_range(middle..=middle, "_");
    assert_eq!(world.get("/app", &forged).await.0, 401);
}

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
async fn a_route_nobody_wrote_is_remembered() {
    let world = World::new().await;
    let token = world.token(json!({})).await;
    assert_eq!(world.get("/repos/acme/shop/labels", &token).await.0, 404);
    assert_eq!(world.github.unknown_routes(), ["GET /repos/acme/shop/labels"]);
}

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

#[tokio::test]
async fn graphql_answers_what_was_selected_and_refuses_what_is_not_there() {
    let world = World::new().await;
    let token = world.token(json!({})).await;
    world.github.file("acme/shop", "olga", ".github/seconder.yml", Some("version: 1\n"));
    world.github.deploy("acme/shop", &Deploy::to("production", &world.sha, "mona"));
    let query = "query DeploymentContext($owner: String!, $name: String!, $environment: String!) {
        repository(owner: $owner, name: $name) {
            defaultBranchRef { name target { oid } }
            policy: object(expression: \"HEAD:.github/seconder.yml\") { ... on Blob { text isTruncated } }
            deployments(environments: [$environment], first: 50, orderBy: {field: CREATED_AT, direction: DESC}) {
                nodes { commitOid state statuses(first: 10) { nodes { state } } }
            }
            c0: object(oid: \"SHA\") { ... on Commit { authors(first: 20) { totalCount nodes { email user { login } } }
                associatedPullRequests(first: 5) { nodes { number author { __typename login ... on User { databaseId } } } } } }
        }
    }"
    .replace("SHA", &world.sha);
    let variables = json!({ "owner": "acme", "name": "shop", "environment": "production" });
    let ask = |query: String| json!({ "operationName": "DeploymentContext", "query": query, "variables": variables });
    let (_, answer) = world.post("/graphql", &token, ask(query.clone())).await;
    let repository = &answer["data"]["repository"];
    assert_eq!(repository["policy"], json!({ "text": "version: 1\n", "isTruncated": false }), "{answer}");
    assert_eq!(repository["deployments"]["nodes"][0]["statuses"]["nodes"][0]["state"], "WAITING");
    assert_eq!(repository["c0"]["authors"]["totalCount"], 2);
    assert_eq!(repository["c0"]["authors"]["nodes"][1]["user"], Value::Null, "an agent's address belongs to nobody");
    assert_eq!(repository["c0"]["associatedPullRequests"]["nodes"][0]["author"]["login"], "mona");
    for (wrong, kind) in [
        (query.replace("commitOid", "sha"), "undefinedField"),
        (query.replace("statuses(first: 10)", "statuses"), "MISSING_PAGINATION_BOUNDARIES"),
    ] {
        let (_, refused) = world.post("/graphql", &token, ask(wrong)).await;
        assert_eq!(refused["errors"][0]["type"], kind, "{refused}");
    }
    let blind = world.token(json!({ "permissions": { "contents": "read" } })).await;
    assert_eq!(world.post("/graphql", &blind, ask(query)).await.1["errors"][0]["type"], "FORBIDDEN");
}

#[tokio::test]
async fn a_comparison_of_more_than_250_commits_is_cut() {
    let world = World::new().await;
    let token = world.token(json!({})).await;
    let mut last = String::new();
    for number in 0..301 {
        let path = format!("src/{number}.rs");
        last = world.github.commit("acme/shop", &Commit::by("mona", "More").touching(&[&path]));
    }
    let path = format!("/repos/acme/shop/compare/{}...{last}", world.sha);
    let (_, whole) = world.get(&path, &token).await;
    let length = |list: &Value| list.as_array().unwrap().len();
    assert_eq!((&whole["status"], &whole["total_commits"]), (&json!("ahead"), &json!(301)));
    assert_eq!((length(&whole["commits"]), length(&whole["files"])), (250, 300));
    let (_, second) = world.get(&format!("{path}?per_page=100&page=4"), &token).await;
    assert_eq!((length(&second["commits"]), length(&second["files"])), (1, 0));
    assert_eq!(second["commits"][0]["sha"], last);
    let side = world
        .github
        .commit("acme/shop", &Commit { parents: vec![world.sha.clone()], ..Commit::by("mona", "Aside").on("aside") });
    let (_, apart) = world.get(&format!("/repos/acme/shop/compare/{last}...{side}"), &token).await;
    assert_eq!((&apart["status"], &apart["merge_base_commit"]["sha"]), (&json!("diverged"), &json!(world.sha)));
}

#[tokio::test]
async fn what_goes_wrong_on_purpose_goes_wrong_as_often_as_ordered() {
    let world = World::new().await;
    let token = world.token(json!({})).await;
    world.github.fail("GET /users", 1, Trouble::Status(502));
    world.github.fail("GET /users", 1, Trouble::RateLimit { status: 429, retry_after: 7 });
    world.github.fail("GET /users", 1, Trouble::LoseAnswer);
    assert_eq!(world.get("/users/mona", &token).await.0, 502);
    assert_eq!(world.get("/users/mona", &token).await.0, 429);
    assert_eq!(world.get("/users/mona", &token).await.0, 0, "the connection is closed");
    assert_eq!(world.get("/users/mona", &token).await.0, 200);
    world.github.limit_writes(Some(0.1));
    let body = json!({ "name": "Seconder", "head_sha": world.sha });
    assert_eq!(world.post("/repos/acme/shop/check-runs", &token, body.clone()).await.0, 201);
    assert_eq!(world.post("/repos/acme/shop/check-runs", &token, body).await.0, 403);
}

#[tokio::test]
async fn an_enterprise_server_has_its_interface_below_api_v3() {
    let world = World::with(Options { enterprise_server: true, ..Options::default() }).await;
    let token = world.token(json!({})).await;
    assert!(world.github.api_url().ends_with("/api/v3") && world.github.graphql_url().ends_with("/api/graphql"));
    let (_, repository) = world.get("/repos/acme/shop", &token).await;
    assert_eq!(repository["url"], format!("{}/repos/acme/shop", world.github.api_url()));
    assert_eq!(world.github.unknown_routes(), Vec::<String>::new());
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

/// A fake with a small world, a client of its own, and a receiver for its webhooks.
struct World {
    github: GitHub,
    client: Client<HttpConnector, Full<Bytes>>,
    installation: u64,
    sha: String,
    inbox: Arc<Mutex<Vec<(http::HeaderMap, Bytes)>>>,
}

impl World {
    async fn new() -> Self {
        Self::with(Options::default()).await
    }

    async fn with(options: Options) -> Self {
        let github = GitHub::start(options).await.unwrap();
        let installation = github.org("acme");
        github.repository("acme/shop");
        for (login, role) in [("mona", "write"), ("olga", "admin")] {
            github.user(login, UserKind::User);
            github.collaborator("acme/shop", login, role);
        }
        github.environment("acme/shop", "production");
        let message = "Round prices\n\nCo-Authored-By: Claude <noreply@anthropic.com>";
        let sha = github.commit("acme/shop", &Commit::by("mona", message));
        github.pull_request(
            "acme/shop",
            &PullRequest {
                author: "mona".to_owned(),
                commits: vec![sha.clone()],
                merged_as: Some(sha.clone()),
                ..PullRequest::default()
            },
        );
        let inbox = Arc::default();
        github.set_webhook(&receiver(Arc::clone(&inbox)).await, SECRET);
        let client = Client::builder(TokioExecutor::new()).build_http();
        Self { github, client, installation, sha, inbox }
    }

    fn deploy(&self) -> RunId {
        self.github.deploy("acme/shop", &Deploy::to("production", &self.sha, "mona"))
    }

    /// A JSON Web Token of the App, issued and expiring so many seconds from now.
    fn app_token(&self, issued: i64, expires: i64) -> String {
        let now = i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()).unwrap();
        let claims = json!({ "iss": self.github.app_id().to_string(), "iat": now + issued, "exp": now + expires });
        let signed = [json!({ "alg": "RS256", "typ": "JWT" }), claims]
            .map(|part| URL_SAFE_NO_PAD.encode(part.to_string()))
            .join(".");
        let pem: String = self.github.app_private_key_pem().lines().filter(|line| !line.starts_with("-----")).collect();
        let key = RsaKeyPair::from_der(&STANDARD.decode(pem).unwrap()).unwrap();
        let mut mark = vec![0; key.public().modulus_len()];
        key.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), signed.as_bytes(), &mut mark).unwrap();
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(mark))
    }

    fn tokens_path(&self) -> String {
        format!("/app/installations/{}/access_tokens", self.installation)
    }

    async fn token(&self, narrowed: Value) -> String {
        let (status, answer) = self.post(&self.tokens_path(), &self.app_token(0, 600), narrowed).await;
        assert_eq!(status, 201, "{answer}");
        answer["token"].as_str().unwrap().to_owned()
    }

    async fn decide(&self, run: RunId, token: &str, body: Value) -> u16 {
        self.post(&format!("/repos/acme/shop/actions/runs/{run}/deployment_protection_rule"), token, body).await.0
    }

    async fn get(&self, path: &str, token: &str) -> (u16, Value) {
        self.send("GET", path, token, Bytes::new()).await
    }

    async fn post(&self, path: &str, token: &str, body: Value) -> (u16, Value) {
        self.send("POST", path, token, body.to_string().into()).await
    }

    /// Status and body; status 0 when the connection was closed without an answer.
    async fn send(&self, method: &str, path: &str, token: &str, body: Bytes) -> (u16, Value) {
        let request = http::Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.github.api_url()))
            .header("user-agent", "seconder-tests")
            .header("authorization", format!("Bearer {token}"))
            .body(Full::new(body))
            .unwrap();
        let Ok(response) = self.client.request(request).await else {
            return (0, Value::Null);
        };
        assert!(response.headers().contains_key("x-ratelimit-remaining"));
        let status = response.status().as_u16();
        let body = response.into_body().collect().await.unwrap().to_bytes();
        (status, serde_json::from_slice(&body).unwrap_or(Value::Null))
    }

    /// The first `count` webhooks, once they are there.
    async fn received(&self, count: usize) -> Vec<(http::HeaderMap, Bytes)> {
        let arrived =
            |github: &GitHub| github.deliveries().iter().filter(|delivery| delivery.arrived()).count() >= count;
        self.github.wait_until(PATIENCE, arrived).await.unwrap();
        std::mem::take(&mut *self.inbox.lock().unwrap())
    }
}

/// Listens for webhooks, keeps them, and says where it listens.
async fn receiver(inbox: Arc<Mutex<Vec<(http::HeaderMap, Bytes)>>>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/github/webhooks", listener.local_addr().unwrap());
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let inbox = Arc::clone(&inbox);
            let service = hyper::service::service_fn(move |request: http::Request<hyper::body::Incoming>| {
                let inbox = Arc::clone(&inbox);
                async move {
                    let (head, body) = request.into_parts();
                    let body = body.collect().await?.to_bytes();
                    inbox.lock().unwrap().push((head.headers, body));
                    Ok::<_, hyper::Error>(http::Response::builder().status(202).body(Full::<Bytes>::default()).unwrap())
                }
            });
            tokio::spawn(hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service));
        }
    });
    url
}
