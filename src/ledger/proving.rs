//! What proofs about a finished tree are made of, while it grows and afterwards: the roots of its full tiles, a quarter of a
//! byte an entry, and the leaves of the one tile that is looked at.
use std::collections::BTreeMap;

use super::entry::Header;
use super::merkle::{Frontier, Hash, Levels, Subtrees, consistency_proof, inclusion_proof, leaf_hash};
use super::receipt::Receipt;
use super::record::RecordType;
use super::tile::WIDTH;

/// Levels of the tree inside one tile.
const TILE_LEVELS: u32 = WIDTH.ilog2();

/// The tree from the roots of its full tiles upwards, and the leaves of the last, partial tile.
#[derive(Debug, Default)]
pub struct Tree {
    frontier: Frontier,
    tile_roots: Levels,
    tile: Frontier,
    edge: Levels,
}

impl Tree {
    /// Appends a leaf.
    pub fn push(&mut self, leaf: Hash) {
        self.frontier.push(leaf);
        self.tile.push(leaf);
        self.edge.push(leaf);
        if self.tile.size() == WIDTH as u64 {
            self.tile_roots.push(self.tile.root());
            self.tile = Frontier::new();
            self.edge.clear();
        }
    }

    /// Its right edge.
    #[must_use]
    pub fn frontier(&self) -> &Frontier {
        &self.frontier
    }

    /// The proof that the tree of the first `old` leaves is where this one began; `leaves` are those of the tile in which
    /// the old tree ends. `None` if it does not reach so far.
    #[must_use]
    pub fn consistency(&self, old: u64, leaves: &[Hash]) -> Option<Vec<Hash>> {
        let tile: Levels = leaves.iter().copied().collect();
        let around = Around { tree: self, index: old / WIDTH as u64, tile: &tile };
        consistency_proof(&around, old, self.frontier.size())
    }
}

/// The hashes that proofs for the leaves of one tile need.
struct Around<'a> {
    tree: &'a Tree,
    index: u64,
    tile: &'a Levels,
}

impl Subtrees for Around<'_> {
    fn subtree(&self, level: u32, index: u64) -> Option<Hash> {
        if level >= TILE_LEVELS {
            return self.tree.tile_roots.subtree(level - TILE_LEVELS, index);
        }
        let below = TILE_LEVELS - level;
        let tile = index >> below;
        let within = index - (tile << below);
        let edge = self.tree.frontier.size() / WIDTH as u64;
        match tile {
            _ if tile == self.index => self.tile.subtree(level, within),
            _ if tile == edge => self.tree.edge.subtree(level, within),
            _ => None,
        }
    }
}

/// Which decisions stand: all but those that were taken back. Holds only requests with one that was, which are few.
#[derive(Debug, Default)]
pub struct Standing {
    /// The entry that decided the request after all.
    voided: BTreeMap<String, Option<u64>>,
}

impl Standing {
    /// Looks at the next entry. Only a line that may take back a decision, or decide anew, is parsed.
    ///
    /// # Errors
    /// If the line is not an entry.
    pub fn note(&mut self, line: &str, seq: u64) -> Result<(), serde_json::Error> {
        let is_about = |record_type: RecordType| line.contains(record_type.as_str());
        let again = !self.voided.is_empty() && is_about(RecordType::DecisionRecorded);
        if !again && !is_about(RecordType::DecisionVoided) {
            return Ok(());
        }
        let header = Header::parse(line)?;
        let Some(request) = header.corr else { return Ok(()) };
        if header.record_type == RecordType::DecisionVoided.as_str() {
            self.voided.insert(request.to_owned(), None);
        } else if header.record_type == RecordType::DecisionRecorded.as_str()
            && let Some(decided) = self.voided.get_mut(request)
        {
            *decided = Some(seq);
        }
        Ok(())
    }

    fn stands(&self, request: &str, seq: u64) -> bool {
        self.voided.get(request).is_none_or(|decided| *decided == Some(seq))
    }
}

/// Why no receipt can be made of an entry.
#[derive(Debug)]
pub enum Unprovable {
    /// It is not one.
    Entry(u64, serde_json::Error),
    /// It is not text, or not where the tree has it.
    Place(u64),
}

/// Calls `emit` with request, entry and receipt of each decision in one tile that stands and is entry `from` or later.
/// `entries` are those of tile `index`; `note` is the signed checkpoint of the tree.
///
/// # Errors
/// Those of `emit`, and if something given is not of this tree.
pub fn receipts<E: From<Unprovable>>(
    tree: &Tree,
    (index, entries): (u64, &[&[u8]]),
    (from, standing): (u64, &Standing),
    note: &str,
    emit: &mut impl FnMut(&str, &[u8], &Receipt) -> Result<(), E>,
) -> Result<(), E> {
    let first = index * WIDTH as u64;
    let tile: Levels = entries.iter().map(|entry| leaf_hash(entry)).collect();
    let around = Around { tree, index, tile: &tile };
    for (seq, entry) in (first..).zip(entries).filter(|(seq, _)| *seq >= from) {
        let text = std::str::from_utf8(entry).map_err(|_| Unprovable::Place(seq))?;
        if !text.contains(RecordType::DecisionRecorded.as_str()) {
            continue;
        }
        let header = Header::parse(text).map_err(|error| Unprovable::Entry(seq, error))?;
        let Some(request) = header.corr else { continue };
        // What was taken back has no receipt: the decision that stands has it.
        if header.record_type != RecordType::DecisionRecorded.as_str() || !standing.stands(request, seq) {
            continue;
        }
        let size = tree.frontier.size();
        let proof = inclusion_proof(&around, seq, size).ok_or(Unprovable::Place(seq))?;
        emit(request, entry, &Receipt { index: seq, proof, checkpoint: note.to_owned() })?;
    }
    Ok(())
}
