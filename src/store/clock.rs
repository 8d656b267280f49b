//! The database's time. Several servers on one database must agree on when a request expires and whose lease has run out,
//! whatever their machines' clocks say; so they all go by the clock of the database.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::connection::Session;
use super::sql::{Statement, int};
use super::{Clock, Error, Shared, Store};
use crate::domain::Millis;

/// An answer that took longer says too little about when it was true.
const LONGEST_READING: Duration = Duration::from_secs(2);
/// So much apart, somebody should look at the clocks.
const NOTEWORTHY: Millis = 5_000;

/// What the database's clock says: on PostgreSQL the server's, on SQLite this machine's. And when that was asked, and how
/// long the answer took: waiting for a connection is no part of it.
pub(super) async fn time(shared: &Shared) -> Result<(Millis, Instant, Duration), Error> {
    ask(shared.readers.open().await?, shared.several_writers).await
}

pub(super) async fn ask(mut session: Session<'_>, several_writers: bool) -> Result<(Millis, Instant, Duration), Error> {
    let sql = match several_writers {
        true => "SELECT CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000 AS BIGINT)",
        false => "SELECT CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER)",
    };
    let asked = Instant::now();
    let rows = Statement::new(sql).fetch(session.connection()?).await?;
    session.end();
    let time = rows.first().map_or(Err(Error::Closed), |row| int(row, 0))?;
    Ok((time, asked, asked.elapsed()))
}

/// The database's clock, carried on between two looks at it by this machine's monotonic clock. It never goes backwards and
/// never stands still: what is ahead goes at half speed until the database has caught up.
pub struct DatabaseClock {
    state: Mutex<State>,
}

enum State {
    /// Nobody has looked yet: what the machine says will have to do.
    Unread(Clock),
    Read(Reading),
}

#[derive(Clone, Copy)]
struct Reading {
    /// What the database said, and when that was true.
    database: (Millis, Instant),
    /// What we said when we heard it. From there on we go at half speed at least.
    ours: (Millis, Instant),
}

impl Reading {
    fn now(&self, at: Instant) -> Millis {
        let since =
            |then: Instant| Millis::try_from(at.saturating_duration_since(then).as_millis()).unwrap_or(Millis::MAX);
        let (database, ours) = (self.database, self.ours);
        database.0.saturating_add(since(database.1)).max(ours.0.saturating_add(since(ours.1) / 2))
    }
}

impl DatabaseClock {
    /// A clock that says what the machine says until it is first told the database's time.
    #[must_use]
    pub fn new(machine: Clock) -> Arc<Self> {
        Arc::new(Self { state: Mutex::new(State::Unread(machine)) })
    }

    /// The time now.
    #[must_use]
    pub fn now(&self) -> Millis {
        match &*self.state() {
            State::Unread(machine) => machine(),
            State::Read(reading) => reading.now(Instant::now()),
        }
    }

    /// The same as a function.
    #[must_use]
    pub fn clock(self: &Arc<Self>) -> Clock {
        let clock = Arc::clone(self);
        Arc::new(move || clock.now())
    }

    /// Looks at the database's clock. While that fails, time goes on by the machine's monotonic clock.
    ///
    /// # Errors
    /// If the database did not say.
    pub async fn read(&self, store: &Store) -> Result<(), Error> {
        let (database, asked, took) = time(&store.shared).await?;
        self.learn(database, asked, took);
        Ok(())
    }

    /// The first look.
    pub(super) fn begin(&self, (database, asked, took): (Millis, Instant, Duration)) {
        self.learn(database, asked, took);
    }

    /// The database said `database` within `took` from `asked`: in the middle of it, for all we know.
    fn learn(&self, database: Millis, asked: Instant, took: Duration) {
        let (then, heard) = (asked + took / 2, asked + took);
        let mut state = self.state();
        let ours = match &*state {
            // The first word counts as it is, however long it took and whatever the machine thought.
            State::Unread(machine) => {
                note_difference("this machine's clock", database, machine());
                database
            }
            State::Read(_) if took > LONGEST_READING => return,
            State::Read(reading) => {
                note_difference("the time by which this server works", database, reading.now(then));
                reading.now(heard)
            }
        };
        *state = State::Read(Reading { database: (database, then), ours: (ours, heard) });
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn note_difference(what: &str, database: Millis, other: Millis) {
    let ahead = other.saturating_sub(database);
    if ahead.saturating_abs() > NOTEWORTHY {
        tracing::warn!(ahead_ms = ahead, "{what} and the database's clock differ; the database's counts");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Millis = 3_600_000;

    /// A clock that has learned `database`, and the instant at which it was so.
    fn told(database: Millis) -> (Arc<DatabaseClock>, Instant) {
        let clock = DatabaseClock::new(Arc::new(|| 7 * HOUR));
        let at = Instant::now();
        clock.learn(database, at, Duration::ZERO);
        (clock, at)
    }

    fn at(clock: &DatabaseClock, instant: Instant) -> Millis {
        match &*clock.state() {
            State::Unread(machine) => machine(),
            State::Read(reading) => reading.now(instant),
        }
    }

    #[test]
    fn the_databases_time_counts_and_goes_on_without_it() {
        let (clock, start) = told(HOUR);
        assert_eq!(at(&clock, start), HOUR, "not the machine's");
        assert_eq!(at(&clock, start + Duration::from_secs(60)), HOUR + 60_000);
    }

    #[test]
    fn a_database_that_is_ahead_is_followed_at_once() {
        let (clock, start) = told(HOUR);
        let later = start + Duration::from_secs(30);
        clock.learn(3 * HOUR, later, Duration::ZERO);
        assert_eq!(at(&clock, later), 3 * HOUR);
    }

    #[test]
    fn a_database_that_was_set_back_makes_us_slow_and_never_turns_us_back_or_stops_us() {
        let (clock, start) = told(2 * HOUR);
        let later = start + Duration::from_secs(30);
        let before = at(&clock, later);
        clock.learn(HOUR, later, Duration::ZERO);
        let after = |seconds| at(&clock, later + Duration::from_secs(seconds));
        assert_eq!(after(0), before);
        assert_eq!(after(60), before + 30_000, "half speed");
        assert_eq!(after(3 * 3_600), HOUR + 3 * HOUR, "until the database has caught up");
        let mut last = before;
        for second in (0..4 * 3_600).step_by(60) {
            assert!(after(second) >= last);
            last = after(second);
        }
    }

    #[test]
    fn an_answer_that_took_too_long_is_not_believed() {
        let (clock, start) = told(HOUR);
        let asked = start + Duration::from_secs(30);
        clock.learn(9 * HOUR, asked, Duration::from_secs(3));
        assert_eq!(at(&clock, asked), HOUR + 30_000);
    }

    #[test]
    fn an_answer_is_taken_to_be_from_the_middle_of_the_exchange() {
        let clock = DatabaseClock::new(Arc::new(|| 0));
        let asked = Instant::now();
        clock.learn(HOUR, asked, Duration::from_millis(800));
        assert_eq!(at(&clock, asked + Duration::from_millis(800)), HOUR + 400);
    }
}
