//! Recording: of facts, rules and a judgement, what it takes to judge again.

use std::collections::HashMap;

use serde_json::json;

use super::who::Who;
use super::{Basis, Brought, Found, Group, Rules, Started, Written};
use crate::domain::attribution::Attribution;
use crate::domain::decide::{Judgement, Layer, says_why};
use crate::domain::digest::Digest;
use crate::domain::facts::Facts;
use crate::domain::policy::{Approvers, Policy, ReasonWanted, Rule, Scope, Target};

impl Basis {
    /// What this judgement rests on.
    #[must_use]
    pub fn of(layers: &[Layer], target: &Target<'_>, facts: &Facts, judgement: &Judgement) -> Self {
        let mut who = Who::default();
        let attempts = facts.run.attempts.iter().map(|attempt| Started {
            number: attempt.number,
            actor: who.account(attempt.actor.as_ref()),
            triggering_actor: who.account(attempt.triggering_actor.as_ref()),
        });
        let attempts = attempts.collect();
        let (deployment_creator, sender) =
            (who.account(facts.deployment_creator.as_ref()), who.account(facts.sender.as_ref()));
        let rules: Vec<Vec<Rule>> = layers.iter().map(|layer| looked_at(&layer.policy, target)).collect();
        let all = || rules.iter().flatten();
        let wanted: Vec<&ReasonWanted> = all().filter_map(|rule| rule.reason.as_ref()).collect();
        let found: HashMap<&str, &Attribution> = judgement
            .commits
            .iter()
            .filter_map(|judged| Some((judged.sha.as_str(), judged.attribution.as_ref()?)))
            .collect();
        let commits = facts.commits.iter().map(|commit| {
            let says =
                wanted.iter().filter(|wanted| says_why(commit, facts, wanted)).map(|wanted| wanted.as_str().to_owned());
            Written { says: says.collect(), ..who.commit(commit, found.get(commit.sha.as_str()).copied()) }
        });
        let commits = commits.collect();
        let pull_requests = facts.pull_requests.iter().map(|pull_request| Brought {
            number: pull_request.number,
            author: who.account(pull_request.author.as_ref()),
            head_branch: pull_request.head_branch.clone(),
            text: Digest::of_json(&json!([pull_request.title, pull_request.body])),
            sponsors: pull_request.sponsors.iter().filter_map(|sponsor| who.account(Some(sponsor))).collect(),
            has_more_sponsors: pull_request.has_more_sponsors,
            commits: pull_request.commits.iter().map(|commit| who.commit(commit, None)).collect(),
        });
        let pull_requests = pull_requests.collect();
        let looks_at_files =
            |rule: &Rule| rule.scope.looks_at_files() || rule.except.as_ref().is_some_and(Scope::looks_at_files);
        let files = if all().any(looks_at_files) { facts.files.clone() } else { Vec::new() };
        let policies = layers.iter().zip(rules).map(|(layer, rules)| Rules {
            groups: groups(&layer.policy, &rules),
            rules,
            people: layer.people.0.iter().filter_map(|person| who.person(person, judgement)).collect(),
            freezes: layer.policy.freezes.clone(),
            stop: layer.policy.stop.clone(),
        });
        Self {
            policies: policies.collect(),
            git_ref: target.git_ref.map(str::to_owned),
            ref_kind: target.ref_kind,
            workflow: target.workflow.map(str::to_owned),
            files,
            owners: facts.owners.clone(),
            attempts,
            deployment_creator,
            sender,
            commits,
            pull_requests,
            accounts: who.accounts.list,
            identities: who.identities,
        }
    }
}

/// The rules that name the environment.
fn looked_at(policy: &Policy, target: &Target<'_>) -> Vec<Rule> {
    let anywhere = Target { gate: target.gate, environment: target.environment, ..Target::default() };
    let names = |rule: &&Rule| rule.gate == target.gate && rule.scope.covers(&anywhere, &[], true).is_ok();
    policy.rules_for(target).filter(names).cloned().collect()
}

/// The groups that these rules ask.
fn groups(policy: &Policy, rules: &[Rule]) -> Vec<Group> {
    let asked: Vec<&Approvers> = rules.iter().flat_map(Rule::asks).collect();
    let groups = policy.approvers.iter().filter(|(name, _)| asked.iter().any(|from| from.as_str() == name.as_str()));
    groups.map(|(name, members)| Group { name: name.clone(), members: members.clone() }).collect()
}

impl Found {
    pub(super) fn of(attribution: &Attribution) -> Self {
        let mut agents: Vec<String> = Vec::new();
        for evidence in &attribution.evidence {
            if !agents.contains(&evidence.agent) {
                agents.push(evidence.agent.clone());
            }
        }
        Self {
            agent: attribution.agent.clone(),
            name: attribution.name.clone(),
            agents,
            emails: attribution.agent_emails.clone(),
        }
    }
}
