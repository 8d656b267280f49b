//! Every way to change a segment is refused, and the message says what is wrong.

use tempfile::TempDir;

use super::files::Files;
use super::{check, cut, write};
use crate::ledger_verify::story::Story;

mod manifest;
mod rules;
mod signed;

/// Where the segment begins: within a tile, between two requests.
const FROM: usize = 300;

fn segment_of(story: &Story, before: &Story) -> Files {
    let folder = TempDir::new().unwrap();
    write(story, Some(before), folder.path());
    Files::read(folder.path())
}

fn honest() -> Files {
    let story = Story::of(250);
    segment_of(&story, &cut(&story, FROM))
}

fn assert_refused(what: &str, files: &Files, reason: &str) {
    let folder = TempDir::new().unwrap();
    files.write(folder.path());
    let message = match check(folder.path(), &[]) {
        Ok(_) => panic!("{what}: the segment was believed"),
        Err(refusal) => refusal.to_string(),
    };
    assert!(message.contains(reason), "{what}:\n  said: {message}\n  not:  {reason}");
}

type Change = fn(&mut Files);
