//! Some lines of the entries, and what can be known of each without the others: its hash, and whether its receipt is right.
use std::io::{BufRead, Read as _};

use super::body::KnownParts;
use super::files::Files;
use super::refusal::{LineFault, Refusal};
use super::violation::Violation;
use crate::ledger::entry::{Header, MAX_BYTES, is_request_id};
use crate::ledger::layout::{self, Artifact};
use crate::ledger::merkle::{Hash, leaf_hash};
use crate::ledger::record::RecordType;

/// A batch is full with this many bytes: milliseconds of work, so that handing it over costs nothing beside it.
const BATCH_BYTES: usize = 1 << 20;

/// One line of a batch.
pub(super) struct Entry<'b> {
    pub(super) line: &'b str,
    pub(super) leaf: Hash,
    /// Whether its receipt is right, if it was looked at.
    pub(super) receipt: Option<Result<(), Refusal>>,
    /// Who had a part in what it opens, if that was looked for.
    pub(super) parts: Option<Result<KnownParts, Violation>>,
}

/// Lines that follow each other.
#[derive(Default)]
pub(super) struct Batch {
    first: u64,
    text: String,
    /// Where each line ends, after its newline.
    ends: Vec<usize>,
    checked: Vec<Option<Checked>>,
    after: After,
}

/// What is known of a line by itself.
struct Checked {
    leaf: Hash,
    receipt: Option<Result<(), Refusal>>,
    parts: Option<Result<KnownParts, Violation>>,
}

/// Some of the lines, to be checked by one thread.
pub(super) struct Part<'b> {
    first: u64,
    text: &'b str,
    start: usize,
    ends: &'b [usize],
    checked: &'b mut [Option<Checked>],
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
    pub(super) fn next_seq(&self) -> u64 {
        self.first + self.ends.len() as u64
    }

    pub(super) fn goes_on(&self) -> bool {
        matches!(self.after, After::More)
    }

    /// What is wrong with the line after the last, if it cannot be one.
    pub(super) fn fault(&mut self) -> Result<(), Refusal> {
        match std::mem::take(&mut self.after) {
            After::Fault(fault) => Err(fault),
            _ => Ok(()),
        }
    }

    /// Replaces the lines by the next ones, of which the first is entry `first`.
    pub(super) fn read(&mut self, entries: &mut impl BufRead, first: u64) {
        let mut bytes = std::mem::take(&mut self.text).into_bytes();
        bytes.clear();
        self.ends.clear();
        self.checked.clear();
        (self.first, self.after) = (first, After::More);
        while self.goes_on() && bytes.len() < BATCH_BYTES {
            match read_line(entries, &mut bytes, self.next_seq() + 1) {
                Ok(true) => self.ends.push(bytes.len()),
                Ok(false) => self.after = After::End,
                Err(fault) => self.after = After::Fault(fault),
            }
        }
        bytes.truncate(self.ends.last().copied().unwrap_or_default());
        self.text = String::from_utf8(bytes).unwrap_or_default();
    }

    /// The lines in so many parts, which can be checked in any order.
    pub(super) fn parts(&mut self, parts: usize) -> impl Iterator<Item = Part<'_>> {
        let Batch { first, text, ends, checked, .. } = self;
        checked.resize_with(ends.len(), || None);
        let size = ends.len().div_ceil(parts).max(1);
        let firsts = (*first..).step_by(size);
        let starts = std::iter::once(0).chain(ends.chunks(size).filter_map(|ends| ends.last().copied()));
        firsts
            .zip(starts)
            .zip(ends.chunks(size))
            .zip(checked.chunks_mut(size))
            .map(|(((first, start), ends), checked)| Part { first, text: text.as_str(), start, ends, checked })
    }

    /// The lines with what is known of them, once.
    pub(super) fn entries(&mut self) -> impl Iterator<Item = Entry<'_>> {
        let Batch { text, ends, checked, .. } = self;
        lines(text, 0, ends).zip(checked.drain(..)).map(|(line, checked)| {
            let unchecked = || Checked { leaf: leaf_hash(line.as_bytes()), receipt: None, parts: None };
            let Checked { leaf, receipt, parts } = checked.unwrap_or_else(unchecked);
            Entry { line, leaf, receipt, parts }
        })
    }
}

impl Part<'_> {
    /// Hashes the lines, checks the receipts of the decisions among them, and reads the facts of the openings.
    pub(super) fn check(&mut self, files: &mut Files<'_, impl Artifact>) {
        let lines = lines(self.text, self.start, self.ends);
        for ((seq, line), checked) in (self.first..).zip(lines).zip(self.checked.iter_mut()) {
            let leaf = leaf_hash(line.as_bytes());
            let receipt = decided_in(line).map(|request| files.check_receipt(request, seq, line, leaf));
            *checked = Some(Checked { leaf, receipt, parts: parts_in(line) });
        }
    }
}

fn lines<'b>(text: &'b str, mut start: usize, ends: &[usize]) -> impl Iterator<Item = &'b str> {
    ends.iter().map(move |&end| &text[std::mem::replace(&mut start, end)..end - 1])
}

/// The request that this line decides. Only a line that may hold a decision is parsed.
fn decided_in(line: &str) -> Option<&str> {
    let name = RecordType::DecisionRecorded.as_str();
    let header = line.contains(name).then(|| Header::parse(line).ok()).flatten()?;
    header.corr.filter(|corr| header.record_type == name && is_request_id(corr))
}

/// Who had a part in what this line opens. Only a line that may hold facts is parsed.
fn parts_in(line: &str) -> Option<Result<KnownParts, Violation>> {
    let header = line.contains("\"facts\":").then(|| Header::parse(line).ok()).flatten()?;
    header.facts.is_some().then(|| KnownParts::of(&header))
}

/// Adds one line to `bytes`, never more than the longest there may be; false at the end of the file.
fn read_line(entries: &mut impl BufRead, bytes: &mut Vec<u8>, line: u64) -> Result<bool, Refusal> {
    let fault = |fault| Refusal::Line { line, fault };
    let start = bytes.len();
    entries
        .take(MAX_BYTES as u64 + 1)
        .read_until(b'\n', bytes)
        .map_err(|source| Refusal::Read { path: layout::ENTRIES.to_owned(), source })?;
    match bytes[start..].split_last() {
        None => Ok(false),
        Some((b'\n', line)) => std::str::from_utf8(line).map(|_| true).map_err(|_| fault(LineFault::NotText)),
        Some((_, line)) if line.len() == MAX_BYTES => Err(fault(LineFault::TooLong)),
        Some(_) => Err(fault(LineFault::Unfinished)),
    }
}
