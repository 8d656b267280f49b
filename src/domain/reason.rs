//! The tree of reasons a decision comes with. Data, not text: each adapter renders it in its own words.

use serde::{Deserialize, Serialize};

use super::facts::Gap;
use super::policy::{Approvers, AuthoredBy, Dimension};

/// One finding and what led to it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reason {
    /// What was found.
    #[serde(flatten)]
    pub finding: Finding,
    /// Findings it rests on.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub because: Vec<Reason>,
}

impl Reason {
    /// A finding that rests on others.
    #[must_use]
    pub fn new(finding: Finding, because: Vec<Reason>) -> Self {
        Self { finding, because }
    }
}

impl From<Finding> for Reason {
    fn from(finding: Finding) -> Self {
        Self { finding, because: Vec::new() }
    }
}

/// Something that was found while deciding.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "finding", rename_all = "snake_case")]
pub enum Finding {
    /// At least one rule holds the gate.
    Held,
    /// No rule holds the gate.
    NotHeld,
    /// A rule was looked at.
    Rule {
        /// Its name.
        name: String,
        /// Whether it holds the gate, or would.
        matched: bool,
        /// Whether it acts on that, or only tells.
        #[serde(default = "yes", skip_serializing_if = "std::clone::Clone::clone")]
        acts: bool,
    },
    /// A rule does not cover the gate. Most do not: told in one finding, and in few words.
    Outside {
        /// The rule's name.
        rule: String,
        /// What about the gate it does not cover.
        by: Dimension,
        /// What it covers, separated by commas.
        patterns: String,
    },
    /// The rule covers the gate, and its exception does, too.
    Excepted,
    /// Whose commits the rule holds, and how many it found.
    Authorship {
        /// As the rule says.
        authored_by: AuthoredBy,
        /// Commits it holds.
        held: usize,
        /// Commits looked at.
        of: usize,
    },
    /// A fact is missing, so the commits count as touched by AI.
    Missing {
        /// What is missing.
        gap: Gap,
    },
    /// Too few of the people a requirement names had no part: nobody is left to meet it.
    NobodyLeft {
        /// The rule that asks.
        rule: String,
        /// From whom.
        from: Approvers,
        /// Approvals needed.
        approvals: u32,
        /// Persons left who could give them.
        left: u32,
    },
    /// The rule denies whatever it holds.
    Forbidden {
        /// The rule.
        rule: String,
        /// What the policy says about it.
        message: String,
    },
    /// The rule denies what does not say why it is made.
    NoReason {
        /// The rule.
        rule: String,
        /// What a reason must contain.
        pattern: Option<String>,
        /// Commits without one.
        commits: usize,
    },
    /// The rule denies what somebody unknown had a part in.
    Unattributed {
        /// The rule.
        rule: String,
    },
}

fn yes() -> bool {
    true
}
