//! Which keys sign the log at which size, as its own entries tell, and whether the reader's key vouches for them.
//!
//! A log begins with one key. `key.added` announces the next by a statement that both have signed ([`Succession`]), and from
//! that entry on both must sign; `key.revoked` says up to which size a key counts. Trust goes forward only: from the key the
//! reader brings to those it vouched for. So whoever steals an old key cannot make anybody who holds the new one believe in
//! a log that has never heard of it, nor in one that takes the new key back.
use serde::Deserialize;
use thiserror::Error;

use crate::ledger::checkpoint::{Checkpoint, CheckpointError};
use crate::ledger::layout;
use crate::ledger::note::{NoteError, VerifierKey};
use crate::ledger::record::RecordType;
use crate::ledger::segment::CHECKPOINT_PREV;
use crate::ledger::succession::{Succession, SuccessionError};
use crate::ledger::verify::refusal::Refusal;
use crate::ledger::verify::violation::Violation;

/// What is wrong with an entry about keys, or with who signed.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum KeyFault {
    /// Not the fields it should have.
    #[error("the entry's own fields cannot be read: {0}")]
    Unreadable(String),
    /// Not a key of this log.
    #[error("{0} is not a verifier key of this log")]
    NotAKey(String),
    /// Added again.
    #[error("key.added announces {0}, which the log had before; a key that was taken out never comes back")]
    AddedTwice(String),
    /// Announced by nobody.
    #[error("key.added of {new} names {by} as the key that vouches for it, which does not count here")]
    Voucher {
        /// The key announced.
        new: String,
        /// Who should vouch for it.
        by: String,
    },
    /// The statement is not worth anything.
    #[error("key.added of {new}: {why}")]
    Statement {
        /// The key announced.
        new: String,
        /// What is wrong.
        why: SuccessionError,
    },
    /// Activated or revoked, but never added, or revoked before.
    #[error("{kind} of {key}, which is not a key of the log at this point")]
    NotInForce {
        /// What was to be done with it.
        kind: RecordType,
        /// The key.
        key: String,
    },
    /// Revoked while it is the log's own.
    #[error("key.revoked of {0}, which is the log's key: another has to be activated before")]
    RevokedCurrent(String),
    /// Valid for more than there is.
    #[error("key.revoked says that the key counts up to size {valid_to}, but there are only {size} entries before it")]
    ValidTo {
        /// What it says.
        valid_to: u64,
        /// How many there are.
        size: u64,
    },
    /// The reader's key is none of the log's.
    #[error(
        "the key you trust is none of this log's: its own entries name {0}. A log that changes its key says so in \
         key.added, signed by the old key and the new one; get the key anew from the people who run it"
    )]
    Stranger(String),
    /// The reader's key was taken back, and nothing it vouched for signs.
    #[error("the key you trust was revoked and vouches for no key that signs now: only {0} does")]
    NotVouched(String),
    /// Somebody who has to sign has not.
    #[error("the checkpoint of {size} entries must be signed by {key}, a key of the log at that size, and is not")]
    Unsigned {
        /// Its size.
        size: u64,
        /// The key.
        key: String,
    },
    /// Nobody who counts was there to sign.
    #[error(
        "no key of the log counts for a checkpoint of {0} entries: the one it had was revoked up to a smaller size"
    )]
    NoKey(u64),
}

/// One key of the log.
#[derive(Debug)]
struct Key {
    key: VerifierKey,
    /// The entry that made it one.
    added: u64,
    /// The largest tree its signature counts for.
    valid_to: Option<u64>,
    /// It is the reader's own, or one that is trusted has vouched for it.
    is_trusted: bool,
}

impl Key {
    fn is_in_force(&self, size: u64) -> bool {
        self.added < size.max(1) && self.valid_to.is_none_or(|valid_to| size <= valid_to)
    }
}

/// The keys of the log, as far as it has been read.
#[derive(Debug)]
pub(in crate::ledger::verify) struct Keys<'t> {
    trusted: &'t VerifierKey,
    /// The entry that is read first.
    from: u64,
    life: Vec<Key>,
    /// The place in `life` of the one that is the log's own.
    current: usize,
    /// The first thing wrong with an entry about keys, and where.
    fault: Option<(u64, KeyFault)>,
}

/// The fields of the entries about keys.
#[derive(Deserialize)]
pub(in crate::ledger::verify) struct Own {
    vkey: String,
    added_by: Option<String>,
    statement: Option<String>,
    valid_to_size: Option<u64>,
}

impl Own {
    /// Reads them, if it is an entry about keys.
    pub(in crate::ledger::verify) fn of(record_type: RecordType, line: &str) -> Option<Result<Self, KeyFault>> {
        let about_keys = matches!(
            record_type,
            RecordType::Genesis | RecordType::KeyAdded | RecordType::KeyActivated | RecordType::KeyRevoked
        );
        about_keys.then(|| serde_json::from_str(line).map_err(|error| KeyFault::Unreadable(error.to_string())))
    }
}

impl<'t> Keys<'t> {
    /// For a log that is read from this entry on. What came before a later one than the first is not known: then the
    /// reader's key is the one to begin with.
    pub(in crate::ledger::verify) fn new(trusted: &'t VerifierKey, from: u64) -> Self {
        let key = Key { key: trusted.clone(), added: 0, valid_to: None, is_trusted: true };
        Keys { trusted, from, life: if from > 0 { vec![key] } else { Vec::new() }, current: 0, fault: None }
    }

    /// Reads a checkpoint before the entries are: believed already if the trusted key has signed it. If not, a later key
    /// may have, and [`Keys::check`] tells in the end; `own` is the key the ledger says is its own.
    pub(in crate::ledger::verify) fn glimpse(&self, note: &str, own: &str) -> Result<Checkpoint, Refusal> {
        match self.open(note) {
            Ok((checkpoint, true)) => Ok(checkpoint),
            Ok((checkpoint, false)) if own != self.trusted.to_string() => Ok(checkpoint),
            Ok(_) => Err(Refusal::Checkpoint(self.not_signed())),
            Err(error) => Err(Refusal::Checkpoint(error)),
        }
    }

    /// The same for a checkpoint kept from earlier, which has to be of a log that is not longer than this one.
    pub(in crate::ledger::verify) fn glimpse_old(&self, note: &str, size: u64) -> Result<Checkpoint, Refusal> {
        match self.open(note) {
            Ok((old, true)) if old.size > size => Err(Refusal::Rollback { old: old.size, size }),
            Ok((old, false)) if old.size > size => Err(Refusal::OldCheckpoint(self.not_signed())),
            Ok((old, _)) => Ok(old),
            Err(error) => Err(Refusal::OldCheckpoint(error)),
        }
    }

    fn open(&self, note: &str) -> Result<(Checkpoint, bool), CheckpointError> {
        Checkpoint::open_or_read(note, self.trusted)
    }

    fn not_signed(&self) -> CheckpointError {
        NoteError::NoTrustedSignature(self.trusted.to_string()).into()
    }

    /// Takes in one entry, and what it says if it is about keys.
    pub(in crate::ledger::verify) fn follow(
        &mut self,
        seq: u64,
        record_type: RecordType,
        own: Option<Box<Result<Own, KeyFault>>>,
    ) {
        let Some(own) = own.filter(|_| self.fault.is_none()) else { return };
        self.fault = own.and_then(|own| self.apply(seq, record_type, &own)).err().map(|fault| (seq, fault));
    }

    fn apply(&mut self, seq: u64, record_type: RecordType, own: &Own) -> Result<(), KeyFault> {
        match record_type {
            RecordType::Genesis => {
                let key = self.parse(&own.vkey)?;
                let is_trusted = key == *self.trusted;
                self.life.push(Key { key, added: seq, valid_to: None, is_trusted });
                Ok(())
            }
            RecordType::KeyAdded => self.add(seq, own),
            RecordType::KeyActivated => {
                self.current = self.in_force(seq, record_type, &own.vkey)?;
                Ok(())
            }
            _ => self.revoke(seq, own),
        }
    }

    fn add(&mut self, seq: u64, own: &Own) -> Result<(), KeyFault> {
        let (key, by) = (self.parse(&own.vkey)?, own.added_by.as_deref().unwrap_or_default());
        let voucher = self.parse(by)?;
        if self.from > 0 && key == *self.trusted && self.life.iter().all(|known| known.key == key && known.added == 0) {
            // Here the log tells which key it had before the reader's.
            self.life = vec![Key { key: voucher.clone(), added: 0, valid_to: None, is_trusted: false }];
        }
        if self.life.iter().any(|known| known.key == key) {
            return Err(KeyFault::AddedTwice(own.vkey.clone()));
        }
        let vouches = |known: &&Key| known.key == voucher && known.valid_to.is_none();
        let Some(vouching) = self.life.iter().find(vouches) else {
            return Err(KeyFault::Voucher { new: own.vkey.clone(), by: by.to_owned() });
        };
        Succession { old: &voucher, new: &key }
            .verify(own.statement.as_deref().unwrap_or_default())
            .map_err(|why| KeyFault::Statement { new: own.vkey.clone(), why })?;
        let is_trusted = key == *self.trusted || vouching.is_trusted;
        self.life.push(Key { key, added: seq, valid_to: None, is_trusted });
        Ok(())
    }

    fn revoke(&mut self, seq: u64, own: &Own) -> Result<(), KeyFault> {
        let place = match self.in_force(seq, RecordType::KeyRevoked, &own.vkey) {
            // Of a key from before the first entry that was read.
            Err(KeyFault::NotInForce { .. }) if self.from > 0 => return Ok(()),
            place => place?,
        };
        let valid_to = own.valid_to_size.ok_or_else(|| KeyFault::Unreadable("missing field `valid_to_size`".into()))?;
        if valid_to > seq {
            return Err(KeyFault::ValidTo { valid_to, size: seq });
        }
        if place == self.current {
            return Err(KeyFault::RevokedCurrent(own.vkey.clone()));
        }
        if let Some(key) = self.life.get_mut(place) {
            key.valid_to = Some(valid_to);
        }
        Ok(())
    }

    fn in_force(&self, seq: u64, kind: RecordType, vkey: &str) -> Result<usize, KeyFault> {
        let key = self.parse(vkey)?;
        let is_it = |known: &Key| known.key == key && known.added < seq && known.valid_to.is_none();
        self.life.iter().position(is_it).ok_or_else(|| KeyFault::NotInForce { kind, key: vkey.to_owned() })
    }

    fn parse(&self, vkey: &str) -> Result<VerifierKey, KeyFault> {
        let key: Option<VerifierKey> = vkey.parse().ok();
        key.filter(|key| key.name() == self.trusted.name()).ok_or_else(|| KeyFault::NotAKey(vkey.to_owned()))
    }

    /// Checks, when all entries are read and have the signed root, that those who had to sign did, and that the reader's
    /// key vouches for one of them. `own` is the key the ledger says is its own.
    pub(in crate::ledger::verify) fn check(&mut self, note: &str, size: u64, own: &str) -> Result<(), Refusal> {
        if let Some((seq, fault)) = self.fault.take() {
            return Err(Refusal::rule(seq, "-", Violation::Key(fault)));
        }
        if self.life.is_empty() {
            // A log without entries has not said anything of keys.
            return Checkpoint::open(note, self.trusted).map(drop).map_err(Refusal::Checkpoint);
        }
        if !self.life.iter().any(|known| known.key == *self.trusted) {
            let names: Vec<String> = self.life.iter().map(|known| known.key.to_string()).collect();
            return Err(Refusal::Keys(KeyFault::Stranger(names.join(", "))));
        }
        self.signed(note, size)?;
        let signing = || self.life.iter().filter(|known| known.is_in_force(size));
        if !signing().any(|known| known.is_trusted) {
            let names: Vec<String> = signing().map(|known| known.key.to_string()).collect();
            return Err(Refusal::Keys(KeyFault::NotVouched(names.join(", "))));
        }
        let is_own = self.current().is_some_and(|current| current.to_string() == own);
        let signs = || own.parse().is_ok_and(|own| Checkpoint::open(note, &own).is_ok());
        // A log read from its middle may not have said which of two keys that sign is its own.
        if is_own || (self.from > 0 && signs()) { Ok(()) } else { Err(Refusal::KeyFile(layout::VKEY)) }
    }

    /// Checks that a checkpoint kept from earlier is signed by the keys of its time.
    pub(in crate::ledger::verify) fn check_old(&self, note: &str, size: u64) -> Result<(), Refusal> {
        match self.signed(note, size) {
            // Of a time that was not read. Whoever signed it, the tree has to continue it.
            Err(Refusal::Keys(_)) if size <= self.from => Ok(()),
            Err(Refusal::Keys(KeyFault::Unsigned { key, .. })) => {
                Err(Refusal::OldCheckpoint(NoteError::NoTrustedSignature(key).into()))
            }
            checked => checked,
        }
    }

    /// Reads the checkpoint at which a segment begins: believed only after [`Keys::check_prev`].
    pub(in crate::ledger::verify) fn glimpse_prev(&self, note: &str) -> Result<Checkpoint, CheckpointError> {
        Ok(self.open(note)?.0)
    }

    /// Checks that the checkpoint at which a segment begins is signed by the keys the log had then.
    pub(in crate::ledger::verify) fn check_prev(&self, note: &str, size: u64) -> Result<(), Refusal> {
        match self.signed(note, size) {
            Err(Refusal::Keys(fault)) => Err(Refusal::Start(format!("{CHECKPOINT_PREV}: {fault}"))),
            Err(Refusal::Checkpoint(error)) => Err(Refusal::Start(format!("{CHECKPOINT_PREV}: {error}"))),
            checked => checked,
        }
    }

    /// Checks that every key of the log at this size has signed.
    fn signed(&self, note: &str, size: u64) -> Result<(), Refusal> {
        let mut signers = 0;
        for known in self.life.iter().filter(|known| known.is_in_force(size)) {
            match Checkpoint::open(note, &known.key) {
                Ok(_) => signers += 1,
                Err(CheckpointError::Note(NoteError::NoTrustedSignature(key))) => {
                    return Err(Refusal::Keys(KeyFault::Unsigned { size, key }));
                }
                Err(error) => return Err(Refusal::Checkpoint(error)),
            }
        }
        if signers > 0 || self.life.is_empty() { Ok(()) } else { Err(Refusal::Keys(KeyFault::NoKey(size))) }
    }

    /// The log's own key, if it took over from the one the reader brought. Never one from before it: that may be the stolen one.
    pub(in crate::ledger::verify) fn newer(&self) -> Option<String> {
        let brought = self.life.iter().position(|known| known.key == *self.trusted)?;
        self.life.get(self.current).filter(|_| self.current > brought).map(|known| known.key.to_string())
    }

    /// The keys that the reader may trust from here on: the log's own first, then one that is announced.
    pub(in crate::ledger::verify) fn trusted_at(&self, size: u64) -> Vec<String> {
        let mut keys: Vec<(bool, &Key)> = self
            .life
            .iter()
            .enumerate()
            .filter(|(_, known)| known.is_trusted && known.is_in_force(size))
            .map(|(place, known)| (place != self.current, known))
            .collect();
        keys.sort_by_key(|(is_other, _)| *is_other);
        keys.into_iter().map(|(_, known)| known.key.to_string()).collect()
    }

    fn current(&self) -> Option<&VerifierKey> {
        self.life.get(self.current).map(|known| &known.key)
    }
}
