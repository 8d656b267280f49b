//! The Merkle tree of RFC 6962 §2.1 over SHA-256: hashes, a tree that only grows, and proofs about it.
//!
//! Proofs are made by the recursion of RFC 6962 and checked by the loops of RFC 9162 §2.1.3.2 and §2.1.4.2: two different
//! algorithms, so that a mistake in one does not hide in the other.
use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use ring::digest;
use thiserror::Error;

use crate::domain::digest::hex;

mod frontier;

pub use frontier::{Frontier, NotAFrontier};

/// A SHA-256 hash: of a leaf, of a node, or of a whole tree.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Hash([u8; 32]);

impl Hash {
    /// A hash from its 32 bytes.
    #[must_use]
    pub fn from_bytes(bytes: [u8; 32]) -> Hash {
        Hash(bytes)
    }

    /// The 32 bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Standard base64, as checkpoints and proofs write it.
    #[must_use]
    pub fn to_base64(self) -> String {
        BASE64.encode(self.0)
    }

    /// The same into something longer.
    pub(super) fn write_base64(self, to: &mut impl fmt::Write) -> fmt::Result {
        let mut text = [0; 44];
        let length = BASE64.encode_slice(self.0, &mut text).map_err(|_| fmt::Error)?;
        to.write_str(str::from_utf8(&text[..length]).map_err(|_| fmt::Error)?)
    }

    /// Reads standard base64; `None` unless it is exactly 32 bytes in their one canonical form.
    #[must_use]
    pub fn from_base64(text: &str) -> Option<Hash> {
        let mut buffer = [0; 33];
        let length = BASE64.decode_slice(text, &mut buffer).ok()?;
        Some(Hash(buffer[..length].try_into().ok()?))
    }

    fn from_digest(digest: &digest::Digest) -> Hash {
        let mut bytes = [0; 32];
        bytes.copy_from_slice(digest.as_ref());
        Hash(bytes)
    }
}

/// Lower-case hexadecimal, as an entry's `prev` writes it.
impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex(&self.0))
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The text is not 64 hexadecimal digits.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("a hash is 64 hexadecimal digits")]
pub struct NotAHash;

impl FromStr for Hash {
    type Err = NotAHash;

    fn from_str(text: &str) -> Result<Hash, NotAHash> {
        let mut bytes = [0; 32];
        hex::decode_to_slice(text, &mut bytes).map_err(|_| NotAHash)?;
        Ok(Hash(bytes))
    }
}

/// The hash of a leaf: SHA-256(0x00 ‖ bytes).
#[must_use]
pub fn leaf_hash(bytes: &[u8]) -> Hash {
    let mut context = digest::Context::new(&digest::SHA256);
    context.update(&[0x00]);
    context.update(bytes);
    Hash::from_digest(&context.finish())
}

/// The hash of an inner node: SHA-256(0x01 ‖ left ‖ right).
#[must_use]
pub fn node_hash(left: Hash, right: Hash) -> Hash {
    let mut bytes = [0x01; 65];
    bytes[1..33].copy_from_slice(&left.0);
    bytes[33..].copy_from_slice(&right.0);
    Hash::from_digest(&digest::digest(&digest::SHA256, &bytes))
}

/// The root of the tree that has no leaves: SHA-256 of nothing.
#[must_use]
pub fn empty_root() -> Hash {
    Hash::from_digest(&digest::digest(&digest::SHA256, b""))
}

/// Somewhere the hashes of perfect subtrees can be had from.
pub trait Subtrees {
    /// The root of the 2^`level` leaves that start at leaf `index` · 2^`level`; `None` if it is not held.
    fn subtree(&self, level: u32, index: u64) -> Option<Hash>;
}

/// The hashes of all perfect subtrees of a tree, in memory: 64 bytes a leaf.
#[derive(Debug, Clone, Default)]
pub struct Levels(Vec<Vec<Hash>>);

impl Levels {
    /// Appends a leaf.
    pub fn push(&mut self, leaf: Hash) {
        let mut hash = leaf;
        for level in 0.. {
            if self.0.len() == level {
                self.0.push(Vec::new());
            }
            let hashes = &mut self.0[level];
            hashes.push(hash);
            let (pairs, odd) = hashes.as_chunks::<2>();
            match pairs.last() {
                Some(&[left, right]) if odd.is_empty() => hash = node_hash(left, right),
                _ => break,
            }
        }
    }

    /// Forgets all leaves.
    pub fn clear(&mut self) {
        self.0.clear();
    }
}

impl FromIterator<Hash> for Levels {
    fn from_iter<I: IntoIterator<Item = Hash>>(leaves: I) -> Levels {
        let mut levels = Levels::default();
        leaves.into_iter().for_each(|leaf| levels.push(leaf));
        levels
    }
}

impl Subtrees for Levels {
    fn subtree(&self, level: u32, index: u64) -> Option<Hash> {
        self.0.get(level as usize)?.get(usize::try_from(index).ok()?).copied()
    }
}

/// The largest power of two smaller than `n`, for `n` ≥ 2: where RFC 6962 splits a tree.
fn split(n: u64) -> u64 {
    1 << (n - 1).ilog2()
}

/// MTH(D[start:end]) for a range the RFC 6962 recursion arrives at.
fn range_hash(subtrees: &impl Subtrees, start: u64, end: u64) -> Option<Hash> {
    let n = end - start;
    if n.is_power_of_two() {
        let level = n.trailing_zeros();
        return subtrees.subtree(level, start >> level);
    }
    let middle = start + split(n);
    Some(node_hash(range_hash(subtrees, start, middle)?, range_hash(subtrees, middle, end)?))
}

/// The root of the tree of the first `size` leaves; `None` if a hash is not held.
pub fn root(subtrees: &impl Subtrees, size: u64) -> Option<Hash> {
    if size == 0 { Some(empty_root()) } else { range_hash(subtrees, 0, size) }
}

/// The hashes that lead from leaf `index` to the root of the tree of the first `size` leaves, the leaf's sibling first
/// (RFC 6962 §2.1.1). `None` if the leaf is not in that tree or a hash is not held.
pub fn inclusion_proof(subtrees: &impl Subtrees, index: u64, size: u64) -> Option<Vec<Hash>> {
    if index >= size {
        return None;
    }
    let mut proof = Vec::new();
    let (mut start, mut end) = (0, size);
    while end - start > 1 {
        let middle = start + split(end - start);
        if index < middle {
            proof.push(range_hash(subtrees, middle, end)?);
            end = middle;
        } else {
            proof.push(range_hash(subtrees, start, middle)?);
            start = middle;
        }
    }
    proof.reverse();
    Some(proof)
}

/// The hashes that prove that the tree of the first `old` leaves is where the tree of the first `new` leaves began
/// (RFC 6962 §2.1.2). Empty if `old` is 0 or `new`; `None` if `old` > `new` or a hash is not held.
pub fn consistency_proof(subtrees: &impl Subtrees, old: u64, new: u64) -> Option<Vec<Hash>> {
    if old > new {
        return None;
    }
    let mut proof = Vec::new();
    let (mut start, mut end) = (0, new);
    while old > 0 && old != end {
        let middle = start + split(end - start);
        if old <= middle {
            proof.push(range_hash(subtrees, middle, end)?);
            end = middle;
        } else {
            proof.push(range_hash(subtrees, start, middle)?);
            start = middle;
        }
    }
    // The verifier holds the old root itself; it needs the last subtree only where that is not the whole old tree.
    if start > 0 {
        proof.push(range_hash(subtrees, start, end)?);
    }
    proof.reverse();
    Some(proof)
}

/// Why a proof proves nothing.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum ProofError {
    /// The leaf or the older tree lies outside the tree.
    #[error("the proof speaks of {position}, but the tree has only {size} entries")]
    OutsideTree {
        /// The index or older size claimed.
        position: u64,
        /// The size of the tree.
        size: u64,
    },
    /// Too few or too many hashes for this place in a tree of this size.
    #[error("the proof has {0} hashes, which is the wrong number for this place in a tree of this size")]
    WrongLength(usize),
    /// The hashes lead somewhere else.
    #[error("the proof leads to another root: the entry or the proof was changed")]
    WrongRoot,
}

/// Checks that `leaf` is entry `index` of the tree with this size and root (RFC 9162 §2.1.3.2).
///
/// # Errors
/// If it is not, or the proof is longer or shorter than it has to be.
pub fn verify_inclusion(leaf: Hash, index: u64, size: u64, proof: &[Hash], root: Hash) -> Result<(), ProofError> {
    if index >= size {
        return Err(ProofError::OutsideTree { position: index, size });
    }
    let (mut node, mut last) = (index, size - 1);
    let mut hash = leaf;
    for &sibling in proof {
        if last == 0 {
            return Err(ProofError::WrongLength(proof.len()));
        }
        if node & 1 == 1 || node == last {
            hash = node_hash(sibling, hash);
            while node & 1 == 0 && node != 0 {
                node >>= 1;
                last >>= 1;
            }
        } else {
            hash = node_hash(hash, sibling);
        }
        node >>= 1;
        last >>= 1;
    }
    if last != 0 {
        return Err(ProofError::WrongLength(proof.len()));
    }
    if hash == root { Ok(()) } else { Err(ProofError::WrongRoot) }
}

/// Checks that the tree with `old_size` and `old_root` is where the tree with `new_size` and `new_root` began
/// (RFC 9162 §2.1.4.2).
///
/// # Errors
/// If it is not, or the proof is longer or shorter than it has to be.
pub fn verify_consistency(
    (old_size, old_root): (u64, Hash),
    (new_size, new_root): (u64, Hash),
    proof: &[Hash],
) -> Result<(), ProofError> {
    if old_size > new_size {
        return Err(ProofError::OutsideTree { position: old_size, size: new_size });
    }
    if old_size == 0 || old_size == new_size {
        let expected = if old_size == 0 { empty_root() } else { new_root };
        return match (proof.len(), old_root == expected) {
            (0, true) => Ok(()),
            (0, false) => Err(ProofError::WrongRoot),
            (length, _) => Err(ProofError::WrongLength(length)),
        };
    }
    let wrong_length = ProofError::WrongLength(proof.len());
    // A perfect old tree is itself the subtree the proof starts from.
    let (first, rest) = match proof.split_first() {
        Some(_) if old_size.is_power_of_two() => (old_root, proof),
        Some((first, rest)) => (*first, rest),
        None => return Err(wrong_length),
    };
    let (mut node, mut last) = (old_size - 1, new_size - 1);
    while node & 1 == 1 {
        node >>= 1;
        last >>= 1;
    }
    let (mut old_hash, mut new_hash) = (first, first);
    for &sibling in rest {
        if last == 0 {
            return Err(wrong_length);
        }
        if node & 1 == 1 || node == last {
            old_hash = node_hash(sibling, old_hash);
            new_hash = node_hash(sibling, new_hash);
            while node & 1 == 0 && node != 0 {
                node >>= 1;
                last >>= 1;
            }
        } else {
            new_hash = node_hash(new_hash, sibling);
        }
        node >>= 1;
        last >>= 1;
    }
    if last != 0 {
        return Err(wrong_length);
    }
    if old_hash == old_root && new_hash == new_root { Ok(()) } else { Err(ProofError::WrongRoot) }
}

#[cfg(test)]
mod tests;
