//! An honest ledger is believed, of any size.

use super::story::Story;
use super::{check, honest};

#[test]
fn an_honest_ledger_is_believed_and_its_content_counted() {
    let story = honest();
    let report = check(&story.export(), Some(&Story::of(50).checkpoint())).unwrap();
    assert_eq!(report.size, story.records.len() as u64);
    assert_eq!((report.requests(), report.decisions(), report.pending), (120, 119, 1));
    assert_eq!(report.outcomes["approved"], 20);
    assert_eq!(report.continues, Some(Story::of(50).records.len() as u64));
}

#[test]
fn ledgers_of_every_size_around_the_edges_of_tiles_are_believed() {
    let story = honest();
    for size in [1, 2, 3, 7, 8, 9, 255, 256, 257, 300] {
        let shorter = Story { records: story.records[..size].to_vec() };
        let report = check(&shorter.export(), Some(&shorter.checkpoint())).unwrap();
        assert_eq!(report.size, size as u64);
    }
}
