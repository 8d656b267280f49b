//! Rules that become known, or change, at an awkward moment.

use seconder::demo::{ApiCall, CheckRun, Commit, Deploy, Options, PullRequest, Trouble};
use seconder::domain::facts::Run;
use seconder::domain::gate::{Repository, Tenant};
use seconder::domain::policy::RefKind;
use seconder::github::Place;

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
async fn an_organizations_file_that_cannot_be_read_when_it_is_first_looked_for_holds_everything_for_the_admins() {
    let stage = Stage::set().await;
    stage.github.repository("acme/.github");
    organization(&stage, "\0");
    let sha = stage.humans_commit();
    let run = stage.deploy(&sha);
    let check = says(&stage, &sha, "is broken (`acme/.github: seconder.yml cannot be read: it is a binary file`) and no good one is known: admins must second everything").await;
    stage.github.click(check.id, "approve", "alice");
    says(&stage, &sha, "`alice` could not approve").await;
    assert!(stage.github.callbacks(run).is_empty());
    stage.github.click(check.id, "approve", "olga");
    assert_eq!(stage.decision(run).await.0, "approved");
    stage.verified().await;
}

#[tokio::test]
async fn nothing_is_released_before_github_has_said_whether_the_organization_has_rules() {
    let stage = Stage::set().await;
    stage.github.repository("acme/.github");
    organization(&stage, &asks("admins").replace("    require", "    authored_by: anyone\n    require"));
    stage.github.fail("graphql OrganizationFile", 2, Trouble::Status(502));
    let sha = stage.humans_commit();
    let run = stage.deploy(&sha);
    let check = says(&stage, &sha, "the admins of").await;
    assert!(stage.github.callbacks(run).is_empty());
    stage.github.click(check.id, "approve", "olga");
    assert_eq!(stage.decision(run).await.0, "approved");
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

/// A run says a name, and not what it is the name of.
#[tokio::test]
async fn an_excepted_branch_is_excepted_and_a_tag_of_its_name_is_not() {
    let stage = Stage::set().await;
    let rule = "authored_by: anyone\n    except: { branches: [\"docs/*\"] }\n    require: [1 of admins]";
    stage.policy(&format!("version: 1\nrules:\n  - name: production\n    environments: [production]\n    {rule}\n"));
    let deploy = |name: &str, message: &str, is_tag: bool| {
        let mut commit = Commit::by("mona", message);
        commit.branch = Some(if is_tag { "topic" } else { name }.to_owned());
        commit.parents = vec![stage.github.tip(SHOP, "main").unwrap()];
        let sha = stage.github.commit(SHOP, &commit);
        if is_tag {
            stage.github.tag(SHOP, name, &sha, true);
        }
        let order = Deploy { branch: name.to_owned(), ..Deploy::to("production", &sha, "mona") };
        (sha, stage.github.deploy(SHOP, &order))
    };
    let (_, run) = deploy("docs/a", "A branch", false);
    assert_eq!(stage.decision(run).await.0, "approved");
    let (sha, _) = deploy("docs/b", "A tag", true);
    stage.asked(&sha).await;
    stage.github.tag(SHOP, "docs/c", &sha, false);
    let (sha, _) = deploy("docs/c", "A branch, and a tag of its name", false);
    stage.asked(&sha).await;
    stage.verified().await;
}

#[tokio::test]
async fn a_commit_is_a_branchs_as_long_as_the_branch_has_it() {
    let github = seconder::demo::GitHub::start(Options::default()).await.unwrap();
    crate::support::stage::build_world(&github);
    let seconder = crate::support::stage::adapter(&github);
    let account_id = github.user("acme", seconder::demo::UserKind::Organization);
    let tenant = Tenant { account_id, login: "acme".into(), installation_id: github.org("acme") };
    let repository = Repository { id: github.repository_id(SHOP), owner: "acme".into(), name: "shop".into() };
    let place = Place { tenant: &tenant, repository: &repository };
    let kind = async |name: &str, sha: &str| {
        let run = Run { head_branch: Some(name.to_owned()), head_sha: sha.to_owned(), ..Run::default() };
        seconder.ref_kind(place, &run).await.unwrap()
    };
    let older = github.commit(SHOP, &Commit::by("mona", "Older"));
    let newer = github.commit(SHOP, &Commit::by("mona", "Newer"));
    let mut commit = Commit::by("mona", "Elsewhere").on("topic");
    commit.parents = vec![older.clone()];
    let elsewhere = github.commit(SHOP, &commit);
    github.tag(SHOP, "v1", &newer, true);
    github.tag(SHOP, "v2", &newer, false);
    assert_eq!(kind("main", &newer).await, Some(RefKind::Branch));
    assert_eq!(kind("main", &older).await, Some(RefKind::Branch), "the branch moved on");
    assert_eq!(kind("main", &elsewhere).await, None, "another branch's commit");
    assert_eq!(kind("v1", &newer).await, Some(RefKind::Tag), "an annotated tag is its commit's");
    assert_eq!(kind("v2", &newer).await, Some(RefKind::Tag));
    assert_eq!(kind("v1", &older).await, None, "the tag was moved");
    assert_eq!(kind("gone", &newer).await, None);
    let odd =
        Commit { branch: Some("refs/heads/docs".into()), parents: vec![newer.clone()], ..Commit::by("mona", "Odd") };
    let odd = github.commit(SHOP, &odd);
    assert_eq!(kind("docs", &odd).await, None, "a branch whose name only looks like a full one");
}

/// A browser shows a page for as long as nobody loads it anew.
#[tokio::test]
async fn approve_on_a_page_from_before_the_rules_changed_does_not_count_and_says_why() {
    let stage = Stage::set().await;
    stage.github.file(SHOP, "olga", POLICY, Some(&asks("writers")));
    let sha = stage.agents_commit();
    let run = stage.deploy(&sha);
    let check = stage.asked(&sha).await;
    let (approve_as_it_was, _) = check.actions[0].clone();
    let sooner = asks("writers").replace("    require:", "    expires: 3h\n    require:");
    stage.github.push_file(SHOP, "olga", POLICY, Some(&sooner));
    stage.check(&sha, |now| now.actions.first().is_some_and(|(approve, _)| *approve != approve_as_it_was)).await;

    stage.github.click_stale(check.id, &approve_as_it_was, "alice");
    says(&stage, &sha, "saw another page than this one").await;
    assert!(stage.github.callbacks(run).is_empty());
    stage.github.click(check.id, "approve", "alice");
    assert_eq!(stage.decision(run).await.0, "approved");
    stage.verified().await;
}

/// An organization's file may have changed a moment ago, on a server that heard nothing of it.
#[tokio::test]
async fn an_organizations_file_whose_push_nobody_told_us_of_is_asked_for_before_anything_leaves() {
    let stage = Stage::set().await;
    stage.github.repository("acme/.github");
    stage.github.file("acme/.github", "olga", "seconder.yml", Some(&asks("writers")));
    let sha = stage.agents_commit();
    let run = stage.deploy(&sha);
    let check = stage.asked(&sha).await;
    stage.github.file("acme/.github", "olga", "seconder.yml", Some(&asks("admins")));
    stage.github.click(check.id, "approve", "alice");
    says(&stage, &sha, "○ 0 of 1 from the admins of").await;
    assert!(stage.github.callbacks(run).is_empty(), "what was remembered for a minute releases nothing");
    stage.verified().await;
}

/// One file, copied: of the commits that it leaves alone, what is built in holds by the organization's word alone.
#[tokio::test]
async fn an_organization_whose_file_is_the_repositorys_to_the_byte_is_judged_again_like_any_other() {
    let stage = Stage::set().await;
    let policy = asks("writers").replace("[production]", "[staging]");
    stage.github.file(SHOP, "olga", POLICY, Some(&policy));
    organization(&stage, &policy);
    let sha = stage.agents_commit();
    let run = stage.deploy(&sha);
    let check = stage.asked(&sha).await;
    stage.github.click(check.id, "approve", "alice");
    assert_eq!(stage.decision(run).await.0, "approved");
    stage.verified().await;
}

/// Nothing was deployed there before, so nobody knows what is new but the commit itself.
#[tokio::test]
async fn whoever_loosens_the_policy_and_deploys_where_nothing_was_deployed_before_is_judged_by_the_old_one_too() {
    let stage = Stage::set().await;
    let policy = |whom: &str| asks(whom).replace("[production]", "[fresh]");
    stage.github.file(SHOP, "olga", POLICY, Some(&policy("admins")));
    stage.github.environment(SHOP, "fresh");
    let mut commit = Commit::by("mona", format!("Tidy up\n\n{CLAUDE}"));
    commit.contents = vec![(POLICY.into(), Some(policy("writers")))];
    let sha = stage.github.commit(SHOP, &commit);
    let run = stage.github.deploy(SHOP, &Deploy::to("fresh", &sha, "mona"));
    let check = says(&stage, &sha, "And the policy before this").await;
    stage.github.click(check.id, "approve", "alice");
    says(&stage, &sha, "✔ 1 of 1 from anyone with write access").await;
    assert!(stage.github.callbacks(run).is_empty(), "the rules before ask for an admin");
    stage.github.click(check.id, "approve", "olga");
    assert_eq!(stage.decision(run).await.0, "approved");
    stage.verified().await;
}

/// A rebased pull request may have changed the rules in a commit before the last.
#[tokio::test]
async fn where_nothing_was_deployed_before_the_rules_a_pull_request_began_with_hold_too() {
    let stage = Stage::set().await;
    let policy = |whom: &str| asks(whom).replace("[production]", "[fresh]");
    stage.github.file(SHOP, "olga", POLICY, Some(&policy("admins")));
    stage.github.environment(SHOP, "fresh");
    let mut loosen = Commit::by("mona", "Loosen");
    loosen.contents = vec![(POLICY.into(), Some(policy("writers")))];
    let loosened = stage.github.commit(SHOP, &loosen);
    let sha = stage.github.commit(SHOP, &Commit::by("mona", format!("Tidy up\n\n{CLAUDE}")));
    let pull_request = PullRequest {
        author: "mona".into(),
        commits: vec![loosened, sha.clone()],
        merged_as: Some(sha.clone()),
        ..PullRequest::default()
    };
    stage.github.pull_request(SHOP, &pull_request);
    stage.github.deploy(SHOP, &Deploy::to("fresh", &sha, "mona"));
    says(&stage, &sha, "And the policy before this").await;
}

#[tokio::test]
async fn a_check_run_says_in_what_state_the_organizations_rules_are() {
    let stage = Stage::set().await;
    let deployed = || {
        let sha = stage.agents_commit();
        stage.github.deploy(SHOP, &Deploy::to("production", &sha, "bob"));
        sha
    };
    says(&stage, &deployed(), "Of the organization's rules nothing can be seen").await;
    stage.github.repository("acme/.github");
    stage.github.push_file("acme/.github", "olga", "README.md", Some("Hello"));
    let without = deployed();
    let check = says(&stage, &without, "Policy: ").await;
    assert!(!check.summary.unwrap_or_default().contains("rganization's"), "it has none, and says nothing");
    organization(&stage, &asks("admins"));
    says(&stage, &deployed(), "And the organization's: `acme/.github: seconder.yml` at").await;
    organization(&stage, "version: 1\nruels: []\n");
    says(&stage, &deployed(), "`acme/.github: seconder.yml` is broken").await;
    says(&stage, &deployed(), "the last good one, of").await;
    stage.github.delete_repository("acme/.github", "olga");
    says(&stage, &deployed(), "is gone from the default branch").await;
}
