//! The state machine: (requests, event, now) → what changes.

use std::sync::Arc;

use serde_json::json;

use super::records::policy_records;
use super::{Answer, Approval, Callback, Life, Outcome, Refused, Request};
use crate::domain::Millis;
use crate::domain::case::Case;
use crate::domain::decide::{self, Refusal, Standing, Voice};
use crate::domain::effect::{Effect, Urgency};
use crate::domain::event::{Channel, Event, Receipt, Reviewed, Sending, Verdict};
use crate::domain::facts::{Facts, Run};
use crate::domain::gate::RequestId;
use crate::domain::people::Account;
use crate::domain::record::{Record, to_json};

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
    /// Requests whose case was replaced, because they were judged again.
    pub judged_again: Vec<RequestId>,
    /// What new requests were judged by.
    pub facts: Vec<(RequestId, Box<Facts>)>,
    /// Whether a decision may leave now; only [`Event::Sending`] asks.
    pub send: Option<Answer>,
    /// When a decision that may not leave now is looked at again.
    pub wait_until: Option<Millis>,
    /// Whether the request changed while it was judged again: nothing was taken over.
    pub is_stale: bool,
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
                request.expire(now, &mut change);
                request.review(*reviewed, now, &mut change);
            }
        }
        Event::Refreshed(id) => {
            if let Some(request) = find(locked, &id) {
                change.effects.push((request.id.clone(), Effect::CheckRun, Urgency::Answer));
            }
        }
        Event::NobodyLeft { request, rules } => {
            if let Some(request) = find(locked, &request) {
                request.nobody_is_left(rules, &mut change);
            }
        }
        Event::Due(id) => {
            if let Some(request) = find(locked, &id) {
                request.due(now, &mut change);
            }
        }
        Event::Rejudged(rejudged) => {
            if let Some(request) = find(locked, &rejudged.request) {
                request.judge_again(*rejudged, now, &mut change);
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

fn open(mut case: Case, locked: &mut [Request], now: Millis, change: &mut Change) {
    let Some(id) = free_id(&case, locked) else {
        // A redelivery: the request is there already. What brought new rules still says so.
        if let Some(known) = locked.iter().find(|request| request.id == case.subject.request_id()) {
            change.records.extend(policy_records(&case).map(|record| (known.id.clone(), record)));
        }
        return;
    };
    let (environment, attempt) = (case.subject.environment.clone(), case.subject.run_attempt);
    let same_gate = |other: &Request| other.case.subject.environment == environment;
    // Facts take time to gather: a slow attempt may come after the one that replaced it.
    let came_too_late = locked.iter().any(|other| same_gate(other) && other.case.subject.run_attempt > attempt);
    if !came_too_late {
        for older in locked.iter_mut().filter(|older| older.is_pending() && same_gate(older)) {
            older.close(Outcome::Superseded, now, change);
        }
    }
    let basis = case.basis.take();
    if let Some(facts) = case.facts.take() {
        change.facts.push((id.clone(), facts));
    }
    let expires_at = case.judgement.expires_after.map(|after| now.saturating_add(after));
    let mut request = Request {
        id: id.clone(),
        digest: case.digest(),
        life: Life { opened_at: now, expires_at, ..Life::default() },
        case: Arc::new(case),
    };
    let opened = request.judged_records("request.opened", basis.as_deref());
    change.records.extend(opened.into_iter().map(|record| (id.clone(), record)));
    change.records.extend(policy_records(&request.case).map(|record| (id.clone(), record)));
    if request.case.run_over || came_too_late {
        let outcome = if came_too_late { Outcome::Superseded } else { Outcome::Withdrawn };
        request.close(outcome, now, change);
        change.effects.retain(|(of, ..)| *of != id); // Nothing was shown, nothing needs to be taken back.
    } else if !request.case.judgement.denied_by.is_empty() {
        request.decide(Outcome::Denied, now, change);
    } else if request.case.judgement.asks() {
        change.effects.push((id.clone(), Effect::CheckRun, Urgency::Opening));
        change.effects.push((id.clone(), Effect::Note, Urgency::Note));
    } else {
        request.decide(Outcome::NotRequired, now, change);
        // Passing without a word is right only where nothing is to be said.
        let judgement = &request.case.judgement;
        if !judgement.shadow.is_empty() {
            change.effects.push((id.clone(), Effect::CheckRun, Urgency::Opening));
        }
    }
    if request.case.has_broken_policy() {
        change.effects.push((id, Effect::PolicyCheck, Urgency::Opening));
    }
    change.changed.retain(|changed| *changed != request.id);
    change.opened = Some(request);
}

/// The id for a new request about this case; `None` when one is there that covers it.
///
/// Jobs of one run that name the same environment are asked about one after the other, and GitHub decides by run and
/// environment: a request that has not been answered covers them all, one that has is used up (P3).
fn free_id(case: &Case, locked: &[Request]) -> Option<RequestId> {
    let find = |id: &RequestId| locked.iter().find(|request| request.id == *id);
    let id = case.subject.request_id();
    let Some(known) = find(&id) else { return Some(id) };
    let another = case.deployment_id.filter(|_| known.is_used_up() && known.case.deployment_id.is_some())?;
    let again = case.subject.request_id_for(another);
    (known.case.deployment_id != Some(another) && find(&again).is_none()).then_some(again)
}

impl Request {
    /// Whether its answer has left, or will never be asked for.
    fn is_used_up(&self) -> bool {
        !self.is_pending() && self.life.callback != Callback::Owed
    }

    fn review(&mut self, reviewed: Reviewed, now: Millis, change: &mut Change) {
        let Reviewed { by, verdict, via, .. } = reviewed;
        let why = self.refusals(&by, verdict, via);
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
    fn refusals(&self, by: &Standing, verdict: Verdict, via: Channel) -> Vec<Refusal> {
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
        decide::refusals(&self.case.judgement, &self.voices(), by, verdict, self.life.waited)
    }

    fn nobody_is_left(&mut self, rules: Vec<String>, change: &mut Change) {
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

    fn remember_refusal(&mut self, refused: Refused) {
        self.life.refused.push(refused);
        let surplus = self.life.refused.len().saturating_sub(REFUSALS_SHOWN);
        self.life.refused.drain(..surplus);
    }

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
    fn close(&mut self, outcome: Outcome, now: Millis, change: &mut Change) {
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

    /// Looks at the world once more, and lets the decision leave only if it still holds (P1, P3).
    fn send(&mut self, sending: Sending, now: Millis, change: &mut Change) {
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

    /// What stands against an approval now that GitHub says this of everybody who approved.
    pub(super) fn against(&self, approval: &Approval, now: &[Standing]) -> Vec<Refusal> {
        let Some(now) = now.iter().find(|standing| standing.account.id == approval.by.account.id) else {
            return vec![Refusal::NoAccess];
        };
        decide::obstacles(&self.case.judgement, now, approval.via.assurance(), self.life.waited)
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

    pub(super) fn touch(&self, change: &mut Change) {
        if !change.changed.contains(&self.id) {
            change.changed.push(self.id.clone());
        }
    }
}
