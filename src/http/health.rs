//! `/healthz`: the process answers. `/readyz`: the database can be written, the worker is alive, and neither a
//! witness nor what was published or committed holds anything against a ledger.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde_json::{Value, json};

use super::Endpoints;
use crate::store::{Batch, BranchStanding};

pub(super) async fn healthz() -> &'static str {
    "ok\n"
}

pub(super) async fn readyz(State(endpoints): State<Arc<Endpoints>>) -> (StatusCode, Json<Value>) {
    let worker_alive = endpoints.pulse.is_alive((endpoints.clock)());
    let (writable, detail) = match endpoints.store.health().await {
        Ok(health) => (
            true,
            json!({
                "queued_deliveries": health.queued_deliveries,
                "oldest_delivery": health.oldest_delivery,
                "failed_deliveries": health.failed_deliveries,
                "queued_effects": health.queued_effects,
                "oldest_effect": health.oldest_effect,
                "failed_effects": health.failed_effects,
            }),
        ),
        Err(error) => (false, json!({ "error": error.to_string() })),
    };
    // A ledger that somebody vouches against is no evidence, however well everything else works.
    let mut alarms = endpoints.store.ledger_alarms().await.unwrap_or_default();
    alarms.extend(endpoints.released.iter().flat_map(|released| released.alarms()));
    alarms.extend(endpoints.branch.iter().flat_map(|branch| branch.alarms()));
    let ready = worker_alive && writable && alarms.is_empty();
    let publications = match endpoints.store.publications().standing().await {
        Ok(batches) => batches.iter().map(publication).collect(),
        Err(error) => json!({ "error": error.to_string() }),
    };
    let branches = match endpoints.branch.is_some() {
        false => json!([]),
        true => match endpoints.store.branches().await {
            Ok(branches) => branches.iter().map(branch).collect(),
            Err(error) => json!({ "error": error.to_string() }),
        },
    };
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let body = json!({
        "ready": ready,
        "database_writable": writable,
        "worker_alive": worker_alive,
        "ledger_alarms": alarms,
        "queues": detail,
        "publications": publications,
        "checkpoint_branch": branches,
        "events_not_used": endpoints.counters.snapshot(),
    });
    (status, Json(body))
}

/// The newest publication of a log, or one that is not through: that is no reason to take no more webhooks.
fn publication(batch: &Batch) -> Value {
    json!({
        "tenant": batch.tenant,
        "repository": batch.repository,
        "tag": batch.tag,
        "from": batch.from,
        "to": batch.to,
        "state": batch.state.as_str(),
        "planned_at": batch.planned_at,
        "failures": batch.attempts,
        "last_error": batch.last_error,
    })
}

/// How far a log's checkpoints have come in their branch: no reason either.
fn branch(branch: &BranchStanding) -> Value {
    json!({
        "tenant": branch.tenant,
        "size": branch.size,
        "failures": branch.attempts,
        "last_error": branch.last_error,
    })
}
