//! Time zones: their names, and what a time on the local clock means where clocks skip an hour or show one twice.

use chrono::{DateTime, MappedLocalTime, NaiveDateTime, Offset, TimeDelta, TimeZone};
use chrono_tz::{TZ_VARIANTS, Tz};

use super::super::words;
use crate::domain::Millis;

/// Clocks have been moved by a day, and stand up to 14 hours from UTC.
const FAR: i64 = 26 * 60 * 60;

/// Reads the name of a zone.
pub(super) fn read(text: &str) -> Result<Tz, String> {
    let Ok(zone) = text.parse::<Tz>() else {
        let near = near(text);
        return Err(if near.is_empty() {
            let what =
                if text.trim().is_empty() { "this is empty".to_owned() } else { format!("`{text}` is no time zone") };
            format!("{what}; write a place of the IANA list, like `Europe/Berlin`, or `UTC`")
        } else {
            format!("there is no time zone `{text}`; did you mean `{}`?", near.join("`, `"))
        });
    };
    if text.starts_with("Etc/GMT") {
        return Err(format!("`{text}`: the sign of these zones is the wrong way round; write a place, or `UTC`"));
    }
    // `EST` is five hours behind all summer, and few who write it mean that.
    if !text.contains('/') && zone != Tz::UTC {
        return Err(format!("`{text}` is no place; write one, like `America/New_York`, or `UTC`"));
    }
    Ok(zone)
}

/// The names that may be meant, at most three.
fn near(text: &str) -> Vec<&'static str> {
    let names =
        || TZ_VARIANTS.iter().map(|zone| zone.name()).filter(|name| name.contains('/') && !name.starts_with("Etc/"));
    let city = |name: &'static str| name.rsplit('/').next().unwrap_or(name);
    let meant = text.trim().replace(' ', "_");
    let mut found: Vec<_> = names()
        .filter(|name| name.eq_ignore_ascii_case(&meant) || city(name).eq_ignore_ascii_case(&meant))
        .take(3)
        .collect();
    if found.is_empty() {
        found.extend(words::nearest(&meant, names()));
    }
    // Short words (`CEST`, `+01:00`) are near to some city, and mean none.
    if found.is_empty() && meant.len() >= 6 {
        let own = meant.rsplit('/').next().unwrap_or_default();
        let slip = words::nearest(own, names().map(city));
        found.extend(names().filter(|name| Some(city(name)) == slip).take(3));
    }
    found
}

/// The first moment at which the clock shows a time, or is past it when it skips it.
pub(super) fn first(zone: Tz, local: NaiveDateTime) -> Millis {
    match zone.offset_from_local_datetime(&local) {
        MappedLocalTime::Single(offset) => moment(local, &offset),
        MappedLocalTime::Ambiguous(one, other) => moment(local, &one).min(moment(local, &other)),
        MappedLocalTime::None => after_gap(zone, local),
    }
}

/// The last moment at which the clock shows a time, or the first past it when it skips it.
pub(super) fn last(zone: Tz, local: NaiveDateTime) -> Millis {
    match zone.offset_from_local_datetime(&local) {
        MappedLocalTime::Single(offset) => moment(local, &offset),
        MappedLocalTime::Ambiguous(one, other) => moment(local, &one).max(moment(local, &other)),
        MappedLocalTime::None => after_gap(zone, local),
    }
}

/// The latest time that the clock has shown until now.
pub(super) fn latest_reading(zone: Tz, now: Millis) -> NaiveDateTime {
    let seconds = now.div_euclid(1000);
    let ahead = ahead(zone, seconds).max(ahead(zone, seconds - FAR));
    utc(seconds + ahead)
}

fn moment(local: NaiveDateTime, offset: &impl Offset) -> Millis {
    (local - TimeDelta::seconds(offset.fix().local_minus_utc().into())).and_utc().timestamp_millis()
}

fn after_gap(zone: Tz, local: NaiveDateTime) -> Millis {
    let skipped = local.and_utc().timestamp();
    let is_past = |second: i64| second + ahead(zone, second) > skipped;
    let (mut before, mut after) = (skipped - FAR, skipped + FAR);
    while after - before > 1 {
        let middle = before.midpoint(after);
        if is_past(middle) { after = middle } else { before = middle }
    }
    after * 1000
}

/// How many seconds the clock is ahead of UTC.
fn ahead(zone: Tz, second: i64) -> i64 {
    zone.offset_from_utc_datetime(&utc(second)).fix().local_minus_utc().into()
}

fn utc(second: i64) -> NaiveDateTime {
    DateTime::from_timestamp(second, 0).unwrap_or_default().naive_utc()
}
