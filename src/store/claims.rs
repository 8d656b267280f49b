//! Claims: who may finish a delivery or an effect, and what happens to one that was not finished.

use std::collections::HashMap;

use sqlx::AnyConnection;

use super::connection::Line;
use super::sql::{Statement, Value, int, text};
use super::{Error, Lease, Shared, Work};
use crate::domain::Millis;
use crate::domain::effect::Effect;
use crate::domain::event::Event;
use crate::domain::gate::RequestId;

/// Work somebody has a lease on. Whoever's lease is no longer in the row has lost it, and changes nothing.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Claim {
    /// A webhook.
    Delivery {
        /// GitHub's name for it.
        id: String,
        /// Proof that it is ours.
        lease: Lease,
    },
    /// An outward call.
    Effect {
        /// For which request.
        request: RequestId,
        /// What to bring about.
        effect: Effect,
        /// The generation that was performed.
        generation: u64,
        /// Proof that it is ours.
        lease: Lease,
    },
}

/// What becomes of a claim when its work is committed.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Ending {
    Done,
    Failed,
    /// Not the end: a decision is about to leave, its effect is still being performed.
    Renewed,
}

impl Ending {
    fn of(event: Option<&Event>) -> Self {
        match event {
            Some(Event::Sending(_)) => Self::Renewed,
            Some(Event::GaveUp { .. }) => Self::Failed,
            _ => Self::Done,
        }
    }
}

/// What taking the claims of a batch came to.
pub(super) struct Taken {
    /// For each work: whether it still had its claim (or needed none).
    pub(super) held: Vec<bool>,
    /// Some effects were owed anew while they were performed.
    pub(super) again: bool,
}

/// Ends the claims of a batch. This is the fence: of two who worked on one thing, only one gets past.
pub(super) async fn take(
    shared: &Shared,
    works: &[Work],
    now: Millis,
    connection: &mut AnyConnection,
) -> Result<Taken, Error> {
    let mut held: Vec<bool> = works.iter().map(|work| work.claim.is_none()).collect();
    let mut deliveries = HashMap::new();
    let mut effects: HashMap<(&str, &str), (usize, Ending, [Value; 7])> = HashMap::new();
    let (_, leased_until) = shared.hand.lease(now);
    for (n, Work { claim, event }) in works.iter().enumerate() {
        match claim {
            // Two works with one claim: the second has lost it.
            Some(Claim::Delivery { id, lease }) => {
                deliveries.entry(id.as_str()).or_insert((n, [id.as_str().into(), lease.as_str().into()]));
            }
            Some(Claim::Effect { request, effect, generation, lease }) => {
                let ending = Ending::of(event.as_ref());
                let (state, error) = match (ending, event) {
                    (Ending::Failed, Some(Event::GaveUp { error, .. })) => ("failed", error.as_str()),
                    (Ending::Renewed, _) => ("queued", ""),
                    _ => ("done", ""),
                };
                let row = [
                    request.as_str().into(),
                    effect.as_str().into(),
                    lease.as_str().into(),
                    // A renewal keeps the row as it is, whatever its generation.
                    (if ending == Ending::Renewed { -1 } else { generation.cast_signed() }).into(),
                    state.into(),
                    error.into(),
                    (if ending == Ending::Renewed { 1_i64 } else { 0 }).into(),
                ];
                effects.entry((request.as_str(), effect.as_str())).or_insert((n, ending, row));
            }
            None => {}
        }
    }
    if !deliveries.is_empty() {
        let (places, rows): (HashMap<_, _>, Vec<_>) =
            deliveries.into_iter().map(|(id, (n, row))| ((id, n), row)).unzip();
        let rows = Statement::new(
            "UPDATE deliveries SET state = 'done', payload = '', lease = '', leased_until = 0, ended_at = ",
        )
        .bind(now)
        .sql(" FROM (")
        .rows(rows)
        .sql(") AS claim WHERE id = claim.column1 AND lease = claim.column2 AND state = 'queued' RETURNING id")
        .fetch(connection)
        .await?;
        for row in &rows {
            if let Some(n) = places.get(text(row, 0)?.as_str()) {
                held[*n] = true;
            }
        }
    }
    let mut again = false;
    if !effects.is_empty() {
        let mut places = HashMap::new();
        let mut rows = Vec::with_capacity(effects.len());
        for (key, (n, ending, row)) in effects {
            places.insert(key, (n, ending));
            rows.push(row);
        }
        let rows = Statement::new(
            "UPDATE effects SET \
             state = CASE WHEN generation = claim.column4 THEN claim.column5 ELSE 'queued' END, \
             ended_at = CASE WHEN generation = claim.column4 THEN ",
        )
        .bind(now)
        .sql(
            " ELSE 0 END, last_error = claim.column6, \
             lease = CASE WHEN claim.column7 = 1 THEN lease ELSE '' END, \
             leased_until = CASE WHEN claim.column7 = 1 THEN ",
        )
        .bind(leased_until)
        .sql(" ELSE 0 END FROM (")
        .rows(rows)
        .sql(
            ") AS claim WHERE request_id = claim.column1 AND kind = claim.column2 AND lease = claim.column3 \
                  AND state = 'queued' RETURNING request_id, kind, CASE WHEN state = 'queued' THEN 1 ELSE 0 END",
        )
        .fetch(connection)
        .await?;
        for row in &rows {
            let (request, kind) = (text(row, 0)?, text(row, 1)?);
            if let Some((n, ending)) = places.get(&(request.as_str(), kind.as_str())) {
                held[*n] = true;
                again |= *ending != Ending::Renewed && int(row, 2)? == 1;
            }
        }
    }
    Ok(Taken { held, again })
}

/// Puts claimed work back, to be claimed again at `not_before`.
///
/// `error` is what went wrong, without secrets, and counts as an attempt; `None` puts it back as if nobody had touched it.
/// Returns how many of the claims were still held.
pub(super) async fn put_back(
    shared: &Shared,
    claims: &[Claim],
    not_before: Millis,
    error: Option<&str>,
) -> Result<u64, Error> {
    let mut deliveries: Vec<[Value; 2]> = Vec::new();
    let mut effects: Vec<[Value; 3]> = Vec::new();
    for claim in claims {
        match claim {
            Claim::Delivery { id, lease } => deliveries.push([id.as_str().into(), lease.as_str().into()]),
            Claim::Effect { request, effect, lease, .. } => {
                effects.push([request.as_str().into(), effect.as_str().into(), lease.as_str().into()]);
            }
        }
    }
    let attempts = i64::from(error.is_some());
    let (some_deliveries, some_effects) = (!deliveries.is_empty(), !effects.is_empty());
    let mut session = shared.chores.open().await?;
    let mut count = 0;
    if some_deliveries {
        count += Statement::new("UPDATE deliveries SET lease = '', leased_until = 0, not_before = ")
            .bind(not_before)
            .sql(", last_error = ")
            .bind(error.unwrap_or_default())
            .sql(", attempts = attempts + ")
            .bind(attempts)
            .sql(" FROM (")
            .rows(deliveries)
            .sql(") AS claim WHERE id = claim.column1 AND lease = claim.column2 AND state = 'queued'")
            .execute(session.connection()?)
            .await?;
    }
    if some_effects {
        count += Statement::new("UPDATE effects SET lease = '', leased_until = 0, not_before = ")
            .bind(not_before)
            .sql(", last_error = ")
            .bind(error.unwrap_or_default())
            .sql(", attempts = attempts + ")
            .bind(attempts)
            .sql(" FROM (")
            .rows(effects)
            .sql(
                ") AS claim WHERE request_id = claim.column1 AND kind = claim.column2 AND lease = claim.column3 \
                 AND state = 'queued'",
            )
            .execute(session.connection()?)
            .await?;
    }
    session.end();
    if some_deliveries {
        shared.hand.deliveries_wait();
    }
    if some_effects {
        shared.hand.effects_wait();
    }
    Ok(count)
}

/// Takes all leases away. For a database nobody else has: whoever had them is dead.
pub(super) async fn clear(line: &Line) -> Result<(), Error> {
    let mut session = line.open().await?;
    for sql in [
        "UPDATE deliveries SET lease = '', leased_until = 0, attempts = attempts + 1 WHERE state = 'queued' AND lease <> ''",
        "UPDATE effects SET lease = '', leased_until = 0, attempts = attempts + 1 WHERE state = 'queued' AND lease <> ''",
    ] {
        Statement::new(sql).execute(session.connection()?).await?;
    }
    session.end();
    Ok(())
}

/// Gives a delivery up. It stays, with its payload, until GitHub sends it again or it is purged.
pub(super) async fn fail_delivery(shared: &Shared, claim: &Claim, error: &str) -> Result<bool, Error> {
    let Claim::Delivery { id, lease } = claim else { return Ok(false) };
    let mut session = shared.chores.open().await?;
    let count = Statement::new(
        "UPDATE deliveries SET state = 'failed', lease = '', leased_until = 0, attempts = attempts + 1, \
         ended_at = ",
    )
    .bind((shared.clock)())
    .sql(", last_error = ")
    .bind(error)
    .sql(" WHERE state = 'queued' AND id = ")
    .bind(id.as_str())
    .sql(" AND lease = ")
    .bind(lease.as_str())
    .execute(session.connection()?)
    .await?;
    session.end();
    Ok(count > 0)
}
