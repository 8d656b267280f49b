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
fn whoever_takes_the_file_away_is_not_judged_as_if_there_had_been_none() {
    let built_in = by(|policy| {
        let digest = seconder::domain::policy::Policy::built_in().digest;
        *policy = json!({"digest": digest, "origin": "built_in"});
    });
    assert_eq!(said(&built_in), None, "facts that were gathered just then");
    let mut late = built_in;
    late.records[1].body.insert("time".into(), json!(1_763_769_600_000_u64 - 2 * 60 * 60 * 1_000));
    let warnings = check(&late.export(), None).unwrap().warnings.join(" ");
    assert!(
        warnings.contains("1 decision by the built-in rules in a repository whose own came into force"),
        "{warnings}"
    );
    late.records[1].body["policy"]["origin"] = json!("built_in");
    assert!(said(&late).unwrap().starts_with("10 decisions by rules of which"), "only a file comes into force");
}

#[test]
fn one_digest_is_of_one_file() {
    let other = by(|policy| policy["blob"] = json!("d".repeat(40)));
    assert_refused(
        "another blob",
        &other.export(),
        None,
        "the digest of rules that came into force before, and another",
    );
}

#[test]
fn what_a_decision_says_of_its_rules_is_what_was_shown() {
    let mut story = Story::of(12);
    story.set(&request(0), DecisionRecorded, "/policy/origin", json!("built_in"));
    assert_refused("from elsewhere", &story.export(), None, "names another policy than request.opened");
    for field in ["commit", "blob"] {
        let mut story = Story::of(12);
        story.set(&request(0), DecisionRecorded, &format!("/policy/{field}"), json!("f".repeat(40)));
        assert_refused(field, &story.export(), None, "names another policy than request.opened");
        story.record(&request(0), DecisionRecorded).body["policy"].as_object_mut().unwrap().remove(field);
        check(&story.export(), None).expect("as far as both tell it");
    }
    let mut story = Story::of(12);
    story.set(&request(0), RequestOpened, "/policy/origin", json!("hearsay"));
    assert_refused("from nowhere", &story.export(), None, "policy: unknown variant `hearsay`");
}
