//! The rules of a decision came into force before it, and are those that were shown.
use seconder::ledger::RecordType::*;
use serde_json::{Value, json};

use super::story::{Story, request};
use super::{assert_refused, check};

/// What is said of rules that nobody announced, if anything is.
fn said(story: &Story) -> Option<String> {
    check(&story.export(), None).unwrap().warnings.into_iter().find(|warning| warning.contains("policy.loaded"))
}

/// The first request, decided by other rules.
fn by(change: impl Fn(&mut Value)) -> Story {
    let mut story = Story::of(12);
    for of in [RequestOpened, DecisionRecorded] {
        change(&mut story.record(&request(0), of).body["policy"]);
    }
    story
}

#[test]
fn rules_that_never_came_into_force_are_told() {
    assert_eq!(said(&Story::of(12)), None);
    let other = by(|policy| policy["digest"] = json!("sha256:q"));
    assert!(
        said(&other)
            .unwrap()
            .starts_with("1 decision by rules of which the log does not say that they came into force")
    );
    let last_good = by(|policy| {
        policy["digest"] = json!("sha256:q");
        policy["origin"] = json!("last_good");
    });
    assert!(said(&last_good).is_some());
    for origin in ["built_in", "admins_only"] {
        assert!(said(&by(|policy| policy["origin"] = json!(origin))).is_some(), "rules of no file are known: {origin}");
    }
    let mut elsewhere = Story::of(12);
    elsewhere.records[1].body["repository"]["id"] = json!(45);
    assert!(said(&elsewhere).unwrap().starts_with("11 decisions"));

    let also =
        |whose: &str| by(|policy| policy["also"] = json!([{"digest": "sha256:o", "origin": "file", "whose": whose}]));
    assert!(said(&also("organization")).is_some());
    assert_eq!(said(&also("before")), None, "nobody may have looked at that commit before");
    let mut told = also("organization");
    let organization = json!({"organization": "acme", "policy": {"digest": "sha256:o", "origin": "file"}});
    told.insert_after(&request(0), RequestOpened, PolicyLoaded, organization);
    assert_eq!(said(&told), None);
}

#[test]
fn what_a_decision_says_of_its_rules_is_what_was_shown() {
    let mut story = Story::of(12);
    story.set(&request(0), DecisionRecorded, "/policy/origin", json!("built_in"));
    assert_refused("from elsewhere", &story.export(), None, "names another policy than request.opened");
    let mut story = Story::of(12);
    story.set(&request(0), RequestOpened, "/policy/origin", json!("hearsay"));
    assert_refused("from nowhere", &story.export(), None, "policy: unknown variant `hearsay`");
}
