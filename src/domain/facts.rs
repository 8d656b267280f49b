//! What was learned about a subject before anything is decided.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::attribution::{self, trailers};
use super::people::{Account, Identity, People};
use super::policy::{Member, RefKind};

/// Everything a decision may rest on. What could not be learned is named in [`Facts::gaps`], never guessed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Facts {
    /// The run and all its attempts.
    pub run: Run,
    /// Who created the deployment, when GitHub says so.
    pub deployment_creator: Option<Account>,
    /// Who sent the event.
    pub sender: Option<Account>,
    /// The last deployment of the environment that succeeded.
    pub base: Option<Base>,
    /// Commits the deployment brings beyond [`Facts::base`], oldest first.
    pub commits: Vec<Commit>,
    /// Paths those commits touch.
    pub files: Vec<String>,
    /// Who owns those paths by `CODEOWNERS`: the members of which one must approve, for each group of files that have the same
    /// owners. `None` when nobody asked, or it cannot be told.
    #[serde(default)]
    pub owners: Option<Vec<Vec<Member>>>,
    /// Pull requests that brought those commits.
    pub pull_requests: Vec<PullRequest>,
    /// What is missing. Anything here means: treat as touched by AI (P2).
    pub gaps: Vec<Gap>,
    /// The people the policy names, with their accounts looked up.
    #[serde(default)]
    pub people: People,
}

impl Facts {
    /// Every account that had something to do with it.
    pub fn accounts(&self) -> impl Iterator<Item = &Account> {
        let started = self.run.attempts.iter().flat_map(|attempt| [&attempt.actor, &attempt.triggering_actor]);
        let branches = self.pull_requests.iter().flat_map(|pull_request| &pull_request.commits);
        let wrote = self.commits.iter().chain(branches).flat_map(|commit| {
            let signer = commit.signature.as_ref().and_then(|signature| signature.signer.as_ref());
            let identities = [&commit.author, &commit.committer].into_iter().chain(&commit.co_authors);
            identities.filter_map(|identity| identity.account.as_ref()).chain(signer)
        });
        let opened = self.pull_requests.iter().flat_map(|pr| pr.author.iter().chain(&pr.sponsors));
        started.chain([&self.deployment_creator, &self.sender]).flatten().chain(wrote).chain(opened)
    }

    /// The pull requests that brought a commit.
    pub fn pull_requests_of<'a>(&'a self, commit: &'a Commit) -> impl Iterator<Item = &'a PullRequest> {
        self.pull_requests.iter().filter(|pr| commit.pull_requests.contains(&pr.number))
    }
}

/// A workflow run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Run {
    /// Run id.
    pub id: u64,
    /// Newest attempt, counted from 1.
    pub attempt: u32,
    /// Commit of the run.
    pub head_sha: String,
    /// GitHub's status word; `waiting` while a gate holds it.
    pub status: String,
    /// What the run is called, for display.
    pub name: String,
    /// The event that started it (`push`, `workflow_dispatch`, …).
    pub event: String,
    /// Branch or tag, when there is one.
    pub head_branch: Option<String>,
    /// Whether the branch is another repository's: whoever forks names theirs as they like.
    #[serde(default)]
    pub is_from_fork: bool,
    /// Which of the two it is, where a rule asked and GitHub could tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ref_kind: Option<RefKind>,
    /// The workflow's file, without its folder.
    #[serde(default)]
    pub workflow: Option<String>,
    /// Page of the run.
    pub url: String,
    /// Every attempt so far, this one included.
    pub attempts: Vec<Attempt>,
}

/// One attempt of a run, and who set it going.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempt {
    /// Counted from 1.
    pub number: u32,
    /// Whoever caused the run.
    pub actor: Option<Account>,
    /// Whoever caused this attempt.
    pub triggering_actor: Option<Account>,
}

/// The last good deployment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Base {
    /// Its commit.
    pub sha: String,
    /// Its deployment, by GraphQL node id: the numeric id is a 32-bit number there, which GitHub's ids have outgrown.
    pub deployment: String,
}

/// A commit as GitHub shows it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Commit {
    /// Object id.
    pub sha: String,
    /// The whole message.
    pub message: String,
    /// Author.
    pub author: Identity,
    /// Committer.
    pub committer: Identity,
    /// From `Co-authored-by` trailers. Attacker-writable: they can bar an approver, never make one.
    #[serde(default)]
    pub co_authors: Vec<Identity>,
    /// Co-authors that only its message named, when the message itself is not at hand any more: judged again from a ledger.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub named: Vec<Identity>,
    /// The reasons a policy wants that are said, when the texts that say them are not at hand any more.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub says: Vec<String>,
    /// Numbers of the pull requests that brought it.
    #[serde(default)]
    pub pull_requests: Vec<u64>,
    /// Object ids of its parents; more than one make it a merge.
    #[serde(default)]
    pub parents: Vec<String>,
    /// When it was committed, as ISO 8601. Whoever commits can write any date.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub committed_at: Option<String>,
    /// Its signature, when it carries one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signature: Option<Signature>,
    /// What a git note under `refs/notes/ai` says of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ai_note: Option<String>,
}

/// A commit's signature, as whoever checked it says.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Signature {
    /// Whether it was checked and holds.
    pub is_valid: bool,
    /// Whether GitHub signed it with its own key: it was made on GitHub's pages or through its API, and the key says
    /// nothing of a person.
    #[serde(default)]
    pub by_github: bool,
    /// The account the key belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signer: Option<Account>,
    /// SHA-256 fingerprint of an SSH key, base64 without the prefix `SHA256:` and without padding.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ssh_key: Option<String>,
}

impl Commit {
    /// First line of the message.
    #[must_use]
    pub fn subject(&self) -> &str {
        self.message.lines().next().unwrap_or_default()
    }

    /// Co-authors whom the message names beyond those GitHub read: it reads the last paragraph, squash lists carry trailers
    /// further up. Those it read are the better source.
    #[must_use]
    pub fn named_in_message(&self) -> Vec<Identity> {
        let written = trailers::co_authors(&self.message);
        if written.is_empty() && self.named.is_empty() {
            return Vec::new();
        }
        let read = [&self.author, &self.committer].into_iter().chain(&self.co_authors);
        let mut seen: BTreeSet<String> = read.map(Identity::spelling).collect();
        let named = written.into_iter().chain(self.named.iter().cloned());
        named.filter(|who| seen.insert(who.spelling()) && !attribution::is_an_agents_bare_name(who)).collect()
    }
}

/// A pull request and its own commits, which keep the marks a squash loses.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PullRequest {
    /// Number in its repository.
    pub number: u64,
    /// Title.
    pub title: String,
    /// Body.
    pub body: String,
    /// Name of the branch it came from.
    pub head_branch: String,
    /// Where its base branch was when it was begun, or last brought up to date.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base_sha: Option<String>,
    /// Who opened it.
    pub author: Option<Account>,
    /// The commits on its branch.
    pub commits: Vec<Commit>,
    /// Who assigned it to somebody or asked somebody to review it: behind an agent's pull request stands whoever asked.
    #[serde(default)]
    pub sponsors: Vec<Account>,
    /// More of them than were read.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub has_more_sponsors: bool,
}

/// A fact that is missing, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "gap", rename_all = "snake_case")]
pub enum Gap {
    /// No earlier deployment of the environment succeeded, so every commit is new to it.
    NoEarlierDeployment,
    /// More deployments exist than were read, none of them successful.
    DeploymentHistoryTooLong,
    /// The history was rewritten: the last good deployment is not an ancestor.
    Diverged,
    /// GitHub lists at most so many commits of a comparison.
    TooManyCommits {
        /// How many there are.
        total: u64,
        /// How many were read.
        read: u64,
    },
    /// GitHub lists at most so many files of a comparison.
    TooManyFiles {
        /// How many were read.
        read: u64,
    },
    /// A pull request has more commits than were read.
    PullRequestTooLong {
        /// Its number.
        number: u64,
    },
    /// A commit has more authors or pull requests than were read.
    CommitTooWide {
        /// The commit.
        sha: String,
    },
    /// GitHub answered without this commit.
    CommitUnreadable {
        /// The commit.
        sha: String,
    },
    /// An attempt of the run could not be read: its actors are unknown.
    AttemptUnreadable {
        /// Counted from 1.
        number: u32,
    },
    /// The policy names an account that GitHub does not know: whose it was cannot be told.
    AccountUnknown {
        /// As the policy spells it.
        login: String,
    },
}
