//! A request that is open: who had a part in it, who spoke, and whether a decision follows from that.
use std::sync::Arc;

use super::again::Judged;
use super::commits::Commits;
use super::deployments::Deployment;
use super::eligible::Approval;
use super::held::{self, Follows, Loose};
use super::humans::{Humans, Several};
use super::known::verbatim;
use super::leaving::HeldBack;
use super::sealed::Told;
use super::told;
use crate::ledger::entry::{Header, SOFTWARE};
use crate::ledger::verify::miscalled::Miscalled;
use crate::ledger::verify::read::alike::Alike;
use crate::ledger::verify::read::body::{Attempted, Opened, Review, Reviewer, Verdict, Weighed};
use crate::ledger::verify::read::facts::KnownParts;
use crate::ledger::verify::read::happened::Voided;
use crate::ledger::verify::read::policy::Policy;
use crate::ledger::verify::read::quorum::{Quorum, are_asked_by};
use crate::ledger::verify::read::who::AccountId;
use crate::ledger::verify::read::why::Refused;
use crate::ledger::verify::unfounded::Unfounded;
use crate::ledger::verify::unreal::Unreal;
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
    pub(super) parties: Several,
    /// Whose word did not count because they had a part, since it was last judged.
    pub(super) refused: Several,
    /// How it names persons.
    pub(in crate::ledger::verify) told: Told,
    /// Which accounts are one human's.
    pub(super) humans: Humans,
    /// Approvals that stand, in their order.
    pub(super) approvals: Vec<Approval>,
    /// Whose they are.
    pub(super) approved: Several,
    pub(super) denials: Vec<AccountId>,
    /// Whose denial no decision has followed yet.
    pub(super) denied: Option<AccountId>,
    pub(in crate::ledger::verify) ai_commits: u64,
    pub(in crate::ledger::verify) commits: Commits,
    /// Whether it says of what judgement its digest is.
    pub(in crate::ledger::verify) has_judgement: bool,
    pub(in crate::ledger::verify) partial: usize,
    pub(in crate::ledger::verify) matched_rules: usize,
    pub(in crate::ledger::verify) quorum: Arc<Vec<Quorum>>,
    /// Whether a rule denies it, whatever anybody says.
    pub(in crate::ledger::verify) is_denied: bool,
    /// Who judged it, and which rules matched.
    pub(in crate::ledger::verify) judged: Judged,
    /// Whether the software that judged it is of this version.
    pub(in crate::ledger::verify) is_by_this_version: bool,
    /// The rules it was judged by.
    pub(in crate::ledger::verify) policy: Arc<Policy>,
    /// When it was judged last, in milliseconds since 1970 UTC.
    pub(super) judged_at: u64,
    /// What keeps its release from leaving.
    pub(super) held_back: HeldBack,
    /// When it expires, in milliseconds since 1970 UTC.
    pub(in crate::ledger::verify) expires_at: Option<u64>,
    /// How long it had waited when others were last let in, in milliseconds.
    pub(in crate::ledger::verify) waited: u64,
    /// Whether others were let in then, and nobody reminded yet.
    pub(in crate::ledger::verify) is_let_in: bool,
    /// The rules that nobody is left to meet, as was last said; unknown if that was in entries before.
    pub(in crate::ledger::verify) nobody_left: Option<Vec<String>>,
    /// Rules that asked something before it was judged again, and no longer do.
    pub(in crate::ledger::verify) asked_before: Vec<String>,
    /// Whether another version asked something else by the same rules.
    pub(in crate::ledger::verify) is_asked_otherwise: bool,
    /// Why a decision was taken back just now, and when: what for comes next.
    pub(in crate::ledger::verify) voided: Option<(Voided, u64)>,
    /// When a decision to release was last taken back.
    pub(in crate::ledger::verify) release_taken_back: Option<u64>,
    /// When approvals, or what they count for, last changed otherwise than by a review.
    pub(super) changed_at: Option<u64>,
    /// In how many entries the facts stand, and how many of these were there.
    pub(super) pieces: (u64, u64),
    /// What of it does not follow from what it is about.
    pub(in crate::ledger::verify) loose: Loose,
}

impl Open {
    /// Reads an opening, or a judgement made again, in a log of this account.
    pub(in crate::ledger::verify) fn of(
        entry: &Header<'_>,
        account: Option<u64>,
        alike: &mut Alike,
    ) -> Result<Self, Violation> {
        let opened = Opened::of(entry, alike)?;
        told::in_clear(entry)?;
        let Follows { loose, first } = held::follows(entry, &opened, account)?;
        told::by_whom(entry)?;
        told::until_when(&opened)?;
        are_asked_by(&opened.matched_rules, &opened.quorum, &opened.denied_by)?;
        let commits = Commits::of(entry, &opened)?;
        let loose = loose.commits(commits.are_loose(&opened)).people(opened.omits_people);
        let KnownParts { starters, all, ai_commits } = KnownParts::of(entry)?;
        ai_commits.map_or(Ok(()), |told| told::are_counted(told, opened.ai_commits))?;
        let deployment = Deployment::of(entry, &opened)?;
        let humans = Humans::of(&opened.people);
        let parties = Several::of(opened.parties.iter().map(|party| party.id), &humans);
        if let Some(missing) = all.iter().find(|id| !parties.names(**id)) {
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
            repository: opened.repository.ok(),
            deployment,
            first,
            attempted: opened.run.ok().and_then(|run| Attempted::opened(run.attempt, entry)),
            starters,
            parties,
            refused: Several::default(),
            told: Told::of(&opened.parties, &opened.people),
            humans,
            approvals: Vec::new(),
            approved: Several::default(),
            denials: Vec::new(),
            denied: None,
            ai_commits: opened.ai_commits,
            has_judgement: entry.judgement.is_some(),
            partial: opened.partial.len(),
            matched_rules: opened.matched_rules.len(),
            quorum: opened.quorum,
            is_denied: !opened.denied_by.is_empty(),
            judged: Judged::of(entry),
            is_by_this_version: entry.sw == SOFTWARE,
            policy: opened.policy,
            judged_at: entry.time,
            held_back: HeldBack::of(entry)?,
            expires_at: opened.expires_at,
            waited: 0,
            is_let_in: false,
            nobody_left: Some(Vec::new()),
            asked_before: Vec::new(),
            is_asked_otherwise: false,
            voided: None,
            release_taken_back: None,
            changed_at: None,
            pieces: (opened.facts_pieces, 0),
            loose,
            commits,
        })
    }

    pub(super) fn review(&mut self, review: &Review, time: u64) -> Result<(), Violation> {
        let Review { reviewer, access, .. } = review;
        let id = reviewer.id;
        if review.verdict == Verdict::Deny {
            self.may_deny(reviewer, *access)?;
            self.denials.push(id);
            self.denied = Some(id);
            return Ok(());
        }
        if self.has_part(id) {
            return Err(Violation::PartyApproves(id));
        }
        if self.refused.has(id, &self.humans) {
            return Err(Violation::RefusedApproves(id));
        }
        self.person(reviewer)?;
        self.is_in_time(time)?;
        let approval = Approval { id, access: *access, assurance: review.via.assurance() };
        self.is_asked(approval)?;
        if self.approved.has(id, &self.humans) {
            return Err(Unfounded::ApprovesTwice(id).into());
        }
        self.approved.add(id, &self.humans);
        self.approvals.push(approval);
        Ok(())
    }

    /// The pieces of the facts follow the opening in their order.
    pub(super) fn piece(&mut self, piece: Option<u64>) -> Result<(), Violation> {
        let (all, there) = &mut self.pieces;
        if self.is_from_before && self.subject.is_empty() {
            return Ok(());
        }
        *there += 1;
        if piece != Some(*there) || there > all {
            return Err(Violation::OtherPiece { found: piece, expected: *there, all: *all });
        }
        Ok(())
    }

    /// An approval does not count any longer.
    pub(super) fn strike(&mut self, struck: &Refused) -> Result<(), Violation> {
        let id = struck.reviewer.id;
        if self.approved.names(id) {
            self.approved.remove(id, &self.humans);
            self.approvals.retain(|approval| approval.id != id);
        } else if !self.is_from_before {
            return Err(Violation::NothingToStrike(id));
        }
        self.refuse(struck);
        Ok(())
    }

    /// Somebody's word does not count, or no longer: if that is for a part they had, it does not until it is judged again.
    pub(super) fn refuse(&mut self, refused: &Refused) {
        if refused.is_party {
            self.refused.add(refused.reviewer.id, &self.humans);
        }
    }

    /// From here on an approval counts for what its reviewer is now.
    pub(in crate::ledger::verify) fn weigh(&mut self, weighed: &Weighed) -> Result<(), Violation> {
        let id = weighed.reviewer.id;
        match self.approvals.iter_mut().find(|approval| approval.id == id) {
            Some(approval) => approval.access = weighed.access,
            None if self.is_from_before => {}
            None => return Err(Unreal::NothingToWeigh(id).into()),
        }
        Ok(())
    }

    /// GitHub may be told only about the attempt that was shown (P3). Nothing is known of one opened in entries before.
    pub(in crate::ledger::verify) fn is_about(&self, checked: &Attempted) -> Result<(), Violation> {
        if self.is_unknown() || self.attempted.as_ref() == Some(checked) {
            return Ok(());
        }
        let Attempted { attempt, head_sha } = checked.clone();
        Err(Miscalled::Attempt { attempt, head_sha }.into())
    }

    /// Whoever seconds has a personal account, which is no program's.
    pub(super) fn person(&self, who: &Reviewer) -> Result<(), Violation> {
        let id = who.id;
        if who.kind != "User" {
            return Err(Violation::NotAPerson { id, kind: who.kind.clone() });
        }
        if self.humans.is_program(id) {
            return Err(Violation::ProgramApproves(id));
        }
        Ok(())
    }

    /// Whoever has a part under one account has it under all of theirs.
    pub(super) fn has_part(&self, id: AccountId) -> bool {
        self.parties.has(id, &self.humans)
    }

    /// Whether nothing is known of what it asks and of who had a part: it was opened in entries before, and not judged again since.
    pub(super) fn is_unknown(&self) -> bool {
        self.is_from_before && self.subject.is_empty()
    }
}
