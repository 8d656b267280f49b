//! The fake GitHub is as strict as the real one: whoever gets past it did what GitHub asks for.

use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioIo};
use ring::rand::SystemRandom;
use ring::signature::{RSA_PKCS1_SHA256, RsaKeyPair};
use seconder::demo::{Commit, Deploy, GitHub, Options, PullRequest, RunId, UserKind};
use serde_json::{Value, json};
use tokio::net::TcpListener;

mod checks;
mod questions;
mod releases;
mod runs;
mod tokens;
mod webhooks;

const SECRET: &str = "between us";
const PATIENCE: Duration = Duration::from_secs(5);

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
