//! What an entry says was published is what this log had then.
use seconder::ledger::RecordType::*;
use serde_json::{Value, json};

use super::story::{Record, Story};
use super::{assert_refused, check, honest};

/// A story that goes on after so many entries of it were published, with this root.
fn published(from: u64, to: u64, root: Value) -> Story {
    let mut story = honest();
    let body =
        json!({"tag": "t", "release_id": 1, "from": from, "to": to, "root": root, "immutable": true, "assets": []});
    let Value::Object(body) = body else { unreachable!() };
    story.records.push(Record { record_type: LedgerPublished, corr: None, body });
    story
}

/// The root of the first entries.
fn root(size: usize) -> Value {
    let mut story = honest();
    story.records.truncate(size);
    story.checkpoint().lines().nth(2).unwrap().into()
}

#[test]
fn what_was_published_has_the_root_that_the_log_had_then() {
    let all = honest().records.len() as u64;
    for to in [1, 255, 256, 257, 300, all] {
        check(&published(0, to, root(to as usize)).export(), None).unwrap();
        let reason = format!("says that {to} entries were published with another root than");
        assert_refused("another", &published(0, to, root(2)).export(), None, &reason);
    }
    for (from, to) in [(5, 5), (5_000, 10), (0, all + 1)] {
        let reason = format!("says that the entries from {from} to {to} were published: there must be some");
        assert_refused("ahead", &published(from, to, root(5)).export(), None, &reason);
    }
    assert_refused("no root", &published(0, 5, json!("zz")).export(), None, "root: not a hash");
}
