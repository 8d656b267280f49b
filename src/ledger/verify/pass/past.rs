//! What the segments before have left, when they were checked in the same go: what is true of a request does not end where a
//! segment does.
use std::io;

use super::files::decision_of;
use crate::ledger::entry::MAX_BYTES;
use crate::ledger::layout;
use crate::ledger::verify::refusal::Refusal;
use crate::ledger::verify::rules::{Rules, Settled};

/// Reads a receipt by its path, of which at most so many bytes and one more are wanted.
pub type Receipts = Box<dyn Fn(&str, usize, &mut Vec<u8>) -> io::Result<()>>;

/// The requests that are not over, and the receipts of those that are.
#[derive(Default)]
pub struct Past {
    size: u64,
    account: Option<u64>,
    rules: Option<Rules>,
    receipts: Vec<Receipts>,
}

impl Past {
    /// Adds the receipts of what was checked last: they are right, and name what was decided there.
    pub fn add(&mut self, receipts: Receipts) {
        self.receipts.push(receipts);
    }

    /// What is known where entries begin, if they go on from what was checked before: the requests, and the account of the log.
    pub(super) fn take(&mut self, from: u64) -> Option<(Rules, Option<u64>)> {
        if from == 0 || from != self.size {
            *self = Self::default();
        }
        self.rules.take().map(|rules| (rules, self.account))
    }

    pub(super) fn keep(&mut self, mut rules: Rules, size: u64, account: Option<u64>) {
        rules.are_carried();
        (self.rules, self.size, self.account) = (Some(rules), size, account);
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
