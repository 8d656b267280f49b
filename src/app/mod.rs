//! The one place where store, GitHub and domain meet: handle what came in, perform what must go out, watch the clock.
//!
//! Facts are gathered outside any transaction; what they change is decided inside one ([`Store::commit`]). Everything
//! here may be cut off at any point and done again: what matters is a row.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;

use crate::domain::Millis;
use crate::domain::effect::Urgency;
use crate::domain::event::Event;
use crate::github::pacing::Until;
use crate::github::{GitHub, client};
use crate::store::{self, Store, Work};

pub mod anchor;
pub mod branch;
pub mod guard;
mod handle;
mod perform;
mod proposal;
pub mod publish;
mod pulse;
mod recover;
mod rules;

pub use pulse::Pulse;
pub use recover::Recovered;

/// Tells the time: milliseconds since the Unix epoch.
pub type Clock = Arc<dyn Fn() -> Millis + Send + Sync>;

/// The clock of this machine.
#[must_use]
pub fn system_clock() -> Clock {
    Arc::new(|| {
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        since.map_or(0, |since| Millis::try_from(since.as_millis()).unwrap_or(Millis::MAX))
    })
}

/// Everything the server does, whoever calls it.
pub struct App {
    store: Store,
    github: Arc<GitHub>,
    clock: Clock,
}

/// Why something could not be done now. What came in is kept and tried again.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The database.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// GitHub.
    #[error(transparent)]
    GitHub(#[from] client::Error),
    /// A stored row that cannot be read.
    #[error("a stored row cannot be read: {0}")]
    Row(#[from] serde_json::Error),
    /// Work that was done aside did not end.
    #[error("work that was done aside did not end: {0}")]
    Aside(String),
}

impl Error {
    /// Whether trying again can help.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Store(_) => true,
            Self::GitHub(error) => error.is_transient(),
            Self::Row(_) | Self::Aside(_) => false,
        }
    }

    /// When GitHub will listen again, if it said so.
    #[must_use]
    pub fn retry_at(&self) -> Option<Millis> {
        match self {
            Self::GitHub(client::Error::RateLimited { until }) => Some(*until),
            _ => None,
        }
    }
}

impl App {
    /// Puts the parts together.
    #[must_use]
    pub fn new(store: Store, github: Arc<GitHub>, clock: Clock) -> Self {
        Self { store, github, clock }
    }

    /// Where everything is kept.
    #[must_use]
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// The installations to which not even a decision may go now.
    #[must_use]
    pub fn saturated(&self) -> Vec<u64> {
        self.github.pacer().saturated(Urgency::Decision, self.now())
    }

    /// How long ago that was.
    #[must_use]
    pub fn age(&self, since: Millis) -> Millis {
        self.now().saturating_sub(since)
    }

    /// The instant so long from now.
    #[must_use]
    pub fn after(&self, wait: Duration) -> Millis {
        later(self.now(), wait)
    }

    /// Denies what nobody decided in time. Returns how many requests were looked at.
    pub async fn due(&self) -> Result<usize, Error> {
        let due = self.store.due_requests(self.now(), 100).await?;
        let found = due.len();
        let mut commits = JoinSet::new(); // Together, so that they share transactions.
        for request in due {
            let store = self.store.clone();
            commits.spawn(async move { store.commit(Work { claim: None, event: Some(Event::Due(request)) }).await });
        }
        for committed in commits.join_all().await {
            committed?;
        }
        Ok(found)
    }

    fn now(&self) -> Millis {
        (self.clock)()
    }

    fn take(&self, installation: u64, urgency: Urgency) -> Result<(), Until> {
        self.github.pacer().try_take(installation, urgency, self.now())
    }
}

/// How long to wait after a try failed that `attempts` others went before: a second, doubling, at most five minutes.
#[must_use]
pub fn backoff(attempts: u64) -> Duration {
    doubled(1, attempts, 300)
}

/// The same for what can wait, and is asked of GitHub: a minute, doubling, at most an hour.
fn slow_backoff(attempts: u64) -> Duration {
    doubled(60, attempts, 3_600)
}

fn doubled(seconds: u64, times: u64, longest: u64) -> Duration {
    let factor = 1_u64.checked_shl(u32::try_from(times).unwrap_or(u32::MAX));
    Duration::from_secs(factor.map_or(longest, |factor| seconds.saturating_mul(factor).min(longest)))
}

/// The instant so long after another.
fn later(now: Millis, wait: Duration) -> Millis {
    now.saturating_add(Millis::try_from(wait.as_millis()).unwrap_or(Millis::MAX))
}

/// As much of an error as is kept.
fn cut(error: &impl ToString) -> String {
    error.to_string().chars().take(500).collect()
}
