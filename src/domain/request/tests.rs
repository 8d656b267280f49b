use serde_json::json;

use super::*;
use crate::domain::decide::{Judgement, Permission, Quorum};
use crate::domain::effect::{Effect, Urgency};
use crate::domain::event::{Event, Receipt, Reviewed, Sending};
use crate::domain::facts::{Attempt, Run};
use crate::domain::gate::{Repository, Subject, Tenant};
use crate::domain::parties::{Part, Parties, Party};
use crate::domain::people::{AccountKind, People};
use crate::domain::policy::{Approvers, Origin};
use crate::domain::reason::{Finding, Reason};

pub(super) const NOW: Millis = 1_000_000;
pub(super) const HOUR: Millis = 3_600_000;

fn account(id: u64, login: &str) -> Account {
    Account { id, login: login.into(), kind: AccountKind::User }
}

fn writer(id: u64, login: &str) -> Standing {
    Standing { account: account(id, login), permission: Permission::Write, teams: Vec::new() }
}

fn mona() -> Standing {
    writer(1, "mona")
}

fn hubot() -> Standing {
    Standing { account: Account { id: 9, login: "hubot".into(), kind: AccountKind::Bot }, ..writer(9, "hubot") }
}

pub(super) fn alice() -> Standing {
    writer(2, "alice")
}

fn bob() -> Standing {
    writer(3, "bob")
}

/// One writer must second it; mona wrote it.
pub(super) fn case(attempt: u32) -> Case {
    let quorum = vec![Quorum::persons("production", 1, Approvers::Writers)];
    Case {
        subject: Subject {
            tenant: Tenant { account_id: 7, login: "acme".into(), installation_id: 70 },
            repository: Repository { id: 8, owner: "acme".into(), name: "shop".into() },
            environment: "production".into(),
            run_id: 80,
            run_attempt: attempt,
            head_sha: "a".repeat(40),
        },
        deployment_id: Some(800),
        run_name: "deploy".into(),
        run_event: "push".into(),
        run_url: "https://github.com/acme/shop/actions/runs/80".into(),
        head_branch: Some("main".into()),
        actor: Some(mona().account),
        triggering_actor: Some(mona().account),
        base: None,
        gaps: Vec::new(),
        policy: Origin::BuiltIn,
        policy_digest: Digest::of_bytes(b"policy"),
        judgement: Judgement {
            matched_rules: vec!["production".into()],
            quorum,
            expires_after: Some(HOUR),
            parties: Parties {
                known: vec![Party { account: mona().account, because: vec![Part::Actor { attempt: 1 }] }],
                unknown: Vec::new(),
            },
            people: People::default(),
            denied_by: Vec::new(),
            shadow: Vec::new(),
            would_ask: Vec::new(),
            freezes: Vec::new(),
            stopped: None,
            remind: Vec::new(),
            commits: Vec::new(),
            catalogue: Digest::of_bytes(b"catalogue"),
            reasons: Reason::from(Finding::Held),
        },
        delivery: "delivery-1".into(),
        run_over: false,
        policy_is_new: false,
        basis: None,
        facts: None,
        also: Vec::new(),
        organization_is_new: false,
        organization_is_hidden: false,
    }
}

pub(super) fn opened(case: Case) -> Request {
    step(Event::Held(Box::new(case)), &mut [], NOW).opened.unwrap()
}

fn pending() -> Vec<Request> {
    vec![opened(case(1))]
}

fn review(requests: &mut [Request], by: Standing, verdict: Verdict) -> Change {
    let request = requests[0].id.clone();
    let reviewed = Reviewed { request, by, verdict, via: Channel::CheckRun };
    step(Event::Reviewed(Box::new(reviewed)), requests, NOW)
}

pub(super) fn run(attempt: u32) -> Run {
    Run {
        id: 80,
        attempt,
        head_sha: "a".repeat(40),
        status: "waiting".into(),
        name: "deploy".into(),
        event: "push".into(),
        head_branch: None,
        is_from_fork: false,
        ref_kind: None,
        workflow: None,
        url: String::new(),
        attempts: vec![Attempt {
            number: attempt,
            actor: Some(mona().account),
            triggering_actor: Some(mona().account),
        }],
    }
}

fn send(requests: &mut [Request], run: Run, approvers: Vec<Standing>) -> Change {
    let request = requests[0].id.clone();
    step(Event::Sending(Box::new(Sending { request, run, approvers, is_awaited: true })), requests, NOW)
}

pub(super) fn kinds(change: &Change) -> Vec<&'static str> {
    change.records.iter().map(|(_, record)| record.kind).collect()
}

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
fn a_new_attempt_is_a_new_request_and_replaces_the_old_one() {
    let mut requests = pending();
    let change = step(Event::Held(Box::new(case(2))), &mut requests, NOW);
    let new = change.opened.unwrap();
    assert_ne!(new.id, requests[0].id);
    assert_eq!(requests[0].life.outcome, Some(Outcome::Superseded));
    assert!(new.is_pending());
}

#[test]
fn an_attempt_whose_facts_came_late_does_not_replace_the_newer_one() {
    let mut requests = vec![opened(case(2))];
    let change = step(Event::Held(Box::new(case(1))), &mut requests, NOW);
    assert!(requests[0].is_pending(), "attempt 2 still waits for somebody");
    assert_eq!(change.opened.unwrap().life.outcome, Some(Outcome::Superseded));
    assert!(change.effects.is_empty(), "nothing is shown of it");
}

#[test]
fn a_redelivered_webhook_changes_nothing() {
    let mut requests = pending();
    let change = step(Event::Held(Box::new(case(1))), &mut requests, NOW);
    assert!(change.opened.is_none() && change.records.is_empty() && change.effects.is_empty());
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

#[test]
fn what_nothing_holds_passes_and_is_recorded() {
    let mut free = case(1);
    free.judgement.quorum.clear();
    free.judgement.matched_rules.clear();
    let change = step(Event::Held(Box::new(free)), &mut [], NOW);
    assert_eq!(kinds(&change), ["request.opened", "decision.recorded"]);
    assert_eq!(change.effects.iter().map(|(_, effect, _)| *effect).collect::<Vec<_>>(), [Effect::Callback]);
}

#[test]
fn a_decision_is_sent_again_after_a_crash_but_never_changed() {
    let mut requests = pending();
    review(&mut requests, alice(), Verdict::Approve);
    assert_eq!(send(&mut requests, run(1), vec![alice()]).send, Some(Answer::Release));
    let again = send(&mut requests, run(1), vec![alice()]);
    assert_eq!((again.send, kinds(&again)), (Some(Answer::Release), Vec::new()));
}

#[test]
fn what_is_shown_is_bound_to_one_digest() {
    let shown = case(1);
    let mut other = shown.clone();
    other.policy_digest = Digest::of_bytes(b"another policy");
    assert_ne!(shown.digest(), other.digest());
    let mut renamed = shown.clone();
    renamed.subject.repository.name = "renamed".into();
    assert_eq!(shown.digest(), renamed.digest(), "a new name is not a new thing");
}

#[test]
fn however_large_a_release_is_its_entry_fits_the_ledger() {
    use crate::domain::attribution::{Attribution, Certainty, Evidence, Kind};
    let evidence = Evidence { agent: "claude-code".into(), marker: "trailer".into(), found: "x".repeat(200) };
    let attribution = Attribution {
        agent: "claude-code".into(),
        name: "Claude Code".into(),
        kind: Kind::CoAuthored,
        certainty: Certainty::Marked,
        evidence: vec![evidence; 3],
        agent_emails: Vec::new(),
        operators: Vec::new(),
        stripped: false,
    };
    for commits in [1, 100, 250, 5_000] {
        let mut large = case(1);
        large.judgement.commits = (0..commits)
            .map(|n| decide::JudgedCommit {
                sha: format!("{n:040}"),
                subject: "subject".into(),
                attribution: Some(attribution.clone()),
                gated: true,
            })
            .collect();
        let change = step(Event::Held(Box::new(large)), &mut [], NOW);
        let (_, opened) = &change.records[0];
        let text = serde_json::to_string(&opened.body).unwrap();
        assert!(text.len() < 65_000, "{commits} commits make {} bytes", text.len());
        assert!(text.contains(&format!("\"ai_commits\":{commits}")));
    }
}

#[test]
fn facts_that_do_not_fit_the_opening_stand_in_entries_of_their_own() {
    use crate::domain::basis::Basis;
    let named = |n: u32| json!({ "name": "\"".repeat(200), "email": format!("{n}@example.com") });
    let basis = json!({
        "policies": [], "accounts": [], "attempts": [], "commits": [], "identities": (0..1_000).map(named).collect::<Vec<_>>(),
    });
    let basis: Basis = serde_json::from_value(basis).unwrap();
    let change = step(Event::Held(Box::new(Case { basis: Some(Box::new(basis.clone())), ..case(1) })), &mut [], NOW);
    let (opening, pieces) = change.records.split_first().unwrap();
    assert_eq!(opening.1.body["facts_pieces"], pieces.len());
    for (_, record) in pieces {
        let bytes = serde_json::to_string(&record.body).unwrap().len();
        assert!(record.kind == "facts.recorded" && bytes < 65_000, "{bytes} bytes");
    }
    let text: String = pieces.iter().map(|(_, record)| record.body["text"].as_str().unwrap()).collect();
    assert_eq!(opening.1.body["facts_digest"], Digest::of_bytes(text.as_bytes()).as_str());
    assert_eq!(serde_json::from_str::<Basis>(&text).unwrap(), basis);
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

/// eligibility is not looked at again when the callback is repeated.
#[test]
fn a_decision_in_doubt_is_not_sent_again_when_the_approver_lost_access() {
    let mut requests = pending();
    review(&mut requests, alice(), Verdict::Approve);
    assert_eq!(send(&mut requests, run(1), vec![alice()]).send, Some(Answer::Release));
    let gone = Standing { permission: Permission::None, ..alice() };
    assert_eq!(send(&mut requests, run(1), vec![gone]).send, None);
}

/// two jobs of one run may name the same environment, one after the other; GitHub asks for each.
#[test]
fn a_second_deployment_of_the_same_run_and_environment_is_not_a_redelivery() {
    let mut requests = pending();
    review(&mut requests, alice(), Verdict::Approve);
    send(&mut requests, run(1), vec![alice()]);
    let request = requests[0].id.clone();
    let receipt = Receipt { status: 204, ..Receipt::default() };
    let _ = step(Event::Done { request, effect: Effect::Callback, receipt }, &mut requests, NOW);
    let second = Case { deployment_id: Some(801), delivery: "delivery-2".into(), ..case(1) };
    let change = step(Event::Held(Box::new(second)), &mut requests, NOW);
    assert!(
        change.opened.is_some() || !change.effects.is_empty() || !change.records.is_empty(),
        "the second job waits for ever, and nothing says so"
    );
}

#[test]
fn of_two_check_runs_the_newest_is_kept_up_to_date_until_people_are_seen_on_the_other() {
    let mut requests = pending();
    let id = requests[0].id.clone();
    let shown = |check_run_id| Event::Done {
        request: id.clone(),
        effect: Effect::CheckRun,
        receipt: Receipt { check_run_id: Some(check_run_id), ..Receipt::default() },
    };
    let _ = (step(shown(8), &mut requests, NOW), step(shown(7), &mut requests, NOW));
    assert_eq!(requests[0].life.check_run_id, Some(8), "whoever was slower created the older one");
    let seen = Event::SeenOn { request: id.clone(), check_run_id: 7 };
    let change = step(seen.clone(), &mut requests, NOW);
    assert_eq!(requests[0].life.check_run_id, Some(7));
    assert_eq!(change.effects, [(id, Effect::CheckRun, Urgency::Answer)], "it is to show what is asked now");
    assert!(step(seen, &mut requests, NOW).effects.is_empty());
}
