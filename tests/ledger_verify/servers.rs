//! Whatever an honest server goes through, an auditor believes what it writes down.
use std::mem::take;

use proptest::prelude::*;
use proptest::test_runner::TestCaseError;
use seconder::domain::case::Case;
use seconder::domain::decide::{Permission, Standing};
use seconder::domain::effect::Effect;
use seconder::domain::event::{Channel, Event, Receipt, Rejudged, Reviewed, Sending, Verdict};
use seconder::domain::request::{Callback, Change, Request, step};
use seconder::ledger::RecordType;
use serde_json::json;

use super::check;
use super::story::{ORIGIN, Record, Story, vkey};
use crate::audit::audit_opened;
use crate::support::{ACME, case_for, held, human, sending};

const MINUTE: i64 = 60_000;

/// 2025-11-22, UTC.
const BEGINNING: i64 = 1_763_769_600_000;

#[derive(Clone, Debug)]
enum Move {
    /// Somebody with this access presses a button.
    Click {
        by: u64,
        access: Permission,
        approve: bool,
    },
    /// Time passes, and what is due is done.
    Due {
        minutes: i64,
    },
    /// The rules change: who is asked, and whether anything is released.
    Rules {
        rules: usize,
        stopped: bool,
        access: Permission,
    },
    /// Whoever counts who is left may have read the rules before.
    Count {
        rule: &'static str,
        is_left: bool,
    },
    /// Somebody takes on the call to GitHub, looks at the world, has an answer, or gives up, all of which takes time.
    Claim,
    Send {
        access: Permission,
        has_moved_on: bool,
    },
    Arrive,
    Retry,
    GiveUp,
    /// The run ends.
    End,
}

fn moves() -> impl Strategy<Value = Vec<Move>> {
    let access = || prop_oneof![Just(Permission::Read), Just(Permission::Write), Just(Permission::Admin)];
    let one = prop_oneof![
        5 => (1..5_u64, access(), prop::bool::weighted(0.8))
            .prop_map(|(by, access, approve)| Move::Click { by, access, approve }),
        3 => (0..25_i64).prop_map(|minutes| Move::Due { minutes }),
        2 => (0..RULES.len(), prop::bool::weighted(0.2), access())
            .prop_map(|(rules, stopped, access)| Move::Rules { rules, stopped, access }),
        1 => (prop_oneof![Just("production"), Just("another")], any::<bool>())
            .prop_map(|(rule, is_left)| Move::Count { rule, is_left }),
        5 => Just(Move::Claim),
        5 => (access(), prop::bool::weighted(0.1))
            .prop_map(|(access, has_moved_on)| Move::Send { access, has_moved_on }),
        3 => Just(Move::Arrive),
        1 => Just(Move::Retry),
        1 => Just(Move::GiveUp),
        1 => prop::bool::weighted(0.1).prop_map(|ends| if ends { Move::End } else { Move::Claim }),
    ];
    prop::collection::vec(one, 1..40)
}

/// Whom rules ask, and when they remind and let others in.
const RULES: [&str; 4] = [
    "writers",
    "admins]\n    remind: [10m, 20m]\n    escalate: [{ after: 10m, to: writers }, { after: 30m, to: codeowners }",
    "admins, 1 of writers]\n    remind: [5m, 45m",
    "codeowners]\n    escalate: [{ after: 20m, to: admins }",
];

fn case(rules: usize, stopped: bool) -> Case {
    let mut case = case_for(RULES[rules], 1);
    assert_ne!(case.judgement.matched_rules, ["admins only"], "the rules can be read");
    case.judgement.stopped = stopped.then(|| "an incident".to_owned());
    if rules == 2 {
        let rule = "another".to_owned();
        case.judgement.matched_rules = vec![rule.clone()];
        case.judgement.quorum.iter_mut().for_each(|asked| asked.rule.clone_from(&rule));
    }
    case
}

fn standing(of: u64, permission: Permission) -> Standing {
    Standing { account: human(of), permission, teams: Vec::new() }
}

/// A server, as far as one request is about it, and what it writes down.
struct Server {
    requests: Vec<Request>,
    now: i64,
    /// Whether GitHub is owed an answer that nobody sends yet, and whether somebody is about to.
    owed: bool,
    claimed: bool,
    records: Vec<Record>,
}

impl Server {
    fn that_holds(case: &Case) -> Self {
        let body =
            json!({"origin": ORIGIN, "vkey": vkey().to_string(), "tenant": {"account_id": ACME, "login": "acme"}});
        let genesis = Record { record_type: RecordType::Genesis, corr: None, body: body.as_object().unwrap().clone() };
        let mut server =
            Self { requests: Vec::new(), now: BEGINNING, owed: false, claimed: false, records: vec![genesis] };
        let opened = server.happens(held(case)).opened.unwrap();
        server.requests.push(opened);
        server
    }

    fn happens(&mut self, event: Event) -> Change {
        let change = step(event, &mut self.requests, self.now);
        self.owed |= change.effects.iter().any(|(_, effect, _)| *effect == Effect::Callback);
        for (request, record) in &change.records {
            let mut body = record.body.clone();
            body.insert("time".into(), self.now.into());
            let record_type = RecordType::from_name(record.kind).unwrap();
            self.records.push(Record { record_type, corr: Some(request.as_str().to_owned()), body });
        }
        change
    }

    fn approvers(&self, access: Permission) -> Vec<Standing> {
        self.requests[0].life.approvals.iter().map(|approval| standing(approval.by.account.id, access)).collect()
    }

    fn go(&mut self, a_move: &Move) {
        let Request { id, digest, life, case: of_now } = self.requests[0].clone();
        let done = |receipt| Event::Done { request: id.clone(), effect: Effect::Callback, receipt };
        match *a_move {
            Move::Click { by, access, approve } => {
                let verdict = if approve { Verdict::Approve } else { Verdict::Deny };
                let (via, saw) = (Channel::CheckRun, Some(digest.tag()));
                let click = Reviewed { request: id, by: standing(by, access), verdict, via, saw };
                self.happens(Event::Reviewed(Box::new(click)));
            }
            Move::Due { minutes } => {
                self.now += minutes * MINUTE + 1;
                self.happens(Event::Due(id));
            }
            Move::Rules { rules, stopped, access } => {
                let (case, approvers) = (case(rules, stopped), self.approvers(access));
                self.happens(Event::Rejudged(Box::new(Rejudged { request: id, from: digest, case, approvers })));
            }
            Move::Count { rule, is_left } => {
                let asked = |record: &Record| record.body.get("matched_rules") == Some(&json!([rule]));
                if self.records.iter().any(asked) {
                    let rules = if is_left { Vec::new() } else { vec![rule.to_owned()] };
                    self.happens(Event::NobodyLeft { request: id, rules });
                }
            }
            Move::Claim if !self.claimed && take(&mut self.owed) => {
                self.claimed = matches!(life.callback, Callback::Owed | Callback::Sent);
            }
            Move::Send { access, has_moved_on } if self.claimed => {
                let Event::Sending(of) = sending(&of_now, &[]) else { unreachable!() };
                let mut sending = Sending { approvers: self.approvers(access), ..*of };
                sending.run.attempt += u32::from(has_moved_on);
                let change = self.happens(Event::Sending(Box::new(sending)));
                self.claimed = change.send.is_some();
                self.owed |= change.wait_until.is_some();
            }
            Move::Arrive if take(&mut self.claimed) && life.callback == Callback::Sent => {
                self.happens(done(Receipt { status: 204, ..Receipt::default() }));
            }
            Move::Retry => self.owed |= take(&mut self.claimed),
            Move::GiveUp if take(&mut self.claimed) => {
                let (effect, error) = (Effect::Callback, "410".to_owned());
                self.happens(Event::GaveUp { request: id, effect, error });
            }
            Move::End => {
                let (run, attempt) = (of_now.subject.run_key(), of_now.subject.run_attempt);
                self.happens(Event::RunEnded { run, attempt });
            }
            Move::Claim | Move::Send { .. } | Move::Arrive | Move::GiveUp => {}
        }
    }
}

fn is_believed(rules: usize, moves: &[Move]) -> Result<Server, TestCaseError> {
    let mut server = Server::that_holds(&case(rules, false));
    moves.iter().for_each(|a_move| server.go(a_move));
    let story = Story { records: server.records.clone() };
    let checked = check(&story.export(), None).map_err(|refusal| refusal.to_string());
    let told = || story.lines().into_iter().map(|line| line + "\n").collect::<String>();
    prop_assert!(checked.is_ok(), "{}\n{}", checked.unwrap_err(), told());
    Ok(server)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn whatever_a_server_goes_through_its_log_is_believed(rules in 0..RULES.len(), moves in moves()) {
        is_believed(rules, &moves)?;
    }
}

/// A server that judges anew looks first whether the time is over, whatever the new rules ask.
#[test]
fn what_is_over_when_it_is_judged_again_expires_although_the_new_rules_are_met() {
    let mut server = Server::that_holds(&case(1, false));
    server.go(&Move::Click { by: 2, access: Permission::Write, approve: true });
    server.now += 48 * 60 * MINUTE;
    server.go(&Move::Rules { rules: 0, stopped: false, access: Permission::Write });
    let decided = server.records.iter().find(|record| record.record_type == RecordType::DecisionRecorded).unwrap();
    assert_eq!(decided.body["outcome"], "expired");
    let audited = audit_opened(&Story { records: server.records }, &[]);
    assert!(audited.status.success(), "{audited:?}");
}

/// The property above says nothing unless much of it happens.
#[test]
fn a_server_reminds_lets_in_holds_takes_back_and_gives_up() {
    let stopped = |stopped, access| Move::Rules { rules: 1, stopped, access };
    let send = |access| Move::Send { access, has_moved_on: false };
    let click = |by, access| Move::Click { by, access, approve: true };
    let (write, admin) = (Permission::Write, Permission::Admin);
    let moves = [
        Move::Count { rule: "production", is_left: false },
        Move::Due { minutes: 12 },
        click(2, write),
        Move::Claim,
        stopped(true, write),
        send(write),
        Move::Claim,
        send(admin),
        Move::Claim,
        stopped(false, admin),
        Move::GiveUp,
    ];
    let server = is_believed(1, &moves).unwrap();
    for kind in [
        RecordType::RequestUnmeetable,
        RecordType::RequestEscalated,
        RecordType::RequestReminded,
        RecordType::ReleaseHeld,
        RecordType::DecisionVoided,
        RecordType::RequestRejudged,
        RecordType::ReviewWeighed,
        RecordType::EffectFailed,
    ] {
        assert!(server.records.iter().any(|record| record.record_type == kind), "{kind}");
    }
}
