//! One pass over a ledger: each entry in its place, each file beside them, and what the keys have signed.
//!
//! The entries stream by once, a tile at a time, in constant memory: while one tile is followed, line by line, the lines of
//! others are hashed, read, and compared with the tiles, bundles and receipts that hold them, by several threads, and the one
//! after them is read. What is left to follow is the chain, the tree above the tiles, and the rules of the domain, which are
//! checked for each request while it is alive. A fault found on the way is reported only when the root has proven right, so that a
//! message about a rule is always about something the log itself has signed, never about damage to the file.
use std::io::{self, BufRead};

use self::batch::{Frame, Line, Tile};
use self::files::Files;
use self::old::Old;
use self::past::{Carried, Past};
use self::segment::{Remade, Segment, Start};
use super::refusal::Refusal;
use super::report::Report;
use super::rules::keys::Keys;
use super::rules::known::{Body, Known, Log, continues};
use super::rules::timely::Clock;
use super::rules::{Rules, Step, held};
use super::violation::Violation;
use super::{AtOnce, Trust};
use crate::ledger::checkpoint::Checkpoint;
use crate::ledger::layout::{self, Artifact};
use crate::ledger::merkle::{Frontier, Hash};
use crate::ledger::note::{MAX_NOTE_BYTES, VerifierKey};
use crate::ledger::record::RecordType;
use crate::ledger::segment::{CHECKPOINT_PREV, entries_name};
use crate::ledger::tables::At;
use crate::ledger::tile::{HashTiles, WIDTH};

mod batch;
mod crew;
mod files;
mod old;
pub mod past;
pub mod segment;
mod vouched;

/// How often progress is told, in tiles.
const PROGRESS_TILES: u64 = 32;

/// Checks a whole ledger, or a segment.
pub(super) fn check(
    artifact: &impl Artifact,
    entries: impl BufRead + Send,
    segment: Option<&Segment>,
    past: &mut Past,
    trust: Trust<'_>,
    at_once: &AtOnce<'_>,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<Report, Refusal> {
    if let Some(segment) = segment {
        segment.check_manifest(artifact)?;
    }
    let note = read_text(artifact, layout::CHECKPOINT)?;
    let own_key = read_text(artifact, layout::VKEY)?;
    // Nobody signs the file, so its one form is all that keeps it from being changed.
    let own_key = own_key.strip_suffix('\n').ok_or(Refusal::KeyFile(layout::VKEY))?;
    let from = segment.map_or(0, |segment| segment.from);
    let before = past.take(from);
    let (carried, keys, clock) = match before {
        Some(Carried { rules, account, keys, clock, .. }) => (Some((rules, account)), keys, clock),
        None => (None, Keys::new(trust.key, from, past.seen()), Clock::default()),
    };
    let checkpoint = keys.glimpse(&note, own_key)?;
    let mut olds = Vec::new();
    for note in trust.old {
        let old = keys.glimpse_old(note, checkpoint.size)?;
        olds.push(Old::of(old));
    }
    if let Some((size, root)) = trust.seen {
        if size > checkpoint.size {
            return Err(Refusal::Rollback { old: size, size: checkpoint.size });
        }
        let old = Checkpoint { origin: checkpoint.origin.clone(), size, root };
        olds.push(Old::of(old));
    }
    let files = Files::new(artifact, &note, &checkpoint, trust.key);
    let newest = olds.iter().map(|old| old.signed.size).max();
    let (rules, account) = carried.unwrap_or_else(|| {
        (Rules::from(from), if from == 0 { held::account(artifact, checkpoint.size) } else { None })
    });
    let mut scan = Scan {
        account,
        files: if segment.is_some() { files.of_segment(from) } else { files },
        checkpoint: &checkpoint,
        keys,
        next: from,
        prev: None,
        tree: Frontier::new(),
        seam: Vec::new(),
        tiles: HashTiles::from_level(1),
        rules,
        past,
        clock,
        loose: held::Count::default(),
        tables: segment.map(|_| Remade::new()),
        olds,
        report: Report::new(from, &checkpoint, newest),
        fault: None,
    };
    if let Some(segment) = segment {
        let own_key = own_key.parse().map_err(|_| Refusal::KeyFile(layout::VKEY))?;
        scan.start(segment, artifact, &note, &own_key)?;
    }
    vouched::look(segment, artifact, (&note, &checkpoint), trust.witnesses, &mut scan.report);
    scan.entries(entries, at_once, progress)?;
    let prev = if from > 0 { Some(read_text(artifact, CHECKPOINT_PREV)?) } else { None };
    let signed = Signed { note: &note, own_key, trust, prev: prev.as_deref() };
    scan.finish(segment, signed)
}

/// What the keys of the log must have signed.
struct Signed<'a> {
    note: &'a str,
    /// The key the ledger says is its own.
    own_key: &'a str,
    trust: Trust<'a>,
    /// The checkpoint where a segment begins.
    prev: Option<&'a str>,
}

/// The state of one pass over the entries.
struct Scan<'a, A: Artifact> {
    files: Files<'a, A>,
    checkpoint: &'a Checkpoint,
    account: Option<u64>,
    keys: Keys,
    /// The entry that comes next.
    next: u64,
    /// The leaf of the entry before it.
    prev: Option<Hash>,
    /// The tree up to the tile of the next entry.
    tree: Frontier,
    /// The leaves of that tile that come before the entries that are checked.
    seam: Vec<Hash>,
    /// The tiles above those of the leaves.
    tiles: HashTiles,
    rules: Rules,
    past: &'a mut Past,
    clock: Clock,
    loose: held::Count,
    tables: Option<Remade>,
    olds: Vec<Old>,
    report: Report,
    /// The first thing wrong that only matters if the entries are those that were signed.
    fault: Option<Refusal>,
}

impl<A: Artifact> Scan<'_, A> {
    /// Takes over from the segments before.
    fn start(&mut self, segment: &Segment, artifact: &A, note: &str, key: &VerifierKey) -> Result<(), Refusal> {
        let Scan { files, tiles, olds, checkpoint, keys, .. } = self;
        let (mut others, mut tree) = (files.clone(), Frontier::new());
        let from = (note, *checkpoint, key, &*keys);
        let Start { tree, seam, prev } = segment::start(segment, artifact, files, from, &mut |first, leaves, root| {
            olds.iter_mut().for_each(|old| old.look(&tree, first, leaves));
            tree.push_subtree(WIDTH.ilog2(), root);
            tiles.push(root, &mut |tile, bytes| others.check_tile(tile, bytes))
        })?;
        olds.iter_mut().for_each(|old| old.look(&tree, tree.size(), &seam));
        (self.tree, self.seam, self.prev) = (tree, seam, prev);
        Ok(())
    }

    fn entries(
        &mut self,
        entries: impl BufRead + Send,
        at_once: &AtOnce<'_>,
        progress: &mut dyn FnMut(u64, u64),
    ) -> Result<(), Refusal> {
        let (checkpoint, seam) = (self.checkpoint, std::mem::take(&mut self.seam));
        let log = Log { origin: &checkpoint.origin, account: self.account };
        let is_segment = self.tables.is_some();
        let name = if is_segment { entries_name(self.next, checkpoint.size) } else { layout::ENTRIES.to_owned() };
        let frame = Frame { log, entries: &name, size: checkpoint.size, seam: &seam, wants_tables: is_segment };
        let files = self.files.clone();
        crew::work(entries, self.next, frame, &files, at_once, &mut |batch| {
            self.tile(&mut batch.tile)?;
            if (self.next / WIDTH as u64).is_multiple_of(PROGRESS_TILES) || self.next == checkpoint.size {
                progress(self.next, checkpoint.size);
            }
            batch.fault()
        })
    }

    fn tile(&mut self, tile: &mut Tile) -> Result<(), Refusal> {
        let Tile { prev, leaves, lines, root, fault } = tile;
        if self.fault.is_none() {
            self.fault = fault.take();
        }
        let size = self.checkpoint.size;
        let own = leaves.get(leaves.len() - lines.len()..).unwrap_or_default();
        for (n, (Line { known, receipt, event }, leaf)) in lines.drain(..).zip(own).enumerate() {
            if self.next == size {
                return Err(Refusal::Surplus { size });
            }
            let at_line = |fault| Refusal::Line { line: self.next + 1, fault };
            let mut known = known.map_err(at_line)?;
            if n == 0 {
                continues(prev.as_deref(), self.prev).map_err(at_line)?;
            }
            self.report.count(known.record_type);
            self.report.callbacks_given_up += u64::from(matches!(known.body, Ok(Body::CallbackFailed)));
            self.clock.tick(known.time);
            if let Ok(Body::Opened(open) | Body::Rejudged(open)) = &known.body {
                self.loose.add(open.loose);
            }
            self.keys.follow(known.seq, known.record_type, known.key.take());
            if let (Some(tables), Some(event)) = (&mut self.tables, event) {
                let name = known.record_type.as_str();
                let at = At { seq: known.seq, leaf: *leaf, time: known.time, name, request: known.corr.as_deref() };
                tables.push(at, event);
            }
            // After a first fault the state of the rules means nothing any more; the hashes still do.
            if self.fault.is_none() {
                self.fault = self.judge(known, receipt).err();
            }
            (self.next, self.prev) = (self.next + 1, Some(*leaf));
        }
        let Scan { tree, olds, tiles, files, fault, .. } = self;
        olds.iter_mut().for_each(|old| old.look(tree, tree.size(), leaves));
        match *root {
            Some(root) => {
                tree.push_subtree(WIDTH.ilog2(), root);
                tiles.push(root, &mut |tile, bytes| {
                    if fault.is_none() {
                        *fault = files.check_tile(tile, bytes).err();
                    }
                    Ok::<(), Refusal>(())
                })
            }
            None => {
                leaves.iter().for_each(|leaf| tree.push(*leaf));
                Ok(())
            }
        }
    }

    /// Holds an entry against the rules.
    fn judge(&mut self, known: Known, receipt: Option<Result<(), Refusal>>) -> Result<(), Refusal> {
        let Scan { files, rules, past, report, .. } = self;
        let seq = known.seq;
        let opened = known.corr.as_deref().filter(|_| known.record_type == RecordType::RequestOpened);
        if let Some(request) = opened
            && past.decision(request)?.is_some()
        {
            return Err(Refusal::rule(seq, request, Violation::OpenedTwice));
        }
        let decided = known.decided().map(str::to_owned);
        if let Ok(Body::Published(published)) = &known.body {
            let computed = files.root_at(published.to)?;
            if computed != published.root {
                return Err(Refusal::rule(seq, "-", Violation::PublishedOther { to: published.to, computed }));
            }
        }
        let earlier = &mut |request: &str| match files.decision_before(request, seq)? {
            Some(settled) => Ok(Some(settled)),
            None => past.decision(request),
        };
        match rules.check(known, earlier)? {
            Step::Decided(outcome) => {
                report.decided(outcome);
                receipt.unwrap_or(Ok(())).or_else(|fault| rules.doubt(decided.as_deref().unwrap_or_default(), fault))
            }
            Step::Voided(outcome) => {
                report.voided(outcome);
                Ok(())
            }
            Step::None => Ok(()),
        }
    }

    fn finish(mut self, segment: Option<&Segment>, signed: Signed<'_>) -> Result<Report, Refusal> {
        let (have, size) = (self.next, self.checkpoint.size);
        if have < size {
            return Err(Refusal::Truncated { have, size });
        }
        let root = self.tree.root();
        if root != self.checkpoint.root {
            return Err(Refusal::Root { computed: root, signed: self.checkpoint.root });
        }
        self.keys.are_told_rightly()?;
        let is_vouched_for = match self.keys.check(signed.note, size, signed.own_key, self.past.goes_on) {
            Err(refusal) if refusal.is_about_the_ledger() => return Err(refusal),
            checked => checked,
        };
        if let Some((prev, segment)) = signed.prev.zip(segment) {
            self.keys.check_prev(prev, segment.from)?;
        }
        for (note, old) in signed.trust.old.iter().zip(&self.olds) {
            self.keys.check_old(note, old.signed.size)?;
        }
        if !is_vouched_for? {
            self.report.unvouched.push(layout::VKEY);
        }
        (self.report.keys, self.report.newer_key) = (self.keys.trusted_at(size), self.keys.newer(size));
        self.report.announced_keys = self.keys.announced(size);
        if let Some(policy) = signed.trust.witnesses {
            vouched::quorum(policy, signed.note, signed.trust.key, self.clock.latest(), &mut self.report)?;
        }
        if let Some(old) = self.olds.iter().find(|old| old.root != Some(old.signed.root)) {
            return Err(Refusal::Fork { size: old.signed.size });
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
        if let (Some(tables), Some(segment)) = (self.tables, segment) {
            tables.check(segment)?;
        }
        self.report.pending = self.rules.undecided().count() as u64;
        self.report.opened_before = self.rules.opened_before();
        let warnings = self.clock.warning().into_iter().chain(self.loose.warnings()).chain(self.rules.warnings());
        self.report.warnings.extend(warnings);
        let Scan { rules, keys, clock, account, .. } = self;
        self.past.keep(Carried { size, account, rules, keys, clock });
        Ok(self.report)
    }
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
