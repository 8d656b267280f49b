//! The openings of a log as a file beside it: lines of JSON, for whoever may see names. Believed for nothing: what is in it
//! either fits the entries or is refused.

use std::collections::{HashMap, HashSet};
use std::io::{self, BufRead, Read as _};

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::{Opening, Subject, SubjectKey};

/// The longest line, in bytes: far more than the facts of the largest release take.
const MAX_LINE: u64 = 1 << 26;

/// One line of the file, in this order.
#[derive(Debug, Serialize, Deserialize)]
#[serde(untagged, deny_unknown_fields)]
pub enum Line {
    /// Which log it is of: the first line.
    Log {
        /// Its origin.
        log: String,
        /// How many entries it had.
        size: u64,
    },
    /// Who a subject is: one line each.
    Subject {
        /// The account.
        account_id: u64,
        /// The key that ties the two, in hexadecimal.
        key: String,
        /// The account's login when it was met first.
        login: String,
        /// The subject.
        sub: String,
    },
    /// What opens an entry: one line each, in the order of the entries.
    Entry {
        /// What opens it.
        openings: Vec<Opening>,
        /// The entry.
        seq: u64,
    },
}

/// Why a file of openings cannot be used.
#[derive(Debug, Error)]
pub enum BookError {
    /// Reading failed.
    #[error("the openings cannot be read: {0}")]
    Read(#[from] io::Error),
    /// Not what it should be.
    #[error("line {line} of the openings is not one that `seconder ledger export --openings` writes here")]
    Line {
        /// Which, from 1.
        line: u64,
    },
    /// Of another log.
    #[error("the openings are of the log {found}, not of {log}")]
    OtherLog {
        /// Of which.
        found: String,
        /// The log.
        log: String,
    },
    /// Somebody is said to be two.
    #[error(
        "line {line} of the openings says that {subject} is the account {account}, and so is another subject: in one log an \
         account has one"
    )]
    TwoSubjects {
        /// Which line, from 1.
        line: u64,
        /// The subject.
        subject: String,
        /// The account.
        account: u64,
    },
    /// Somebody is said to be who they are not.
    #[error("line {line} of the openings says that {subject} is the account {account}, which their key disproves")]
    WrongSubject {
        /// Which line, from 1.
        line: u64,
        /// The subject.
        subject: String,
        /// The account.
        account: u64,
    },
}

/// The openings of a log, read along with its entries.
#[derive(Debug)]
pub struct Book<R> {
    reader: R,
    line: u64,
    size: u64,
    accounts: HashMap<Subject, u64>,
    met: HashSet<u64>,
    next: Option<(u64, Vec<Opening>)>,
}

impl<R: BufRead> Book<R> {
    /// Reads who is who; the openings follow with the entries.
    ///
    /// # Errors
    /// If it cannot be read, is of another log, or names somebody whom their key disproves.
    pub fn open(reader: R, log: &str) -> Result<Self, BookError> {
        let mut book = Self { reader, line: 0, size: 0, accounts: HashMap::new(), met: HashSet::new(), next: None };
        match book.read()? {
            Some(Line::Log { log: found, size }) if found == log => book.size = size,
            Some(Line::Log { log: found, .. }) => return Err(BookError::OtherLog { found, log: log.to_owned() }),
            _ => return Err(BookError::Line { line: book.line.max(1) }),
        }
        loop {
            match book.read()? {
                Some(Line::Subject { account_id, key, sub, .. }) => book.meet(account_id, &key, sub)?,
                other => {
                    book.next = book.entry(other)?;
                    return Ok(book);
                }
            }
        }
    }

    /// How many entries the log had when they were written out.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Whose account it is, as far as that is told.
    #[must_use]
    pub fn account(&self, subject: Subject) -> Option<u64> {
        self.accounts.get(&subject).copied()
    }

    /// What opens this entry. Ask in the order of the entries.
    ///
    /// # Errors
    /// If the file cannot be read on.
    pub fn openings(&mut self, seq: u64) -> Result<Vec<Opening>, BookError> {
        while let Some((at, openings)) = self.next.take() {
            if at > seq {
                self.next = Some((at, openings));
                break;
            }
            let line = self.read()?;
            self.next = self.entry(line)?;
            if self.next.as_ref().is_some_and(|(after, _)| *after <= at) {
                return Err(BookError::Line { line: self.line });
            }
            if at == seq {
                return Ok(openings);
            }
        }
        Ok(Vec::new())
    }

    /// Whether there are openings of entries that nobody asked for.
    #[must_use]
    pub fn has_more(&self) -> bool {
        self.next.is_some()
    }

    fn meet(&mut self, account: u64, key: &str, sub: String) -> Result<(), BookError> {
        let line = self.line;
        let subject = SubjectKey::parse(key).ok_or(BookError::Line { line })?.subject(account);
        if subject.to_string() != sub {
            return Err(BookError::WrongSubject { line, subject: sub, account });
        }
        if !self.met.insert(account) {
            return Err(BookError::TwoSubjects { line, subject: sub, account });
        }
        self.accounts.insert(subject, account);
        Ok(())
    }

    fn entry(&self, line: Option<Line>) -> Result<Option<(u64, Vec<Opening>)>, BookError> {
        match line {
            None => Ok(None),
            Some(Line::Entry { openings, seq }) => Ok(Some((seq, openings))),
            Some(_) => Err(BookError::Line { line: self.line }),
        }
    }

    fn read(&mut self) -> Result<Option<Line>, BookError> {
        let mut text = String::new();
        self.reader.by_ref().take(MAX_LINE).read_line(&mut text)?;
        if text.is_empty() {
            return Ok(None);
        }
        self.line += 1;
        serde_json::from_str(&text).map(Some).map_err(|_| BookError::Line { line: self.line })
    }
}
