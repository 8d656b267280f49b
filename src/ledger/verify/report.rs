//! What a verification found.
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::ledger::checkpoint::Checkpoint;
use crate::ledger::record::RecordType;

/// How a request ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Seconded.
    Approved,
    /// Refused by a reviewer or by policy.
    Denied,
    /// Nobody seconded it in time.
    Expired,
    /// No rule asks for a second.
    NotRequired,
    /// A newer attempt or commit took its place.
    Superseded,
    /// What was held is gone.
    Withdrawn,
}

impl Outcome {
    /// Its name in an entry.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Outcome::Approved => "approved",
            Outcome::Denied => "denied",
            Outcome::Expired => "expired",
            Outcome::NotRequired => "not_required",
            Outcome::Superseded => "superseded",
            Outcome::Withdrawn => "withdrawn",
        }
    }
}

/// So many of something, in words.
#[must_use]
pub fn counted(n: u64, one: &str, many: &str) -> String {
    format!("{n} {}", if n == 1 { one } else { many })
}

/// What is in a ledger that was verified.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Report {
    /// The log.
    pub origin: String,
    /// The first entry that was checked: 0, but for a segment.
    pub from: u64,
    /// Its entries, with those before the segment.
    pub size: u64,
    /// The root, in base64 as in the checkpoint.
    pub root: String,
    /// Entries of each type.
    pub entries: BTreeMap<&'static str, u64>,
    /// Requests decided, by outcome. Each has a receipt that was checked.
    pub outcomes: BTreeMap<&'static str, u64>,
    /// Requests opened and not yet decided.
    pub pending: u64,
    /// Requests met that were opened before the segment: who had a part in them, and who approved them until then, is in the
    /// segments before.
    pub opened_before: u64,
    /// The size of the newest older checkpoint that this ledger continues.
    pub continues: Option<u64>,
    /// Files of which nothing says that they are what they should be: whoever is strict refuses them.
    pub unvouched: Vec<&'static str>,
    /// The witnesses that cosigned the checkpoint, by their names in the policy that was given, and when each says it did, in seconds
    /// since 1970 UTC.
    pub cosigned: BTreeMap<String, u64>,
    /// Whether there is a time-stamp in the form of one over this checkpoint. Its authority's signature is not checked.
    pub is_stamped: bool,
    /// Decisions of which GitHub could not be told: it may not know of them.
    pub callbacks_given_up: u64,
    /// What is odd and proves nothing, in sentences: whoever is strict refuses it.
    pub warnings: Vec<String>,
    /// The key the log has now, when another one was trusted that vouches for it.
    pub newer_key: Option<String>,
    /// The keys that are announced and will take over, for which the one that was trusted vouches.
    pub announced_keys: Vec<String>,
    /// The keys to trust from here on: the log's own, then one that is announced.
    pub keys: Vec<String>,
}

impl Report {
    pub(super) fn new(from: u64, checkpoint: &Checkpoint, continues: Option<u64>) -> Report {
        Report {
            origin: checkpoint.origin.clone(),
            from,
            size: checkpoint.size,
            root: checkpoint.root.to_base64(),
            entries: BTreeMap::new(),
            outcomes: BTreeMap::new(),
            pending: 0,
            opened_before: 0,
            continues,
            unvouched: Vec::new(),
            cosigned: BTreeMap::new(),
            is_stamped: false,
            callbacks_given_up: 0,
            warnings: Vec::new(),
            newer_key: None,
            announced_keys: Vec::new(),
            keys: Vec::new(),
        }
    }

    pub(super) fn count(&mut self, record_type: RecordType) {
        *self.entries.entry(record_type.as_str()).or_default() += 1;
    }

    pub(super) fn decided(&mut self, outcome: Outcome) {
        *self.outcomes.entry(outcome.as_str()).or_default() += 1;
    }

    pub(super) fn voided(&mut self, outcome: Outcome) {
        if let Some(count) = self.outcomes.get_mut(outcome.as_str()) {
            *count = count.saturating_sub(1);
        }
    }

    /// Requests opened.
    #[must_use]
    pub fn requests(&self) -> u64 {
        self.entries.get(RecordType::RequestOpened.as_str()).copied().unwrap_or_default()
    }

    /// Requests decided.
    #[must_use]
    pub fn decisions(&self) -> u64 {
        self.outcomes.values().sum()
    }
}
