//! A decision is made, and taken back when approvals it rests on no longer count.

use serde_json::json;

use super::{Approval, Callback, Change, Outcome, Refused, Request};
use crate::domain::Millis;
use crate::domain::decide::{self, Refusal, Standing};
use crate::domain::effect::{Effect, Urgency};
use crate::domain::event::Verdict;
use crate::domain::record::{Record, to_json};

impl Request {
    /// Decides, and owes GitHub the answer.
    pub(super) fn decide(&mut self, outcome: Outcome, now: Millis, change: &mut Change) {
        self.settle(outcome, now, change);
        self.life.callback = Callback::Owed;
        change.effects.push((self.id.clone(), Effect::Callback, Urgency::Decision));
        if outcome != Outcome::NotRequired {
            change.effects.push((self.id.clone(), Effect::CheckRun, Urgency::Answer));
        }
    }

    /// Ends without an answer: GitHub no longer asks.
    pub(super) fn close(&mut self, outcome: Outcome, now: Millis, change: &mut Change) {
        self.settle(outcome, now, change);
        self.life.callback = Callback::None;
        change.effects.push((self.id.clone(), Effect::CheckRun, Urgency::Answer));
    }

    pub(super) fn settle(&mut self, outcome: Outcome, now: Millis, change: &mut Change) {
        self.touch(change);
        self.void(outcome.as_str(), change);
        self.life.outcome = Some(outcome);
        self.life.decided_at = Some(now);
        change.records.push((self.id.clone(), self.decision_record(outcome)));
    }

    /// Takes back a decision that has not left, if there is one: the request waits as before.
    pub(super) fn void(&mut self, why: &str, change: &mut Change) {
        if self.life.outcome.take().is_some() {
            self.life.decided_at = None;
            self.life.callback = Callback::None;
            change.records.push((self.id.clone(), self.voided_record(why)));
        }
    }

    /// Weighs the approvals by what GitHub says now of those who gave them, and strikes those against which something stands.
    /// Whether that changed anything; a decision is then taken back.
    pub(super) fn weigh_again(
        &mut self,
        against: impl Fn(&Self, &Approval) -> Vec<Refusal>,
        standings: &[Standing],
        now: Millis,
        change: &mut Change,
    ) -> bool {
        let (mut kept, mut struck, mut weighed) = (Vec::new(), Vec::new(), Vec::new());
        for mut approval in std::mem::take(&mut self.life.approvals) {
            let why = against(self, &approval);
            if !why.is_empty() {
                struck.push((approval.by.account, why));
                continue;
            }
            // Whoever left one team may still be in another: they count for what they are now.
            let is_same = |standing: &&Standing| standing.account.id == approval.by.account.id;
            if let Some(standing) = standings.iter().find(is_same)
                && (standing.permission, &standing.teams) != (approval.by.permission, &approval.by.teams)
            {
                approval.by = standing.clone();
                weighed.push(standing.clone());
            }
            kept.push(approval);
        }
        self.life.approvals = kept;
        if struck.is_empty() && weighed.is_empty() {
            return false;
        }
        self.touch(change);
        self.void("approval_struck", change);
        for standing in weighed {
            let record = Record::new(
                "review.weighed",
                json!({
                    "reviewer": to_json(&standing.account),
                    "permission": to_json(&standing.permission),
                    "teams": standing.teams,
                }),
            );
            change.records.push((self.id.clone(), record));
        }
        for (account, why) in struck {
            let record = Record::new("review.struck", json!({ "reviewer": to_json(&account), "why": to_json(&why) }));
            change.records.push((self.id.clone(), record));
            self.remember_refusal(Refused { by: account, verdict: Verdict::Approve, why, at: now });
        }
        true
    }

    /// What stands against an approval now that GitHub says this of everybody who approved.
    pub(super) fn against(&self, approval: &Approval, now: &[Standing]) -> Vec<Refusal> {
        let Some(now) = now.iter().find(|standing| standing.account.id == approval.by.account.id) else {
            return vec![Refusal::NoAccess];
        };
        decide::obstacles(&self.case.judgement, now, approval.via.assurance(), self.life.waited)
    }
}
