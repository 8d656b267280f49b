//! What must hold for every request in a ledger, whoever wrote it: opened, seconded by somebody without a part in it,
//! decided, and only then acted on. Holds requests from `request.opened` until GitHub has answered.
use std::collections::{BTreeMap, BTreeSet};

use super::body::State;
use super::known::{Body, Known};
use super::once::{Id, Once};
use super::open::Open;
use super::refusal::Refusal;
use super::report::Outcome;
use super::sealed::Sealed;
use super::violation::Violation;
use crate::ledger::record::RecordType;

/// A request whose decision has been recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Settled {
    pub(super) outcome: Outcome,
    pub(super) digest: String,
}

#[derive(Debug)]
enum Life {
    Open(Box<Open>),
    /// `before` is there until the decision leaves: it may be taken back. `doubt` is what is wrong with its receipt, unless
    /// it is taken back: then another decision has the receipt, or none.
    Decided {
        settled: Settled,
        before: Option<Box<Open>>,
        callback_sent: bool,
        doubt: Option<Refusal>,
        /// Whether it was counted in a segment before this.
        is_carried: bool,
    },
}

/// A request that is alive, and the ids of its entries.
#[derive(Debug)]
struct Alive {
    life: Life,
    once: Once,
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
    alive: BTreeMap<String, Alive>,
    /// Whether there are entries before those that are checked.
    is_segment: bool,
    sealed: Sealed,
    /// Requests met that were opened in entries before.
    from_before: BTreeSet<String>,
}

/// Where a request is looked up that is not alive any more: what was decided about it before this entry.
type Earlier<'a> = dyn FnMut(&str) -> Result<Option<Settled>, Refusal> + 'a;

impl Rules {
    /// The rules for entries that begin at `from`.
    pub(super) fn from(from: u64) -> Self {
        Self { is_segment: from > 0, ..Self::default() }
    }

    /// The entries that are checked end here, and others go on from them.
    pub(super) fn are_carried(&mut self) {
        for alive in self.alive.values_mut() {
            if let Life::Decided { is_carried, .. } = &mut alive.life {
                *is_carried = true;
            }
        }
    }

    /// The requests that are open and the entries that opened them.
    pub(super) fn undecided(&self) -> impl Iterator<Item = (&str, u64)> {
        self.alive.iter().filter_map(|(request, alive)| match &alive.life {
            Life::Open(open) if !open.is_from_before => Some((request.as_str(), open.seq)),
            _ => None,
        })
    }

    /// How many requests were met of whose opening nothing is known.
    pub(super) fn opened_before(&self) -> u64 {
        self.from_before.len() as u64
    }

    /// Checks one entry and says what it decided or took back.
    pub(super) fn check(&mut self, entry: Known, earlier: &mut Earlier<'_>) -> Result<Step, Refusal> {
        let Known { seq, time, record_type, corr, id, body, .. } = entry;
        let refuse = |violation| Refusal::rule(seq, corr.as_deref().unwrap_or("-"), violation);
        if (seq == 0) != (record_type == RecordType::Genesis) {
            return Err(refuse(Violation::Genesis));
        }
        if record_type == RecordType::Genesis {
            return body.map(|_| Step::None).map_err(refuse);
        }
        if let Ok(body) = &body {
            self.sealed.look(body).map_err(refuse)?;
        }
        let Some(request) = corr.as_deref() else {
            return if is_about_a_request(record_type) {
                Err(refuse(Violation::NoRequest(record_type)))
            } else {
                Ok(Step::None)
            };
        };
        if record_type == RecordType::RequestOpened {
            return self.open(request, id, body).map(|()| Step::None).map_err(refuse);
        }
        if !self.alive.contains_key(request) {
            let life = match earlier(request)? {
                Some(settled) => {
                    // It left memory because there was no callback to come, or after one was sent.
                    let callback_sent = State::after(settled.outcome).is_some();
                    Life::Decided { settled, before: None, callback_sent, doubt: None, is_carried: false }
                }
                None if self.is_segment => {
                    self.from_before.insert(request.to_owned());
                    Life::Open(Box::new(Open { seq, is_from_before: true, ..Open::default() }))
                }
                None => return Err(refuse(Violation::NotOpened(record_type))),
            };
            self.alive.insert(request.to_owned(), Alive { life, once: Once::default() });
        }
        let Some(Alive { life, once }) = self.alive.get_mut(request) else {
            return Ok(Step::None);
        };
        if let (RecordType::CallbackSent, Life::Decided { doubt, .. }) = (record_type, &mut *life)
            && let Some(doubt) = doubt.take()
        {
            return Err(doubt);
        }
        let step = body.and_then(|body| life.follow(record_type, time, body)).map_err(refuse)?;
        once.follow(id).map_err(refuse)?;
        // What was decided in entries before has no receipt here to bring it back: that it has left stays in memory.
        let is_remembered = !life.was_decided_before() || !self.from_before.contains(request);
        if life.is_over(record_type) && is_remembered {
            self.alive.remove(request);
        }
        Ok(step)
    }

    /// The decision just recorded has no receipt of its own. That is right only if it is taken back before it leaves.
    pub(super) fn doubt(&mut self, request: &str, fault: Refusal) -> Result<(), Refusal> {
        match self.alive.get_mut(request).map(|alive| &mut alive.life) {
            Some(Life::Decided { doubt, .. }) => {
                *doubt = Some(fault);
                Ok(())
            }
            _ => Err(fault),
        }
    }

    /// What is wrong with a decision that was never taken back.
    pub(super) fn take_doubt(&mut self) -> Option<Refusal> {
        self.alive.values_mut().find_map(|alive| match &mut alive.life {
            Life::Decided { doubt, .. } => doubt.take(),
            Life::Open(_) => None,
        })
    }

    fn open(&mut self, request: &str, id: Option<Id>, body: Result<Body, Violation>) -> Result<(), Violation> {
        if self.alive.contains_key(request) {
            return Err(Violation::OpenedTwice);
        }
        if let Body::Opened(open) = body? {
            let mut once = Once::default();
            once.follow(id)?;
            self.alive.insert(request.to_owned(), Alive { life: Life::Open(open), once });
        }
        Ok(())
    }
}

impl Life {
    /// Checks the next entry of this request.
    fn follow(&mut self, record_type: RecordType, time: u64, body: Body) -> Result<Step, Violation> {
        match body {
            // Judged again by other rules. Who approved before approved the same thing; whether they still may, is asked anew.
            // What is held and who set it going is as it was, and so is a denial.
            Body::Rejudged(now) => {
                let open = self.still_open(record_type)?;
                let is_from_before = open.is_from_before;
                if now.subject != open.subject && !(is_from_before && open.subject.is_empty()) {
                    return Err(Violation::OtherSubject);
                }
                if let Some(missing) = open.starters.iter().find(|id| !now.parties.contains(id)) {
                    return Err(Violation::PartyMissing(*missing));
                }
                let is_denied = open.is_denied || now.is_denied;
                let Open { opened_at, approvals, denials, starters, waited, release_taken_back, .. } =
                    std::mem::take(&mut **open);
                **open = Open {
                    is_from_before,
                    opened_at,
                    approvals,
                    denials,
                    starters,
                    is_denied,
                    waited,
                    release_taken_back,
                    ..*now
                };
            }
            Body::Facts => drop(self.still_open(record_type)?),
            Body::Review(review) => {
                self.same_digest(&review.request_digest)?;
                self.still_open(record_type)?.review(&review, time)?;
            }
            Body::Struck(struck) => {
                let open = self.still_open(record_type)?;
                open.approvals.retain(|approval| approval.id != struck.id);
            }
            // After a decision, too: it may be taken back.
            Body::Refused(refused) if refused.is_party => {
                let open = match self {
                    Life::Open(open) => Some(open),
                    Life::Decided { before, .. } => before.as_mut(),
                };
                open.into_iter().for_each(|open| {
                    open.refused.insert(refused.reviewer.id);
                });
            }
            Body::Weighed(weighed) => self.still_open(record_type)?.weigh(&weighed),
            Body::Waited(waited) => self.still_open(record_type)?.wait(waited, time)?,
            Body::Decision(decision) => {
                self.same_digest(&decision.request_digest)?;
                let Life::Open(open) = self else {
                    return Err(Violation::DecidedTwice);
                };
                open.decide(&decision, time)?;
                let outcome = decision.outcome;
                let settled = Settled { outcome, digest: decision.request_digest };
                let before = Some(std::mem::take(open));
                *self = Life::Decided { settled, before, callback_sent: false, doubt: None, is_carried: false };
                return Ok(Step::Decided(outcome));
            }
            // It was decided before the entries begin that are checked.
            Body::Voided if self.is_from_before() => {
                if let Life::Open(open) = self {
                    open.release_taken_back = Some(time);
                }
            }
            Body::Voided => {
                let Life::Decided { settled, before, callback_sent: false, is_carried, .. } = self else {
                    return Err(Violation::VoidedTooLate);
                };
                let (outcome, is_carried) = (settled.outcome, *is_carried);
                let mut open = before.take().ok_or(Violation::VoidedTooLate)?;
                // A newer attempt or the end of the run may take the place of a denial, a release never.
                open.is_denied |= State::after(outcome) == Some(State::Rejected);
                open.release_taken_back = Some(time).filter(|_| State::after(outcome) == Some(State::Approved));
                *self = Life::Open(open);
                return Ok(if is_carried { Step::None } else { Step::Voided(outcome) });
            }
            Body::CallbackSent(callback) if self.is_from_before() => {
                if let Life::Open(open) = &*self {
                    open.is_about(&callback.checked)?;
                }
                let outcome = match callback.state {
                    State::Approved => Outcome::Approved,
                    State::Rejected => Outcome::Denied,
                };
                let settled = Settled { outcome, digest: callback.request_digest };
                *self = Life::Decided { settled, before: None, callback_sent: true, doubt: None, is_carried: false };
            }
            Body::CallbackSent(callback) => {
                self.same_digest(&callback.request_digest)?;
                let Life::Decided { settled, before, callback_sent, .. } = self else {
                    return Err(Violation::CallbackUndecided);
                };
                if State::after(settled.outcome) != Some(callback.state) {
                    let (sent, outcome) = (callback.state.as_str(), settled.outcome.as_str());
                    return Err(Violation::CallbackState { sent, outcome });
                }
                if std::mem::replace(callback_sent, true) {
                    return Err(Violation::CallbackTwice);
                }
                if let Some(before) = before {
                    before.is_about(&callback.checked)?;
                }
            }
            Body::CallbackResult
                if !matches!(self, Life::Decided { callback_sent: true, .. }) && !self.is_from_before() =>
            {
                return Err(Violation::ResultUnsent);
            }
            _ => {}
        }
        Ok(Step::None)
    }

    fn is_from_before(&self) -> bool {
        matches!(self, Life::Open(open) if open.is_from_before)
    }

    fn was_decided_before(&self) -> bool {
        matches!(self, Life::Decided { before: None, .. })
    }

    /// Whether no more is to come after this entry, unless it comes late.
    fn is_over(&self, record_type: RecordType) -> bool {
        match self {
            Life::Open(_) => false,
            Life::Decided { settled, .. } if State::after(settled.outcome).is_none() => true,
            Life::Decided { callback_sent, .. } => *callback_sent && record_type != RecordType::CallbackSent,
        }
    }

    fn same_digest(&mut self, found: &str) -> Result<(), Violation> {
        if let Life::Open(open) = self
            && open.is_from_before
            && open.digest.is_empty()
        {
            open.digest = found.to_owned();
        }
        let opened = self.digest();
        if found == opened {
            return Ok(());
        }
        Err(Violation::Digest { found: found.to_owned(), opened: opened.to_owned() })
    }

    fn still_open(&mut self, record_type: RecordType) -> Result<&mut Box<Open>, Violation> {
        match self {
            Life::Open(open) => Ok(open),
            Life::Decided { .. } => Err(Violation::AfterDecision(record_type)),
        }
    }
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
        | RecordType::EffectFailed
        | RecordType::RedactionPerformed
        | RecordType::LedgerPublished
        | RecordType::LedgerPublicationFailed => false,
    }
}
