//! What the clock does, and what changed rules do, to a request that waits.

use crate::domain::Millis;
use crate::domain::case::Case;
use crate::domain::decide::{Later, Need, Permission, Quorum, Standing};
use crate::domain::digest::Digest;
use crate::domain::effect::Effect;
use crate::domain::event::{Channel, Event, Rejudged, Reviewed, Sending, Verdict};
use crate::domain::policy::freeze::Freeze;
use crate::domain::policy::{Approvers, Member};
use crate::domain::request::tests::{HOUR, NOW, alice, case, kinds, opened, run};
use crate::domain::request::{Answer, Callback, Change, Outcome, Request, step};

/// A day to wait: a reminder after one hour and another after three, and after two hours zoe may approve, too.
fn patient() -> Case {
    let mut case = case(1);
    let mut quorum = Quorum::persons("production", 1, Approvers::Group("platform".into()));
    if let Need::Persons(group) = &mut quorum.need {
        group.members = vec![Member::User("alice".into())];
        let (from, members) = (Approvers::Group("zoe".into()), vec![Member::User("zoe".into())]);
        group.later = vec![Later { after: 2 * HOUR, from, members }];
    }
    case.judgement.quorum = vec![quorum];
    case.judgement.remind = vec![HOUR, 3 * HOUR];
    case.judgement.expires_after = Some(24 * HOUR);
    case
}

fn zoe() -> Standing {
    let mut zoe = alice();
    (zoe.account.id, zoe.account.login) = (26, "zoe".into());
    zoe
}

fn due(requests: &mut [Request], after: Millis) -> Change {
    let id = requests[0].id.clone();
    step(Event::Due(id), requests, NOW + after)
}

fn approve(requests: &mut [Request], by: Standing) -> Change {
    let (request, saw) = (requests[0].id.clone(), Some(requests[0].digest.tag()));
    let reviewed = Reviewed { request, by, verdict: Verdict::Approve, via: Channel::CheckRun, saw };
    step(Event::Reviewed(Box::new(reviewed)), requests, NOW)
}

fn judged_again(requests: &mut [Request], case: Case, approvers: Vec<Standing>) -> Change {
    let from = requests[0].digest.clone();
    judged_again_from(from, requests, case, approvers)
}

fn judged_again_from(from: Digest, requests: &mut [Request], case: Case, approvers: Vec<Standing>) -> Change {
    let request = requests[0].id.clone();
    step(Event::Rejudged(Box::new(Rejudged { request, from, case, approvers })), requests, NOW + 1)
}

#[test]
fn people_are_reminded_once_however_often_somebody_looks() {
    let mut requests = vec![opened(patient())];
    assert_eq!(requests[0].next_due(), Some(NOW + HOUR));
    assert!(kinds(&due(&mut requests, HOUR - 1)).is_empty(), "not yet");
    let change = due(&mut requests, HOUR);
    assert_eq!(kinds(&change), ["request.reminded"]);
    assert!(change.effects.iter().any(|(_, effect, _)| *effect == Effect::Note));
    assert!(kinds(&due(&mut requests, HOUR + 1)).is_empty(), "another replica was there before");
    assert_eq!(requests[0].next_due(), Some(NOW + 2 * HOUR));
}

#[test]
fn after_a_while_others_may_approve_and_it_takes_as_many_as_before() {
    let mut requests = vec![opened(patient())];
    assert_eq!(kinds(&approve(&mut requests, zoe())), ["attempt.refused"]);
    assert_eq!(kinds(&due(&mut requests, 2 * HOUR)), ["request.escalated", "request.reminded"]);
    assert_eq!(kinds(&approve(&mut requests, zoe())), ["review.recorded", "decision.recorded"]);
    assert_eq!(requests[0].life.outcome, Some(Outcome::Approved));
}

#[test]
fn what_was_missed_while_the_server_was_down_is_done_at_once_and_the_end_comes_first() {
    let mut requests = vec![opened(patient())];
    assert_eq!(kinds(&due(&mut requests, 5 * HOUR)), ["request.escalated", "request.reminded"]);
    assert_eq!(requests[0].next_due(), Some(NOW + 24 * HOUR));
    let mut requests = vec![opened(patient())];
    assert_eq!(kinds(&due(&mut requests, 25 * HOUR)), ["decision.recorded"]);
    assert_eq!(requests[0].life.outcome, Some(Outcome::Expired));
}

#[test]
fn in_a_freeze_a_decision_waits_for_its_end_and_a_denial_does_not() {
    let mut frozen = case(1);
    let freeze = Freeze::new("audit", "UTC", "1970-01-01", "2001-01-01", Vec::new()).unwrap();
    frozen.judgement.freezes = vec![freeze];
    let mut requests = vec![opened(frozen)];
    approve(&mut requests, alice());
    let sending = || {
        let request = requests[0].id.clone();
        Event::Sending(Box::new(Sending { request, run: run(1), approvers: vec![alice()], is_awaited: true }))
    };
    let event = sending();
    let change = step(event.clone(), &mut requests, NOW);
    assert_eq!((change.send, change.wait_until), (None, Some(978_307_200_000)), "2001-01-01T00:00Z");
    assert_eq!(kinds(&change), ["release.held"]);
    assert!(kinds(&step(event.clone(), &mut requests, NOW + 1)).is_empty(), "it is said once");
    let change = step(event, &mut requests, 978_307_200_000);
    assert_eq!(change.send, Some(Answer::Release));
}

#[test]
fn what_is_held_back_leaves_in_the_end_though_an_approver_counts_for_something_else_by_then() {
    let mut frozen = case(1);
    frozen.judgement.freezes = vec![Freeze::new("audit", "UTC", "1970-01-01", "2001-01-01", Vec::new()).unwrap()];
    let mut requests = vec![opened(frozen)];
    approve(&mut requests, alice());
    let approvers = vec![Standing { permission: Permission::Admin, ..alice() }];
    let sending = Sending { request: requests[0].id.clone(), run: run(1), approvers, is_awaited: true };
    let event = Event::Sending(Box::new(sending));
    let change = step(event.clone(), &mut requests, NOW);
    assert_eq!(kinds(&change), ["decision.voided", "review.weighed", "decision.recorded", "release.held"]);
    assert_eq!(requests[0].life.callback, Callback::Owed);
    assert_eq!(step(event, &mut requests, 978_307_200_000).send, Some(Answer::Release));
}

#[test]
fn changed_rules_take_back_a_decision_that_has_not_left_and_ask_anew() {
    let mut requests = vec![opened(case(1))];
    approve(&mut requests, alice());
    let mut stricter = case(1);
    stricter.judgement.quorum = vec![Quorum::persons("production", 1, Approvers::Admins)];
    let change = judged_again(&mut requests, stricter, vec![alice()]);
    assert_eq!(kinds(&change), ["decision.voided", "request.rejudged", "review.struck"]);
    assert!(requests[0].is_pending());
    let olga = Standing { permission: Permission::Admin, ..zoe() };
    approve(&mut requests, olga);
    assert_eq!(requests[0].life.outcome, Some(Outcome::Approved));
}

#[test]
fn changed_rules_are_no_help_to_what_was_denied_and_too_late_for_what_has_left() {
    let mut free = case(1);
    free.judgement.quorum.clear();
    free.judgement.matched_rules.clear();
    let mut requests = vec![opened(case(1))];
    let request = requests[0].id.clone();
    let deny = Reviewed { request, by: alice(), verdict: Verdict::Deny, via: Channel::CheckRun, saw: None };
    let _ = step(Event::Reviewed(Box::new(deny)), &mut requests, NOW);
    assert!(kinds(&judged_again(&mut requests, free.clone(), Vec::new())).is_empty());
    assert_eq!(requests[0].life.outcome, Some(Outcome::Denied));

    let mut requests = vec![opened(case(1))];
    approve(&mut requests, alice());
    requests[0].life.callback = Callback::Sent;
    assert!(kinds(&judged_again(&mut requests, free, Vec::new())).is_empty());
}

#[test]
fn the_same_rules_again_change_nothing() {
    let mut requests = vec![opened(case(1))];
    approve(&mut requests, alice());
    let change = judged_again(&mut requests, case(1), vec![alice()]);
    assert!(kinds(&change).is_empty() && change.effects.is_empty());
    assert_eq!(requests[0].life.outcome, Some(Outcome::Approved));
}

#[test]
fn another_subject_is_not_taken_for_this_one() {
    let mut requests = vec![opened(case(1))];
    let mut other = case(2);
    other.judgement.quorum.clear();
    assert!(kinds(&judged_again(&mut requests, other, Vec::new())).is_empty(), "P3");
}

#[test]
fn whoever_judged_by_older_rules_overrules_nobody_who_knew_newer_ones() {
    let mut requests = vec![opened(case(1))];
    let before = requests[0].digest.clone();
    let mut stricter = case(1);
    stricter.judgement.quorum = vec![Quorum::persons("production", 1, Approvers::Admins)];
    judged_again(&mut requests, stricter, Vec::new());
    let late = judged_again_from(before, &mut requests, case(1), Vec::new());
    assert!(late.is_stale && kinds(&late).is_empty());
    approve(&mut requests, alice());
    assert!(requests[0].is_pending(), "an admin is asked");
}

#[test]
fn an_approval_that_comes_while_somebody_judges_again_is_not_lost() {
    let mut requests = vec![opened(two_needed())];
    let from = requests[0].digest.clone();
    approve(&mut requests, alice());
    assert!(judged_again_from(from, &mut requests, two_needed(), Vec::new()).is_stale);
    approve(&mut requests, zoe());
    assert_eq!(requests[0].life.outcome, Some(Outcome::Approved));
}

fn two_needed() -> Case {
    let mut case = case(1);
    case.judgement.quorum = vec![Quorum::persons("production", 2, Approvers::Writers)];
    case
}

#[test]
fn nobody_approves_what_has_expired_however_late_the_clock_is_looked_at() {
    let mut requests = vec![opened(case(1))];
    let (request, saw) = (requests[0].id.clone(), Some(requests[0].digest.tag()));
    let reviewed = Reviewed { request, by: alice(), verdict: Verdict::Approve, via: Channel::CheckRun, saw };
    let change = step(Event::Reviewed(Box::new(reviewed)), &mut requests, NOW + 2 * HOUR);
    assert_eq!(kinds(&change), ["decision.recorded", "attempt.refused"]);
    assert_eq!(requests[0].life.outcome, Some(Outcome::Expired));

    let mut requests = vec![opened(two_needed())];
    approve(&mut requests, alice());
    let mut shorter = case(1);
    shorter.judgement.expires_after = Some(0);
    judged_again(&mut requests, shorter, vec![alice()]);
    assert_eq!(requests[0].life.outcome, Some(Outcome::Expired));
}

#[test]
fn a_decision_in_doubt_is_not_sent_again_in_a_freeze() {
    let mut frozen = case(1);
    frozen.judgement.freezes = vec![Freeze::new("audit", "UTC", "1970-01-01", "2001-01-01", Vec::new()).unwrap()];
    let mut requests = vec![opened(frozen)];
    approve(&mut requests, alice());
    requests[0].life.callback = Callback::Sent;
    let sending = Sending { request: requests[0].id.clone(), run: run(1), approvers: vec![alice()], is_awaited: true };
    let change = step(Event::Sending(Box::new(sending)), &mut requests, NOW);
    assert!(change.send.is_none() && change.wait_until.is_some());
}
