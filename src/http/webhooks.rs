//! `POST /github/webhooks`: verify the raw bytes, write the delivery down, answer. No network call before the answer (P4).

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use tokio::sync::Semaphore;
use tracing::{debug, info, warn};

use super::error::Problem;
use super::{BODY_LIMIT, Endpoints};
use crate::github::webhook::{self, Incoming};
use crate::store::{NewDelivery, Received};

/// How many events of each kind came that the product does not use.
#[derive(Debug, Default)]
pub struct Counters(Mutex<BTreeMap<String, u64>>);

impl Counters {
    /// Kinds are GitHub's, so they are few; a sender who knows the secret cannot make this grow without end either.
    const KINDS: usize = 200;

    fn count(&self, event: &str) {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = counts.get_mut(event) {
            *count += 1;
        } else if counts.len() < Self::KINDS {
            counts.insert(event.to_owned(), 1);
        }
    }

    /// The counts so far.
    #[must_use]
    pub fn snapshot(&self) -> BTreeMap<String, u64> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Room for bodies that are being read: whoever cannot sign can fill no more than this, in KiB.
#[derive(Debug)]
pub struct Room(Semaphore);

impl Default for Room {
    fn default() -> Self {
        Self(Semaphore::new(64 * 1024))
    }
}

/// GitHub hangs up after ten seconds, GitHub Enterprise Server after thirty.
const PATIENCE: Duration = Duration::from_secs(30);

/// Reads a body when there is room for it, within GitHub's own patience.
async fn read(room: &Room, headers: &HeaderMap, body: Body) -> Result<Bytes, Problem> {
    let too_large = || Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "GitHub sends no webhook above 25 MB");
    let length = headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<usize>().ok());
    let expected = length.unwrap_or(BODY_LIMIT);
    if expected > BODY_LIMIT {
        return Err(too_large());
    }
    let reading = async {
        let room = room.0.acquire_many(u32::try_from(expected / 1024 + 1).unwrap_or(u32::MAX)).await;
        let read = axum::body::to_bytes(body, expected).await.map_err(|_| too_large());
        drop(room);
        read
    };
    let slow = |_| Problem::new(StatusCode::REQUEST_TIMEOUT, "the body did not come within thirty seconds");
    tokio::time::timeout(PATIENCE, reading).await.map_err(slow)?
}

pub(super) async fn receive(
    State(endpoints): State<Arc<Endpoints>>,
    headers: HeaderMap,
    body: Body,
) -> Result<StatusCode, Problem> {
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let signature = header("x-hub-signature-256").ok_or_else(|| {
        Problem::new(StatusCode::UNAUTHORIZED, "no X-Hub-Signature-256: set a webhook secret on the GitHub App")
    })?;
    let body = read(&endpoints.room, &headers, body).await?;
    if !endpoints.secrets.verify(&body, signature) {
        warn!(delivery = header("x-github-delivery"), "webhook refused: the signature does not match");
        return Err(Problem::new(
            StatusCode::UNAUTHORIZED,
            "the signature does not match: the GitHub App's webhook secret and SECONDER_GITHUB_WEBHOOK_SECRET differ",
        ));
    }
    let event = header("x-github-event")
        .ok_or_else(|| Problem::new(StatusCode::BAD_REQUEST, "no X-GitHub-Event: this is not a GitHub webhook"))?;
    if !webhook::is_used(event) {
        endpoints.counters.count(event);
        debug!(event, delivery = header("x-github-delivery"), "webhook not used");
        return Ok(StatusCode::ACCEPTED);
    }
    let id = header("x-github-delivery")
        .filter(|id| !id.is_empty() && id.len() <= 100)
        .ok_or_else(|| Problem::new(StatusCode::BAD_REQUEST, "no X-GitHub-Delivery: this is not a GitHub webhook"))?;
    match webhook::parse(event, &body) {
        Ok(None) => {
            endpoints.counters.count(event);
            debug!(event, delivery = id, "webhook not used");
            Ok(StatusCode::ACCEPTED)
        }
        Ok(Some(incoming)) => store(&endpoints, id, event, &incoming).await,
        Err(unusable) => {
            // Signed by GitHub, yet not what its documentation says: acknowledged, loudly, since sending it again changes nothing.
            tracing::error!(event, delivery = id, %unusable, "webhook cannot be used; nothing is released because of it");
            endpoints.counters.count("unusable");
            Ok(StatusCode::ACCEPTED)
        }
    }
}

async fn store(endpoints: &Endpoints, id: &str, event: &str, incoming: &Incoming) -> Result<StatusCode, Problem> {
    let unavailable = |error: &dyn std::fmt::Display| {
        tracing::error!(delivery = id, event, %error, "webhook not written down");
        Problem::new(StatusCode::SERVICE_UNAVAILABLE, "could not be written down; redeliver it")
    };
    let payload = serde_json::to_string(incoming).map_err(|error| unavailable(&error))?;
    let delivery = NewDelivery {
        id: id.to_owned(),
        event: event.to_owned(),
        installation_id: incoming.tenant().installation_id,
        payload,
        is_urgent: incoming.is_urgent(),
    };
    match endpoints.store.receive(delivery).await.map_err(|error| unavailable(&error))? {
        Received::Duplicate => info!(event, delivery = id, "webhook received again"),
        Received::Fresh | Received::Requeued => info!(event, delivery = id, "webhook received"),
    }
    Ok(StatusCode::ACCEPTED)
}
