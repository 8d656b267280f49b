//! What a revert quotes of the message that it takes back.

use std::ops::Range;

use super::lookup::starts_with;
use super::trailers::first_line;

/// The parts of a message that are the reverted commit's. git says `This reverts commit …` and GitHub `Reverts acme/shop#12` behind what
/// they quote; people paste it behind that, too, from its subject on. Where neither line is nobody can tell whose the text is.
pub(super) fn quoted(text: &str) -> Vec<Range<usize>> {
    if !starts_with(text, "revert") {
        return Vec::new();
    }
    let (title, mut rest) = first_line(text);
    let title = title.split_once('"').and_then(|(_, title)| title.rsplit_once('"')).map(|(title, _)| title);
    let (mut said_at, mut pasted_at) = (None, None);
    while !rest.is_empty() {
        let at = text.len() - rest.len();
        let line;
        (line, rest) = first_line(rest);
        if said_at.is_none() && says_so(line) {
            said_at = Some(at);
        } else if said_at.is_some() && title.is_some_and(|title| line.trim() == title) {
            pasted_at = Some(at);
            break;
        }
    }
    let until = said_at.or(title.map(|_| text.len())).unwrap_or(0);
    [Some(0..until), pasted_at.map(|at| at..text.len())].into_iter().flatten().collect()
}

/// `This reverts commit 4f1c0de.`, `Reverts acme/shop#12`: whoever reverts speaks.
fn says_so(line: &str) -> bool {
    let line = line.trim_start();
    line.starts_with("This reverts ") || line.starts_with("Reverts ") || line.contains("This reverts commit ")
}
