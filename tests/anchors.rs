//! Checkpoints that leave the house, and what happens to an operator who contradicts one.

use std::path::Path;
use std::time::{Duration, Instant};

use axum::http::StatusCode;
use base64::Engine as _;
use seconder::app::anchor::{Accepted, Anchors, Settings};
use seconder::app::guard::{Guard, Refusal};
use seconder::ledger::Checkpoint;
use seconder::ledger::merkle::{empty_root, verify_consistency};
use seconder::server::Server;
use seconder::store::{Anchored, Anchoring, LogHead, Store, Work};

use crate::support::database::{Database, on_both};
use crate::support::process::{Process, free_address, get, run};
use crate::support::stage::{PATIENCE, Stage};
use crate::support::witness::{Authority, Witness, parrot};
use crate::support::{ACME, case, held};

/// One more deployment that waits for a second human.
async fn deploy(stage: &Stage) {
    let sha = stage.agents_commit();
    stage.deploy(&sha);
    stage.asked(&sha).await;
}

/// The log and its newest cosigned checkpoint, while no server runs.
async fn at_rest(stage: &Stage) -> (LogHead, Anchored) {
    let reader = seconder::store::LedgerReader::open(&stage.database_url).await.unwrap();
    let log = reader.logs().await.unwrap().remove(0);
    let anchored = reader.anchored(log.tenant).await.unwrap();
    (log, anchored.unwrap_or_default())
}

async fn log(stage: &Stage) -> LogHead {
    stage.server().store().ledger().logs().await.unwrap().remove(0)
}

/// Waits until something is so.
async fn until<T>(what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let began = Instant::now();
    loop {
        if let Some(found) = look().await {
            return found;
        }
        assert!(began.elapsed() < PATIENCE, "waited in vain for {what}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

async fn anchored_at_least(stage: &Stage, size: u64) -> Anchored {
    let ledger = stage.server().store().ledger();
    until("a cosigned checkpoint", async || {
        ledger.anchored(log(stage).await.tenant).await.unwrap().filter(|a| a.size >= size)
    })
    .await
}

/// A log, and a witness that vouches for it from the next start of the server on.
async fn witnessed() -> (Stage, Witness) {
    let mut stage = Stage::set().await;
    deploy(&stage).await;
    let mut witness = Witness::start();
    witness.trust(&log(&stage).await);
    stage.stop().await;
    stage.anchors.witness_policy = Some(witness.policy());
    stage.anchors.every = Duration::from_secs(1);
    (stage, witness)
}

fn copy(from: &Path, to: &Path) {
    for suffix in ["", "-wal", "-shm"] {
        let name = |path: &Path| format!("{}{suffix}", path.display());
        let _ = std::fs::remove_file(name(to));
        if Path::new(&name(from)).exists() {
            std::fs::copy(name(from), name(to)).unwrap();
        }
    }
}

async fn refusal(stage: &Stage) -> String {
    match Server::start(stage.config()).await {
        Ok(server) => {
            server.stop().await;
            panic!("the server started");
        }
        Err(error) => format!("{error:#}"),
    }
}

fn verify(dir: &Path, key: &str, more: &[&str]) -> (Option<i32>, String) {
    let output = run(&[&["ledger", "verify", dir.to_str().unwrap(), "--vkey", key], more].concat());
    (output.status.code(), String::from_utf8([output.stdout, output.stderr].concat()).unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_witness_cosigns_what_grows_and_an_auditor_can_insist_on_it() {
    let (mut stage, witness) = witnessed().await;
    stage.start().await;
    let first = anchored_at_least(&stage, 1).await;
    deploy(&stage).await;
    let grown = anchored_at_least(&stage, first.size + 1).await;
    assert!(grown.has_quorum);

    // The export carries the cosignature as soon as nothing grows any more.
    let folder = tempfile::tempdir().unwrap();
    let head = until("the witness to have caught up", async || {
        let head = log(&stage).await;
        stage.server().store().ledger().anchored(head.tenant).await.unwrap().filter(|a| a.size == head.size)
    })
    .await;
    let dir = folder.path().join("ledger");
    let vkey = stage.export(&dir).await;
    assert_eq!(std::fs::read_to_string(dir.join("checkpoint")).unwrap(), head.note);

    let policy = folder.path().join("policy");
    std::fs::write(&policy, witness.policy()).unwrap();
    let with = |policy: &Path| verify(&dir, &vkey, &["--witness-policy", policy.to_str().unwrap()]);
    assert_eq!(with(&policy).0, Some(0), "{}", with(&policy).1);

    let mut other = Witness::start();
    other.sleep();
    std::fs::write(&policy, other.policy()).unwrap();
    let (code, said) = with(&policy);
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("the witness policy asks for w1") && said.contains("no witness it knows"), "{said}");

    let inside = dir.join("witness.policy");
    std::fs::write(&inside, witness.policy()).unwrap();
    let (code, said) = with(&inside);
    assert_eq!(code, Some(2), "{said}");
    assert!(said.contains("lies inside the ledger"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restored_backup_does_not_start_when_a_witness_has_seen_more() {
    let (mut stage, _witness) = witnessed().await;
    let (database, backup) = (stage.folder().join("seconder.db"), stage.folder().join("backup"));
    copy(&database, &backup);
    stage.start().await;
    deploy(&stage).await;
    let size = log(&stage).await.size;
    anchored_at_least(&stage, size).await;
    stage.stop().await;

    copy(&backup, &database);
    std::fs::remove_dir_all(stage.folder().join("checkpoints")).unwrap();
    let said = refusal(&stage).await;
    assert!(said.contains("ROLLBACK: it has cosigned") && said.contains("SECONDER_ACCEPT_ROLLBACK"), "{said}");

    // Nothing but the witness's word stands against it.
    let origin = at_rest(&stage).await.0.origin;
    stage.anchors.accepted_rollbacks = vec![(origin, 1_000)];
    stage.start().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rewritten_ledger_is_refused_by_the_witness_although_the_key_is_right_and_the_alarm_is_loud() {
    let (mut stage, mut witness) = witnessed().await;
    let (database, backup) = (stage.folder().join("seconder.db"), stage.folder().join("backup"));
    copy(&database, &backup);
    stage.start().await;
    deploy(&stage).await;
    let size = log(&stage).await.size;
    anchored_at_least(&stage, size).await;
    stage.stop().await;
    let size = at_rest(&stage).await.1.size;

    // The operator goes back, and lets another history grow past what was cosigned while the witness does not hear.
    copy(&backup, &database);
    std::fs::remove_dir_all(stage.folder().join("checkpoints")).unwrap();
    witness.sleep();
    stage.start().await;
    while log(&stage).await.size <= size + 2 {
        deploy(&stage).await;
    }
    let address = stage.server().address();
    assert_eq!(get(address, "/readyz").unwrap().0, 200, "a witness that sleeps stops nobody");
    witness.wake();
    let body = until("the alarm", async || get(address, "/readyz").filter(|(status, _)| *status == 503)).await.1;
    assert!(body.contains(r#""ledger_alarms":1"#) && !body.contains("acme"), "anybody may ask: {body}");
    let evidence = witness.evidence();
    assert!(!evidence.is_empty(), "the witness keeps the proof");
    stage.stop().await;
    assert_eq!(at_rest(&stage).await.1, Anchored::default(), "nothing of the other history is cosigned");
    let said = refusal(&stage).await;
    assert!(said.contains("FORK"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_witness_says_without_its_key_counts_for_nothing_and_stops_nobody() {
    let mut stage = Stage::set().await;
    deploy(&stage).await;
    stage.stop().await;
    let witness = Witness::start();
    const FOREIGN: &str = "— witness.test/w1 CbxO/AAAAABrDJXADh0wePFgeh0G2kgAxBLB3CS4C8YQhyJDj4AseYgUrW9oumORMghI7LZh0DBITmEuN7oTL4wmPGMSAcG73p/tCg==\n";
    for (status, kind, body) in [
        (StatusCode::OK, "text/plain", FOREIGN),
        (StatusCode::OK, "text/plain", ""),
        (StatusCode::CONFLICT, "text/html", "99999\n"),
        (StatusCode::CONFLICT, "text/x.tlog.size", "many\n"),
        (StatusCode::NOT_FOUND, "text/plain", "unknown log"),
        (StatusCode::FORBIDDEN, "text/plain", ""),
        (StatusCode::INTERNAL_SERVER_ERROR, "text/plain", ""),
    ] {
        let url = parrot(status, kind, body).await;
        stage.anchors.witness_policy = Some(format!("witness w1 {} {url}\nquorum w1\n", witness.vkey));
        stage.start().await;
        let ledger = stage.server().store().ledger();
        let anchored = ledger.anchored(log(&stage).await.tenant).await.unwrap();
        assert!(!anchored.is_some_and(|anchored| anchored.has_quorum), "{status} {body}");
        stage.stop().await;
    }
    // Another root at the size it has cosigned: some witnesses say so with the size alone.
    let size = stage.remembered().size.to_string() + "\n";
    let url = parrot(StatusCode::CONFLICT, "text/x.tlog.size", size.leak()).await;
    stage.anchors.witness_policy = Some(format!("witness w1 {} {url}\nquorum w1\n", witness.vkey));
    assert!(refusal(&stage).await.contains("FORK"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_policy_nobody_can_follow_stops_the_server_with_its_line() {
    let (mut stage, witness) = witnessed().await;
    for (policy, what) in [
        ("quorum w1\n".to_owned(), "line 1"),
        (format!("witness w1 {}\nquorum w1\n", witness.vkey), "has no URL"),
        (format!("witness w1 {} http://witness.example\nquorum w1\n", witness.vkey), "https://"),
    ] {
        stage.anchors.witness_policy = Some(policy);
        let said = refusal(&stage).await;
        assert!(said.contains("SECONDER_WITNESS_POLICY") && said.contains(what), "{said}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn openssl_believes_the_time_stamp_of_the_checkpoint_and_of_no_other() {
    let (mut stage, _witness) = witnessed().await;
    let authority = Authority::start().await;
    stage.anchors.timestamp_url = Some(authority.url.clone());
    stage.start().await;
    let anchored = anchored_at_least(&stage, 1).await;
    let response = base64::engine::general_purpose::STANDARD.decode(&anchored.tsr).unwrap();
    assert!(authority.dates(anchored.note.as_bytes(), &response));
    let altered = anchored.note.replacen('\n', "\n\n", 1);
    assert!(!authority.dates(altered.as_bytes(), &response), "an altered checkpoint");
    let mut forged = response.clone();
    *forged.last_mut().unwrap() ^= 1;
    assert!(!authority.dates(anchored.note.as_bytes(), &forged), "an altered response");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_check_run_shows_where_the_ledger_stood_and_an_export_is_held_to_it() {
    let stage = Stage::set().await;
    let sha = stage.agents_commit();
    stage.deploy(&sha);
    let summary = stage.asked(&sha).await.summary.unwrap();
    let (_, seen) = summary.split_once("--seen ").expect("the command that compares it");
    let seen = seen.split('`').next().unwrap();
    deploy(&stage).await;

    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().join("ledger");
    let vkey = stage.export(&dir).await;
    let (code, said) = verify(&dir, &vkey, &["--seen", seen]);
    assert_eq!(code, Some(0), "{said}");
    let (size, root) = seen.split_once(':').unwrap();
    let other = format!("{}:{root}", size.parse::<u64>().unwrap() - 1);
    let (code, said) = verify(&dir, &vkey, &["--seen", &other]);
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("fork"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restored_database_does_not_start_beside_the_memory_of_a_newer_one() {
    let mut stage = Stage::set().await;
    deploy(&stage).await;
    stage.stop().await;
    let (database, backup) = (stage.folder().join("seconder.db"), stage.folder().join("backup"));
    copy(&database, &backup);
    stage.start().await;
    deploy(&stage).await;
    stage.stop().await;
    stage.start().await; // Nothing is missing: it starts again.
    stage.stop().await;
    let known = stage.remembered();

    copy(&backup, &database);
    let output = Process::command(&stage.github, free_address(), stage.folder(), &stage.database_url).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8(output.stderr).unwrap();
    let remedy = format!("SECONDER_ACCEPT_ROLLBACK={}@{}", known.origin, known.size);
    assert!(said.contains("the database has only") && said.contains(&remedy), "{said}");

    // Another history, as long as the first: let in by hand, as long as the memory is away.
    let (folder, away) = (stage.folder().join("checkpoints"), stage.folder().join("away"));
    std::fs::rename(&folder, &away).unwrap();
    stage.start().await;
    while log(&stage).await.size < known.size {
        deploy(&stage).await;
    }
    stage.stop().await;
    assert!(stage.remembered().size >= known.size, "it remembers again from its first start on");
    std::fs::remove_dir_all(&folder).unwrap();
    std::fs::rename(&away, &folder).unwrap();
    let said = refusal(&stage).await;
    assert!(said.contains("the first entries in the database are others"), "{said}");

    // No database at all is the oldest backup of all.
    std::fs::remove_file(&database).unwrap();
    let said = refusal(&stage).await;
    assert!(said.contains("does not have this ledger at all"), "{said}");

    stage.anchors.accepted_rollbacks = vec![(known.origin.clone(), known.size - 1)];
    assert!(refusal(&stage).await.contains(&remedy), "less was accepted than is missing");
    stage.anchors.accepted_rollbacks = vec![(known.origin, known.size)];
    stage.start().await;
}

/// A log of some hundred entries.
async fn long_log(database: &Database) -> (Store, LogHead) {
    let (store, _handed) = database.reopen().await;
    let mut size = 0;
    for run in 1.. {
        store.commit(Work { claim: None, event: Some(held(&case(run))) }).await.unwrap();
        size = store.head(ACME).map_or(size, |head| head.size);
        if size > 600 {
            break;
        }
    }
    let head = store.head(ACME).unwrap();
    (store, (*head).clone())
}

#[test]
fn proofs_and_roots_come_from_a_stored_log_at_any_size() {
    on_both(async |database| {
        let (store, head) = long_log(database).await;
        let lines = store.ledger().entries(head.tenant, 0, head.size, 10_000).await.unwrap();
        let root = |size: usize| {
            let mut tree = seconder::ledger::Frontier::new();
            lines[..size].iter().for_each(|line| tree.push(seconder::ledger::merkle::leaf_hash(line.as_bytes())));
            tree.root()
        };
        let newest = (head.size, Checkpoint::unverified(&head.checkpoint).unwrap().root);
        for size in [0, 1, 2, 255, 256, 257, 300, 511, 512, 513, 600] {
            let tree = store.tree(&head, &[size]).await.unwrap();
            let old = root(usize::try_from(size).unwrap());
            assert_eq!(tree.root(size), Some(old), "{size}");
            let proof = tree.consistency(size, head.size).unwrap();
            assert_eq!(verify_consistency((size, old), newest, &proof), Ok(()), "{size}");
        }
        store.close().await;
    });
}

#[test]
fn a_checkpoint_that_somebody_else_holds_is_compared_with_the_database() {
    on_both(async |database| {
        let (store, head) = long_log(database).await;
        let guard = Guard::new(database.folder(), Accepted::default());
        let newest = Checkpoint::unverified(&head.checkpoint).unwrap();
        let older = store.tree(&head, &[300]).await.unwrap().root(300).unwrap();
        let of = |size, root| Checkpoint { origin: head.origin.clone(), size, root };
        let held = "the release of November";
        for genuine in [of(0, empty_root()), of(300, older), newest.clone()] {
            guard.check(&store, &genuine, held).await.unwrap();
        }
        for wrong in [of(300, newest.root), of(newest.size + 1, newest.root), of(0, older)] {
            match guard.check(&store, &wrong, held).await {
                Err(Refusal::Rollback { place, .. }) => assert_eq!(place, held),
                other => panic!("{wrong:?}: {other:?}"),
            }
        }
        store.close().await;
    });
}

#[test]
fn of_two_replicas_one_asks_and_what_another_took_over_is_not_written_twice() {
    on_both(async |database| {
        let (store, _) = long_log(database).await;
        let due = store.claim_anchors(10).await.unwrap();
        assert_eq!(due.len(), 1);
        assert!(store.claim_anchors(10).await.unwrap().is_empty(), "it is leased");
        database.pass(crate::support::database::LEASE + 1);
        let again = store.claim_anchors(10).await.unwrap();
        assert_eq!(again.len(), 1, "whoever had it is dead");
        let size = again[0].turn.log.size;
        let keep = Anchored {
            size,
            note: "a note".into(),
            has_quorum: true,
            policy: "quorum none\n".into(),
            tsr: "MA==".into(),
            at: database.now(),
        };
        let anchoring = Anchoring { done: Some(size), keep: Some(keep.clone()), ..Anchoring::default() };
        assert!(!store.anchored(&due[0], &anchoring).await.unwrap());
        assert_eq!(store.ledger().anchored(ACME).await.unwrap(), None);
        assert!(store.anchored(&again[0], &anchoring).await.unwrap());
        assert_eq!(store.ledger().anchored(ACME).await.unwrap(), Some(keep));
        assert!(store.claim_anchors(10).await.unwrap().is_empty(), "nothing has grown");
        store.commit(Work { claim: None, event: Some(held(&case(5_000))) }).await.unwrap();
        assert_eq!(store.claim_anchors(10).await.unwrap().len(), 1);
        store.close().await;
    });
}

#[test]
fn entries_changed_in_the_database_are_not_brought_to_anybody() {
    on_both(async |database| {
        let (store, head) = long_log(database).await;
        let forged = LogHead { checkpoint: head.checkpoint.replacen(&head.size.to_string(), "599", 1), ..head };
        let error = store.tree(&LogHead { size: 599, ..forged }, &[10]).await.err().expect("another root");
        assert!(error.to_string().contains("do not have the root"), "{error}");
        let none = Anchors::new(store.clone(), seconder::app::system_clock(), Settings::default());
        assert!(none.is_ok_and(|anchors| anchors.is_none()), "nobody is asked unless somebody is named");
        store.close().await;
    });
}
