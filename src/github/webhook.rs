//! What GitHub sends us: is it GitHub's, is it ours, what does it say.
//!
//! Payloads are read through types of our own that name only what is used. Unknown fields, nulls and new enum values
//! never break them; what is indispensable and missing is named in [`Unusable`].

use hmac::{Hmac, KeyInit, Mac};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use sha2::Sha256;

mod rules;

pub use rules::{PullRequestChanged, RulesChange, RulesMayHaveChanged};

use super::wire;
use crate::domain::gate::{Repository, Tenant};
use crate::domain::people::Account;

/// The webhook secrets that are accepted; several while one is being replaced.
pub struct Secrets(Vec<SecretString>);

impl Secrets {
    /// Takes the secrets. Empty ones are dropped: a signature made with an empty key proves nothing.
    #[must_use]
    pub fn new(secrets: impl IntoIterator<Item = SecretString>) -> Self {
        Self(secrets.into_iter().filter(|secret| !secret.expose_secret().is_empty()).collect())
    }

    /// Whether there is none, so that nothing can be accepted.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether `header` (`X-Hub-Signature-256: sha256=<hex>`) signs exactly these bytes with one of the secrets.
    /// Compared in constant time.
    ///
    /// <https://docs.github.com/webhooks/using-webhooks/validating-webhook-deliveries>
    #[must_use]
    pub fn verify(&self, body: &[u8], header: &str) -> bool {
        let mut claimed = [0; 32];
        let is_well_formed =
            header.strip_prefix("sha256=").is_some_and(|digits| hex::decode_to_slice(digits, &mut claimed).is_ok());
        is_well_formed
            && self.0.iter().any(|secret| {
                Hmac::<Sha256>::new_from_slice(secret.expose_secret().as_bytes())
                    .is_ok_and(|mac| mac.chain_update(body).verify_slice(&claimed).is_ok())
            })
    }
}

impl std::fmt::Debug for Secrets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Secrets({})", self.0.len())
    }
}

/// Something GitHub told us that the product uses. Small: this is what is stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "incoming", rename_all = "snake_case")]
pub enum Incoming {
    /// A deployment waits for our word.
    DeploymentHeld(DeploymentHeld),
    /// Somebody pressed a button of a check run.
    ButtonPressed(ButtonPressed),
    /// Somebody asked for a check run again.
    CheckRerequested(CheckRerequested),
    /// A run ended.
    RunCompleted(RunCompleted),
    /// What decisions rest on may have changed.
    RulesMayHaveChanged(RulesMayHaveChanged),
    /// A pull request has a new head.
    PullRequestChanged(PullRequestChanged),
}

impl Incoming {
    /// Whether a human waits for what comes of it.
    #[must_use]
    pub fn is_urgent(&self) -> bool {
        matches!(self, Self::ButtonPressed(_))
    }

    /// Whose it is.
    #[must_use]
    pub fn tenant(&self) -> &Tenant {
        match self {
            Self::DeploymentHeld(e) => &e.tenant,
            Self::ButtonPressed(e) => &e.tenant,
            Self::CheckRerequested(e) => &e.tenant,
            Self::RunCompleted(e) => &e.tenant,
            Self::RulesMayHaveChanged(e) => &e.tenant,
            Self::PullRequestChanged(e) => &e.tenant,
        }
    }

    /// Where it happened, unless it is about all of the tenant's repositories.
    #[must_use]
    pub fn repository(&self) -> Option<&Repository> {
        match self {
            Self::DeploymentHeld(e) => Some(&e.repository),
            Self::ButtonPressed(e) => Some(&e.repository),
            Self::CheckRerequested(e) => Some(&e.repository),
            Self::RunCompleted(e) => Some(&e.repository),
            Self::RulesMayHaveChanged(e) => e.repository.as_ref(),
            Self::PullRequestChanged(e) => Some(&e.repository),
        }
    }
}

/// `deployment_protection_rule`: a deployment waits for our word.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeploymentHeld {
    /// Whose it is.
    pub tenant: Tenant,
    /// Where it runs.
    pub repository: Repository,
    /// The environment's name.
    pub environment: String,
    /// The workflow run, read out of the callback URL: the payload has no field for it.
    pub run_id: u64,
    /// The deployment, unless GitHub left it out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deployment_id: Option<u64>,
    /// The same, by GraphQL node id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deployment_node_id: Option<String>,
    /// Who created the deployment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deployment_creator: Option<Account>,
    /// Who caused the event.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sender: Option<Account>,
    /// The commit as the event has it. The run's own word counts; this one may be absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha: Option<String>,
}

/// `check_run.requested_action`: somebody pressed a button.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ButtonPressed {
    /// Whose it is.
    pub tenant: Tenant,
    /// Where.
    pub repository: Repository,
    /// The check run with the button.
    pub check_run_id: u64,
    /// What it is called; rows of earlier versions do not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub check_run_name: Option<String>,
    /// What we wrote into the check run to find the request again.
    pub external_id: String,
    /// The commit the check run is about.
    pub head_sha: String,
    /// Which button.
    pub identifier: String,
    /// Who. GitHub has checked no more than that they may see the button.
    pub sender: Account,
}

/// `check_run.rerequested`: somebody asked for the check run again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckRerequested {
    /// Whose it is.
    pub tenant: Tenant,
    /// Where.
    pub repository: Repository,
    /// The check run.
    pub check_run_id: u64,
    /// What we wrote into the check run to find the request again.
    pub external_id: String,
}

/// `workflow_run.completed`: a run ended, whatever we thought of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunCompleted {
    /// Whose it is.
    pub tenant: Tenant,
    /// Where.
    pub repository: Repository,
    /// The run.
    pub run_id: u64,
    /// The attempt that ended, counted from 1.
    pub attempt: u32,
    /// GitHub's word for how it ended (`success`, `failure`, `cancelled`, …).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub conclusion: Option<String>,
}

/// Why a payload of an event we use cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unusable {
    /// Not JSON, or a field has a type GitHub does not document.
    #[error("the payload cannot be read: {0}")]
    Malformed(String),
    /// A field without which nothing can be done is missing or null.
    #[error("the payload has no {0}")]
    Missing(&'static str),
    /// The callback URL names no run of the payload's own repository.
    #[error("deployment_callback_url does not name a run of {repository}: {url}")]
    Callback {
        /// The repository of the payload.
        repository: String,
        /// The URL, cut to 200 characters.
        url: String,
    },
}

/// Whether the product uses any event of this name (`X-GitHub-Event`). Others need not even be parsed.
#[must_use]
pub fn is_used(event: &str) -> bool {
    matches!(event, "deployment_protection_rule" | "check_run" | "workflow_run") || rules::is_used(event)
}

/// Reads a payload. `Ok(None)`: an event, or an action of one, that the product does not use.
///
/// # Errors
/// [`Unusable`] when the event is one of ours and lacks what is indispensable.
pub fn parse(event: &str, body: &[u8]) -> Result<Option<Incoming>, Unusable> {
    if rules::is_used(event) {
        return rules::parse(event, body);
    }
    if !is_used(event) {
        return Ok(None);
    }
    let payload: Payload = serde_json::from_slice(body).map_err(|error| Unusable::Malformed(error.to_string()))?;
    match (event, payload.action.as_deref().unwrap_or_default()) {
        ("deployment_protection_rule", "requested") => payload.deployment_held().map(Incoming::DeploymentHeld),
        ("check_run", "requested_action") => payload.button_pressed().map(Incoming::ButtonPressed),
        ("check_run", "rerequested") => payload.check_rerequested().map(Incoming::CheckRerequested),
        ("workflow_run", "completed") => payload.run_completed().map(Incoming::RunCompleted),
        _ => return Ok(None),
    }
    .map(Some)
}

/// The fields of the events we use, in one place: no event gives one of them another meaning.
#[derive(Deserialize)]
struct Payload {
    action: Option<String>,
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
struct PayloadRepository {
    id: Option<u64>,
    name: Option<String>,
    owner: Option<wire::User>,
}

#[derive(Deserialize)]
struct Installation {
    id: Option<u64>,
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
fn origin(
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

fn need<T>(value: Option<T>, name: &'static str) -> Result<T, Unusable> {
    value.ok_or(Unusable::Missing(name))
}

impl Payload {
    fn origin(&mut self) -> Result<(Tenant, Repository), Unusable> {
        origin(self.installation.take(), self.repository.take())
    }

    fn deployment_held(mut self) -> Result<DeploymentHeld, Unusable> {
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

    fn button_pressed(mut self) -> Result<ButtonPressed, Unusable> {
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

    fn check_rerequested(mut self) -> Result<CheckRerequested, Unusable> {
        let (tenant, repository) = self.origin()?;
        let check_run = need(self.check_run, "check_run")?;
        Ok(CheckRerequested {
            tenant,
            repository,
            check_run_id: need(check_run.id, "check_run.id")?,
            external_id: check_run.external_id.unwrap_or_default(),
        })
    }

    fn run_completed(mut self) -> Result<RunCompleted, Unusable> {
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

#[cfg(test)]
mod tests;
