//! The life of an approval request, as a state machine: (request, event, now) → what changes.

use serde::{Deserialize, Serialize};
use serde_json::json;

use super::Millis;
use super::decide::{self, Judgement, Refusal, Standing};
use super::digest::Digest;
use super::effect::{Effect, Urgency};
use super::event::{Channel, Event, Receipt, Reviewed, Sending, Verdict};
use super::facts::{Base, Gap};
use super::gate::{RequestId, Subject};
use super::people::Account;
use super::policy::Origin;
use super::record::{Record, to_json};

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

/// An approval request: what is held, and how far it has come.
#[derive(Clone, Debug)]
pub struct Request {
    /// Its name.
    pub id: RequestId,
    /// Digest of what is shown.
    pub digest: Digest,
    /// What is held.
    pub case: std::sync::Arc<Case>,
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
    /// The newest reviews that did not count, shown to those who made them.
    #[serde(default)]
    pub refused: Vec<Refused>,
    /// The check run that shows the request.
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

/// What one event changes. All of it is written in one transaction, or nothing.
#[derive(Clone, Debug, Default)]
pub struct Change {
    /// A request that did not exist before.
    pub opened: Option<Request>,
    /// Ids of the given requests that were changed.
    pub changed: Vec<RequestId>,
    /// Entries for the ledger, in order.
    pub records: Vec<(RequestId, Record)>,
    /// Calls that are owed now.
    pub effects: Vec<(RequestId, Effect, Urgency)>,
    /// Whether a decision may leave now; only [`Event::Sending`] asks.
    pub send: Option<Answer>,
}

/// How many refused reviews the check run remembers. The ledger has them all.
const REFUSALS_SHOWN: usize = 5;

/// Applies an event to the requests it touches.
///
/// `locked` holds every request that [`Event::touches`] names and that exists, under a write lock.
#[must_use]
pub fn step(event: Event, locked: &mut [Request], now: Millis) -> Change {
    let mut change = Change::default();
    match event {
        Event::Held(case) => open(*case, locked, now, &mut change),
        Event::RunEnded { run: _, attempt } => {
            for request in locked.iter_mut().filter(|r| r.is_pending() && r.case.subject.run_attempt <= attempt) {
                request.close(Outcome::Withdrawn, now, &mut change);
            }
        }
        Event::Reviewed(reviewed) => {
            if let Some(request) = find(locked, &reviewed.request) {
                request.review(*reviewed, now, &mut change);
            }
        }
        Event::Refreshed(id) => {
            if let Some(request) = find(locked, &id) {
                change.effects.push((request.id.clone(), Effect::CheckRun, Urgency::Answer));
            }
        }
        Event::Due(id) => {
            if let Some(request) = find(locked, &id)
                && request.is_pending()
                && request.life.expires_at.is_some_and(|at| at <= now)
            {
                request.decide(Outcome::Expired, now, &mut change);
            }
        }
        Event::Sending(sending) => {
            if let Some(request) = find(locked, &sending.request) {
                request.send(*sending, now, &mut change);
            }
        }
        Event::Done { request, effect, receipt } => {
            if let Some(request) = find(locked, &request) {
                request.done(effect, receipt, &mut change);
            }
        }
        Event::GaveUp { request, effect, error } => {
            if let Some(request) = find(locked, &request) {
                request.gave_up(effect, &error, &mut change);
            }
        }
    }
    change
}

fn find<'a>(locked: &'a mut [Request], id: &RequestId) -> Option<&'a mut Request> {
    locked.iter_mut().find(|request| request.id == *id)
}

fn open(case: Case, locked: &mut [Request], now: Millis, change: &mut Change) {
    let id = case.subject.request_id();
    if locked.iter().any(|request| request.id == id) {
        return; // A redelivery: the request is there already.
    }
    let replaced = |older: &Request| older.is_pending() && older.case.subject.environment == case.subject.environment;
    for older in locked.iter_mut().filter(|older| replaced(older)) {
        older.close(Outcome::Superseded, now, change);
    }
    let expires_at = case.judgement.expires_after.map(|after| now.saturating_add(after));
    let mut request = Request {
        id: id.clone(),
        digest: case.digest(),
        life: Life { opened_at: now, expires_at, ..Life::default() },
        case: std::sync::Arc::new(case),
    };
    change.records.push((id.clone(), request.opened_record()));
    if request.case.policy_is_new {
        change.records.push((id.clone(), request.policy_record()));
    }
    if request.case.run_over {
        request.close(Outcome::Withdrawn, now, change);
        change.effects.retain(|(of, ..)| *of != id); // Nothing was shown, nothing needs to be taken back.
    } else if request.case.judgement.asks() {
        change.effects.push((id.clone(), Effect::CheckRun, Urgency::Opening));
        change.effects.push((id.clone(), Effect::Note, Urgency::Note));
    } else {
        request.decide(Outcome::NotRequired, now, change);
    }
    if request.case.policy.error().is_some() {
        change.effects.push((id, Effect::PolicyCheck, Urgency::Opening));
    }
    change.changed.retain(|changed| *changed != request.id);
    change.opened = Some(request);
}

impl Request {
    /// Whether it still waits for a human.
    #[must_use]
    pub fn is_pending(&self) -> bool {
        self.life.outcome.is_none()
    }

    fn review(&mut self, reviewed: Reviewed, now: Millis, change: &mut Change) {
        let Reviewed { by, verdict, via, .. } = reviewed;
        let why = self.refusals(&by, verdict);
        if !why.is_empty() {
            self.refuse(by.account, verdict, why, now, change);
            return;
        }
        self.touch(change);
        self.void("denied", change);
        change.records.push((self.id.clone(), self.review_record(&by, verdict, via)));
        match verdict {
            Verdict::Deny => {
                self.life.denied_by = Some(by.account);
                self.decide(Outcome::Denied, now, change);
            }
            Verdict::Approve => {
                self.life.approvals.push(Approval { by, via, at: now });
                if decide::is_met(&self.tally()) {
                    self.decide(Outcome::Approved, now, change);
                } else {
                    change.effects.push((self.id.clone(), Effect::CheckRun, Urgency::Answer));
                }
            }
        }
    }

    /// Why this review does not count; empty when it does.
    fn refusals(&self, by: &Standing, verdict: Verdict) -> Vec<Refusal> {
        // Deny wins until the decision has left.
        let too_late = match verdict {
            Verdict::Approve => self.life.outcome.is_some(),
            Verdict::Deny => {
                self.life.outcome.is_some()
                    && !(self.life.outcome == Some(Outcome::Approved) && self.life.callback == Callback::Owed)
            }
        };
        if too_late {
            return vec![Refusal::Closed];
        }
        match verdict {
            Verdict::Approve => {
                let mut why = decide::obstacles(&self.case.judgement, by);
                if self.life.approvals.iter().any(|a| a.by.account.id == by.account.id) {
                    why.push(Refusal::AlreadyApproved);
                }
                why
            }
            Verdict::Deny if decide::may_deny(&self.case.judgement, by) => Vec::new(),
            Verdict::Deny => vec![Refusal::NoAccess],
        }
    }

    fn refuse(&mut self, by: Account, verdict: Verdict, why: Vec<Refusal>, now: Millis, change: &mut Change) {
        self.touch(change);
        let record = Record::new(
            "attempt.refused",
            json!({
                "request_digest": self.digest,
                "reviewer": to_json(&by),
                "verdict": to_json(&verdict),
                "why": to_json(&why),
            }),
        );
        change.records.push((self.id.clone(), record));
        change.effects.push((self.id.clone(), Effect::CheckRun, Urgency::Answer));
        self.remember_refusal(Refused { by, verdict, why, at: now });
    }

    fn remember_refusal(&mut self, refused: Refused) {
        self.life.refused.push(refused);
        let surplus = self.life.refused.len().saturating_sub(REFUSALS_SHOWN);
        self.life.refused.drain(..surplus);
    }

    /// How far each requirement is met.
    #[must_use]
    pub fn tally(&self) -> Vec<decide::Met> {
        let approvals: Vec<Standing> = self.life.approvals.iter().map(|a| a.by.clone()).collect();
        decide::tally(&self.case.judgement, &approvals)
    }

    /// Decides, and owes GitHub the answer.
    fn decide(&mut self, outcome: Outcome, now: Millis, change: &mut Change) {
        self.settle(outcome, now, change);
        self.life.callback = Callback::Owed;
        change.effects.push((self.id.clone(), Effect::Callback, Urgency::Decision));
        if outcome != Outcome::NotRequired {
            change.effects.push((self.id.clone(), Effect::CheckRun, Urgency::Answer));
        }
    }

    /// Ends without an answer: GitHub no longer asks.
    fn close(&mut self, outcome: Outcome, now: Millis, change: &mut Change) {
        self.settle(outcome, now, change);
        self.life.callback = Callback::None;
        change.effects.push((self.id.clone(), Effect::CheckRun, Urgency::Answer));
    }

    fn settle(&mut self, outcome: Outcome, now: Millis, change: &mut Change) {
        self.touch(change);
        self.void(outcome.as_str(), change);
        self.life.outcome = Some(outcome);
        self.life.decided_at = Some(now);
        change.records.push((self.id.clone(), self.decision_record(outcome)));
    }

    /// Takes back a decision that has not left, if there is one: the request waits as before.
    fn void(&mut self, why: &str, change: &mut Change) {
        if self.life.outcome.take().is_some() {
            self.life.decided_at = None;
            self.life.callback = Callback::None;
            change.records.push((self.id.clone(), self.voided_record(why)));
        }
    }

    /// Looks at the world once more, and lets the decision leave only if it still holds (P1, P3).
    fn send(&mut self, sending: Sending, now: Millis, change: &mut Change) {
        let Some(answer) = self.life.outcome.and_then(Outcome::answer) else { return };
        match self.life.callback {
            Callback::None | Callback::Delivered | Callback::Failed => return,
            Callback::Sent => {
                // Written down before, perhaps by a process that died: say the same again.
                change.send = Some(answer);
                return;
            }
            Callback::Owed => {}
        }
        let subject = &self.case.subject;
        if sending.run.attempt != subject.run_attempt || sending.run.head_sha != subject.head_sha {
            return self.close(Outcome::Superseded, now, change);
        }
        if sending.run.status == "completed" {
            return self.close(Outcome::Withdrawn, now, change);
        }
        if self.life.outcome == Some(Outcome::Approved) {
            self.strike(&sending, now, change);
            if self.is_pending() {
                change.effects.push((self.id.clone(), Effect::CheckRun, Urgency::Answer));
                return;
            }
        }
        self.touch(change);
        self.life.callback = Callback::Sent;
        change.records.push((
            self.id.clone(),
            Record::new(
                "callback.sent",
                json!({
                    "request_digest": self.digest,
                    "state": answer.as_github_state(),
                    "attempt_checked": {
                        "attempt": sending.run.attempt,
                        "head_sha": sending.run.head_sha,
                        "status": sending.run.status,
                    },
                }),
            ),
        ));
        change.send = Some(answer);
    }

    /// Strikes approvals of people who may no longer give them (P1). When too few are left, the request waits again.
    fn strike(&mut self, sending: &Sending, now: Millis, change: &mut Change) {
        let (mut kept, mut struck) = (Vec::new(), Vec::new());
        for approval in std::mem::take(&mut self.life.approvals) {
            match self.lost(&approval, sending) {
                why if why.is_empty() => kept.push(approval),
                why => struck.push((approval.by.account, why)),
            }
        }
        self.life.approvals = kept;
        if struck.is_empty() {
            return;
        }
        self.touch(change);
        self.void("approval_struck", change);
        for (account, why) in struck {
            let record = Record::new("review.struck", json!({ "reviewer": to_json(&account), "why": to_json(&why) }));
            change.records.push((self.id.clone(), record));
            self.remember_refusal(Refused { by: account, verdict: Verdict::Approve, why, at: now });
        }
        if decide::is_met(&self.tally()) {
            self.settle(Outcome::Approved, now, change);
        }
    }

    /// Why an approval no longer counts, by what GitHub says now; empty when it still does.
    fn lost(&self, approval: &Approval, sending: &Sending) -> Vec<Refusal> {
        let Some(now) = sending.approvers.iter().find(|s| s.account.id == approval.by.account.id) else {
            return vec![Refusal::NoAccess];
        };
        let mut why = decide::obstacles(&self.case.judgement, now);
        let started = |account: &Option<Account>| account.as_ref().is_some_and(|a| a.id == now.account.id);
        let joined = sending.run.attempts.iter().any(|a| started(&a.actor) || started(&a.triggering_actor));
        if joined && why.is_empty() {
            why.push(Refusal::Party { because: Vec::new() });
        }
        why
    }

    fn done(&mut self, effect: Effect, receipt: Receipt, change: &mut Change) {
        match effect {
            Effect::Callback if self.life.callback == Callback::Sent => {
                self.touch(change);
                self.life.callback = Callback::Delivered;
                let state = self.life.outcome.and_then(Outcome::answer).map(Answer::as_github_state);
                let record = Record::new(
                    "callback.result",
                    json!({
                        "request_digest": self.digest,
                        "state": state,
                        "status": receipt.status,
                        "github_request_id": receipt.github_request_id,
                    }),
                );
                change.records.push((self.id.clone(), record));
            }
            Effect::CheckRun if receipt.check_run_id.is_some() && receipt.check_run_id != self.life.check_run_id => {
                self.touch(change);
                self.life.check_run_id = receipt.check_run_id;
            }
            Effect::Callback | Effect::CheckRun | Effect::Note | Effect::PolicyCheck => {}
        }
    }

    fn gave_up(&mut self, effect: Effect, error: &str, change: &mut Change) {
        self.touch(change);
        if effect == Effect::Callback {
            self.life.callback = Callback::Failed;
            change.effects.push((self.id.clone(), Effect::CheckRun, Urgency::Answer));
        }
        if !self.life.failed.contains(&effect) {
            self.life.failed.push(effect);
        }
        let record = Record::new(
            "effect.failed",
            json!({ "request_digest": self.digest, "effect": effect.as_str(), "error": error }),
        );
        change.records.push((self.id.clone(), record));
    }

    fn touch(&self, change: &mut Change) {
        if !change.changed.contains(&self.id) {
            change.changed.push(self.id.clone());
        }
    }
}

mod records;
#[cfg(test)]
mod tests;
