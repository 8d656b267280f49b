//! A ledger as a release carries it: segments of flat files, each good for itself.
use std::fs;
use std::path::Path;

use seconder::artifact::Target;
use seconder::artifact::segment::{Asset, Span, Writer};
use seconder::cli::ledger::verify::at_once;
use seconder::ledger::SigningKey;
use seconder::ledger::verify::Trust;
use seconder::ledger::verify::past::Past;
use seconder::ledger::verify::refusal::Refusal;
use seconder::ledger::verify::report::Report;
use seconder::store::LogHead;
use tempfile::TempDir;

use super::ledger_verify::keys::checkpoint;
use super::ledger_verify::story::{ORIGIN, Story, key, vkey};
use crate::support::verified;

mod files;
mod keys;
mod mutations;
mod others_tools;
mod targets;

/// Writes the segment of `story` that begins where `before` ends.
pub fn write(story: &Story, before: Option<&Story>, folder: &Path) -> Vec<Asset> {
    let note = |story: &Story| checkpoint(story, &[&key()]);
    write_signed(story, before.map(|before| (before, note(before))), note(story), &key(), folder)
}

/// The same with these checkpoints, where this key is the log's own.
fn write_signed(
    story: &Story,
    before: Option<(&Story, String)>,
    checkpoint: String,
    own: &SigningKey,
    folder: &Path,
) -> Vec<Asset> {
    let lines = story.lines();
    let size = lines.len() as u64;
    let (login, origin, vkey) = ("acme".into(), ORIGIN.into(), own.verifier().to_string());
    let log = LogHead { tenant: 1, login, origin, vkey, next_vkey: None, size, checkpoint: checkpoint.clone() };
    let from = before.as_ref().map_or(0, |(before, _)| before.records.len() as u64);
    let checkpoint_prev = before.map(|(_, checkpoint)| checkpoint);
    let span = Span { from, to: size, checkpoint, checkpoint_prev, extra: Vec::new() };
    let mut writer = Writer::begin(&log, span, folder).unwrap();
    lines.iter().for_each(|line| writer.push(line).unwrap());
    writer.entries_end().unwrap();
    let first = from / 256 * 256;
    writer.receipts(first, &lines[first as usize..]).unwrap();
    writer.finish().unwrap()
}

pub fn check(target: &Path, old: &[&str]) -> Result<Report, Refusal> {
    let trust = Trust { key: &vkey(), old, seen: None, witnesses: None };
    Target::open(target)?.verify(&mut Past::default(), trust, &at_once, &mut |_, _| {})
}

/// The first `entries` entries of a log.
pub fn cut(story: &Story, entries: usize) -> Story {
    Story { records: story.records[..entries].to_vec() }
}

#[test]
fn a_segment_written_again_is_the_same_to_the_last_byte() {
    let (one, other) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    let (story, before) = (Story::of(120), Story::of(70));
    let assets = write(&story, Some(&before), one.path());
    assert_eq!(assets, write(&story, Some(&before), other.path()));
    assert_eq!(files::Files::read(one.path()), files::Files::read(other.path()));
    let names: Vec<&str> = assets.iter().map(|asset| asset.name.as_str()).collect();
    let entries = format!("entries-{}-{}.jsonl.gz", before.records.len(), story.records.len());
    let all = "MANIFEST.sha256 VERIFY.md checkpoint checkpoint.prev consistency.add-checkpoint decisions.csv ENTRIES \
               exceptions.csv frontier log.pub.pem log.vkey receipts.tar tiles.tar";
    assert_eq!(names.join(" "), all.replace("ENTRIES", &entries));
    for asset in &assets {
        assert_eq!(asset.bytes, fs::metadata(one.path().join(&asset.name)).unwrap().len(), "{}", asset.name);
    }
}

#[test]
fn segments_that_begin_and_end_anywhere_are_believed_alone() {
    let story = Story::of(150);
    let size = story.records.len();
    for (from, to) in
        [(0, 1), (0, 256), (1, 2), (200, 300), (255, 256), (256, 257), (256, size), (257, 512), (500, size)]
    {
        let folder = TempDir::new().unwrap();
        let before = (from > 0).then(|| cut(&story, from));
        write(&cut(&story, to), before.as_ref(), folder.path());
        let report = check(folder.path(), &[]).unwrap_or_else(|refusal| panic!("{from} to {to}: {refusal}"));
        assert_eq!((report.from, report.size), (from as u64, to as u64));
        assert_eq!(report.entries.values().sum::<u64>(), (to - from) as u64);
        assert!(report.unvouched.is_empty());
    }
}

#[test]
fn older_checkpoints_from_before_within_and_at_the_end_of_a_segment_are_continued() {
    let (story, folder) = (Story::of(150), TempDir::new().unwrap());
    write(&story, Some(&cut(&story, 300)), folder.path());
    for size in [1, 255, 256, 299, 300, 301, story.records.len()] {
        let old = cut(&story, size).checkpoint();
        assert_eq!(check(folder.path(), &[&old]).unwrap().continues, Some(size as u64));
    }
    let mut rewritten = story.clone();
    let request = super::ledger_verify::story::request(0);
    rewritten.set(&request, seconder::ledger::RecordType::RequestOpened, "/environment", "staging".into());
    for size in [100, 299, 301] {
        let refusal = check(folder.path(), &[&cut(&rewritten, size).checkpoint()]).unwrap_err();
        assert!(refusal.to_string().contains("fork"), "{size}: {refusal}");
    }
    let refusal = check(folder.path(), &[&Story::of(160).checkpoint()]).unwrap_err();
    assert!(refusal.to_string().contains("rollback"), "{refusal}");
}

#[test]
fn what_was_opened_before_a_segment_is_judged_as_far_as_it_can_be_and_counted() {
    use super::ledger_verify::story::request;
    use seconder::ledger::RecordType::*;
    let (mut story, id) = (Story::of(150), request(60));
    let opened = story.place(&id, RequestOpened);
    let folder = TempDir::new().unwrap();
    write(&story, Some(&cut(&story, opened + 1)), folder.path());
    let report = check(folder.path(), &[]).unwrap();
    assert_eq!(report.opened_before, 1);
    assert_eq!(report.outcomes["approved"], 15, "it is decided in the segment and has its receipt there");
    let decided = fs::read_to_string(folder.path().join("decisions.csv")).unwrap();
    let row = decided.lines().find(|row| row.contains(&id)).unwrap();
    assert!(row.contains(&format!(",{id},,,,,,,,,approved,,7,check_run,1 of 1,")), "{row}");

    let again = story.record(&id, RequestOpened).body.clone();
    let mut rejudged = story.clone();
    rejudged.insert_after(&id, RequestOpened, RequestRejudged, again.into());
    let folder = TempDir::new().unwrap();
    write(&rejudged, Some(&cut(&story, opened + 1)), folder.path());
    check(folder.path(), &[]).unwrap();
    let decided = fs::read_to_string(folder.path().join("decisions.csv")).unwrap();
    let row = decided.lines().find(|row| row.contains(&id)).unwrap();
    assert!(row.contains(&format!(",{id},acme/shop,production,")), "what it is about, that tells: {row}");
    assert!(row.contains(&format!(",{},,2", "c".repeat(40))), "and not when it was opened: {row}");

    story.set(&id, DecisionRecorded, "/approvers/0/kind", "Bot".into());
    let folder = TempDir::new().unwrap();
    write(&story, Some(&cut(&story, opened + 1)), folder.path());
    let refusal = check(folder.path(), &[]).unwrap_err();
    assert!(refusal.to_string().contains("only a person (User) can second"), "{refusal}");
}

#[test]
fn a_segment_that_was_cut_within_any_step_of_a_request_is_believed() {
    use super::ledger_verify::story::request;
    use seconder::ledger::RecordType::*;
    let story = Story::of(150);
    for kind in [RequestOpened, AttemptRefused, ReviewRecorded, DecisionRecorded, CallbackSent, CallbackResult] {
        let (at, folder) = (story.place(&request(60), kind), TempDir::new().unwrap());
        write(&story, Some(&cut(&story, at + 1)), folder.path());
        let report = check(folder.path(), &[]).unwrap_or_else(|refusal| panic!("after {kind}: {refusal}"));
        assert_eq!(report.opened_before, u64::from(kind != CallbackResult), "after {kind}");
        assert_eq!(report.pending, 0, "the one that waits was opened before and is not heard of");
    }
}

#[test]
fn times_that_run_backwards_where_a_segment_begins_are_told() {
    use super::ledger_verify::story::request;
    use seconder::ledger::RecordType::CallbackResult;
    let (mut story, id) = (Story::of(60), request(30));
    let border = story.place(&id, CallbackResult);
    story.add(&id, CallbackResult, "time", 1_763_769_600_000_u64.into());
    let (one, other) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    let before = cut(&story, border);
    write(&before, None, one.path());
    write(&story, Some(&before), other.path());
    let reports = verified(&[one.path().to_owned(), other.path().to_owned()], &vkey().to_string()).unwrap();
    let told: Vec<bool> = reports
        .iter()
        .map(|it| it.warnings.iter().any(|said| said.starts_with("times run backwards: 1 entry")))
        .collect();
    assert_eq!(told, [false, true]);
}
