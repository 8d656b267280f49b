//! Patterns, each compiled when it is first needed.

use std::fmt;
use std::sync::OnceLock;

use globset::{GlobBuilder, GlobMatcher};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::domain::attribution::fold::fold;

/// A longer pattern nobody reads, in bytes; nor one with more braces in braces.
const LONGEST: usize = 1_000;
const DEEPEST: usize = 8;

/// How a pattern is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Spelling {
    /// Case does not matter, nor do letters that only look alike: so for environments, as GitHub takes them.
    Loose,
    /// Exact; `*` crosses everything. So for commands and jobs.
    Exact,
    /// Exact; `*` stays within a folder, `**` does not. So for files and branches, as GitHub's filters.
    Folders,
}

/// A pattern, compiled when it is first needed.
#[derive(Clone)]
pub struct Glob {
    source: String,
    spelling: Spelling,
    compiled: OnceLock<Option<GlobMatcher>>,
}

impl Glob {
    /// Reads a pattern.
    ///
    /// # Errors
    /// What is wrong with it, in words.
    pub fn new(source: &str, spelling: Spelling) -> Result<Self, String> {
        let glob = Self { source: source.to_owned(), spelling, compiled: OnceLock::new() };
        if glob.is_plain() {
            return Ok(glob);
        }
        glob.build().map(|_| glob)
    }

    /// The pattern as it is written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.source
    }

    /// Whether it matches. A pattern that does not compile matches everything: a broken rule holds (P2).
    #[must_use]
    pub fn matches(&self, text: &str) -> bool {
        if self.source == "*" && self.spelling != Spelling::Folders {
            return true;
        }
        if let Some(begin) = self.begin()
            && text.is_ascii()
        {
            let found = text.get(..begin.len());
            return match self.spelling {
                Spelling::Loose => found.is_some_and(|found| found.eq_ignore_ascii_case(begin)),
                _ => found == Some(begin),
            };
        }
        let is_match = |text: &str| match (self.is_plain(), self.spelling) {
            (true, Spelling::Loose) if text.is_ascii() => self.source.eq_ignore_ascii_case(text),
            (true, Spelling::Exact | Spelling::Folders) => self.source == text,
            _ => self.compiled().is_none_or(|compiled| compiled.is_match(text)),
        };
        is_match(text) || (self.spelling == Spelling::Loose && !text.is_ascii() && is_match(&fold(text)))
    }

    /// Most are plain names, and a pattern takes long to compile.
    fn is_plain(&self) -> bool {
        is_literal(&self.source)
    }

    /// What texts begin with, when nothing else is asked: `prod-*`.
    fn begin(&self) -> Option<&str> {
        let begin = self.source.strip_suffix('*').filter(|_| self.spelling != Spelling::Folders)?;
        is_literal(begin).then_some(begin)
    }

    fn compiled(&self) -> Option<&GlobMatcher> {
        self.compiled.get_or_init(|| self.build().ok().map(|glob| glob.compile_matcher())).as_ref()
    }

    fn build(&self) -> Result<globset::Glob, String> {
        if self.source.len() > LONGEST {
            return Err(format!("it has more than {LONGEST} characters"));
        }
        // The library compiles what it has read without asking whether that can be done; deep nesting cannot.
        if depth(&self.source) > DEEPEST {
            return Err(format!("its braces are nested deeper than {DEEPEST}"));
        }
        GlobBuilder::new(&self.source)
            .case_insensitive(self.spelling == Spelling::Loose)
            .literal_separator(self.spelling == Spelling::Folders)
            .build()
            .map_err(|error| error.kind().to_string())
    }
}

/// How many braces stand in each other at most.
fn depth(source: &str) -> usize {
    let mut open = 0_usize;
    let depths = source.bytes().map(|byte| {
        match byte {
            b'{' => open += 1,
            b'}' => open = open.saturating_sub(1),
            _ => {}
        }
        open
    });
    depths.max().unwrap_or(0)
}

fn is_literal(text: &str) -> bool {
    text.bytes().all(|b| b.is_ascii() && !matches!(b, b'*' | b'?' | b'[' | b']' | b'{' | b'}' | b'\\'))
}

impl PartialEq for Glob {
    fn eq(&self, other: &Self) -> bool {
        (&self.source, self.spelling) == (&other.source, other.spelling)
    }
}

impl Eq for Glob {}

impl fmt::Debug for Glob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.source.fmt(f)
    }
}

pub(super) fn loose<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Glob>, D::Error> {
    spelt(deserializer, Spelling::Loose)
}

pub(super) fn exact<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Glob>, D::Error> {
    spelt(deserializer, Spelling::Exact)
}

pub(super) fn folders<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Glob>, D::Error> {
    spelt(deserializer, Spelling::Folders)
}

fn spelt<'de, D: Deserializer<'de>>(deserializer: D, spelling: Spelling) -> Result<Vec<Glob>, D::Error> {
    let sources = Vec::<String>::deserialize(deserializer)?;
    Ok(sources.into_iter().map(|source| Glob { source, spelling, compiled: OnceLock::new() }).collect())
}

impl Serialize for Glob {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.source)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn globs(spelling: Spelling, patterns: &[&str]) -> Vec<Glob> {
        patterns.iter().map(|pattern| Glob::new(pattern, spelling).unwrap()).collect()
    }

    #[test]
    fn environments_match_without_case_and_by_how_they_look() {
        let [production] = globs(Spelling::Loose, &["production"]).try_into().unwrap();
        for name in ["production", "Production", "prоduction", "ｐroduction"] {
            assert!(production.matches(name), "{name}");
        }
        assert!(!production.matches("production-eu"));
        assert!(!production.matches("生产"));
    }

    #[test]
    fn a_pattern_is_refused_or_can_be_matched_however_it_is_nested() {
        for spelling in [Spelling::Loose, Spelling::Exact, Spelling::Folders] {
            for pattern in [
                format!("{}a{}", "{a,".repeat(240), "}".repeat(240)),
                format!("{}a{}", "{".repeat(300), "}".repeat(300)),
                "?".repeat(1_000),
                "[!a]".repeat(250),
                "**/".repeat(333),
                "{?,*}".repeat(200),
                "*".repeat(1_000),
                "é?".repeat(300),
            ] {
                if let Ok(glob) = Glob::new(&pattern, spelling) {
                    let _ = glob.matches(&"x".repeat(500));
                }
            }
        }
    }

    #[test]
    fn a_star_stays_within_a_folder_and_two_do_not() {
        let [flat, deep] = globs(Spelling::Folders, &["migrations/*", "migrations/**"]).try_into().unwrap();
        assert!(flat.matches("migrations/1.sql") && !flat.matches("migrations/old/1.sql"));
        assert!(deep.matches("migrations/old/1.sql") && !deep.matches("src/migrations/1.sql"));
        let [everything] = globs(Spelling::Folders, &["**"]).try_into().unwrap();
        assert!(everything.matches("a/b/c"));
    }
}
