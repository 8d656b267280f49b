//! What GitHub lost, refused, or answered twice: the road still ends in one decision.

use std::time::Duration;

use seconder::demo::{CheckRun, Options, Trouble};
use seconder::domain::gate::RequestId;
use seconder::domain::request::{Answer, Callback, Request};
use seconder::github::checks::{self, Action};
use seconder::github::render::Button;
use seconder::github::{Place, render};

use crate::support::postgres;
use crate::support::stage::{PATIENCE, SHOP, Stage, adapter};

#[tokio::test]
async fn a_webhook_that_was_lost_is_fetched_back() {
    let mut stage = Stage::set().await;
    stage.stop().await;
    let sha = stage.agents_commit();
    let run = stage.deploy(&sha);
    stage.until("a failed delivery", |github| github.deliveries().iter().any(|d| !d.arrived())).await;
    stage.start().await;
    let check = stage.asked(&sha).await;
    stage.github.click(check.id, "approve", "alice");
    assert_eq!(stage.decision(run).await.0, "approved");
}

#[tokio::test]
async fn a_run_that_waits_for_us_without_our_knowing_is_found() {
    let mut stage = Stage::set().await;
    let known = stage.agents_commit();
    stage.deploy(&known);
    stage.asked(&known).await; // From here on the repository is known.
    stage.stop().await;
    stage.github.forget_webhooks(true);
    let sha = stage.humans_commit();
    let run = stage.deploy(&sha);
    stage.github.forget_webhooks(false);
    stage.start().await;
    let check = stage.asked(&sha).await;
    stage.github.click(check.id, "approve", "alice");
    assert_eq!(stage.decision(run).await.0, "approved");
}

#[tokio::test]
async fn the_same_webhook_twice_makes_one_request() {
    let stage = Stage::set().await;
    let sha = stage.agents_commit();
    let run = stage.deploy(&sha);
    let check = stage.asked(&sha).await;
    stage.github.ask_again(run);
    stage.github.click(check.id, "approve", "alice");
    stage.decision(run).await;
    assert_eq!(stage.github.check_runs(SHOP, &sha).len(), 1);
    assert_eq!(stage.github.callbacks(run).len(), 1);
}

#[tokio::test]
async fn an_answer_that_got_lost_is_not_given_twice() {
    let stage = Stage::set().await;
    let sha = stage.agents_commit();
    let run = stage.deploy(&sha);
    stage.github.fail("POST /repos/{owner}/{repo}/check-runs", 1, Trouble::LoseAnswer);
    let check = stage.asked(&sha).await;
    stage.github.fail("deployment_protection_rule", 1, Trouble::LoseAnswer);
    stage.github.click(check.id, "approve", "alice");
    stage.decision(run).await;
    stage.check(&sha, |check| check.conclusion.as_deref() == Some("success")).await;
    stage.until("quiet", |github| github.calls().iter().any(|call| call.route.contains("approvals"))).await;
    assert_eq!(stage.github.callbacks(run).len(), 1, "GitHub sees one decision");
    assert_eq!(stage.github.check_runs(SHOP, &sha).len(), 1, "and one check run");
}

#[tokio::test]
async fn a_rate_limit_is_waited_out() {
    let stage = Stage::set().await;
    let sha = stage.agents_commit();
    stage.github.fail("POST /repos/{owner}/{repo}/check-runs", 1, Trouble::RateLimit { status: 429, retry_after: 1 });
    let run = stage.deploy(&sha);
    let check = stage.asked(&sha).await;
    stage.github.fail("deployment_protection_rule", 1, Trouble::RateLimit { status: 403, retry_after: 1 });
    stage.github.click(check.id, "approve", "alice");
    assert_eq!(stage.decision(run).await.0, "approved");
    let early = stage.github.calls().iter().filter(|call| call.status == 429 || call.status == 403).count();
    assert_eq!(early, 2, "nobody called again before GitHub said so");
}

#[tokio::test]
async fn a_decision_github_will_not_take_is_given_up_where_everybody_sees_it() {
    let stage = Stage::set().await;
    let sha = stage.agents_commit();
    let run = stage.deploy(&sha);
    let check = stage.asked(&sha).await;
    stage.github.fail("deployment_protection_rule", 1, Trouble::Status(422));
    stage.github.click(check.id, "approve", "alice");
    let gave_up =
        |check: &seconder::demo::CheckRun| check.title.as_deref().unwrap_or_default().contains("did not take");
    stage.check(&sha, gave_up).await;
    assert!(stage.github.callbacks(run).is_empty());
    let health = stage.server().store().health().await.unwrap();
    assert_eq!(health.failed_effects, 1, "the readiness page counts it");
    assert_eq!(stage.verified().await.entries.get("effect.failed"), Some(&1), "the ledger has it");
}

#[tokio::test]
async fn what_is_waiting_survives_a_restart() {
    let mut stage = Stage::set().await;
    let sha = stage.agents_commit();
    let run = stage.deploy(&sha);
    let check = stage.asked(&sha).await;
    stage.stop().await;
    stage.start().await;
    stage.github.click(check.id, "approve", "bob");
    assert_eq!(stage.decision(run).await.0, "approved");
}

#[tokio::test(flavor = "multi_thread")]
async fn far_more_gates_at_once_than_there_are_places_are_each_shown_and_noted_once() {
    let stage = Stage::set().await;
    let sha = stage.agents_commit();
    let runs: Vec<_> = (0..80).map(|_| stage.deploy(&sha)).collect();
    stage.until("a check run each", |github| github.check_runs(SHOP, &sha).len() == runs.len()).await;
    stage.until("a note each", |github| runs.iter().all(|run| github.notes(*run).len() == 1)).await;
    assert_eq!(stage.github.check_runs(SHOP, &sha).len(), runs.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn two_replicas_on_one_postgres_ask_once_and_answer_once() {
    let url = postgres::fresh_database();
    let folder = tempfile::tempdir().unwrap();
    let mut stage = Stage::set_on(Options::default(), url, folder).await;
    let second = stage.another_replica().await;
    for n in 0..12 {
        let sha = stage.agents_commit();
        // GitHub reaches either of them; a click may reach the other one.
        stage.send_webhooks_to(if n % 2 == 0 { stage.server() } else { &second });
        let run = stage.deploy(&sha);
        let check = stage.asked(&sha).await;
        stage.send_webhooks_to(if n % 2 == 0 { &second } else { stage.server() });
        stage.github.click(check.id, "approve", "alice");
        stage.decision(run).await;
        stage.github.finish(run, true);
        stage.check(&sha, |check| check.conclusion.as_deref() == Some("success")).await;
        assert_eq!(stage.github.callbacks(run).len(), 1);
        assert_eq!(stage.github.check_runs(SHOP, &sha).len(), 1);
    }
    second.stop().await;
    stage.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_decision_goes_ahead_of_openings_when_github_allows_little() {
    let stage = Stage::set_paced(60).await; // one write a second
    let sha = stage.agents_commit();
    let run = stage.deploy(&sha);
    let check = stage.asked(&sha).await;
    for _ in 0..20 {
        let later = stage.agents_commit();
        stage.deploy(&later);
    }
    stage.until("the queue of openings", |github| github.calls().len() > 60).await;
    let clicked = std::time::Instant::now();
    stage.github.click(check.id, "approve", "alice");
    stage.decision(run).await;
    // Twenty openings owe forty writes: behind them it would have taken most of a minute.
    assert!(clicked.elapsed() < Duration::from_secs(10), "{:?}", clicked.elapsed());
}

#[tokio::test]
async fn one_list_that_cannot_be_read_does_not_end_the_search_for_missed_webhooks() {
    let mut stage = Stage::set().await;
    let known = stage.agents_commit();
    stage.deploy(&known);
    stage.asked(&known).await;
    stage.stop().await;
    stage.github.forget_webhooks(true);
    let sha = stage.humans_commit();
    stage.deploy(&sha);
    stage.github.forget_webhooks(false);
    stage.github.fail("GET /app/hook/deliveries", 1, Trouble::Status(500));
    stage.start().await;
    stage.asked(&sha).await;
}

#[tokio::test]
async fn a_run_github_does_not_know_yet_is_asked_for_again() {
    let stage = Stage::set().await;
    stage.github.fail("GET /repos/{owner}/{repo}/actions/runs/{run_id}", 1, Trouble::Status(404));
    let sha = stage.agents_commit();
    stage.deploy(&sha);
    stage.asked(&sha).await;
}

#[tokio::test]
async fn a_github_slower_than_the_lease_delays_a_gate_and_does_not_starve_it() {
    let stage = Stage::set_with_lease(Duration::from_secs(1)).await;
    stage.github.set_latency(Duration::from_millis(600)); // Several calls, one after the other.
    let sha = stage.agents_commit();
    stage.deploy(&sha);
    stage.asked(&sha).await;
    stage.github.set_latency(Duration::ZERO);
}

#[tokio::test]
async fn rules_that_are_new_get_their_entry_whatever_brought_them() {
    let stage = Stage::set().await;
    let sha = stage.agents_commit();
    let run = stage.deploy(&sha);
    stage.asked(&sha).await;
    let policy =
        "version: 1\nrules:\n  - name: production\n    environments: [production]\n    require: [1 of writers]\n";
    stage.policy(policy);
    stage.github.ask_again(run); // The request is known; the rules are not.
    let next = stage.agents_commit();
    stage.deploy(&next);
    stage.asked(&next).await;
    let entries = stage.verified().await.entries;
    assert!(entries.contains_key("policy.loaded"), "{entries:?}");
}

/// A copy of the check run, as a server leaves it that was too slow: its lease ran out while it created one, another server
/// found none yet and created its own.
async fn another_check_run(stage: &Stage, check: &CheckRun) -> u64 {
    let request = request_until(stage, check, |request| request.life.check_run_id.is_some()).await;
    let action = |button: Button| Action {
        label: button.label.to_owned(),
        description: button.description.to_owned(),
        identifier: button.identifier,
    };
    let copy = checks::CheckRun {
        name: check.name.clone(),
        head_sha: request.case.subject.head_sha.clone(),
        external_id: request.id.to_string(),
        state: checks::State::ActionRequired,
        title: "a copy".to_owned(),
        summary: "of what is asked".to_owned(),
        actions: [Button::approve(&request.digest), Button::deny()].map(action).into(),
        ..checks::CheckRun::default()
    };
    let created = adapter(&stage.github).create_check_run(Place::from(&request.case.subject), &copy).await.unwrap();
    created.check_run_id.unwrap()
}

async fn request_of(stage: &Stage, check: &CheckRun) -> Request {
    let id = RequestId::parse(check.external_id.as_deref().unwrap()).unwrap();
    stage.server().store().request(&id).await.unwrap().unwrap()
}

async fn request_until(stage: &Stage, check: &CheckRun, wanted: impl Fn(&Request) -> bool) -> Request {
    let wait = async {
        loop {
            let request = request_of(stage, check).await;
            if wanted(&request) {
                return request;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(PATIENCE, wait).await.expect("the request becomes as wanted")
}

#[tokio::test]
async fn a_button_counts_on_whichever_check_run_of_its_request_it_is_pressed() {
    let stage = Stage::set().await;
    for (verdict, decision, conclusion) in [("approve", "approved", "success"), ("deny", "rejected", "failure")] {
        let sha = stage.agents_commit();
        let run = stage.deploy(&sha);
        let check = stage.asked(&sha).await;
        let copy = another_check_run(&stage, &check).await;
        assert!(stage.github.click(copy, verdict, "alice"));
        assert_eq!(stage.decision(run).await.0, decision);
        stage.check(&sha, |check| check.id == copy && check.conclusion.as_deref() == Some(conclusion)).await;
    }
}

#[tokio::test]
async fn an_approval_given_where_the_rules_before_are_shown_does_not_count_and_shows_those_of_now() {
    let policy = |who: &str| {
        format!("version: 1\nrules:\n  - name: production\n    environments: [production]\n    require: [1 of {who}]\n")
    };
    let stage = Stage::set().await;
    stage.policy(&policy("writers"));
    let sha = stage.agents_commit();
    let run = stage.deploy(&sha);
    let check = stage.asked(&sha).await;
    let copy = another_check_run(&stage, &check).await;
    stage.github.push_file(SHOP, "olga", ".github/seconder.yml", Some(&policy("admins")));
    let shows_now = |check: &CheckRun| check.summary.as_deref().unwrap_or_default().contains("the admins of");
    stage.check(&sha, |known| known.id == check.id && shows_now(known)).await;

    stage.github.click(copy, "approve", "olga");
    stage.check(&sha, |known| known.id == copy && shows_now(known)).await;
    assert!(request_of(&stage, &check).await.life.approvals.is_empty(), "olga saw what was asked before");
    stage.github.click(copy, "approve", "olga");
    assert_eq!(stage.decision(run).await.0, "approved");
}

#[tokio::test]
async fn a_decision_github_has_is_not_given_up_because_it_takes_no_second_one() {
    let stage = Stage::set().await;
    let sha = stage.agents_commit();
    let run = stage.deploy(&sha);
    let check = stage.asked(&sha).await;
    let request = request_of(&stage, &check).await;
    // A server whose lease ran out while its answer was on the way: it arrives after the next one has looked.
    let comment = format!("Approved. {}", render::marker(&request));
    adapter(&stage.github).answer(&request.case.subject, Answer::Release, &comment).await.unwrap();
    stage.github.click(check.id, "approve", "alice");
    let is_settled = |request: &Request| matches!(request.life.callback, Callback::Delivered | Callback::Failed);
    let request = request_until(&stage, &check, is_settled).await;
    assert_eq!(request.life.callback, Callback::Delivered);
    assert_eq!(stage.github.callbacks(run).len(), 1);
    assert_eq!(stage.verified().await.entries.get("effect.failed"), None);
}
