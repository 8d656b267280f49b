//! Whoever has the openings judges every request again, without asking for one.

use seconder::ledger::RecordType::{self, *};
use serde_json::{Value, json};

use super::{audit, audit_opened, large_release, ledger_of, seconded};
use crate::ledger_verify::story::{Record, Story};
use crate::support::process::text;
use crate::support::stage::Stage;

const OTHERWISE: &str = "judged again from its own facts, this comes out otherwise: ";

/// Nothing in the entries themselves tells, and the openings do.
fn assert_told_by_openings_only(what: &str, ledger: &Story, said: &str) {
    assert!(audit(ledger, &[]).status.success(), "{what}");
    let audited = audit_opened(ledger, &[]);
    assert!(text(&audited.stderr).contains(said), "{what}: {}{}", text(&audited.stdout), text(&audited.stderr));
    assert_eq!(audited.status.code(), Some(1), "{what}");
}

#[tokio::test]
async fn a_party_left_out_a_refusal_reworded_and_rules_that_ask_less_are_refused() {
    let (honest, request) = seconded().await;
    let honestly = text(&audit_opened(&honest, &[]).stdout);
    assert!(honestly.contains("judged again: 1 request, from its facts"), "{honestly}");
    let opened = &honest.records[honest.place(&request, RequestOpened)].body;
    let place = |login: &str| opened["parties"].as_array().unwrap().iter().position(|p| p["login"] == login).unwrap();
    let dora = format!("/parties/{}", place("dora"));
    let nobody = json!({"id": 1, "login": "nobody", "kind": "User", "because": []});
    let edits: [(RecordType, &str, Value, &str); 4] = [
        (RequestOpened, &dora, nobody, "parties"),
        (RequestOpened, "/matched_rules", json!(["production", "production"]), "matched_rules"),
        (RequestOpened, "/facts/policies/0/rules/0/consequence/require/0/approvals/approvals", json!(2), "quorum"),
        (AttemptRefused, "/why", json!([{"refusal": "no_access"}]), "why mona was refused"),
    ];
    for (of, path, value, said) in edits {
        let mut ledger = honest.clone();
        ledger.set(&request, of, path, value);
        assert_told_by_openings_only(path, &ledger, &format!("{OTHERWISE}{said}; --explain shows how"));
    }
}

#[tokio::test]
async fn an_author_left_out_of_a_large_release_is_found_in_the_pieces_of_its_facts() {
    let (honest, request) = large_release().await;
    assert!(audit_opened(&honest, &[]).status.success());
    let mut ledger = honest.clone();
    ledger.record(&request, RequestOpened).body.insert("unknown_count".into(), json!(239));
    assert_told_by_openings_only("one fewer", &ledger, &format!("{OTHERWISE}unknown_count"));

    let mut ledger = honest.clone();
    ledger.set(&request, FactsRecorded, "/text", json!("{}"));
    assert_told_by_openings_only("another piece", &ledger, "its facts are not those the opening names by their digest");

    let mut ledger = honest;
    ledger.remove(&request, FactsRecorded);
    let audited = audit(&ledger, &[]);
    assert!(text(&audited.stderr).contains("of the facts, but 1 of"), "{}", text(&audited.stderr));
    assert_eq!(audited.status.code(), Some(1), "a piece less");
}

#[tokio::test]
async fn an_opening_that_names_a_judgement_and_rests_on_nothing_is_refused_by_anybody() {
    let (mut ledger, request) = seconded().await;
    let opening = ledger.record(&request, RequestOpened);
    opening.body.remove("facts");
    opening.body.insert("parties".into(), json!([]));
    let audited = audit(&ledger, &[]);
    assert!(text(&audited.stderr).contains("none of the facts that rests on"), "{}", text(&audited.stderr));
    assert_eq!(audited.status.code(), Some(1));
}

#[tokio::test]
async fn facts_that_were_too_many_to_record_are_a_warning() {
    let (mut ledger, request) = large_release().await;
    ledger.set(&request, RequestOpened, "/facts_pieces", json!(0));
    ledger.records.retain(|record| record.record_type != FactsRecorded);
    let audited = audit_opened(&ledger, &[]);
    let said = "warning: 1 request cannot be judged again: their facts were too many to record";
    assert!(text(&audited.stdout).contains(said) && audited.status.success(), "{audited:?}");
}

#[tokio::test]
async fn what_nobody_has_decided_yet_is_judged_again_as_well() {
    let stage = Stage::set().await;
    let sha = stage.agents_commit();
    stage.deploy(&sha);
    let request = stage.asked(&sha).await.external_id.unwrap();
    let mut ledger = ledger_of(&stage).await;
    assert!(audit_opened(&ledger, &[]).status.success());
    ledger.set(&request, RequestOpened, "/quorum/0/need", json!(7));
    assert_told_by_openings_only("more than asked", &ledger, &format!("{OTHERWISE}quorum"));
}

#[tokio::test]
async fn facts_that_leave_out_what_a_server_reads_or_who_judged_are_refused() {
    let (honest, request) = seconded().await;
    let refused = |what: &str, edits: &[(&str, Value)], said: &str| {
        let mut ledger = honest.clone();
        edits.iter().for_each(|(path, value)| ledger.set(&request, RequestOpened, path, value.clone()));
        let audited = audit_opened(&ledger, &[]);
        assert!(text(&audited.stderr).contains(&format!("{OTHERWISE}{said}")), "{what}: {}", text(&audited.stderr));
    };
    refused("nobody started it", &[("/facts/attempts", json!([]))], "what could not be learned");
    refused("nobody opened the pull request", &[("/facts/pull_requests", json!([]))], "what could not be learned");
    refused("no policy held", &[("/facts/policies", json!([]))], "how many policies hold");
    let commits = &honest.records[honest.place(&request, RequestOpened)].body["commits"];
    let marked = commits.as_array().unwrap().iter().position(|commit| commit["evidence"].is_array()).unwrap();
    let evidence = format!("/commits/{marked}/evidence");
    refused("no mark", &[(&evidence, json!([]))], "whose marks are on ");
}

/// Two requests wait, each about an agent's commit.
async fn two_under_one_policy() -> (Story, Vec<String>) {
    let stage = Stage::set().await;
    stage.policy(
        "version: 1\nrules:\n  - name: production\n    environments: [production]\n    require: [1 of writers]\n",
    );
    let mut requests = Vec::new();
    for _ in 0..2 {
        let sha = stage.agents_commit();
        stage.deploy(&sha);
        requests.push(stage.asked(&sha).await.external_id.unwrap());
    }
    (ledger_of(&stage).await, requests)
}

#[tokio::test]
async fn one_policy_has_the_same_rules_for_every_request() {
    let (mut ledger, requests) = two_under_one_policy().await;
    assert!(audit_opened(&ledger, &[]).status.success());
    ledger.set(
        &requests[1],
        RequestOpened,
        "/facts/policies/0/rules/0/scope/environments",
        json!(["production", "elsewhere"]),
    );
    assert_told_by_openings_only("other rules", &ledger, "are not those that were recorded of the same policy before");
}

#[tokio::test]
async fn what_is_said_to_be_erased_is_not_told_any_more() {
    let (mut ledger, request) = seconded().await;
    let opening = ledger.place(&request, RequestOpened);
    let body = json!({
        "entries": [{"seq": opening, "paths": ["/facts"]}], "part": 1, "parts": 1, "openings": 1, "key_erased": false,
    });
    let Value::Object(body) = body else { unreachable!() };
    ledger.records.push(Record { record_type: RedactionPerformed, corr: None, body });
    let said = format!("says that /facts of entry {opening} was erased, but that is told still");
    assert_told_by_openings_only("erased and told", &ledger, &said);
}

/// Who is an agent changes with the catalogue; whoever signs writes down which one it was.
#[tokio::test]
async fn a_catalogue_that_nobody_knows_explains_nothing_but_where_a_newer_version_judged() {
    let (honest, request) = seconded().await;
    let forged = |sw: &str, edits: &[(RecordType, &str, Value)]| {
        let mut ledger = honest.clone();
        ledger.set(&request, RequestOpened, "/catalogue", json!("0".repeat(64)));
        ledger.add(&request, RequestOpened, "sw", json!(sw));
        edits.iter().for_each(|(of, path, value)| ledger.set(&request, *of, path, value.clone()));
        ledger
    };
    let (this, newer) = ("seconder/0.1.0", "seconder/99.0.0");
    assert!(audit_opened(&forged(this, &[]), &[]).status.success(), "it comes out the same");

    let opened = &honest.records[honest.place(&request, RequestOpened)].body;
    let mona = opened["parties"].as_array().unwrap().iter().position(|party| party["login"] == "mona").unwrap();
    let less = [(RequestOpened, format!("/parties/{mona}/because"), json!([]))];
    let less = less.each_ref().map(|(of, path, value)| (*of, path.as_str(), value.clone()));
    let what_to_do = format!(
        "{OTHERWISE}parties; it says that it was judged with the catalogue of agents {}, which this build has not: verify with \
         the build that wrote it",
        "0".repeat(64)
    );
    assert_told_by_openings_only("a reason less", &forged(this, &less), &what_to_do);
    let told = audit_opened(&forged(newer, &less), &[]);
    let warned =
        "warning: judged again by the catalogue of agents of this version, 1 request, recorded with another, comes out";
    assert!(text(&told.stdout).contains(warned) && told.status.success(), "{told:?}");

    let passed_over = [
        (DecisionRecorded, "/outcome", json!("expired")),
        (DecisionRecorded, "/approvers", json!([])),
        (DecisionRecorded, "/time", json!(opened["expires_at"])),
        (CallbackSent, "/state", json!("rejected")),
    ];
    let mut ledger = forged(newer, &passed_over);
    ledger.records.retain(|record| record.record_type != CallbackResult);
    let weighed = ledger.record(&request, ReviewRecorded).body.clone();
    let at = json!(opened["expires_at"]);
    ledger.insert_after(&request, ReviewRecorded, ReviewWeighed, weighed.into());
    ledger.add(&request, ReviewWeighed, "time", at);
    ledger.record(&request, ReviewWeighed).body.remove("id");
    assert_told_by_openings_only("weighed as before", &ledger, &format!("{OTHERWISE}what alice was before; --explain"));
}

/// What had been met was released: judging it again when its time is over does not take that away.
#[tokio::test]
async fn an_approval_is_not_passed_over_by_a_judgement_that_comes_when_the_time_is_over() {
    let (mut ledger, request) = seconded().await;
    let opened = ledger.record(&request, RequestOpened).body.clone();
    let at = opened["expires_at"].clone();
    ledger.insert_after(&request, ReviewRecorded, RequestRejudged, opened.into());
    ledger.record(&request, RequestRejudged).body.remove("id");
    for (of, field, value) in [
        (RequestRejudged, "time", &at),
        (DecisionRecorded, "time", &at),
        (DecisionRecorded, "outcome", &json!("expired")),
        (DecisionRecorded, "approvers", &json!([])),
        (CallbackSent, "state", &json!("rejected")),
    ] {
        ledger.add(&request, of, field, value.clone());
    }
    ledger.records.retain(|record| record.record_type != CallbackResult);
    assert_told_by_openings_only("passed over", &ledger, &format!("{OTHERWISE}outcome; --explain"));
}

/// By the facts, the approver opened the pull request.
#[tokio::test]
async fn whoever_had_a_part_in_the_same_commits_is_no_approver_by_any_catalogue() {
    let (honest, request) = seconded().await;
    let opened = &honest.records[honest.place(&request, RequestOpened)].body;
    let (facts, approver) =
        (&opened["facts"], &honest.records[honest.place(&request, ReviewRecorded)].body["reviewer"]);
    let accounts = facts["accounts"].as_array().unwrap();
    let mut ledger = honest.clone();
    let mut with_her = accounts.clone();
    with_her.push(approver.clone());
    ledger.set(&request, RequestOpened, "/facts/accounts", with_her.into());
    ledger.set(&request, RequestOpened, "/facts/pull_requests/0/author", json!(accounts.len()));
    ledger.set(&request, RequestOpened, "/catalogue", json!("0".repeat(64)));
    ledger.add(&request, RequestOpened, "sw", json!("seconder/99.0.0"));
    let said = format!("{OTHERWISE}what stands against the word of alice");
    assert_told_by_openings_only("the author of the pull request", &ledger, &said);
}

#[tokio::test]
async fn another_version_that_read_one_policy_otherwise_is_a_warning() {
    let (mut ledger, requests) = two_under_one_policy().await;
    ledger.add(&requests[1], RequestOpened, "sw", json!("seconder/0.0.9"));
    let told = "by other rules than another version recorded of the same policy";
    let audited = audit_opened(&ledger, &[]);
    assert!(audited.status.success() && !text(&audited.stdout).contains(told), "{audited:?}");
    let scope = "/facts/policies/0/rules/0/scope/environments";
    ledger.set(&requests[1], RequestOpened, scope, json!(["production", "elsewhere"]));
    let audited = audit_opened(&ledger, &[]);
    assert!(audited.status.success() && text(&audited.stdout).contains(told), "{audited:?}");
}

#[tokio::test]
async fn people_are_reminded_only_when_the_rules_say_so() {
    let (mut ledger, request) = seconded().await;
    let opened = ledger.record(&request, RequestOpened).body["time"].as_u64().unwrap();
    ledger.insert_after(&request, RequestOpened, RequestReminded, json!({"waited": 1, "time": opened + 1}));
    let said = format!("{OTHERWISE}when people are reminded, or others let in");
    assert_told_by_openings_only("at any time", &ledger, &said);
}

/// A policy may tell of more people than fit into an entry.
#[tokio::test]
async fn people_for_whom_there_was_no_room_are_a_warning_and_counted_by_the_facts() {
    let (mut ledger, request) = seconded().await;
    let omitted = json!({"bytes": 70_000, "omitted": "too long for an entry", "sha256": "0".repeat(64)});
    ledger.add(&request, RequestOpened, "people", omitted);
    let told = audit_opened(&ledger, &[]);
    let said = "warning: 1 opening that had no room to tell which accounts are one human's";
    assert!(told.status.success() && text(&told.stdout).contains(said), "{told:?}");
    ledger.set(&request, RequestOpened, "/facts/policies/0/people", json!([]));
    assert_eq!(audit_opened(&ledger, &[]).status.code(), Some(1), "the facts still say who is one");
}
