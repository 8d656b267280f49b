//! What a judgement rests on, as the ledger holds it: enough for a stranger to judge again, and nobody's prose. Of a message
//! stay whom it names and which marks were found; its commit id is its digest.

use serde::{Deserialize, Serialize};

use super::digest::Digest;
use super::facts::{Attempt, Facts};
use super::people::{Account, Person};
use super::policy::freeze::Freeze;
use super::policy::{Member, Policy, RefKind, Rule, Target};
use super::record::to_json;

mod again;
mod recording;
mod same;
mod who;
mod whole;

/// The facts and rules of one judgement. Accounts and identities stand in lists of their own and are named by their place
/// there: hundreds of commits have few authors.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Basis {
    /// The policies that hold.
    policies: Vec<Rules>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    git_ref: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    ref_kind: Option<RefKind>,
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
    /// Whoever started each attempt of the run.
    pub fn attempts(&self) -> impl Iterator<Item = Option<Attempt>> {
        self.attempts.iter().map(|started| {
            let (actor, triggering_actor) = (self.account(started.actor)?, self.account(started.triggering_actor)?);
            Some(Attempt { number: started.number, actor, triggering_actor })
        })
    }

    /// Of each policy that holds, the digest of its rules for the environment, the groups these ask, its freezes and its stop: all
    /// that a policy's text tells. Who its people are is looked up.
    #[must_use]
    pub fn policies(&self) -> Vec<Digest> {
        let without_people = |rules: &Rules| Digest::of_json(&to_json(&Rules { people: Vec::new(), ..rules.clone() }));
        self.policies.iter().map(without_people).collect()
    }

    /// The digest of the rules, as a policy that comes from no file has it.
    #[must_use]
    pub fn rules_digest(&self) -> Digest {
        let rules: Vec<Rule> = self.policies.iter().flat_map(|policy| policy.rules.clone()).collect();
        Policy::digest_of(&rules)
    }
}

/// What is judged when a run of these facts goes to an environment.
#[must_use]
pub fn target_of<'a>(facts: &'a Facts, environment: &'a str) -> Target<'a> {
    Target {
        git_ref: facts.run.head_branch.as_deref().filter(|_| !facts.run.is_from_fork),
        ref_kind: facts.run.ref_kind,
        workflow: facts.run.workflow.as_deref(),
        ..Target::deployment(environment)
    }
}

#[cfg(test)]
pub(super) mod tests;
