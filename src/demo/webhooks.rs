//! Deliveries: signed, sent once, remembered. GitHub never retries on its own.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use hmac::{Hmac, KeyInit, Mac};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Bytes;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::{Value, json};
use sha2::Sha256;
use tokio::sync::mpsc;

use super::clock;
use super::server::Shared;
use super::state::State;

/// github.com's patience with a receiver. (GHES waits 30 s.)
const DEADLINE: Duration = Duration::from_secs(10);
/// Bodies of deliveries that arrived are kept for the newest so many; failed ones always.
const KEPT_BODIES: u64 = 1_000;

/// Where deliveries go, and all there ever were.
pub(super) struct Hook {
    pub url: Option<String>,
    pub secret: String,
    /// Deliveries fail without being sent.
    pub down: bool,
    pub forgetful: bool,
    pub deliveries: BTreeMap<u64, Delivery>,
    /// Waiting for the sender.
    pub outbox: Vec<Outgoing>,
}

/// One attempt to deliver one event.
#[derive(Clone, Debug)]
pub struct Delivery {
    /// The numeric id, new with every attempt.
    pub id: u64,
    /// `X-GitHub-Delivery`: the same for every attempt at one event.
    pub guid: String,
    /// `X-GitHub-Event`.
    pub event: String,
    /// The payload's `action`.
    pub action: Option<String>,
    /// The installation it is about.
    pub installation: Option<u64>,
    /// The repository it is about.
    pub repository: Option<u64>,
    /// Whether somebody asked for it again.
    pub redelivery: bool,
    /// The receiver's status; 502 when it could not be reached, 504 when it was too slow. `None`: under way.
    pub status_code: Option<u16>,
    /// When it was sent, in microseconds since the Unix epoch.
    pub sent_micros: u64,
    /// How long the receiver took.
    pub took: Duration,
    pub(super) body: Bytes,
}

impl Delivery {
    /// `OK`, or what went wrong, in GitHub's words.
    pub(super) fn status(&self) -> String {
        match self.status_code {
            Some(200..300) => "OK".to_owned(),
            Some(502) => "failed to connect to host".to_owned(),
            Some(504) => "timed out".to_owned(),
            Some(code) => format!("Invalid HTTP Response: {code}"),
            None => "pending".to_owned(),
        }
    }

    /// Whether the receiver took it.
    pub fn arrived(&self) -> bool {
        self.status_code.is_some_and(|code| (200..300).contains(&code))
    }

    /// The payload; empty for those that arrived long ago.
    pub fn body(&self) -> &[u8] {
        &self.body
    }
}

/// A request about to be sent.
pub(super) struct Outgoing {
    id: u64,
    url: String,
    headers: Vec<(&'static str, String)>,
    body: Bytes,
}

impl Hook {
    /// A hook towards this address.
    pub fn new(url: Option<String>, secret: String) -> Self {
        Self { url, secret, down: false, forgetful: false, deliveries: BTreeMap::new(), outbox: Vec::new() }
    }
}

/// `sha256=` and the HMAC-SHA256 of the body, as `X-Hub-Signature-256` carries it.
pub fn signature(secret: &str, body: &[u8]) -> String {
    // A key of any length will do: the error cannot happen, and an unsigned delivery is refused by every receiver.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret.as_bytes()) else {
        return String::new();
    };
    mac.update(body);
    format!("sha256={}", hex::encode(mac.finalize().into_bytes()))
}

impl State {
    /// Sends an event about a repository.
    pub fn emit(&mut self, event: &str, action: &str, repository: usize, body: String) {
        let repository = &self.repositories[repository];
        let (owner, repository) = (repository.owner.clone(), repository.id);
        self.send(event, action, &owner, Some(repository), body);
    }

    /// Sends an event about an account. Not every event has an action.
    pub fn send(&mut self, event: &str, action: &str, account: &str, repository: Option<u64>, body: String) {
        if self.hook.forgetful {
            return;
        }
        let installation = self.installation_of(account).map(|installation| installation.id);
        let guid = uuid::Uuid::now_v7().to_string();
        let id = self.fresh_id();
        self.enqueue(Delivery {
            id,
            guid,
            event: event.to_owned(),
            action: (!action.is_empty()).then(|| action.to_owned()),
            installation,
            repository,
            redelivery: false,
            status_code: None,
            sent_micros: clock::micros(),
            took: Duration::ZERO,
            body: body.into(),
        });
    }

    /// Sends a delivery again, under its old GUID. `None` when there is no such delivery, or its body is gone.
    pub fn redeliver(&mut self, id: u64) -> Option<u64> {
        let old = self.hook.deliveries.get(&id).filter(|delivery| !delivery.body.is_empty())?.clone();
        let id = self.fresh_id();
        self.enqueue(Delivery { id, redelivery: true, status_code: None, sent_micros: clock::micros(), ..old });
        Some(id)
    }

    fn enqueue(&mut self, mut delivery: Delivery) {
        let Some(url) = self.hook.url.clone().filter(|_| !self.hook.down) else {
            delivery.status_code = Some(502);
            self.hook.deliveries.insert(delivery.id, delivery);
            return;
        };
        let headers = self.delivery_headers(&delivery);
        self.hook.outbox.push(Outgoing { id: delivery.id, url, headers, body: delivery.body.clone() });
        self.hook.deliveries.insert(delivery.id, delivery);
    }

    fn delivery_headers(&self, delivery: &Delivery) -> Vec<(&'static str, String)> {
        vec![
            ("accept", "*/*".to_owned()),
            ("content-type", "application/json".to_owned()),
            ("user-agent", "GitHub-Hookshot/fake001".to_owned()),
            ("x-github-delivery", delivery.guid.clone()),
            ("x-github-event", delivery.event.clone()),
            ("x-github-hook-id", "620000001".to_owned()),
            ("x-github-hook-installation-target-id", self.options.app_id.to_string()),
            ("x-github-hook-installation-target-type", "integration".to_owned()),
            ("x-hub-signature-256", signature(&self.hook.secret, &delivery.body)),
        ]
    }

    fn delivered(&mut self, id: u64, status: u16, took: Duration) {
        let Some(delivery) = self.hook.deliveries.get_mut(&id) else {
            return;
        };
        delivery.status_code = Some(status);
        delivery.took = took;
        if delivery.arrived() && self.hook.deliveries.len() as u64 > KEPT_BODIES {
            let old =
                self.hook.deliveries.range_mut(..id).rev().nth(usize::try_from(KEPT_BODIES).unwrap_or(usize::MAX));
            if let Some((_, old)) = old.filter(|(_, old)| old.arrived()) {
                old.body = Bytes::new();
            }
        }
    }

    /// REST `hook-delivery-item`, with request and response when asked for in full.
    pub fn delivery_json(&self, delivery: &Delivery, full: bool) -> Value {
        let mut item = json!({
            "id": delivery.id, "guid": delivery.guid, "delivered_at": clock::iso(delivery.sent_micros / 1_000_000),
            "redelivery": delivery.redelivery, "duration": delivery.took.as_secs_f64(), "status": delivery.status(),
            "status_code": delivery.status_code.unwrap_or_default(), "event": delivery.event, "action": delivery.action,
            "installation_id": delivery.installation, "repository_id": delivery.repository, "throttled_at": null,
        });
        if full {
            let headers: serde_json::Map<String, Value> = self
                .delivery_headers(delivery)
                .into_iter()
                .map(|(name, value)| (name.to_owned(), value.into()))
                .collect();
            let payload: Value = serde_json::from_slice(&delivery.body).unwrap_or_else(|_| json!({}));
            item["url"] = json!(self.hook.url.as_deref().unwrap_or_default());
            item["request"] = json!({ "headers": headers, "payload": payload });
            item["response"] = json!({ "headers": {}, "payload": null });
        }
        item
    }
}

/// Sends what comes through the channel, each delivery on its own task.
pub(super) async fn sender(shared: Shared, mut queue: mpsc::UnboundedReceiver<Outgoing>) {
    let client: Client<HttpConnector, Full<Bytes>> = Client::builder(TokioExecutor::new()).build_http();
    let mut under_way = tokio::task::JoinSet::new();
    loop {
        tokio::select! {
            next = queue.recv() => {
                let Some(outgoing) = next else { return };
                let (client, shared) = (client.clone(), shared.clone());
                under_way.spawn(async move {
                    let (id, began) = (outgoing.id, Instant::now());
                    let status = tokio::time::timeout(DEADLINE, send(&client, outgoing)).await.unwrap_or(504);
                    shared.with(|state| state.delivered(id, status, began.elapsed()));
                });
            }
            Some(_) = under_way.join_next() => {}
        }
    }
}

async fn send(client: &Client<HttpConnector, Full<Bytes>>, outgoing: Outgoing) -> u16 {
    let mut request = http::Request::post(&outgoing.url);
    for (name, value) in outgoing.headers {
        request = request.header(name, value);
    }
    let Ok(request) = request.body(Full::new(outgoing.body)) else {
        return 502;
    };
    let Ok(response) = client.request(request).await else {
        return 502;
    };
    let status = response.status().as_u16();
    // Read to the end, so that the connection can be used again.
    match Limited::new(response.into_body(), 1 << 20).collect().await {
        Ok(_) => status,
        Err(_) => 502,
    }
}
