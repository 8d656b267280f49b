//! Somebody approves or denies: what counts, what does not and why, and that nobody is left who could.

use serde_json::json;

use super::{Approval, Callback, Change, Outcome, Refused, Request};
use crate::domain::Millis;
use crate::domain::decide::{self, Refusal, Standing, Voice};
use crate::domain::digest::Tag;
use crate::domain::effect::{Effect, Urgency};
use crate::domain::event::{Channel, Reviewed, Verdict};
use crate::domain::record::Record;

/// How many refused reviews the check run remembers. The ledger has them all.
const REFUSALS_SHOWN: usize = 5;

impl Request {
    pub(super) fn review(&mut self, reviewed: Reviewed, now: Millis, change: &mut Change) {
        let Reviewed { by, verdict, via, saw, .. } = reviewed;
        let why = self.refusals(&by, verdict, via, saw.as_ref());
        if !why.is_empty() {
            self.refuse(by, verdict, via, why, now, change);
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
    fn refusals(&self, by: &Standing, verdict: Verdict, via: Channel, saw: Option<&Tag>) -> Vec<Refusal> {
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
        let by = Voice { standing: by, assurance: via.assurance() };
        let mut why = decide::refusals(&self.case.judgement, &self.voices(), by, verdict, self.life.waited);
        // Whoever denies need not have read all of it; whoever approves approves what they saw.
        if verdict == Verdict::Approve && saw != Some(&self.digest.tag()) {
            why.push(Refusal::SawAnother);
        }
        why
    }

    pub(super) fn nobody_is_left(&mut self, rules: Vec<String>, change: &mut Change) {
        if !self.is_pending() || rules == self.life.nobody_left {
            return;
        }
        self.touch(change);
        let fields = json!({ "request_digest": self.digest, "rules": rules });
        change.records.push((self.id.clone(), Record::new("request.unmeetable", fields)));
        change.effects.push((self.id.clone(), Effect::CheckRun, Urgency::Answer));
        self.life.nobody_left = rules;
    }

    fn refuse(
        &mut self,
        by: Standing,
        verdict: Verdict,
        via: Channel,
        why: Vec<Refusal>,
        now: Millis,
        change: &mut Change,
    ) {
        self.touch(change);
        change.records.push((self.id.clone(), self.refused_record(&by, verdict, via, &why)));
        change.effects.push((self.id.clone(), Effect::CheckRun, Urgency::Answer));
        self.remember_refusal(Refused { by: by.account, verdict, why, at: now });
    }

    pub(super) fn remember_refusal(&mut self, refused: Refused) {
        self.life.refused.push(refused);
        let surplus = self.life.refused.len().saturating_sub(REFUSALS_SHOWN);
        self.life.refused.drain(..surplus);
    }
}
