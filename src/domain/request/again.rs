//! A request judged again, because the rules changed while it waited.

use std::sync::Arc;

use super::records::policy_records;
use super::{Answer, Approval, Callback, Change, Outcome, Request};
use crate::domain::Millis;
use crate::domain::decide;
use crate::domain::effect::{Effect, Urgency};
use crate::domain::event::Rejudged;

impl Request {
    /// Takes a new judgement. What was denied stays denied, and what has left is not called back; all else is decided anew, by
    /// the approvals that still count.
    pub(super) fn judge_again(&mut self, rejudged: Rejudged, now: Millis, change: &mut Change) {
        let Rejudged { from, mut case, approvers, .. } = rejudged;
        let waits_to_leave = self.life.callback == Callback::Owed
            && self.life.outcome.and_then(Outcome::answer) == Some(Answer::Release);
        if (!self.is_pending() && !waits_to_leave) || case.subject != self.case.subject {
            // Whoever read new rules remembers them from here on: nobody else will say so.
            change.records.extend(policy_records(&case).map(|record| (self.id.clone(), record)));
            return;
        }
        // Somebody judged it by newer rules meanwhile, or approved: what is not known of is not overruled.
        let is_known = |approval: &Approval| approvers.iter().any(|now| now.account.id == approval.by.account.id);
        if from != self.digest || !self.life.approvals.iter().all(is_known) {
            change.is_stale = true;
            return;
        }
        change.records.extend(policy_records(&case).map(|record| (self.id.clone(), record)));
        let judgement = case.judgement_digest();
        let digest = case.digest_over(&judgement);
        // The same rules, and now nobody can read them where they belong: that is an alarm, too.
        let is_broken = case.has_broken_policy() && !self.case.has_broken_policy();
        let is_new = digest != self.digest || case.has_broken_policy() != self.case.has_broken_policy();
        if is_broken {
            change.effects.push((self.id.clone(), Effect::PolicyCheck, Urgency::Opening));
        }
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
            let records = self.judged_records("request.rejudged", &judgement, basis.as_deref());
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
        if !waits_to_leave {
            self.expire(now, change);
        }
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
