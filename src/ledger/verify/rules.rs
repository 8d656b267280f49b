//! What must hold for every request in a ledger, whoever wrote it: opened, seconded by somebody without a part in it,
//! decided, and only then acted on. Holds requests from `request.opened` until GitHub has answered.
use std::collections::BTreeMap;

use serde_json::value::RawValue;

use super::body::{
    self, Callback, Decision, KnownParts, Opened, Owner, Person, Quorum, Review, Reviewer, State, Verdict,
};
use super::refusal::Refusal;
use super::report::Outcome;
use super::violation::Violation;
use crate::ledger::entry::Header;
use crate::ledger::record::RecordType;

/// A request whose decision has been recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Settled {
    pub(super) outcome: Outcome,
    pub(super) digest: String,
}

/// A request that can still be decided.
#[derive(Debug, Default)]
struct Open {
    seq: u64,
    digest: String,
    /// Repository, environment, run and commit, as they are written.
    subject: String,
    /// Who set it going, as far as the opening tells.
    starters: Vec<u64>,
    parties: Vec<u64>,
    people: Vec<Owner>,
    approvals: Vec<u64>,
    denials: Vec<u64>,
    ai_commits: u64,
    partial: usize,
    matched_rules: usize,
    quorum: Vec<Quorum>,
    /// Whether a rule denies it, whatever anybody says.
    is_denied: bool,
}

#[derive(Debug)]
enum Life {
    Open(Open),
    /// `before` is there until the decision leaves: it may be taken back. `doubt` is what is wrong with its receipt, unless
    /// it is taken back: then another decision has the receipt, or none.
    Decided {
        settled: Settled,
        before: Option<Open>,
        callback_sent: bool,
        doubt: Option<Refusal>,
    },
}

/// What an entry means for the count of decisions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// Nothing.
    None,
    /// One more request is decided.
    Decided(Outcome),
    /// One fewer is.
    Voided(Outcome),
}

impl Life {
    fn digest(&self) -> &str {
        match self {
            Life::Open(open) => &open.digest,
            Life::Decided { settled, .. } => &settled.digest,
        }
    }
}

/// The requests that are alive at one point of the log.
#[derive(Debug, Default)]
pub(super) struct Rules {
    alive: BTreeMap<String, Life>,
}

/// Who had a part in what an entry opens, found out ahead.
type Parts = Result<KnownParts, Violation>;

/// Where a request is looked up that is not alive any more: what was decided about it before this entry.
type Earlier<'a> = dyn FnMut(&str) -> Result<Option<Settled>, Refusal> + 'a;

impl Rules {
    /// The requests that are open and the entries that opened them.
    pub(super) fn undecided(&self) -> impl Iterator<Item = (&str, u64)> {
        self.alive.iter().filter_map(|(request, life)| match life {
            Life::Open(open) => Some((request.as_str(), open.seq)),
            Life::Decided { .. } => None,
        })
    }

    /// Checks one entry and says what it decided or took back.
    pub(super) fn check(
        &mut self,
        header: &Header<'_>,
        record_type: RecordType,
        parts: Option<Parts>,
        earlier: &mut Earlier<'_>,
    ) -> Result<Step, Refusal> {
        let refuse = |violation| Refusal::rule(header.seq, header.corr.unwrap_or("-"), violation);
        if (header.seq == 0) != (record_type == RecordType::Genesis) {
            return Err(refuse(Violation::Genesis));
        }
        if record_type == RecordType::Genesis {
            return genesis(header).map(|()| Step::None).map_err(refuse);
        }
        let Some(request) = header.corr else {
            return if is_about_a_request(record_type) {
                Err(refuse(Violation::NoRequest(record_type)))
            } else {
                Ok(Step::None)
            };
        };
        if record_type == RecordType::RequestOpened {
            return self.open(request, header, parts).map(|()| Step::None).map_err(refuse);
        }
        if !self.alive.contains_key(request) {
            let settled = earlier(request)?.ok_or_else(|| refuse(Violation::NotOpened(record_type)))?;
            // It left memory because there was no callback to come, or after one was sent.
            let callback_sent = State::after(settled.outcome).is_some();
            self.alive.insert(request.to_owned(), Life::Decided { settled, before: None, callback_sent, doubt: None });
        }
        let Some(life) = self.alive.get_mut(request) else {
            return Ok(Step::None);
        };
        if let (RecordType::CallbackSent, Life::Decided { doubt, .. }) = (record_type, &mut *life)
            && let Some(doubt) = doubt.take()
        {
            return Err(doubt);
        }
        let step = life.follow(record_type, header, parts).map_err(refuse)?;
        if life.is_over(record_type) {
            self.alive.remove(request);
        }
        Ok(step)
    }

    /// The decision just recorded has no receipt of its own. That is right only if it is taken back before it leaves.
    pub(super) fn doubt(&mut self, request: &str, fault: Refusal) -> Result<(), Refusal> {
        match self.alive.get_mut(request) {
            Some(Life::Decided { doubt, .. }) => {
                *doubt = Some(fault);
                Ok(())
            }
            _ => Err(fault),
        }
    }

    /// What is wrong with a decision that was never taken back.
    pub(super) fn take_doubt(&mut self) -> Option<Refusal> {
        self.alive.values_mut().find_map(|life| match life {
            Life::Decided { doubt, .. } => doubt.take(),
            Life::Open(_) => None,
        })
    }

    fn open(&mut self, request: &str, entry: &Header<'_>, parts: Option<Parts>) -> Result<(), Violation> {
        if self.alive.contains_key(request) {
            return Err(Violation::OpenedTwice);
        }
        self.alive.insert(request.to_owned(), Life::Open(Open::of(entry, parts)?));
        Ok(())
    }
}

impl Life {
    /// Checks the next entry of this request.
    fn follow(&mut self, record_type: RecordType, entry: &Header<'_>, parts: Option<Parts>) -> Result<Step, Violation> {
        match record_type {
            // Judged again by other rules. Who approved before approved the same thing; whether they still may, is asked anew.
            // What is held and who set it going is as it was, and so is a denial.
            RecordType::RequestRejudged => {
                let open = self.still_open(record_type)?;
                let now = Open::of(entry, parts)?;
                if now.subject != open.subject {
                    return Err(Violation::OtherSubject);
                }
                if let Some(missing) = open.starters.iter().find(|id| !now.parties.contains(id)) {
                    return Err(Violation::PartyMissing(*missing));
                }
                let is_denied = open.is_denied || now.is_denied;
                let Open { approvals, denials, starters, .. } = std::mem::take(open);
                *open = Open { approvals, denials, starters, is_denied, ..now };
            }
            RecordType::FactsRecorded => drop(self.still_open(record_type)?),
            RecordType::ReviewRecorded => {
                let review = Review::of(entry)?;
                self.same_digest(review.request_digest)?;
                self.still_open(record_type)?.review(&review)?;
            }
            RecordType::ReviewStruck => {
                let struck: Person = body::need(entry.reviewer, "reviewer")?;
                let open = self.still_open(record_type)?;
                open.approvals.retain(|id| *id != struck.id);
            }
            RecordType::DecisionRecorded => {
                let decision = Decision::of(entry)?;
                self.same_digest(decision.request_digest)?;
                let Life::Open(open) = self else {
                    return Err(Violation::DecidedTwice);
                };
                open.decide(&decision)?;
                let settled = Settled { outcome: decision.outcome, digest: decision.request_digest.to_owned() };
                let before = Some(std::mem::take(open));
                *self = Life::Decided { settled, before, callback_sent: false, doubt: None };
                return Ok(Step::Decided(decision.outcome));
            }
            RecordType::DecisionVoided => {
                let Life::Decided { settled, before, callback_sent: false, .. } = self else {
                    return Err(Violation::VoidedTooLate);
                };
                let outcome = settled.outcome;
                let mut open = before.take().ok_or(Violation::VoidedTooLate)?;
                // A newer attempt or the end of the run may take the place of a denial, a release never.
                open.is_denied |= State::after(outcome) == Some(State::Rejected);
                *self = Life::Open(open);
                return Ok(Step::Voided(outcome));
            }
            RecordType::CallbackSent => {
                let callback = Callback::of(entry)?;
                self.same_digest(callback.request_digest)?;
                let Life::Decided { settled, callback_sent, .. } = self else {
                    return Err(Violation::CallbackUndecided);
                };
                if State::after(settled.outcome) != Some(callback.state) {
                    let (sent, outcome) = (callback.state.as_str(), settled.outcome.as_str());
                    return Err(Violation::CallbackState { sent, outcome });
                }
                *callback_sent = true;
            }
            RecordType::CallbackResult if !matches!(self, Life::Decided { callback_sent: true, .. }) => {
                return Err(Violation::ResultUnsent);
            }
            _ => {}
        }
        Ok(Step::None)
    }

    /// Whether no more is to come after this entry, unless it comes late.
    fn is_over(&self, record_type: RecordType) -> bool {
        match self {
            Life::Open(_) => false,
            Life::Decided { settled, .. } if State::after(settled.outcome).is_none() => true,
            Life::Decided { callback_sent, .. } => *callback_sent && record_type != RecordType::CallbackSent,
        }
    }

    fn same_digest(&self, found: &str) -> Result<(), Violation> {
        let opened = self.digest();
        if found == opened {
            return Ok(());
        }
        Err(Violation::Digest { found: found.to_owned(), opened: opened.to_owned() })
    }

    fn still_open(&mut self, record_type: RecordType) -> Result<&mut Open, Violation> {
        match self {
            Life::Open(open) => Ok(open),
            Life::Decided { .. } => Err(Violation::AfterDecision(record_type)),
        }
    }
}

impl Open {
    fn of(entry: &Header<'_>, parts: Option<Parts>) -> Result<Self, Violation> {
        let opened = Opened::of(entry)?;
        let KnownParts { starters, all } = parts.unwrap_or_else(|| KnownParts::of(entry))?;
        let is_party = |id: &u64| opened.parties.iter().any(|party| party.id == *id);
        if let Some(missing) = all.iter().find(|id| !is_party(id)) {
            return Err(Violation::PartyMissing(*missing));
        }
        let subject = [entry.repository, entry.environment, entry.run, entry.head_sha];
        Ok(Self {
            seq: entry.seq,
            digest: opened.request_digest,
            subject: subject.into_iter().map(|field| field.map_or("-", RawValue::get)).collect::<Vec<_>>().join(" "),
            starters,
            parties: opened.parties.iter().map(|party| party.id).collect(),
            people: opened.people,
            approvals: Vec::new(),
            denials: Vec::new(),
            ai_commits: opened.ai_commits,
            partial: opened.partial.len(),
            matched_rules: opened.matched_rules.len(),
            quorum: opened.quorum,
            is_denied: !opened.denied_by.is_empty(),
        })
    }

    fn review(&mut self, review: &Review<'_>) -> Result<(), Violation> {
        let id = review.reviewer.id;
        if review.verdict == Verdict::Deny {
            self.denials.push(id);
            return Ok(());
        }
        if self.has_part(id) {
            return Err(Violation::PartyApproves(id));
        }
        self.person(&review.reviewer)?;
        self.approvals.push(id);
        Ok(())
    }

    fn decide(&self, decision: &Decision<'_>) -> Result<(), Violation> {
        if decision.policy.digest.is_empty() {
            return Err(Violation::NoPolicy);
        }
        match decision.outcome {
            Outcome::NotRequired if self.is_denied => Err(Violation::RuleOverruled),
            Outcome::Approved => self.approve(decision),
            Outcome::NotRequired if self.matched_rules > 0 || self.ai_commits > 0 || self.partial > 0 => {
                Err(Violation::Required { ai_commits: self.ai_commits, partial: self.partial })
            }
            _ => Ok(()),
        }
    }

    fn is_one_human(&self, one: u64, other: u64) -> bool {
        one == other || self.people.iter().any(|owner| owner.accounts.contains(&one) && owner.accounts.contains(&other))
    }

    /// Whoever seconds has a personal account, which is no program's.
    fn person(&self, who: &Reviewer<'_>) -> Result<(), Violation> {
        let id = who.id;
        if who.kind != "User" {
            return Err(Violation::NotAPerson { id, kind: who.kind.clone().into_owned() });
        }
        if self.people.iter().any(|owner| owner.is_machine && owner.accounts.contains(&id)) {
            return Err(Violation::ProgramApproves(id));
        }
        Ok(())
    }

    /// Whoever has a part under one account has it under all of theirs.
    fn has_part(&self, id: u64) -> bool {
        self.parties.iter().any(|party| self.is_one_human(*party, id))
    }

    fn approve(&self, decision: &Decision<'_>) -> Result<(), Violation> {
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
            if !self.approvals.contains(id) {
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
            None => Ok(()),
        }
    }
}

fn genesis(entry: &Header<'_>) -> Result<(), Violation> {
    let found: String = body::need(entry.origin, "origin")?;
    if found == entry.log {
        return Ok(());
    }
    Err(Violation::GenesisOrigin { found, log: entry.log.to_owned() })
}

fn is_about_a_request(record_type: RecordType) -> bool {
    match record_type {
        RecordType::RequestOpened
        | RecordType::RequestUnmeetable
        | RecordType::RequestRejudged
        | RecordType::RequestEscalated
        | RecordType::RequestReminded
        | RecordType::ReleaseHeld
        | RecordType::FactsRecorded
        | RecordType::ReviewRecorded
        | RecordType::ReviewStruck
        | RecordType::ReviewWeighed
        | RecordType::DecisionRecorded
        | RecordType::DecisionVoided
        | RecordType::CallbackSent
        | RecordType::CallbackResult => true,
        RecordType::Genesis
        | RecordType::KeyAdded
        | RecordType::KeyActivated
        | RecordType::KeyRevoked
        | RecordType::PolicyLoaded
        | RecordType::AttemptRefused
        | RecordType::EffectFailed => false,
    }
}
