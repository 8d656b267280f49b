//! GitHub asks once about a deployment, and about a second one of the same only when it has an answer.
use seconder::domain::gate::{Repository, Subject, Tenant};
use seconder::ledger::RecordType::*;
use serde_json::json;

use super::story::{Story, request};
use super::{assert_refused, check};

/// Two requests that were released, about these deployments.
fn two(first: u64, second: u64) -> Story {
    let mut story = Story::of(12);
    story.add(&request(0), RequestOpened, "deployment_id", json!(first));
    story.add(&request(6), RequestOpened, "deployment_id", json!(second));
    story
}

fn in_attempt(mut story: Story, attempt: u64) -> Story {
    story.set(&request(6), RequestOpened, "/run/attempt", json!(attempt));
    story.set(&request(6), CallbackSent, "/attempt_checked/attempt", json!(attempt));
    story
}

#[test]
fn one_deployment_is_not_asked_about_twice() {
    check(&two(800, 801).export(), None).unwrap();
    let twice = "another request was opened about the deployment 800 in the same attempt";
    assert_refused("twice", &two(800, 800).export(), None, twice);
    for (path, other) in [("/environment", json!("staging")), ("/repository/id", json!(45)), ("/run/id", json!(992))] {
        let mut story = two(800, 800);
        story.set(&request(6), RequestOpened, path, other);
        let elsewhere = "the deployment 800 was one of another repository, environment or run";
        assert_refused(path, &story.export(), None, elsewhere);
    }
}

#[test]
fn a_deployment_stands_in_clear() {
    let sealed = json!(format!("sha256:{}", "0".repeat(64)));
    for (field, value) in [
        ("deployment_id", sealed.clone()),
        ("deployment_id", json!("800")),
        ("environment", sealed.clone()),
        ("head_sha", sealed),
        ("environment", json!(7)),
        ("judgement", json!("hello")),
    ] {
        let mut story = two(800, 801);
        story.add(&request(6), RequestOpened, field, value);
        assert_refused(field, &story.export(), None, &format!("cannot be read: {field}: "));
    }
}

#[test]
fn a_deployment_released_in_two_attempts_is_told() {
    let said = |story: &Story| {
        let warnings = check(&story.export(), None).unwrap().warnings;
        warnings.into_iter().find(|warning| warning.contains("deployment"))
    };
    assert_eq!(said(&in_attempt(two(800, 801), 2)), None);
    let again = in_attempt(two(800, 800), 2);
    assert!(said(&again).unwrap().starts_with("1 deployment was released in two attempts of a run"));
    let mut late = again;
    late.records.retain(|record| record.corr != Some(request(6)) || record.record_type == RequestOpened);
    assert_eq!(said(&late), None, "whatever came late was not released");
}

#[test]
fn a_second_deployment_of_the_same_comes_after_the_first() {
    let subject = Subject {
        tenant: Tenant { account_id: 1, login: "acme".into(), installation_id: 1 },
        repository: Repository { id: 44, owner: "acme".into(), name: "shop".into() },
        environment: "production".into(),
        run_id: 991,
        run_attempt: 1,
        head_sha: "a".repeat(40),
    };
    let named = |mut story: Story| {
        let ids = [(0, subject.request_id()), (6, subject.request_id_for(801))];
        for record in &mut story.records {
            for (n, id) in &ids {
                if record.corr == Some(request(*n)) {
                    record.corr = Some(id.as_str().to_owned());
                }
            }
        }
        story
    };
    let honest = named(two(800, 801));
    check(&honest.export(), None).unwrap();
    let reason =
        "by its id it is about a second deployment of the same, but the request about the first is not decided";
    let mut alone = honest.clone();
    alone.records.retain(|record| record.corr.as_deref() != Some(subject.request_id().as_str()));
    assert_refused("without the first", &alone.export(), None, reason);
    let mut early = honest;
    let opening = early.place(subject.request_id_for(801).as_str(), RequestOpened);
    let opening = early.records.remove(opening);
    let first = early.place(subject.request_id().as_str(), RequestOpened);
    early.records.insert(first + 1, opening);
    assert_refused("at the same time", &early.export(), None, reason);
}
