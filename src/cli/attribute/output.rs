//! Commits as a table for people and as JSON Lines for programs.

use std::io::{self, Write};

use serde::Serialize;

use super::Looked;
use crate::domain::attribution::{Certainty, Evidence, Kind};
use crate::domain::people::Identity;
use crate::domain::text::visible;

#[derive(Serialize)]
struct Line<'a> {
    sha: &'a str,
    date: &'a str,
    ai: bool,
    certainty: Option<Certainty>,
    agent: Option<&'a str>,
    agent_name: Option<&'a str>,
    kind: Option<Kind>,
    operator: Option<Person<'a>>,
    operators: Vec<Person<'a>>,
    evidence: &'a [Evidence],
}

#[derive(Serialize)]
struct Person<'a> {
    name: &'a str,
    email: &'a str,
}

impl<'a> From<&'a Identity> for Person<'a> {
    fn from(identity: &'a Identity) -> Self {
        Self { name: &identity.name, email: &identity.email }
    }
}

/// One line of JSON.
pub fn json(out: &mut impl Write, looked: &Looked<'_>) -> anyhow::Result<()> {
    let found = looked.found.as_ref();
    let operators = found.map(|found| found.operators.as_slice()).unwrap_or_default();
    let line = Line {
        sha: &looked.commit.sha,
        date: looked.date,
        ai: looked.is_ai(),
        certainty: found.map(|found| found.certainty),
        agent: found.map(|found| found.agent.as_str()),
        agent_name: found.map(|found| found.name.as_str()),
        kind: found.map(|found| found.kind),
        operator: operators.first().map(Person::from),
        operators: operators.iter().map(Person::from).collect(),
        evidence: found.map(|found| found.evidence.as_slice()).unwrap_or_default(),
    };
    serde_json::to_writer(&mut *out, &line).map_err(io::Error::from)?;
    Ok(out.write_all(b"\n")?)
}

/// Colours of a terminal; empty when it has none.
pub struct Ink {
    pub strong: &'static str,
    pub dim: &'static str,
    pub agent: &'static str,
    pub doubt: &'static str,
    pub plain: &'static str,
}

impl Ink {
    pub fn new(colour: bool) -> Self {
        if colour {
            Self { strong: "\x1b[1m", dim: "\x1b[2m", agent: "\x1b[36m", doubt: "\x1b[33m", plain: "\x1b[0m" }
        } else {
            Self { strong: "", dim: "", agent: "", doubt: "", plain: "" }
        }
    }
}

/// The table, written row by row.
pub struct Table {
    ink: Ink,
    /// How wide a row may be; a terminal would break longer ones.
    width: usize,
    has_head: bool,
}

impl Table {
    pub fn new(colour: bool, width: Option<usize>) -> Self {
        Self { ink: Ink::new(colour), width: width.unwrap_or(usize::MAX), has_head: false }
    }

    pub fn row(&mut self, out: &mut impl Write, looked: &Looked<'_>) -> anyhow::Result<()> {
        let Ink { strong, dim, agent: cyan, doubt, plain } = self.ink;
        if !self.has_head {
            self.has_head = true;
            let cells = ["COMMIT", "DATE", "AGENT", "KIND", "PERSON", "EVIDENCE"];
            self.line(out, cells.map(|cell| (strong, cell.to_owned())))?;
        }
        let sha = looked.commit.sha.get(..9).unwrap_or(&looked.commit.sha).to_owned();
        let date = looked.date.get(..10).unwrap_or_default().to_owned();
        let Some(found) = &looked.found else {
            let (author, subject) = (name_of(&looked.commit.author), clean(looked.commit.subject(), 60));
            let cells = [sha, date, "-".to_owned(), "-".to_owned(), author, subject];
            return self.line(out, cells.map(|cell| (dim, cell)));
        };
        let kind = match (found.certainty, found.kind) {
            (Certainty::Ambiguous, _) => "?",
            (_, Kind::Authored) => "authored",
            (_, Kind::CoAuthored) => "co-authored",
            (_, Kind::Assisted) => "assisted",
        };
        let ink = if found.certainty == Certainty::Ambiguous { doubt } else { cyan };
        let person = found.operators.first().map_or_else(|| "nobody named".to_owned(), name_of);
        let own = found.evidence.iter().find(|evidence| evidence.agent == found.agent);
        let evidence =
            own.map_or_else(String::new, |evidence| clean(&format!("{}: {}", evidence.marker, evidence.found), 76));
        let more = match found.evidence.len() {
            0 | 1 => String::new(),
            several => format!(" (+{})", several - 1),
        };
        self.line(
            out,
            [
                (plain, sha),
                (plain, date),
                (ink, found.name.clone()),
                (plain, kind.to_owned()),
                (plain, person),
                (dim, evidence + &more),
            ],
        )
    }

    /// One row of cells with their colours, cut where the terminal ends. Where it is narrow the evidence has a line of its own.
    fn line(&self, out: &mut impl Write, cells: [(&'static str, String); 6]) -> anyhow::Result<()> {
        const WIDTHS: [usize; 5] = [9, 10, 18, 11, 22];
        let mut left = self.width;
        for (at, (ink, text)) in cells.iter().enumerate() {
            let cell = match WIDTHS.get(at) {
                Some(width) => format!("{}  ", fit(text, *width)),
                None => clean(text, 90),
            };
            if at == WIDTHS.len() && self.width < BROAD {
                left = self.width.saturating_sub(INDENT);
                write!(out, "\n{:INDENT$}", "")?;
            }
            if left == 0 {
                continue;
            }
            let length = cell.chars().count();
            let shown = if length > left { clean(&cell, left) } else { cell };
            write!(out, "{ink}{shown}{}", if ink.is_empty() { "" } else { self.ink.plain })?;
            left = left.saturating_sub(length);
        }
        Ok(writeln!(out)?)
    }
}

/// Columns that the evidence needs beside the rest.
const BROAD: usize = 120;

/// Where the evidence begins on a line of its own.
const INDENT: usize = 11;

fn name_of(who: &Identity) -> String {
    if who.name.is_empty() { who.email.clone() } else { who.name.clone() }
}

/// Exactly so wide.
fn fit(text: &str, width: usize) -> String {
    format!("{:width$}", clean(text, width))
}

/// One line, at most so long, with nothing that could speak to the terminal: names and messages are other people's.
pub fn clean(text: &str, longest: usize) -> String {
    let shown: String = visible(text).chars().take(longest + 1).collect();
    if shown.chars().count() <= longest {
        return shown;
    }
    let kept: String = shown.chars().take(longest.saturating_sub(1)).collect();
    format!("{kept}…")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::facts::Commit;

    fn table(width: usize) -> String {
        let message = format!("{}\n\nCo-Authored-By: Claude <noreply@anthropic.com>", "Long ".repeat(40));
        let author = Identity { name: "Ann Lee".into(), email: "ann@example.com".into(), account: None };
        let commit = Commit { sha: "4f1c0de4f1c0de".into(), message, author, ..Commit::default() };
        let mut out = Vec::new();
        let looked = Looked::at(&commit, "2026-11-25T10:00:00Z", false);
        Table::new(false, Some(width)).row(&mut out, &looked).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_row_is_cut_where_the_terminal_ends() {
        for width in [20, 60, 84, 100, 130] {
            let table = table(width);
            assert!(table.lines().all(|line| line.chars().count() <= width), "{width}: {table}");
        }
        assert!(table(60).lines().nth(3).unwrap().ends_with('…'), "{}", table(60));
    }

    #[test]
    fn the_evidence_is_there_however_narrow_the_terminal_is() {
        for width in [80, 100, 130, 200] {
            let table = table(width);
            assert!(
                table.contains("EVIDENCE") && table.contains("co-author trailer: Co-Authored-By: Claude"),
                "{table}"
            );
            assert_eq!(table.lines().count(), if width < BROAD { 4 } else { 2 }, "{table}");
        }
    }
}
