//! One request, from its opening until GitHub has answered, and what each entry about it does to that.
use super::known::Body;
use super::open::Open;
use super::{Settled, Step};
use crate::ledger::record::RecordType;
use crate::ledger::verify::miscalled::Miscalled;
use crate::ledger::verify::read::body::State;
use crate::ledger::verify::read::happened::Held;
use crate::ledger::verify::refusal::Refusal;
use crate::ledger::verify::report::Outcome;
use crate::ledger::verify::unreal::Unreal;
use crate::ledger::verify::violation::Violation;

/// How far a request is.
#[derive(Debug)]
pub(super) enum Life {
    Open(Box<Open>),
    /// `before` is there until the decision leaves: it may be taken back. `doubt` is what is wrong with its receipt, unless
    /// it is taken back: then another decision has the receipt, or none.
    Decided {
        settled: Settled,
        before: Option<Box<Open>>,
        callback: Callback,
        doubt: Option<Refusal>,
        /// Whether it was counted in a segment before this.
        is_carried: bool,
    },
}

/// How far a decision has come on its way to GitHub.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Callback {
    /// It has not left, or nobody is to be told.
    Owed,
    Sent,
    /// GitHub answered, or it was given up.
    Ended,
}

impl Life {
    /// Checks the next entry of this request.
    pub(super) fn follow(&mut self, record_type: RecordType, time: u64, body: Body) -> Result<Step, Violation> {
        if let Life::Open(open) = self {
            open.is_what_it_was_voided_for(record_type, time, &body)?;
        }
        match body {
            Body::Rejudged(now) => self.still_open(record_type)?.judge_again(*now, time)?,
            Body::Facts(piece) => self.still_open(record_type)?.piece(piece)?,
            Body::Review(review) => {
                self.same_digest(&review.request_digest)?;
                self.still_open(record_type)?.review(&review, time)?;
            }
            Body::Struck(struck) => {
                let open = self.still_open(record_type)?;
                open.strike(&struck)?;
                open.changed_at = Some(time);
            }
            // After a decision, too: it may be taken back.
            Body::Refused(refused) => {
                let open = match self {
                    Life::Open(open) => Some(open),
                    Life::Decided { before, .. } => before.as_mut(),
                };
                open.into_iter().for_each(|open| open.refuse(&refused));
            }
            Body::Weighed(weighed) => {
                let open = self.still_open(record_type)?;
                open.weigh(&weighed)?;
                open.changed_at = Some(time);
            }
            Body::Unmeetable(rules) => self.still_open(record_type)?.nobody_is_left(rules)?,
            Body::Escalated(escalated) => self.still_open(record_type)?.let_in(&escalated, time)?,
            Body::Reminded(waited) => self.still_open(record_type)?.remind(waited, time)?,
            Body::Decision(decision) => {
                self.same_digest(&decision.request_digest)?;
                let Life::Open(open) = self else {
                    return Err(Violation::DecidedTwice);
                };
                open.decide(&decision, time)?;
                let outcome = decision.outcome;
                let settled = Settled { outcome, digest: decision.request_digest };
                let before = Some(std::mem::take(open));
                *self = Life::Decided { settled, before, callback: Callback::Owed, doubt: None, is_carried: false };
                return Ok(Step::Decided(outcome));
            }
            // It was decided before the entries begin that are checked.
            Body::Voided(why) if self.is_from_before() => {
                if let Life::Open(open) = self {
                    open.voided = Some((why, time));
                    (open.release_taken_back, open.changed_at) = (Some(time), Some(time));
                }
            }
            Body::Voided(why) => {
                let Life::Decided { settled, before, callback: Callback::Owed, is_carried, .. } = self else {
                    return Err(Violation::VoidedTooLate);
                };
                let (outcome, is_carried) = (settled.outcome, *is_carried);
                let mut open = before.take().ok_or(Violation::VoidedTooLate)?;
                // A newer attempt or the end of the run may take the place of a denial, a release never.
                open.is_denied |= State::after(outcome) == Some(State::Rejected);
                open.release_taken_back = Some(time).filter(|_| State::after(outcome) == Some(State::Approved));
                open.changed_at = Some(time);
                open.voided = Some((why, time));
                *self = Life::Open(open);
                return Ok(if is_carried { Step::None } else { Step::Voided(outcome) });
            }
            Body::Held(held) => self.is_held_back(&held, time)?,
            Body::CallbackSent(callback) if self.is_from_before() => {
                if let Life::Open(open) = &*self {
                    open.is_about(&callback.checked)?;
                    open.held_back.lets_leave(&callback, time)?;
                }
                let outcome = match callback.state {
                    State::Approved => Outcome::Approved,
                    State::Rejected => Outcome::Denied,
                };
                let settled = Settled { outcome, digest: callback.request_digest };
                let callback = Callback::Sent;
                *self = Life::Decided { settled, before: None, callback, doubt: None, is_carried: false };
            }
            Body::CallbackSent(callback) => {
                self.same_digest(&callback.request_digest)?;
                let Life::Decided { settled, before, callback: sent, .. } = self else {
                    return Err(Miscalled::Undecided.into());
                };
                if State::after(settled.outcome) != Some(callback.state) {
                    let (sent, outcome) = (callback.state.as_str(), settled.outcome.as_str());
                    return Err(Miscalled::State { sent, outcome }.into());
                }
                match std::mem::replace(sent, Callback::Sent) {
                    Callback::Owed => {}
                    Callback::Sent => return Err(Miscalled::Twice.into()),
                    Callback::Ended => return Err(Miscalled::AfterItsEnd(record_type).into()),
                }
                if let Some(before) = before {
                    before.is_about(&callback.checked)?;
                    before.held_back.lets_leave(&callback, time)?;
                }
            }
            // What GitHub was told before the entries begin that are checked is not known.
            Body::CallbackResult(_) if self.is_from_before() => {}
            Body::CallbackResult(told) => {
                let Life::Decided { settled, callback, .. } = self else {
                    return Err(Miscalled::AnswerUnsent.into());
                };
                match std::mem::replace(callback, Callback::Ended) {
                    Callback::Owed => return Err(Miscalled::AnswerUnsent.into()),
                    Callback::Sent => {}
                    Callback::Ended => return Err(Miscalled::AfterItsEnd(record_type).into()),
                }
                if told.is_some() && told != State::after(settled.outcome) {
                    let outcome = settled.outcome.as_str();
                    return Err(Miscalled::AnswerOf { told: told.map_or("", State::as_str), outcome }.into());
                }
            }
            Body::CallbackFailed => self.give_up(record_type)?,
            _ => {}
        }
        Ok(Step::None)
    }

    fn is_from_before(&self) -> bool {
        matches!(self, Life::Open(open) if open.is_from_before)
    }

    pub(super) fn was_decided_before(&self) -> bool {
        matches!(self, Life::Decided { before: None, .. })
    }

    /// Whether no more is to come after this entry, unless it comes late.
    pub(super) fn is_over(&self) -> bool {
        match self {
            Life::Open(_) => false,
            Life::Decided { settled, .. } if State::after(settled.outcome).is_none() => true,
            Life::Decided { callback, .. } => *callback == Callback::Ended,
        }
    }

    /// A release is held on its way to GitHub, before it is told or before it is told again.
    fn is_held_back(&self, held: &Held, time: u64) -> Result<(), Violation> {
        match self {
            Life::Open(open) if open.is_unknown() => Ok(()),
            Life::Decided { settled, before, callback: Callback::Owed | Callback::Sent, .. } if settled.releases() => {
                before
                    .as_ref()
                    .filter(|open| !open.is_unknown())
                    .map_or(Ok(()), |open| open.held_back.holds(held, time))
            }
            _ => Err(Unreal::NothingToHold.into()),
        }
    }

    /// GitHub could not be told. Whoever was about to may find out when the decision to release is taken back already.
    fn give_up(&mut self, record_type: RecordType) -> Result<(), Violation> {
        match self {
            Life::Open(open) if open.is_from_before || open.release_taken_back.is_some() => Ok(()),
            Life::Open(_) => Err(Miscalled::GivenUpUndecided.into()),
            Life::Decided { settled, .. } if State::after(settled.outcome).is_none() => Ok(()),
            Life::Decided { callback, .. } => match std::mem::replace(callback, Callback::Ended) {
                Callback::Owed | Callback::Sent => Ok(()),
                Callback::Ended => Err(Miscalled::AfterItsEnd(record_type).into()),
            },
        }
    }

    pub(super) fn same_digest(&mut self, found: &str) -> Result<(), Violation> {
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

    fn digest(&self) -> &str {
        match self {
            Life::Open(open) => &open.digest,
            Life::Decided { settled, .. } => &settled.digest,
        }
    }
}
