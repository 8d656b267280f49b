//! YAML as a tree in which every value knows its place, so that every complaint can point at one.

use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, SeqAccess, Visitor};
use serde_saphyr::Spanned;

use super::PolicyError;

/// A value and where it stands.
#[derive(Clone, Debug)]
pub(super) struct Node {
    pub at: Place,
    pub value: Value,
}

/// Line and column, counted from 1.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    pub line: u64,
    pub column: u64,
}

/// What stands there.
#[derive(Clone, Debug)]
pub(super) enum Value {
    Nothing,
    Text(String),
    Number(i64),
    /// A truth value or a fraction: nothing in a policy is one.
    Odd(String),
    List(Vec<Node>),
    Table(Vec<(Word, Node)>),
}

/// A key and where it stands.
#[derive(Clone, Debug)]
pub(super) struct Word {
    pub at: Place,
    pub text: String,
}

impl Place {
    pub fn error(self, message: impl Into<String>) -> PolicyError {
        PolicyError { line: self.line, column: self.column, message: message.into() }
    }
}

impl Value {
    /// What it is, for `… is needed here, not …`.
    pub fn kind(&self) -> String {
        match self {
            Self::Nothing => "nothing".to_owned(),
            Self::Text(text) => format!("`{text}`"),
            Self::Number(number) => format!("the number {number}"),
            Self::Odd(text) => format!("`{text}`"),
            Self::List(_) => "a list".to_owned(),
            Self::Table(_) => "a table of `key: value`".to_owned(),
        }
    }
}

/// Reads one YAML document.
pub(super) fn read(text: &str) -> Result<Node, PolicyError> {
    // The parser's own words for a tab are about tokens and scanners.
    for (line, content) in (1..).zip(text.lines()) {
        let indentation = content.len() - content.trim_start().len();
        if let Some(column) = content[..indentation].find('\t') {
            let at = Place { line, column: column as u64 + 1 };
            return Err(at.error("a tab; YAML is indented with spaces"));
        }
    }
    tree(text)
}

/// Any YAML document, as its author may indent it.
pub(super) fn tree(text: &str) -> Result<Node, PolicyError> {
    let options =
        serde_saphyr::options! { with_snippet: false, merge_keys: serde_saphyr::options::MergeKeyPolicy::Error };
    serde_saphyr::from_str_with_options::<Located>(text, options).map(Node::from).map_err(|error| {
        let at = error.location().map_or(Place { line: 1, column: 1 }, |at| place(&at));
        Place { line: at.line.max(1), column: at.column.max(1) }.error(in_words(&error))
    })
}

fn in_words(error: &serde_saphyr::Error) -> String {
    match error {
        serde_saphyr::Error::DuplicateMappingKey { key: Some(key), .. } => format!("`{key}` is written twice"),
        serde_saphyr::Error::DuplicateMappingKey { .. } => "a key is written twice".to_owned(),
        serde_saphyr::Error::MultipleDocuments { .. } => "a second document; a policy file has one".to_owned(),
        other => {
            // The place is said elsewhere.
            let words = other.to_string();
            format!("this is not YAML: {}", words.split(" at line ").next().unwrap_or_default())
        }
    }
}

#[derive(Deserialize)]
#[serde(transparent)]
struct Located(Spanned<Raw>);

enum Raw {
    Nothing,
    Text(String),
    Number(i64),
    Odd(String),
    List(Vec<Located>),
    Table(Vec<(Spanned<String>, Located)>),
}

impl From<Located> for Node {
    fn from(Located(spanned): Located) -> Self {
        let value = match spanned.value {
            Raw::Nothing => Value::Nothing,
            Raw::Text(text) => Value::Text(text),
            Raw::Number(number) => Value::Number(number),
            Raw::Odd(text) => Value::Odd(text),
            Raw::List(items) => Value::List(items.into_iter().map(Self::from).collect()),
            Raw::Table(entries) => Value::Table(
                entries
                    .into_iter()
                    .map(|(key, value)| (Word { at: place(&key.referenced), text: key.value }, Self::from(value)))
                    .collect(),
            ),
        };
        Self { at: place(&spanned.referenced), value }
    }
}

fn place(location: &serde_saphyr::Location) -> Place {
    Place { line: location.line(), column: location.column() }
}

impl<'de> Deserialize<'de> for Raw {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(RawVisitor)
    }
}

struct RawVisitor;

impl<'de> Visitor<'de> for RawVisitor {
    type Value = Raw;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E>(self) -> Result<Raw, E> {
        Ok(Raw::Nothing)
    }

    fn visit_none<E>(self) -> Result<Raw, E> {
        Ok(Raw::Nothing)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Raw, D::Error> {
        Raw::deserialize(deserializer)
    }

    fn visit_str<E>(self, text: &str) -> Result<Raw, E> {
        Ok(Raw::Text(text.to_owned()))
    }

    fn visit_bool<E>(self, value: bool) -> Result<Raw, E> {
        Ok(Raw::Odd(value.to_string()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Raw, E> {
        Ok(Raw::Odd(value.to_string()))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Raw, E> {
        Ok(Raw::Number(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Raw, E> {
        Ok(i64::try_from(value).map_or_else(|_| Raw::Odd(value.to_string()), Raw::Number))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Raw, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element()? {
            list.push(item);
        }
        Ok(Raw::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Raw, A::Error> {
        let mut table = Vec::new();
        while let Some(entry) = entries.next_entry()? {
            table.push(entry);
        }
        Ok(Raw::Table(table))
    }
}
