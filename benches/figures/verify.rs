//! `ledger verify` of a long log.

use std::collections::HashMap;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use seconder::artifact::Directory;
use seconder::artifact::segment::{Span, Writer};
use seconder::domain::digest::Digest;
use seconder::ledger::export::Exporter;
use seconder::ledger::sealing::{self, SubjectKey};
use seconder::store::LogHead;
use serde_json::json;

use crate::processes;
use crate::report::Report;
use crate::report::Target::{AtMost, None as Known};
use crate::rows::Size;

/// Entries given to the writer of a segment at once: whole tiles.
const PAGE: usize = 1024;

/// Makes the same valid logs for the verifier's tests.
#[path = "../../tests/ledger_verify/story.rs"]
#[allow(dead_code, clippy::unwrap_used, clippy::panic, reason = "it is written for tests, which use all of it")]
mod story;

/// The story's entries as a server writes them: a request's id and digest follow from what it is about, people are subjects,
/// and names, texts and facts are commitments.
#[derive(Default)]
struct Seal {
    seal: story::Seal,
    salts: u64,
    /// The ids and digests of requests, by what the story calls them.
    requests: HashMap<String, (String, Digest)>,
}

impl Seal {
    /// Gives a request its own run, and the id and the digest that a server would give it.
    fn name(&mut self, record: &mut story::Record) {
        let Some(told) = record.corr.clone() else { return };
        let run = self.requests.len();
        let body = &mut record.body;
        let (id, digest) = self.requests.entry(told).or_insert_with(|| {
            let subject = Digest::of_json(&json!({
                "gate": "deployment", "account": 1, "repository": body["repository"]["id"], "environment": body["environment"],
                "run": run, "attempt": body["run"]["attempt"], "sha": body["head_sha"],
            }));
            let judgement = Digest::of_bytes(subject.as_str().as_bytes());
            let digest = Digest::of_json(&json!({
                "subject": subject, "policy": body["policy"]["digest"], "also": [], "base": body["base"],
                "gaps": body["partial"], "judgement": judgement,
            }));
            body["run"]["id"] = run.into();
            body.insert("judgement".to_owned(), judgement.as_str().into());
            (subject.as_str().chars().take(32).collect(), digest)
        });
        record.corr = Some(id.clone());
        if let Some(shown) = body.get_mut("request_digest") {
            *shown = digest.as_str().into();
        }
    }

    fn line(&mut self, record: story::Record) -> String {
        let mut record = record;
        self.name(&mut record);
        // The same each time the log is made.
        let mut salt = || {
            self.salts += 1;
            let mut salt = [0; 32];
            salt[..8].copy_from_slice(&self.salts.to_be_bytes());
            salt
        };
        let subject = |account_id| Some(SubjectKey::new([9; 32]).subject(account_id));
        let sealed = sealing::seal(record.record_type.as_str(), &mut record.body, &subject, &mut salt);
        assert!(sealed.is_ok(), "{sealed:?}");
        self.seal.line(&record)
    }
}

/// Six requests, each with another outcome, have 23 entries.
fn requests(entries: usize) -> usize {
    entries * 6 / 23
}

/// The same log as a segment from its first entry on.
fn write_segment(folder: &Path, entries: usize) -> anyhow::Result<()> {
    let requests = requests(entries);
    let mut seal = Seal::default();
    story::each_record(requests, &mut |record| drop(seal.line(record)));
    let (size, checkpoint, vkey) = (seal.seal.tree.size(), seal.seal.checkpoint(), story::vkey().to_string());
    let (login, origin) = ("acme".to_owned(), story::ORIGIN.to_owned());
    let log = LogHead { tenant: 1, login, origin, vkey, next_vkey: None, size, checkpoint: checkpoint.clone() };
    let span = Span { from: 0, to: size, checkpoint, checkpoint_prev: None, extra: Vec::new() };
    let mut writer = Writer::begin(&log, span, folder)?;
    let (mut seal, mut written) = (Seal::default(), Ok(()));
    story::each_record(requests, &mut |record| {
        if written.is_ok() {
            written = writer.push(&seal.line(record));
        }
    });
    written?;
    writer.entries_end()?;
    let (mut seal, mut written, mut first, mut page) = (Seal::default(), Ok(()), 0, Vec::new());
    story::each_record(requests, &mut |record| {
        page.push(seal.line(record));
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
    let mut seal = Seal::default();
    story::each_record(requests, &mut |record| drop(seal.line(record)));
    let (checkpoint, key) = (seal.seal.checkpoint(), story::vkey());
    let mut sink = Directory::create(folder)?;
    let mut exporter = Exporter::begin(&mut sink, &key, &checkpoint)?;
    let (mut seal, mut pushed) = (Seal::default(), Ok(()));
    story::each_record(requests, &mut |record| {
        if pushed.is_ok() {
            pushed = exporter.push(&seal.line(record));
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
    let most = processes::most_memory(command.stdin(Stdio::null()).stdout(Stdio::null())).await?;
    Ok((began.elapsed(), most))
}

pub async fn run(size: Size, runs: usize, report: &mut Report) -> anyhow::Result<()> {
    let root = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR"))?;
    let [long, short, segment] = ["long", "short", "segment"].map(|name| root.path().join(name));
    write_segment(&segment, size.of(1_000_000, 30_000)).context("cannot make a long segment")?;
    let entries = export(&long, size.of(1_000_000, 30_000)).context("cannot make a long ledger")?;
    export(&short, size.of(100_000, 3_000)).context("cannot make a short ledger")?;
    for _ in 0..runs {
        let seconds = |took: Duration| took.as_secs_f64() * 1e6 / entries as f64;
        let (took, most) = verify(&long, "0,1").await?;
        report.add(
            "ledger verify, 1,000,000 sealed entries, from an export, both cores",
            "s",
            AtMost(4.0),
            seconds(took),
        );
        report.add("… memory at most", "MiB", AtMost(64.0), most);
        report.add("… on one core", "s", Known, seconds(verify(&long, "0").await?.0));
        let (took, most) = verify(&segment, "0,1").await?;
        report.add("… as the segment of a release, both cores", "s", AtMost(4.0), seconds(took));
        report.add("… the segment: memory at most", "MiB", AtMost(64.0), most);
        report.add("… memory at most with a tenth of the entries", "MiB", Known, verify(&short, "0,1").await?.1);
    }
    Ok(())
}
