//! How much may be written when. GitHub limits each installation; decisions must never queue behind openings.
//!
//! The defaults are GitHub's documented secondary limits; what its answers say is learned on top.
//! <https://docs.github.com/rest/using-the-rest-api/rate-limits-for-the-rest-api#about-secondary-rate-limits>
//!
//! Pure: the time comes in as a value.

use std::collections::{HashMap, VecDeque};

use super::client::Quota;
use crate::domain::Millis;
use crate::domain::effect::Urgency;

const SECOND: Millis = 1_000;
const MINUTE: Millis = 60 * SECOND;
const HOUR: Millis = 60 * MINUTE;
/// What GitHub charges for a write, and for a read.
const POINTS_OF_WRITE: u32 = 5;
const POINTS_OF_READ: u32 = 1;
/// What openings may use of each budget; the rest is for decisions.
const SHARE_OF_OPENINGS: (u32, u32) = (4, 5);
/// How long a slot is kept for somebody more urgent who was told when to come back.
const GRACE: Millis = 250;
/// After GitHub said that it was too much, openings go one by one, this far apart; twice as far each time it says so again.
const STEP: Millis = SECOND;
/// Never further apart.
const WIDEST_STEP: Millis = 16 * SECOND;
/// Refusals of what was sent at about the same time are one refusal.
const EPISODE: Millis = SECOND / 2;
/// When GitHub has not complained for so long, openings go as before.
const CALM: Millis = 5 * MINUTE;
/// Idle installations are forgotten when more than this are known.
const REMEMBERED: usize = 1_024;

/// Budgets of one installation. 0: unlimited, as on GitHub Enterprise Server by default.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Writes a second.
    pub writes_per_second: u32,
    /// Writes a minute.
    pub writes_per_minute: u32,
    /// Writes an hour.
    pub writes_per_hour: u32,
    /// Points a minute; a write costs 5, a read 1.
    pub points_per_minute: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self { writes_per_second: 0, writes_per_minute: 80, writes_per_hour: 500, points_per_minute: 900 }
    }
}

impl Limits {
    /// No limits of our own; what GitHub answers is still heeded.
    pub const NONE: Self =
        Self { writes_per_second: 0, writes_per_minute: 0, writes_per_hour: 0, points_per_minute: 0 };

    fn windows_of_writes(&self) -> [(u32, Millis); 3] {
        [(self.writes_per_second, SECOND), (self.writes_per_minute, MINUTE), (self.writes_per_hour, HOUR)]
    }
}

/// Not now; ask again at this instant (Unix milliseconds).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Until(pub Millis);

/// Keeps the budgets of all installations.
#[derive(Debug)]
pub struct Pacer {
    limits: Limits,
    budgets: HashMap<u64, Budget>,
}

#[derive(Debug, Default)]
struct Budget {
    /// When the writes of the longest limited window went out, oldest first.
    writes: VecDeque<Millis>,
    /// Points by the second they were spent in, of the last minute.
    points: VecDeque<(Millis, u32)>,
    /// Nothing may be sent before.
    blocked_until: Millis,
    /// GitHub has little left for this installation: only answers and decisions before.
    openings_blocked_until: Millis,
    /// How far apart openings have to be, and when the next may go.
    step: Millis,
    next_opening: Millis,
    /// Somebody who was refused comes back before this; less urgent ones let them go first.
    expected: Option<(Urgency, Millis)>,
}

impl Pacer {
    /// Every installation starts with full budgets.
    #[must_use]
    pub fn new(limits: Limits) -> Self {
        Self { limits, budgets: HashMap::new() }
    }

    /// Takes room for one write.
    ///
    /// # Errors
    /// [`Until`] when there is none: then nothing was taken, and until shortly after that instant nobody less urgent
    /// gets any.
    pub fn try_take(&mut self, installation: u64, urgency: Urgency, now: Millis) -> Result<(), Until> {
        self.forget_idle(now);
        let limits = self.limits;
        let budget = self.budgets.entry(installation).or_default();
        budget.drop_old(&limits, now);
        let free_at = budget.free_at(&limits, urgency, now);
        if free_at > now {
            budget.expect(urgency, free_at, now);
            return Err(Until(free_at));
        }
        budget.expected = budget.expected.filter(|(expected, _)| *expected != urgency);
        if urgency >= Urgency::Opening {
            budget.step(now);
        }
        budget.take(&limits, now);
        Ok(())
    }

    /// Whether there is room for one write. Takes nothing.
    ///
    /// # Errors
    /// [`Until`] when there is none.
    pub fn may(&self, installation: u64, urgency: Urgency, now: Millis) -> Result<(), Until> {
        let free_at = self.budgets.get(&installation).map_or(now, |b| b.free_at(&self.limits, urgency, now));
        if free_at > now { Err(Until(free_at)) } else { Ok(()) }
    }

    /// The installations in which nothing of this urgency has room now.
    #[must_use]
    pub fn saturated(&self, urgency: Urgency, now: Millis) -> Vec<u64> {
        self.budgets
            .iter()
            .filter(|(_, budget)| budget.free_at(&self.limits, urgency, now) > now)
            .map(|(installation, _)| *installation)
            .collect()
    }

    /// GitHub said to send nothing before `until`. Afterwards openings keep their distance, so that decisions find room.
    pub fn block(&mut self, installation: u64, until: Millis) {
        let budget = self.budgets.entry(installation).or_default();
        if until > budget.blocked_until + EPISODE {
            budget.step = (budget.step * 2).clamp(STEP, WIDEST_STEP);
            budget.next_opening = budget.next_opening.max(until + budget.step);
        }
        budget.blocked_until = budget.blocked_until.max(until);
    }

    /// Until when GitHub wants nothing sent, if it does.
    #[must_use]
    pub fn block_of(&self, installation: u64, now: Millis) -> Option<Millis> {
        self.budgets.get(&installation).map(|budget| budget.blocked_until).filter(|until| *until > now)
    }

    /// Counts a read. Reads are never held back here, but they use up points.
    pub fn count_read(&mut self, installation: u64, now: Millis) {
        if self.limits.points_per_minute > 0 {
            self.budgets.entry(installation).or_default().spend(POINTS_OF_READ, now);
        }
    }

    /// Learns from an answer how much of the hourly limit is left. The last twentieth is for decisions.
    pub fn learn(&mut self, installation: u64, quota: Quota) {
        let Quota { remaining: Some(remaining), limit: Some(limit), reset: Some(reset), is_core: true } = quota else {
            return;
        };
        if remaining == 0 {
            self.block(installation, reset);
        } else if remaining < limit / 20 {
            self.budgets.entry(installation).or_default().openings_blocked_until = reset;
        }
    }

    fn forget_idle(&mut self, now: Millis) {
        if self.budgets.len() > REMEMBERED {
            let limits = self.limits;
            self.budgets.retain(|_, budget| {
                budget.drop_old(&limits, now);
                !budget.writes.is_empty() || budget.blocked_until.max(budget.openings_blocked_until) > now
            });
        }
    }
}

impl Budget {
    /// The earliest instant at which a write of this urgency has room, as far as is known now.
    fn free_at(&self, limits: &Limits, urgency: Urgency, now: Millis) -> Millis {
        let mut free_at = now.max(self.blocked_until);
        if urgency >= Urgency::Opening {
            free_at = free_at.max(self.openings_blocked_until);
            if now <= self.blocked_until + CALM {
                free_at = free_at.max(self.next_opening);
            }
        }
        for (limit, window) in limits.windows_of_writes().into_iter().filter(|(limit, _)| *limit > 0) {
            let room = share(limit, urgency);
            let used = self.writes.iter().rev().take_while(|at| **at + window > now).count();
            if used >= room {
                // Room comes when all but `room - 1` of those have left the window.
                free_at = free_at.max(self.writes.get(self.writes.len() - room).map_or(now, |at| at + window));
            }
        }
        if limits.points_per_minute > 0 {
            free_at = free_at.max(self.points_free_at(share(limits.points_per_minute, urgency), now));
        }
        match self.expected {
            Some((expected, until)) if expected < urgency && until > now => free_at.max(until),
            _ => free_at,
        }
    }

    fn points_free_at(&self, room: usize, now: Millis) -> Millis {
        let room = u64::try_from(room).unwrap_or(u64::MAX);
        let mut needed = u64::from(POINTS_OF_WRITE);
        for (second, points) in self.points.iter().rev().filter(|(second, _)| second + MINUTE > now) {
            needed += u64::from(*points);
            if needed > room {
                return (second + MINUTE).max(now);
            }
        }
        now
    }

    /// An opening goes out: the next one has to keep its distance while GitHub has not been calm for long.
    fn step(&mut self, now: Millis) {
        if now > self.blocked_until + CALM {
            self.step = 0;
        }
        self.next_opening = now + self.step;
    }

    fn take(&mut self, limits: &Limits, now: Millis) {
        if limits.windows_of_writes().iter().any(|(limit, _)| *limit > 0) {
            self.writes.push_back(now);
        }
        if limits.points_per_minute > 0 {
            self.spend(POINTS_OF_WRITE, now);
        }
    }

    fn spend(&mut self, points: u32, now: Millis) {
        // Rounded up: a point is never given back early.
        let second = now.div_euclid(SECOND) * SECOND + SECOND - 1;
        match self.points.back_mut() {
            Some((last, spent)) if *last >= second => *spent = spent.saturating_add(points),
            _ => self.points.push_back((second, points)),
        }
        while self.points.front().is_some_and(|(second, _)| second + MINUTE <= now) {
            self.points.pop_front();
        }
    }

    fn drop_old(&mut self, limits: &Limits, now: Millis) {
        let longest = limits.windows_of_writes().into_iter().filter(|(limit, _)| *limit > 0).map(|(_, w)| w).max();
        while self.writes.front().is_some_and(|at| at + longest.unwrap_or(0) <= now) {
            self.writes.pop_front();
        }
    }

    /// Remembers the most urgent of those who were sent away.
    fn expect(&mut self, urgency: Urgency, at: Millis, now: Millis) {
        let is_behind = self.expected.is_some_and(|(expected, until)| expected < urgency && until > now);
        if !is_behind {
            self.expected = Some((urgency, at + GRACE));
        }
    }
}

/// How much of a budget this urgency may use; at least one.
fn share(limit: u32, urgency: Urgency) -> usize {
    let (of, parts) = SHARE_OF_OPENINGS;
    let room =
        if urgency >= Urgency::Opening { u64::from(limit) * u64::from(of) / u64::from(parts) } else { limit.into() };
    usize::try_from(room.max(1)).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests;
