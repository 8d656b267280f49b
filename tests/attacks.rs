//! What somebody who wants an agent's commit released without a second might try.

use seconder::demo::{Commit, Deploy, Trouble};

use crate::support::stage::{SHOP, Stage};

/// Anybody with `deployments: write` can make GitHub show a success. It is no base for what is compared.
#[tokio::test]
async fn a_success_seconder_never_released_is_not_what_the_next_one_is_compared_with() {
    let stage = Stage::set().await;
    let first = stage.humans_commit();
    let run = stage.deploy(&first);
    stage.decision(run).await;
    stage.github.finish(run, true); // Seconder has released something here.

    let sha = stage.agents_commit();
    stage.github.unguarded_environment(SHOP, "production");
    let forged = stage.github.deploy(SHOP, &Deploy::to("production", &sha, "mona"));
    stage.github.finish(forged, true);
    stage.github.environment(SHOP, "production");
    let run = stage.deploy(&sha);
    let check = stage.asked(&sha).await;
    assert!(check.text.unwrap_or_default().contains("Speed up checkout"), "the agent's commit is still new here");
    assert!(stage.github.callbacks(run).is_empty());
}

/// P3: GitHub's callback names run and environment, not the attempt. What was said in doubt is not said to a newer attempt.
#[tokio::test]
async fn an_approval_of_attempt_one_does_not_release_attempt_two() {
    let stage = Stage::set().await;
    let sha = stage.agents_commit();
    let run = stage.deploy(&sha);
    let check = stage.asked(&sha).await;
    stage.until("the note", |github| !github.notes(run).is_empty()).await;
    stage.github.fail("deployment_protection_rule", 1, Trouble::Status(502));
    stage.github.click(check.id, "approve", "alice");
    let refused = |call: &seconder::demo::ApiCall| call.status == 502;
    stage.until("a failed callback", |github| github.calls().iter().any(refused)).await;
    stage.github.cancel(run);
    stage.github.rerun(run, "alice"); // The approver of attempt 1 is a party of attempt 2.
    stage.check(&sha, |c| c.id != check.id && !c.actions.is_empty()).await;
    let given_up = |c: &seconder::demo::CheckRun| c.title.as_deref().unwrap_or_default().contains("did not take");
    stage.check(&sha, |c| c.id == check.id && given_up(c)).await;
    assert!(stage.github.callbacks(run).is_empty(), "alice started attempt 2 and does not release it");
    stage.verified().await;
}

/// What was given up in doubt was not released: a success that somebody makes for it is none.
#[tokio::test]
async fn a_release_that_was_given_up_is_no_base() {
    let stage = Stage::set().await;
    let run = stage.deploy(&stage.humans_commit());
    stage.decision(run).await;
    stage.github.finish(run, true);
    let sha = stage.agents_commit();
    let run = stage.deploy(&sha);
    let check = stage.asked(&sha).await;
    stage.until("the note", |github| !github.notes(run).is_empty()).await;
    stage.github.fail("deployment_protection_rule", 1, Trouble::Status(502));
    stage.github.click(check.id, "approve", "alice");
    stage.until("a failed callback", |github| github.calls().iter().any(|call| call.status == 502)).await;
    stage.github.cancel(run);
    let given_up = |c: &seconder::demo::CheckRun| c.title.as_deref().unwrap_or_default().contains("did not take");
    stage.check(&sha, |c| c.id == check.id && given_up(c)).await;

    stage.github.unguarded_environment(SHOP, "production");
    let forged = stage.github.deploy(SHOP, &Deploy::to("production", &sha, "mona"));
    stage.github.finish(forged, true);
    stage.github.environment(SHOP, "production");
    let run = stage.deploy(&sha);
    stage.check(&sha, |c| c.id != check.id && !c.actions.is_empty()).await;
    assert!(stage.github.callbacks(run).is_empty());
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
    assert!(check.actions.iter().any(|(_, label)| label == "Approve"));

    for n in 240..300 {
        sha = stage.github.commit(SHOP, &Commit::by("mona", message(n)));
    }
    let run = stage.deploy(&sha);
    let check = stage.asked(&sha).await;
    assert!(check.actions.iter().all(|(_, label)| label != "Approve"), "GitHub lists 250 of 300 commits");
    stage.github.click_stale(check.id, "approve", "alice");
    stage.github.click(check.id, "deny", "alice");
    assert_eq!(stage.decision(run).await.0, "rejected");
}

/// Whom a trailer names, whoever had the agent write chose: a stranger there is barred, and stands in for nobody.
#[tokio::test]
async fn a_stranger_named_as_co_author_does_not_free_whoever_had_the_agent_write() {
    let stage = Stage::set().await;
    let rule =
        "version: 1\nrules:\n  - name: production\n    environments: [production]\n    require: [1 of writers]\n";
    stage.policy(rule);
    let agent = "Claude <noreply@anthropic.com>";
    let trailer = "Co-authored-by: bob <bob@users.noreply.github.com>";
    let sha = stage.github.commit(SHOP, &Commit::by(agent, format!("Speed up checkout\n\n{trailer}")));
    let run = stage.deploy(&sha);
    let check = stage.asked(&sha).await;
    stage.github.click(check.id, "approve", "alice"); // She had the agent write it, and nothing says so.
    stage.check(&sha, |check| check.summary.clone().unwrap_or_default().contains("1 of 2 from")).await;
    assert!(stage.github.callbacks(run).is_empty(), "one more approver stands in for whoever it was");
    stage.github.click(check.id, "approve", "dora");
    assert_eq!(stage.decision(run).await.0, "approved");
}

/// P6: no commit message makes an entry that an auditor cannot read.
#[tokio::test]
async fn a_commit_with_very_many_co_authors_leaves_a_ledger_that_verifies() {
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
