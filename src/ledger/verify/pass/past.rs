//! What the segments before have left, when they were checked in the same go: what is true of a request does not end where a
//! segment does. And what was remembered of the log from another day.
use std::io;

use super::files::decision_of;
use crate::ledger::entry::MAX_BYTES;
use crate::ledger::layout;
use crate::ledger::verify::refusal::Refusal;
use crate::ledger::verify::rules::keys::{Keys, Remembered};
use crate::ledger::verify::rules::timely::Clock;
use crate::ledger::verify::rules::{Rules, Settled};

/// Reads a receipt by its path, of which at most so many bytes and one more are wanted.
pub type Receipts = Box<dyn Fn(&str, usize, &mut Vec<u8>) -> io::Result<()>>;

/// The requests that are not over, and the receipts of those that are; the keys of the log.
#[derive(Default)]
pub struct Past {
    carried: Option<Carried>,
    receipts: Vec<Receipts>,
    remembered: Option<Remembered>,
    /// Whether more segments are to be checked.
    pub goes_on: bool,
}

/// The log as it is where entries end that were checked, and others go on from them.
pub(super) struct Carried {
    pub(super) size: u64,
    /// Whose log it is.
    pub(super) account: Option<u64>,
    pub(super) rules: Rules,
    pub(super) keys: Keys,
    pub(super) clock: Clock,
}

impl Past {
    /// Adds the receipts of what was checked last: they are right, and name what was decided there.
    pub fn add(&mut self, receipts: Receipts) {
        self.receipts.push(receipts);
    }

    /// What was known of the log's keys when it was checked another day.
    #[must_use]
    pub fn remembering(keys: Option<Remembered>) -> Self {
        Self { remembered: keys, ..Self::default() }
    }

    /// What is to be remembered of the log's keys, when all is checked.
    #[must_use]
    pub fn remembered(&self) -> Option<Remembered> {
        self.carried.as_ref().and_then(|carried| carried.keys.remembered(carried.size))
    }

    pub(super) fn seen(&self) -> Option<&Remembered> {
        self.remembered.as_ref()
    }

    /// What is known where entries begin, if they go on from what was checked before.
    pub(super) fn take(&mut self, from: u64) -> Option<Carried> {
        let carried = self.carried.take().filter(|carried| from > 0 && from == carried.size);
        if carried.is_none() {
            self.receipts.clear();
        }
        carried
    }

    pub(super) fn keep(&mut self, mut carried: Carried) {
        carried.rules.are_carried();
        let Carried { keys, clock, .. } = carried;
        self.carried = Some(Carried { keys: keys.carried(), clock: clock.carried(), ..carried });
    }

    /// What was decided about a request in the end.
    pub(super) fn decision(&self, request: &str) -> Result<Option<Settled>, Refusal> {
        if self.receipts.is_empty() {
            return Ok(None);
        }
        let (path, mut entry) = (layout::receipt_entry(request), Vec::new());
        for read in self.receipts.iter().rev() {
            match read(&path, MAX_BYTES, &mut entry) {
                Ok(()) => return Ok(decision_of(request, &entry)),
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(Refusal::unreadable(&path, error)),
            }
        }
        Ok(None)
    }
}
