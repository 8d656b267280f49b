//! Whether facts are whole: a server reads everything, or says that it could not.

use std::collections::HashSet;

use super::Basis;
use crate::domain::facts::Gap;

impl Basis {
    /// What is not among the facts, although a server reads it or names the gap: attempts of the run up to this one, and pull
    /// requests that commits name.
    #[must_use]
    pub fn left_out(&self, attempt: u32, gaps: &[Gap]) -> Vec<Gap> {
        let attempts: HashSet<u32> = self.attempts.iter().map(|started| started.number).collect();
        let read: HashSet<u64> = self.pull_requests.iter().map(|brought| brought.number).collect();
        let named: HashSet<u64> = self.commits.iter().flat_map(|commit| &commit.pull_requests).copied().collect();
        let no_attempts = (1..=attempt).filter(|number| !attempts.contains(number));
        let no_attempts = no_attempts.map(|number| Gap::AttemptUnreadable { number });
        let mut unread: Vec<u64> = named.difference(&read).copied().collect();
        unread.sort_unstable();
        let unread = unread.into_iter().map(|number| Gap::PullRequestTooLong { number });
        no_attempts.chain(unread).filter(|gap| !gaps.contains(gap)).collect()
    }

    /// Every commit, and the agents that were found on it.
    pub fn found(&self) -> impl Iterator<Item = (&str, &[String])> {
        self.commits
            .iter()
            .map(|commit| (commit.sha.as_str(), commit.found.as_ref().map_or(&[][..], |found| &found.agents)))
    }
}
