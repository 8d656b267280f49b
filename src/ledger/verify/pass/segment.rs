//! What a segment has besides its entries: what the segments before left behind, tables, and a manifest.
use std::collections::BTreeMap;
use std::mem;

use ring::digest::{Context, SHA256};

use super::files::Files;
use super::read_text;
use crate::ledger::checkpoint::Checkpoint;
use crate::ledger::layout::Artifact;
use crate::ledger::merkle::{Frontier, Hash, verify_consistency};
use crate::ledger::note::VerifierKey;
use crate::ledger::segment as names;
use crate::ledger::tables::event::Event;
use crate::ledger::tables::{At, Tables};
use crate::ledger::tile::WIDTH;
use crate::ledger::verify::refusal::Refusal;
use crate::ledger::verify::rules::keys::Keys;

/// A segment, and what its files are before anything of them is believed.
#[derive(Debug, Clone, Default)]
pub struct Segment {
    /// Its first entry, by its own account.
    pub from: u64,
    /// The entry after its last, by its own account.
    pub to: u64,
    /// The SHA-256, in hexadecimal, of every file it came as, by name.
    pub digests: BTreeMap<String, String>,
}

impl Segment {
    /// Checks that the manifest names every file, and no other, with its digest.
    pub(super) fn check_manifest(&self, artifact: &impl Artifact) -> Result<(), Refusal> {
        let manifest = read_text(artifact, names::MANIFEST)?;
        let wrong = |why: String| Refusal::Manifest(why);
        let mut named = BTreeMap::new();
        // In its one form, as nobody signs it: other programs end lines otherwise, too.
        let lines =
            manifest.strip_suffix('\n').ok_or_else(|| wrong("its last line has no end".to_owned()))?.split('\n');
        for line in lines {
            let parts = line.split_once("  ").filter(|_| !line.ends_with('\r'));
            let (digest, name) = parts.ok_or_else(|| wrong(format!("{line:?} is not a line of it")))?;
            if named.insert(name, digest).is_some() {
                return Err(wrong(format!("it names {name} twice")));
            }
        }
        for (name, digest) in self.digests.iter().filter(|(name, _)| *name != names::MANIFEST) {
            match named.remove(name.as_str()) {
                Some(named) if named == digest => {}
                Some(_) => return Err(wrong(format!("{name} is not the file it names: one of the two was changed"))),
                None if !names::may_have(self.from, self.to, name) => return Err(Refusal::Foreign(name.clone())),
                None => return Err(wrong(format!("it does not name {name}"))),
            }
        }
        match named.first_key_value() {
            Some((missing, _)) => Err(Refusal::Missing((*missing).to_owned())),
            None => Ok(()),
        }
    }
}

/// The log as it was where a segment begins.
pub(super) struct Start {
    /// The tree up to the tile in which it begins.
    pub(super) tree: Frontier,
    /// The leaves of that tile before it.
    pub(super) seam: Vec<Hash>,
    /// The last leaf before it.
    pub(super) prev: Option<Hash>,
}

/// Gets the first entry, the leaves and the root of each full tile before a segment.
type EachFull<'a> = dyn FnMut(u64, &[Hash], Hash) -> Result<(), Refusal> + 'a;

/// Checks what the segments before left behind against the key, and their tiles against that.
pub(super) fn start(
    segment: &Segment,
    artifact: &impl Artifact,
    files: &mut Files<'_, impl Artifact>,
    (note, signed, own, keys): (&str, &Checkpoint, &VerifierKey, &Keys),
    full: &mut EachFull<'_>,
) -> Result<Start, Refusal> {
    let from = segment.from;
    if segment.to != signed.size {
        let (to, size) = (segment.to, signed.size);
        return Err(Refusal::Start(format!("its entries end at {to}, but the checkpoint signs {size}")));
    }
    if read_text(artifact, names::PEM)? != own.to_spki_pem() {
        return Err(Refusal::KeyFile(names::PEM));
    }
    let text = read_text(artifact, names::FRONTIER)?;
    let frontier = text.strip_suffix('\n').and_then(|text| text.parse().ok());
    let frontier: Frontier = frontier.filter(|frontier| format!("{frontier}\n") == text).ok_or_else(|| {
        Refusal::Start(format!("{} is not one: expected <size>:<base64 of hashes> and a newline", names::FRONTIER))
    })?;
    if frontier.size() != from {
        let size = frontier.size();
        return Err(Refusal::Start(format!("{} is of {size} entries, but it begins at {from}", names::FRONTIER)));
    }
    if from > 0 {
        let prev_note = read_text(artifact, names::CHECKPOINT_PREV)?;
        let prev = keys
            .glimpse_prev(&prev_note)
            .map_err(|error| Refusal::Start(format!("{}: {error}", names::CHECKPOINT_PREV)))?;
        if prev.size != from {
            let size = prev.size;
            return Err(Refusal::Start(format!(
                "{} is of {size} entries, but it begins at {from}",
                names::CHECKPOINT_PREV
            )));
        }
        let body = read_text(artifact, names::CONSISTENCY)?;
        let (old, proof) = names::parse_add_checkpoint(&body, note).ok_or_else(|| {
            Refusal::Start(format!(
                "{} is not a proof for this checkpoint in the form of tlog-witness",
                names::CONSISTENCY
            ))
        })?;
        if old != from {
            return Err(Refusal::Start(format!("{} is a proof for {old} entries, not {from}", names::CONSISTENCY)));
        }
        verify_consistency((from, prev.root), (signed.size, signed.root), &proof).map_err(|error| {
            Refusal::Start(format!(
                "{}: {error}. Either the file was changed, or {} was signed over another past: a fork",
                names::CONSISTENCY,
                names::CHECKPOINT_PREV
            ))
        })?;
        if frontier.root() != prev.root {
            return Err(Refusal::Start(format!(
                "{} does not have the root that {} signs: it was changed",
                names::FRONTIER,
                names::CHECKPOINT_PREV
            )));
        }
    }
    let (mut tree, mut prev) = (Frontier::new(), None);
    for index in 0..from / WIDTH as u64 {
        let leaves = files.leaves(index, WIDTH)?;
        let mut tile = Frontier::new();
        leaves.iter().for_each(|leaf| tile.push(*leaf));
        tree.push_subtree(WIDTH.ilog2(), tile.root());
        prev = leaves.last().copied();
        full(index * WIDTH as u64, &leaves, tile.root())?;
    }
    let begun = (from % WIDTH as u64) as usize;
    let mut seam = Vec::new();
    if begun > 0 {
        let first = from - begun as u64;
        seam = files.leaves(from / WIDTH as u64, (signed.size - first).min(WIDTH as u64) as usize)?;
        seam.truncate(begun);
        prev = seam.last().copied();
    }
    let mut edge = tree.clone();
    seam.iter().for_each(|leaf| edge.push(*leaf));
    if edge != frontier {
        return Err(Refusal::Start(format!(
            "the tiles of the entries before {from} do not have the hashes of {}: a tile was changed",
            names::FRONTIER
        )));
    }
    Ok(Start { tree, seam, prev })
}

/// The tables made again, to be compared by their digests.
pub(super) struct Remade {
    tables: Tables,
    decisions: Context,
    exceptions: Context,
}

impl Remade {
    pub(super) fn new() -> Self {
        Self { tables: Tables::default(), decisions: Context::new(&SHA256), exceptions: Context::new(&SHA256) }
    }

    pub(super) fn push(&mut self, at: At<'_>, event: Event) {
        self.tables.push(at, event);
        if self.tables.decisions.len() > 1 << 16 || self.tables.exceptions.len() > 1 << 16 {
            self.digest();
        }
    }

    fn digest(&mut self) {
        self.decisions.update(mem::take(&mut self.tables.decisions).as_bytes());
        self.exceptions.update(mem::take(&mut self.tables.exceptions).as_bytes());
    }

    pub(super) fn check(mut self, segment: &Segment) -> Result<(), Refusal> {
        self.tables.finish();
        self.digest();
        for (name, made) in [(names::DECISIONS, self.decisions), (names::EXCEPTIONS, self.exceptions)] {
            match segment.digests.get(name) {
                None => return Err(Refusal::Missing(name.to_owned())),
                Some(found) if *found == hex::encode(made.finish()) => {}
                Some(_) => return Err(Refusal::Table(name)),
            }
        }
        Ok(())
    }
}
