//! `ledger verify` of a long log.

use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use seconder::artifact::Directory;
use seconder::artifact::segment::{Span, Writer};
use seconder::ledger::export::Exporter;
use seconder::store::LogHead;

use crate::processes;
use crate::report::Report;
use crate::report::Target::{AtLeast, AtMost, None as Known};
use crate::rows::Size;

/// Entries given to the writer of a segment at once: whole tiles.
const PAGE: usize = 1024;

/// Makes the same valid logs for the verifier's tests.
#[path = "../../tests/ledger_verify/story.rs"]
#[allow(dead_code, clippy::unwrap_used, clippy::panic, reason = "it is written for tests, which use all of it")]
mod story;

/// Six requests, each with another outcome, have 23 entries.
fn requests(entries: usize) -> usize {
    entries * 6 / 23
}

/// The same log as a segment from its first entry on.
fn write_segment(folder: &Path, entries: usize) -> anyhow::Result<()> {
    let requests = requests(entries);
    let mut seal = story::Seal::default();
    story::each_record(requests, &mut |record| drop(seal.line(&record)));
    let (size, checkpoint, vkey) = (seal.tree.size(), seal.checkpoint(), story::vkey().to_string());
    let (login, origin) = ("acme".to_owned(), story::ORIGIN.to_owned());
    let log = LogHead { tenant: 1, login, origin, vkey, next_vkey: None, size, checkpoint: checkpoint.clone() };
    let span = Span { from: 0, to: size, checkpoint, checkpoint_prev: None, extra: Vec::new() };
    let mut writer = Writer::begin(&log, span, folder)?;
    let (mut seal, mut written) = (story::Seal::default(), Ok(()));
    story::each_record(requests, &mut |record| {
        if written.is_ok() {
            written = writer.push(&seal.line(&record));
        }
    });
    written?;
    writer.entries_end()?;
    let (mut seal, mut written, mut first, mut page) = (story::Seal::default(), Ok(()), 0, Vec::new());
    story::each_record(requests, &mut |record| {
        page.push(seal.line(&record));
        if page.len() == PAGE && written.is_ok() {
            written = writer.receipts(first, &page);
            first += page.len() as u64;
            page.clear();
        }
    });
    written.and_then(|()| writer.receipts(first, &page))?;
    writer.finish()?;
    Ok(())
}

/// A log of about `entries` entries, exported; returns how many there are.
fn export(folder: &Path, entries: usize) -> anyhow::Result<u64> {
    let requests = requests(entries);
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
    let [long, short, segment] = ["long", "short", "segment"].map(|name| root.path().join(name));
    write_segment(&segment, size.of(1_000_000, 30_000)).context("cannot make a long segment")?;
    let entries = export(&long, size.of(1_000_000, 30_000)).context("cannot make a long ledger")?;
    export(&short, size.of(100_000, 3_000)).context("cannot make a short ledger")?;
    for _ in 0..runs {
        #[expect(clippy::cast_precision_loss, reason = "a million")]
        let rate = |took: Duration| entries as f64 / took.as_secs_f64();
        let (took, most) = verify(&long, "0,1").await?;
        report.add("ledger verify, 1,000,000 entries, both cores", "entries/s", AtLeast(200_000.0), rate(took));
        report.add("… on one core", "entries/s", Known, rate(verify(&long, "0").await?.0));
        report.add("… memory at most", "MB", AtMost(64.0), most);
        let (took, most) = verify(&segment, "0,1").await?;
        report.add("… as the segment of a release, both cores", "entries/s", AtLeast(250_000.0), rate(took));
        report.add("… memory at most", "MB", AtMost(64.0), most);
        report.add("… memory at most with a tenth of the entries", "MB", Known, verify(&short, "0,1").await?.1);
    }
    Ok(())
}
