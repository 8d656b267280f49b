//! A decision tells all of what led to it, and nothing else; and whoever denies is not passed over.
use seconder::ledger::RecordType::*;
use serde_json::{Value, json};

use super::story::{DAY, Story, digest, person, request, review};
use super::{assert_refused, check};

/// The first request, which two have approved.
fn by_two() -> Story {
    let (mut story, id) = (Story::of(12), request(0));
    story.insert_after(&id, ReviewRecorded, ReviewRecorded, review(&id, 8, "approve"));
    story.set(&id, RequestOpened, "/quorum/0/need", json!(2));
    story.set(&id, DecisionRecorded, "/quorum/0/need", json!(2));
    story.set(&id, DecisionRecorded, "/quorum/0/have", json!(2));
    story.set(&id, DecisionRecorded, "/approvers", json!([person(7), person(8)]));
    story
}

#[test]
fn all_who_approved_are_named_in_their_order() {
    check(&by_two().export(), None).unwrap();
    let reason = "does not name as approvers exactly those whose approvals stand, in their order";
    let mut story = by_two();
    story.set(&request(0), DecisionRecorded, "/approvers", json!([person(8), person(7)]));
    assert_refused("shuffled", &story.export(), None, reason);
    let (mut story, id) = (Story::of(12), request(0));
    story.insert_after(&id, ReviewRecorded, ReviewRecorded, review(&id, 8, "approve"));
    assert_refused("one left out", &story.export(), None, reason);
}

#[test]
fn whoever_spoke_is_an_object_and_no_list_that_a_table_would_leave_out() {
    let listed = json!([7, "User"]);
    for (of, path) in [(ReviewRecorded, "/reviewer"), (DecisionRecorded, "/approvers/0")] {
        let (mut story, id) = (Story::of(12), request(0));
        story.set(&id, of, path, listed.clone());
        assert_refused(path, &story.export(), None, "invalid type: sequence, expected an account with its kind");
    }
}

#[test]
fn only_what_is_approved_has_approvers_and_only_what_is_denied_somebody_who_denied_it() {
    for (n, outcome) in [(1, "denied"), (2, "expired"), (3, "not_required"), (4, "superseded"), (11, "withdrawn")] {
        let mut story = Story::of(12);
        story.add(&request(n), DecisionRecorded, "approvers", json!([person(7)]));
        let reason = format!("decided {outcome}, but the decision has approvers");
        assert_refused(outcome, &story.export(), None, &reason);
    }
    for (n, outcome) in [(0, "approved"), (2, "expired"), (3, "not_required"), (4, "superseded"), (11, "withdrawn")] {
        let mut story = Story::of(12);
        story.add(&request(n), DecisionRecorded, "denied_by", person(7));
        let reason = format!("decided {outcome}, but the decision has denied_by");
        assert_refused(outcome, &story.export(), None, &reason);
    }
}

#[test]
fn a_decision_tells_of_the_requirements_that_were_shown_and_of_no_others() {
    let ghost = json!({"rule": "ghost", "from": "admins", "need": 1, "have": 1});
    for n in [0, 1, 2, 3, 4, 11] {
        let reason = "does not tell of exactly those requirements that were shown";
        let mut story = Story::of(12);
        let quorum = story.record(&request(n), DecisionRecorded).body["quorum"].as_array_mut().unwrap();
        quorum.push(ghost.clone());
        assert_refused("one more", &story.export(), None, reason);
        for (path, other) in [("/quorum/0/rule", json!("another")), ("/quorum/0/need", json!(0))] {
            let mut story = Story::of(12);
            if n == 3 || (n, path) == (0, "/quorum/0/need") {
                continue;
            }
            story.set(&request(n), DecisionRecorded, path, other);
            assert_refused(path, &story.export(), None, reason);
        }
    }
    let mut story = Story::of(12);
    story.set(&request(2), DecisionRecorded, "/quorum/0/have", json!(1));
    let reason = "counts 1 toward a requirement that only 0 of its approvers may meet";
    assert_refused("expired, with somebody who never came", &story.export(), None, reason);
}

#[test]
fn what_somebody_denied_is_denied() {
    for (n, outcome) in [(2, "expired"), (3, "not_required"), (4, "superseded"), (11, "withdrawn")] {
        let (mut story, id) = (Story::of(12), request(n));
        story.insert_after(&id, RequestOpened, ReviewRecorded, review(&id, 8, "deny"));
        assert_refused(outcome, &story.export(), None, &format!("{outcome} although 8 denied"));
    }
    let (mut story, id) = (Story::of(12), request(1));
    let mut gone = Value::Object(story.record(&id, DecisionRecorded).body.clone());
    let time = 1_763_769_610_000_u64;
    story.insert_after(&id, DecisionRecorded, DecisionVoided, json!({"why": "superseded", "time": time}));
    (gone["outcome"], gone["denied_by"], gone["time"]) = (json!("superseded"), Value::Null, json!(time));
    story.insert_after(&id, DecisionVoided, DecisionRecorded, gone);
    story.remove(&id, CallbackSent);
    story.remove(&id, CallbackResult);
    check(&story.export(), None).expect("a newer attempt may take the place of what was denied");
}

#[test]
fn whoever_denies_may_and_whoever_seconds_has_not_before() {
    let denied = |path: &str, value: Value| {
        let (mut story, id) = (Story::of(12), request(1));
        story.set(&id, ReviewRecorded, path, value);
        story
    };
    let (bot, reader) = (denied("/reviewer/kind", json!("Bot")), denied("/permission", json!("read")));
    assert_refused("a bot", &bot.export(), None, "the reviewer 1 is a Bot; only a person (User) can second or deny");
    assert_refused("a reader", &reader.export(), None, "1 denies with read access to the repository, who may not");
    let mut asked = reader;
    let group = json!({"rule": "built-in", "from": {"group": "sha256:0"}, "need": 1, "extra": 0});
    asked.set(&request(1), RequestOpened, "/quorum/0", group.clone());
    asked.set(
        &request(1),
        DecisionRecorded,
        "/quorum/0",
        json!({"rule": "built-in", "from": {"group": "sha256:0"}, "need": 1, "have": 0}),
    );
    check(&asked.export(), None).expect("who is in a group is sealed");

    let mut twice = by_two();
    let second = twice.records.iter_mut().filter(|it| it.record_type == ReviewRecorded).nth(1).unwrap();
    second.body.insert("reviewer".into(), person(7));
    assert_refused("twice", &twice.export(), None, "7 seconds again, while an approval of theirs stands");
}

#[test]
fn whoever_seconds_speaks_by_a_way_that_is_sure_enough() {
    let (mut story, id) = (Story::of(12), request(0));
    story.set(&id, ReviewRecorded, "/via", json!("telepathy"));
    assert_refused("a way nobody knows", &story.export(), None, "via: unknown variant `telepathy`");
    let mut story = Story::of(12);
    story.record(&id, RequestOpened).body["quorum"][0]["assurance"] = json!("passkey");
    assert_refused("a click", &story.export(), None, "7 seconds by a click, which is not sure enough");
}

#[test]
fn what_was_seconded_is_approved_unless_it_is_taken_back() {
    for outcome in ["expired", "withdrawn", "superseded"] {
        let (mut story, id) = (Story::of(12), request(0));
        let approved = story.record(&id, DecisionRecorded).body.clone();
        let time = 1_763_769_900_000_u64 + DAY;
        story.add(&id, RequestOpened, "expires_at", json!(time));
        let decision = &mut story.record(&id, DecisionRecorded).body;
        decision.extend([("outcome".into(), json!(outcome)), ("approvers".into(), json!([]))]);
        decision.insert("time".into(), json!(time));
        story.remove(&id, CallbackSent);
        story.remove(&id, CallbackResult);
        let reason = format!("decided {outcome} although the approvals that stand met every requirement");
        assert_refused(outcome, &story.export(), None, &reason);
        let mut group = story.clone();
        for of in [RequestOpened, DecisionRecorded] {
            group.set(&id, of, "/quorum/0/from", json!({"group": "sha256:0"}));
        }
        check(&group.export(), None).expect("who is in a group is sealed");
        // What was approved does not expire: by other rules it waits again, and then it may.
        let mut why = outcome;
        if outcome == "expired" {
            why = "judged_again";
            let mut again = story.record(&id, RequestOpened).body.clone();
            again.insert("time".into(), json!(time));
            story.insert_after(&id, ReviewRecorded, RequestRejudged, again.into());
        }
        story.insert_after(&id, ReviewRecorded, DecisionVoided, json!({"why": why, "time": time}));
        story.insert_after(&id, ReviewRecorded, DecisionRecorded, Value::Object(approved));
        check(&story.export(), None).expect(outcome);
    }
}

#[test]
fn whatever_goes_along_with_a_request_is_about_what_was_shown_then() {
    for (record_type, body) in [
        (AttemptRefused, json!({"reviewer": person(1), "verdict": "approve", "why": [{"refusal": "party"}]})),
        (RequestUnmeetable, json!({"rules": ["built-in"]})),
        (RequestReminded, json!({"waited": 1})),
        (EffectFailed, json!({"effect": "note", "error": "410"})),
    ] {
        let (mut story, id) = (Story::of(12), request(0));
        story.insert_after(&id, RequestOpened, record_type, body);
        check(&story.export(), None).expect("where it carries none");
        story.add(&id, record_type, "request_digest", json!(digest(&id)));
        check(&story.export(), None).unwrap();
        story.add(&id, record_type, "request_digest", json!(digest("another")));
        assert_refused("before", &story.export(), None, "it is about something else than what was shown");
    }
    let (mut story, id) = (Story::of(12), request(0));
    story.add(&id, CallbackResult, "request_digest", json!(digest("another")));
    assert_refused("the answer", &story.export(), None, "it is about something else than what was shown");
    let answer = story.remove(&id, CallbackResult);
    story.records.push(answer);
    assert_refused("late", &story.export(), None, "it is about something else than what was shown");
}

#[test]
fn facts_that_stand_in_entries_of_their_own_are_all_there_in_their_order() {
    let told = |all: u64, pieces: &[u64]| {
        let (mut story, id) = (Story::of(12), request(0));
        let opening = &mut story.record(&id, RequestOpened).body;
        opening.remove("facts");
        opening.extend([("facts_digest".into(), json!("0".repeat(64))), ("facts_pieces".into(), json!(all))]);
        for piece in pieces.iter().rev() {
            story.insert_after(&id, RequestOpened, FactsRecorded, json!({"piece": piece, "text": "{}"}));
        }
        story.export()
    };
    check(&told(3, &[1, 2, 3]), None).unwrap();
    assert_refused("swapped", &told(3, &[2, 1, 3]), None, "is piece 2 of the facts, but 1 of 3 comes next");
    assert_refused("one twice", &told(2, &[1, 1]), None, "is piece 1 of the facts, but 2 of 2 comes next");
    assert_refused("one more", &told(1, &[1, 2]), None, "is piece 2 of the facts, but 2 of 1 comes next");
    assert_refused("one missing", &told(3, &[1, 2]), None, "the facts stand in 3 entries, of which 2 are there");
}
