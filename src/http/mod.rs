//! The router and its thin endpoints: webhooks, health, and the logs to read. An endpoint verifies, writes or reads a row,
//! answers; the work is done elsewhere.

use std::sync::Arc;

use axum::Router;
use axum::routing::{get, post};

use crate::app::publish::Released;
use crate::app::{Clock, Pulse};
use crate::github::webhook::Secrets;
use crate::store::Store;

mod error;
mod health;
mod log;
mod prompt;
mod webhooks;

pub use log::{Access, Window};
pub use prompt::Prompt;
pub use webhooks::{Counters, Room};

/// GitHub sends no webhook above 25 MB (<https://docs.github.com/webhooks/webhook-events-and-payloads#payload-cap>).
const BODY_LIMIT: usize = 25 * 1024 * 1024;

/// What the endpoints need.
pub struct Endpoints {
    /// Where deliveries are written down.
    pub store: Store,
    /// What GitHub signs with.
    pub secrets: Secrets,
    /// Whether the worker lives.
    pub pulse: Arc<Pulse>,
    /// Tells the time.
    pub clock: Clock,
    /// What came in.
    pub counters: Counters,
    /// Room for what is coming in.
    pub room: Room,
    /// What was published, compared with the database; absent when nothing is.
    pub released: Option<Arc<Released>>,
    /// Whether checkpoints are committed to a branch.
    pub has_branch: bool,
    /// What shows the logs.
    pub log: Window,
}

/// The server's routes.
pub fn router(endpoints: Endpoints) -> Router {
    let mut router = Router::new()
        .route("/github/webhooks", post(webhooks::receive))
        .route("/healthz", get(health::healthz))
        .route("/readyz", get(health::readyz));
    if endpoints.log.is_open() {
        router = router
            .route("/l/{id}/checkpoint", get(log::checkpoint))
            .route("/l/{id}/log.vkey", get(log::vkey))
            .route("/l/{id}/tile/{*path}", get(log::tile));
    }
    router.with_state(Arc::new(endpoints))
}
