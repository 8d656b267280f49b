//! The ledger: what happened, in an order nobody can change afterwards. Pure and offline.
//!
//! An entry is one line of JSON, hashed as the exact bytes written. Entries are chained by `prev` and are the leaves of an
//! RFC 6962 Merkle tree; the log signs the root of that tree as a C2SP checkpoint, and whoever holds one checkpoint can
//! prove a rewrite. Every format is one that tools written by other people read:
//!
//! - [`entry`] the bytes of one entry, and the few fields all entries share; [`software`] what wrote it
//! - [`record`] the kinds of entry
//! - [`catalogue`] every field of every kind, and which are told in clear
//! - [`sealing`] commitments instead of names, and what opens them
//! - [`merkle`] hashes, the growing tree, proofs (RFC 6962, RFC 9162)
//! - [`note`] keys and signed notes (<https://c2sp.org/signed-note>)
//! - [`succession`] how one key of a log takes over from another
//! - [`checkpoint`] a signed tree head (<https://c2sp.org/tlog-checkpoint>)
//! - [`cosignature`] what a witness adds to one (<https://c2sp.org/tlog-cosignature>, <https://c2sp.org/tlog-witness>)
//! - [`quorum`] which witnesses must have done so (<https://c2sp.org/tlog-policy>)
//! - [`timestamp`] the time somebody else saw one at (RFC 3161)
//! - [`tile`] the tree and its entries as files (<https://c2sp.org/tlog-tiles>)
//! - [`receipt`] the proof that one entry is in the log (<https://c2sp.org/tlog-proof>)
//! - [`layout`] where everything is in an exported ledger
//! - [`export`] writes one; [`proving`] makes its proofs
//! - [`segment`] the files of a part of a ledger; [`tables`] what is in it as spreadsheets
//! - [`verify`] believes nothing of it but the key

pub mod catalogue;
pub mod checkpoint;
pub mod cosignature;
pub mod entry;
pub mod export;
pub mod layout;
pub mod merkle;
pub mod note;
pub mod proving;
pub mod quorum;
pub mod receipt;
pub mod record;
pub mod sealing;
pub mod segment;
pub mod software;
pub mod succession;
pub mod tables;
pub mod tile;
pub mod timestamp;
pub mod verify;

pub use checkpoint::Checkpoint;
pub use entry::{Draft, Line};
pub use merkle::{Frontier, Hash};
pub use note::{SigningKey, VerifierKey};
pub use record::RecordType;
pub use succession::Succession;
