//! What is asked, and how far it was met.
use serde::Deserialize;
use serde::de::{Deserializer, Error};

use super::group::{Group, Later};
use crate::domain::policy::Assurance;
use crate::ledger::entry::named::Text;
use crate::ledger::verify::violation::Violation;

/// So many persons, or one of several such, or all of them. What says nothing needs nobody, and is never met.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::ledger::verify) struct Quorum {
    /// The rule that asks; parts of what it asks do not say.
    pub(in crate::ledger::verify) rule: String,
    pub(in crate::ledger::verify) need: u64,
    /// How many of these are asked for people of whom nobody knows who they are; only where it is asked for.
    pub(in crate::ledger::verify) extra: u64,
    /// How many came; a quorum that is only asked for does not say.
    pub(in crate::ledger::verify) have: u64,
    /// From whom they have to be.
    pub(in crate::ledger::verify) from: Option<Group>,
    /// How sure it must be that it was them; only where it is asked for.
    pub(in crate::ledger::verify) assurance: Assurance,
    /// Who may besides, after some time; only where it is asked for.
    pub(in crate::ledger::verify) later: Vec<Later>,
    #[serde(deserialize_with = "some")]
    pub(in crate::ledger::verify) any_of: Vec<Quorum>,
    #[serde(deserialize_with = "some")]
    pub(in crate::ledger::verify) all_of: Vec<Quorum>,
}

/// A list that is there has something in it: of nothing, no policy can ask.
fn some<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Quorum>, D::Error> {
    let parts = Vec::deserialize(deserializer)?;
    if parts.is_empty() { Err(D::Error::custom("a list of no requirements")) } else { Ok(parts) }
}

/// What a requirement asks by the policy's word alone: without what is added for people nobody knows, and one for all owners of
/// files, who change with the files.
#[derive(PartialEq, Eq)]
enum Shape<'a> {
    Persons { need: u64, from: Option<Group>, assurance: Assurance, later: &'a [Later] },
    Any(Vec<Shape<'a>>),
    All(Vec<Shape<'a>>),
}

impl Quorum {
    /// Whether a policy can ask it: so many persons, at least one, from somebody; or one or all of several such. What is added for
    /// people nobody knows comes on top.
    fn can_be_asked(&self) -> bool {
        let is_leaf = self.any_of.is_empty() && self.all_of.is_empty();
        let is_one = usize::from(self.from.is_some())
            + usize::from(!self.any_of.is_empty())
            + usize::from(!self.all_of.is_empty())
            == 1;
        let counts = if is_leaf { self.extra < self.need } else { (self.need, self.extra) == (0, 0) };
        is_one && counts && self.any_of.iter().chain(&self.all_of).all(Self::can_be_asked)
    }

    fn shape(&self) -> Shape<'_> {
        if !self.any_of.is_empty() {
            return Shape::Any(self.any_of.iter().map(Self::shape).collect());
        }
        if self.all_of.is_empty() {
            let need = self.need.saturating_sub(self.extra);
            return Shape::Persons { need, from: self.from, assurance: self.assurance, later: &self.later };
        }
        let mut all: Vec<Shape<'_>> = self.all_of.iter().map(Self::shape).collect();
        all.dedup();
        match (all.pop(), all.is_empty()) {
            (Some(only), true) => only,
            (last, _) => Shape::All(all.into_iter().chain(last).collect()),
        }
    }

    /// Whether the same words of a policy ask this and the other.
    pub(in crate::ledger::verify) fn is_asked_like(&self, other: &Self) -> bool {
        self.rule == other.rule && self.shape() == other.shape()
    }

    /// Whether it asks less than another, in any part.
    pub(in crate::ledger::verify) fn is_less_than(&self, asked: &Quorum) -> bool {
        let differs = |ours: &[Quorum], theirs: &[Quorum]| {
            ours.len() != theirs.len() || ours.iter().zip(theirs).any(|(ours, theirs)| ours.is_less_than(theirs))
        };
        self.need < asked.need || differs(&self.any_of, &asked.any_of) || differs(&self.all_of, &asked.all_of)
    }

    /// Whether any part of it lets these in later.
    pub(in crate::ledger::verify) fn lets_in(&self, whom: &Later) -> bool {
        self.later.contains(whom) || self.any_of.iter().chain(&self.all_of).any(|part| part.lets_in(whom))
    }

    /// Whether a decision tells of the same how far it is met: part by part from the same people and as many of them.
    pub(in crate::ledger::verify) fn is_told_by(&self, met: &Self) -> bool {
        let all = |ours: &[Self], theirs: &[Self]| {
            ours.len() == theirs.len() && ours.iter().zip(theirs).all(|(ours, theirs)| ours.is_told_by(theirs))
        };
        (self.need, self.from) == (met.need, met.from)
            && all(&self.any_of, &met.any_of)
            && all(&self.all_of, &met.all_of)
    }

    /// The part that is not met, if it is not; or one that counts more people than there are.
    pub(in crate::ledger::verify) fn unmet(&self, approvers: u64) -> Option<&Quorum> {
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

/// Whatever a rule holds asks somebody, or the rule denies; and nothing else asks.
pub(in crate::ledger::verify) fn are_asked_by(
    rules: &[Text<'_>],
    quorum: &[Quorum],
    denied_by: &[Text<'_>],
) -> Result<(), Violation> {
    let asks = |rule: &str| quorum.iter().any(|asked| asked.rule == rule) || denied_by.iter().any(|by| by.0 == rule);
    if let Some(rule) = rules.iter().find(|rule| !asks(&rule.0)) {
        return Err(Violation::RuleAsksNobody(rule.0.clone().into_owned()));
    }
    match quorum.iter().find(|asked| !asked.can_be_asked() || !rules.iter().any(|rule| rule.0 == asked.rule)) {
        Some(asked) => Err(Violation::AskedByNobody(asked.rule.clone())),
        None => Ok(()),
    }
}
