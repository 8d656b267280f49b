//! Whose word is taken away, and why; what GitHub is told, and what it was told.
use seconder::ledger::RecordType::*;
use serde_json::{Value, json};

use super::story::{Story, person, request};
use super::{assert_refused, check};

/// The first request with an approval that is struck for this, and somebody else's.
fn struck(why: Value) -> Story {
    let (mut story, id) = (Story::of(12), request(0));
    let mut other = Value::Object(story.record(&id, ReviewRecorded).body.clone());
    other["reviewer"] = person(8);
    story.insert_after(&id, RequestOpened, ReviewStruck, json!({"reviewer": person(8), "why": why}));
    story.insert_after(&id, RequestOpened, ReviewRecorded, other);
    story
}

#[test]
fn an_approval_is_struck_only_for_what_its_reviewer_has_become() {
    for honest in ["no_access", "party", "not_human", "not_an_approver", "not_sure_enough"] {
        check(&struck(json!([{"refusal": honest}])).export(), None).expect(honest);
    }
    let omitted = json!({"omitted": "too long for an entry", "bytes": 70_000, "sha256": "0".repeat(64)});
    check(&struck(omitted).export(), None).expect("facts that made somebody a party may be very many");
    for click in ["closed", "saw_another", "already_approved"] {
        let reason = format!("review.struck strikes an approval for {click}");
        assert_refused(click, &struck(json!([{"refusal": "no_access"}, {"refusal": click}])).export(), None, &reason);
    }
    assert_refused("for nothing", &struck(json!([])).export(), None, "it does not say why the word of its reviewer");
    assert_refused("a whim", &struck(json!([{"refusal": "whim"}])).export(), None, "why: unknown variant `whim`");
    assert_refused("a word", &struck(json!("no_access")).export(), None, "why: invalid type");
    let mut story = struck(json!([{"refusal": "no_access"}]));
    story.remove(&request(0), ReviewRecorded);
    assert_refused("nothing to strike", &story.export(), None, "strikes an approval of 8, who has none that stands");
}

#[test]
fn whoever_is_refused_is_told_why() {
    for (why, reason) in [
        (json!([]), "it does not say why the word of its reviewer does not count"),
        (json!([{"refusal": "whim"}]), "why: unknown variant `whim`"),
    ] {
        let mut story = Story::of(12);
        story.set(&request(0), AttemptRefused, "/why", why);
        assert_refused("refused", &story.export(), None, reason);
    }
}

#[test]
fn nobody_is_told_of_a_run_that_is_over_and_what_github_was_told_is_what_was_sent() {
    let id = request(0);
    for status in ["waiting", "in_progress", ""] {
        let mut story = Story::of(12);
        story.set(&id, CallbackSent, "/attempt_checked/status", json!(status));
        check(&story.export(), None).expect("GitHub has many words for what goes on");
    }
    let mut story = Story::of(12);
    story.set(&id, CallbackSent, "/attempt_checked/status", json!("completed"));
    assert_refused("over", &story.export(), None, "callback.sent says that the run was completed");
    let mut story = Story::of(12);
    story.set(&id, CallbackResult, "/state", json!("rejected"));
    let reason = "callback.result says that GitHub was told rejected, but the decision was approved";
    assert_refused("another answer", &story.export(), None, reason);
    let mut late = Story::of(12);
    let result = late.remove(&id, CallbackResult);
    late.records.push(result);
    check(&late.export(), None).unwrap();
    late.set(&id, CallbackResult, "/state", json!("rejected"));
    assert_refused("late, and another", &late.export(), None, reason);
}
