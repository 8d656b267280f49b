//! The ledger leaves the house: as releases that hold what it holds, once, whatever happens on the way.

use std::collections::BTreeMap;
use std::time::Duration;

use seconder::app::publish::{Outcome, Publisher};
use seconder::demo::{Asset, Spoiled, Trouble};
use seconder::domain::record::Record;
use seconder::store::{LogHead, Plan};
use serde_json::Value;

use crate::served::change_in;
use crate::support::ACME;
use crate::support::database::{LEASE, on_both, on_sqlite};
use press::{ENTERPRISE, LEDGER, Press, granted};

mod branch;
mod command;
mod cut_off;
mod guarded;
mod press;
mod rotated;
mod serve;
mod witnessed;

/// The names and texts of a release's files.
fn files(assets: &[Asset]) -> BTreeMap<&str, &[u8]> {
    assets.iter().map(|asset| (asset.name.as_str(), asset.bytes.as_slice())).collect()
}

/// What `sha256sum -c` does.
fn assert_the_manifest_holds(assets: &[Asset]) {
    let files = files(assets);
    let manifest = std::str::from_utf8(files["MANIFEST.sha256"]).unwrap();
    let listed: BTreeMap<&str, &str> =
        manifest.lines().map(|line| line.split_once("  ").unwrap()).map(|(hash, name)| (name, hash)).collect();
    for asset in assets.iter().filter(|asset| asset.name != "MANIFEST.sha256") {
        assert_eq!(asset.digest(), format!("sha256:{}", listed[asset.name.as_str()]), "{}", asset.name);
    }
    assert_eq!(listed.len() + 1, assets.len());
}

#[test]
fn a_ledger_is_published_and_says_so_itself() {
    on_both(async |database| {
        let press = Press::set(database, granted()).await;
        press.hold(1).await;
        let size = press.log().await.size;
        let Outcome::Published { batch, immutable, .. } = press.publish().await.unwrap() else { panic!() };
        assert_eq!((batch.from, batch.to, immutable), (0, size, false));

        let releases = press.github.releases(LEDGER);
        let [release] = releases.as_slice() else { panic!("{releases:?}") };
        assert_eq!((release.tag.as_str(), release.draft), ("seconder-ledger-2023.11.14-0001", false));
        assert!(release.is_never_latest, "the repository's own releases stay what people find first");
        assert_the_manifest_holds(&release.assets);
        assert_eq!(files(&release.assets)["checkpoint"], batch.checkpoint.as_bytes());

        let entries = press.entries_of("ledger.published").await;
        let [entry] = entries.as_slice() else { panic!("{entries:?}") };
        assert_eq!((entry["from"].as_u64(), entry["to"].as_u64()), (Some(0), Some(size)));
        assert_eq!(entry["tag"], release.tag);
        assert_eq!(entry["release_id"], release.id);
        assert_eq!(entry["repository"]["name"], LEDGER);
        assert_eq!(entry["immutable"], false);
        assert!(batch.checkpoint.contains(entry["root"].as_str().unwrap()));
        let told: BTreeMap<&str, String> = entry["assets"].as_array().unwrap().iter().map(told).collect();
        let shown: BTreeMap<&str, String> = release.assets.iter().map(|it| (it.name.as_str(), it.digest())).collect();
        assert_eq!(told, shown);
        assert!(press.folder_is_empty(), "nothing is left on this machine");
    });
}

fn told(asset: &Value) -> (&str, String) {
    (asset["name"].as_str().unwrap(), format!("sha256:{}", asset["sha256"].as_str().unwrap()))
}

#[test]
fn the_second_batch_continues_the_first_and_there_is_no_third_of_nothing() {
    on_both(async |database| {
        let press = Press::set(database, granted()).await;
        press.hold(1).await;
        let Outcome::Published { batch: first, .. } = press.publish().await.unwrap() else { panic!() };
        assert!(matches!(press.publish().await.unwrap(), Outcome::NothingNew), "its own entry is no news");
        press.hold(2).await;
        let Outcome::Published { batch: second, .. } = press.publish().await.unwrap() else { panic!() };
        assert_eq!(second.from, first.to);
        let releases = press.github.releases(LEDGER);
        assert_eq!(releases.len(), 2);
        assert_eq!(releases[1].tag, "seconder-ledger-2023.11.14-0002");
        let (old, new) = (files(&releases[0].assets), files(&releases[1].assets));
        assert_eq!(new["checkpoint.prev"], old["checkpoint"]);
        assert!(new["consistency.add-checkpoint"].starts_with(format!("old {}\n", first.to).as_bytes()));
        assert!(!old.contains_key("checkpoint.prev"));
        assert_the_manifest_holds(&releases[1].assets);
        assert!(matches!(press.publish().await.unwrap(), Outcome::NothingNew));
    });
}

#[test]
fn it_is_published_when_the_schedule_says_so_and_not_before() {
    on_sqlite(async |database| {
        let press = Press::set(database, granted()).await;
        press.hold(1).await; // At 22:13:20.
        let publisher = press.publisher_on("0 23 * * *");
        publisher.due().await.unwrap();
        assert_eq!(press.github.releases(LEDGER).len(), 0);
        database.pass(3_600_000);
        publisher.due().await.unwrap();
        assert_eq!(press.github.releases(LEDGER).len(), 1);
        database.pass(24 * 3_600_000);
        publisher.due().await.unwrap();
        assert_eq!(press.github.releases(LEDGER).len(), 1, "there was nothing new");
        press.hold(2).await;
        // The server is down when it is time; the next one makes up for it.
        database.pass(3 * 24 * 3_600_000);
        press.publisher_on("0 23 * * *").due().await.unwrap();
        assert_eq!(press.github.releases(LEDGER).len(), 2);
    });
}

#[test]
fn an_entry_from_the_future_does_not_stop_the_schedule() {
    on_sqlite(async |database| {
        let press = Press::set(database, granted()).await;
        press.hold(1).await; // At 22:13:20.
        let due = async || press.publisher_on("0 23 * * *").due().await.unwrap();
        database.pass(3_600_000);
        due().await;
        database.pass(240 * 3_600_000);
        press.hold(2).await;
        database.pass(-240 * 3_600_000);
        due().await;
        assert_eq!(press.github.releases(LEDGER).len(), 1, "its turn comes with the schedule");
        database.pass(24 * 3_600_000);
        due().await;
        assert_eq!(press.github.releases(LEDGER).len(), 2);
    });
}

#[test]
fn two_replicas_publish_once() {
    on_both(async |database| {
        let press = Press::set(database, granted()).await;
        press.hold(1).await;
        let log = press.log().await;
        let (one, other) = (press.publisher(), press.publisher());
        let (one, other) = tokio::join!(one.publish(&log, &|_| {}), other.publish(&log, &|_| {}));
        let published = |outcome: &Outcome| usize::from(matches!(outcome, Outcome::Published { .. }));
        assert_eq!(published(&one.unwrap()) + published(&other.unwrap()), 1);
        assert_eq!(press.github.releases(LEDGER).len(), 1);
        assert_eq!(press.entries_of("ledger.published").await.len(), 1);
    });
}

#[test]
fn whoever_has_lost_a_batch_neither_publishes_it_nor_says_so() {
    on_both(async |database| {
        let press = Press::set(database, granted()).await;
        press.hold(1).await;
        let publications = press.store.publications();
        let plan = Plan { tenant: ACME, repository: LEDGER, tag_prefix: "seconder-ledger-2023.11.14-", vouched: None };
        let slow = publications.plan(&plan).await.unwrap().unwrap();
        assert_eq!(publications.plan(&plan).await.unwrap(), None, "one at a time");
        assert_eq!(publications.claim(ACME).await.unwrap(), None, "it is somebody's");
        database.pass(LEASE);
        let quick = publications.claim(ACME).await.unwrap().unwrap();
        assert_eq!((quick.from, quick.to, &quick.checkpoint), (slow.from, slow.to, &slow.checkpoint));
        let record = || Record::new("ledger.published", serde_json::json!({ "tag": slow.tag }));
        assert!(!publications.renew(&slow).await.unwrap());
        assert!(!publications.publishing(&slow).await.unwrap());
        assert!(!publications.published(&slow, record()).await.unwrap());
        assert_eq!(press.entries_of("ledger.published").await.len(), 0);
        assert!(publications.publishing(&quick).await.unwrap());
        assert!(publications.published(&quick, record()).await.unwrap());
        assert!(!publications.published(&quick, record()).await.unwrap(), "nor twice");
        assert_eq!(press.entries_of("ledger.published").await.len(), 1);
    });
}

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
fn a_schedule_waits_longer_after_each_failure() {
    on_sqlite(async |database| {
        let press = Press::set(database, granted()).await;
        press.hold(1).await;
        database.pass(3_600_000);
        let publisher = press.publisher_on("0 23 * * *");
        press.github.fail("POST /repos/{owner}/{repo}/releases", 2, Trouble::Status(500));
        publisher.due().await.unwrap();
        publisher.due().await.unwrap();
        let attempts = async || press.store.publications().standing().await.unwrap()[0].attempts;
        assert_eq!(attempts().await, 1, "not tried again at once");
        database.pass(60_000);
        publisher.due().await.unwrap();
        assert_eq!(attempts().await, 2);
        database.pass(60_000);
        publisher.due().await.unwrap();
        assert_eq!(attempts().await, 2, "the second wait is longer");
        database.pass(60_000);
        publisher.due().await.unwrap();
        assert_eq!(press.github.releases(LEDGER).len(), 1);
        assert_eq!(press.entries_of("ledger.published").await.len(), 1);
    });
}

#[test]
fn where_releases_are_immutable_it_is_complete_before_it_is_public() {
    on_sqlite(async |database| {
        let press = Press::set(database, granted()).await;
        press.github.immutable_releases(LEDGER, true);
        press.hold(1).await;
        let Outcome::Published { immutable, .. } = press.publish().await.unwrap() else { panic!() };
        assert!(immutable);
        assert_eq!(press.entries_of("ledger.published").await[0]["immutable"], true);
        assert_the_manifest_holds(&press.github.releases(LEDGER)[0].assets);
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

#[test]
fn the_token_reaches_that_repository_and_writes_only_contents() {
    on_sqlite(async |database| {
        let press = Press::set(database, granted()).await;
        press.hold(1).await;
        press.publish().await.unwrap();
        let calls = press.github.calls();
        let of_releases: Vec<_> = calls.iter().filter(|call| call.route.contains("/releases")).collect();
        assert!(of_releases.len() > 15);
        for call in of_releases {
            assert_eq!((&*call.caller, call.repositories), ("contents:write,metadata:read", Some(1)), "{call:?}");
        }
    });
}

#[test]
fn without_the_permission_it_says_which_to_grant() {
    on_sqlite(async |database| {
        let press = Press::set(database, seconder::demo::Options::default()).await;
        press.hold(1).await;
        let error = press.publish().await.unwrap_err().to_string();
        assert!(error.contains("\"Contents: Read and write\""), "{error}");
        let standing = press.store.publications().standing().await.unwrap();
        assert!(standing[0].last_error.contains("Contents: Read and write"));
    });
}

#[test]
fn without_the_repository_it_says_what_to_create() {
    on_sqlite(async |database| {
        let press = Press::set(database, granted()).await;
        press.hold(1).await;
        let error = press.publisher_to("nowhere", None).publish(&press.log().await, &|_| {}).await.unwrap_err();
        assert!(error.to_string().contains("acme/nowhere cannot be published to: create the repository"), "{error}");
        // The operator names another one: nothing was public yet, so that is where it goes.
        let Outcome::Published { batch, .. } = press.publish().await.unwrap() else { panic!() };
        assert_eq!((batch.from, batch.repository.as_str()), (0, LEDGER));
    });
}

#[test]
fn one_repository_can_take_the_ledgers_of_all_accounts() {
    on_sqlite(async |database| {
        let press = Press::set(database, granted()).await;
        press.hold(1).await;
        press.hold_of(8_000, 1).await;
        press.github.repository("audit/all");
        let publisher = press.publisher_to("audit/all", None);
        for log in press.store.ledger().logs().await.unwrap() {
            let outcome = publisher.publish(&log, &|_| {}).await.unwrap();
            assert!(matches!(outcome, Outcome::Published { .. }));
        }
        let tags: Vec<String> = press.github.releases("audit/all").into_iter().map(|release| release.tag).collect();
        assert_eq!(tags, ["seconder-ledger-2023.11.14-0001", "seconder-ledger-2023.11.14-0002"]);
    });
}

#[test]
fn two_ledgers_whose_releases_have_the_same_tag_keep_their_files_apart() {
    on_sqlite(async |database| {
        let press = Press::set(database, granted()).await;
        press.hold(1).await;
        press.hold_of(8_000, 1).await;
        press.account(8_000);
        press.github.fail("PATCH", 2, Trouble::Status(500));
        for log in press.store.ledger().logs().await.unwrap() {
            press.publisher().publish(&log, &|_| {}).await.unwrap_err();
        }
        let (acmes, others) = (press.github.releases(LEDGER), press.github.releases("account-8000/ledger"));
        assert_eq!(acmes[0].tag, others[0].tag);
        let folders = std::fs::read_dir(database.folder().join("publications")).unwrap();
        assert_eq!(folders.count(), 2, "one for each, while both are being uploaded");
    });
}

#[test]
fn a_ledger_that_cannot_be_read_keeps_no_other_from_the_public_and_is_not_tried_all_the_time() {
    on_sqlite(async |database| {
        let press = Press::set(database, granted()).await;
        press.hold(1).await;
        press.hold_of(8_000, 1).await;
        press.account(8_000);
        let logs = press.store.ledger().logs().await.unwrap();
        let prefix = "seconder-ledger-2023.11.14-";
        let publications = press.store.publications();
        for log in &logs {
            let repository = format!("{}/ledger", log.login);
            let plan = Plan { tenant: log.tenant, repository: &repository, tag_prefix: prefix, vouched: None };
            let batch = publications.plan(&plan).await.unwrap().unwrap();
            publications.put_back(&batch, 0).await.unwrap();
        }
        let is_public = |log: &LogHead| press.github.releases(&format!("{}/ledger", log.login)).len() == 1;
        let first = logs[0].tenant;
        change_in(database, &format!("UPDATE publications SET tsr = x'ff' WHERE tenant = {first}"));
        let publisher = press.publisher();
        publisher.due().await.unwrap();
        assert!(!is_public(&logs[0]) && is_public(&logs[1]));
        change_in(database, &format!("UPDATE publications SET tsr = '' WHERE tenant = {first}"));
        publisher.due().await.unwrap();
        assert!(!is_public(&logs[0]), "it is not tried again at once");
        database.pass(60_000);
        publisher.due().await.unwrap();
        assert!(is_public(&logs[0]));
    });
}

#[test]
fn on_an_enterprise_server_that_tells_no_digests_the_files_are_read_back() {
    on_sqlite(async |database| {
        let press = Press::set(database, ENTERPRISE()).await;
        press.hold(1).await;
        press.github.spoil_uploads(LEDGER, &[Spoiled::Altered]);
        let Outcome::Published { .. } = press.publish().await.unwrap() else { panic!() };
        assert_the_manifest_holds(&press.github.releases(LEDGER)[0].assets);
        let uploads = press.github.calls().into_iter().filter(|call| call.path.starts_with("/api/uploads/")).count();
        assert!(uploads > 10, "files go where the server says");
    });
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

const HANG: Duration = Duration::from_secs(600);
