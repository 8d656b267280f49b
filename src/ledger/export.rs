//! Writes a ledger out so that a stranger can check it: entries, tiles, checkpoint, and a receipt for each decision.
//!
//! Entries are pushed once, in order. The receipts need the finished tree and are made from the bundles just written, one
//! tile at a time; what stays in memory is a quarter of a byte an entry: the roots of the full tiles.
use std::collections::BTreeMap;
use std::io;

use thiserror::Error;

use super::checkpoint::{Checkpoint, CheckpointError};
use super::entry::{Header, MAX_BYTES};
use super::layout::{self, Sink};
use super::merkle::{Frontier, Hash, Levels, Subtrees, inclusion_proof, leaf_hash};
use super::note::VerifierKey;
use super::receipt::Receipt;
use super::record::RecordType;
use super::tile::{Builder, Content, TilePath, WIDTH, bundled};

/// Levels of the tree inside one tile.
const TILE_LEVELS: u32 = WIDTH.ilog2();
/// Entries are written in pieces of about this many bytes.
const PIECE: usize = 1 << 20;
/// The longest possible bundle, in bytes.
const MAX_BUNDLE: usize = WIDTH * (2 + MAX_BYTES);

/// Why a ledger could not be written out.
#[derive(Debug, Error)]
pub enum ExportError {
    /// The checkpoint is not one of this log.
    #[error("the ledger's own checkpoint cannot be used: {0}")]
    Checkpoint(#[from] CheckpointError),
    /// What is stored is not what was signed.
    #[error(
        "the stored entries do not have the root that the checkpoint of size {0} signs: the database was changed or restored"
    )]
    Root(u64),
    /// More or fewer entries than were signed.
    #[error("the checkpoint signs {signed} entries, but {given} were given")]
    Size {
        /// The size in the checkpoint.
        signed: u64,
        /// How many entries there are, at least.
        given: u64,
    },
    /// A line that is not an entry.
    #[error("stored entry {seq} is not a ledger entry: {source}")]
    Entry {
        /// Its place.
        seq: u64,
        /// What is wrong.
        source: serde_json::Error,
    },
    /// A bundle did not come back as it was written.
    #[error("{0} did not read back as it was written")]
    ReadBack(String),
    /// Writing failed.
    #[error("cannot write {path}: {source}")]
    Io {
        /// The file.
        path: String,
        /// Why.
        source: io::Error,
    },
}

/// What was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Exported {
    /// Entries.
    pub entries: u64,
    /// Decisions with a receipt.
    pub receipts: u64,
}

/// An export under way.
#[derive(Debug)]
pub struct Exporter<'a, S: Sink> {
    sink: &'a mut S,
    key: &'a VerifierKey,
    note: &'a str,
    checkpoint: Checkpoint,
    piece: Vec<u8>,
    tiles: Builder,
    tree: Tree,
    /// Requests with a decision that was taken back, and the entry that decided them after all. There are few.
    voided: BTreeMap<String, Option<u64>>,
}

impl<'a, S: Sink> Exporter<'a, S> {
    /// Begins to write the ledger of which `note` is the signed checkpoint.
    ///
    /// # Errors
    /// If the checkpoint is not signed by this key.
    pub fn begin(sink: &'a mut S, key: &'a VerifierKey, note: &'a str) -> Result<Exporter<'a, S>, ExportError> {
        let checkpoint = Checkpoint::open(note, key)?;
        Ok(Exporter {
            sink,
            key,
            note,
            checkpoint,
            piece: Vec::new(),
            tiles: Builder::default(),
            tree: Tree::default(),
            voided: BTreeMap::new(),
        })
    }

    /// Writes the next entry: the exact line, without a newline.
    ///
    /// # Errors
    /// If there are more entries than the checkpoint signs, or writing fails.
    pub fn push(&mut self, line: &str) -> Result<(), ExportError> {
        let given = self.tree.frontier.size() + 1;
        if given > self.checkpoint.size {
            return Err(ExportError::Size { signed: self.checkpoint.size, given });
        }
        self.piece.extend_from_slice(line.as_bytes());
        self.piece.push(b'\n');
        if self.piece.len() >= PIECE {
            self.write_piece()?;
        }
        self.note_voided(line, given - 1).map_err(|source| ExportError::Entry { seq: given - 1, source })?;
        let leaf = leaf_hash(line.as_bytes());
        self.tree.push(leaf);
        let sink = &mut *self.sink;
        self.tiles.push(leaf, line.as_bytes(), &mut |tile, bytes| put(sink, &tile.to_string(), bytes))
    }

    /// Writes what is left: the right edge of the tree, the receipts and, last, the checkpoint, without which nothing of
    /// the rest means anything.
    ///
    /// # Errors
    /// If the entries given are not those the checkpoint signs, or writing fails.
    pub fn finish(mut self) -> Result<Exported, ExportError> {
        let (signed, given) = (self.checkpoint.size, self.tree.frontier.size());
        if given != signed {
            return Err(ExportError::Size { signed, given });
        }
        if self.tree.frontier.root() != self.checkpoint.root {
            return Err(ExportError::Root(signed));
        }
        self.write_piece()?;
        let sink = &mut *self.sink;
        self.tiles.finish(&mut |tile, bytes| put(sink, &tile.to_string(), bytes))?;
        let receipts = self.write_receipts()?;
        put(self.sink, layout::VKEY, format!("{}\n", self.key).as_bytes())?;
        put(self.sink, layout::CHECKPOINT, self.note.as_bytes())?;
        Ok(Exported { entries: given, receipts })
    }

    /// Remembers requests with a decision that was taken back. Only a line that may hold one is parsed.
    fn note_voided(&mut self, line: &str, seq: u64) -> Result<(), serde_json::Error> {
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

    fn write_piece(&mut self) -> Result<(), ExportError> {
        self.sink.append(layout::ENTRIES, &self.piece).map_err(|source| io_error(layout::ENTRIES, source))?;
        self.piece.clear();
        Ok(())
    }

    fn write_receipts(&mut self) -> Result<u64, ExportError> {
        let size = self.checkpoint.size;
        let (mut bundle, mut receipts) = (Vec::new(), 0);
        for index in 0..size.div_ceil(WIDTH as u64) {
            let first = index * WIDTH as u64;
            let width = WIDTH.min((size - first) as usize);
            let path = TilePath { content: Content::Entries, index, width }.to_string();
            self.sink.read(&path, MAX_BUNDLE, &mut bundle).map_err(|source| io_error(&path, source))?;
            let entries: Vec<&[u8]> = bundled(&bundle).collect();
            let tile: Levels = entries.iter().map(|entry| leaf_hash(entry)).collect();
            let around = Around { tree: &self.tree, index, tile: &tile };
            for (seq, entry) in (first..).zip(&entries) {
                let text = std::str::from_utf8(entry).map_err(|_| ExportError::ReadBack(path.clone()))?;
                let header = Header::parse(text).map_err(|source| ExportError::Entry { seq, source })?;
                let Some(request) = header.corr else { continue };
                if header.record_type != RecordType::DecisionRecorded.as_str() {
                    continue;
                }
                if self.voided.get(request).is_some_and(|decided| *decided != Some(seq)) {
                    continue; // Taken back: the decision that stands has the receipt.
                }
                let proof = inclusion_proof(&around, seq, size).ok_or_else(|| ExportError::ReadBack(path.clone()))?;
                let receipt = Receipt { index: seq, proof, checkpoint: self.note.to_owned() };
                put(self.sink, &layout::receipt_proof(request), receipt.to_string().as_bytes())?;
                put(self.sink, &layout::receipt_entry(request), entry)?;
                receipts += 1;
            }
        }
        Ok(receipts)
    }
}

fn put(sink: &mut impl Sink, path: &str, bytes: &[u8]) -> Result<(), ExportError> {
    sink.put(path, bytes).map_err(|source| io_error(path, source))
}

fn io_error(path: &str, source: io::Error) -> ExportError {
    ExportError::Io { path: path.to_owned(), source }
}

/// The tree from the roots of its full tiles upwards, and the leaves of the last, partial tile.
#[derive(Debug, Default)]
struct Tree {
    frontier: Frontier,
    tile_roots: Levels,
    tile: Frontier,
    edge: Levels,
}

impl Tree {
    fn push(&mut self, leaf: Hash) {
        self.frontier.push(leaf);
        self.tile.push(leaf);
        self.edge.push(leaf);
        if self.tile.size() == WIDTH as u64 {
            self.tile_roots.push(self.tile.root());
            self.tile = Frontier::new();
            self.edge.clear();
        }
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
