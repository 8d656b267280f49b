//! What the rules read of the entries' own fields, and nothing more: the rest of an entry is not even looked at.
use std::fmt;

use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{self, Deserializer, IgnoredAny, IntoDeserializer as _, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::eligible::{Group, Later};
use super::report::Outcome;
use super::violation::Violation;
use super::who::AccountId;
use crate::domain::decide::Permission;
use crate::domain::people::AccountKind;
use crate::ledger::catalogue::NOBODYS;
use crate::ledger::entry::Header;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum State {
    Approved,
    Rejected,
}

impl State {
    /// What GitHub may be told after this outcome, if anything.
    pub(super) fn after(outcome: Outcome) -> Option<State> {
        match outcome {
            Outcome::Approved | Outcome::NotRequired => Some(State::Approved),
            Outcome::Denied | Outcome::Expired => Some(State::Rejected),
            Outcome::Superseded | Outcome::Withdrawn => None,
        }
    }

    pub(super) fn as_str(self) -> &'static str {
        match self {
            State::Approved => "approved",
            State::Rejected => "rejected",
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Verdict {
    Approve,
    Deny,
}

pub(super) struct Opened {
    pub(super) request_digest: String,
    pub(super) parties: Vec<Person>,
    pub(super) people: Vec<Owner>,
    pub(super) ai_commits: u64,
    pub(super) partial: Vec<IgnoredAny>,
    pub(super) matched_rules: Vec<IgnoredAny>,
    pub(super) quorum: Vec<Quorum>,
    pub(super) denied_by: Vec<IgnoredAny>,
    pub(super) policy: Policy,
    pub(super) expires_at: Option<u64>,
}

impl Opened {
    pub(super) fn of(entry: &Header<'_>) -> Result<Opened, Violation> {
        Ok(Opened {
            request_digest: need(entry.request_digest, "request_digest")?,
            parties: need(entry.parties, "parties")?,
            people: entry.people.map_or(Ok(Vec::new()), |raw| need(Some(raw), "people"))?,
            ai_commits: need(entry.ai_commits, "ai_commits")?,
            partial: need(entry.partial, "partial")?,
            matched_rules: need(entry.matched_rules, "matched_rules")?,
            quorum: entry.quorum.map_or(Ok(Vec::new()), |raw| need(Some(raw), "quorum"))?,
            denied_by: entry.denied_by.map_or(Ok(Vec::new()), |raw| need(Some(raw), "denied_by"))?,
            policy: need(entry.policy, "policy")?,
            expires_at: entry.expires_at.map(|raw| need(Some(raw), "expires_at")).transpose()?,
        })
    }
}

/// Who had a part for certain, by the facts an opening rests on. Who else had one, takes the whole judgement to tell.
#[derive(Debug, Default)]
pub(super) struct KnownParts {
    /// Whoever set the run going: they have a part by whatever rules it is judged.
    pub(super) starters: Vec<AccountId>,
    /// They, and whoever wrote a held commit or is its co-author, with an account that GitHub names.
    pub(super) all: Vec<AccountId>,
}

impl KnownParts {
    pub(super) fn of(entry: &Header<'_>) -> Result<Self, Violation> {
        // Sealed facts tell nothing by themselves: whoever has the openings looks at them (`opened.rs`).
        let Some(facts) = entry.facts.filter(|facts| facts.get().starts_with('{')) else { return Self::started(entry) };
        let facts: Facts = need(Some(facts), "facts")?;
        let commits: Vec<Judged> = need(entry.commits, "commits")?;
        let nobody = || Violation::Unreadable("facts: somebody is named who is not listed".to_owned());
        let id = |at: usize| facts.accounts.get(at).map(|account| account.id).ok_or_else(nobody);
        let started = facts.attempts.iter().flat_map(|it| [it.actor, it.triggering_actor]).flatten();
        let starters = started.chain([facts.deployment_creator, facts.sender].into_iter().flatten());
        let starters: Vec<AccountId> = starters.map(id).collect::<Result<_, _>>()?;
        let mut all = starters.clone();
        // An opening without room leaves commits out.
        if commits.len() == facts.commits.len() {
            for (written, _) in facts.commits.iter().zip(&commits).filter(|(_, judged)| judged.gated) {
                for at in std::iter::once(written.author).chain(written.co_authors.iter().copied()) {
                    let identity = facts.identities.get(at).ok_or_else(nobody)?;
                    all.extend(identity.account.map(id).transpose()?);
                }
            }
        }
        Ok(Self { starters, all })
    }

    /// What the opening itself tells of who set the run going.
    fn started(entry: &Header<'_>) -> Result<Self, Violation> {
        let told = [(entry.actor, "actor"), (entry.triggering_actor, "triggering_actor")];
        let told = told.into_iter().filter(|(who, _)| who.is_some());
        let starters =
            told.map(|(who, name)| need(who, name).map(|who: Person| who.id)).collect::<Result<Vec<_>, _>>()?;
        Ok(Self { all: starters.clone(), starters })
    }
}

/// Accounts and identities are named by their place in a list.
#[derive(Deserialize)]
struct Facts {
    accounts: Vec<Person>,
    identities: Vec<Identity>,
    attempts: Vec<Attempt>,
    deployment_creator: Option<usize>,
    sender: Option<usize>,
    commits: Vec<Written>,
}

#[derive(Deserialize)]
struct Identity {
    account: Option<usize>,
}

#[derive(Deserialize)]
struct Attempt {
    actor: Option<usize>,
    triggering_actor: Option<usize>,
}

#[derive(Deserialize)]
struct Written {
    author: usize,
    #[serde(default)]
    co_authors: Vec<usize>,
}

#[derive(Deserialize)]
struct Judged {
    gated: bool,
}

pub(super) struct Review {
    pub(super) request_digest: String,
    pub(super) reviewer: Reviewer,
    pub(super) verdict: Verdict,
    pub(super) access: Permission,
}

impl Review {
    pub(super) fn of(entry: &Header<'_>) -> Result<Review, Violation> {
        Ok(Review {
            request_digest: need(entry.request_digest, "request_digest")?,
            reviewer: need(entry.reviewer, "reviewer")?,
            verdict: need(entry.verdict, "verdict")?,
            access: need(entry.permission, "permission")?,
        })
    }
}

/// Whose word does not count.
pub(super) struct Refused {
    pub(super) reviewer: Person,
    /// Because they had a part, as far as that is told.
    pub(super) is_party: bool,
}

impl Refused {
    pub(super) fn of(entry: &Header<'_>) -> Result<Self, Violation> {
        #[derive(Deserialize)]
        struct Why {
            refusal: String,
        }
        let why: Vec<Why> = need(entry.why, "why").unwrap_or_default();
        let is_party = why.iter().any(|why| why.refusal == "party");
        Ok(Self { reviewer: need(entry.reviewer, "reviewer")?, is_party })
    }
}

/// What somebody who approved may do now.
pub(super) struct Weighed {
    pub(super) reviewer: Person,
    pub(super) access: Permission,
}

impl Weighed {
    pub(super) fn of(entry: &Header<'_>) -> Result<Self, Violation> {
        Ok(Self { reviewer: need(entry.reviewer, "reviewer")?, access: need(entry.permission, "permission")? })
    }
}

pub(super) struct Decision {
    pub(super) request_digest: String,
    pub(super) outcome: Outcome,
    pub(super) approvers: Vec<Reviewer>,
    /// Who denied it, if a person did.
    pub(super) denied_by: Option<Person>,
    pub(super) quorum: Vec<Quorum>,
    pub(super) policy: Policy,
}

impl Decision {
    pub(super) fn of(entry: &Header<'_>) -> Result<Decision, Violation> {
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

pub(super) struct Callback {
    pub(super) request_digest: String,
    pub(super) state: State,
    /// The run as it was a moment before.
    pub(super) checked: Attempted,
}

impl Callback {
    pub(super) fn of(entry: &Header<'_>) -> Result<Callback, Violation> {
        Ok(Callback {
            request_digest: need(entry.request_digest, "request_digest")?,
            state: need(entry.state, "state")?,
            checked: need(entry.attempt_checked, "attempt_checked")?,
        })
    }
}

/// One attempt of a run, by what may become of it: a newer attempt or another commit is something else.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(super) struct Attempted {
    pub(super) attempt: u64,
    pub(super) head_sha: String,
}

impl Attempted {
    /// What an opening is about; nothing where it does not say.
    pub(super) fn opened(entry: &Header<'_>) -> Option<Self> {
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
pub(super) struct Person {
    pub(super) id: AccountId,
    /// A bot's or an organization's.
    is_nobodys: bool,
}

impl Person {
    /// The number of a person's account, which stands in clear.
    pub(super) fn in_clear(&self) -> Option<AccountId> {
        Some(self.id).filter(|id| matches!(id, AccountId::Number(_)) && !self.is_nobodys)
    }
}

impl<'de> Deserialize<'de> for Person {
    // An untagged enumeration would keep every field of the object before it looks at the id.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Told;
        impl<'de> Visitor<'de> for Told {
            type Value = Person;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an account, or its id")
            }

            fn visit_u64<E: de::Error>(self, id: u64) -> Result<Person, E> {
                AccountId::deserialize(id.into_deserializer()).map(|id| Person { id, is_nobodys: false })
            }

            fn visit_str<E: de::Error>(self, id: &str) -> Result<Person, E> {
                AccountId::deserialize(id.into_deserializer()).map(|id| Person { id, is_nobodys: false })
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Person, A::Error> {
                #[derive(Deserialize)]
                struct Account {
                    id: AccountId,
                    kind: Option<AccountKind>,
                }
                let Account { id, kind } = Account::deserialize(MapAccessDeserializer::new(map))?;
                let is_nobodys = matches!(kind, Some(AccountKind::Bot | AccountKind::Organization));
                Ok(Person { id, is_nobodys })
            }
        }
        deserializer.deserialize_any(Told)
    }
}

/// Accounts that are one human's, or a program's.
#[derive(Debug, Deserialize)]
pub(super) struct Owner {
    pub(super) accounts: Vec<Person>,
    #[serde(default)]
    pub(super) is_machine: bool,
}

impl Owner {
    pub(super) fn has(&self, id: AccountId) -> bool {
        self.accounts.iter().any(|account| account.id == id)
    }
}

#[derive(Deserialize)]
pub(super) struct Reviewer {
    pub(super) id: AccountId,
    pub(super) kind: String,
}

impl Reviewer {
    /// The number of a person's account, which stands in clear.
    pub(super) fn in_clear(&self) -> Option<AccountId> {
        Some(self.id).filter(|id| matches!(id, AccountId::Number(_)) && !NOBODYS.contains(&self.kind.as_str()))
    }
}

/// So many persons, or one of several such, or all of them. What says nothing needs nobody, and is never met.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Quorum {
    pub(super) need: u64,
    /// How many came; a quorum that is only asked for does not say.
    pub(super) have: u64,
    /// From whom they have to be.
    pub(super) from: Option<Group>,
    /// Who may besides, after some time; only where it is asked for.
    pub(super) later: Vec<Later>,
    pub(super) any_of: Vec<Quorum>,
    pub(super) all_of: Vec<Quorum>,
}

impl Quorum {
    /// Whether it asks less than another, in any part.
    pub(super) fn is_less_than(&self, asked: &Quorum) -> bool {
        let differs = |ours: &[Quorum], theirs: &[Quorum]| {
            ours.len() != theirs.len() || ours.iter().zip(theirs).any(|(ours, theirs)| ours.is_less_than(theirs))
        };
        self.need < asked.need || differs(&self.any_of, &asked.any_of) || differs(&self.all_of, &asked.all_of)
    }

    /// The part that is not met, if it is not; or one that counts more people than there are.
    pub(super) fn unmet(&self, approvers: u64) -> Option<&Quorum> {
        if let Some(first) = self.any_of.first() {
            let met = self.any_of.iter().find(|part| part.unmet(approvers).is_none());
            return if met.is_some() { None } else { first.unmet(approvers) };
        }
        if !self.all_of.is_empty() {
            return self.all_of.iter().find_map(|part| part.unmet(approvers));
        }
        (self.need == 0 || self.have < self.need || self.have > approvers).then_some(self)
    }
}

/// The rules, by their digest, and those of others that hold besides.
#[derive(Debug, Default, PartialEq, Eq, Deserialize)]
pub(super) struct Policy {
    pub(super) digest: String,
    #[serde(default)]
    pub(super) also: Vec<Also>,
}

/// Rules of others.
#[derive(Debug, PartialEq, Eq, Deserialize)]
pub(super) struct Also {
    pub(super) digest: String,
}

/// Reads a field that a rule cannot do without.
pub(super) fn need<'a, T: Deserialize<'a>>(raw: Option<&'a RawValue>, name: &str) -> Result<T, Violation> {
    let raw = raw.ok_or_else(|| Violation::Unreadable(format!("missing field `{name}`")))?;
    serde_json::from_str(raw.get()).map_err(|error| Violation::Unreadable(format!("{name}: {error}")))
}
