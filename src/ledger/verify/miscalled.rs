//! What GitHub was told, or is said to have answered, otherwise than it can be.
use thiserror::Error;

use crate::ledger::record::RecordType;

/// A callback that does not follow from its decision, or does not go on as a callback does.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum Miscalled {
    /// P5.
    #[error("callback.sent comes before decision.recorded")]
    Undecided,
    /// GitHub was told something else than was decided.
    #[error("callback.sent says {sent}, but the decision was {outcome}")]
    State {
        /// What was sent.
        sent: &'static str,
        /// What was decided.
        outcome: &'static str,
    },
    /// One decision was used twice.
    #[error("callback.sent comes twice for one decision; a decision leaves once")]
    Twice,
    /// P3.
    #[error(
        "callback.sent is for attempt {attempt} of the run at commit {head_sha}, but request.opened is about another"
    )]
    Attempt {
        /// Which attempt GitHub was told about.
        attempt: u64,
        /// And its commit.
        head_sha: String,
    },
    /// The run had ended.
    #[error("callback.sent says that the run was completed when it was looked at: then nobody is told anything")]
    ToNobody,
    /// An answer without a question.
    #[error("callback.result comes before callback.sent")]
    AnswerUnsent,
    /// GitHub was told something else.
    #[error("callback.result says that GitHub was told {told}, but the decision was {outcome}")]
    AnswerOf {
        /// What it says.
        told: &'static str,
        /// What was decided.
        outcome: &'static str,
    },
    /// A callback ends once.
    #[error("{0} comes after GitHub answered, or after the callback was given up: no server goes on from there")]
    AfterItsEnd(RecordType),
    /// Nothing was to be told.
    #[error("effect.failed says that the callback was given up, but nothing is decided that GitHub could be told")]
    GivenUpUndecided,
}
