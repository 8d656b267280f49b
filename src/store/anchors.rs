//! What others vouch for: the newest cosigned checkpoint of each log, and whose turn it is to ask for the next.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use sqlx::any::AnyRow;

use super::sql::{Statement, Value, id, int, text};
use super::{Error, Lease, LedgerReader, LogHead, Store, with_retries};
use crate::domain::Millis;

/// A checkpoint that others vouch for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Anchored {
    /// How many entries it signs.
    pub size: u64,
    /// The signed note, with the cosignatures below it.
    pub note: String,
    /// Whether those are as many as the witness policy asks for.
    pub has_quorum: bool,
    /// That policy, as whoever verifies the checkpoint is given it; empty if there is none, or no quorum.
    pub policy: String,
    /// A time-stamp authority's response over exactly that note (RFC 3161), in base64; empty if there is none.
    pub tsr: String,
    /// When it was put together.
    pub at: Millis,
}

/// What a witness last said of a log.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Witnessed {
    /// How many entries it has vouched for.
    pub size: u64,
    /// Why it did not vouch for more, if it was asked to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// What it holds against the log. Stands until it vouches for the log again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub against: Option<Contradiction>,
}

/// What a witness vouches for and the log denies.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Contradiction {
    /// How many entries the witness vouches for.
    pub size: u64,
    /// What it came to, in words.
    pub what: String,
}

/// What each witness last said, by its key.
pub type Witnesses = BTreeMap<String, Witnessed>;

/// A log that has grown since everybody vouched for it, leased.
#[derive(Clone, Debug)]
pub struct AnchorDue {
    /// The log as it is now.
    pub log: LogHead,
    /// What each witness last said.
    pub witnesses: Witnesses,
    /// How often not all went well, since it last did.
    pub attempts: u64,
    /// What is kept.
    pub kept: Option<Anchored>,
    lease: Lease,
}

/// What came of asking.
#[derive(Clone, Debug, Default)]
pub struct Anchoring {
    /// What each witness said.
    pub witnesses: Witnesses,
    /// What is held against the log; empty: nothing.
    pub alarm: String,
    /// What to keep instead of what is kept.
    pub keep: Option<Anchored>,
    /// For how many entries everybody vouches now; `None` if somebody is to be asked again.
    pub done: Option<u64>,
    /// When to ask again.
    pub not_before: Millis,
}

/// Columns of [`Anchored`], in its order.
const ANCHORED: &str = "size, note, has_quorum, policy, tsr, anchored_at";

impl Store {
    /// Has every log asked about once more, though everybody vouches for it. For a server that starts.
    ///
    /// # Errors
    /// If it could not be written.
    pub async fn ask_again(&self) -> Result<(), Error> {
        self.change_anchors("UPDATE ledger_anchors SET done_size = 0, not_before = 0").await
    }

    /// Drops what witnesses hold against logs. For a server that listens to no witness any more.
    ///
    /// # Errors
    /// If it could not be written.
    pub async fn drop_alarms(&self) -> Result<(), Error> {
        self.change_anchors("UPDATE ledger_anchors SET alarm = '' WHERE alarm <> ''").await
    }

    async fn change_anchors(&self, sql: &'static str) -> Result<(), Error> {
        let change = || async {
            let mut session = self.shared.chores.open().await?;
            Statement::new(sql).execute(session.connection()?).await?;
            session.end();
            Ok(())
        };
        with_retries(change).await
    }

    /// Leases logs that have grown since everybody vouched for them, and that nobody else is busy with.
    ///
    /// # Errors
    /// If they could not be claimed.
    pub async fn claim_anchors(&self, limit: usize) -> Result<Vec<AnchorDue>, Error> {
        with_retries(|| self.try_claim(limit)).await
    }

    async fn try_claim(&self, limit: usize) -> Result<Vec<AnchorDue>, Error> {
        let now = (self.shared.clock)();
        let (lease, leased_until) = self.shared.hand.lease(now);
        let mut session = self.shared.chores.open().await?;
        Statement::new(
            "INSERT INTO ledger_anchors (tenant) SELECT tenant FROM ledger_heads WHERE size > 0 \
             AND tenant NOT IN (SELECT tenant FROM ledger_anchors) ON CONFLICT (tenant) DO NOTHING",
        )
        .execute(session.connection()?)
        .await?;
        let rows = Statement::new("UPDATE ledger_anchors SET lease = ")
            .bind(lease.as_str())
            .sql(", leased_until = ")
            .bind(leased_until)
            .sql(" WHERE leased_until <= ")
            .bind(now)
            .sql(
                " AND tenant IN (SELECT ledger_anchors.tenant FROM ledger_anchors JOIN ledger_heads \
                 ON ledger_heads.tenant = ledger_anchors.tenant WHERE ledger_heads.size > done_size AND leased_until <= ",
            )
            .bind(now)
            .sql(" AND not_before <= ")
            .bind(now)
            .sql(" ORDER BY not_before, ledger_anchors.tenant LIMIT ")
            .bind(limit as u64)
            .sql(") RETURNING tenant, witnesses, attempts, ")
            .sql(ANCHORED)
            .fetch(session.connection()?)
            .await?;
        session.end();
        let mut due = Vec::with_capacity(rows.len());
        for row in &rows {
            let Some(log) = self.ledger().log(id(row, 0)?).await? else { continue };
            let witnesses =
                serde_json::from_str(&text(row, 1)?).map_err(|error| Error::unreadable("word of a witness", error))?;
            let (attempts, kept) = (id(row, 2)?, anchored(row, 3)?);
            due.push(AnchorDue { log, witnesses, attempts, kept, lease: lease.clone() });
        }
        Ok(due)
    }

    /// Writes down what came of asking. Returns whether the lease was still ours; otherwise nothing is written.
    ///
    /// # Errors
    /// If it could not be written.
    pub async fn anchored(&self, due: &AnchorDue, anchoring: &Anchoring) -> Result<bool, Error> {
        with_retries(|| self.try_anchored(due, anchoring)).await
    }

    async fn try_anchored(&self, due: &AnchorDue, anchoring: &Anchoring) -> Result<bool, Error> {
        let witnesses =
            serde_json::to_string(&anchoring.witnesses).map_err(|error| Error::unreadable("witnesses", error))?;
        let mut statement = Statement::new("UPDATE ledger_anchors SET lease = '', leased_until = 0, witnesses = ")
            .bind(witnesses)
            .sql(", alarm = ")
            .bind(anchoring.alarm.as_str())
            .sql(", not_before = ")
            .bind(anchoring.not_before);
        statement = match anchoring.done {
            Some(size) => statement.sql(", attempts = 0, done_size = ").bind(size),
            None => statement.sql(", attempts = attempts + 1"),
        };
        if let Some(keep) = &anchoring.keep {
            let columns = [", size = ", ", note = ", ", has_quorum = ", ", policy = ", ", tsr = ", ", anchored_at = "];
            let values: [Value; 6] = [
                keep.size.into(),
                keep.note.as_str().into(),
                i64::from(keep.has_quorum).into(),
                keep.policy.as_str().into(),
                keep.tsr.as_str().into(),
                keep.at.into(),
            ];
            for (column, value) in columns.into_iter().zip(values) {
                statement = statement.sql(column).bind(value);
            }
        }
        let mut session = self.shared.chores.open().await?;
        let written = statement
            .sql(" WHERE tenant = ")
            .bind(due.log.tenant)
            .sql(" AND lease = ")
            .bind(due.lease.as_str())
            .execute(session.connection()?)
            .await?;
        session.end();
        Ok(written > 0)
    }

    /// What is held against logs, each with the login of its tenant.
    ///
    /// # Errors
    /// If it could not be read.
    pub async fn ledger_alarms(&self) -> Result<Vec<String>, Error> {
        let mut session = self.shared.readers.open().await?;
        let rows = Statement::new(
            "SELECT login, alarm FROM ledger_anchors JOIN ledger_heads ON ledger_heads.tenant = ledger_anchors.tenant \
             WHERE alarm <> '' ORDER BY login LIMIT 20",
        )
        .fetch(session.connection()?)
        .await?;
        session.end();
        rows.iter().map(|row| Ok(format!("{}: {}", text(row, 0)?, text(row, 1)?))).collect()
    }
}

impl LedgerReader {
    /// The newest checkpoint of a log that others vouch for.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub async fn anchored(&self, tenant: u64) -> Result<Option<Anchored>, Error> {
        let rows = Statement::new("SELECT ")
            .sql(ANCHORED)
            .sql(" FROM ledger_anchors WHERE tenant = ")
            .bind(tenant)
            .fetch(&mut *self.connection().await?)
            .await?;
        rows.first().map_or(Ok(None), |row| anchored(row, 0))
    }
}

fn anchored(row: &AnyRow, first: usize) -> Result<Option<Anchored>, Error> {
    let anchored = Anchored {
        size: id(row, first)?,
        note: text(row, first + 1)?,
        has_quorum: int(row, first + 2)? != 0,
        policy: text(row, first + 3)?,
        tsr: text(row, first + 4)?,
        at: int(row, first + 5)?,
    };
    Ok((anchored.size > 0).then_some(anchored))
}
