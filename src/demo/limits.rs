//! Everything that can go wrong on purpose: failures, lost answers, rate limits.

use std::time::{Duration, Instant};

use super::clock;
use super::routes::Reply;

/// What happens instead of a proper answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// This status, and nothing was done.
    Status(u16),
    /// A secondary rate limit (403 or 429) with a `retry-after` of so many seconds; nothing was done.
    RateLimit {
        /// 403 or 429; GitHub uses both.
        status: u16,
        /// The value of `retry-after`, in seconds.
        retry_after: u64,
    },
    /// No answer for so long; nothing was done.
    Hang(Duration),
    /// The connection closes without an answer; nothing was done.
    Drop,
    /// The request is carried out, but the connection closes before the answer.
    LoseAnswer,
    /// The request is carried out, but there is no answer for so long.
    HangAfter(Duration),
}

struct Fault {
    route: String,
    /// So many calls go well before.
    spared: u32,
    left: u32,
    trouble: Trouble,
}

/// Primary limit of an Enterprise Cloud organization, requests an hour.
const GENEROUS: u64 = 15_000;

/// Faults and limits in force.
#[derive(Default)]
pub(super) struct Limits {
    faults: Vec<Fault>,
    /// Content-creating writes a second; the bucket holds one second's worth.
    writes: Option<Bucket>,
    /// Requests an hour; without it the limit is shown but never reached.
    primary: Option<(u64, u64)>,
    /// Added to every answer.
    pub latency: Duration,
}

struct Bucket {
    rate: f64,
    level: f64,
    at: Instant,
}

impl Limits {
    /// The next `times` calls whose `METHOD /template` contains `route` run into trouble.
    pub fn fail(&mut self, route: &str, times: u32, trouble: Trouble) {
        self.fail_later(route, 0, times, trouble);
    }

    /// The same after `spared` calls that go well.
    pub fn fail_later(&mut self, route: &str, spared: u32, times: u32, trouble: Trouble) {
        self.faults.push(Fault { route: route.to_owned(), spared, left: times, trouble });
    }

    /// No more trouble.
    pub fn forgive(&mut self) {
        self.faults.clear();
    }

    /// The trouble this call runs into, if any.
    pub fn trouble(&mut self, route: &str) -> Option<Trouble> {
        let fault = self.faults.iter_mut().find(|fault| fault.left > 0 && route.contains(&fault.route))?;
        if fault.spared > 0 {
            fault.spared -= 1;
            return None;
        }
        fault.left -= 1;
        Some(fault.trouble.clone())
    }

    /// Allows so many writes a second, or any number.
    pub fn limit_writes(&mut self, per_second: Option<f64>) {
        self.writes = per_second.map(|rate| Bucket { rate, level: rate.max(1.0), at: Instant::now() });
    }

    /// Allows so many requests until the hour is over, or any number.
    pub fn limit_requests(&mut self, per_hour: Option<u64>) {
        self.primary = per_hour.map(|limit| (limit, 0));
    }

    /// Counts a request; the answer says no when there were too many.
    pub fn admit(&mut self, write: bool) -> Result<(), Reply> {
        if let Some((limit, used)) = &mut self.primary {
            if used >= limit {
                return Err(Reply::error(403, "API rate limit exceeded for installation."));
            }
            *used += 1;
        }
        let Some(bucket) = self.writes.as_mut().filter(|_| write) else {
            return Ok(());
        };
        let now = Instant::now();
        bucket.level =
            (bucket.level + now.duration_since(bucket.at).as_secs_f64() * bucket.rate).min(bucket.rate.max(1.0));
        bucket.at = now;
        if bucket.level < 1.0 {
            let wait = ((1.0 - bucket.level) / bucket.rate).ceil().max(1.0);
            // Whole seconds, small and positive: the cast keeps the value.
            #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
            return Err(secondary(403, wait as u64));
        }
        bucket.level -= 1.0;
        Ok(())
    }

    /// `limit`, `remaining`, `used` and `reset` as the headers show them.
    pub fn headers(&self) -> [u64; 4] {
        let (limit, used) = self.primary.unwrap_or((GENEROUS, 1));
        [limit, limit.saturating_sub(used), used, (clock::seconds() / 3_600 + 1) * 3_600]
    }
}

/// The answer of a secondary rate limit.
pub(super) fn secondary(status: u16, retry_after: u64) -> Reply {
    let message = "You have exceeded a secondary rate limit. Please wait a few minutes before you try again.";
    let mut reply = Reply::error(status, message);
    reply.retry_after = Some(retry_after);
    reply
}
