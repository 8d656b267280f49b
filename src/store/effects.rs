//! Effects: calls that are owed, the urgent first, each performed by whoever has its lease.

use std::collections::BTreeMap;

use sqlx::AnyConnection;
use tokio::sync::mpsc::OwnedPermit;

use super::sql::{Statement, Value, id, int, text};
use super::{Claim, Error, Lease, Shared};
use crate::domain::Millis;
use crate::domain::effect::{Effect, Urgency};
use crate::domain::gate::RequestId;

/// A call to make.
#[derive(Clone, Debug)]
pub struct EffectDue {
    /// For which request.
    pub request: RequestId,
    /// What to bring about.
    pub effect: Effect,
    /// Who goes first.
    pub urgency: Urgency,
    /// Whose rate limit it uses.
    pub installation_id: u64,
    /// Grows whenever it is owed anew: what is shown must be read after this was.
    pub generation: u64,
    /// How often it was tried before.
    pub attempts: u64,
    /// Since when it is owed.
    pub created_at: Millis,
    /// Proof that it is ours.
    pub lease: Lease,
}

impl EffectDue {
    /// Whether nobody can have made this call before. When somebody may have, and died or lost the answer, look first.
    #[must_use]
    pub fn is_first_try(&self) -> bool {
        self.attempts == 0 && self.generation <= 1
    }

    /// What to show when it is done.
    #[must_use]
    pub fn claim(&self) -> Claim {
        Claim::Effect {
            request: self.request.clone(),
            effect: self.effect,
            generation: self.generation,
            lease: self.lease.clone(),
        }
    }
}

/// What one transaction owes: the most urgent of each request and kind, and the installation it goes through.
pub(super) type Owed = BTreeMap<(RequestId, Effect), (Urgency, u64)>;

/// Writes what is owed; returns what to hand over once it is committed, and whether some of it has to wait.
pub(super) async fn owe(
    shared: &Shared,
    owed: &Owed,
    now: Millis,
    connection: &mut AnyConnection,
) -> Result<Handing, Error> {
    let mut handing = Handing::default();
    if owed.is_empty() {
        return Ok(handing);
    }
    let (lease, leased_until) = shared.hand.lease(now);
    let mut by_urgency: Vec<_> = owed.iter().collect();
    by_urgency.sort_by_key(|(_, (urgency, _))| *urgency);
    let mut permits = BTreeMap::new();
    let rows: Vec<[Value; 7]> = by_urgency
        .iter()
        .map(|((request, effect), (urgency, installation_id))| {
            let permit = shared.hand.effect(*installation_id, *urgency);
            let (lease, leased_until) = if permit.is_some() { (lease.as_str(), leased_until) } else { ("", 0) };
            permits.extend(permit.map(|permit| ((request.clone(), *effect), (permit, *installation_id))));
            [
                request.as_str().into(),
                effect.as_str().into(),
                (*urgency as i64).into(),
                (*installation_id).into(),
                lease.into(),
                leased_until.into(),
                now.into(),
            ]
        })
        .collect();
    // Whoever is performing it keeps the lease; the new generation makes sure it is performed once more afterwards.
    let rows = Statement::new(
        "INSERT INTO effects (request_id, kind, urgency, installation_id, lease, leased_until, created_at) ",
    )
    .rows(rows)
    .sql(
        " ON CONFLICT (request_id, kind) DO UPDATE SET generation = effects.generation + 1, state = 'queued', \
          not_before = 0, attempts = 0, ended_at = 0, installation_id = excluded.installation_id, \
          urgency = CASE WHEN effects.state = 'queued' AND effects.urgency < excluded.urgency \
            THEN effects.urgency ELSE excluded.urgency END, \
          created_at = CASE WHEN effects.state = 'queued' THEN effects.created_at ELSE excluded.created_at END, \
          lease = CASE WHEN effects.state = 'queued' AND effects.leased_until > excluded.created_at \
            THEN effects.lease ELSE excluded.lease END, \
          leased_until = CASE WHEN effects.state = 'queued' AND effects.leased_until > excluded.created_at \
            THEN effects.leased_until ELSE excluded.leased_until END \
          RETURNING request_id, kind, generation, urgency, created_at, lease",
    )
    .fetch(connection)
    .await?;
    for row in &rows {
        let (request, effect) = name(&text(row, 0)?, &text(row, 1)?)?;
        let held_by = text(row, 5)?;
        handing.waits |= held_by.is_empty();
        let key = (request, effect);
        // Whoever performs it already keeps it.
        let Some((permit, installation_id)) = permits.remove(&key).filter(|_| held_by == lease.as_str()) else {
            continue;
        };
        let (request, effect) = key;
        let due = EffectDue {
            request,
            effect,
            urgency: urgency(int(row, 3)?),
            installation_id,
            generation: id(row, 2)?,
            attempts: 0,
            created_at: int(row, 4)?,
            lease: lease.clone(),
        };
        handing.ready.push((permit, due));
    }
    handing.ready.sort_by_key(|(_, due)| due.urgency);
    Ok(handing)
}

fn name(request: &str, kind: &str) -> Result<(RequestId, Effect), Error> {
    let request = RequestId::parse(request).ok_or_else(|| Error::unreadable("request id", request))?;
    let effect = Effect::parse(kind).ok_or_else(|| Error::unreadable("kind of effect", kind))?;
    Ok((request, effect))
}

fn urgency(value: i64) -> Urgency {
    match value {
        0 => Urgency::Decision,
        1 => Urgency::Answer,
        2 => Urgency::Opening,
        _ => Urgency::Note,
    }
}

/// Effects that are written and can go to the worker when the transaction is.
#[derive(Default)]
pub(super) struct Handing {
    ready: Vec<(OwnedPermit<EffectDue>, EffectDue)>,
    /// Some were written without a lease.
    pub(super) waits: bool,
}

impl Handing {
    /// To be called after the commit.
    pub(super) fn hand_over(self, shared: &Shared) {
        for (permit, due) in self.ready {
            permit.send(due);
        }
        if self.waits {
            shared.hand.effects_wait();
        }
    }
}

/// Leases effects nobody has: the urgent first, then the oldest; leaves out installations that may not write now.
pub(super) async fn claim(shared: &Shared, limit: usize, saturated: &[u64]) -> Result<Vec<EffectDue>, Error> {
    let now = (shared.clock)();
    let (lease, leased_until) = shared.hand.lease(now);
    shared.hand.caught_up_with_effects();
    let mut statement = Statement::new(
        "UPDATE effects SET attempts = attempts + CASE WHEN lease = '' THEN 0 ELSE 1 END, lease = ",
    )
    .bind(lease.as_str())
    .sql(", leased_until = ")
    .bind(leased_until)
    .sql(" WHERE state = 'queued' AND leased_until <= ")
    .bind(now)
    .sql(" AND (request_id, kind) IN (SELECT request_id, kind FROM effects WHERE state = 'queued' AND leased_until <= ")
    .bind(now)
    .sql(" AND not_before <= ")
    .bind(now);
    if !saturated.is_empty() {
        statement = statement.sql(" AND installation_id NOT IN ").list(saturated.iter().copied());
    }
    let mut session = shared.chores.open().await?;
    let rows = statement
        // Not the value alone: SQLite prepares a statement anew each time its limit is bound.
        .sql(" ORDER BY urgency, created_at LIMIT 0 + ")
        .bind(limit as u64)
        .sql(") RETURNING request_id, kind, generation, urgency, created_at, installation_id, attempts")
        .fetch(session.connection()?)
        .await?;
    session.end();
    if rows.len() >= limit || !saturated.is_empty() {
        shared.hand.still_behind_with_effects();
    }
    let mut due = Vec::with_capacity(rows.len());
    for row in &rows {
        let (request, effect) = name(&text(row, 0)?, &text(row, 1)?)?;
        due.push(EffectDue {
            request,
            effect,
            urgency: urgency(int(row, 3)?),
            installation_id: id(row, 5)?,
            generation: id(row, 2)?,
            attempts: id(row, 6)?,
            created_at: int(row, 4)?,
            lease: lease.clone(),
        });
    }
    due.sort_by_key(|effect| (effect.urgency, effect.created_at));
    Ok(due)
}
