//! What a judgement rests on, as its entries hold it.

use serde_json::Value;
use thiserror::Error;

use crate::domain::digest::Digest;
use crate::ledger::sealing::is_commitment;

/// Why something cannot be judged again.
#[derive(Debug, Error)]
pub enum Cannot {
    /// Its opening is not among the entries.
    #[error("it was never opened")]
    NeverOpened,
    /// Its opening names nothing that it rests on.
    #[error("its opening records no facts")]
    NoFacts,
    /// The facts are larger than an opening and its pieces may be.
    #[error("its facts were too many to record; their digest is {0}")]
    TooMany(String),
    /// Nobody has opened them, or nobody can any more.
    #[error("what it rests on is sealed, and was not opened")]
    Sealed,
    /// The pieces are not of these facts.
    #[error("its facts are not those the opening names by their digest")]
    OtherFacts,
    /// Not what a server writes.
    #[error("{0}")]
    Unreadable(String),
}

impl From<String> for Cannot {
    fn from(why: String) -> Self {
        Self::Unreadable(why)
    }
}

impl From<&str> for Cannot {
    fn from(why: &str) -> Self {
        Self::Unreadable(why.to_owned())
    }
}

/// The facts, from the opening or from the entries that hold them in pieces.
pub(super) fn facts(opening: &Value, entries: &[Value]) -> Result<Value, Cannot> {
    if opening["facts"].is_object() {
        return Ok(opening["facts"].clone());
    }
    if is_commitment(&opening["facts"]) {
        return Err(Cannot::Sealed);
    }
    let Some(digest) = opening["facts_digest"].as_str() else {
        return Err(Cannot::NoFacts);
    };
    if opening["facts_pieces"] == 0 {
        return Err(Cannot::TooMany(digest.to_owned()));
    }
    let pieces = entries.iter().filter(|entry| entry["type"] == "facts.recorded");
    if pieces.clone().any(|entry| is_commitment(&entry["text"])) {
        return Err(Cannot::Sealed);
    }
    let text: String = pieces.filter_map(|entry| entry["text"].as_str()).collect();
    if Digest::of_bytes(text.as_bytes()).as_str() != digest {
        return Err(Cannot::OtherFacts);
    }
    serde_json::from_str(&text).map_err(|error| format!("the recorded facts cannot be read: {error}").into())
}
