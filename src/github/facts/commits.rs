//! Who wrote the commits, and which pull requests brought them.

use std::collections::HashSet;

use crate::domain::facts::{Commit, Gap, PullRequest};
use crate::github::client::Error;
use crate::github::graphql::authorship::CommitNode;
use crate::github::graphql::commits::{CommitContext, Wanted, commit_context};
use crate::github::{GitHub, Place};

/// Commits a GraphQL call.
const COMMITS_A_CALL: usize = 50;
/// Up to so many commits, each is asked for with its pull requests' commits at once; beyond, the same pull request
/// would be sent many times over, and only one commit of each is asked.
const COMMITS_ASKED_IN_FULL: usize = 10;
/// GraphQL calls made to read the pull requests the first round only named.
const SECOND_ROUND_CALLS: usize = 5;
impl GitHub {
    /// Authors of the commits, and the pull requests that brought them.
    pub(super) async fn commits(
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

#[cfg(test)]
mod tests;
