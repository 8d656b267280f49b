//! `seconder serve`, as the person who operates it meets it.

use std::io::Read as _;
use std::os::unix::fs::PermissionsExt as _;
use std::process::Stdio;

use seconder::demo::{Commit, Deploy, GitHub, Options};

use crate::support::process::{Process, SECRET, free_address, get, post, seconder};
use crate::support::stage::{SHOP, build_world};

async fn scene() -> (GitHub, tempfile::TempDir, String) {
    let github = GitHub::start(Options::default()).await.unwrap();
    build_world(&github);
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite://{}", folder.path().join("seconder.db").display());
    (github, folder, url)
}

#[test]
fn without_credentials_it_names_every_missing_setting_and_ends() {
    let folder = tempfile::tempdir().unwrap();
    let output = seconder().arg("serve").current_dir(folder.path()).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    let said = String::from_utf8(output.stderr).unwrap();
    for variable in ["SECONDER_GITHUB_APP_ID", "SECONDER_GITHUB_PRIVATE_KEY", "SECONDER_GITHUB_WEBHOOK_SECRET"] {
        assert!(said.contains(variable), "{variable} is not named:\n{said}");
    }
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "nothing was made");
}

#[test]
fn help_lists_every_setting() {
    let output = seconder().args(["serve", "--help"]).output().unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    for setting in seconder::config::SETTINGS {
        assert!(said.contains(setting.variable), "{}", setting.variable);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn it_is_ready_when_the_database_can_be_written_and_the_worker_lives() {
    let (github, folder, url) = scene().await;
    let process = Process::start(&github, free_address(), folder.path(), &url, &[]);
    assert_eq!(get(process.address, "/healthz").unwrap(), (200, "ok\n".into()));
    let (status, body) = get(process.address, "/readyz").unwrap();
    assert_eq!(status, 200, "{body}");
    let page: serde_json::Value = serde_json::from_str(&body).unwrap();
    assert_eq!((&page["database_writable"], &page["worker_alive"]), (&true.into(), &true.into()));
}

#[tokio::test(flavor = "multi_thread")]
async fn events_nobody_uses_are_acknowledged_and_counted() {
    let (github, folder, url) = scene().await;
    let process = Process::start(&github, free_address(), folder.path(), &url, &[]);
    let status =
        post(process.address, "star", "8d5b2a1c-0000-4000-8000-000000000001", br#"{"action":"created"}"#, SECRET);
    assert_eq!(status, 202);
    let (_, body) = get(process.address, "/readyz").unwrap();
    assert!(body.contains(r#""events_not_used":{"star":1}"#), "{body}");
}

#[tokio::test(flavor = "multi_thread")]
async fn while_a_secret_is_rotated_the_old_one_still_counts_and_a_wrong_one_does_not() {
    let (github, folder, url) = scene().await;
    let both = [("SECONDER_GITHUB_WEBHOOK_SECRET", "the new one, the old one")];
    let process = Process::start(&github, free_address(), folder.path(), &url, &both);
    let send = |secret| post(process.address, "star", "8d5b2a1c-0000-4000-8000-000000000002", b"{}", secret);
    assert_eq!((send("the new one"), send("the old one"), send("another one")), (202, 202, 401));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_ledger_key_and_the_database_are_for_their_owner_only() {
    let (github, folder, url) = scene().await;
    let data = folder.path().join("data");
    let _process = Process::start(&github, free_address(), &data, &url, &[]);
    let mode = |path: &std::path::Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&data), 0o700);
    assert_eq!(mode(&data.join("ledger.key")), 0o600);
    assert_eq!(mode(&folder.path().join("seconder.db")), 0o600);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_server_on_the_same_file_is_refused_with_a_reason() {
    let (github, folder, url) = scene().await;
    let _first = Process::start(&github, free_address(), folder.path(), &url, &[]);
    let second = Process::command(&github, free_address(), folder.path(), &url).output().unwrap();
    assert_eq!(second.status.code(), Some(1));
    let said = String::from_utf8(second.stderr).unwrap();
    assert!(said.contains("another"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn asked_to_stop_it_finishes_and_its_logs_are_one_json_object_a_line_with_ids() {
    let (github, folder, url) = scene().await;
    let address = free_address();
    let mut child = Process::command(&github, address, folder.path(), &url)
        .env("SECONDER_LOG", "info")
        .env("SECONDER_LOG_FORMAT", "json")
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    while get(address, "/healthz").is_none() {
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    github.set_webhook(&format!("http://{address}/github/webhooks"), SECRET);
    let sha = github.commit(SHOP, &Commit::by("mona", "Fix a typo"));
    let run = github.deploy(SHOP, &Deploy::to("production", &sha, "mona"));
    let decided = |github: &GitHub| !github.callbacks(run).is_empty();
    github.wait_until(std::time::Duration::from_secs(20), decided).await.unwrap();

    let pid = child.id().to_string();
    assert!(std::process::Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
    let mut logs = String::new();
    child.stderr.take().unwrap().read_to_string(&mut logs).unwrap();
    assert!(child.wait().unwrap().success(), "a polite end is a success:\n{logs}");

    let lines: Vec<serde_json::Value> = logs.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let find = |message: &str| {
        lines.iter().find(|line| line["message"] == message).unwrap_or_else(|| panic!("no {message} in:\n{logs}"))
    };
    let held = find("deployment held");
    assert!(held["delivery"].is_string() && held["request"].is_string(), "{held}");
    assert!(find("webhook received")["delivery"].is_string());
    find("decision delivered");
    for secret in [SECRET, "ghs_", "BEGIN RSA"] {
        assert!(!logs.contains(secret), "a secret is in the logs");
    }
}
