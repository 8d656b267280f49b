//! What others vouch for: the newest cosigned checkpoint of each log, and whose turn it is to ask for the next.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use sqlx::any::AnyRow;

use super::sql::{Statement, id, int, text};
use super::turns::{Turn, Turns};
use super::{Error, LedgerReader, Store, with_retries};
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

/// A log that has grown since everybody vouched for it.
#[derive(Clone, Debug)]
pub struct AnchorDue {
    /// The log, leased.
    pub turn: Turn,
    /// What each witness last said.
    pub witnesses: Witnesses,
    /// What is kept.
    pub kept: Option<Anchored>,
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

const ANCHORS: Turns = Turns { table: "ledger_anchors", come: "done_size" };

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
        with_retries(|| self.shared.chores.execute(Statement::new(sql))).await.map(drop)
    }

    /// Leases logs that have grown since everybody vouched for them, and that nobody else is busy with.
    ///
    /// # Errors
    /// If they could not be claimed.
    pub async fn claim_anchors(&self, limit: usize) -> Result<Vec<AnchorDue>, Error> {
        let due = |(turn, row): (Turn, AnyRow)| {
            let witnesses =
                serde_json::from_str(&text(&row, 2)?).map_err(|error| Error::unreadable("word of a witness", error))?;
            Ok(AnchorDue { turn, witnesses, kept: anchored(&row, 3)? })
        };
        let claimed = self.claim_turns(&ANCHORS, limit, |columns| columns.sql(", witnesses, ").sql(ANCHORED)).await?;
        claimed.into_iter().map(due).collect()
    }

    /// Writes down what came of asking. Returns whether the lease was still ours; otherwise nothing is written.
    ///
    /// # Errors
    /// If it could not be written.
    pub async fn anchored(&self, due: &AnchorDue, anchoring: &Anchoring) -> Result<bool, Error> {
        let witnesses =
            serde_json::to_string(&anchoring.witnesses).map_err(|error| Error::unreadable("witnesses", error))?;
        self.end_turn(&ANCHORS, &due.turn, anchoring.not_before, |set| {
            let set = set.sql(", witnesses = ").bind(witnesses).sql(", alarm = ").bind(anchoring.alarm.as_str());
            let set = match anchoring.done {
                Some(size) => set.sql(", attempts = 0, done_size = ").bind(size),
                None => set.sql(", attempts = attempts + 1"),
            };
            let Some(keep) = &anchoring.keep else { return set };
            set.sql(", size = ")
                .bind(keep.size)
                .sql(", note = ")
                .bind(keep.note.as_str())
                .sql(", has_quorum = ")
                .bind(i64::from(keep.has_quorum))
                .sql(", policy = ")
                .bind(keep.policy.as_str())
                .sql(", tsr = ")
                .bind(keep.tsr.as_str())
                .sql(", anchored_at = ")
                .bind(keep.at)
        })
        .await
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
