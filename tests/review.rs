//! REVIEW: what should hold and does not.
use std::time::Duration;

use seconder::demo::{Commit, Deploy, Trouble};
use seconder::ledger::RecordType::*;
use seconder::ledger::verify::{Trust, verify};
use serde_json::json;

use crate::ledger_verify::story::{Memory, Story, digest, request, review, vkey};
use crate::support::stage::{SHOP, Stage};

/// F1: "last good deployment" is whatever anybody with `deployments: write` says it is.
#[tokio::test]
async fn review_a_success_seconder_never_released_is_no_base() {
    let stage = Stage::set().await;
    let sha = stage.agents_commit();
    // What `POST /deployments` + `POST /deployments/{id}/statuses state=success` leave behind.
    stage.github.unguarded_environment(SHOP, "production");
    let forged = stage.github.deploy(SHOP, &Deploy::to("production", &sha, "mona"));
    stage.github.finish(forged, true);
    stage.github.environment(SHOP, "production");

    let run = stage.deploy(&sha);
    tokio::time::sleep(Duration::from_secs(3)).await;
    let said = stage.github.callbacks(run);
    assert!(said.is_empty(), "an agent's commit was released and no human was asked: {said:?}");
}

/// F2: the same end to end.
#[tokio::test]
async fn review_an_approval_of_attempt_one_does_not_release_attempt_two() {
    let stage = Stage::set().await;
    let sha = stage.agents_commit();
    let run = stage.deploy(&sha);
    let check = stage.asked(&sha).await;
    stage.github.fail("deployment_protection_rule", 3, Trouble::Status(502));
    stage.github.click(check.id, "approve", "alice");
    stage
        .until("a failed callback", |github| {
            github
                .calls()
                .iter()
                .any(|c| c.route.contains("deployment_protection_rule") && c.method == "POST" && c.status == 502)
        })
        .await;
    stage.github.cancel(run);
    stage.github.rerun(run, "alice"); // The approver of attempt 1 is a party of attempt 2.
    stage.check(&sha, |c| c.id != check.id && !c.actions.is_empty()).await;
    tokio::time::sleep(Duration::from_secs(12)).await;
    let said = stage.github.callbacks(run);
    assert!(said.iter().all(|c| c.attempt != 2), "alice started attempt 2 and released it: {said:?}");
}

/// F5: one repository that is gone keeps all others from being looked at.
#[tokio::test]
async fn review_one_unreadable_repository_does_not_end_the_search_for_missed_runs() {
    let mut stage = Stage::set().await;
    let known = stage.agents_commit();
    stage.deploy(&known);
    stage.asked(&known).await;
    stage.stop().await;
    stage.github.forget_webhooks(true);
    let sha = stage.humans_commit();
    let run = stage.deploy(&sha);
    stage.github.forget_webhooks(false);
    // The list of failed deliveries cannot be read (or: an earlier repository of the list is gone).
    stage.github.fail("GET /app/hook/deliveries", 1, Trouble::Status(500));
    stage.start().await;
    tokio::time::sleep(Duration::from_secs(4)).await;
    let found = !stage.github.check_runs(SHOP, &sha).is_empty() || !stage.github.callbacks(run).is_empty();
    assert!(found, "waits until the next round, five minutes later, and for ever if it is a repository that is gone");
}

/// P8: every commit of a long release is listed, and what cannot be shown in full cannot be seconded.
#[tokio::test]
async fn what_does_not_fit_on_the_check_run_can_only_be_denied_there() {
    let stage = Stage::set().await;
    let marked = "\n\n🤖 Generated with [Claude Code](https://claude.com/claude-code)\n\nCo-Authored-By: Claude <noreply@anthropic.com>";
    let message = |n: usize| format!("Step {n} {}{marked}", "x".repeat(90));
    let mut sha = String::new();
    for n in 0..240 {
        sha = stage.github.commit(SHOP, &Commit::by("mona", message(n)));
    }
    stage.deploy(&sha);
    let check = stage.asked(&sha).await;
    let text = check.text.clone().unwrap_or_default();
    assert!((0..240).all(|n| text.contains(&format!("Step {n} "))), "every commit is there");
    assert!(check.actions.iter().any(|(id, _)| id == "approve"));

    for n in 240..300 {
        sha = stage.github.commit(SHOP, &Commit::by("mona", message(n)));
    }
    let run = stage.deploy(&sha);
    let check = stage.asked(&sha).await;
    assert!(check.actions.iter().all(|(id, _)| id != "approve"), "GitHub lists 250 of 300 commits");
    stage.github.click_stale(check.id, "approve", "alice");
    stage.github.click(check.id, "deny", "alice");
    assert_eq!(stage.decision(run).await.0, "rejected");
}

fn believed(ledger: &Memory) -> bool {
    let entries = ledger.files["entries.jsonl"].as_slice();
    verify(ledger, entries, Trust { key: &vkey(), old: None }, &mut |_, _| {}).is_ok()
}

/// F4a: the quorum is taken from the decision, not from what was opened.
#[test]
fn review_a_decision_cannot_lower_the_quorum_that_was_opened() {
    let mut story = Story::of(12);
    let id = request(0);
    let opened = story.record(&id, RequestOpened);
    opened.body.insert(
        "quorum".into(),
        json!([{ "rule": "built-in", "from": "writers", "members": [], "need": 3, "extra": 2 }]),
    );
    assert!(!believed(&story.export()), "three were asked for, one came");
}

/// F4b: a rule held it, nobody was asked, it was released.
#[test]
fn review_what_a_rule_holds_cannot_be_not_required() {
    let mut story = Story::of(12);
    story.set(&request(3), RequestOpened, "/matched_rules", json!(["production: anyone"]));
    assert!(!believed(&story.export()), "a rule matched (authored_by: anyone) and no human was asked");
    let mut story = Story::of(12);
    story.set(&request(3), RequestOpened, "/ai_commits", json!(5));
    assert!(!believed(&story.export()), "five commits by agents and no rule matched: no policy can say that");
}

/// F4c: a denial can be struck, and then it never was.
#[test]
fn review_a_denial_cannot_be_struck() {
    let mut story = Story::of(12);
    let id = request(0);
    let who = json!({ "reviewer": { "id": 8, "login": "person-8", "kind": "User" }, "why": [] });
    let place = story.place(&id, ReviewRecorded);
    let _ = place;
    story.insert_after(&id, RequestOpened, ReviewStruck, who);
    story.insert_after(&id, RequestOpened, ReviewRecorded, review(&id, 8, "deny"));
    let _ = digest(&id);
    assert!(!believed(&story.export()), "somebody denied it");
}

/// F11: nothing renews the lease of a delivery while its facts are gathered: slower than the lease means never.
#[tokio::test]
async fn review_a_slow_github_delays_a_gate_and_does_not_starve_it() {
    let stage = Stage::set().await; // Its lease is 5 s; two calls one after the other take 6 s.
    stage.github.set_latency(Duration::from_secs(3));
    let sha = stage.agents_commit();
    stage.deploy(&sha);
    tokio::time::sleep(Duration::from_secs(35)).await;
    let gathers = stage.github.calls().iter().filter(|c| c.route.contains("DeploymentContext")).count();
    let is_open = !stage.github.check_runs(SHOP, &sha).is_empty();
    stage.github.set_latency(Duration::ZERO);
    assert!(is_open, "gathered {gathers} times, never opened");
}

/// F10 (P5): rules that came into force while a known request was asked about again get no entry, ever.
#[tokio::test]
async fn review_rules_that_are_new_get_their_entry_whatever_brought_them() {
    let stage = Stage::set().await;
    let sha = stage.agents_commit();
    let run = stage.deploy(&sha);
    stage.asked(&sha).await;
    let policy =
        "version: 1\nrules:\n  - name: production\n    environments: [production]\n    require: [1 of writers]\n";
    stage.github.file(SHOP, "olga", ".github/seconder.yml", Some(policy));
    stage.github.ask_again(run); // Also: a crash between `remember_policy` and the commit.
    tokio::time::sleep(Duration::from_secs(2)).await;
    let next = stage.agents_commit();
    stage.deploy(&next);
    stage.asked(&next).await;
    let report = stage.verified().await;
    assert_eq!(report.entries.get("policy.loaded"), Some(&1), "{:?}", report.entries);
}

/// F12: a decision is performed twice when GitHub takes longer to answer than the lease is long.
#[tokio::test]
async fn review_a_callback_that_outlives_its_lease_is_not_sent_by_two() {
    let stage = Stage::set().await;
    let sha = stage.agents_commit();
    stage.deploy(&sha);
    let check = stage.asked(&sha).await;
    stage
        .until("the note", |github| {
            github.calls().iter().any(|c| c.method == "POST" && c.route.contains("deployment_protection_rule"))
        })
        .await;
    let before = stage.github.calls().len();
    stage.github.fail(
        "POST /repos/{owner}/{repo}/actions/runs/{run_id}/deployment_protection_rule",
        3,
        Trouble::Hang(Duration::from_secs(8)),
    );
    stage.github.click(check.id, "approve", "alice");
    tokio::time::sleep(Duration::from_secs(18)).await;
    let calls = stage.github.calls()[before..].to_vec();
    let posts: Vec<_> = calls
        .iter()
        .filter(|c| c.method == "POST" && c.route.contains("deployment_protection_rule"))
        .map(|c| c.at_micros / 1000)
        .collect();
    let overlap = posts.windows(2).any(|two| two[1] - two[0] < 8_000);
    assert!(!overlap, "answered at {posts:?} ms, each hung for 8 s: two were under way at once");
}

/// F13 (P4): one 404 while GitHub's replicas catch up, and an acknowledged webhook is given up at its first try.
#[tokio::test]
async fn review_a_run_github_does_not_know_yet_is_asked_for_again() {
    let stage = Stage::set().await;
    stage.github.fail("GET /repos/{owner}/{repo}/actions/runs/{run_id}", 1, Trouble::Status(404));
    let sha = stage.agents_commit();
    stage.deploy(&sha);
    tokio::time::sleep(Duration::from_secs(6)).await;
    assert!(
        !stage.github.check_runs(SHOP, &sha).is_empty(),
        "given up at once; the repository is not known, so nothing ever looks again"
    );
}

/// F5 (P6): one commit message with many trailers makes an entry that no auditor accepts, for ever.
#[tokio::test]
async fn review_a_commit_with_very_many_co_authors_leaves_a_ledger_that_verifies() {
    let stage = Stage::set().await;
    let trailers: String = (0..1_500)
        .map(|n| format!("Co-authored-by: U{n} <{}+user-number-{n}@users.noreply.github.com>\n", 900_000 + n))
        .collect();
    let sha =
        stage.merge("mona", "mona", &format!("Fix\n\nCo-Authored-By: Claude <noreply@anthropic.com>\n{trailers}"));
    stage.deploy(&sha);
    stage.asked(&sha).await;
    stage.verified().await;
}
