//! What is owed: whose turn it is, and what becomes of it.

use std::collections::BTreeSet;
use std::sync::Arc;

use seconder::domain::effect::{Effect, Urgency};
use seconder::domain::event::{Event, Verdict};
use seconder::store::Options;

use super::{audit, done, finish, handed_effects, happen};
use crate::support::database::{on_both, on_postgres};
use crate::support::{INSTALLATION, case, click, held};

#[test]
fn an_effect_is_performed_by_one_replica() {
    on_postgres(async |database| {
        let closed = Options { may_hand: Arc::new(|_, _| false), ..database.options() };
        let (one, _) = database.open_with(closed).await;
        let (two, _) = database.open().await;
        for run in 0..20 {
            happen(&one, held(&case(run))).await;
        }
        let mut seen = BTreeSet::new();
        loop {
            let (a, b) = tokio::join!(one.claim_effects(3, &[]), two.claim_effects(3, &[]));
            let claimed: Vec<_> = a.unwrap().into_iter().chain(b.unwrap()).collect();
            if claimed.is_empty() {
                break;
            }
            for due in claimed {
                assert!(seen.insert((due.request, due.effect)), "claimed twice");
            }
        }
        assert_eq!(seen.len(), 40, "a check run and a note each");
    });
}

#[test]
fn a_decision_goes_ahead_of_an_opening() {
    on_both(async |database| {
        let closed = Options { may_hand: Arc::new(|_, _| false), ..database.options() };
        let (store, mut handed) = database.open_with(closed).await;
        for run in 0..10 {
            happen(&store, held(&case(run))).await;
            database.pass(1);
        }
        happen(&store, click(&case(9), 2, Verdict::Approve)).await;
        assert!(handed_effects(&mut handed).is_empty(), "nobody may write now");
        let first = store.claim_effects(2, &[]).await.unwrap();
        let order: Vec<_> = first.iter().map(|due| (due.effect, due.urgency)).collect();
        // The check run that waited to be opened is now the answer to a click.
        assert_eq!(order, [(Effect::Callback, Urgency::Decision), (Effect::CheckRun, Urgency::Answer)]);
        assert!(first.iter().all(|due| due.request == case(9).subject.request_id()));
        let next = store.claim_effects(1, &[]).await.unwrap().pop().unwrap();
        assert_eq!((next.request, next.urgency), (case(0).subject.request_id(), Urgency::Opening));
        assert!(store.claim_effects(10, &[INSTALLATION]).await.unwrap().is_empty(), "the installation is saturated");
    });
}

#[test]
fn a_decision_is_handed_over_even_when_openings_pile_up() {
    on_both(async |database| {
        let (store, mut handed) = database.open_with(Options { effects_in_memory: 4, ..database.options() }).await;
        for run in 0..10 {
            happen(&store, held(&case(run))).await;
        }
        happen(&store, click(&case(0), 2, Verdict::Approve)).await;
        let handed = handed_effects(&mut handed);
        assert!(handed.len() <= 4, "memory is bounded");
        assert!(handed.contains(&Effect::Callback), "{handed:?}");
    });
}

#[test]
fn what_is_owed_anew_while_it_is_performed_is_performed_once_more() {
    on_both(async |database| {
        let (store, mut handed) = database.open().await;
        let case = case(1);
        happen(&store, held(&case)).await;
        let first = handed.effects.try_recv().unwrap();
        assert_eq!(first.effect, Effect::CheckRun);
        handed_effects(&mut handed);
        // An ineligible click while the check run is being written: it has to show the refusal, too.
        happen(&store, click(&case, 1, Verdict::Approve)).await;
        assert!(handed.effects.try_recv().is_err(), "two would write it at once");
        assert!(!finish(&store, first.claim(), Some(done(&case, Effect::CheckRun))).await.fenced);

        let again = store.claim_effects(10, &[]).await.unwrap();
        assert_eq!(again.iter().map(|due| due.effect).collect::<Vec<_>>(), [Effect::CheckRun]);
        assert_eq!(again[0].generation, first.generation + 1);
        assert!(!finish(&store, again[0].claim(), Some(done(&case, Effect::CheckRun))).await.fenced);
        assert!(store.claim_effects(10, &[]).await.unwrap().is_empty());
    });
}

#[test]
fn an_effect_that_is_given_up_is_seen() {
    on_both(async |database| {
        let (store, mut handed) = database.open().await;
        let case = case(1);
        happen(&store, held(&case)).await;
        let due = handed.effects.try_recv().unwrap();
        let gave_up = Event::GaveUp { request: due.request.clone(), effect: due.effect, error: "404".to_owned() };
        assert!(!finish(&store, due.claim(), Some(gave_up)).await.fenced);
        assert_eq!(store.health().await.unwrap().failed_effects, 1);
        assert_eq!(audit(&store.ledger()).await["effect.failed"], 1);
        assert_eq!(store.request(&due.request).await.unwrap().unwrap().life.failed, [due.effect]);
    });
}

#[test]
fn an_effect_put_back_waits_and_keeps_count() {
    on_both(async |database| {
        let (store, mut handed) = database.open().await;
        happen(&store, held(&case(1))).await;
        let (check_run, note) = (handed.effects.try_recv().unwrap(), handed.effects.try_recv().unwrap());
        assert_eq!(store.release(&[check_run.claim(), note.claim()], database.now() + 100).await.unwrap(), 2);
        assert!(store.claim_effects(10, &[]).await.unwrap().is_empty());
        database.pass(100);
        let again = store.claim_effects(10, &[]).await.unwrap();
        assert_eq!(again.iter().map(|due| due.attempts).collect::<Vec<_>>(), [0, 0]);
        assert!(store.retry(&again[0].claim(), database.now(), "502").await.unwrap());
        assert_eq!(store.claim_effects(10, &[]).await.unwrap()[0].attempts, 1);
    });
}
