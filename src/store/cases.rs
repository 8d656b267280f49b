//! Requests in memory. A case never changes, so a copy is as good as the row. A life is kept while the request is open, and
//! only where nobody else writes the database: on SQLite there is one server, and whoever erases people beside it leaves
//! requests alone that are open (`erasure/rows.rs`).

use std::sync::{Arc, Mutex, PoisonError};

use lru::LruCache;

use crate::domain::case::Case;
use crate::domain::digest::Digest;
use crate::domain::gate::RequestId;
use crate::domain::request::{Life, Request};

/// How many bytes of stored JSON the cases kept in memory may come from. In memory they are about twice as large.
const BUDGET: usize = 4 * 1024 * 1024;

/// A case and its digest.
#[derive(Clone)]
pub(super) struct Known {
    pub(super) case: Arc<Case>,
    pub(super) digest: Digest,
}

/// The cases used last.
pub(super) struct Cases {
    inner: Mutex<Inner>,
    keeps_lives: bool,
}

struct Inner {
    cases: LruCache<RequestId, Kept>,
    bytes: usize,
}

struct Kept {
    known: Known,
    life: Option<Life>,
    bytes: usize,
}

impl Cases {
    /// `keeps_lives`: nobody else writes the database.
    pub(super) fn new(keeps_lives: bool) -> Self {
        Self { inner: Mutex::new(Inner { cases: LruCache::unbounded(), bytes: 0 }), keeps_lives }
    }

    pub(super) fn get(&self, id: &RequestId) -> Option<Known> {
        self.lock().cases.get(id).map(|kept| kept.known.clone())
    }

    /// A request as it was committed last, if its life is kept.
    pub(super) fn request(&self, id: &RequestId) -> Option<Request> {
        let mut inner = self.lock();
        let Kept { known, life, .. } = inner.cases.get(id)?;
        let Known { case, digest } = known.clone();
        Some(Request { id: id.clone(), digest, case, life: life.clone()? })
    }

    /// Only for cases that are committed: one that was rolled back may come back different.
    pub(super) fn put(&self, id: RequestId, known: Known, bytes: usize) {
        let mut inner = self.lock();
        if let Some(before) = inner.cases.put(id, Kept { known, life: None, bytes }) {
            inner.bytes -= before.bytes;
        }
        inner.bytes += bytes;
        while inner.bytes > BUDGET {
            let Some((_, least)) = inner.cases.pop_lru() else { break };
            inner.bytes -= least.bytes;
        }
    }

    /// The life of a request as it is now: after each commit that may have changed it. `None` when it is not to be kept.
    pub(super) fn put_life(&self, id: &RequestId, life: Option<Life>) {
        if let Some(kept) = self.lock().cases.peek_mut(id) {
            kept.life = life.filter(|_| self.keeps_lives);
        }
    }

    /// Nobody knows what became of a transaction.
    pub(super) fn forget_lives(&self) {
        self.lock().cases.iter_mut().for_each(|(_, kept)| kept.life = None);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Inner> {
        // Nothing here can be left half done.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
