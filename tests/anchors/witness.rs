//! Witnesses and time-stamp authorities: what they vouch for, and what they find out.

use std::path::Path;
use std::time::{Duration, Instant};

use axum::http::StatusCode;
use base64::Engine as _;
use seconder::store::{Anchored, LogHead};

use super::{refusal, verify};
use crate::support::process::get;
use crate::support::stage::{PATIENCE, Stage};
use crate::support::witness::{Authority, Witness, parrot};

/// The log and its newest cosigned checkpoint, while no server runs.
async fn at_rest(stage: &Stage) -> (LogHead, Anchored) {
    let reader = seconder::store::LedgerReader::open(&stage.database_url).await.unwrap();
    let log = reader.logs().await.unwrap().remove(0);
    let anchored = reader.anchored(log.tenant).await.unwrap();
    (log, anchored.unwrap_or_default())
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
        ledger.anchored(stage.log().await.tenant).await.unwrap().filter(|a| a.size >= size)
    })
    .await
}

/// A log, and a witness that vouches for it from the next start of the server on.
async fn witnessed() -> (Stage, Witness) {
    let mut stage = Stage::set().await;
    stage.hold().await;
    let mut witness = Witness::start();
    witness.trust(&stage.log().await);
    stage.stop().await;
    stage.anchors.witness_policy = Some(witness.policy());
    stage.anchors.every = Duration::from_secs(1);
    (stage, witness)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_witness_cosigns_what_grows_and_an_auditor_can_insist_on_it() {
    let (mut stage, witness) = witnessed().await;
    stage.start().await;
    let first = anchored_at_least(&stage, 1).await;
    stage.hold().await;
    let grown = anchored_at_least(&stage, first.size + 1).await;
    assert!(grown.has_quorum);

    // The export carries the cosignature as soon as nothing grows any more.
    let folder = tempfile::tempdir().unwrap();
    let head = until("the witness to have caught up", async || {
        let head = stage.log().await;
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
    stage.backup();
    stage.start().await;
    stage.hold().await;
    let size = stage.log().await.size;
    anchored_at_least(&stage, size).await;
    stage.stop().await;

    stage.restore();
    stage.forget();
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
    stage.backup();
    stage.start().await;
    stage.hold().await;
    let size = stage.log().await.size;
    anchored_at_least(&stage, size).await;
    stage.stop().await;
    let size = at_rest(&stage).await.1.size;

    // The operator goes back, and lets another history grow past what was cosigned while the witness does not hear.
    stage.restore();
    stage.forget();
    witness.sleep();
    stage.start().await;
    while stage.log().await.size <= size + 2 {
        stage.hold().await;
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
    stage.hold().await;
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
        let anchored = ledger.anchored(stage.log().await.tenant).await.unwrap();
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
