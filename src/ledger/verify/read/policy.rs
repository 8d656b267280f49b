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
#[derive(Debug, Default, Deserialize)]
pub(in crate::ledger::verify) struct Policy {
    pub(in crate::ledger::verify) digest: String,
    pub(in crate::ledger::verify) origin: Origin,
    /// Head of the default branch when the file was read, and the file.
    pub(in crate::ledger::verify) commit: Option<Box<str>>,
    pub(in crate::ledger::verify) blob: Option<Box<str>>,
    #[serde(default)]
    pub(in crate::ledger::verify) also: Vec<Also>,
}

/// Rules of others.
#[derive(Debug, Deserialize)]
pub(in crate::ledger::verify) struct Also {
    pub(in crate::ledger::verify) digest: String,
    pub(in crate::ledger::verify) origin: Origin,
    /// Head of the default branch when the file was read, and the file.
    pub(in crate::ledger::verify) commit: Option<Box<str>>,
    pub(in crate::ledger::verify) blob: Option<Box<str>>,
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
    /// Whether they are the same rules, read at the same place as far as both tell it.
    pub(in crate::ledger::verify) fn is(&self, other: &Self) -> bool {
        let is_one = |(one, other): (&Also, &Also)| {
            (&one.digest, one.origin, one.whose) == (&other.digest, other.origin, other.whose)
                && are_like(&one.commit, &other.commit)
                && are_like(&one.blob, &other.blob)
        };
        (&self.digest, self.origin) == (&other.digest, other.origin)
            && are_like(&self.commit, &other.commit)
            && are_like(&self.blob, &other.blob)
            && self.also.len() == other.also.len()
            && self.also.iter().zip(&other.also).all(is_one)
    }

    /// Whether they are the same rules, wherever they were read.
    pub(in crate::ledger::verify) fn has_rules_of(&self, other: &Self) -> bool {
        let also = self.also.iter().map(|also| (&also.digest, also.whose));
        self.digest == other.digest && also.eq(other.also.iter().map(|also| (&also.digest, also.whose)))
    }
}

fn are_like(one: &Option<Box<str>>, other: &Option<Box<str>>) -> bool {
    one.as_ref().zip(other.as_ref()).is_none_or(|(one, other)| one == other)
}

/// Rules that came into force.
pub(in crate::ledger::verify) struct Loaded {
    /// The repository whose they are; without one they are the organization's.
    pub(in crate::ledger::verify) repository: Option<u64>,
    pub(in crate::ledger::verify) digest: String,
    pub(in crate::ledger::verify) blob: Option<Box<str>>,
    /// Whether a file brought them: what holds without one never comes into force.
    pub(in crate::ledger::verify) is_a_file: bool,
}

impl Loaded {
    pub(in crate::ledger::verify) fn of(entry: &Header<'_>) -> Result<Self, Violation> {
        let repository = entry.repository.map(|raw| need(Some(raw), "repository")).transpose()?;
        let Policy { digest, origin, blob, .. } = need(entry.policy, "policy")?;
        let repository = repository.map(|Repository { id }| id);
        Ok(Self { repository, digest, blob, is_a_file: origin == Origin::File })
    }
}

#[derive(Deserialize)]
pub(in crate::ledger::verify) struct Repository {
    pub(in crate::ledger::verify) id: u64,
}
