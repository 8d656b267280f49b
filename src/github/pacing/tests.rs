use super::*;
use Urgency::{Answer, Decision, Note, Opening};

const HERE: u64 = 7;
const ELSEWHERE: u64 = 8;

/// How many writes of this urgency fit at this instant.
fn fit(pacer: &mut Pacer, urgency: Urgency, now: Millis) -> usize {
    (0..10_000).take_while(|_| pacer.try_take(HERE, urgency, now).is_ok()).count()
}

#[test]
fn openings_leave_a_fifth_of_the_minute_to_decisions() {
    let mut pacer = Pacer::new(Limits::default());
    assert_eq!(fit(&mut pacer, Opening, 0), 64);
    assert_eq!(fit(&mut pacer, Decision, 0), 16);
    assert_eq!(pacer.try_take(HERE, Decision, 1_000), Err(Until(60_000)));
    assert_eq!(pacer.try_take(HERE, Decision, 60_000), Ok(()));
}

#[test]
fn no_more_than_the_hours_budget_goes_out_in_any_hour() {
    let mut pacer = Pacer::new(Limits::default());
    let mut taken = Vec::new();
    for now in (0..2 * HOUR).step_by(10 * 1_000) {
        taken.extend((0..fit(&mut pacer, Answer, now)).map(|_| now));
    }
    for start in (0..HOUR).step_by(60_000) {
        let in_hour = taken.iter().filter(|at| (start..start + HOUR).contains(*at)).count();
        assert!(in_hour <= 500, "{in_hour} from {start}");
        let in_minute = taken.iter().filter(|at| (start..start + MINUTE).contains(*at)).count();
        assert!(in_minute <= 80, "{in_minute} from {start}");
    }
    assert!(taken.len() >= 1_000, "{}", taken.len());
}

#[test]
fn reads_use_up_points_that_writes_need() {
    let mut pacer = Pacer::new(Limits { writes_per_minute: 0, writes_per_hour: 0, ..Limits::default() });
    for _ in 0..400 {
        pacer.count_read(HERE, 0);
    }
    assert_eq!(fit(&mut pacer, Opening, 0), 64, "(720 - 400) / 5");
    assert_eq!(fit(&mut pacer, Decision, 0), 36, "(900 - 720) / 5");
    assert_eq!(fit(&mut pacer, Decision, 61_000), 180);
}

#[test]
fn at_one_write_a_second_a_waiting_decision_goes_before_any_opening() {
    let mut pacer = Pacer::new(Limits { writes_per_second: 1, ..Limits::NONE });
    assert_eq!(pacer.try_take(HERE, Opening, 0), Ok(()));
    assert_eq!(pacer.try_take(HERE, Decision, 100), Err(Until(1_000)));
    // The opening asks first, and still has to wait.
    assert_eq!(pacer.try_take(HERE, Opening, 1_000), Err(Until(1_000 + GRACE)));
    assert_eq!(pacer.try_take(HERE, Decision, 1_001), Ok(()));
    assert_eq!(pacer.try_take(HERE, Opening, 2_001), Ok(()));
}

#[test]
fn a_decision_that_never_comes_back_does_not_hold_openings_up() {
    let mut pacer = Pacer::new(Limits { writes_per_second: 1, ..Limits::NONE });
    assert_eq!(pacer.try_take(HERE, Opening, 0), Ok(()));
    assert!(pacer.try_take(HERE, Decision, 100).is_err());
    assert_eq!(pacer.try_take(HERE, Opening, 1_000 + GRACE), Ok(()));
}

#[test]
fn when_github_says_stop_everything_stops_and_decisions_go_on_first() {
    let mut pacer = Pacer::new(Limits::NONE);
    pacer.block(HERE, 5_000);
    pacer.block(HERE, 3_000);
    assert_eq!(pacer.block_of(HERE, 4_999), Some(5_000));
    assert_eq!(pacer.block_of(HERE, 5_000), None);
    assert_eq!(pacer.try_take(HERE, Opening, 4_000), Err(Until(5_000 + STEP)));
    assert_eq!(pacer.try_take(HERE, Decision, 4_000), Err(Until(5_000)));
    assert!(pacer.try_take(HERE, Note, 5_000).is_err());
    assert_eq!(pacer.try_take(HERE, Decision, 5_000), Ok(()));
    assert_eq!(pacer.try_take(HERE, Opening, 5_000 + STEP), Ok(()));
}

#[test]
fn installations_do_not_wait_for_each_other() {
    let mut pacer = Pacer::new(Limits::default());
    fit(&mut pacer, Opening, 0);
    assert_eq!(pacer.saturated(Opening, 0), [7]);
    assert!(pacer.saturated(Decision, 0).is_empty());
    assert_eq!(pacer.may(HERE, Opening, 0), Err(Until(60_000)));
    assert_eq!(pacer.may(ELSEWHERE, Opening, 0), Ok(()));
}

#[test]
fn the_last_twentieth_of_the_hourly_limit_is_for_decisions() {
    let mut pacer = Pacer::new(Limits::NONE);
    let quota = |remaining| Quota { remaining: Some(remaining), limit: Some(5_000), reset: Some(9_000), is_core: true };
    pacer.learn(HERE, quota(250));
    assert_eq!(pacer.may(HERE, Opening, 0), Ok(()));
    pacer.learn(HERE, quota(249));
    assert_eq!(pacer.may(HERE, Opening, 0), Err(Until(9_000)));
    assert_eq!(pacer.may(HERE, Decision, 0), Ok(()));
    pacer.learn(HERE, quota(0));
    assert_eq!(pacer.may(HERE, Decision, 0), Err(Until(9_000)));
    // GraphQL has a limit of its own: it says nothing about writes.
    pacer.learn(ELSEWHERE, Quota { is_core: false, ..quota(0) });
    assert_eq!(pacer.may(ELSEWHERE, Decision, 0), Ok(()));
}

#[test]
fn without_limits_nothing_is_remembered_and_nothing_waits() {
    let mut pacer = Pacer::new(Limits::NONE);
    assert_eq!(fit(&mut pacer, Opening, 0), 10_000);
    pacer.count_read(HERE, 0);
    assert!(pacer.budgets.values().all(|budget| budget.writes.is_empty() && budget.points.is_empty()));
}

#[test]
fn idle_installations_are_forgotten() {
    let mut pacer = Pacer::new(Limits::default());
    for installation in 0..3 * 1_024 {
        let _ = pacer.try_take(installation, Opening, Millis::try_from(installation).unwrap() * HOUR);
    }
    assert!(pacer.budgets.len() <= REMEMBERED + 1, "{}", pacer.budgets.len());
}

#[test]
fn once_github_complained_openings_keep_their_distance_and_decisions_go_ahead() {
    let mut pacer = Pacer::new(Limits::NONE);
    assert!(fit(&mut pacer, Opening, 0) > 1_000);
    pacer.block(HERE, 1_000);
    pacer.block(HERE, 1_050); // The answer to another call of the same moment.
    assert!(fit(&mut pacer, Decision, 1_050) > 1_000);
    assert_eq!(fit(&mut pacer, Opening, 1_050), 0);
    let openings = |pacer: &mut Pacer, from: Millis| {
        (from..from + 20_000).step_by(100).map(|now| fit(pacer, Opening, now)).sum::<usize>()
    };
    assert_eq!(openings(&mut pacer, 2_000), 20, "one a second");
    pacer.block(HERE, 30_000);
    assert_eq!(openings(&mut pacer, 32_000), 10, "one every two seconds");
    assert!(fit(&mut pacer, Opening, 30_000 + CALM + 1) > 1_000, "as before");
}
