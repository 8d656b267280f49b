//! The newest heads this server has committed, in memory: what a check run shows, and what is remembered beside the database.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::{LogHead, Store};

/// Heads by tenant. Learned at the start and after each commit; another replica may be ahead.
#[derive(Default)]
pub(super) struct Heads(Mutex<HashMap<u64, Arc<LogHead>>>);

impl Heads {
    /// To be called after the commit.
    pub(super) fn learn(&self, heads: impl IntoIterator<Item = LogHead>) {
        let mut known = self.lock();
        for head in heads {
            if known.get(&head.tenant).is_none_or(|older| older.size <= head.size) {
                known.insert(head.tenant, Arc::new(head));
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<u64, Arc<LogHead>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Store {
    /// The newest committed head of a tenant's log that this server knows of. Asks no database.
    #[must_use]
    pub fn head(&self, tenant: u64) -> Option<Arc<LogHead>> {
        self.shared.heads.lock().get(&tenant).map(Arc::clone)
    }

    /// The same of every log.
    #[must_use]
    pub fn heads(&self) -> Vec<Arc<LogHead>> {
        self.shared.heads.lock().values().map(Arc::clone).collect()
    }
}
