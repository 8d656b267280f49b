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
    form: Form,
    compiled: OnceLock<Option<GlobMatcher>>,
}

/// What it takes to match a pattern. Most are names, or end in their only star: these are compared with the text, and never
/// compiled, which takes long.
#[derive(Clone, Copy)]
enum Form {
    /// Every text matches: `*`.
    Everything,
    /// One text does: `production`.
    Name,
    /// Texts that begin with so many of its bytes do: `prod-*`.
    Beginning(usize),
    /// It must be compiled.
    Other,
}

impl Form {
    fn of(source: &str, spelling: Spelling) -> Self {
        let is_star_everything = spelling != Spelling::Folders;
        match source.strip_suffix('*') {
            _ if is_literal(source) => Self::Name,
            Some("") if is_star_everything => Self::Everything,
            Some(beginning) if is_star_everything && is_literal(beginning) => Self::Beginning(beginning.len()),
            _ => Self::Other,
        }
    }
}

impl Glob {
    /// Reads a pattern.
    ///
    /// # Errors
    /// What is wrong with it, in words.
    pub fn new(source: &str, spelling: Spelling) -> Result<Self, String> {
        let glob = Self::unread(source.to_owned(), spelling);
        match glob.form {
            Form::Name => Ok(glob),
            _ => glob.build().map(|_| glob),
        }
    }

    fn unread(source: String, spelling: Spelling) -> Self {
        Self { form: Form::of(&source, spelling), source, spelling, compiled: OnceLock::new() }
    }

    /// The pattern as it is written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.source
    }

    /// Whether it matches. A pattern that does not compile matches everything: a broken rule holds (P2).
    #[must_use]
    pub fn matches(&self, text: &str) -> bool {
        let is_loose = self.spelling == Spelling::Loose;
        self.is_match(text) || (is_loose && !text.is_ascii() && self.is_match(&fold(text)))
    }

    fn is_match(&self, text: &str) -> bool {
        let is_loose = self.spelling == Spelling::Loose;
        let source = self.source.as_bytes();
        match self.form {
            Form::Everything => true,
            Form::Name if !is_loose => self.source == text,
            Form::Name if text.is_ascii() => self.source.eq_ignore_ascii_case(text),
            Form::Beginning(length) if text.is_ascii() => match (source.get(..length), text.as_bytes().get(..length)) {
                (Some(wanted), Some(found)) if is_loose => found.eq_ignore_ascii_case(wanted),
                (wanted, found) => found == wanted,
            },
            _ => self.compiled().is_none_or(|compiled| compiled.is_match(text)),
        }
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
    Ok(sources.into_iter().map(|source| Glob::unread(source, spelling)).collect())
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
    fn what_is_only_compared_matches_as_if_it_were_compiled() {
        // Cyrillic a and the sign for kelvin are letters that only look alike.
        let letters = ["a", "A", "k", "K", "\u{430}", "\u{212a}", "/"];
        let longer = |texts: &[String]| -> Vec<String> {
            texts.iter().flat_map(|text| letters.map(|letter| format!("{text}{letter}"))).collect()
        };
        let one = longer(&[String::new()]);
        let two = longer(&one);
        let texts: Vec<String> = [vec![String::new()], longer(&two), two, one].concat();
        for spelling in [Spelling::Loose, Spelling::Exact, Spelling::Folders] {
            for pattern in
                ["", "a", "K", "ak", "a/k", "*", "a*", "K*", "ak*", "a/*", "**", "a**", "*a", "?", "a?", "?*"]
            {
                let [glob] = globs(spelling, &[pattern]).try_into().unwrap();
                let compiled = glob.build().unwrap().compile_matcher();
                for text in &texts {
                    let looks = spelling == Spelling::Loose && compiled.is_match(&*fold(text));
                    assert_eq!(glob.matches(text), compiled.is_match(text) || looks, "{spelling:?} {pattern} {text}");
                }
            }
        }
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
