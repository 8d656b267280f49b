//! The life of an approval request: what it can be, and in [`step`] how it gets there.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::Millis;
use super::case::Case;
use super::decide::{self, Met, Refusal, Standing, Voice};
use super::digest::Digest;
use super::effect::Effect;
use super::event::{Channel, Verdict};
use super::gate::RequestId;
use super::people::Account;

mod again;
mod decision;
mod open;
mod records;
mod release;
mod review;
#[cfg(test)]
pub(super) mod sequences;
mod step;
#[cfg(test)]
mod tests;
mod timers;

pub use records::{Detail, judged};
pub use step::{Change, step};

/// An approval request: what is held, and how far it has come.
#[derive(Clone, Debug)]
pub struct Request {
    /// Its name.
    pub id: RequestId,
    /// Digest of what is shown.
    pub digest: Digest,
    /// What is held.
    pub case: Arc<Case>,
    /// How far it has come.
    pub life: Life,
}

/// How far a request has come. This is all of it that changes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Life {
    /// When it was opened.
    pub opened_at: Millis,
    /// When it is denied if nobody has decided.
    pub expires_at: Option<Millis>,
    /// Digest of what is shown now, when it was judged again since it was opened.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub judged: Option<Digest>,
    /// How long it had waited when people were last reminded, or when others were last let in to approve.
    #[serde(default)]
    pub waited: Millis,
    /// Approvals that count, one a person.
    #[serde(default)]
    pub approvals: Vec<Approval>,
    /// What was decided.
    pub outcome: Option<Outcome>,
    /// When it was decided.
    pub decided_at: Option<Millis>,
    /// Who denied it.
    pub denied_by: Option<Account>,
    /// How far the decision has come on its way to GitHub.
    #[serde(default)]
    pub callback: Callback,
    /// What keeps a decision from leaving, if something does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub held_back: Option<HeldBack>,
    /// Rules that nobody is left to meet, as far as was counted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub nobody_left: Vec<String>,
    /// The newest reviews that did not count, shown to those who made them.
    #[serde(default)]
    pub refused: Vec<Refused>,
    /// The check run that shows the request. There may be others, which nobody keeps up to date: see [`Event::SeenOn`].
    ///
    /// [`Event::SeenOn`]: super::event::Event::SeenOn
    pub check_run_id: Option<u64>,
    /// Effects that were given up.
    #[serde(default)]
    pub failed: Vec<Effect>,
}

/// An approval that counts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Approval {
    /// Who, and what GitHub said of them at the click.
    pub by: Standing,
    /// How it reached us.
    pub via: Channel,
    /// When.
    pub at: Millis,
}

/// What keeps a decision to release from leaving.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "by", rename_all = "snake_case")]
pub enum HeldBack {
    /// The policy's switch.
    Stop {
        /// Why it was thrown.
        why: String,
    },
    /// A freeze.
    Freeze {
        /// Its name.
        name: String,
        /// When it ends, if it does.
        until: Option<Millis>,
    },
}

/// A review that does not count, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refused {
    /// Who.
    pub by: Account,
    /// What they said.
    pub verdict: Verdict,
    /// Why it does not count.
    pub why: Vec<Refusal>,
    /// When.
    pub at: Millis,
}

/// What became of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Enough different humans seconded it.
    Approved,
    /// A human refused it.
    Denied,
    /// Nobody decided in time.
    Expired,
    /// No rule asks for anybody.
    NotRequired,
    /// A newer attempt or another commit took its place.
    Superseded,
    /// The run ended before anybody decided.
    Withdrawn,
}

impl Outcome {
    /// What GitHub is told, if it is still asking.
    #[must_use]
    pub fn answer(self) -> Option<Answer> {
        match self {
            Self::Approved | Self::NotRequired => Some(Answer::Release),
            Self::Denied | Self::Expired => Some(Answer::Reject),
            Self::Superseded | Self::Withdrawn => None,
        }
    }

    /// Its name in the ledger.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Approved => "approved",
            Self::Denied => "denied",
            Self::Expired => "expired",
            Self::NotRequired => "not_required",
            Self::Superseded => "superseded",
            Self::Withdrawn => "withdrawn",
        }
    }
}

/// What GitHub is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// Let the deployment run.
    Release,
    /// Fail the job.
    Reject,
}

impl Answer {
    /// GitHub's word for it (`state` of the callback).
    #[must_use]
    pub fn as_github_state(self) -> &'static str {
        match self {
            Self::Release => "approved",
            Self::Reject => "rejected",
        }
    }
}

/// How far a decision has come on its way to GitHub.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Callback {
    /// Nothing to say (yet).
    #[default]
    None,
    /// Decided, not sent.
    Owed,
    /// Written down as sent; GitHub may or may not have it. From here on nothing changes the decision.
    Sent,
    /// GitHub has it.
    Delivered,
    /// Given up; a human must look.
    Failed,
}

impl Request {
    /// Whether it still waits for a human.
    #[must_use]
    pub fn is_pending(&self) -> bool {
        self.life.outcome.is_none()
    }

    /// Whether something is still to come: a human's word, or our answer.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.is_pending() || matches!(self.life.callback, Callback::Owed | Callback::Sent)
    }

    /// How far each requirement is met.
    #[must_use]
    pub fn tally(&self) -> Vec<Met> {
        decide::tally(&self.case.judgement, &self.voices(), self.life.waited)
    }

    /// Everybody whose approval counts so far.
    #[must_use]
    pub fn voices(&self) -> Vec<Voice<'_>> {
        let approvals = self.life.approvals.iter();
        approvals.map(|a| Voice { standing: &a.by, assurance: a.via.assurance() }).collect()
    }

    /// When something is to be done about it, if nobody does anything before.
    #[must_use]
    pub fn next_due(&self) -> Option<Millis> {
        let step = timers::after(&self.case.judgement, self.life.waited)
            .next()
            .map(|step| self.life.opened_at.saturating_add(step));
        [self.life.expires_at, step].into_iter().flatten().min()
    }
}
