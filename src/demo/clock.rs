//! The wall clock, in the two shapes GitHub writes it.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Microseconds since the Unix epoch.
pub(super) fn micros() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
    u64::try_from(since.as_micros()).unwrap_or(u64::MAX)
}

/// Seconds since the Unix epoch.
pub(super) fn seconds() -> u64 {
    micros() / 1_000_000
}

/// Now, as `2026-11-22T08:00:00Z`.
pub(super) fn now() -> String {
    iso(seconds())
}

/// Seconds since the Unix epoch as `2026-11-22T08:00:00Z`.
///
/// Days to civil date after Howard Hinnant, "chrono-compatible low-level date algorithms".
pub(super) fn iso(seconds: u64) -> String {
    let days = seconds / 86_400 + 719_468;
    let era = days / 146_097;
    let day_of_era = days % 146_097;
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    let year = era * 400 + year_of_era + u64::from(month <= 2);
    let (hour, minute, second) = (seconds / 3_600 % 24, seconds / 60 % 60, seconds % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_leap_day_is_written_as_github_writes_it() {
        assert_eq!(super::iso(1_709_210_096), "2024-02-29T12:34:56Z");
        assert_eq!(super::iso(0), "1970-01-01T00:00:00Z");
    }
}
