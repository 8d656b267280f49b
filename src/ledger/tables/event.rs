//! What the tables need of one entry. A field that is missing or of another kind leaves its cell empty: the rules, not the
//! tables, refuse an entry.
use std::borrow::Cow;

use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use super::csv;
use crate::ledger::entry::Header;
use crate::ledger::entry::named::{Named, OnlyId, Text, plain};
use crate::ledger::record::RecordType;

/// What one entry means for the tables.
#[derive(Debug)]
pub enum Event {
    /// A request was opened, or judged again.
    Opened {
        /// Whether it was only judged again: when it was opened, an entry before tells.
        is_again: bool,
        /// What is held.
        subject: Box<Subject>,
        /// What could not be learned.
        gaps: Option<String>,
    },
    /// Somebody approved it.
    Approved {
        /// Who.
        who: String,
        /// By which way.
        via: String,
    },
    /// A request was decided.
    Decided(Box<Decision>),
    /// GitHub answered.
    Told {
        /// Why it did not take it.
        failure: Option<String>,
    },
    /// Something that did not go the usual way.
    Exception {
        /// Who it was about.
        who: String,
        /// What it was.
        what: String,
        /// Whether a decision is taken back by it.
        voids: bool,
    },
}

/// What is held, as the cells of a row.
#[derive(Debug)]
pub struct Subject {
    /// Repository and environment.
    pub(super) place: String,
    /// Run, attempt, commit and deployment, who set it going, and who had a part.
    pub(super) run: String,
    pub(super) agents: String,
}

impl Default for Subject {
    fn default() -> Self {
        Self { place: ",".to_owned(), run: ",,,,,".to_owned(), agents: String::new() }
    }
}

/// What was decided, as the cells of a row.
#[derive(Debug)]
pub struct Decision {
    pub(super) outcome: String,
    /// As a text, not yet a cell.
    pub(super) approvers: String,
    /// Quorum, rules, the policy's digest and its commit.
    pub(super) by: String,
    /// Whether GitHub is told, so that an answer is to come.
    pub(super) tells_github: bool,
}

/// The status where GitHub had the answer already, so that nothing was sent (`domain::event::Receipt`).
const HAD_IT: u64 = 0;

impl Event {
    /// What `entry`, whose line is `line`, means for the tables; nothing if no table has it.
    #[must_use]
    pub fn of(entry: &Header<'_>, line: &str) -> Option<Event> {
        match RecordType::from_name(entry.record_type) {
            Some(kind @ (RecordType::RequestOpened | RecordType::RequestRejudged)) => Some(Event::Opened {
                is_again: kind == RecordType::RequestRejudged,
                subject: Box::new(Subject::of(entry)),
                gaps: text(entry.partial).filter(|gaps| !gaps.is_empty()).map(|gaps| format!("not known: {gaps}")),
            }),
            Some(RecordType::ReviewRecorded) => {
                (text(entry.verdict).as_deref() == Some("approve")).then(|| Event::Approved {
                    who: entry.reviewer.map(account).unwrap_or_default(),
                    via: text(entry.via).unwrap_or_default().into(),
                })
            }
            Some(RecordType::DecisionRecorded) => Some(Event::Decided(Box::new(Decision::of(entry)))),
            Some(RecordType::CallbackResult) => {
                let status: Option<u64> = read(entry.status);
                let is_taken = status.is_some_and(|status| status == HAD_IT || (200..300).contains(&status));
                let status = status.map(|status| status.to_string()).unwrap_or_default();
                let state = text(entry.state).unwrap_or_default();
                Some(Event::Told { failure: (!is_taken).then(|| format!("GitHub answered {status} to {state}")) })
            }
            Some(
                kind @ (RecordType::AttemptRefused
                | RecordType::ReviewStruck
                | RecordType::DecisionVoided
                | RecordType::EffectFailed
                | RecordType::ReleaseHeld
                | RecordType::RequestUnmeetable
                | RecordType::KeyRevoked
                | RecordType::RedactionPerformed
                | RecordType::LedgerPublicationFailed),
            ) => Some(Self::exception(line, kind == RecordType::DecisionVoided)),
            _ => None,
        }
    }

    fn exception(line: &str, voids: bool) -> Event {
        let fields: Odd<'_> = serde_json::from_str(line).unwrap_or_default();
        let who = fields.reviewer.or(fields.subject);
        let who = who.map(account).unwrap_or_default();
        let told = [
            ("verdict", fields.verdict),
            ("why", fields.why),
            ("by", fields.by),
            ("name", fields.name),
            ("rules", fields.rules),
            ("effect", fields.effect),
            ("error", fields.error),
            ("basis", fields.basis),
            ("vkey", fields.vkey),
            ("valid_to_size", fields.valid_to_size),
            ("openings", fields.openings),
            ("tag", fields.tag),
            ("given_up", fields.given_up),
        ];
        let told = told.into_iter().filter_map(|(name, value)| Some(format!("{name}: {}", text(value)?)));
        Event::Exception { who, what: told.collect::<Vec<_>>().join("; "), voids }
    }
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Odd<'a> {
    #[serde(borrow)]
    reviewer: Option<&'a RawValue>,
    #[serde(borrow)]
    verdict: Option<&'a RawValue>,
    #[serde(borrow)]
    why: Option<&'a RawValue>,
    #[serde(borrow)]
    by: Option<&'a RawValue>,
    #[serde(borrow)]
    name: Option<&'a RawValue>,
    #[serde(borrow)]
    rules: Option<&'a RawValue>,
    #[serde(borrow)]
    effect: Option<&'a RawValue>,
    #[serde(borrow)]
    error: Option<&'a RawValue>,
    #[serde(borrow)]
    basis: Option<&'a RawValue>,
    #[serde(borrow)]
    subject: Option<&'a RawValue>,
    #[serde(borrow)]
    vkey: Option<&'a RawValue>,
    #[serde(borrow)]
    valid_to_size: Option<&'a RawValue>,
    #[serde(borrow)]
    openings: Option<&'a RawValue>,
    #[serde(borrow)]
    tag: Option<&'a RawValue>,
    #[serde(borrow)]
    given_up: Option<&'a RawValue>,
}

/// The fields that tables show of whatever is an object in an entry; each is found and not yet read.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Object<'a> {
    #[serde(borrow)]
    id: Option<&'a RawValue>,
    #[serde(borrow)]
    name: Option<&'a RawValue>,
    #[serde(borrow)]
    attempt: Option<&'a RawValue>,
    #[serde(borrow)]
    digest: Option<&'a RawValue>,
    #[serde(borrow)]
    commit: Option<&'a RawValue>,
}

/// A requirement, and how far it was met.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Met<'a> {
    #[serde(borrow)]
    rule: Option<&'a RawValue>,
    have: u64,
    need: u64,
    #[serde(borrow)]
    any_of: Vec<Met<'a>>,
    #[serde(borrow)]
    all_of: Vec<Met<'a>>,
}

impl Subject {
    fn of(entry: &Header<'_>) -> Subject {
        let run = object(entry.run);
        let Named { starters: [actor, triggering_actor], parties, commits } = entry.named();
        let (parties, commits) = (parties.as_deref().unwrap_or_default(), commits.as_deref().unwrap_or_default());
        let agents = commits.iter().filter_map(|commit| commit.agent.as_ref());
        let mut agents: Vec<&str> = agents.map(|Text(agent)| &**agent).collect();
        agents.sort_unstable();
        agents.dedup();
        let [actor, triggering_actor] = [actor, triggering_actor].map(|who| who.as_ref()?.as_ref().ok());
        let triggering_actor = triggering_actor.filter(|who| actor.is_none_or(|actor| actor.id != who.id));
        let name = text(object(entry.repository).name.or(entry.repository));
        Subject {
            place: csv::cells([name, text(entry.environment)]),
            run: csv::cells([
                text(run.id),
                text(run.attempt),
                text(entry.head_sha),
                text(entry.deployment_id),
                Some(joined(actor.into_iter().chain(triggering_actor).map(|who| who.id.as_text()))),
                Some(joined(parties.iter().map(|who| who.id.as_text()))),
            ]),
            agents: csv::cells([Some(joined(agents.into_iter().map(Cow::Borrowed)))]),
        }
    }
}

impl Decision {
    fn of(entry: &Header<'_>) -> Decision {
        let policy = object(entry.policy);
        let quorum: Vec<Met<'_>> = read(entry.quorum).unwrap_or_default();
        let approvers: Vec<OnlyId<'_>> = read(entry.approvers).unwrap_or_default();
        let approvers = joined(approvers.iter().map(|OnlyId(id)| id.as_text())).into_owned();
        let rules = joined(quorum.iter().map(|part| text(part.rule).unwrap_or_default()));
        let quorum = joined(quorum.iter().map(|part| Cow::Owned(met(part))));
        let outcome = text(entry.outcome);
        Decision {
            tells_github: !matches!(outcome.as_deref(), Some("superseded" | "withdrawn")),
            outcome: csv::cells([outcome]),
            by: csv::cells([Some(quorum), Some(rules), text(policy.digest), text(policy.commit)]),
            approvers,
        }
    }
}

/// An account's id; nothing where none can be read.
fn account(who: &RawValue) -> String {
    read(Some(who)).map(|OnlyId(id)| id.as_text().into_owned()).unwrap_or_default()
}

/// Several in one cell; often there is only one.
fn joined<'a>(texts: impl IntoIterator<Item = Cow<'a, str>>) -> Cow<'a, str> {
    let mut texts = texts.into_iter();
    let first = texts.next().unwrap_or_default();
    texts.fold(first, |mut all, text| {
        all.to_mut().extend(["; ", &*text]);
        all
    })
}

fn object<'a>(raw: Option<&'a RawValue>) -> Object<'a> {
    read(raw).unwrap_or_default()
}

fn read<'a, T: Deserialize<'a>>(raw: Option<&'a RawValue>) -> Option<T> {
    serde_json::from_str(raw?.get()).ok()
}

fn text(raw: Option<&RawValue>) -> Option<Cow<'_, str>> {
    let raw = raw?;
    // Nearly all are texts or numbers that stand as they are.
    let as_it_stands = plain(raw).or_else(|| Some(raw.get()).filter(|json| is_number(json)));
    as_it_stands.map(Cow::Borrowed).or_else(|| read(Some(raw)).as_ref().map(shown).map(Cow::Owned))
}

/// Whether this is a number that is shown as it is written: an integer that fits into 64 bits.
fn is_number(json: &str) -> bool {
    json.len() < 20 && json.bytes().all(|b| b.is_ascii_digit())
}

/// `1 of 2`, and how parts of a requirement hang together.
fn met(quorum: &Met<'_>) -> String {
    for (parts, between) in [(&quorum.any_of, " or "), (&quorum.all_of, " and ")] {
        if !parts.is_empty() {
            return format!("({})", parts.iter().map(met).collect::<Vec<_>>().join(between));
        }
    }
    format!("{} of {}", quorum.have, quorum.need)
}

/// A value in few words: of an object that is tagged, the tag.
fn shown(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Array(items) => items.iter().map(shown).collect::<Vec<_>>().join(", "),
        Value::Object(fields) => {
            let tag = ["refusal", "gap", "fact"].iter().find_map(|tag| fields.get(*tag));
            tag.map_or_else(|| value.to_string(), shown)
        }
        other => other.to_string(),
    }
}
