//! A request judged again, because the rules changed while it waited.

use std::sync::Arc;

use super::{Answer, Callback, Change, Outcome, Request};
use crate::domain::Millis;
use crate::domain::decide;
use crate::domain::effect::{Effect, Urgency};
use crate::domain::event::Rejudged;

impl Request {
    /// Takes a new judgement. What was denied stays denied, and what has left is not called back; all else is decided anew, by
    /// the approvals that still count.
    pub(super) fn judge_again(&mut self, rejudged: Rejudged, now: Millis, change: &mut Change) {
        let Rejudged { mut case, approvers, .. } = rejudged;
        let waits_to_leave = self.life.callback == Callback::Owed
            && self.life.outcome.and_then(Outcome::answer) == Some(Answer::Release);
        if (!self.is_pending() && !waits_to_leave) || case.subject != self.case.subject {
            return;
        }
        let digest = case.digest();
        let is_new = digest != self.digest;
        if is_new {
            self.touch(change);
            let basis = case.basis.take();
            case.facts = None;
            self.void("judged_again", change);
            self.case = Arc::new(case);
            self.digest = digest.clone();
            self.life.judged = Some(digest);
            let expires_after = self.case.judgement.expires_after;
            self.life.expires_at = expires_after.map(|after| self.life.opened_at.saturating_add(after));
            change.judged_again.push(self.id.clone());
            let records = self.judged_records("request.rejudged", basis.as_deref());
            change.records.extend(records.into_iter().map(|record| (self.id.clone(), record)));
        }
        let is_struck =
            self.weigh_again(|request, approval| request.against(approval, &approvers), &approvers, now, change);
        if !is_new && !is_struck {
            return;
        }
        change.effects.push((self.id.clone(), Effect::CheckRun, Urgency::Answer));
        if !self.is_pending() {
            return;
        }
        if !self.case.judgement.denied_by.is_empty() {
            self.decide(Outcome::Denied, now, change);
        } else if !self.case.judgement.asks() {
            self.decide(Outcome::NotRequired, now, change);
        } else if decide::is_met(&self.tally()) {
            self.decide(Outcome::Approved, now, change);
        }
    }
}
