//! A ledger as files: folders, archives, and the segments a release carries.
//!
//! Everything in a segment follows from its entries and its checkpoint: written again, every file has the same digest.

mod directory;
mod hashed;
pub mod segment;
mod tarball;

pub use directory::Directory;
