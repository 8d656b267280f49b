//! `seconder ledger`: what an auditor runs, and what makes it possible.

mod again;
pub mod erase;
mod erased;
mod explain;
mod explained;
pub mod export;
pub mod keys;
pub mod openings;
pub mod publish;
mod seen;
pub mod served;
mod told;
mod trust;
pub mod verify;

use crate::app::anchor::Accepted;
use crate::app::guard::{Guard, Refusal};
use crate::config::LedgerKeys;
use crate::store::LedgerReader;

/// `seconder ledger …`
#[derive(clap::Subcommand)]
pub enum Command {
    /// Write a ledger to a folder: entries, tree, checkpoint, one receipt a decision
    Export(export::ExportArgs),
    /// Tell which keys sign the ledgers, make a new one, or take one out
    Keys(keys::KeysArgs),
    /// Publish the ledgers now, as releases
    Publish(publish::PublishArgs),
    /// Check an exported ledger, offline and without trusting the server that wrote it
    Verify(verify::VerifyArgs),
    /// Make a person unknown to a ledger; every proof stays valid
    Erase(erase::EraseArgs),
    /// Print the JSON Schema of the entries
    Schema,
}

/// Refuses to sign with a database that holds less than what was signed, as a server does when it starts.
async fn may_sign(keys: &LedgerKeys, ledger: &LedgerReader) -> Result<(), Refusal> {
    let accepted = Accepted(keys.accepted_rollbacks.clone());
    Guard::new(&keys.place.data_dir, accepted).check_remembered_in(ledger).await
}

/// Prints the schema.
pub fn print_schema() {
    use std::io::Write as _;
    // Whoever closes the pipe has read enough.
    let _ = writeln!(std::io::stdout(), "{:#}", crate::ledger::catalogue::schema());
}
