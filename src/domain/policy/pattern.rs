//! Regular expressions of a policy, compiled when they are first needed.

use std::fmt;
use std::sync::OnceLock;

use regex_automata::meta::{Builder, Config, Regex};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A compiled expression takes no more memory than this.
const MOST_BYTES: usize = 1 << 20;

/// A regular expression, in the syntax of Rust's `regex` crate: without look-around, and so without catastrophes.
#[derive(Clone)]
pub struct Pattern {
    source: String,
    compiled: OnceLock<Option<Regex>>,
}

impl Pattern {
    /// Reads an expression.
    ///
    /// # Errors
    /// What is wrong with it, in words.
    pub fn new(source: &str) -> Result<Self, String> {
        let regex = build(source)?;
        Ok(Self { source: source.to_owned(), compiled: OnceLock::from(Some(regex)) })
    }

    /// As it is written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.source
    }

    /// Whether it is found in the text. One that does not compile is found nowhere.
    #[must_use]
    pub fn is_in(&self, text: &str) -> bool {
        self.compiled.get_or_init(|| build(&self.source).ok()).as_ref().is_some_and(|regex| regex.is_match(text))
    }
}

fn build(source: &str) -> Result<Regex, String> {
    let config = Config::new().nfa_size_limit(Some(MOST_BYTES)).hybrid_cache_capacity(MOST_BYTES);
    Builder::new().configure(config).build(source).map_err(|error| match error.syntax_error() {
        // The library draws the place over several lines; its last line says what is wrong.
        Some(syntax) => syntax.to_string().lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned(),
        None if error.size_limit().is_some() => "it takes too much memory; repeat less in it".to_owned(),
        None => std::error::Error::source(&error).map_or_else(|| error.to_string(), ToString::to_string),
    })
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.source == other.source
    }
}

impl Eq for Pattern {}

impl fmt::Debug for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.source.fmt(f)
    }
}

impl<'de> Deserialize<'de> for Pattern {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self { source: String::deserialize(deserializer)?, compiled: OnceLock::new() })
    }
}

impl Serialize for Pattern {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.source)
    }
}
