//! The proof that one entry is in the log (<https://c2sp.org/tlog-proof>), good for itself: entry, proof and key suffice.
use std::fmt;

use thiserror::Error;

use super::checkpoint::{Checkpoint, CheckpointError};
use super::merkle::{self, Hash, ProofError};
use super::note::VerifierKey;

const FIRST_LINE: &str = "c2sp.org/tlog-proof@v1";

/// An entry's place, the hashes that lead from it to the root, and the checkpoint that signs the root.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    /// The entry's `seq`.
    pub index: u64,
    /// Its inclusion proof, the sibling of the leaf first.
    pub proof: Vec<Hash>,
    /// The signed checkpoint, verbatim.
    pub checkpoint: String,
}

/// Why a receipt proves nothing.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum ReceiptError {
    /// Not of the form of a proof.
    #[error("not a tlog-proof: {0}")]
    Malformed(&'static str),
    /// Its checkpoint is not to be believed.
    #[error("its checkpoint: {0}")]
    Checkpoint(#[from] CheckpointError),
    /// Its hashes lead elsewhere.
    #[error(transparent)]
    Proof(#[from] ProofError),
}

impl fmt::Display for Receipt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write(f, self.index, self.proof.iter().copied(), "", &self.checkpoint)
    }
}

/// Writes a receipt whose proof begins with these hashes and ends with `above`, the lines of others.
pub(super) fn write(
    to: &mut impl fmt::Write,
    index: u64,
    proof: impl Iterator<Item = Hash>,
    above: &str,
    checkpoint: &str,
) -> fmt::Result {
    write!(to, "{FIRST_LINE}\nindex {index}\n")?;
    lines(to, proof)?;
    to.write_str(above)?;
    to.write_char('\n')?;
    to.write_str(checkpoint)
}

/// Writes the lines of a proof.
pub(super) fn lines(to: &mut impl fmt::Write, mut proof: impl Iterator<Item = Hash>) -> fmt::Result {
    proof.try_for_each(|hash| hash.write_base64(to).and_then(|()| to.write_char('\n')))
}

impl Receipt {
    /// Reads a proof. One with an `extra` line is refused: nothing authenticates it and no receipt of ours has one.
    ///
    /// # Errors
    /// If the text is not a proof in its one canonical form.
    pub fn parse(text: &str) -> Result<Receipt, ReceiptError> {
        let malformed = ReceiptError::Malformed;
        let mut rest = text;
        let mut next_line = || {
            let (line, after) = rest.split_once('\n').ok_or(malformed("it ends before its checkpoint"))?;
            rest = after;
            Ok::<&str, ReceiptError>(line)
        };
        if next_line()? != FIRST_LINE {
            return Err(malformed("the first line is not c2sp.org/tlog-proof@v1"));
        }
        let index = next_line()?.strip_prefix("index ").ok_or(malformed("no index line"))?;
        let index: u64 = match index.parse() {
            Ok(number) if format!("{number}") == index => number,
            _ => return Err(malformed("the index is not a plain decimal number")),
        };
        let mut proof = Vec::with_capacity(32);
        loop {
            match next_line()? {
                "" => break,
                line => {
                    proof.push(Hash::from_base64(line).ok_or(malformed("a line of the proof is not a hash in base64"))?)
                }
            }
        }
        let checkpoint = rest.to_owned();
        Ok(Receipt { index, proof, checkpoint })
    }

    /// Checks everything: the checkpoint's signature, then that `entry` (the exact bytes of the line) is in that tree.
    ///
    /// # Errors
    /// If the checkpoint is not signed by this key or the entry is not where the receipt says.
    pub fn verify(&self, entry: &[u8], key: &VerifierKey) -> Result<Checkpoint, ReceiptError> {
        let checkpoint = Checkpoint::open(&self.checkpoint, key)?;
        self.verify_in(merkle::leaf_hash(entry), &checkpoint)?;
        Ok(checkpoint)
    }

    /// Checks that the entry with this leaf hash is in the tree of a checkpoint that is already believed.
    ///
    /// # Errors
    /// If the entry is not where the receipt says.
    pub fn verify_in(&self, leaf: Hash, checkpoint: &Checkpoint) -> Result<(), ProofError> {
        merkle::verify_inclusion(leaf, self.index, checkpoint.size, &self.proof, checkpoint.root)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::merkle::{Frontier, Levels, inclusion_proof, leaf_hash};
    use crate::ledger::note::SigningKey;
    use zeroize::Zeroizing;

    fn receipt() -> (Receipt, SigningKey) {
        let key = SigningKey::from_seed("log.test/1", &Zeroizing::new([1; 32])).unwrap();
        let (mut levels, mut frontier) = (Levels::default(), Frontier::new());
        for entry in ["a", "b", "c"] {
            levels.push(leaf_hash(entry.as_bytes()));
            frontier.push(leaf_hash(entry.as_bytes()));
        }
        let checkpoint = Checkpoint { origin: "log.test/1".into(), size: 3, root: frontier.root() };
        let proof = inclusion_proof(&levels, 1, 3).unwrap();
        (Receipt { index: 1, proof, checkpoint: checkpoint.sign(&key).unwrap() }, key)
    }

    #[test]
    fn a_receipt_proves_its_entry_and_no_other() {
        let (receipt, key) = receipt();
        let read = Receipt::parse(&receipt.to_string()).unwrap();
        assert_eq!(read, receipt);
        assert_eq!(read.verify(b"b", key.verifier()).unwrap().size, 3);
        assert_eq!(read.verify(b"c", key.verifier()), Err(ReceiptError::Proof(ProofError::WrongRoot)));
    }

    #[test]
    fn a_receipt_in_another_form_is_refused() {
        let text = receipt().0.to_string();
        for wrong in [
            text.replace("@v1", "@v2"),
            text.replace("index 1", "index 01"),
            text.replace("index 1", "index -1"),
            text.replace("index 1", "extra AAAA\nindex 1"),
            text.replacen("\n\n", "\n", 1).replacen("\n\n", "\n", 1),
            text.replacen("=\n", "\n", 1),
        ] {
            assert!(matches!(Receipt::parse(&wrong), Err(ReceiptError::Malformed(_))), "{wrong}");
        }
    }
}
