//! What makes attribution hard, told case by case: who is called what, where marks stand, what is quoted, what sentences mean, and what
//! surrounds a commit.

use seconder::domain::attribution::{Attribution, Certainty, attribute};

use crate::support::commits::commit;

mod around;
mod denials;
mod names;
mod namesakes;
mod phrases;
mod quotes;
mod sentences;
mod subjects;
mod trailers;

const ANN: &str = "Ann Lee <ann@example.com>";

/// What Ann's commit with that message is.
fn says(message: &str) -> Option<Attribution> {
    attribute(&commit(ANN, message), &[])
}

/// What Ann's commit is that has that text below its subject and a sentence.
fn body(text: &str) -> Option<Attribution> {
    says(&format!("Add retries\n\nBecause the network is flaky.\n\n{text}\n"))
}

#[track_caller]
fn is_by(found: Option<Attribution>, agent: &str, certainty: Certainty, case: &str) {
    let found = found.unwrap_or_else(|| panic!("nothing found in: {case}"));
    assert_eq!((found.agent.as_str(), found.certainty), (agent, certainty), "{case}: {:?}", found.evidence);
}
