//! Wherever it is cut off, whoever goes on ends with one release.

use seconder::app::publish::{Outcome, Publisher};
use seconder::demo::Trouble;

use super::assert_the_manifest_holds;
use super::press::{HANG, LEDGER, Press, granted};
use crate::support::database::{LEASE, on_sqlite};
use crate::support::stage::PATIENCE;

/// Dies at the call after `spared` others; returns whether there was such a call.
fn dies_at(spared: u32, trouble: &Trouble, immutable: bool) -> bool {
    let died = std::cell::Cell::new(false);
    on_sqlite(async |database| {
        let press = Press::set(database, granted()).await;
        press.github.immutable_releases(LEDGER, immutable);
        press.hold(1).await;
        press.github.fail_after("", spared, trouble.clone());
        let log = press.log().await;
        let reached = |github: &seconder::demo::GitHub| github.calls().len() > spared as usize;
        {
            let publisher = press.publisher();
            let publishing = publisher.publish(&log, &|_| {});
            // The hanging call is the one it dies at: whoever waits for its answer is dropped with all it knew.
            tokio::select! {
                outcome = publishing => assert!(matches!(outcome.unwrap(), Outcome::Published { .. })),
                waited = press.github.wait_until(PATIENCE, reached) => {
                    waited.unwrap();
                    died.set(true);
                }
            }
        }
        press.github.calm_down();
        let ended = publish_when_free(&press.publisher(), &press).await;
        assert!(died.get() != matches!(ended, Outcome::NothingNew), "after {spared} calls: {ended:?}");
        let releases = press.github.releases(LEDGER);
        let [release] = releases.as_slice() else { panic!("after {spared} calls: {releases:?}") };
        assert!(!release.draft, "after {spared} calls");
        assert_the_manifest_holds(&release.assets);
        assert_eq!(press.entries_of("ledger.published").await.len(), 1, "after {spared} calls");
        assert!(press.folder_is_empty(), "after {spared} calls");
    });
    died.get()
}

/// Publishes until nobody else does.
async fn publish_when_free(publisher: &Publisher, press: &Press<'_>) -> Outcome {
    let log = press.log().await;
    loop {
        match publisher.publish(&log, &|_| {}).await.unwrap() {
            Outcome::Busy => press.database.pass(LEASE),
            outcome => return outcome,
        }
    }
}

#[test]
fn killed_before_any_of_its_calls_there_is_one_release_in_the_end() {
    let deaths = (0..).take_while(|spared| dies_at(*spared, &Trouble::Hang(HANG), false)).count();
    assert!(deaths > 20, "{deaths}");
}

#[test]
fn killed_after_any_of_its_calls_there_is_one_release_in_the_end() {
    let deaths = (0..).take_while(|spared| dies_at(*spared, &Trouble::HangAfter(HANG), true)).count();
    assert!(deaths > 20, "{deaths}");
}

#[test]
fn a_draft_of_which_the_answer_was_lost_is_found_below_hundreds_of_other_releases() {
    on_sqlite(async |database| {
        let press = Press::set(database, granted()).await;
        press.hold(1).await;
        press.github.fail("POST /repos/{owner}/{repo}/releases", 1, Trouble::LoseAnswer);
        press.publish().await.unwrap_err();
        let draft = press.github.releases(LEDGER).remove(0).id;
        for version in 1..=250 {
            press.github.release(LEDGER, &format!("v{version}"), &[]);
        }
        press.publish().await.unwrap();
        let releases = press.github.releases(LEDGER);
        assert_eq!(releases.len(), 251);
        assert!(releases.iter().any(|release| release.id == draft && !release.draft));
    });
}
