//! (policy, facts, reviews) → decision, and the reasons for it.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::Millis;
use super::attribution::{Attribution, CATALOGUE_VERSION, attribute_all_with};
use super::digest::Digest;
use super::facts::{Commit, Facts};
use super::parties::Parties;
use super::people::{People, Person};
use super::policy::freeze::Freeze;
use super::policy::{
    AuthoredBy, Consequence, Dimension, Member, Mode, Outside, Policy, ReasonWanted, Rule, Target, Unattributed,
};
use super::reason::{Finding, Reason};

mod ask;
mod layers;
mod quorum;

pub use ask::nobody_is_left;
pub use layers::{Layer, judge_all, judge_layers};
pub use quorum::{
    Later, Met, Need, Permission, Persons, Progress, Quorum, Refusal, Standing, Voice, is_met, may_deny, obstacles,
    refusals, tally,
};

/// What the rules say about a subject before any human has spoken.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Judgement {
    /// Names of the rules that hold it; empty: nothing does.
    pub matched_rules: Vec<String>,
    /// What must be met; empty exactly when no rule holds it.
    pub quorum: Vec<Quorum>,
    /// How long the request may wait.
    pub expires_after: Option<Millis>,
    /// After how long people are reminded, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub remind: Vec<Millis>,
    /// Who has a part and can therefore not second (P1).
    pub parties: Parties,
    /// The people the policy names: one human counts once, under whichever account.
    #[serde(default, skip_serializing_if = "People::is_empty")]
    pub people: People,
    /// Names of the rules that deny; nobody is asked then.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub denied_by: Vec<String>,
    /// Names of the rules that would hold it and only tell so.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub shadow: Vec<String>,
    /// What those would ask.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub would_ask: Vec<Quorum>,
    /// Times in which it is not released.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub freezes: Vec<Freeze>,
    /// Why nothing may be released now, when somebody threw the switch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stopped: Option<String>,
    /// Every commit, and the agent found on it.
    pub commits: Vec<JudgedCommit>,
    /// Why.
    pub reasons: Reason,
    /// The catalogue of agents it was judged with.
    pub catalogue: Digest,
}

impl Judgement {
    /// Whether a group that it asks means a person by a login: that login may be another's by now.
    #[must_use]
    pub fn means(&self, person: &Person) -> bool {
        let members = self.quorum.iter().flat_map(Quorum::groups).flat_map(Persons::members);
        let mut logins = members.filter_map(|member| match member {
            Member::User(login) => Some(login),
            _ => None,
        });
        logins.any(|login| person.accounts.iter().any(|account| account.login.eq_ignore_ascii_case(login)))
    }

    /// Whether a human must second it.
    #[must_use]
    pub fn asks(&self) -> bool {
        !self.quorum.is_empty()
    }

    /// Commits an agent was found on.
    pub fn ai_commits(&self) -> impl Iterator<Item = &JudgedCommit> {
        self.commits.iter().filter(|c| c.attribution.is_some())
    }
}

/// A commit and what was found on it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct JudgedCommit {
    /// Object id.
    pub sha: String,
    /// First line of its message.
    pub subject: String,
    /// The agent found, if one was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attribution: Option<Attribution>,
    /// Whether a matching rule holds it.
    pub gated: bool,
}

/// Judges what is held by one policy.
///
/// All matching rules apply. Missing facts count as touched by AI (P2). The parties are whoever set it going and whoever had a
/// part in a commit that a matching rule holds.
#[must_use]
pub fn judge(policy: &Policy, target: &Target<'_>, facts: &Facts) -> Judgement {
    judge_attributed(policy, target, facts, attribute_all_with(policy.catalogue.get(), facts))
}

/// [`judge`] when it is known already what was found on each commit, in their order.
#[must_use]
pub fn judge_attributed(
    policy: &Policy,
    target: &Target<'_>,
    facts: &Facts,
    found: Vec<Option<Attribution>>,
) -> Judgement {
    let found: Vec<(&Commit, Option<Attribution>)> = facts.commits.iter().zip(found).collect();

    let mut reasons = Vec::with_capacity(policy.rules.len() + 1);
    let mut matched = Vec::new();
    let mut shadow = Vec::new();
    let mut gated = vec![false; found.len()];
    for rule in policy.rules_for(target) {
        if let Err(Outside(by)) = covers(rule, target, facts) {
            let patterns = rule.scope.patterns_in_words(by, rule.gate);
            reasons.push(Finding::Outside { rule: rule.name.clone(), by, patterns }.into());
            continue;
        }
        let (held, because) = apply(rule, target, facts, &found);
        let acts = rule.mode == Mode::Enforce;
        let finding = Finding::Rule { name: rule.name.clone(), matched: held.is_some(), acts };
        reasons.push(Reason::new(finding, because));
        match held {
            Some(_) if !acts => shadow.push(rule),
            Some(held) => {
                gated.iter_mut().zip(&held).for_each(|(gated, held)| *gated |= *held);
                matched.push(rule);
            }
            None => {}
        }
    }

    let of_parties: Vec<_> = found
        .iter()
        .zip(&gated)
        .filter(|(_, gated)| **gated)
        .map(|((commit, attribution), _)| (*commit, attribution.as_ref()))
        .collect();
    let parties = Parties::of(facts, &of_parties);
    let quorum = ask::quorum(policy, &matched, parties.unknown.len(), facts);
    let mut denied_by = Vec::new();
    for rule in &matched {
        let denials = denials(rule, &parties, &of_parties, facts);
        if !denials.is_empty() {
            denied_by.push(rule.name.clone());
            reasons.extend(denials.into_iter().map(Reason::from));
        }
    }
    reasons
        .extend(quorum.iter().filter_map(|quorum| ask::nobody_left(quorum, &parties, &facts.people)).map(Reason::from));
    let would_ask = ask::quorum(policy, &shadow, parties.unknown.len(), facts);
    let finding = if matched.is_empty() { Finding::NotHeld } else { Finding::Held };
    Judgement {
        matched_rules: names(&matched),
        quorum,
        expires_after: matched.iter().map(|rule| rule.expires_after).min(),
        remind: reminders(&matched),
        parties,
        people: facts.people.clone(),
        denied_by,
        shadow: names(&shadow),
        would_ask,
        freezes: policy
            .freezes
            .iter()
            .filter(|freeze| target.environment.is_none_or(|to| freeze.is_for(to)))
            .cloned()
            .collect(),
        stopped: policy.stop.clone(),
        commits: found
            .into_iter()
            .zip(gated)
            .map(|((commit, attribution), gated)| JudgedCommit {
                sha: commit.sha.clone(),
                subject: commit.subject().to_owned(),
                attribution,
                gated,
            })
            .collect(),
        reasons: Reason::new(finding, reasons),
        catalogue: CATALOGUE_VERSION.clone(),
    }
}

fn names(rules: &[&Rule]) -> Vec<String> {
    rules.iter().map(|rule| rule.name.clone()).collect()
}

fn reminders(rules: &[&Rule]) -> Vec<Millis> {
    let all: BTreeSet<Millis> = rules.iter().flat_map(|rule| rule.remind.iter().copied()).collect();
    all.into_iter().collect()
}

/// Whether a rule is about this gate at all.
fn covers(rule: &Rule, target: &Target<'_>, facts: &Facts) -> Result<(), Outside> {
    if rule.gate == target.gate {
        rule.scope.covers(target, &facts.files, !facts.gaps.is_empty())
    } else {
        Err(Outside(Dimension::Gate))
    }
}

/// Which commits a rule that covers the gate holds, if it matches, and why or why not.
fn apply(
    rule: &Rule,
    target: &Target<'_>,
    facts: &Facts,
    found: &[(&Commit, Option<Attribution>)],
) -> (Option<Vec<bool>>, Vec<Reason>) {
    let is_partial = !facts.gaps.is_empty();
    if rule.except.as_ref().is_some_and(|except| except.surely_covers(target, &facts.files, is_partial)) {
        return (None, vec![Finding::Excepted.into()]);
    }
    let holds = |(commit, attribution): &(&Commit, Option<Attribution>)| {
        let attribution = attribution.as_ref();
        is_partial || rule.authored_by.holds(attribution, is_proven(commit, attribution, &facts.people))
    };
    let commits: Vec<bool> = found.iter().map(holds).collect();
    let held = commits.iter().filter(|held| **held).count();
    let mut because: Vec<Reason> =
        vec![Finding::Authorship { authored_by: rule.authored_by.clone(), held, of: commits.len() }.into()];
    because.extend(facts.gaps.iter().map(|gap| Finding::Missing { gap: gap.clone() }.into()));
    let matches = held > 0 || is_partial || rule.authored_by == AuthoredBy::Anyone;
    (matches.then_some(commits), because)
}

/// Why a matching rule denies without asking anybody.
fn denials(rule: &Rule, parties: &Parties, held: &[(&Commit, Option<&Attribution>)], facts: &Facts) -> Vec<Finding> {
    let mut findings = Vec::new();
    if let Consequence::Deny(message) = &rule.consequence {
        findings.push(Finding::Forbidden { rule: rule.name.clone(), message: message.clone() });
    }
    if rule.unattributed == Unattributed::Deny && !parties.unknown.is_empty() {
        findings.push(Finding::Unattributed { rule: rule.name.clone() });
    }
    if let Some(wanted) = &rule.reason {
        let without: Vec<String> = held
            .iter()
            .filter(|(commit, _)| !says_why(commit, facts, wanted))
            .map(|(commit, _)| commit.sha.clone())
            .collect();
        if !without.is_empty() {
            let pattern = wanted.pattern.as_ref().map(|pattern| pattern.as_str().to_owned());
            findings.push(Finding::NoReason { rule: rule.name.clone(), pattern, commits: without.len() });
        }
    }
    findings
}

/// Whether a commit, or a pull request that brought it, says why it is made.
pub(super) fn says_why(commit: &Commit, facts: &Facts, wanted: &ReasonWanted) -> bool {
    if commit.says.iter().any(|said| said == wanted.as_str()) {
        return true;
    }
    let is_said = |text: &str, subject: &str| match &wanted.pattern {
        Some(pattern) => pattern.is_in(text) || pattern.is_in(subject),
        None => !text.trim().is_empty(),
    };
    let body = commit.message.split_once('\n').map_or("", |(_, body)| body);
    is_said(body, commit.subject()) || facts.pull_requests_of(commit).any(|pr| is_said(&pr.body, &pr.title))
}

/// Whether a person the policy names signed a commit that carries no agent's mark. What GitHub signs for somebody who is
/// logged in, an agent with their session or token can have signed, too.
fn is_proven(commit: &Commit, attribution: Option<&Attribution>, people: &People) -> bool {
    let signed_by = commit.signature.as_ref().filter(|signature| signature.is_valid && !signature.by_github);
    let signer = signed_by.and_then(|signature| signature.signer.as_ref());
    attribution.is_none()
        && signer.is_some_and(|signer| people.owner(signer.id).is_some_and(|person| !person.is_machine))
}

#[cfg(test)]
mod tests;
