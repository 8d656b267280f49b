//! The files beside the entries: tiles, bundles, receipts, and whatever else lies there.
use std::io;

use super::body::Decision;
use super::refusal::{ReceiptFault, Refusal};
use super::rules::Settled;
use super::violation::Violation;
use crate::ledger::checkpoint::Checkpoint;
use crate::ledger::entry::{Header, MAX_BYTES};
use crate::ledger::layout::{self, Artifact, Place};
use crate::ledger::merkle::{Hash, leaf_hash};
use crate::ledger::note::VerifierKey;
use crate::ledger::receipt::{Receipt, ReceiptError};
use crate::ledger::record::RecordType;
use crate::ledger::tile::TilePath;

/// Longer than the lines of any proof, in bytes; its checkpoint comes on top.
const MAX_PROOF_BYTES: usize = 4096;

/// The artifact, and the checkpoint that everything in it is measured against.
pub(super) struct Files<'a, A: Artifact> {
    artifact: &'a A,
    note: &'a str,
    checkpoint: &'a Checkpoint,
    key: &'a VerifierKey,
    buffer: Vec<u8>,
}

/// The same files, looked at by somebody else at the same time.
impl<A: Artifact> Clone for Files<'_, A> {
    fn clone(&self) -> Self {
        Files { buffer: Vec::new(), ..*self }
    }
}

impl<'a, A: Artifact> Files<'a, A> {
    pub(super) fn new(artifact: &'a A, note: &'a str, checkpoint: &'a Checkpoint, key: &'a VerifierKey) -> Self {
        Files { artifact, note, checkpoint, key, buffer: Vec::new() }
    }

    /// Checks that a tile or bundle is there and has exactly these bytes.
    pub(super) fn check_tile(&mut self, tile: TilePath, bytes: &[u8]) -> Result<(), Refusal> {
        let path = tile.to_string();
        self.artifact
            .read(&path, bytes.len(), &mut self.buffer)
            .map_err(|source| Refusal::unreadable(&path, source))?;
        if self.buffer == bytes { Ok(()) } else { Err(Refusal::Tile { path: tile }) }
    }

    /// Checks the receipt of a request whose decision is this line.
    pub(super) fn check_receipt(&mut self, request: &str, seq: u64, line: &str, leaf: Hash) -> Result<(), Refusal> {
        let path = layout::receipt_entry(request);
        self.artifact.read(&path, line.len(), &mut self.buffer).map_err(|source| Refusal::unreadable(&path, source))?;
        if self.buffer != line.as_bytes() {
            if let Ok(Some(_)) = self.decision(request) {
                return Err(Refusal::rule(seq, request, Violation::DecidedTwice));
            }
            return Err(Refusal::Receipt { path, fault: ReceiptFault::Entry { seq } });
        }
        let path = layout::receipt_proof(request);
        match self.prove(&path, leaf)? {
            index if index == seq => Ok(()),
            found => Err(Refusal::Receipt { path, fault: ReceiptFault::Index { found, seq } }),
        }
    }

    /// Checks a proof against this ledger's own checkpoint and returns the index it is for.
    fn prove(&mut self, path: &str, leaf: Hash) -> Result<u64, Refusal> {
        let wrong = |fault| Refusal::Receipt { path: path.to_owned(), fault };
        self.artifact
            .read(path, MAX_PROOF_BYTES + self.note.len(), &mut self.buffer)
            .map_err(|source| Refusal::unreadable(path, source))?;
        let text = std::str::from_utf8(&self.buffer)
            .map_err(|_| wrong(ReceiptFault::Text("it is not UTF-8 text".to_owned())))?;
        let receipt = Receipt::parse(text).map_err(|error| wrong(error.into()))?;
        // Equal bytes were checked once, at the start; a signature costs more than all the rest.
        if receipt.checkpoint != self.note {
            let found = Checkpoint::open(&receipt.checkpoint, self.key)
                .map_err(|error| wrong(ReceiptError::Checkpoint(error).into()))?
                .size;
            return Err(wrong(ReceiptFault::OtherCheckpoint { found, size: self.checkpoint.size }));
        }
        receipt.verify_in(leaf, self.checkpoint).map_err(|error| wrong(ReceiptError::Proof(error).into()))?;
        Ok(receipt.index)
    }

    /// What was decided about a request before entry `seq`, as its receipt proves: this is how a request is remembered
    /// without keeping it in memory.
    pub(super) fn decision_before(&mut self, request: &str, seq: u64) -> Result<Option<Settled>, Refusal> {
        Ok(self.decision(request)?.filter(|(index, _)| *index < seq).map(|(_, settled)| settled))
    }

    /// What was decided about a request in the end, and in which entry, as its receipt proves.
    fn decision(&mut self, request: &str) -> Result<Option<(u64, Settled)>, Refusal> {
        let path = layout::receipt_entry(request);
        let mut entry = Vec::new();
        match self.artifact.read(&path, MAX_BYTES, &mut entry) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(Refusal::unreadable(&path, error)),
        }
        let index = self.prove(&layout::receipt_proof(request), leaf_hash(&entry))?;
        // Proven to be in the log, where its line is or will be checked like any other.
        Ok(decision_of(request, &entry).map(|settled| (index, settled)))
    }

    /// Checks that there is no file that nothing above has looked at; every decision has two.
    pub(super) fn check_nothing_else(&mut self, decisions: u64) -> Result<(), Refusal> {
        let size = self.checkpoint.size;
        let (mut foreign, mut receipts) = (None, 0);
        visit_paths(self.artifact, &mut |path| {
            let belongs = match layout::place(path) {
                Place::Fixed => true,
                Place::Tile(tile) => tile.belongs_to(size),
                Place::Receipt(_) => {
                    receipts += 1;
                    true
                }
                Place::Foreign => false,
            };
            if !belongs {
                foreign = Some(path.to_owned());
            }
            belongs
        })?;
        if let Some(path) = foreign {
            return Err(Refusal::Foreign(path));
        }
        if receipts == 2 * decisions { Ok(()) } else { self.name_foreign_receipt() }
    }

    /// Goes through all receipts again to name the one that no decision has.
    fn name_foreign_receipt(&mut self) -> Result<(), Refusal> {
        let artifact = self.artifact;
        let mut foreign = Ok(());
        visit_paths(artifact, &mut |path| {
            if let Place::Receipt(request) = layout::place(path)
                && !matches!(self.decision_before(request, u64::MAX), Ok(Some(_)))
            {
                foreign = Err(Refusal::Foreign(path.to_owned()));
            }
            foreign.is_ok()
        })?;
        foreign
    }
}

fn visit_paths(artifact: &impl Artifact, visit: &mut dyn FnMut(&str) -> bool) -> Result<(), Refusal> {
    artifact.visit_paths(visit).map_err(|source| Refusal::Read { path: "the ledger's folder".to_owned(), source })
}

/// What an entry decided about this request; `None` if it is not its decision.
fn decision_of(request: &str, entry: &[u8]) -> Option<Settled> {
    let header = Header::parse(std::str::from_utf8(entry).ok()?).ok()?;
    if header.corr != Some(request) || header.record_type != RecordType::DecisionRecorded.as_str() {
        return None;
    }
    let decision = Decision::of(&header).ok()?;
    Some(Settled { outcome: decision.outcome, digest: decision.request_digest.to_owned() })
}
