//! What arrived otherwise, was there before, or was changed: never public as ours, and never written over.

use seconder::app::publish::Outcome;
use seconder::demo::{Spoiled, Trouble};
use serde_json::Value;

use super::press::{LEDGER, Press, granted};
use super::{assert_the_manifest_holds, files};
use crate::support::database::on_sqlite;

#[test]
fn a_file_that_arrived_otherwise_or_by_half_is_sent_again() {
    on_sqlite(async |database| {
        let press = Press::set(database, granted()).await;
        press.hold(1).await;
        press.github.spoil_uploads(LEDGER, &[Spoiled::Altered]);
        press.publish().await.unwrap();
        assert_the_manifest_holds(&press.github.releases(LEDGER)[0].assets);

        press.hold(2).await;
        press.github.spoil_uploads(LEDGER, &[Spoiled::Halfway]);
        press.publish().await.unwrap();
        press.hold(3).await;
        press.github.spoil_uploads(LEDGER, &[Spoiled::Halfway; 2]);
        press.publish().await.unwrap_err();
        assert!(press.github.releases(LEDGER)[2].draft);
        press.publish().await.unwrap();
        let releases = press.github.releases(LEDGER);
        assert_eq!(releases.len(), 3);
        releases.iter().for_each(|release| assert_the_manifest_holds(&release.assets));
    });
}

#[test]
fn what_github_will_not_store_as_it_is_is_never_published_and_the_ledger_says_so_once() {
    on_sqlite(async |database| {
        let press = Press::set(database, granted()).await;
        press.hold(1).await;
        for failure in 1..=4 {
            press.github.spoil_uploads(LEDGER, &[Spoiled::Altered; 2]);
            let error = press.publish().await.unwrap_err().to_string();
            assert!(error.contains("each time its SHA-256 was not ours"), "{error}");
            let told = press.entries_of("ledger.publication_failed").await;
            assert_eq!(told.len(), usize::from(failure >= 3), "after {failure} failures");
        }
        let releases = press.github.releases(LEDGER);
        assert!(releases.len() == 1 && releases[0].draft);
        assert_eq!(press.entries_of("ledger.published").await.len(), 0);
        let standing = press.store.publications().standing().await.unwrap();
        assert_eq!(standing[0].attempts, 4);
        assert!(standing[0].last_error.contains("not ours"), "{standing:?}");
        // Once GitHub is itself again it ends well, and what failed is public with the next one.
        press.publish().await.unwrap();
        press.publish().await.unwrap();
        assert_eq!(press.github.releases(LEDGER).iter().filter(|release| !release.draft).count(), 2);
    });
}

#[test]
fn a_tag_that_is_burnt_or_taken_is_left_alone_for_the_next_number() {
    on_sqlite(async |database| {
        let press = Press::set(database, granted()).await;
        press.github.immutable_releases(LEDGER, true);
        let burnt = press.github.release(LEDGER, "seconder-ledger-2023.11.14-0001", &[("notes", "of somebody else")]);
        press.github.delete_release(LEDGER, burnt);
        let taken = press.github.release(LEDGER, "seconder-ledger-2023.11.14-0002", &[("notes", "of somebody else")]);
        press.hold(1).await;
        let Outcome::Published { batch, .. } = press.publish().await.unwrap() else { panic!() };
        assert_eq!(batch.tag, "seconder-ledger-2023.11.14-0003");
        let releases = press.github.releases(LEDGER);
        assert_eq!(releases.len(), 2, "no draft is left behind: {releases:?}");
        let foreign = releases.iter().find(|release| release.id == taken).unwrap();
        assert_eq!(files(&foreign.assets)["notes"], b"of somebody else");
        assert_eq!(press.entries_of("ledger.published").await[0]["tag"], batch.tag);
        assert!(press.folder_is_empty());
        press.hold(2).await;
        let Outcome::Published { batch, .. } = press.publish().await.unwrap() else { panic!() };
        assert_eq!(batch.tag, "seconder-ledger-2023.11.14-0004", "no number is used again");
    });
}

#[test]
fn what_was_changed_under_our_tag_is_not_written_over_and_everybody_hears_of_it() {
    on_sqlite(async |database| {
        let press = Press::set(database, granted()).await;
        press.hold(1).await;
        // It is public; before that is written down, somebody puts another checkpoint in the place of ours.
        press.github.fail("PATCH", 1, Trouble::LoseAnswer);
        press.publish().await.unwrap_err();
        let release = press.github.releases(LEDGER).remove(0);
        assert!(!release.draft);
        press.github.replace_asset(LEDGER, release.id, "checkpoint", "another one");
        let error = press.publish().await.unwrap_err().to_string();
        assert!(error.contains("its checkpoint is not ours"), "{error}");
        assert_eq!(files(&press.github.releases(LEDGER)[0].assets)["checkpoint"], b"another one");
        let told = press.entries_of("ledger.publication_failed").await;
        assert_eq!((told.len(), &told[0]["given_up"]), (1, &Value::Bool(true)));
        // What it was about is published under the next number, from the beginning.
        let Outcome::Published { batch, .. } = press.publish().await.unwrap() else { panic!() };
        assert_eq!((batch.from, batch.tag.as_str()), (0, "seconder-ledger-2023.11.14-0002"));
    });
}

#[test]
fn a_database_that_was_set_back_publishes_no_second_version_of_what_is_public() {
    on_sqlite(async |database| {
        let mut press = Press::set(database, granted()).await;
        press.hold(1).await;
        press.publish().await.unwrap();
        let backup = press.backup().await;
        press.hold(2).await;
        press.publish().await.unwrap();
        press.restore(&backup).await;
        database.pass(24 * 3_600_000);
        press.hold(3).await;
        for _ in 0..4 {
            let error = press.publish().await.unwrap_err().to_string();
            assert!(
                error.contains("seconder-ledger-2023.11.14-0002") && error.contains("restored from a backup"),
                "{error}"
            );
            database.pass(24 * 3_600_000);
        }
        assert!(press.entries_of("ledger.publication_failed").await.is_empty(), "nothing more is signed because of it");
        assert_eq!(press.github.releases(LEDGER).len(), 2, "not even a draft");
    });
}

#[test]
fn a_stranger_in_our_draft_is_not_published_with_it() {
    on_sqlite(async |database| {
        let press = Press::set(database, granted()).await;
        press.hold(1).await;
        press.github.fail("PATCH", 1, Trouble::Status(500));
        press.publish().await.unwrap_err();
        let draft = press.github.releases(LEDGER).remove(0);
        press.github.replace_asset(LEDGER, draft.id, "decisions.csv", "nobody decided anything");
        press.github.add_asset(LEDGER, draft.id, "malware.exe", "MZ");
        press.publish().await.unwrap();
        let release = press.github.releases(LEDGER).remove(0);
        assert_the_manifest_holds(&release.assets);
        assert!(!files(&release.assets).contains_key("malware.exe"));
    });
}
