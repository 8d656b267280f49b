//! Claimed work: kept while it is renewed, taken over when its holder is gone, and nothing a late holder says counts.

use seconder::domain::effect::Effect;
use seconder::domain::event::Verdict;
use seconder::domain::request::Answer;
use seconder::store::Work;

use super::{audit, done, finish, handed_effects, happen};
use crate::support::database::{LEASE, on_both};
use crate::support::{case, click, held, sending};

#[test]
fn slow_work_whose_lease_is_renewed_is_taken_over_by_nobody() {
    on_both(async |database| {
        let (store, mut handed) = database.open().await;
        happen(&store, held(&case(1))).await;
        let slow = handed.effects.try_recv().unwrap();
        for _ in 0..3 {
            database.pass(LEASE - 1);
            assert!(store.renew(&slow.claim()).await.unwrap());
        }
        database.pass(LEASE - 1);
        assert!(store.claim_effects(10, &[]).await.unwrap().iter().all(|due| due.effect != slow.effect));
        database.pass(2);
        assert!(store.claim_effects(10, &[]).await.unwrap().iter().any(|due| due.effect == slow.effect));
        assert!(!store.renew(&slow.claim()).await.unwrap(), "it is somebody else's now");
    });
}

#[test]
fn a_crashed_workers_lease_runs_out_and_another_takes_over() {
    on_both(async |database| {
        let (store, mut handed) = database.open().await;
        let case = case(1);
        happen(&store, held(&case)).await;
        happen(&store, click(&case, 2, Verdict::Deny)).await;
        let lost =
            std::iter::from_fn(|| handed.effects.try_recv().ok()).find(|d| d.effect == Effect::Callback).unwrap();
        assert!(store.claim_effects(10, &[]).await.unwrap().is_empty());
        database.pass(LEASE + 1);
        let mine = store.claim_effects(1, &[]).await.unwrap().pop().unwrap();
        assert_eq!((mine.effect, mine.attempts), (Effect::Callback, 1));

        // The first was only slow. Nothing it says counts any more, least of all that it is about to send.
        let late = finish(&store, lost.claim(), Some(sending(&case, &[]))).await;
        assert_eq!((late.fenced, late.send), (true, None));
        let sent = finish(&store, mine.claim(), Some(sending(&case, &[]))).await;
        assert_eq!(sent.send, Some(Answer::Reject));
        assert!(finish(&store, lost.claim(), Some(done(&case, Effect::Callback))).await.fenced);
        assert!(!finish(&store, mine.claim(), Some(done(&case, Effect::Callback))).await.fenced);
        let types = audit(&store.ledger()).await;
        assert_eq!((types["callback.sent"], types["callback.result"]), (1, 1));
    });
}

#[test]
fn announcing_that_a_decision_leaves_keeps_the_lease() {
    on_both(async |database| {
        let (store, mut handed) = database.open().await;
        let case = case(1);
        happen(&store, held(&case)).await;
        happen(&store, click(&case, 2, Verdict::Approve)).await;
        let mine =
            std::iter::from_fn(|| handed.effects.try_recv().ok()).find(|d| d.effect == Effect::Callback).unwrap();
        database.pass(LEASE - 1);
        assert_eq!(finish(&store, mine.claim(), Some(sending(&case, &[2]))).await.send, Some(Answer::Release));
        database.pass(LEASE - 1);
        assert!(store.claim_effects(10, &[]).await.unwrap().iter().all(|due| due.effect != Effect::Callback));
        assert!(!finish(&store, mine.claim(), Some(done(&case, Effect::Callback))).await.fenced);
    });
}

#[test]
fn a_lost_claim_does_not_cost_the_new_holder_theirs() {
    on_both(async |database| {
        let (store, mut handed) = database.open().await;
        for run in 0..20 {
            let case = case(run);
            happen(&store, held(&case)).await;
            let lost = handed.effects.try_recv().unwrap();
            handed_effects(&mut handed);
            database.pass(LEASE + 1);
            let effects = store.claim_effects(100, &[]).await.unwrap();
            let mine = effects.iter().find(|due| due.effect == lost.effect && due.request == lost.request).unwrap();
            let work = |claim| Work { claim: Some(claim), event: Some(done(&case, Effect::CheckRun)) };
            let (late, timely) = tokio::join!(store.commit(work(lost.claim())), store.commit(work(mine.claim())));
            assert_eq!((late.unwrap().fenced, timely.unwrap().fenced), (true, false));
        }
    });
}
