//! What the rules read of the entries' own fields, and nothing more: the rest of an entry is not even looked at.
use std::borrow::Cow;

use serde::Deserialize;
use serde::de::{Deserializer, Error, IgnoredAny, IntoDeserializer as _};
use serde_json::value::RawValue;

use super::policy::Policy;
use super::quorum::Quorum;
use super::short::{self, Short};
use super::who::AccountId;
use crate::domain::decide::Permission;
use crate::domain::event::Channel;
use crate::domain::people::AccountKind;
use crate::ledger::catalogue::NOBODYS;
use crate::ledger::entry::{Header, MAX_INTEGER, SOFTWARE};
use crate::ledger::verify::miscalled::Miscalled;
use crate::ledger::verify::report::Outcome;
use crate::ledger::verify::violation::Violation;

/// What begins like this stands for a list that was too long for an entry: a policy may tell of hundreds of people.
const OMITTED: &str = "{\"bytes\":";

/// The status of a run at whose gate nobody waits any more.
const OVER: &str = "completed";

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(in crate::ledger::verify) enum State {
    Approved,
    Rejected,
}

impl State {
    /// What GitHub may be told after this outcome, if anything.
    pub(in crate::ledger::verify) fn after(outcome: Outcome) -> Option<State> {
        match outcome {
            Outcome::Approved | Outcome::NotRequired => Some(State::Approved),
            Outcome::Denied | Outcome::Expired => Some(State::Rejected),
            Outcome::Superseded | Outcome::Withdrawn => None,
        }
    }

    pub(in crate::ledger::verify) fn as_str(self) -> &'static str {
        match self {
            State::Approved => "approved",
            State::Rejected => "rejected",
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(in crate::ledger::verify) enum Verdict {
    Approve,
    Deny,
}

pub(in crate::ledger::verify) struct Opened<'a> {
    pub(in crate::ledger::verify) request_digest: String,
    pub(in crate::ledger::verify) parties: Vec<Person>,
    /// None of them, where there was no room.
    pub(in crate::ledger::verify) people: Vec<Owner>,
    pub(in crate::ledger::verify) omits_people: bool,
    pub(in crate::ledger::verify) ai_commits: u64,
    pub(in crate::ledger::verify) partial: Vec<IgnoredAny>,
    pub(in crate::ledger::verify) matched_rules: Vec<Cow<'a, str>>,
    pub(in crate::ledger::verify) quorum: Vec<Quorum>,
    pub(in crate::ledger::verify) denied_by: Vec<Cow<'a, str>>,
    pub(in crate::ledger::verify) policy: Policy,
    pub(in crate::ledger::verify) expires_at: Option<u64>,
    pub(in crate::ledger::verify) facts_pieces: u64,
}

impl<'a> Opened<'a> {
    pub(in crate::ledger::verify) fn of(entry: &Header<'a>) -> Result<Self, Violation> {
        let told = entry.people.filter(|raw| !raw.get().starts_with(OMITTED));
        Ok(Self {
            request_digest: need(entry.request_digest, "request_digest")?,
            parties: need(entry.parties, "parties")?,
            people: told.map_or(Ok(Vec::new()), |raw| need(Some(raw), "people"))?,
            omits_people: told.is_none() && entry.people.is_some(),
            ai_commits: need(entry.ai_commits, "ai_commits")?,
            partial: need(entry.partial, "partial")?,
            matched_rules: need(entry.matched_rules, "matched_rules")?,
            quorum: entry.quorum.map_or(Ok(Vec::new()), |raw| need(Some(raw), "quorum"))?,
            denied_by: entry.denied_by.map_or(Ok(Vec::new()), |raw| need(Some(raw), "denied_by"))?,
            policy: need(entry.policy, "policy")?,
            expires_at: entry.expires_at.map(|raw| need(Some(raw), "expires_at").and_then(exact)).transpose()?,
            facts_pieces: entry.facts_pieces.map_or(Ok(0), |raw| need(Some(raw), "facts_pieces"))?,
        })
    }
}

pub(in crate::ledger::verify) struct Review {
    pub(in crate::ledger::verify) request_digest: String,
    pub(in crate::ledger::verify) reviewer: Reviewer,
    pub(in crate::ledger::verify) verdict: Verdict,
    pub(in crate::ledger::verify) access: Permission,
    /// By which way they spoke.
    pub(in crate::ledger::verify) via: Channel,
}

impl Review {
    pub(in crate::ledger::verify) fn of(entry: &Header<'_>) -> Result<Review, Violation> {
        Ok(Review {
            request_digest: need(entry.request_digest, "request_digest")?,
            reviewer: need(entry.reviewer, "reviewer")?,
            verdict: need(entry.verdict, "verdict")?,
            access: need(entry.permission, "permission")?,
            via: need(entry.via, "via")?,
        })
    }
}

/// What somebody who approved may do now.
pub(in crate::ledger::verify) struct Weighed {
    pub(in crate::ledger::verify) reviewer: Person,
    pub(in crate::ledger::verify) access: Permission,
}

impl Weighed {
    pub(in crate::ledger::verify) fn of(entry: &Header<'_>) -> Result<Self, Violation> {
        Ok(Self { reviewer: need(entry.reviewer, "reviewer")?, access: need(entry.permission, "permission")? })
    }
}

pub(in crate::ledger::verify) struct Decision {
    pub(in crate::ledger::verify) request_digest: String,
    pub(in crate::ledger::verify) outcome: Outcome,
    pub(in crate::ledger::verify) approvers: Vec<Reviewer>,
    /// Who denied it, if a person did.
    pub(in crate::ledger::verify) denied_by: Option<Person>,
    pub(in crate::ledger::verify) quorum: Vec<Quorum>,
    pub(in crate::ledger::verify) policy: Policy,
}

impl Decision {
    pub(in crate::ledger::verify) fn of(entry: &Header<'_>) -> Result<Decision, Violation> {
        Ok(Decision {
            request_digest: need(entry.request_digest, "request_digest")?,
            outcome: need(entry.outcome, "outcome")?,
            // Only an approval has these, and that is refused without them.
            approvers: entry.approvers.map_or(Ok(Vec::new()), |raw| need(Some(raw), "approvers"))?,
            denied_by: entry.denied_by.map(|raw| need(Some(raw), "denied_by")).transpose()?,
            quorum: entry.quorum.map_or(Ok(Vec::new()), |raw| need(Some(raw), "quorum"))?,
            policy: need(entry.policy, "policy")?,
        })
    }
}

pub(in crate::ledger::verify) struct Callback {
    pub(in crate::ledger::verify) request_digest: String,
    pub(in crate::ledger::verify) state: State,
    /// The run as it was a moment before.
    pub(in crate::ledger::verify) checked: Attempted,
    /// Whether the software that told it is of this version.
    pub(in crate::ledger::verify) is_by_this_version: bool,
}

impl Callback {
    pub(in crate::ledger::verify) fn of(entry: &Header<'_>) -> Result<Callback, Violation> {
        Ok(Callback {
            request_digest: need(entry.request_digest, "request_digest")?,
            state: need(entry.state, "state")?,
            checked: Attempted::checked(entry)?,
            is_by_this_version: entry.sw == SOFTWARE,
        })
    }
}

/// One attempt of a run, by what may become of it: a newer attempt or another commit is something else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::ledger::verify) struct Attempted {
    pub(in crate::ledger::verify) attempt: u64,
    pub(in crate::ledger::verify) head_sha: String,
}

impl Attempted {
    /// What GitHub said of the run a moment before it was told. What is over is told nothing more.
    fn checked(entry: &Header<'_>) -> Result<Self, Violation> {
        #[derive(Deserialize)]
        struct Checked {
            attempt: u64,
            head_sha: String,
            status: String,
        }
        let Checked { attempt, head_sha, status } = need(entry.attempt_checked, "attempt_checked")?;
        if status == OVER { Err(Miscalled::ToNobody.into()) } else { Ok(Self { attempt, head_sha }) }
    }

    /// What an opening is about; nothing where it does not say.
    pub(in crate::ledger::verify) fn opened(entry: &Header<'_>) -> Option<Self> {
        #[derive(Deserialize)]
        struct Run {
            attempt: u64,
        }
        let Run { attempt } = need(entry.run, "run").ok()?;
        Some(Self { attempt, head_sha: need(entry.head_sha, "head_sha").ok()? })
    }
}

/// An account: an object with its `id`, or where there is no room the id by itself.
#[derive(Debug)]
pub(in crate::ledger::verify) struct Person {
    pub(in crate::ledger::verify) id: AccountId,
    /// A bot's or an organization's.
    is_nobodys: bool,
    /// It is told why it is there.
    pub(in crate::ledger::verify) says_why: bool,
}

impl Person {
    fn bare(id: AccountId) -> Self {
        Self { id, is_nobodys: false, says_why: false }
    }

    /// The number of a person's account, which stands in clear.
    pub(in crate::ledger::verify) fn in_clear(&self) -> Option<AccountId> {
        Some(self.id).filter(|id| matches!(id, AccountId::Number(_)) && !self.is_nobodys)
    }
}

/// What is read of an account that is told as an object.
#[derive(Deserialize)]
pub(super) struct Account {
    id: AccountId,
    kind: Option<AccountKind>,
    because: Option<IgnoredAny>,
}

impl<'de> Short<'de> for Person {
    type Object = Account;

    const EXPECTED: &'static str = "an account, or its id";

    fn word<E: Error>(id: &str) -> Result<Self, E> {
        AccountId::deserialize(id.into_deserializer()).map(Self::bare)
    }

    fn number<E: Error>(id: u64) -> Result<Self, E> {
        AccountId::deserialize(id.into_deserializer()).map(Self::bare)
    }

    fn object(Account { id, kind, because }: Account) -> Self {
        let is_nobodys = matches!(kind, Some(AccountKind::Bot | AccountKind::Organization));
        Self { is_nobodys, says_why: because.is_some(), ..Self::bare(id) }
    }
}

impl<'de> Deserialize<'de> for Person {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        short::deserialize(deserializer)
    }
}

/// Accounts that are one human's, or a program's.
#[derive(Debug, Deserialize)]
pub(in crate::ledger::verify) struct Owner {
    pub(in crate::ledger::verify) accounts: Vec<Person>,
    #[serde(default)]
    pub(in crate::ledger::verify) is_machine: bool,
}

#[derive(Deserialize)]
pub(in crate::ledger::verify) struct Reviewer {
    pub(in crate::ledger::verify) id: AccountId,
    pub(in crate::ledger::verify) kind: String,
}

impl Reviewer {
    /// The number of a person's account, which stands in clear.
    pub(in crate::ledger::verify) fn in_clear(&self) -> Option<AccountId> {
        Some(self.id).filter(|id| matches!(id, AccountId::Number(_)) && !NOBODYS.contains(&self.kind.as_str()))
    }
}

/// Reads a field that a rule cannot do without.
pub(in crate::ledger::verify) fn need<'a, T: Deserialize<'a>>(
    raw: Option<&'a RawValue>,
    name: &str,
) -> Result<T, Violation> {
    let raw = raw.ok_or_else(|| Violation::Unreadable(format!("missing field `{name}`")))?;
    serde_json::from_str(raw.get()).map_err(|error| Violation::Unreadable(format!("{name}: {error}")))
}

/// A number that every reader of JSON reads alike: no entry has a larger one.
fn exact(number: u64) -> Result<u64, Violation> {
    if number <= MAX_INTEGER { Ok(number) } else { Err(Violation::Unreadable(format!("{number} is above 2^53 - 1"))) }
}
