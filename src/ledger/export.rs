//! Writes a ledger out so that a stranger can check it: entries, tiles, checkpoint, and a receipt for each decision.
//!
//! Entries are pushed once, in order. The receipts need the finished tree and are made from the bundles just written, one
//! tile at a time; what stays in memory is a quarter of a byte an entry: the roots of the full tiles.
use std::io;

use thiserror::Error;

use super::checkpoint::{Checkpoint, CheckpointError};
use super::entry::MAX_BYTES;
use super::layout::{self, Sink};
use super::merkle::leaf_hash;
use super::note::VerifierKey;
use super::proving::{self, Standing, Tree, Unprovable};
use super::tile::{Builder, Content, TilePath, WIDTH, bundled};

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
    /// An entry did not come back as it was written.
    #[error("entry {0} did not read back as it was written")]
    ReadBack(u64),
    /// Writing failed.
    #[error("cannot write {path}: {source}")]
    Io {
        /// The file.
        path: String,
        /// Why.
        source: io::Error,
    },
}

impl From<Unprovable> for ExportError {
    fn from(why: Unprovable) -> ExportError {
        match why {
            Unprovable::Entry(seq, source) => ExportError::Entry { seq, source },
            Unprovable::Place(seq) => ExportError::ReadBack(seq),
        }
    }
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
    standing: Standing,
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
            standing: Standing::default(),
        })
    }

    /// Writes the next entry: the exact line, without a newline.
    ///
    /// # Errors
    /// If there are more entries than the checkpoint signs, or writing fails.
    pub fn push(&mut self, line: &str) -> Result<(), ExportError> {
        let given = self.tree.frontier().size() + 1;
        if given > self.checkpoint.size {
            return Err(ExportError::Size { signed: self.checkpoint.size, given });
        }
        self.piece.extend_from_slice(line.as_bytes());
        self.piece.push(b'\n');
        if self.piece.len() >= PIECE {
            self.write_piece()?;
        }
        self.standing.note(line, given - 1).map_err(|source| ExportError::Entry { seq: given - 1, source })?;
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
        let (signed, given) = (self.checkpoint.size, self.tree.frontier().size());
        if given != signed {
            return Err(ExportError::Size { signed, given });
        }
        if self.tree.frontier().root() != self.checkpoint.root {
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

    fn write_piece(&mut self) -> Result<(), ExportError> {
        self.sink.append(layout::ENTRIES, &self.piece).map_err(|source| io_error(layout::ENTRIES, source))?;
        self.piece.clear();
        Ok(())
    }

    fn write_receipts(&mut self) -> Result<u64, ExportError> {
        let size = self.checkpoint.size;
        let (mut bundle, mut receipts) = (Vec::new(), 0);
        for index in 0..size.div_ceil(WIDTH as u64) {
            let width = WIDTH.min((size - index * WIDTH as u64) as usize);
            let path = TilePath { content: Content::Entries, index, width }.to_string();
            self.sink.read(&path, MAX_BUNDLE, &mut bundle).map_err(|source| io_error(&path, source))?;
            let entries: Vec<&[u8]> = bundled(&bundle).collect();
            let (sink, standing) = (&mut *self.sink, (0, &self.standing));
            proving::receipts(&self.tree, (index, &entries), standing, self.note, &mut |request, entry, receipt| {
                receipts += 1;
                put(sink, &layout::receipt_proof(request), receipt.to_string().as_bytes())?;
                put(sink, &layout::receipt_entry(request), entry)
            })?;
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
