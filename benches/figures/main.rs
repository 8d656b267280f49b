//! `make bench`: the figures of the project, measured on the real binary with real HTTP and a real disk.
//!
//! The server runs alone on core 0; this driver and the fake GitHub share core 1. Every figure is the median of several
//! runs, each on a fresh database. `BENCH_QUICK=1` only shows that everything works. `cargo bench -- --json` prints JSON;
//! `cargo bench -- ROW…` measures some rows (unused gates cost memory latency throttled crash append append-postgres chaos
//! verify publish attribution policy). `append` and the two on PostgreSQL open the store in this process, on core 1.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "it talks to whoever started it")]

mod append;
mod attribution;
mod crash;

mod log;
mod policy;
mod postgres;
mod processes;
mod publish;
mod replay;
mod report;
mod rows;
mod stage;
mod tape;
mod verify;
mod wire;

/// Cases, people and databases, as the tests have them.
#[path = "../../tests/support/mod.rs"]
#[allow(
    dead_code,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "it is written for tests, which use all of it"
)]
mod support;

use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, ensure};
use serde_json::json;

use report::Report;
use rows::Size;

/// As the server has it: some figures are measured in this process.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const ROWS: [&str; 10] =
    ["unused", "gates", "cost", "memory", "latency", "throttled", "crash", "append", "append-postgres", "chaos"];
/// Where this driver and the fake GitHub run.
const DRIVER_CORE: &str = "1";

fn main() -> anyhow::Result<()> {
    stay_on(DRIVER_CORE)?;
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(measure())
}

/// Pins this process, and with it every process it starts.
fn stay_on(core: &str) -> anyhow::Result<()> {
    let pinned = Command::new("taskset").args(["-pc", core, &std::process::id().to_string()]).output();
    ensure!(pinned.context("`taskset` is missing (util-linux)")?.status.success(), "two cores are needed");
    Ok(())
}

async fn measure() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    let as_json = arguments.iter().any(|argument| argument == "--json");
    let named: Vec<&str> = arguments.iter().map(String::as_str).filter(|a| !a.starts_with('-')).collect();
    let wanted = |row: &str| named.is_empty() || named.contains(&row);
    let size = Size { quick: std::env::var_os("BENCH_QUICK").is_some() };
    let runs = std::env::var("BENCH_RUNS").ok().and_then(|runs| runs.parse().ok()).unwrap_or(size.of(3, 1));

    let mut report = Report::default();
    for row in ROWS.into_iter().filter(|row| wanted(row)) {
        for run in 1..=runs {
            eprintln!("{row}, run {run} of {runs} …");
            match row {
                "unused" => rows::unused(size, &mut report).await,
                "gates" => rows::gates(size, &mut report).await,
                "cost" => rows::cost(size, &mut report).await,
                "memory" => rows::memory(size, &mut report).await,
                "latency" => rows::latency(size, &mut report).await,
                "throttled" => rows::throttled(size, &mut report).await,
                "append" => append::run(size, &mut report).await,
                "append-postgres" => postgres::append(size, &mut report).await,
                "chaos" => postgres::killed(size, &mut report).await,
                _ => crashes(size, &mut report).await,
            }
            .with_context(|| format!("the row `{row}`"))?;
        }
    }
    if wanted("verify") {
        eprintln!("verify …");
        verify::run(size, runs, &mut report).await.context("the row `verify`")?;
    }
    if wanted("publish") {
        eprintln!("publish …");
        publish::run(size, runs, &mut report).await.context("the row `publish`")?;
    }
    if wanted("attribution") {
        eprintln!("attribution …");
        attribution::run(size, runs, &mut report).context("the row `attribution`")?;
    }
    if wanted("policy") {
        eprintln!("policy …");
        policy::run(size, runs, &mut report).context("the row `policy`")?;
    }

    let syncs = processes::syncs_per_second(Path::new(env!("CARGO_TARGET_TMPDIR")))?;
    if as_json {
        let figures: Vec<_> = report.0.iter().map(report::Figure::json).collect();
        println!(
            "{:#}",
            json!({ "machine": processes::machine(), "syncs_per_second": syncs, "quick": size.quick, "figures": figures })
        );
        return Ok(());
    }
    println!(
        "{}\nSQLite, WAL, synchronous=FULL; PostgreSQL, fsync=on, on core 0; the disk takes {syncs:.0} synced writes a second; server on one core.",
        processes::machine()
    );
    println!(
        "{} run(s) each{}\n\n{}",
        runs,
        if size.quick { ", QUICK: not figures to quote" } else { "" },
        report::HEAD
    );
    report.0.iter().for_each(|figure| println!("{}", figure.line()));
    Ok(())
}

async fn crashes(size: Size, report: &mut Report) -> anyhow::Result<()> {
    for crash in crash::Crash::all(size) {
        crash.run(report).await?;
    }
    Ok(())
}
