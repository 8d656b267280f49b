//! What happens to a request besides being decided is told only where it was: whoever signs can make nothing of it up.
use seconder::ledger::RecordType::*;
use serde_json::{Value, json};

use super::story::{DAY, Story, person, request, review};
use super::{assert_refused, check};

/// Noon of 2026-12-24, UTC: after all that the stories tell.
const EVE: u64 = 1_798_113_600_000;

/// The first request, which is approved.
fn approved() -> (Story, String) {
    (Story::of(6), request(0))
}

/// The sixth, which nobody has decided yet.
fn pending() -> (Story, String) {
    (Story::of(6), request(5))
}

#[test]
fn a_callback_is_answered_or_given_up_once_and_nothing_goes_on_from_there() {
    let given_up = || json!({"effect": "callback", "error": "410"});
    let ended = "after GitHub answered, or after the callback was given up";
    let (mut twice, id) = approved();
    let mut first = twice.record(&id, CallbackResult).body.clone();
    first.insert("status".into(), json!(500));
    twice.insert_after(&id, CallbackSent, CallbackResult, first.into());
    assert_refused("answered 500 and 204", &twice.export(), None, &format!("callback.result comes {ended}"));
    let (mut story, id) = approved();
    story.insert_after(&id, CallbackResult, EffectFailed, given_up());
    assert_refused("answered, given up", &story.export(), None, &format!("effect.failed comes {ended}"));
    let (mut story, id) = approved();
    story.insert_after(&id, CallbackSent, EffectFailed, given_up());
    assert_refused("given up, answered", &story.export(), None, &format!("callback.result comes {ended}"));
    let answer = story.remove(&id, CallbackResult);
    check(&story.export(), None).expect("given up");
    story.records.push(answer);
    assert_refused("given up, answered late", &story.export(), None, &format!("callback.result comes {ended}"));
    let (mut story, id) = approved();
    story.insert_after(&id, DecisionRecorded, EffectFailed, given_up());
    assert_refused("given up, sent", &story.export(), None, &format!("callback.sent comes {ended}"));
    let (mut story, id) = approved();
    story.insert_after(&id, RequestOpened, EffectFailed, given_up());
    let reason = "given up, but nothing is decided that GitHub could be told";
    assert_refused("given up before it is decided", &story.export(), None, reason);
}

/// Whoever was about to tell GitHub may fail when the rules have changed, and what it was to tell is taken back.
#[test]
fn a_callback_may_be_given_up_when_its_decision_was_taken_back() {
    let (mut story, id) = approved();
    let mut again = story.record(&id, RequestOpened).body.clone();
    again.insert("time".into(), json!(EVE));
    story.remove(&id, CallbackSent);
    story.remove(&id, CallbackResult);
    story.insert_after(&id, DecisionRecorded, EffectFailed, json!({"effect": "callback", "error": "410"}));
    story.insert_after(&id, DecisionRecorded, RequestRejudged, again.into());
    story.insert_after(&id, DecisionRecorded, DecisionVoided, json!({"why": "judged_again", "time": EVE}));
    check(&story.export(), None).unwrap();
}

#[test]
fn only_an_approval_that_stands_is_weighed_again() {
    let weighed = |by: u64| json!({"reviewer": person(by), "permission": "admin", "teams": []});
    let (mut story, id) = approved();
    story.insert_after(&id, ReviewRecorded, ReviewWeighed, weighed(7));
    check(&story.export(), None).unwrap();
    story.insert_after(&id, ReviewRecorded, ReviewWeighed, weighed(8));
    assert_refused("of nobody", &story.export(), None, "weighs an approval of 8, who has none that stands");
}

#[test]
fn a_release_is_held_only_by_what_holds_it() {
    let freezes = json!([{"name": "holidays", "zone": "UTC", "from": "2026-12-24", "to": "2027-01-02"}]);
    let held = |by: Value, at: u64, says: &[(&str, Value)]| {
        let (mut story, id) = approved();
        says.iter().for_each(|(field, value)| story.add(&id, RequestOpened, field, value.clone()));
        let mut body = by;
        body["time"] = json!(at);
        story.insert_after(&id, DecisionRecorded, ReleaseHeld, body);
        story.add(&id, CallbackSent, "time", json!(EVE + 30 * DAY));
        if says.iter().any(|(field, _)| *field == "stopped") {
            story.remove(&id, CallbackSent);
            story.remove(&id, CallbackResult);
        }
        story.export()
    };
    let freeze = |name: &str| json!({"by": "freeze", "name": name, "until": EVE + 9 * DAY});
    let stop = || json!({"by": "stop", "why": "sha256:0"});
    let (frozen, stopped) = (("freezes", freezes), ("stopped", json!("sha256:0")));
    check(&held(freeze("holidays"), EVE, std::slice::from_ref(&frozen)), None).unwrap();
    check(&held(stop(), EVE, std::slice::from_ref(&stopped)), None).unwrap();
    let not = "but by the newest judgement that does not then";
    for (what, ledger) in [
        ("by a switch nobody threw", held(stop(), EVE, std::slice::from_ref(&frozen))),
        ("by no freeze", held(freeze("xmas"), EVE, std::slice::from_ref(&frozen))),
        ("by a freeze that is over", held(freeze("holidays"), EVE + 20 * DAY, std::slice::from_ref(&frozen))),
        ("by a freeze, when it is stopped", held(freeze("holidays"), EVE, &[frozen, stopped])),
    ] {
        assert_refused(what, &ledger, None, not);
    }
    for (n, after) in [(1, DecisionRecorded), (5, RequestOpened), (0, CallbackResult)] {
        let (mut story, id) = (Story::of(6), request(n));
        story.add(&id, RequestOpened, "stopped", json!("sha256:0"));
        if n == 0 {
            story.record(&id, RequestOpened).body.remove("stopped");
        }
        story.insert_after(&id, after, ReleaseHeld, stop());
        let reason = "release.held comes where no decision to release waits to leave";
        assert_refused("what is denied, pending, or has left", &story.export(), None, reason);
    }
}

#[test]
fn others_are_let_in_who_are_asked_later_when_their_time_has_come() {
    let later = |after: u64, from: &str| json!({"after": after, "from": from});
    let escalated = |all: &[(u64, Value)]| {
        let (mut story, id) = pending();
        let asked = json!([later(100, "admins"), later(200, "writers")]);
        story.record(&id, RequestOpened).body["quorum"][0]["later"] = asked;
        for (waited, let_in) in all.iter().rev() {
            let body = json!({"waited": waited, "let_in": let_in});
            story.insert_after(&id, RequestOpened, RequestEscalated, body);
        }
        story.export()
    };
    let (admins, writers) = (json!([later(100, "admins")]), json!([later(200, "writers")]));
    check(&escalated(&[(100, admins.clone()), (200, writers.clone())]), None).unwrap();
    check(&escalated(&[(250, json!([later(100, "admins"), later(200, "writers")]))]), None).expect("both at once");
    let others = "request.escalated lets in others than the newest judgement does between";
    for (what, ledger) in [
        ("nobody", escalated(&[(100, json!([]))])),
        ("somebody else", escalated(&[(100, json!([later(100, "writers")]))])),
        ("too early", escalated(&[(100, writers)])),
        ("again", escalated(&[(100, admins.clone()), (200, admins.clone())])),
    ] {
        assert_refused(what, &ledger, None, others);
    }
    let reason = "request.escalated says that it waited 100 milliseconds, which has not passed since";
    assert_refused("at the same time", &escalated(&[(100, admins.clone()), (100, admins)]), None, reason);
}

#[test]
fn people_are_reminded_of_what_has_waited_on() {
    let reminded = |all: &[u64]| {
        let (mut story, id) = pending();
        let asked = json!([{"after": 100, "from": "admins"}]);
        story.record(&id, RequestOpened).body["quorum"][0]["later"] = asked.clone();
        all.iter().rev().for_each(|waited| {
            story.insert_after(&id, RequestOpened, RequestReminded, json!({"waited": waited}));
        });
        story.insert_after(&id, RequestOpened, RequestEscalated, json!({"waited": 100, "let_in": asked}));
        story.export()
    };
    check(&reminded(&[100, 200, 300]), None).expect("at once with others who are let in, and then again");
    for again in [&[100, 100][..], &[200, 200], &[200, 100], &[0]] {
        let reason = "request.reminded says that it waited";
        assert_refused("when nothing has passed", &reminded(again), None, reason);
    }
}

#[test]
fn nobody_is_left_to_meet_only_what_is_asked() {
    let unmeetable = |all: &[Value]| {
        let (mut story, id) = pending();
        all.iter().rev().for_each(|rules| {
            story.insert_after(&id, RequestOpened, RequestUnmeetable, json!({"rules": rules}));
        });
        story
    };
    let (one, none) = (json!(["built-in"]), json!([]));
    check(&unmeetable(&[one.clone(), none.clone(), one.clone()]).export(), None).expect("somebody came and went");
    let as_before = "request.unmeetable says what was said before";
    assert_refused("twice", &unmeetable(&[one.clone(), one.clone()]).export(), None, as_before);
    assert_refused("nothing", &unmeetable(&[none]).export(), None, as_before);
    let ghost = unmeetable(&[json!(["ghost"])]).export();
    assert_refused("a ghost", &ghost, None, "names the rule \"ghost\", which asks nothing");
    // Whoever counted may have read what was asked before.
    let mut story = unmeetable(&[one]);
    let mut again = story.record(&request(5), RequestOpened).body.clone();
    again.insert("matched_rules".into(), json!(["production"]));
    again["quorum"][0]["rule"] = json!("production");
    story.insert_after(&request(5), RequestOpened, RequestRejudged, again.into());
    check(&story.export(), None).unwrap();
    let (mut decided, id) = approved();
    decided.insert_after(&id, DecisionRecorded, RequestUnmeetable, json!({"rules": ["built-in"]}));
    assert_refused("decided", &decided.export(), None, "request.unmeetable comes after decision.recorded");
}

#[test]
fn a_decision_is_taken_back_for_what_happens_at_that_moment() {
    let voided = |why: &str, at: u64| {
        let (mut story, id) = approved();
        let again = Value::Object(story.record(&id, DecisionRecorded).body.clone());
        story.insert_after(&id, DecisionRecorded, DecisionRecorded, again);
        let mut weighed = json!({"reviewer": person(7), "permission": "write", "teams": []});
        weighed["time"] = json!(EVE);
        story.insert_after(&id, DecisionRecorded, ReviewWeighed, weighed);
        story.insert_after(&id, DecisionRecorded, DecisionVoided, json!({"why": why, "time": at}));
        let expires = json!(EVE + DAY);
        story.add(&id, RequestOpened, "expires_at", expires);
        story
    };
    check(&voided("approval_struck", EVE).export(), None).unwrap();
    let unknown = "why: unknown variant `solar_flare`";
    assert_refused("for nothing on earth", &voided("solar_flare", EVE).export(), None, unknown);
    for why in ["judged_again", "denied", "superseded", "withdrawn"] {
        let reason = format!("decision.voided says {why}, but what follows at that moment is review.weighed");
        assert_refused(why, &voided(why, EVE).export(), None, &reason);
    }
    let reason = "decision.voided says approval_struck, but what follows at that moment is";
    assert_refused("a moment before", &voided("approval_struck", EVE - 1).export(), None, reason);
    let mut story = voided("approval_struck", EVE);
    story.remove(&request(0), ReviewWeighed);
    assert_refused("nothing", &story.export(), None, &format!("{reason} decision.recorded"));

    let mut denied = voided("denied", EVE);
    denied.remove(&request(0), ReviewWeighed);
    let mut deny = review(&request(0), 8, "deny");
    deny["time"] = json!(EVE);
    denied.insert_after(&request(0), DecisionVoided, ReviewRecorded, deny);
    assert_refused("denied, and approved again", &denied.export(), None, "approved although 8 denied");
}
