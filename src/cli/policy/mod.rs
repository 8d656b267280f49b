//! `seconder policy`: what somebody runs who writes rules, and who wants to know what they did.

mod check;
mod explain;
mod file;
mod finding;
mod replay;
mod repository;
mod sarif;
mod terminal;

use std::io::{self, Write as _};
use std::process::ExitCode;

use super::Failure;
use crate::domain::policy;

/// `seconder policy …`
#[derive(clap::Subcommand)]
pub enum Command {
    /// Read a policy file and say everything that is wrong with it
    #[command(after_help = check::HELP)]
    Check(check::Arguments),
    /// Say why a request waits, was released or was denied, in the words of its check run
    #[command(after_help = explain::HELP)]
    Explain(explain::Arguments),
    /// Decide recorded requests once more by a proposed policy: what would have ended otherwise
    #[command(after_help = replay::HELP)]
    Replay(replay::Arguments),
    /// Print the JSON Schema of policy files, for editors
    #[command(
        after_help = "Examples:\n  seconder policy schema > seconder.schema.json\n  then, at the top of .github/seconder.yml:\n  # yaml-language-server: $schema=../seconder.schema.json"
    )]
    Schema,
}

/// Runs the command; `Ok` says how it ends.
pub fn run(command: &Command) -> Result<ExitCode, Failure> {
    match command {
        Command::Check(arguments) => check::run(arguments),
        Command::Schema => {
            say(&format!("{:#}\n", policy::schema()))?;
            Ok(ExitCode::SUCCESS)
        }
        Command::Replay(arguments) => replay::run(arguments),
        Command::Explain(arguments) => explain::run(arguments).map(|()| ExitCode::SUCCESS),
    }
}

/// Writes it all. A reader who has seen enough (`| head`) is no trouble.
fn say(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        other => other,
    }
}
