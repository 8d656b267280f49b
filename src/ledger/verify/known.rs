//! What can be known of a line by itself, so that it need not be looked at again in its turn.
use serde_json::value::RawValue;

use super::batch::Log;
use super::body::{self, Callback, Decision, Person, Refused, Review, Weighed};
use super::held;
use super::keys::{KeyFault, Own};
use super::once::Id;
use super::open::Open;
use super::refusal::LineFault;
use super::violation::Violation;
use crate::ledger::entry::{FORMAT, Header, is_request_id};
use crate::ledger::merkle::Hash;
use crate::ledger::record::RecordType;

/// The call that tells GitHub, in JSON.
const CALLBACK: &str = "\"callback\"";

/// An entry, read.
pub(super) struct Known {
    pub(super) seq: u64,
    /// Milliseconds since 1970 UTC.
    pub(super) time: u64,
    pub(super) record_type: RecordType,
    /// The request it belongs to.
    pub(super) corr: Option<Box<str>>,
    /// Which of its request's entries it is.
    pub(super) id: Option<Id>,
    /// What the rules look at.
    pub(super) body: Result<Body, Violation>,
    /// What an entry about keys says.
    pub(super) key: Option<Box<Result<Own, KeyFault>>>,
}

/// What the rules look at in an entry of one type.
pub(super) enum Body {
    Genesis,
    Opened(Box<Open>),
    Rejudged(Box<Open>),
    Facts,
    Review(Review),
    Weighed(Weighed),
    Waited(u64),
    Struck(Person),
    Refused(Refused),
    Decision(Box<Decision>),
    Voided,
    CallbackSent(Callback),
    CallbackResult,
    /// GitHub could not be told.
    CallbackFailed,
    Other,
}

impl Known {
    /// Reads an entry that should be number `seq` of this log. What it says of the entry before is compared elsewhere.
    pub(super) fn of(line: &str, header: &Header<'_>, log: Log<'_>, seq: u64) -> Result<Self, LineFault> {
        if header.v != FORMAT {
            return Err(LineFault::Format(header.v));
        }
        if header.log != log.origin {
            return Err(LineFault::Log { found: header.log.to_owned(), origin: log.origin.to_owned() });
        }
        if header.seq != seq {
            return Err(LineFault::Seq { found: header.seq, expected: seq });
        }
        let record_type = RecordType::from_name(header.record_type)
            .ok_or_else(|| LineFault::UnknownType(header.record_type.to_owned()))?;
        if let Some(corr) = header.corr.filter(|corr| !is_request_id(corr)) {
            return Err(LineFault::RequestId(corr.to_owned()));
        }
        let (time, corr) = (header.time, header.corr.map(Box::from));
        let key = Own::of(record_type, line).map(Box::new);
        let id = header.corr.map(|corr| Id::of(&header.id, corr));
        Ok(Self { seq, time, record_type, corr, id, body: Body::of(header, record_type, log.account), key })
    }

    /// The request that it decides.
    pub(super) fn decided(&self) -> Option<&str> {
        self.corr.as_deref().filter(|_| self.record_type == RecordType::DecisionRecorded)
    }
}

impl Body {
    fn of(entry: &Header<'_>, record_type: RecordType, account: Option<u64>) -> Result<Self, Violation> {
        Ok(match record_type {
            RecordType::Genesis => {
                let found: String = body::need(entry.origin, "origin")?;
                if found != entry.log {
                    return Err(Violation::GenesisOrigin { found, log: entry.log.to_owned() });
                }
                held::account_of(entry)?;
                Self::Genesis
            }
            RecordType::RequestOpened => Self::Opened(Box::new(Open::of(entry, account)?)),
            RecordType::RequestRejudged => Self::Rejudged(Box::new(Open::of(entry, account)?)),
            RecordType::FactsRecorded => Self::Facts,
            RecordType::ReviewRecorded => Self::Review(Review::of(entry)?),
            RecordType::ReviewWeighed => Self::Weighed(Weighed::of(entry)?),
            RecordType::RequestEscalated | RecordType::RequestReminded => {
                Self::Waited(body::need(entry.waited, "waited")?)
            }
            RecordType::ReviewStruck => Self::Struck(body::need(entry.reviewer, "reviewer")?),
            RecordType::AttemptRefused => Self::Refused(Refused::of(entry)?),
            RecordType::DecisionRecorded => Self::Decision(Box::new(Decision::of(entry)?)),
            RecordType::DecisionVoided => Self::Voided,
            RecordType::CallbackSent => Self::CallbackSent(Callback::of(entry)?),
            RecordType::CallbackResult => Self::CallbackResult,
            RecordType::EffectFailed if entry.effect.is_some_and(|effect| effect.get() == CALLBACK) => {
                Self::CallbackFailed
            }
            _ => Self::Other,
        })
    }
}

/// Whether a line continues the entry with this leaf hash, or is the first.
pub(super) fn continues(found: Option<&str>, prev: Option<Hash>) -> Result<(), LineFault> {
    match (found, prev) {
        (None, None) => Ok(()),
        (Some(found), Some(prev)) if is_hex_of(found, prev) => Ok(()),
        (found, prev) => Err(LineFault::Chain { found: found.map(str::to_owned), prev }),
    }
}

fn is_hex_of(text: &str, hash: Hash) -> bool {
    let mut hex = [0; 64];
    hex::encode_to_slice(hash.as_bytes(), &mut hex).is_ok() && text.as_bytes() == hex
}

/// Fields as they are written, one after the other.
pub(super) fn verbatim(fields: &[Option<&RawValue>]) -> String {
    fields.iter().map(|field| field.map_or("-", RawValue::get)).collect::<Vec<_>>().join(" ")
}
