//! The files beside the entries: tiles, bundles, receipts, and whatever else lies there.
use std::io;

use crate::ledger::checkpoint::Checkpoint;
use crate::ledger::entry::{Header, MAX_BYTES};
use crate::ledger::layout::{self, Artifact, FileReader, Place};
use crate::ledger::merkle::{Frontier, Hash, Levels, Subtrees as _, leaf_hash};
use crate::ledger::note::VerifierKey;
use crate::ledger::receipt::{self, Receipt, ReceiptError};
use crate::ledger::record::RecordType;
use crate::ledger::segment;
use crate::ledger::tile::{Content, TilePath, WIDTH, bundled};
use crate::ledger::verify::read::body::need;
use crate::ledger::verify::refusal::{ReceiptFault, Refusal};
use crate::ledger::verify::rules::Settled;
use crate::ledger::verify::violation::Violation;

/// Levels of the tree inside one tile.
const TILE_LEVELS: usize = WIDTH.ilog2() as usize;
/// The longest possible bundle, in bytes.
const MAX_BUNDLE: usize = WIDTH * (2 + MAX_BYTES);
/// Longer than the lines of any proof, in bytes; its checkpoint comes on top.
const MAX_PROOF_BYTES: usize = 4096;

/// The artifact, and the checkpoint that everything in it is measured against.
pub(super) struct Files<'a, A: Artifact> {
    artifact: &'a A,
    reads: FileReader<'a>,
    note: &'a str,
    checkpoint: &'a Checkpoint,
    key: &'a VerifierKey,
    /// Where a segment begins; nothing for a whole ledger.
    from: Option<u64>,
    buffer: Vec<u8>,
    /// Bundles are hundreds of times as long as anything else.
    bundle: Vec<u8>,
}

/// What proofs in one tile have in common.
pub(super) struct InTile<'t> {
    levels: &'t Levels,
    is_full: bool,
    /// The lines of a proof from the tile's root upwards, once they have led to the root that was signed.
    above: Option<String>,
    text: String,
}

impl<'t> InTile<'t> {
    pub(super) fn new(levels: &'t Levels, is_full: bool) -> Self {
        Self { levels, is_full, above: None, text: String::new() }
    }

    /// The receipt of a leaf, as the receipt of another leaf in the same tile, which was checked, makes it be.
    fn receipt(&mut self, index: u64, checkpoint: &str) -> Option<&str> {
        let Self { levels, above, text, .. } = self;
        let sibling = |level: usize| ((index % WIDTH as u64) >> level) ^ 1;
        let within = (0..TILE_LEVELS).map_while(|level| levels.subtree(level as u32, sibling(level)));
        text.clear();
        receipt::write(text, index, within, above.as_deref()?, checkpoint).ok()?;
        Some(text)
    }

    fn remember(&mut self, proof: &[Hash]) {
        if self.is_full && self.above.is_none() {
            let mut above = String::new();
            let hashes = proof.iter().skip(TILE_LEVELS).copied();
            self.above = receipt::lines(&mut above, hashes).is_ok().then_some(above);
        }
    }
}

/// The same files, looked at by somebody else at the same time.
impl<A: Artifact> Clone for Files<'_, A> {
    fn clone(&self) -> Self {
        let Files { artifact, note, checkpoint, key, from, .. } = *self;
        Files { from, ..Files::new(artifact, note, checkpoint, key) }
    }
}

impl<'a, A: Artifact> Files<'a, A> {
    pub(super) fn new(artifact: &'a A, note: &'a str, checkpoint: &'a Checkpoint, key: &'a VerifierKey) -> Self {
        let reads = artifact.reader();
        Files { artifact, reads, note, checkpoint, key, from: None, buffer: Vec::new(), bundle: Vec::new() }
    }

    /// The files of a segment that begins there.
    pub(super) fn of_segment(self, from: u64) -> Self {
        Files { from: Some(from), ..self }
    }

    /// The root that the log had when it had so many entries, by its tiles: whether these are right is looked at with each of them.
    pub(super) fn root_at(&mut self, size: u64) -> Result<Hash, Refusal> {
        let mut tree = Frontier::new();
        for level in (0..8).rev() {
            let height = u32::from(level) * WIDTH.ilog2();
            let (hashes, all) = (size >> height, self.checkpoint.size >> height);
            let (index, wanted) = (hashes / WIDTH as u64, (hashes % WIDTH as u64) as usize);
            if wanted > 0 {
                let width = (all - index * WIDTH as u64).min(WIDTH as u64) as usize;
                let tile = self.hashes(level, index, width)?;
                tile.iter().take(wanted).for_each(|hash| tree.push_subtree(height, *hash));
            }
        }
        Ok(tree.root())
    }

    /// FileReader a tile of leaf hashes.
    pub(super) fn leaves(&mut self, index: u64, width: usize) -> Result<Vec<Hash>, Refusal> {
        self.hashes(0, index, width)
    }

    fn hashes(&mut self, level: u8, index: u64, width: usize) -> Result<Vec<Hash>, Refusal> {
        let tile = TilePath { content: Content::Hashes { level }, index, width };
        self.read(&tile.to_string(), width * size_of::<Hash>())?;
        let (hashes, rest) = self.buffer.as_chunks();
        let hashes: Vec<Hash> = hashes.iter().copied().map(Hash::from_bytes).collect();
        if hashes.len() == width && rest.is_empty() { Ok(hashes) } else { Err(Refusal::Tile { path: tile }) }
    }

    /// Checks that the tile of these leaves, and the bundle of their entries, are there and right. Of the first `seam` leaves
    /// the entries are not known.
    pub(super) fn check_leaves(
        &mut self,
        index: u64,
        leaves: &[Hash],
        seam: usize,
        lines: &[&str],
    ) -> Result<(), Refusal> {
        if self.leaves(index, leaves.len())? != leaves {
            let content = Content::Hashes { level: 0 };
            return Err(Refusal::Tile { path: TilePath { content, index, width: leaves.len() } });
        }
        let path = TilePath { content: Content::Entries, index, width: leaves.len() };
        let name = path.to_string();
        (self.reads)(&name, MAX_BUNDLE, &mut self.bundle).map_err(|source| Refusal::unreadable(&name, source))?;
        let (mut entries, mut length) = (bundled(&self.bundle), 0);
        let mut is_right = entries.by_ref().take(seam).zip(leaves).all(|(entry, leaf)| {
            length += 2 + entry.len();
            leaf_hash(entry) == *leaf
        });
        for line in lines {
            is_right &= entries.next() == Some(line.as_bytes());
            length += 2 + line.len();
        }
        if is_right && length == self.bundle.len() { Ok(()) } else { Err(Refusal::Tile { path }) }
    }

    fn read(&mut self, path: &str, limit: usize) -> Result<(), Refusal> {
        (self.reads)(path, limit, &mut self.buffer).map_err(|source| Refusal::unreadable(path, source))
    }

    /// Checks that a tile or bundle is there and has exactly these bytes.
    pub(super) fn check_tile(&mut self, tile: TilePath, bytes: &[u8]) -> Result<(), Refusal> {
        let path = tile.to_string();
        self.read(&path, bytes.len())?;
        if self.buffer == bytes { Ok(()) } else { Err(Refusal::Tile { path: tile }) }
    }

    /// Checks the receipt of a request whose decision is this line.
    pub(super) fn check_receipt(
        &mut self,
        request: &str,
        seq: u64,
        line: &str,
        leaf: Hash,
        in_tile: &mut InTile<'_>,
    ) -> Result<(), Refusal> {
        let path = layout::receipt_entry(request);
        self.read(&path, line.len())?;
        if self.buffer != line.as_bytes() {
            if let Ok(Some(_)) = self.decision(request) {
                return Err(Refusal::rule(seq, request, Violation::DecidedTwice));
            }
            return Err(Refusal::Receipt { path, fault: ReceiptFault::Entry { seq } });
        }
        let path = layout::receipt_proof(request);
        match self.prove(&path, leaf, Some((seq, in_tile)))? {
            index if index == seq => Ok(()),
            found => Err(Refusal::Receipt { path, fault: ReceiptFault::Index { found, seq } }),
        }
    }

    /// Checks a proof against this ledger's own checkpoint and returns the index it is for. Where the place of the leaf is known,
    /// what was proven in its tile before need not be proven again.
    fn prove(&mut self, path: &str, leaf: Hash, mut place: Option<(u64, &mut InTile<'_>)>) -> Result<u64, Refusal> {
        let wrong = |fault| Refusal::Receipt { path: path.to_owned(), fault };
        self.read(path, MAX_PROOF_BYTES + self.note.len())?;
        if let Some((seq, in_tile)) = &mut place
            && in_tile.receipt(*seq, self.note).is_some_and(|proven| proven.as_bytes() == self.buffer)
        {
            return Ok(*seq);
        }
        let text = std::str::from_utf8(&self.buffer)
            .map_err(|_| wrong(ReceiptFault::Text("it is not UTF-8 text".to_owned())))?;
        let receipt = Receipt::parse(text).map_err(|error| wrong(error.into()))?;
        // Equal bytes were checked once, at the start; a signature costs more than all the rest.
        if receipt.checkpoint != self.note {
            let found = Checkpoint::open(&receipt.checkpoint, self.key)
                .map_err(|error| wrong(ReceiptError::Checkpoint(error).into()))?;
            return Err(wrong(match found.size == self.checkpoint.size {
                true if found.root == self.checkpoint.root => ReceiptFault::OtherLines,
                true => ReceiptFault::OtherRoot,
                false => ReceiptFault::OtherCheckpoint { found: found.size, size: self.checkpoint.size },
            }));
        }
        receipt.verify_in(leaf, self.checkpoint).map_err(|error| wrong(ReceiptError::Proof(error).into()))?;
        if let Some((_, in_tile)) = place.filter(|(seq, _)| *seq == receipt.index) {
            in_tile.remember(&receipt.proof);
        }
        Ok(receipt.index)
    }

    /// What was decided about a request before entry `seq`, as its receipt proves: this is how a request is remembered
    /// without keeping it in memory.
    pub(super) fn decision_before(&mut self, request: &str, seq: u64) -> Result<Option<Settled>, Refusal> {
        Ok(self.decision(request)?.filter(|(index, _)| *index < seq).map(|(_, settled)| settled))
    }

    /// What was decided about a request in the end, and in which entry, as its receipt proves.
    fn decision(&mut self, request: &str) -> Result<Option<(u64, Settled)>, Refusal> {
        let path = layout::receipt_entry(request);
        let mut entry = Vec::new();
        match (self.reads)(&path, MAX_BYTES, &mut entry) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(Refusal::unreadable(&path, error)),
        }
        let index = self.prove(&layout::receipt_proof(request), leaf_hash(&entry), None)?;
        // Proven to be in the log, where its line is or will be checked like any other.
        Ok(decision_of(request, &entry).map(|settled| (index, settled)))
    }

    /// Checks that there is no file that nothing above has looked at; every decision has two.
    pub(super) fn check_nothing_else(&mut self, decisions: u64) -> Result<(), Refusal> {
        let (size, from) = (self.checkpoint.size, self.from);
        let mut foreign = None;
        let listed = self.artifact.visit_but_receipts(&mut |path| {
            let belongs = match layout::place(path) {
                Place::Tile(tile) => tile.belongs_to(size) && from.is_none_or(|from| tile.is_in_segment(from)),
                Place::Fixed if path == layout::ENTRIES => from.is_none(),
                Place::Fixed | Place::Receipt(_) => true,
                Place::Foreign => from.is_some_and(|from| segment::has_file(from, size, path)),
            };
            if !belongs {
                foreign = Some(path.to_owned());
            }
            belongs
        });
        let receipts = listed.map_err(cannot_list)?;
        if let Some(path) = foreign {
            return Err(Refusal::Foreign(path));
        }
        if receipts == 2 * decisions { Ok(()) } else { self.name_foreign_receipt() }
    }

    /// Goes through all receipts again to name the one that no decision has.
    fn name_foreign_receipt(&mut self) -> Result<(), Refusal> {
        let artifact = self.artifact;
        let mut foreign = Ok(());
        let listed = artifact.visit_paths(&mut |path| {
            if let Place::Receipt(request) = layout::place(path)
                && !matches!(self.decision_before(request, u64::MAX), Ok(Some(_)))
            {
                foreign = Err(Refusal::Foreign(path.to_owned()));
            }
            foreign.is_ok()
        });
        listed.map_err(cannot_list)?;
        foreign
    }
}

fn cannot_list(source: io::Error) -> Refusal {
    Refusal::Read { path: "the ledger's folder".to_owned(), source }
}

/// What an entry decided about this request; `None` if it is not its decision.
pub(super) fn decision_of(request: &str, entry: &[u8]) -> Option<Settled> {
    let header = Header::parse(std::str::from_utf8(entry).ok()?).ok()?;
    if header.corr != Some(request) || header.record_type != RecordType::DecisionRecorded.as_str() {
        return None;
    }
    let outcome = need(header.outcome, "outcome").ok()?;
    Some(Settled { outcome, digest: need(header.request_digest, "request_digest").ok()? })
}
