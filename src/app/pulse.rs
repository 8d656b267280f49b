//! A sign of life: the worker moves it, the readiness page looks at it.

use std::sync::atomic::{AtomicI64, Ordering};

use crate::domain::Millis;

/// Whether the worker is alive.
#[derive(Debug, Default)]
pub struct Pulse(AtomicI64);

impl Pulse {
    /// Moves it.
    pub fn beat(&self, now: Millis) {
        self.0.store(now, Ordering::Relaxed);
    }

    /// Whether it moved within the last ten seconds.
    #[must_use]
    pub fn is_alive(&self, now: Millis) -> bool {
        now.saturating_sub(self.0.load(Ordering::Relaxed)) < 10_000
    }
}
