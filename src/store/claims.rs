//! Claims: who may finish a delivery or an effect, and what happens to one that was not finished.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

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
#[derive(Clone, Copy)]
enum Ending<'a> {
    Done,
    Failed(&'a str),
    /// Not the end: a decision is about to leave, its effect is still being performed.
    Renewed,
}

impl<'a> Ending<'a> {
    fn of(event: Option<&'a Event>) -> Self {
        match event {
            Some(Event::Sending(_)) => Self::Renewed,
            Some(Event::GaveUp { error, .. }) => Self::Failed(error),
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
    let mut taken = Taken { held: works.iter().map(|work| work.claim.is_none()).collect(), again: false };
    let mut waiting: Vec<usize> = (0..works.len()).filter(|n| !taken.held[*n]).collect();
    // Claims on the same thing are taken in turn: a row can only answer one of them at a time.
    while !waiting.is_empty() {
        let mut round = Round::default();
        waiting.retain(|n| !round.join(*n, &works[*n]));
        round.end_deliveries(now, &mut taken, connection).await?;
        round.end_effects(now, shared.hand.lease(now).1, &mut taken, connection).await?;
    }
    Ok(taken)
}

/// Claims on different things.
#[derive(Default)]
struct Round<'a> {
    deliveries: HashMap<&'a str, (usize, &'a Lease)>,
    effects: HashMap<(&'a str, &'a str), (usize, &'a Lease, u64, Ending<'a>)>,
}

impl<'a> Round<'a> {
    /// Takes a work in, unless there is one with a claim on the same thing already.
    fn join(&mut self, n: usize, work: &'a Work) -> bool {
        match &work.claim {
            Some(Claim::Delivery { id, lease }) => match self.deliveries.entry(id) {
                Entry::Occupied(_) => false,
                Entry::Vacant(place) => {
                    place.insert((n, lease));
                    true
                }
            },
            Some(Claim::Effect { request, effect, generation, lease }) => {
                match self.effects.entry((request.as_str(), effect.as_str())) {
                    Entry::Occupied(_) => false,
                    Entry::Vacant(place) => {
                        place.insert((n, lease, *generation, Ending::of(work.event.as_ref())));
                        true
                    }
                }
            }
            None => true,
        }
    }

    async fn end_deliveries(
        &self,
        now: Millis,
        taken: &mut Taken,
        connection: &mut AnyConnection,
    ) -> Result<(), Error> {
        if self.deliveries.is_empty() {
            return Ok(());
        }
        let claims = self.deliveries.iter().map(|(id, (_, lease))| [(*id).into(), lease.as_str().into()]);
        let rows = Statement::new(
            "UPDATE deliveries SET state = 'done', payload = '', lease = '', leased_until = 0, ended_at = ",
        )
        .bind(now)
        .sql(" FROM (")
        .joined(claims)
        .sql(") AS claim WHERE id = claim.column1 AND lease = claim.column2 AND state = 'queued' RETURNING id")
        .fetch(connection)
        .await?;
        for row in &rows {
            if let Some((n, _)) = self.deliveries.get(text(row, 0)?.as_str()) {
                taken.held[*n] = true;
            }
        }
        Ok(())
    }

    async fn end_effects(
        &self,
        now: Millis,
        leased_until: Millis,
        taken: &mut Taken,
        connection: &mut AnyConnection,
    ) -> Result<(), Error> {
        if self.effects.is_empty() {
            return Ok(());
        }
        let claims = self.effects.iter().map(|((request, kind), (_, lease, generation, ending))| -> [Value; 6] {
            let (state, error) = match ending {
                Ending::Done => ("done", ""),
                Ending::Failed(error) => ("failed", *error),
                Ending::Renewed => ("queued", ""),
            };
            let (request, kind) = (*request, *kind);
            [request.into(), kind.into(), lease.as_str().into(), (*generation).into(), state.into(), error.into()]
        });
        // Owed anew since it was claimed: it stays queued, for whoever claims it next. Renewed: it stays with its holder.
        let rows = Statement::new(
            "UPDATE effects SET last_error = claim.column6, \
             state = CASE WHEN generation = claim.column4 THEN claim.column5 ELSE 'queued' END, \
             lease = CASE WHEN claim.column5 = 'queued' THEN lease ELSE '' END, \
             ended_at = CASE WHEN generation = claim.column4 AND claim.column5 <> 'queued' THEN ",
        )
        .bind(now)
        .sql(" ELSE 0 END, leased_until = CASE WHEN claim.column5 = 'queued' THEN ")
        .bind(leased_until)
        .sql(" ELSE 0 END FROM (")
        .joined(claims)
        .sql(
            ") AS claim WHERE request_id = claim.column1 AND kind = claim.column2 AND lease = claim.column3 \
             AND state = 'queued' RETURNING request_id, kind, CASE WHEN state = 'queued' AND lease = '' THEN 1 ELSE 0 END",
        )
        .fetch(connection)
        .await?;
        for row in &rows {
            if let Some((n, ..)) = self.effects.get(&(text(row, 0)?.as_str(), text(row, 1)?.as_str())) {
                taken.held[*n] = true;
                taken.again |= int(row, 2)? == 1;
            }
        }
        Ok(())
    }
}

/// Keeps a claim for one more lease from now. Returns whether it was still ours.
pub(super) async fn renew(shared: &Shared, claim: &Claim) -> Result<bool, Error> {
    let until = shared.hand.lease((shared.clock)()).1;
    let statement = match claim {
        Claim::Delivery { id, lease } => Statement::new("UPDATE deliveries SET leased_until = ")
            .bind(until)
            .sql(" WHERE id = ")
            .bind(id.as_str())
            .sql(" AND lease = ")
            .bind(lease.as_str()),
        Claim::Effect { request, effect, lease, .. } => Statement::new("UPDATE effects SET leased_until = ")
            .bind(until)
            .sql(" WHERE request_id = ")
            .bind(request.as_str())
            .sql(" AND kind = ")
            .bind(effect.as_str())
            .sql(" AND lease = ")
            .bind(lease.as_str()),
    };
    Ok(shared.chores.execute(statement).await? > 0)
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
            .joined(deliveries)
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
            .joined(effects)
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
    for sql in [
        "UPDATE deliveries SET lease = '', leased_until = 0, attempts = attempts + 1 WHERE state = 'queued' AND lease <> ''",
        "UPDATE effects SET lease = '', leased_until = 0, attempts = attempts + 1 WHERE state = 'queued' AND lease <> ''",
    ] {
        line.execute(Statement::new(sql)).await?;
    }
    Ok(())
}

/// Gives a delivery up. It stays, with its payload, until GitHub sends it again or it is purged.
pub(super) async fn fail_delivery(shared: &Shared, claim: &Claim, error: &str) -> Result<bool, Error> {
    let Claim::Delivery { id, lease } = claim else { return Ok(false) };
    let statement = Statement::new(
        "UPDATE deliveries SET state = 'failed', lease = '', leased_until = 0, attempts = attempts + 1, \
         ended_at = ",
    )
    .bind((shared.clock)())
    .sql(", last_error = ")
    .bind(error)
    .sql(" WHERE state = 'queued' AND id = ")
    .bind(id.as_str())
    .sql(" AND lease = ")
    .bind(lease.as_str());
    Ok(shared.chores.execute(statement).await? > 0)
}
