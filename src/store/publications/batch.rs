//! A batch as it is in its row.

use sqlx::any::AnyRow;

use crate::domain::Millis;
use crate::store::Error;
use crate::store::sql::{id, int, text};

/// Columns of a [`Batch`], in the order in which it reads them.
pub(super) const COLUMNS: &str = "tenant, repository, number, tag, from_size, to_size, checkpoint, state, release_id, told, attempts, \
     last_error, planned_at, lease, leased_until, not_before, witness_policy, tsr";

/// How far a batch has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BatchState {
    /// Nobody but us can have seen it.
    Planned,
    /// GitHub was told to make it public, or is about to be.
    Publishing,
    /// It is public, and the log says so.
    Published,
    /// It will not be published. Its entries come with the next batch.
    GivenUp,
}

impl BatchState {
    /// Its name in storage.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Planned => "planned",
            Self::Publishing => "publishing",
            Self::Published => "published",
            Self::GivenUp => "given_up",
        }
    }
}

/// Entries of a log that are published together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Batch {
    /// Account id of the tenant whose log it is.
    pub tenant: u64,
    /// Where it is published: `owner/name`, lower-case.
    pub repository: String,
    /// Its number in that repository.
    pub number: u64,
    /// The release's tag.
    pub tag: String,
    /// The first entry.
    pub from: u64,
    /// The entry after the last one: the checkpoint's size.
    pub to: u64,
    /// Signed, over exactly `to` entries, with the cosignatures below it.
    pub checkpoint: String,
    /// The policy by which those are a quorum; empty when they are none.
    pub witness_policy: String,
    /// A time-stamp authority's response over exactly that checkpoint (RFC 3161), in base64; empty when there is none.
    pub tsr: String,
    /// How far it has come.
    pub state: BatchState,
    /// The release's id; 0 until it is known.
    pub release_id: u64,
    /// Whether the log says that it fails.
    pub told: bool,
    /// How often it failed so far.
    pub attempts: u64,
    /// Why, the last time.
    pub last_error: String,
    /// When it was planned.
    pub planned_at: Millis,
    /// Until when somebody works on it.
    pub leased_until: Millis,
    /// When it may be tried again.
    pub not_before: Millis,
    pub(super) lease: String,
}

impl Batch {
    pub(super) fn read(row: &AnyRow) -> Result<Self, Error> {
        let state = text(row, 7)?;
        let all = [BatchState::Planned, BatchState::Publishing, BatchState::Published, BatchState::GivenUp];
        let known = all.into_iter().find(|known| known.as_str() == state);
        Ok(Self {
            tenant: id(row, 0)?,
            repository: text(row, 1)?,
            number: id(row, 2)?,
            tag: text(row, 3)?,
            from: id(row, 4)?,
            to: id(row, 5)?,
            checkpoint: text(row, 6)?,
            state: known.ok_or_else(|| Error::unreadable("publication", format!("state {state}")))?,
            release_id: id(row, 8)?,
            told: int(row, 9)? != 0,
            attempts: id(row, 10)?,
            last_error: text(row, 11)?,
            planned_at: int(row, 12)?,
            lease: text(row, 13)?,
            leased_until: int(row, 14)?,
            not_before: int(row, 15)?,
            witness_policy: text(row, 16)?,
            tsr: text(row, 17)?,
        })
    }
}
