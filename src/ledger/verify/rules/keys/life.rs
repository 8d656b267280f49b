//! One key of a log through its life, and what of all of them is kept for another day.
use serde::{Deserialize, Serialize};

use crate::ledger::note::VerifierKey;

/// One key of the log.
#[derive(Debug, Clone)]
pub(super) struct Key {
    pub(super) key: VerifierKey,
    /// The entry that made it one.
    pub(super) added: u64,
    /// The key that vouched for it.
    pub(super) by: Option<VerifierKey>,
    /// The entry that made it the log's own.
    pub(super) activated: Option<u64>,
    /// The largest tree its signature counts for.
    pub(super) valid_to: Option<u64>,
    /// It is the reader's own, or one that is trusted has vouched for it.
    pub(super) is_trusted: bool,
    /// Nothing that was read says that it is one: it must have been one before.
    pub(super) is_supposed: bool,
}

impl Key {
    /// A key from before what is read.
    pub(super) fn supposed(key: VerifierKey, trusted: &VerifierKey) -> Self {
        let is_trusted = key == *trusted;
        Self { key, added: 0, by: None, activated: None, valid_to: None, is_trusted, is_supposed: true }
    }

    pub(super) fn is_in_force(&self, size: u64) -> bool {
        self.added < size.max(1) && self.valid_to.is_none_or(|valid_to| size <= valid_to)
    }

    /// When it was made the log's own, in a log of this size.
    pub(super) fn activated_by(&self, size: u64) -> Option<u64> {
        self.activated.filter(|activated| *activated < size.max(1))
    }
}

/// What was known of the keys of a log when it had so many entries: whoever has seen them goes on from there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Remembered {
    pub(super) size: u64,
    /// The entry from which on all is known that was said of keys.
    pub(super) from: u64,
    keys: Vec<RememberedKey>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct RememberedKey {
    vkey: String,
    added: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    added_by: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    activated: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    valid_to_size: Option<u64>,
}

impl Remembered {
    pub(super) fn of(life: &[Key], from: u64, size: u64) -> Self {
        let keys = life.iter().map(|known| RememberedKey {
            vkey: known.key.to_string(),
            added: known.added,
            added_by: known.by.as_ref().map(VerifierKey::to_string),
            activated: known.activated,
            valid_to_size: known.valid_to,
        });
        Self { size, from, keys: keys.collect() }
    }

    /// The keys, for a reader who trusts this one; nothing if they are not keys of its log.
    pub(super) fn life(&self, trusted: &VerifierKey) -> Option<Vec<Key>> {
        let read = |vkey: &str| vkey.parse().ok().filter(|key: &VerifierKey| key.name() == trusted.name());
        let mut life: Vec<Key> = Vec::new();
        for known in &self.keys {
            let key = read(&known.vkey)?;
            let by = match &known.added_by {
                Some(by) => Some(read(by)?),
                None => None,
            };
            let is_trusted = key == *trusted || life.iter().any(|it| it.is_trusted && Some(&it.key) == by.as_ref());
            let (added, activated, valid_to) = (known.added, known.activated, known.valid_to_size);
            life.push(Key { key, added, by, activated, valid_to, is_trusted, is_supposed: false });
        }
        Some(life)
    }

    /// Whether the keys in it can be read, and are of this log.
    #[must_use]
    pub fn is_of(&self, log: &str) -> bool {
        let is_its = |vkey: &String| vkey.parse().is_ok_and(|key: VerifierKey| key.name() == log);
        !self.keys.is_empty() && self.keys.iter().all(|known| is_its(&known.vkey) && known.added_by.iter().all(is_its))
    }
}
