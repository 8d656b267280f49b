//! The log: no gap and no fork, whoever writes and whatever fails.

use seconder::domain::effect::Effect;
use seconder::domain::event::Event;
use seconder::store::{Error, Work};

use super::{audit, delivery, handed_effects, happen};
use crate::support::database::{on_both, on_postgres};
use crate::support::{ACME, case, case_of, chaos, held};

#[test]
fn the_ledger_has_no_gap_and_no_fork_after_eight_writers_times_fifty() {
    on_both(async |database| {
        let (one, _) = database.open().await;
        let two = if database.url.starts_with("sqlite") { one.clone() } else { database.open().await.0 };
        let writers: Vec<_> = (0..8_u64)
            .map(|writer| {
                let store = if writer % 2 == 0 { one.clone() } else { two.clone() };
                tokio::spawn(async move {
                    for n in 0..50 {
                        happen(&store, held(&case_of(1 + n % 3, writer * 1_000 + n))).await;
                    }
                })
            })
            .collect();
        for writer in writers {
            writer.await.unwrap();
        }
        let types = audit(&one.ledger()).await;
        assert_eq!((types["ledger.genesis"], types["request.opened"]), (3, 400));
    });
}

#[test]
fn three_servers_whose_connections_are_killed_write_everything_once_and_sign_one_log() {
    on_postgres(async |database| {
        let found = chaos::survive(&database.url, 25).await;
        assert_eq!((found.gaps, found.twice, found.missing, found.inconsistent), (0, 0, 0, 0), "{found:?}");
        assert!(found.kills >= 25 && found.requests > 0 && found.checkpoints.len() > 1, "{found:?}");
    });
}

#[test]
fn nothing_is_written_when_the_transaction_fails() {
    on_both(async |database| {
        let (store, mut handed) = database.open().await;
        happen(&store, held(&case(1))).await;
        handed_effects(&mut handed);
        let before = (store.ledger().logs().await.unwrap(), store.health().await.unwrap());

        store.receive(delivery("a")).await.unwrap();
        let due = handed.deliveries.try_recv().unwrap();
        // No ledger entry can hold such a number, and entries are written last.
        let impossible = case(1 << 53);
        let poison = Work { claim: Some(due.claim()), event: Some(held(&impossible)) };
        let healthy = Work { claim: None, event: Some(held(&case_of(5, 5))) };
        let (failed, written) = tokio::join!(store.commit(poison), store.commit(healthy));
        assert!(matches!(failed, Err(Error::Entry(_))), "{failed:?}");
        assert!(written.unwrap().opened.is_some(), "one that cannot be written holds up no other");

        assert!(store.request(&impossible.subject.request_id()).await.unwrap().is_none());
        assert!(!store.request_exists(&impossible.subject.request_id()).await.unwrap());
        let acme = store.ledger().logs().await.unwrap().into_iter().find(|log| log.tenant == ACME);
        assert_eq!(acme.as_ref(), before.0.first());
        assert_eq!(handed_effects(&mut handed).len(), 2, "only the healthy one's check run and note");
        let health = store.health().await.unwrap();
        assert_eq!((health.queued_deliveries, health.queued_effects), (1, before.1.queued_effects + 2));
        assert!(store.retry(&due.claim(), 0, "tried").await.unwrap(), "the claim is still ours");
    });
}

#[test]
fn a_text_too_long_for_an_entry_is_kept_whole_in_its_opening() {
    on_both(async |database| {
        let (store, _handed) = database.open().await;
        let case = case(1);
        happen(&store, held(&case)).await;
        let (request, error) = (case.subject.request_id(), "x".repeat(100_000));
        happen(&store, Event::GaveUp { request, effect: Effect::Note, error }).await;
        let line = store.ledger().entries(ACME, 2, 3, 1).await.unwrap().pop().unwrap();
        assert!(line.contains(r#""error":"sha256:"#), "{line}");
        let openings = store.ledger().openings(ACME, 2, 3, 1).await.unwrap();
        assert!(openings[0].1.contains(&"x".repeat(100_000)));
        audit(&store.ledger()).await;
    });
}
