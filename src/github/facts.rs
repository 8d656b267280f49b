//! Gathers everything a decision rests on, in few calls; what cannot be read becomes a gap, never a guess.
//!
//! A common gate takes four calls here: the run and the deployment context at once, the comparison, the commits.

use std::collections::HashSet;
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, PoisonError};

use lru::LruCache;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::client::{Call, Error};
use super::gates::RunAnswer;
use super::graphql::authorship::CommitNode;
use super::graphql::commits::{CommitContext, Wanted, commit_context};
use super::graphql::deployments::{DeploymentContext, Deployments, deployment_context};
use super::graphql::reply::in_repository;
use super::graphql::{Object, Ref};
use super::tokens::Purpose;
use super::webhook::DeploymentHeld;
use super::{GitHub, Place, wire};
use crate::domain::facts::{Attempt, Base, Commit, Facts, Gap, PullRequest, Run};
use crate::domain::people::People;

/// Earlier attempts of a run that are read; GitHub allows 50 re-runs.
const ATTEMPTS_READ: u32 = 50;
/// Commits of a comparison that are read.
const COMMITS_READ: usize = 250;
/// GitHub lists no more files of a comparison.
const FILES_LISTED: usize = 300;
/// Commits a page of a comparison.
const COMMITS_A_PAGE: usize = 100;
/// Commits a GraphQL call.
const COMMITS_A_CALL: usize = 50;
/// Up to so many commits, each is asked for with its pull requests' commits at once; beyond, the same pull request
/// would be sent many times over, and only one commit of each is asked.
const COMMITS_ASKED_IN_FULL: usize = 10;
/// GraphQL calls made to read the pull requests the first round only named.
const SECOND_ROUND_CALLS: usize = 5;
/// Comparisons remembered; each may be some 30 kB.
const COMPARISONS_REMEMBERED: NonZeroUsize = match NonZeroUsize::new(128) {
    Some(number) => number,
    None => NonZeroUsize::MIN,
};

/// What was learned about a held deployment.
#[derive(Clone, Debug)]
pub struct Gathered {
    /// The facts.
    pub facts: Facts,
    /// The policy file as it is on the default branch.
    pub policy: PolicyFile,
}

/// `.github/seconder.yml` at the head of the default branch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PolicyFile {
    /// There is none.
    Absent {
        /// Head of the default branch.
        commit: String,
    },
    /// There is one.
    Present {
        /// Head of the default branch.
        commit: String,
        /// Object id of the file.
        blob: String,
        /// The file.
        text: String,
    },
    /// There is something, and it cannot be read. Not the same as absent (P2).
    Unreadable {
        /// Head of the default branch; empty when even that is unknown.
        commit: String,
        /// What is in the way, in words.
        why: String,
    },
}

impl PolicyFile {
    /// Head of the default branch; empty when even that is unknown.
    #[must_use]
    pub fn commit(&self) -> &str {
        match self {
            Self::Absent { commit } | Self::Present { commit, .. } | Self::Unreadable { commit, .. } => commit,
        }
    }
}

/// A comparison of two commits never changes: remembered by repository, base and head.
pub(super) struct Comparisons(Mutex<LruCache<(u64, String, String), Arc<Comparison>>>);

impl Default for Comparisons {
    fn default() -> Self {
        Self(Mutex::new(LruCache::new(COMPARISONS_REMEMBERED)))
    }
}

struct Comparison {
    is_diverged: bool,
    total: u64,
    /// Oldest first.
    shas: Vec<String>,
    files: Vec<String>,
    has_all_files: bool,
}

#[derive(Deserialize)]
struct ComparisonPage {
    status: String,
    total_commits: u64,
    commits: Vec<ComparedCommit>,
    files: Option<Vec<ComparedFile>>,
}

#[derive(Deserialize)]
struct ComparedCommit {
    sha: String,
}

#[derive(Deserialize)]
struct ComparedFile {
    filename: String,
    previous_filename: Option<String>,
}

impl GitHub {
    /// Learns everything about a held deployment.
    ///
    /// # Errors
    /// What is merely incomplete is a gap in the facts. An [`Error`] means that there are none: the run or the
    /// repository could not be read, or GitHub failed in a way that may pass.
    pub async fn gather(&self, held: &DeploymentHeld, released: &[String]) -> Result<Gathered, Error> {
        let place = Place { tenant: &held.tenant, repository: &held.repository };
        let mut gaps = Vec::new();
        let (run, context) =
            tokio::join!(self.run_with_attempts(place, held.run_id), self.deployment_context(place, &held.environment));
        let ((run, unread), (context, is_partial)) = (run?, context?);
        gaps.extend(unread);

        let policy = policy_file(context.default_branch_ref.as_ref(), context.policy.as_ref(), is_partial);
        let deployments = context
            .deployments
            .ok_or_else(|| Error::Server { status: 200, message: "the list of deployments is missing".to_owned() })?;
        let base =
            last_good(&deployments, held.deployment_node_id.as_deref(), released).map_err(|gap| gaps.push(gap)).ok();
        let (base, shas, files) = self.range(place, base, &run.head_sha, &mut gaps).await?;
        let (commits, pull_requests) = self.commits(place, &shas, &mut gaps).await?;

        let facts = Facts {
            run,
            deployment_creator: held.deployment_creator.clone(),
            sender: held.sender.clone(),
            base,
            commits,
            files,
            owners: None,
            pull_requests,
            gaps,
            people: People::default(),
        };
        Ok(Gathered { facts, policy })
    }

    /// The policy file as it is now.
    ///
    /// # Errors
    /// [`Error`] when GitHub may know and did not answer.
    pub async fn policy_file(&self, place: Place<'_>, environment: &str) -> Result<PolicyFile, Error> {
        let (context, is_partial) = self.deployment_context(place, environment).await?;
        Ok(policy_file(context.default_branch_ref.as_ref(), context.policy.as_ref(), is_partial))
    }

    /// The run with all its attempts; a gap for each attempt that cannot be read.
    async fn run_with_attempts(&self, place: Place<'_>, run_id: u64) -> Result<(Run, Vec<Gap>), Error> {
        let mut run = self.run(place, run_id).await?;
        let mut gaps = Vec::new();
        let mut earlier = Vec::new();
        for number in 1..run.attempt {
            if number > ATTEMPTS_READ {
                gaps.push(Gap::AttemptUnreadable { number });
                continue;
            }
            match self.attempt(place, run_id, number).await {
                Ok(attempt) => earlier.push(attempt),
                Err(error) if error.is_transient() => return Err(error),
                Err(_) => gaps.push(Gap::AttemptUnreadable { number }),
            }
        }
        earlier.append(&mut run.attempts);
        run.attempts = earlier;
        Ok((run, gaps))
    }

    async fn attempt(&self, place: Place<'_>, run_id: u64, number: u32) -> Result<Attempt, Error> {
        let path = place.path(format_args!("/actions/runs/{run_id}/attempts/{number}"));
        let answer: RunAnswer = self.read(place, Purpose::Read, &path).await?.json("the attempt")?;
        let attempt = answer.into_attempt();
        match (attempt.number == number, &attempt.actor) {
            (true, Some(_)) => Ok(attempt),
            _ => Err(Error::Decode { what: "the attempt", why: "it names no actor, or another attempt".to_owned() }),
        }
    }

    /// The repository's part of the deployment context, and whether GitHub left something out of it.
    async fn deployment_context(
        &self,
        place: Place<'_>,
        environment: &str,
    ) -> Result<(DeploymentContext, bool), Error> {
        let body = deployment_context(&place.repository.owner, &place.repository.name, environment);
        let (context, is_partial): (DeploymentContext, _) = self.query(place, &body, "the deployment context").await?;
        if context.database_id.is_some_and(|id| id != place.repository.id) {
            return Err(Error::NotFound {
                message: format!("{} is another repository now", place.repository.full_name()),
            });
        }
        Ok((context, is_partial))
    }

    /// Asks for parts of the repository. Returns them and whether GitHub left something out.
    async fn query<R: DeserializeOwned>(
        &self,
        place: Place<'_>,
        body: &str,
        what: &'static str,
    ) -> Result<(R, bool), Error> {
        let answer = self.call(place.scope(Purpose::Read), Call::graphql(body)).await?;
        in_repository(&answer, what, self.now())
    }

    /// What the deployment brings beyond the last good one: commits, oldest first, and files. Without a comparison it is
    /// the head commit alone, and a gap.
    async fn range(
        &self,
        place: Place<'_>,
        base: Option<Base>,
        head: &str,
        gaps: &mut Vec<Gap>,
    ) -> Result<(Option<Base>, Vec<String>, Vec<String>), Error> {
        let head_alone = || vec![head.to_owned()];
        let Some(base) = base else { return Ok((None, head_alone(), Vec::new())) };
        let comparison = match self.comparison(place, &base.sha, head).await {
            Ok(comparison) => comparison,
            // The last good commit is gone: its history was rewritten and swept away.
            Err(Error::NotFound { .. }) => {
                gaps.push(Gap::Diverged);
                return Ok((Some(base), head_alone(), Vec::new()));
            }
            Err(error) => return Err(error),
        };
        if comparison.is_diverged {
            gaps.push(Gap::Diverged);
        }
        let read = u64::try_from(comparison.shas.len()).unwrap_or(u64::MAX);
        if comparison.total > read {
            gaps.push(Gap::TooManyCommits { total: comparison.total, read });
        }
        if !comparison.has_all_files {
            let read = u64::try_from(comparison.files.len()).unwrap_or(u64::MAX);
            gaps.push(Gap::TooManyFiles { read });
        }
        Ok((Some(base), comparison.shas.clone(), comparison.files.clone()))
    }

    async fn comparison(&self, place: Place<'_>, base: &str, head: &str) -> Result<Arc<Comparison>, Error> {
        let key = (place.repository.id, base.to_owned(), head.to_owned());
        let known = || self.comparisons.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(comparison) = known().get(&key) {
            return Ok(Arc::clone(comparison));
        }
        let mut comparison =
            Comparison { is_diverged: false, total: 0, shas: Vec::new(), files: Vec::new(), has_all_files: true };
        for page in 1..=COMMITS_READ.div_ceil(COMMITS_A_PAGE) {
            let (base, head) = (wire::encode(base), wire::encode(head));
            let path = place.path(format_args!("/compare/{base}...{head}?per_page={COMMITS_A_PAGE}&page={page}"));
            let read: ComparisonPage = self.read(place, Purpose::Read, &path).await?.json("the comparison")?;
            let is_last_page = read.commits.len() < COMMITS_A_PAGE;
            comparison.shas.extend(read.commits.into_iter().map(|commit| commit.sha));
            if page == 1 {
                comparison.is_diverged = !matches!(read.status.as_str(), "ahead" | "behind" | "identical");
                comparison.total = read.total_commits;
                // Files come with the first page, all of them or the first 300.
                comparison.has_all_files = read.files.as_ref().is_some_and(|files| files.len() < FILES_LISTED);
                for file in read.files.into_iter().flatten() {
                    comparison.files.extend(file.previous_filename);
                    comparison.files.push(file.filename);
                }
            }
            if is_last_page || comparison.shas.len() >= COMMITS_READ || comparison.has_all_commits() {
                break;
            }
        }
        comparison.shas.truncate(COMMITS_READ);
        let comparison = Arc::new(comparison);
        known().put(key, Arc::clone(&comparison));
        Ok(comparison)
    }

    /// Authors of the commits, and the pull requests that brought them.
    async fn commits(
        &self,
        place: Place<'_>,
        shas: &[String],
        gaps: &mut Vec<Gap>,
    ) -> Result<(Vec<Commit>, Vec<PullRequest>), Error> {
        let mut found = Found::default();
        let all_in_full = shas.len() <= COMMITS_ASKED_IN_FULL;
        for chunk in shas.chunks(COMMITS_A_CALL) {
            let wanted: Vec<Wanted<'_>> =
                chunk.iter().map(|sha| Wanted { sha, full: all_in_full || Some(sha) == shas.last() }).collect();
            let answers = self.commit_context(place, &wanted).await?;
            for (sha, node) in chunk.iter().zip(answers) {
                found.take(sha, node, gaps);
            }
        }
        let unread = found.commits_of_unread_pull_requests();
        for chunk in unread.chunks(COMMITS_A_CALL).take(SECOND_ROUND_CALLS) {
            let wanted: Vec<Wanted<'_>> = chunk.iter().map(|sha| Wanted { sha, full: true }).collect();
            for node in self.commit_context(place, &wanted).await?.into_iter().flatten() {
                found.take_pull_requests(node, gaps);
            }
        }
        gaps.extend(found.named_and_not_read().into_iter().map(|number| Gap::PullRequestTooLong { number }));
        Ok((found.commits, found.pull_requests))
    }

    /// What GitHub says of these commits, in the same order; `None` where it says nothing.
    async fn commit_context(&self, place: Place<'_>, wanted: &[Wanted<'_>]) -> Result<Vec<Option<CommitNode>>, Error> {
        let body = commit_context(&place.repository.owner, &place.repository.name, wanted);
        let (answer, _): (CommitContext, _) = self.query(place, &body, "the commit context").await?;
        let unreadable = |error: serde_json::Error| Error::Server { status: 200, message: error.to_string() };
        answer.commits(wanted.len()).map_err(unreadable)
    }
}

impl Comparison {
    fn has_all_commits(&self) -> bool {
        u64::try_from(self.shas.len()).unwrap_or(u64::MAX) >= self.total
    }
}

/// Commits and pull requests as they come in.
#[derive(Default)]
struct Found {
    commits: Vec<Commit>,
    pull_requests: Vec<PullRequest>,
    read: HashSet<u64>,
}

impl Found {
    fn take(&mut self, sha: &str, node: Option<CommitNode>, gaps: &mut Vec<Gap>) {
        let read = node.and_then(CommitNode::read).filter(|read| read.commit.sha.eq_ignore_ascii_case(sha));
        let Some(read) = read else {
            gaps.push(Gap::CommitUnreadable { sha: sha.to_owned() });
            return;
        };
        if !read.is_whole {
            gaps.push(Gap::CommitTooWide { sha: sha.to_owned() });
        }
        self.commits.push(read.commit);
        self.add(read.pull_requests, gaps);
    }

    fn take_pull_requests(&mut self, node: CommitNode, gaps: &mut Vec<Gap>) {
        if let Some(read) = node.read() {
            self.add(read.pull_requests, gaps);
        }
    }

    fn add(&mut self, pull_requests: Vec<(PullRequest, bool)>, gaps: &mut Vec<Gap>) {
        for (pull_request, is_whole) in pull_requests {
            if self.read.insert(pull_request.number) {
                if !is_whole {
                    gaps.push(Gap::PullRequestTooLong { number: pull_request.number });
                }
                self.pull_requests.push(pull_request);
            }
        }
    }

    fn named_and_not_read(&self) -> Vec<u64> {
        let mut seen = self.read.clone();
        self.commits.iter().flat_map(|commit| &commit.pull_requests).copied().filter(|n| seen.insert(*n)).collect()
    }

    /// Few commits that together name every pull request that was named and not read.
    fn commits_of_unread_pull_requests(&self) -> Vec<String> {
        let mut missing: HashSet<u64> = self.named_and_not_read().into_iter().collect();
        let mut shas = Vec::new();
        for commit in &self.commits {
            if commit.pull_requests.iter().any(|number| missing.contains(number)) {
                missing.retain(|number| !commit.pull_requests.contains(number));
                shas.push(commit.sha.clone());
            }
        }
        shas
    }
}

/// The file an answer holds, at the head of the default branch it names.
pub(super) fn policy_file(branch: Option<&Ref>, file: Option<&Object>, is_partial: bool) -> PolicyFile {
    let target = branch.and_then(|branch| branch.target.as_ref());
    let commit = target.map(|target| target.oid.clone()).unwrap_or_default();
    let unreadable = |why: &str| PolicyFile::Unreadable { commit: commit.clone(), why: why.to_owned() };
    match file {
        None if commit.is_empty() => unreadable("the repository has no default branch that could be read"),
        None if is_partial => unreadable("GitHub left the file out of its answer; the App may lack contents: read"),
        None => PolicyFile::Absent { commit },
        Some(object) => match object.file() {
            Ok((blob, text)) => PolicyFile::Present { commit, blob, text },
            Err(why) => unreadable(why),
        },
    }
}

/// The newest deployment that ever succeeded, other than the one that is held. Anybody with `deployments: write` can make
/// GitHub show a success: once we have released something here, only what we released counts.
fn last_good(deployments: &Deployments, held: Option<&str>, released: &[String]) -> Result<Base, Gap> {
    let good = deployments
        .nodes
        .iter()
        .flatten()
        .flatten()
        .filter(|deployment| held.is_none() || deployment.id.as_deref() != held)
        .filter(|deployment| {
            released.is_empty() || deployment.commit_oid.as_ref().is_some_and(|sha| released.contains(sha))
        })
        .find(|deployment| deployment.succeeded())
        .and_then(|deployment| Some(Base { sha: deployment.commit_oid.clone()?, deployment: deployment.id.clone()? }));
    let has_more = deployments.page_info.as_ref().is_none_or(|page| page.has_next_page);
    good.ok_or(if has_more { Gap::DeploymentHistoryTooLong } else { Gap::NoEarlierDeployment })
}

#[cfg(test)]
mod tests;
