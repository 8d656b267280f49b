//! What the rules read of the entries' own fields, and nothing more: the rest of an entry is not even looked at.
use std::borrow::Cow;

use serde::Deserialize;
use serde::de::IgnoredAny;

use super::report::Outcome;
use super::violation::Violation;

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

#[derive(Deserialize)]
pub(super) struct Genesis<'a> {
    #[serde(borrow)]
    pub(super) origin: Cow<'a, str>,
}

#[derive(Deserialize)]
pub(super) struct Opened {
    pub(super) request_digest: String,
    pub(super) parties: Vec<Person>,
    pub(super) ai_commits: u64,
    pub(super) partial: Vec<IgnoredAny>,
    pub(super) matched_rules: Vec<IgnoredAny>,
}

#[derive(Deserialize)]
pub(super) struct Person {
    pub(super) id: u64,
}

#[derive(Deserialize)]
pub(super) struct Review<'a> {
    #[serde(borrow)]
    pub(super) request_digest: Cow<'a, str>,
    #[serde(borrow)]
    pub(super) reviewer: Reviewer<'a>,
    pub(super) verdict: Verdict,
}

#[derive(Deserialize)]
pub(super) struct Reviewer<'a> {
    pub(super) id: u64,
    #[serde(borrow)]
    pub(super) kind: Cow<'a, str>,
}

#[derive(Deserialize)]
pub(super) struct Struck {
    pub(super) reviewer: Person,
}

#[derive(Deserialize)]
pub(super) struct Decision<'a> {
    #[serde(borrow)]
    pub(super) request_digest: Cow<'a, str>,
    pub(super) outcome: Outcome,
    #[serde(default)]
    pub(super) approvers: Vec<Person>,
    #[serde(default)]
    pub(super) quorum: Vec<Quorum>,
    #[serde(borrow)]
    pub(super) policy: Policy<'a>,
}

#[derive(Deserialize)]
pub(super) struct Quorum {
    pub(super) need: u64,
    pub(super) have: u64,
}

#[derive(Deserialize)]
pub(super) struct Policy<'a> {
    #[serde(borrow)]
    pub(super) digest: Cow<'a, str>,
}

#[derive(Deserialize)]
pub(super) struct Callback<'a> {
    #[serde(borrow)]
    pub(super) request_digest: Cow<'a, str>,
    pub(super) state: State,
}

/// Reads the fields a rule needs.
pub(super) fn read<'a, T: Deserialize<'a>>(line: &'a str) -> Result<T, Violation> {
    serde_json::from_str(line).map_err(|error| Violation::Unreadable(error.to_string()))
}
