//! A checkpoint seen earlier, which the ledger has to continue.
use crate::ledger::checkpoint::Checkpoint;
use crate::ledger::merkle::{Frontier, Hash, empty_root};

/// A checkpoint seen earlier.
pub(super) struct Old {
    pub(super) signed: Checkpoint,
    /// The root of this tree when it had that size.
    pub(super) root: Option<Hash>,
}

impl Old {
    pub(super) fn of(signed: Checkpoint) -> Self {
        Self { root: (signed.size == 0).then(empty_root), signed }
    }

    /// Looks at the leaves that follow the first `first`, whose tree this is.
    pub(super) fn look(&mut self, tree: &Frontier, first: u64, leaves: &[Hash]) {
        let size = self.signed.size;
        if size > first && size - first <= leaves.len() as u64 {
            let mut tree = tree.clone();
            leaves[..(size - first) as usize].iter().for_each(|leaf| tree.push(*leaf));
            self.root = Some(tree.root());
        }
    }
}
