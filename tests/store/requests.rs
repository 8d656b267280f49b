//! Requests: as they stand, by whoever reads them, until their time is over.

use seconder::domain::case::Case;
use seconder::domain::event::{Event, Rejudged, Verdict};
use seconder::domain::policy::Approvers;
use seconder::domain::request::{Answer, Callback, Outcome};
use seconder::ledger::entry::Header;
use seconder::store::RequestReader;

use super::{audit, happen};
use crate::support::database::{on_both, on_postgres};
use crate::support::{ACME, case, case_for, click, held, sending};

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
        let told = Case { basis: None, ..case }; // The opening has told that to the ledger.
        assert_eq!((&*request.case, &request.digest), (&told, &opened.digest));
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
        let stricter = case_for("admins", 1);
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
