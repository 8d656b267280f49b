//! Webhooks that are taken: once, however often they come and whoever else takes some.

use seconder::store::{Options, Received};

use super::{audit, delivery, finish};
use crate::support::database::{LEASE, on_both, on_postgres};
use crate::support::{case, held};

#[test]
fn a_redelivered_webhook_is_handled_once() {
    on_both(async |database| {
        let (store, mut handed) = database.open().await;
        assert_eq!(store.receive(delivery("a")).await.unwrap(), Received::Fresh);
        assert_eq!(store.receive(delivery("a")).await.unwrap(), Received::Duplicate);
        let first = handed.deliveries.try_recv().unwrap();
        assert_eq!(first.payload, r#"{"for":"a"}"#);
        assert!(!finish(&store, first.claim(), Some(held(&case(1)))).await.fenced);

        assert_eq!(store.receive(delivery("a")).await.unwrap(), Received::Duplicate);
        assert!(handed.deliveries.try_recv().is_err(), "handed over a second time");
        assert!(store.claim_deliveries(10).await.unwrap().is_empty());
        assert!(finish(&store, first.claim(), Some(held(&case(2)))).await.fenced, "finished a second time");
        assert!(!store.request_exists(&case(2).subject.request_id()).await.unwrap());
    });
}

#[test]
fn webhooks_with_one_id_that_arrive_at_once_are_one_webhook() {
    on_both(async |database| {
        let (store, _handed) = database.open().await;
        let twins: Vec<_> = (0..8)
            .map(|_| {
                let store = store.clone();
                tokio::spawn(async move { store.receive(delivery("twin")).await.unwrap() })
            })
            .collect();
        let mut fresh = 0;
        for twin in twins {
            fresh += usize::from(twin.await.unwrap() == Received::Fresh);
        }
        assert_eq!(fresh, 1);
    });
}

#[test]
fn a_failed_delivery_is_handled_again_when_redelivered() {
    on_both(async |database| {
        let (store, mut handed) = database.open().await;
        store.receive(delivery("a")).await.unwrap();
        let first = handed.deliveries.try_recv().unwrap();
        assert!(store.fail_delivery(&first.claim(), "GitHub answered 500").await.unwrap());
        assert_eq!(store.health().await.unwrap().failed_deliveries, 1);

        assert_eq!(store.receive(delivery("a")).await.unwrap(), Received::Requeued);
        let again = handed.deliveries.try_recv().unwrap();
        assert_eq!((again.id.as_str(), again.attempts), ("a", 0));
        assert!(finish(&store, first.claim(), None).await.fenced, "the old claim still counts");
        assert!(!finish(&store, again.claim(), None).await.fenced);
        assert_eq!(store.health().await.unwrap().failed_deliveries, 0);
    });
}

#[test]
fn a_delivery_that_has_to_wait_comes_back_when_its_time_has_come() {
    on_both(async |database| {
        let (store, mut handed) = database.open().await;
        store.receive(delivery("a")).await.unwrap();
        let first = handed.deliveries.try_recv().unwrap();
        assert!(store.retry(&first.claim(), database.now() + 500, "rate limited").await.unwrap());
        assert!(!store.retry(&first.claim(), database.now(), "late").await.unwrap(), "the claim was given back");
        assert!(store.claim_deliveries(10).await.unwrap().is_empty());
        database.pass(500);
        let again = store.claim_deliveries(10).await.unwrap().pop().unwrap();
        assert_eq!((again.attempts, again.payload.as_str()), (1, first.payload.as_str()));
    });
}

#[test]
fn two_replicas_on_one_postgresql_handle_a_delivery_once() {
    on_postgres(async |database| {
        const N: u64 = 60;
        let (one, _) = database.open_with(Options { deliveries_in_memory: 1, ..database.options() }).await;
        let (two, _) = database.open_with(Options { deliveries_in_memory: 1, ..database.options() }).await;
        for n in 0..N {
            let id = format!("d{n}");
            let (a, b) = tokio::join!(one.receive(delivery(&id)), two.receive(delivery(&id)));
            let fresh = [a.unwrap(), b.unwrap()].into_iter().filter(|r| *r == Received::Fresh).count();
            assert_eq!(fresh, 1, "{id}");
        }
        database.pass(LEASE + 1); // Whatever was handed over is up for grabs, too.
        let racers: Vec<_> = [one.clone(), two.clone()]
            .into_iter()
            .map(|store| {
                tokio::spawn(async move {
                    let mut mine = Vec::new();
                    loop {
                        let claimed = store.claim_deliveries(7).await.unwrap();
                        if claimed.is_empty() {
                            return mine;
                        }
                        for delivery in claimed {
                            let run: u64 = delivery.id.trim_start_matches('d').parse().unwrap();
                            let committed = finish(&store, delivery.claim(), Some(held(&case(run)))).await;
                            mine.extend(committed.opened.map(|_| delivery.id));
                        }
                    }
                })
            })
            .collect();
        let mut all = Vec::new();
        for racer in racers {
            all.extend(racer.await.unwrap());
        }
        all.sort();
        all.dedup();
        assert_eq!(all.len() as u64, N);
        assert_eq!(two.health().await.unwrap().queued_deliveries, 0);
        assert_eq!(audit(&one.ledger()).await["request.opened"] as u64, N);
    });
}
