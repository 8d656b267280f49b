//! The lines of one tile, and what can be known of each without the others.
use std::io::{self, BufRead, Read as _};

use super::files::{Files, InTile};
use crate::ledger::entry::{Header, MAX_BYTES};
use crate::ledger::layout::Artifact;
use crate::ledger::merkle::{Hash, Levels, Subtrees as _, leaf_hash};
use crate::ledger::tables::event::Event;
use crate::ledger::tile::WIDTH;
use crate::ledger::verify::read::alike::Alike;
use crate::ledger::verify::refusal::{LineFault, Refusal};
use crate::ledger::verify::rules::known::{Known, Log, continues};

/// What is known of a line by itself.
pub(super) struct Line {
    pub(super) known: Result<Known, LineFault>,
    /// Whether its receipt is right, if it is a decision.
    pub(super) receipt: Option<Result<(), Refusal>>,
    /// What the tables have of it, if they are wanted.
    pub(super) event: Option<Event>,
}

/// What is known of the lines of one tile.
#[derive(Default)]
pub(super) struct Tile {
    /// What the first line says of the entry before it.
    pub(super) prev: Option<String>,
    /// All leaves, with those that stand before the first line.
    pub(super) leaves: Vec<Hash>,
    pub(super) lines: Vec<Line>,
    /// The root of all 256 leaves, if there are so many.
    pub(super) root: Option<Hash>,
    /// What is wrong with the files of the tile.
    pub(super) fault: Option<Refusal>,
}

/// The lines of one tile, or what the file has of them.
#[derive(Default)]
pub(super) struct Batch {
    first: u64,
    text: String,
    /// Where each line ends, after its newline.
    ends: Vec<usize>,
    after: After,
    /// What is known of them, once they were looked at.
    pub(super) tile: Tile,
}

/// What is the same for all lines.
#[derive(Clone, Copy)]
pub(super) struct Frame<'a> {
    pub(super) log: Log<'a>,
    /// The file that they are in.
    pub(super) entries: &'a str,
    /// How many entries were signed.
    pub(super) size: u64,
    /// The leaves of the first tile that stand before the first line.
    pub(super) seam: &'a [Hash],
    pub(super) wants_tables: bool,
}

/// What comes after a batch.
#[derive(Default)]
enum After {
    #[default]
    More,
    End,
    Fault(Refusal),
}

impl Batch {
    /// The entry after its last.
    pub(super) fn next_seq(&self) -> u64 {
        self.first + self.ends.len() as u64
    }

    /// Whether more may come after it.
    pub(super) fn goes_on(&self) -> bool {
        matches!(self.after, After::More)
    }

    /// What is wrong with the line after the last, if it cannot be one.
    pub(super) fn fault(&mut self) -> Result<(), Refusal> {
        match std::mem::take(&mut self.after) {
            After::Fault(fault) => Err(fault),
            after => {
                self.after = after;
                Ok(())
            }
        }
    }

    /// Reads the next lines, up to the end of a tile, of which the first is entry `first`.
    pub(super) fn read(&mut self, (entries, name): (&mut impl BufRead, &str), first: u64) {
        let mut bytes = std::mem::take(&mut self.text).into_bytes();
        bytes.clear();
        self.ends.clear();
        (self.first, self.after) = (first, After::More);
        while self.goes_on() && (self.ends.is_empty() || !self.next_seq().is_multiple_of(WIDTH as u64)) {
            match read_line((entries, name), &mut bytes, self.next_seq() + 1) {
                Ok(true) => self.ends.push(bytes.len()),
                Ok(false) => self.after = After::End,
                Err(fault) => self.after = After::Fault(fault),
            }
        }
        bytes.truncate(self.ends.last().copied().unwrap_or_default());
        self.text = String::from_utf8(bytes).unwrap_or_else(|error| {
            // The lines before the first that is not text still count.
            let good = error.utf8_error().valid_up_to();
            self.ends.truncate(self.ends.partition_point(|end| *end <= good));
            self.after = After::Fault(Refusal::Line { line: self.next_seq() + 1, fault: LineFault::NotText });
            let mut bytes = error.into_bytes();
            bytes.truncate(self.ends.last().copied().unwrap_or_default());
            String::from_utf8(bytes).unwrap_or_default()
        });
    }

    /// Hashes and reads the lines, and compares the files that hold them: tile, bundle, receipts.
    pub(super) fn check(&mut self, frame: Frame<'_>, files: &mut Files<'_, impl Artifact>, alike: &mut Alike) {
        let Tile { mut leaves, lines: mut checked, .. } = std::mem::take(&mut self.tile);
        leaves.clear();
        checked.clear();
        let lines: Vec<&str> = self.lines().collect();
        let before = (self.first % WIDTH as u64) as usize;
        // Entries that go on from a seam have its leaves before them; there is one seam at most.
        let seam = if before == frame.seam.len() { frame.seam } else { &[] };
        leaves.extend(seam.iter().copied().chain(lines.iter().map(|line| leaf_hash(line.as_bytes()))));
        let levels: Levels = leaves.iter().copied().collect();
        let (index, width) = (self.first / WIDTH as u64, leaves.len());
        let root = levels.subtree(WIDTH.ilog2(), 0);
        let is_whole = width == WIDTH || index * WIDTH as u64 + width as u64 == frame.size;
        let has_tile = is_whole && !lines.is_empty();
        let fault = if has_tile { files.check_leaves(index, &leaves, seam.len(), &lines).err() } else { None };
        let mut in_tile = InTile::new(&levels, root.is_some());
        let (mut prev, mut first_prev) = (None, None);
        for ((seq, line), leaf) in (self.first..).zip(&lines).zip(&leaves[seam.len()..]) {
            let leaf = *leaf;
            let header = Header::parse(line).map_err(|error| LineFault::NotAnEntry(error.to_string()));
            let known = header.as_ref().map_err(Clone::clone).and_then(|header| {
                let known = Known::of(line, header, (frame.log, seq), alike)?;
                match prev {
                    None => first_prev = header.prev.map(str::to_owned),
                    prev => continues(header.prev, prev)?,
                }
                Ok(known)
            });
            let decided = known.as_ref().ok().and_then(Known::decided);
            let receipt = decided.map(|request| files.check_receipt(request, seq, line, leaf, &mut in_tile));
            let event = header.as_ref().ok().filter(|_| frame.wants_tables).and_then(|it| Event::of(it, line));
            checked.push(Line { known, receipt, event });
            prev = Some(leaf);
        }
        self.tile = Tile { prev: first_prev, leaves, lines: checked, root, fault };
    }

    fn lines(&self) -> impl Iterator<Item = &str> {
        let mut start = 0;
        self.ends.iter().map(move |&end| &self.text[std::mem::replace(&mut start, end)..end - 1])
    }
}

/// Adds one line to `bytes`, never more than the longest there may be; false at the end of the file.
fn read_line((entries, name): (&mut impl BufRead, &str), bytes: &mut Vec<u8>, line: u64) -> Result<bool, Refusal> {
    let fault = |fault| Refusal::Line { line, fault };
    let start = bytes.len();
    entries.take(MAX_BYTES as u64 + 1).read_until(b'\n', bytes).map_err(|source| match source.kind() {
        io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput | io::ErrorKind::UnexpectedEof => {
            Refusal::Damaged { path: name.to_owned(), why: source.to_string() }
        }
        _ => Refusal::Read { path: name.to_owned(), source },
    })?;
    match bytes[start..].split_last() {
        None => Ok(false),
        Some((b'\n', _)) => Ok(true),
        Some((_, line)) if line.len() == MAX_BYTES => Err(fault(LineFault::TooLong)),
        Some(_) => Err(fault(LineFault::Unfinished)),
    }
}
