//! Which commits an agent wrote, and the evidence for it.

mod addressed;
mod catalogue;
mod cues;
mod denials;
pub(in crate::domain) mod fold;
mod lookup;
mod mark;
mod marks;
mod message;
mod names;
mod namesakes;
mod note;
mod operators;
mod prose;
mod quotes;
mod reverts;
mod rows;
mod subject;
mod tenant;
pub mod trailers;

use std::collections::HashSet;

use serde::{Deserialize, Serialize};

use super::facts::{Commit, Facts, PullRequest};
use super::people::{Account, Identity};
use catalogue::AgentIndex;
pub use catalogue::{CATALOGUE_VERSION, Catalogue, is_automation, slugs};
use mark::Mark;
use marks::Marks;
pub use rows::{Agent, AgentKind, ExtraAgent, ExtraMark, Marker, Operator};
pub use tenant::TenantCatalogue;

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

/// How sure it is that an agent had a hand in what the commit holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Certainty {
    /// Something points to an agent and does not say that it wrote: it only committed, reviewed or was merged with; the mark is
    /// quoted; a tool was known to write the mark without cause. Gated all the same: a false alarm costs one approval.
    Ambiguous,
    /// The commit, or a pull request that brought it, says so. Anybody can write that.
    #[default]
    Marked,
    /// Signed with the key of the agent's vendor.
    Vouched,
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
    /// The strongest kind any marker of this agent proves.
    pub kind: Kind,
    /// The most that any mark of this agent is worth.
    #[serde(default)]
    pub certainty: Certainty,
    /// The marks found, for every agent; repeated ones once, and at most eight an agent.
    pub evidence: Vec<Evidence>,
    /// Identities on the commit that are agents, not persons (lower-case e-mail addresses).
    #[serde(default)]
    pub agent_emails: Vec<String>,
    /// The humans the commit names, whoever most likely had the agent work first: the author, co-authors, who signed off, the
    /// committer, and who a note names. Anybody can write these.
    #[serde(default)]
    pub operators: Vec<Identity>,
    /// Commits of the pull request carry marks; the commit that was merged carries none.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub stripped: bool,
}

impl Attribution {
    /// Whether this identity is the agent's own.
    #[must_use]
    pub fn is_agent_identity(&self, identity: &Identity) -> bool {
        self.agent_emails.contains(&identity.email.to_lowercase())
    }
}

/// What is known of a commit besides the facts.
#[derive(Clone, Copy, Debug, Default)]
pub struct Circumstances<'a> {
    /// When it was committed, as ISO 8601, if the commit does not say.
    pub committed_at: Option<&'a str>,
    /// Whether its signature was looked for: only then a missing one means something.
    pub signatures_were_read: bool,
}

/// Looks for every agent's marks on a commit and on the pull requests that brought it, their own commits included.
///
/// A mark can only add an attribution; nothing takes one away.
#[must_use]
pub fn attribute(commit: &Commit, pull_requests: &[&PullRequest]) -> Option<Attribution> {
    let circumstances = Circumstances { signatures_were_read: true, committed_at: None };
    attribute_with(Catalogue::built_in(), commit, pull_requests, circumstances)
}

/// [`attribute`] by a catalogue with a tenant's own rows.
#[must_use]
pub fn attribute_with(
    catalogue: &Catalogue,
    commit: &Commit,
    pull_requests: &[&PullRequest],
    circumstances: Circumstances<'_>,
) -> Option<Attribution> {
    let read: Vec<_> = pull_requests.iter().map(|pull_request| ReadPullRequest::new(catalogue, pull_request)).collect();
    classify(catalogue, commit, read.iter(), circumstances)
}

/// [`attribute`] for every commit of the facts, in their order. Each pull request is read once.
#[must_use]
pub fn attribute_all(facts: &Facts) -> Vec<Option<Attribution>> {
    attribute_all_with(Catalogue::built_in(), facts)
}

/// [`attribute_all`] by a catalogue with a tenant's own rows.
#[must_use]
pub fn attribute_all_with(catalogue: &Catalogue, facts: &Facts) -> Vec<Option<Attribution>> {
    let read: Vec<_> =
        facts.pull_requests.iter().map(|pull_request| ReadPullRequest::new(catalogue, pull_request)).collect();
    let circumstances = Circumstances { signatures_were_read: true, committed_at: None };
    let of = |commit: &Commit| {
        classify(catalogue, commit, read.iter().filter(|pr| commit.pull_requests.contains(&pr.number)), circumstances)
    };
    facts.commits.iter().map(of).collect()
}

/// Whether an identity is a machine by its account or address: an agent of the catalogue, or automation that is not AI.
/// What a name says does not matter here.
#[must_use]
pub fn is_machine(identity: &Identity) -> bool {
    is_machine_with(Catalogue::built_in(), identity)
}

/// Whether an account is a machine's, whatever name stands beside it.
#[must_use]
pub fn is_a_machines(account: &Account) -> bool {
    Catalogue::built_in().account(account.id, "").is_some()
}

/// [`is_machine`] by a catalogue with a tenant's own rows.
#[must_use]
pub fn is_machine_with(catalogue: &Catalogue, identity: &Identity) -> bool {
    catalogue.machine(identity).is_some()
}

/// Whether a co-author trailer names an agent and nothing else: `Co-Authored-By: Claude`, without an address. Nobody is hidden by
/// leaving them out: whoever writes the trailer could have left it out.
#[must_use]
pub(super) fn is_an_agents_bare_name(identity: &Identity) -> bool {
    Catalogue::built_in().is_a_bare_agent(identity)
}

/// Evidence kept for one agent on one commit. A message may carry thousands of trailers; a ledger entry may not.
const MOST_EVIDENCE: usize = 8;

/// Most characters of evidence text that are kept.
const LONGEST_EVIDENCE: usize = 200;

/// A pull request's marks, and those of its own commits, which a squash loses.
struct ReadPullRequest<'a> {
    number: u64,
    own: Vec<Mark>,
    of_commits: Vec<Mark>,
    shas: HashSet<&'a str>,
}

impl<'a> ReadPullRequest<'a> {
    fn new(catalogue: &Catalogue, pull_request: &'a PullRequest) -> Self {
        let (mut own, mut of_commits) = (Marks::new(catalogue, None), Marks::new(catalogue, None));
        own.of_pull_request(pull_request);
        for commit in &pull_request.commits {
            of_commits.of_commit(commit);
            of_commits.of_signature(commit, true);
        }
        let shas = pull_request.commits.iter().map(|commit| commit.sha.as_str()).collect();
        Self { number: pull_request.number, own: own.found, of_commits: of_commits.found, shas }
    }
}

fn classify<'a>(
    catalogue: &Catalogue,
    commit: &Commit,
    pull_requests: impl Iterator<Item = &'a ReadPullRequest<'a>>,
    circumstances: Circumstances<'_>,
) -> Option<Attribution> {
    let mut marks = Marks::new(catalogue, circumstances.committed_at.or(commit.committed_at.as_deref()));
    marks.of_commit(commit);
    marks.of_signature(commit, circumstances.signatures_were_read);
    let mut found = FoundAgents { catalogue, agents: Vec::new(), evidence: Vec::new() };
    for mark in &marks.found {
        found.add(mark, (mark.kind, mark.certainty), None);
    }
    let has_own = marks.found.iter().any(|mark| mark.certainty > Certainty::Ambiguous);
    let mut stripped = false;
    for pull_request in pull_requests {
        for mark in &pull_request.own {
            found.add(mark, (mark.kind, mark.certainty), None);
        }
        // A commit that is on the branch itself has lost nothing: its neighbours' marks are not its own.
        if !pull_request.shas.contains(commit.sha.as_str()) {
            for mark in &pull_request.of_commits {
                stripped |= !has_own && mark.certainty > Certainty::Ambiguous;
                let certainty = mark.certainty.min(Certainty::Marked);
                found.add(mark, (mark.kind.min(Kind::CoAuthored), certainty), Some(pull_request.number));
            }
        }
    }
    let (index, kind, certainty) = found.strongest()?;
    let agent = &catalogue.agents[index];
    let co_authors = trailers::co_authors(&commit.message);
    Some(Attribution {
        agent: agent.slug.clone(),
        name: agent.name.clone(),
        kind,
        certainty,
        evidence: found.evidence,
        agent_emails: operators::agent_emails(catalogue, commit, &co_authors),
        operators: operators::of(catalogue, commit, &co_authors),
        stripped,
    })
}

/// What was found for each agent, in the order it was found.
struct FoundAgents<'c> {
    catalogue: &'c Catalogue,
    agents: Vec<FoundAgent>,
    evidence: Vec<Evidence>,
}

struct FoundAgent {
    agent: AgentIndex,
    kind: Kind,
    certainty: Certainty,
    kept: usize,
}

impl FoundAgents<'_> {
    fn add(&mut self, mark: &Mark, (kind, certainty): (Kind, Certainty), on_commit_of: Option<u64>) {
        let at = self.agents.iter().position(|known| known.agent == mark.agent).unwrap_or_else(|| {
            self.agents.push(FoundAgent { agent: mark.agent, kind, certainty, kept: 0 });
            self.agents.len() - 1
        });
        let known = &mut self.agents[at];
        // What is certain says what was proven.
        known.kind = if certainty > known.certainty {
            kind
        } else if certainty == known.certainty {
            kind.max(known.kind)
        } else {
            known.kind
        };
        known.certainty = certainty.max(known.certainty);
        if known.kept == MOST_EVIDENCE {
            return;
        }
        let quoted = if mark.is_quoted { "quoted " } else { "" };
        let evidence = Evidence {
            agent: self.catalogue.agents[mark.agent].slug.clone(),
            marker: match on_commit_of {
                Some(number) => format!("commit of pull request #{number}: {quoted}{}", mark.place),
                None => format!("{quoted}{}", mark.place),
            },
            found: mark.found.clone(),
        };
        if !self.evidence.contains(&evidence) {
            known.kept += 1;
            self.evidence.push(evidence);
        }
    }

    /// What is certain before what is not; a named coding agent before an unnamed tool before a review bot; then what proves most;
    /// then what was found first.
    fn strongest(&self) -> Option<(AgentIndex, Kind, Certainty)> {
        let rank = |agent: AgentIndex| match self.catalogue.agents[agent].kind {
            _ if self.catalogue.is_unnamed(agent) => 1,
            AgentKind::CodingAgent => 2,
            AgentKind::ReviewBot | AgentKind::Automation => 0,
        };
        let order = |known: &&FoundAgent| (known.certainty > Certainty::Ambiguous, rank(known.agent), known.kind);
        let best = self.agents.iter().rev().max_by_key(order)?;
        Some((best.agent, best.kind, best.certainty))
    }
}

#[cfg(test)]
mod tests;
