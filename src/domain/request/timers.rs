//! What the clock does to a request: people are reminded, others are let in, in the end it is denied; and what is decided
//! waits while nothing may be released.

use serde_json::json;

use super::{Change, HeldBack, Outcome, Request};
use crate::domain::Millis;
use crate::domain::decide::{Judgement, Later, Quorum};
use crate::domain::effect::{Effect, Urgency};
use crate::domain::policy::freeze::{self, Frozen};
use crate::domain::record::{Record, to_json};

/// The instants, counted from the opening, at which people are reminded or others let in; those beyond `waited`, in order.
pub(super) fn after(judgement: &Judgement, waited: Millis) -> impl Iterator<Item = Millis> {
    let steps = escalations(judgement).map(|step| step.after);
    let mut all: Vec<Millis> = judgement.remind.iter().copied().chain(steps).filter(|at| *at > waited).collect();
    all.sort_unstable();
    all.dedup();
    all.into_iter()
}

fn escalations(judgement: &Judgement) -> impl Iterator<Item = &Later> {
    judgement.quorum.iter().flat_map(Quorum::groups).flat_map(|group| &group.later)
}

/// How often a decision is looked at again while nobody can tell when it may leave.
const RECHECK: Millis = 10 * 60_000;

impl Request {
    /// Whether a decision to release may not leave now; it is looked at again when it may.
    pub(super) fn hold_back(&mut self, now: Millis, change: &mut Change) -> bool {
        let judgement = &self.case.judgement;
        let held_back = match &judgement.stopped {
            Some(why) => Some(HeldBack::Stop { why: why.clone() }),
            None => freeze::frozen(&judgement.freezes, &self.case.subject.environment, now)
                .map(|Frozen { name, until }| HeldBack::Freeze { name, until }),
        };
        let until = match &held_back {
            None => None,
            Some(HeldBack::Freeze { until: Some(until), .. }) => Some(*until),
            Some(HeldBack::Freeze { until: None, .. } | HeldBack::Stop { .. }) => Some(now.saturating_add(RECHECK)),
        };
        if held_back != self.life.held_back {
            self.touch(change);
            if let Some(held_back) = &held_back {
                let mut fields = to_json(held_back);
                fields["request_digest"] = to_json(&self.digest);
                change.records.push((self.id.clone(), Record::new("release.held", fields)));
                change.effects.push((self.id.clone(), Effect::CheckRun, Urgency::Answer));
            }
            self.life.held_back = held_back;
        }
        change.wait_until = until;
        until.is_some()
    }

    /// Denies what has waited too long.
    pub(super) fn expire(&mut self, now: Millis, change: &mut Change) {
        if self.is_pending() && self.life.expires_at.is_some_and(|at| at <= now) {
            self.decide(Outcome::Expired, now, change);
        }
    }

    /// Does what its time has come for. All that was missed in between is done at once: nobody is reminded twice at a time.
    pub(super) fn due(&mut self, now: Millis, change: &mut Change) {
        self.expire(now, change);
        if !self.is_pending() {
            return;
        }
        let waited = now.saturating_sub(self.life.opened_at);
        let judgement = self.case.judgement.clone();
        let Some(last) = after(&judgement, self.life.waited).take_while(|at| *at <= waited).last() else { return };
        let before = std::mem::replace(&mut self.life.waited, last);
        let is_new = |at: Millis| before < at && at <= last;
        self.touch(change);
        let mut let_in: Vec<&Later> = escalations(&judgement).filter(|step| is_new(step.after)).collect();
        let_in.dedup();
        if !let_in.is_empty() {
            let fields = json!({ "request_digest": self.digest, "waited": last, "let_in": to_json(&let_in) });
            change.records.push((self.id.clone(), Record::new("request.escalated", fields)));
        }
        if judgement.remind.iter().any(|at| is_new(*at)) {
            let fields = json!({ "request_digest": self.digest, "waited": last });
            change.records.push((self.id.clone(), Record::new("request.reminded", fields)));
        }
        change.effects.push((self.id.clone(), Effect::CheckRun, Urgency::Answer));
        change.effects.push((self.id.clone(), Effect::Note, Urgency::Note));
    }
}

#[cfg(test)]
mod tests;
