//! Which rules an entry names: by their digests, and where they came from.
use serde::Deserialize;

use super::body::need;
use crate::ledger::entry::Header;
use crate::ledger::verify::violation::Violation;

/// Where rules came from.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(in crate::ledger::verify) enum Origin {
    /// There is no file.
    #[default]
    BuiltIn,
    /// A file.
    File,
    /// A file that was good before it broke.
    LastGood,
    /// A file that is broken and never was good.
    AdminsOnly,
}

/// The rules, and those of others that hold besides.
#[derive(Debug, Default, PartialEq, Eq, Deserialize)]
pub(in crate::ledger::verify) struct Policy {
    pub(in crate::ledger::verify) digest: String,
    pub(in crate::ledger::verify) origin: Origin,
    #[serde(default)]
    pub(in crate::ledger::verify) also: Vec<Also>,
}

/// Rules of others.
#[derive(Debug, PartialEq, Eq, Deserialize)]
pub(in crate::ledger::verify) struct Also {
    pub(in crate::ledger::verify) digest: String,
    pub(in crate::ledger::verify) origin: Origin,
    pub(in crate::ledger::verify) whose: Whose,
}

/// Who else's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(in crate::ledger::verify) enum Whose {
    Organization,
    /// The repository's own, before what is held changes them.
    Before,
}

impl Policy {
    /// Whether they are the same rules, wherever they were read.
    pub(in crate::ledger::verify) fn has_rules_of(&self, other: &Self) -> bool {
        let also = self.also.iter().map(|also| (&also.digest, also.whose));
        self.digest == other.digest && also.eq(other.also.iter().map(|also| (&also.digest, also.whose)))
    }
}

/// Rules that came into force.
pub(in crate::ledger::verify) struct Loaded {
    /// The repository whose they are; without one they are the organization's.
    pub(in crate::ledger::verify) repository: Option<u64>,
    pub(in crate::ledger::verify) digest: String,
}

impl Loaded {
    pub(in crate::ledger::verify) fn of(entry: &Header<'_>) -> Result<Self, Violation> {
        let repository = entry.repository.map(|raw| need(Some(raw), "repository")).transpose()?;
        let Policy { digest, .. } = need(entry.policy, "policy")?;
        Ok(Self { repository: repository.map(|Repository { id }| id), digest })
    }
}

#[derive(Deserialize)]
pub(in crate::ledger::verify) struct Repository {
    pub(in crate::ledger::verify) id: u64,
}
