//! What was said or decided, and does not follow from what came before it.
use thiserror::Error;

use super::report::Outcome;
use super::violation::word;
use super::who::AccountId;
use crate::domain::decide::Permission;
use crate::domain::policy::Assurance;

/// A word that does not count, a decision that does not follow from the words before it, or a release that may not leave.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum Unfounded {
    /// Deny wins.
    #[error("{} although {id} denied", .outcome.as_str())]
    DenyOverruled {
        /// What was decided.
        outcome: Outcome,
        /// Who denied.
        id: AccountId,
    },
    /// Who may deny is asked, too.
    #[error("{id} denies with {} access to the repository, who may not", word(*.access))]
    MayNotDeny {
        /// The account.
        id: AccountId,
        /// Its access, as recorded.
        access: Permission,
    },
    /// One human counts once.
    #[error("{0} seconds again, while an approval of theirs stands")]
    ApprovesTwice(AccountId),
    /// The reviewer spoke by a way that is not sure enough.
    #[error("{id} seconds by a {}, which is not sure enough for any requirement that asks them", .spoke.as_str())]
    NotSureEnough {
        /// The account.
        id: AccountId,
        /// How.
        spoke: Assurance,
    },
    /// An approver is left out, or they are shuffled.
    #[error("the decision does not name as approvers exactly those whose approvals stand, in their order")]
    OtherApprovers,
    /// Whoever meets all requirements decides.
    #[error(
        "decided {0} although the approvals that stand met every requirement, and nothing was taken back at that moment"
    )]
    ApprovedPassedOver(&'static str),
    /// A field that this outcome has not.
    #[error("decided {outcome}, but the decision has {field}, which no decision of that outcome has")]
    OfAnotherOutcome {
        /// What was decided.
        outcome: &'static str,
        /// What it has.
        field: &'static str,
    },
    /// It tells of other requirements than were shown.
    #[error("the decision does not tell of exactly those requirements that were shown how far they are met")]
    OtherRequirements,
    /// Nothing may leave.
    #[error("callback.sent releases it, though by the newest judgement nothing may be released (stopped)")]
    ReleasedWhileStopped,
    /// Nothing may leave now.
    #[error(
        "callback.sent releases it at {time} (milliseconds since 1970 UTC), in the freeze {freeze:?} of the newest judgement"
    )]
    ReleasedWhileFrozen {
        /// When, in milliseconds since 1970 UTC.
        time: u64,
        /// Its name.
        freeze: String,
    },
}
