//! Payloads as GitHub sends them, and what is read out of each.

use serde::Deserialize;

use super::{ButtonPressed, CheckRerequested, DeploymentHeld, RunCompleted, Unusable};
use crate::domain::gate::{Repository, Tenant};
use crate::github::wire;

/// The fields of the events we use, in one place: no event gives one of them another meaning.
#[derive(Deserialize)]
pub(super) struct Payload {
    pub(super) action: Option<String>,
    repository: Option<PayloadRepository>,
    installation: Option<Installation>,
    sender: Option<wire::User>,
    // deployment_protection_rule
    environment: Option<String>,
    deployment_callback_url: Option<String>,
    deployment: Option<Deployment>,
    sha: Option<String>,
    // check_run
    check_run: Option<CheckRun>,
    requested_action: Option<RequestedAction>,
    // workflow_run
    workflow_run: Option<WorkflowRun>,
}

#[derive(Deserialize)]
pub(super) struct PayloadRepository {
    id: Option<u64>,
    pub(super) name: Option<String>,
    owner: Option<wire::User>,
}

#[derive(Deserialize)]
pub(super) struct Installation {
    pub(super) id: Option<u64>,
}

#[derive(Default, Deserialize)]
struct Deployment {
    id: Option<u64>,
    node_id: Option<String>,
    sha: Option<String>,
    environment: Option<String>,
    creator: Option<wire::User>,
}

#[derive(Deserialize)]
struct CheckRun {
    id: Option<u64>,
    name: Option<String>,
    external_id: Option<String>,
    head_sha: Option<String>,
}

#[derive(Deserialize)]
struct RequestedAction {
    identifier: Option<String>,
}

#[derive(Deserialize)]
struct WorkflowRun {
    id: Option<u64>,
    run_attempt: Option<u32>,
    conclusion: Option<String>,
}

/// Through which installation an event came, and from which repository.
pub(super) fn origin(
    installation: Option<Installation>,
    repository: Option<PayloadRepository>,
) -> Result<(Tenant, Repository), Unusable> {
    let installation_id = need(installation.and_then(|i| i.id), "installation")?;
    let repository = need(repository, "repository")?;
    let owner = need(repository.owner, "repository.owner")?;
    let tenant = Tenant {
        account_id: need(owner.id, "repository.owner.id")?,
        login: need(owner.login, "repository.owner.login")?,
        installation_id,
    };
    let repository = Repository {
        id: need(repository.id, "repository.id")?,
        owner: tenant.login.clone(),
        name: need(repository.name, "repository.name")?,
    };
    Ok((tenant, repository))
}

pub(super) fn need<T>(value: Option<T>, name: &'static str) -> Result<T, Unusable> {
    value.ok_or(Unusable::Missing(name))
}

impl Payload {
    fn origin(&mut self) -> Result<(Tenant, Repository), Unusable> {
        origin(self.installation.take(), self.repository.take())
    }

    pub(super) fn deployment_held(mut self) -> Result<DeploymentHeld, Unusable> {
        let (tenant, repository) = self.origin()?;
        let url = need(self.deployment_callback_url, "deployment_callback_url")?;
        let run_id = run_of_callback(&url, &repository).ok_or_else(|| Unusable::Callback {
            repository: repository.full_name(),
            url: url.chars().take(200).collect(),
        })?;
        let deployment = self.deployment.unwrap_or_default();
        Ok(DeploymentHeld {
            tenant,
            repository,
            environment: need(
                self.environment.or(deployment.environment).filter(|name| !name.is_empty()),
                "environment",
            )?,
            run_id,
            deployment_id: deployment.id,
            deployment_node_id: deployment.node_id,
            deployment_creator: deployment.creator.and_then(wire::User::account),
            sender: self.sender.and_then(wire::User::account),
            sha: self.sha.or(deployment.sha),
        })
    }

    pub(super) fn button_pressed(mut self) -> Result<ButtonPressed, Unusable> {
        let (tenant, repository) = self.origin()?;
        let check_run = need(self.check_run, "check_run")?;
        Ok(ButtonPressed {
            tenant,
            repository,
            check_run_id: need(check_run.id, "check_run.id")?,
            check_run_name: check_run.name,
            external_id: check_run.external_id.unwrap_or_default(),
            head_sha: need(check_run.head_sha, "check_run.head_sha")?,
            identifier: need(self.requested_action.and_then(|a| a.identifier), "requested_action.identifier")?,
            sender: need(self.sender.and_then(wire::User::account), "sender")?,
        })
    }

    pub(super) fn check_rerequested(mut self) -> Result<CheckRerequested, Unusable> {
        let (tenant, repository) = self.origin()?;
        let check_run = need(self.check_run, "check_run")?;
        Ok(CheckRerequested {
            tenant,
            repository,
            check_run_id: need(check_run.id, "check_run.id")?,
            external_id: check_run.external_id.unwrap_or_default(),
        })
    }

    pub(super) fn run_completed(mut self) -> Result<RunCompleted, Unusable> {
        let (tenant, repository) = self.origin()?;
        let run = need(self.workflow_run, "workflow_run")?;
        Ok(RunCompleted {
            tenant,
            repository,
            run_id: need(run.id, "workflow_run.id")?,
            attempt: run.run_attempt.unwrap_or(1),
            conclusion: run.conclusion,
        })
    }
}

/// The run a callback URL names: `{any host}[/api/v3]/repos/{owner}/{repo}/actions/runs/{id}/deployment_protection_rule`.
///
/// Nothing is ever sent to this URL, so its host does not matter; it must name the payload's own repository.
fn run_of_callback(url: &str, repository: &Repository) -> Option<u64> {
    let url: http::Uri = url.parse().ok()?;
    let path = url.path().strip_prefix("/api/v3").unwrap_or(url.path());
    let mut segments = path.strip_prefix("/repos/")?.split('/');
    let mut next = || segments.next().unwrap_or_default();
    let (owner, name, actions, runs, id, rule) = (next(), next(), next(), next(), next(), next());
    let is_ours = owner.eq_ignore_ascii_case(&repository.owner) && name.eq_ignore_ascii_case(&repository.name);
    let is_callback = (actions, runs, rule) == ("actions", "runs", "deployment_protection_rule");
    (is_ours && is_callback && segments.next().is_none()).then(|| id.parse().ok()).flatten()
}
