//! Several servers change a key, one after the other or all at once.

use super::{acme, audited, hold, signers, types};
use crate::support::database::on_postgres;
use crate::support::{case, case_of};

#[test]
fn replicas_that_are_restarted_one_after_the_other_never_sign_what_does_not_verify() {
    on_postgres(async |database| {
        let old = database.open_with_keys(7, None).await.unwrap();
        hold(&old, &case(1)).await.unwrap();

        // One has been restarted with the next key, the other not yet: that one signs nothing more, and says so.
        let both = database.open_with_keys(7, Some(8)).await.unwrap();
        let refused = hold(&old, &case(2)).await.unwrap_err();
        assert!(refused.to_string().contains("give this server the same SECONDER_LEDGER_NEXT_KEY_FILE"), "{refused}");
        assert!(old.health().await.is_err(), "its readiness says so, too");
        hold(&both, &case(2)).await.unwrap();
        old.close().await;

        // One has been restarted with the next key alone: the other still has it, and goes on.
        let new = database.open_with_keys(8, None).await.unwrap();
        hold(&both, &case(3)).await.unwrap();
        hold(&new, &case(4)).await.unwrap();
        assert_eq!(signers(&acme(&new).await), [8]);
        both.health().await.unwrap();

        // A log that the other begins now changes its key at once.
        hold(&both, &case_of(5_000, 5)).await.unwrap();
        hold(&new, &case_of(5_000, 6)).await.unwrap();
        let logs = new.ledger().logs().await.unwrap();
        for log in &logs {
            assert_eq!(audited(&new, log, &[7, 8]).await, [Ok(()), Ok(())]);
            assert_eq!(types(&new, log).await, ["key.added", "key.activated", "key.revoked"]);
        }
        assert_eq!(logs.len(), 2);
        both.close().await;
        new.close().await;
    });
}

#[test]
fn replicas_restarted_at_the_same_moment_announce_and_change_a_key_once() {
    on_postgres(async |database| {
        let store = database.open_with_keys(7, None).await.unwrap();
        for tenant in 0..5 {
            hold(&store, &case_of(6_000 + tenant, tenant)).await.unwrap();
        }
        store.close().await;
        for (own, next) in [(7, Some(8)), (8, None)] {
            let servers = tokio::join!(
                database.open_with_keys(own, next),
                database.open_with_keys(own, next),
                database.open_with_keys(own, next)
            );
            for server in [servers.0, servers.1, servers.2] {
                server.unwrap().close().await;
            }
        }
        let store = database.open_with_keys(8, None).await.unwrap();
        for log in store.ledger().logs().await.unwrap() {
            assert_eq!(types(&store, &log).await, ["key.added", "key.activated", "key.revoked"]);
            assert_eq!(audited(&store, &log, &[7, 8]).await, [Ok(()), Ok(())]);
        }
        store.close().await;
    });
}
