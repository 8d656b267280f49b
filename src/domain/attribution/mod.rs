//! Which commits an agent wrote, and the evidence for it.

mod catalogue;
mod marks;
pub mod trailers;

use std::collections::HashSet;

use serde::{Deserialize, Serialize};

use super::facts::{Commit, Facts, PullRequest};
use super::people::Identity;
pub use catalogue::{Agent, AgentKind, CATALOGUE_VERSION, Marker, is_automation, slugs};
use catalogue::{AgentIndex, catalogue};
use marks::Mark;

/// How much of a commit an agent made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// The agent helped.
    Assisted,
    /// The agent is named beside a human.
    CoAuthored,
    /// The agent is the author.
    Authored,
}

/// One mark that was found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evidence {
    /// Slug of the agent it points to.
    pub agent: String,
    /// Which kind of marker, in words (`co-author trailer`, `head branch`, …).
    pub marker: String,
    /// The text that matched, shortened to at most 200 characters.
    pub found: String,
}

/// An agent's share in a commit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attribution {
    /// The agent's slug in the catalogue (`claude-code`).
    pub agent: String,
    /// The agent's name for people to read (`Claude Code`).
    pub name: String,
    /// The strongest kind any marker proves.
    pub kind: Kind,
    /// The marks found, for every agent; repeated ones once, and at most eight an agent.
    pub evidence: Vec<Evidence>,
    /// Identities on the commit that are agents, not persons (lower-case e-mail addresses).
    #[serde(default)]
    pub agent_emails: Vec<String>,
}

impl Attribution {
    /// Whether this identity is the agent's own.
    #[must_use]
    pub fn is_agent_identity(&self, identity: &Identity) -> bool {
        self.agent_emails.contains(&identity.email.to_lowercase())
    }
}

/// Looks for every agent's marks on a commit and on the pull requests that brought it, their own commits included.
///
/// A mark can only add an attribution; nothing takes one away.
#[must_use]
pub fn attribute(commit: &Commit, pull_requests: &[&PullRequest]) -> Option<Attribution> {
    let read: Vec<_> = pull_requests.iter().map(|pull_request| ReadPullRequest::new(pull_request)).collect();
    classify(commit, read.iter())
}

/// [`attribute`] for every commit of the facts, in their order. Each pull request is read once.
#[must_use]
pub fn attribute_all(facts: &Facts) -> Vec<Option<Attribution>> {
    let read: Vec<_> = facts.pull_requests.iter().map(ReadPullRequest::new).collect();
    facts
        .commits
        .iter()
        .map(|commit| classify(commit, read.iter().filter(|pr| commit.pull_requests.contains(&pr.number))))
        .collect()
}

/// Whether an identity is a machine by its account or address: an agent of the catalogue, or automation that is not AI.
/// What a name says does not matter here.
#[must_use]
pub fn is_machine(identity: &Identity) -> bool {
    catalogue().machine(identity).is_some()
}

/// Evidence kept for one agent on one commit. A message may carry thousands of trailers; a ledger entry may not.
const MOST_EVIDENCE: usize = 8;

/// Most characters of evidence text that are kept.
const LONGEST_EVIDENCE: usize = 200;

/// A pull request's marks, and those of its own commits, which a squash loses.
struct ReadPullRequest<'a> {
    number: u64,
    own: Vec<Mark<'a>>,
    of_commits: Vec<Mark<'a>>,
    shas: HashSet<&'a str>,
}

impl<'a> ReadPullRequest<'a> {
    fn new(pull_request: &'a PullRequest) -> Self {
        let (mut own, mut of_commits) = (Vec::new(), Vec::new());
        marks::of_pull_request(pull_request, &mut own);
        for commit in &pull_request.commits {
            marks::of_commit(commit, &mut of_commits);
        }
        let shas = pull_request.commits.iter().map(|commit| commit.sha.as_str()).collect();
        Self { number: pull_request.number, own, of_commits, shas }
    }
}

fn classify<'a>(commit: &Commit, pull_requests: impl Iterator<Item = &'a ReadPullRequest<'a>>) -> Option<Attribution> {
    let mut marks = Vec::new();
    marks::of_commit(commit, &mut marks);
    let mut found = FoundAgents::default();
    for mark in &marks {
        found.add(mark, mark.kind, None);
    }
    for pull_request in pull_requests {
        for mark in &pull_request.own {
            found.add(mark, mark.kind, None);
        }
        // A commit that is on the branch itself has lost nothing: its neighbours' marks are not its own.
        if !pull_request.shas.contains(commit.sha.as_str()) {
            for mark in &pull_request.of_commits {
                found.add(mark, mark.kind.min(Kind::CoAuthored), Some(pull_request.number));
            }
        }
    }
    let (index, kind) = found.strongest()?;
    let agent = &catalogue().agents[index];
    Some(Attribution {
        agent: agent.slug.clone(),
        name: agent.name.clone(),
        kind,
        evidence: found.evidence,
        agent_emails: agent_emails(commit),
    })
}

/// What was found for each agent, in the order it was found.
#[derive(Default)]
struct FoundAgents {
    agents: Vec<(AgentIndex, Kind, usize)>,
    evidence: Vec<Evidence>,
}

impl FoundAgents {
    fn add(&mut self, mark: &Mark<'_>, kind: Kind, on_commit_of: Option<u64>) {
        if !catalogue().is_ai(mark.agent) {
            return;
        }
        let at = self.agents.iter().position(|(agent, ..)| *agent == mark.agent).unwrap_or_else(|| {
            self.agents.push((mark.agent, kind, 0));
            self.agents.len() - 1
        });
        let (agent, strongest, kept) = &mut self.agents[at];
        *strongest = kind.max(*strongest);
        if *kept == MOST_EVIDENCE {
            return;
        }
        let evidence = Evidence {
            agent: catalogue().agents[*agent].slug.clone(),
            marker: match on_commit_of {
                Some(number) => format!("commit of pull request #{number}: {}", mark.place),
                None => mark.place.to_string(),
            },
            found: shortened(mark.found.to_string()),
        };
        if !self.evidence.contains(&evidence) {
            *kept += 1;
            self.evidence.push(evidence);
        }
    }

    /// A named coding agent before an unnamed tool before a review bot; then what proves most; then what was found first.
    fn strongest(&self) -> Option<(AgentIndex, Kind)> {
        let rank = |agent: AgentIndex| match catalogue().agents[agent].kind {
            _ if catalogue().is_unnamed(agent) => 1,
            AgentKind::CodingAgent => 2,
            AgentKind::ReviewBot | AgentKind::Automation => 0,
        };
        let best = self.agents.iter().rev().max_by_key(|(agent, kind, _)| (rank(*agent), *kind));
        best.map(|(agent, kind, _)| (*agent, *kind))
    }
}

fn shortened(mut text: String) -> String {
    if let Some((end, _)) = text.char_indices().nth(LONGEST_EVIDENCE) {
        text.truncate(end);
    }
    text
}

fn agent_emails(commit: &Commit) -> Vec<String> {
    let named = trailers::co_authors(&commit.message);
    let mut emails: Vec<String> = [&commit.author, &commit.committer]
        .into_iter()
        .chain(&commit.co_authors)
        .chain(&named)
        .filter(|identity| catalogue().machine(identity).is_some_and(|(agent, _)| catalogue().is_ai(agent)))
        .map(|identity| identity.email.to_lowercase())
        .filter(|email| !email.is_empty())
        .collect();
    emails.sort();
    emails.dedup();
    emails
}

#[cfg(test)]
mod tests;
