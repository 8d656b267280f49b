//! Looking at what happened, and waiting for it.

use std::time::Duration;

use super::GitHub;
use super::acts::RunId;
use super::checks::CheckRun;
use super::journal::ApiCall;
use super::runs::{Callback, Gate, Run};
use super::webhooks::Delivery;

/// A run as its page shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunView {
    /// `waiting`, `in_progress` or `completed`.
    pub status: String,
    /// How the newest attempt ended.
    pub conclusion: Option<String>,
    /// The newest attempt's number, from 1.
    pub attempt: usize,
    /// The commit.
    pub head_sha: String,
    /// The environments of the newest attempt and how far each has come.
    pub environments: Vec<(String, Gate)>,
}

/// What was waited for did not come in time.
#[derive(Debug, thiserror::Error)]
#[error("nothing of the kind happened within {0:?}")]
pub struct WaitedInVain(Duration);

impl GitHub {
    /// Waits until the fake looks as wanted. Looks again whenever something changes, not by the clock.
    ///
    /// # Errors
    /// [`WaitedInVain`] when it does not within `timeout`.
    pub async fn wait_until(
        &self,
        timeout: Duration,
        mut wanted: impl FnMut(&Self) -> bool,
    ) -> Result<(), WaitedInVain> {
        let mut changes = self.shared.changes();
        let arrives = async {
            while !wanted(self) {
                if changes.changed().await.is_err() {
                    return;
                }
            }
        };
        tokio::time::timeout(timeout, arrives).await.map_err(|_| WaitedInVain(timeout))
    }

    /// All check runs on a commit, oldest first.
    pub fn check_runs(&self, repository: &str, sha: &str) -> Vec<CheckRun> {
        self.shared.read(|state| {
            let Some(place) = state.repository(repository) else {
                return Vec::new();
            };
            let ids = state.checks_by_commit.get(&(place, sha.to_owned()));
            ids.into_iter().flatten().filter_map(|id| state.checks.get(id)).cloned().collect()
        })
    }

    /// The decisions a run was told, oldest first.
    pub fn callbacks(&self, run: RunId) -> Vec<Callback> {
        self.of_run(run, |run| run.callbacks.clone()).unwrap_or_default()
    }

    /// The status notes a run was told, oldest first.
    pub fn notes(&self, run: RunId) -> Vec<Callback> {
        self.of_run(run, |run| run.notes.clone()).unwrap_or_default()
    }

    /// How a run stands.
    pub fn run(&self, run: RunId) -> Option<RunView> {
        self.of_run(run, |run| {
            let latest = run.latest();
            RunView {
                status: latest.map_or("", |attempt| attempt.status).to_owned(),
                conclusion: latest.and_then(|attempt| attempt.conclusion).map(str::to_owned),
                attempt: run.attempt(),
                head_sha: run.head_sha.clone(),
                environments: latest
                    .map(|attempt| attempt.stages.iter().map(|stage| (stage.environment.clone(), stage.gate)).collect())
                    .unwrap_or_default(),
            }
        })
    }

    /// All runs, oldest first.
    pub fn runs(&self) -> Vec<RunId> {
        self.shared.read(|state| state.runs.keys().copied().map(RunId).collect())
    }

    fn of_run<T>(&self, run: RunId, look: impl FnOnce(&Run) -> T) -> Option<T> {
        self.shared.read(|state| state.runs.get(&run.0).map(look))
    }

    /// The states a run's newest deployment to an environment went through, oldest first.
    pub fn deployment_states(&self, run: RunId, environment: &str) -> Vec<&'static str> {
        self.shared.read(|state| {
            let attempt = state.runs.get(&run.0).and_then(Run::latest);
            let stage =
                attempt.and_then(|attempt| attempt.stages.iter().find(|stage| stage.environment == environment));
            let deployment = stage.and_then(|stage| state.deployments.get(&stage.deployment));
            deployment
                .map(|deployment| deployment.statuses.iter().map(|(_, state, _)| *state).collect())
                .unwrap_or_default()
        })
    }

    /// The newest calls, oldest first.
    pub fn calls(&self) -> Vec<ApiCall> {
        self.shared.read(|state| state.journal.calls.iter().cloned().collect())
    }

    /// Requests nothing answered to, such as `GET /repos/acme/shop/labels`. A test that finds one has found a mistake.
    pub fn unknown_routes(&self) -> Vec<String> {
        self.shared.read(|state| state.journal.unknown.clone())
    }

    /// How many writes took effect; tokens and GraphQL not counted.
    pub fn writes(&self) -> u64 {
        self.shared.read(|state| state.journal.writes)
    }

    /// A repository's id; 0 when there is none of that name.
    pub fn repository_id(&self, full_name: &str) -> u64 {
        self.shared.read(|state| state.repository(full_name).map_or(0, |place| state.repositories[place].id))
    }

    /// Every delivery attempt, oldest first.
    pub fn deliveries(&self) -> Vec<Delivery> {
        self.shared.read(|state| state.hook.deliveries.values().cloned().collect())
    }
}
