//! A release: what it holds, and what the ledger says of it.

use std::collections::BTreeMap;

use seconder::app::publish::Outcome;
use seconder::demo::{Spoiled, Trouble};
use serde_json::Value;

use super::press::{LEDGER, Press, enterprise, granted};
use super::{assert_the_manifest_holds, files};
use crate::support::database::{on_both, on_sqlite};

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
fn on_an_enterprise_server_that_tells_no_digests_the_files_are_read_back() {
    on_sqlite(async |database| {
        let press = Press::set(database, enterprise()).await;
        press.hold(1).await;
        press.github.spoil_uploads(LEDGER, &[Spoiled::Altered]);
        let Outcome::Published { .. } = press.publish().await.unwrap() else { panic!() };
        assert_the_manifest_holds(&press.github.releases(LEDGER)[0].assets);
        let uploads = press.github.calls().into_iter().filter(|call| call.path.starts_with("/api/uploads/")).count();
        assert!(uploads > 10, "files go where the server says");
    });
}
