//! Freeze windows: times in which nothing is released. Whoever wonders whether a moment is frozen asks here; the clock is
//! theirs.
//!
//! Every doubt makes a freeze longer, never shorter: an edge that the clocks skip comes when they go on, an hour that comes
//! twice begins a freeze the first time and ends one the second time.

mod edge;
mod zone;

use std::sync::Arc;

use chrono::{DateTime, NaiveDateTime, TimeZone, Utc};
use chrono_tz::Tz;
use cron::Schedule;
use serde::{Deserialize, Serialize};

use self::edge::Edge;
use super::glob::{Glob, Spelling};
use crate::domain::Millis;

/// The end of a freeze whose end cannot be told: later than any moment.
pub const NEVER: Millis = Millis::MAX;

/// How many windows in a row are followed to their end. More have no end anybody plans with.
const MOST_WINDOWS: usize = 1000;

/// From 1970 to 2099: the years in which cron expressions tick.
const COMPUTABLE: std::ops::Range<Millis> = 0..4_102_444_800_000;

/// Reads a cron expression of five fields; a date is none.
pub(in crate::domain) fn cron(text: &str) -> Result<Box<Schedule>, String> {
    match edge::read(text)? {
        Edge::Cron(schedule) => Ok(schedule),
        Edge::Moment(_) => Err(format!("`{text}` is a date; write a cron expression like `0 6 1 * *`")),
    }
}

/// A time in which nothing is released to some environments: once (two dates) or again and again (two cron expressions).
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(try_from = "Written", into = "Written")]
pub struct Freeze {
    written: Written,
    compiled: Arc<Compiled>,
}

/// What of a freeze is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Field {
    /// Its name.
    Name,
    /// Its time zone.
    Zone,
    /// Its begin.
    From,
    /// Its end.
    To,
    /// The environment at this position.
    Environment(usize),
}

/// A freeze that holds now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Frozen {
    /// The freeze's name; of several that hold, the one that ends last.
    pub name: String,
    /// When releases go on, the freezes that follow without a pause included; nothing when no end can be told.
    pub until: Option<Millis>,
}

/// A freeze as it stands in the file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Written {
    name: String,
    zone: String,
    from: String,
    to: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    environments: Vec<String>,
}

#[derive(Debug)]
struct Compiled {
    window: Window,
    /// None means all.
    environments: Vec<Glob>,
}

#[derive(Debug)]
enum Window {
    Once { from: Millis, to: Millis },
    Recurring(Box<Recurring>),
}

/// Windows in local time: each begins with a tick of `from` and ends with the next tick of `to` after it.
#[derive(Debug)]
struct Recurring {
    zone: Tz,
    from: Schedule,
    to: Schedule,
}

impl PartialEq for Freeze {
    fn eq(&self, other: &Self) -> bool {
        self.written == other.written
    }
}

impl Eq for Freeze {}

impl From<Freeze> for Written {
    fn from(freeze: Freeze) -> Self {
        freeze.written
    }
}

impl TryFrom<Written> for Freeze {
    type Error = String;

    fn try_from(written: Written) -> Result<Self, String> {
        let Written { name, zone, from, to, environments } = written;
        Self::new(name, zone, from, to, environments).map_err(|(_, message)| message)
    }
}

impl Freeze {
    /// A freeze as it stands in a policy: `zone` is an IANA time zone; `from` and `to` are both cron expressions of five
    /// fields (`0 18 * * FRI`), or both dates (`2026-12-20`: its first moment) or dates with a time (`2026-12-20T18:00`);
    /// `environments` are globs, none means all.
    ///
    /// # Errors
    /// What is wrong, and with which field.
    pub fn new(
        name: impl Into<String>,
        zone: impl Into<String>,
        from: impl Into<String>,
        to: impl Into<String>,
        environments: Vec<String>,
    ) -> Result<Self, (Field, String)> {
        let written = Written { name: name.into(), zone: zone.into(), from: from.into(), to: to.into(), environments };
        if written.name.trim().is_empty() {
            return Err((Field::Name, "a freeze needs a name".to_owned()));
        }
        let zone = zone::read(&written.zone).map_err(|message| (Field::Zone, message))?;
        let from = edge::read(&written.from).map_err(|message| (Field::From, message))?;
        let to = edge::read(&written.to).map_err(|message| (Field::To, message))?;
        let window = match (from, to) {
            (Edge::Moment(from), Edge::Moment(to)) => Window::once(zone, from, to),
            (Edge::Cron(from), Edge::Cron(to)) => Window::recurring(zone, *from, *to),
            (Edge::Moment(_), Edge::Cron(_)) => Err((Field::To, mixed("a date", "a cron expression"))),
            (Edge::Cron(_), Edge::Moment(_)) => Err((Field::To, mixed("a cron expression", "a date"))),
        }?;
        let environments = globs(&written.environments)?;
        Ok(Self { written, compiled: Arc::new(Compiled { window, environments }) })
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.written.name
    }

    /// Its time zone, as written.
    #[must_use]
    pub fn zone(&self) -> &str {
        &self.written.zone
    }

    /// Its begin, as written.
    #[must_use]
    pub fn from(&self) -> &str {
        &self.written.from
    }

    /// Its end, as written.
    #[must_use]
    pub fn to(&self) -> &str {
        &self.written.to
    }

    /// The environments it is for, as globs; none means all.
    #[must_use]
    pub fn environments(&self) -> &[String] {
        &self.written.environments
    }

    /// Whether it is for an environment. Case does not matter, as for GitHub.
    #[must_use]
    pub fn is_for(&self, environment: &str) -> bool {
        let environments = &self.compiled.environments;
        environments.is_empty() || environments.iter().any(|pattern| pattern.matches(environment))
    }

    /// Whether it has ended and never comes again.
    #[must_use]
    pub fn is_over(&self, now: Millis) -> bool {
        matches!(self.compiled.window, Window::Once { to, .. } if to <= now)
    }

    /// While frozen: when it ends, which is later than now ([`NEVER`] when no end can be told). Windows of its own that
    /// follow without a pause are one.
    #[must_use]
    pub fn frozen_until(&self, now: Millis) -> Option<Millis> {
        match &self.compiled.window {
            Window::Once { from, to } => (*from..*to).contains(&now).then_some(*to),
            Window::Recurring(windows) => windows.frozen_until(now),
        }
    }
}

/// Whether releases to an environment are frozen now, and until when: freezes that overlap or follow without a pause are
/// followed to the end.
#[must_use]
pub fn frozen(freezes: &[Freeze], environment: &str, now: Millis) -> Option<Frozen> {
    let ours: Vec<&Freeze> = freezes.iter().filter(|freeze| freeze.is_for(environment)).collect();
    let last = |at: Millis| {
        let ends = ours.iter().filter_map(|freeze| Some((freeze.frozen_until(at)?, freeze.name())));
        ends.max_by_key(|(until, _)| *until)
    };
    let (mut until, name) = last(now)?;
    for _ in 0..MOST_WINDOWS {
        match last(until) {
            _ if until == NEVER => break,
            Some((later, _)) => until = later,
            None => return Some(Frozen { name: name.to_owned(), until: Some(until) }),
        }
    }
    Some(Frozen { name: name.to_owned(), until: None })
}

fn mixed(from: &str, to: &str) -> String {
    format!("`from` is {from} and `to` is {to}; write two dates or two cron expressions")
}

fn globs(environments: &[String]) -> Result<Vec<Glob>, (Field, String)> {
    let read = |(position, pattern): (usize, &String)| {
        let glob = Glob::new(pattern, Spelling::Loose);
        glob.map_err(|error| (Field::Environment(position), format!("`{pattern}` is no pattern: {error}")))
    };
    environments.iter().enumerate().map(read).collect()
}

impl Window {
    fn once(zone: Tz, from: NaiveDateTime, to: NaiveDateTime) -> Result<Self, (Field, String)> {
        let (from, to) = (zone::first(zone, from), zone::last(zone, to));
        if from < to { Ok(Self::Once { from, to }) } else { Err((Field::To, "`to` is not after `from`".to_owned())) }
    }

    fn recurring(zone: Tz, from: Schedule, to: Schedule) -> Result<Self, (Field, String)> {
        let windows = Recurring { zone, from, to };
        // The calendar repeats itself; what does not come from 2024, a leap year, on does not come at all.
        let early = DateTime::from_timestamp(1_704_067_200, 0).unwrap_or_default().naive_utc();
        let no_such_day = || "this day never comes".to_owned();
        let begin = next(&windows.from, early).ok_or_else(|| (Field::From, no_such_day()))?;
        next(&windows.to, early).ok_or_else(|| (Field::To, no_such_day()))?;
        match windows.frozen_until(zone::first(zone, begin)) {
            Some(NEVER) => {
                let message = "this freeze never ends: wherever it ends it begins again";
                Err((Field::To, message.to_owned()))
            }
            _ => Ok(Self::Recurring(Box::new(windows))),
        }
    }
}

impl Recurring {
    fn frozen_until(&self, now: Millis) -> Option<Millis> {
        if !COMPUTABLE.contains(&now) {
            return Some(NEVER);
        }
        // Later begins have later ends, so the last begin tells.
        let mut end = self.end_of_window(self.last_begin(now)?);
        if end.at <= now {
            return None;
        }
        for _ in 0..MOST_WINDOWS {
            if !COMPUTABLE.contains(&end.at) {
                return Some(NEVER);
            }
            let later = self.last_begin(end.at).map(|begin| self.end_of_window(begin));
            match later.filter(|later| later.local > end.local) {
                Some(later) => end = later,
                None => return Some(end.at),
            }
        }
        Some(NEVER)
    }

    /// The last local time at or before `now` at which a window begins.
    fn last_begin(&self, now: Millis) -> Option<NaiveDateTime> {
        // After the clocks went back, a begin of the hour that came twice stands later on the clock than now.
        let latest = zone::latest_reading(self.zone, now);
        ticks_until(&self.from, latest).find(|begin| zone::first(self.zone, *begin) <= now)
    }

    fn end_of_window(&self, begin: NaiveDateTime) -> End {
        next(&self.to, begin).map_or(End { local: NaiveDateTime::MAX, at: NEVER }, |local| End {
            local,
            at: zone::last(self.zone, local),
        })
    }
}

/// The end of a window on the local clock and in time.
struct End {
    local: NaiveDateTime,
    at: Millis,
}

// The schedules tick on the local clock as if there were no zones; what that means in time is said by `zone`.

fn next(schedule: &Schedule, after: NaiveDateTime) -> Option<NaiveDateTime> {
    schedule.after(&Utc.from_utc_datetime(&after)).next().map(|tick| tick.naive_utc())
}

/// Ticks at or before a time on the clock, the last first.
fn ticks_until(schedule: &Schedule, latest: NaiveDateTime) -> impl Iterator<Item = NaiveDateTime> + '_ {
    let after = latest.checked_add_signed(chrono::TimeDelta::seconds(1)).unwrap_or(latest);
    schedule.after(&Utc.from_utc_datetime(&after)).rev().map(|tick| tick.naive_utc())
}

#[cfg(test)]
mod tests;
