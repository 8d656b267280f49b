//! Whether a decision follows from what was said before it, and tells all of that.
use std::collections::HashSet;

use super::humans::different;
use super::open::Open;
use crate::ledger::verify::read::body::Decision;
use crate::ledger::verify::read::quorum::Quorum;
use crate::ledger::verify::report::Outcome;
use crate::ledger::verify::unfounded::Unfounded;
use crate::ledger::verify::violation::Violation;

impl Open {
    pub(super) fn decide(&mut self, decision: &Decision, time: u64) -> Result<(), Violation> {
        if decision.policy.digest.is_empty() {
            return Err(Violation::NoPolicy);
        }
        // Whoever denies decides: a server records both at once, and until then nothing else is decided.
        if let Some(id) = self.denied.filter(|_| decision.outcome != Outcome::Denied) {
            return Err(Unfounded::DenyOverruled { outcome: decision.outcome, id }.into());
        }
        self.is_rightly(decision)?;
        let (all, there) = self.pieces;
        if all != there && !self.is_unknown() {
            return Err(Violation::PiecesMissing { all, there });
        }
        // The approval that meets the last requirement is recorded with the decision. Only what was approved and is taken back,
        // or judged or weighed anew after its time, ends otherwise, and that in the same moment.
        let is_passed_over = !matches!(decision.outcome, Outcome::Approved | Outcome::Denied);
        if is_passed_over && self.changed_at != Some(time) && self.is_surely_met() {
            return Err(Unfounded::ApprovedPassedOver(decision.outcome.as_str()).into());
        }
        self.is_decided_in_time(decision.outcome, time)?;
        let is_unknown = self.is_from_before && self.policy.digest.is_empty();
        if !is_unknown && !self.policy.is(&decision.policy) {
            return Err(Violation::OtherPolicy);
        }
        self.is_told_whole(decision)?;
        self.denied = None;
        Ok(())
    }

    /// Whether this outcome follows from what was said.
    fn is_rightly(&self, decision: &Decision) -> Result<(), Violation> {
        match decision.outcome {
            Outcome::Denied => self.is_denied_by(decision),
            Outcome::NotRequired if self.is_denied => Err(Violation::RuleOverruled),
            Outcome::Approved => self.approve(decision),
            Outcome::NotRequired
                if self.matched_rules > 0 || self.ai_commits > 0 || self.partial > 0 || self.commits.are_gated =>
            {
                Err(Violation::Required { ai_commits: self.ai_commits, partial: self.partial })
            }
            _ => Ok(()),
        }
    }

    /// Somebody denied it, or a rule did. What was said in entries before is not known.
    fn is_denied_by(&self, decision: &Decision) -> Result<(), Violation> {
        match &decision.denied_by {
            _ if self.is_from_before => Ok(()),
            Some(who) if self.denied.is_some_and(|denied| denied != who.id) => Err(Violation::NoDenial(who.id)),
            Some(who) if self.denials.contains(&who.id) => Ok(()),
            Some(who) => Err(Violation::NoDenial(who.id)),
            None if self.is_denied && self.denied.is_none() => Ok(()),
            None => Err(Violation::DeniedByNobody),
        }
    }

    fn approve(&self, decision: &Decision) -> Result<(), Violation> {
        if let Some(id) = self.denials.first() {
            return Err(Unfounded::DenyOverruled { outcome: decision.outcome, id: *id }.into());
        }
        if self.is_denied {
            return Err(Violation::RuleOverruled);
        }
        let mut named = HashSet::new();
        for approver in &decision.approvers {
            let id = approver.id;
            self.person(approver)?;
            if self.has_part(id) {
                return Err(Violation::PartyApprover(id));
            }
            if !self.is_from_before && !self.approved.names(id) {
                return Err(Violation::NoApproval(id));
            }
            if !named.insert(id) {
                return Err(Violation::CountedTwice(id));
            }
        }
        if decision.quorum.is_empty() {
            return Err(Violation::NoQuorum);
        }
        let is_lowered =
            |(n, asked): (usize, &Quorum)| decision.quorum.get(n).is_none_or(|met| met.is_less_than(asked));
        if self.quorum.iter().enumerate().any(is_lowered) {
            return Err(Violation::QuorumLowered);
        }
        let approvers = decision.approvers.len();
        let humans = different(decision.approvers.iter().map(|approver| approver.id), &self.humans);
        match decision.quorum.iter().find_map(|quorum| quorum.unmet(humans)) {
            Some(&Quorum { need, have, .. }) => Err(Violation::Quorum { need, have, approvers }),
            None => self.are_asked(decision),
        }
    }

    /// A server writes one record of every outcome: the approvers whose approvals stand, all of them in the order in which they
    /// approved, where it is approved; who denied it, where it is denied; and how far each requirement is met, and no other.
    fn is_told_whole(&self, decision: &Decision) -> Result<(), Violation> {
        let outcome = decision.outcome.as_str();
        if decision.outcome == Outcome::Approved {
            let named = decision.approvers.iter().map(|approver| approver.id);
            if !self.is_from_before && !named.eq(self.approvals.iter().map(|approval| approval.id)) {
                return Err(Unfounded::OtherApprovers.into());
            }
        } else if !decision.approvers.is_empty() {
            return Err(Unfounded::OfAnotherOutcome { outcome, field: "approvers" }.into());
        }
        if decision.outcome != Outcome::Denied && decision.denied_by.is_some() {
            return Err(Unfounded::OfAnotherOutcome { outcome, field: "denied_by" }.into());
        }
        if self.is_unknown() {
            return Ok(());
        }
        // What was approved in entries before, only the approval itself tells.
        if !self.is_from_before || decision.outcome == Outcome::Approved {
            self.is_counted_rightly(decision)?;
        }
        let is_of = |(asked, met): (&Quorum, &Quorum)| asked.rule == met.rule && asked.is_told_by(met);
        let are_the_same =
            self.quorum.len() == decision.quorum.len() && self.quorum.iter().zip(decision.quorum.iter()).all(is_of);
        if are_the_same { Ok(()) } else { Err(Unfounded::OtherRequirements.into()) }
    }
}
