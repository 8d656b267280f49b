//! `seconder demo`: the guided tour, and the demo's GitHub on its own.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use anyhow::Context as _;

use super::Failure;
use crate::config;
use crate::demo::tour::{self, Scratch};

/// Tell the whole story in the terminal.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Do not pause between the steps
    #[arg(long)]
    pub fast: bool,

    /// Leave both servers running until Ctrl-C, to try things by hand
    #[arg(long)]
    pub keep: bool,

    /// Export the ledger to DIR/ledger, to DIR/release as the files of a release, and the key to trust to DIR/log.vkey
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,

    /// Instead of the story: send N deployments with mixed outcomes down the same road, and account for each
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub deployments: Option<u32>,
}

/// Runs the tour. Needs no configuration, and leaves nothing behind that was not asked for.
pub fn run(arguments: Arguments) -> Result<(), Failure> {
    let scratch = Scratch::new().context("cannot make a temporary folder")?;
    if arguments.keep {
        log_to(&scratch.path().join("seconder.log"))?;
    }
    let options = tour::Options {
        fast: arguments.fast,
        keep: arguments.keep,
        out: arguments.out,
        deployments: arguments.deployments,
        colour: !config::no_color(),
        program: std::env::current_exe().context("cannot find this program's own file")?,
        called: std::env::args().next().unwrap_or_else(|| "seconder".to_owned()),
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    Ok(runtime.block_on(tour::run(options, scratch))?)
}

fn log_to(path: &Path) -> anyhow::Result<()> {
    let file = File::create(path).with_context(|| format!("cannot write the log to {}", path.display()))?;
    let filter = tracing_subscriber::EnvFilter::try_new("info,octocrab=off").unwrap_or_default();
    let started = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_target(false)
        .with_ansi(false)
        .with_writer(Mutex::new(file))
        .try_init();
    started.map_err(|error| anyhow::anyhow!("cannot start the log: {error}"))
}

/// Runs the demo's GitHub until it is stopped.
pub fn run_github(arguments: crate::demo::control::Arguments) -> Result<(), Failure> {
    super::logging::start(&crate::config::load_log());
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    Ok(runtime.block_on(crate::demo::control::run(arguments))?)
}
