//! What must hold for every request in a ledger, whoever wrote it: opened, seconded by somebody without a part in it,
//! decided, and only then acted on. Holds requests from `request.opened` until GitHub has answered.
use std::collections::{BTreeMap, BTreeSet};

use self::deployments::Deployments;
use self::known::{Body, Known};
use self::life::{Callback, Life};
use self::loaded::InForce;
use self::once::{Id, Once};
use self::open::Open;
use self::others::Others;
use self::sealed::Sealed;
use self::told::Judged;
use crate::ledger::record::RecordType;
use crate::ledger::verify::read::body::State;
use crate::ledger::verify::refusal::Refusal;
use crate::ledger::verify::report::Outcome;
use crate::ledger::verify::violation::Violation;

mod again;
mod commits;
mod decided;
mod deployments;
mod eligible;
mod happened;
pub(super) mod held;
mod humans;
pub mod keys;
pub(super) mod known;
mod leaving;
mod life;
mod loaded;
mod once;
mod open;
mod others;
mod sealed;
pub(super) mod timely;
pub(super) mod told;

/// A request whose decision has been recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Settled {
    pub(super) outcome: Outcome,
    pub(super) digest: String,
}

impl Settled {
    fn releases(&self) -> bool {
        State::after(self.outcome) == Some(State::Approved)
    }
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

/// The requests that are alive at one point of the log.
#[derive(Debug, Default)]
pub(super) struct Rules {
    alive: BTreeMap<String, Alive>,
    /// Whether there are entries before those that are checked.
    is_segment: bool,
    sealed: Sealed,
    judged: Judged,
    in_force: InForce,
    deployments: Deployments,
    others: Others,
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
        self.in_force.are_carried();
        self.others.are_carried();
        self.deployments.are_carried();
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

    /// What is odd and proves nothing.
    pub(super) fn warnings(&self) -> impl Iterator<Item = String> {
        self.in_force.warnings().chain(self.deployments.warnings()).chain(self.others.warnings())
    }

    /// Checks one entry and says what it decided or took back.
    pub(super) fn check(&mut self, entry: Known, earlier: &mut Earlier<'_>) -> Result<Step, Refusal> {
        let Known { seq, time, record_type, corr, id, is_strange, digest, body, .. } = entry;
        self.others.wrote(is_strange);
        let refuse = |violation| Refusal::rule(seq, corr.as_deref().unwrap_or("-"), violation);
        if (seq == 0) != (record_type == RecordType::Genesis) {
            return Err(refuse(Violation::Genesis));
        }
        if record_type == RecordType::Genesis {
            return body.map(|_| Step::None).map_err(refuse);
        }
        if let Ok(body) = &body {
            self.sealed.look(body).map_err(refuse)?;
            self.judged.look(body).map_err(refuse)?;
            if let Body::Loaded(loaded) = body {
                self.in_force.load(loaded, time);
            }
        }
        let Some(request) = corr.as_deref() else {
            return if is_about_a_request(record_type) {
                Err(refuse(Violation::NoRequest(record_type)))
            } else {
                body.map(|_| Step::None).map_err(refuse)
            };
        };
        if record_type == RecordType::RequestOpened {
            let Body::Opened(open) = body.map_err(refuse)? else { return Ok(Step::None) };
            // GitHub asks about another deployment of the same when it has an answer about the first.
            if let Some(first) = &open.first
                && !self.is_decided(first, earlier)?
            {
                return Err(refuse(Violation::SecondDeployment));
            }
            return self.open(request, id, open).map(|()| Step::None).map_err(refuse);
        }
        if !self.alive.contains_key(request) {
            let life = match earlier(request)? {
                Some(settled) => {
                    // It left memory because there was no callback to come, or after that had ended.
                    let is_told = State::after(settled.outcome).is_some();
                    let callback = if is_told { Callback::Ended } else { Callback::Owed };
                    Life::Decided { settled, before: None, callback, doubt: None, is_carried: false }
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
        digest.map_or(Ok(()), |digest| life.same_digest(&digest)).map_err(refuse)?;
        once.follow(id).map_err(refuse)?;
        if let Life::Decided { settled, before: Some(open), .. } = &*life {
            if matches!(step, Step::Decided(_)) && !self.is_segment {
                self.in_force.decide(open).map_err(refuse)?;
            }
            let is_told = record_type == RecordType::CallbackSent;
            if let Some(deployment) = open.deployment.as_ref().filter(|_| is_told && settled.releases()) {
                self.deployments.release(deployment.id);
            }
        }
        // What was decided in entries before has no receipt here to bring it back: that it has left stays in memory.
        let is_remembered = !life.was_decided_before() || !self.from_before.contains(request);
        if let Life::Open(open) = &mut *life {
            self.others.judged(open);
        }
        if life.is_over() && is_remembered {
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

    fn open(&mut self, request: &str, id: Option<Id>, open: Box<Open>) -> Result<(), Violation> {
        if self.alive.contains_key(request) {
            return Err(Violation::OpenedTwice);
        }
        if let Some(deployment) = &open.deployment {
            self.deployments.open(deployment)?;
        }
        let once = Once::from_the_first(id)?;
        self.alive.insert(request.to_owned(), Alive { life: Life::Open(open), once });
        Ok(())
    }

    fn is_decided(&self, request: &str, earlier: &mut Earlier<'_>) -> Result<bool, Refusal> {
        match self.alive.get(request) {
            Some(alive) => Ok(matches!(alive.life, Life::Decided { .. })),
            None => Ok(earlier(request)?.is_some()),
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
