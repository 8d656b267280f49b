//! A deployment is held: a new request, the same one, or one that comes too late; and what is recorded of it.

use serde_json::json;

use super::*;

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
fn what_nothing_holds_passes_and_is_recorded() {
    let mut free = case(1);
    free.judgement.quorum.clear();
    free.judgement.matched_rules.clear();
    let change = step(Event::Held(Box::new(free)), &mut [], NOW);
    assert_eq!(kinds(&change), ["request.opened", "decision.recorded"]);
    assert_eq!(change.effects.iter().map(|(_, effect, _)| *effect).collect::<Vec<_>>(), [Effect::Callback]);
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

/// Two jobs of one run may name the same environment, one after the other; GitHub asks for each.
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
    let second = change.opened.expect("otherwise the second job waits for ever");
    assert!(second.is_pending() && second.id != requests[0].id, "what was seconded for the first is used up");
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
