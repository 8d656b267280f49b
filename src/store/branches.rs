//! How far each log's checkpoints have come in the branch they are committed to, and whose turn it is.

use super::sql::{Statement, id, text};
use super::turns::{Turn, Turns};
use super::{Error, Store};
use crate::domain::Millis;

const BRANCHES: Turns = Turns { table: "checkpoint_branches", come: "size" };

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
    pub async fn claim_branches(&self, limit: usize) -> Result<Vec<Turn>, Error> {
        let claimed = self.claim_turns(&BRANCHES, limit, |columns| columns).await?;
        Ok(claimed.into_iter().map(|(turn, _)| turn).collect())
    }

    /// The checkpoint is in the branch, and the next one is not to come before then. Returns whether the lease was ours.
    ///
    /// # Errors
    /// If it could not be written.
    pub async fn branch_committed(&self, turn: &Turn, not_before: Millis) -> Result<bool, Error> {
        let all_is_well = ", attempts = 0, last_error = '', alarm = '', size = ";
        self.end_turn(&BRANCHES, turn, not_before, |set| set.sql(all_is_well).bind(turn.log.size)).await
    }

    /// It is not; it is tried again then. `error` must not hold secrets; `alarm` is what is held against the log by what is
    /// there, if that was found now. Returns whether the lease was ours.
    ///
    /// # Errors
    /// If it could not be written.
    pub async fn branch_failed(
        &self,
        turn: &Turn,
        error: &str,
        alarm: Option<&str>,
        not_before: Millis,
    ) -> Result<bool, Error> {
        self.end_turn(&BRANCHES, turn, not_before, |set| {
            let set = set.sql(", attempts = attempts + 1, last_error = ").bind(error);
            match alarm {
                Some(alarm) => set.sql(", alarm = ").bind(alarm),
                None => set,
            }
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
