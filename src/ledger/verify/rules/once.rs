//! Whether entries of a request are told once, by their ids.
use std::collections::BTreeSet;

use crate::ledger::verify::unreal::Unreal;
use crate::ledger::verify::violation::Violation;

/// What an `id` says which of its request's entries it is.
#[derive(Debug)]
pub(in crate::ledger::verify) enum Id {
    /// It ends in this number, after the request's name.
    Number(u64),
    /// It has another form: no server of ours wrote it.
    Odd(Box<str>),
}

impl Id {
    pub(in crate::ledger::verify) fn of(id: &str, request: &str) -> Self {
        let rest = id.strip_prefix(request).and_then(|rest| rest.strip_prefix(':'));
        let number = rest.and_then(|rest| rest.rsplit(':').next()).and_then(|number| number.parse().ok());
        number.map_or_else(|| Self::Odd(id.into()), Self::Number)
    }
}

/// The ids that one request's entries had.
#[derive(Debug, Default)]
pub(in crate::ledger::verify) struct Once {
    /// The number that comes next, if it is known.
    next: Option<u64>,
    odd: BTreeSet<Box<str>>,
}

impl Once {
    /// Of a request that is opened: its entries are numbered from 0, and one that has another number had entries before.
    pub(in crate::ledger::verify) fn from_the_first(id: Option<Id>) -> Result<Self, Violation> {
        if matches!(id, Some(Id::Number(1..))) {
            return Err(Violation::OpenedTwice);
        }
        let mut once = Self { next: Some(0), ..Self::default() };
        once.follow(id)?;
        Ok(once)
    }

    /// A server counts a request's entries, so that none is left out; and what has no number is not told again.
    pub(in crate::ledger::verify) fn follow(&mut self, id: Option<Id>) -> Result<(), Violation> {
        match id {
            None => {}
            Some(Id::Number(number)) => match self.next.replace(number.saturating_add(1)) {
                Some(next) if number < next => return Err(Violation::Number { number, next }),
                Some(next) if number > next => return Err(Unreal::LeftOut { number, next }.into()),
                _ => {}
            },
            Some(Id::Odd(id)) => {
                self.next = self.next.map(|next| next.saturating_add(1));
                if let Some(twice) = self.odd.replace(id) {
                    return Err(Violation::Repeated(twice.into()));
                }
            }
        }
        Ok(())
    }
}
