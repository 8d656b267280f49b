//! A signed tree head (<https://c2sp.org/tlog-checkpoint>): origin, size, root. Extension lines are neither written nor read.
use std::fmt;

use thiserror::Error;

use super::merkle::Hash;
use super::note::{self, NoteError, SigningKey, VerifierKey};

/// What a log says of itself at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    /// The log: its name for ever, and the name of its key.
    pub origin: String,
    /// How many entries it has.
    pub size: u64,
    /// The root of the tree of those entries.
    pub root: Hash,
}

/// The text that is signed.
impl fmt::Display for Checkpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}\n{}\n{}", self.origin, self.size, self.root.to_base64())
    }
}

/// Why a checkpoint is not to be believed.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum CheckpointError {
    /// It is not properly signed.
    #[error(transparent)]
    Note(#[from] NoteError),
    /// What was signed is not a tree head.
    #[error("signed, but not a checkpoint: expected three lines: origin, tree size, root hash in base64")]
    Malformed,
    /// The key was made for another log.
    #[error("the checkpoint is of the log {origin}, but the trusted key is of {key}")]
    Origin {
        /// Whose checkpoint it is.
        origin: String,
        /// Whose key it is.
        key: String,
    },
}

impl Checkpoint {
    /// Signs it.
    ///
    /// # Errors
    /// If the key is of another log, or the origin cannot stand in a note.
    pub fn sign(&self, key: &SigningKey) -> Result<String, CheckpointError> {
        self.sign_with([key])
    }

    /// Signs it with several keys of the log: while one takes over from another, both vouch for it.
    ///
    /// # Errors
    /// As [`Checkpoint::sign`].
    pub fn sign_with<'k>(&self, keys: impl IntoIterator<Item = &'k SigningKey>) -> Result<String, CheckpointError> {
        let keys: Vec<&SigningKey> = keys.into_iter().collect();
        keys.iter().try_for_each(|key| self.of_log(key.verifier()))?;
        Ok(note::sign_with(&self.to_string(), keys)?)
    }

    /// Checks the signature, then reads what was signed.
    ///
    /// # Errors
    /// If the note is not signed by this key, is not a checkpoint, or is of another log than the key.
    pub fn open(note: &str, key: &VerifierKey) -> Result<Checkpoint, CheckpointError> {
        let checkpoint = Checkpoint::parse(note::open(note, &[key])?).ok_or(CheckpointError::Malformed)?;
        checkpoint.of_log(key)?;
        Ok(checkpoint)
    }

    /// What a note says, whoever signed it: for notes that were checked already, or that can do no more than make us stop.
    #[must_use]
    pub fn unverified(note: &str) -> Option<Checkpoint> {
        Checkpoint::parse(note::unverified(note).ok()?)
    }

    /// The same for those who know the log otherwise, or learn more of it: a checkpoint of this log that this key has not
    /// signed may be an older or a newer key's, and is read without being verified. Says which of the two it is.
    ///
    /// # Errors
    /// If it is not a checkpoint of this log, or this key's signature does not belong to it.
    pub fn open_or_read(note: &str, key: &VerifierKey) -> Result<(Checkpoint, bool), CheckpointError> {
        match Checkpoint::open(note, key) {
            Err(CheckpointError::Note(NoteError::NoTrustedSignature(_))) => {
                let checkpoint = Checkpoint::parse(note::unverified(note)?).ok_or(CheckpointError::Malformed)?;
                checkpoint.of_log(key)?;
                Ok((checkpoint, false))
            }
            opened => Ok((opened?, true)),
        }
    }

    fn of_log(&self, key: &VerifierKey) -> Result<(), CheckpointError> {
        if self.origin == key.name() {
            return Ok(());
        }
        Err(CheckpointError::Origin { origin: self.origin.clone(), key: key.name().to_owned() })
    }

    fn parse(text: &str) -> Option<Checkpoint> {
        let mut lines = text.strip_suffix('\n')?.split('\n');
        let (origin, size, root) = (lines.next()?, lines.next()?, lines.next()?);
        let checkpoint =
            Checkpoint { origin: origin.to_owned(), size: size.parse().ok()?, root: Hash::from_base64(root)? };
        // Written again it must be the same: no leading zero, no sign, no fourth line.
        (!origin.is_empty() && checkpoint.to_string() == text).then_some(checkpoint)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::merkle::empty_root;
    use zeroize::Zeroizing;

    #[test]
    fn a_checkpoint_is_read_back_only_in_its_one_form_and_only_with_the_key_of_its_log() {
        let key = SigningKey::from_seed("log.test/1", &Zeroizing::new([1; 32])).unwrap();
        let checkpoint = Checkpoint { origin: "log.test/1".into(), size: 10, root: empty_root() };
        let note = checkpoint.sign(&key).unwrap();
        assert_eq!(Checkpoint::open(&note, key.verifier()), Ok(checkpoint.clone()));

        let text = checkpoint.to_string();
        for wrong in [
            text.replace("10", "010"),
            text.replace("10", "+10"),
            text.replace("10", ""),
            text.replace("10", "99999999999999999999"),
            text.replace('=', ""),
            format!("{text}extension\n"),
            text.replacen('\n', "\n\n", 1),
        ] {
            let note = key.sign(&wrong).unwrap();
            assert_eq!(Checkpoint::open(&note, key.verifier()), Err(CheckpointError::Malformed), "{wrong:?}");
        }

        let other = Checkpoint { origin: "log.test/2".into(), ..checkpoint };
        assert!(matches!(other.sign(&key), Err(CheckpointError::Origin { .. })));
        let note = key.sign(&other.to_string()).unwrap();
        assert!(matches!(Checkpoint::open(&note, key.verifier()), Err(CheckpointError::Origin { .. })));
    }
}
