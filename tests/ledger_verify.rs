//! An auditor checks a ledger: an honest one passes, and every way to cheat is refused with the reason.

use seconder::cli::ledger::verify::at_once;
use seconder::ledger::verify::past::Past;
use seconder::ledger::verify::refusal::Refusal;
use seconder::ledger::verify::report::Report;
use seconder::ledger::verify::{Trust, verify};
use story::{Memory, Story, vkey};

mod again;
mod audited;
mod believed;
mod checkpoints;
mod command;
mod decisions;
mod deployments;
mod files;
mod happenings;
pub mod keys;
mod leaving;
pub mod others_tools;
mod outcomes;
mod policies;
mod published;
mod refusals;
mod rules;
mod servers;
pub mod story;
mod witnesses;

fn check(ledger: &Memory, old: Option<&str>) -> Result<Report, Refusal> {
    let entries = ledger.files["entries.jsonl"].as_slice();
    let old: Vec<&str> = old.into_iter().collect();
    let trust = Trust { key: &vkey(), old: &old, seen: None, witnesses: None };
    verify(ledger, entries, &mut Past::default(), trust, &at_once, &mut |_, _| {})
}

/// 120 requests: about 500 entries, two tiles.
fn honest() -> Story {
    Story::of(120)
}

fn assert_refused(what: &str, ledger: &Memory, old: Option<&str>, reason: &str) {
    let message = match check(ledger, old) {
        Ok(_) => panic!("{what}: the ledger was believed"),
        Err(refusal) => refusal.to_string(),
    };
    assert!(message.contains(reason), "{what}:\n  said: {message}\n  not:  {reason}");
}
