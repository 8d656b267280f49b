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
pub fn json(out: &mut impl Write, looked: &Looked) -> anyhow::Result<()> {
    let found = looked.found.as_ref();
    let operators = found.map(|found| found.operators.as_slice()).unwrap_or_default();
    let line = Line {
        sha: &looked.commit.sha,
        date: &looked.date,
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
    has_head: bool,
}

impl Table {
    pub fn new(colour: bool) -> Self {
        Self { ink: Ink::new(colour), has_head: false }
    }

    pub fn row(&mut self, out: &mut impl Write, looked: &Looked) -> anyhow::Result<()> {
        let Ink { strong, dim, agent: cyan, doubt, plain } = self.ink;
        if !self.has_head {
            self.has_head = true;
            let (commit, date, agent) = (fit("COMMIT", 9), fit("DATE", 10), fit("AGENT", 18));
            let (kind, person) = (fit("KIND", 11), fit("PERSON", 22));
            writeln!(out, "{strong}{commit}  {date}  {agent}  {kind}  {person}  EVIDENCE{plain}")?;
        }
        let sha = fit(looked.commit.sha.get(..9).unwrap_or(&looked.commit.sha), 9);
        let date = fit(looked.date.get(..10).unwrap_or_default(), 10);
        let Some(found) = &looked.found else {
            let author = fit(&name_of(&looked.commit.author), 22);
            let subject = clean(looked.commit.subject(), 60);
            writeln!(out, "{dim}{sha}  {date}  {:18}  {:11}  {author}  {subject}{plain}", "-", "-")?;
            return Ok(());
        };
        let kind = match (found.certainty, found.kind) {
            (Certainty::Ambiguous, _) => "?",
            (_, Kind::Authored) => "authored",
            (_, Kind::CoAuthored) => "co-authored",
            (_, Kind::Assisted) => "assisted",
        };
        let ink = if found.certainty == Certainty::Ambiguous { doubt } else { cyan };
        let agent = fit(&found.name, 18);
        let person = fit(&found.operators.first().map_or_else(|| "nobody named".to_owned(), name_of), 22);
        let own = found.evidence.iter().filter(|evidence| evidence.agent == found.agent);
        let evidence = own
            .clone()
            .next()
            .map_or_else(String::new, |evidence| clean(&format!("{}: {}", evidence.marker, evidence.found), 76));
        let more = match found.evidence.len() {
            0 | 1 => String::new(),
            several => format!(" (+{})", several - 1),
        };
        writeln!(out, "{sha}  {date}  {ink}{agent}{plain}  {kind:11}  {person}  {dim}{evidence}{more}{plain}")?;
        Ok(())
    }
}

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
