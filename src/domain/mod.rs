//! What is held, who wrote it, who has a part in it, and what is decided.
//!
//! Pure: no I/O, no clock, no async, no SQL, no HTTP, no randomness. The same input gives the same decision,
//! so that a decision can be redone from what the ledger recorded.

pub mod attribution;
pub mod basis;
pub mod case;
pub mod decide;
pub mod digest;
pub mod effect;
pub mod event;
pub mod facts;
pub mod gate;
pub mod parties;
pub mod people;
pub mod policy;
pub mod reason;
pub mod record;
pub mod replay;
pub mod request;
pub mod schedule;
pub mod text;

/// Milliseconds since the Unix epoch, UTC. The domain has no clock: every instant comes in as a value.
pub type Millis = i64;
