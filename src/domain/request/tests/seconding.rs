//! Who may second, who may deny, and when that is enough.

use super::*;

#[test]
fn who_started_the_run_is_refused_and_told_why() {
    let mut requests = pending();
    let change = review(&mut requests, mona(), Verdict::Approve);
    assert_eq!(kinds(&change), ["attempt.refused"]);
    assert!(requests[0].is_pending());
    assert_eq!(requests[0].life.refused[0].why, [Refusal::Party { because: vec![Part::Actor { attempt: 1 }] }]);
}

#[test]
fn a_party_may_still_deny() {
    let mut requests = pending();
    review(&mut requests, mona(), Verdict::Deny);
    assert_eq!(requests[0].life.outcome, Some(Outcome::Denied));
}

#[test]
fn a_bot_neither_approves_nor_denies() {
    for verdict in [Verdict::Approve, Verdict::Deny] {
        let mut requests = pending();
        review(&mut requests, hubot(), verdict);
        assert!(requests[0].is_pending(), "{verdict:?}");
    }
}

#[test]
fn deny_wins_until_the_decision_has_left() {
    let mut requests = pending();
    review(&mut requests, alice(), Verdict::Approve);
    let change = review(&mut requests, bob(), Verdict::Deny);
    assert_eq!(kinds(&change), ["decision.voided", "review.recorded", "decision.recorded"]);
    assert_eq!(send(&mut requests, run(1), vec![alice()]).send, Some(Answer::Reject));

    let change = review(&mut requests, alice(), Verdict::Deny);
    assert_eq!(kinds(&change), ["attempt.refused"], "too late: it has left");
}

#[test]
fn nothing_reopens_a_denied_request() {
    let mut requests = pending();
    review(&mut requests, bob(), Verdict::Deny);
    let change = review(&mut requests, alice(), Verdict::Approve);
    assert_eq!(kinds(&change), ["attempt.refused"]);
    assert_eq!(requests[0].life.outcome, Some(Outcome::Denied));
}

#[test]
fn silence_denies_when_the_time_is_over_and_not_before() {
    let mut requests = pending();
    let id = requests[0].id.clone();
    assert!(step(Event::Due(id.clone()), &mut requests, NOW + HOUR - 1).records.is_empty());
    let _ = step(Event::Due(id), &mut requests, NOW + HOUR);
    assert_eq!(requests[0].life.outcome, Some(Outcome::Expired));
    assert_eq!(send(&mut requests, run(1), Vec::new()).send, Some(Answer::Reject));
}

#[test]
fn one_human_counts_once() {
    let mut two = case(1);
    two.judgement.quorum = vec![Quorum::persons("production", 2, Approvers::Writers)];
    let mut requests = vec![opened(two)];
    review(&mut requests, alice(), Verdict::Approve);
    review(&mut requests, alice(), Verdict::Approve);
    assert!(requests[0].is_pending());
    review(&mut requests, bob(), Verdict::Approve);
    assert_eq!(requests[0].life.outcome, Some(Outcome::Approved));
}
