//! `seconder ledger keys`, and every other command that signs.

use seconder::ledger::{Checkpoint, VerifierKey};
use serde_json::Value;

use super::{acme, fingerprint, hold, key};
use crate::support::case;
use crate::support::database::on_sqlite;
use crate::support::process::{said, seconder};

#[test]
fn the_command_line_makes_lists_and_revokes_keys_and_shows_no_secret() {
    on_sqlite(async |database| {
        let store = database.open_with_keys(7, None).await.unwrap();
        hold(&store, &case(1)).await.unwrap();
        let log = acme(&store).await;
        store.close().await;
        let folder = database.folder();
        let old = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, [7; 32]);
        let keys = |arguments: &[&str], settings: &[(&str, &str)]| {
            let mut command = seconder();
            command.args(["ledger", "keys"]).args(arguments).envs(settings.iter().copied()).current_dir(folder);
            let output = command.env("SECONDER_DATABASE_URL", &database.url).output().unwrap();
            let said = said(&output);
            assert!(!said.contains(&old), "a secret is shown");
            (output.status.code().unwrap(), said)
        };
        let (code, listed) = keys(&[], &[]);
        assert!(code == 0 && listed.contains("active since entry 0") && listed.contains(&log.vkey), "{listed}");
        let (_, listed) = keys(&["--json"], &[]);
        let listed: Value = serde_json::from_str(&listed).unwrap();
        assert_eq!(listed[0]["keys"][0]["state"], "active");
        assert_eq!(listed[0]["keys"][0]["fingerprint"], log.vkey.parse::<VerifierKey>().unwrap().fingerprint());

        let (code, made) = keys(&["new", "--out", "next.key"], &[]);
        let secret = std::fs::read_to_string(folder.join("next.key")).unwrap();
        assert!(code == 0 && made.contains("next.key") && !made.contains(secret.trim()), "{made}");
        let (code, refused) = keys(&["new", "--out", "next.key"], &[]);
        assert!(code == 1 && refused.contains("is not written over"), "{refused}");

        let settings = [("SECONDER_LEDGER_KEY", old.as_str()), ("SECONDER_LEDGER_NEXT_KEY_FILE", "next.key")];
        let fingerprint = fingerprint(&log, 7);
        let (code, refused) = keys(&["revoke", &fingerprint], &settings[..1]);
        assert!(code == 1 && refused.contains("it is the only key"), "{refused}");
        let (code, refused) = keys(&["revoke", "7"], &settings);
        assert!(code == 2 && refused.contains("is no fingerprint"), "{refused}");
        let (code, revoked) = keys(&["revoke", &fingerprint, "--tenant", "acme", "--valid-to-size", "1"], &settings);
        assert!(code == 0 && !revoked.contains(secret.trim()), "{revoked}");
        let (_, listed) = keys(&[], &[]);
        assert!(listed.contains("counts for checkpoints of up to 1 entries"), "{listed}");
    });
}

#[test]
fn no_command_signs_with_a_database_that_was_set_back() {
    on_sqlite(async |database| {
        let store = database.open_with_keys(7, None).await.unwrap();
        hold(&store, &case(1)).await.unwrap();
        let log = acme(&store).await;
        store.close().await;
        let folder = database.folder();
        let remembered =
            Checkpoint { origin: log.origin.clone(), size: 99, root: seconder::ledger::merkle::empty_root() };
        std::fs::create_dir_all(folder.join("checkpoints")).unwrap();
        std::fs::write(folder.join("checkpoints/known"), remembered.sign(&key(&log, 7)).unwrap()).unwrap();
        let run = |arguments: &[&str], accepted: &str| {
            let mut command = seconder();
            command.args(["ledger"]).args(arguments).env("SECONDER_DATABASE_URL", &database.url);
            command.env("SECONDER_DATA_DIR", folder).env("SECONDER_ACCEPT_ROLLBACK", accepted);
            command.env(
                "SECONDER_LEDGER_KEY",
                base64::Engine::encode(&base64::engine::general_purpose::STANDARD, [7; 32]),
            );
            command.env("SECONDER_GITHUB_API_URL", "http://127.0.0.1:9").env("SECONDER_GITHUB_APP_ID", "1");
            command.env("SECONDER_GITHUB_PRIVATE_KEY", include_str!("../../src/demo/app-private-key.pem"));
            command.env("SECONDER_PUBLISH_REPOSITORY", "ledger");
            String::from_utf8(command.output().unwrap().stderr).unwrap()
        };
        let fingerprint = fingerprint(&log, 7);
        let erase = ["erase", "human-1", "--yes", "--reason", "by letter"];
        for arguments in [&erase[..], &["keys", "revoke", &fingerprint], &["publish"]] {
            let said = run(arguments, &format!("{}@98", log.origin));
            assert!(said.contains("the database has only") && said.contains(&format!("{}@99", log.origin)), "{said}");
        }
        let said = run(&["keys", "revoke", &fingerprint], &format!("{}@99", log.origin));
        assert!(said.contains("it is the only key"), "{said}");
    });
}
