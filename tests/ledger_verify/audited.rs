//! What an auditor asks of every decision besides: in time, by whom it may be, by the rules that were shown. Each forged log is
//! signed by whoever has the key.
use seconder::ledger::RecordType::{self, *};
use serde_json::{Value, json};

use super::story::{DAY, Story, person, request, review};
use super::{assert_refused, check};

/// Says when an entry was written.
fn at(story: &mut Story, request: &str, record_type: RecordType, time: u64) {
    story.add(request, record_type, "time", json!(time));
}

/// The first request of a story, approved; its opening was written at this time and expires a day later.
fn opened_at(time: u64) -> (Story, String) {
    let (mut story, id) = (Story::of(12), request(0));
    at(&mut story, &id, RequestOpened, time);
    story.add(&id, RequestOpened, "expires_at", json!(time + DAY));
    (story, id)
}

const NOON: u64 = 1_763_769_700_000;

#[test]
fn nobody_seconds_and_nothing_is_decided_after_the_request_has_expired() {
    let (mut story, id) = opened_at(NOON);
    at(&mut story, &id, ReviewRecorded, NOON + DAY - 1);
    at(&mut story, &id, DecisionRecorded, NOON + DAY - 1);
    check(&story.export(), None).unwrap();
    at(&mut story, &id, CallbackSent, NOON + 9 * DAY);
    check(&story.export(), None).expect("what was decided in time may be held back by a freeze");

    let mut late = story.clone();
    at(&mut late, &id, DecisionRecorded, NOON + DAY);
    assert_refused(
        "decided late",
        &late.export(),
        None,
        "req-00000: decided approved at 1763856100000, but the request expired",
    );
    let mut late = story.clone();
    at(&mut late, &id, ReviewRecorded, NOON + DAY);
    assert_refused("seconded late", &late.export(), None, "seconded at 1763856100000, but the request expired at");
    for (n, outcome) in [(1, "denied"), (3, "not_required")] {
        let (mut late, id) = (Story::of(12), request(n));
        late.add(&id, RequestOpened, "expires_at", json!(1));
        assert_refused(outcome, &late.export(), None, &format!("decided {outcome} at"));
    }
    for n in [4, 11] {
        let (mut late, id) = (Story::of(12), request(n));
        late.add(&id, RequestOpened, "expires_at", json!(1));
        check(&late.export(), None).expect("that a run ended may be learned at any time");
    }
}

#[test]
fn a_release_taken_back_may_be_decided_anew_after_the_request_expired_but_only_at_once() {
    let (mut story, id) = opened_at(NOON);
    at(&mut story, &id, DecisionRecorded, NOON + 1);
    let again = Value::Object(story.record(&id, DecisionRecorded).body.clone());
    story.insert_after(&id, DecisionRecorded, DecisionRecorded, again);
    let place = story.place(&id, DecisionRecorded) + 1;
    story.records[place].body.insert("time".into(), json!(NOON + 3 * DAY));
    let weighed = json!({"reviewer": person(7), "permission": "write", "teams": [], "time": NOON + 3 * DAY });
    story.insert_after(&id, DecisionRecorded, ReviewWeighed, weighed);
    let voided = json!({ "why": "approval_struck", "time": NOON + 3 * DAY });
    story.insert_after(&id, DecisionRecorded, DecisionVoided, voided);
    check(&story.export(), None).unwrap();
    story.records[place + 2].body.insert("time".into(), json!(NOON + 3 * DAY + 1));
    assert_refused("decided anew later", &story.export(), None, "nothing that was decided in time is taken back");
}

#[test]
fn nothing_expires_before_its_time() {
    let (mut story, id) = (Story::of(12), request(2));
    story.add(&id, RequestOpened, "expires_at", json!(NOON + 1_000 * DAY));
    assert_refused("expired early", &story.export(), None, "req-00002: decided expired at");
    let mut never = Story::of(12);
    never.add(&id, RequestOpened, "expires_at", Value::Null);
    assert_refused("held for good", &never.export(), None, "rules hold it, but it does not say when it expires");
    never.add(&id, RequestOpened, "matched_rules", json!([]));
    never.add(&id, RequestOpened, "quorum", json!([]));
    assert_refused("expired without a time", &never.export(), None, "but the request never expires");
}

/// Whoever can write may second after this time, in milliseconds.
fn let_in(after: u64) -> Value {
    json!({"after": after, "from": "writers"})
}

#[test]
fn whoever_seconds_has_the_access_that_was_asked_for() {
    let id = request(0);
    let asked = |from: Value| {
        let mut story = Story::of(12);
        story.set(&id, RequestOpened, "/quorum/0/from", from.clone());
        story.set(&id, DecisionRecorded, "/quorum/0/from", from);
        story
    };
    check(&asked(json!({"group": "sha256:0"})).export(), None).expect("who is in a group is sealed");
    let mut story = asked(json!("writers"));
    story.set(&id, ReviewRecorded, "/permission", json!("read"));
    assert_refused(
        "a reader",
        &story.export(),
        None,
        "7 seconds with read access to the repository, which no requirement",
    );
    let story = asked(json!("admins"));
    assert_refused("a writer for an admin", &story.export(), None, "7 seconds with write access");

    let mut weighed = asked(json!("writers"));
    weighed.insert_after(
        &id,
        ReviewRecorded,
        ReviewWeighed,
        json!({"reviewer": person(7), "permission": "triage", "teams": []}),
    );
    assert_refused("counted though they left", &weighed.export(), None, "7 seconds with triage access");

    let mut escalated = asked(json!("admins"));
    escalated.set(
        &id,
        RequestOpened,
        "/quorum/0",
        json!({
            "rule": "built-in", "from": "admins", "need": 1, "extra": 0, "later": [let_in(5)],
        }),
    );
    assert_refused("let in too early", &escalated.export(), None, "7 seconds with write access");
    escalated.insert_after(&id, RequestOpened, RequestEscalated, json!({"waited": 5, "let_in": [let_in(5)]}));
    check(&escalated.export(), None).unwrap();

    let mut other = asked(json!("admins"));
    other.set(&id, ReviewRecorded, "/permission", json!("admin"));
    check(&other.export(), None).unwrap();
    other.set(&id, DecisionRecorded, "/quorum/0/from", json!("writers"));
    assert_refused("counted another group", &other.export(), None, "counts people from another group");
}

#[test]
fn toward_one_of_several_requirements_counts_only_who_meets_it() {
    let (mut story, id) = (Story::of(12), request(0));
    let asked = json!([
        {"rule": "built-in", "all_of": [{"from": "writers", "need": 1, "extra": 0}, {"from": "admins", "need": 1, "extra": 0}]},
    ]);
    let met = json!([{"rule": "built-in", "all_of": [{"from": "writers", "need": 1, "have": 1}, {"from": "admins", "need": 1, "have": 1}]}]);
    story.set(&id, RequestOpened, "/quorum", asked);
    story.set(&id, DecisionRecorded, "/quorum", met);
    let reason = "counts 1 toward a requirement that only 0 of its approvers may meet";
    assert_refused("an admin who is none", &story.export(), None, reason);
    story.insert_after(&id, ReviewRecorded, ReviewRecorded, {
        let mut admin = review(&id, 8, "approve");
        admin["permission"] = json!("admin");
        admin
    });
    story.set(&id, DecisionRecorded, "/approvers", json!([person(7), person(8)]));
    check(&story.export(), None).unwrap();
}

#[test]
fn a_decision_names_the_rules_that_were_shown_and_who_denied() {
    let (approved, denied) = (request(0), request(1));
    let mut story = Story::of(12);
    story.set(&approved, DecisionRecorded, "/policy/digest", json!("sha256:q"));
    assert_refused("other rules", &story.export(), None, "names another policy than request.opened");
    let mut story = Story::of(12);
    let also = json!([{"digest": "sha256:o", "origin": "file", "whose": "organization"}]);
    story.record(&approved, RequestOpened).body["policy"]["also"] = also;
    assert_refused("without the organization's", &story.export(), None, "names another policy than request.opened");

    let mut rejudged = Story::of(12);
    let mut body = rejudged.record(&approved, RequestOpened).body.clone();
    body["policy"]["digest"] = json!("sha256:q");
    rejudged.insert_after(&approved, RequestOpened, RequestRejudged, Value::Object(body));
    assert_refused("the rules before", &rejudged.export(), None, "names another policy than request.opened");
    rejudged.set(&approved, DecisionRecorded, "/policy/digest", json!("sha256:q"));
    check(&rejudged.export(), None).unwrap();

    let mut story = Story::of(12);
    story.set(&denied, DecisionRecorded, "/denied_by/id", json!(8));
    assert_refused("in the name of another", &story.export(), None, "names 8 as who denied it, who has not before it");
    let mut story = Story::of(12);
    story.record(&denied, DecisionRecorded).body.remove("denied_by");
    assert_refused("by nobody", &story.export(), None, "names nobody who denied it, and no rule does");
    story.add(&denied, RequestOpened, "denied_by", json!(["production"]));
    assert_refused("by somebody", &story.export(), None, "names nobody who denied it, and no rule does");
    story.remove(&denied, ReviewRecorded);
    check(&story.export(), None).expect("a rule did");
}

#[test]
fn times_that_run_backwards_are_told_and_an_entry_that_repeats_another_is_refused() {
    assert!(check(&Story::of(12).export(), None).unwrap().warnings.iter().all(|said| !said.contains("backwards")));
    let (mut story, id) = (Story::of(12), request(5));
    at(&mut story, &id, RequestOpened, 1_763_769_600_000);
    let warnings = check(&story.export(), None).unwrap().warnings;
    assert!(warnings.iter().any(|said| said.starts_with("times run backwards: 1 entry say")), "{warnings:?}");

    let (mut story, id) = (Story::of(12), request(0));
    let repeated = format!("{id}:review.recorded:1");
    story.add(&id, ReviewRecorded, "id", json!(repeated));
    assert_refused("repeated", &story.export(), None, "number 1 of the request, but number 2 comes next");
}

#[test]
fn what_github_was_not_told_is_counted() {
    let (mut story, id) = (Story::of(12), request(0));
    story.remove(&id, CallbackResult);
    story.insert_after(&id, CallbackSent, EffectFailed, json!({"effect": "callback", "error": "410"}));
    story.insert_after(&id, CallbackSent, EffectFailed, json!({"effect": "note", "error": "410"}));
    assert_eq!(check(&story.export(), None).unwrap().callbacks_given_up, 1);
}

/// Whoever counts otherwise than the commits are told needs nobody to second.
#[test]
fn what_an_agent_wrote_is_not_counted_away() {
    let (mut story, id) = (Story::of(12), request(0));
    for (field, value) in [("ai_commits", json!(0)), ("matched_rules", json!([])), ("quorum", json!([]))] {
        story.add(&id, RequestOpened, field, value);
    }
    story.remove(&id, ReviewRecorded);
    for (field, value) in [("outcome", json!("not_required")), ("approvers", json!([])), ("quorum", json!([]))] {
        story.add(&id, DecisionRecorded, field, value);
    }
    assert_refused("agents forgotten", &story.export(), None, "ai_commits says 0, but 1 of its commits have an agent");
    story.set(&id, RequestOpened, "/commits", json!([{"sha": "a".repeat(40), "gated": true}]));
    assert_refused("by the facts", &story.export(), None, "ai_commits says 0, but 1 of its commits have an agent");
    story.add(&id, RequestOpened, "facts", json!(format!("sha256:{}", "0".repeat(64))));
    assert_refused("held by a rule", &story.export(), None, "decided not_required, but a rule matched");
    story.set(&id, RequestOpened, "/commits", json!([{"sha": "a".repeat(40), "gated": false}]));
    check(&story.export(), None)
        .expect("nothing tells of an agent any more but sealed facts, which judging again reads");
}

#[test]
fn commits_are_left_out_only_where_there_was_no_room_and_what_is_left_does_not_say_otherwise() {
    let (mut story, id) = (Story::of(12), request(0));
    story.add(&id, RequestOpened, "commits", json!([]));
    assert_refused("left out", &story.export(), None, "ai_commits says 1, but 0 of its commits have an agent");
    story.add(&id, RequestOpened, "abridged", json!("commits"));
    let reason = "no room for commits, but it tells why each party is one";
    assert_refused("no room for one, but for reasons", &story.export(), None, reason);
    story.add(&id, RequestOpened, "parties", json!([{"id": 1}, 2]));
    let told = |story: &Story| check(&story.export(), None).unwrap().warnings.join(" ");
    assert!(!told(&story).contains("no room for every commit"));

    story.add(&id, RequestOpened, "ai_commits", json!(0));
    assert_refused("forgotten", &story.export(), None, "ai_commits says 0, but 1 of its commits have an agent");
    story.add(&id, RequestOpened, "facts", json!(format!("sha256:{}", "0".repeat(64))));
    assert!(told(&story).contains("1 opening that had no room for every commit, and say that no agent is on one"));
}

#[test]
fn once_an_opening_says_of_what_judgement_it_is_no_later_one_leaves_it_out() {
    let mut story = Story::of(12);
    let mut judged = |n: usize| {
        story.add(&request(n), RequestOpened, "judgement", json!("3".repeat(64)));
        // What the digest is of is told to whoever has the openings.
        story.add(&request(n), RequestOpened, "partial", json!([{"gap": "person", "login": "sha256:0"}]));
        story.export()
    };
    check(&judged(11), None).expect("those before it are an older server's");
    let reason = "request req-00001: it does not say of what judgement its request_digest is";
    assert_refused("left out", &judged(0), None, reason);
}

#[test]
fn nobody_is_let_in_for_having_waited_longer_than_since_the_opening() {
    let (mut story, id) = (Story::of(12), request(0));
    for (of, field) in [(RequestOpened, "quorum"), (DecisionRecorded, "quorum")] {
        story.set(&id, of, &format!("/{field}/0/from"), json!("admins"));
    }
    story.set(
        &id,
        RequestOpened,
        "/quorum/0",
        json!({
            "rule": "built-in", "from": "admins", "need": 1, "extra": 0, "later": [let_in(DAY)],
        }),
    );
    at(&mut story, &id, RequestOpened, NOON);
    story.add(&id, RequestOpened, "expires_at", json!(NOON + 9 * DAY));
    let escalated = json!({"waited": DAY, "let_in": [let_in(DAY)], "time": NOON + 50});
    story.insert_after(&id, RequestOpened, RequestEscalated, escalated);
    let reason = "says that it waited 86400000 milliseconds, but the request was opened only 50 milliseconds before";
    assert_refused("let in at once", &story.export(), None, reason);
    at(&mut story, &id, RequestEscalated, NOON + DAY);
    at(&mut story, &id, ReviewRecorded, NOON + DAY);
    check(&story.export(), None).unwrap();
    let again = Value::Object(story.record(&id, RequestOpened).body.clone());
    story.insert_after(&id, RequestOpened, RequestRejudged, again);
    at(&mut story, &id, RequestRejudged, NOON + DAY - 1);
    check(&story.export(), None).expect("it waits since it was opened, however often it is judged again");
}

/// A story as a server tells it: whoever is a person is a subject, and facts are sealed.
fn sealed(mut story: Story) -> Story {
    fn seal(value: &mut Value) {
        match value {
            Value::Array(items) => items.iter_mut().for_each(seal),
            Value::Object(fields) => {
                if fields.get("kind").is_some_and(|kind| kind == "User") {
                    let subject = format!("sub_{:032x}", fields["id"].as_u64().unwrap());
                    fields.insert("id".into(), subject.into());
                }
                fields.values_mut().for_each(seal);
            }
            _ => {}
        }
    }
    for record in &mut story.records {
        if let Some(facts) = record.body.get_mut("facts") {
            *facts = json!(format!("sha256:{}", "0".repeat(64)));
        }
        record.body.values_mut().for_each(seal);
    }
    story
}

#[test]
fn in_a_log_that_names_persons_by_subjects_nobody_is_a_second_person_by_their_number() {
    let (honest, id) = (sealed(Story::of(12)), request(0));
    check(&honest.export(), None).unwrap();
    let reason = |number: u64| format!("the person {number} is told by the number of their account");
    let mut story = honest.clone();
    story.set(&id, ReviewRecorded, "/reviewer/id", json!(1));
    story.set(&id, DecisionRecorded, "/approvers/0/id", json!(1));
    assert_refused("a party by her number", &story.export(), None, &reason(1));
    for (of, path) in [(AttemptRefused, "/reviewer/id"), (DecisionRecorded, "/approvers/0/id")] {
        let mut story = honest.clone();
        story.set(&id, of, path, json!(99));
        assert_refused(path, &story.export(), None, &reason(99));
    }
    let mut more = honest.clone();
    more.record(&id, RequestOpened).body["parties"].as_array_mut().unwrap().push(person(99));
    assert_refused("a party more", &more.export(), None, &reason(99));
    let mut bots = honest.clone();
    let parties = bots.record(&id, RequestOpened).body["parties"].as_array_mut().unwrap();
    parties.push(json!({"id": 5, "login": "shopbot[bot]", "kind": "Bot"}));
    check(&bots.export(), None).expect("a bot is nobody, and has its number");
}

#[test]
fn whose_approval_was_struck_for_a_part_they_had_cannot_approve_again() {
    let (mut story, id) = (Story::of(12), request(0));
    let approval = Value::Object(story.record(&id, ReviewRecorded).body.clone());
    let struck = |why| json!({"reviewer": approval["reviewer"], "why": [{"refusal": why, "because": []}]});
    story.insert_after(&id, ReviewRecorded, ReviewRecorded, approval.clone());
    let mut lost_access = story.clone();
    lost_access.insert_after(&id, ReviewRecorded, ReviewStruck, struck("no_access"));
    check(&lost_access.export(), None).expect("whoever has access again may");
    story.insert_after(&id, ReviewRecorded, ReviewStruck, struck("party"));
    assert_refused("struck and back", &story.export(), None, "whose word did not count before");
}

#[test]
fn what_an_opening_leaves_out_lets_no_party_approve() {
    let (mut story, id) = (Story::of(12), request(0));
    story.record(&id, RequestOpened).body.retain(|field, _| !["facts", "actor"].contains(&field.as_str()));
    story.add(&id, RequestOpened, "parties", json!([person(2)]));
    story.set(&id, AttemptRefused, "/why", json!([{"refusal": "party", "because": []}]));
    story.set(&id, ReviewRecorded, "/reviewer", person(1));
    story.set(&id, DecisionRecorded, "/approvers", json!([person(1)]));
    assert_refused(
        "refused as a party",
        &story.export(),
        None,
        "1 seconds, whose word did not count before because they had a part",
    );
    let mut rejudged = story.clone();
    let again = Value::Object(rejudged.record(&id, RequestOpened).body.clone());
    rejudged.insert_after(&id, AttemptRefused, RequestRejudged, again);
    check(&rejudged.export(), None).expect("judged again, they may have none any more");
    story.record(&id, RequestOpened).body.remove("triggering_actor");
    assert_refused("by nobody", &story.export(), None, "it does not say who set the run going");
}

#[test]
fn an_id_of_another_form_is_told_once_and_the_numbers_of_others_leave_none_out() {
    let (honest, id) = (Story::of(12), request(0));
    let mut story = honest.clone();
    story.add(&id, ReviewRecorded, "id", json!("x"));
    check(&story.export(), None).unwrap();
    story.add(&id, DecisionRecorded, "id", json!("x"));
    assert_refused("told twice", &story.export(), None, "its id \"x\" was that of another entry of the request");
    let mut story = honest;
    story.add(&id, ReviewRecorded, "id", json!(format!("{id}:request.opened:0")));
    assert_refused("the opening's", &story.export(), None, "number 0 of the request, but number 2 comes next");
    story.add(&id, ReviewRecorded, "id", json!(format!("{id}:review.recorded:3")));
    let said = "number 3 of the request, but number 2 comes next: an entry was left out";
    assert_refused("a refusal that was taken out", &story.export(), None, said);
}
