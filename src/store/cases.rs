//! Cases in memory. A case never changes, so a copy is as good as the row.

use std::sync::{Arc, Mutex, PoisonError};

use lru::LruCache;

use crate::domain::case::Case;
use crate::domain::digest::Digest;
use crate::domain::gate::RequestId;

/// How many bytes of stored JSON the cases kept in memory may come from. In memory they are about twice as large.
const BUDGET: usize = 4 * 1024 * 1024;

/// A case and its digest.
#[derive(Clone)]
pub(super) struct Known {
    pub(super) case: Arc<Case>,
    pub(super) digest: Digest,
}

/// The cases used last.
pub(super) struct Cases(Mutex<Inner>);

struct Inner {
    cases: LruCache<RequestId, (Known, usize)>,
    bytes: usize,
}

impl Cases {
    pub(super) fn new() -> Self {
        Self(Mutex::new(Inner { cases: LruCache::unbounded(), bytes: 0 }))
    }

    pub(super) fn get(&self, id: &RequestId) -> Option<Known> {
        self.lock().cases.get(id).map(|(known, _)| known.clone())
    }

    /// Only for cases that are committed: one that was rolled back may come back different.
    pub(super) fn put(&self, id: RequestId, known: Known, bytes: usize) {
        let mut inner = self.lock();
        if let Some((_, before)) = inner.cases.put(id, (known, bytes)) {
            inner.bytes -= before;
        }
        inner.bytes += bytes;
        while inner.bytes > BUDGET {
            let Some((_, (_, least))) = inner.cases.pop_lru() else { break };
            inner.bytes -= least;
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Inner> {
        // Nothing here can be left half done.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
