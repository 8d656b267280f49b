//! A decision leaves: looked at once more, sent again when in doubt, and never to something else.

use super::*;

#[test]
fn a_different_human_seconds_and_the_decision_leaves() {
    let mut requests = pending();
    let change = review(&mut requests, alice(), Verdict::Approve);
    assert_eq!(kinds(&change), ["review.recorded", "decision.recorded"]);
    assert_eq!(change.effects[0].1, Effect::Callback);

    let change = send(&mut requests, run(1), vec![alice()]);
    assert_eq!(change.send, Some(Answer::Release));
    assert_eq!(kinds(&change), ["callback.sent"], "written before it is sent");
}

#[test]
fn an_approver_who_lost_access_before_release_does_not_release() {
    let mut requests = pending();
    review(&mut requests, alice(), Verdict::Approve);
    let gone = Standing { permission: Permission::Read, ..alice() };
    let change = send(&mut requests, run(1), vec![gone]);
    assert_eq!(change.send, None);
    assert_eq!(kinds(&change), ["decision.voided", "review.struck"]);
    assert!(requests[0].is_pending(), "it waits for somebody else");

    review(&mut requests, bob(), Verdict::Approve);
    assert_eq!(send(&mut requests, run(1), vec![bob()]).send, Some(Answer::Release));
}

#[test]
fn an_approver_github_says_nothing_about_does_not_release() {
    let mut requests = pending();
    review(&mut requests, alice(), Verdict::Approve);
    assert_eq!(send(&mut requests, run(1), Vec::new()).send, None);
}

#[test]
fn a_newer_attempt_or_another_commit_voids_the_decision() {
    for world in [run(2), Run { head_sha: "b".repeat(40), ..run(1) }] {
        let mut requests = pending();
        review(&mut requests, alice(), Verdict::Approve);
        let change = send(&mut requests, world, vec![alice()]);
        assert_eq!(change.send, None);
        assert_eq!(requests[0].life.outcome, Some(Outcome::Superseded));
    }
}

#[test]
fn a_decision_is_sent_again_after_a_crash_but_never_changed() {
    let mut requests = pending();
    review(&mut requests, alice(), Verdict::Approve);
    assert_eq!(send(&mut requests, run(1), vec![alice()]).send, Some(Answer::Release));
    let again = send(&mut requests, run(1), vec![alice()]);
    assert_eq!((again.send, kinds(&again)), (Some(Answer::Release), Vec::new()));
}

/// GitHub's callback names run and environment, not the attempt.
#[test]
fn a_decision_in_doubt_is_not_sent_again_to_a_newer_attempt() {
    let mut requests = pending();
    review(&mut requests, alice(), Verdict::Approve);
    assert_eq!(send(&mut requests, run(1), vec![alice()]).send, Some(Answer::Release));
    // GitHub answered 502; meanwhile the run was cancelled and re-run, by alice herself.
    let mut newer = run(2);
    newer.attempts[0].triggering_actor = Some(alice().account);
    assert_eq!(send(&mut requests, newer, vec![alice()]).send, None, "attempt 1 was seconded, not attempt 2");
}

/// Whoever approved is looked at again, also when the callback is only repeated.
#[test]
fn a_decision_in_doubt_is_not_sent_again_when_the_approver_lost_access() {
    let mut requests = pending();
    review(&mut requests, alice(), Verdict::Approve);
    assert_eq!(send(&mut requests, run(1), vec![alice()]).send, Some(Answer::Release));
    let gone = Standing { permission: Permission::None, ..alice() };
    assert_eq!(send(&mut requests, run(1), vec![gone]).send, None);
}

#[test]
fn rules_that_are_new_are_told_also_where_what_they_were_read_for_waits_no_more() {
    let mut requests = pending();
    review(&mut requests, alice(), Verdict::Deny);
    let (request, from) = (requests[0].id.clone(), requests[0].digest.clone());
    let case = Case { policy_is_new: true, ..case(1) };
    let rejudged = Rejudged { request, from, case, approvers: Vec::new() };
    let change = step(Event::Rejudged(Box::new(rejudged)), &mut requests, NOW);
    assert_eq!(kinds(&change), ["policy.loaded"]);
}
