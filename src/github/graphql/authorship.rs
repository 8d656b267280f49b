//! What GitHub says of a commit (who wrote it, who signed it, which pull requests brought it), read into facts.

use serde::Deserialize;

use super::{Counted, Nodes, Target};
use crate::domain::facts::{Commit, PullRequest, Signature};
use crate::domain::people::{Account, AccountKind, Identity};
use crate::github::wire;

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct NoteNode {
    text: Option<String>,
    is_truncated: Option<bool>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct GitActor {
    name: Option<String>,
    email: Option<String>,
    user: Option<GitUser>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct GitUser {
    database_id: Option<u64>,
    login: String,
}

impl From<GitActor> for Identity {
    fn from(actor: GitActor) -> Self {
        let account = actor.user.and_then(|user| {
            // The schema's `GitActor.user` is a `User`: never a bot.
            Some(Account { id: user.database_id?, login: user.login, kind: AccountKind::User })
        });
        Self { name: actor.name.unwrap_or_default(), email: actor.email.unwrap_or_default(), account }
    }
}

/// A commit as `c0`, `c1`, … or inside a pull request.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::github) struct CommitNode {
    oid: Option<String>,
    message: Option<String>,
    committed_date: Option<String>,
    parents: Option<Nodes<Target>>,
    signature: Option<GitSignature>,
    author: Option<GitActor>,
    committer: Option<GitActor>,
    authors: Option<Counted<GitActor>>,
    associated_pull_requests: Option<Counted<PullRequestNode>>,
    /// Its note under `refs/notes/ai`, which the answer has beside it.
    #[serde(skip)]
    note: Option<NoteNode>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct PullRequestNode {
    number: u64,
    title: Option<String>,
    body: Option<String>,
    head_ref_name: Option<String>,
    base_ref_oid: Option<String>,
    author: Option<Actor>,
    timeline_items: Option<Counted<TimelineItem>>,
    commits: Option<Counted<PullRequestCommit>>,
}

#[derive(Deserialize)]
struct TimelineItem {
    actor: Option<Actor>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct GitSignature {
    is_valid: bool,
    was_signed_by_git_hub: Option<bool>,
    signer: Option<GitUser>,
    key_fingerprint: Option<String>,
}

impl From<GitSignature> for Signature {
    fn from(signature: GitSignature) -> Self {
        let user = |user: GitUser| Some(Account { id: user.database_id?, login: user.login, kind: AccountKind::User });
        Self {
            is_valid: signature.is_valid,
            by_github: signature.was_signed_by_git_hub.unwrap_or(true),
            signer: signature.signer.and_then(user),
            ssh_key: signature.key_fingerprint.map(|key| key.trim_start_matches("SHA256:").to_owned()),
        }
    }
}

#[derive(Deserialize)]
struct PullRequestCommit {
    commit: CommitNode,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Actor {
    #[serde(rename = "__typename")]
    typename: String,
    login: String,
    database_id: Option<u64>,
}

impl Actor {
    fn account(self) -> Option<Account> {
        Some(Account { id: self.database_id?, login: self.login, kind: wire::kind(&self.typename) })
    }
}

/// What was read about one commit.
pub(in crate::github) struct ReadCommit {
    pub commit: Commit,
    /// Pull requests that came with their own commits, and whether with all of them.
    pub pull_requests: Vec<(PullRequest, bool)>,
    /// Whether all authors and pull requests were read.
    pub is_whole: bool,
}

impl CommitNode {
    pub(super) fn with_note(self, note: Option<NoteNode>) -> Self {
        Self { note, ..self }
    }

    /// `None` when the answer does not even say which commit it is.
    pub fn read(self) -> Option<ReadCommit> {
        let (authors, has_all_authors) = self.authors.map_or((Vec::new(), false), Counted::read);
        let has_people = self.author.is_some() && self.committer.is_some();
        let (nodes, has_all_pulls) = self.associated_pull_requests.map_or((Vec::new(), false), Counted::read);
        // A note that is cut off cannot be read.
        let has_all_of_note = self.note.as_ref().is_none_or(|note| note.is_truncated == Some(false));
        let mut is_whole = has_all_authors && has_all_pulls && has_people && has_all_of_note;
        let author: Identity = self.author.map(Identity::from).unwrap_or_default();
        let mut commit = Commit {
            sha: self.oid?,
            message: self.message?,
            committer: self.committer.map(Identity::from).unwrap_or_default(),
            co_authors: authors.into_iter().map(Identity::from).filter(|identity| *identity != author).collect(),
            author,
            pull_requests: Vec::with_capacity(nodes.len()),
            parents: self
                .parents
                .and_then(|parents| parents.nodes)
                .into_iter()
                .flatten()
                .flatten()
                .map(|p| p.oid)
                .collect(),
            committed_at: self.committed_date,
            ai_note: self.note.and_then(|note| note.text),
            signature: self.signature.map(Signature::from),
            named: Vec::new(),
            says: Vec::new(),
        };
        let mut pull_requests = Vec::new();
        for node in nodes {
            commit.pull_requests.push(node.number);
            is_whole &= node.author.as_ref().is_none_or(|author| author.database_id.is_some());
            pull_requests.extend(node.read());
        }
        Some(ReadCommit { commit, pull_requests, is_whole })
    }
}

impl PullRequestNode {
    /// `None` when it was asked for by number only.
    fn read(self) -> Option<(PullRequest, bool)> {
        let (commits, has_all_commits) = self.commits?.read();
        // GitHub nulls what it could not look up. A deleted account's pull request has no author either: nobody to bar.
        let is_answered = self.title.is_some() && self.head_ref_name.is_some() && self.author.is_some();
        let readable = commits.iter().filter(|c| c.commit.message.is_some()).count() == commits.len();
        let (items, has_all_items) = self.timeline_items.map_or((Vec::new(), false), Counted::read);
        let author = self.author.and_then(Actor::account);
        // Who stands behind it matters only where its author is no human.
        let has_sponsors = has_all_items || author.as_ref().is_some_and(|author| author.kind == AccountKind::User);
        let is_whole = has_all_commits && has_sponsors && is_answered && readable;
        let mut sponsors: Vec<Account> = items
            .into_iter()
            .filter_map(|item| item.actor?.account())
            .filter(|a| a.kind == AccountKind::User)
            .collect();
        sponsors.sort_by_key(|account| account.id);
        sponsors.dedup();
        let pull_request = PullRequest {
            number: self.number,
            title: self.title.unwrap_or_default(),
            body: self.body.unwrap_or_default(),
            head_branch: self.head_ref_name.unwrap_or_default(),
            base_sha: self.base_ref_oid,
            author,
            commits: commits.into_iter().filter_map(|node| node.commit.read_inside_pull_request()).collect(),
            sponsors,
            has_more_sponsors: !has_all_items,
        };
        Some((pull_request, is_whole))
    }
}

impl CommitNode {
    fn read_inside_pull_request(self) -> Option<Commit> {
        let message = self.message?;
        Some(Commit {
            sha: self.oid?,
            author: self.author.map(Identity::from).unwrap_or_default(),
            committer: self.committer.map(Identity::from).unwrap_or_default(),
            co_authors: co_authors(&message),
            message,
            signature: self.signature.map(Signature::from),
            ..Commit::default()
        })
    }
}

/// The `Co-authored-by: Name <e-mail>` lines of a message.
fn co_authors(message: &str) -> Vec<Identity> {
    const KEY: &str = "co-authored-by:";
    let identity = |line: &str| {
        let line = line.trim_start();
        line.get(..KEY.len()).filter(|key| key.eq_ignore_ascii_case(KEY))?;
        let (name, rest) = line[KEY.len()..].split_once('<')?;
        let (email, _) = rest.split_once('>')?;
        Some(Identity { name: name.trim().to_owned(), email: email.trim().to_owned(), account: None })
    };
    message.lines().filter_map(identity).collect()
}

#[cfg(test)]
mod tests;
