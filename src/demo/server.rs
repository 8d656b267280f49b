//! The HTTP server: reads a request, asks the state under its lock, answers with GitHub's headers.

use std::convert::Infallible;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use http::{HeaderMap, HeaderValue, Method, Request, Response, header};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::{Bytes, Incoming};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;

use super::auth::{self, Caller};
use super::clock;
use super::journal::ApiCall;
use super::limits::{self, Trouble};
use super::routes::{self, Access, Call, Reply};
use super::state::State;
use super::webhooks::Outgoing;

const BODY_LIMIT: usize = 30 << 20;
/// GitHub takes assets below 2 GiB.
const ASSET_LIMIT: usize = (2 << 30) - 1;

/// The state, and who must hear when it changes.
#[derive(Clone)]
pub(super) struct Shared(Arc<Inner>);

struct Inner {
    state: Mutex<State>,
    changes: watch::Sender<u64>,
    outbox: mpsc::UnboundedSender<Outgoing>,
    public_key: Vec<u8>,
}

impl Shared {
    /// Shares a state.
    pub fn new(state: State, outbox: mpsc::UnboundedSender<Outgoing>, public_key: Vec<u8>) -> Self {
        Self(Arc::new(Inner { state: Mutex::new(state), changes: watch::Sender::new(0), outbox, public_key }))
    }

    /// Works on the state; then sends what it wants sent, and wakes whoever waits for a change.
    pub fn with<T>(&self, work: impl FnOnce(&mut State) -> T) -> T {
        let (answer, outgoing) = {
            let mut state = self.0.state.lock().unwrap_or_else(PoisonError::into_inner);
            let answer = work(&mut state);
            (answer, std::mem::take(&mut state.hook.outbox))
        };
        for delivery in outgoing {
            // The sender lives as long as the fake; at the end nobody listens, which is what closing means.
            let _ = self.0.outbox.send(delivery);
        }
        self.0.changes.send_modify(|version| *version += 1);
        answer
    }

    /// Looks at the state without changing it.
    pub fn read<T>(&self, look: impl FnOnce(&State) -> T) -> T {
        look(&self.0.state.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Hears of every change from now on.
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.0.changes.subscribe()
    }
}

/// The connection is to be closed without an answer.
#[derive(Debug, thiserror::Error)]
#[error("the fake drops this connection on purpose")]
struct Dropped;

/// Accepts connections until it is dropped; all of them end with it.
pub(super) async fn serve(listener: TcpListener, shared: Shared) -> Infallible {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                let Ok((stream, _)) = accepted else { continue };
                let _ = stream.set_nodelay(true);
                let shared = shared.clone();
                let service = hyper::service::service_fn(move |request| answer(shared.clone(), request));
                connections.spawn(hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service));
            }
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn answer(shared: Shared, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Dropped> {
    let (head, body) = request.into_parts();
    let is_asset = ["/uploads/", "/api/uploads/"].iter().any(|place| head.uri.path().starts_with(place));
    let limit = if is_asset { ASSET_LIMIT } else { BODY_LIMIT };
    let body = Limited::new(body, limit).collect().await.map_err(|_| Dropped)?.to_bytes();
    let (path, query) = (head.uri.path(), head.uri.query().unwrap_or_default());
    if let Some(verb) = path.strip_prefix("/_demo/") {
        let reply = super::control::handle(&shared, &head.method, verb, &body);
        return Ok(response(reply, [0; 4], "demo"));
    }
    let request = Asked { method: &head.method, headers: &head.headers, path, query, body: &body };
    let (outcome, latency, rate) = shared.with(|state| {
        let outcome = process(state, &shared.0.public_key, &request);
        (outcome, state.limits.latency, state.limits.headers())
    });
    if !latency.is_zero() {
        tokio::time::sleep(latency).await;
    }
    match outcome {
        Outcome::Answer(reply) => {
            Ok(response(reply, rate, if path.ends_with("/graphql") { "graphql" } else { "core" }))
        }
        Outcome::Dropped => Err(Dropped),
        Outcome::Hang(time) => {
            tokio::time::sleep(time).await;
            Err(Dropped)
        }
    }
}

struct Asked<'a> {
    method: &'a Method,
    headers: &'a HeaderMap,
    path: &'a str,
    query: &'a str,
    body: &'a [u8],
}

enum Outcome {
    Answer(Reply),
    Dropped,
    Hang(Duration),
}

fn process(state: &mut State, public_key: &[u8], request: &Asked<'_>) -> Outcome {
    let method = request.method.as_str();
    // Uploads have a host of their own: /uploads beside the API, and /api/uploads beside /api/v3.
    let is_elsewhere = request.path.starts_with("/api/uploads/");
    let path = request.path.strip_prefix(if is_elsewhere { "/api" } else { "/api/v3" }).unwrap_or(request.path);
    let Some((route, values)) = routes::find(method, path) else {
        state.journal.unknown.push(format!("{method} {}", request.path));
        let reply = Reply::not_found();
        record(state, request, "unknown".into(), reply.status, &Caller::Nobody);
        return Outcome::Answer(reply);
    };
    let graphql_name = (path.ends_with("/graphql")).then(|| operation(request.body));
    let trouble = state.limits.trouble(graphql_name.as_deref().unwrap_or(&route.name));
    let refused = match &trouble {
        Some(Trouble::Status(status)) => Some(Outcome::Answer(Reply::error(*status, "Server Error"))),
        Some(Trouble::RateLimit { status, retry_after }) => {
            Some(Outcome::Answer(limits::secondary(*status, *retry_after)))
        }
        Some(Trouble::Hang(time)) => Some(Outcome::Hang(*time)),
        Some(Trouble::Drop) => Some(Outcome::Dropped),
        Some(Trouble::LoseAnswer | Trouble::HangAfter(_)) | None => None,
    };
    if let Some(refused) = refused {
        let status = if let Outcome::Answer(reply) = &refused { reply.status } else { 0 };
        record(state, request, graphql_name.unwrap_or_else(|| route.name.to_string()).into(), status, &Caller::Nobody);
        return refused;
    }
    let authorization = request.headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let caller = auth::caller(state, public_key, authorization);
    let writes = method != "GET" && !matches!(route.access, Access::App) && graphql_name.is_none();
    let (label, reply) = match &caller {
        Err(_) => (None, None),
        Ok(caller) => {
            let admitted = state.limits.admit(writes);
            let accept = request.headers.get(header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
            let (query, body) = (request.query, request.body);
            let mut call = Call { state, caller, values, query, body, accept, place: 0, label: None };
            let reply = agent(request.headers)
                .and(admitted)
                .and_then(|()| route.authorize(&mut call))
                .and_then(|()| (route.handler)(&mut call));
            (call.label, Some(reply.unwrap_or_else(|refusal| refusal)))
        }
    };
    let (caller, reply) = match (caller, reply) {
        (Ok(caller), Some(reply)) => (caller, reply),
        (Err(refusal), _) => (Caller::Nobody, refusal),
        (Ok(caller), None) => (caller, Reply::not_found()),
    };
    let lost = matches!(trouble, Some(Trouble::LoseAnswer | Trouble::HangAfter(_)));
    record(state, request, label.unwrap_or_else(|| route.name.clone()), if lost { 0 } else { reply.status }, &caller);
    match trouble {
        Some(Trouble::HangAfter(time)) => Outcome::Hang(time),
        Some(Trouble::LoseAnswer) => Outcome::Dropped,
        _ => Outcome::Answer(reply),
    }
}

/// `POST /graphql NAME`, for faults aimed at one operation.
fn operation(body: &[u8]) -> String {
    #[derive(serde::Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Named<'a> {
        operation_name: Option<&'a str>,
    }
    let named = serde_json::from_slice::<Named<'_>>(body).ok().and_then(|named| named.operation_name);
    format!("POST /graphql {}", named.unwrap_or("anonymous"))
}

/// GitHub refuses clients that do not say who they are.
fn agent(headers: &HeaderMap) -> Result<(), Reply> {
    if headers.contains_key(header::USER_AGENT) {
        return Ok(());
    }
    Err(Reply::error(
        403,
        "Request forbidden by administrative rules. Please make sure your request has a User-Agent header",
    ))
}

fn record(state: &mut State, request: &Asked<'_>, route: Arc<str>, status: u16, caller: &Caller) {
    let (who, repositories): (Arc<str>, _) = match caller {
        Caller::Nobody => ("nobody".into(), None),
        Caller::App => ("app".into(), None),
        Caller::Installation(grant) => {
            (grant.label.clone(), grant.repositories.as_ref().map(std::collections::BTreeSet::len))
        }
    };
    let route = route.strip_prefix(request.method.as_str()).map_or(route.clone(), |rest| rest.trim_start().into());
    let method = request.method.to_string();
    let path = request.path.to_owned();
    state.journal.record(ApiCall {
        method,
        route,
        path,
        status,
        caller: who,
        repositories,
        at_micros: clock::micros(),
    });
}

fn response(reply: Reply, rate: [u64; 4], resource: &'static str) -> Response<Full<Bytes>> {
    let typed = !reply.body.is_empty();
    let mut response = Response::new(Full::new(reply.file.map_or_else(|| Bytes::from(reply.body), Bytes::from)));
    *response.status_mut() =
        http::StatusCode::from_u16(reply.status).unwrap_or(http::StatusCode::INTERNAL_SERVER_ERROR);
    let headers = response.headers_mut();
    headers.insert(header::SERVER, HeaderValue::from_static("github.com"));
    if typed {
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json; charset=utf-8"));
    }
    let [limit, remaining, used, reset] = rate;
    for (name, value) in [
        ("x-ratelimit-limit", limit),
        ("x-ratelimit-remaining", remaining),
        ("x-ratelimit-used", used),
        ("x-ratelimit-reset", reset),
    ] {
        headers.insert(name, HeaderValue::from(value));
    }
    headers.insert("x-ratelimit-resource", HeaderValue::from_static(resource));
    headers.insert("x-github-media-type", HeaderValue::from_static("github.v3; format=json"));
    if let Ok(id) = HeaderValue::from_str(&format!("FA4E:{:X}", clock::micros())) {
        headers.insert("x-github-request-id", id);
    }
    if let Some(link) = reply.link.as_deref().and_then(|link| HeaderValue::from_str(link).ok()) {
        headers.insert(header::LINK, link);
    }
    if let Some(seconds) = reply.retry_after {
        headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    response
}
