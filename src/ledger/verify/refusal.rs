//! Why a ledger is not believed.
use std::io;

use thiserror::Error;

use super::keys::KeyFault;
use super::violation::Violation;
use crate::ledger::checkpoint::CheckpointError;
use crate::ledger::merkle::Hash;
use crate::ledger::quorum::NoQuorum;
use crate::ledger::receipt::ReceiptError;
use crate::ledger::tile::TilePath;

/// The reason a ledger is refused. Lines count from 1, entries (`seq`) from 0.
#[derive(Debug, Error)]
pub enum Refusal {
    /// A file that belongs to a ledger is not there.
    #[error("{0} is missing: the ledger was not exported completely, or the file was taken out")]
    Missing(String),
    /// A file is there but cannot be read. Says nothing about the ledger.
    #[error("cannot read {path}: {source}")]
    Read {
        /// The file.
        path: String,
        /// Why.
        source: io::Error,
    },
    /// The checkpoint is not to be believed.
    #[error("checkpoint: {0}")]
    Checkpoint(CheckpointError),
    /// Not enough witnesses vouch for it.
    #[error("checkpoint: {0}")]
    Quorum(NoQuorum),
    /// The key that comes with the ledger is another one.
    #[error(
        "{0} is not the key you trust, nor one that took over from it, byte for byte: the ledger is of another log, or the file was \
         changed"
    )]
    KeyFile(&'static str),
    /// Who signed is not who had to sign by the log's own entries, or not whom the reader trusts.
    #[error("keys: {0}")]
    Keys(KeyFault),
    /// A file is damaged.
    #[error("{path} is damaged: {why}")]
    Damaged {
        /// The file.
        path: String,
        /// What is wrong with it.
        why: String,
    },
    /// The manifest is not of these files.
    #[error("MANIFEST.sha256: {0}")]
    Manifest(String),
    /// What the segments before left behind is not to be believed.
    #[error("where the segment begins: {0}")]
    Start(String),
    /// A table is not what the entries make it.
    #[error("{0} does not say what the entries say: a row was changed, added or taken out")]
    Table(&'static str),
    /// The older checkpoint is not to be believed.
    #[error("the older checkpoint cannot be used for comparison: {0}")]
    OldCheckpoint(CheckpointError),
    /// The ledger ends before the older checkpoint does.
    #[error(
        "rollback: the older checkpoint has {old} entries, this ledger only {size}: entries were taken away at the end"
    )]
    Rollback {
        /// Size of the older checkpoint.
        old: u64,
        /// Size of this one.
        size: u64,
    },
    /// The ledger has another past than the older checkpoint.
    #[error(
        "fork: the first {size} entries are not those that the older checkpoint signed: the past was rewritten and signed again"
    )]
    Fork {
        /// Size of the older checkpoint.
        size: u64,
    },
    /// A line is not the entry that belongs there.
    #[error("line {line}: {fault}")]
    Line {
        /// Its number, from 1.
        line: u64,
        /// What is wrong.
        fault: LineFault,
    },
    /// Lines are missing at the end.
    #[error("entries.jsonl ends after {have} entries, but the checkpoint signs {size}: entries are missing at the end")]
    Truncated {
        /// How many there are.
        have: u64,
        /// How many were signed.
        size: u64,
    },
    /// There are more lines than were signed.
    #[error("entries.jsonl goes on after entry {size}, where the checkpoint ends: nobody signed what follows")]
    Surplus {
        /// How many were signed.
        size: u64,
    },
    /// The entries are not those that were signed.
    #[error("the entries have the root {computed}, but the checkpoint signs {signed}: an entry was changed")]
    Root {
        /// Of the entries.
        computed: Hash,
        /// In the checkpoint.
        signed: Hash,
    },
    /// A tile or bundle is not what the entries make it.
    #[error("{path}: this {} does not match entries.jsonl, which has the root that was signed: the {} was changed", .path.noun(), .path.noun())]
    Tile {
        /// Which.
        path: TilePath,
    },
    /// A receipt is no proof of the decision it is named after.
    #[error("{path}: {fault}")]
    Receipt {
        /// The file.
        path: String,
        /// What is wrong.
        fault: ReceiptFault,
    },
    /// A file that no ledger has.
    #[error("{0} does not belong to this ledger: nothing in the checkpoint vouches for it; take it out")]
    Foreign(String),
    /// A file that only a segment has.
    #[error(
        "{0} belongs to a segment, and this is a whole ledger, which has no such file: nothing in the checkpoint vouches for it; take \
         it out"
    )]
    OfASegment(String),
    /// The log has signed something that must not happen.
    #[error("line {}, entry {seq}, request {request}: {violation}", .seq + 1)]
    Rule {
        /// The entry.
        seq: u64,
        /// The request, or `-` for an entry that has none.
        request: String,
        /// The rule.
        violation: Violation,
    },
}

impl Refusal {
    /// Whether this says something about the ledger, or only that it could not be read, or not far enough.
    #[must_use]
    pub fn is_about_the_ledger(&self) -> bool {
        !matches!(self, Refusal::Read { .. } | Refusal::Keys(KeyFault::NotTold { .. }))
    }

    pub(super) fn unreadable(path: &str, source: io::Error) -> Refusal {
        match source.kind() {
            io::ErrorKind::NotFound => Refusal::Missing(path.to_owned()),
            io::ErrorKind::InvalidData => {
                Refusal::Receipt { path: path.to_owned(), fault: ReceiptFault::Text(source.to_string()) }
            }
            _ => Refusal::Read { path: path.to_owned(), source },
        }
    }

    pub(super) fn rule(seq: u64, request: &str, violation: Violation) -> Refusal {
        Refusal::Rule { seq, request: request.to_owned(), violation }
    }
}

/// Why a line is not the entry that belongs there.
#[derive(Debug, Clone, Error, PartialEq, Eq)]
pub enum LineFault {
    /// Not JSON, or without the fields every entry has.
    #[error("not a ledger entry: {0}")]
    NotAnEntry(String),
    /// Not UTF-8.
    #[error("not a ledger entry: it is not UTF-8 text")]
    NotText,
    /// Longer than an entry can be.
    #[error("longer than 65535 bytes, which no entry is")]
    TooLong,
    /// The last line is cut off.
    #[error("the line has no end: the file was cut off")]
    Unfinished,
    /// Of another format version.
    #[error("its format is version {0}, this program reads version 1: use a newer seconder")]
    Format(u64),
    /// Of another log.
    #[error("an entry of the log {found}, but this is the log {origin}")]
    Log {
        /// Its `log`.
        found: String,
        /// The origin in the checkpoint.
        origin: String,
    },
    /// Not the next one.
    #[error("its seq is {found}, but {expected} comes next: an entry was removed, repeated or moved")]
    Seq {
        /// Its `seq`.
        found: u64,
        /// What it has to be.
        expected: u64,
    },
    /// Later than anything.
    #[error("its time is {0}, more than 2^53 - 1, which no entry's is")]
    Time(u64),
    /// Does not continue the entry before.
    #[error("hash chain broken: prev says {}, but {}: one of the two entries was changed",
        .found.as_deref().unwrap_or("nothing"),
        .prev.map_or("there is no entry before".to_owned(), |prev| format!("the entry before hashes to {prev}")))]
    Chain {
        /// Its `prev`.
        found: Option<String>,
        /// The hash of the entry before.
        prev: Option<Hash>,
    },
    /// Of a type this program does not know.
    #[error("its type {0:?} is unknown to this program, which cannot tell what it would allow: use a newer seconder")]
    UnknownType(String),
    /// Its `corr` cannot be a request's id.
    #[error("its corr {0:?} is not a request id (1 to 64 letters, digits, - and _)")]
    RequestId(String),
}

/// Why a receipt is no proof of the decision it is named after.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum ReceiptFault {
    /// The entry file is not the decision's line.
    #[error("not the decision of this request, which is entry {seq} on line {} of entries.jsonl: the file was changed", .seq + 1)]
    Entry {
        /// Where the decision is.
        seq: u64,
    },
    /// The proof is for another place.
    #[error("it proves entry {found}, but the decision of this request is entry {seq}: it belongs to another request")]
    Index {
        /// The index in the proof.
        found: u64,
        /// Where the decision is.
        seq: u64,
    },
    /// It carries another checkpoint, also signed.
    #[error("its checkpoint is signed, but of size {found} instead of {size}: it is from another export")]
    OtherCheckpoint {
        /// The size in it.
        found: u64,
        /// The size of the ledger.
        size: u64,
    },
    /// It carries this checkpoint, with other lines below.
    #[error(
        "its checkpoint has the same entries, but not the same signature lines: a witness's cosignature was added to one of the \
         two, or taken out; export again, or cosign before the receipts are written"
    )]
    OtherLines,
    /// The log has signed two trees of one size.
    #[error("its checkpoint is signed and of the same size, but has another root: the log has signed two pasts")]
    OtherRoot,
    /// It is no proof.
    #[error(transparent)]
    Proof(#[from] ReceiptError),
    /// It cannot be read as text.
    #[error("{0}")]
    Text(String),
}
