//! GitHub makes a deployment for one environment, in one attempt of one run: it asks about it once.
//!
//! A server takes the deployment from the webhook that asks, with repository, environment and run. The attempt it looks up: what it
//! comes to late, it may take for the attempt that replaced it. So a deployment that is asked about in two attempts is told, if
//! both were released, and not refused.
use std::collections::HashMap;
use std::hash::BuildHasher as _;

use crate::ledger::entry::Header;
use crate::ledger::verify::read::body::{self, Opened, Run};
use crate::ledger::verify::report::counted;
use crate::ledger::verify::violation::Violation;

/// A deployment, and what it is of.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(in crate::ledger::verify) struct Deployment {
    pub(in crate::ledger::verify) id: u64,
    pub(in crate::ledger::verify) repository: u64,
    pub(in crate::ledger::verify) run: u64,
    pub(in crate::ledger::verify) attempt: u64,
    /// As it is written.
    pub(in crate::ledger::verify) environment: Box<str>,
}

impl Deployment {
    /// What an opening says of it; nothing where it says too little.
    pub(super) fn of(entry: &Header<'_>, opened: &Opened<'_>) -> Result<Option<Self>, Violation> {
        if entry.deployment_id.is_none() {
            return Ok(None);
        }
        let id = body::need(entry.deployment_id, "deployment_id")?;
        let of = || {
            let Run { id: run, attempt } = *opened.run.as_ref().ok()?;
            let (repository, environment) = (*opened.repository.as_ref().ok()?, entry.environment?.get().into());
            Some(Self { id, repository, run, attempt, environment })
        };
        Ok(of())
    }
}

/// So many are remembered at most, a few megabytes. GitHub counts its deployments, so that those with the smaller numbers are over first.
const REMEMBERED: usize = 1 << 18;

/// What is known of one.
#[derive(Debug, Clone, Copy)]
struct Asked {
    /// A hash of repository, environment and run.
    place: u32,
    /// A hash of the attempt, and whether it was released.
    attempt: u32,
}

const RELEASED: u32 = 1;

/// The deployments that were asked about until now, the latest of them.
#[derive(Debug, Default)]
pub(super) struct Deployments {
    asked: HashMap<u64, Asked>,
    /// Those below are forgotten.
    forgotten: u64,
    /// How many were asked about when they might have been forgotten.
    late: u64,
    /// How many were released again.
    again: u64,
}

impl Deployments {
    /// Another request is opened.
    pub(super) fn open(&mut self, of: &Deployment) -> Result<(), Violation> {
        let now = self.hash(of);
        match self.asked.get(&of.id) {
            Some(before) if before.place != now.place => Err(Violation::DeploymentElsewhere(of.id)),
            Some(before) if before.attempt & !RELEASED == now.attempt => Err(Violation::DeploymentTwice(of.id)),
            Some(_) => Ok(()),
            None if of.id < self.forgotten => {
                self.late += 1;
                Ok(())
            }
            None => {
                if self.asked.len() == REMEMBERED {
                    self.forget();
                }
                self.asked.insert(of.id, now);
                Ok(())
            }
        }
    }

    /// Forgets the half with the smaller numbers.
    fn forget(&mut self) {
        let mut ids: Vec<u64> = self.asked.keys().copied().collect();
        let half = ids.len() / 2;
        self.forgotten = *ids.select_nth_unstable(half).1;
        self.asked.retain(|id, _| *id >= self.forgotten);
    }

    /// GitHub is told to go on.
    pub(super) fn release(&mut self, deployment: u64) {
        if let Some(asked) = self.asked.get_mut(&deployment) {
            self.again += u64::from(asked.attempt & RELEASED);
            asked.attempt |= RELEASED;
        }
    }

    /// Forgets what was counted: whatever follows is counted anew.
    pub(super) fn are_carried(&mut self) {
        (self.again, self.late) = (0, 0);
    }

    /// What is to be said of it.
    pub(super) fn warnings(&self) -> impl Iterator<Item = String> {
        let again = (self.again > 0).then(|| {
            format!(
                "{} released in two attempts of a run, though GitHub makes a new one for each",
                counted(self.again, "deployment was", "deployments were")
            )
        });
        let late = (self.late > 0).then(|| {
            format!(
                "{} about deployments that are older than the {} before them: whether they were asked about twice, cannot be told",
                counted(self.late, "opening is", "openings are"),
                REMEMBERED / 2
            )
        });
        again.into_iter().chain(late)
    }

    fn hash(&self, of: &Deployment) -> Asked {
        let hash = |hash: u64| u32::try_from(hash >> 32).unwrap_or_default();
        let hasher = self.asked.hasher();
        let place = hash(hasher.hash_one((of.repository, of.run, &of.environment)));
        Asked { place, attempt: hash(hasher.hash_one(of.attempt)) & !RELEASED }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn deployment(id: u64) -> Deployment {
        Deployment { id, repository: 1, run: id, attempt: 1, environment: "production".into() }
    }

    #[test]
    fn however_many_deployments_there_are_the_latest_are_remembered_and_what_is_too_old_to_tell_is_told() {
        let mut deployments = Deployments::default();
        let many = 3 * REMEMBERED as u64;
        (1_000..1_000 + many).for_each(|id| deployments.open(&deployment(id)).unwrap());
        assert!(deployments.asked.len() <= REMEMBERED);
        assert_eq!(deployments.warnings().count(), 0);
        let newest = many + 999;
        assert_eq!(deployments.open(&deployment(newest)), Err(Violation::DeploymentTwice(newest)));
        deployments.open(&deployment(1_000)).unwrap();
        assert!(deployments.warnings().next().unwrap().starts_with("1 opening is about deployments that are older"));
    }
}
