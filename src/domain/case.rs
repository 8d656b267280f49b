//! What an approval request is about, and everything that is shown about it.

use serde::{Deserialize, Serialize};
use serde_json::json;

use super::basis::Basis;
use super::decide::Judgement;
use super::digest::Digest;
use super::facts::{Base, Facts, Gap};
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
    /// Other policies that hold besides.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub also: Vec<Also>,
    /// Whether nothing can be seen of the organization's rules, and never could.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub organization_is_hidden: bool,
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
    /// Set when the organization's rules were not in force here before.
    #[serde(skip)]
    pub organization_is_new: bool,
    /// Everything that was learned, until it is stored beside the case.
    #[serde(skip)]
    pub facts: Option<Box<Facts>>,
    /// What the judgement rests on, until the opening has told the ledger.
    #[serde(skip)]
    pub basis: Option<Box<Basis>>,
}

/// Another policy that holds besides the repository's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Also {
    /// Whose.
    pub whose: Whose,
    /// Where its rules came from.
    #[serde(flatten)]
    pub origin: Origin,
    /// Digest of the rules.
    pub digest: Digest,
}

/// Whose policy holds besides the repository's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Whose {
    /// The organization's: a repository can only add to it.
    Organization,
    /// The repository's own at the last good deployment, when what is held changes it: who changes the rules is judged by
    /// those before, too.
    Before,
}

impl Case {
    /// Whether a policy file is broken.
    #[must_use]
    pub fn has_broken_policy(&self) -> bool {
        let origins = self.also.iter().map(|also| &also.origin).chain([&self.policy]);
        origins.filter_map(Origin::errors).next().is_some()
    }

    /// Digest of everything an approver is shown: a release is bound to it (P3). An auditor makes it again from the opening,
    /// which names the judgement by its own digest; messages, which that is over, are not recorded.
    #[must_use]
    pub fn digest(&self) -> Digest {
        self.digest_over(&self.judgement_digest())
    }

    /// The same for whoever has made the digest of this judgement already.
    #[must_use]
    pub fn digest_over(&self, judgement: &Digest) -> Digest {
        Digest::of_json(&json!({
            "subject": self.subject.digest(),
            "policy": self.policy_digest,
            "also": self.also.iter().map(|also| &also.digest).collect::<Vec<_>>(),
            "base": to_json(&self.base),
            "gaps": to_json(&self.gaps),
            "judgement": judgement,
        }))
    }

    /// Digest of the whole judgement.
    #[must_use]
    pub fn judgement_digest(&self) -> Digest {
        Digest::of_json(&to_json(&self.judgement))
    }
}
