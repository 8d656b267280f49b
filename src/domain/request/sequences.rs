//! P1 against everything that can happen in a row: whoever clicks, is renamed, loses access, re-runs or turns out to be
//! somebody else under another account, no release leaves that somebody with a part has given.

use std::collections::BTreeSet;

use proptest::prelude::*;
use proptest::test_runner::TestCaseError;

use super::{Answer, Outcome, Request, step};
use crate::domain::basis::tests::judge_twice;
use crate::domain::case::Case;
use crate::domain::decide::{Permission, Standing};
use crate::domain::effect::Effect;
use crate::domain::event::{Channel, Event, Receipt, Rejudged, Reviewed, Sending, Verdict};
use crate::domain::facts::{Attempt, Commit, Facts, PullRequest, Run};
use crate::domain::gate::{Repository, Subject, Tenant};
use crate::domain::people::{Account, AccountKind, Identity, People, Person, PersonKey};
use crate::domain::policy::{self, Approvers, Policy, Requirement, Target};

/// Accounts of the little world: 1 to this.
const ACCOUNTS: u64 = 6;

fn account(id: u64) -> Account {
    Account { id, login: format!("user-{id}"), kind: AccountKind::User }
}

/// Who is who, and who had which part.
#[derive(Clone, Debug)]
struct World {
    /// Accounts that are one human's.
    pairs: Vec<(u64, u64)>,
    machine: Option<u64>,
    author: u64,
    actor: u64,
    sponsor: u64,
    need: u32,
}

#[derive(Clone, Debug)]
enum Move {
    /// Somebody presses a button on the page as it is, or on one that they opened in the beginning.
    Click { by: u64, approve: bool, on_first_page: bool },
    /// Somebody's access changes.
    Access { of: u64, to: Permission },
    /// The run is re-run by somebody: same attempt number seen later with another actor, or a newer one.
    Rerun { by: u64, newer: bool },
    /// The policy changes while the request waits: who is one human, and how many are asked.
    Rules { pair: (u64, u64), need: u32 },
    /// The decision is about to leave.
    Send,
    /// GitHub has it.
    Arrive,
}

fn world() -> impl Strategy<Value = World> {
    let id = || 1..=ACCOUNTS;
    let pairs = prop::collection::vec((id(), id()), 0..3);
    (pairs, prop::option::of(id()), id(), id(), id(), 1..3_u32).prop_map(
        |(pairs, machine, author, actor, sponsor, need)| World { pairs, machine, author, actor, sponsor, need },
    )
}

fn moves() -> impl Strategy<Value = Vec<Move>> {
    let id = || 1..=ACCOUNTS;
    let access =
        prop_oneof![Just(Permission::None), Just(Permission::Read), Just(Permission::Write), Just(Permission::Admin)];
    let one = prop_oneof![
        4 => (id(), prop::bool::weighted(0.9), prop::bool::weighted(0.3))
            .prop_map(|(by, approve, on_first_page)| Move::Click { by, approve, on_first_page }),
        1 => ((id(), id()), 1..3_u32).prop_map(|(pair, need)| Move::Rules { pair, need }),
        1 => (id(), access).prop_map(|(of, to)| Move::Access { of, to }),
        1 => (id(), prop::bool::weighted(0.2)).prop_map(|(by, newer)| Move::Rerun { by, newer }),
        3 => Just(Move::Send),
        1 => Just(Move::Arrive),
    ];
    prop::collection::vec(one, 1..24)
}

fn people(world: &World) -> People {
    let mut people: Vec<Person> = Vec::new();
    for (one, other) in &world.pairs {
        let taken = |id: &u64| people.iter().any(|person| person.accounts.iter().any(|account| account.id == *id));
        if one != other && !taken(one) && !taken(other) {
            let accounts = vec![account(*one), account(*other)];
            people.push(Person { name: format!("person of {one}"), accounts, ..Person::default() });
        }
    }
    People(people)
}

fn facts(world: &World) -> Facts {
    let by = |id: u64| Identity { name: format!("U{id}"), email: format!("{id}@x.org"), account: Some(account(id)) };
    let bot = Account { id: 99, login: "agent".into(), kind: AccountKind::Bot };
    Facts {
        run: run(world.actor, 1),
        deployment_creator: None,
        sender: None,
        base: None,
        commits: vec![Commit {
            sha: "c1".into(),
            message: "Fix\n\nCo-Authored-By: Claude <noreply@anthropic.com>".into(),
            author: by(world.author),
            committer: by(world.author),
            pull_requests: vec![1],
            ..Commit::default()
        }],
        files: Vec::new(),
        owners: None,
        pull_requests: vec![PullRequest {
            number: 1,
            author: Some(bot),
            sponsors: vec![account(world.sponsor)],
            ..PullRequest::default()
        }],
        gaps: Vec::new(),
        people: people(world),
    }
}

fn run(actor: u64, attempt: u32) -> Run {
    let attempts =
        vec![Attempt { number: attempt, actor: Some(account(actor)), triggering_actor: Some(account(actor)) }];
    Run {
        id: 1,
        attempt,
        head_sha: "a".into(),
        status: "waiting".into(),
        name: String::new(),
        event: String::new(),
        head_branch: None,
        is_from_fork: false,
        ref_kind: None,
        workflow: None,
        url: String::new(),
        attempts,
    }
}

fn opened(world: &World) -> Request {
    step(Event::Held(Box::new(case(world))), &mut [], 0).opened.unwrap()
}

fn case(world: &World) -> Case {
    let mut facts = facts(world);
    if let Some(machine) = world.machine
        && facts.people.owner(machine).is_none()
    {
        let accounts = vec![account(machine)];
        facts.people.0.push(Person { name: "machine".into(), accounts, is_machine: true, ..Person::default() });
    }
    let mut policy = Policy::built_in();
    for rule in &mut policy.rules {
        rule.consequence = policy::Consequence::Require(vec![Requirement::of(world.need, Approvers::Writers)]);
    }
    Case {
        subject: Subject {
            tenant: Tenant { account_id: 1, login: "acme".into(), installation_id: 1 },
            repository: Repository { id: 1, owner: "acme".into(), name: "shop".into() },
            environment: "production".into(),
            run_id: 1,
            run_attempt: 1,
            head_sha: "a".into(),
        },
        deployment_id: None,
        run_name: String::new(),
        run_event: String::new(),
        run_url: String::new(),
        head_branch: None,
        actor: None,
        triggering_actor: None,
        base: None,
        gaps: Vec::new(),
        policy: policy.origin.clone(),
        policy_digest: policy.digest.clone(),
        judgement: judge_twice(&policy, &Target::deployment("production"), &facts),
        delivery: String::new(),
        run_over: false,
        policy_is_new: false,
        basis: None,
        facts: None,
        also: Vec::new(),
        organization_is_new: false,
        organization_is_hidden: false,
    }
}

/// An agent's commit that account 1 wrote and 2 deployed, under the built-in policy, and what it was judged by.
pub fn an_agents_commit() -> (Request, Facts) {
    let world = World { pairs: Vec::new(), machine: None, author: 1, actor: 2, sponsor: 3, need: 1 };
    (opened(&world), facts(&world))
}

fn play(world: &World, moves: &[Move]) -> Result<(), TestCaseError> {
    let mut requests = vec![opened(world)];
    let first_page = requests[0].digest.clone();
    let mut world = world.clone();
    let id = requests[0].id.clone();
    let mut access = vec![Permission::Write; usize::try_from(ACCOUNTS).unwrap() + 1];
    let mut now = run(world.actor, 1);
    let mut started = BTreeSet::from([world.actor]);
    let standing = |access: &[Permission], id: u64| Standing {
        account: account(id),
        permission: access[usize::try_from(id).unwrap()],
        teams: Vec::new(),
    };
    for (time, a_move) in (1..).zip(moves) {
        let event = match a_move {
            Move::Access { of, to } => {
                access[usize::try_from(*of).unwrap()] = *to;
                continue;
            }
            Move::Rerun { by, newer } => {
                now.attempt += u32::from(*newer);
                now.attempts[0].triggering_actor = Some(account(*by));
                started = BTreeSet::from([world.actor, *by]);
                continue;
            }
            Move::Rules { pair, need } => {
                world = World { pairs: vec![*pair], need: *need, ..world };
                let approvers = requests[0].life.approvals.iter().map(|a| standing(&access, a.by.account.id)).collect();
                let was_denied = requests[0].life.outcome == Some(Outcome::Denied);
                let from = requests[0].digest.clone();
                let rejudged = Rejudged { request: id.clone(), from, case: case(&world), approvers };
                let _ = step(Event::Rejudged(Box::new(rejudged)), &mut requests, time);
                prop_assert!(!was_denied || requests[0].life.outcome == Some(Outcome::Denied), "a denial is final");
                continue;
            }
            Move::Click { by, approve, on_first_page } => {
                let page = if *on_first_page { &first_page } else { &requests[0].digest };
                let click = Reviewed {
                    request: id.clone(),
                    by: standing(&access, *by),
                    verdict: if *approve { Verdict::Approve } else { Verdict::Deny },
                    via: Channel::CheckRun,
                    saw: Some(page.tag()),
                };
                let (is_of_now, before) = (*page == requests[0].digest, requests[0].life.approvals.len());
                let change = step(Event::Reviewed(Box::new(click)), &mut requests, time);
                let approvals = requests[0].life.approvals.len();
                prop_assert!(is_of_now || approvals <= before, "approved what was asked before");
                prop_assert_eq!(change.send, None, "a click alone sends nothing");
                continue;
            }
            Move::Send => {
                let approvers = requests[0].life.approvals.iter().map(|a| standing(&access, a.by.account.id)).collect();
                Event::Sending(Box::new(Sending { request: id.clone(), run: now.clone(), approvers, is_awaited: true }))
            }
            Move::Arrive => Event::Done {
                request: id.clone(),
                effect: Effect::Callback,
                receipt: Receipt { status: 204, ..Receipt::default() },
            },
        };
        let change = step(event, &mut requests, time);
        if change.send == Some(Answer::Release) {
            let request = &requests[0];
            prop_assert_eq!(request.life.outcome, Some(Outcome::Approved));
            prop_assert_eq!(now.attempt, 1, "a newer attempt is another request");
            let people = &request.case.judgement.people;
            let parties: BTreeSet<PersonKey> = [world.author, world.sponsor]
                .into_iter()
                .chain(started.iter().copied())
                .map(|id| people.key(id))
                .collect();
            let approvers: Vec<u64> = request.life.approvals.iter().map(|a| a.by.account.id).collect();
            let persons: BTreeSet<PersonKey> = approvers.iter().map(|id| people.key(*id)).collect();
            prop_assert!(persons.is_disjoint(&parties), "{persons:?} had a part");
            let need = request.case.judgement.quorum[0].groups()[0].need;
            prop_assert!(persons.len() >= need as usize, "{persons:?} are too few");
            prop_assert!(
                !approvers.iter().any(|id| people.owner(*id).is_some_and(|person| person.is_machine)),
                "a machine approved"
            );
            prop_assert!(approvers.iter().all(|id| access[usize::try_from(*id).unwrap()] >= Permission::Write));
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, ..ProptestConfig::default() })]

    #[test]
    fn no_sequence_of_clicks_reruns_and_changes_lets_a_party_release(world in world(), moves in moves()) {
        play(&world, &moves)?;
    }
}

/// The property above says nothing unless releases happen.
#[test]
fn two_others_can_second_it() {
    let world = World { pairs: vec![(4, 5)], machine: None, author: 1, actor: 2, sponsor: 3, need: 2 };
    let mut requests = vec![opened(&world)];
    let id = requests[0].id.clone();
    for by in [4, 5, 6] {
        let by = Standing { account: account(by), permission: Permission::Write, teams: Vec::new() };
        let saw = Some(requests[0].digest.tag());
        let click = Reviewed { request: id.clone(), by, verdict: Verdict::Approve, via: Channel::CheckRun, saw };
        let _ = step(Event::Reviewed(Box::new(click)), &mut requests, 1);
    }
    assert_eq!(requests[0].life.approvals.len(), 2, "4 and 5 are one human");
    assert_eq!(requests[0].life.outcome, Some(Outcome::Approved));
}
