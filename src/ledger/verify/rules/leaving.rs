//! What keeps a release from leaving: somebody threw the policy's switch, or a freeze.
//!
//! A server asks both right before it writes `callback.sent`, in the same transaction and by the same time, of every release, also
//! of one that asked nobody; and by the judgement that it wrote down last.
use crate::domain::Millis;
use crate::domain::policy::freeze::Freeze;
use crate::ledger::entry::Header;
use crate::ledger::verify::read::body::{self, Callback, State};
use crate::ledger::verify::read::happened::{By, Held};
use crate::ledger::verify::unfounded::Unfounded;
use crate::ledger::verify::unreal::Unreal;
use crate::ledger::verify::violation::Violation;

/// What another version knows of time zones may be older, or newer: a clock set otherwise moves a freeze by less than this, in
/// milliseconds.
const CLOCKS_DIFFER: u64 = 86_400_000;

/// What an opening says of it.
#[derive(Debug, Default)]
pub(super) struct HeldBack {
    is_stopped: bool,
    /// Whether there were too many freezes for an entry: then they are named by their digest alone.
    are_unknown: bool,
    /// Times in which it is not released, of those that are about its environment.
    freezes: Vec<Freeze>,
}

impl HeldBack {
    pub(super) fn of(entry: &Header<'_>) -> Result<Self, Violation> {
        let is_stopped = entry.stopped.is_some();
        let are_unknown = entry.freezes.is_some_and(|freezes| freezes.get().starts_with('{'));
        let Some(freezes) = entry.freezes.filter(|_| !are_unknown) else {
            return Ok(Self { is_stopped, are_unknown, freezes: Vec::new() });
        };
        let mut freezes: Vec<Freeze> = body::need(Some(freezes), "freezes")?;
        let environment: String = body::need(entry.environment, "environment")?;
        freezes.retain(|freeze| freeze.is_for(&environment));
        Ok(Self { is_stopped, are_unknown, freezes })
    }

    /// Whether GitHub may be told this now.
    pub(super) fn lets_leave(&self, callback: &Callback, time: u64) -> Result<(), Violation> {
        if callback.state != State::Approved {
            return Ok(());
        }
        if self.is_stopped {
            return Err(Unfounded::ReleasedWhileStopped.into());
        }
        let moments = moments(time, callback.is_by_this_version);
        let holds = |freeze: &&Freeze| moments.iter().all(|at| freeze.frozen_until(millis(*at)).is_some());
        match self.freezes.iter().find(holds) {
            Some(freeze) => Err(Unfounded::ReleasedWhileFrozen { time, freeze: freeze.name().to_owned() }.into()),
            None => Ok(()),
        }
    }

    /// Whether this holds a release now. The switch comes before all freezes.
    pub(super) fn holds(&self, held: &Held, time: u64) -> Result<(), Violation> {
        let (holds, by) = match &held.by {
            By::Stop => (self.is_stopped, "the switch (stop)".to_owned()),
            By::Freeze { name } => {
                let moments = moments(time, held.is_by_this_version);
                let mut named = self.freezes.iter().filter(|freeze| freeze.name() == name);
                let holds = named.any(|freeze| moments.iter().any(|at| freeze.frozen_until(millis(*at)).is_some()));
                (!self.is_stopped && (self.are_unknown || holds), format!("the freeze {name:?}"))
            }
        };
        if holds { Ok(()) } else { Err(Unreal::HeldByNothing { by }.into()) }
    }
}

/// Moments of which one, for all that is known of time zones, is this time to whoever wrote it.
fn moments(time: u64, is_by_this_version: bool) -> [u64; 3] {
    let around = if is_by_this_version { 0 } else { CLOCKS_DIFFER };
    [time.saturating_sub(around), time, time.saturating_add(around)]
}

fn millis(time: u64) -> Millis {
    Millis::try_from(time).unwrap_or(Millis::MAX)
}
