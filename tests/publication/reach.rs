//! How far its token reaches, and what is said where that is not far enough.

use seconder::app::publish::Outcome;

use super::press::{LEDGER, Press, granted};
use crate::support::database::on_sqlite;

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
