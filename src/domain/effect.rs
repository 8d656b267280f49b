//! What must go out because of a decision.

use serde::{Deserialize, Serialize};

/// An outward call that is owed for a request.
///
/// An effect says what to bring about, not what to send: when it is performed, it shows the request as it is then. So a
/// check run whose opening waited behind a decision is written once, already closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Effect {
    /// Tell GitHub to release or reject the deployment.
    Callback,
    /// Make the check run show the request as it stands.
    CheckRun,
    /// Say on the waiting run what it waits for.
    Note,
    /// Show what is wrong with the policy file, as a failing check run.
    PolicyCheck,
}

/// Who goes first when GitHub lets us write only so often. Smaller goes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Urgency {
    /// A decision: a deployment waits for it.
    Decision = 0,
    /// The answer to somebody who just clicked, or the result of a decision.
    Answer = 1,
    /// A new request.
    Opening = 2,
    /// Nice to have.
    Note = 3,
}

impl Effect {
    /// All kinds.
    pub const ALL: [Self; 4] = [Self::Callback, Self::CheckRun, Self::Note, Self::PolicyCheck];

    /// Its name in storage and in the ledger.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Callback => "callback",
            Self::CheckRun => "check_run",
            Self::Note => "note",
            Self::PolicyCheck => "policy_check",
        }
    }

    /// The effect with this name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|effect| effect.as_str() == name)
    }
}
