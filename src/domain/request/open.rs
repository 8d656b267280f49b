//! A deployment is held: a request opens, unless one is there that covers it, and takes the place of older ones.

use std::sync::Arc;

use super::records::policy_records;
use super::{Callback, Change, Life, Outcome, Request};
use crate::domain::Millis;
use crate::domain::case::Case;
use crate::domain::effect::{Effect, Urgency};
use crate::domain::gate::RequestId;

pub(super) fn open(mut case: Case, locked: &mut [Request], now: Millis, change: &mut Change) {
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
    let judgement = case.judgement_digest();
    let mut request = Request {
        id: id.clone(),
        digest: case.digest_over(&judgement),
        life: Life { opened_at: now, expires_at, ..Life::default() },
        case: Arc::new(case),
    };
    let opened = request.judged_records("request.opened", &judgement, basis.as_deref());
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
}
