//! `policy replay`: what other rules would have done.

use serde_json::Value;

use crate::support::process::{seconder, text};
use crate::support::stage::Stage;

#[tokio::test]
async fn a_proposed_policy_is_tried_out_on_what_was_decided_before() {
    let stage = Stage::set().await;
    let (agents, humans) = (stage.agents_commit(), stage.humans_commit());
    let run = stage.deploy(&agents);
    let check = stage.asked(&agents).await;
    stage.github.click(check.id, "approve", "alice");
    assert_eq!(stage.decision(run).await.0, "approved");
    stage.github.finish(run, true);
    let run = stage.deploy(&humans);
    assert_eq!(stage.decision(run).await.0, "approved");

    let replay = |rule: &str, options: &[&str]| {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("new.yml");
        let rules = format!("version: 1\nrules:\n  - name: new\n    environments: [production]\n    {rule}\n");
        std::fs::write(&file, rules).unwrap();
        let mut command = seconder();
        command.env("SECONDER_DATABASE_URL", &stage.database_url).args(["policy", "replay", "--with"]).arg(&file);
        command.args(options).output().unwrap()
    };
    let same = replay("require: [1 of writers]", &["--strict"]);
    assert_eq!(same.status.code(), Some(0), "{}", text(&same.stderr));
    assert_eq!(text(&same.stdout), "2 requests decided once more, 0 would have ended otherwise\n");
    let stricter = replay("authored_by: anyone\n    require: [1 of admins]", &["--strict", "--since", "1d"]);
    assert_eq!(stricter.status.code(), Some(1));
    let told = text(&stricter.stdout);
    for expected in [
        "seconded → waits for more approvals (rule new); the approval of alice no longer counts",
        "passes → waits for more approvals (rule new)",
        "2 requests decided once more, 2 would have ended otherwise",
    ] {
        assert!(told.contains(expected), "{expected}\nin\n{told}");
    }
    let elsewhere = replay("require: [1 of admins]", &["--repository", "acme/other"]);
    assert!(text(&elsewhere.stdout).starts_with("nothing was compared"), "{}", text(&elsewhere.stdout));
    assert_eq!(elsewhere.status.code(), Some(0));
    let strict = replay("require: [1 of admins]", &["--repository", "acme/other", "--strict", "--json"]);
    assert_eq!((strict.status.code(), text(&strict.stdout).as_str()), (Some(1), ""));
    assert!(text(&strict.stderr).starts_with("nothing was compared"), "{}", text(&strict.stderr));
    let lines = text(&replay("require: [1 of admins]", &["--json"]).stdout);
    let first: Value = serde_json::from_str(lines.lines().next().unwrap()).unwrap();
    assert!(first["flipped"].is_boolean() && first["proposed"]["fate"].is_string(), "{first}");
    assert_eq!(replay("require: [1 of nobody/here]", &[]).status.code(), Some(2));
}
