//! Missed webhooks. GitHub never sends a webhook twice by itself: ask for the failed ones again, and look for runs that
//! wait for us without our knowing (<https://docs.github.com/webhooks/using-webhooks/handling-failed-webhook-deliveries>).

use tracing::{info, warn};

use super::{App, Error};
use crate::domain::Millis;
use crate::domain::gate::{Repository, Subject, Tenant};
use crate::github::Place;
use crate::github::deliveries::FailedDelivery;
use crate::github::webhook::{DeploymentHeld, Incoming};
use crate::store::{NewDelivery, Received};

/// Repositories looked at for runs that wait. Others are covered by GitHub's list of failed deliveries.
const REPOSITORIES: usize = 100;
/// How far back GitHub keeps deliveries: three days.
const WINDOW: Millis = 3 * 24 * 3_600_000;

/// What one look for missed webhooks found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Recovered {
    /// Failed deliveries GitHub was asked to send again.
    pub redelivered: usize,
    /// Waiting runs nobody had told us of.
    pub found: usize,
}

impl App {
    /// Looks for missed webhooks. Whatever fails is logged and looked for again next time.
    pub async fn recover(&self) -> Result<Recovered, Error> {
        let mut recovered = Recovered::default();
        match self.github.failed_deliveries(self.now().saturating_sub(WINDOW)).await {
            Ok(failed) => recovered.redelivered = self.redeliver(failed).await,
            Err(error) => warn!(%error, "could not list the webhooks GitHub failed to deliver"),
        }
        for (tenant, repository) in self.store.recent_repositories(REPOSITORIES).await? {
            match self.find_waiting(&tenant, &repository).await {
                Ok(found) => recovered.found += found,
                Err(error) => {
                    warn!(repository = %repository.full_name(), %error, "could not look for runs that wait here");
                }
            }
        }
        if recovered != Recovered::default() {
            info!(redelivered = recovered.redelivered, found = recovered.found, "missed webhooks fetched back");
        }
        Ok(recovered)
    }

    async fn redeliver(&self, failed: Vec<FailedDelivery>) -> usize {
        let mut asked = 0;
        for failed in failed {
            match self.github.redeliver(failed.id).await {
                Ok(()) => asked += 1,
                Err(error) => warn!(delivery = %failed.guid, %error, "GitHub did not take the request to redeliver"),
            }
        }
        asked
    }

    /// Runs of a repository that wait at one of our gates, and that no request is open for.
    async fn find_waiting(&self, tenant: &Tenant, repository: &Repository) -> Result<usize, Error> {
        let place = Place { tenant, repository };
        let mut found = 0;
        for run in self.github.waiting_runs(place).await? {
            for environment in self.github.pending_environments(place, run.id).await? {
                let subject = Subject {
                    tenant: tenant.clone(),
                    repository: repository.clone(),
                    environment,
                    run_id: run.id,
                    run_attempt: run.attempt,
                    head_sha: run.head_sha.clone(),
                };
                let id = subject.request_id();
                if self.store.request_exists(&id).await? || !self.github.guards(place, &subject.environment).await? {
                    continue; // Known, or somebody else's gate.
                }
                let held = DeploymentHeld {
                    tenant: subject.tenant,
                    repository: subject.repository,
                    environment: subject.environment,
                    run_id: run.id,
                    deployment_id: None,
                    deployment_node_id: None,
                    deployment_creator: None,
                    sender: run.actor.clone(),
                    sha: Some(subject.head_sha),
                };
                let delivery = NewDelivery {
                    id: format!("found:{id}"),
                    event: "deployment_protection_rule".into(),
                    installation_id: tenant.installation_id,
                    payload: serde_json::to_string(&Incoming::DeploymentHeld(held))?,
                    is_urgent: false,
                };
                found += usize::from(self.store.receive(delivery).await? == Received::Fresh);
            }
        }
        Ok(found)
    }
}
