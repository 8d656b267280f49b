//! `ledger verify` of a long log.

use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use seconder::artifact::Directory;
use seconder::ledger::export::Exporter;

use crate::processes;
use crate::report::Report;
use crate::report::Target::{AtLeast, AtMost, None as Known};
use crate::rows::Size;

/// Makes the same valid logs for the verifier's tests.
#[path = "../../tests/ledger_verify/story.rs"]
#[allow(dead_code, clippy::unwrap_used, clippy::panic, reason = "it is written for tests, which use all of it")]
mod story;

/// A log of about `entries` entries, exported; returns how many there are.
fn export(folder: &Path, entries: usize) -> anyhow::Result<u64> {
    // Six requests, each with another outcome, have 23 entries.
    let requests = entries * 6 / 23;
    let mut seal = story::Seal::default();
    story::each_record(requests, &mut |record| drop(seal.line(&record)));
    let (checkpoint, key) = (seal.checkpoint(), story::vkey());
    let mut sink = Directory::create(folder)?;
    let mut exporter = Exporter::begin(&mut sink, &key, &checkpoint)?;
    let (mut seal, mut pushed) = (story::Seal::default(), Ok(()));
    story::each_record(requests, &mut |record| {
        if pushed.is_ok() {
            pushed = exporter.push(&seal.line(&record));
        }
    });
    pushed?;
    Ok(exporter.finish()?.entries)
}

/// Runs the program on these cores and returns its time and the most memory it took, in MB.
async fn verify(folder: &Path, cores: &str) -> anyhow::Result<(Duration, f64)> {
    let key = story::vkey().to_string();
    let began = Instant::now();
    let mut command = Command::new("taskset");
    command.args(["-c", cores, env!("CARGO_BIN_EXE_seconder"), "ledger", "verify"]).arg(folder).args(["--vkey", &key]);
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::null()).spawn()?;
    let mut most: f64 = 0.0;
    let status = loop {
        if let Some(status) = child.try_wait()? {
            break status;
        }
        most = most.max(processes::memory(child.id(), "VmHWM").unwrap_or_default());
        tokio::time::sleep(Duration::from_millis(5)).await;
    };
    ensure!(status.success(), "the ledger did not verify ({status}, signal {:?})", status.signal());
    Ok((began.elapsed(), most))
}

pub async fn run(size: Size, runs: usize, report: &mut Report) -> anyhow::Result<()> {
    let root = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR"))?;
    let (long, short) = (root.path().join("long"), root.path().join("short"));
    let entries = export(&long, size.of(1_000_000, 30_000)).context("cannot make a long ledger")?;
    export(&short, size.of(100_000, 3_000)).context("cannot make a short ledger")?;
    for _ in 0..runs {
        #[expect(clippy::cast_precision_loss, reason = "a million")]
        let rate = |took: Duration| entries as f64 / took.as_secs_f64();
        let (took, most) = verify(&long, "0,1").await?;
        report.add("ledger verify, 1,000,000 entries, both cores", "entries/s", AtLeast(200_000.0), rate(took));
        report.add("… on one core", "entries/s", Known, rate(verify(&long, "0").await?.0));
        report.add("… memory at most", "MB", AtMost(80.0), most);
        report.add("… memory at most with a tenth of the entries", "MB", Known, verify(&short, "0,1").await?.1);
    }
    Ok(())
}
