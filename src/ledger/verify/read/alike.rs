//! What many entries have alike: the rules they name, and what these ask. What was met lately is not read again.
use std::num::NonZeroUsize;
use std::sync::Arc;

use lru::LruCache;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

use super::body::need;
use super::policy::Policy;
use super::quorum::Quorum;
use crate::ledger::verify::violation::Violation;

/// So many are remembered of each, of those that were met last.
const REMEMBERED: NonZeroUsize = NonZeroUsize::new(64).unwrap();
/// What is longer is read each time, in bytes: it must not fill the memory.
const LONGEST: usize = 2048;

/// Rules and requirements that were read.
#[derive(Default)]
pub(in crate::ledger::verify) struct Alike {
    policies: Once<Policy>,
    quorums: Once<Vec<Quorum>>,
}

impl Alike {
    pub(super) fn policy(&mut self, raw: Option<&RawValue>) -> Result<Arc<Policy>, Violation> {
        self.policies.read(raw, "policy")
    }

    pub(super) fn quorum(&mut self, raw: Option<&RawValue>) -> Result<Arc<Vec<Quorum>>, Violation> {
        raw.map_or_else(|| Ok(Arc::default()), |raw| self.quorums.read(Some(raw), "quorum"))
    }
}

/// Values by the bytes they were read from.
struct Once<T>(LruCache<Box<str>, Arc<T>>);

impl<T> Default for Once<T> {
    fn default() -> Self {
        Self(LruCache::new(REMEMBERED))
    }
}

impl<T: DeserializeOwned> Once<T> {
    fn read(&mut self, raw: Option<&RawValue>, name: &str) -> Result<Arc<T>, Violation> {
        let bytes = raw.map(RawValue::get).filter(|bytes| bytes.len() <= LONGEST);
        if let Some(known) = bytes.and_then(|bytes| self.0.get(bytes)) {
            return Ok(Arc::clone(known));
        }
        let read = Arc::new(need(raw, name)?);
        if let Some(bytes) = bytes {
            self.0.put(bytes.into(), Arc::clone(&read));
        }
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digest_of(alike: &mut Alike, digest: &str) -> String {
        let raw = RawValue::from_string(format!(r#"{{"digest":"{digest}","origin":"file"}}"#)).unwrap();
        alike.policy(Some(&raw)).unwrap().digest.clone()
    }

    #[test]
    fn rules_stay_apart_however_alike_how_many_and_how_long_they_are() {
        let mut alike = Alike::default();
        let long = "x".repeat(LONGEST);
        let digests: Vec<String> = (0..2 * REMEMBERED.get())
            .map(|n| format!("sha256:{n}"))
            .chain([format!("{long}a"), format!("{long}b")])
            .collect();
        for digest in digests.iter().chain(&digests) {
            assert_eq!(digest_of(&mut alike, digest), *digest);
        }
    }
}
