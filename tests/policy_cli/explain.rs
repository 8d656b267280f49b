//! `policy explain`: what the rules did with a request.

use std::process::Output;

use seconder::demo::{Commit, Deploy};
use serde_json::json;

use super::object;
use crate::support::process::{seconder, text};
use crate::support::stage::{SHOP, Stage};

fn explain(stage: &Stage, arguments: &[&str]) -> Output {
    let mut command = seconder();
    command.args(["policy", "explain"]).args(arguments).env("SECONDER_DATABASE_URL", &stage.database_url);
    command.output().unwrap()
}

/// What the check run says, as it reads without its markup.
fn read(markdown: &str) -> Vec<String> {
    let plain = markdown.replace(['`', '*'], "");
    plain.lines().map(|line| line.trim_start_matches('#').trim().to_owned()).filter(|l| l.starts_with("- ")).collect()
}

#[tokio::test]
async fn a_waiting_request_is_explained_in_the_words_of_its_check_run_while_the_server_runs() {
    let stage = Stage::set().await;
    let policy = "version: 1\nrules:\n  - name: exports\n    environments: [warehouse]\n    require: [1 of admins]\n  \
                  - name: production\n    environments: [production]\n    require: [1 of bob, 1 of writers]\n";
    stage.github.file(SHOP, "olga", ".github/seconder.yml", Some(policy));
    let sha = stage.agents_commit();
    stage.deploy(&sha);
    let check = stage.asked(&sha).await;
    stage.github.click(check.id, "approve", "alice");
    let check = stage.check(&sha, |check| check.summary.as_deref().unwrap_or_default().contains("approved it")).await;

    let id = check.external_id.clone().unwrap();
    let told = explain(&stage, &[&id[..8]]);
    assert_eq!(told.status.code(), Some(0), "{}", text(&told.stderr));
    let said = text(&told.stdout);
    for expected in [
        "production waits for a second human",
        "- Rule exports does not hold it: the environment is not among those it is about (warehouse)",
        "- Rule production holds it",
        "○ 0 of 1 from group bob (rule production): bob",
        "✔ 1 of 1 from anyone with write access to acme/shop (rule production)\n  - alice approved it (",
        "- mona: started the run, wrote",
        "Policy: .github/seconder.yml at ",
    ] {
        assert!(said.contains(expected), "{expected}\nin\n{said}");
    }
    for line in read(check.summary.as_deref().unwrap()).iter().chain(&read(check.text.as_deref().unwrap())) {
        assert!(said.contains(line), "the check run says\n{line}\nand the terminal\n{said}");
    }
    assert!(!said.contains('`') && !said.contains("**") && !said.contains('\u{1b}'), "{said}");
}

#[tokio::test]
async fn a_refused_author_and_a_decision_are_explained() {
    let stage = Stage::set().await;
    let sha = stage.agents_commit();
    let run = stage.deploy(&sha);
    let check = stage.asked(&sha).await;
    let id = check.external_id.clone().unwrap();
    stage.github.click(check.id, "approve", "mona");
    stage.check(&sha, |check| check.summary.as_deref().unwrap_or_default().contains("could not approve")).await;
    let refused = text(&explain(&stage, &[&id]).stdout);
    assert!(refused.contains("Not counted\n- mona could not approve ("), "{refused}");
    assert!(refused.contains("had a part in it: started the run, wrote"), "{refused}");

    stage.github.click(check.id, "approve", "alice");
    assert_eq!(stage.decision(run).await.0, "approved");
    let decided = text(&explain(&stage, &[&id.to_uppercase()]).stdout);
    assert!(decided.starts_with("production: seconded by alice\n"), "{decided}");
    let json = object(&explain(&stage, &[&id, "--json"]));
    assert_eq!((&json["id"], &json["life"]["outcome"]), (&json!(id), &json!("approved")));
    assert_eq!(json["judgement"]["matched_rules"], json!(["built-in"]));
    assert_eq!(json["tally"][0]["have"], 1);
}

#[tokio::test]
async fn what_a_rule_in_shadow_mode_would_have_done_is_explained() {
    let stage = Stage::set().await;
    let policy = "version: 1\nrules:\n  - name: admins\n    environments: [production]\n    authored_by: anyone\n    \
                  require: [1 of admins]\n    mode: shadow\n";
    stage.github.file(SHOP, "olga", ".github/seconder.yml", Some(policy));
    let sha = stage.humans_commit();
    let run = stage.github.deploy(SHOP, &Deploy::to("production", &sha, "mona"));
    assert_eq!(stage.decision(run).await.0, "approved");
    let check = stage.check(&sha, |check| check.external_id.is_some()).await;
    let said = text(&explain(&stage, &[&check.external_id.unwrap()]).stdout);
    for expected in [
        "production: no second needed",
        "- rule admins would ask for 1 from the admins of acme/shop; it is in shadow mode and holds nothing",
        "- Rule admins would hold it (shadow)",
    ] {
        assert!(said.contains(expected), "{expected}\nin\n{said}");
    }
}

#[tokio::test]
async fn a_commit_cannot_speak_to_the_terminal() {
    let stage = Stage::set().await;
    let message = "Fix \u{1b}[2J\u{202e}\n\nCo-Authored-By: Claude <noreply@anthropic.com>";
    let sha = stage.github.commit(SHOP, &Commit::by("mona", message));
    stage.deploy(&sha);
    let check = stage.asked(&sha).await;
    let said = text(&explain(&stage, &[&check.external_id.unwrap()]).stdout);
    assert!(said.contains("Fix ⟨U+001B⟩[2J⟨U+202E⟩") && !said.contains('\u{1b}'), "{said}");
}

#[tokio::test]
async fn whoever_has_no_id_is_told_where_ids_are() {
    let stage = Stage::set().await;
    let unknown = explain(&stage, &["0123456789abcdef"]);
    assert_eq!(unknown.status.code(), Some(1));
    assert!(text(&unknown.stderr).contains("at the foot of check runs"), "{}", text(&unknown.stderr));
    for vague in ["0123", "production", "0123456789abcdef0123456789abcdef0"] {
        let vague = explain(&stage, &[vague]);
        assert_eq!(vague.status.code(), Some(2));
        assert!(text(&vague.stderr).contains("32 hex digits"), "{}", text(&vague.stderr));
    }
    let nowhere = seconder()
        .args(["policy", "explain", "0123456789abcdef"])
        .env("SECONDER_DATABASE_URL", "sqlite:///nowhere/seconder.db")
        .output()
        .unwrap();
    assert_eq!(nowhere.status.code(), Some(1));
    assert!(text(&nowhere.stderr).contains("SECONDER_DATABASE_URL"), "{}", text(&nowhere.stderr));
}
