//! What is read of entries that are seldom: a release is held, others are let in, nobody is left, a decision is taken back.
use serde::Deserialize;
use serde_json::value::RawValue;

use super::group::Later;
use crate::ledger::entry::{Header, SOFTWARE};
use crate::ledger::verify::violation::Violation;

/// Reads the fields of an entry that a rule cannot do without.
fn read<'a, T: Deserialize<'a>>(line: &'a str) -> Result<T, Violation> {
    serde_json::from_str(line).map_err(|error| Violation::Unreadable(error.to_string()))
}

/// A list; nothing where it was too long for an entry, and stands there by its digest.
fn list<'a, T: Deserialize<'a>>(raw: &'a RawValue) -> Result<Option<Vec<T>>, Violation> {
    if raw.get().starts_with('{') { Ok(None) } else { read(raw.get()).map(Some) }
}

/// What is said to hold a release.
#[derive(Debug)]
pub(in crate::ledger::verify) struct Held {
    pub(in crate::ledger::verify) by: By,
    /// Whether the software that says so is of this version.
    pub(in crate::ledger::verify) is_by_this_version: bool,
}

/// What can hold one.
#[derive(Debug, Deserialize)]
#[serde(tag = "by", rename_all = "snake_case")]
pub(in crate::ledger::verify) enum By {
    /// The switch.
    Stop,
    /// A freeze.
    Freeze {
        /// Its name.
        name: String,
    },
}

impl Held {
    pub(in crate::ledger::verify) fn of(line: &str, entry: &Header<'_>) -> Result<Self, Violation> {
        Ok(Self { by: read(line)?, is_by_this_version: entry.sw == SOFTWARE })
    }
}

/// Others are let in.
#[derive(Debug)]
pub(in crate::ledger::verify) struct Escalated {
    /// How long it has waited, in milliseconds.
    pub(in crate::ledger::verify) waited: u64,
    /// Who they are, as far as there was room.
    pub(in crate::ledger::verify) let_in: Option<Vec<Later>>,
}

impl Escalated {
    pub(in crate::ledger::verify) fn of(line: &str) -> Result<Self, Violation> {
        #[derive(Deserialize)]
        struct Fields<'a> {
            waited: u64,
            #[serde(borrow)]
            let_in: &'a RawValue,
        }
        let Fields { waited, let_in } = read(line)?;
        Ok(Self { waited, let_in: list(let_in)? })
    }
}

/// The rules that nobody is left to meet, as far as there was room.
pub(in crate::ledger::verify) fn unmeetable(line: &str) -> Result<Option<Vec<String>>, Violation> {
    #[derive(Deserialize)]
    struct Fields<'a> {
        #[serde(borrow)]
        rules: &'a RawValue,
    }
    let Fields { rules } = read(line)?;
    list(rules)
}

/// Why a decision is taken back: all that a server has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(in crate::ledger::verify) enum Voided {
    JudgedAgain,
    ApprovalStruck,
    Denied,
    Superseded,
    Withdrawn,
}

impl Voided {
    pub(in crate::ledger::verify) fn as_str(self) -> &'static str {
        match self {
            Self::JudgedAgain => "judged_again",
            Self::ApprovalStruck => "approval_struck",
            Self::Denied => "denied",
            Self::Superseded => "superseded",
            Self::Withdrawn => "withdrawn",
        }
    }
}
