//! Whoever is erased is gone, and every proof stays.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};

use seconder::domain::effect::Effect;
use seconder::domain::event::{Event, Receipt, Verdict};
use seconder::store::{Eraser, NewDelivery, Options, Work};
use serde_json::json;
use sqlx::{Connection as _, PgConnection};

use super::{Export, erase, lived_through, quiet};
use crate::support::database::{on_both, on_postgres};
use crate::support::process::said;
use crate::support::stage::Stage;
use crate::support::{ACME, case, case_of, click, held, sending};

#[tokio::test]
async fn whoever_is_erased_is_gone_and_every_proof_stays_as_it_was() {
    let (stage, request) = lived_through().await;
    let before = Export::of(&stage).await;
    let dry = erase(&stage, "MONA", &["--dry-run"]);
    assert!(said(&dry).contains("would erase the key of sub_"), "{}", said(&dry));
    assert_eq!(before.lines().len(), Export::of(&stage).await.lines().len(), "a dry run writes nothing");
    let erased = erase(&stage, "mona", &["--yes", "--reason", "asked for by letter of 12 May"]);
    assert!(erased.status.success() && !said(&erased).contains("journal"), "{}", said(&erased));

    let after = Export::of(&stage).await;
    let verified = after.verify_opened(&["--explain", &request]);
    let story = said(&verified);
    assert!(story.contains("verified: ") && story.contains("erased: "), "{story}");
    assert!(story.contains("cannot be judged again: ") && story.contains("; it told of sub_"), "{story}");
    assert_eq!(verified.status.code(), Some(2));
    assert!(
        !story.contains("mona") && story.contains("alice approved") && story.contains("could not approve"),
        "{story}"
    );
    assert!(after.verify(&["--old", before.dir.join("checkpoint").to_str().unwrap()]).status.success());
    assert!(before.verify_opened(&[]).status.success(), "what was given away before verifies as before");
    let receipt = format!("receipts/{request}.json");
    assert_eq!(fs::read(before.dir.join(&receipt)).unwrap(), fs::read(after.dir.join(&receipt)).unwrap());
    let last = after.lines().pop().unwrap();
    assert_eq!((&last["type"], &last["key_erased"]), (&json!("redaction.performed"), &json!(true)));
    assert!(!last.to_string().contains("mona") && !last.to_string().contains("letter"), "{last}");

    let (store, tenant) = (stage.server().store(), stage.log().await.tenant);
    let kept = store.ledger().openings(tenant, 0, u64::MAX >> 1, 1_000).await.unwrap();
    assert!(kept.iter().all(|(_, openings)| !openings.contains("mona")));
    assert!(kept.iter().any(|(_, openings)| openings.contains("alice")), "others are not erased with them");
    assert!(store.ledger().subjects(tenant).await.unwrap().iter().all(|person| person.login != "mona"));
    let reader = seconder::store::RequestReader::open(&stage.database_url).unwrap();
    for (request, facts) in reader.judged("", 100).await.unwrap() {
        let told = format!("{:?} {facts:?}", request);
        assert!(!told.contains("mona"), "{told}");
    }
    let path = stage.database_url.strip_prefix("sqlite://").unwrap();
    assert!(!is_in_the_file(path, "mona") && is_in_the_file(path, "alice"));
    let again = erase(&stage, "mona", &["--yes", "--reason", "again"]);
    assert!(said(&again).contains("tells of mona"), "{}", said(&again));
}

#[tokio::test]
async fn a_program_is_not_erased_and_whatever_else_is_changed_is_told_in_the_log() {
    let (stage, _) = lived_through().await;
    let before = Export::of(&stage).await.lines().len();
    let refused = erase(&stage, "shopbot[bot]", &["--yes", "--reason", "by letter"]);
    assert_eq!(refused.status.code(), Some(2), "{}", said(&refused));
    assert!(said(&refused).contains("shopbot[bot] is a program"), "{}", said(&refused));
    assert_eq!(Export::of(&stage).await.lines().len(), before);

    // No entry's opening tells of it, but a request in the database does.
    let erased = erase(&stage, "shopbot", &["--yes", "--reason", "by letter"]);
    assert!(
        said(&erased).contains(&format!(
            "no key, 0 openings of 0 entries, and what names them in 1 answered requests; entry {before} says so"
        )),
        "{}",
        said(&erased)
    );
    let after = Export::of(&stage).await;
    let lines = after.lines();
    assert_eq!((lines.len(), &lines[before]["type"]), (before + 1, &json!("redaction.performed")));
    let verified = after.verify_opened(&[]);
    assert!(verified.status.success(), "{}", said(&verified));
}

#[tokio::test]
async fn an_approver_who_was_erased_is_weighed_again_by_what_was_recorded_of_them() {
    let stage = Stage::set().await;
    let policy = "version: 1\napprovers:\n  trusted: [\"@acme/platform\"]\nrules:\n  - name: production\n    \
                  environments: [production]\n    require: [1 of trusted]\n";
    for policy in [None, Some(policy)] {
        if let Some(policy) = policy {
            stage.policy(policy);
        }
        let sha = stage.agents_commit();
        let run = stage.deploy(&sha);
        let check = stage.asked(&sha).await;
        stage.github.click(check.id, "approve", "alice");
        assert_eq!(stage.decision(run).await.0, "approved");
        stage.github.finish(run, true);
        quiet(&stage).await;
        let erased = erase(&stage, "alice", &["--yes", "--reason", "by letter"]);
        assert!(erased.status.success(), "{}", said(&erased));
        let verified = Export::of(&stage).await.verify_opened(&["--explain", check.external_id.as_deref().unwrap()]);
        let story = said(&verified);
        assert!(story.contains("who sub_") && story.contains("weighed again by what was recorded of them"), "{story}");
        assert!(story.contains("same answers to reviews (1), same outcome (approved)"), "{story}");
        assert_eq!(verified.status.code(), Some(0));
    }
}

#[tokio::test]
async fn whoever_comes_back_after_they_were_erased_is_somebody_new() {
    let (stage, _) = lived_through().await;
    let actor = |export: &Export| {
        let opened = export.lines().into_iter().rev().find(|entry| entry["type"] == "request.opened").unwrap();
        opened["actor"]["id"].as_str().unwrap().to_owned()
    };
    let before = actor(&Export::of(&stage).await);
    assert!(erase(&stage, "mona", &["--yes", "--reason", "by letter"]).status.success());
    let sha = stage.agents_commit();
    stage.deploy(&sha);
    stage.asked(&sha).await;
    let export = Export::of(&stage).await;
    let now = actor(&export);
    assert!(now.starts_with("sub_") && now != before, "{now}");
    let verified = export.verify_opened(&[]);
    assert!(verified.status.success(), "{}", said(&verified));

    let refused = erase(&stage, "mona", &["--yes", "--reason", "by letter"]);
    assert!(!refused.status.success() && said(&refused).contains("still open"), "{}", said(&refused));
    assert_eq!(actor(&Export::of(&stage).await), now, "nothing was erased");
}

/// Somebody who has begun to read the database, and does not end.
fn read_on(path: &str) -> Child {
    let script = "import sqlite3,sys\ndb=sqlite3.connect(sys.argv[1],isolation_level=None)\ndb.execute('BEGIN')\n\
                  db.execute('SELECT count(*) FROM ledger_heads').fetchall()\nprint('reading',flush=True)\nsys.stdin.read()";
    let mut command = Command::new("python3");
    command.args(["-c", script, path]).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.spawn().unwrap();
    BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut String::new()).unwrap();
    child
}

/// Whether a name is anywhere in the bytes of a SQLite database or its journal, in parts that no row uses as well.
fn is_in_the_file(path: &str, name: &str) -> bool {
    let files = [fs::read(path).unwrap(), fs::read(format!("{path}-wal")).unwrap_or_default()];
    let is_it = |window: &[u8]| window.eq_ignore_ascii_case(name.as_bytes());
    files.iter().any(|bytes| bytes.windows(name.len()).any(is_it))
}

#[test]
fn erasing_takes_somebody_out_of_the_rows_of_both_engines_and_leaves_the_log_whole() {
    on_both(async |database| {
        let (store, mut handed) = database.open().await;
        let case = case(1);
        let request = case.subject.request_id();
        let commit = async |claim, event| store.commit(Work { claim, event: Some(event) }).await.unwrap();
        let done = |effect| Event::Done { request: request.clone(), effect, receipt: Receipt::default() };
        commit(None, held(&case)).await;
        commit(None, click(&case, 2, Verdict::Approve)).await;
        let eraser = {
            let Options { url, host, seed, .. } = database.options();
            Eraser::open(&url, host, seed, None).await.unwrap()
        };
        let log = eraser.logs().await.unwrap().remove(0);
        let refused = eraser.erase(&log, "human-2", "by letter", 1).await.unwrap();
        assert_eq!(refused.open, [request.to_string()], "the answer has not left");
        let mut due: Vec<_> = std::iter::from_fn(|| handed.effects.try_recv().ok()).collect();
        while let Some(next) = due.pop() {
            let claim = next.claim();
            if next.effect == Effect::Callback {
                commit(Some(claim.clone()), sending(&case, &[2])).await;
            }
            commit(Some(claim), done(next.effect)).await;
            // What was owed anew while it was performed is handed to nobody.
            due.extend(std::iter::from_fn(|| handed.effects.try_recv().ok()));
            due.extend(store.claim_effects(10, &[]).await.unwrap());
        }
        let (long, name) = ("x".repeat(200_000), "a-webhook");
        let payload = format!(r#"{{"sender":"human-2","text":"{long}","by":"human-2"}}"#);
        let webhook =
            NewDelivery { id: name.into(), event: "push".into(), installation_id: 1, payload, is_urgent: false };
        store.receive(webhook).await.unwrap();
        let claim = handed.deliveries.recv().await.unwrap().claim();
        store.commit(Work { claim: Some(claim), event: None }).await.unwrap();
        let size = eraser.logs().await.unwrap()[0].size;
        let reading = database.url.strip_prefix("sqlite://").map(read_on);
        let erased = eraser.erase(&log, "Human-2", "by letter", 1).await.unwrap();
        assert_eq!(erased.journal_remains, reading.is_some(), "whoever reads keeps SQLite's journal as it was");
        if let Some(mut reading) = reading {
            reading.kill().unwrap();
            reading.wait().unwrap();
        }
        assert_eq!((erased.open.len(), erased.told_in, erased.requests), (0, vec![size], 1));
        let seen = store.request(&request).await.unwrap().unwrap();
        assert!(
            !format!("{:?}", seen.life).contains("human-2"),
            "nor does the server remember who it read of: {:?}",
            seen.life
        );
        let kept = store.ledger().openings(ACME, 0, size + 1, 100).await.unwrap();
        assert!(kept.iter().all(|(_, text)| !text.contains("human-2")), "{kept:?}");
        assert!(kept.iter().any(|(_, text)| text.contains("human-1")));
        let people = store.ledger().subjects(ACME).await.unwrap();
        assert_eq!(people.iter().map(|person| person.account_id).collect::<Vec<_>>(), [1]);
        if let Some(path) = database.url.strip_prefix("sqlite://") {
            let again = eraser.erase(&log, "human-2", "by letter", 1).await.unwrap();
            assert!(!again.journal_remains, "nobody reads any more");
            assert!(!is_in_the_file(path, "human-2"), "also what their rows and webhooks left behind is overwritten");
            assert!(is_in_the_file(path, "human-1"));
        }
        commit(None, held(&case_of(ACME, 2))).await; // The log goes on.
        assert!(eraser.logs().await.unwrap()[0].size > size + 1);
    });
}

#[test]
fn whoever_is_erased_while_an_entry_about_them_waits_for_the_log_is_somebody_new_in_it() {
    on_postgres(async |database| {
        let (store, _handed) = database.open().await;
        let subject = async || {
            let people = store.ledger().subjects(ACME).await.unwrap();
            people.into_iter().find(|person| person.account_id == 1).unwrap().subject.to_string()
        };
        store.commit(Work { claim: None, event: Some(held(&case(1))) }).await.unwrap();
        let size = async || store.ledger().logs().await.unwrap()[0].size;
        let (before, old) = (subject().await, size().await);
        let mut other = PgConnection::connect(&database.url).await.unwrap();
        sqlx::raw_sql("BEGIN; UPDATE ledger_heads SET size = size").execute(&mut other).await.unwrap();
        let opening = tokio::spawn({
            let store = store.clone();
            async move { store.commit(Work { claim: None, event: Some(held(&case(2))) }).await }
        });
        let waits = "SELECT COUNT(*) FROM pg_locks WHERE NOT granted AND pid IN \
                     (SELECT pid FROM pg_stat_activity WHERE datname = current_database())";
        while sqlx::query_scalar::<_, i64>(waits).fetch_one(&mut other).await.unwrap() == 0 {
            tokio::task::yield_now().await;
        }
        let erase = "DELETE FROM ledger_subjects WHERE account_id = 1; COMMIT";
        sqlx::raw_sql(erase).execute(&mut other).await.unwrap();
        opening.await.unwrap().unwrap();
        let (after, new) = (subject().await, size().await);
        let lines = store.ledger().entries(ACME, old, new, 100).await.unwrap();
        assert_ne!(before, after);
        assert!(lines.iter().any(|line| line.contains(&after)), "{lines:?}");
        assert!(lines.iter().all(|line| !line.contains(&before)), "{lines:?}");
    });
}
