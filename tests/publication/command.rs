//! The same by hand: `seconder ledger publish`, and `seconder ledger export --segment` for who wants the files alone.

use std::process::{Command, Output, Stdio};
use std::time::Instant;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use seconder::app::publish::Outcome;
use seconder::domain::gate::Tenant;
use seconder::store::Work;
use serde_json::Value;

use super::files;
use super::press::{LEDGER, Press, granted};
use crate::support::database::on_sqlite;
use crate::support::process::{run, seconder, told};
use crate::support::stage::PATIENCE;
use crate::support::{case_of, held};

fn publish(press: &Press<'_>, arguments: &[&str]) -> Command {
    let mut command = seconder();
    command
        .args(["ledger", "publish"])
        .args(arguments)
        .env("SECONDER_DATA_DIR", press.database.folder())
        .env("SECONDER_DATABASE_URL", &press.database.url)
        .env("SECONDER_LEDGER_KEY", BASE64.encode([7; 32]))
        .env("SECONDER_GITHUB_API_URL", press.github.api_url())
        .env("SECONDER_GITHUB_APP_ID", press.github.app_id().to_string())
        .env("SECONDER_GITHUB_PRIVATE_KEY", press.github.app_private_key_pem())
        .env("SECONDER_PUBLISH_REPOSITORY", "ledger");
    command
}

/// Waits for a command while this process goes on being GitHub and the server; not for ever.
async fn ended(mut command: Command) -> Output {
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let wait = move || {
        let began = Instant::now();
        while child.try_wait().unwrap().is_none() {
            if began.elapsed() > PATIENCE {
                child.kill().unwrap();
                panic!("waited in vain for the command to end");
            }
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
        child.wait_with_output().unwrap()
    };
    tokio::task::spawn_blocking(wait).await.unwrap()
}

#[test]
fn a_login_that_two_ledgers_began_with_publishes_neither_and_the_command_says_which_there_are() {
    on_sqlite(async |database| {
        let press = Press::set(database, granted()).await;
        press.hold(1).await;
        // The account that had the name before.
        let mut case = case_of(8_000, 1);
        case.subject.tenant = Tenant { login: "acme".to_owned(), ..case.subject.tenant };
        press.store.commit(Work { claim: None, event: Some(held(&case)) }).await.unwrap();
        let logs = press.store.ledger().logs().await.unwrap();
        assert!(logs.len() == 2 && logs.iter().all(|log| log.login == "acme"));

        for name in ["acme", "ACME"] {
            let (code, words) = told(&ended(publish(&press, &["--tenant", name])).await);
            assert_eq!(code, Some(1), "{words}");
            assert!(words.contains("can mean several ledgers"), "{words}");
            for log in &logs {
                assert!(words.contains(&format!("acme ({}), {}", log.tenant, log.origin)), "{words}");
            }
        }
        assert_eq!(press.github.releases(LEDGER).len(), 0);
        let (code, words) = told(&ended(publish(&press, &["--tenant", "nobody"])).await);
        assert!(code == Some(1) && words.contains("there is no ledger of nobody; there are: acme ("), "{words}");
        for (which, name) in [("--tenant", "8000"), ("--log", logs[0].origin.as_str())] {
            let (code, words) = told(&ended(publish(&press, &["--dry-run", which, name])).await);
            assert!(code == Some(0) && words.matches("would be published").count() == 1, "{words}");
        }
        let (_, words) = told(&ended(publish(&press, &["--dry-run"])).await);
        assert_eq!(words.matches("would be published").count(), 2, "all of them when none is named: {words}");
    });
}

#[test]
fn whoever_does_not_want_to_wait_for_witnesses_publishes_at_once_and_the_release_says_what_it_lacks() {
    on_sqlite(async |database| {
        let press = Press::set(database, granted()).await;
        press.hold(1).await;
        let mut command = publish(&press, &["--json", "--do-not-wait"]);
        // Nobody brings anything to witnesses here: without the option it would wait for twenty minutes.
        command.env("SECONDER_WITNESS_POLICY", "quorum none\n").env("SECONDER_WITNESS_SECONDS", "600");
        let output = ended(command).await;
        assert!(output.status.success(), "{:?}", told(&output));
        let words: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!((&words["outcome"], &words["cosigned"]), (&"published".into(), &false.into()));
        let release = press.github.releases(LEDGER).remove(0);
        assert!(release.body.contains("Not cosigned: no quorum of witnesses"), "{}", release.body);
        assert!(!files(&release.assets).contains_key("witness.policy"));
    });
}

#[test]
fn a_segment_that_is_exported_is_the_one_that_is_published_and_the_next_one_begins_where_it_ends() {
    on_sqlite(async |database| {
        let press = Press::set(database, granted()).await;
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name).display().to_string();
        let export = |arguments: &[&str]| {
            let mut command = seconder();
            command.args(["ledger", "export"]).args(arguments).env("SECONDER_DATABASE_URL", &database.url);
            told(&command.output().unwrap())
        };
        press.hold(1).await;
        let (code, words) = export(&[&path("first"), "--segment"]);
        let size = press.log().await.size;
        assert!(code == Some(0) && words.contains(&format!("entries 0 to {} of acme", size - 1)), "{words}");
        let Outcome::Published { .. } = press.publish().await.unwrap() else { panic!() };
        let release = press.github.releases(LEDGER).remove(0);
        for (name, bytes) in files(&release.assets) {
            assert!(std::fs::read(folder.path().join("first").join(name)).unwrap() == bytes, "{name} is another one");
        }
        assert_eq!(std::fs::read_dir(folder.path().join("first")).unwrap().count(), release.assets.len());

        press.hold(2).await;
        let end = path("first/checkpoint");
        let (code, words) = export(&[&path("second"), "--segment", "--after", &end]);
        assert!(code == Some(0) && words.contains(&format!("entries {size} to ")), "{words}");
        let vkey = press.log().await.vkey;
        let verified = told(&run(&["ledger", "verify", &path("first"), &path("second"), "--vkey", &vkey]));
        assert_eq!(verified.0, Some(0), "{}", verified.1);

        let (code, words) = export(&[&path("second"), "--segment", "--after", &end]);
        assert!(code == Some(1) && words.contains("second"), "nothing is written over: {words}");
        let newest = path("second/checkpoint");
        let (code, words) = export(&[&path("third"), "--segment", "--after", &newest]);
        assert!(code == Some(1) && words.contains("no entry is new"), "{words}");
        let forged =
            std::fs::read_to_string(&end).unwrap().replace(&format!("\n{size}\n"), &format!("\n{}\n", size - 1));
        std::fs::write(folder.path().join("forged"), forged).unwrap();
        let (code, words) = export(&[&path("third"), "--segment", "--after", &path("forged")]);
        assert!(code == Some(1) && words.contains("does not belong to this text"), "{words}");
        let (code, words) = export(&[&path("fourth"), "--after", &end]);
        assert!(code == Some(2) && words.contains("--segment"), "{words}");
    });
}
