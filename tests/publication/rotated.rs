//! The key that signs is changed between two publications, and in the middle of one.

use seconder::app::publish::{Outcome, Witnessing};
use seconder::demo::{Release, Trouble};
use seconder::ledger::VerifierKey;
use seconder::store::Revocation;
use serde_json::Value;

use super::press::{LEDGER, Press, granted};
use super::witnessed::{POLICY, vouch};
use crate::support::database::on_both;
use crate::support::process::run;

/// The server starts again with this key, and this one as the next.
async fn start_with(press: &mut Press<'_>, own: u8, next: Option<u8>) {
    press.store.close().await;
    press.store = press.database.open_with_keys(own, next).await.unwrap();
}

#[test]
fn whoever_has_the_old_key_alone_verifies_what_is_published_after_a_change() {
    on_both(async |database| {
        let mut press = Press::set(database, granted()).await;
        press.hold(1).await;
        press.publish().await.unwrap();
        let old_key = press.log().await.vkey;
        press.hold(2).await;
        // Begun with the old key, ended when that is gone.
        press.github.fail("PATCH", 1, Trouble::Status(500));
        press.publish().await.unwrap_err();
        let begun = press.github.releases(LEDGER).remove(1);
        start_with(&mut press, 7, Some(8)).await;
        press.hold(3).await;
        start_with(&mut press, 8, None).await;
        let Outcome::Published { .. } = press.publish().await.unwrap() else { panic!() };
        assert_eq!(begun.assets, press.github.releases(LEDGER).remove(1).assets);
        press.hold(4).await;
        let Outcome::Published { .. } = press.publish().await.unwrap() else { panic!() };

        let releases = press.github.releases(LEDGER);
        assert_eq!(releases.len(), 3);
        verify(&releases, &old_key).unwrap();
    });
}

/// Gives segments to an auditor who trusts this key.
fn verify(releases: &[Release], vkey: &str) -> Result<(), String> {
    let folder = tempfile::tempdir().unwrap();
    let mut command = vec!["ledger".to_owned(), "verify".to_owned()];
    for release in releases {
        let segment = folder.path().join(&release.tag);
        std::fs::create_dir(&segment).unwrap();
        release.assets.iter().for_each(|it| std::fs::write(segment.join(&it.name), &it.bytes).unwrap());
        command.push(segment.display().to_string());
    }
    command.extend(["--vkey".to_owned(), vkey.to_owned()]);
    let output = run(&command.iter().map(String::as_str).collect::<Vec<_>>());
    if output.status.success() { Ok(()) } else { Err(String::from_utf8_lossy(&output.stderr).into_owned()) }
}

/// The key that the log began with is found to be stolen; only what it signed up to this size counts.
async fn revoke(press: &mut Press<'_>, valid_to: u64) {
    let log = press.log().await;
    let fingerprint = log.vkey.parse::<VerifierKey>().unwrap().fingerprint();
    press.store.revoke_key(&log, &Revocation { fingerprint, valid_to_size: Some(valid_to) }).await.unwrap();
    start_with(press, 8, None).await;
}

#[test]
fn what_a_stolen_key_has_signed_is_given_up_for_everybody_to_see_and_comes_again_signed_by_the_new_one() {
    on_both(async |database| {
        let mut press = Press::set(database, granted()).await;
        press.hold(1).await;
        press.publish().await.unwrap();
        let outside = press.log().await.size - 1;
        press.hold(2).await;
        press.github.fail("PATCH", 1, Trouble::Status(500));
        press.publish().await.unwrap_err();
        start_with(&mut press, 7, Some(8)).await;
        revoke(&mut press, outside).await;
        let error = press.publish().await.unwrap_err().to_string();
        assert!(error.contains("the key that signed its checkpoint of") && error.contains("was revoked"), "{error}");
        let told = press.entries_of("ledger.publication_failed").await;
        assert_eq!((told.len(), &told[0]["given_up"]), (1, &Value::Bool(true)));
        let Outcome::Published { batch, .. } = press.publish().await.unwrap() else { panic!() };
        assert_eq!((batch.from, batch.to), (outside, batch.to));
        let mut releases = press.github.releases(LEDGER);
        releases.retain(|release| !release.draft);
        assert_eq!(releases.len(), 2);
        verify(&releases[1..], &press.log().await.vkey).unwrap();
    });
}

#[test]
fn what_the_new_key_has_signed_too_is_published_though_the_old_one_was_stolen() {
    on_both(async |database| {
        let mut press = Press::set(database, granted()).await;
        press.hold(1).await;
        start_with(&mut press, 7, Some(8)).await;
        press.hold(2).await;
        press.github.fail("PATCH", 1, Trouble::Status(500));
        press.publish().await.unwrap_err();
        revoke(&mut press, 1).await;
        press.publish().await.unwrap();
        press.hold(3).await;
        press.publish().await.unwrap();
        let releases = press.github.releases(LEDGER);
        assert_eq!(releases.len(), 2);
        verify(&releases, &press.log().await.vkey).unwrap();
    });
}

#[test]
fn what_witnesses_have_vouched_for_is_not_published_once_the_key_below_it_counts_no_more() {
    on_both(async |database| {
        let mut press = Press::set(database, granted()).await;
        press.hold(1).await;
        vouch(&press).await;
        // It would be enough for what was due then.
        database.pass(3_600_000);
        start_with(&mut press, 7, Some(8)).await;
        revoke(&mut press, 1).await;
        let witnessing = Witnessing { policy: Some(POLICY.parse().unwrap()), ..Witnessing::default() };
        press.publisher_on("0 23 * * *").witnessed(witnessing).due().await.unwrap();
        assert!(press.entries_of("ledger.publication_failed").await.is_empty());
        let releases = press.github.releases(LEDGER);
        assert!(releases.len() == 1 && releases[0].body.contains("Not cosigned"));
        verify(&releases, &press.log().await.vkey).unwrap();
    });
}
