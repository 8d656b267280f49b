//! Webhook deliveries: on disk before they are acknowledged, handled once (P4).

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};

use super::sql::{Statement, Value, id, int, text};
use super::{Claim, Error, Lease, Shared};
use crate::domain::Millis;

/// How many deliveries share one transaction at most.
const BATCH: usize = 256;
/// How long deliveries are gathered; a click is not made to wait.
const GATHERING: Duration = Duration::from_millis(3);

/// A webhook as it came in.
#[derive(Clone, Debug)]
pub struct NewDelivery {
    /// GitHub's name for it (`X-GitHub-Delivery`); a redelivery has the same.
    pub id: String,
    /// Its event (`X-GitHub-Event`).
    pub event: String,
    /// The installation it is for; 0 when it names none.
    pub installation_id: u64,
    /// What is kept of the body, as JSON.
    pub payload: String,
    /// Whether somebody waits for it; others are written down in company.
    pub is_urgent: bool,
}

/// What became of a webhook that came in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Received {
    /// It is new, and will be handled.
    Fresh,
    /// It was here before and is done or waits; nothing happens.
    Duplicate,
    /// It was here before and had failed; it will be handled again.
    Requeued,
}

/// A webhook to handle.
#[derive(Clone, Debug)]
pub struct Delivery {
    /// GitHub's name for it.
    pub id: String,
    /// Its event.
    pub event: String,
    /// The installation it is for; 0 when it names none.
    pub installation_id: u64,
    /// What was kept of the body, as JSON.
    pub payload: String,
    /// How often it was tried before.
    pub attempts: u64,
    /// When it came in first.
    pub received_at: Millis,
    /// Proof that it is ours.
    pub lease: Lease,
}

impl Delivery {
    /// What to show when it is handled.
    #[must_use]
    pub fn claim(&self) -> Claim {
        Claim::Delivery { id: self.id.clone(), lease: self.lease.clone() }
    }
}

pub(super) struct Arrival {
    pub(super) delivery: NewDelivery,
    pub(super) answer: oneshot::Sender<Result<Received, Error>>,
}

/// Writes arrivals, all that wait in one transaction, until nobody can send any more.
pub(super) async fn ingest(shared: std::sync::Arc<Shared>, mut arrivals: mpsc::Receiver<Arrival>) {
    let mut batch = Vec::with_capacity(BATCH);
    while arrivals.recv_many(&mut batch, BATCH).await > 0 {
        let is_urgent = |arrival: &Arrival| arrival.delivery.is_urgent;
        super::gather::gather(&mut batch, &mut arrivals, BATCH, GATHERING, is_urgent).await;
        let (deliveries, answers): (Vec<_>, Vec<_>) = batch.drain(..).map(|a| (a.delivery, a.answer)).unzip();
        let results = write(&shared, deliveries).await;
        for (answer, result) in answers.into_iter().zip(results) {
            // Whoever asked may have hung up.
            let _ = answer.send(result);
        }
    }
}

async fn write(shared: &Shared, deliveries: Vec<NewDelivery>) -> Vec<Result<Received, Error>> {
    match super::with_retries(|| insert(shared, &deliveries)).await {
        Ok(received) => received.into_iter().map(Ok).collect(),
        Err(error) if deliveries.len() == 1 || error.is_unreachable() => vec![Err(error); deliveries.len()],
        Err(_) => {
            let mut results = Vec::with_capacity(deliveries.len());
            for delivery in &deliveries {
                let alone = std::slice::from_ref(delivery);
                let result = super::with_retries(|| insert(shared, alone)).await;
                results.push(result.map(|received| received.first().copied().unwrap_or(Received::Duplicate)));
            }
            results
        }
    }
}

async fn insert(shared: &Shared, deliveries: &[NewDelivery]) -> Result<Vec<Received>, Error> {
    let now = (shared.clock)();
    let (lease, leased_until) = shared.hand.lease(now);
    let mut permits = HashMap::new();
    let mut seen = HashSet::new();
    let rows: Vec<[Value; 7]> = deliveries
        .iter()
        .filter(|delivery| seen.insert(delivery.id.as_str()))
        .map(|delivery| {
            let permit = shared.hand.delivery();
            let (lease, leased_until) = match &permit {
                Some(_) => (lease.as_str(), leased_until),
                None => ("", 0),
            };
            permits.insert(delivery.id.as_str(), permit);
            [
                delivery.id.as_str().into(),
                delivery.event.as_str().into(),
                delivery.installation_id.into(),
                delivery.payload.as_str().into(),
                lease.into(),
                leased_until.into(),
                now.into(),
            ]
        })
        .collect();
    let mut session = shared.ingest.open().await?;
    let rows = Statement::new(
        "INSERT INTO deliveries (id, event, installation_id, payload, lease, leased_until, received_at) ",
    )
    .rows(rows)
    .sql(
        " ON CONFLICT (id) DO UPDATE SET state = 'queued', payload = excluded.payload, event = excluded.event, \
         installation_id = excluded.installation_id, not_before = 0, lease = excluded.lease, \
         leased_until = excluded.leased_until, attempts = 0, redeliveries = deliveries.redeliveries + 1, ended_at = 0 \
         WHERE deliveries.state = 'failed' RETURNING id, redeliveries, received_at",
    )
    .fetch(session.connection()?)
    .await?;
    session.end();

    let mut written = HashMap::with_capacity(rows.len());
    for row in &rows {
        written.insert(text(row, 0)?, (int(row, 1)?, int(row, 2)?));
    }
    let mut waits = false;
    let received = deliveries
        .iter()
        .map(|delivery| {
            let Some((redeliveries, received_at)) = written.remove(&delivery.id) else { return Received::Duplicate };
            match permits.remove(delivery.id.as_str()).flatten() {
                Some(permit) => {
                    permit.send(Delivery {
                        id: delivery.id.clone(),
                        event: delivery.event.clone(),
                        installation_id: delivery.installation_id,
                        payload: delivery.payload.clone(),
                        attempts: 0,
                        received_at,
                        lease: lease.clone(),
                    });
                }
                None => waits = true,
            }
            if redeliveries == 0 { Received::Fresh } else { Received::Requeued }
        })
        .collect();
    if waits {
        shared.hand.deliveries_wait();
    }
    Ok(received)
}

/// Leases deliveries nobody has, oldest first.
///
/// A lease that ran out counts as an attempt: whoever had it did not live to say how it went.
pub(super) async fn claim(shared: &Shared, limit: usize) -> Result<Vec<Delivery>, Error> {
    let now = (shared.clock)();
    let (lease, leased_until) = shared.hand.lease(now);
    shared.hand.caught_up_with_deliveries();
    let mut session = shared.chores.open().await?;
    let rows =
        Statement::new("UPDATE deliveries SET attempts = attempts + CASE WHEN lease = '' THEN 0 ELSE 1 END, lease = ")
            .bind(lease.as_str())
            .sql(", leased_until = ")
            .bind(leased_until)
            .sql(" WHERE state = 'queued' AND leased_until <= ")
            .bind(now)
            .sql(" AND id IN (SELECT id FROM deliveries WHERE state = 'queued' AND leased_until <= ")
            .bind(now)
            .sql(" AND not_before <= ")
            .bind(now)
            // Not the value alone: SQLite prepares a statement anew each time its limit is bound.
            .sql(" ORDER BY received_at LIMIT 0 + ")
            .bind(limit as u64)
            .sql(") RETURNING id, event, installation_id, payload, attempts, received_at")
            .fetch(session.connection()?)
            .await?;
    session.end();
    if rows.len() >= limit {
        shared.hand.still_behind_with_deliveries();
    }
    let mut deliveries = Vec::with_capacity(rows.len());
    for row in &rows {
        deliveries.push(Delivery {
            id: text(row, 0)?,
            event: text(row, 1)?,
            installation_id: id(row, 2)?,
            payload: text(row, 3)?,
            attempts: id(row, 4)?,
            received_at: int(row, 5)?,
            lease: lease.clone(),
        });
    }
    deliveries.sort_by_key(|delivery| delivery.received_at);
    Ok(deliveries)
}
