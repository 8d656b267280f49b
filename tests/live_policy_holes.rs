//! Rules that become known, or change, at an awkward moment.

use seconder::demo::{ApiCall, CheckRun, Commit, Deploy, Options, Trouble};

use crate::support::postgres;
use crate::support::stage::{PATIENCE, SHOP, Stage};

const POLICY: &str = ".github/seconder.yml";
const CLAUDE: &str = "Co-Authored-By: Claude <noreply@anthropic.com>";

/// A policy that asks these for production.
fn asks(whom: &str) -> String {
    format!(
        "version: 1\nrules:\n  - name: production\n    environments: [production]\n    require: [\"1 of {whom}\"]\n"
    )
}

fn organization(stage: &Stage, policy: &str) {
    stage.github.push_file("acme/.github", "olga", "seconder.yml", Some(policy));
}

/// Waits until the request's check run says so.
async fn says(stage: &Stage, sha: &str, words: &str) -> CheckRun {
    let is_said = |check: &CheckRun| {
        check.name == "Seconder" && check.summary.as_deref().is_some_and(|summary| summary.contains(words))
    };
    let found = stage.github.wait_until(PATIENCE, |github| github.check_runs(SHOP, sha).iter().any(is_said)).await;
    let said = || stage.github.check_runs(SHOP, sha).into_iter().filter_map(|check| check.summary).collect::<String>();
    assert!(found.is_ok(), "nobody says {words}:\n{}", said());
    stage.github.check_runs(SHOP, sha).into_iter().find(is_said).unwrap()
}

#[tokio::test]
async fn an_organizations_file_that_came_while_somebody_waited_holds_after_it_is_deleted() {
    let stage = Stage::set().await;
    let sha = stage.agents_commit();
    let run = stage.deploy(&sha);
    let check = stage.asked(&sha).await;
    stage.github.repository("acme/.github");
    organization(&stage, &asks("admins"));
    says(&stage, &sha, "the admins of").await;
    stage.github.delete_repository("acme/.github", "olga");
    let is_alarm = |check: &CheckRun| {
        check.name == "Seconder policy" && check.summary.as_deref().is_some_and(|summary| summary.contains("is gone"))
    };
    stage.check(&sha, is_alarm).await;
    stage.github.click(check.id, "approve", "alice");
    says(&stage, &sha, "`alice` could not approve").await;
    assert!(stage.github.callbacks(run).is_empty());
    stage.verified().await;
}

#[tokio::test]
async fn a_policy_that_was_good_while_somebody_waited_holds_after_it_is_broken() {
    let stage = Stage::set().await;
    stage.policy(&asks("writers"));
    let sha = stage.agents_commit();
    let run = stage.deploy(&sha);
    let check = stage.asked(&sha).await;
    stage.github.push_file(SHOP, "olga", POLICY, Some(&asks("admins")));
    says(&stage, &sha, "the admins of").await;
    stage.github.push_file(SHOP, "olga", POLICY, Some("version: 1\nruels: []\n"));
    says(&stage, &sha, "is broken").await;
    stage.github.click(check.id, "approve", "alice");
    says(&stage, &sha, "`alice` could not approve").await;
    assert!(stage.github.callbacks(run).is_empty());
    stage.verified().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stricter_organization_reaches_what_another_replica_holds_by_what_it_remembers() {
    let folder = tempfile::tempdir().unwrap();
    let stage = Stage::set_on(Options::default(), postgres::fresh_database(), folder).await;
    stage.github.repository("acme/.github");
    organization(&stage, &asks("writers"));
    let other = stage.another_replica().await;
    stage.send_webhooks_to(&other);
    let first = stage.agents_commit();
    stage.deploy(&first);
    stage.asked(&first).await;
    stage.send_webhooks_to(stage.server());
    organization(&stage, &asks("admins"));
    says(&stage, &first, "the admins of").await;
    stage.send_webhooks_to(&other);
    let sha = stage.agents_commit();
    stage.github.deploy(SHOP, &Deploy::to("production", &sha, "bob"));
    says(&stage, &sha, "the admins of").await;
    other.stop().await;
}

#[tokio::test]
async fn owners_of_files_that_github_no_longer_lists_are_not_forgotten() {
    let stage = Stage::set().await;
    stage.policy(&asks("codeowners"));
    stage.github.file(SHOP, "olga", "CODEOWNERS", Some("* @acme/platform\n/payments/ @acme/security\n"));
    stage.deployed_before();
    let mut commit = Commit::by("mona", format!("Pay faster\n\n{CLAUDE}"));
    commit.contents = (0..300).map(|n| (format!("a/{n:03}"), Some("x".into()))).collect();
    commit.contents.push(("payments/fast.rs".into(), Some("fn pay() {}".into())));
    let sha = stage.github.commit(SHOP, &commit);
    let run = stage.deploy(&sha);
    let check = stage.asked(&sha).await;
    stage.github.click(check.id, "approve", "alice");
    let check = says(&stage, &sha, "✔ 1 of 1 from").await;
    let left = check.summary.is_some_and(|summary| summary.contains("○ 0 of 1 from"));
    assert!(left, "somebody must answer for the files that are not listed");
    stage.github.click(check.id, "approve", "olga");
    assert_eq!(stage.decision(run).await.0, "approved");
}

/// GitHub delivers webhooks once, and sometimes not at all.
#[tokio::test]
async fn a_policy_whose_push_nobody_told_us_of_is_asked_for_before_anything_leaves() {
    let stage = Stage::set().await;
    stage.policy(&asks("writers"));
    let sha = stage.agents_commit();
    let run = stage.deploy(&sha);
    let check = stage.asked(&sha).await;
    stage.github.file(SHOP, "olga", POLICY, Some(&asks("admins")));
    stage.github.click(check.id, "approve", "alice");
    says(&stage, &sha, "○ 0 of 1 from the admins of").await;
    assert!(stage.github.callbacks(run).is_empty(), "an approval by the old rules releases nothing by the new");
    stage.github.click(check.id, "approve", "olga");
    assert_eq!(stage.decision(run).await.0, "approved");
    stage.verified().await;
}

#[tokio::test]
async fn a_decision_in_doubt_is_not_said_again_once_the_rules_say_stop() {
    let stage = Stage::set().await;
    stage.policy(&asks("writers"));
    let sha = stage.agents_commit();
    let run = stage.deploy(&sha);
    let check = stage.asked(&sha).await;
    stage.until("the note", |github| !github.notes(run).is_empty()).await;
    let limit = Trouble::RateLimit { status: 403, retry_after: 2 };
    stage.github.fail("deployment_protection_rule", 1, limit);
    stage.github.click(check.id, "approve", "alice");
    let is_refused = |call: &ApiCall| call.status == 403 && call.route.ends_with("deployment_protection_rule");
    stage.until("a refused answer", |github| github.calls().iter().any(is_refused)).await;
    stage.github.file(SHOP, "olga", POLICY, Some(&format!("stop: incident 4711\n{}", asks("writers"))));
    let given_up =
        |check: &CheckRun| check.title.as_deref().is_some_and(|title| title.contains("did not take the answer"));
    stage.check(&sha, given_up).await;
    assert!(stage.github.callbacks(run).is_empty());
    stage.verified().await;
}
