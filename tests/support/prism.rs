//! GitHub's own OpenAPI description, put between Seconder and the fake. Prism holds every request and every answer to it.
//!
//! GraphQL is not in that description: it goes past Prism, and both sides of it are kept for `graphql.mjs`.

use std::borrow::Cow;
use std::collections::HashMap;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use http_body_util::{BodyExt as _, Full};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde::Serialize;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

const LARGEST_BODY: usize = 16 << 20;
const START: Duration = Duration::from_secs(60);

/// An operation of GitHub's description.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Operation {
    #[serde(rename = "operation")]
    pub id: &'static str,
    pub method: &'static str,
    pub path: &'static str,
}

/// The npm packages the contract rests on.
pub fn packages() -> PathBuf {
    let packages = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/contract/node_modules");
    assert!(
        packages.join(".package-lock.json").exists(),
        "{} is missing or half installed; run `make test`, which installs it (or `npm ci` in tests/contract)",
        packages.display()
    );
    packages
}

/// Runs one of the scripts in `tests/contract`; what it finds wrong is the panic's text.
pub fn run_script(script: &str, arguments: &[&Path], input: &impl Serialize) {
    let folder = packages().parent().unwrap().to_owned();
    let mut node = Command::new("node")
        .arg(folder.join(script))
        .args(arguments)
        .stdin(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("`node` cannot be started; install Node.js 20.19 or newer");
    // A script that ends early says why below.
    let _ = node.stdin.take().unwrap().write_all(&serde_json::to_vec(input).unwrap());
    let output = node.wait_with_output().unwrap();
    assert!(output.status.success(), "{script} finds:\n{}", String::from_utf8_lossy(&output.stderr));
}

/// Where Seconder is told GitHub is: REST goes through Prism to the fake, GraphQL past it.
pub struct Checkpoint {
    pub url: String,
    inner: Arc<Inner>,
    _prism: Prism,
    serving: JoinHandle<()>,
}

struct Inner {
    url: String,
    client: Client<HttpConnector, Full<Bytes>>,
    fake: String,
    prism: String,
    violations: Mutex<Vec<String>>,
    graphql: Mutex<Vec<Value>>,
    lost: Mutex<Vec<(&'static str, &'static str)>>,
    /// Files on their way round Prism, which takes every body for text.
    kept: Mutex<HashMap<String, Bytes>>,
}

/// Where Prism hands requests on to: they come by here once more, on their way to the fake.
const BEHIND: &str = "/behind";
/// Names the file that a request carries.
const KEPT: &str = "x-kept-file";

impl Checkpoint {
    pub async fn start(operations: &'static [Operation], fake: String) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let upstream = format!("{url}{BEHIND}");
        let prism = tokio::task::spawn_blocking(move || Prism::start(operations, &upstream)).await.unwrap();
        let inner = Arc::new(Inner {
            url: url.clone(),
            client: Client::builder(TokioExecutor::new()).build_http(),
            fake,
            prism: prism.url.clone(),
            violations: Mutex::default(),
            graphql: Mutex::default(),
            lost: Mutex::default(),
            kept: Mutex::default(),
        });
        let router = axum::Router::new().fallback(pass).with_state(inner.clone());
        let serving = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { url, inner, _prism: prism, serving }
    }

    /// The next answer to a request like this gets lost on its way back: GitHub has done what was asked, and nobody hears.
    pub fn lose_answer(&self, path_ends_with: &'static str, body_contains: &'static str) {
        self.inner.lost.lock().unwrap().push((path_ends_with, body_contains));
    }

    /// What Prism found, a text for each request or answer.
    pub fn violations(&self) -> Vec<String> {
        self.inner.violations.lock().unwrap().clone()
    }

    /// GraphQL requests and their answers.
    pub fn graphql(&self) -> Vec<Value> {
        self.inner.graphql.lock().unwrap().clone()
    }
}

impl Drop for Checkpoint {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

async fn behind(inner: &Inner, request: Request) -> Response {
    let (mut head, body) = request.into_parts();
    let body = axum::body::to_bytes(body, LARGEST_BODY).await.unwrap();
    let file = head.headers.remove(KEPT).and_then(|id| inner.kept.lock().unwrap().remove(id.to_str().unwrap()));
    let path = head.uri.to_string().split_once(BEHIND).unwrap().1.to_owned();
    let mut onward = http::Request::builder().method(head.method).uri(format!("{}{path}", inner.fake));
    *onward.headers_mut().unwrap() = end_to_end(head.headers);
    let answer = inner.client.request(onward.body(Full::new(file.unwrap_or(body))).unwrap()).await.unwrap();
    let (head, body) = answer.into_parts();
    (head.status, end_to_end(head.headers), Body::new(body)).into_response()
}

async fn pass(State(inner): State<Arc<Inner>>, request: Request) -> Response {
    if request.uri().path().starts_with(BEHIND) {
        return behind(&inner, request).await;
    }
    let (mut head, body) = request.into_parts();
    let (method, path) = (head.method.clone(), head.uri.path().to_owned());
    let mut asked = axum::body::to_bytes(body, LARGEST_BODY).await.unwrap();
    if head.headers.get(header::CONTENT_TYPE).is_some_and(|kind| kind == "application/octet-stream") {
        let id = head.uri.to_string();
        head.headers.insert(KEPT, id.parse().unwrap());
        inner.kept.lock().unwrap().insert(id, std::mem::replace(&mut asked, "a file".into()));
    }
    let is_graphql = path == "/graphql";
    // Nor does GitHub describe the bytes of a file.
    let is_file = head.headers.get(header::ACCEPT).is_some_and(|accept| accept == "application/octet-stream");
    let server = if is_graphql || is_file { &inner.fake } else { &inner.prism };
    let mut onward = http::Request::builder().method(head.method).uri(format!("{server}{}", head.uri));
    *onward.headers_mut().unwrap() = end_to_end(head.headers);
    let answer = inner.client.request(onward.body(Full::new(asked.clone())).unwrap()).await;
    let (head, body) = answer.unwrap_or_else(|error| panic!("{method} {path}: {error}")).into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    // Uploads go where the answer says: past here, too.
    let uploads = (format!("{}/uploads/", inner.fake), format!("{}/uploads/", inner.url));
    let body = if is_file { body } else { Bytes::from(text(&body).replace(&uploads.0, &uploads.1)) };

    if is_graphql {
        let read = |bytes: &Bytes| serde_json::from_slice::<Value>(bytes).unwrap();
        inner.graphql.lock().unwrap().push(json!({ "request": read(&asked), "answer": read(&body) }));
    } else if let Some(found) = violation(&head.headers, &body).filter(|_| !is_file) {
        let found = format!("{method} {path}\n  asked: {}\n  {}\n  {found}", text(&asked), head.status);
        eprintln!("{found}"); // Shown when the story gets stuck because of it.
        inner.violations.lock().unwrap().push(found);
    }
    let mut lost = inner.lost.lock().unwrap();
    let is_it = |(end, part): &(&str, &str)| path.ends_with(end) && text(&asked).contains(part);
    if let Some(place) = lost.iter().position(is_it) {
        lost.remove(place);
        return StatusCode::BAD_GATEWAY.into_response();
    }
    (head.status, end_to_end(head.headers), Body::from(body)).into_response()
}

/// Headers that are not about one connection only; the length is counted anew.
fn end_to_end(mut headers: HeaderMap) -> HeaderMap {
    for name in [header::CONNECTION, header::TRANSFER_ENCODING, header::CONTENT_LENGTH, header::HOST] {
        headers.remove(name);
    }
    headers
}

/// Prism's complaint, if the answer is one or carries one.
fn violation(headers: &HeaderMap, body: &Bytes) -> Option<String> {
    if let Some(found) = headers.get("sl-violations") {
        return Some(format!("{}\n  answered: {}", text(found.as_bytes()), text(body)));
    }
    text(body).contains("stoplight.io/prism/errors").then(|| text(body).into_owned())
}

fn text(bytes: &[u8]) -> Cow<'_, str> {
    String::from_utf8_lossy(bytes)
}

/// `prism proxy`; it ends when this is dropped.
struct Prism {
    process: Child,
    url: String,
}

impl Prism {
    fn start(operations: &[Operation], upstream: &str) -> Self {
        let packages = packages();
        let description = packages.join(".cache/github.json");
        run_script("subset.mjs", &[&description], &operations);
        let mut process = Command::new(packages.join(".bin/prism"))
            .arg("proxy")
            .arg(&description)
            .args([upstream, "--errors", "--port", "0"])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .expect("prism cannot be started; run `make test`, which installs it");
        let output = BufReader::new(process.stdout.take().unwrap());
        let (found, address) = mpsc::channel();
        // Reads on to the end, so that Prism never waits for somebody to read.
        std::thread::spawn(move || {
            for line in output.lines().map_while(Result::ok) {
                if let Some((_, url)) = line.split_once("Prism is listening on ") {
                    let _ = found.send(url.trim().to_owned());
                }
            }
        });
        let mut prism = Self { process, url: String::new() };
        prism.url = address.recv_timeout(START).expect("prism did not say where it listens");
        prism
    }
}

impl Drop for Prism {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
