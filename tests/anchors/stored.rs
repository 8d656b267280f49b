//! A stored log: its roots and proofs at any size, and whose turn it is to bring them out.

use seconder::app::anchor::{Accepted, Anchors, Settings};
use seconder::app::guard::{Guard, Refusal};
use seconder::ledger::Checkpoint;
use seconder::ledger::merkle::{empty_root, verify_consistency};
use seconder::store::{Anchored, Anchoring, LogHead, Store, Work};

use crate::support::database::{Database, on_both};
use crate::support::{ACME, case, held};

/// A log of some hundred entries.
async fn long_log(database: &Database) -> (Store, LogHead) {
    let (store, _handed) = database.reopen().await;
    let mut size = 0;
    for run in 1.. {
        store.commit(Work { claim: None, event: Some(held(&case(run))) }).await.unwrap();
        size = store.head(ACME).map_or(size, |head| head.size);
        if size > 600 {
            break;
        }
    }
    let head = store.head(ACME).unwrap();
    (store, (*head).clone())
}

#[test]
fn proofs_and_roots_come_from_a_stored_log_at_any_size() {
    on_both(async |database| {
        let (store, head) = long_log(database).await;
        let lines = store.ledger().entries(head.tenant, 0, head.size, 10_000).await.unwrap();
        let root = |size: usize| {
            let mut tree = seconder::ledger::Frontier::new();
            lines[..size].iter().for_each(|line| tree.push(seconder::ledger::merkle::leaf_hash(line.as_bytes())));
            tree.root()
        };
        let newest = (head.size, Checkpoint::unverified(&head.checkpoint).unwrap().root);
        for size in [0, 1, 2, 255, 256, 257, 300, 511, 512, 513, 600] {
            let tree = store.tree(&head, &[size]).await.unwrap();
            let old = root(usize::try_from(size).unwrap());
            assert_eq!(tree.root(size), Some(old), "{size}");
            let proof = tree.consistency(size, head.size).unwrap();
            assert_eq!(verify_consistency((size, old), newest, &proof), Ok(()), "{size}");
        }
        store.close().await;
    });
}

#[test]
fn a_checkpoint_that_somebody_else_holds_is_compared_with_the_database() {
    on_both(async |database| {
        let (store, head) = long_log(database).await;
        let guard = Guard::new(database.folder(), Accepted::default());
        let newest = Checkpoint::unverified(&head.checkpoint).unwrap();
        let older = store.tree(&head, &[300]).await.unwrap().root(300).unwrap();
        let of = |size, root| Checkpoint { origin: head.origin.clone(), size, root };
        let held = "the release of November";
        for genuine in [of(0, empty_root()), of(300, older), newest.clone()] {
            guard.check(&store, &genuine, held).await.unwrap();
        }
        for wrong in [of(300, newest.root), of(newest.size + 1, newest.root), of(0, older)] {
            match guard.check(&store, &wrong, held).await {
                Err(Refusal::Rollback { place, .. }) => assert_eq!(place, held),
                other => panic!("{wrong:?}: {other:?}"),
            }
        }
        store.close().await;
    });
}

#[test]
fn of_two_replicas_one_asks_and_what_another_took_over_is_not_written_twice() {
    on_both(async |database| {
        let (store, _) = long_log(database).await;
        let due = store.claim_anchors(10).await.unwrap();
        assert_eq!(due.len(), 1);
        assert!(store.claim_anchors(10).await.unwrap().is_empty(), "it is leased");
        database.pass(crate::support::database::LEASE + 1);
        let again = store.claim_anchors(10).await.unwrap();
        assert_eq!(again.len(), 1, "whoever had it is dead");
        let size = again[0].turn.log.size;
        let keep = Anchored {
            size,
            note: "a note".into(),
            has_quorum: true,
            policy: "quorum none\n".into(),
            tsr: "MA==".into(),
            at: database.now(),
        };
        let anchoring = Anchoring { done: Some(size), keep: Some(keep.clone()), ..Anchoring::default() };
        assert!(!store.anchored(&due[0], &anchoring).await.unwrap());
        assert_eq!(store.ledger().anchored(ACME).await.unwrap(), None);
        assert!(store.anchored(&again[0], &anchoring).await.unwrap());
        assert_eq!(store.ledger().anchored(ACME).await.unwrap(), Some(keep));
        assert!(store.claim_anchors(10).await.unwrap().is_empty(), "nothing has grown");
        store.commit(Work { claim: None, event: Some(held(&case(5_000))) }).await.unwrap();
        assert_eq!(store.claim_anchors(10).await.unwrap().len(), 1);
        store.close().await;
    });
}

#[test]
fn entries_changed_in_the_database_are_not_brought_to_anybody() {
    on_both(async |database| {
        let (store, head) = long_log(database).await;
        let forged = LogHead { checkpoint: head.checkpoint.replacen(&head.size.to_string(), "599", 1), ..head };
        let error = store.tree(&LogHead { size: 599, ..forged }, &[10]).await.err().expect("another root");
        assert!(error.to_string().contains("do not have the root"), "{error}");
        let none = Anchors::new(store.clone(), seconder::app::system_clock(), Settings::default());
        assert!(none.is_ok_and(|anchors| anchors.is_none()), "nobody is asked unless somebody is named");
        store.close().await;
    });
}
