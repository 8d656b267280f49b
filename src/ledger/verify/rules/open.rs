//! A request that is open: who had a part in it, who spoke, and whether a decision follows from that.
use std::collections::BTreeSet;

use super::again::Judged;
use super::commits::Commits;
use super::deployments::Deployment;
use super::eligible::Approval;
use super::held::{self, Follows, Loose};
use super::known::verbatim;
use super::sealed::Told;
use super::told;
use crate::ledger::entry::{Header, SOFTWARE};
use crate::ledger::verify::read::body::{Attempted, Decision, Opened, Owner, Review, Reviewer, Verdict, Weighed};
use crate::ledger::verify::read::facts::KnownParts;
use crate::ledger::verify::read::policy::Policy;
use crate::ledger::verify::read::quorum::{Quorum, are_asked_by};
use crate::ledger::verify::read::who::AccountId;
use crate::ledger::verify::read::why::Refused;
use crate::ledger::verify::report::Outcome;
use crate::ledger::verify::violation::Violation;

/// A request that can still be decided.
#[derive(Debug, Default)]
pub(in crate::ledger::verify) struct Open {
    pub(in crate::ledger::verify) seq: u64,
    /// When it was opened, in milliseconds since 1970 UTC.
    pub(in crate::ledger::verify) opened_at: u64,
    /// Whether it was opened before the entries that are checked begin: who approved it until then is not known, nor, until
    /// it is judged again, who had a part in it.
    pub(in crate::ledger::verify) is_from_before: bool,
    pub(in crate::ledger::verify) digest: String,
    /// Repository, environment, run, commit, deployment and what it was compared with, as they are written.
    pub(in crate::ledger::verify) subject: String,
    /// The number of the repository.
    pub(in crate::ledger::verify) repository: Option<u64>,
    /// The deployment that GitHub made for it, if it said which.
    pub(in crate::ledger::verify) deployment: Option<Deployment>,
    /// The request that came before it, about another deployment of the same.
    pub(in crate::ledger::verify) first: Option<Box<str>>,
    /// The attempt of the run that is held.
    pub(in crate::ledger::verify) attempted: Option<Attempted>,
    /// Who set it going, as far as the opening tells.
    pub(in crate::ledger::verify) starters: Vec<AccountId>,
    pub(in crate::ledger::verify) parties: Vec<AccountId>,
    /// Whose word did not count because they had a part, since it was last judged.
    pub(in crate::ledger::verify) refused: BTreeSet<AccountId>,
    /// How it names persons.
    pub(in crate::ledger::verify) told: Told,
    pub(in crate::ledger::verify) people: Vec<Owner>,
    pub(in crate::ledger::verify) approvals: Vec<Approval>,
    pub(in crate::ledger::verify) denials: Vec<AccountId>,
    pub(in crate::ledger::verify) ai_commits: u64,
    pub(in crate::ledger::verify) commits: Commits,
    /// Whether it says of what judgement its digest is.
    pub(in crate::ledger::verify) has_judgement: bool,
    pub(in crate::ledger::verify) partial: usize,
    pub(in crate::ledger::verify) matched_rules: usize,
    pub(in crate::ledger::verify) quorum: Vec<Quorum>,
    /// Whether a rule denies it, whatever anybody says.
    pub(in crate::ledger::verify) is_denied: bool,
    /// Who judged it, and which rules matched.
    pub(in crate::ledger::verify) judged: Judged,
    /// Whether the software that judged it is of this version.
    pub(in crate::ledger::verify) is_by_this_version: bool,
    /// The rules it was judged by.
    pub(in crate::ledger::verify) policy: Policy,
    /// When it expires, in milliseconds since 1970 UTC.
    pub(in crate::ledger::verify) expires_at: Option<u64>,
    /// How long it had waited when others were last let in, in milliseconds.
    pub(in crate::ledger::verify) waited: u64,
    /// When a decision to release was last taken back.
    pub(in crate::ledger::verify) release_taken_back: Option<u64>,
    /// What of it does not follow from what it is about.
    pub(in crate::ledger::verify) loose: Loose,
}

impl Open {
    /// Reads an opening, or a judgement made again, in a log of this account.
    pub(in crate::ledger::verify) fn of(entry: &Header<'_>, account: Option<u64>) -> Result<Self, Violation> {
        let opened = Opened::of(entry)?;
        let Follows { loose, first } = held::follows(entry, account)?;
        told::by_whom(entry)?;
        told::until_when(&opened)?;
        are_asked_by(&opened.matched_rules, &opened.quorum, &opened.denied_by)?;
        let commits = Commits::of(entry, &opened)?;
        let loose = loose.commits(commits.are_loose(&opened));
        let KnownParts { starters, all, ai_commits } = KnownParts::of(entry)?;
        ai_commits.map_or(Ok(()), |told| told::are_counted(told, opened.ai_commits))?;
        let is_party = |id: &AccountId| opened.parties.iter().any(|party| party.id == *id);
        if let Some(missing) = all.iter().find(|id| !is_party(id)) {
            return Err(Violation::PartyMissing(*missing));
        }
        Ok(Self {
            seq: entry.seq,
            opened_at: entry.time,
            is_from_before: false,
            digest: opened.request_digest,
            subject: verbatim(&[
                entry.repository,
                entry.environment,
                entry.run,
                entry.head_sha,
                entry.deployment_id,
                entry.base,
            ]),
            repository: held::repository(entry),
            deployment: Deployment::of(entry),
            first,
            attempted: Attempted::opened(entry),
            starters,
            parties: opened.parties.iter().map(|party| party.id).collect(),
            refused: BTreeSet::new(),
            told: Told::of(&opened.parties, &opened.people),
            people: opened.people,
            approvals: Vec::new(),
            denials: Vec::new(),
            ai_commits: opened.ai_commits,
            has_judgement: entry.judgement.is_some(),
            partial: opened.partial.len(),
            matched_rules: opened.matched_rules.len(),
            quorum: opened.quorum,
            is_denied: !opened.denied_by.is_empty(),
            judged: Judged::of(entry),
            is_by_this_version: entry.sw == SOFTWARE,
            policy: opened.policy,
            expires_at: opened.expires_at,
            waited: 0,
            release_taken_back: None,
            loose,
            commits,
        })
    }

    pub(in crate::ledger::verify) fn review(&mut self, review: &Review, time: u64) -> Result<(), Violation> {
        let (id, access) = (review.reviewer.id, review.access);
        if review.verdict == Verdict::Deny {
            self.denials.push(id);
            return Ok(());
        }
        if self.has_part(id) {
            return Err(Violation::PartyApproves(id));
        }
        if self.refused.iter().any(|refused| self.is_one_human(*refused, id)) {
            return Err(Violation::RefusedApproves(id));
        }
        self.person(&review.reviewer)?;
        self.is_in_time(time)?;
        self.is_asked(Approval { id, access })?;
        self.approvals.push(Approval { id, access });
        Ok(())
    }

    /// An approval does not count any longer.
    pub(in crate::ledger::verify) fn strike(&mut self, struck: &Refused) -> Result<(), Violation> {
        let id = struck.reviewer.id;
        if !self.is_from_before && !self.approvals.iter().any(|approval| approval.id == id) {
            return Err(Violation::NothingToStrike(id));
        }
        self.approvals.retain(|approval| approval.id != id);
        self.refuse(struck);
        Ok(())
    }

    /// Somebody's word does not count, or no longer: if that is for a part they had, it does not until it is judged again.
    pub(in crate::ledger::verify) fn refuse(&mut self, refused: &Refused) {
        if refused.is_party {
            self.refused.insert(refused.reviewer.id);
        }
    }

    /// From here on an approval counts for what its reviewer is now.
    pub(in crate::ledger::verify) fn weigh(&mut self, weighed: &Weighed) {
        let of = self.approvals.iter_mut().filter(|approval| approval.id == weighed.reviewer.id);
        of.for_each(|approval| approval.access = weighed.access);
    }

    /// GitHub may be told only about the attempt that was shown (P3). Nothing is known of one opened in entries before.
    pub(in crate::ledger::verify) fn is_about(&self, checked: &Attempted) -> Result<(), Violation> {
        let is_unknown = self.is_from_before && self.subject.is_empty();
        if is_unknown || self.attempted.as_ref() == Some(checked) {
            return Ok(());
        }
        let Attempted { attempt, head_sha } = checked.clone();
        Err(Violation::CallbackAttempt { attempt, head_sha })
    }

    pub(in crate::ledger::verify) fn decide(&self, decision: &Decision, time: u64) -> Result<(), Violation> {
        if decision.policy.digest.is_empty() {
            return Err(Violation::NoPolicy);
        }
        self.is_rightly(decision)?;
        self.is_decided_in_time(decision.outcome, time)?;
        let is_unknown = self.is_from_before && self.policy.digest.is_empty();
        if is_unknown || self.policy == decision.policy { Ok(()) } else { Err(Violation::OtherPolicy) }
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
            Some(who) if self.denials.contains(&who.id) => Ok(()),
            Some(who) => Err(Violation::NoDenial(who.id)),
            None if self.is_denied => Ok(()),
            None => Err(Violation::DeniedByNobody),
        }
    }

    pub(in crate::ledger::verify) fn is_one_human(&self, one: AccountId, other: AccountId) -> bool {
        one == other || self.people.iter().any(|owner| owner.has(one) && owner.has(other))
    }

    /// Whoever seconds has a personal account, which is no program's.
    pub(in crate::ledger::verify) fn person(&self, who: &Reviewer) -> Result<(), Violation> {
        let id = who.id;
        if who.kind != "User" {
            return Err(Violation::NotAPerson { id, kind: who.kind.clone() });
        }
        if self.people.iter().any(|owner| owner.is_machine && owner.has(id)) {
            return Err(Violation::ProgramApproves(id));
        }
        Ok(())
    }

    /// Whoever has a part under one account has it under all of theirs.
    pub(in crate::ledger::verify) fn has_part(&self, id: AccountId) -> bool {
        self.parties.iter().any(|party| self.is_one_human(*party, id))
    }

    pub(in crate::ledger::verify) fn approve(&self, decision: &Decision) -> Result<(), Violation> {
        if let Some(id) = self.denials.first() {
            return Err(Violation::DenyOverruled(*id));
        }
        if self.is_denied {
            return Err(Violation::RuleOverruled);
        }
        for (n, approver) in decision.approvers.iter().enumerate() {
            let id = &approver.id;
            self.person(approver)?;
            if self.has_part(*id) {
                return Err(Violation::PartyApprover(*id));
            }
            if !self.is_from_before && !self.approvals.iter().any(|approval| approval.id == *id) {
                return Err(Violation::NoApproval(*id));
            }
            if decision.approvers[..n].iter().any(|other| self.is_one_human(other.id, *id)) {
                return Err(Violation::CountedTwice(*id));
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
        match decision.quorum.iter().find_map(|quorum| quorum.unmet(approvers as u64)) {
            Some(&Quorum { need, have, .. }) => Err(Violation::Quorum { need, have, approvers }),
            None => self.is_counted_rightly(decision),
        }
    }
}
