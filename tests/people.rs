//! Who is one human, who is none, and who stands behind an agent: told on a running server.

use seconder::demo::{CheckRun, Commit, PullRequest};

use crate::support::stage::{SHOP, Stage};

const CLAUDE: &str = "Co-Authored-By: Claude <noreply@anthropic.com>";

/// A policy for production with these lines before and inside its one rule.
async fn under(people: &str, rule: &str) -> Stage {
    let stage = Stage::set().await;
    let text = format!("version: 1\n{people}\nrules:\n  - name: production\n    environments: [production]\n{rule}\n");
    stage.policy(&text);
    stage
}

async fn refused(stage: &Stage, check: &CheckRun, sha: &str, login: &str, why: &str) {
    stage.github.click(check.id, "approve", login);
    let told = |check: &CheckRun| {
        let page = check.summary.clone().unwrap_or_default();
        page.contains(&format!("`{login}` could not approve")) && page.contains(why)
    };
    stage.check(sha, told).await;
}

#[tokio::test]
async fn the_authors_second_account_is_the_author() {
    let stage = under("people:\n  mona: { also: [bob] }", "    require: [1 of writers]").await;
    let sha = stage.agents_commit();
    let run = stage.deploy(&sha);
    let check = stage.asked(&sha).await;
    refused(&stage, &check, &sha, "bob", "the same person as").await;
    stage.github.click(check.id, "approve", "alice");
    assert_eq!(stage.decision(run).await.0, "approved");
}

#[tokio::test]
async fn one_human_with_two_accounts_counts_once() {
    let stage = under("people:\n  alice: { also: [bob] }", "    require: [2 of writers]").await;
    let sha = stage.agents_commit();
    let run = stage.deploy(&sha);
    let check = stage.asked(&sha).await;
    stage.github.click(check.id, "approve", "alice");
    stage.check(&sha, |check| check.summary.clone().unwrap_or_default().contains("1 of 2 from")).await;
    refused(&stage, &check, &sha, "bob", "one human counts once").await;
    stage.github.click(check.id, "approve", "dora");
    let (state, comment) = stage.decision(run).await;
    assert!(state == "approved" && comment.contains("alice, dora"), "{comment}");
}

#[tokio::test]
async fn an_address_the_policy_knows_costs_no_extra_approver_and_bars_its_owner() {
    let stage = under("people:\n  bob: { emails: [zoe@corp.example] }", "    require: [1 of writers]").await;
    let sha = stage.github.commit(SHOP, &Commit::by("Zoe <Zoe@corp.example>", format!("Faster\n\n{CLAUDE}")));
    let run = stage.deploy(&sha);
    let check = stage.asked(&sha).await;
    assert!(check.summary.clone().unwrap_or_default().contains("0 of 1 from"), "{:?}", check.summary);
    refused(&stage, &check, &sha, "bob", "had a part in it: wrote").await;
    stage.github.click(check.id, "approve", "alice");
    assert_eq!(stage.decision(run).await.0, "approved");
}

/// git-ai writes notes where a commit itself shows nothing.
#[tokio::test]
async fn a_commit_that_only_a_git_note_marks_is_held_like_an_agents() {
    let stage = under("", "    authored_by: ai\n    require: [1 of writers]").await;
    let base = stage.deploy(&stage.humans_commit());
    stage.decision(base).await;
    stage.github.finish(base, true);
    let sha = stage.humans_commit();
    let note =
        r#"{"prompts":{"p1":{"agent_id":{"tool":"cursor","model":"m"},"human_author":"Mona <mona@example.com>"}}}"#;
    let mut noted = Commit::by("mona", "Notes added by git-ai").on("refs/notes/ai");
    noted.contents = vec![(format!("{}/{}", &sha[..2], &sha[2..]), Some(format!("src/a.rs\n---\n{note}")))];
    stage.github.commit(SHOP, &noted);
    stage.deploy(&sha);
    let check = stage.asked(&sha).await;
    assert!(check.text.unwrap_or_default().contains("Cursor"), "{:?}", check.summary);
}

#[tokio::test]
async fn a_machine_user_neither_approves_nor_denies() {
    let stage = under("people:\n  bob: machine", "    require: [1 of writers]").await;
    let sha = stage.agents_commit();
    let run = stage.deploy(&sha);
    let check = stage.asked(&sha).await;
    refused(&stage, &check, &sha, "bob", "only humans second").await;
    stage.github.click(check.id, "deny", "bob");
    stage.check(&sha, |check| check.summary.clone().unwrap_or_default().contains("could not deny")).await;
    assert!(stage.github.callbacks(run).is_empty());
}

#[tokio::test]
async fn behind_a_machine_user_stands_a_human_nobody_knows() {
    let stage = under("people:\n  bob: machine", "    require: [1 of writers]").await;
    let sha = stage.github.commit(SHOP, &Commit::by("bob", format!("Speed up checkout\n\n{CLAUDE}")));
    let run = stage.deploy(&sha);
    let check = stage.asked(&sha).await;
    assert!(check.summary.unwrap_or_default().contains("0 of 2 from"), "a program does not name who runs it");
    stage.github.click(check.id, "approve", "alice");
    stage.check(&sha, |check| check.summary.clone().unwrap_or_default().contains("1 of 2 from")).await;
    assert!(stage.github.callbacks(run).is_empty());
}

#[tokio::test]
async fn whoever_set_a_machine_user_to_work_cannot_second_what_it_wrote() {
    let stage = under("people:\n  bob: machine", "    require: [1 of writers]").await;
    let sha = stage.github.commit(SHOP, &Commit::by("bob", format!("Speed up checkout\n\n{CLAUDE}")));
    let pull_request = PullRequest {
        author: "bob".into(),
        commits: vec![sha.clone()],
        merged_as: Some(sha.clone()),
        assigned_by: vec!["alice".into()],
        ..PullRequest::default()
    };
    stage.github.pull_request(SHOP, &pull_request);
    stage.deploy(&sha);
    let check = stage.asked(&sha).await;
    refused(&stage, &check, &sha, "alice", "had an agent work on pull request #1").await;
}

#[tokio::test]
async fn a_login_github_does_not_know_opens_no_door() {
    let stage = under("people:\n  nobody-here: { emails: [zoe@corp.example] }", "    require: [1 of writers]").await;
    let sha = stage.humans_commit();
    stage.deploy(&sha);
    let check = stage.asked(&sha).await;
    assert!(check.summary.unwrap_or_default().contains("an account GitHub does not know"));
}

#[tokio::test]
async fn whoever_set_an_agent_to_work_cannot_second_what_it_wrote() {
    let stage = Stage::set().await;
    let sha = stage.github.commit(SHOP, &Commit::by("Cursor Agent <cursoragent@cursor.com>", "Speed up checkout"));
    let pull_request = PullRequest {
        author: "shopbot[bot]".into(),
        head_branch: "cursor/speed".into(),
        commits: vec![sha.clone()],
        merged_as: Some(sha.clone()),
        assigned_by: vec!["alice".into()],
        ..PullRequest::default()
    };
    stage.github.pull_request(SHOP, &pull_request);
    let run = stage.deploy(&sha);
    let check = stage.asked(&sha).await;
    assert!(check.summary.clone().unwrap_or_default().contains("0 of 1 from"), "the sponsor is known");
    refused(&stage, &check, &sha, "alice", "had an agent work on pull request #1").await;
    stage.github.click(check.id, "approve", "bob");
    assert_eq!(stage.decision(run).await.0, "approved");
}

#[tokio::test]
async fn an_agent_without_a_known_sponsor_costs_one_more_approver_or_is_denied() {
    let by_an_agent = || Commit::by("Cursor Agent <cursoragent@cursor.com>", "Speed up checkout");
    let stage = under("", "    require: [1 of writers]").await;
    let sha = stage.github.commit(SHOP, &by_an_agent());
    stage.deploy(&sha);
    let check = stage.asked(&sha).await;
    assert!(check.summary.unwrap_or_default().contains("0 of 2 from"));

    let stage = under("", "    require: [1 of writers]\n    unattributed: deny").await;
    let sha = stage.github.commit(SHOP, &by_an_agent());
    let run = stage.deploy(&sha);
    let (state, comment) = stage.decision(run).await;
    assert!(state == "rejected" && comment.contains("rule production"), "{comment}");
    stage.verified().await;
}

#[tokio::test]
async fn unproven_lets_pass_only_what_a_known_person_signed_without_an_agent() {
    let policy = |stage: &Stage| {
        let text = "version: 1\npeople:\n  mona: {}\nrules:\n  - name: signed\n    environments: [production]\n    \
                    authored_by: unproven\n    require: [1 of writers]\n";
        stage.policy(text);
        // The file itself is no part of what is deployed next.
        let head = stage.github.commit(SHOP, &Commit::by("mona", "Begin"));
        stage.github.unguarded_environment(SHOP, "production");
        let run = stage.github.deploy(SHOP, &seconder::demo::Deploy::to("production", &head, "mona"));
        stage.github.finish(run, true);
        stage.github.environment(SHOP, "production");
    };
    for (commit, passes) in [
        (Commit::by("mona", "Fix a typo").signed_by("mona"), true),
        (Commit::by("mona", "Fix a typo"), false),
        (Commit::by("alice", "Fix a typo").signed_by("alice"), false),
        (Commit::by("mona", format!("Fix a typo\n\n{CLAUDE}")).signed_by("mona"), false),
    ] {
        let stage = Stage::set().await;
        policy(&stage);
        let sha = stage.github.commit(SHOP, &commit);
        let run = stage.deploy(&sha);
        if passes {
            assert_eq!(stage.decision(run).await.0, "approved");
        } else {
            stage.asked(&sha).await;
        }
    }
}

#[tokio::test]
async fn when_nobody_is_left_the_request_says_so_and_whom_to_ask() {
    let stage = under("approvers:\n  platform: [mona]", "    require: [1 of platform]").await;
    let sha = stage.agents_commit();
    stage.deploy(&sha);
    let page = stage.asked(&sha).await.summary.unwrap_or_default();
    assert!(page.contains("Nobody is left to second it") && page.contains("Ask an admin"), "{page}");
}

#[tokio::test]
async fn an_auditor_reads_from_the_ledger_alone_who_had_a_part_and_why_it_was_released() {
    let stage = under("people:\n  alice: { also: [bob] }", "    require: [1 of writers]").await;
    let sha = stage.agents_commit();
    let run = stage.deploy(&sha);
    let check = stage.asked(&sha).await;
    refused(&stage, &check, &sha, "mona", "had a part").await;
    stage.github.click(check.id, "approve", "alice");
    stage.decision(run).await;
    stage.check(&sha, |check| check.conclusion.as_deref() == Some("success")).await;
    let story = stage.explained(&check.external_id.unwrap_or_default()).await;
    for told in [
        "production of acme/shop waits",
        &format!("commit {sha}: held; claude-code, co_authored, marked"),
        "co-author trailer: Co-Authored-By: Claude <noreply@anthropic.com>",
        "party: mona (account",
        &format!("author, {sha}"),
        "mona could not approve",
        "because: had a part in it: ",
        "alice approved",
        "decided: approved by alice",
        "GitHub is told: approved",
        "catalogue ",
    ] {
        assert!(story.contains(told), "{told}\n{story}");
    }
}
