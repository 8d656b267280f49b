//! Rules that change while somebody waits, and rules of several who have a say.

use seconder::demo::{CheckRun, Commit, Deploy, GitHub, PullRequest};

use crate::support::stage::{PATIENCE, SHOP, Stage};

const POLICY: &str = ".github/seconder.yml";
const CLAUDE: &str = "Co-Authored-By: Claude <noreply@anthropic.com>";

/// A policy with one rule for production.
fn rule(lines: &str) -> String {
    format!("version: 1\nrules:\n  - name: production\n    environments: [production]\n    {lines}\n")
}

async fn under(policy: &str) -> Stage {
    let stage = Stage::set().await;
    stage.policy(policy);
    stage
}

/// The organization's rules, in a repository of their own in which the App is installed.
fn organization(stage: &Stage, policy: &str) {
    stage.github.repository("acme/.github");
    stage.github.file("acme/.github", "olga", "seconder.yml", Some(policy));
}

/// Waits until the check run says so.
async fn says(stage: &Stage, sha: &str, words: &str) {
    let pages = |github: &GitHub| {
        github.check_runs(SHOP, sha).into_iter().filter_map(|check| check.summary).collect::<String>()
    };
    let found = stage.github.wait_until(PATIENCE, |github| pages(github).contains(words)).await;
    assert!(found.is_ok(), "nobody says {words}:\n{}", pages(&stage.github));
}

#[tokio::test]
async fn a_stricter_policy_reaches_a_request_that_waits() {
    let stage = under(&rule("require: [1 of writers]")).await;
    let sha = stage.agents_commit();
    let run = stage.deploy(&sha);
    let check = stage.asked(&sha).await;
    stage.github.push_file(SHOP, "olga", POLICY, Some(&rule("require: [1 of admins]")));
    says(&stage, &sha, "the admins of").await;
    stage.github.click(check.id, "approve", "alice");
    says(&stage, &sha, "`alice` could not approve").await;
    stage.github.click(check.id, "approve", "olga");
    assert_eq!(stage.decision(run).await.0, "approved");
    let report = stage.verified().await;
    assert_eq!(report.entries.get("request.rejudged"), Some(&1), "{report:?}");
}

#[tokio::test]
async fn a_looser_policy_releases_what_waits_and_no_request_that_was_denied() {
    let stage = under(&rule("authored_by: anyone\n    require: [1 of admins]")).await;
    let (waiting, denied) = (stage.humans_commit(), stage.humans_commit());
    let waiting_run = stage.deploy(&waiting);
    stage.asked(&waiting).await;
    let denied_run = stage.github.deploy(SHOP, &Deploy::to("production", &denied, "bob"));
    let check = stage.asked(&denied).await;
    stage.github.click(check.id, "deny", "olga");
    assert_eq!(stage.decision(denied_run).await.0, "rejected");
    stage.github.push_file(SHOP, "olga", POLICY, Some(&rule("authored_by: [devin]\n    require: [1 of admins]")));
    assert_eq!(stage.decision(waiting_run).await.0, "approved");
    assert_eq!(stage.github.callbacks(denied_run).len(), 1);
    stage.verified().await;
}

#[tokio::test]
async fn an_approval_that_no_longer_counts_is_struck_as_soon_as_somebody_leaves_the_team() {
    let stage = under(&rule("require: [\"1 of @acme/platform\", 1 of admins]")).await;
    let sha = stage.agents_commit();
    stage.deploy(&sha);
    let check = stage.asked(&sha).await;
    stage.github.click(check.id, "approve", "alice");
    says(&stage, &sha, "✔ 1 of 1 from group `@acme/platform`").await;
    stage.github.leave_team("acme/platform", "alice");
    says(&stage, &sha, "○ 0 of 1 from group `@acme/platform`").await;
    stage.verified().await;
}

#[tokio::test]
async fn the_organizations_rules_hold_beside_the_repositorys() {
    let stage = under(&rule("require: [1 of writers]")).await;
    organization(&stage, &rule("require: [\"1 of @acme/security\"]"));
    let sha = stage.agents_commit();
    let run = stage.deploy(&sha);
    let check = stage.asked(&sha).await;
    stage.github.click(check.id, "approve", "alice");
    says(&stage, &sha, "✔ 1 of 1 from anyone with write access").await;
    assert!(stage.github.callbacks(run).is_empty(), "the organization asks for one more");
    stage.github.click(check.id, "approve", "bob");
    assert_eq!(stage.decision(run).await.0, "approved");
    stage.verified().await;
}

#[tokio::test]
async fn a_repository_cannot_take_back_what_the_organization_asks() {
    let lax = "version: 1\npeople:\n  bob: machine\nrules:\n  - name: nothing\n    environments: [production]\n    authored_by: [devin]\n    mode: shadow\n    require: [1 of writers]\n";
    let stage = under(lax).await;
    organization(&stage, &rule("authored_by: anyone\n    require: [1 of admins]"));
    let sha = stage.humans_commit();
    let run = stage.deploy(&sha);
    let check = stage.asked(&sha).await;
    stage.github.click(check.id, "approve", "alice");
    says(&stage, &sha, "`alice` could not approve").await;
    stage.github.click(check.id, "approve", "olga");
    assert_eq!(stage.decision(run).await.0, "approved");
}

#[tokio::test]
async fn an_organizations_file_that_is_deleted_holds_all_the_same_and_is_an_alarm() {
    let stage = Stage::set().await;
    organization(&stage, &rule("require: [1 of admins]"));
    let first = stage.agents_commit();
    stage.deploy(&first);
    stage.asked(&first).await;
    stage.github.delete_repository("acme/.github", "olga");
    let sha = stage.agents_commit();
    stage.deploy(&sha);
    let check = stage.check(&sha, |check| check.name == "Seconder policy").await;
    assert!(check.summary.as_deref().unwrap_or_default().contains("is gone"), "{:?}", check.summary);
    let check = stage.asked(&sha).await;
    assert!(check.summary.as_deref().unwrap_or_default().contains("the admins of"), "{:?}", check.summary);
}

#[tokio::test]
async fn whoever_loosens_the_policy_in_the_same_merge_is_judged_by_the_old_one() {
    let stage = under(&rule("require: [1 of admins]")).await;
    let mut commit = Commit::by("mona", format!("Tidy up\n\n{CLAUDE}"));
    commit.contents = vec![(POLICY.into(), Some(rule("authored_by: [devin]\n    require: [1 of writers]")))];
    let sha = stage.github.commit(SHOP, &commit);
    let run = stage.deploy(&sha);
    let check = stage.asked(&sha).await;
    stage.github.click(check.id, "approve", "alice");
    says(&stage, &sha, "✔ 1 of 1 from anyone with write access").await;
    assert!(stage.github.callbacks(run).is_empty(), "the old rule asks for an admin");
    stage.github.click(check.id, "approve", "olga");
    assert_eq!(stage.decision(run).await.0, "approved");
    stage.verified().await;
}

#[tokio::test]
async fn in_a_freeze_people_decide_and_nothing_is_released_until_it_is_over() {
    let freeze = "freeze: [{ name: audit, zone: Europe/Berlin, from: 2020-01-01, to: 2099-01-01 }]\n";
    let stage = under(&format!("{freeze}{}", rule("require: [1 of writers]"))).await;
    let sha = stage.agents_commit();
    let run = stage.deploy(&sha);
    let check = stage.asked(&sha).await;
    stage.github.click(check.id, "approve", "alice");
    says(&stage, &sha, "freeze `audit` lasts until").await;
    assert!(stage.github.callbacks(run).is_empty());
    stage.github.push_file(SHOP, "olga", POLICY, Some(&rule("require: [1 of writers]")));
    assert_eq!(stage.decision(run).await.0, "approved");
    let report = stage.verified().await;
    assert_eq!(report.entries.get("release.held"), Some(&1), "{report:?}");
}

#[tokio::test]
async fn the_stop_switch_holds_back_even_what_needs_nobody_and_a_denial_leaves_at_once() {
    let stopped = format!("stop: incident 4711\n{}", rule("require: [1 of writers]"));
    let stage = under(&stopped).await;
    let human = stage.humans_commit();
    let passing = stage.deploy(&human);
    says(&stage, &human, "incident 4711").await;
    let agents = stage.agents_commit();
    let denied = stage.github.deploy(SHOP, &Deploy::to("production", &agents, "bob"));
    let check = stage.asked(&agents).await;
    stage.github.click(check.id, "deny", "alice");
    assert_eq!(stage.decision(denied).await.0, "rejected");
    assert!(stage.github.callbacks(passing).is_empty());
}

#[tokio::test]
async fn the_owners_of_the_changed_files_are_asked_by_codeowners() {
    let stage = under(&rule("require: [1 of codeowners]")).await;
    stage.github.file(SHOP, "olga", "CODEOWNERS", Some("* @acme/platform\n/payments/ @acme/security\n"));
    stage.deployed_before();
    let mut commit = Commit::by("mona", format!("Pay faster\n\n{CLAUDE}"));
    commit.contents = vec![("payments/fast.rs".into(), Some("fn pay() {}".into()))];
    let sha = stage.github.commit(SHOP, &commit);
    let run = stage.deploy(&sha);
    let check = stage.asked(&sha).await;
    stage.github.click(check.id, "approve", "alice");
    says(&stage, &sha, "✔ 1 of 1 from the owners of the changed files: team `acme/platform`").await;
    assert!(stage.github.callbacks(run).is_empty(), "security owns one of the files");
    stage.github.click(check.id, "approve", "bob");
    assert_eq!(stage.decision(run).await.0, "approved");
    stage.verified().await;
}

#[tokio::test]
async fn a_rule_in_shadow_mode_holds_nothing_and_says_what_it_would_ask() {
    let stage = under(&rule("authored_by: anyone\n    mode: shadow\n    require: [2 of admins]")).await;
    let sha = stage.humans_commit();
    let run = stage.deploy(&sha);
    assert_eq!(stage.decision(run).await.0, "approved");
    says(&stage, &sha, "rule `production` would ask for 2 from the admins").await;
}

#[tokio::test]
async fn one_of_two_ways_is_enough_and_the_ledger_proves_it() {
    let stage = under(&rule("require: [{ any_of: [\"2 of @acme/platform\", 1 of admins] }]")).await;
    let sha = stage.agents_commit();
    let run = stage.deploy(&sha);
    let check = stage.asked(&sha).await;
    stage.github.click(check.id, "approve", "alice");
    says(&stage, &sha, "○ one of these").await;
    stage.github.click(check.id, "approve", "olga");
    assert_eq!(stage.decision(run).await.0, "approved");
    stage.verified().await;
}

#[tokio::test]
async fn a_rule_that_denies_says_why() {
    let stage = under(&rule("deny: agents do not deploy here")).await;
    let sha = stage.agents_commit();
    let run = stage.deploy(&sha);
    let (state, comment) = stage.decision(run).await;
    assert!(state == "rejected" && comment.contains("rule production"), "{comment}");
    says(&stage, &sha, "agents do not deploy here").await;
    stage.verified().await;
}

#[tokio::test]
async fn a_change_without_a_ticket_is_denied_and_told_how_to_say_it() {
    let stage = under(&rule("reason: { pattern: \"[A-Z]+-[0-9]+\" }\n    require: [1 of writers]")).await;
    let sha = stage.agents_commit();
    let run = stage.deploy(&sha);
    assert_eq!(stage.decision(run).await.0, "rejected");
    says(&stage, &sha, "Say it in the pull request's title or text").await;
    stage.verified().await;
}

#[tokio::test]
async fn when_nobody_is_left_to_approve_the_request_says_so_until_somebody_is() {
    let stage = under(&rule("require: [\"1 of @acme/security\"]")).await;
    let sha = stage.merge("bob", "bob", &format!("Pay faster\n\n{CLAUDE}"));
    let run = stage.github.deploy(SHOP, &Deploy::to("production", &sha, "bob"));
    says(&stage, &sha, "**Nobody is left to second it** by rule `production`").await;
    stage.github.join_team("acme/security", "alice");
    let says_no_more = |check: &CheckRun| {
        !check.summary.as_deref().unwrap_or_default().contains("Nobody is left") && !check.actions.is_empty()
    };
    let check = stage.check(&sha, says_no_more).await;
    stage.github.click(check.id, "approve", "alice");
    assert_eq!(stage.decision(run).await.0, "approved");
    stage.verified().await;
}

#[tokio::test]
async fn a_pull_request_that_changes_the_policy_is_told_what_it_would_have_changed() {
    let stage = under(&rule("require: [1 of writers]")).await;
    let sha = stage.agents_commit();
    let run = stage.deploy(&sha);
    let check = stage.asked(&sha).await;
    stage.github.click(check.id, "approve", "alice");
    assert_eq!(stage.decision(run).await.0, "approved");

    let propose = |text: String| {
        let mut commit = Commit::by("mona", "Other rules").on("other-rules");
        commit.contents = vec![(POLICY.into(), Some(text))];
        let head = stage.github.commit(SHOP, &commit);
        let pull = PullRequest {
            author: "mona".into(),
            head_branch: "other-rules".into(),
            commits: vec![head.clone()],
            ..PullRequest::default()
        };
        stage.github.open_pull_request(SHOP, &pull);
        head
    };
    let stricter = propose(rule("require: [1 of admins]"));
    says(&stage, &stricter, "**seconded** → **waits for more approvals (rule `production`)**").await;
    says(&stage, &stricter, "the approval of `alice` no longer counts").await;
    let broken = propose("version: 1\nruels: []\n".into());
    says(&stage, &broken, "the policy has no key `ruels`; did you mean `rules`?").await;
}
