//! Whatever holds a ledger: a folder, an archive of one, whole or a segment.
use std::collections::BTreeMap;
use std::fs;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::path::Path;

use flate2::bufread::MultiGzDecoder;

use super::Directory;
use super::flat::SegmentFiles;
use super::slice::Slice;
use super::tar_index::{TarIndex, inside};
use crate::ledger::layout::{self, Artifact};
use crate::ledger::verify::past::{Past, Receipts};
use crate::ledger::verify::refusal::Refusal;
use crate::ledger::verify::report::Report;
use crate::ledger::verify::{AtOnce, Trust, verify, verify_segment};

/// Reads gather this many bytes.
const BUFFER: usize = 1 << 18;
/// An archive may unpack to so many times its own size, and so much more. Ledgers come to some ten times.
const MOST_UNPACKED: (u64, u64) = (200, 8 << 20);
/// Where a tar file says that it is one.
const TAR_MAGIC: std::ops::Range<usize> = 257..262;

/// A ledger, or a segment of one, wherever it is.
#[derive(Debug)]
pub enum Target {
    /// A whole ledger in a folder.
    Folder(Directory),
    /// A whole ledger in a tar file.
    Archive(ArchivedLedger),
    /// A segment, in a folder or a tar file.
    Segment(Box<SegmentFiles>),
}

impl Target {
    /// Finds out what is there. A segment is read once for the digests of its files.
    ///
    /// # Errors
    /// If it cannot be read, is nothing of the kind, or has something in it that does not belong there.
    pub fn open(path: &Path) -> Result<Self, Refusal> {
        let cannot = |source| Refusal::Read { path: path.display().to_string(), source };
        let kind = fs::metadata(path).map_err(cannot)?;
        if kind.is_dir() {
            return Self::folder(path);
        }
        if !kind.is_file() {
            // A pipe cannot be read twice, and may never end.
            let why = "it is neither a folder nor a file: write it to one first";
            return Err(cannot(io::Error::new(io::ErrorKind::Unsupported, why)));
        }
        let mut head = Vec::new();
        let mut slice = Slice::open(path).map_err(cannot)?;
        slice.read(TAR_MAGIC.end, &mut head).map_err(cannot)?;
        if head.starts_with(&[0x1f, 0x8b]) {
            slice = unpack(path, &slice)?;
            slice.read(TAR_MAGIC.end, &mut head).map_err(cannot)?;
        }
        if head.get(TAR_MAGIC) != Some(b"ustar") {
            let why = "it is neither a folder nor a tar file, packed with gzip or not";
            return Err(cannot(io::Error::new(io::ErrorKind::Unsupported, why)));
        }
        Self::archive(path, slice)
    }

    fn folder(path: &Path) -> Result<Self, Refusal> {
        let cannot = |source| Refusal::Read { path: path.display().to_string(), source };
        let mut names = BTreeMap::new();
        for entry in fs::read_dir(path).map_err(cannot)? {
            let entry = entry.map_err(cannot)?;
            let is_folder = entry.file_type().map_err(cannot)?.is_dir();
            names.insert(entry.file_name().to_string_lossy().into_owned(), (entry.path(), is_folder));
        }
        if !SegmentFiles::is_one(names.keys().map(String::as_str)) {
            return Ok(Self::Folder(Directory::open(path)));
        }
        is_no_mixture(names.keys().map(String::as_str))?;
        let mut files = BTreeMap::new();
        for (name, (path, is_folder)) in names {
            if is_folder {
                return Err(Refusal::Foreign(name));
            }
            let slice = Slice::open_inside(&path).map_err(|source| Refusal::Read { path: name.clone(), source })?;
            files.insert(name, slice);
        }
        Ok(Self::Segment(Box::new(SegmentFiles::of(files)?)))
    }

    fn archive(path: &Path, slice: Slice) -> Result<Self, Refusal> {
        let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned();
        let damaged = |error: io::Error| match error.kind() {
            io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof | io::ErrorKind::Other => {
                Refusal::Damaged { path: name.clone(), why: error.to_string() }
            }
            _ => Refusal::Read { path: name.clone(), source: error },
        };
        // Everything is in one folder, or in none.
        let mut root = None;
        let mut is_segment = false;
        TarIndex::of(slice.clone(), &mut |path| {
            let path = inside(path)?;
            let (folder, file) = path.rsplit_once('/').map_or(("", path), |(folder, file)| (folder, file));
            if file == layout::CHECKPOINT && root.is_none() {
                root = Some(if folder.is_empty() { String::new() } else { format!("{folder}/") });
            }
            is_segment |= SegmentFiles::is_one(std::iter::once(file));
            Ok(None)
        })
        .map_err(damaged)?;
        let root = root.ok_or_else(|| Refusal::Missing(layout::CHECKPOINT.to_owned()))?;
        let mut paths = Vec::new();
        let index = TarIndex::of(slice, &mut |path| {
            let inside = inside(path)?.strip_prefix(root.as_str());
            let inside = inside.ok_or_else(|| format!("{path:?} lies beside the ledger, which is in {root}"))?;
            if is_segment {
                paths.push(inside.to_owned());
            }
            Ok(Some(inside.to_owned()))
        })
        .map_err(damaged)?;
        if !is_segment {
            return Ok(Self::Archive(ArchivedLedger { index, root }));
        }
        is_no_mixture(paths.iter().map(String::as_str))?;
        if let Some(path) = paths.iter().find(|path| path.contains('/')) {
            return Err(Refusal::Foreign(path.clone()));
        }
        let files = paths.into_iter().filter_map(|path| index.get(&path).map(|slice| (path, slice))).collect();
        Ok(Self::Segment(Box::new(SegmentFiles::of(files)?)))
    }

    /// Its entries, one a line.
    ///
    /// # Errors
    /// If they are not there or cannot be read.
    pub fn entries(&self) -> io::Result<Box<dyn BufRead + Send>> {
        Ok(match self {
            Self::Folder(folder) => Box::new(BufReader::with_capacity(BUFFER, folder.open_file(layout::ENTRIES)?)),
            Self::Archive(archive) => {
                let slice = archive.index.get(layout::ENTRIES).ok_or(io::ErrorKind::NotFound)?;
                Box::new(BufReader::with_capacity(BUFFER, slice.reader()))
            }
            Self::Segment(segment) => Box::new(segment.entries()?),
        })
    }

    /// Checks it.
    ///
    /// # Errors
    /// The first reason not to believe it.
    pub fn verify(
        &self,
        past: &mut Past,
        trust: Trust<'_>,
        at_once: &AtOnce<'_>,
        progress: &mut dyn FnMut(u64, u64),
    ) -> Result<Report, Refusal> {
        let entries = self.entries().map_err(|source| match source.kind() {
            io::ErrorKind::NotFound => Refusal::Missing(layout::ENTRIES.to_owned()),
            _ => Refusal::Read { path: layout::ENTRIES.to_owned(), source },
        })?;
        match self {
            Self::Folder(folder) => verify(folder, entries, past, trust, at_once, progress),
            Self::Archive(archive) => verify(archive, entries, past, trust, at_once, progress),
            Self::Segment(files) => {
                verify_segment(files.as_ref(), entries, &files.segment, past, trust, at_once, progress)
            }
        }
    }

    /// Its receipts alone, for whoever checks what follows.
    #[must_use]
    pub fn into_receipts(self) -> Receipts {
        match self {
            Self::Folder(folder) => Box::new(move |path, limit, into| folder.read(path, limit, into)),
            Self::Archive(archive) => Box::new(move |path, limit, into| archive.read(path, limit, into)),
            Self::Segment(files) => files.into_receipts(),
        }
    }

    /// The text of one of its small files.
    ///
    /// # Errors
    /// If it is not there, or not a short text.
    pub fn text(&self, name: &str) -> io::Result<String> {
        let artifact: &dyn Artifact = match self {
            Self::Folder(folder) => folder,
            Self::Archive(archive) => archive,
            Self::Segment(files) => files.as_ref(),
        };
        let mut bytes = Vec::new();
        artifact.read(name, BUFFER, &mut bytes)?;
        String::from_utf8(bytes).map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "it is not UTF-8 text"))
    }
}

/// A whole ledger in a tar file.
#[derive(Debug)]
pub struct ArchivedLedger {
    index: TarIndex,
    root: String,
}

impl Artifact for ArchivedLedger {
    fn read(&self, path: &str, limit: usize, into: &mut Vec<u8>) -> io::Result<()> {
        self.index.get(path).ok_or(io::ErrorKind::NotFound)?.read(limit, into)
    }

    fn visit_paths(&self, visit: &mut dyn FnMut(&str) -> bool) -> io::Result<()> {
        self.index.visit(&mut |path, _| {
            let inside = inside(path).ok().and_then(|path| path.strip_prefix(self.root.as_str()));
            visit(inside.unwrap_or(path))
        })
    }
}

/// What only a segment has does not lie in a whole ledger, which has its entries in one file.
fn is_no_mixture<'a>(names: impl Iterator<Item = &'a str> + Clone) -> Result<(), Refusal> {
    let mut odd = names.clone().filter(|name| SegmentFiles::is_one(std::iter::once(*name)));
    match (odd.next(), { names }.any(|name| name == layout::ENTRIES)) {
        (Some(odd), true) => Err(Refusal::OfASegment(odd.to_owned())),
        _ => Ok(()),
    }
}

/// Unpacks to a file without a name, on disk: memory stays as it is however much there is.
fn unpack(path: &Path, packed: &Slice) -> Result<Slice, Refusal> {
    let (times, more) = MOST_UNPACKED;
    let most = packed.length().saturating_mul(times).saturating_add(more);
    let name = || path.display().to_string();
    let cannot = |source| Refusal::Read { path: name(), source };
    let mut file = tempfile::tempfile().map_err(cannot)?;
    let mut unpacked = MultiGzDecoder::new(BufReader::with_capacity(BUFFER, packed.reader())).take(most + 1);
    let (mut buffer, mut length) = (vec![0; BUFFER], 0);
    loop {
        let read =
            unpacked.read(&mut buffer).map_err(|error| Refusal::Damaged { path: name(), why: error.to_string() })?;
        if read == 0 {
            break;
        }
        length += read as u64;
        file.write_all(&buffer[..read]).map_err(cannot)?;
    }
    if length > most {
        let why = format!("it unpacks to more than {times} times its size, which no ledger does");
        return Err(Refusal::Damaged { path: name(), why });
    }
    Slice::of(file).map_err(cannot)
}
