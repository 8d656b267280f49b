//! Writes a segment: the entries `[from, to)` of a log with all it takes to check them alone, as flat files.
//!
//! The log is read once from its first entry, since the tiles are those of the whole tree, and the segment's own entries once
//! more for their receipts. What stays in memory is a quarter of a byte an entry and the requests that are not over.
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use flate2::{Compression, GzBuilder, write::GzEncoder};
use thiserror::Error;

use super::hashed::HashedFile;
use super::tarball::Tarball;
use crate::ledger::checkpoint::{Checkpoint, CheckpointError};
use crate::ledger::entry::Header;
use crate::ledger::layout;
use crate::ledger::merkle::{Hash, leaf_hash};
use crate::ledger::note::{KeyError, VerifierKey};
use crate::ledger::proving::{self, Standing, Tree, Unprovable};
use crate::ledger::segment::{self as names, Guide};
use crate::ledger::tables::event::Event;
use crate::ledger::tables::{At, Tables};
use crate::ledger::tile::{Builder, TilePath, WIDTH};
use crate::store::{self, LedgerReader, LogHead};

/// Entries read from the database at once: whole tiles.
const PAGE: usize = 4 * WIDTH;
/// Files only the publisher can have.
const EXTRA: [&str; 2] = [names::WITNESS_POLICY, names::TIMESTAMP];

/// Which entries, and what was signed of them.
#[derive(Debug, Clone)]
pub struct Span {
    /// The first entry; 0 for a whole ledger.
    pub from: u64,
    /// The entry after the last: the size of `checkpoint`.
    pub to: u64,
    /// The signed checkpoint, with whatever cosignatures it has.
    pub checkpoint: String,
    /// The signed checkpoint of size `from`, unless that is 0.
    pub checkpoint_prev: Option<String>,
    /// `witness.policy` and `checkpoint.tsr`, where there are such.
    pub extra: Vec<(String, Vec<u8>)>,
}

/// A file of a segment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asset {
    /// Its name.
    pub name: String,
    /// Its size.
    pub bytes: u64,
    /// Its SHA-256, in hexadecimal.
    pub sha256: String,
}

/// Why a segment could not be written.
#[derive(Debug, Error)]
pub enum SegmentError {
    /// The log's key is none.
    #[error("the ledger's own key cannot be used: {0}")]
    Key(#[from] KeyError),
    /// A checkpoint is not one of this log.
    #[error("{0} cannot be used: {1}")]
    Checkpoint(&'static str, CheckpointError),
    /// What was asked for is no segment.
    #[error("no segment: {0}")]
    Span(String),
    /// What is stored is not what was signed.
    #[error(
        "the stored entries do not have the root that the checkpoint of size {0} signs: the database was changed or restored"
    )]
    Root(u64),
    /// A line that is not an entry.
    #[error("stored entry {seq} is not a ledger entry: {why}")]
    Entry {
        /// Its place.
        seq: u64,
        /// What is wrong.
        why: String,
    },
    /// The database could not be read.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// Writing failed.
    #[error("cannot write {path}: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

impl From<Unprovable> for SegmentError {
    fn from(why: Unprovable) -> Self {
        match why {
            Unprovable::Entry(seq, error) => Self::Entry { seq, why: error.to_string() },
            Unprovable::Place(seq) => Self::Entry { seq, why: "it was read otherwise before".to_owned() },
        }
    }
}

/// Writes the segment into a folder that is new or empty. `progress` hears how many entries of how many were read.
///
/// # Errors
/// If the span is not one of this log, what is stored is not what was signed, or reading or writing fails. What was written
/// until then stays, and is not a segment.
pub async fn write(
    reader: &LedgerReader,
    log: &LogHead,
    span: Span,
    out: &Path,
    progress: &mut (dyn FnMut(u64, u64) + Send),
) -> Result<Vec<Asset>, SegmentError> {
    let mut writer = Writer::begin(log, span, out)?;
    let (from, to) = (writer.span.from, writer.span.to);
    let mut seq = 0;
    while seq < to {
        let lines = reader.entries(log.tenant, seq, to, PAGE).await?;
        for line in &lines {
            writer.push(line)?;
        }
        seq += lines.len() as u64;
        progress(seq, to);
    }
    writer.entries_end()?;
    let mut seq = from / WIDTH as u64 * WIDTH as u64;
    while seq < to {
        let lines = reader.entries(log.tenant, seq, to, PAGE).await?;
        writer.receipts(seq, &lines)?;
        seq += lines.len() as u64;
    }
    writer.finish()
}

/// A segment under way. Gets all entries of the log up to `to`, then those from the tile on in which the segment begins.
pub struct Writer {
    span: Span,
    key: VerifierKey,
    signed: Checkpoint,
    prev: Option<Checkpoint>,
    folder: PathBuf,
    assets: Vec<Asset>,
    tree: Tree,
    standing: Standing,
    tables: Tables,
    builder: Builder,
    /// The leaves of the tile in which the segment begins: a proof that it continues the ledger is made of them.
    seam: Vec<Hash>,
    entries: GzEncoder<HashedFile>,
    tiles: Tarball<HashedFile>,
    receipts: Tarball<HashedFile>,
    decisions: HashedFile,
    exceptions: HashedFile,
}

impl Writer {
    /// Begins a segment in a new or empty folder.
    ///
    /// # Errors
    /// If the span is not one of this log, or the folder cannot be written or holds something.
    pub fn begin(log: &LogHead, span: Span, out: &Path) -> Result<Self, SegmentError> {
        let key: VerifierKey = log.vkey.parse()?;
        let open = |name, note: &str| Checkpoint::open(note, &key).map_err(|why| SegmentError::Checkpoint(name, why));
        let signed = open(layout::CHECKPOINT, &span.checkpoint)?;
        // An older key may have signed it; its root is compared with what was stored.
        let read = |note| Checkpoint::open_or_read(note, &key);
        let prev = span.checkpoint_prev.as_deref().map(read).transpose();
        let prev = prev.map_err(|why| SegmentError::Checkpoint(names::CHECKPOINT_PREV, why))?.map(|(prev, _)| prev);
        let wrong = |why: String| Err(SegmentError::Span(why));
        if span.from >= span.to {
            return wrong(format!("no entry is new: the log has {} and the segment begins at {}", span.to, span.from));
        }
        if signed.size != span.to {
            return wrong(format!("it ends at {}, but its checkpoint has {} entries", span.to, signed.size));
        }
        if prev.as_ref().map_or(0, |prev| prev.size) != span.from {
            return wrong(format!("it begins at {}, of which there is no checkpoint", span.from));
        }
        if let Some((name, _)) = span.extra.iter().find(|(name, _)| !EXTRA.contains(&name.as_str())) {
            return wrong(format!("{name} does not belong into one"));
        }
        let folder = super::Directory::create(out).map_err(|source| io_error(out, source))?.path("");
        let file = |name: &str| create(&folder, name);
        let gz = GzBuilder::new().mtime(0).operating_system(255);
        let entries = gz.write(file(&names::entries_name(span.from, span.to))?, Compression::default());
        let (tiles, receipts) = (Tarball::new(file(names::TILES)?), Tarball::new(file(names::RECEIPTS)?));
        let (decisions, exceptions) = (file(names::DECISIONS)?, file(names::EXCEPTIONS)?);
        Ok(Self {
            span,
            key,
            signed,
            prev,
            assets: Vec::new(),
            tree: Tree::default(),
            standing: Standing::default(),
            tables: Tables::default(),
            builder: Builder::default(),
            seam: Vec::with_capacity(WIDTH),
            entries,
            tiles,
            receipts,
            decisions,
            exceptions,
            folder,
        })
    }

    /// Takes the next entry of the log: the exact line, without a newline.
    ///
    /// # Errors
    /// If it cannot be written, is no entry, or the log is not what was signed.
    pub fn push(&mut self, line: &str) -> Result<(), SegmentError> {
        let seq = self.tree.frontier().size();
        if seq == self.span.from {
            self.seam_reached()?;
        }
        let leaf = leaf_hash(line.as_bytes());
        if seq / WIDTH as u64 == self.span.from / WIDTH as u64 {
            self.seam.push(leaf);
        }
        self.tree.push(leaf);
        let Self { tiles, builder, span, folder, .. } = self;
        builder.push(leaf, line.as_bytes(), &mut |tile, bytes| add_tile(tiles, folder, span.from, tile, bytes))?;
        if seq < self.span.from {
            return Ok(());
        }
        let not_an_entry = |error: serde_json::Error| SegmentError::Entry { seq, why: error.to_string() };
        self.standing.note(line, seq).map_err(not_an_entry)?;
        let header = Header::parse(line).map_err(not_an_entry)?;
        if let Some(event) = Event::of(&header, line) {
            let at = At { seq, leaf, time: header.time, name: header.record_type, request: header.corr };
            self.tables.push(at, event);
            self.write_tables()?;
        }
        let name = names::entries_name(self.span.from, self.span.to);
        let written = self.entries.write_all(line.as_bytes()).and_then(|()| self.entries.write_all(b"\n"));
        written.map_err(|source| io_error(&self.folder.join(name), source))
    }

    /// The log as it was when the segment before ended.
    fn seam_reached(&mut self) -> Result<(), SegmentError> {
        let frontier = self.tree.frontier();
        if self.prev.as_ref().is_some_and(|prev| prev.root != frontier.root()) {
            return Err(SegmentError::Root(self.span.from));
        }
        let frontier = format!("{frontier}\n");
        self.put(names::FRONTIER, frontier.as_bytes())
    }

    fn write_tables(&mut self) -> Result<(), SegmentError> {
        let Self { tables, decisions, exceptions, folder, .. } = self;
        let pairs = [
            (&mut tables.decisions, decisions, names::DECISIONS),
            (&mut tables.exceptions, exceptions, names::EXCEPTIONS),
        ];
        for (rows, file, name) in pairs {
            file.write_all(rows.as_bytes()).map_err(|source| io_error(&folder.join(name), source))?;
            rows.clear();
        }
        Ok(())
    }

    /// All entries are there.
    ///
    /// # Errors
    /// If they are not those that were signed, or writing fails.
    pub fn entries_end(&mut self) -> Result<(), SegmentError> {
        let frontier = self.tree.frontier();
        if (frontier.size(), frontier.root()) != (self.signed.size, self.signed.root) {
            return Err(SegmentError::Root(self.signed.size));
        }
        let Self { tiles, builder, span, folder, .. } = self;
        builder.finish(&mut |tile, bytes| add_tile(tiles, folder, span.from, tile, bytes))?;
        self.tables.finish();
        self.write_tables()
    }

    /// Writes the receipts of these entries, whole tiles (but for the last) of which the first is entry `first`.
    ///
    /// # Errors
    /// If they are not the entries that were given before, or writing fails.
    pub fn receipts(&mut self, first: u64, lines: &[String]) -> Result<(), SegmentError> {
        let Self { receipts, tree, standing, span, folder, .. } = self;
        for (index, lines) in (first / WIDTH as u64..).zip(lines.chunks(WIDTH)) {
            let lines: Vec<&[u8]> = lines.iter().map(String::as_bytes).collect();
            let which = (span.from, &*standing);
            proving::receipts(tree, (index, &lines), which, &span.checkpoint, &mut |request, entry, receipt| {
                receipts
                    .add(&layout::receipt_proof(request), receipt.to_string().as_bytes())
                    .and_then(|()| receipts.add(&layout::receipt_entry(request), entry))
                    .map_err(|source| io_error(&folder.join(names::RECEIPTS), source))
            })?;
        }
        Ok(())
    }

    /// Writes the rest, last the manifest: every file, by name.
    ///
    /// # Errors
    /// If writing fails.
    pub fn finish(mut self) -> Result<Vec<Asset>, SegmentError> {
        let Span { from, to, checkpoint, checkpoint_prev, extra } = self.span.clone();
        self.put(layout::CHECKPOINT, checkpoint.as_bytes())?;
        if let Some(prev) = checkpoint_prev {
            self.put(names::CHECKPOINT_PREV, prev.as_bytes())?;
            let proof = self.tree.consistency(from, &self.seam).ok_or(SegmentError::Root(from))?;
            self.put(names::CONSISTENCY, names::add_checkpoint(from, &proof, &checkpoint).as_bytes())?;
        }
        self.put(layout::VKEY, format!("{}\n", self.key).as_bytes())?;
        self.put(names::PEM, self.key.to_spki_pem().as_bytes())?;
        for (name, bytes) in &extra {
            self.put(name, bytes)?;
        }
        let has = |name: &str| extra.iter().any(|(extra, _)| extra == name);
        let guide = Guide {
            origin: &self.signed.origin,
            from,
            to,
            has_witnesses: has(names::WITNESS_POLICY),
            has_timestamp: has(names::TIMESTAMP),
        };
        self.put(names::GUIDE, guide.text().as_bytes())?;
        let Self { entries, tiles, receipts, decisions, exceptions, folder, mut assets, .. } = self;
        let name = names::entries_name(from, to);
        let streams = [
            (name.as_str(), entries.finish()),
            (names::TILES, tiles.finish()),
            (names::RECEIPTS, receipts.finish()),
            (names::DECISIONS, Ok(decisions)),
            (names::EXCEPTIONS, Ok(exceptions)),
        ];
        for (name, file) in streams {
            assets.push(end(&folder, name, file)?);
        }
        assets.sort_by(|one, other| one.name.cmp(&other.name));
        let manifest: String = assets.iter().map(|it| names::manifest_line(&it.name, &it.sha256)).collect();
        assets.insert(0, put(&folder, names::MANIFEST, manifest.as_bytes())?);
        Ok(assets)
    }

    fn put(&mut self, name: &str, bytes: &[u8]) -> Result<(), SegmentError> {
        self.assets.push(put(&self.folder, name, bytes)?);
        Ok(())
    }
}

fn add_tile(
    tiles: &mut Tarball<HashedFile>,
    folder: &Path,
    from: u64,
    tile: TilePath,
    bytes: &[u8],
) -> Result<(), SegmentError> {
    if !tile.is_in_segment(from) {
        return Ok(());
    }
    tiles.add(&tile.to_string(), bytes).map_err(|source| io_error(&folder.join(names::TILES), source))
}

fn create(folder: &Path, name: &str) -> Result<HashedFile, SegmentError> {
    let path = folder.join(name);
    HashedFile::create(&path).map_err(|source| io_error(&path, source))
}

fn put(folder: &Path, name: &str, bytes: &[u8]) -> Result<Asset, SegmentError> {
    let mut file = create(folder, name)?;
    let written = file.write_all(bytes);
    end(folder, name, written.map(|()| file))
}

fn end(folder: &Path, name: &str, file: io::Result<HashedFile>) -> Result<Asset, SegmentError> {
    let ended = file.and_then(HashedFile::finish);
    let (bytes, sha256) = ended.map_err(|source| io_error(&folder.join(name), source))?;
    Ok(Asset { name: name.to_owned(), bytes, sha256 })
}

fn io_error(path: &Path, source: io::Error) -> SegmentError {
    SegmentError::Io { path: path.to_owned(), source }
}
