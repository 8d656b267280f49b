//! The GraphQL queries and the shapes of their answers ([`files`]: those about files alone). Checked against GitHub's public schema.
//!
//! GitHub charges a query by the connections it could open: co-authors of the commits *inside* pull requests are
//! therefore read from their trailers, not asked for (150 points a call would become the price of 30 commits).

pub(super) mod files;

use std::collections::HashMap;
use std::fmt::Write as _;

use serde::Deserialize;
use serde_json::json;
use serde_json::value::RawValue;

use super::client::Error;
use super::wire;
use crate::domain::facts::{Commit, PullRequest, Signature};
use crate::domain::people::{Account, AccountKind, Identity};

const DEPLOYMENT_CONTEXT: &str = "query DeploymentContext($owner: String!, $name: String!, $environment: String!) { \
    repository(owner: $owner, name: $name) { databaseId \
    defaultBranchRef { name target { oid } } \
    policy: object(expression: \"HEAD:.github/seconder.yml\") { \
    __typename ... on Blob { oid text isTruncated isBinary byteSize } } \
    deployments(environments: [$environment], first: 50, orderBy: { field: CREATED_AT, direction: DESC }) { \
    pageInfo { hasNextPage } nodes { id commitOid state createdAt statuses(first: 20) { nodes { state } } } } } }";

const FRAGMENTS: &str = " fragment Who on GitActor { name email user { databaseId login } } \
    fragment Authorship on Commit { oid message committedDate parents(first: 5) { nodes { oid } } \
    author { ...Who } committer { ...Who } authors(first: 20) { totalCount nodes { ...Who } } ...Signed } \
    fragment Signed on Commit { signature { __typename isValid wasSignedByGitHub signer { databaseId login } \
    ... on SshSignature { keyFingerprint } } }";
const BRIEF: &str = " fragment Brief on Commit { ...Authorship \
    associatedPullRequests(first: 5) { totalCount nodes { number } } }";
const FULL: &str = " fragment Full on Commit { ...Authorship \
    associatedPullRequests(first: 5) { totalCount nodes { number title body headRefName \
    author { ...Actor } \
    timelineItems(first: 100, itemTypes: [ASSIGNED_EVENT, REVIEW_REQUESTED_EVENT]) { totalCount nodes { __typename \
    ... on AssignedEvent { actor { ...Actor } } ... on ReviewRequestedEvent { actor { ...Actor } } } } \
    commits(first: 100) { totalCount nodes { commit { oid message author { ...Who } committer { ...Who } ...Signed } } } } } } \
    fragment Actor on Actor { __typename login ... on User { databaseId } ... on Bot { databaseId } \
    ... on Mannequin { databaseId } }";

/// The request body for the repository's policy file and the environment's deployments.
pub(super) fn deployment_context(owner: &str, name: &str, environment: &str) -> String {
    json!({
        "operationName": "DeploymentContext",
        "query": DEPLOYMENT_CONTEXT,
        "variables": { "owner": owner, "name": name, "environment": environment },
    })
    .to_string()
}

/// Where git keeps a commit's note: in folders once there are many.
const NOTE_FOLDERS: [usize; 3] = [0, 1, 2];
const NOTE: &str = " fragment Note on Blob { text isTruncated }";

/// A commit to ask about, and whether its pull requests are wanted with their own commits.
#[derive(Clone, Copy)]
pub(super) struct Wanted<'a> {
    pub sha: &'a str,
    pub full: bool,
}

/// The request body for several commits; the answer calls them `c0`, `c1`, … in this order.
pub(super) fn commit_context(owner: &str, name: &str, wanted: &[Wanted<'_>]) -> String {
    let mut query = String::with_capacity(1_200 + wanted.len() * 450);
    query.push_str("query CommitContext($owner: String!, $name: String!) { repository(owner: $owner, name: $name) {");
    for (index, commit) in wanted.iter().enumerate() {
        // Only hex digits: the id cannot end the string it stands in.
        let sha: String = commit.sha.chars().filter(char::is_ascii_hexdigit).collect();
        let fragment = if commit.full { "Full" } else { "Brief" };
        let _ = write!(query, " c{index}: object(oid:\"{sha}\") {{ ...{fragment} }}");
        // An object looked up by name opens no connection: the query costs the same.
        for folders in NOTE_FOLDERS {
            let path = note_path(&sha, folders);
            let _ = write!(query, " n{index}_{folders}: object(expression:\"refs/notes/ai:{path}\") {{ ...Note }}");
        }
    }
    query.push_str(" } }");
    query.push_str(NOTE);
    query.push_str(FRAGMENTS);
    if wanted.iter().any(|commit| commit.full) {
        query.push_str(FULL);
    }
    if wanted.iter().any(|commit| !commit.full) {
        query.push_str(BRIEF);
    }
    json!({ "operationName": "CommitContext", "query": query, "variables": { "owner": owner, "name": name } })
        .to_string()
}

/// `ab/cdef…`, two letters a folder.
fn note_path(sha: &str, folders: usize) -> String {
    let (mut path, mut rest) = (String::with_capacity(sha.len() + folders), sha);
    for _ in 0..folders {
        let (folder, file) = rest.split_at_checked(2).unwrap_or((rest, ""));
        path.push_str(folder);
        path.push('/');
        rest = file;
    }
    path + rest
}

/// The commits of an answer by alias, and their notes.
#[derive(Deserialize)]
#[serde(transparent)]
pub(super) struct CommitContext(HashMap<String, Option<Box<RawValue>>>);

impl CommitContext {
    /// What GitHub says of the commits that were asked for, in the same order; `None` where it says nothing.
    pub fn commits(mut self, asked: usize) -> Result<Vec<Option<CommitNode>>, serde_json::Error> {
        let mut nodes = Vec::with_capacity(asked);
        for index in 0..asked {
            let mut take = |alias: &str| self.0.remove(alias).flatten();
            let node =
                take(&format!("c{index}")).map(|raw| serde_json::from_str::<CommitNode>(raw.get())).transpose()?;
            let mut note = None;
            for folders in NOTE_FOLDERS {
                if let Some(raw) = take(&format!("n{index}_{folders}")) {
                    note = note.or(Some(serde_json::from_str::<NoteNode>(raw.get())?));
                }
            }
            nodes.push(node.map(|node| CommitNode { note, ..node }));
        }
        Ok(nodes)
    }
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct NoteNode {
    text: Option<String>,
    is_truncated: Option<bool>,
}

/// The envelope of every answer. `data` may be there together with errors: then parts of it are null.
#[derive(Deserialize)]
pub(super) struct Reply<R> {
    pub data: Option<InRepository<R>>,
    pub errors: Option<Vec<Failure>>,
}

#[derive(Deserialize)]
pub(super) struct InRepository<R> {
    pub repository: Option<R>,
}

#[derive(Deserialize)]
pub(super) struct Failure {
    #[serde(rename = "type")]
    pub kind: Option<String>,
    pub message: Option<String>,
}

impl Failure {
    /// GraphQL says so with status 200.
    pub fn is_rate_limit(&self) -> bool {
        matches!(self.kind.as_deref(), Some("RATE_LIMITED" | "RATE_LIMIT"))
    }
}

/// What an answer without the repository means.
pub(super) fn refusal(status: u16, errors: &[Failure]) -> Error {
    let first = errors.first();
    let message = first.and_then(|error| error.message.as_deref()).unwrap_or("GraphQL answered without data");
    let message = wire::cut_chars(message, 300).to_owned();
    match first.and_then(|error| error.kind.as_deref()) {
        Some("NOT_FOUND") => Error::NotFound { message },
        Some("FORBIDDEN" | "INSUFFICIENT_SCOPES") => Error::Forbidden { message },
        Some(_) => Error::Unprocessable { status, message },
        // Without a type it is GraphQL's "something went wrong".
        None => Error::Server { status, message },
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct DeploymentContext {
    pub database_id: Option<u64>,
    pub default_branch_ref: Option<Ref>,
    pub policy: Option<Object>,
    pub deployments: Option<Deployments>,
}

#[derive(Deserialize)]
pub(super) struct Ref {
    pub target: Option<Target>,
}

#[derive(Deserialize)]
pub(super) struct Target {
    pub oid: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Object {
    #[serde(rename = "__typename")]
    pub typename: String,
    pub oid: Option<String>,
    pub text: Option<String>,
    pub is_truncated: Option<bool>,
    pub is_binary: Option<bool>,
}

impl Object {
    /// Blob id and text, or why it cannot be read in full.
    pub fn file(&self) -> Result<(String, String), &'static str> {
        match self {
            Self { typename, .. } if typename != "Blob" => Err("it is not a file"),
            Self { is_binary: Some(true), .. } => Err("it is a binary file"),
            Self { is_truncated: Some(true), .. } => Err("it is too large: GitHub cut it off"),
            Self { oid: Some(blob), text: Some(text), .. } => Ok((blob.clone(), text.clone())),
            Self { .. } => Err("GitHub did not say what is in it"),
        }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Deployments {
    pub page_info: Option<PageInfo>,
    pub nodes: Option<Vec<Option<Deployment>>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct PageInfo {
    pub has_next_page: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Deployment {
    pub id: Option<String>,
    pub commit_oid: Option<String>,
    pub statuses: Option<Nodes<Status>>,
}

impl Deployment {
    /// Whether it ever succeeded. Its newest state may say `INACTIVE` since.
    pub fn succeeded(&self) -> bool {
        let statuses = self.statuses.iter().filter_map(|statuses| statuses.nodes.as_deref()).flatten().flatten();
        statuses.into_iter().any(|status| status.state.as_deref() == Some("SUCCESS"))
    }
}

#[derive(Deserialize)]
pub(super) struct Status {
    pub state: Option<String>,
}

#[derive(Deserialize)]
pub(super) struct Nodes<T> {
    pub nodes: Option<Vec<Option<T>>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Counted<T> {
    total_count: Option<u64>,
    nodes: Option<Vec<Option<T>>>,
}

impl<T> Counted<T> {
    /// What was read, and whether that is all there is.
    fn read(self) -> (Vec<T>, bool) {
        let nodes: Vec<T> = self.nodes.into_iter().flatten().flatten().collect();
        let is_all = self.total_count.is_some_and(|total| total <= u64::try_from(nodes.len()).unwrap_or(u64::MAX));
        (nodes, is_all)
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct GitActor {
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
pub(super) struct CommitNode {
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
pub(super) struct ReadCommit {
    pub commit: Commit,
    /// Pull requests that came with their own commits, and whether with all of them.
    pub pull_requests: Vec<(PullRequest, bool)>,
    /// Whether all authors and pull requests were read.
    pub is_whole: bool,
}

impl CommitNode {
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
