//! `seconder ledger`: what an auditor runs.

pub mod directory;
pub mod verify;
