//! The people who run a server change the key that signs its ledgers, and nobody has to believe them.

use std::path::Path;

use seconder::artifact::segment::{Span, write};
use seconder::cli::ledger::export::export;
use seconder::cli::ledger::verify::{VerifyArgs, check};
use seconder::domain::case::Case;
use seconder::ledger::verify::report::Report;
use seconder::ledger::{Checkpoint, SigningKey, VerifierKey, note};
use seconder::store::{Error, LogHead, Options, Revocation, Store, Work};
use serde_json::Value;
use zeroize::Zeroizing;

use crate::support::database::{Database, on_both, on_postgres, on_sqlite};
use crate::support::process::seconder;
use crate::support::{ACME, case, case_of, held};

fn seed(n: u8) -> Zeroizing<[u8; 32]> {
    Zeroizing::new([n; 32])
}

/// A server that has this key, and this one as the next.
async fn open(database: &Database, own: u8, next: Option<u8>) -> Result<Store, Error> {
    let options = Options { seed: seed(own), next_seed: next.map(seed), ..database.options() };
    let (store, _) = Store::open(options).await?;
    store.settle_keys().await?;
    Ok(store)
}

async fn hold(store: &Store, case: &Case) -> Result<(), Error> {
    store.commit(Work { claim: None, event: Some(held(case)) }).await.map(drop)
}

async fn acme(store: &Store) -> LogHead {
    store.ledger().logs().await.unwrap().into_iter().find(|log| log.tenant == ACME).unwrap()
}

fn key(log: &LogHead, n: u8) -> SigningKey {
    SigningKey::from_seed(&log.origin, &seed(n)).unwrap()
}

fn vkey(log: &LogHead, n: u8) -> String {
    key(log, n).verifier().to_string()
}

fn fingerprint(log: &LogHead, n: u8) -> String {
    key(log, n).verifier().fingerprint()[..16].to_owned()
}

/// Which of the keys 7 to 9 have signed the log as it stands.
fn signers(log: &LogHead) -> Vec<u8> {
    (7..=9).filter(|n| Checkpoint::open(&log.checkpoint, key(log, *n).verifier()).is_ok()).collect()
}

async fn types(store: &Store, log: &LogHead) -> Vec<String> {
    let lines = store.ledger().entries(log.tenant, 0, log.size, usize::MAX).await.unwrap();
    let types =
        lines.iter().map(|line| serde_json::from_str::<Value>(line).unwrap()["type"].as_str().unwrap().to_owned());
    types.filter(|name| name.starts_with("key.")).collect()
}

fn arguments() -> VerifyArgs {
    VerifyArgs {
        targets: Vec::new(),
        state: None,
        seen: None,
        witness_policy: None,
        openings: None,
        vkey: None,
        old: None,
        token_file: None,
        trust_artifact_key: false,
        explain: None,
        json: false,
        strict: false,
    }
}

fn audit(dir: &Path, vkey: &str) -> Result<Report, String> {
    let args = VerifyArgs { targets: vec![dir.to_owned()], vkey: Some(vkey.to_owned()), ..arguments() };
    check(&args).map(|mut reports| reports.remove(0)).map_err(|failure| failure.to_string())
}

/// What an auditor with one of these keys says of the log as it stands.
async fn audited(store: &Store, log: &LogHead, keys: &[u8]) -> Vec<Result<(), String>> {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().join("ledger");
    export(&store.ledger(), log, &dir).await.unwrap();
    keys.iter().map(|n| audit(&dir, &vkey(log, *n)).map(drop)).collect()
}

#[test]
fn auditors_with_the_old_key_go_on_verifying_before_during_and_after_a_change() {
    on_both(async |database| {
        let store = open(database, 7, None).await.unwrap();
        hold(&store, &case(1)).await.unwrap();
        let before = acme(&store).await;
        assert_eq!((signers(&before), &before.next_vkey), (vec![7], &None));
        let answers = audited(&store, &before, &[7, 8]).await;
        assert!(answers[0].is_ok(), "{answers:?}");
        assert!(answers[1].is_err(), "nothing is said of the new key yet");
        store.close().await;

        // Announced in a log in which nothing else happens, and once, however often the server is started.
        open(database, 7, Some(8)).await.unwrap().close().await;
        let store = open(database, 7, Some(8)).await.unwrap();
        let announced = acme(&store).await;
        assert_eq!((signers(&announced), announced.size), (vec![7, 8], before.size + 1));
        hold(&store, &case(2)).await.unwrap();
        let during = acme(&store).await;
        assert_eq!((signers(&during), during.vkey == before.vkey), (vec![7, 8], true));
        assert_eq!(audited(&store, &during, &[7, 8]).await, [Ok(()), Ok(())]);
        store.close().await;

        let store = open(database, 8, None).await.unwrap();
        hold(&store, &case(3)).await.unwrap();
        let after = acme(&store).await;
        assert_eq!((signers(&after), &after.vkey), (vec![8], &vkey(&after, 8)));
        assert_eq!(audited(&store, &after, &[7, 8]).await, [Ok(()), Ok(())]);
        assert_eq!(types(&store, &after).await, ["key.added", "key.activated", "key.revoked"]);
        let keys = store.ledger().keys(&after).await.unwrap();
        assert_eq!((keys[0].valid_to_size, keys[1].activated), (Some(during.size), Some(during.size)));
        store.close().await;

        // The next change begins like the first.
        let store = open(database, 8, Some(9)).await.unwrap();
        let again = acme(&store).await;
        assert_eq!(signers(&again), [8, 9]);
        assert_eq!(audited(&store, &again, &[7, 8, 9]).await, [Ok(()), Ok(()), Ok(())]);
        store.close().await;
    });
}

#[test]
fn an_announcement_can_be_checked_with_nothing_but_the_two_keys() {
    on_sqlite(async |database| {
        let store = open(database, 7, Some(8)).await.unwrap();
        hold(&store, &case(1)).await.unwrap();
        let log = acme(&store).await;
        let lines = store.ledger().entries(ACME, 0, log.size, 100).await.unwrap();
        let added: Value = lines
            .iter()
            .map(|line| serde_json::from_str(line).unwrap())
            .find(|it: &Value| it["type"] == "key.added")
            .unwrap();
        let statement = added["statement"].as_str().unwrap();
        for n in [7, 8] {
            let text = note::open(statement, &[key(&log, n).verifier()]).unwrap();
            let (old, new) = (vkey(&log, 7), vkey(&log, 8));
            assert_eq!(text, format!("seconder key change v1\n{}\n{old}\n{new}\n", log.origin));
        }
        store.close().await;
    });
}

#[test]
fn a_key_that_was_never_announced_is_refused_and_the_way_to_change_it_is_told() {
    on_both(async |database| {
        let store = open(database, 7, None).await.unwrap();
        hold(&store, &case(1)).await.unwrap();
        store.close().await;
        let refused = open(database, 8, None).await.err().unwrap().to_string();
        assert!(refused.contains("SECONDER_LEDGER_NEXT_KEY_FILE"), "{refused}");
        let refused = open(database, 8, Some(9)).await.err().unwrap().to_string();
        assert!(refused.contains("is signed with another key"), "{refused}");
        // The two swapped: the old one is the next, but nobody announced the new one.
        let store = open(database, 8, Some(7)).await.unwrap();
        assert_eq!(signers(&acme(&store).await), [7], "it signs with the key the log has, and changes nothing");
        store.close().await;
    });
}

#[test]
fn once_announced_no_server_without_the_next_key_signs() {
    on_both(async |database| {
        let store = open(database, 7, Some(8)).await.unwrap();
        hold(&store, &case(1)).await.unwrap();
        store.close().await;
        let refused = open(database, 7, None).await.err().unwrap();
        assert!(matches!(refused, Error::NextKeyMissing { .. }), "{refused}");
    });
}

#[test]
fn replicas_that_are_restarted_one_after_the_other_never_sign_what_does_not_verify() {
    on_postgres(async |database| {
        let old = open(database, 7, None).await.unwrap();
        hold(&old, &case(1)).await.unwrap();

        // One has been restarted with the next key, the other not yet: that one signs nothing more, and says so.
        let both = open(database, 7, Some(8)).await.unwrap();
        let refused = hold(&old, &case(2)).await.unwrap_err();
        assert!(refused.to_string().contains("give this server the same SECONDER_LEDGER_NEXT_KEY_FILE"), "{refused}");
        assert!(old.health().await.is_err(), "its readiness says so, too");
        hold(&both, &case(2)).await.unwrap();
        old.close().await;

        // One has been restarted with the next key alone: the other still has it, and goes on.
        let new = open(database, 8, None).await.unwrap();
        hold(&both, &case(3)).await.unwrap();
        hold(&new, &case(4)).await.unwrap();
        assert_eq!(signers(&acme(&new).await), [8]);
        both.health().await.unwrap();

        // A log that the other begins now changes its key at once.
        hold(&both, &case_of(5_000, 5)).await.unwrap();
        hold(&new, &case_of(5_000, 6)).await.unwrap();
        let logs = new.ledger().logs().await.unwrap();
        for log in &logs {
            assert_eq!(audited(&new, log, &[7, 8]).await, [Ok(()), Ok(())]);
            assert_eq!(types(&new, log).await, ["key.added", "key.activated", "key.revoked"]);
        }
        assert_eq!(logs.len(), 2);
        both.close().await;
        new.close().await;
    });
}

#[test]
fn replicas_restarted_at_the_same_moment_announce_and_change_a_key_once() {
    on_postgres(async |database| {
        let store = open(database, 7, None).await.unwrap();
        for tenant in 0..5 {
            hold(&store, &case_of(6_000 + tenant, tenant)).await.unwrap();
        }
        store.close().await;
        for (own, next) in [(7, Some(8)), (8, None)] {
            let servers = tokio::join!(open(database, own, next), open(database, own, next), open(database, own, next));
            for server in [servers.0, servers.1, servers.2] {
                server.unwrap().close().await;
            }
        }
        let store = open(database, 8, None).await.unwrap();
        for log in store.ledger().logs().await.unwrap() {
            assert_eq!(types(&store, &log).await, ["key.added", "key.activated", "key.revoked"]);
            assert_eq!(audited(&store, &log, &[7, 8]).await, [Ok(()), Ok(())]);
        }
        store.close().await;
    });
}

#[test]
fn a_key_that_was_taken_out_never_comes_back_and_stops_nobody() {
    on_both(async |database| {
        open(database, 7, Some(8)).await.unwrap().close().await;
        let store = open(database, 7, Some(8)).await.unwrap();
        hold(&store, &case(1)).await.unwrap();
        store.close().await;
        // The new key's turn, with the old one as the next.
        let store = open(database, 8, Some(7)).await.unwrap();
        hold(&store, &case(2)).await.unwrap();
        let log = acme(&store).await;
        assert_eq!(signers(&log), [8]);
        assert_eq!(types(&store, &log).await, ["key.added", "key.activated", "key.revoked"]);
        store.close().await;
    });
}

#[test]
fn a_stolen_key_is_revoked_from_the_last_size_known_outside_and_an_announced_one_can_be_withdrawn() {
    on_both(async |database| {
        let store = open(database, 7, None).await.unwrap();
        hold(&store, &case(1)).await.unwrap();
        let outside = acme(&store).await.size;
        hold(&store, &case(2)).await.unwrap();
        let log = acme(&store).await;
        let revocation = |n, valid_to_size| Revocation { fingerprint: fingerprint(&log, n), valid_to_size };
        let only = store.revoke_key(&log, &revocation(7, None)).await.unwrap_err().to_string();
        assert!(only.contains("it is the only key"), "{only}");
        store.close().await;

        let store = open(database, 7, Some(9)).await.unwrap();
        store.revoke_key(&log, &revocation(9, None)).await.unwrap();
        hold(&store, &case(3)).await.unwrap();
        assert_eq!(signers(&acme(&store).await), [7], "withdrawn");
        store.close().await;

        let store = open(database, 7, Some(8)).await.unwrap();
        let unknown = store.revoke_key(&log, &revocation(9, None)).await.unwrap_err().to_string();
        assert!(unknown.contains("no key in force"), "{unknown}");
        let beyond = store.revoke_key(&log, &revocation(7, Some(9_000))).await.unwrap_err().to_string();
        assert!(beyond.contains("not 9000"), "{beyond}");
        store.revoke_key(&log, &revocation(7, Some(outside))).await.unwrap();
        hold(&store, &case(4)).await.unwrap();
        let log = acme(&store).await;
        assert_eq!(signers(&log), [8]);
        assert_eq!(audited(&store, &log, &[7, 8]).await, [Ok(()), Ok(())]);
        let keys = store.ledger().keys(&log).await.unwrap();
        assert_eq!(keys[0].valid_to_size, Some(outside));
        store.close().await;
    });
}

#[test]
fn the_command_line_makes_lists_and_revokes_keys_and_shows_no_secret() {
    on_sqlite(async |database| {
        let store = open(database, 7, None).await.unwrap();
        hold(&store, &case(1)).await.unwrap();
        let log = acme(&store).await;
        store.close().await;
        let folder = database.folder();
        let old = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, [7; 32]);
        let keys = |arguments: &[&str], settings: &[(&str, &str)]| {
            let mut command = seconder();
            command.args(["ledger", "keys"]).args(arguments).envs(settings.iter().copied()).current_dir(folder);
            let output = command.env("SECONDER_DATABASE_URL", &database.url).output().unwrap();
            let said =
                format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
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
        let store = open(database, 7, None).await.unwrap();
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
            command.env("SECONDER_GITHUB_PRIVATE_KEY", include_str!("../src/demo/app-private-key.pem"));
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

#[test]
fn segments_of_a_log_that_changed_its_key_are_verified_one_by_one_and_in_sequence() {
    on_sqlite(async |database| {
        let folder = database.folder();
        let (mut dirs, mut kept) = (Vec::new(), None);
        for (n, (own, next)) in [(7, None), (7, Some(8)), (8, None), (8, None)].into_iter().enumerate() {
            let store = open(database, own, next).await.unwrap();
            hold(&store, &case(n as u64)).await.unwrap();
            let log = acme(&store).await;
            let from = kept.as_ref().map_or(0, |kept: &LogHead| kept.size);
            let checkpoint_prev = kept.as_ref().map(|kept| kept.checkpoint.clone());
            let span =
                Span { from, to: log.size, checkpoint: log.checkpoint.clone(), checkpoint_prev, extra: Vec::new() };
            let dir = folder.join(format!("segment-{n}"));
            write(&store.ledger(), &log, span, &dir, &mut |_, _| {}).await.unwrap();
            dirs.push(dir);
            kept = Some(log);
            store.close().await;
        }
        let log = kept.unwrap();
        let verify = |dirs: &[std::path::PathBuf], n| {
            let vkey = vkey(&log, n);
            let targets = dirs.to_vec();
            let args = VerifyArgs { targets, vkey: Some(vkey), ..arguments() };
            check(&args).map(|reports| reports.len()).map_err(|failure| failure.to_string())
        };
        assert_eq!(verify(&dirs, 7), Ok(4), "whoever began with the old key is led to the new one");
        for (n, key, is_believed) in [
            (0, 7, true),
            (1, 7, true),
            (1, 8, true),
            (2, 8, true),
            (3, 8, true),
            (0, 8, false),
            (2, 7, false),
            (3, 7, false),
        ] {
            let verified = verify(&dirs[n..=n], key);
            assert_eq!(verified.is_ok(), is_believed, "segment {n} with key {key}: {verified:?}");
        }
    });
}
