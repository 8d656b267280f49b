//! What would have become of recorded requests under other rules.

use serde::Serialize;

use super::basis::target_of;
use super::decide::{self, Judgement, Layer, Voice};
use super::facts::Facts;
use super::gate::RequestId;
use super::policy::{RefKind, Target};
use super::request::{Outcome, Request};

/// A recorded request, decided once more.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Replayed {
    /// Which.
    pub request: RequestId,
    /// Where it wanted to go.
    pub environment: String,
    /// The commit.
    pub head_sha: String,
    /// What the rules of the day make of it.
    pub then: Fate,
    /// What the proposed rules make of it.
    pub proposed: Fate,
    /// Logins of those who approved it, whose word counts by the proposed rules alone.
    pub gained: Vec<String>,
    /// Logins of those who approved it, whose word the proposed rules do not count.
    pub lost: Vec<String>,
    /// Whether something else might become of it if it were known whether it was started for a branch or a tag: that is a
    /// fact only where a rule asked on the day.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub hangs_on_ref_kind: bool,
}

/// What rules make of a request, with the approvals it got.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "fate", rename_all = "snake_case")]
pub enum Fate {
    /// No rule holds it.
    Passes,
    /// A human denied it, whatever the rules.
    DeniedByHuman,
    /// These rules deny it.
    Denied {
        /// Their names.
        rules: Vec<String>,
    },
    /// The approvals it got are enough.
    Seconded,
    /// They are not: it would have gone on waiting.
    Waits {
        /// Names of the rules whose requirements are not met.
        rules: Vec<String>,
    },
}

impl Replayed {
    /// Whether something changes, or may: what becomes of it, or whose word counts.
    #[must_use]
    pub fn is_changed(&self) -> bool {
        self.is_flipped() || !self.gained.is_empty() || !self.lost.is_empty() || self.hangs_on_ref_kind
    }

    /// Whether something else becomes of it.
    #[must_use]
    pub fn is_flipped(&self) -> bool {
        std::mem::discriminant(&self.then) != std::mem::discriminant(&self.proposed)
    }
}

/// Decides a recorded request once more: from the facts of the day, by the proposed policies, with the approvals it got.
#[must_use]
pub fn replay(request: &Request, facts: &Facts, proposed: &[Layer]) -> Replayed {
    let subject = &request.case.subject;
    let target = target_of(facts, &subject.environment);
    let judgement = decide::judge_all(proposed, &target, facts);
    let (mut gained, mut lost) = (Vec::new(), Vec::new());
    for approval in &request.life.approvals {
        let counts = |judgement: &Judgement| {
            let waited = request.life.waited;
            decide::obstacles(judgement, &approval.by, approval.via.assurance(), waited).is_empty()
        };
        match (counts(&request.case.judgement), counts(&judgement)) {
            (true, false) if judgement.asks() => lost.push(approval.by.account.login.clone()),
            (false, true) => gained.push(approval.by.account.login.clone()),
            _ => {}
        }
    }
    let becomes = fate(request, &judgement);
    let becomes_else = |kind: RefKind| {
        let target = Target { ref_kind: Some(kind), ..target };
        fate(request, &decide::judge_all(proposed, &target, facts)) != becomes
    };
    let may_hang = target.ref_kind.is_none() && proposed.iter().any(|layer| layer.policy.excepts_refs());
    Replayed {
        hangs_on_ref_kind: may_hang && [RefKind::Branch, RefKind::Tag].into_iter().any(becomes_else),
        request: request.id.clone(),
        environment: subject.environment.clone(),
        head_sha: subject.head_sha.clone(),
        then: fate(request, &request.case.judgement),
        proposed: becomes,
        gained,
        lost,
    }
}

fn fate(request: &Request, judgement: &Judgement) -> Fate {
    let approvals: Vec<Voice<'_>> = request.voices();
    let tally = decide::tally(judgement, &approvals, request.life.waited);
    let is_denied = request.life.outcome == Some(Outcome::Denied) && request.life.denied_by.is_some();
    if !judgement.denied_by.is_empty() {
        Fate::Denied { rules: judgement.denied_by.clone() }
    } else if !judgement.asks() {
        Fate::Passes
    } else if is_denied {
        Fate::DeniedByHuman
    } else if decide::is_met(&tally) {
        Fate::Seconded
    } else {
        let unmet = tally.into_iter().filter(|met| !met.progress.is_met()).map(|met| met.rule);
        Fate::Waits { rules: unmet.collect() }
    }
}

#[cfg(test)]
mod tests;
