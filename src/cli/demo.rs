//! `seconder demo`: the guided tour, and the demo's GitHub on its own.

use super::Failure;

/// Tell the whole story in the terminal.
#[derive(Debug, clap::Args)]
pub struct Arguments {}

pub fn run(_arguments: Arguments) -> Result<(), Failure> {
    Ok(())
}

/// Runs the demo's GitHub until it is stopped.
pub fn run_github(arguments: crate::demo::control::Arguments) -> Result<(), Failure> {
    super::logging::start(&crate::config::load_log());
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    Ok(runtime.block_on(crate::demo::control::run(arguments))?)
}
