//! Whether whoever seconds is somebody the rules ask, as far as entries tell it in clear: access to the repository does, teams
//! and the members of a group are sealed. What is sealed counts in favour of whoever signed; judging again tells.
use super::open::Open;
use crate::domain::decide::Permission;
use crate::ledger::verify::read::body::Decision;
use crate::ledger::verify::read::group::Group;
use crate::ledger::verify::read::quorum::Quorum;
use crate::ledger::verify::read::who::AccountId;
use crate::ledger::verify::violation::Violation;

/// An approval that stands.
#[derive(Debug, Clone, Copy)]
pub(in crate::ledger::verify) struct Approval {
    pub(in crate::ledger::verify) id: AccountId,
    pub(in crate::ledger::verify) access: Permission,
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
}

impl Quorum {
    /// Whether somebody with this access may count toward any part of it.
    fn may_count(&self, access: Permission, waited: u64) -> bool {
        if self.any_of.is_empty() && self.all_of.is_empty() {
            return self.from.is_some_and(|from| from.may_have(access))
                || self.later.iter().any(|later| later.after <= waited && later.from.may_have(access));
        }
        self.any_of.iter().chain(&self.all_of).any(|part| part.may_count(access, waited))
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
    pub(in crate::ledger::verify) fn is_asked(&self, Approval { id, access }: Approval) -> Result<(), Violation> {
        let is_unknown = self.is_from_before && self.quorum.is_empty();
        if is_unknown || self.quorum.iter().any(|asked| asked.may_count(access, self.waited())) {
            return Ok(());
        }
        Err(Violation::NotAsked { id, access })
    }

    /// Toward each requirement count those whom it asks, and no others.
    pub(in crate::ledger::verify) fn is_counted_rightly(&self, decision: &Decision) -> Result<(), Violation> {
        let approval = |id: AccountId| self.approvals.iter().find(|approval| approval.id == id);
        let known = || decision.approvers.iter().map(|approver| approval(approver.id));
        known().flatten().try_for_each(|approval| self.is_asked(*approval))?;
        let counts = |asked: &Quorum, one: Option<&Approval>| {
            one.is_none_or(|approval| asked.may_count(approval.access, self.waited()))
        };
        let count = |asked: &Quorum| known().filter(|one| counts(asked, *one)).count() as u64;
        let both = self.quorum.iter().zip(&decision.quorum);
        both.into_iter().try_for_each(|(asked, met)| asked.is_counted_rightly(met, &count))
    }
}
