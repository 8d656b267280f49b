//! `seconder ledger`: what an auditor runs, and what makes it possible.

mod args;
pub mod erase;
mod explain;
mod explained;
pub mod export;
pub mod failure;
pub mod keys;
pub mod openings;
pub mod publish;
mod reading;
mod seen;
pub mod served;
mod told;
mod trust;
pub mod verify;

use std::ffi::OsString;
use std::fmt::Display;
use std::io::Write as _;

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
    tell(format_args!("{:#}", crate::ledger::catalogue::schema()));
}

/// Answers a command line that cannot be read, if it is of a program that wants `verify --json`.
pub fn answer_as_json(words: &[OsString], error: &clap::Error) {
    let is_verify = words.get(1..3).is_some_and(|command| command == ["ledger", "verify"]);
    if is_verify && words.iter().any(|word| word == "--json") {
        let failure = verify::Failure::Unusable(error.to_string().trim_end().to_owned());
        tell(format_args!("{:#}", told::failed(&failure)));
    }
}

/// Writes a line for whoever reads. Whoever closes the pipe has read enough, and what was done is done.
fn tell(line: impl Display) {
    let _ = writeln!(std::io::stdout(), "{line}");
}
