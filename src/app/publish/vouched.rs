//! Publications carry what others vouch for. So one that is due waits for them, but not for ever: a witness that is down must
//! not keep a ledger from the public.

use std::time::{Duration, Instant};

use super::{Progress, Publisher, Watch};
use crate::domain::Millis;
use crate::ledger::quorum::{Policy, PolicyError};
use crate::ledger::{Checkpoint, VerifierKey};
use crate::store::{self, Anchored, Batch, LogHead, Vouched};

/// How often a command that waits looks again.
const AGAIN: Duration = Duration::from_secs(1);

/// Who vouches for what is published.
#[derive(Clone, Debug, Default)]
pub struct Witnessing {
    /// Witnesses, and how many must agree.
    pub policy: Option<Policy>,
    /// Whether a time-stamp authority dates checkpoints.
    pub is_dated: bool,
    /// How long a publication waits for them.
    pub patience: Duration,
}

impl Witnessing {
    /// Reads a policy.
    ///
    /// # Errors
    /// What is wrong with it, and where.
    pub fn policy_of(text: &str) -> Result<Policy, String> {
        text.parse().map_err(|error: PolicyError| error.to_string())
    }
}

/// Whether there is something to wait for.
pub(super) enum Vouching {
    /// They may still vouch.
    Waiting,
    /// This is what there is; nothing if only the log's own keys vouch.
    Over(Option<Vouched>),
}

impl Publisher {
    /// What others vouch for of a log, if that is all that was recorded before this moment. `waited`: since it is due.
    pub(super) async fn vouched(
        &self,
        log: &LogHead,
        moment: Millis,
        waited: Duration,
    ) -> Result<Vouching, store::Error> {
        let Witnessing { policy, is_dated, patience } = &self.witnessing;
        if policy.is_none() && !is_dated {
            return Ok(Vouching::Over(None));
        }
        let mut found = self.publications.ledger().anchored(log.tenant).await?;
        if let Some(anchored) = &found
            && !self.is_enough(log, anchored, moment).await?
        {
            found = None;
        }
        let is_complete = found.as_ref().is_some_and(|anchored| !is_dated || !anchored.tsr.is_empty());
        if !is_complete && waited < *patience {
            return Ok(Vouching::Waiting);
        }
        Ok(Vouching::Over(found.map(|anchored| Vouched {
            size: anchored.size,
            checkpoint: anchored.note,
            witness_policy: anchored.policy,
            tsr: anchored.tsr,
        })))
    }

    /// Whether it is vouched for by those who are asked now, and what comes after it is not due yet.
    async fn is_enough(&self, log: &LogHead, anchored: &Anchored, moment: Millis) -> Result<bool, store::Error> {
        let own_key = self.publications.ledger().own_key_at(log, anchored.size).await?;
        let opens = |key: VerifierKey| Checkpoint::open(&anchored.note, &key).is_ok();
        let policy = self.witnessing.policy.as_ref().map(|policy| policy.for_log(&own_key)).unwrap_or_default();
        if policy != anchored.policy || !own_key.parse().is_ok_and(opens) {
            return Ok(false);
        }
        // Its key may have been revoked below this size since.
        if self.publications.signed_by_us(&anchored.note).await?.is_none() {
            return Ok(false);
        }
        let next = self.publications.written_at(log.tenant, anchored.size).await?;
        Ok(next.is_none_or(|at| at >= moment))
    }

    /// Waits until others vouch for all that is recorded by now, or for as long as they may take.
    pub(super) async fn wait_for_witnesses(
        &self,
        log: &LogHead,
        watch: Watch<'_>,
    ) -> Result<Option<Vouched>, store::Error> {
        let (began, moment) = (Instant::now(), self.publications.now().saturating_add(1));
        let mut asked = false;
        loop {
            if let Vouching::Over(vouched) = self.vouched(log, moment, began.elapsed()).await? {
                return Ok(vouched);
            }
            if !asked {
                self.publications.hurry_witnesses(log.tenant).await?;
                asked = true;
            }
            watch(Progress::Waiting);
            tokio::time::sleep(AGAIN).await;
        }
    }

    /// For how long a publication of a log has been waiting that was due at this moment.
    pub(super) fn waited(&self, log: &LogHead, moment: Millis) -> Duration {
        let mut waiting = self.waiting.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let now = self.publications.now();
        let since = waiting.entry(log.tenant).or_insert((moment, now));
        if since.0 != moment {
            *since = (moment, now);
        }
        Duration::from_millis(u64::try_from(now.saturating_sub(since.1)).unwrap_or_default())
    }

    /// Whether a batch should have a quorum and has none.
    pub(super) fn lacks_witnesses(&self, batch: &Batch) -> bool {
        self.witnessing.policy.is_some() && batch.witness_policy.is_empty()
    }
}
