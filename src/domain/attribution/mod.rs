//! Which commits an agent wrote, and the evidence for it.

use serde::{Deserialize, Serialize};

use super::facts::{Commit, PullRequest};
use super::people::Identity;

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
    /// Every mark found, for every agent.
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
    let _ = (commit, pull_requests);
    None
}
