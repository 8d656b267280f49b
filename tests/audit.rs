//! An auditor has the exported ledger and the key, and judges again what a server judged: no GitHub, no server.

use std::path::Path;
use std::process::Output;

use seconder::artifact::Directory;
use seconder::demo::Commit;
use seconder::domain::event::Event;
use seconder::ledger::RecordType::{self, *};
use seconder::store::Work;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::ledger_verify::story::{ORIGIN, Story, vkey};
use crate::support::database::on_both;
use crate::support::process::{seconder, text};
use crate::support::stage::{SHOP, Stage};
use crate::support::{case, held};

mod everything;

const CLAUDE: &str = "Co-Authored-By: Claude <noreply@anthropic.com>";

/// What the stage's ledger says when all of it is told, to be signed again by whoever has its key.
async fn ledger_of(stage: &Stage) -> Story {
    let lines: Vec<String> = stage.entries().await.iter().map(Value::to_string).collect();
    Story::of_lines(&lines.join("\n"))
}

fn audit(ledger: &Story, options: &[&str]) -> Output {
    let folder = TempDir::new().unwrap();
    let dir = folder.path().join("ledger");
    ledger.export_into(Directory::create(&dir).unwrap());
    run(&dir, options)
}

/// The same for whoever has the openings: all of it stands in clear here, so there is nothing to open, and everything to look at.
pub fn audit_opened(ledger: &Story, options: &[&str]) -> Output {
    let folder = TempDir::new().unwrap();
    let openings = folder.path().join("openings");
    std::fs::write(&openings, format!("{}\n", json!({"log": ORIGIN, "size": ledger.records.len()}))).unwrap();
    audit(ledger, &[&["--openings", openings.to_str().unwrap()], options].concat())
}

fn run(dir: &Path, options: &[&str]) -> Output {
    let mut command = seconder();
    command.args(["ledger", "verify"]).arg(dir).args(["--vkey", &vkey().to_string()]).args(options);
    command.output().unwrap()
}

/// Under this policy: dora's pull request brings a commit of an agent and mona, alice seconds it after mona tried.
async fn seconded() -> (Story, String) {
    let stage = Stage::set().await;
    let policy = "version: 1\npeople:\n  alice: { also: [olga] }\n  bob: machine\nrules:\n  - name: production\n    \
                  environments: [production]\n    require: [1 of writers]\n  - name: devin\n    \
                  environments: [production]\n    authored_by: [devin]\n    require: [2 of writers]\n";
    stage.policy(policy);
    let sha = stage.merge("mona", "dora", &format!("Speed up checkout\n\n{CLAUDE}"));
    let run = stage.deploy(&sha);
    let check = stage.asked(&sha).await;
    for (login, verdict) in [("mona", "approve"), ("bob", "approve"), ("rita", "deny"), ("alice", "approve")] {
        stage.github.click(check.id, verdict, login);
        let told = |summary: String| summary.contains(&format!("`{login}` could not"));
        stage.check(&sha, |check| login == "alice" || told(check.summary.clone().unwrap_or_default())).await;
    }
    assert_eq!(stage.decision(run).await.0, "approved");
    (ledger_of(&stage).await, check.external_id.unwrap())
}

#[tokio::test]
async fn an_auditor_judges_again_offline_and_comes_to_the_same() {
    let (ledger, request) = seconded().await;
    let audited = audit(&ledger, &["--explain", &request]);
    let story = text(&audited.stdout);
    assert!(audited.status.success(), "{story}{}", text(&audited.stderr));
    let verdict =
        "judged again: same parties (3), same requirements (1), same answers to reviews (4), same outcome (approved)";
    for told in
        [verdict, "rule production holds it: commits by ai", "rule devin does not hold it", "a program: accounts"]
    {
        assert!(story.contains(told), "{told}\n{story}");
    }
    let audited = audit(&ledger, &["--explain", &request, "--json"]);
    let report: Value = serde_json::from_slice(&audited.stdout).unwrap();
    assert_eq!(report["explained"]["judged_again"]["differences"], json!([]));
}

#[tokio::test]
async fn a_log_that_rewrites_a_judgement_and_signs_it_again_is_caught_by_its_own_facts() {
    let (honest, request) = seconded().await;
    let opened = &honest.records[honest.place(&request, RequestOpened)].body;
    let place = |login: &str| opened["parties"].as_array().unwrap().iter().position(|p| p["login"] == login).unwrap();
    let dora = format!("/parties/{}", place("dora"));
    let mona = format!("/parties/{}/because", place("mona"));
    let edits: &[(&str, RecordType, &str, Value, &str)] = &[
        (
            "drops a party",
            RequestOpened,
            &dora,
            json!({"id": 1, "login": "nobody", "kind": "User", "because": []}),
            "pull_request_author",
        ),
        ("hides a reason", RequestOpened, &mona, json!([]), "entry 1, parties:"),
        (
            "says a rule matched twice",
            RequestOpened,
            "/matched_rules",
            json!(["production", "production"]),
            "entry 1, matched_rules:",
        ),
        (
            "asks fewer",
            RequestOpened,
            "/facts/policies/0/rules/0/consequence/require/0/approvals/approvals",
            json!(2),
            "entry 1, quorum:",
        ),
        ("does not hold a commit", RequestOpened, "/commits/0/gated", json!(false), "entry 1, commits:"),
        (
            "calls a program a person",
            RequestOpened,
            "/facts/policies/0/people/1/is_machine",
            json!(false),
            "entry 1, people:",
        ),
        ("lets it wait longer", RequestOpened, "/expires_at", json!(9_000_000_000_000_u64), "entry 1, expires_at:"),
        (
            "refuses for another reason",
            AttemptRefused,
            "/why",
            json!([{"refusal": "no_access"}]),
            "why mona was refused",
        ),
    ];
    for (what, of, path, value, said) in edits {
        let mut ledger = honest.clone();
        ledger.set(&request, *of, path, value.clone());
        assert!(audit(&ledger, &[]).status.success(), "{what}: no rule of the verifier is broken");
        let audited = audit(&ledger, &["--explain", &request]);
        let story = text(&audited.stdout);
        assert!(story.contains(said) && story.contains("judged again: NOT the same"), "{what}\n{story}");
        assert_eq!(audited.status.code(), Some(1), "{what}");
    }
}

/// Messages are not recorded; who stands on a commit is, and the catalogue says who of them is an agent.
#[tokio::test]
async fn a_log_that_calls_one_agent_another_is_caught_by_who_stands_on_the_commit() {
    let (mut ledger, request) = seconded().await;
    let facts = &ledger.records[ledger.place(&request, RequestOpened)].body["facts"];
    let at = facts["identities"].as_array().unwrap().iter().position(|who| who["email"] == "noreply@anthropic.com");
    let path = format!("/facts/identities/{}", at.unwrap());
    ledger.set(&request, RequestOpened, &path, json!({"name": "Devin", "email": "agent@devin.ai"}));
    assert!(audit(&ledger, &[]).status.success(), "no rule of the verifier is broken");
    let audited = audit(&ledger, &["--explain", &request]);
    let story = text(&audited.stdout);
    assert!(story.contains("agents on ") && story.contains("devin") && !story.contains("same outcome"), "{story}");
    assert_eq!(audited.status.code(), Some(1));
}

#[tokio::test]
async fn whatever_a_log_says_moves_no_cursor_and_hides_nothing_when_it_is_explained() {
    let (honest, request) = seconded().await;
    let evil = "\u{1b}[2J\u{9b}31m\u{202e}VERIFIED\u{200b}\nverified: all of it";
    for (of, path, value) in [
        (RequestOpened, "/run", json!({"attempt": 1, "id": evil})),
        (RequestOpened, "/repository/name", json!(evil)),
        (RequestOpened, "/commits/0/sha", json!([evil])),
        (RequestOpened, "/quorum/0/rule", json!(evil)),
        (AttemptRefused, "/reviewer/login", json!(evil)),
        (ReviewRecorded, "/reviewer/login", json!(evil)),
    ] {
        let mut ledger = honest.clone();
        ledger.set(&request, AttemptRefused, "/why", json!([{"refusal": "no_access"}]));
        for record in ledger.records.iter_mut().filter(|record| record.body.contains_key("policy")) {
            record.body["policy"]["blob"] = json!(evil);
        }
        ledger.set(&request, of, path, value);
        let audited = audit(&ledger, &["--explain", &request]);
        let said = format!("{}{}", text(&audited.stdout), text(&audited.stderr));
        let hides = |c: char| (c.is_control() && c != '\n') || matches!(c, '\u{202e}' | '\u{200b}');
        assert!(!said.contains(hides), "{path}: {said:?}");
        assert!(!said.lines().any(|line| line.starts_with("verified: all of it")), "{path}: {said}");
    }
}

#[tokio::test]
async fn a_log_that_says_people_waited_longer_than_they_did_is_caught_by_its_times() {
    let (mut ledger, request) = seconded().await;
    let opened = &ledger.records[ledger.place(&request, RequestOpened)].body;
    let waited = json!({"request_digest": opened["request_digest"], "waited": 9_000_000_000_u64});
    ledger.insert_after(&request, RequestOpened, RequestReminded, waited);
    let audited = audit(&ledger, &[]);
    let said = text(&audited.stderr);
    assert!(said.contains("says that it waited 9000000000 milliseconds, but the request was opened only"), "{said}");
    assert_eq!(audited.status.code(), Some(1));
}

#[tokio::test]
async fn what_the_rules_of_the_ledger_forbid_is_missed_without_judging_again() {
    let (honest, request) = seconded().await;
    let edits: &[(RecordType, &str, Value, &str)] = &[
        (RequestOpened, "/parties", json!([]), "had a part, but is not among the parties"),
        (ReviewRecorded, "/permission", json!("read"), "seconds with read access to the repository"),
        (DecisionRecorded, "/quorum/0/from", json!("admins"), "counts people from another group"),
        (DecisionRecorded, "/policy/digest", json!("0".repeat(64)), "names another policy"),
        (RequestOpened, "/expires_at", json!(1), "but the request expired at 1"),
        (RequestOpened, "/matched_rules", json!(["devin"]), "the rule \"devin\" matched, but asks nobody"),
    ];
    for (of, path, value, said) in edits {
        let mut ledger = honest.clone();
        ledger.set(&request, *of, path, value.clone());
        let audited = audit(&ledger, &[]);
        assert!(text(&audited.stderr).contains(said), "{said}: {}", text(&audited.stderr));
        assert_eq!(audited.status.code(), Some(1));
    }
}

#[tokio::test]
async fn a_request_about_something_else_than_its_id_and_its_digest_say_is_refused() {
    let (honest, request) = seconded().await;
    assert!(!text(&audit(&honest, &[]).stdout).contains("warning"), "{}", text(&audit(&honest, &[]).stdout));
    let other = json!("0".repeat(64));
    let edits = [
        ("/environment", json!("staging"), "request's id does not follow"),
        ("/run/id", json!(7), "request's id does not follow"),
        ("/repository/id", json!(7), "request's id does not follow"),
        ("/head_sha", json!("0".repeat(40)), "request's id does not follow"),
        ("/base/sha", json!("0".repeat(40)), "its request_digest is"),
        ("/partial", json!([{"gap": "diverged"}]), "its request_digest is"),
        ("/judgement", other.clone(), "its request_digest is"),
        ("/policy/digest", other.clone(), "its request_digest is"),
        ("/request_digest", other, "its request_digest is"),
    ];
    for (path, value, said) in edits {
        let mut ledger = honest.clone();
        if path == "/base/sha" {
            ledger.add(&request, RequestOpened, "base", json!({"deployment": "DE_kwDO", "sha": value}));
        } else {
            ledger.set(&request, RequestOpened, path, value);
        }
        let audited = audit(&ledger, &[]);
        assert!(text(&audited.stderr).contains(said), "{path}: {}", text(&audited.stderr));
        assert_eq!(audited.status.code(), Some(1));
    }
    let mut another = honest.clone();
    for record in another.records.iter_mut().filter(|record| record.corr.as_deref() == Some(&request)) {
        record.corr = Some("0".repeat(32));
    }
    assert!(text(&audit(&another, &[]).stderr).contains("request's id does not follow"), "under another name");
    let mut older = honest.clone();
    older.record(&request, RequestOpened).body.remove("judgement");
    let audited = text(&audit(&older, &[]).stdout);
    assert!(audited.contains("warning: 1 opening without `judgement`"), "{audited}");
}

/// A group is sealed: whoever has the openings sees who is in it.
#[tokio::test]
async fn an_approver_who_is_in_no_group_that_is_asked_is_refused_by_whoever_has_the_openings() {
    let stage = Stage::set().await;
    stage.policy(
        "version: 1\napprovers:\n  trusted: [\"@acme/platform\", rita]\nrules:\n  - name: production\n    \
         environments: [production]\n    require: [1 of trusted]\n",
    );
    let sha = stage.agents_commit();
    let run = stage.deploy(&sha);
    let check = stage.asked(&sha).await;
    stage.github.click(check.id, "approve", "alice");
    assert_eq!(stage.decision(run).await.0, "approved");
    let (honest, request) = (ledger_of(&stage).await, check.external_id.unwrap());
    let audited = audit_opened(&honest, &[]);
    assert!(text(&audited.stdout).contains("judged again: 1 request"), "{audited:?}");
    for (of, path, value) in [
        (ReviewRecorded, "/teams", json!([])),
        (ReviewRecorded, "/teams", json!(["acme/plumbing"])),
        (RequestOpened, "/quorum/0/members", json!([{"user": "rita"}])),
    ] {
        let mut ledger = honest.clone();
        ledger.set(&request, of, path, value);
        assert!(audit(&ledger, &[]).status.success(), "{path}: sealed, nothing is to be seen");
        let audited = audit_opened(&ledger, &[]);
        assert!(text(&audited.stderr).contains("is in no group that the request asks"), "{path}: {audited:?}");
        assert_eq!(audited.status.code(), Some(1));
    }
}

#[tokio::test]
async fn an_approver_renamed_since_the_policy_was_read_is_in_the_group_that_calls_them_as_before() {
    for (people, is_known) in [("people:\n  alice: {}\n", true), ("", false)] {
        let stage = Stage::set().await;
        stage.policy(&format!(
            "version: 1\n{people}approvers:\n  trusted: [alice]\nrules:\n  - name: production\n    \
             environments: [production]\n    require: [1 of trusted]\n"
        ));
        let sha = stage.agents_commit();
        let run = stage.deploy(&sha);
        let check = stage.asked(&sha).await;
        stage.github.click(check.id, "approve", "alice");
        assert_eq!(stage.decision(run).await.0, "approved");
        let (mut ledger, request) = (ledger_of(&stage).await, check.external_id.unwrap());
        ledger.set(&request, ReviewRecorded, "/reviewer/login", json!("alicia"));
        let folder = TempDir::new().unwrap();
        let openings = folder.path().join("openings");
        std::fs::write(&openings, format!("{}\n", json!({"log": ORIGIN, "size": ledger.records.len()}))).unwrap();
        let audited = audit(&ledger, &["--openings", openings.to_str().unwrap()]);
        assert_eq!(audited.status.success(), is_known, "{audited:?}");
    }
}

#[test]
fn a_second_deployment_of_the_same_has_an_id_that_follows_from_it() {
    on_both(async |database| {
        let (store, _handed) = database.open().await;
        let mut held_again = case(1);
        let (run, attempt) = (held_again.subject.run_key(), held_again.subject.run_attempt);
        for deployment in [1, 2] {
            held_again.deployment_id = Some(deployment);
            for event in [held(&held_again), Event::RunEnded { run: run.clone(), attempt }] {
                store.commit(Work { claim: None, event: Some(event) }).await.unwrap();
            }
        }
        let log = store.ledger().logs().await.unwrap().remove(0);
        let lines = store.ledger().entries(log.tenant, 0, log.size, 100).await.unwrap();
        let mut ledger = Story::of_lines(&lines.join("\n"));
        let audited = audit(&ledger, &[]);
        assert!(text(&audited.stdout).contains("2 requests: 2 decided"), "{audited:?}");
        let second = held_again.subject.request_id_for(2);
        ledger.set(second.as_str(), RequestOpened, "/deployment_id", json!(3));
        assert!(text(&audit(&ledger, &[]).stderr).contains("request's id does not follow"));
    });
}

#[tokio::test]
async fn a_ledger_without_facts_is_told_but_not_judged_again() {
    let (mut ledger, request) = seconded().await;
    for left_out in ["facts", "judgement"] {
        ledger.record(&request, RequestOpened).body.remove(left_out);
    }
    let audited = audit(&ledger, &["--explain", &request]);
    let story = text(&audited.stdout);
    assert!(
        story.contains("alice approved") && story.contains("cannot be judged again: its opening records no facts"),
        "{story}"
    );
    assert_eq!(audited.status.code(), Some(2));
}

#[tokio::test]
async fn what_needed_nobody_and_what_a_rule_denied_are_judged_again_too() {
    let stage = Stage::set().await;
    let policy = "version: 1\nrules:\n  - name: production\n    environments: [production]\n    require: [1 of writers]\n    \
                  unattributed: deny\n";
    stage.policy(policy);
    let by_human = stage.deploy(&stage.humans_commit());
    assert_eq!(stage.decision(by_human).await.0, "approved");
    stage.github.finish(by_human, true);
    let ghostly = stage.github.commit(SHOP, &Commit::by("Zoe <zoe@nowhere.example>", format!("Faster\n\n{CLAUDE}")));
    let run = stage.deploy(&ghostly);
    assert_eq!(stage.decision(run).await.0, "rejected");
    let ledger = ledger_of(&stage).await;
    let outcomes = ["same outcome (not required)", "same outcome (denied)"];
    for (opened, outcome) in ledger.records.iter().filter(|record| record.record_type == RequestOpened).zip(outcomes) {
        let audited = audit(&ledger, &["--explain", opened.corr.as_deref().unwrap()]);
        assert!(text(&audited.stdout).contains(outcome), "{}", text(&audited.stdout));
        assert!(audited.status.success());
    }
}

/// A release by so many people that what its judgement rests on stands in entries of its own, and the request about it.
async fn large_release() -> (Story, String) {
    let stage = Stage::set().await;
    let by =
        |n: usize| Commit::by(&format!("Person {n} <person-{n}@somewhere.example>"), format!("Change {n}\n\n{CLAUDE}"));
    let shas: Vec<String> = (0..240).map(|n| stage.github.commit(SHOP, &by(n))).collect();
    stage.deploy(shas.last().unwrap());
    let check = stage.check(shas.last().unwrap(), |_| true).await;
    (ledger_of(&stage).await, check.external_id.unwrap())
}

#[tokio::test]
async fn a_release_too_large_for_one_entry_is_judged_again_from_several() {
    let (ledger, request) = large_release().await;
    let audited = audit(&ledger, &["--explain", &request]);
    let story = text(&audited.stdout);
    assert!(story.contains("more of what it rests on, piece 1"), "{story}");
    assert!(story.contains("same requirements (1), same answers to reviews (0), still undecided"), "{story}");
}
