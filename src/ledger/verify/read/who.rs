//! Accounts, as entries name them.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error as _};

use crate::ledger::entry::named::Id;
use crate::ledger::sealing::Subject;

/// An account as an entry names it: all that matters is whether two are the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum AccountId {
    /// The number of a bot's or an organization's account; of a person's, once it was opened.
    Number(u64),
    /// A person.
    Subject(Subject),
}

impl fmt::Display for AccountId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(id) => id.fmt(f),
            Self::Subject(subject) => subject.fmt(f),
        }
    }
}

impl AccountId {
    /// The account of this id.
    ///
    /// # Errors
    /// What is expected in its place, if it is none.
    pub fn of(id: &Id<'_>) -> Result<Self, String> {
        match id {
            Id::Number(number) => Ok(Self::Number(*number)),
            Id::Text(text) => Subject::parse(text)
                .map(Self::Subject)
                .ok_or_else(|| format!("{text:?} is not the number of an account, or sub_ and 32 hexadecimal digits")),
        }
    }
}

impl<'de> Deserialize<'de> for AccountId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::of(&Id::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}
