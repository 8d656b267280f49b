//! Decisions and what may come after them: taken back, judged again, made anew, and never twice.

use seconder::ledger::RecordType::*;
use serde_json::json;

use super::story::{Record, Story, person, request, review};
use super::{assert_refused, check, honest};

/// A moment after the first requests.
const LATER: u64 = 1_763_769_610_000;

#[test]
fn a_request_decided_twice_with_its_whole_life_in_between_is_refused() {
    let mut story = honest();
    let second_life: Vec<_> = story.records.iter().filter(|r| r.corr == Some(request(0))).cloned().collect();
    story.records.extend(second_life);
    assert_refused("decided twice", &story.export(), None, "the request is decided twice");
}

#[test]
fn what_comes_late_to_a_settled_request_is_checked_against_its_receipt() {
    let (approved, superseded) = (request(0), request(4));
    let mut story = honest();
    let refused = story.record(&approved, AttemptRefused).clone();
    let answer = story.record(&approved, CallbackResult).clone();
    let late_click = Record { corr: Some(superseded), ..refused.clone() };
    story.records.extend([refused, late_click]);
    check(&story.export(), None).unwrap();

    let mut again = story.clone();
    again.records.push(answer);
    assert_refused("a late answer", &again.export(), None, "callback.result comes after GitHub answered");
    let mut lying = story.record(&approved, CallbackSent).clone();
    lying.body.insert("state".into(), json!("rejected"));
    story.records.push(lying);
    assert_refused("a late lie", &story.export(), None, "says rejected, but the decision was approved");
}

/// The decision about the first approved request is taken back, because it is judged again; then it is made anew.
fn second_thoughts() -> (Story, String) {
    let mut story = honest();
    let request = story
        .records
        .iter()
        .find(|r| r.record_type == DecisionRecorded && r.body["outcome"] == "approved")
        .and_then(|r| r.corr.clone())
        .unwrap();
    let decision = serde_json::Value::Object(story.record(&request, DecisionRecorded).body.clone());
    let digest = decision["request_digest"].clone();
    let mut again = story.record(&request, RequestOpened).body.clone();
    again.insert("time".into(), json!(LATER));
    story.insert_after(&request, DecisionRecorded, DecisionRecorded, decision);
    story.insert_after(&request, DecisionRecorded, RequestRejudged, again.into());
    let voided = json!({ "request_digest": digest, "why": "judged_again", "time": LATER });
    story.insert_after(&request, DecisionRecorded, DecisionVoided, voided);
    (story, request)
}

#[test]
fn a_decision_may_be_taken_back_before_it_leaves_and_made_anew() {
    let (story, request) = second_thoughts();
    let report = check(&story.export(), None).unwrap();
    assert_eq!(report.outcomes, check(&honest().export(), None).unwrap().outcomes, "each request is counted once");

    let mut pending = story.clone();
    let last =
        pending.records.iter().rposition(|r| r.corr.as_deref() == Some(&request) && r.record_type == DecisionRecorded);
    pending.records.remove(last.unwrap());
    pending.remove(&request, CallbackSent);
    pending.remove(&request, CallbackResult);
    assert_eq!(check(&pending.export(), None).unwrap().pending, check(&story.export(), None).unwrap().pending + 1);
}

#[test]
fn a_decision_that_has_left_cannot_be_taken_back() {
    let (mut story, request) = second_thoughts();
    let voided = story.remove(&request, DecisionVoided);
    let sent = story.place(&request, CallbackSent);
    story.records.insert(sent + 1, voided);
    let again = story.place(&request, DecisionRecorded);
    story.records.remove(again);
    // Whoever exports it leaves out the receipt of what was taken back, and the verifier misses it before GitHub is told.
    assert_refused("voided after callback.sent", &story.export(), None, "receipts/req-00000.json is missing");
}

#[test]
fn a_decision_cannot_lower_the_quorum_that_was_opened() {
    let mut story = Story::of(12);
    let id = request(0);
    let opened = story.record(&id, RequestOpened);
    opened.body.insert(
        "quorum".into(),
        json!([{ "rule": "built-in", "from": "writers", "members": [], "need": 3, "extra": 2 }]),
    );
    assert_refused("three were asked for, one came", &story.export(), None, "counts against a lower quorum");
}

#[test]
fn what_a_rule_holds_cannot_be_not_required() {
    let mut story = Story::of(12);
    story.set(&request(3), RequestOpened, "/matched_rules", json!(["production: anyone"]));
    story.set(
        &request(3),
        RequestOpened,
        "/quorum",
        json!([{"rule": "production: anyone", "from": "writers", "need": 1}]),
    );
    assert_refused("no human was asked", &story.export(), None, "decided not_required, but a rule matched");
    let mut story = Story::of(12);
    story.set(&request(3), RequestOpened, "/ai_commits", json!(5));
    assert_refused("no rule matched", &story.export(), None, "ai_commits says 5, but 0 of its commits have an agent");
}

#[test]
fn a_denial_cannot_be_struck() {
    let mut story = Story::of(12);
    let id = request(0);
    let who = json!({ "reviewer": person(8), "why": [{ "refusal": "no_access" }] });
    story.insert_after(&id, RequestOpened, ReviewStruck, who);
    story.insert_after(&id, RequestOpened, ReviewRecorded, review(&id, 8, "deny"));
    assert_refused("a denial struck", &story.export(), None, "strikes an approval of 8, who has none that stands");
    story.remove(&id, ReviewStruck);
    assert_refused("a denial", &story.export(), None, "approved although 8 denied");
}

/// The first approved request is judged again after it was opened: the same entry once more, under another name.
pub(super) fn judged_again(change: impl FnOnce(&mut serde_json::Map<String, serde_json::Value>)) -> (Story, String) {
    let (mut story, request) = (Story::of(12), request(0));
    let mut body = story.record(&request, RequestOpened).body.clone();
    change(&mut body);
    story.insert_after(&request, RequestOpened, RequestRejudged, serde_json::Value::Object(body));
    (story, request)
}

#[test]
fn what_is_judged_again_is_what_was_opened() {
    check(&judged_again(|_| ()).0.export(), None).unwrap();
    for field in ["head_sha", "environment", "repository", "run"] {
        let (story, _) = judged_again(|body| {
            body.insert(field.into(), json!("another"));
            if field == "head_sha" {
                body.insert("commits".into(), json!([{"sha": "another", "gated": true, "agent": "claude-code"}]));
            }
        });
        assert_refused(field, &story.export(), None, "request.rejudged is about another");
    }
}

#[test]
fn a_denial_is_not_forgotten_by_judging_again_nor_by_taking_it_back() {
    let (mut story, id) = judged_again(|body| drop(body.remove("denied_by")));
    story.record(&id, RequestOpened).body.insert("denied_by".into(), json!(["production"]));
    assert_refused("a rule denied", &story.export(), None, "approved although a rule denies it");

    let (mut story, request) = second_thoughts();
    let first = story.record(&request, DecisionRecorded);
    first.body.insert("outcome".into(), json!("expired"));
    first.body.remove("approvers");
    first.body["quorum"][0]["have"] = json!(0);
    let mut review = story.remove(&request, ReviewRecorded);
    let judged_again = story.place(&request, RequestRejudged);
    review.body.insert("time".into(), json!(LATER));
    story.records.insert(judged_again + 1, review);
    assert_refused("expired, then approved", &story.export(), None, "or it was rejected before");
}
