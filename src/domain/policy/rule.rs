//! What a rule says: when it applies, what it asks, and what becomes of what it holds.

use serde::{Deserialize, Serialize};

use super::pattern::Pattern;
use super::scope::Scope;
use crate::domain::Millis;
use crate::domain::attribution::Attribution;
use crate::domain::decide::Permission;

/// One rule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rule {
    /// Its name, shown to people.
    pub name: String,
    /// What kind of thing it holds.
    pub gate: Gate,
    /// Which of them.
    pub scope: Scope,
    /// Which of those not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub except: Option<Scope>,
    /// Whose commits it holds.
    pub authored_by: AuthoredBy,
    /// What becomes of what it holds.
    pub consequence: Consequence,
    /// How long a request waits before it is denied.
    pub expires_after: Millis,
    /// After how long, counted from the opening, people are reminded.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub remind: Vec<Millis>,
    /// Who may approve besides, after some time.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub escalate: Vec<Escalation>,
    /// What becomes of a request in which somebody unknown had a part.
    #[serde(default, skip_serializing_if = "Unattributed::is_default")]
    pub unattributed: Unattributed,
    /// Whether the change must say why it is made, and how.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<ReasonWanted>,
    /// Whether it acts, or only tells what it would do.
    #[serde(default, skip_serializing_if = "Mode::is_default")]
    pub mode: Mode,
}

/// What kind of thing a rule holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Gate {
    /// A deployment to an environment.
    #[default]
    Deployment,
    /// A job of a workflow.
    Job,
    /// A command somebody wants to run.
    Command,
}

impl Gate {
    /// As the policy file spells it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Deployment => "deployment",
            Self::Job => "job",
            Self::Command => "command",
        }
    }
}

/// What becomes of what a rule holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Consequence {
    /// All of these must be met.
    Require(Vec<Requirement>),
    /// It is denied, and this is said.
    Deny(String),
}

/// Whether a rule acts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// It holds.
    #[default]
    Enforce,
    /// It tells what it would hold, and holds nothing.
    Shadow,
}

impl ReasonWanted {
    /// The expression; nothing when any reason will do.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.pattern.as_ref().map_or("", Pattern::as_str)
    }
}

impl Mode {
    fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

/// What a rule does when somebody with a part could not be identified.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unattributed {
    /// Each costs one more approver, so that enough people second it who did not write it.
    #[default]
    ExtraApproval,
    /// It is denied.
    Deny,
}

impl Unattributed {
    fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

/// Who may approve besides, once a request has waited so long. It lets more people meet a requirement; how many must, stays.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Escalation {
    /// How long after the opening.
    pub after: Millis,
    /// Who.
    pub to: Approvers,
}

/// That a change must say why it is made: in the title or text of the pull requests that bring it, or, for a command, in what its
/// requester says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReasonWanted {
    /// What the reason must contain, as a regular expression (`[A-Z]+-[0-9]+` for a ticket); anything when none is given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pattern: Option<Pattern>,
}

/// Whose commits a rule holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AuthoredBy {
    /// Any agent's.
    Ai,
    /// Everybody's, but what a person the policy names has signed with their own key and no agent has marked.
    Unproven,
    /// Everybody's.
    Anyone,
    /// These agents' (slugs of the catalogue).
    Agents(Vec<String>),
}

impl AuthoredBy {
    /// Whether a commit is held: by its attribution, and by whether a person is proven to have written it.
    #[must_use]
    pub fn holds(&self, attribution: Option<&Attribution>, is_proven: bool) -> bool {
        match (self, attribution) {
            (Self::Anyone, _) | (Self::Ai, Some(_)) => true,
            (Self::Unproven, _) => !is_proven,
            (Self::Agents(agents), Some(found)) => found.evidence.iter().any(|e| agents.contains(&e.agent)),
            (Self::Ai | Self::Agents(_), None) => false,
        }
    }
}

/// What a rule asks, as it is written: short forms in a list must all be met.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Requirement {
    /// So many distinct persons from a group.
    Approvals(Approvals),
    /// One of these.
    AnyOf(Vec<Requirement>),
    /// All of these.
    AllOf(Vec<Requirement>),
}

/// So many distinct persons from a group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Approvals {
    /// How many; at least 1.
    pub approvals: u32,
    /// From whom.
    pub from: Approvers,
    /// How sure we must be that it was them.
    #[serde(default, skip_serializing_if = "Assurance::is_default")]
    pub assurance: Assurance,
}

impl Requirement {
    pub(super) fn collect<'a>(&'a self, asked: &mut Vec<&'a Approvers>) {
        match self {
            Self::Approvals(approvals) => asked.push(&approvals.from),
            Self::AnyOf(parts) | Self::AllOf(parts) => parts.iter().for_each(|part| part.collect(asked)),
        }
    }

    /// Whether anybody must be as sure as that.
    pub(super) fn wants(&self, assurance: Assurance) -> bool {
        match self {
            Self::Approvals(approvals) => approvals.assurance == assurance,
            Self::AnyOf(parts) | Self::AllOf(parts) => parts.iter().any(|part| part.wants(assurance)),
        }
    }

    /// So many distinct persons from a group, by a click.
    #[must_use]
    pub fn of(approvals: u32, from: Approvers) -> Self {
        Self::Approvals(Approvals { approvals, from, assurance: Assurance::default() })
    }
}

/// How sure it is that somebody spoke for themselves, weakest first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Assurance {
    /// A button pressed with their account.
    #[default]
    Click,
    /// Signed in on the web page.
    Session,
    /// A passkey signed what was shown.
    Passkey,
}

impl Assurance {
    /// The strongest.
    pub const MOST: Self = Self::Passkey;

    /// Whether it is the weakest, which needs no word.
    #[must_use]
    pub fn is_default(&self) -> bool {
        *self == Self::default()
    }

    /// As the policy file spells it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Click => "click",
            Self::Session => "session",
            Self::Passkey => "passkey",
        }
    }
}

/// Who may meet a requirement.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Approvers {
    /// Anyone with write access to the repository.
    Writers,
    /// Anyone with admin access to the repository.
    Admins,
    /// The owners of the changed files, by `CODEOWNERS`.
    CodeOwners,
    /// A named group of the policy.
    Group(String),
}

impl Approvers {
    /// As the policy file spells it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Writers => "writers",
            Self::Admins => "admins",
            Self::CodeOwners => "codeowners",
            Self::Group(name) => name,
        }
    }
}

/// One member of a group of approvers.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
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
    /// Everybody with at least this access to the repository.
    Permission(Permission),
    /// The owners of the changed files, by `CODEOWNERS`.
    CodeOwners,
}

/// A person as the policy file names them: their accounts are still to be looked up.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct NamedPerson {
    /// How the file calls them.
    pub name: String,
    /// Logins of their accounts, lower-case.
    pub logins: Vec<String>,
    /// Addresses of their commits, lower-case.
    pub emails: Vec<String>,
    /// Whether it is a program.
    pub is_machine: bool,
}
