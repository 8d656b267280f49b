//! How fast a ledger is written out and verified: `cargo run --release --example ledger_rate -- REQUESTS [FOLDER]`.
//!
//! Entries are made, exported and verified on one thread, from and to real files; 261,000 requests are 1,000,501 entries.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout, dead_code)]
use std::fs::{self, File};
use std::io::BufReader;
use std::path::PathBuf;
use std::time::Instant;

use seconder::cli::ledger::directory::Directory;
use seconder::ledger::export::Exporter;
use seconder::ledger::verify::{Trust, verify};

#[path = "../tests/ledger_verify/story.rs"]
mod story;

fn main() {
    let mut arguments = std::env::args().skip(1);
    let requests: usize = arguments.next().map_or(261_000, |n| n.parse().expect("REQUESTS is a number"));
    let folder = arguments.next().map_or_else(|| std::env::temp_dir().join("ledger_rate"), PathBuf::from);
    let key = story::vkey();
    if !folder.exists() {
        write(requests, &folder);
    }
    for _ in 0..3 {
        let started = Instant::now();
        let entries = File::open(folder.join("entries.jsonl")).unwrap();
        let directory = Directory::open(&folder);
        let trust = Trust { key: &key, old: None };
        let report = verify(&directory, BufReader::with_capacity(1 << 18, entries), trust, &mut |_, _| {}).unwrap();
        let rate = report.size as f64 / started.elapsed().as_secs_f64();
        println!(
            "verified {} entries, {} receipts: {rate:.0} entries/s; peak memory {}",
            report.size,
            report.decisions(),
            peak()
        );
    }
}

fn write(requests: usize, folder: &std::path::Path) {
    let key = story::vkey();
    // The checkpoint is needed first, so the story is told twice; it is too long to keep.
    let mut seal = story::Seal::default();
    story::each_record(requests, &mut |record| drop(seal.line(&record)));
    let checkpoint = seal.checkpoint();
    let started = Instant::now();
    let mut directory = Directory::create(folder).unwrap();
    let mut exporter = Exporter::begin(&mut directory, &key, &checkpoint).unwrap();
    let mut seal = story::Seal::default();
    story::each_record(requests, &mut |record| exporter.push(&seal.line(&record)).unwrap());
    let exported = exporter.finish().unwrap();
    let rate = exported.entries as f64 / started.elapsed().as_secs_f64();
    let bytes = fs::metadata(folder.join("entries.jsonl")).unwrap().len();
    println!(
        "sealed and exported {} entries of {} bytes: {rate:.0} entries/s",
        exported.entries,
        bytes / exported.entries
    );
}

/// The most memory this process ever had, as Linux tells it.
fn peak() -> String {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.map_or("unknown".to_owned(), |line| line.trim().to_owned())
}
