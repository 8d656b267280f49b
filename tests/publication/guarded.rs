//! What is public cannot be taken back: a database that is older than a release does not start.

use std::sync::Arc;

use seconder::app::anchor::Accepted;
use seconder::app::guard::Guard;
use seconder::app::publish::{Outcome, Publisher, Released, Target};
use seconder::demo::{Commit, GitHub, Trouble};
use seconder::ledger::{Checkpoint, SigningKey};
use seconder::server::Server;
use seconder::store::LogHead;
use zeroize::Zeroizing;

use super::press::{HANG, LEDGER, Press, granted};
use crate::support::database::on_sqlite;
use crate::support::process::get;
use crate::support::stage::{PATIENCE, Stage, adapter};

async fn publish(stage: &Stage) {
    let (publications, folder) = (stage.server().store().publications(), stage.folder().join("publications"));
    let publisher =
        Publisher::new(publications, adapter(&stage.github), Target::parse("ledger").unwrap(), None, folder);
    publisher.publish(&stage.log().await, &|_| {}).await.unwrap();
}

/// A server that has published, and is set back to before that; beside it nothing remembers.
async fn set_back() -> Stage {
    let mut stage = Stage::set_with(granted()).await;
    stage.github.repository(LEDGER);
    stage.publish_to("ledger", None);
    stage.hold().await;
    publish(&stage).await;
    stage.stop().await;
    stage.backup();
    stage.start().await;
    stage.hold().await;
    publish(&stage).await;
    stage.stop().await;
    stage.restore();
    stage.forget();
    stage
}

/// Somebody who can write to the repository, and has not the key, publishes a longer ledger.
fn forge(github: &GitHub, origin: &str) {
    let key = SigningKey::from_seed(origin, &Zeroizing::new([66; 32])).unwrap();
    let root = seconder::ledger::merkle::empty_root();
    let checkpoint = Checkpoint { origin: origin.to_owned(), size: 99_999, root }.sign(&key).unwrap();
    claim(github, origin, &checkpoint);
}

/// The same, with a checkpoint that they have from a branch, a release, a receipt.
fn claim(github: &GitHub, origin: &str, checkpoint: &str) {
    let id = github.release(LEDGER, "seconder-ledger-2026.11.29-0999", &[("checkpoint", checkpoint)]);
    github.rewrite_notes(LEDGER, id, &format!("<!-- seconder {origin} 0-99999 AAAA -->"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restored_database_does_not_start_when_more_was_published() {
    let mut stage = set_back().await;
    let reader = seconder::store::LedgerReader::open(&stage.database_url).await.unwrap();
    let origin = reader.logs().await.unwrap().remove(0).origin;
    drop(reader);
    // What somebody else put there does not hide what is genuine, be it forged or shown again.
    forge(&stage.github, &origin);
    let first = stage.github.releases(LEDGER).remove(0);
    let old = first.assets.into_iter().find(|asset| asset.name == "checkpoint").unwrap();
    claim(&stage.github, &origin, &String::from_utf8(old.bytes).unwrap());
    let said = match Server::start(stage.config()).await {
        Err(error) => format!("{error:#}"),
        Ok(_) => panic!("the server started"),
    };
    let newest = &stage.github.releases(LEDGER)[1].tag;
    assert!(
        said.contains(&format!("release {newest} of acme/ledger has a checkpoint of the ledger {origin}")),
        "{said}"
    );
    assert!(said.contains("the database has only") && said.contains("SECONDER_ACCEPT_ROLLBACK"), "{said}");
    stage.anchors.accepted_rollbacks = vec![(origin, 1_000)];
    stage.start().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_forged_checkpoint_in_that_repository_stops_nobody_and_neither_does_one_of_ours_that_the_database_has() {
    let mut stage = Stage::set_with(granted()).await;
    stage.github.repository(LEDGER);
    stage.publish_to("ledger", None);
    stage.hold().await;
    publish(&stage).await;
    let LogHead { origin, checkpoint, .. } = stage.log().await;
    forge(&stage.github, &origin);
    claim(&stage.github, &origin, &checkpoint);
    stage.stop().await;
    stage.forget();
    stage.start().await;
    let address = stage.server().address();
    assert_eq!(tokio::task::spawn_blocking(move || get(address, "/readyz")).await.unwrap().unwrap().0, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_could_not_see_what_was_published_starts_and_sounds_the_alarm_once_it_can() {
    let mut stage = set_back().await;
    stage.github.fail("GET /repos/{owner}/{repo}/releases", 1, Trouble::Status(500));
    stage.start().await;
    alarmed(&stage).await;
}

/// Asks until the readiness page has an alarm.
async fn alarmed(stage: &Stage) {
    let (address, began) = (stage.server().address(), std::time::Instant::now());
    loop {
        let (status, body) = tokio::task::spawn_blocking(move || get(address, "/readyz")).await.unwrap().unwrap();
        if status == 503 {
            assert!(body.contains(r#""ledger_alarms":1"#) && !body.contains("acme"), "{body}");
            return;
        }
        assert!(began.elapsed() < PATIENCE, "waited in vain for the alarm");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_on_the_branch_against_a_ledger_is_told_by_every_server_and_not_forgotten_by_the_next_one() {
    let mut stage = Stage::set_with(granted()).await;
    stage.github.repository(LEDGER);
    stage.github.commit(LEDGER, &Commit::by("olga", "A place for checkpoints").on("checkpoints"));
    stage.publish_to("ledger", None);
    stage.hold().await;
    stage.stop().await;
    stage.backup();
    stage.start().await;
    stage.hold().await;
    stage.stop().await;
    stage.commit_to("checkpoints");
    stage.start().await;
    let put = |github: &GitHub| github.calls().iter().any(|call| call.method == "PUT" && call.status < 300);
    stage.until("the checkpoint's commit", put).await;
    let committed = stage.log().await.size;
    stage.stop().await;
    stage.restore();
    stage.forget();
    stage.start().await;
    assert!(stage.log().await.size < committed);
    alarmed(&stage).await;
    // It has not looked itself: that is not due for a minute.
    stage.stop().await;
    let asked = stage.github.calls().len();
    stage.start().await;
    alarmed(&stage).await;
    let is_look = |call: &seconder::demo::ApiCall| call.path.contains("checkpoints");
    assert!(!stage.github.calls()[asked..].iter().any(is_look));
}

#[test]
fn a_forged_release_stops_no_publication() {
    on_sqlite(async |database| {
        let press = Press::set(database, granted()).await;
        press.hold(1).await;
        press.publish().await.unwrap();
        forge(&press.github, &press.log().await.origin);
        press.hold(2).await;
        assert!(matches!(press.publish().await.unwrap(), Outcome::Published { .. }));
    });
}

#[test]
fn whoever_shows_a_checkpoint_of_ours_in_a_release_of_theirs_stops_no_publication() {
    on_sqlite(async |database| {
        let press = Press::set(database, granted()).await;
        press.hold(1).await;
        press.publish().await.unwrap();
        press.hold(2).await;
        // From the branch: it goes further than what is published, and no further than what is recorded.
        let LogHead { origin, checkpoint, .. } = press.log().await;
        claim(&press.github, &origin, &checkpoint);
        let Outcome::Published { batch, .. } = press.publish().await.unwrap() else { panic!() };
        assert_eq!(batch.checkpoint, checkpoint);
        claim(&press.github, &origin, &press.log().await.checkpoint);
        press.hold(3).await;
        assert!(matches!(press.publish().await.unwrap(), Outcome::Published { .. }));
    });
}

#[test]
fn a_checkpoint_of_ours_that_the_database_does_not_have_stops_publication_wherever_it_is_shown() {
    on_sqlite(async |database| {
        let mut press = Press::set(database, granted()).await;
        press.hold(1).await;
        press.publish().await.unwrap();
        let backup = press.backup().await;
        press.hold(2).await;
        press.hold(3).await;
        let LogHead { origin, size, checkpoint, .. } = press.log().await;
        claim(&press.github, &origin, &checkpoint);
        press.restore(&backup).await;
        let refused = async |press: &Press<'_>| {
            let said = press.publish().await.unwrap_err().to_string();
            assert!(said.contains("-0999 of this ledger is public and goes further than this database"), "{said}");
        };
        press.hold(4).await;
        assert!(press.log().await.size < size);
        refused(&press).await;
        for run in 5..8 {
            press.hold(run).await;
        }
        assert!(press.log().await.size > size, "by its size nothing is missing");
        refused(&press).await;
        assert_eq!(press.github.releases(LEDGER).len(), 2, "not even a draft");
    });
}

#[test]
fn a_rollback_that_was_found_is_not_forgotten_because_another_repository_does_not_answer() {
    on_sqlite(async |database| {
        let mut press = Press::set(database, granted()).await;
        press.hold(1).await;
        // One more than are looked at at once: acme's turn comes when the others were looked at.
        for tenant in 8_001..=8_008 {
            press.hold_of(tenant, 1).await;
        }
        press.account(8_001);
        let backup = press.backup().await;
        press.hold_of(8_001, 2).await;
        let log = press.store.ledger().log(8_001).await.unwrap().unwrap();
        press.publisher().publish(&log, &|_| {}).await.unwrap();
        press.restore(&backup).await;
        let guard = Arc::new(Guard::new(database.folder(), Accepted::default()));
        let target = Target::parse("ledger").unwrap();
        let released = Arc::new(Released::new(press.store.clone(), adapter(&press.github), target, guard));

        let asked = press.github.calls().len();
        let route = "GET /repos/{owner}/{repo}/releases";
        // The first one's list, its files, its checkpoint; then acme's list.
        press.github.fail_after(route, 3, Trouble::Hang(HANG));
        let hangs = |github: &GitHub| {
            github.calls()[asked..].iter().any(|call| call.path.starts_with("/repos/acme/ledger/releases"))
        };
        tokio::select! {
            looked = released.may_sign() => panic!("it hangs: {looked:?}"),
            waited = press.github.wait_until(PATIENCE, hangs) => waited.unwrap(),
        }
        press.github.calm_down();
        let refusal = released.may_sign().await.unwrap_err().to_string();
        assert!(refusal.contains("of account-8001/ledger has a checkpoint of the ledger"), "{refusal}");
    });
}
