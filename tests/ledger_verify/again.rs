//! What is judged again is what it was, and asks what the same rules asked; and what an opening tells of commits is all of them.
use seconder::ledger::RecordType::*;
use serde_json::{Map, Value, json};

use super::decisions::judged_again;
use super::story::{DAY, Story, request};
use super::{assert_refused, check};

fn sealed() -> Value {
    json!(format!("sha256:{}", "0".repeat(64)))
}

/// A judgement made again that no longer rests on facts in clear.
fn again(change: impl FnOnce(&mut Map<String, Value>)) -> Story {
    let (mut story, id) = judged_again(|body| {
        body.insert("facts".into(), sealed());
        change(body);
    });
    story.add(&id, RequestOpened, "facts", sealed());
    story
}

/// Nothing by an agent, and nobody to second it.
fn forget(body: &mut Map<String, Value>, commits: Value) {
    body.extend([("commits".into(), commits), ("ai_commits".into(), json!(0))]);
    body.extend([("matched_rules".into(), json!([])), ("quorum".into(), json!([]))]);
}

#[test]
fn what_is_held_is_the_same_when_it_is_judged_again() {
    check(&again(|_| ()).export(), None).unwrap();
    let (head, other) =
        (json!({"sha": "a".repeat(40), "gated": false}), json!({"sha": "e".repeat(40), "gated": false}));
    let commits = "request.rejudged tells of other commits than request.opened";
    assert_refused("none", &again(|body| forget(body, json!([]))).export(), None, commits);
    assert_refused("one more", &again(|body| forget(body, json!([other, head]))).export(), None, commits);
    let cut = |commits: Value| {
        again(|body| {
            forget(body, commits);
            body.insert("abridged".into(), json!("commits_without_agent"));
        })
    };
    assert_refused("another, for want of room", &cut(json!([other])).export(), None, commits);

    let about = "request.rejudged is about another repository, environment, run, commit or deployment";
    let base = again(|body| drop(body.insert("base".into(), json!({"sha": "a".repeat(40), "deployment": "DE_kwDO"}))));
    assert_refused("another base", &base.export(), None, about);
    let deployment = again(|body| drop(body.insert("deployment_id".into(), json!(801))));
    assert_refused("another deployment", &deployment.export(), None, about);
}

#[test]
fn commits_left_out_for_want_of_room_are_not_forgotten() {
    let (mut story, id) = judged_again(|body| {
        body.insert("facts".into(), sealed());
        body.insert("abridged".into(), json!("commits"));
        body.insert("parties".into(), json!([{"id": 1}, {"id": 2}]));
        body.insert("commits".into(), json!([]));
    });
    story.add(&id, RequestOpened, "facts", sealed());
    check(&story.export(), None).unwrap();
    let mut third = story.record(&id, RequestOpened).body.clone();
    third["commits"][0]["sha"] = json!("e".repeat(40));
    third.insert("partial".into(), json!([{"gap": "diverged"}]));
    story.insert_after(&id, RequestRejudged, RequestRejudged, Value::Object(third));
    assert_refused("swapped in between", &story.export(), None, "tells of other commits");
}

#[test]
fn by_the_same_rules_the_same_software_finds_the_same_agents_and_asks_the_same() {
    let commit = json!([{"sha": "a".repeat(40), "gated": false}]);
    let forgotten = again(|body| forget(body, commit.clone()));
    let reason = "says 0 commits by an agent, but by the same rules the same software found 1";
    assert_refused("an agent forgotten", &forgotten.export(), None, reason);
    let cut = again(|body| {
        forget(body, json!([]));
        body.insert("abridged".into(), json!("commits_without_agent"));
    });
    assert_refused("an agent forgotten for want of room", &cut.export(), None, reason);
    let later = again(|body| drop(body.insert("expires_at".into(), json!(1_763_769_600_000_u64 + 9 * DAY))));
    assert_refused("longer", &later.export(), None, "expires at another time than before");
    let lower = |opened: Value, now: Value| {
        let mut story = again(|body| drop(body.insert("quorum".into(), now)));
        story.set(&request(0), RequestOpened, "/quorum", opened);
        story
    };
    let asked = |need: u64, extra: u64| json!({"rule": "built-in", "from": "writers", "need": need, "extra": extra});
    for (was, is) in [
        (asked(2, 0), asked(1, 0)),
        (asked(1, 0), json!({"rule": "built-in", "from": "code_owners", "need": 1, "extra": 0})),
        (json!({"rule": "built-in", "all_of": [asked(1, 0), {"from": "admins", "need": 1, "extra": 0}]}), asked(1, 0)),
    ] {
        assert_refused("less", &lower(json!([was]), json!([is])).export(), None, "asks otherwise than before");
    }

    check(&lower(json!([asked(2, 1)]), json!([asked(1, 0)])).export(), None).expect("it is known now who somebody is");
    let owners = json!({"from": "writers", "need": 1, "extra": 0});
    let of_two = json!([{"rule": "built-in", "all_of": [owners, owners]}]);
    check(&lower(of_two, json!([asked(1, 0)])).export(), None).expect("files may get the same owners");
    let mut by_other_rules = again(|body| {
        forget(body, commit);
        body["policy"]["digest"] = json!("sha256:q");
    });
    by_other_rules.records.truncate(4);
    check(&by_other_rules.export(), None).expect("other rules may know other agents");
    let place = by_other_rules.place(&request(0), RequestRejudged);
    let cut = &mut by_other_rules.records[place].body;
    cut.extend([("commits".into(), json!([])), ("abridged".into(), json!("commits_without_agent"))]);
    let warnings = check(&by_other_rules.export(), None).unwrap().warnings.join(" ");
    assert!(warnings.contains("1 opening that had no room for every commit, and say that no agent is on one"));
}

#[test]
fn an_opening_compares_with_something_and_tells_of_the_commit_of_the_run() {
    let id = request(3);
    let mut story = Story::of(12);
    story.record(&id, RequestOpened).body.remove("base");
    let reason = "compared with nothing (base), and partial does not say that no deployment was found";
    assert_refused("with nothing", &story.export(), None, reason);
    let mut first = Story::of(6);
    first.record(&request(5), RequestOpened).body.remove("base");
    first.set(&request(5), RequestOpened, "/partial", json!([{"gap": "no_earlier_deployment"}]));
    check(&first.export(), None).expect("the first of an environment");

    let mut story = Story::of(12);
    story.add(&id, RequestOpened, "facts", sealed());
    story.set(&id, RequestOpened, "/commits/0/sha", json!("e".repeat(40)));
    assert_refused(
        "without its head",
        &story.export(),
        None,
        "the commit of the run (head_sha) is not among its commits",
    );
    story.set(&id, RequestOpened, "/commits", json!([]));
    check(&story.export(), None).expect("whoever goes back to an older commit brings none");
}

#[test]
fn nothing_is_asked_that_no_policy_can_ask() {
    let id = request(5);
    let asked = |quorum: Value| {
        let mut story = Story::of(6);
        story.set(&id, RequestOpened, "/quorum", quorum);
        story.export()
    };
    let one = json!({"from": "writers", "need": 1, "extra": 0});
    let with = |change: Value| {
        let mut asked = json!({"rule": "built-in", "from": "writers", "need": 1, "extra": 0});
        asked.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        json!([asked])
    };
    check(&asked(with(json!({}))), None).unwrap();
    check(&asked(json!([{"rule": "built-in", "any_of": [one, one]}])), None).unwrap();
    assert_refused(
        "nobody",
        &asked(json!([])),
        None,
        "the rule \"built-in\" matched, but asks nobody and denies nothing",
    );
    assert_refused(
        "by another",
        &asked(with(json!({"rule": "production"}))),
        None,
        "\"built-in\" matched, but asks nobody",
    );
    let cannot = "no matching rule can ask";
    let two = json!([with(json!({}))[0], with(json!({"rule": "production"}))[0]]);
    assert_refused("one more, by none", &asked(two), None, cannot);
    for (what, change) in [
        ("of nobody", json!({"need": 0})),
        ("all for the unknown", json!({"need": 2, "extra": 2})),
        ("two at once", json!({"any_of": [one]})),
    ] {
        assert_refused(what, &asked(with(change)), None, cannot);
    }
    assert_refused("one of none", &asked(with(json!({"any_of": []}))), None, "quorum: a list of no requirements");
}

#[test]
fn another_version_that_asks_otherwise_by_the_same_policy_is_a_warning_and_what_is_no_version_is_refused() {
    let by = |sw: &str, need: u64| {
        let mut story = again(|body| drop(body.insert("sw".into(), json!(sw))));
        story.record(&request(0), RequestOpened).body["quorum"][0]["need"] = json!(need);
        story
    };
    let warned = |story: &Story| check(&story.export(), None).unwrap().warnings.join(" ");
    let told = "1 judgement asks otherwise than another version did before by the same rules of the same policy";
    assert!(!warned(&by("seconder/0.0.9", 1)).contains(told), "it asks the same");
    assert!(warned(&by("seconder/0.0.9", 2)).contains(told));
    let mut longer = by("seconder/0.0.9", 1);
    longer.add(&request(0), RequestRejudged, "expires_at", json!(1_763_769_600_000_u64 + 9 * DAY));
    assert!(warned(&longer).contains(told), "longer");
    let newer = warned(&by("seconder/99.0.0-rc.1", 1));
    assert!(newer.contains("1 entry says that it was written by a version that this one"), "{newer}");
    for sw in ["seconder/0.1.0 ", "seconder/0.1", "another/0.1.0", "seconder/0.1.0\u{1b}[2J"] {
        assert_refused(sw, &by(sw, 1).export(), None, "which is no version of seconder (seconder/X.Y.Z)");
    }
    let mut other_catalogue = again(|body| drop(body.insert("catalogue".into(), json!("d".repeat(64)))));
    check(&other_catalogue.export(), None).unwrap();
    other_catalogue.record(&request(0), RequestOpened).body["quorum"][0]["need"] = json!(2);
    assert_refused("another catalogue", &other_catalogue.export(), None, "asks otherwise than before");
    let mut unreadable = again(|_| ());
    unreadable.set(&request(0), RequestOpened, "/catalogue", json!("\u{1b}[2J"));
    assert_refused("no digest", &unreadable.export(), None, "catalogue: \"\\u{1b}[2J\" is not a digest of 64");
}
