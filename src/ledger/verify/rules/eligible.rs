//! Whether whoever seconds is somebody the rules ask, as far as entries tell it in clear: access to the repository does, teams
//! and the members of a group are sealed. What is sealed counts in favour of whoever signed; judging again tells.
use std::collections::HashSet;

use super::humans::different;
use super::open::Open;
use crate::domain::decide::Permission;
use crate::domain::policy::Assurance;
use crate::ledger::verify::read::body::{Decision, Reviewer};
use crate::ledger::verify::read::group::Group;
use crate::ledger::verify::read::quorum::Quorum;
use crate::ledger::verify::read::who::AccountId;
use crate::ledger::verify::unfounded::Unfounded;
use crate::ledger::verify::violation::Violation;

/// An approval that stands.
#[derive(Debug, Clone, Copy)]
pub(in crate::ledger::verify) struct Approval {
    pub(in crate::ledger::verify) id: AccountId,
    pub(in crate::ledger::verify) access: Permission,
    /// How sure it is that it was them.
    pub(in crate::ledger::verify) assurance: Assurance,
}

impl Group {
    /// Whether somebody with this access can be one of them, for all that is told in clear.
    fn may_have(self, access: Permission) -> bool {
        match self {
            Self::Writers => access >= Permission::Write,
            Self::Admins => access >= Permission::Admin,
            Self::CodeOwners | Self::Named => true,
        }
    }

    /// Whether somebody with this access is one of them, whatever is sealed.
    fn surely_has(self, access: Permission) -> bool {
        matches!(self, Self::Writers | Self::Admins) && self.may_have(access)
    }
}

impl Quorum {
    /// Whether so many persons as are counted meet it.
    fn is_met_by(&self, count: &dyn Fn(&Quorum) -> u64) -> bool {
        if !self.any_of.is_empty() {
            return self.any_of.iter().any(|part| part.is_met_by(count));
        }
        if !self.all_of.is_empty() {
            return self.all_of.iter().all(|part| part.is_met_by(count));
        }
        self.need > 0 && count(self) >= self.need
    }

    /// Whether somebody may count toward any part of it, who has this access and spoke so surely.
    fn may_count(&self, access: Permission, assurance: Assurance, waited: u64) -> bool {
        if self.any_of.is_empty() && self.all_of.is_empty() {
            return assurance >= self.assurance
                && (self.from.is_some_and(|from| from.may_have(access))
                    || self.later.iter().any(|later| later.after <= waited && later.from.may_have(access)));
        }
        self.any_of.iter().chain(&self.all_of).any(|part| part.may_count(access, assurance, waited))
    }

    /// Whether a decision counts, toward any part of what was asked, others or more than may count.
    fn is_counted_rightly(&self, met: &Quorum, count: &dyn Fn(&Quorum) -> u64) -> Result<(), Violation> {
        if self.any_of.is_empty() && self.all_of.is_empty() {
            let (have, may) = (met.have, count(self));
            return match self.from == met.from {
                false => Err(Violation::OtherGroup),
                true if have > may => Err(Violation::Overcounted { have, may }),
                true => Ok(()),
            };
        }
        let parts = self.any_of.iter().chain(&self.all_of).zip(met.any_of.iter().chain(&met.all_of));
        parts.into_iter().try_for_each(|(asked, met)| asked.is_counted_rightly(met, count))
    }
}

impl Open {
    /// How long it has waited, as far as that lets others in. What entries before told of it is not known.
    fn waited(&self) -> u64 {
        if self.is_from_before { u64::MAX } else { self.waited }
    }

    /// Whoever seconds is among those whom some requirement asks. Nothing is known of what was asked in entries before.
    pub(super) fn is_asked(&self, Approval { id, access, assurance }: Approval) -> Result<(), Violation> {
        let may = |assurance| self.quorum.iter().any(|asked| asked.may_count(access, assurance, self.waited()));
        if self.is_unknown() || may(assurance) {
            Ok(())
        } else if may(Assurance::MOST) {
            Err(Unfounded::NotSureEnough { id, spoke: assurance }.into())
        } else {
            Err(Violation::NotAsked { id, access })
        }
    }

    /// Whoever denies is a person who can write to the repository, or whom some requirement asks, however sure it wants to be.
    pub(super) fn may_deny(&self, who: &Reviewer, access: Permission) -> Result<(), Violation> {
        let id = who.id;
        if who.kind != "User" {
            return Err(Violation::NotAPerson { id, kind: who.kind.clone() });
        }
        let is_asked = || self.quorum.iter().any(|asked| asked.may_count(access, Assurance::MOST, self.waited()));
        let may = !self.humans.is_program(id) && (access >= Permission::Write || is_asked());
        if may || self.is_unknown() { Ok(()) } else { Err(Unfounded::MayNotDeny { id, access }.into()) }
    }

    /// Whether every requirement is met, for all that is told in clear, and leaving aside whoever was let in later.
    pub(super) fn is_surely_met(&self) -> bool {
        let counts = |asked: &Quorum, one: &Approval| {
            one.assurance >= asked.assurance && asked.from.is_some_and(|from| from.surely_has(one.access))
        };
        let count = |asked: &Quorum| {
            different(self.approvals.iter().filter(|one| counts(asked, one)).map(|one| one.id), &self.humans)
        };
        !self.quorum.is_empty() && self.quorum.iter().all(|asked| asked.is_met_by(&count))
    }

    /// All whom an approval names are asked, by what was last recorded of them.
    pub(super) fn are_asked(&self, decision: &Decision) -> Result<(), Violation> {
        let named: HashSet<AccountId> = decision.approvers.iter().map(|approver| approver.id).collect();
        let mut known = self.approvals.iter().filter(|approval| named.contains(&approval.id));
        known.try_for_each(|approval| self.is_asked(*approval))
    }

    /// Toward each requirement count those whom it asks, and no others. Who approved in entries before is not known, and counts.
    pub(super) fn is_counted_rightly(&self, decision: &Decision) -> Result<(), Violation> {
        let of_before = decision.approvers.iter().map(|approver| approver.id);
        let of_before = of_before.filter(|id| self.is_from_before && !self.approved.names(*id));
        let of_before: Vec<AccountId> = of_before.collect();
        let counts = |asked: &Quorum, one: &Approval| asked.may_count(one.access, one.assurance, self.waited());
        let count = |asked: &Quorum| {
            let ours = self.approvals.iter().filter(|one| counts(asked, one)).map(|one| one.id);
            different(ours.chain(of_before.iter().copied()), &self.humans)
        };
        let both = self.quorum.iter().zip(decision.quorum.iter());
        both.into_iter().try_for_each(|(asked, met)| asked.is_counted_rightly(met, &count))
    }
}
