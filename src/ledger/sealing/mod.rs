//! Sealing: what may be told of people stands in an entry only as a commitment, and as a subject.
//!
//! A person's account is a subject: an HMAC of its id under a key of its own. The same person is the same subject in all
//! entries of a log, so that whether somebody seconded their own work stays provable. A login, a name, an address, a free text
//! is a commitment: a hash of the value and a salt. What opens it, the [`Opening`], is kept beside the log and never in it.
//! Whoever erases openings and key erases the person, and not a byte of what is hashed and proven.
//!
//! What is sealed of which entry, says the [`catalogue`](super::catalogue).

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::{Deserialize, Serialize, Serializer};
use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};
use thiserror::Error;

use super::catalogue::{self, Path, Visit};
use crate::domain::digest::{canonical, hex, write_canonical};

mod kept;
mod openings;
mod subject;
#[cfg(test)]
mod tests;
mod traces;

pub use kept::Kept;
pub use openings::{Book, BookError, Line};
pub use subject::{Subject, SubjectKey};
pub use traces::Traces;

const LABEL: &[u8] = b"seconder-commitment-v1";
/// What a commitment begins with.
const PREFIX: &str = "sha256:";

/// 32 random bytes, never used twice.
pub type Salt = [u8; 32];

/// What tells a sealed value.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Opening {
    /// Where in the entry: a JSON Pointer (RFC 6901).
    pub path: String,
    /// What was hashed with it.
    #[serde(serialize_with = "as_hex", deserialize_with = "hex::serde::deserialize")]
    pub salt: Salt,
    /// The value.
    pub value: Value,
}

fn as_hex<S: Serializer>(salt: &Salt, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&hex(salt))
}

/// Openings are what must not get into logs.
impl fmt::Debug for Opening {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Opening of {}", self.path)
    }
}

impl Opening {
    /// The string that stands in the entry: `sha256:` and the SHA-256 of
    /// `"seconder-commitment-v1" ‖ 0 ‖ salt ‖ path ‖ 0 ‖ value as JSON` in hexadecimal.
    #[must_use]
    pub fn commitment(&self) -> String {
        commitment(&self.path, &self.salt, canonical(&self.value).as_bytes())
    }
}

fn commitment(path: &str, salt: &Salt, value: &[u8]) -> String {
    let mut hash = Sha256::new();
    hash.update(LABEL);
    hash.update([0]);
    hash.update(salt);
    hash.update(path);
    hash.update([0]);
    hash.update(value);
    let mut text = String::with_capacity(PREFIX.len() + 64);
    text.push_str(PREFIX);
    text.push_str(&hex(&hash.finalize()));
    text
}

/// Whether a value may be a commitment.
#[must_use]
pub fn is_commitment(value: &Value) -> bool {
    value.as_str().is_some_and(is_commitment_text)
}

/// Whether a text may be a commitment.
#[must_use]
pub(in crate::ledger) fn is_commitment_text(text: &str) -> bool {
    text.strip_prefix(PREFIX).is_some_and(is_digest)
}

/// Whether somebody outside chose what stands there: they may be called whatever they like, and nothing hangs on it.
fn is_as_spelt(path: &str) -> bool {
    path.ends_with("/name") || path.ends_with("/email")
}

/// Whether it is a SHA-256, in lower-case hexadecimal.
#[must_use]
pub(in crate::ledger) fn is_digest(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
}

/// Why an entry cannot be sealed.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum SealingError {
    /// Somebody has no subject.
    #[error("the account {0} has no subject in this log")]
    NoSubject(u64),
    /// An account's id is not a number.
    #[error("{0} is not the id of an account")]
    NotAnId(String),
}

/// The accounts in an entry's own fields that may be persons', each with its login.
#[must_use]
pub fn persons(name: &str, body: &mut Map<String, Value>) -> BTreeMap<u64, String> {
    struct Persons(BTreeMap<u64, String>);
    impl Visit for Persons {
        fn sealed(&mut self, _: &Path<'_>, _: &mut Value) {}
        fn subject(&mut self, _: &Path<'_>, id: &mut Value, login: Option<&str>) {
            if let Some(id) = id.as_u64() {
                let known = self.0.entry(id).or_default();
                if known.is_empty() {
                    known.push_str(login.unwrap_or_default());
                }
            }
        }
    }
    let mut persons = Persons(BTreeMap::new());
    catalogue::walk(name, body, &mut persons);
    persons.0
}

/// Seals an entry's own fields and returns what opens them. `subject` names a person's account in this log.
///
/// # Errors
/// If somebody has no subject. Nothing is told then either: the fields are half sealed and not to be used.
pub fn seal(
    name: &str,
    body: &mut Map<String, Value>,
    subject: &dyn Fn(u64) -> Option<Subject>,
    salt: &mut dyn FnMut() -> Salt,
) -> Result<Kept, SealingError> {
    let mut sealer =
        Sealer { subject, salt, kept: Kept::default(), path: String::new(), value: Vec::new(), error: None };
    catalogue::walk(name, body, &mut sealer);
    match sealer.error {
        Some(error) => Err(error),
        None => Ok(sealer.kept),
    }
}

struct Sealer<'a> {
    subject: &'a dyn Fn(u64) -> Option<Subject>,
    salt: &'a mut dyn FnMut() -> Salt,
    kept: Kept,
    /// Where the value is that is being sealed, and the value as JSON.
    path: String,
    value: Vec<u8>,
    error: Option<SealingError>,
}

impl Visit for Sealer<'_> {
    fn sealed(&mut self, path: &Path<'_>, value: &mut Value) {
        let salt = (self.salt)();
        self.path.clear();
        path.write(&mut self.path);
        self.value.clear();
        write_canonical(value, &mut self.value);
        *value = commitment(&self.path, &salt, &self.value).into();
        self.kept.add(&self.path, &salt, &self.value);
    }

    fn subject(&mut self, path: &Path<'_>, id: &mut Value, _: Option<&str>) {
        match id.as_u64().ok_or_else(|| SealingError::NotAnId(path.pointer())) {
            Ok(number) => match (self.subject)(number) {
                Some(subject) => *id = subject.to_string().into(),
                None => self.error = Some(SealingError::NoSubject(number)),
            },
            Err(error) => self.error = Some(error),
        }
    }
}

/// Why openings do not fit an entry.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum OpeningError {
    /// It opens something else, or nothing.
    #[error("the opening of {0} is not of what the entry commits to there: it was changed or swapped")]
    Wrong(String),
    /// The same twice.
    #[error("{0} is opened twice")]
    Twice(String),
    /// It opens to what looks like a commitment, as if that were sealed still.
    #[error("the opening of {0} tells another commitment, which no server seals: it would pass for erased")]
    Commitment(String),
}

/// What cannot be told of an entry.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Untold {
    /// Paths of commitments without an opening.
    pub paths: Vec<String>,
    /// Subjects without a key.
    pub subjects: BTreeSet<Subject>,
}

/// Puts back what openings tell, and the ids of the subjects that `account` knows. Says what stays untold.
///
/// # Errors
/// If an opening is not of what the entry commits to at its path.
pub fn open(
    name: &str,
    body: &mut Map<String, Value>,
    openings: Vec<Opening>,
    account: &dyn Fn(Subject) -> Option<u64>,
) -> Result<Untold, OpeningError> {
    let mut entry = Value::Object(std::mem::take(body));
    let mut opened = BTreeSet::new();
    for opening in openings {
        if is_commitment(&opening.value) && !is_as_spelt(&opening.path) {
            return Err(OpeningError::Commitment(opening.path));
        }
        let commitment = opening.commitment();
        match entry.pointer_mut(&opening.path) {
            Some(place) if place.as_str() == Some(&commitment) => *place = opening.value,
            _ => return Err(OpeningError::Wrong(opening.path)),
        }
        if let Some(twice) = opened.replace(opening.path) {
            return Err(OpeningError::Twice(twice));
        }
    }
    if let Value::Object(fields) = entry {
        *body = fields;
    }
    let mut opener = Opener { account, opened: &opened, untold: Untold::default() };
    catalogue::walk(name, body, &mut opener);
    Ok(opener.untold)
}

struct Opener<'a> {
    account: &'a dyn Fn(Subject) -> Option<u64>,
    opened: &'a BTreeSet<String>,
    untold: Untold,
}

impl Visit for Opener<'_> {
    fn sealed(&mut self, path: &Path<'_>, value: &mut Value) {
        let path = path.pointer();
        if is_commitment(value) && !self.opened.contains(&path) {
            self.untold.paths.push(path);
        }
    }

    fn subject(&mut self, _: &Path<'_>, id: &mut Value, _: Option<&str>) {
        let Some(subject) = id.as_str().and_then(Subject::parse) else { return };
        match (self.account)(subject) {
            Some(number) => *id = number.into(),
            None => drop(self.untold.subjects.insert(subject)),
        }
    }
}
