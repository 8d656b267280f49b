//! `/healthz`: the process answers. `/readyz`: the database can be written, the worker is alive, and neither a
//! witness nor what was published or committed holds anything against a ledger.
//!
//! Whoever reaches the server may ask, so the answer has counts and names nobody; the log says the rest.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde_json::{Value, json};

use super::Endpoints;
use crate::store::{BatchState, Error};

pub(super) async fn healthz() -> &'static str {
    "ok\n"
}

pub(super) async fn readyz(State(endpoints): State<Arc<Endpoints>>) -> (StatusCode, Json<Value>) {
    let worker_alive = endpoints.pulse.is_alive((endpoints.clock)());
    let health = told("the database", endpoints.store.health().await);
    let queues = health.as_ref().map(|health| {
        json!({
            "queued_deliveries": health.queued_deliveries,
            "oldest_delivery": health.oldest_delivery,
            "failed_deliveries": health.failed_deliveries,
            "queued_effects": health.queued_effects,
            "oldest_effect": health.oldest_effect,
            "failed_effects": health.failed_effects,
        })
    });
    // A ledger that somebody vouches against is no evidence, however well everything else works. Whoever cannot read what
    // is held against it knows of nothing good, either.
    let released = endpoints.released.iter().map(|released| released.alarms().len()).sum::<usize>();
    let branches = match endpoints.has_branch {
        false => Some(Vec::new()),
        true => told("checkpoint_branch", endpoints.store.branches().await),
    };
    let committed = branches.as_ref().map(|logs| logs.iter().filter(|log| !log.alarm.is_empty()).count());
    let witnessed = told("ledger_alarms", endpoints.store.ledger_alarms().await).map(|alarms| alarms.len());
    let alarms = witnessed.zip(committed).map(|(witnessed, committed)| witnessed + released + committed);
    let ready = worker_alive && health.is_some() && alarms == Some(0);
    // What is not published is no reason to take no more webhooks.
    let publications = told("publications", endpoints.store.publications().standing().await).map(|batches| {
        batches.iter().filter(|batch| batch.attempts > 0 && batch.state != BatchState::Published).count()
    });
    let failing = branches.map(|logs| logs.iter().filter(|log| log.attempts > 0).count());
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let body = json!({
        "ready": ready,
        "database_writable": health.is_some(),
        "worker_alive": worker_alive,
        "ledger_alarms": alarms,
        "queues": queues,
        "publications": { "failing": publications },
        "checkpoint_branch": { "failing": failing },
        "events_not_used": endpoints.counters.snapshot(),
    });
    (status, Json(body))
}

/// What could be found out; why not is for the log.
fn told<T>(what: &str, found: Result<T, Error>) -> Option<T> {
    found.inspect_err(|error| tracing::error!(what, %error, "readiness cannot be told")).ok()
}
