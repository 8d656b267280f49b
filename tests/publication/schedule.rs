//! When: by the schedule, by one of several, and again after a while when it failed.

use seconder::app::publish::Outcome;
use seconder::demo::Trouble;
use seconder::domain::record::Record;
use seconder::store::{LogHead, Plan};

use super::press::{LEDGER, Press, granted};
use crate::served::change_in;
use crate::support::ACME;
use crate::support::database::{LEASE, on_both, on_sqlite};

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
