//! What is held: the gate's subject and its digest.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::json;

use super::digest::Digest;

/// The GitHub account an installation belongs to. One ledger each.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Tenant {
    /// Numeric account id of the owner (user or organization): survives renames and re-installation.
    pub account_id: u64,
    /// The owner's login when the event arrived; for display only.
    pub login: String,
    /// The installation through which this tenant is reached now.
    pub installation_id: u64,
}

/// A repository, known by its id; the name is what it was called when the event arrived.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Repository {
    /// Numeric id: survives renames and transfers.
    pub id: u64,
    /// Owner's login.
    pub owner: String,
    /// Name without the owner.
    pub name: String,
}

impl Repository {
    /// `owner/name`, as people write it.
    #[must_use]
    pub fn full_name(&self) -> String {
        format!("{}/{}", self.owner, self.name)
    }
}

/// The exact thing that waits: one environment of one attempt of one workflow run at one commit (P3).
///
/// A re-run, another commit or another environment is another subject and therefore another request.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Subject {
    /// Whose it is.
    pub tenant: Tenant,
    /// Where it runs.
    pub repository: Repository,
    /// The environment's name, exactly as GitHub sent it.
    pub environment: String,
    /// Workflow run.
    pub run_id: u64,
    /// Attempt of that run, counted from 1.
    pub run_attempt: u32,
    /// The commit the run was started for.
    pub head_sha: String,
}

impl Subject {
    /// Digest of what identifies the subject. Logins and names are left out: they can change without it changing.
    #[must_use]
    pub fn digest(&self) -> Digest {
        Digest::of_json(&json!({
            "gate": "deployment",
            "account": self.tenant.account_id,
            "repository": self.repository.id,
            "environment": self.environment,
            "run": self.run_id,
            "attempt": self.run_attempt,
            "sha": self.head_sha,
        }))
    }

    /// The request this subject leads to. Derived, not drawn: two webhooks for one subject meet in one request.
    #[must_use]
    pub fn request_id(&self) -> RequestId {
        RequestId(self.digest().as_str().chars().take(32).collect())
    }

    /// The request for another deployment of the same subject, when the first request is used up.
    #[must_use]
    pub fn request_id_for(&self, deployment_id: u64) -> RequestId {
        let digest = Digest::of_json(&json!({ "subject": self.digest(), "deployment": deployment_id }));
        RequestId(digest.as_str().chars().take(32).collect())
    }

    /// The run, whatever its attempt.
    #[must_use]
    pub fn run_key(&self) -> RunKey {
        RunKey::of(&self.repository, self.run_id)
    }
}

/// Names an approval request: the first 128 bits of its subject's digest, in hex.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RequestId(String);

impl RequestId {
    /// Takes an id that came from outside (a check run's `external_id`, a command line).
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        (text.len() == 32 && text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b)))
            .then(|| Self(text.to_owned()))
    }

    /// The hex digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Names a workflow run: what its attempts and environments have in common.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RunKey(String);

impl RunKey {
    /// The key of this run of this repository.
    #[must_use]
    pub fn of(repository: &Repository, run_id: u64) -> Self {
        Self(format!("{}/{run_id}", repository.id))
    }

    /// As stored.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}
