//! Commits each log's newest checkpoint to a branch of the repository it is published to: whoever has a clone holds every
//! checkpoint that was ever there, with GitHub's date on it.

use std::sync::Arc;

use tracing::{debug, error, info, warn};

use super::guard::{Guard, Refusal};
use super::publish::Target;
use super::{cut, later, slow_backoff};
use crate::domain::Millis;
use crate::github::contents::FileCommit;
use crate::github::{GitHub, Place, client};
use crate::store::{self, Store, Turn};

/// A log's checkpoint is committed this often at most.
const EVERY: Millis = 5 * 60_000;
/// So many logs are taken at once.
const LOGS: usize = 16;
/// So often it is looked again at what is there when somebody else has written.
const TRIES: usize = 3;

/// Commits checkpoints.
pub struct Branch {
    store: Store,
    github: Arc<GitHub>,
    target: Target,
    name: String,
    guard: Arc<Guard>,
}

/// Why a checkpoint is not there.
#[derive(Debug, thiserror::Error)]
enum Error {
    #[error(transparent)]
    Store(#[from] store::Error),
    #[error(transparent)]
    GitHub(#[from] client::Error),
    /// What is there shows that the database is not the one it was.
    #[error(transparent)]
    Refused(Refusal),
    #[error("{0}")]
    Wrong(String),
}

impl From<Refusal> for Error {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Store(error) => Self::Store(error),
            refusal => Self::Refused(refusal),
        }
    }
}

impl Branch {
    /// Commits to this branch of the repository that a log is published to, unless the guard refuses what is there.
    #[must_use]
    pub fn new(store: Store, github: Arc<GitHub>, target: Target, name: String, guard: Arc<Guard>) -> Self {
        Self { store, github, target, name, guard }
    }

    /// Commits the checkpoint of every log that has grown and is due. Returns how many were tried.
    ///
    /// # Errors
    /// If the database cannot be read or written. What else fails is said in the log and by `/readyz`.
    pub async fn due(&self) -> Result<usize, store::Error> {
        let due = self.store.claim_branches(LOGS).await?;
        for one in &due {
            let now = self.store.publications().now();
            match self.commit(one).await {
                Ok(()) => drop(self.store.branch_committed(one, now.saturating_add(EVERY)).await?),
                Err(Error::GitHub(client::Error::RateLimited { until })) => {
                    debug!(log = one.log.origin, until, "no room for a checkpoint's commit yet");
                    self.store.branch_failed(one, "GitHub asks us to wait", None, until).await?;
                }
                Err(error) => {
                    let alarm = match &error {
                        Error::Refused(refusal) => Some(refusal.to_string()),
                        _ => None,
                    };
                    let why = cut(&error);
                    error!(
                        log = one.log.origin,
                        branch = self.name,
                        error = why,
                        "the checkpoint was not committed; it will be tried again"
                    );
                    let then = later(now, slow_backoff(one.attempts));
                    self.store.branch_failed(one, &why, alarm.as_deref(), then).await?;
                }
            }
        }
        Ok(due.len())
    }

    async fn commit(&self, due: &Turn) -> Result<(), Error> {
        let log = &due.log;
        let full_name = self.target.of(&self.store.publications().login(log).await?);
        let (owner, name) = full_name.split_once('/').unwrap_or_default();
        let located = self.github.locate(owner, name).await;
        let (tenant, repository) = located.map_err(|error| match error {
            client::Error::NotFound { .. } => Error::Wrong(format!(
                "checkpoints cannot be committed to {full_name}: create the repository, and include it in the App's \
                 installation on {owner}"
            )),
            error => error.into(),
        })?;
        if matches!(self.target, Target::Named(_)) && tenant.account_id != log.tenant {
            return Err(Error::Wrong(format!("{full_name} does not belong to the account whose ledger this is")));
        }
        let place = Place { tenant: &tenant, repository: &repository };
        let path = format!("checkpoints/{}", log.origin.rsplit('/').next().unwrap_or_default());
        let message = format!("Ledger checkpoint: {} entries", log.size);
        for _ in 0..TRIES {
            let there = self.github.file_on_branch(place, &self.name, &path).await?;
            if let Some(there) = &there
                && self.is_enough(due, &full_name, &there.text).await?
            {
                return Ok(());
            }
            let commit = FileCommit {
                branch: &self.name,
                path: &path,
                text: &log.checkpoint,
                message: &message,
                replaces: there.as_ref().map(|there| there.blob.as_str()),
            };
            match self.github.commit_file(place, &commit).await {
                Ok(()) => {
                    info!(log = log.origin, size = log.size, branch = self.name, "checkpoint committed");
                    return Ok(());
                }
                Err(client::Error::Unprocessable { status: 409 | 422, message }) => {
                    warn!(log = log.origin, branch = self.name, message, "somebody else has written; looking again");
                }
                Err(client::Error::NotFound { .. }) => {
                    return Err(Error::Wrong(format!(
                        "{full_name} has no branch {0}: create it, in a clone with `git push origin HEAD:refs/heads/{0}`",
                        self.name
                    )));
                }
                Err(error) => return Err(error.into()),
            }
        }
        Err(Error::Wrong(format!("somebody else writes {path} on branch {} of {full_name} all the time", self.name)))
    }

    /// Whether what is there is our checkpoint or a newer one. What the log's keys have signed is evidence: the database must
    /// have the same entries, or what is there stays. What they have not signed is nothing.
    async fn is_enough(&self, due: &Turn, repository: &str, there: &str) -> Result<bool, Error> {
        if there == due.log.checkpoint {
            return Ok(true);
        }
        let signed = self.store.signed_by_us(there).await?;
        let Some(signed) = signed.filter(|it| it.origin == due.log.origin) else { return Ok(false) };
        let found = format!("the branch {} of {repository}", self.name);
        self.guard.check(&self.store, &signed, &found).await?;
        // Larger than the whole database: the operator has accepted that it was set back.
        let now = self.store.ledger().log(due.log.tenant).await?.map_or(0, |log| log.size);
        Ok(signed.size > due.log.size && signed.size <= now)
    }
}
