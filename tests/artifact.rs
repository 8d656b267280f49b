//! A ledger as a release carries it: segments of flat files, each good for itself.
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use seconder::artifact::segment::{Asset, Span, Writer};
use seconder::store::LogHead;
use tempfile::TempDir;

use super::ledger_verify::story::{ORIGIN, Story, vkey};

/// Writes the segment of `story` that begins where `before` ends.
pub fn write(story: &Story, before: Option<&Story>, folder: &Path) -> Vec<Asset> {
    let (lines, checkpoint) = (story.lines(), story.checkpoint());
    let size = lines.len() as u64;
    let log = LogHead {
        next_vkey: None,
        tenant: 1,
        login: "acme".into(),
        origin: ORIGIN.into(),
        vkey: vkey().to_string(),
        size,
        checkpoint: checkpoint.clone(),
    };
    let from = before.map_or(0, |before| before.records.len() as u64);
    let checkpoint_prev = before.map(Story::checkpoint);
    let span = Span { from, to: size, checkpoint, checkpoint_prev, extra: Vec::new() };
    let mut writer = Writer::begin(&log, span, folder).unwrap();
    lines.iter().for_each(|line| writer.push(line).unwrap());
    writer.entries_end().unwrap();
    let first = from / 256 * 256;
    writer.receipts(first, &lines[first as usize..]).unwrap();
    writer.finish().unwrap()
}

fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let entries = fs::read_dir(folder).unwrap().map(Result::unwrap);
    entries.map(|it| (it.file_name().into_string().unwrap(), fs::read(it.path()).unwrap())).collect()
}

#[test]
fn a_segment_written_again_is_the_same_to_the_last_byte() {
    let (one, other) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    let (story, before) = (Story::of(120), Story::of(70));
    let assets = write(&story, Some(&before), one.path());
    assert_eq!(assets, write(&story, Some(&before), other.path()));
    assert_eq!(files(one.path()), files(other.path()));
    let names: Vec<&str> = assets.iter().map(|asset| asset.name.as_str()).collect();
    let entries = format!("entries-{}-{}.jsonl.gz", before.records.len(), story.records.len());
    assert_eq!(
        names,
        [
            "MANIFEST.sha256",
            "VERIFY.md",
            "checkpoint",
            "checkpoint.prev",
            "consistency.add-checkpoint",
            "decisions.csv",
            &entries,
            "exceptions.csv",
            "frontier",
            "log.pub.pem",
            "log.vkey",
            "receipts.tar",
            "tiles.tar",
        ]
    );
}
