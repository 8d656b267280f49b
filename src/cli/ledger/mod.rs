//! `seconder ledger`: what an auditor runs, and what makes it possible.

mod again;
mod explain;
pub mod export;
pub mod keys;
mod seen;
pub mod served;
pub mod verify;

/// `seconder ledger …`
#[derive(clap::Subcommand)]
pub enum Command {
    /// Write a ledger to a folder: entries, tree, checkpoint, one receipt a decision
    Export(export::ExportArgs),
    /// Tell which keys sign the ledgers, make a new one, or take one out
    Keys(keys::KeysArgs),
    /// Check an exported ledger, offline and without trusting the server that wrote it
    Verify(verify::VerifyArgs),
}
