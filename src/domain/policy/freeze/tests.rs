use proptest::prelude::*;

use super::*;

const MINUTE: Millis = 60_000;
const DAY: Millis = 24 * 60 * MINUTE;

fn at(time: &str) -> Millis {
    DateTime::parse_from_rfc3339(&time.replace('Z', ":00Z")).unwrap().timestamp_millis()
}

fn time(at: Millis) -> String {
    DateTime::from_timestamp_millis(at).unwrap().format("%Y-%m-%dT%H:%MZ").to_string()
}

fn freeze(zone: &str, from: &str, to: &str) -> Freeze {
    Freeze::new("quiet", zone, from, to, vec![]).unwrap()
}

fn weekend() -> Freeze {
    freeze("Europe/Berlin", "0 18 * * FRI", "0 8 * * MON")
}

/// Frozen from exactly the first moment until exactly the second.
fn assert_frozen(freeze: &Freeze, from: &str, until: &str) {
    let until_of = |moment| freeze.frozen_until(moment).map(time);
    assert_eq!(until_of(at(from) - 1), None, "before {from}");
    assert_eq!(until_of(at(from)).as_deref(), Some(until), "at {from}");
    assert_eq!(until_of(at(until) - 1).as_deref(), Some(until), "just before {until}");
    assert_eq!(until_of(at(until)), None, "at {until}");
}

fn complaint(zone: &str, from: &str, to: &str) -> String {
    let (field, message) = Freeze::new("quiet", zone, from, to, vec![]).unwrap_err();
    format!("{field:?}: {message}")
}

#[test]
fn a_weekend_in_berlin_begins_and_ends_on_the_wall_clock_when_the_clocks_change_within_it() {
    assert_frozen(&weekend(), "2026-03-27T17:00Z", "2026-03-30T06:00Z");
    assert_frozen(&weekend(), "2026-10-23T16:00Z", "2026-10-26T07:00Z");
    assert_frozen(&weekend(), "2026-07-03T16:00Z", "2026-07-06T06:00Z");
}

#[test]
fn a_night_in_new_york_follows_new_yorks_clocks() {
    let night = freeze("America/New_York", "0 22 * * MON-FRI", "0 6 * * TUE-SAT");
    assert_frozen(&night, "2026-03-06T03:00Z", "2026-03-06T11:00Z");
    assert_frozen(&night, "2026-03-10T02:00Z", "2026-03-10T10:00Z");
}

#[test]
fn an_edge_that_the_clocks_skip_comes_when_they_go_on() {
    // 02:30 does not exist in Berlin on 29 March 2026: 02:00 is 03:00.
    assert_frozen(&freeze("Europe/Berlin", "30 2 * * SUN", "0 6 * * SUN"), "2026-03-29T01:00Z", "2026-03-29T04:00Z");
    assert_frozen(&freeze("Europe/Berlin", "0 1 * * SUN", "30 2 * * SUN"), "2026-03-29T00:00Z", "2026-03-29T01:00Z");
    // Samoa had no 30 December 2011.
    assert_frozen(&freeze("Pacific/Apia", "2011-12-30T12:00", "2012-01-01"), "2011-12-30T10:00Z", "2011-12-31T10:00Z");
}

#[test]
fn an_hour_that_comes_twice_begins_a_freeze_the_first_time_and_ends_one_the_second_time() {
    // Berlin's clocks show 02:30 at 00:30Z and at 01:30Z on 25 October 2026.
    assert_frozen(&freeze("Europe/Berlin", "30 2 * * SUN", "0 6 * * SUN"), "2026-10-25T00:30Z", "2026-10-25T05:00Z");
    assert_frozen(&freeze("Europe/Berlin", "0 1 * * SUN", "30 2 * * SUN"), "2026-10-24T23:00Z", "2026-10-25T01:30Z");
    assert_frozen(
        &freeze("Europe/Berlin", "2026-10-25T02:15", "2026-10-25T02:45"),
        "2026-10-25T00:15Z",
        "2026-10-25T01:45Z",
    );
}

#[test]
fn a_pause_within_the_hour_that_comes_twice_is_lost_rather_than_the_freeze_after_it() {
    let but_half_an_hour = freeze("Europe/Berlin", "45 2 * * *", "15 2 * * *");
    assert_frozen(&but_half_an_hour, "2026-10-24T00:45Z", "2026-10-26T01:15Z");
}

#[test]
fn a_window_within_the_skipped_hour_does_not_freeze_the_day_after_it() {
    let short = freeze("Europe/Berlin", "15 2 * * *", "45 2 * * *");
    assert_frozen(&short, "2026-03-28T01:15Z", "2026-03-28T01:45Z");
    assert_eq!(short.frozen_until(at("2026-03-29T01:00Z")), None);
    assert_frozen(&short, "2026-03-30T00:15Z", "2026-03-30T00:45Z");
}

#[test]
fn christmas_is_frozen_once() {
    assert_frozen(&freeze("Europe/Berlin", "2026-12-20", "2027-01-02T08:00"), "2026-12-19T23:00Z", "2027-01-02T07:00Z");
}

#[test]
fn a_freeze_that_is_over_holds_nothing() {
    let past = freeze("Europe/Berlin", "2025-12-20", "2026-01-02");
    assert_eq!(frozen(&[past], "production", at("2026-01-02T00:00Z")), None);
}

#[test]
fn a_leap_day_is_frozen_in_leap_years_only() {
    let leap = freeze("UTC", "0 0 29 2 *", "0 0 1 3 *");
    assert_frozen(&leap, "2028-02-29T00:00Z", "2028-03-01T00:00Z");
    assert_eq!(leap.frozen_until(at("2027-02-28T12:00Z")), None);
    assert_eq!(leap.frozen_until(at("2027-03-01T12:00Z")), None);
}

#[test]
fn where_one_window_ends_and_the_next_begins_the_freeze_goes_on() {
    // Tuesday's window ends as Wednesday's begins; Thursday's ends and nothing follows.
    let days = freeze("UTC", "0 9 * * TUE,WED,THU", "0 9 * * WED,THU,FRI");
    assert_frozen(&days, "2026-03-03T09:00Z", "2026-03-06T09:00Z");
}

#[test]
fn weekdays_and_months_run_around_the_end_as_people_say_them() {
    assert_frozen(&freeze("UTC", "0 0 * * SAT-SUN", "0 0 * * SUN-MON"), "2026-03-07T00:00Z", "2026-03-09T00:00Z");
    assert_frozen(&freeze("UTC", "0 0 1 NOV-FEB *", "0 0 2 nov-feb *"), "2027-02-01T00:00Z", "2027-02-02T00:00Z");
}

#[test]
fn freezes_that_overlap_are_followed_to_the_last_end() {
    let christmas = Freeze::new("christmas", "UTC", "2026-12-20", "2026-12-27", vec![]).unwrap();
    let inventory = Freeze::new("inventory", "UTC", "2026-12-26", "2026-12-31", vec![]).unwrap();
    let new_year = Freeze::new("new year", "UTC", "2026-12-31", "2027-01-04", vec![]).unwrap();
    let all = [new_year, christmas, inventory];
    let told = |now| frozen(&all, "production", at(now)).map(|f| (f.name, f.until.map(time)));

    let end = || Some("2027-01-04T00:00Z".to_owned());
    assert_eq!(told("2026-12-21T00:00Z"), Some(("christmas".to_owned(), end())));
    assert_eq!(told("2026-12-26T12:00Z"), Some(("inventory".to_owned(), end())));
    assert_eq!(told("2027-01-04T00:00Z"), None);
}

#[test]
fn two_freezes_that_leave_no_pause_between_them_have_no_end() {
    let days = Freeze::new("days", "UTC", "0 8 * * *", "0 20 * * *", vec![]).unwrap();
    let nights = Freeze::new("nights", "UTC", "0 20 * * *", "0 8 * * *", vec![]).unwrap();
    let told = frozen(&[days, nights], "production", at("2026-03-02T09:00Z"));
    assert_eq!(told, Some(Frozen { name: "days".to_owned(), until: None }));
}

#[test]
fn a_freeze_is_for_the_environments_it_names_and_without_names_for_all() {
    let prod = Freeze::new("quiet", "UTC", "2026-12-20", "2026-12-27", vec!["prod*".to_owned()]).unwrap();
    let now = at("2026-12-21T00:00Z");
    assert!(frozen(std::slice::from_ref(&prod), "Production", now).is_some(), "as for GitHub, case does not matter");
    assert!(frozen(&[prod], "staging", now).is_none());
    assert!(frozen(&[freeze("UTC", "2026-12-20", "2026-12-27")], "staging", now).is_some());
}

#[test]
fn a_time_no_calendar_reaches_is_frozen() {
    assert_eq!(weekend().frozen_until(Millis::MIN), Some(NEVER));
    assert_eq!(weekend().frozen_until(Millis::MAX), Some(NEVER));
}

#[test]
fn a_freeze_is_recorded_as_it_was_written_and_what_was_tampered_with_is_refused() {
    let recorded = serde_json::to_string(&weekend()).unwrap();
    let written = r#"{"name":"quiet","zone":"Europe/Berlin","from":"0 18 * * FRI","to":"0 8 * * MON"}"#;
    assert_eq!(recorded, written);
    assert_eq!(serde_json::from_str::<Freeze>(&recorded).unwrap(), weekend());
    assert!(serde_json::from_str::<Freeze>(&written.replace("FRI", "6")).is_err());
}

#[test]
fn what_cannot_be_read_is_told_with_what_to_write() {
    let zone = |zone| complaint(zone, "2026-12-20", "2026-12-27");
    let from = |from| complaint("UTC", from, "0 8 * * MON");
    insta::assert_snapshot!([
        zone("Europe/Berln"),
        zone("new york"),
        zone("europe/berlin"),
        zone("CEST"),
        zone("+01:00"),
        zone("EST"),
        zone("Etc/GMT+5"),
        zone(""),
        from("0 18 * * 5"),
        from("0 18 * * 1-5"),
        from("0 18 * * FRYDAY"),
        from("0 18 * * FRI#2"),
        from("0 18 L * *"),
        from("0 18 ? * FRI"),
        from("0 18 * * */2"),
        from("0 0 18 * * FRI"),
        from("0 0 18 * * FRI 2026"),
        from("18 FRI"),
        from("@weekly"),
        from("* 18 * * FRI"),
        from("0 24 * * *"),
        from("0 22-6 * * *"),
        from("0 5/6 * * *"),
        from("0 18 1 FRI *"),
        from("0 18 13 * FRI"),
        from("0 18 30 2 *"),
        from("0 18, * * *"),
        from("2026-12-20"),
        from(""),
        complaint("UTC", "0 8 * * MON", "2026-12-20"),
        complaint("UTC", "0 8 * * MON", "0 8 * * MON"),
        complaint("UTC", "2026-02-30", "2026-03-01"),
        complaint("UTC", "2026-12-20", "2026-12-20"),
        complaint("UTC", "2026-12-20 18:00", "2026-12-27"),
        complaint("UTC", "2026-12-20T18:00Z", "2026-12-27"),
        complaint("UTC", "2026-12-20T25:00", "2026-12-27"),
        complaint("UTC", "20.12.2026", "2026-12-27"),
    ].join("\n"), @r#"
    Zone: there is no time zone `Europe/Berln`; did you mean `Europe/Berlin`?
    Zone: there is no time zone `new york`; did you mean `America/New_York`?
    Zone: there is no time zone `europe/berlin`; did you mean `Europe/Berlin`?
    Zone: `CEST` is no time zone; write a place of the IANA list, like `Europe/Berlin`, or `UTC`
    Zone: `+01:00` is no time zone; write a place of the IANA list, like `Europe/Berlin`, or `UTC`
    Zone: `EST` is no place; write one, like `America/New_York`, or `UTC`
    Zone: `Etc/GMT+5`: the sign of these zones is the wrong way round; write a place, or `UTC`
    Zone: this is empty; write a place of the IANA list, like `Europe/Berlin`, or `UTC`
    From: `5` is no weekday; write a name, like `FRI` or `MON-FRI` (programs disagree on which day is 1)
    From: `1` is no weekday; write a name, like `FRI` or `MON-FRI` (programs disagree on which day is 1)
    From: `FRYDAY` is no weekday; write a name, like `FRI` or `MON-FRI`
    From: `FRI#2`: `L`, `W`, `#` and `?` are not plain cron; write the weekday itself, or `*`
    From: `L`: `L`, `W`, `#` and `?` are not plain cron; write the day of the month itself, or `*`
    From: `?`: `L`, `W`, `#` and `?` are not plain cron; write the day of the month itself, or `*`
    From: `*/2` is no step for the weekday; write what is meant, like `MON`
    From: this has 6 fields; write five, like `0 18 * * FRI` (minute, hour, day, month, weekday), or a date like `2026-12-20`
    From: this has 7 fields; write five, like `0 18 * * FRI` (minute, hour, day, month, weekday), or a date like `2026-12-20`
    From: this has 2 fields; write five, like `0 18 * * FRI` (minute, hour, day, month, weekday), or a date like `2026-12-20`
    From: `@weekly` is a nickname; write the five fields, like `0 18 * * FRI` (minute, hour, day, month, weekday)
    From: `*` is every minute of the hour; write the one that is meant, like `0 18 * * FRI` (minute, hour, day, month, weekday)
    From: `24` is no hour; write 0 to 23
    From: `22-6` runs backwards; write two ranges, separated by a comma
    From: `5/6` is no step for the hour; write what is meant, like `1,11,21`
    From: `FRI` is no month; write 1 to 12 or `JAN` to `DEC`
    From: day of the month `13` and weekday `FRI`: programs disagree whether one or both must fit; write `*` for one of them
    From: this day never comes
    From: the hour is missing before or after `,` or `-`
    To: `from` is a date and `to` is a cron expression; write two dates or two cron expressions
    From: this is empty; write a date like `2026-12-20`, or a cron expression like `0 18 * * FRI` (minute, hour, day, month, weekday)
    To: `from` is a cron expression and `to` is a date; write two dates or two cron expressions
    To: this freeze never ends: wherever it ends it begins again
    From: there is no `2026-02-30` between 1970 and 2099
    To: `to` is not after `from`
    From: `2026-12-20 18:00` does not read like `2026-12-20` or `2026-12-20T18:00`; the time zone is said by `zone`
    From: `2026-12-20T18:00Z` does not read like `2026-12-20` or `2026-12-20T18:00`; the time zone is said by `zone`
    From: there is no `2026-12-20T25:00` between 1970 and 2099
    From: this has 1 field; write five, like `0 18 * * FRI` (minute, hour, day, month, weekday), or a date like `2026-12-20`
    "#);

    let environments = vec!["production".to_owned(), "prod-[".to_owned()];
    let (field, _) = Freeze::new("quiet", "UTC", "2026-12-20", "2026-12-27", environments).unwrap_err();
    assert_eq!(field, Field::Environment(1));
    assert_eq!(Freeze::new(" ", "UTC", "2026-12-20", "2026-12-27", vec![]).unwrap_err().0, Field::Name);
}

fn any_zone() -> impl Strategy<Value = &'static str> {
    proptest::sample::select(vec![
        "UTC",
        "Europe/Berlin",
        "America/New_York",
        "Australia/Lord_Howe",
        "Asia/Kathmandu",
        "America/Sao_Paulo",
        "Pacific/Apia",
        "Africa/Cairo",
    ])
}

fn any_cron() -> impl Strategy<Value = String> {
    let minute = proptest::sample::select(vec!["0", "30", "15,45", "59"]);
    let hour = proptest::sample::select(vec!["*", "*/6", "0", "1,2,3", "2", "8-18", "23"]);
    let days = proptest::sample::select(vec![
        "* * *",
        "* * FRI",
        "* * MON-FRI",
        "* * SAT-SUN",
        "1 * *",
        "29 2 *",
        "* MAR,OCT *",
    ]);
    (minute, hour, days).prop_map(|(minute, hour, days)| format!("{minute} {hour} {days}"))
}

/// Moments near which something happens: the clock changes of 2026 in Berlin and New York, and any.
fn any_moment() -> impl Strategy<Value = Millis> {
    let changes = ["2026-03-29T01:00Z", "2026-10-25T01:00Z", "2026-03-08T07:00Z", "2026-11-01T06:00Z"].map(at).to_vec();
    prop_oneof![
        (proptest::sample::select(changes), -2 * DAY..2 * DAY).prop_map(|(change, by)| change + by),
        at("2000-01-01T00:00Z")..at("2060-01-01T00:00Z"),
    ]
}

proptest! {
    #[test]
    fn what_is_frozen_stays_so_until_the_end_that_was_told_and_no_longer(
        zone in any_zone(), from in any_cron(), to in any_cron(), now in any_moment(), part in 0.0..1.0_f64,
    ) {
        let Ok(freeze) = Freeze::new("quiet", zone, from, to, vec![]) else { return Ok(()) };
        if let Some(until) = freeze.frozen_until(now) {
            prop_assert!(until > now);
            prop_assert_eq!(freeze.frozen_until(until), None);
            let between = now + ((until - now) as f64 * part) as Millis;
            prop_assert_eq!(freeze.frozen_until(between.min(until - 1)), Some(until));
        }
    }

    #[test]
    fn a_freeze_freezes_at_least_what_its_edges_say_in_a_zone_without_clock_changes(
        from in any_cron(), to in any_cron(), now in any_moment(),
    ) {
        let Ok(freeze) = Freeze::new("quiet", "UTC", &from, &to, vec![]) else { return Ok(()) };
        // Minute by minute, as one would do it by hand: the last edge before now tells, and a begin wins a tie.
        let edges = [&from, &to].map(|text| match edge::read(text) {
            Ok(Edge::Cron(schedule)) => schedule,
            _ => unreachable!("a cron expression"),
        });
        let ticks = |edge: &Schedule, minute: Millis| edge.includes(DateTime::from_timestamp_millis(minute).unwrap());
        let minutes = (0..3 * 24 * 60).map(|back| now - now.rem_euclid(MINUTE) - back * MINUTE);
        let by_hand = minutes.filter_map(|minute| {
            if ticks(&edges[0], minute) { Some(true) } else { ticks(&edges[1], minute).then_some(false) }
        }).next();
        if let Some(by_hand) = by_hand {
            prop_assert_eq!(freeze.frozen_until(now).is_some(), by_hand);
        }
    }

    #[test]
    fn no_text_makes_it_panic(zone in ".{0,20}", from in "[0-9*/,LW#?@A-Za-z -]{0,24}", to in ".{0,20}", now in any::<i64>()) {
        let _ = Freeze::new("quiet", zone, from.clone(), to, vec![]);
        if let Ok(freeze) = Freeze::new("quiet", "Europe/Berlin", from, "0 8 * * MON", vec![]) {
            let _ = freeze.frozen_until(now);
        }
    }
}
