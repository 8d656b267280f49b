//! Whom and what an opening names: read once for the rules and the tables.
use std::borrow::Cow;
use std::fmt;

use serde::de::value::BorrowedStrDeserializer;
use serde::de::{Deserialize, Deserializer, Error, IgnoredAny, Visitor};
use serde_json::value::RawValue;

use super::Header;
use super::short::{self, Short};
use crate::domain::people::AccountKind;

/// A text, borrowed where nothing in it is escaped, also from within a list.
#[derive(Debug, serde::Deserialize)]
#[serde(transparent)]
pub struct Text<'a>(#[serde(borrow)] pub Cow<'a, str>);

/// How an account is named.
#[derive(Debug, PartialEq, Eq)]
pub enum Id<'a> {
    /// By the number GitHub gave it.
    Number(u64),
    /// By what stands for that.
    Text(Cow<'a, str>),
}

/// An account: an object with its `id`, or where there is no room the id by itself.
#[derive(Debug)]
pub struct Account<'a> {
    /// How it is named.
    pub id: Id<'a>,
    /// What it is, if that is told.
    pub kind: Option<AccountKind>,
    /// Whether it is told why it is there.
    pub says_why: bool,
}

/// A commit, and the agent that was found on it.
#[derive(Debug, serde::Deserialize)]
pub struct Commit<'a> {
    /// Its id.
    #[serde(borrow)]
    pub sha: Cow<'a, str>,
    /// Whether a rule holds it.
    pub gated: bool,
    /// The agent.
    #[serde(borrow, default)]
    pub agent: Option<Text<'a>>,
}

/// What was read, or why it could not be.
pub type Read<T> = Result<T, String>;

/// Whom and what an opening names.
#[derive(Debug)]
pub struct Named<'a> {
    /// Who set the run going, and who this attempt of it, each if it is told.
    pub starters: [Option<Read<Account<'a>>>; 2],
    /// The people who had a part.
    pub parties: Read<Vec<Account<'a>>>,
    /// What was found on each commit.
    pub commits: Read<Vec<Commit<'a>>>,
}

impl<'a> Named<'a> {
    pub(super) fn of(entry: &Header<'a>) -> Self {
        let starters = [(entry.actor, "actor"), (entry.triggering_actor, "triggering_actor")];
        Self {
            starters: starters.map(|(who, name)| who.map(|who| read(Some(who), name))),
            parties: read(entry.parties, "parties"),
            commits: read(entry.commits, "commits"),
        }
    }
}

/// Reads a field of an entry. Most are plain texts, which need no parser; so it is for types that are read from a text as they are, not
/// for an `Option` or a newtype of one.
///
/// # Errors
/// Which field it is, and what is wrong with it.
pub fn read<'a, T: Deserialize<'a>>(raw: Option<&'a RawValue>, name: &str) -> Read<T> {
    let raw = raw.ok_or_else(|| format!("missing field `{name}`"))?;
    let read = match plain(raw) {
        Some(text) => T::deserialize(BorrowedStrDeserializer::<serde_json::Error>::new(text)),
        None => serde_json::from_str(raw.get()),
    };
    read.map_err(|error| format!("{name}: {error}"))
}

/// What stands between the quotes of a JSON string, if nothing in it is escaped.
#[must_use]
pub fn plain(raw: &RawValue) -> Option<&str> {
    raw.get().strip_prefix('"')?.strip_suffix('"').filter(|text| !text.contains('\\'))
}

impl Id<'_> {
    /// As it is written.
    pub fn as_text(&self) -> Cow<'_, str> {
        match self {
            Self::Number(number) => Cow::Owned(number.to_string()),
            Self::Text(text) => Cow::Borrowed(text),
        }
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Id<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;
        impl<'de> Visitor<'de> for Reader {
            type Value = Id<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("the id of an account")
            }

            fn visit_u64<E: Error>(self, number: u64) -> Result<Self::Value, E> {
                Ok(Id::Number(number))
            }

            fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Self::Value, E> {
                Ok(Id::Text(text.into()))
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
                Ok(Id::Text(text.to_owned().into()))
            }
        }
        deserializer.deserialize_any(Reader)
    }
}

/// What is read of an account that is told as an object.
#[derive(serde::Deserialize)]
pub struct Object<'a> {
    #[serde(borrow)]
    id: Id<'a>,
    kind: Option<AccountKind>,
    because: Option<IgnoredAny>,
}

impl<'de: 'a, 'a> Short<'de> for Account<'a> {
    type Object = Object<'de>;

    const EXPECTED: &'static str = "an account, or its id";

    fn word<E: Error>(id: Cow<'de, str>) -> Result<Self, E> {
        Ok(Self { id: Id::Text(id), kind: None, says_why: false })
    }

    fn number<E: Error>(id: u64) -> Result<Self, E> {
        Ok(Self { id: Id::Number(id), kind: None, says_why: false })
    }

    fn object(Object { id, kind, because }: Object<'de>) -> Self {
        Self { id, kind, says_why: because.is_some() }
    }
}

/// Whatever else is said of an account, its id: for whoever shows it, and judges nothing.
pub struct OnlyId<'a>(pub Id<'a>);

#[derive(serde::Deserialize)]
pub struct WithId<'a> {
    #[serde(borrow)]
    id: Id<'a>,
}

impl<'de: 'a, 'a> Short<'de> for OnlyId<'a> {
    type Object = WithId<'de>;

    const EXPECTED: &'static str = "an account, or its id";

    fn word<E: Error>(id: Cow<'de, str>) -> Result<Self, E> {
        Ok(Self(Id::Text(id)))
    }

    fn number<E: Error>(id: u64) -> Result<Self, E> {
        Ok(Self(Id::Number(id)))
    }

    fn object(object: WithId<'de>) -> Self {
        Self(object.id)
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for OnlyId<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        short::deserialize(deserializer)
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Account<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        short::deserialize(deserializer)
    }
}
