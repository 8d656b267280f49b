//! From whom approvals have to be, as entries tell it in clear: a word, or an object that names a group.
use std::borrow::Cow;

use serde::Deserialize;
use serde::de::{Deserializer, Error, IgnoredAny, Unexpected};

use crate::ledger::entry::short::{self, Short};

/// From whom approvals have to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::ledger::verify) enum Group {
    /// Whoever can write to the repository.
    Writers,
    /// Its administrators.
    Admins,
    /// The owners of the changed files.
    CodeOwners,
    /// A group of the policy, whose name and members are sealed.
    Named,
}

/// Who may approve besides, after some time.
#[derive(Debug, PartialEq, Eq, Deserialize)]
pub(in crate::ledger::verify) struct Later {
    /// How long, in milliseconds.
    pub(in crate::ledger::verify) after: u64,
    pub(in crate::ledger::verify) from: Group,
}

impl<'de> Short<'de> for Group {
    type Object = IgnoredAny;

    const EXPECTED: &'static str = "writers, admins, code_owners, or an object that names a group";

    fn word<E: Error>(word: Cow<'de, str>) -> Result<Self, E> {
        match &*word {
            "writers" => Ok(Self::Writers),
            "admins" => Ok(Self::Admins),
            "code_owners" => Ok(Self::CodeOwners),
            other => Err(E::invalid_value(Unexpected::Str(other), &Self::EXPECTED)),
        }
    }

    fn object(_: IgnoredAny) -> Self {
        Self::Named
    }
}

impl<'de> Deserialize<'de> for Group {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        short::deserialize(deserializer)
    }
}
