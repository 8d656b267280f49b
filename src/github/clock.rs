//! The wall clock, and GitHub's way to write an instant.

use std::time::{SystemTime, UNIX_EPOCH};

use crate::domain::Millis;

/// Now.
pub(super) fn now() -> Millis {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| Millis::try_from(since.as_millis()).unwrap_or(Millis::MAX))
}

/// Reads GitHub's `2026-11-22T10:00:00Z` (RFC 3339 in UTC; fractions of a second are dropped).
pub(super) fn parse(text: &str) -> Option<Millis> {
    let (date, time) = text.strip_suffix('Z')?.split_once('T')?;
    let [year, month, day] = numbers(date, '-')?;
    let [hour, minute, second] = numbers(time.split('.').next()?, ':')?;
    let is_possible = (1970..=9999).contains(&year)
        && (1..=12).contains(&month)
        && (1..=31).contains(&day)
        && hour < 24
        && minute < 60
        && second <= 60;
    is_possible.then(|| (days_since_epoch(year, month, day) * 86_400 + hour * 3_600 + minute * 60 + second) * 1_000)
}

fn numbers(text: &str, separator: char) -> Option<[i64; 3]> {
    let mut parts = text.split(separator);
    let mut next = || parts.next()?.parse::<i64>().ok().filter(|number| *number >= 0);
    let numbers = [next()?, next()?, next()?];
    parts.next().is_none().then_some(numbers)
}

/// Days since 1970-01-01 in the Gregorian calendar. Years are counted from March, so that leap days come last.
fn days_since_epoch(year: i64, month: i64, day: i64) -> i64 {
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let day_of_year = (153 * month + 2) / 5 + day - 1;
    365 * year + year / 4 - year / 100 + year / 400 + day_of_year - 719_468
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn github_times_are_read() {
        assert_eq!(parse("1970-01-01T00:00:00Z"), Some(0));
        assert_eq!(parse("2000-02-29T12:00:00Z"), Some(951_825_600_000));
        assert_eq!(parse("2026-11-22T10:00:01.5Z"), Some(1_795_341_601_000));
    }

    #[test]
    fn anything_else_is_no_time() {
        for text in
            ["", "yesterday", "2026-11-22", "2026-13-01T00:00:00Z", "2026-11-22T10:00:00+02:00", "-1-1-1T0:0:0Z"]
        {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
