//! How a database is opened: by whom, where, and with which key.

use seconder::store::{LedgerReader, Options, Store};

use super::{audit, delivery, happen};
use crate::support::database::{on_both, on_postgres, on_sqlite};
use crate::support::{case, held};

#[test]
fn a_server_with_another_log_key_refuses_to_start() {
    on_both(async |database| {
        let (store, _handed) = database.open().await;
        happen(&store, held(&case(1))).await;
        store.close().await;
        let other_key = Options { seed: zeroize::Zeroizing::new([8; 32]), ..database.options() };
        let refused = Store::open(other_key).await.err().unwrap();
        assert!(refused.to_string().contains("is signed with another key"), "{refused}");
    });
}

#[test]
fn a_second_server_on_the_same_file_is_refused() {
    on_sqlite(async |database| {
        let (store, _handed) = database.open().await;
        let refused = Store::open(database.options()).await.err().unwrap().to_string();
        assert!(refused.contains("another server uses this SQLite file"), "{refused}");
        happen(&store, held(&case(1))).await;
        let beside = LedgerReader::open(&database.url).await.unwrap();
        assert_eq!(audit(&beside).await["request.opened"], 1, "reading beside a running server");
        store.close().await;
        assert!(Store::open(database.options()).await.is_ok());
    });
}

#[test]
fn work_a_killed_server_had_is_there_again_at_once() {
    on_sqlite(async |database| {
        let (store, handed) = database.open().await;
        store.receive(delivery("a")).await.unwrap();
        happen(&store, held(&case(1))).await;
        drop(handed);
        store.close().await;
        let (store, _handed) = Store::open(database.options()).await.unwrap();
        assert_eq!(store.claim_deliveries(10).await.unwrap().len(), 1);
        assert_eq!(store.claim_effects(10, &[]).await.unwrap().len(), 2);
    });
}

#[test]
fn the_database_file_is_its_owners_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    on_sqlite(async |database| {
        let (store, _handed) = database.open().await;
        store.receive(delivery("a")).await.unwrap();
        for file in std::fs::read_dir(database.folder()).unwrap().flatten() {
            assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600, "{:?}", file.path());
        }
    });
}

#[test]
fn a_database_url_that_cannot_be_used_is_explained() {
    on_sqlite(async |database| {
        for (url, hint) in [
            ("mysql://h/d", "expected sqlite:///path/to/file.db or postgres://"),
            ("sqlite://:memory:", "must outlive us"),
            ("postgres://user:hunter2@:bad/x", "not a PostgreSQL URL"),
        ] {
            let error = Store::open(Options { url: url.to_owned(), ..database.options() }).await.err().unwrap();
            assert!(error.to_string().contains(hint), "{error}");
            assert!(!format!("{error:?}").contains("hunter2"));
        }
    });
}

#[test]
fn servers_that_start_at_once_on_an_empty_postgresql_all_start() {
    on_postgres(async |database| {
        let starting: Vec<_> = (0..4).map(|_| tokio::spawn(Store::open(database.options()))).collect();
        for start in starting {
            assert!(start.await.unwrap().is_ok());
        }
    });
}
