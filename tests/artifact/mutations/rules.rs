//! Everything signed: a rule that is broken within a segment, and what nobody signs.

use seconder::ledger::RecordType::*;
use serde_json::json;
use tempfile::TempDir;

use super::{FROM, assert_refused, honest, segment_of};
use crate::artifact::{check, cut};
use crate::ledger_verify::story::{Story, request};

#[test]
fn a_rule_broken_within_a_segment_is_refused_although_everything_is_signed() {
    let id = request(120);
    for (what, change, reason) in [
        (
            "a party as approver",
            Box::new(|story: &mut Story| {
                story.set(&id, ReviewRecorded, "/reviewer/id", json!(2));
                story.set(&id, DecisionRecorded, "/approvers/0/id", json!(2));
            }) as Box<dyn Fn(&mut Story)>,
            "the reviewer 2 had a part in the request",
        ),
        (
            "released before decided",
            Box::new(|story| {
                let (decision, callback) = (story.place(&id, DecisionRecorded), story.place(&id, CallbackSent));
                story.records.swap(decision, callback);
            }),
            "callback.sent comes before decision.recorded",
        ),
        (
            "a grant used twice",
            Box::new(|story| {
                let again = story.record(&id, CallbackSent).clone();
                story.records.push(again);
            }),
            "callback.sent comes after GitHub answered",
        ),
        (
            "a grant used for another attempt",
            Box::new(|story| story.set(&id, CallbackSent, "/attempt_checked/attempt", json!(2))),
            "callback.sent is for attempt 2 of the run",
        ),
        (
            "a genesis in the middle",
            Box::new(|story| {
                let genesis = story.records[0].clone();
                story.records.push(genesis);
            }),
            "the first entry must be ledger.genesis, and no other may be",
        ),
    ] {
        let mut story = Story::of(250);
        change(&mut story);
        assert_refused(what, &segment_of(&story, &cut(&story, FROM)), reason);
    }
}

#[test]
fn what_was_decided_before_a_segment_leaves_within_it_once() {
    let (honest, id) = (Story::of(150), request(60));
    let before = cut(&honest, honest.place(&id, DecisionRecorded) + 1);
    let reasons = ["callback.sent comes twice for one decision", "callback.sent comes after GitHub answered"];
    for (after, reason) in [CallbackSent, CallbackResult].into_iter().zip(reasons) {
        let mut story = honest.clone();
        let again = story.record(&id, CallbackSent).body.clone();
        story.insert_after(&id, after, CallbackSent, again.into());
        let what = format!("once more after {after}");
        assert_refused(&what, &segment_of(&story, &before), reason);
    }
}

#[test]
fn what_nobody_signs_is_named_as_that_and_not_refused() {
    let mut files = honest();
    files.put("VERIFY.md", "Just trust us.\n");
    files.put("witness.policy", "quorum none\n");
    files.manifest_again();
    let folder = TempDir::new().unwrap();
    files.write(folder.path());
    assert_eq!(check(folder.path(), &[]).unwrap().unvouched, ["VERIFY.md", "witness.policy"]);
}
