//! What is kept, on both engines.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use seconder::domain::case::Case;
use seconder::domain::decide::Quorum;
use seconder::domain::effect::{Effect, Urgency};
use seconder::domain::event::{Event, Receipt, Rejudged, Verdict};
use seconder::domain::facts::{Facts, Run};
use seconder::domain::people::People;
use seconder::domain::policy::Approvers;
use seconder::domain::request::{Answer, Callback, Outcome};
use seconder::ledger::entry::Header;
use seconder::ledger::merkle::{Frontier, leaf_hash};
use seconder::ledger::{Checkpoint, VerifierKey};
use seconder::store::{
    Claim, Committed, Error, GoodPolicies, Handed, LedgerReader, NewDelivery, Options, Received, RequestReader, Store,
    StoredPolicy, Work,
};

use crate::support::database::{LEASE, on_both, on_postgres, on_sqlite};
use crate::support::{ACME, INSTALLATION, case, case_of, chaos, click, held, sending};

fn delivery(id: &str) -> NewDelivery {
    NewDelivery {
        id: id.to_owned(),
        event: "deployment_protection_rule".to_owned(),
        installation_id: INSTALLATION,
        payload: format!(r#"{{"for":"{id}"}}"#),
        is_urgent: false,
    }
}

async fn happen(store: &Store, event: Event) -> Committed {
    store.commit(Work { claim: None, event: Some(event) }).await.expect("committing")
}

async fn finish(store: &Store, claim: Claim, event: Option<Event>) -> Committed {
    store.commit(Work { claim: Some(claim), event }).await.expect("committing")
}

fn done(case: &Case, effect: Effect) -> Event {
    Event::Done { request: case.subject.request_id(), effect, receipt: Receipt { status: 204, ..Receipt::default() } }
}

fn handed_effects(handed: &mut Handed) -> Vec<Effect> {
    std::iter::from_fn(|| handed.effects.try_recv().ok()).map(|due| due.effect).collect()
}

/// Reads every log as an auditor would: no gap, no fork, every checkpoint signed over exactly the entries there are.
/// Returns how many entries of each type there are.
async fn audit(ledger: &LedgerReader) -> BTreeMap<String, usize> {
    let mut types = BTreeMap::new();
    let mut ids = BTreeSet::new();
    for log in ledger.logs().await.expect("reading the logs") {
        let key: VerifierKey = log.vkey.parse().expect("a verifier key");
        let checkpoint = Checkpoint::open(&log.checkpoint, &key).expect("a signed checkpoint");
        let mut tree = Frontier::new();
        let mut prev = None;
        while tree.size() < log.size {
            for line in ledger.entries(log.tenant, tree.size(), log.size, 64).await.expect("reading entries") {
                let header = Header::parse(&line).expect("an entry");
                assert_eq!((header.log, header.seq), (log.origin.as_str(), tree.size()));
                assert_eq!(header.prev.map(str::to_owned), prev);
                assert!(ids.insert(format!("{} {}", log.origin, header.id)), "{} is there twice", header.id);
                *types.entry(header.record_type.to_owned()).or_default() += 1;
                let leaf = leaf_hash(line.as_bytes());
                tree.push(leaf);
                prev = Some(leaf.to_string());
            }
        }
        assert_eq!((checkpoint.origin, checkpoint.size, checkpoint.root), (log.origin, log.size, tree.root()));
    }
    types
}

#[test]
fn whoever_reads_beside_the_server_finds_a_request_by_its_first_digits() {
    on_both(async |database| {
        let (store, _handed) = database.open().await;
        let (one, other) = (case(1), case(2));
        for case in [&one, &other] {
            happen(&store, held(case)).await;
        }
        let reader = RequestReader::open(&database.url).unwrap();
        let id = one.subject.request_id();
        let [found] = reader.begin_with(&id.as_str()[..8], 2).await.unwrap().try_into().unwrap();
        let same = store.request(&id).await.unwrap().unwrap();
        assert_eq!((found.id, found.digest, found.life), (same.id, same.digest, same.life));
        assert_eq!(reader.begin_with("", 5).await.unwrap().len(), 2);
        assert_eq!(reader.begin_with("", 1).await.unwrap().len(), 1);
        assert!(reader.begin_with("ffffffffffffffff", 2).await.unwrap().is_empty());
    });
}

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

#[test]
fn two_replicas_that_hear_of_one_deployment_open_one_request() {
    on_postgres(async |database| {
        let (one, _) = database.open().await;
        let (two, _) = database.open().await;
        for run in 0..30 {
            let case = case(run);
            let (a, b) = tokio::join!(happen(&one, held(&case)), happen(&two, held(&case)));
            assert_eq!(usize::from(a.opened.is_some()) + usize::from(b.opened.is_some()), 1);
        }
        assert_eq!(audit(&one.ledger()).await["request.opened"], 30);
    });
}

#[test]
fn deny_and_approve_race_and_one_decision_leaves() {
    on_both(async |database| {
        let (one, _) = database.open().await;
        let two = if database.url.starts_with("sqlite") { one.clone() } else { database.reopen().await.0 };
        for run in 0..20 {
            let case = case(run);
            let id = case.subject.request_id();
            happen(&one, held(&case)).await;
            tokio::join!(happen(&one, click(&case, 2, Verdict::Approve)), happen(&two, click(&case, 3, Verdict::Deny)),);
            let sent = happen(&two, sending(&case, &[2])).await.send;
            let request = one.request(&id).await.unwrap().unwrap();
            // Deny wins, whichever came first.
            assert_eq!((request.life.outcome, sent), (Some(Outcome::Denied), Some(Answer::Reject)));
            assert_eq!(request.life.callback, Callback::Sent);
        }
        audit(&one.ledger()).await;
    });
}

#[test]
fn a_request_is_shown_as_it_stands_and_its_decision_has_a_place_in_the_log() {
    on_both(async |database| {
        let (store, _handed) = database.open().await;
        let case = case(1);
        let id = case.subject.request_id();
        assert!(store.request(&id).await.unwrap().is_none());
        let opened = happen(&store, held(&case)).await.opened.unwrap();
        assert_eq!(store.decision_seq(&id).await.unwrap(), None);
        let committed = happen(&store, click(&case, 2, Verdict::Approve)).await;
        assert_eq!(committed.changed[0].life.outcome, Some(Outcome::Approved));

        store.close().await;
        let (store, _handed) = database.reopen().await; // Nothing in memory.
        let request = store.request(&id).await.unwrap().unwrap();
        assert_eq!((&*request.case, &request.digest), (&case, &opened.digest));
        assert_eq!(request.digest, request.case.digest(), "what is stored is what was shown");
        assert_eq!(request.life, committed.changed[0].life);
        let seq = store.decision_seq(&id).await.unwrap().unwrap();
        let line = store.ledger().entries(ACME, seq, seq + 1, 1).await.unwrap().pop().unwrap();
        let header = Header::parse(&line).unwrap();
        assert_eq!((header.record_type, header.corr), ("decision.recorded", Some(id.as_str())));
    });
}

#[test]
fn a_request_nobody_decides_is_found_when_its_time_is_over() {
    on_both(async |database| {
        let (store, _handed) = database.open().await;
        let (first, second) = (case(1), case(2));
        happen(&store, held(&first)).await;
        database.pass(1_000);
        happen(&store, held(&second)).await;
        happen(&store, click(&second, 2, Verdict::Deny)).await;
        assert_eq!(store.next_due().await.unwrap(), Some(database.now() + 3_599_000));
        assert!(store.due_requests(database.now(), 10).await.unwrap().is_empty());

        database.pass(3_600_000);
        let due = store.due_requests(database.now(), 10).await.unwrap();
        assert_eq!(due, [first.subject.request_id()]);
        let committed = happen(&store, Event::Due(due[0].clone())).await;
        assert_eq!(committed.changed[0].life.outcome, Some(Outcome::Expired));
        assert!(store.due_requests(database.now(), 10).await.unwrap().is_empty());
        assert_eq!(store.next_due().await.unwrap(), None);
    });
}

#[test]
fn a_reminder_that_two_replicas_find_due_at_once_goes_out_once_and_outlives_a_restart() {
    on_postgres(async |database| {
        const MINUTES: i64 = 60_000;
        let (one, _) = database.open().await;
        let (two, _) = database.open().await;
        let mut patient = case(1);
        patient.judgement.remind = vec![10 * MINUTES, 20 * MINUTES];
        let request = patient.subject.request_id();
        happen(&one, held(&patient)).await;
        assert_eq!(one.next_due().await.unwrap(), Some(database.now() + 10 * MINUTES));
        database.pass(10 * MINUTES);
        assert_eq!(two.due_requests(database.now(), 10).await.unwrap(), std::slice::from_ref(&request));
        tokio::join!(happen(&one, Event::Due(request.clone())), happen(&two, Event::Due(request.clone())));
        assert_eq!(audit(&one.ledger()).await["request.reminded"], 1);
        drop((one, two));
        let (restarted, _) = database.reopen().await;
        database.pass(10 * MINUTES);
        happen(&restarted, Event::Due(request)).await;
        assert_eq!(audit(&restarted.ledger()).await["request.reminded"], 2);
    });
}

#[test]
fn a_request_judged_again_by_one_replica_is_seen_so_by_the_other() {
    on_postgres(async |database| {
        let (one, _) = database.open().await;
        let (two, _) = database.open().await;
        let first = case(1);
        let request = first.subject.request_id();
        happen(&one, held(&first)).await;
        assert!(two.request(&request).await.unwrap().unwrap().is_pending(), "the other has it in memory");
        let mut stricter = first.clone();
        stricter.judgement.quorum = vec![Quorum::persons("production", 1, Approvers::Admins)];
        let again =
            Rejudged { request: request.clone(), from: first.digest(), case: stricter.clone(), approvers: Vec::new() };
        happen(&one, Event::Rejudged(Box::new(again))).await;
        let seen = two.request(&request).await.unwrap().unwrap();
        assert_eq!(seen.case.judgement.quorum[0].groups()[0].from, Approvers::Admins);
        happen(&two, click(&stricter, 2, Verdict::Approve)).await;
        let seen = one.request(&request).await.unwrap().unwrap();
        assert!(seen.is_pending(), "a writer's approval is no longer enough");
    });
}

#[test]
fn a_new_attempt_takes_the_place_of_the_old_one() {
    on_both(async |database| {
        let (store, _handed) = database.open().await;
        let first = case(1);
        let mut second = case(1);
        second.subject.run_attempt = 2;
        happen(&store, held(&first)).await;
        let committed = happen(&store, held(&second)).await;
        assert_eq!(committed.changed[0].id, first.subject.request_id());
        assert_eq!(committed.changed[0].life.outcome, Some(Outcome::Superseded));
        assert!(store.request(&second.subject.request_id()).await.unwrap().unwrap().is_pending());
    });
}

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

#[test]
fn the_last_good_policy_and_the_repositories_are_remembered() {
    on_both(async |database| {
        let (store, _handed) = database.open().await;
        assert_eq!(store.good_policies(9_000, 9_000).await.unwrap(), GoodPolicies::default());
        let policy = |commit: &str, text: &str| StoredPolicy {
            commit: commit.to_owned(),
            blob: "b".to_owned(),
            text: text.to_owned(),
        };
        for commit in ["c1", "c2"] {
            let repository = policy(commit, "version: 1");
            store.remember_policy(9_000, &repository).await.unwrap();
            let good = GoodPolicies { repository: Some(repository), organization: None };
            // The same number means a repository there and an account here.
            assert_eq!(store.good_policies(9_000, 9_000).await.unwrap(), good);
        }
        for text in ["version: 1", "version: 1 # all"] {
            store.remember_organization_policy(9_000, &policy("o", text)).await.unwrap();
        }
        let (repository, organization) = (policy("c2", "version: 1"), policy("o", "version: 1 # all"));
        let good = GoodPolicies { repository: Some(repository), organization: Some(organization.clone()) };
        assert_eq!(store.good_policies(9_000, 9_000).await.unwrap(), good);
        let of_another = GoodPolicies { repository: None, organization: Some(organization) };
        assert_eq!(store.good_policies(9_001, 9_000).await.unwrap(), of_another);
        happen(&store, held(&case_of(1, 1))).await;
        database.pass(1);
        happen(&store, held(&case_of(2, 2))).await;
        let recent = store.recent_repositories(10).await.unwrap();
        let tenants: Vec<_> = recent.iter().map(|(tenant, _)| tenant.account_id).collect();
        assert_eq!(tenants, [2, 1]);
        assert_eq!(recent[0].1, case_of(2, 2).subject.repository);
    });
}

#[test]
fn what_is_done_is_thrown_away_after_a_while_and_what_waits_is_not() {
    on_both(async |database| {
        let (store, mut handed) = database.open().await;
        for id in ["done", "waiting"] {
            store.receive(delivery(id)).await.unwrap();
        }
        let first = handed.deliveries.try_recv().unwrap();
        finish(&store, first.claim(), Some(held(&case(1)))).await;
        let effect = handed.effects.try_recv().unwrap();
        finish(&store, effect.claim(), None).await;
        let health = store.health().await.unwrap();
        assert_eq!((health.queued_deliveries, health.queued_effects), (1, 1));
        assert_eq!(health.oldest_delivery, Some(database.now()));
        assert_eq!(store.purge_done(database.now()).await.unwrap(), 0);
        database.pass(1);
        assert_eq!(store.purge_done(database.now()).await.unwrap(), 2);
        assert_eq!(store.health().await.unwrap(), health);
    });
}

#[test]
fn what_a_decided_request_was_judged_by_is_forgotten_when_it_is_old_and_never_before_its_decision_has_left() {
    on_both(async |database| {
        let (store, mut handed) = database.open().await;
        let facts = Facts {
            run: Run::default(),
            deployment_creator: None,
            sender: None,
            base: None,
            commits: Vec::new(),
            files: Vec::new(),
            owners: None,
            pull_requests: Vec::new(),
            gaps: Vec::new(),
            people: People::default(),
        };
        let [waits, held_up, left, young] =
            [1, 2, 3, 4].map(|run| Case { facts: Some(Box::new(facts.clone())), ..case(run) });
        let id = |case: &Case| case.subject.request_id();
        for case in [&waits, &held_up, &left] {
            happen(&store, held(case)).await;
        }
        for case in [&held_up, &left] {
            happen(&store, click(case, 2, Verdict::Approve)).await;
        }
        let callbacks = std::iter::from_fn(|| handed.effects.try_recv().ok())
            .filter(|due| due.effect == Effect::Callback && due.request == id(&left));
        for due in callbacks.collect::<Vec<_>>() {
            happen(&store, sending(&left, &[2])).await;
            finish(&store, due.claim(), Some(done(&left, Effect::Callback))).await;
        }
        database.pass(1_000);
        let old = database.now();
        happen(&store, held(&young)).await;
        happen(&store, click(&young, 2, Verdict::Deny)).await;
        assert_eq!(store.forget_facts(old).await.unwrap(), 1);
        let mut kept = Vec::new();
        for case in [&waits, &held_up, &left, &young] {
            kept.push(store.facts(&id(case)).await.unwrap().is_some());
        }
        assert_eq!(kept, [true, true, false, true]);
        assert!(store.request(&id(&left)).await.unwrap().is_some(), "the request itself stays");
        assert_eq!(store.forget_facts(old).await.unwrap(), 0);
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
