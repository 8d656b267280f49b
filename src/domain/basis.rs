//! What a judgement rests on, as the ledger holds it: enough for a stranger to judge again, and nobody's prose. Of a message
//! stay whom it names and which marks were found; its commit id is its digest.

use std::collections::HashMap;
use std::hash::Hash;

use serde::{Deserialize, Serialize};
use serde_json::json;

use super::attribution::{self, Attribution, Certainty, Evidence, Kind};
use super::decide::{Judgement, Layer, judge_layers, says_why};
use super::digest::Digest;
use super::facts::{Attempt, Commit, Facts, Gap, PullRequest, Run, Signature};
use super::people::{Account, Identity, People, Person};
use super::policy::freeze::Freeze;
use super::policy::{Approvers, Member, Policy, ReasonWanted, Rule, Scope, Target};

/// The facts and rules of one judgement. Accounts and identities stand in lists of their own and are named by their place
/// there: hundreds of commits have few authors.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Basis {
    /// The policies that hold.
    policies: Vec<Rules>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    git_ref: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    workflow: Option<String>,
    /// The changed files, where a rule looks at them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    files: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    owners: Option<Vec<Vec<Member>>>,
    accounts: Vec<Account>,
    identities: Vec<Named>,
    attempts: Vec<Started>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    deployment_creator: Option<usize>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    sender: Option<usize>,
    commits: Vec<Written>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pull_requests: Vec<Brought>,
}

/// One policy, as far as it matters here.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Rules {
    /// The rules that name the environment, whether they hold the gate or not.
    rules: Vec<Rule>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    groups: Vec<Group>,
    /// Of those it names, whoever can matter here; of their addresses only such as a commit carries anyway.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    people: Vec<Person>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    freezes: Vec<Freeze>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    stop: Option<String>,
}

/// A group of approvers that a rule asks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Group {
    name: String,
    members: Vec<Member>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Named {
    name: String,
    email: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    account: Option<usize>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Started {
    number: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    actor: Option<usize>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    triggering_actor: Option<usize>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Written {
    sha: String,
    author: usize,
    committer: usize,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    co_authors: Vec<usize>,
    /// Co-authors that only the message names.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    named: Vec<usize>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pull_requests: Vec<u64>,
    /// The reasons a rule wants that it gives.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    says: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    signature: Option<Signed>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    found: Option<Found>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Signed {
    is_valid: bool,
    by_github: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    signer: Option<usize>,
}

/// What of an attribution decides. Its evidence stands with the commits of the opening.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Found {
    agent: String,
    name: String,
    /// Every agent with a mark.
    agents: Vec<String>,
    /// Addresses on the commit that are agents'.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    emails: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Brought {
    number: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    author: Option<usize>,
    head_branch: String,
    /// Digest of title and body: unlike a commit's message they can be changed later.
    text: Digest,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    sponsors: Vec<usize>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    has_more_sponsors: bool,
    commits: Vec<Written>,
}

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
            people: layer.people.0.iter().filter_map(|person| who.person(person)).collect(),
            freezes: layer.policy.freezes.clone(),
            stop: layer.policy.stop.clone(),
        });
        Self {
            policies: policies.collect(),
            git_ref: target.git_ref.map(str::to_owned),
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

    /// Judges again. `None` if the facts name somebody by a place where nobody stands.
    #[must_use]
    pub fn judge(&self, environment: &str, gaps: Vec<Gap>) -> Option<Judgement> {
        let target = Target {
            git_ref: self.git_ref.as_deref(),
            workflow: self.workflow.as_deref(),
            ..Target::deployment(environment)
        };
        let layers: Vec<Layer> = self.policies.iter().map(Rules::layer).collect();
        let found: Vec<Option<Attribution>> =
            self.commits.iter().map(|commit| commit.found.as_ref().map(Found::attribution)).collect();
        Some(judge_layers(&layers, &target, &self.facts(gaps)?, &found))
    }

    fn facts(&self, gaps: Vec<Gap>) -> Option<Facts> {
        let attempts: Option<Vec<Attempt>> = self.attempts().collect();
        Some(Facts {
            run: Run { attempts: attempts?, ..Run::default() },
            deployment_creator: self.account(self.deployment_creator)?,
            sender: self.account(self.sender)?,
            base: None,
            commits: self.commits.iter().map(|commit| self.commit(commit)).collect::<Option<_>>()?,
            files: self.files.clone(),
            owners: self.owners.clone(),
            pull_requests: self.pull_requests.iter().map(|brought| self.brought(brought)).collect::<Option<_>>()?,
            gaps,
            people: People::default(),
        })
    }

    /// Commits on which more agents stand than were found on the day, by the identities, branches and openers that are recorded:
    /// the recorded agents, and all of them.
    #[must_use]
    pub fn overlooked(&self) -> Vec<(&str, Vec<String>, Vec<String>)> {
        let Some(mut facts) = self.facts(Vec::new()) else { return Vec::new() };
        let branches = facts.pull_requests.iter_mut().flat_map(|pull_request| &mut pull_request.commits);
        for commit in facts.commits.iter_mut().chain(branches) {
            commit.co_authors.append(&mut commit.named);
        }
        let again =
            attribution::attribute_all(&facts).into_iter().map(|found| found.map(|found| Found::of(&found).agents));
        let mut overlooked = Vec::new();
        for (written, again) in self.commits.iter().zip(again) {
            let recorded = written.found.as_ref().map(|found| found.agents.clone()).unwrap_or_default();
            let mut all = recorded.clone();
            all.extend(again.unwrap_or_default().into_iter().filter(|agent| !recorded.contains(agent)));
            if all != recorded {
                overlooked.push((written.sha.as_str(), recorded, all));
            }
        }
        overlooked
    }

    /// Whoever started each attempt of the run.
    pub fn attempts(&self) -> impl Iterator<Item = Option<Attempt>> {
        self.attempts.iter().map(|started| {
            let (actor, triggering_actor) = (self.account(started.actor)?, self.account(started.triggering_actor)?);
            Some(Attempt { number: started.number, actor, triggering_actor })
        })
    }

    /// The digest of the rules, as a policy that comes from no file has it.
    #[must_use]
    pub fn rules_digest(&self) -> Digest {
        let rules: Vec<Rule> = self.policies.iter().flat_map(|policy| policy.rules.clone()).collect();
        Policy::digest_of(&rules)
    }

    /// The outer `None` says that nobody stands there.
    fn account(&self, at: Option<usize>) -> Option<Option<Account>> {
        at.map_or(Some(None), |at| self.accounts.get(at).cloned().map(Some))
    }

    fn identity(&self, at: usize) -> Option<Identity> {
        let Named { name, email, account } = self.identities.get(at)?;
        Some(Identity { name: name.clone(), email: email.clone(), account: self.account(*account)? })
    }

    fn all(&self, places: &[usize]) -> Option<Vec<Identity>> {
        places.iter().map(|at| self.identity(*at)).collect()
    }

    fn commit(&self, written: &Written) -> Option<Commit> {
        let signature = match &written.signature {
            None => None,
            Some(Signed { is_valid, by_github, signer }) => Some(Signature {
                is_valid: *is_valid,
                by_github: *by_github,
                signer: self.account(*signer)?,
                ssh_key: None,
            }),
        };
        Some(Commit {
            sha: written.sha.clone(),
            author: self.identity(written.author)?,
            committer: self.identity(written.committer)?,
            co_authors: self.all(&written.co_authors)?,
            named: self.all(&written.named)?,
            pull_requests: written.pull_requests.clone(),
            says: written.says.clone(),
            signature,
            ..Commit::default()
        })
    }

    fn brought(&self, brought: &Brought) -> Option<PullRequest> {
        Some(PullRequest {
            number: brought.number,
            head_branch: brought.head_branch.clone(),
            author: self.account(brought.author)?,
            commits: brought.commits.iter().map(|commit| self.commit(commit)).collect::<Option<_>>()?,
            has_more_sponsors: brought.has_more_sponsors,
            sponsors: brought.sponsors.iter().map(|at| self.accounts.get(*at).cloned()).collect::<Option<_>>()?,
            ..PullRequest::default()
        })
    }
}

impl Rules {
    fn layer(&self) -> Layer {
        let policy = Policy {
            approvers: self.groups.iter().map(|group| (group.name.clone(), group.members.clone())).collect(),
            freezes: self.freezes.clone(),
            stop: self.stop.clone(),
            rules: self.rules.clone(),
            leans_on_another: true, // The built-in rule is among its rules where it was looked at.
            ..Policy::built_in()
        };
        Layer { policy, people: People(self.people.clone()) }
    }
}

/// What is judged when a run of these facts goes to an environment.
#[must_use]
pub fn target_of<'a>(facts: &'a Facts, environment: &'a str) -> Target<'a> {
    Target {
        git_ref: facts.run.head_branch.as_deref(),
        workflow: facts.run.workflow.as_deref(),
        ..Target::deployment(environment)
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
    fn of(attribution: &Attribution) -> Self {
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

    /// As far as it decides; of the rest the opening tells.
    fn attribution(&self) -> Attribution {
        let mark = |agent: &String| Evidence { agent: agent.clone(), marker: String::new(), found: String::new() };
        Attribution {
            agent: self.agent.clone(),
            name: self.name.clone(),
            kind: Kind::Assisted,
            certainty: Certainty::Ambiguous,
            evidence: self.agents.iter().map(mark).collect(),
            agent_emails: self.emails.clone(),
            operators: Vec::new(),
            stripped: false,
        }
    }
}

/// Gives everybody a place when they are met first.
#[derive(Default)]
struct Who {
    accounts: Places<Account>,
    known: Places<Identity>,
    identities: Vec<Named>,
    /// Accounts whose key signed something.
    signers: Vec<u64>,
}

struct Places<T> {
    list: Vec<T>,
    of: HashMap<T, usize>,
}

impl<T> Default for Places<T> {
    fn default() -> Self {
        Self { list: Vec::new(), of: HashMap::new() }
    }
}

impl<T: Clone + Eq + Hash> Places<T> {
    fn of(&mut self, item: &T) -> usize {
        if let Some(at) = self.of.get(item) {
            return *at;
        }
        self.of.insert(item.clone(), self.list.len());
        self.list.push(item.clone());
        self.list.len() - 1
    }
}

impl Who {
    fn account(&mut self, account: Option<&Account>) -> Option<usize> {
        account.map(|account| self.accounts.of(account))
    }

    fn identity(&mut self, identity: &Identity) -> usize {
        let at = self.known.of(identity);
        if at == self.identities.len() {
            let account = self.account(identity.account.as_ref());
            self.identities.push(Named { name: identity.name.clone(), email: identity.email.clone(), account });
        }
        at
    }

    fn commit(&mut self, commit: &Commit, attribution: Option<&Attribution>) -> Written {
        let signature = commit.signature.as_ref().map(|signature| {
            self.signers.extend(signature.signer.as_ref().map(|signer| signer.id));
            let signer = self.account(signature.signer.as_ref());
            Signed { is_valid: signature.is_valid, by_github: signature.by_github, signer }
        });
        Written {
            sha: commit.sha.clone(),
            author: self.identity(&commit.author),
            committer: self.identity(&commit.committer),
            co_authors: commit.co_authors.iter().map(|who| self.identity(who)).collect(),
            named: commit.named_in_message().iter().map(|who| self.identity(who)).collect(),
            pull_requests: commit.pull_requests.clone(),
            says: Vec::new(),
            signature,
            found: attribution.map(Found::of),
        }
    }

    /// A person, if it can matter that the policy names them.
    fn person(&self, person: &Person) -> Option<Person> {
        let is_told = |email: &&String| self.identities.iter().any(|who| who.email.eq_ignore_ascii_case(email));
        let emails: Vec<String> = person.emails.iter().filter(is_told).cloned().collect();
        let signed = person.accounts.iter().any(|account| self.signers.contains(&account.id));
        let matters = person.accounts.len() > 1 || person.is_machine || signed || !emails.is_empty();
        matters.then(|| Person { emails, ..person.clone() })
    }
}

#[cfg(test)]
pub(super) mod tests;
