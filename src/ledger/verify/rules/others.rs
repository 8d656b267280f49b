//! What other versions of the software wrote: a newer one may know more than this, and another may have read a policy otherwise.
use super::open::Open;
use crate::ledger::entry::SOFTWARE;
use crate::ledger::verify::report::counted;

/// How much of that there is.
#[derive(Debug, Default)]
pub(super) struct Others {
    /// Entries by a version that this one does not know.
    strange: u64,
    /// Judgements that ask otherwise than one of another version before them, by the same rules.
    otherwise: u64,
}

impl Others {
    pub(super) fn wrote(&mut self, is_strange: bool) {
        self.strange += u64::from(is_strange);
    }

    /// Looks at a request after one of its entries.
    pub(super) fn judged(&mut self, open: &mut Open) {
        self.otherwise += u64::from(std::mem::take(&mut open.is_asked_otherwise));
    }

    /// Forgets what was counted: whatever follows is counted anew.
    pub(super) fn are_carried(&mut self) {
        *self = Self::default();
    }

    /// What is to be said of it.
    pub(super) fn warnings(&self) -> impl Iterator<Item = String> {
        let strange = (self.strange > 0).then(|| {
            format!(
                "{} by a version that this one ({SOFTWARE}) does not know: a newer one may know more, so verify with that; an older one was never released",
                counted(self.strange, "entry says that it was written", "entries say that they were written")
            )
        });
        let otherwise = (self.otherwise > 0).then(|| {
            format!(
                "{} otherwise than another version did before by the same rules of the same policy: one of the two misread it",
                counted(self.otherwise, "judgement asks", "judgements ask")
            )
        });
        strange.into_iter().chain(otherwise)
    }
}
