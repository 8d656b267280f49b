//! What an entry says was published of the log.
use super::body::need;
use crate::ledger::entry::Header;
use crate::ledger::merkle::Hash;
use crate::ledger::verify::violation::Violation;

/// Entries that were published, and the root of the log that ended with them.
#[derive(Debug, Clone, Copy)]
pub(in crate::ledger::verify) struct Published {
    /// The entry after the last.
    pub(in crate::ledger::verify) to: u64,
    pub(in crate::ledger::verify) root: Hash,
}

impl Published {
    /// A server publishes what it has recorded, at least one entry, and records that afterwards.
    pub(in crate::ledger::verify) fn of(entry: &Header<'_>) -> Result<Self, Violation> {
        let (from, to): (u64, u64) = (need(entry.from, "from")?, need(entry.to, "to")?);
        if from >= to || to > entry.seq {
            return Err(Violation::PublishedAhead { from, to });
        }
        let root: String = need(entry.root, "root")?;
        let root = Hash::from_base64(&root).ok_or_else(|| Violation::Unreadable("root: not a hash".to_owned()))?;
        Ok(Self { to, root })
    }
}
