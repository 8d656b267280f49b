//! YAML as a tree in which every value knows its place, so that every complaint can point at one.

use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, SeqAccess, Visitor};
use serde_saphyr::Spanned;

use super::PolicyError;

/// Deeper, and larger, is no policy that people read.
const DEEPEST: usize = 24;
const MOST_NODES: usize = 100_000;

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

impl Value {
    /// The same without places.
    pub fn to_json(&self) -> serde_json::Value {
        match self {
            Self::Nothing => serde_json::Value::Null,
            Self::Text(text) | Self::Odd(text) => text.as_str().into(),
            Self::Number(number) => (*number).into(),
            Self::List(items) => items.iter().map(|item| item.value.to_json()).collect(),
            Self::Table(entries) => {
                let fields = entries.iter().map(|(key, node)| (key.text.clone(), node.value.to_json()));
                serde_json::Value::Object(fields.collect())
            }
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
        // YAML begins a new line there, and no editor shows it.
        if let Some(column) = content.chars().position(|c| c == '\r') {
            let at = Place { line, column: column as u64 + 1 };
            return Err(at.error("a carriage return in the middle of a line; write a new line"));
        }
    }
    tree(text)
}

/// Any YAML document, as its author may indent it.
pub(super) fn tree(text: &str) -> Result<Node, PolicyError> {
    let options = serde_saphyr::options! {
        with_snippet: false,
        merge_keys: serde_saphyr::options::MergeKeyPolicy::Error,
        // Aliases multiply: what they stand for counts as if it were written.
        budget: serde_saphyr::budget! { max_depth: DEEPEST, max_nodes: MOST_NODES },
    };
    serde_saphyr::from_str_with_options::<Located>(text, options).map(Node::from).map_err(|error| {
        let at = error.location().map_or(Place { line: 1, column: 1 }, |at| place(&at));
        let at = Place { line: at.line.max(1), column: at.column.max(1) };
        let written_before = match &error {
            serde_saphyr::Error::DuplicateMappingKey { key: Some(key), .. } => line_before(text, at, key),
            _ => None,
        };
        let other = written_before.map(|line| format!("; the other is on line {line}")).unwrap_or_default();
        at.error(in_words(&error, rest_of_line(text, at)) + &other)
    })
}

/// The line on which the same key stands before, as far to the right.
fn line_before(text: &str, at: Place, key: &str) -> Option<u64> {
    let before = usize::try_from(at.line.checked_sub(1)?).ok()?;
    let lines = (1..at.line).zip(text.lines().take(before));
    let has_it = |line: u64| {
        let rest = rest_of_line(text, Place { line, column: at.column });
        rest.strip_prefix(key).is_some_and(|rest| rest.trim_start().starts_with(':'))
    };
    lines.map(|(line, _)| line).filter(|line| has_it(*line)).last()
}

fn rest_of_line(text: &str, at: Place) -> &str {
    let back = |place: u64| usize::try_from(place.saturating_sub(1)).unwrap_or(usize::MAX);
    let line = text.lines().nth(back(at.line)).unwrap_or_default();
    line.char_indices().nth(back(at.column)).map_or("", |(start, _)| &line[start..])
}

/// What is wrong, in the words of somebody who wanted to write a policy.
fn in_words(error: &serde_saphyr::Error, found: &str) -> String {
    let means_more = found.starts_with(['*', '&', '@', '`', '%', '!']);
    let word = found.split([' ', ',', ']', '}']).next().unwrap_or_default();
    match error {
        serde_saphyr::Error::Budget { breach: serde_saphyr::budget::BudgetBreach::Depth { .. }, .. } => {
            format!("nested deeper than {DEEPEST} levels")
        }
        serde_saphyr::Error::Budget { .. } => "the file says too much, aliases included".to_owned(),
        serde_saphyr::Error::MergeKeyNotAllowed { .. } => "`<<` is not read; write every key of the table".to_owned(),
        serde_saphyr::Error::UnknownAnchor { .. } => {
            format!(
                "`{word}` needs quotes (`\"{word}\"`): without them it repeats what is marked `&{}`, and nothing is",
                word.trim_start_matches('*')
            )
        }
        _ if means_more => {
            format!("`{word}` needs quotes (`\"{word}\"`): YAML means something else by its first letter")
        }
        serde_saphyr::Error::DuplicateMappingKey { key: Some(key), .. } => format!("`{key}` is written twice"),
        serde_saphyr::Error::DuplicateMappingKey { .. } => "a key is written twice".to_owned(),
        serde_saphyr::Error::MultipleDocuments { .. } => "a second document; a policy file has one".to_owned(),
        other => {
            // The place is said elsewhere.
            let words = other.to_string();
            let words = words.split(" at line ").next().unwrap_or_default();
            let is_about_form =
                ["indicator", "quoted", "flow", "block", "mapping", "key"].iter().any(|w| words.contains(w));
            let advice = if is_about_form { "; look for a bracket, a quote or an indentation before it" } else { "" };
            format!("this is not YAML: {words}{advice}")
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
