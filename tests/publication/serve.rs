//! The same with a real server beside it.

use seconder::demo::GitHub;
use serde_json::Value;

use super::press::{LEDGER, granted};
use crate::support::process::{get, seconder};
use crate::support::stage::Stage;

/// A server that has held something.
async fn a_busy_server(schedule: Option<&str>) -> Stage {
    let mut stage = Stage::set_with(granted()).await;
    stage.github.repository(LEDGER);
    stage.stop().await;
    stage.publish_to("ledger", schedule);
    stage.start().await;
    stage.hold().await;
    stage
}

#[tokio::test]
async fn the_command_publishes_while_the_server_runs() {
    let stage = a_busy_server(None).await;
    let config = stage.config();
    let mut command = seconder();
    command
        .args(["ledger", "publish", "--json", "--tenant", "acme"])
        .env("SECONDER_DATA_DIR", &config.data_dir)
        .env("SECONDER_DATABASE_URL", &stage.database_url)
        .env("SECONDER_GITHUB_API_URL", stage.github.api_url())
        .env("SECONDER_GITHUB_APP_ID", stage.github.app_id().to_string())
        .env("SECONDER_GITHUB_PRIVATE_KEY", stage.github.app_private_key_pem())
        .env("SECONDER_PUBLISH_REPOSITORY", "ledger");
    let mut dry = seconder();
    dry.args(["ledger", "publish", "--dry-run"]).envs(command.get_envs().filter_map(|(k, v)| Some((k, v?))));
    let said = run_beside(dry).await;
    let words = String::from_utf8(said.stdout).unwrap();
    assert!(said.status.success() && words.contains("would be published in acme/ledger"), "{words}");
    assert_eq!(stage.github.releases(LEDGER).len(), 0);

    let said = run_beside(command).await;
    assert!(said.status.success(), "{}", String::from_utf8_lossy(&said.stderr));
    let said: Value = serde_json::from_slice(&said.stdout).unwrap();
    assert_eq!(said["outcome"], "published");
    let releases = stage.github.releases(LEDGER);
    assert!(releases.len() == 1 && !releases[0].draft);
    // The server goes on with the same log, and anybody can check it.
    stage.hold().await;
    let report = stage.verified().await;
    assert!(report.size > said["to"].as_u64().unwrap() + 1);
    let (_, body) = readiness(&stage).await;
    let page: Value = serde_json::from_str(&body).unwrap();
    assert_eq!(page["publications"]["failing"], 0, "{page}");
}

#[test]
fn wrong_settings_are_named_with_what_to_write() {
    let publish = |repository: &str, schedule: &str| {
        let mut command = seconder();
        command.args(["ledger", "publish"]);
        command.env("SECONDER_GITHUB_APP_ID", "1").env("SECONDER_GITHUB_PRIVATE_KEY", "pem");
        command.env("SECONDER_PUBLISH_REPOSITORY", repository).env("SECONDER_PUBLISH_SCHEDULE", schedule);
        let said = command.output().unwrap();
        (said.status.code(), String::from_utf8(said.stderr).unwrap())
    };
    for (repository, schedule, says) in [
        ("", "0 6 1 * *", "SECONDER_PUBLISH_REPOSITORY is not"),
        (
            "https://github.com/acme/ledger",
            "0 6 1 * *",
            "SECONDER_PUBLISH_REPOSITORY: \"https://github.com/acme/ledger\" is neither",
        ),
        ("ledger", "monthly", "SECONDER_PUBLISH_SCHEDULE: this has 1 field; write five"),
    ] {
        let (code, said) = publish(repository, schedule);
        assert!(code == Some(2) && said.contains(says), "{said}");
    }
}

#[tokio::test]
async fn the_readiness_page_counts_what_cannot_be_published_names_nobody_and_the_server_stays_ready() {
    let stage = a_busy_server(None).await;
    stage.github.fail("/releases", 1, seconder::demo::Trouble::Status(500));
    let publications = stage.server().store().publications();
    let target = seconder::app::publish::Target::parse("ledger").unwrap();
    let folder = stage.config().data_dir.join("publications");
    let adapter = crate::support::stage::adapter(&stage.github);
    let publisher = seconder::app::publish::Publisher::new(publications, adapter, target, None, folder);
    let log = stage.log().await;
    publisher.publish(&log, &|_| {}).await.unwrap_err();
    let (status, body) = readiness(&stage).await;
    let page: Value = serde_json::from_str(&body).unwrap();
    assert_eq!(status, 200, "{page}");
    assert_eq!(page["publications"]["failing"], 1, "{page}");
    let names = ["acme", "ledger-", "GitHub", &log.tenant.to_string()];
    assert!(!names.iter().any(|name| body.contains(name)), "anybody may ask: {page}");
}

#[tokio::test]
async fn the_server_publishes_by_itself() {
    let stage = a_busy_server(None).await;
    let log = stage.log().await;
    // Begun by a command that died: no schedule is needed to finish it.
    let plan = seconder::store::Plan {
        tenant: log.tenant,
        repository: LEDGER,
        tag_prefix: "seconder-ledger-2026.11.29-",
        vouched: None,
    };
    let batch = stage.server().store().publications().plan(&plan).await.unwrap().unwrap();
    stage.server().store().publications().put_back(&batch, 0).await.unwrap();
    let mut stage = stage;
    stage.stop().await;
    stage.start().await;
    let is_public = |github: &GitHub| github.releases(LEDGER).iter().any(|release| !release.draft);
    stage.until("the release", is_public).await;
}

/// Runs a command while this process goes on being GitHub and the server.
async fn run_beside(mut command: std::process::Command) -> std::process::Output {
    tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap()
}

/// The readiness page, asked for while this process goes on being GitHub and the server.
async fn readiness(stage: &Stage) -> (u16, String) {
    let address = stage.server().address();
    tokio::task::spawn_blocking(move || get(address, "/readyz").unwrap()).await.unwrap()
}
