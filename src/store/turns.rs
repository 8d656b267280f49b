//! Where checkpoints are brought to: a table with a row a log, which says how far the log's checkpoints have come there, and
//! whose turn it is to bring the next one. Whoever has leased the row brings it.
//!
//! No claim (`claims.rs`), though both are leases: a claim ends with what it is about, in the transaction that decides on it,
//! and may be one of many there; a turn ends alone, decides nothing, and comes again when the log has grown.

use sqlx::any::AnyRow;

use super::sql::{Statement, id};
use super::{Error, Lease, LogHead, Store, with_retries};
use crate::domain::Millis;

/// Such a table. It has the columns `tenant`, `not_before`, `lease`, `leased_until`, and `attempts`.
pub(super) struct Turns {
    /// Its name.
    pub table: &'static str,
    /// The column that says how many entries the newest checkpoint has that came there.
    pub come: &'static str,
}

/// A log that has grown since its checkpoint came there, leased.
#[derive(Clone, Debug)]
pub struct Turn {
    /// The log as it is now.
    pub log: LogHead,
    /// How often not all went well, since it last did.
    pub attempts: u64,
    lease: Lease,
}

impl Store {
    /// Leases logs that have grown since, that are due, and that nobody else is busy with. With each comes its row: from the
    /// third column on, those that `more` adds to the list, each with a comma before it.
    pub(super) async fn claim_turns(
        &self,
        turns: &Turns,
        limit: usize,
        more: impl Fn(Statement) -> Statement,
    ) -> Result<Vec<(Turn, AnyRow)>, Error> {
        with_retries(|| self.try_claim_turns(turns, limit, &more)).await
    }

    async fn try_claim_turns(
        &self,
        Turns { table, come }: &Turns,
        limit: usize,
        more: &impl Fn(Statement) -> Statement,
    ) -> Result<Vec<(Turn, AnyRow)>, Error> {
        let now = (self.shared.clock)();
        let (lease, leased_until) = self.shared.hand.lease(now);
        let mut session = self.shared.chores.open().await?;
        Statement::new("INSERT INTO ")
            .sql(table)
            .sql(" (tenant) SELECT tenant FROM ledger_heads WHERE size > 0 AND tenant NOT IN (SELECT tenant FROM ")
            .sql(table)
            .sql(") ON CONFLICT (tenant) DO NOTHING")
            .execute(session.connection()?)
            .await?;
        let lease_them = Statement::new("UPDATE ")
            .sql(table)
            .sql(" SET lease = ")
            .bind(lease.as_str())
            .sql(", leased_until = ")
            .bind(leased_until)
            .sql(" WHERE leased_until <= ")
            .bind(now)
            .sql(" AND tenant IN (SELECT turn.tenant FROM ")
            .sql(table)
            .sql(" AS turn JOIN ledger_heads AS head ON head.tenant = turn.tenant WHERE head.size > turn.")
            .sql(come)
            .sql(" AND turn.leased_until <= ")
            .bind(now)
            .sql(" AND turn.not_before <= ")
            .bind(now)
            .sql(" ORDER BY turn.not_before, turn.tenant LIMIT ")
            .bind(limit as u64)
            .sql(") RETURNING tenant, attempts");
        let rows = more(lease_them).fetch(session.connection()?).await?;
        session.end();
        let mut claimed = Vec::with_capacity(rows.len());
        for row in rows {
            let Some(log) = self.ledger().log(id(&row, 0)?).await? else { continue };
            claimed.push((Turn { log, attempts: id(&row, 1)?, lease: lease.clone() }, row));
        }
        Ok(claimed)
    }

    /// Ends a turn; the next one is not to come before then. `changes` continues the list of what is set, each with a comma
    /// before it. Returns whether the lease was still ours; otherwise nothing is written.
    pub(super) async fn end_turn(
        &self,
        Turns { table, .. }: &Turns,
        turn: &Turn,
        not_before: Millis,
        changes: impl FnOnce(Statement) -> Statement,
    ) -> Result<bool, Error> {
        let set = Statement::new("UPDATE ").sql(table).sql(" SET lease = '', leased_until = 0, not_before = ");
        let statement = changes(set.bind(not_before))
            .sql(" WHERE tenant = ")
            .bind(turn.log.tenant)
            .sql(" AND lease = ")
            .bind(turn.lease.as_str());
        Ok(with_retries(|| self.shared.chores.execute(statement.clone())).await? > 0)
    }
}
