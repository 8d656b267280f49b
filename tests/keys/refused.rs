//! Keys that do not count: never announced, missing, stolen, taken out.

use seconder::store::{Error, Revocation};

use super::{acme, audited, fingerprint, hold, signers, types};
use crate::support::case;
use crate::support::database::on_both;

#[test]
fn a_key_that_was_never_announced_is_refused_and_the_way_to_change_it_is_told() {
    on_both(async |database| {
        let store = database.open_with_keys(7, None).await.unwrap();
        hold(&store, &case(1)).await.unwrap();
        store.close().await;
        let refused = database.open_with_keys(8, None).await.err().unwrap().to_string();
        assert!(refused.contains("SECONDER_LEDGER_NEXT_KEY_FILE"), "{refused}");
        let refused = database.open_with_keys(8, Some(9)).await.err().unwrap().to_string();
        assert!(refused.contains("is signed with another key"), "{refused}");
        // The two swapped: the old one is the next, but nobody announced the new one.
        let store = database.open_with_keys(8, Some(7)).await.unwrap();
        assert_eq!(signers(&acme(&store).await), [7], "it signs with the key the log has, and changes nothing");
        store.close().await;
    });
}

#[test]
fn once_announced_no_server_without_the_next_key_signs() {
    on_both(async |database| {
        let store = database.open_with_keys(7, Some(8)).await.unwrap();
        hold(&store, &case(1)).await.unwrap();
        store.close().await;
        let refused = database.open_with_keys(7, None).await.err().unwrap();
        assert!(matches!(refused, Error::NextKeyMissing { .. }), "{refused}");
    });
}

#[test]
fn a_key_that_was_taken_out_never_comes_back_and_stops_nobody() {
    on_both(async |database| {
        database.open_with_keys(7, Some(8)).await.unwrap().close().await;
        let store = database.open_with_keys(7, Some(8)).await.unwrap();
        hold(&store, &case(1)).await.unwrap();
        store.close().await;
        // The new key's turn, with the old one as the next.
        let store = database.open_with_keys(8, Some(7)).await.unwrap();
        hold(&store, &case(2)).await.unwrap();
        let log = acme(&store).await;
        assert_eq!(signers(&log), [8]);
        assert_eq!(types(&store, &log).await, ["key.added", "key.activated", "key.revoked"]);
        store.close().await;
    });
}

#[test]
fn a_stolen_key_is_revoked_from_the_last_size_known_outside_and_an_announced_one_can_be_withdrawn() {
    on_both(async |database| {
        let store = database.open_with_keys(7, None).await.unwrap();
        hold(&store, &case(1)).await.unwrap();
        let outside = acme(&store).await.size;
        hold(&store, &case(2)).await.unwrap();
        let log = acme(&store).await;
        let revocation = |n, valid_to_size| Revocation { fingerprint: fingerprint(&log, n), valid_to_size };
        let only = store.revoke_key(&log, &revocation(7, None)).await.unwrap_err().to_string();
        assert!(only.contains("it is the only key"), "{only}");
        store.close().await;

        let store = database.open_with_keys(7, Some(9)).await.unwrap();
        store.revoke_key(&log, &revocation(9, None)).await.unwrap();
        hold(&store, &case(3)).await.unwrap();
        assert_eq!(signers(&acme(&store).await), [7], "withdrawn");
        store.close().await;

        let store = database.open_with_keys(7, Some(8)).await.unwrap();
        let unknown = store.revoke_key(&log, &revocation(9, None)).await.unwrap_err().to_string();
        assert!(unknown.contains("no key in force"), "{unknown}");
        let beyond = store.revoke_key(&log, &revocation(7, Some(9_000))).await.unwrap_err().to_string();
        assert!(beyond.contains("not 9000"), "{beyond}");
        store.revoke_key(&log, &revocation(7, Some(outside))).await.unwrap();
        hold(&store, &case(4)).await.unwrap();
        let log = acme(&store).await;
        assert_eq!(signers(&log), [8]);
        assert_eq!(audited(&store, &log, &[7, 8]).await, [Ok(()), Ok(())]);
        let keys = store.ledger().keys(&log).await.unwrap();
        assert_eq!(keys[0].valid_to_size, Some(outside));
        store.close().await;
    });
}
