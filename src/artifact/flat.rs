//! A segment as it is read: flat files, on disk or in an archive, and the tiles and receipts in two of them.
use std::collections::BTreeMap;
use std::io::{self, BufRead, BufReader, Read};
use std::thread;

use flate2::bufread::GzDecoder;
use ring::digest::{Context, SHA256};

use super::slice::{Reader, Slice};
use super::tar_index::TarIndex;
use crate::ledger::layout::{self, Artifact, FileReader, Place};
use crate::ledger::segment as names;
use crate::ledger::verify::past::Receipts;
use crate::ledger::verify::refusal::Refusal;
use crate::ledger::verify::segment::Segment;

/// FileReader gather this many bytes.
const BUFFER: usize = 1 << 18;

/// No file but those that grow with the entries has more bytes; whoever lays a longer one beside them would have us read it.
const MOST_OF_A_SHORT_FILE: u64 = 1 << 20;

/// The files of a segment.
#[derive(Debug)]
pub struct SegmentFiles {
    /// Which it is, and the digests of its files.
    pub segment: Segment,
    files: BTreeMap<String, Slice>,
    tiles: TarIndex,
    tile_paths: Vec<String>,
    receipts: TarIndex,
}

impl SegmentFiles {
    /// Whether files of these names are meant to be a segment.
    pub(super) fn is_one<'n>(mut names: impl Iterator<Item = &'n str>) -> bool {
        names.any(|name| name == names::MANIFEST || names::entries_span(name).is_some())
    }

    /// FileReader every file once, for its digest.
    pub(super) fn of(files: BTreeMap<String, Slice>) -> Result<Self, Refusal> {
        let mut spans = files.keys().filter_map(|name| names::entries_span(name));
        let (from, to) = spans.next().ok_or_else(|| Refusal::Missing("entries-<from>-<to>.jsonl.gz".to_owned()))?;
        if let Some((from, to)) = spans.next() {
            return Err(Refusal::Foreign(names::entries_name(from, to)));
        }
        for (name, slice) in &files {
            if !names::may_have(from, to, name) {
                return Err(Refusal::Foreign(name.clone()));
            }
            if !names::is_long(name) && slice.length() > MOST_OF_A_SHORT_FILE {
                let why = format!("it has {} bytes, and says in a few lines what it has to say", slice.length());
                return Err(Refusal::Damaged { path: name.clone(), why });
            }
        }
        let file = |name: &str| files.get(name).cloned().ok_or_else(|| Refusal::Missing(name.to_owned()));
        let (tiles, receipts) = (file(names::TILES)?, file(names::RECEIPTS)?);
        let mut tile_paths = Vec::new();
        // The receipts, which are many, take about as long as all the rest.
        let (receipts, tiles, others) = thread::scope(|scope| {
            let receipts = scope.spawn(|| {
                TarIndex::hashed(receipts, &mut |path| admit(path, |place| matches!(place, Place::Receipt(_))))
            });
            let tiles = TarIndex::hashed(tiles, &mut |path| {
                let admitted = admit(path, |place| matches!(place, Place::Tile(_)))?;
                tile_paths.extend(admitted.clone());
                Ok(admitted)
            });
            let others = files.iter().filter(|(name, _)| ![names::TILES, names::RECEIPTS].contains(&name.as_str()));
            let others: Result<BTreeMap<String, String>, Refusal> =
                others.map(|(name, slice)| Ok((name.clone(), digest(slice).map_err(at(name))?))).collect();
            let crashed = |_| Err(io::Error::other("a thread ended early"));
            (receipts.join().unwrap_or_else(crashed), tiles, others)
        });
        let mut digests = others?;
        let (tiles, digest) = tiles.map_err(at(names::TILES))?;
        digests.insert(names::TILES.to_owned(), digest);
        let (receipts, digest) = receipts.map_err(at(names::RECEIPTS))?;
        digests.insert(names::RECEIPTS.to_owned(), digest);
        Ok(Self { segment: Segment { from, to, digests }, files, tiles, tile_paths, receipts })
    }

    pub(super) fn into_receipts(self) -> Receipts {
        let receipts = self.receipts;
        Box::new(move |path, limit, into| receipts.get(path).ok_or(io::ErrorKind::NotFound)?.read(limit, into))
    }

    /// The lines of its entries.
    ///
    /// # Errors
    /// If they are not there.
    pub(super) fn entries(&self) -> io::Result<impl BufRead + Send + 'static> {
        let name = names::entries_name(self.segment.from, self.segment.to);
        let slice = self.files.get(&name).ok_or(io::ErrorKind::NotFound)?;
        let packed = BufReader::with_capacity(BUFFER, slice.reader());
        Ok(BufReader::with_capacity(BUFFER, Gunzip(GzDecoder::new(packed))))
    }
}

/// What may be in a tar file of tiles, or of receipts.
fn admit(path: &str, belongs: impl Fn(Place<'_>) -> bool) -> Result<Option<String>, String> {
    if belongs(layout::place(path)) {
        return Ok(Some(path.to_owned()));
    }
    Err(format!("{path:?} does not belong into it"))
}

fn at(name: &str) -> impl Fn(io::Error) -> Refusal + '_ {
    move |source| match source.kind() {
        io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof | io::ErrorKind::Other => {
            Refusal::Damaged { path: name.to_owned(), why: source.to_string() }
        }
        _ => Refusal::Read { path: name.to_owned(), source },
    }
}

fn digest(slice: &Slice) -> io::Result<String> {
    let (mut reader, mut context) = (slice.reader(), Context::new(&SHA256));
    let mut buffer = vec![0; BUFFER];
    loop {
        match reader.read(&mut buffer)? {
            0 => return Ok(hex::encode(context.finish())),
            read => context.update(&buffer[..read]),
        }
    }
}

/// Unpacks one gzip member that is the whole file.
struct Gunzip(GzDecoder<BufReader<Reader>>);

impl Read for Gunzip {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let read = self.0.read(into)?;
        if read == 0 && !into.is_empty() && !self.0.get_mut().fill_buf()?.is_empty() {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "something follows its end"));
        }
        Ok(read)
    }
}

impl Artifact for SegmentFiles {
    fn read(&self, path: &str, limit: usize, into: &mut Vec<u8>) -> io::Result<()> {
        let slice = match path.split_once('/') {
            Some(("tile", _)) => self.tiles.get(path),
            Some(("receipts", _)) => self.receipts.get(path),
            _ => self.files.get(path).cloned(),
        };
        slice.ok_or(io::ErrorKind::NotFound)?.read(limit, into)
    }

    fn reader(&self) -> FileReader<'_> {
        let mut receipts = self.receipts.reader();
        Box::new(move |path, limit, into| match path.split_once('/') {
            Some(("receipts", _)) => receipts.read(path, limit, into),
            _ => self.read(path, limit, into),
        })
    }

    fn visit_paths(&self, visit: &mut dyn FnMut(&str) -> bool) -> io::Result<()> {
        self.visit_but_receipts(visit)?;
        self.receipts.visit(&mut |path, _| visit(path))
    }

    fn visit_but_receipts(&self, visit: &mut dyn FnMut(&str) -> bool) -> io::Result<u64> {
        let _ = self.files.keys().chain(&self.tile_paths).all(|path| visit(path));
        Ok(self.receipts.count())
    }
}
