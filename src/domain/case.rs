//! What an approval request is about, and everything that is shown about it.

use serde::{Deserialize, Serialize};
use serde_json::json;

use super::basis::Basis;
use super::decide::Judgement;
use super::digest::Digest;
use super::facts::{Base, Gap};
use super::gate::Subject;
use super::people::Account;
use super::policy::Origin;
use super::record::to_json;

/// What is held and everything that is shown about it. Never changes once the request is open (P3).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Case {
    /// The exact thing.
    pub subject: Subject,
    /// The deployment GitHub made for it, when it said which.
    pub deployment_id: Option<u64>,
    /// What the run is called.
    pub run_name: String,
    /// The event that started the run.
    pub run_event: String,
    /// Page of the run.
    pub run_url: String,
    /// Branch of the run.
    pub head_branch: Option<String>,
    /// Who caused the run.
    pub actor: Option<Account>,
    /// Who caused this attempt.
    pub triggering_actor: Option<Account>,
    /// The last good deployment.
    pub base: Option<Base>,
    /// What could not be learned.
    pub gaps: Vec<Gap>,
    /// Where the rules came from.
    pub policy: Origin,
    /// Digest of the rules.
    pub policy_digest: Digest,
    /// What the rules say.
    pub judgement: Judgement,
    /// The webhook delivery that brought it.
    pub delivery: String,
    /// Whether the run had ended before we could look: nobody needs to be asked.
    #[serde(default)]
    pub run_over: bool,
    /// Set when these rules were not in force here before: they get an entry of their own.
    #[serde(skip)]
    pub policy_is_new: bool,
    /// What the judgement rests on, until the opening has told the ledger.
    #[serde(skip)]
    pub basis: Option<Box<Basis>>,
}

impl Case {
    /// Digest of everything an approver is shown: a release is bound to it (P3).
    #[must_use]
    pub fn digest(&self) -> Digest {
        Digest::of_json(&json!({
            "subject": self.subject.digest(),
            "policy": self.policy_digest,
            "base": to_json(&self.base),
            "gaps": to_json(&self.gaps),
            "judgement": to_json(&self.judgement),
        }))
    }
}
