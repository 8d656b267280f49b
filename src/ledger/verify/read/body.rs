//! What the rules read of the entries' own fields, and nothing more: the rest of an entry is not even looked at.
use std::borrow::Cow;
use std::sync::Arc;

use serde::Deserialize;
use serde::de::{Deserializer, Error, IgnoredAny, Unexpected};
use serde_json::value::RawValue;

use super::alike::Alike;
use super::policy::{Policy, Repository};
use super::quorum::Quorum;
use super::who::AccountId;
use crate::domain::decide::Permission;
use crate::domain::event::Channel;
use crate::domain::people::AccountKind;
use crate::ledger::catalogue::NOBODYS;
use crate::ledger::entry::named::{self, Account, Read, Text};
use crate::ledger::entry::short::{self, Short};
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
    pub(in crate::ledger::verify) matched_rules: Vec<Text<'a>>,
    pub(in crate::ledger::verify) quorum: Arc<Vec<Quorum>>,
    pub(in crate::ledger::verify) denied_by: Vec<Text<'a>>,
    pub(in crate::ledger::verify) policy: Arc<Policy>,
    pub(in crate::ledger::verify) expires_at: Option<u64>,
    pub(in crate::ledger::verify) facts_pieces: u64,
    /// The number of the repository, and the run. Not all rules need them.
    pub(in crate::ledger::verify) repository: Read<u64>,
    pub(in crate::ledger::verify) run: Read<Run>,
}

/// One attempt of a run.
#[derive(Debug, Clone, Copy, Deserialize)]
pub(in crate::ledger::verify) struct Run {
    pub(in crate::ledger::verify) id: u64,
    pub(in crate::ledger::verify) attempt: u64,
}

impl<'a> Opened<'a> {
    pub(in crate::ledger::verify) fn of(entry: &Header<'a>, alike: &mut Alike) -> Result<Self, Violation> {
        let told = entry.people.filter(|raw| !raw.get().starts_with(OMITTED));
        Ok(Self {
            request_digest: need(entry.request_digest, "request_digest")?,
            parties: Person::parties(entry)?,
            people: told.map_or(Ok(Vec::new()), |raw| need(Some(raw), "people"))?,
            omits_people: told.is_none() && entry.people.is_some(),
            ai_commits: need(entry.ai_commits, "ai_commits")?,
            partial: need(entry.partial, "partial")?,
            matched_rules: need(entry.matched_rules, "matched_rules")?,
            quorum: alike.quorum(entry.quorum)?,
            denied_by: entry.denied_by.map_or(Ok(Vec::new()), |raw| need(Some(raw), "denied_by"))?,
            policy: alike.policy(entry.policy)?,
            expires_at: entry.expires_at.map(|raw| need(Some(raw), "expires_at").and_then(exact)).transpose()?,
            facts_pieces: entry.facts_pieces.map_or(Ok(0), |raw| need(Some(raw), "facts_pieces"))?,
            repository: named::read(entry.repository, "repository").map(|Repository { id }| id),
            run: named::read(entry.run, "run"),
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
    pub(in crate::ledger::verify) quorum: Arc<Vec<Quorum>>,
    pub(in crate::ledger::verify) policy: Arc<Policy>,
}

impl Decision {
    pub(in crate::ledger::verify) fn of(entry: &Header<'_>, alike: &mut Alike) -> Result<Decision, Violation> {
        Ok(Decision {
            request_digest: need(entry.request_digest, "request_digest")?,
            outcome: need(entry.outcome, "outcome")?,
            // Only an approval has these, and that is refused without them.
            approvers: entry.approvers.map_or(Ok(Vec::new()), |raw| need(Some(raw), "approvers"))?,
            denied_by: entry.denied_by.map(|raw| need(Some(raw), "denied_by")).transpose()?,
            quorum: alike.quorum(entry.quorum)?,
            policy: alike.policy(entry.policy)?,
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

    /// What an opening of this attempt is about; nothing where it does not say.
    pub(in crate::ledger::verify) fn opened(attempt: u64, entry: &Header<'_>) -> Option<Self> {
        Some(Self { attempt, head_sha: need(entry.head_sha, "head_sha").ok()? })
    }
}

/// An account that an entry names.
#[derive(Debug)]
pub(in crate::ledger::verify) struct Person {
    pub(in crate::ledger::verify) id: AccountId,
    /// A bot's or an organization's.
    is_nobodys: bool,
    /// It is told why it is there.
    pub(in crate::ledger::verify) says_why: bool,
}

impl Person {
    /// The number of a person's account, which stands in clear.
    pub(in crate::ledger::verify) fn in_clear(&self) -> Option<AccountId> {
        Some(self.id).filter(|id| matches!(id, AccountId::Number(_)) && !self.is_nobodys)
    }

    /// Takes an account that was read, or was not.
    pub(super) fn named(account: &Read<Account<'_>>) -> Result<Self, Violation> {
        Self::of(was_read(account)?).map_err(Violation::Unreadable)
    }

    /// The people of an opening who had a part.
    pub(in crate::ledger::verify) fn parties(entry: &Header<'_>) -> Result<Vec<Self>, Violation> {
        let parties = was_read(&entry.named().parties)?;
        let unreadable = |why| Violation::Unreadable(format!("parties: {why}"));
        parties.iter().map(|party| Self::of(party).map_err(unreadable)).collect()
    }

    fn of(Account { id, kind, says_why }: &Account<'_>) -> Result<Self, String> {
        let is_nobodys = matches!(kind, Some(AccountKind::Bot | AccountKind::Organization));
        Ok(Self { id: AccountId::of(id)?, is_nobodys, says_why: *says_why })
    }
}

impl<'de> Deserialize<'de> for Person {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::of(&Account::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}

/// Accounts that are one human's, or a program's.
#[derive(Debug, Deserialize)]
pub(in crate::ledger::verify) struct Owner {
    pub(in crate::ledger::verify) accounts: Vec<Person>,
    #[serde(default)]
    pub(in crate::ledger::verify) is_machine: bool,
}

/// Whoever spoke: an object, which tells what kind of account theirs is.
pub(in crate::ledger::verify) struct Reviewer {
    pub(in crate::ledger::verify) id: AccountId,
    pub(in crate::ledger::verify) kind: String,
}

#[derive(Deserialize)]
pub(in crate::ledger::verify) struct Spoke {
    id: AccountId,
    kind: String,
}

impl<'de> Short<'de> for Reviewer {
    type Object = Spoke;

    const EXPECTED: &'static str = "an account with its kind";

    fn word<E: Error>(word: Cow<'de, str>) -> Result<Self, E> {
        Err(E::invalid_type(Unexpected::Str(&word), &Self::EXPECTED))
    }

    fn object(Spoke { id, kind }: Spoke) -> Self {
        Self { id, kind }
    }
}

impl<'de> Deserialize<'de> for Reviewer {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        short::deserialize(deserializer)
    }
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
    named::read(raw, name).map_err(Violation::Unreadable)
}

/// What was read of an entry before, if it could be.
pub(in crate::ledger::verify) fn was_read<T>(read: &Read<T>) -> Result<&T, Violation> {
    read.as_ref().map_err(|why| Violation::Unreadable(why.clone()))
}

/// The same of a text.
pub(in crate::ledger::verify) fn text<'a>(raw: &'a RawValue, name: &str) -> Result<Cow<'a, str>, Violation> {
    need(Some(raw), name).map(|Text(text)| text)
}

/// A number that every reader of JSON reads alike: no entry has a larger one.
fn exact(number: u64) -> Result<u64, Violation> {
    if number <= MAX_INTEGER { Ok(number) } else { Err(Violation::Unreadable(format!("{number} is above 2^53 - 1"))) }
}
