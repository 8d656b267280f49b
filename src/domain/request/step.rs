//! The state machine: (requests, event, now) → what changes. Here is which event leads where; each step has a room of its own.

use super::open::open;
use super::{Answer, Outcome, Request};
use crate::domain::Millis;
use crate::domain::effect::{Effect, Urgency};
use crate::domain::event::Event;
use crate::domain::facts::Facts;
use crate::domain::gate::RequestId;
use crate::domain::record::Record;

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
        Event::SeenOn { request, check_run_id } => {
            if let Some(request) = find(locked, &request).filter(|r| r.life.check_run_id != Some(check_run_id)) {
                request.touch(&mut change);
                request.life.check_run_id = Some(check_run_id);
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

impl Request {
    pub(super) fn touch(&self, change: &mut Change) {
        if !change.changed.contains(&self.id) {
            change.changed.push(self.id.clone());
        }
    }
}
