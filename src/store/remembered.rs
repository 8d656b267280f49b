//! Rows in memory that are read for every gate and seldom change: only where nobody else writes the database.

use std::hash::Hash;
use std::num::NonZeroUsize;
use std::sync::{Mutex, MutexGuard, PoisonError};

use lru::LruCache;

use super::releases::Environment;
use super::{Error, GoodPolicies};
use crate::domain::gate::RequestId;

/// What is remembered.
pub(super) struct Memory {
    /// By repository and account.
    pub(super) good_policies: Remembered<(u64, u64), GoodPolicies>,
    /// What was released, newest first.
    pub(super) releases: Remembered<Environment, Vec<String>>,
    /// Place of the newest decision on a request.
    pub(super) decisions: Remembered<RequestId, Option<u64>>,
}

impl Memory {
    /// `is_on`: nobody else writes the database.
    pub(super) fn new(is_on: bool) -> Self {
        Self {
            good_policies: Remembered::new(is_on),
            releases: Remembered::new(is_on),
            decisions: Remembered::new(is_on),
        }
    }

    /// Nobody knows what became of a transaction.
    pub(super) fn forget_all(&self) {
        self.good_policies.forget_all();
        self.releases.forget_all();
        self.decisions.forget_all();
    }
}

/// How many answers of one kind are remembered.
const REMEMBERED: NonZeroUsize = NonZeroUsize::new(1_024).unwrap();

/// What was read last, by what was asked for.
pub(super) struct Remembered<K, V> {
    inner: Mutex<Inner<K, V>>,
    is_on: bool,
}

struct Inner<K, V> {
    answers: LruCache<K, V>,
    /// How often something changed: what was read meanwhile may be from before.
    changes: u64,
}

impl<K: Hash + Eq, V: Clone> Remembered<K, V> {
    /// `is_on`: nobody else writes the database.
    pub(super) fn new(is_on: bool) -> Self {
        Self { inner: Mutex::new(Inner { answers: LruCache::new(REMEMBERED), changes: 0 }), is_on }
    }

    /// What is remembered of this, or what is read now.
    pub(super) async fn get(&self, key: K, read: impl Future<Output = Result<V, Error>>) -> Result<V, Error> {
        if !self.is_on {
            return read.await;
        }
        let changes = {
            let mut inner = self.lock();
            if let Some(answer) = inner.answers.get(&key) {
                return Ok(answer.clone());
            }
            inner.changes
        };
        let answer = read.await?;
        let mut inner = self.lock();
        if inner.changes == changes {
            inner.answers.put(key, answer.clone());
        }
        Ok(answer)
    }

    /// What was written: to be called before anybody is told.
    pub(super) fn put(&self, key: K, answer: V) {
        let mut inner = self.lock();
        inner.changes += 1;
        if self.is_on {
            inner.answers.put(key, answer);
        }
    }

    /// To be called when something of this was written, before anybody is told.
    pub(super) fn forget(&self, key: &K) {
        let mut inner = self.lock();
        inner.changes += 1;
        inner.answers.pop(key);
    }

    /// The same when anything may have been.
    pub(super) fn forget_all(&self) {
        let mut inner = self.lock();
        inner.changes += 1;
        inner.answers.clear();
    }

    fn lock(&self) -> MutexGuard<'_, Inner<K, V>> {
        // Nothing here can be left half done.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn ask(remembered: &Remembered<u8, u8>, in_database: u8) -> u8 {
        remembered.get(1, async { Ok(in_database) }).await.unwrap()
    }

    #[tokio::test]
    async fn what_was_read_is_read_again_once_it_was_written() {
        let remembered = Remembered::new(true);
        assert_eq!(ask(&remembered, 7).await, 7);
        assert_eq!(ask(&remembered, 8).await, 7, "nobody said that it was written");
        remembered.forget(&1);
        assert_eq!(ask(&remembered, 8).await, 8);
        remembered.forget_all();
        assert_eq!(ask(&remembered, 9).await, 9);
    }

    #[tokio::test]
    async fn what_was_read_while_it_was_written_is_not_remembered() {
        let remembered = Remembered::new(true);
        let read = async {
            remembered.forget(&1);
            Ok(7)
        };
        assert_eq!(remembered.get(1, read).await.unwrap(), 7);
        assert_eq!(ask(&remembered, 8).await, 8);
    }

    #[tokio::test]
    async fn where_others_write_nothing_is_remembered() {
        let remembered = Remembered::new(false);
        assert_eq!(ask(&remembered, 7).await, 7);
        assert_eq!(ask(&remembered, 8).await, 8);
    }
}
