//! What happens to a request while it waits, and need not be decided for: people are reminded, others let in, nobody is left, a
//! decision is taken back.
//!
//! A server does at once all whose time has come, and writes down up to which instant; it counts who is left by the judgement it
//! has read, which may be one before the newest; and what a decision is taken back for, it writes right after, in the same
//! transaction.
use super::known::Body;
use super::open::Open;
use crate::ledger::record::RecordType;
use crate::ledger::verify::read::body::Verdict;
use crate::ledger::verify::read::happened::{Escalated, Voided};
use crate::ledger::verify::report::Outcome;
use crate::ledger::verify::unreal::Unreal;
use crate::ledger::verify::violation::Violation;

impl Open {
    /// Others may approve from here on: those whom the newest judgement lets in at an instant that has come since others last were.
    pub(super) fn let_in(&mut self, Escalated { waited, let_in }: &Escalated, time: u64) -> Result<(), Violation> {
        let (before, waited) = (self.waited, *waited);
        if waited <= before {
            return Err(Unreal::WaitedBefore { what: RecordType::RequestEscalated, waited, before }.into());
        }
        self.wait(waited, time)?;
        if let Some(let_in) = let_in {
            let is_unknown = self.is_unknown();
            let are_due = let_in.iter().all(|later| {
                before < later.after
                    && later.after <= waited
                    && (is_unknown || self.quorum.iter().any(|asked| asked.lets_in(later)))
            });
            if let_in.is_empty() || !are_due {
                return Err(Unreal::LetIn { before, waited }.into());
            }
        }
        self.is_let_in = true;
        Ok(())
    }

    /// People are reminded: at an instant that has come since, or with others who are let in.
    pub(super) fn remind(&mut self, waited: u64, time: u64) -> Result<(), Violation> {
        let before = self.waited;
        if waited < before || (waited == before && !self.is_let_in) {
            return Err(Unreal::WaitedBefore { what: RecordType::RequestReminded, waited, before }.into());
        }
        self.is_let_in = false;
        self.wait(waited, time)
    }

    /// Nobody is left to meet these rules. Whoever counted may have read an earlier judgement.
    pub(super) fn nobody_is_left(&mut self, rules: Option<Vec<String>>) -> Result<(), Violation> {
        let Some(rules) = rules else {
            self.nobody_left = None;
            return Ok(());
        };
        let asks =
            |rule: &String| self.quorum.iter().any(|asked| asked.rule == *rule) || self.asked_before.contains(rule);
        if let Some(rule) = rules.iter().find(|rule| !self.is_from_before && !asks(rule)) {
            return Err(Unreal::Unasked(rule.clone()).into());
        }
        match self.nobody_left.replace(rules) {
            before if before == self.nobody_left => Err(Unreal::UnmeetableAsBefore.into()),
            _ => Ok(()),
        }
    }

    /// Rules that no longer ask anything are remembered when it is judged again.
    pub(super) fn forget_no_rule(&mut self, now: &Open) {
        for asked in self.quorum.iter() {
            let rule = &asked.rule;
            if !now.quorum.iter().any(|other| other.rule == *rule) && !self.asked_before.contains(rule) {
                self.asked_before.push(rule.clone());
            }
        }
    }

    /// Whether what a decision was taken back for, if one was just now, is what follows.
    pub(super) fn is_what_it_was_voided_for(
        &mut self,
        next: RecordType,
        time: u64,
        body: &Body,
    ) -> Result<(), Violation> {
        let Some((why, at)) = self.voided.take() else { return Ok(()) };
        let is_it = match (why, body) {
            (Voided::JudgedAgain, Body::Rejudged(_)) | (Voided::ApprovalStruck, Body::Struck(_) | Body::Weighed(_)) => {
                true
            }
            (Voided::Denied, Body::Review(review)) => review.verdict == Verdict::Deny,
            (Voided::Superseded, Body::Decision(decision)) => decision.outcome == Outcome::Superseded,
            (Voided::Withdrawn, Body::Decision(decision)) => decision.outcome == Outcome::Withdrawn,
            _ => false,
        };
        if is_it && time == at { Ok(()) } else { Err(Unreal::VoidedForNothing { why: why.as_str(), next }.into()) }
    }
}
