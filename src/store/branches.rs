//! How far each log's checkpoints have come in the branch they are committed to, and whose turn it is.

use super::sql::{Statement, id, text};
use super::{Error, Lease, LogHead, Store, with_retries};
use crate::domain::Millis;

/// A log that has grown since its checkpoint was committed, leased.
#[derive(Clone, Debug)]
pub struct BranchDue {
    /// The log as it is now.
    pub log: LogHead,
    /// How often it failed, since it last went well.
    pub attempts: u64,
    lease: Lease,
}

/// How far one log's checkpoints have come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BranchStanding {
    /// Account id of the tenant whose log it is.
    pub tenant: u64,
    /// Of the checkpoint that is there; 0: none.
    pub size: u64,
    /// How often it failed, since it last went well.
    pub attempts: u64,
    /// Why, the last time.
    pub last_error: String,
    /// What is held against the log by what is there; empty: nothing. It stands until the log's checkpoint is there again.
    pub alarm: String,
}

impl Store {
    /// Leases logs that have grown since their checkpoint was committed, and that nobody else is busy with.
    ///
    /// # Errors
    /// If they could not be claimed.
    pub async fn claim_branches(&self, limit: usize) -> Result<Vec<BranchDue>, Error> {
        with_retries(|| self.try_claim_branches(limit)).await
    }

    async fn try_claim_branches(&self, limit: usize) -> Result<Vec<BranchDue>, Error> {
        let now = (self.shared.clock)();
        let (lease, leased_until) = self.shared.hand.lease(now);
        let mut session = self.shared.chores.open().await?;
        Statement::new(
            "INSERT INTO checkpoint_branches (tenant) SELECT tenant FROM ledger_heads WHERE size > 0 \
             AND tenant NOT IN (SELECT tenant FROM checkpoint_branches) ON CONFLICT (tenant) DO NOTHING",
        )
        .execute(session.connection()?)
        .await?;
        let rows = Statement::new("UPDATE checkpoint_branches SET lease = ")
            .bind(lease.as_str())
            .sql(", leased_until = ")
            .bind(leased_until)
            .sql(" WHERE leased_until <= ")
            .bind(now)
            .sql(
                " AND tenant IN (SELECT checkpoint_branches.tenant FROM checkpoint_branches JOIN ledger_heads \
                 ON ledger_heads.tenant = checkpoint_branches.tenant WHERE ledger_heads.size > checkpoint_branches.size \
                 AND leased_until <= ",
            )
            .bind(now)
            .sql(" AND not_before <= ")
            .bind(now)
            .sql(" ORDER BY not_before, checkpoint_branches.tenant LIMIT ")
            .bind(limit as u64)
            .sql(") RETURNING tenant, attempts")
            .fetch(session.connection()?)
            .await?;
        session.end();
        let mut due = Vec::with_capacity(rows.len());
        for row in &rows {
            let Some(log) = self.ledger().log(id(row, 0)?).await? else { continue };
            due.push(BranchDue { log, attempts: id(row, 1)?, lease: lease.clone() });
        }
        Ok(due)
    }

    /// The checkpoint is in the branch, and the next one is not to come before then. Returns whether the lease was ours.
    ///
    /// # Errors
    /// If it could not be written.
    pub async fn branch_committed(&self, due: &BranchDue, not_before: Millis) -> Result<bool, Error> {
        let set = Statement::new(
            "UPDATE checkpoint_branches SET lease = '', leased_until = 0, attempts = 0, last_error = '', alarm = '', size = ",
        );
        self.end_branch(due, set.bind(due.log.size), not_before).await
    }

    /// It is not; it is tried again then. `error` must not hold secrets; `alarm` is what is held against the log by what is
    /// there, if that was found now. Returns whether the lease was ours.
    ///
    /// # Errors
    /// If it could not be written.
    pub async fn branch_failed(
        &self,
        due: &BranchDue,
        error: &str,
        alarm: Option<&str>,
        not_before: Millis,
    ) -> Result<bool, Error> {
        let mut set = Statement::new(
            "UPDATE checkpoint_branches SET lease = '', leased_until = 0, attempts = attempts + 1, last_error = ",
        )
        .bind(error);
        if let Some(alarm) = alarm {
            set = set.sql(", alarm = ").bind(alarm);
        }
        self.end_branch(due, set, not_before).await
    }

    async fn end_branch(&self, due: &BranchDue, set: Statement, not_before: Millis) -> Result<bool, Error> {
        let statement = set
            .sql(", not_before = ")
            .bind(not_before)
            .sql(" WHERE tenant = ")
            .bind(due.log.tenant)
            .sql(" AND lease = ")
            .bind(due.lease.as_str());
        with_retries(|| async {
            let mut session = self.shared.chores.open().await?;
            let written = statement.clone().execute(session.connection()?).await?;
            session.end();
            Ok(written > 0)
        })
        .await
    }

    /// How far every log's checkpoints have come.
    ///
    /// # Errors
    /// If it could not be read.
    pub async fn branches(&self) -> Result<Vec<BranchStanding>, Error> {
        let mut session = self.shared.readers.open().await?;
        let rows =
            Statement::new("SELECT tenant, size, attempts, last_error, alarm FROM checkpoint_branches ORDER BY tenant")
                .fetch(session.connection()?)
                .await?;
        session.end();
        let standing = |row| {
            let (tenant, size, attempts) = (id(row, 0)?, id(row, 1)?, id(row, 2)?);
            Ok(BranchStanding { tenant, size, attempts, last_error: text(row, 3)?, alarm: text(row, 4)? })
        };
        rows.iter().map(standing).collect()
    }
}
