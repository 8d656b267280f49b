//! What can be known of a line by itself, so that it need not be looked at again in its turn.
use serde_json::value::RawValue;

use super::held;
use super::keys::{KeyFault, Own};
use super::once::Id;
use super::open::Open;
use crate::ledger::entry::{FORMAT, Header, MAX_INTEGER, is_request_id};
use crate::ledger::merkle::Hash;
use crate::ledger::record::RecordType;
use crate::ledger::software;
use crate::ledger::verify::read::alike::Alike;
use crate::ledger::verify::read::body::{self, Callback, Decision, Review, State, Weighed};
use crate::ledger::verify::read::happened::{self, Escalated, Held, Voided};
use crate::ledger::verify::read::policy::Loaded;
use crate::ledger::verify::read::published::Published;
use crate::ledger::verify::read::why::Refused;
use crate::ledger::verify::refusal::LineFault;
use crate::ledger::verify::unreal::Unreal;
use crate::ledger::verify::violation::Violation;

/// The call that tells GitHub, in JSON.
const CALLBACK: &str = "\"callback\"";

/// The log that entries are of.
#[derive(Clone, Copy)]
pub(in crate::ledger::verify) struct Log<'a> {
    pub(in crate::ledger::verify) origin: &'a str,
    /// Whose it is, where its first entry is there to say so.
    pub(in crate::ledger::verify) account: Option<u64>,
}

/// An entry, read.
pub(in crate::ledger::verify) struct Known {
    pub(in crate::ledger::verify) seq: u64,
    /// Milliseconds since 1970 UTC.
    pub(in crate::ledger::verify) time: u64,
    pub(in crate::ledger::verify) record_type: RecordType,
    /// The request it belongs to.
    pub(in crate::ledger::verify) corr: Option<Box<str>>,
    /// Which of its request's entries it is.
    pub(in crate::ledger::verify) id: Option<Id>,
    /// Whether a version wrote it that this one does not know.
    pub(in crate::ledger::verify) is_strange: bool,
    /// The digest of what was shown, in an entry whose rules do not need it.
    pub(in crate::ledger::verify) digest: Option<Box<str>>,
    /// What the rules look at.
    pub(in crate::ledger::verify) body: Result<Body, Violation>,
    /// What an entry about keys says.
    pub(in crate::ledger::verify) key: Option<Box<Result<Own, KeyFault>>>,
}

/// What the rules look at in an entry of one type.
pub(in crate::ledger::verify) enum Body {
    Genesis,
    Loaded(Loaded),
    Opened(Box<Open>),
    Rejudged(Box<Open>),
    Facts(Option<u64>),
    Review(Review),
    Weighed(Weighed),
    Unmeetable(Option<Vec<String>>),
    Escalated(Escalated),
    Reminded(u64),
    Struck(Refused),
    Refused(Refused),
    Decision(Box<Decision>),
    Voided(Voided),
    Held(Held),
    CallbackSent(Callback),
    CallbackResult(Option<State>),
    /// GitHub could not be told.
    CallbackFailed,
    Published(Published),
    Other,
}

impl Known {
    /// Reads an entry that should be number `seq` of this log. What it says of the entry before is compared elsewhere.
    pub(in crate::ledger::verify) fn of(
        line: &str,
        header: &Header<'_>,
        (log, seq): (Log<'_>, u64),
        alike: &mut Alike,
    ) -> Result<Self, LineFault> {
        if header.v != FORMAT {
            return Err(LineFault::Format(header.v));
        }
        if header.log != log.origin {
            return Err(LineFault::Log { found: header.log.to_owned(), origin: log.origin.to_owned() });
        }
        if header.seq != seq {
            return Err(LineFault::Seq { found: header.seq, expected: seq });
        }
        if header.time > MAX_INTEGER {
            return Err(LineFault::Time(header.time));
        }
        let record_type = RecordType::from_name(header.record_type)
            .ok_or_else(|| LineFault::UnknownType(header.record_type.to_owned()))?;
        if let Some(corr) = header.corr.filter(|corr| !is_request_id(corr)) {
            return Err(LineFault::RequestId(corr.to_owned()));
        }
        let (time, corr) = (header.time, header.corr.map(Box::from));
        let key = Own::of(record_type, line).map(Box::new);
        let id = header.corr.map(|corr| Id::of(&header.id, corr));
        let (digest, mut body) = match digest(header, record_type) {
            Ok(digest) => (digest, Body::of((line, header), record_type, log.account, alike)),
            Err(unreadable) => (None, Err(unreadable)),
        };
        let is_strange = software::is_strange(&header.sw);
        if is_strange.is_none() {
            body = Err(Unreal::Software(header.sw.clone().into_owned()).into());
        }
        let is_strange = is_strange.unwrap_or_default();
        Ok(Self { seq, time, record_type, corr, id, is_strange, digest, body, key })
    }

    /// The request that it decides.
    pub(in crate::ledger::verify) fn decided(&self) -> Option<&str> {
        self.corr.as_deref().filter(|_| self.record_type == RecordType::DecisionRecorded)
    }
}

impl Body {
    fn of(
        (line, entry): (&str, &Header<'_>),
        record_type: RecordType,
        account: Option<u64>,
        alike: &mut Alike,
    ) -> Result<Self, Violation> {
        Ok(match record_type {
            RecordType::Genesis => {
                let found: String = body::need(entry.origin, "origin")?;
                if found != entry.log {
                    return Err(Violation::GenesisOrigin { found, log: entry.log.to_owned() });
                }
                held::account_of(entry)?;
                Self::Genesis
            }
            RecordType::PolicyLoaded => Self::Loaded(Loaded::of(entry)?),
            RecordType::RequestOpened => Self::Opened(Box::new(Open::of(entry, account, alike)?)),
            RecordType::RequestRejudged => Self::Rejudged(Box::new(Open::of(entry, account, alike)?)),
            RecordType::FactsRecorded => {
                Self::Facts(entry.piece.map(|raw| body::need(Some(raw), "piece")).transpose()?)
            }
            RecordType::ReviewRecorded => Self::Review(Review::of(entry)?),
            RecordType::ReviewWeighed => Self::Weighed(Weighed::of(entry)?),
            RecordType::RequestUnmeetable => Self::Unmeetable(happened::unmeetable(line)?),
            RecordType::RequestEscalated => Self::Escalated(Escalated::of(line)?),
            RecordType::RequestReminded => Self::Reminded(body::need(entry.waited, "waited")?),
            RecordType::ReviewStruck => Self::Struck(Refused::struck(entry)?),
            RecordType::AttemptRefused => Self::Refused(Refused::of(entry)?),
            RecordType::DecisionRecorded => Self::Decision(Box::new(Decision::of(entry, alike)?)),
            RecordType::DecisionVoided => Self::Voided(body::need(entry.why, "why")?),
            RecordType::ReleaseHeld => Self::Held(Held::of(line, entry)?),
            RecordType::CallbackSent => Self::CallbackSent(Callback::of(entry)?),
            RecordType::CallbackResult => {
                Self::CallbackResult(entry.state.map(|raw| body::need(Some(raw), "state")).transpose()?)
            }
            RecordType::EffectFailed if entry.effect.is_some_and(|effect| effect.get() == CALLBACK) => {
                Self::CallbackFailed
            }
            RecordType::LedgerPublished => Self::Published(Published::of(entry)?),
            _ => Self::Other,
        })
    }
}

/// What an entry carries that goes along with others about the request: those by which it is judged, reviewed, decided and
/// answered are looked at with the rest of what they say.
fn digest(entry: &Header<'_>, record_type: RecordType) -> Result<Option<Box<str>>, Violation> {
    let goes_along = matches!(
        record_type,
        RecordType::RequestUnmeetable
            | RecordType::RequestEscalated
            | RecordType::RequestReminded
            | RecordType::FactsRecorded
            | RecordType::AttemptRefused
            | RecordType::DecisionVoided
            | RecordType::ReleaseHeld
            | RecordType::CallbackResult
            | RecordType::EffectFailed
    );
    let digest = entry.request_digest.filter(|_| goes_along);
    digest.map(|raw| body::need(Some(raw), "request_digest")).transpose()
}

/// Whether a line continues the entry with this leaf hash, or is the first.
pub(in crate::ledger::verify) fn continues(found: Option<&str>, prev: Option<Hash>) -> Result<(), LineFault> {
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
pub(in crate::ledger::verify) fn verbatim(fields: &[Option<&RawValue>]) -> String {
    let fields = fields.iter().map(|field| field.map_or("-", RawValue::get));
    let mut text = String::with_capacity(fields.clone().map(|field| field.len() + 1).sum());
    fields.for_each(|field| text.extend([field, " "]));
    text
}
