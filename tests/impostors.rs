//! Who says they are somebody else, on a running server: no name, address, trailer, note or key frees whoever had the agent write.

use seconder::demo::{CheckRun, Commit, PullRequest, UserKind};

use crate::support::stage::{SHOP, Stage};

const CLAUDE: &str = "Co-Authored-By: Claude <noreply@anthropic.com>";
const BY_CLAUDE: &str = "Claude <noreply@anthropic.com>";

/// One writer must approve production; `people` as given.
async fn stage(people: &str) -> Stage {
    let stage = Stage::set().await;
    stage.policy(&format!(
        "version: 1\n{people}\nrules:\n  - name: production\n    environments: [production]\n    require: [1 of writers]\n"
    ));
    stage
}

async fn shows(stage: &Stage, sha: &str, text: &str) -> CheckRun {
    stage.check(sha, |check| check.summary.clone().unwrap_or_default().contains(text)).await
}

async fn is_barred(stage: &Stage, sha: &str, login: &str) {
    let check = stage.asked(sha).await;
    stage.github.click(check.id, "approve", login);
    shows(stage, sha, &format!("`{login}` could not approve")).await;
}

/// GitHub reads the last paragraph only; a squash keeps the others' trailers further up.
async fn a_squash_naming(stage: &Stage, trailer: &str) -> String {
    let message = format!("Squash\n\n* one\n\n{trailer}\n\n* two\n\nSee the list.\n\n{CLAUDE}");
    let sha = stage.merge("mona", "mona", &message);
    stage.deploy(&sha);
    sha
}

#[tokio::test]
async fn a_noreply_address_names_its_owner_in_whatever_case_it_is_typed() {
    let stage = stage("").await;
    let eve = stage.github.user("eve", UserKind::User);
    stage.github.collaborator(SHOP, "eve", "write");
    let sha = a_squash_naming(&stage, &format!("Co-authored-by: Eve <{eve}+eve@Users.NoReply.GitHub.com>")).await;
    is_barred(&stage, &sha, "eve").await;
}

#[tokio::test]
async fn a_folded_trailer_names_its_owner() {
    let stage = stage("").await;
    let eve = stage.github.user("eve", UserKind::User);
    stage.github.collaborator(SHOP, "eve", "write");
    let folded = format!("Co-authored-by:\n  Eve\n  <{eve}+eve@users.noreply.github.com>");
    let sha = a_squash_naming(&stage, &folded).await;
    is_barred(&stage, &sha, "eve").await;
}

#[tokio::test]
async fn a_programs_address_on_an_agents_commit_stands_in_for_nobody() {
    let stage = stage("people:\n  bob: machine\n  dora: { emails: [dora@corp.example] }").await;
    let by_robot = Commit { committer: Some("bob".into()), ..Commit::by(BY_CLAUDE, "Speed up checkout") };
    let sha = stage.github.commit(SHOP, &by_robot);
    stage.deploy(&sha);
    shows(&stage, &sha, "0 of 2 from").await;
}

#[tokio::test]
async fn the_human_a_git_note_names_stands_in_for_nobody() {
    let stage = stage("").await;
    let sha = stage.github.commit(SHOP, &Commit::by(BY_CLAUDE, "Speed up checkout"));
    let note = r#"{"prompts":{"p":{"agent_id":{"tool":"claude","model":"m"},"human_author":"bob <bob@example.com>"}}}"#;
    let mut noted = Commit::by("mona", "Notes").on("refs/notes/ai");
    noted.contents = vec![(format!("{}/{}", &sha[..2], &sha[2..]), Some(format!("src/a.rs\n---\n{note}")))];
    stage.github.commit(SHOP, &noted);
    stage.deploy(&sha);
    shows(&stage, &sha, "0 of 2 from").await;
}

#[tokio::test]
async fn whoever_signs_an_agents_commit_has_a_part_in_it() {
    let stage = stage("").await;
    let sha = stage.github.commit(SHOP, &Commit::by(BY_CLAUDE, "Speed up checkout").signed_by("alice"));
    stage.deploy(&sha);
    is_barred(&stage, &sha, "alice").await;
}

#[tokio::test]
async fn a_bot_that_assigns_a_bots_pull_request_sponsors_nothing() {
    let stage = stage("").await;
    let sha = stage.github.commit(SHOP, &Commit::by(BY_CLAUDE, "Speed up checkout"));
    let pull_request = PullRequest {
        author: "shopbot[bot]".into(),
        commits: vec![sha.clone()],
        merged_as: Some(sha.clone()),
        assigned_by: vec!["shopbot[bot]".into()],
        ..PullRequest::default()
    };
    stage.github.pull_request(SHOP, &pull_request);
    stage.deploy(&sha);
    shows(&stage, &sha, "0 of 2 from").await;
}
