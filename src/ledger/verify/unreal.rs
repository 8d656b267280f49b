//! What an entry tells and no server met with: a release that nothing held, people who were not to be let in, a reason
//! nobody has, a number that is skipped.
use thiserror::Error;

use super::who::AccountId;
use crate::ledger::record::RecordType;

/// A happening that does not follow from what came before it.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum Unreal {
    /// Nobody's software.
    #[error("it was written by {0:?}, which is no version of seconder (seconder/X.Y.Z)")]
    Software(String),
    /// Only what leaves can be held.
    #[error("release.held comes where no decision to release waits to leave")]
    NothingToHold,
    /// Held by the switch that nobody threw, or by a freeze that there is not.
    #[error("release.held says that {by} holds it, but by the newest judgement that does not then")]
    HeldByNothing {
        /// What it says.
        by: String,
    },
    /// An instant that was over before.
    #[error(
        "{what} says that it waited {waited} milliseconds, which has not passed since it last did something ({before})"
    )]
    WaitedBefore {
        /// Which entry.
        what: RecordType,
        /// What it says, in milliseconds.
        waited: u64,
        /// How long it had waited then, in milliseconds.
        before: u64,
    },
    /// People whom nobody asks later.
    #[error(
        "request.escalated lets in others than the newest judgement does between {before} and {waited} milliseconds"
    )]
    LetIn {
        /// How long it had waited before, in milliseconds.
        before: u64,
        /// How long it has waited, in milliseconds.
        waited: u64,
    },
    /// A rule that asks nothing.
    #[error("request.unmeetable names the rule {0:?}, which asks nothing of the request")]
    Unasked(String),
    /// Nothing new.
    #[error("request.unmeetable says what was said before")]
    UnmeetableAsBefore,
    /// An entry is not there.
    #[error(
        "its id says that it is number {number} of the request, but number {next} comes next: an entry was left out"
    )]
    LeftOut {
        /// What it says.
        number: u64,
        /// The one that comes next.
        next: u64,
    },
    /// Nothing was there.
    #[error("review.weighed weighs an approval of {0}, who has none that stands")]
    NothingToWeigh(AccountId),
    /// A decision is taken back, and what for does not happen.
    #[error("decision.voided says {why}, but what follows at that moment is {next}, which is no reason for it")]
    VoidedForNothing {
        /// What it says.
        why: &'static str,
        /// What follows.
        next: RecordType,
    },
}
