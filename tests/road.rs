//! The whole road, end to end: webhook, facts, decision, check run, click, callback, ledger — over real HTTP.

use seconder::demo::{Commit, Deploy, PullRequest, Trouble};

use crate::support::stage::{SHOP, Stage};

#[tokio::test]
async fn a_different_human_seconds_an_agents_commit_and_the_deployment_runs() {
    let stage = Stage::set().await;
    let sha = stage.agents_commit();
    let run = stage.deploy(&sha);

    let check = stage.asked(&sha).await;
    assert_eq!(check.conclusion.as_deref(), Some("action_required"));
    let summary = check.summary.clone().unwrap_or_default();
    assert!(summary.contains("`mona`: started the run"), "it says who cannot second it, and why:\n{summary}");
    assert!(check.text.unwrap_or_default().contains("Claude Code"), "it names the agent");
    stage.until("the note on the waiting run", |github| !github.notes(run).is_empty()).await;

    stage.github.click(check.id, "approve", "alice");
    let (state, comment) = stage.decision(run).await;
    assert_eq!(state, "approved");
    assert!(comment.contains("Seconded by alice") && comment.contains("Ledger entry"), "{comment}");
    let check = stage.check(&sha, |check| check.conclusion.as_deref() == Some("success")).await;
    assert!(check.actions.is_empty(), "nothing is left to press");
    assert_eq!(stage.github.writes(), 4, "check run, note, decision, check run closed");
}

#[tokio::test]
async fn the_author_who_clicks_approve_is_refused_and_told_why() {
    let stage = Stage::set().await;
    let sha = stage.agents_commit();
    let run = stage.deploy(&sha);
    let check = stage.asked(&sha).await;

    stage.github.click(check.id, "approve", "mona");
    let check = stage.check(&sha, |check| check.summary.as_deref().unwrap_or_default().contains("Not counted")).await;
    assert!(check.summary.unwrap_or_default().contains("`mona` could not approve"));
    assert!(stage.github.callbacks(run).is_empty(), "nothing was released");
}

#[tokio::test]
async fn neither_readers_nor_bots_nor_strangers_second() {
    let stage = Stage::set().await;
    let sha = stage.agents_commit();
    let run = stage.deploy(&sha);
    let check = stage.asked(&sha).await;

    for login in ["rita", "shopbot[bot]", "stranger"] {
        stage.github.click_stale(check.id, "approve", login);
        let refused = format!("`{login}` could not approve");
        stage.check(&sha, |check| check.summary.as_deref().unwrap_or_default().contains(&refused)).await;
    }
    assert!(stage.github.callbacks(run).is_empty());
}

#[tokio::test]
async fn anybody_with_a_part_may_still_deny() {
    let stage = Stage::set().await;
    let sha = stage.agents_commit();
    let run = stage.deploy(&sha);
    let check = stage.asked(&sha).await;
    stage.github.click(check.id, "deny", "mona");
    let (state, comment) = stage.decision(run).await;
    assert_eq!(state, "rejected");
    assert!(comment.contains("Denied by mona"), "{comment}");
    stage.check(&sha, |check| check.conclusion.as_deref() == Some("failure")).await;
}

#[tokio::test]
async fn commits_no_agent_touched_pass_at_once() {
    let stage = Stage::set().await;
    let sha = stage.humans_commit();
    let run = stage.deploy(&sha);
    let (state, comment) = stage.decision(run).await;
    assert_eq!(state, "approved");
    assert!(comment.contains("No second needed"), "{comment}");
    assert!(stage.github.check_runs(SHOP, &sha).is_empty());
}

#[tokio::test]
async fn a_mark_that_the_squash_lost_still_holds_the_deployment() {
    let stage = Stage::set().await;
    let marked = "Wip\n\nCo-Authored-By: Claude <noreply@anthropic.com>";
    let on_branch = stage.github.commit(SHOP, &Commit::by("mona", marked).on("topic"));
    let squashed = stage.github.commit(SHOP, &Commit::by("mona", "Speed up checkout (#7)"));
    stage.github.pull_request(
        SHOP,
        &PullRequest {
            author: "mona".into(),
            head_branch: "topic".into(),
            commits: vec![on_branch],
            merged_as: Some(squashed.clone()),
            ..PullRequest::default()
        },
    );
    stage.deploy(&squashed);
    let check = stage.asked(&squashed).await;
    assert!(check.text.unwrap_or_default().contains("Claude Code"));
}

#[tokio::test]
async fn the_common_gate_opens_with_at_most_eight_calls() {
    let stage = Stage::set().await;
    let branch: Vec<String> =
        (0..29).map(|n| stage.github.commit(SHOP, &Commit::by("mona", format!("Step {n}")))).collect();
    let last = stage
        .github
        .commit(SHOP, &Commit::by("mona", "The last step\n\nCo-Authored-By: Claude <noreply@anthropic.com>"));
    let pull_request = PullRequest {
        author: "mona".into(),
        head_branch: "topic".into(),
        commits: branch.into_iter().chain([last.clone()]).collect(),
        merged_as: Some(last.clone()),
        ..PullRequest::default()
    };
    stage.github.pull_request(SHOP, &pull_request);
    let before = stage.github.calls().len();
    stage.deploy(&last);
    stage.asked(&last).await;
    let calls: Vec<String> =
        stage.github.calls()[before..].iter().map(|c| format!("{} {}", c.method, c.route)).collect();
    // The note on the run, and the count of those who could approve, wait for nothing.
    let is_note = |call: &&String| call.ends_with("/deployment_protection_rule") || call.ends_with("/collaborators");
    let background =
        |call: &&String| call.contains("/app/hook") || call.ends_with("/app/installations") || is_note(call);
    let for_the_gate = calls.iter().filter(|call| !background(call)).count();
    assert!(for_the_gate <= 8, "{for_the_gate} calls:\n{}", calls.join("\n"));
}

#[tokio::test]
async fn a_rerun_asks_anew_and_its_starter_is_barred_too() {
    let stage = Stage::set().await;
    let sha = stage.agents_commit();
    let run = stage.deploy(&sha);
    let first = stage.asked(&sha).await;
    stage.github.rerun(run, "alice");
    let second = stage.check(&sha, |check| check.id != first.id && !check.actions.is_empty()).await;
    stage.check(&sha, |check| check.id == first.id && check.conclusion.as_deref() == Some("cancelled")).await;

    stage.github.click(second.id, "approve", "alice");
    let summary_says = |text: &'static str| {
        move |check: &seconder::demo::CheckRun| check.summary.as_deref().unwrap_or_default().contains(text)
    };
    stage.check(&sha, summary_says("`alice` could not approve")).await;
    stage.github.click(second.id, "approve", "bob");
    assert_eq!(stage.decision(run).await.0, "approved");
    assert_eq!(stage.github.callbacks(run).len(), 1, "one decision, for the new attempt");
}

#[tokio::test]
async fn the_policy_of_the_default_branch_names_who_must_second() {
    let stage = Stage::set().await;
    let policy = "version: 1\napprovers:\n  platform: [\"@acme/platform\"]\n  security: [\"@acme/security\"]\nrules:\n  - name: production\n    environments: [production]\n    require: [1 of platform, 1 of security]\n";
    stage.policy(policy);
    let sha = stage.agents_commit();
    let run = stage.deploy(&sha);
    let check = stage.asked(&sha).await;
    stage.github.click(check.id, "approve", "alice");
    stage.check(&sha, |check| check.summary.as_deref().unwrap_or_default().contains("✔ 1 of 1")).await;
    assert!(stage.github.callbacks(run).is_empty(), "security has not spoken");
    stage.github.click(check.id, "approve", "dora");
    stage.check(&sha, |check| check.summary.as_deref().unwrap_or_default().contains("`dora` could not approve")).await;
    stage.github.click(check.id, "approve", "bob");
    assert_eq!(stage.decision(run).await.0, "approved");
    assert_eq!(stage.verified().await.entries.get("policy.loaded"), Some(&1), "the ledger says which rules held");
}

#[tokio::test]
async fn a_broken_policy_file_asks_the_admins_and_says_where_it_is_broken() {
    let stage = Stage::set().await;
    stage.github.file(
        SHOP,
        "mona",
        ".github/seconder.yml",
        Some("version: 1\nrules:\n  - name: p\n    enviroments: [production]\n    require: [1 of writers]\n"),
    );
    let sha = stage.humans_commit();
    let run = stage.deploy(&sha);
    let check = stage.asked(&sha).await;
    let policy = stage.check(&sha, |check| check.name == "Seconder policy").await;
    assert_eq!(policy.conclusion.as_deref(), Some("failure"));
    assert!(policy.title.clone().unwrap_or_default().contains(".github/seconder.yml:4:5"), "{:?}", policy.title);
    stage.github.click(check.id, "approve", "alice");
    stage.check(&sha, |check| check.summary.as_deref().unwrap_or_default().contains("`alice` could not approve")).await;
    stage.github.click(check.id, "approve", "olga");
    assert_eq!(stage.decision(run).await.0, "approved");
}

#[tokio::test]
async fn the_first_deployment_of_an_environment_asks() {
    let stage = Stage::set().await;
    stage.github.environment(SHOP, "staging");
    let sha = stage.humans_commit();
    stage.github.deploy(SHOP, &Deploy::to("staging", &sha, "mona"));
    let check = stage.asked(&sha).await;
    assert!(check.summary.unwrap_or_default().contains("no earlier deployment here succeeded"));
}

#[tokio::test]
async fn a_click_after_the_approver_lost_access_does_not_release() {
    let stage = Stage::set().await;
    let sha = stage.agents_commit();
    let run = stage.deploy(&sha);
    let check = stage.asked(&sha).await;
    stage.github.collaborator(SHOP, "alice", "read");
    stage.github.click(check.id, "approve", "alice");
    stage.check(&sha, |check| check.summary.as_deref().unwrap_or_default().contains("`alice` could not approve")).await;
    assert!(stage.github.callbacks(run).is_empty());
}

#[tokio::test]
async fn an_approver_who_loses_access_before_the_release_does_not_release() {
    let stage = Stage::set().await;
    let sha = stage.agents_commit();
    let run = stage.deploy(&sha);
    let check = stage.asked(&sha).await;
    // The look at the run right before the callback fails once; while it waits to be repeated, alice leaves.
    stage.github.fail("GET /repos/{owner}/{repo}/actions/runs/{run_id}", 1, Trouble::Status(502));
    stage.github.click(check.id, "approve", "alice");
    stage.check(&sha, |check| check.conclusion.as_deref() == Some("success")).await;
    stage.github.collaborator(SHOP, "alice", "read");
    let check = stage.asked(&sha).await;
    assert!(check.summary.unwrap_or_default().contains("`alice` could not approve"));
    assert!(stage.github.callbacks(run).is_empty());

    stage.github.click(check.id, "approve", "bob");
    let (state, comment) = stage.decision(run).await;
    assert_eq!(state, "approved");
    assert!(comment.contains("Seconded by bob."), "{comment}");
    let report = stage.verified().await;
    assert_eq!(report.entries.get("decision.voided"), Some(&1));
    assert_eq!(report.outcomes.get("approved"), Some(&1));
}

#[tokio::test]
async fn a_deny_that_comes_before_the_release_wins() {
    let stage = Stage::set().await;
    let sha = stage.agents_commit();
    let run = stage.deploy(&sha);
    let check = stage.asked(&sha).await;
    stage.github.fail("GET /repos/{owner}/{repo}/actions/runs/{run_id}", 1, Trouble::Status(502));
    stage.github.click(check.id, "approve", "alice");
    stage.check(&sha, |check| check.conclusion.as_deref() == Some("success")).await;
    stage.github.click_stale(check.id, "deny", "bob");
    let (state, comment) = stage.decision(run).await;
    assert_eq!((state.as_str(), stage.github.callbacks(run).len()), ("rejected", 1));
    assert!(comment.contains("Denied by bob"), "{comment}");
    stage.verified().await;
}

#[tokio::test]
async fn a_run_that_was_rerun_before_the_release_is_not_released_by_the_old_decision() {
    let stage = Stage::set().await;
    let sha = stage.agents_commit();
    let run = stage.deploy(&sha);
    let check = stage.asked(&sha).await;
    stage.github.fail("GET /repos/{owner}/{repo}/actions/runs/{run_id}", 1, Trouble::Status(502));
    stage.github.click(check.id, "approve", "alice");
    stage.check(&sha, |check| check.conclusion.as_deref() == Some("success")).await;
    stage.github.rerun(run, "mona");
    let second = stage.check(&sha, |c| c.id != check.id && !c.actions.is_empty()).await;
    stage.check(&sha, |c| c.id == check.id && c.conclusion.as_deref() == Some("cancelled")).await;
    assert!(stage.github.callbacks(run).is_empty(), "what was seconded is gone");
    stage.github.click(second.id, "approve", "alice");
    assert_eq!(stage.decision(run).await.0, "approved");
    stage.verified().await;
}

#[tokio::test]
async fn a_cancelled_run_takes_its_request_back() {
    let stage = Stage::set_with(seconder::demo::Options { noise: true, ..Default::default() }).await;
    let sha = stage.agents_commit();
    let run = stage.deploy(&sha);
    stage.asked(&sha).await;
    stage.github.cancel(run);
    let check = stage.check(&sha, |check| check.conclusion.as_deref() == Some("cancelled")).await;
    assert!(check.actions.is_empty());
    assert!(stage.github.callbacks(run).is_empty(), "GitHub no longer asks");
}

#[tokio::test]
async fn github_failing_at_every_turn_delays_but_neither_loses_nor_releases() {
    let stage = Stage::set().await;
    for route in [
        "access_tokens",
        "actions/runs/{run_id}",
        "graphql DeploymentContext",
        "compare",
        "POST /repos/{owner}/{repo}/check-runs",
    ] {
        stage.github.fail(route, 1, Trouble::Status(502));
    }
    let sha = stage.agents_commit();
    let run = stage.deploy(&sha);
    let check = stage.asked(&sha).await;
    assert!(stage.github.callbacks(run).is_empty());
    stage.github.fail("deployment_protection_rule", 1, Trouble::Status(500));
    stage.github.click(check.id, "approve", "bob");
    stage.until("the decision", |github| !github.callbacks(run).is_empty()).await;
    assert_eq!(stage.github.callbacks(run).len(), 1, "GitHub sees one decision");
}

#[tokio::test]
async fn a_rerun_while_the_first_check_run_is_in_doubt_leaves_no_second_one_behind() {
    let stage = Stage::set().await;
    stage.github.fail("POST /repos/{owner}/{repo}/check-runs", 1, Trouble::LoseAnswer);
    let sha = stage.agents_commit();
    let run = stage.deploy(&sha);
    let in_doubt = stage.asked(&sha).await;
    stage.github.rerun(run, "bob");
    stage.check(&sha, |check| check.id == in_doubt.id && check.conclusion.as_deref() == Some("cancelled")).await;
    stage.check(&sha, |check| check.id != in_doubt.id && !check.actions.is_empty()).await;
    assert_eq!(stage.github.check_runs(SHOP, &sha).len(), 2, "one for each attempt of the run");
}
