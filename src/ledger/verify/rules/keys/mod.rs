//! Which keys sign the log at which size, as its own entries tell, and whether the reader's key vouches for them.
//!
//! A log begins with one key. `key.added` announces the next by a statement that both have signed ([`Succession`]), and from
//! that entry on both must sign; `key.revoked` says up to which size a key counts. Trust goes forward only: from the key the
//! reader brings to those it vouched for. So whoever steals an old key cannot make anybody who holds the new one believe in
//! a log that has never heard of it, nor in one that takes the new key back.
//!
//! A log that is read from its middle had keys before, and only the reader's is known: a key that vouches, takes over or is
//! taken out without having been announced must have been one then, and must have signed like all others.
use serde::Deserialize;

pub use self::fault::KeyFault;
use self::life::Key;
pub use self::life::Remembered;
use crate::ledger::checkpoint::{Checkpoint, CheckpointError};
use crate::ledger::layout;
use crate::ledger::note::{NoteError, VerifierKey};
use crate::ledger::record::RecordType;
use crate::ledger::segment::CHECKPOINT_PREV;
use crate::ledger::succession::Succession;
use crate::ledger::verify::refusal::Refusal;
use crate::ledger::verify::violation::Violation;

mod fault;
mod life;

/// The keys of the log, as far as it has been read.
#[derive(Debug)]
pub(in crate::ledger::verify) struct Keys {
    trusted: VerifierKey,
    /// The entry from which on all is known that was said of keys.
    from: u64,
    /// What was said before this entry is known already.
    next: u64,
    life: Vec<Key>,
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

impl Keys {
    /// For a log that is read from this entry on. What came before a later one than the first is known as far as it was
    /// seen; otherwise the reader's key is the one to begin with, unless it was seen to be taken out.
    pub(in crate::ledger::verify) fn new(trusted: &VerifierKey, from: u64, seen: Option<&Remembered>) -> Self {
        let mut keys = Keys { trusted: trusted.clone(), from, next: 0, life: Vec::new(), fault: None };
        if let Some((seen, life)) = seen.filter(|_| from > 0).and_then(|seen| Some((seen, seen.life(trusted)?))) {
            if (seen.from..=seen.size).contains(&from) {
                (keys.from, keys.next, keys.life) = (seen.from, seen.size, life);
            } else if seen.size < from {
                keys.life = since(life, trusted);
            }
        }
        if keys.from > 0 && keys.find(trusted).is_none() {
            keys.life.push(Key::supposed(trusted.clone(), trusted));
        }
        keys
    }

    /// For entries that go on where this has ended: all that signed were keys.
    pub(in crate::ledger::verify) fn carried(mut self) -> Self {
        self.life.iter_mut().for_each(|known| known.is_supposed = false);
        self
    }

    /// What is known when the log has this size; nothing if it has said nothing of keys.
    pub(in crate::ledger::verify) fn remembered(&self, size: u64) -> Option<Remembered> {
        (!self.life.is_empty()).then(|| Remembered::of(&self.life, self.from, size))
    }

    /// Reads a checkpoint before the entries are: believed already if a key has signed it that is trusted. If not, a later key
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
        let read = Checkpoint::open_or_read(note, &self.trusted)?;
        let mut others = self.life.iter().filter(|known| known.is_trusted);
        let is_signed = read.1 || others.any(|known| Checkpoint::open(note, &known.key).is_ok());
        Ok((read.0, is_signed))
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
        let Some(own) = own.filter(|_| self.fault.is_none() && seq >= self.next) else { return };
        self.fault = own.and_then(|own| self.apply(seq, record_type, &own)).err().map(|fault| (seq, fault));
    }

    fn apply(&mut self, seq: u64, record_type: RecordType, own: &Own) -> Result<(), KeyFault> {
        match record_type {
            RecordType::Genesis => {
                let key = Key::supposed(self.parse(&own.vkey)?, &self.trusted);
                self.life.push(Key { added: seq, activated: Some(seq), is_supposed: false, ..key });
                Ok(())
            }
            RecordType::KeyAdded => self.add(seq, own),
            RecordType::KeyActivated => {
                self.in_force(record_type, &own.vkey)?.activated = Some(seq);
                Ok(())
            }
            _ => self.revoke(seq, own),
        }
    }

    fn add(&mut self, seq: u64, own: &Own) -> Result<(), KeyFault> {
        let (key, by) = (self.parse(&own.vkey)?, own.added_by.as_deref().unwrap_or_default());
        let voucher = self.parse(by)?;
        if key == self.trusted {
            // Here the log tells since when it has the reader's key.
            self.suppose_no_more();
        }
        if self.find(&key).is_some() {
            return Err(KeyFault::AddedTwice(own.vkey.clone()));
        }
        if self.from > 0 && self.find(&voucher).is_none() {
            self.life.push(Key::supposed(voucher.clone(), &self.trusted));
        }
        let Some(vouching) = self.find(&voucher).filter(|known| known.valid_to.is_none()) else {
            return Err(KeyFault::Voucher { new: own.vkey.clone(), by: by.to_owned() });
        };
        Succession { old: &voucher, new: &key }
            .verify(own.statement.as_deref().unwrap_or_default())
            .map_err(|why| KeyFault::Statement { new: own.vkey.clone(), why })?;
        let is_trusted = key == self.trusted || vouching.is_trusted;
        let key =
            Key { added: seq, by: Some(voucher), is_trusted, is_supposed: false, ..Key::supposed(key, &self.trusted) };
        self.life.push(key);
        Ok(())
    }

    fn revoke(&mut self, seq: u64, own: &Own) -> Result<(), KeyFault> {
        let is_current = self.current(seq).is_some_and(|current| current.key.to_string() == own.vkey);
        let revoked = self.in_force(RecordType::KeyRevoked, &own.vkey)?;
        let valid_to = own.valid_to_size.ok_or_else(|| KeyFault::Unreadable("missing field `valid_to_size`".into()))?;
        if valid_to > seq {
            return Err(KeyFault::ValidTo { valid_to, size: seq });
        }
        if is_current {
            return Err(KeyFault::RevokedCurrent(own.vkey.clone()));
        }
        revoked.valid_to = Some(valid_to);
        Ok(())
    }

    /// A key that has not been taken out. Where the log is not read from its beginning, it may have been announced before.
    fn in_force(&mut self, kind: RecordType, vkey: &str) -> Result<&mut Key, KeyFault> {
        let key = self.parse(vkey)?;
        if self.from > 0 && self.find(&key).is_none() {
            self.life.push(Key::supposed(key.clone(), &self.trusted));
        }
        let is_it = |known: &&mut Key| known.key == key && known.valid_to.is_none();
        self.life.iter_mut().find(is_it).ok_or_else(|| KeyFault::NotInForce { kind, key: vkey.to_owned() })
    }

    /// Forgets that the reader's key must have been one before, if nothing was done with it since.
    fn suppose_no_more(&mut self) {
        let Self { life, trusted, .. } = self;
        let has_vouched = life.iter().any(|known| known.by.as_ref() == Some(trusted));
        let is_used = |it: &Key| !it.is_supposed || it.activated.is_some() || it.valid_to.is_some() || has_vouched;
        life.retain(|known| known.key != *trusted || is_used(known));
    }

    fn find(&self, key: &VerifierKey) -> Option<&Key> {
        self.life.iter().find(|known| known.key == *key)
    }

    fn parse(&self, vkey: &str) -> Result<VerifierKey, KeyFault> {
        let key: Option<VerifierKey> = vkey.parse().ok();
        key.filter(|key| key.name() == self.trusted.name()).ok_or_else(|| KeyFault::NotAKey(vkey.to_owned()))
    }

    /// What is wrong with what the entries say of keys.
    pub(in crate::ledger::verify) fn are_told_rightly(&mut self) -> Result<(), Refusal> {
        match self.fault.take() {
            Some((seq, fault)) => Err(Refusal::rule(seq, "-", Violation::Key(fault))),
            None => Ok(()),
        }
    }

    /// Checks, when all entries are read and have the signed root, that those who had to sign did, and that the reader's
    /// key vouches for one of them; if entries follow that go on from these, they may tell of the reader's key. `own` is the key the ledger
    /// says is its own: whether anything vouches for that is returned.
    pub(in crate::ledger::verify) fn check(
        &mut self,
        note: &str,
        size: u64,
        own: &str,
        goes_on: bool,
    ) -> Result<bool, Refusal> {
        if self.from > 0 && goes_on && Checkpoint::open(note, &self.trusted).is_err() {
            self.suppose_no_more();
        } else if self.from > 0 && self.find(&self.trusted).is_none() {
            self.life.push(Key::supposed(self.trusted.clone(), &self.trusted));
        }
        if self.life.is_empty() && self.from == 0 {
            // A log without entries has not said anything of keys.
            Checkpoint::open(note, &self.trusted).map_err(Refusal::Checkpoint)?;
            return if own == self.trusted.to_string() { Ok(true) } else { Err(Refusal::KeyFile(layout::VKEY)) };
        }
        let trusted = self.find(&self.trusted);
        if trusted.is_none() && !goes_on {
            let names: Vec<String> = self.life.iter().map(|known| known.key.to_string()).collect();
            return Err(Refusal::Keys(KeyFault::Stranger(names.join(", "))));
        }
        self.signed(note, size).map_err(|refusal| self.as_from_the_middle(refusal))?;
        let signing = || self.life.iter().filter(|known| known.is_in_force(size));
        if trusted.is_some() && !signing().any(|known| known.is_trusted) {
            let names: Vec<String> = signing().map(|known| known.key.to_string()).collect();
            return Err(self.as_from_the_middle(Refusal::Keys(KeyFault::NotVouched(names.join(", ")))));
        }
        self.vouch_for(note, size, own)
    }

    /// What is missing may be known to whoever has read the entries before.
    fn as_from_the_middle(&self, refusal: Refusal) -> Refusal {
        let (trusted, from) = (self.trusted.to_string(), self.from);
        match refusal {
            refusal if from == 0 => refusal,
            Refusal::Keys(KeyFault::Unsigned { size, key }) if key == trusted => {
                Refusal::Keys(KeyFault::UnsignedFrom { size, key, from })
            }
            Refusal::Keys(KeyFault::NoKey(_)) => Refusal::Keys(KeyFault::NotTold { by: String::new(), from }),
            Refusal::Keys(KeyFault::NotVouched(by)) => {
                Refusal::Keys(KeyFault::NotTold { by: format!(", {by},"), from })
            }
            refusal => refusal,
        }
    }

    /// Whether the log says that this is its own key. One that is read from its middle may not say which of those that sign it is.
    fn vouch_for(&self, note: &str, size: u64, own: &str) -> Result<bool, Refusal> {
        let not_own = || Refusal::KeyFile(layout::VKEY);
        if let Some(current) = self.current(size) {
            return if current.key.to_string() == own { Ok(true) } else { Err(not_own()) };
        }
        let key: VerifierKey = own.parse().map_err(|_| not_own())?;
        match self.find(&key) {
            Some(known) if known.added < self.from && known.is_in_force(size) => Ok(true),
            None if self.from > 0 && Checkpoint::open(note, &key).is_ok() => Ok(false),
            _ => Err(not_own()),
        }
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
            Err(Refusal::Keys(KeyFault::NoKey(_))) if self.from > 0 => {
                Err(Refusal::Keys(KeyFault::NotTold { by: String::new(), from: self.from }))
            }
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
    pub(in crate::ledger::verify) fn newer(&self, size: u64) -> Option<String> {
        let is_newer = |current: &&Key| current.is_trusted && current.key != self.trusted;
        self.current(size).filter(is_newer).map(|current| current.key.to_string())
    }

    /// The keys that will take over, for which the one the reader brought vouches.
    pub(in crate::ledger::verify) fn announced(&self, size: u64) -> Vec<String> {
        let is_announced = |known: &&Key| {
            known.is_trusted
                && known.key != self.trusted
                && known.is_in_force(size)
                && known.activated_by(size).is_none()
        };
        self.life.iter().filter(is_announced).map(|known| known.key.to_string()).collect()
    }

    /// The keys that the reader may trust from here on: the log's own first, then one that is announced.
    pub(in crate::ledger::verify) fn trusted_at(&self, size: u64) -> Vec<String> {
        let mut keys: Vec<&Key> =
            self.life.iter().filter(|known| known.is_trusted && known.is_in_force(size)).collect();
        let current = self.current(size).map(|current| &current.key);
        keys.sort_by_key(|known| Some(&known.key) != current);
        keys.into_iter().map(|known| known.key.to_string()).collect()
    }

    /// The log's own key when it has this size, if it was told which that is.
    fn current(&self, size: u64) -> Option<&Key> {
        self.life.iter().filter(|known| known.activated_by(size).is_some()).max_by_key(|known| known.activated)
    }
}

/// What is left to say of keys, and some entries later: those that were taken out never come back, and if the reader's is among
/// them, the ones it vouched for have its place.
fn since(life: Vec<Key>, trusted: &VerifierKey) -> Vec<Key> {
    let is_over = life.iter().any(|known| known.key == *trusted && known.valid_to.is_some());
    let still = life.into_iter().filter(|known| known.valid_to.is_some() || (is_over && known.is_trusted));
    still.map(|known| Key { activated: None, ..known }).collect()
}
