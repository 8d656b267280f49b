//! A request from when it is held to when its decision has left, without a store or a clock.

use super::*;
use crate::domain::decide::{Judgement, Permission, Quorum};
use crate::domain::effect::{Effect, Urgency};
use crate::domain::event::{Event, Receipt, Rejudged, Reviewed, Sending};
use crate::domain::facts::{Attempt, Run};
use crate::domain::gate::{Repository, Subject, Tenant};
use crate::domain::parties::{Part, Parties, Party};
use crate::domain::people::{AccountKind, People};
use crate::domain::policy::{Approvers, Origin};
use crate::domain::reason::{Finding, Reason};

mod leaving;
mod opening;
mod seconding;

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
    let (request, saw) = (requests[0].id.clone(), Some(requests[0].digest.tag()));
    let reviewed = Reviewed { request, by, verdict, via: Channel::CheckRun, saw };
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
