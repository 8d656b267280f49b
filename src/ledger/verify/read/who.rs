//! Accounts, as entries name them.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, Unexpected, Visitor};

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

impl<'de> Deserialize<'de> for AccountId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;
        impl Visitor<'_> for Reader {
            type Value = AccountId;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("the number of an account, or sub_ and 32 hexadecimal digits")
            }

            fn visit_u64<E: Error>(self, id: u64) -> Result<AccountId, E> {
                Ok(AccountId::Number(id))
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<AccountId, E> {
                let subject = Subject::parse(text).ok_or_else(|| E::invalid_value(Unexpected::Str(text), &self))?;
                Ok(AccountId::Subject(subject))
            }
        }
        deserializer.deserialize_any(Reader)
    }
}
