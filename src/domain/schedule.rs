//! When something recurring is due: a cron expression of five fields, in UTC.

use chrono::{DateTime, Utc};

use super::Millis;
use super::policy::freeze;

/// A schedule.
#[derive(Clone, Debug)]
pub struct Schedule(Box<cron::Schedule>);

impl Schedule {
    /// Reads `minute hour day month weekday`.
    ///
    /// # Errors
    /// What is wrong with it, and what to write.
    pub fn parse(text: &str) -> Result<Self, String> {
        freeze::cron(text).map(Self)
    }

    /// The first moment after this one at which it is due; nothing when that is never.
    #[must_use]
    pub fn next_after(&self, at: Millis) -> Option<Millis> {
        let at: DateTime<Utc> = DateTime::from_timestamp_millis(at)?;
        self.0.after(&at).next().map(|next| next.timestamp_millis())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2026-11-29 06:00:00 UTC, a Sunday.
    const SUNDAY: Millis = 1_795_932_000_000;
    const DAY: Millis = 24 * 3_600_000;

    #[test]
    fn it_is_due_strictly_later_in_utc() {
        let weekly = Schedule::parse("0 6 * * SUN").unwrap();
        assert_eq!(weekly.next_after(SUNDAY - 1), Some(SUNDAY));
        assert_eq!(weekly.next_after(SUNDAY), Some(SUNDAY + 7 * DAY));
    }

    #[test]
    fn what_is_no_schedule_says_what_to_write() {
        for (text, says) in [
            ("monthly", "write five"),
            ("@daily", "five fields"),
            ("2026-12-20", "a date"),
            ("0 6 * * 0", "write a name"),
        ] {
            let error = Schedule::parse(text).unwrap_err();
            assert!(error.contains(says), "{text}: {error}");
        }
    }
}
