//! The command line: one file a subcommand.
use std::process::ExitCode;

pub mod ledger;

/// Runs the command line.
pub fn main() -> ExitCode {
    ExitCode::SUCCESS
}
