//! One entry: the line that is hashed, the fields all entries share, and whom an opening names.
//!
//! The writer emits canonical JSON (RFC 8785) of a restricted kind: sorted ASCII keys, integers below 2^53, no null, no
//! fraction. Nobody ever canonicalises again: a verifier hashes the bytes it finds.

use thiserror::Error;

use super::merkle::{Hash, leaf_hash};
use super::record::RecordType;

mod fields;
mod header;
pub(super) mod named;
pub(super) mod short;
#[cfg(test)]
mod tests;

pub use fields::{Fields, MAX_INTEGER};
pub use header::Header;

use fields::Scalar;

/// The longest entry, in bytes: what the length prefix of a tlog-tiles bundle can say.
pub const MAX_BYTES: usize = 65_535;

/// The version of the entry format, the `v` of every entry.
pub const FORMAT: u64 = 1;

/// The software that writes entries, the `sw` of every entry.
pub const SOFTWARE: &str = concat!("seconder/", env!("CARGO_PKG_VERSION"));

/// The fields that all entries have, or may have; the others are an entry's own.
pub const COMMON: [&str; 9] = ["v", "log", "seq", "prev", "time", "type", "id", "corr", "sw"];

/// An entry about to be written.
#[derive(Debug, Clone)]
pub struct Draft<'a> {
    /// The origin of the log.
    pub log: &'a str,
    /// Its place in the log, from 0.
    pub seq: u64,
    /// The leaf hash of the entry before it; `None` for the first.
    pub prev: Option<Hash>,
    /// Milliseconds since 1970 UTC.
    pub time_ms: u64,
    /// What happened.
    pub record_type: RecordType,
    /// The idempotency key: the same happening always has the same one.
    pub id: &'a str,
    /// The approval request it belongs to. Becomes a file name on export: letters, digits, `-` and `_`, at most 64.
    pub corr: Option<&'a str>,
    /// The record's own fields; they stand beside the common ones.
    pub body: &'a Fields,
}

/// A finished entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// The exact bytes, without a newline.
    pub bytes: String,
    /// Their leaf hash: the next entry's `prev`.
    pub leaf: Hash,
}

/// Why something cannot become an entry.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum SealError {
    /// A common field cannot be written so that every reader reads the same.
    #[error("ledger entry: {field} {value:?} is not usable: {rule}")]
    Unusable {
        /// The field.
        field: &'static str,
        /// What was given.
        value: String,
        /// What it has to be.
        rule: &'static str,
    },
    /// `prev` is there for the first entry or missing for a later one.
    #[error("ledger entry {0}: prev must be given for every entry but the first")]
    Prev(u64),
    /// The record names a field that all entries have.
    #[error("ledger entry: the record's own field {0:?} clashes with the common field of that name; rename it")]
    Clash(String),
    /// A value that JSON readers do not all read alike.
    #[error("ledger entry: {path} is {what}; leave it out, or write it as a string")]
    Value {
        /// Where it is, like `run.id`.
        path: String,
        /// What is wrong with it.
        what: &'static str,
    },
    /// Longer than [`MAX_BYTES`].
    #[error(
        "ledger entry of type {record_type} has {bytes} bytes, more than {MAX_BYTES}: record long content by its digest"
    )]
    TooLong {
        /// The entry's type.
        record_type: RecordType,
        /// Its length.
        bytes: usize,
    },
}

impl Draft<'_> {
    /// Writes the entry.
    ///
    /// # Errors
    /// If a common field cannot be written so that every reader reads the same, or if it is too long.
    pub fn seal(self) -> Result<Line, SealError> {
        if self.prev.is_some() != (self.seq > 0) {
            return Err(SealError::Prev(self.seq));
        }
        require("log", self.log, is_plain, "printable ASCII without space, quote, backslash or plus")?;
        if let Some(corr) = self.corr {
            require("corr", corr, is_request_id, "1 to 64 letters, digits, - and _")?;
        }
        let prev = self.prev.map(|prev| prev.to_string());
        let bytes = self.body.with([
            self.corr.map(Scalar::Text),
            Some(Scalar::Text(self.id)),
            Some(Scalar::Text(self.log)),
            prev.as_deref().map(Scalar::Text),
            Some(Scalar::Integer(self.seq)),
            Some(Scalar::Text(SOFTWARE)),
            Some(Scalar::Integer(self.time_ms)),
            Some(Scalar::Text(self.record_type.as_str())),
            Some(Scalar::Integer(FORMAT)),
        ])?;
        if bytes.len() > MAX_BYTES {
            return Err(SealError::TooLong { record_type: self.record_type, bytes: bytes.len() });
        }
        let leaf = leaf_hash(&bytes);
        let bytes = String::from_utf8(bytes)
            .map_err(|_| SealError::Value { path: self.id.to_owned(), what: "not writable as JSON" })?;
        Ok(Line { bytes, leaf })
    }
}

/// Whether readers may take this text from between the quotes as it stands.
fn is_plain(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_graphic() && !matches!(b, b'"' | b'\\' | b'+'))
}

/// Whether this can be a request's id, which is also a file name on every system.
#[must_use]
pub fn is_request_id(text: &str) -> bool {
    (1..=64).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
}

fn require(field: &'static str, value: &str, holds: fn(&str) -> bool, rule: &'static str) -> Result<(), SealError> {
    if holds(value) { Ok(()) } else { Err(SealError::Unusable { field, value: value.to_owned(), rule }) }
}
