//! A ledger as files: folders, archives, and the segments a release carries.
//!
//! Everything in a segment follows from its entries and its checkpoint: written again, every file has the same digest. Whatever
//! holds a ledger is read as an [`Artifact`](crate::ledger::layout::Artifact), which is all the verifier knows of it.

mod directory;
mod flat;
mod hashed;
pub mod segment;
mod slice;
mod tar_index;
mod tarball;
mod target;
mod vouchers;

pub use directory::Directory;
pub use flat::SegmentFiles;
pub use target::{ArchivedLedger, Target};
pub use vouchers::vouchers;
