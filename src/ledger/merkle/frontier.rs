//! The right edge of a tree, in memory and as text.
use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use thiserror::Error;

use super::{Hash, empty_root, node_hash};

/// The right edge of a tree: all that is needed to append to it and to know its root.
///
/// Holds the roots of the perfect subtrees the leaves divide into, largest first: one for each 1 bit of the size. Its text
/// form, `<size>:<base64 of the hashes>`, is under 900 characters for a million leaves.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Frontier {
    size: u64,
    subtrees: Vec<Hash>,
}

impl Frontier {
    /// A tree without leaves.
    #[must_use]
    pub fn new() -> Frontier {
        Frontier::default()
    }

    /// How many leaves the tree has.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Appends a leaf.
    pub fn push(&mut self, leaf: Hash) {
        self.push_subtree(0, leaf);
    }

    /// Appends 2^`level` leaves that have this root. The size must be a multiple of that.
    pub fn push_subtree(&mut self, level: u32, root: Hash) {
        let mut subtree = root;
        // Like the carry of a binary addition: equal subtrees merge into one of twice the size.
        for _ in 0..(self.size >> level).trailing_ones() {
            let Some(left) = self.subtrees.pop() else {
                break;
            };
            subtree = node_hash(left, subtree);
        }
        self.subtrees.push(subtree);
        self.size += 1 << level;
    }

    /// The root of the perfect subtree of 2^`height` leaves that appending this leaf completes, if it completes one.
    #[must_use]
    pub fn completed_by(&self, leaf: Hash, height: u32) -> Option<Hash> {
        // The subtrees it merges with are the smallest there are: one of each size below.
        let merges = height.min(self.size.trailing_ones()) as usize;
        let left = self.subtrees.iter().rev().take(merges);
        (merges == height as usize).then(|| left.fold(leaf, |right, left| node_hash(*left, right)))
    }

    /// The root of the tree as it is now.
    #[must_use]
    pub fn root(&self) -> Hash {
        self.subtrees.iter().rev().copied().reduce(|right, left| node_hash(left, right)).unwrap_or_else(empty_root)
    }
}

impl fmt::Display for Frontier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bytes: Vec<u8> = self.subtrees.iter().flat_map(|hash| hash.0).collect();
        write!(f, "{}:{}", self.size, BASE64.encode(bytes))
    }
}

/// The text is not a frontier.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("not a tree frontier: expected <size>:<base64 of one hash for each 1 bit of the size>")]
pub struct NotAFrontier;

impl FromStr for Frontier {
    type Err = NotAFrontier;

    fn from_str(text: &str) -> Result<Frontier, NotAFrontier> {
        let (size, hashes) = text.split_once(':').ok_or(NotAFrontier)?;
        let size: u64 = size.parse().map_err(|_| NotAFrontier)?;
        let bytes = BASE64.decode(hashes).map_err(|_| NotAFrontier)?;
        let (hashes, rest) = bytes.as_chunks::<32>();
        if !rest.is_empty() || hashes.len() != size.count_ones() as usize {
            return Err(NotAFrontier);
        }
        Ok(Frontier { size, subtrees: hashes.iter().copied().map(Hash).collect() })
    }
}
