//! GitHub makes a deployment for one environment, in one attempt of one run: it asks about it once.
//!
//! A server takes the deployment from the webhook that asks, with repository, environment and run. The attempt it looks up: what it
//! comes to late, it may take for the attempt that replaced it. So a deployment that is asked about in two attempts is told, if
//! both were released, and not refused.
use std::collections::HashMap;
use std::hash::BuildHasher as _;

use super::held::{self, Run};
use crate::ledger::entry::Header;
use crate::ledger::verify::read::body;
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
    pub(in crate::ledger::verify) fn of(entry: &Header<'_>) -> Option<Self> {
        let id = body::need(entry.deployment_id, "deployment_id").ok()?;
        let Run { id: run, attempt } = body::need(entry.run, "run").ok()?;
        Some(Self {
            id,
            repository: held::repository(entry)?,
            run,
            attempt,
            environment: entry.environment?.get().into(),
        })
    }
}

/// What is known of one: a million of them have to fit.
#[derive(Debug, Clone, Copy)]
struct Asked {
    /// A hash of repository, environment and run.
    place: u32,
    /// A hash of the attempt, and whether it was released.
    attempt: u32,
}

const RELEASED: u32 = 1;

/// The deployments that were asked about until now.
#[derive(Debug, Default)]
pub(super) struct Deployments {
    asked: HashMap<u64, Asked>,
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
            None => {
                self.asked.insert(of.id, now);
                Ok(())
            }
        }
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
        self.again = 0;
    }

    /// What is to be said of it.
    pub(super) fn warning(&self) -> Option<String> {
        (self.again > 0).then(|| {
            format!(
                "{} released in two attempts of a run, though GitHub makes a new one for each",
                counted(self.again, "deployment was", "deployments were")
            )
        })
    }

    fn hash(&self, of: &Deployment) -> Asked {
        let hash = |hash: u64| u32::try_from(hash >> 32).unwrap_or_default();
        let hasher = self.asked.hasher();
        let place = hash(hasher.hash_one((of.repository, of.run, &of.environment)));
        Asked { place, attempt: hash(hasher.hash_one(of.attempt)) & !RELEASED }
    }
}
