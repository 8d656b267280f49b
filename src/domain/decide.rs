//! (policy, facts, reviews) → decision, and the reasons for it.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::Millis;
use super::attribution::{Attribution, CATALOGUE_VERSION, attribute_all_with};
use super::digest::Digest;
use super::facts::{Commit, Facts};
use super::parties::{Part, Parties};
use super::people::{Account, AccountKind, People, PersonKey};
use super::policy::{Approvers, Member, Policy, Rule, Unattributed};
use super::reason::{Finding, Reason};

/// What the rules say about a subject before any human has spoken.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Judgement {
    /// Names of the rules that hold it; empty: nothing does.
    pub matched_rules: Vec<String>,
    /// What must be met; empty exactly when no rule holds it.
    pub quorum: Vec<Quorum>,
    /// How long the request may wait.
    pub expires_after: Option<Millis>,
    /// Who has a part and can therefore not second (P1).
    pub parties: Parties,
    /// The people the policy names: one human counts once, under whichever account.
    #[serde(default, skip_serializing_if = "People::is_empty")]
    pub people: People,
    /// Names of the rules that deny because somebody with a part could not be identified; nobody is asked then.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub denied_by: Vec<String>,
    /// Every commit, and the agent found on it.
    pub commits: Vec<JudgedCommit>,
    /// Why.
    pub reasons: Reason,
    /// The catalogue of agents it was judged with.
    pub catalogue: Digest,
}

impl Judgement {
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

/// One requirement of one matching rule, with what unknown identities add to it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quorum {
    /// The rule that asks.
    pub rule: String,
    /// From whom.
    pub from: Approvers,
    /// The members of the group, when `from` is one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub members: Vec<Member>,
    /// Distinct persons needed, extra ones included.
    pub need: u32,
    /// How many of `need` are owed to unknown identities: had each of them approved, enough others still did.
    #[serde(default)]
    pub extra: u32,
}

/// Judges a subject by the rules.
///
/// All matching rules apply. Missing facts count as touched by AI (P2). The parties are whoever set the deployment going
/// and whoever had a part in a commit that a matching rule holds.
#[must_use]
pub fn judge(policy: &Policy, environment: &str, facts: &Facts) -> Judgement {
    let found: Vec<(&Commit, Option<Attribution>)> =
        facts.commits.iter().zip(attribute_all_with(policy.catalogue.get(), facts)).collect();

    let mut reasons = Vec::new();
    let mut matched = Vec::new();
    let mut gated = vec![false; found.len()];
    for rule in policy.rules_for(environment) {
        let (holds, because) = apply(rule, environment, facts, &found);
        for (gated, held) in gated.iter_mut().zip(&holds.commits) {
            *gated |= *held;
        }
        reasons.push(Reason::new(Finding::Rule { name: rule.name.clone(), matched: holds.matched }, because));
        if holds.matched {
            matched.push(rule);
        }
    }

    let of_parties: Vec<_> = found
        .iter()
        .zip(&gated)
        .filter(|(_, gated)| **gated)
        .map(|((commit, attribution), _)| (*commit, attribution.as_ref()))
        .collect();
    let parties = Parties::of(facts, &of_parties);
    let quorum = quorum_of(policy, &matched, parties.unknown.len());
    reasons.extend(quorum.iter().map(|q| {
        Finding::Required { rule: q.rule.clone(), from: q.from.clone(), approvals: q.need, extra: q.extra }.into()
    }));
    reasons.extend(quorum.iter().filter_map(|quorum| nobody_left(quorum, &parties, &facts.people)).map(Reason::from));
    let denies = |rule: &&&Rule| rule.unattributed == Unattributed::Deny && !parties.unknown.is_empty();
    let denied_by: Vec<String> = matched.iter().filter(denies).map(|rule| rule.name.clone()).collect();
    reasons.extend(denied_by.iter().map(|rule| Finding::Unattributed { rule: rule.clone() }.into()));
    let finding = if quorum.is_empty() { Finding::NotHeld } else { Finding::Held };
    Judgement {
        matched_rules: matched.iter().map(|rule| rule.name.clone()).collect(),
        quorum,
        expires_after: matched.iter().map(|rule| rule.expires_after).min(),
        parties,
        people: facts.people.clone(),
        denied_by,
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

struct Holds {
    matched: bool,
    commits: Vec<bool>,
}

fn apply(
    rule: &Rule,
    environment: &str,
    facts: &Facts,
    found: &[(&Commit, Option<Attribution>)],
) -> (Holds, Vec<Reason>) {
    if !rule.names(environment) {
        let finding =
            Finding::OtherEnvironment { environment: environment.to_owned(), patterns: rule.environments.clone() };
        return (Holds { matched: false, commits: vec![false; found.len()] }, vec![finding.into()]);
    }
    let incomplete = !facts.gaps.is_empty();
    let holds = |(commit, attribution): &(&Commit, Option<Attribution>)| {
        let attribution = attribution.as_ref();
        incomplete || rule.authored_by.holds(attribution, is_proven(commit, attribution, &facts.people))
    };
    let commits: Vec<bool> = found.iter().map(holds).collect();
    let held = commits.iter().filter(|held| **held).count();
    let mut because: Vec<Reason> =
        vec![Finding::Authorship { authored_by: rule.authored_by.clone(), held, of: commits.len() }.into()];
    because.extend(facts.gaps.iter().map(|gap| Finding::Missing { gap: gap.clone() }.into()));
    let matched = held > 0 || incomplete || rule.authored_by == super::policy::AuthoredBy::Anyone;
    (Holds { matched, commits }, because)
}

/// Whether a person the policy names signed a commit that carries no agent's mark. What GitHub signs for somebody who is
/// logged in, an agent with their session or token can have signed, too.
fn is_proven(commit: &Commit, attribution: Option<&Attribution>, people: &People) -> bool {
    let signed_by = commit.signature.as_ref().filter(|signature| signature.is_valid && !signature.by_github);
    let signer = signed_by.and_then(|signature| signature.signer.as_ref());
    attribution.is_none()
        && signer.is_some_and(|signer| people.owner(signer.id).is_some_and(|person| !person.is_machine))
}

/// What to say when a requirement cannot be met any more: too few of the people it names had no part. Who is in a team, or
/// may write, is not known here.
fn nobody_left(quorum: &Quorum, parties: &Parties, people: &People) -> Option<Finding> {
    let mut left = BTreeSet::new();
    for member in &quorum.members {
        let Member::User(login) = member else { return None };
        let is_same = |account: &Account| account.login.eq_ignore_ascii_case(login);
        let person = people.0.iter().find(|person| person.accounts.iter().any(is_same));
        let has_part = parties.known.iter().any(|party| is_same(&party.account));
        if !has_part && !person.is_some_and(|person| person.is_machine) {
            left.insert(person.map_or(login.as_str(), |person| person.name.as_str()));
        }
    }
    let left = u32::try_from(left.len()).unwrap_or(u32::MAX);
    (!quorum.members.is_empty() && left < quorum.need).then(|| Finding::NobodyLeft {
        rule: quorum.rule.clone(),
        from: quorum.from.clone(),
        approvals: quorum.need,
        left,
    })
}

fn quorum_of(policy: &Policy, matched: &[&Rule], unknown: usize) -> Vec<Quorum> {
    let extra = u32::try_from(unknown).unwrap_or(u32::MAX);
    matched
        .iter()
        .flat_map(|rule| rule.require.iter().map(move |requirement| (rule, requirement)))
        .map(|(rule, requirement)| Quorum {
            rule: rule.name.clone(),
            from: requirement.from.clone(),
            members: match &requirement.from {
                Approvers::Group(name) => policy.approvers.get(name).cloned().unwrap_or_default(),
                Approvers::Writers | Approvers::Admins => Vec::new(),
            },
            need: requirement.approvals.max(1).saturating_add(extra),
            extra,
        })
        .collect()
}

/// What GitHub says about somebody who reviews, asked at the click and again at release.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Standing {
    /// Who.
    pub account: Account,
    /// Their access to the repository.
    pub permission: Permission,
    /// `org/slug` of the teams of the policy in which they are active members, lower-case.
    #[serde(default)]
    pub teams: Vec<String>,
}

/// Access to a repository, weakest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Permission {
    /// None, or unknown.
    None,
    /// Read.
    Read,
    /// Read, and sort issues and pull requests.
    Triage,
    /// Write: the least that seconds by itself.
    Write,
    /// Write, and look after the repository.
    Maintain,
    /// Admin.
    Admin,
}

/// Why somebody's review does not count.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "refusal", rename_all = "snake_case")]
pub enum Refusal {
    /// Bots, Apps and organizations never review.
    NotHuman,
    /// Had a part in what is held (P1).
    Party {
        /// The facts that made them one.
        because: Vec<Part>,
    },
    /// In none of the groups the rules ask.
    NotAnApprover,
    /// Has no access that would let them speak here.
    NoAccess,
    /// The request is decided already.
    Closed,
    /// They approved already; one human counts once.
    AlreadyApproved,
}

/// Whether this person may approve. Every obstacle is named, not only the first.
#[must_use]
pub fn obstacles(judgement: &Judgement, standing: &Standing) -> Vec<Refusal> {
    let mut refusals = Vec::new();
    if standing.account.kind != AccountKind::User || judgement.people.is_a_program(&standing.account) {
        refusals.push(Refusal::NotHuman);
    }
    if let Some(party) = judgement.parties.find(standing.account.id) {
        refusals.push(Refusal::Party { because: party.because.clone() });
    }
    if !judgement.quorum.iter().any(|quorum| counts_for(quorum, standing)) {
        refusals.push(Refusal::NotAnApprover);
    }
    refusals
}

/// Whether this person may deny: any human who could write to the repository or is asked by a rule. A party may, too.
#[must_use]
pub fn may_deny(judgement: &Judgement, standing: &Standing) -> bool {
    standing.account.kind == AccountKind::User
        && !judgement.people.is_a_program(&standing.account)
        && (standing.permission >= Permission::Write
            || judgement.quorum.iter().any(|quorum| counts_for(quorum, standing)))
}

/// Whether this person's approval counts towards a requirement, leaving parties aside.
#[must_use]
pub fn counts_for(quorum: &Quorum, standing: &Standing) -> bool {
    match &quorum.from {
        Approvers::Writers => standing.permission >= Permission::Write,
        Approvers::Admins => standing.permission >= Permission::Admin,
        Approvers::Group(_) => quorum.members.iter().any(|member| match member {
            Member::User(login) => login.eq_ignore_ascii_case(&standing.account.login),
            Member::Team { org, slug } => {
                standing.teams.iter().any(|team| team.eq_ignore_ascii_case(&format!("{org}/{slug}")))
            }
        }),
    }
}

/// A requirement and how far it is met.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Met {
    /// The rule that asks.
    pub rule: String,
    /// From whom.
    pub from: Approvers,
    /// Distinct persons needed.
    pub need: u32,
    /// Distinct persons who approved.
    pub have: u32,
}

/// Counts approvals. Reviews of parties and of others who may not approve are left out here once more, whatever let them in.
#[must_use]
pub fn tally(judgement: &Judgement, approvals: &[Standing]) -> Vec<Met> {
    let eligible: Vec<&Standing> =
        approvals.iter().filter(|standing| obstacles(judgement, standing).is_empty()).collect();
    judgement
        .quorum
        .iter()
        .map(|quorum| {
            let persons: BTreeSet<PersonKey> = eligible
                .iter()
                .filter(|standing| counts_for(quorum, standing))
                .map(|standing| judgement.people.key(standing.account.id))
                .collect();
            Met {
                rule: quorum.rule.clone(),
                from: quorum.from.clone(),
                need: quorum.need,
                have: u32::try_from(persons.len()).unwrap_or(u32::MAX),
            }
        })
        .collect()
}

/// Whether every requirement is met. No requirement at all is not an approval (P2).
#[must_use]
pub fn is_met(tally: &[Met]) -> bool {
    !tally.is_empty() && tally.iter().all(|met| met.have >= met.need)
}

#[cfg(test)]
mod tests;
