//! What can be checked by whoever has the openings: that each is of what the entry commits to, that none is withheld but
//! those that were erased, that whoever seconds is in a group that is asked, and that every request comes out as it is recorded
//! when it is judged again from its facts.
//!
//! Comes after the ledger itself was verified: the entries are then those that were signed.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, BufRead};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use thiserror::Error;

use self::grouped::Grouped;
use self::judged::{Judged, Lives};
use crate::ledger::entry::{COMMON, Header};
use crate::ledger::record::RecordType;
use crate::ledger::sealing::{self, Book, BookError, OpeningError, Subject};
use crate::ledger::verify::read::alike::Alike;
use crate::ledger::verify::read::body::{self, Person};
use crate::ledger::verify::read::facts::KnownParts;
use crate::ledger::verify::read::who::AccountId;
use crate::ledger::verify::rules::{held, told};
use crate::ledger::verify::violation::Violation;

mod called;
mod grouped;
mod judged;

/// How often progress is told, in entries.
const PROGRESS: u64 = 1 << 12;

/// What the openings told.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Opened {
    /// Values that were opened.
    pub values: u64,
    /// Values that cannot be told any more, because they were erased.
    pub erased: u64,
    /// Persons whose subject cannot be told any more.
    pub erased_persons: u64,
    /// What came of judging every request again.
    pub judged_again: Judged,
}

/// Why openings are not believed.
#[derive(Debug, Error)]
pub enum Distrust {
    /// The file cannot be used.
    #[error(transparent)]
    Book(#[from] BookError),
    /// The entries cannot be read.
    #[error("the entries cannot be read: {0}")]
    Entries(#[from] io::Error),
    /// A line is not an entry.
    #[error("entry {seq} cannot be read: {source}")]
    Entry {
        /// Which.
        seq: u64,
        /// Why.
        source: serde_json::Error,
    },
    /// An opening is of something else.
    #[error("entry {seq}: {source}")]
    Opening {
        /// Which entry.
        seq: u64,
        /// What is wrong.
        source: OpeningError,
    },
    /// An opening is missing, and no entry says that it was erased.
    #[error("entry {seq}: the opening of {path} is withheld; no redaction.performed says that it was erased")]
    Withheld {
        /// Which entry.
        seq: u64,
        /// Of what.
        path: String,
    },
    /// What is said to be erased is not.
    #[error(
        "entry {seq} says that {what} was erased, but that is told still, was never sealed, or is not what its paths add up to"
    )]
    NotErased {
        /// Which entry.
        seq: u64,
        /// Of what.
        what: String,
    },
    /// They were written out when the log was shorter.
    #[error("these openings end at entry {0}, and the ledger goes on: have them exported again, with the ledger")]
    Older(u64),
    /// A key is missing, and no entry says that it was erased.
    #[error("entry {seq}: who {subject} is, is withheld; no redaction.performed says that it was erased")]
    WithheldPerson {
        /// The first entry that names them.
        seq: u64,
        /// Who.
        subject: Subject,
    },
    /// There are openings of entries that do not exist.
    #[error("the openings go on after the last entry")]
    TooMany,
    /// The log broke a rule.
    #[error("entry {seq} (request {request}) breaks a rule: {violation}")]
    Rule {
        /// Which entry.
        seq: u64,
        /// Which request.
        request: String,
        /// What rule.
        violation: Violation,
    },
}

impl Distrust {
    /// Whether it says something about ledger and openings, rather than about reading them.
    #[must_use]
    pub fn is_about_the_ledger(&self) -> bool {
        !matches!(self, Self::Entries(_) | Self::Older(_) | Self::Book(BookError::Read(_)))
    }
}

/// An entry's fields with what its openings tell in their place; and what they do not tell.
///
/// # Errors
/// If the line is not an entry, or an opening not of it.
pub fn open_line(
    line: &str,
    seq: u64,
    book: &mut Book<impl BufRead>,
) -> Result<(Map<String, Value>, sealing::Untold, u64), Distrust> {
    let mut fields: Map<String, Value> =
        serde_json::from_str(line).map_err(|source| Distrust::Entry { seq, source })?;
    let mut common = Map::new();
    for name in COMMON {
        common.extend(fields.remove_entry(name));
    }
    let name = common.get("type").and_then(Value::as_str).unwrap_or_default();
    let openings = book.openings(seq)?;
    let opened = openings.len() as u64;
    let untold = sealing::open(name, &mut fields, openings, &|subject| book.account(subject))
        .map_err(|source| Distrust::Opening { seq, source })?;
    fields.append(&mut common);
    Ok((fields, untold, opened))
}

/// Checks the openings of a ledger that has been verified, or of a part of it; `entries` are its lines from the entry
/// `first` on. `progress` hears now and then up to which entry they were read.
///
/// # Errors
/// The first reason not to believe them.
pub fn check(
    entries: impl BufRead,
    first: u64,
    book: &mut Book<impl BufRead>,
    progress: &mut dyn FnMut(u64),
) -> Result<Opened, Distrust> {
    let mut check = Check { first, ..Check::default() };
    let mut size = first;
    for (seq, line) in (first..).zip(entries.lines()) {
        size = seq + 1;
        if size.is_multiple_of(PROGRESS) {
            progress(size);
        }
        let (entry, untold, values) = open_line(&line?, seq, book)?;
        check.report.values += values;
        if !untold.paths.is_empty() {
            check.untold.insert(seq, untold.paths.into_iter().collect());
        }
        for subject in untold.subjects {
            check.strangers.entry(subject).or_insert(seq);
        }
        check.follow(seq, entry, book)?;
    }
    // Those of a longer ledger open a part of it as well.
    if book.has_more() && book.size() <= size {
        return Err(Distrust::TooMany);
    }
    check.finish(book.size())
}

#[derive(Default)]
struct Check {
    report: Opened,
    /// The entry that is checked first.
    first: u64,
    /// Whose log it is.
    account: Option<u64>,
    grouped: Grouped,
    lives: Lives,
    alike: Alike,
    untold: BTreeMap<u64, BTreeSet<String>>,
    /// Subjects nobody knows, and the first entry that names them.
    strangers: BTreeMap<Subject, u64>,
    /// Who set a request going, by the facts it was opened with.
    starters: BTreeMap<String, Vec<AccountId>>,
}

#[derive(Deserialize)]
struct Redaction {
    subject: Option<String>,
    key_erased: bool,
    entries: Vec<Redacted>,
    part: u64,
    parts: u64,
    /// How many openings were deleted, in all parts.
    openings: u64,
}

#[derive(Deserialize)]
struct Redacted {
    seq: u64,
    paths: Vec<String>,
}

impl Check {
    fn follow(&mut self, seq: u64, entry: Map<String, Value>, book: &Book<impl BufRead>) -> Result<(), Distrust> {
        let name = entry.get("type").and_then(Value::as_str).unwrap_or_default();
        let kind = RecordType::from_name(name);
        if let Some((kind, request)) = kind.zip(entry.get("corr").and_then(Value::as_str)) {
            let rule = |violation| Distrust::Rule { seq, request: request.to_owned(), violation };
            self.grouped.follow(request, kind, &entry).map_err(rule)?;
            self.lives.follow(request, kind, &entry);
        }
        match kind {
            Some(RecordType::RedactionPerformed) => {
                let unreadable = |source| Distrust::Entry { seq, source };
                let redaction = Redaction::deserialize(Value::Object(entry)).map_err(unreadable)?;
                // Openings that were written out before tell what was erased since.
                if seq < book.size() {
                    self.forget(seq, redaction, book)?;
                }
            }
            Some(RecordType::Genesis) => {
                let line = Value::Object(entry).to_string();
                let header = Header::parse(&line).map_err(|source| Distrust::Entry { seq, source })?;
                self.account = held::account_of(&header).ok();
            }
            Some(RecordType::RequestOpened | RecordType::RequestRejudged) => {
                let line = Value::Object(entry).to_string();
                let header = Header::parse(&line).map_err(|source| Distrust::Entry { seq, source })?;
                let request = header.corr.unwrap_or_default().to_owned();
                let account = self.account;
                let follows = |opened| held::follows(&header, &opened, account);
                let checked = self
                    .parties(&request, &header)
                    .and_then(|()| body::Opened::of(&header, &mut self.alike))
                    .and_then(follows);
                checked.map_err(|violation| Distrust::Rule { seq, request, violation })?;
            }
            Some(RecordType::CallbackSent) => {
                let request = entry.get("corr").and_then(Value::as_str).unwrap_or_default();
                self.starters.remove(request);
            }
            _ => {}
        }
        Ok(())
    }

    /// Agents are counted as the facts have them, everybody these name is a party, and whoever set the run going stays one however often it is judged again.
    fn parties(&mut self, request: &str, entry: &Header<'_>) -> Result<(), Violation> {
        let KnownParts { starters, all, ai_commits } = KnownParts::of(entry)?;
        if let Some(told) = ai_commits {
            told::are_counted(told, body::need(entry.ai_commits, "ai_commits")?)?;
        }
        let parties = Person::parties(entry)?;
        let started = self.starters.entry(request.to_owned()).or_insert(starters);
        match all.iter().chain(&*started).find(|id| !parties.iter().any(|party| party.id == **id)) {
            Some(missing) => Err(Violation::PartyMissing(*missing)),
            None => Ok(()),
        }
    }

    /// What an entry says was erased may be missing, and has to be.
    fn forget(&mut self, at: u64, redaction: Redaction, book: &Book<impl BufRead>) -> Result<(), Distrust> {
        let told: u64 = redaction.entries.iter().map(|entry| entry.paths.len() as u64).sum();
        let is_whole = if redaction.parts == 1 { told == redaction.openings } else { told <= redaction.openings };
        if !is_whole || !(1..=redaction.parts).contains(&redaction.part) {
            let what = format!("{} openings in part {} of {}", redaction.openings, redaction.part, redaction.parts);
            return Err(Distrust::NotErased { seq: at, what });
        }
        for Redacted { seq, paths } in redaction.entries {
            if seq < self.first {
                continue;
            }
            for path in paths {
                if !self.untold.get_mut(&seq).is_some_and(|untold| untold.remove(&path)) {
                    return Err(Distrust::NotErased { seq: at, what: format!("{path} of entry {seq}") });
                }
                self.report.erased += 1;
            }
        }
        if let Some(subject) = redaction.subject.filter(|_| redaction.key_erased).and_then(|it| Subject::parse(&it)) {
            if book.account(subject).is_some() {
                return Err(Distrust::NotErased { seq: at, what: format!("the key of {subject}") });
            }
            self.report.erased_persons += u64::from(self.strangers.remove(&subject).is_some());
        }
        Ok(())
    }

    fn finish(self, openings: u64) -> Result<Opened, Distrust> {
        let withheld = self.untold.into_iter().find_map(|(seq, paths)| Some((seq, paths.into_iter().next()?)));
        if let Some((seq, _)) = withheld.as_ref().filter(|(seq, _)| *seq >= openings)
            && self.strangers.values().all(|at| at >= seq)
        {
            return Err(Distrust::Older(openings));
        }
        if let Some((seq, path)) = withheld {
            return Err(Distrust::Withheld { seq, path });
        }
        if let Some((subject, seq)) = self.strangers.into_iter().next() {
            return Err(Distrust::WithheldPerson { seq, subject });
        }
        Ok(Opened { judged_again: self.lives.finish()?, ..self.report })
    }
}
