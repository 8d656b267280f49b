//! `seconder ledger publish` of a long log: a segment built, uploaded to the fake GitHub and published.

use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context as _, ensure};
use base64::Engine as _;
use seconder::demo::{GitHub, Level, Options, User, UserKind};
use seconder::store::Store;

use crate::report::Report;
use crate::report::Target::{AtMost, None as Known};
use crate::rows::Size;
use crate::support::ACME;
use crate::{log, processes};

const REPOSITORY: &str = "acme/ledger";
/// Where the command runs. The fake GitHub is in this process, on the other core.
const PUBLISHER_CORE: &str = "0";

/// A log of so many entries, written by the store; each run publishes all of it as one segment to a GitHub that has nothing yet.
pub async fn run(size: Size, runs: usize, report: &mut Report) -> anyhow::Result<()> {
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR"))?;
    let url = log::sqlite(folder.path());
    let (store, _handed) = Store::open(log::options(&url)).await?;
    let head = log::fill(&store, size.of(100_000, 1_000) as u64).await?;
    store.close().await;
    let written =
        std::fs::read(folder.path().join("seconder.db")).context("the database is one file when it is closed")?;
    for _ in 0..runs {
        std::fs::write(folder.path().join("seconder.db"), &written)?;
        let mut options = Options::default();
        options.permissions.insert("contents".into(), Level::Write);
        let github = GitHub::start(options).await?;
        github.add_user(&User {
            login: "acme".into(),
            id: Some(ACME),
            kind: UserKind::Organization,
            ..User::default()
        });
        github.repository(REPOSITORY);
        let mut command = Command::new("taskset");
        command
            .args(["-c", PUBLISHER_CORE, env!("CARGO_BIN_EXE_seconder"), "ledger", "publish", "--json"])
            .env("SECONDER_DATA_DIR", folder.path())
            .env("SECONDER_DATABASE_URL", &url)
            .env("SECONDER_LEDGER_KEY", base64::prelude::BASE64_STANDARD.encode(log::SEED))
            .env("SECONDER_GITHUB_API_URL", github.api_url())
            .env("SECONDER_GITHUB_APP_ID", github.app_id().to_string())
            .env("SECONDER_GITHUB_PRIVATE_KEY", github.app_private_key_pem())
            .env("SECONDER_PUBLISH_REPOSITORY", REPOSITORY);
        let began = Instant::now();
        let most = processes::most_memory(command.stdin(Stdio::null()).stdout(Stdio::null())).await?;
        let took = began.elapsed();
        let releases = github.releases(REPOSITORY);
        ensure!(releases.len() == 1 && !releases[0].draft, "it is not published");
        let bytes: usize = releases[0].assets.iter().map(|asset| asset.bytes.len()).sum();
        let row = format!("`ledger publish` of a segment of {} entries", head.size);
        report.add(&format!("{row}: memory at most"), "MiB", AtMost(128.0), most);
        report.add(&format!("{row}: time"), "s", Known, took.as_secs_f64());
        report.add(&format!("{row}: files"), "MB", Known, bytes as f64 / 1e6);
    }
    Ok(())
}
