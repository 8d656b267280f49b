//! The command line: one file a subcommand.
//!
//! | exit code | means |
//! |---|---|
//! | 0 | it worked |
//! | 1 | it did not: the message says why and what to do |
//! | 2 | the command line or the configuration is wrong, or what was asked for cannot be looked at |

use std::process::ExitCode;

use clap::{Parser, Subcommand};

mod attribute;
mod demo;
pub mod ledger;
mod logging;
mod policy;
mod serve;

/// Seconder holds what AI-authored commits reach until a different human seconds it, and proves that one did.
#[derive(Parser)]
#[command(version, propagate_version = true)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Start the server
    #[command(after_help = serve::help())]
    Serve,
    /// Tell which commits an agent wrote, and for whom: reads a git history, needs no server
    #[command(after_help = attribute::HELP)]
    Attribute(attribute::Arguments),
    /// Tell the whole story in the terminal, against a GitHub made of nothing but this program
    Demo(demo::Arguments),
    /// Export, publish and verify the ledger, and erase people from it
    #[command(subcommand)]
    Ledger(ledger::Command),
    /// Check a policy, and explain what it decided
    #[command(subcommand)]
    Policy(policy::Command),
    /// The demo's GitHub on its own, for benchmarks
    #[command(hide = true)]
    DemoGithub(crate::demo::control::Arguments),
}

/// Why a command failed.
#[derive(Debug)]
pub enum Failure {
    /// It did not work.
    Failed(anyhow::Error),
    /// The command line or the configuration is wrong.
    Usage(anyhow::Error),
}

impl<E: Into<anyhow::Error>> From<E> for Failure {
    fn from(error: E) -> Self {
        Self::Failed(error.into())
    }
}

/// Runs the command line.
pub fn main() -> ExitCode {
    let arguments = Arguments::try_parse().unwrap_or_else(|error| {
        let words: Vec<_> = std::env::args_os().collect();
        if error.use_stderr() {
            ledger::answer_as_json(&words, &error);
        }
        error.exit()
    });
    let result = match arguments.command {
        Command::Serve => serve::run(),
        Command::Attribute(arguments) => attribute::run(&arguments),
        Command::Demo(arguments) => demo::run(arguments),
        Command::Ledger(command) => match command {
            ledger::Command::Export(arguments) => ledger::export::run(&arguments),
            ledger::Command::Keys(arguments) => ledger::keys::run(&arguments),
            ledger::Command::Erase(arguments) => ledger::erase::run(&arguments),
            ledger::Command::Schema => {
                ledger::print_schema();
                Ok(())
            }
            ledger::Command::Publish(arguments) => ledger::publish::run(&arguments),
            ledger::Command::Verify(arguments) => return ledger::verify::run(&arguments),
        },
        Command::Policy(command) => match policy::run(&command) {
            Ok(code) => return code,
            Err(failure) => Err(failure),
        },
        Command::DemoGithub(arguments) => demo::run_github(arguments),
    };
    let (code, error) = match result {
        Ok(()) => return ExitCode::SUCCESS,
        Err(Failure::Failed(error)) => (1, error),
        Err(Failure::Usage(error)) => (2, error),
    };
    say_error(&error);
    ExitCode::from(code)
}

#[expect(clippy::print_stderr, reason = "the command line speaks to people")]
fn say_error(error: &anyhow::Error) {
    eprintln!("seconder: {error:#}");
}
