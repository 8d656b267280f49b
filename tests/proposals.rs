//! Pull requests that propose a policy: honest ones, stale ones, and such as were written to do harm.

use std::fmt::Write as _;

use seconder::demo::{CheckRun, Commit, PullRequest};

use crate::support::stage::{SHOP, Stage};

const POLICY: &str = ".github/seconder.yml";

fn asks(whom: &str) -> String {
    format!("version: 1\nrules:\n  - name: production\n    environments: [production]\n    require: [1 of {whom}]\n")
}

/// Opens a pull request that begins at a commit; returns its head.
fn propose(stage: &Stage, from: &str, contents: &[(&str, Option<&str>)]) -> String {
    let mut commit = Commit::by("mona", "Other rules").on(&format!("topic-{}", stage.github.deliveries().len()));
    commit.parents = vec![from.to_owned()];
    commit.contents = contents.iter().map(|(path, text)| ((*path).to_owned(), text.map(str::to_owned))).collect();
    let head_branch = commit.branch.clone().unwrap();
    let head = stage.github.commit(SHOP, &commit);
    let pull =
        PullRequest { author: "mona".into(), head_branch, commits: vec![head.clone()], ..PullRequest::default() };
    stage.github.open_pull_request(SHOP, &pull);
    head
}

fn proposal(check: &CheckRun) -> bool {
    check.name == "Seconder policy"
}

async fn told(stage: &Stage, head: &str) -> CheckRun {
    stage.check(head, proposal).await
}

#[tokio::test]
async fn whoever_proposes_the_file_that_was_remembered_is_told_when_the_default_branch_has_a_newer_one() {
    let stage = Stage::set().await;
    stage.policy(&asks("writers"));
    let sha = stage.agents_commit();
    stage.deploy(&sha);
    stage.asked(&sha).await;
    // Nobody tells of this push: what is remembered is the file before.
    let tip = stage.github.file(SHOP, "olga", POLICY, Some(&asks("admins")));
    let head = propose(&stage, &tip, &[(POLICY, Some(&asks("writers")))]);
    assert!(told(&stage, &head).await.summary.unwrap().contains("The proposed file is good"));
}

#[tokio::test]
async fn a_pull_request_that_is_only_older_than_the_policy_is_not_bothered() {
    let stage = Stage::set().await;
    stage.policy(&asks("writers"));
    let before = stage.github.tip(SHOP, "main").unwrap();
    let tip = stage.github.file(SHOP, "olga", POLICY, Some(&asks("admins")));
    let stale = propose(&stage, &before, &[("src/main.rs", Some("fn main() {}"))]);
    stage.until("a comparison", |github| github.calls().iter().any(|call| call.route.contains("/compare/"))).await;
    let last = propose(&stage, &tip, &[(POLICY, None)]);
    assert!(told(&stage, &last).await.title.unwrap().contains("would be gone"));
    assert_eq!(stage.github.check_runs(SHOP, &stale).len(), 0);
}

#[tokio::test]
async fn a_strangers_file_costs_no_call_for_each_account_it_names() {
    let stage = Stage::set().await;
    stage.policy(&asks("writers"));
    let people: String = (0..1_000).fold("people:\n".to_owned(), |mut all, n| {
        writeln!(all, "  stranger-{n}: machine").unwrap();
        all
    });
    let tip = stage.github.tip(SHOP, "main").unwrap();
    let head = propose(&stage, &tip, &[(POLICY, Some(&format!("{}{people}", asks("admins"))))]);
    let check = told(&stage, &head).await;
    assert!(check.summary.unwrap().contains("more than 30 accounts"));
    let looked_up = stage.github.calls().iter().filter(|call| call.route.contains("/users/")).count();
    assert_eq!(looked_up, 0);
}

#[tokio::test]
async fn what_a_strangers_file_says_is_shown_as_text() {
    let stage = Stage::set().await;
    stage.policy(&asks("writers"));
    let tip = stage.github.tip(SHOP, "main").unwrap();
    let evil = "` @acme/platform ![x](https://evil.example/p.png) </details> ``` \u{202e}mаin";
    let warned = format!("{}    branches: [\"{evil}\"]\n", asks("admins"));
    let broken = format!("{}    mode: \"{evil}\"\n", asks("admins"));
    for text in [warned, broken] {
        let head = propose(&stage, &tip, &[(POLICY, Some(&text))]);
        let summary = told(&stage, &head).await.summary.unwrap();
        let fenced: String = summary.split("````").skip(1).step_by(2).collect();
        assert!(fenced.contains("@acme/platform"), "{summary}");
        assert_eq!(summary.matches("@acme/platform").count(), fenced.matches("@acme/platform").count(), "{summary}");
        assert!(!summary.contains('\u{202e}'), "{summary}");
    }
}

#[tokio::test]
async fn a_file_that_is_nothing_but_mistakes_is_told_in_one_page() {
    let stage = Stage::set().await;
    stage.policy(&asks("writers"));
    let tip = stage.github.tip(SHOP, "main").unwrap();
    let keys: String = (0..9_000).map(|n| format!("k{n}: \"{}\", ", "x".repeat(10))).collect();
    let head = propose(&stage, &tip, &[(POLICY, Some(&format!("{{ version: 1, {keys} }}")))]);
    let check = told(&stage, &head).await;
    assert_eq!(check.conclusion.as_deref(), Some("failure"));
    assert!(check.summary.unwrap().contains("the policy has no key `k7`"));
}
