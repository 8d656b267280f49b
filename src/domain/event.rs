//! What came in, once the facts for it are gathered.

use serde::{Deserialize, Serialize};

use super::case::Case;
use super::decide::Standing;
use super::digest::{Digest, Tag};
use super::effect::Effect;
use super::facts::Run;
use super::gate::{RequestId, RunKey};
use super::policy::Assurance;

/// Something that happened and may change requests.
#[derive(Clone, Debug)]
pub enum Event {
    /// GitHub holds a deployment and asks us.
    Held(Box<Case>),
    /// A human spoke.
    Reviewed(Box<Reviewed>),
    /// The check run was asked for again.
    Refreshed(RequestId),
    /// People see the request on this check run, which may be another than the one that was written down.
    SeenOn {
        /// Which request.
        request: RequestId,
        /// The check run.
        check_run_id: u64,
    },
    /// The request's time may be over.
    Due(RequestId),
    /// The rules, or who is who, may have changed: a request was judged again.
    Rejudged(Box<Rejudged>),
    /// Everybody who could approve a request was counted, and these rules nobody is left to meet.
    NobodyLeft {
        /// Which request.
        request: RequestId,
        /// The rules' names.
        rules: Vec<String>,
    },
    /// The run ended, whatever we thought of it.
    RunEnded {
        /// The run.
        run: RunKey,
        /// The attempt that ended; later attempts are another matter.
        attempt: u32,
    },
    /// A decision is about to be sent, and the world was looked at once more.
    Sending(Box<Sending>),
    /// An effect was brought about.
    Done {
        /// Whose.
        request: RequestId,
        /// Which.
        effect: Effect,
        /// What GitHub answered.
        receipt: Receipt,
    },
    /// An effect was given up.
    GaveUp {
        /// Whose.
        request: RequestId,
        /// Which.
        effect: Effect,
        /// The last error, without secrets.
        error: String,
    },
}

/// One human's word on a request.
#[derive(Clone, Debug)]
pub struct Reviewed {
    /// On what.
    pub request: RequestId,
    /// Who, and what GitHub says of them now.
    pub by: Standing,
    /// What they said.
    pub verdict: Verdict,
    /// How it reached us.
    pub via: Channel,
    /// Which page they saw: the [`Digest::tag`] it was shown with. `None` where the page does not say.
    pub saw: Option<Tag>,
}

/// Approve or deny.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Second it.
    Approve,
    /// Refuse it.
    Deny,
}

/// How a review reached us.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Channel {
    /// A button of the check run.
    CheckRun,
}

impl Channel {
    /// How sure it is that it was them.
    #[must_use]
    pub fn assurance(self) -> Assurance {
        match self {
            Self::CheckRun => Assurance::Click,
        }
    }
}

/// A request judged again by the rules as they are now, from the facts it was opened with.
#[derive(Clone, Debug)]
pub struct Rejudged {
    /// Which.
    pub request: RequestId,
    /// Digest of what was shown when somebody began to judge it again.
    pub from: Digest,
    /// What is held, judged again.
    pub case: Case,
    /// What GitHub says now of everybody who approved.
    pub approvers: Vec<Standing>,
}

/// The world right before a decision leaves: read after the decision was made.
#[derive(Clone, Debug)]
pub struct Sending {
    /// Whose decision.
    pub request: RequestId,
    /// The run as it is now.
    pub run: Run,
    /// What GitHub says now of everybody who approved.
    pub approvers: Vec<Standing>,
    /// Whether a human who clicked waits for it.
    pub is_awaited: bool,
}

/// What GitHub answered to an effect.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Receipt {
    /// HTTP status; 0 when GitHub had it already and nothing was sent.
    pub status: u16,
    /// GitHub's own name for the exchange (`x-github-request-id`).
    pub github_request_id: Option<String>,
    /// The check run that was created, or found, and shows the request from here on; absent when one was updated that was known.
    pub check_run_id: Option<u64>,
}

impl Event {
    /// The requests that have to be locked before the event can be decided on: by id, and by run.
    #[must_use]
    pub fn touches(&self) -> (Vec<RequestId>, Vec<RunKey>) {
        match self {
            Self::Held(case) => (Vec::new(), vec![case.subject.run_key()]),
            Self::Reviewed(reviewed) => (vec![reviewed.request.clone()], Vec::new()),
            Self::Sending(sending) => (vec![sending.request.clone()], Vec::new()),
            Self::Rejudged(rejudged) => (vec![rejudged.request.clone()], Vec::new()),
            Self::Refreshed(request)
            | Self::SeenOn { request, .. }
            | Self::NobodyLeft { request, .. }
            | Self::Due(request)
            | Self::Done { request, .. }
            | Self::GaveUp { request, .. } => (vec![request.clone()], Vec::new()),
            Self::RunEnded { run, .. } => (Vec::new(), vec![run.clone()]),
        }
    }
}
