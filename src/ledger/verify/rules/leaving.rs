//! What keeps a release from leaving: somebody threw the policy's switch, or a freeze.
//!
//! A server asks both right before it writes `callback.sent`, in the same transaction and by the same time, of every release, also
//! of one that asked nobody; and by the judgement that it wrote down last.
use crate::domain::Millis;
use crate::domain::policy::freeze::Freeze;
use crate::ledger::entry::Header;
use crate::ledger::verify::read::body::{self, Callback, State};
use crate::ledger::verify::unfounded::Unfounded;
use crate::ledger::verify::violation::Violation;

/// What another version knows of time zones may be older, or newer: a clock set otherwise moves a freeze by less than this, in
/// milliseconds.
const CLOCKS_DIFFER: u64 = 86_400_000;

/// What an opening says of it.
#[derive(Debug, Default)]
pub(super) struct HeldBack {
    is_stopped: bool,
    /// Times in which it is not released, of those that are about its environment.
    freezes: Vec<Freeze>,
}

impl HeldBack {
    pub(super) fn of(entry: &Header<'_>) -> Result<Self, Violation> {
        let is_stopped = entry.stopped.is_some();
        // Too many for an entry, they are named by their digest alone.
        let Some(freezes) = entry.freezes.filter(|freezes| !freezes.get().starts_with('{')) else {
            return Ok(Self { is_stopped, freezes: Vec::new() });
        };
        let mut freezes: Vec<Freeze> = body::need(Some(freezes), "freezes")?;
        let environment: String = body::need(entry.environment, "environment")?;
        freezes.retain(|freeze| freeze.is_for(&environment));
        Ok(Self { is_stopped, freezes })
    }

    /// Whether GitHub may be told this now.
    pub(super) fn lets_leave(&self, callback: &Callback, time: u64) -> Result<(), Violation> {
        if callback.state != State::Approved {
            return Ok(());
        }
        if self.is_stopped {
            return Err(Unfounded::ReleasedWhileStopped.into());
        }
        let around = if callback.is_by_this_version { 0 } else { CLOCKS_DIFFER };
        let moments = [time.saturating_sub(around), time, time.saturating_add(around)];
        let holds = |freeze: &&Freeze| moments.iter().all(|at| freeze.frozen_until(millis(*at)).is_some());
        match self.freezes.iter().find(holds) {
            Some(freeze) => Err(Unfounded::ReleasedWhileFrozen { time, freeze: freeze.name().to_owned() }.into()),
            None => Ok(()),
        }
    }
}

fn millis(time: u64) -> Millis {
    Millis::try_from(time).unwrap_or(Millis::MAX)
}
