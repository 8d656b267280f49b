//! Checks an exported ledger against a key the reader trusts, believing nothing else of it.
//!
//! The entries stream by once, a batch at a time, in constant memory: while one batch is followed, line by line, the receipts
//! of the next are looked at. Every line is checked for its place in the chain and goes into the
//! tree; tiles, bundles and receipts are compared as the lines they hold go by; the rules of the domain are checked for
//! each request while it is alive. A fault found on the way is reported only when the root has proven right, so that a
//! message about a rule is always about something the log itself has signed, never about damage to the file.
use std::io::{self, BufRead};

use self::batch::{Batch, Entry};
use self::body::KnownParts;
use self::files::Files;
use self::keys::Keys;
use self::refusal::{LineFault, Refusal};
use self::report::Report;
use self::rules::{Rules, Step};
use self::violation::Violation;
use super::checkpoint::Checkpoint;
use super::entry::{FORMAT, Header, is_request_id};
use super::layout::{self, Artifact};
use super::merkle::{Frontier, Hash, empty_root};
use super::note::{MAX_NOTE_BYTES, VerifierKey};
use super::record::RecordType;
use super::tile::Builder;

mod batch;
mod body;
mod files;
pub mod keys;
pub mod refusal;
pub mod report;
mod rules;
pub mod violation;

/// How often progress is told, in entries.
const PROGRESS_EVERY: u64 = 8192;

/// What the reader brings.
#[derive(Debug, Clone, Copy)]
pub struct Trust<'a> {
    /// A key of the log, from anywhere but the ledger itself: the one it has now, or one that it had.
    pub key: &'a VerifierKey,
    /// A checkpoint of the same log seen earlier: the ledger has to continue it.
    pub old: Option<&'a str>,
}

/// Work that may be done in another thread.
pub type Task<'t> = Box<dyn FnOnce() + Send + 't>;

/// Does all of the work and returns when it is done: at once, where there are threads to do it with. The last is for the
/// calling thread.
pub type AtOnce<'a> = dyn Fn(Vec<Task<'_>>, &mut dyn FnMut()) + 'a;

/// Into how many parts a batch is cut for those who look at receipts: more than there are cores, since who opens files
/// waits for the disk now and then.
const PARTS: usize = 3;

/// Checks everything there is to check; `entries` is the content of `entries.jsonl`. `progress` hears now and then how many
/// entries of how many have been read.
///
/// # Errors
/// The first reason not to believe the ledger.
pub fn verify(
    artifact: &(impl Artifact + Sync),
    entries: impl BufRead,
    trust: Trust<'_>,
    at_once: &AtOnce<'_>,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<Report, Refusal> {
    let note = read_text(artifact, layout::CHECKPOINT)?;
    let own_key = read_text(artifact, layout::VKEY)?;
    let keys = Keys::new(trust.key, 0);
    let checkpoint = keys.glimpse(&note, own_key.trim_end())?;
    let old = trust.old.map(|note| keys.glimpse_old(note, checkpoint.size)).transpose()?;
    let mut scan = Scan {
        files: Files::new(artifact, &note, &checkpoint, trust.key),
        checkpoint: &checkpoint,
        keys,
        chain: Chain { prev: None, tree: Frontier::new() },
        tiles: Builder::default(),
        rules: Rules::default(),
        old_root: old.as_ref().filter(|old| old.size == 0).map(|_| empty_root()),
        report: Report::new(&checkpoint, old.as_ref()),
        fault: None,
    };
    scan.entries(entries, old.as_ref(), at_once, progress)?;
    let signed = Signed { note: &note, own_key: own_key.trim_end(), old: trust.old.zip(old.as_ref()) };
    scan.finish(signed)
}

/// What the keys of the log must have signed.
struct Signed<'a> {
    note: &'a str,
    /// The key the ledger says is its own.
    own_key: &'a str,
    old: Option<(&'a str, &'a Checkpoint)>,
}

/// The state of one pass over the entries.
struct Scan<'a, A: Artifact> {
    files: Files<'a, A>,
    checkpoint: &'a Checkpoint,
    keys: Keys<'a>,
    chain: Chain,
    tiles: Builder,
    rules: Rules,
    /// The root of the tree when it had the size of the older checkpoint.
    old_root: Option<Hash>,
    report: Report,
    /// The first thing wrong that only matters if the entries are those that were signed.
    fault: Option<Refusal>,
}

impl<A: Artifact + Sync> Scan<'_, A> {
    fn entries(
        &mut self,
        mut entries: impl BufRead,
        old: Option<&Checkpoint>,
        at_once: &AtOnce<'_>,
        progress: &mut dyn FnMut(u64, u64),
    ) -> Result<(), Refusal> {
        let mut ahead = [(); PARTS].map(|()| self.files.clone());
        let (mut batch, mut next) = (Batch::default(), Batch::default());
        let mut followed = Ok(());
        while followed.is_ok() && batch.goes_on() {
            next.read(&mut entries, batch.next_seq());
            let parts = next.parts(PARTS).zip(&mut ahead);
            let tasks = parts.map(|(mut part, files)| Box::new(move || part.check(files)) as Task<'_>).collect();
            at_once(tasks, &mut || followed = self.follow(&mut batch, old, progress));
            std::mem::swap(&mut batch, &mut next);
        }
        followed.and_then(|()| self.follow(&mut batch, old, progress))
    }

    fn follow(
        &mut self,
        batch: &mut Batch,
        old: Option<&Checkpoint>,
        progress: &mut dyn FnMut(u64, u64),
    ) -> Result<(), Refusal> {
        let size = self.checkpoint.size;
        for Entry { line, leaf, receipt, parts } in batch.entries() {
            if self.chain.tree.size() == size {
                return Err(Refusal::Surplus { size });
            }
            self.entry(line, leaf, receipt, parts)?;
            let read = self.chain.tree.size();
            if old.is_some_and(|old| old.size == read) {
                self.old_root = Some(self.chain.tree.root());
            }
            if read.is_multiple_of(PROGRESS_EVERY) || read == size {
                progress(read, size);
            }
        }
        batch.fault()
    }

    fn entry(
        &mut self,
        line: &str,
        leaf: Hash,
        receipt: Option<Result<(), Refusal>>,
        parts: Option<Result<KnownParts, Violation>>,
    ) -> Result<(), Refusal> {
        let number = self.chain.tree.size() + 1;
        let (header, record_type) = self
            .chain
            .follow(&self.checkpoint.origin, line, leaf)
            .map_err(|fault| Refusal::Line { line: number, fault })?;
        self.report.count(record_type);
        self.keys.follow(header.seq, record_type, line);
        let Scan { files, tiles, fault, rules, report, .. } = self;
        tiles.push(leaf, line.as_bytes(), &mut |tile, bytes| {
            if fault.is_none() {
                *fault = files.check_tile(tile, bytes).err();
            }
            Ok(())
        })?;
        // After a first fault the state of the rules means nothing any more; the hashes still do.
        if self.fault.is_none() {
            let earlier = &mut |request: &str| files.decision_before(request, header.seq);
            let checked = rules.check(&header, record_type, parts, earlier).and_then(|step| match step {
                Step::Decided(outcome) => {
                    report.decided(outcome);
                    let request = header.corr.unwrap_or_default();
                    let receipt = receipt.unwrap_or_else(|| files.check_receipt(request, header.seq, line, leaf));
                    receipt.or_else(|fault| rules.doubt(request, fault))
                }
                Step::Voided(outcome) => {
                    report.voided(outcome);
                    Ok(())
                }
                Step::None => Ok(()),
            });
            self.fault = checked.err();
        }
        Ok(())
    }

    fn finish(mut self, signed: Signed<'_>) -> Result<Report, Refusal> {
        let (have, size) = (self.chain.tree.size(), self.checkpoint.size);
        if have < size {
            return Err(Refusal::Truncated { have, size });
        }
        let root = self.chain.tree.root();
        if root != self.checkpoint.root {
            return Err(Refusal::Root { computed: root, signed: self.checkpoint.root });
        }
        self.keys.check(signed.note, size, signed.own_key)?;
        self.report.newer_key = self.keys.newer();
        if let Some((note, old)) = signed.old {
            self.keys.check_old(note, old.size)?;
            if self.old_root != Some(old.root) {
                return Err(Refusal::Fork { size: old.size });
            }
        }
        let Scan { files, tiles, fault, .. } = &mut self;
        tiles.finish(&mut |tile, bytes| {
            if fault.is_none() {
                *fault = files.check_tile(tile, bytes).err();
            }
            Ok::<(), Refusal>(())
        })?;
        if let Some(fault) = self.fault {
            return Err(fault);
        }
        if let Some(fault) = self.rules.take_doubt() {
            return Err(fault);
        }
        // An undecided request with a receipt was decided, forgotten and opened a second time.
        for (request, seq) in self.rules.undecided() {
            if self.files.decision_before(request, u64::MAX)?.is_some() {
                return Err(Refusal::rule(seq, request, Violation::OpenedTwice));
            }
        }
        self.files.check_nothing_else(self.report.decisions())?;
        self.report.pending = self.rules.undecided().count() as u64;
        Ok(self.report)
    }
}

/// The chain of entries so far.
struct Chain {
    prev: Option<Hash>,
    tree: Frontier,
}

impl Chain {
    /// Checks that a line is the next entry of this log, and appends it.
    fn follow<'l>(&mut self, origin: &str, line: &'l str, leaf: Hash) -> Result<(Header<'l>, RecordType), LineFault> {
        let header = Header::parse(line).map_err(|error| LineFault::NotAnEntry(error.to_string()))?;
        let seq = self.tree.size();
        if header.v != FORMAT {
            return Err(LineFault::Format(header.v));
        }
        if header.log != origin {
            return Err(LineFault::Log { found: header.log.to_owned(), origin: origin.to_owned() });
        }
        if header.seq != seq {
            return Err(LineFault::Seq { found: header.seq, expected: seq });
        }
        match (header.prev, self.prev) {
            (None, None) => {}
            (Some(found), Some(prev)) if is_hex_of(found, prev) => {}
            (found, prev) => {
                return Err(LineFault::Chain { found: found.map(str::to_owned), prev });
            }
        }
        let record_type = RecordType::from_name(header.record_type)
            .ok_or_else(|| LineFault::UnknownType(header.record_type.to_owned()))?;
        if let Some(corr) = header.corr.filter(|corr| !is_request_id(corr)) {
            return Err(LineFault::RequestId(corr.to_owned()));
        }
        self.tree.push(leaf);
        self.prev = Some(leaf);
        Ok((header, record_type))
    }
}

fn is_hex_of(text: &str, hash: Hash) -> bool {
    let mut hex = [0; 64];
    hex::encode_to_slice(hash.as_bytes(), &mut hex).is_ok() && text.as_bytes() == hex
}

fn read_text(artifact: &impl Artifact, path: &str) -> Result<String, Refusal> {
    let mut bytes = Vec::new();
    artifact.read(path, MAX_NOTE_BYTES, &mut bytes).map_err(|source| Refusal::unreadable(path, source))?;
    if bytes.len() > MAX_NOTE_BYTES {
        return Err(Refusal::unreadable(path, io::Error::new(io::ErrorKind::InvalidData, "it is too long")));
    }
    String::from_utf8(bytes)
        .map_err(|_| Refusal::unreadable(path, io::Error::new(io::ErrorKind::InvalidData, "it is not UTF-8 text")))
}
