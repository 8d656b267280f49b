//! What the matching rules ask, with what unknown identities add to it, and whether anybody is left to meet it.

use std::collections::BTreeSet;

use super::Judgement;
use super::quorum::{Later, Need, Permission, Persons, Quorum, Standing, Voice, tally};
use crate::domain::Millis;
use crate::domain::facts::Facts;
use crate::domain::parties::Parties;
use crate::domain::people::{Account, People};
use crate::domain::policy::{Approvals, Approvers, Assurance, Consequence, Member, Policy, Requirement, Rule};
use crate::domain::reason::Finding;

/// What all these rules ask; `unknown` identities had a part, and each costs one more approver.
pub(super) fn quorum(policy: &Policy, rules: &[&Rule], unknown: usize, facts: &Facts) -> Vec<Quorum> {
    let extra = u32::try_from(unknown).unwrap_or(u32::MAX);
    let asker = Asker { policy, extra, facts };
    rules
        .iter()
        .flat_map(|rule| match &rule.consequence {
            Consequence::Require(require) => require.iter().map(|one| (*rule, one)).collect(),
            Consequence::Deny(_) => Vec::new(),
        })
        .map(|(rule, requirement)| Quorum { rule: rule.name.clone(), need: asker.need(rule, requirement) })
        .collect()
}

struct Asker<'a> {
    policy: &'a Policy,
    extra: u32,
    facts: &'a Facts,
}

impl Asker<'_> {
    fn need(&self, rule: &Rule, requirement: &Requirement) -> Need {
        let all = |parts: &[Requirement]| parts.iter().map(|part| self.need(rule, part)).collect();
        match requirement {
            Requirement::AnyOf(parts) => Need::AnyOf { any_of: all(parts) },
            Requirement::AllOf(parts) => Need::AllOf { all_of: all(parts) },
            Requirement::Approvals(approvals) => self.persons(rule, approvals),
        }
    }

    fn persons(&self, rule: &Rule, asked: &Approvals) -> Need {
        let later = rule.escalate.iter().map(|step| Later {
            after: step.after,
            from: step.to.clone(),
            members: self.members(&step.to),
        });
        let group = Persons {
            from: asked.from.clone(),
            members: self.members(&asked.from),
            need: asked.approvals.max(1).saturating_add(self.extra),
            extra: self.extra,
            assurance: asked.assurance,
            later: later.collect(),
        };
        if !group.members.contains(&Member::CodeOwners) {
            return Need::Persons(group);
        }
        // One approval of an owner of each file, as GitHub has it: a need for every set of owners.
        let mut needs = self.owners().into_iter().map(|owners| {
            let members = group.members.iter().filter(|member| **member != Member::CodeOwners);
            Need::Persons(Persons { members: members.cloned().chain(owners).collect(), ..group.clone() })
        });
        match (needs.next(), needs.next()) {
            (Some(only), None) => only,
            (first, second) => Need::AllOf { all_of: first.into_iter().chain(second).chain(needs).collect() },
        }
    }

    fn members(&self, from: &Approvers) -> Vec<Member> {
        match from {
            Approvers::Group(name) => self.policy.approvers.get(name).cloned().unwrap_or_default(),
            Approvers::CodeOwners => vec![Member::CodeOwners],
            Approvers::Writers | Approvers::Admins => Vec::new(),
        }
    }

    /// The owners of the changed files, a set for each group of files that have the same; never empty. Files nobody owns, or
    /// whose owners cannot be told, are the admins'.
    fn owners(&self) -> Vec<Vec<Member>> {
        match &self.facts.owners {
            Some(owners) if !owners.is_empty() => owners.clone(),
            _ => vec![vec![Member::Permission(Permission::Admin)]],
        }
    }
}

/// What to say when a requirement cannot be met any more: too few of the people it names had no part. Who is in a team, or has
/// which access, is not known here.
pub(super) fn nobody_left(quorum: &Quorum, parties: &Parties, people: &People) -> Option<Finding> {
    let (group, left) = unmeetable(&quorum.need, parties, people)?;
    Some(Finding::NobodyLeft { rule: quorum.rule.clone(), from: group.from.clone(), approvals: group.need, left })
}

/// Names of the rules that nobody is left to meet, when these are all who could ever approve: if each of them did, it would not
/// be enough.
#[must_use]
pub fn nobody_is_left(judgement: &Judgement, roster: &[Standing]) -> Vec<String> {
    let voices: Vec<Voice<'_>> =
        roster.iter().map(|standing| Voice { standing, assurance: Assurance::Click }).collect();
    let tally = tally(judgement, &voices, Millis::MAX);
    let mut rules: Vec<String> = tally.into_iter().filter(|met| !met.progress.is_met()).map(|met| met.rule).collect();
    rules.dedup();
    rules
}

fn unmeetable<'a>(need: &'a Need, parties: &Parties, people: &People) -> Option<(&'a Persons, u32)> {
    match need {
        Need::AnyOf { any_of } => {
            let all: Option<Vec<_>> = any_of.iter().map(|part| unmeetable(part, parties, people)).collect();
            all.and_then(|all| all.into_iter().next())
        }
        Need::AllOf { all_of } => all_of.iter().find_map(|part| unmeetable(part, parties, people)),
        Need::Persons(group) => {
            let left = left(group, parties, people)?;
            (left < group.need).then_some((group, left))
        }
    }
}

/// How many persons could meet it, when that can be told.
fn left(group: &Persons, parties: &Parties, people: &People) -> Option<u32> {
    if group.members.is_empty() || group.later.iter().any(|later| later.members.is_empty()) {
        return None;
    }
    let mut left = BTreeSet::new();
    for member in group.members() {
        let Member::User(login) = member else { return None };
        let is_same = |account: &Account| people.calls(login, account);
        let person = people.0.iter().find(|person| person.accounts.iter().any(is_same));
        let has_part = parties.known.iter().any(|party| is_same(&party.account));
        if !has_part && !person.is_some_and(|person| person.is_machine) {
            left.insert(person.map_or(login.as_str(), |person| person.name.as_str()));
        }
    }
    u32::try_from(left.len()).ok()
}
