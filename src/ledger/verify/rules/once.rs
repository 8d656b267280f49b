//! Whether entries of a request are told once, by their ids.
use std::collections::BTreeSet;

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
    last: Option<u64>,
    odd: BTreeSet<Box<str>>,
}

impl Once {
    /// Numbers only grow, and what has none is not told again.
    pub(in crate::ledger::verify) fn follow(&mut self, id: Option<Id>) -> Result<(), Violation> {
        match id {
            None => {}
            Some(Id::Number(number)) => match self.last.replace(number) {
                Some(last) if number <= last => return Err(Violation::Number { number, last }),
                _ => {}
            },
            Some(Id::Odd(id)) => {
                if let Some(twice) = self.odd.replace(id) {
                    return Err(Violation::Repeated(twice.into()));
                }
            }
        }
        Ok(())
    }
}
