//! What GitHub sends us: is it GitHub's, is it ours, what does it say.
//!
//! Payloads are read through types of our own that name only what is used. Unknown fields, nulls and new enum values
//! never break them; what is indispensable and missing is named in [`Unusable`].

use serde::{Deserialize, Serialize};

mod payload;
mod rules;
mod secrets;

use payload::Payload;
pub use rules::{PullRequestChanged, RulesChange, RulesMayHaveChanged};
pub use secrets::Secrets;

use crate::domain::gate::{Repository, Tenant};
use crate::domain::people::Account;

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

#[cfg(test)]
mod tests;
