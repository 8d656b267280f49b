//! What the times in entries must say: nothing is granted after its time, nothing expires before it; and how far they run
//! backwards.
//!
//! A server reads the database's clock once a transaction, decides by it and writes it into every entry of the
//! transaction: what an entry says of its own time needs no tolerance. Between transactions there is no such promise.
//! Whoever has read the time may have to wait for another, and a database may be set back; so times that run backwards are
//! told and not refused.
use super::open::Open;
use crate::ledger::verify::report::Outcome;
use crate::ledger::verify::violation::Violation;

/// So much earlier than an entry before it, in milliseconds, is worth a word: no transaction waits that long.
const NOTEWORTHY: u64 = 60_000;

impl Open {
    /// Nobody is let in, or reminded, for having waited longer than since the opening. Of one opened in entries before, the
    /// time is not known.
    pub(in crate::ledger::verify) fn wait(&mut self, waited: u64, time: u64) -> Result<(), Violation> {
        let passed = time.saturating_sub(self.opened_at);
        if !self.is_from_before && waited > passed {
            return Err(Violation::WaitedLonger { waited, passed });
        }
        self.waited = self.waited.max(waited);
        Ok(())
    }

    /// Nobody seconds what has expired.
    pub(in crate::ledger::verify) fn is_in_time(&self, time: u64) -> Result<(), Violation> {
        match self.expires_at.filter(|at| *at <= time) {
            Some(expires_at) => Err(Violation::ApprovedLate { time, expires_at }),
            None => Ok(()),
        }
    }

    /// A request is granted or denied before it expires, and expires not before. A release that had been decided in time and
    /// is taken back in the same moment, because rules or approvals changed or somebody denied, may be decided anew whenever
    /// that is: until it leaves, it may have been held back.
    pub(in crate::ledger::verify) fn is_decided_in_time(&self, outcome: Outcome, time: u64) -> Result<(), Violation> {
        let is_unknown = self.is_from_before && self.expires_at.is_none();
        let is_over = self.expires_at.is_some_and(|at| at <= time);
        match outcome {
            Outcome::Expired if !is_over && !is_unknown => {
                Err(Violation::ExpiredEarly { time, expires_at: self.expires_at })
            }
            Outcome::Approved | Outcome::Denied | Outcome::NotRequired
                if is_over && self.release_taken_back != Some(time) =>
            {
                let (outcome, expires_at) = (outcome.as_str(), self.expires_at.unwrap_or_default());
                Err(Violation::DecidedLate { outcome, time, expires_at })
            }
            _ => Ok(()),
        }
    }
}

/// Looks at the times of entries in their order.
#[derive(Debug, Default)]
pub(in crate::ledger::verify) struct Clock {
    latest: u64,
    /// How many entries are much earlier than one before them, and the most they are.
    back: u64,
    most: u64,
}

impl Clock {
    pub(in crate::ledger::verify) fn tick(&mut self, time: u64) {
        let back = self.latest.saturating_sub(time);
        if back > NOTEWORTHY {
            (self.back, self.most) = (self.back + 1, self.most.max(back));
        }
        self.latest = self.latest.max(time);
    }

    /// The latest time of all.
    pub(in crate::ledger::verify) fn latest(&self) -> u64 {
        self.latest
    }

    /// For entries that go on where this has ended.
    pub(in crate::ledger::verify) fn carried(self) -> Self {
        Self { latest: self.latest, ..Self::default() }
    }

    /// What is to be said of it.
    pub(in crate::ledger::verify) fn warning(&self) -> Option<String> {
        (self.back > 0).then(|| {
            format!(
                "times run backwards: {} say they are up to {} seconds earlier than one before them; a database that was set \
                 back, or a forged time, looks like that",
                crate::ledger::verify::report::counted(self.back, "entry", "entries"),
                self.most / 1_000
            )
        })
    }
}
