//! The policy file: parse, validate with line and column, match.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Millis;
use super::attribution::Attribution;
use super::digest::Digest;

/// Where the rules in force came from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "origin", rename_all = "snake_case")]
pub enum Origin {
    /// The repository has no policy file.
    BuiltIn,
    /// `.github/seconder.yml` on the default branch.
    File {
        /// Head of the default branch when it was read.
        commit: String,
        /// Blob id of the file.
        blob: String,
    },
    /// The file is broken; these are the last rules that were good.
    LastGood {
        /// Head of the default branch when it was last good.
        commit: String,
        /// Blob id of the last good file.
        blob: String,
        /// What is wrong with the file now.
        error: PolicyError,
    },
    /// The file is broken and never was good: repository admins must second everything.
    AdminsOnly {
        /// What is wrong with the file.
        error: PolicyError,
    },
}

impl Origin {
    /// What is wrong with the policy file, if something is.
    #[must_use]
    pub fn error(&self) -> Option<&PolicyError> {
        match self {
            Self::BuiltIn | Self::File { .. } => None,
            Self::LastGood { error, .. } | Self::AdminsOnly { error } => Some(error),
        }
    }
}

/// What is wrong with a policy file, and where.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{line}:{column}: {message}")]
pub struct PolicyError {
    /// Line, counted from 1; 0 when the whole file is meant.
    pub line: u64,
    /// Column, counted from 1.
    pub column: u64,
    /// What is wrong and what to do.
    pub message: String,
}

/// The rules in force for one repository.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Policy {
    /// Where they came from.
    pub origin: Origin,
    /// Digest of the rules (of the file's exact bytes when there is one).
    pub digest: Digest,
    /// Named groups of approvers.
    pub approvers: BTreeMap<String, Vec<Member>>,
    /// The rules, in the order of the file.
    pub rules: Vec<Rule>,
}

/// One member of a group of approvers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Member {
    /// A user, by login (compared without case).
    User(String),
    /// A team of an organization, child teams included.
    Team {
        /// The organization's login.
        org: String,
        /// The team's slug.
        slug: String,
    },
}

/// One rule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rule {
    /// Its name, shown to people.
    pub name: String,
    /// Environment names it holds, as globs.
    pub environments: Vec<String>,
    /// Whose commits it holds.
    pub authored_by: AuthoredBy,
    /// All of these must be met.
    pub require: Vec<Requirement>,
    /// How long a request waits before it is denied.
    pub expires_after: Millis,
}

/// Whose commits a rule holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AuthoredBy {
    /// Any agent's.
    Ai,
    /// Everybody's.
    Anyone,
    /// These agents' (slugs of the catalogue).
    Agents(Vec<String>),
}

impl AuthoredBy {
    /// Whether a commit with this attribution is held.
    #[must_use]
    pub fn holds(&self, attribution: Option<&Attribution>) -> bool {
        match (self, attribution) {
            (Self::Anyone, _) | (Self::Ai, Some(_)) => true,
            (Self::Agents(agents), Some(found)) => found.evidence.iter().any(|e| agents.contains(&e.agent)),
            (Self::Ai | Self::Agents(_), None) => false,
        }
    }
}

/// So many distinct persons from a group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Requirement {
    /// How many; at least 1.
    pub approvals: u32,
    /// From whom.
    pub from: Approvers,
}

/// Who may meet a requirement.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Approvers {
    /// Anyone with write access to the repository.
    Writers,
    /// Anyone with admin access to the repository.
    Admins,
    /// A named group of the policy.
    Group(String),
}
