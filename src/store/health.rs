//! Whether the database can be written, what waits in it, and throwing away what is over.

use super::sql::{Statement, Value, id, int};
use super::{Error, Shared};
use crate::domain::Millis;

/// How many rows one purging statement removes: others write in between.
const PURGE: u64 = 1_000;

/// What waits, and what was given up.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Health {
    /// Webhooks not handled yet.
    pub queued_deliveries: u64,
    /// When the oldest of them came in.
    pub oldest_delivery: Option<Millis>,
    /// Webhooks that were given up.
    pub failed_deliveries: u64,
    /// Calls not made yet.
    pub queued_effects: u64,
    /// Since when the oldest of them is owed.
    pub oldest_effect: Option<Millis>,
    /// Calls that were given up.
    pub failed_effects: u64,
}

/// Writes, then counts. An error means that the database cannot be written.
pub(super) async fn check(shared: &Shared) -> Result<Health, Error> {
    if let Some(blocked) = shared.signer.blocked() {
        return Err(blocked);
    }
    let row: [Value; 2] = [1_i64.into(), (shared.clock)().into()];
    let mut session = shared.chores.open().await?;
    Statement::new("INSERT INTO pulse (id, at) ")
        .rows([row])
        .sql(" ON CONFLICT (id) DO UPDATE SET at = excluded.at")
        .execute(session.connection()?)
        .await?;
    session.end();
    let mut session = shared.readers.open().await?;
    let rows = Statement::new(
        "SELECT 0, COUNT(*), COALESCE(MIN(received_at), 0) FROM deliveries WHERE state = 'queued' \
         UNION ALL SELECT 1, COUNT(*), 0 FROM deliveries WHERE state = 'failed' \
         UNION ALL SELECT 2, COUNT(*), COALESCE(MIN(created_at), 0) FROM effects WHERE state = 'queued' \
         UNION ALL SELECT 3, COUNT(*), 0 FROM effects WHERE state = 'failed' ORDER BY 1",
    )
    .fetch(session.connection()?)
    .await?;
    session.end();
    let mut counts = [(0, None); 4];
    for (count, row) in counts.iter_mut().zip(&rows) {
        let oldest = int(row, 2)?;
        *count = (id(row, 1)?, (oldest > 0).then_some(oldest));
    }
    let [
        (queued_deliveries, oldest_delivery),
        (failed_deliveries, _),
        (queued_effects, oldest_effect),
        (failed_effects, _),
    ] = counts;
    Ok(Health { queued_deliveries, oldest_delivery, failed_deliveries, queued_effects, oldest_effect, failed_effects })
}

/// Forgets what decided requests were judged by that were opened before a moment. Requests that may still be judged again, because
/// their decision has not left, keep it.
pub(super) async fn forget_facts(shared: &Shared, before: Millis) -> Result<u64, Error> {
    let mut forgotten = 0;
    loop {
        let mut session = shared.chores.open().await?;
        let count = Statement::new(
            "UPDATE requests SET facts = '', facts_since = 0 WHERE id IN (SELECT requests.id FROM requests \
             JOIN request_lives ON request_lives.request_id = requests.id AND request_lives.state = 'decided' \
             WHERE NOT EXISTS (SELECT 1 FROM effects WHERE effects.request_id = requests.id \
             AND effects.kind = 'callback' AND effects.state <> 'done') \
             AND requests.facts_since > 0 AND requests.facts_since < ",
        )
        .bind(before)
        .sql(" LIMIT ")
        .bind(PURGE)
        .sql(")")
        .execute(session.connection()?)
        .await?;
        session.end();
        forgotten += count;
        if count < PURGE {
            return Ok(forgotten);
        }
    }
}

/// Removes deliveries and effects that were done before a moment. Requests and entries stay.
pub(super) async fn purge(shared: &Shared, before: Millis) -> Result<u64, Error> {
    let mut removed = 0;
    for (sql, end) in [
        ("DELETE FROM deliveries WHERE id IN (SELECT id FROM deliveries WHERE state = 'done' AND ended_at < ", ")"),
        (
            "DELETE FROM effects WHERE state = 'done' AND (request_id, kind) IN \
             (SELECT request_id, kind FROM effects WHERE state = 'done' AND ended_at < ",
            ")",
        ),
    ] {
        loop {
            let mut session = shared.chores.open().await?;
            let count = Statement::new(sql)
                .bind(before)
                .sql(" LIMIT ")
                .bind(PURGE)
                .sql(end)
                .execute(session.connection()?)
                .await?;
            session.end();
            removed += count;
            if count < PURGE {
                break;
            }
        }
    }
    Ok(removed)
}
