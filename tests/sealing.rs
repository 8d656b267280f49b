//! Nobody is named in a ledger that is given away; whoever may see names has them from beside it; whoever is erased is gone,
//! and every proof stays.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Output};

use seconder::demo::Commit;
use serde_json::Value;
use tempfile::TempDir;

use crate::support::process::seconder;
use crate::support::stage::{SHOP, Stage};

mod erasing;
mod judged_again;
mod names;
mod openings;

const CLAUDE: &str = "Co-Authored-By: Claude <noreply@anthropic.com>";

/// A stage on which everything has happened that leaves names: pull requests by others, refusals, a denial, groups, people,
/// somebody unknown, a policy that went wrong, an approval by somebody who is named in the policy.
pub async fn lived_through() -> (Stage, String) {
    let stage = Stage::set().await;
    stage.policy(
        "version: 1\n\
         approvers:\n  trusted: [alice, \"@acme/platform\"]\n\
         people:\n  alice: { also: [olga] }\n  bob: machine\n\
         rules:\n  - name: production\n    environments: [production]\n    \
         require:\n      - any_of: [1 of trusted, 1 of rita]\n",
    );
    let sha = stage.merge("mona", "dora", &format!("Speed up checkout\n\n{CLAUDE}"));
    let run = stage.deploy(&sha);
    let check = stage.asked(&sha).await;
    for (login, verdict) in [("mona", "approve"), ("bob", "approve"), ("shopbot[bot]", "approve"), ("alice", "approve")]
    {
        stage.github.click(check.id, verdict, login);
        let told = |summary: String| summary.contains(&format!("`{login}` could not"));
        stage.check(&sha, |check| login == "alice" || told(check.summary.clone().unwrap_or_default())).await;
    }
    assert_eq!(stage.decision(run).await.0, "approved");
    stage.github.finish(run, true);
    let ghostly = stage.github.commit(SHOP, &Commit::by("Zoe <zoe@nowhere.example>", format!("Faster\n\n{CLAUDE}")));
    let run = stage.deploy(&ghostly);
    let check_of_zoe = stage.asked(&ghostly).await;
    stage.github.click(check_of_zoe.id, "deny", "olga");
    assert_eq!(stage.decision(run).await.0, "rejected");
    stage.github.finish(run, false);
    quiet(&stage).await;
    (stage, check.external_id.unwrap())
}

pub async fn quiet(stage: &Stage) {
    loop {
        let health = stage.server().store().health().await.unwrap();
        if health.queued_effects + health.queued_deliveries == 0 {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
}

/// Exported, with the openings beside it.
struct Export {
    _folder: TempDir,
    dir: PathBuf,
    openings: PathBuf,
    vkey: String,
}

impl Export {
    async fn of(stage: &Stage) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (dir, openings) = (folder.path().join("ledger"), folder.path().join("openings.jsonl"));
        let vkey = stage.export_with_names(&dir, &openings).await;
        Self { _folder: folder, dir, openings, vkey }
    }

    fn verify(&self, options: &[&str]) -> Output {
        let mut command = seconder();
        command.args(["ledger", "verify"]).arg(&self.dir).args(["--vkey", &self.vkey]).args(options);
        command.output().unwrap()
    }

    fn verify_opened(&self, options: &[&str]) -> Output {
        self.verify(&[&["--openings", self.openings.to_str().unwrap()], options].concat())
    }

    fn lines(&self) -> Vec<Value> {
        let text = fs::read_to_string(self.dir.join("entries.jsonl")).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// Changes one line of the openings.
    fn change_openings(&self, change: impl Fn(&mut Vec<Value>)) {
        let text = fs::read_to_string(&self.openings).unwrap();
        let mut lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        change(&mut lines);
        fs::write(&self.openings, lines.iter().map(|line| format!("{line}\n")).collect::<String>()).unwrap();
    }
}

pub fn erase(stage: &Stage, person: &str, options: &[&str]) -> Output {
    on_ledger(stage).args(["erase", person]).args(options).output().unwrap()
}

/// `seconder ledger` on the database of a stage.
fn on_ledger(stage: &Stage) -> Command {
    let mut command = seconder();
    command.env("SECONDER_DATA_DIR", &stage.config().data_dir).env("SECONDER_DATABASE_URL", &stage.database_url);
    command.arg("ledger");
    command
}
