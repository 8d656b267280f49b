//! A decision leaves: looked at once more, written down as sent, and what became of it and of the other calls that were owed.

use serde_json::json;

use super::{Answer, Approval, Callback, Change, Outcome, Request};
use crate::domain::Millis;
use crate::domain::decide::{self, Refusal};
use crate::domain::effect::{Effect, Urgency};
use crate::domain::event::{Receipt, Sending};
use crate::domain::facts::Run;
use crate::domain::people::Account;
use crate::domain::record::Record;

impl Request {
    /// Looks at the world once more, and lets the decision leave only if it still holds (P1, P3).
    pub(super) fn send(&mut self, sending: Sending, now: Millis, change: &mut Change) {
        let Some(answer) = self.life.outcome.and_then(Outcome::answer) else { return };
        match self.life.callback {
            Callback::None | Callback::Delivered | Callback::Failed => return,
            Callback::Sent => {
                // Written down before; GitHub may or may not have it. It may be said again only where nothing has changed.
                if self.has_moved_on(&sending.run)
                    || self.life.approvals.iter().any(|a| !self.lost(a, &sending).is_empty())
                {
                    let error =
                        "nobody knows whether GitHub got the decision, and since then the run or an approver changed";
                    return self.gave_up(Effect::Callback, error, change);
                }
                if answer == Answer::Release && self.hold_back(now, change) {
                    return;
                }
                change.send = Some(answer);
                return;
            }
            Callback::Owed => {}
        }
        if self.has_moved_on(&sending.run) {
            let is_over = self.is_same_attempt(&sending.run);
            return self.close(if is_over { Outcome::Withdrawn } else { Outcome::Superseded }, now, change);
        }
        if self.life.outcome == Some(Outcome::Approved) {
            self.strike(&sending, now, change);
            if self.is_pending() {
                change.effects.push((self.id.clone(), Effect::CheckRun, Urgency::Answer));
                return;
            }
        }
        if answer == Answer::Release && self.hold_back(now, change) {
            return;
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

    fn is_same_attempt(&self, run: &Run) -> bool {
        run.attempt == self.case.subject.run_attempt && run.head_sha == self.case.subject.head_sha
    }

    /// Whether the run is no longer the one that was shown, or no longer waits (P3).
    fn has_moved_on(&self, run: &Run) -> bool {
        !self.is_same_attempt(run) || run.status == "completed"
    }

    /// Strikes approvals of people who may no longer give them (P1). When too few are left, the request waits again.
    fn strike(&mut self, sending: &Sending, now: Millis, change: &mut Change) {
        let is_struck =
            self.weigh_again(|request, approval| request.lost(approval, sending), &sending.approvers, now, change);
        if is_struck && decide::is_met(&self.tally()) {
            self.settle(Outcome::Approved, now, change);
            self.life.callback = Callback::Owed; // It may be held back now, and is looked at again.
        }
    }

    /// Why an approval no longer counts, by what GitHub says now; empty when it still does.
    fn lost(&self, approval: &Approval, sending: &Sending) -> Vec<Refusal> {
        let mut why = self.against(approval, &sending.approvers);
        let people = &self.case.judgement.people;
        let person = people.key(approval.by.account.id);
        let started = |account: &Option<Account>| account.as_ref().is_some_and(|a| people.key(a.id) == person);
        let joined = sending.run.attempts.iter().any(|a| started(&a.actor) || started(&a.triggering_actor));
        if joined && why.is_empty() {
            why.push(Refusal::Party { because: Vec::new() });
        }
        why
    }

    pub(super) fn done(&mut self, effect: Effect, receipt: Receipt, change: &mut Change) {
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
            // Two may have created one each, when the lease of the first ran out meanwhile: people are shown the newest.
            Effect::CheckRun if receipt.check_run_id > self.life.check_run_id => {
                self.touch(change);
                self.life.check_run_id = receipt.check_run_id;
            }
            Effect::Callback | Effect::CheckRun | Effect::Note | Effect::PolicyCheck => {}
        }
    }

    pub(super) fn gave_up(&mut self, effect: Effect, error: &str, change: &mut Change) {
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
}
