//! `CODEOWNERS`, as GitHub documents it: which users, teams and addresses own the changed files.
//!
//! <https://docs.github.com/en/repositories/managing-your-repositorys-settings-and-features/customizing-your-repository/about-code-owners>
//!
//! GitHub skips a line it cannot read, and the files go to whoever an earlier line names, or to nobody. Here such a line is
//! reported, and every file it may have meant is the repository admins' (P2).

mod pattern;

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use self::pattern::Pattern;
use super::{Member, PolicyError, values};

/// Where GitHub looks for the file; the first that exists counts.
pub const PATHS: [&str; 3] = [".github/CODEOWNERS", "CODEOWNERS", "docs/CODEOWNERS"];

/// GitHub does not load a file that is not under 3 MB.
const TOO_LARGE: usize = 3 * 1024 * 1024;

/// A `CODEOWNERS` file. Lines that cannot be read are kept as errors, and their files are the admins'.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CodeOwners {
    rules: Vec<Rule>,
    errors: Vec<PolicyError>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Rule {
    line: u64,
    pattern: Pattern,
    owners: BTreeSet<Owner>,
}

/// One owner of a file.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Owner {
    /// Whoever has admin access to the repository: the line that owns the file cannot be read.
    Admins,
    /// A user or a team.
    Member(Member),
    /// The account that has this address, lower-case.
    Email(String),
}

/// Who owns a file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Owners {
    /// The line that says so, counted from 1; nothing when no line matches, 0 when the whole file cannot be read.
    pub line: Option<u64>,
    /// Each of them may approve; nobody when the file has no owner.
    pub owners: BTreeSet<Owner>,
}

impl CodeOwners {
    /// Reads a file. What is wrong with it is in [`errors`](Self::errors).
    #[must_use]
    pub fn parse(text: &str) -> Self {
        let mut file = Self::default();
        if text.len() >= TOO_LARGE {
            file.refuse(0, 1, Pattern::everything(), "the file is not under 3 MB; GitHub does not load it".to_owned());
            return file;
        }
        for (line, content) in (1..).zip(text.trim_start_matches('\u{feff}').lines()) {
            file.line(line, content);
        }
        file
    }

    /// What cannot be read, in the order of the file.
    #[must_use]
    pub fn errors(&self) -> &[PolicyError] {
        &self.errors
    }

    /// Who owns a file, by its path from the root of the repository: the last line that matches says.
    #[must_use]
    pub fn owners_of(&self, path: &str) -> Owners {
        let segments: Vec<&str> = path.split('/').filter(|segment| !segment.is_empty()).collect();
        let rule = self.rules.iter().rev().find(|rule| rule.pattern.matches(&segments));
        rule.map(|rule| Owners { line: Some(rule.line), owners: rule.owners.clone() }).unwrap_or_default()
    }

    /// The different sets of owners of these files: one owner of each set must approve. Files that nobody owns have none;
    /// nothing at all means that nobody owns any of them, which is nobody's consent.
    #[must_use]
    pub fn owner_sets<'a>(&self, paths: impl IntoIterator<Item = &'a str>) -> Vec<BTreeSet<Owner>> {
        let sets: BTreeSet<_> = paths.into_iter().map(|path| self.owners_of(path).owners).collect();
        sets.into_iter().filter(|owners| !owners.is_empty()).collect()
    }

    fn line(&mut self, line: u64, content: &str) {
        let words = words(content);
        let Some((first, owners)) = words.split_first() else { return };
        let pattern = match Pattern::parse(first.text) {
            Ok(pattern) => pattern,
            Err((widened, message)) => return self.refuse(line, first.column, widened, message),
        };
        let mut read = BTreeSet::new();
        for word in owners {
            match owner(word.text) {
                Ok(owner) => read.insert(owner),
                Err(message) => return self.refuse(line, word.column, pattern, message),
            };
        }
        self.rules.push(Rule { line, pattern, owners: read });
    }

    fn refuse(&mut self, line: u64, column: u64, pattern: Pattern, message: String) {
        self.errors.push(PolicyError { line, column, message });
        self.rules.push(Rule { line, pattern, owners: BTreeSet::from([Owner::Admins]) });
    }
}

struct Word<'a> {
    column: u64,
    text: &'a str,
}

/// The words of a line up to its comment. A space after a backslash belongs to its word.
fn words(content: &str) -> Vec<Word<'_>> {
    let (mut words, mut start, mut is_escaped) = (Vec::new(), None, false);
    let end = [(content.len(), ' ')];
    for (column, (at, c)) in (1..).zip(content.char_indices().chain(end)) {
        let is_gap = matches!(c, ' ' | '\t') && (!is_escaped || at == content.len());
        is_escaped = c == '\\' && !is_escaped;
        match start {
            None if c == '#' => break,
            None if !is_gap => start = Some((column, at)),
            Some((column, from)) if is_gap => {
                words.push(Word { column, text: &content[from..at] });
                start = None;
            }
            _ => {}
        }
    }
    words
}

fn owner(text: &str) -> Result<Owner, String> {
    if text.starts_with('@') {
        return values::member(text).map(Owner::Member).map_err(|_| not_an_owner(text));
    }
    let is_address = text.split_once('@').is_some_and(|(local, domain)| {
        let is_part =
            |part: &str| !part.is_empty() && part.chars().all(|c| c.is_ascii_graphic() && !"@<>()\",;#".contains(c));
        is_part(local) && is_part(domain) && domain.split('.').all(|label| !label.is_empty())
    });
    if is_address { Ok(Owner::Email(text.to_lowercase())) } else { Err(not_an_owner(text)) }
}

fn not_an_owner(text: &str) -> String {
    format!("`{text}` is no owner; write `@octocat`, `@acme/platform` or `octocat@example.com`")
}

#[cfg(test)]
mod tests;
