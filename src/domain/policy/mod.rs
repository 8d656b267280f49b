//! The policy file: parse, validate with line and column, match.

pub mod classes;
pub mod codeowners;
mod error;
pub mod freeze;
mod glob;
mod node;
mod parse;
mod pattern;
mod places;
mod print;
mod remark;
mod rule;
mod schema;
mod scope;
mod survey;
mod values;
mod vocabulary;
mod words;
pub mod workflows;

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::{Deserialize, Serialize};
use serde_json::json;

use super::Millis;
use super::attribution::TenantCatalogue;
use super::digest::Digest;
use super::record::to_json;
pub use classes::Meant;
pub use error::{PolicyError, PolicyErrors, Span};
use freeze::Freeze;
pub use glob::{Glob, Spelling};
pub use parse::parse;
pub use pattern::Pattern;
pub use places::Places;
pub use print::print;
pub use remark::{Kind, Remark, Severity};
pub use rule::{
    Approvals, Approvers, Assurance, AuthoredBy, Consequence, Escalation, Gate, Member, Mode, NamedPerson,
    ReasonWanted, Requirement, Rule, Unattributed,
};
pub use schema::schema;
pub use scope::{Dimension, Outside, RefKind, Scope, Target};
pub use survey::{Environment, World, survey};

/// Where a repository keeps its policy, on the default branch.
pub const PATH: &str = ".github/seconder.yml";

/// How long a request waits when the rule does not say: 24 hours.
pub const DEFAULT_EXPIRY: Millis = 24 * 60 * 60 * 1000;

/// So many errors of a broken file are kept with the requests it is judged for.
const ERRORS_KEPT: usize = 20;

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
        errors: PolicyErrors,
    },
    /// The file is broken and never was good: repository admins must second everything.
    AdminsOnly {
        /// What is wrong with the file.
        errors: PolicyErrors,
    },
}

impl Origin {
    /// What is wrong with the policy file, if something is.
    #[must_use]
    pub fn errors(&self) -> Option<&PolicyErrors> {
        match self {
            Self::BuiltIn | Self::File { .. } => None,
            Self::LastGood { errors, .. } | Self::AdminsOnly { errors } => Some(errors),
        }
    }
}

/// A policy file as it was found on the default branch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Text {
    /// Head of the default branch when it was read.
    pub commit: String,
    /// Blob id of the file.
    pub blob: String,
    /// The file.
    pub text: String,
}

/// A policy file that was understood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyFile {
    /// Digest of the file's exact bytes.
    pub digest: Digest,
    /// Named groups of approvers. Who is named in a requirement (`1 of octocat`) is a group of that name.
    pub approvers: BTreeMap<String, Vec<Member>>,
    /// The people it names.
    pub people: Vec<NamedPerson>,
    /// The catalogue of agents with what the file adds to it.
    pub catalogue: TenantCatalogue,
    /// The classes it defines.
    pub classes: BTreeMap<String, Meant>,
    /// Times in which nothing is released.
    pub freezes: Vec<Freeze>,
    /// Why nothing may be released now, when somebody threw the switch.
    pub stop: Option<String>,
    /// The rules, in the order of the file; at least one.
    pub rules: Vec<Rule>,
    /// What the file says that this version cannot keep, and other things its author should know.
    pub warnings: Vec<PolicyError>,
}

/// What is on the default branch where the policy file belongs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    /// Nothing.
    Absent,
    /// A file.
    File(Text),
    /// Something that cannot be read; why not, in words. Not the same as nothing (P2).
    Unreadable(String),
}

/// Which rules hold: those of the file on the default branch; if it is broken or gone, the last that were good; if there
/// never were any, repository admins must second everything. Only a repository that never had a file gets the built-in
/// policy: deleting the file loosens nothing (P2).
///
/// `name` is what people call the file.
#[must_use]
pub fn in_force(file: Found, last_good: Option<Text>, name: &str) -> Policy {
    let errors = match (file, &last_good) {
        (Found::Absent, None) => return Policy::built_in(),
        (Found::Unreadable(why), _) => PolicyErrors::whole_file(format!("{name} cannot be read: {why}")),
        (Found::Absent, Some(_)) => {
            PolicyErrors::whole_file(format!("{name} is gone from the default branch; put it back"))
        }
        (Found::File(file), _) => match parse(&file.text) {
            Ok(rules) => return Policy::of(rules, Origin::File { commit: file.commit, blob: file.blob }),
            Err(errors) => errors.at_most(ERRORS_KEPT),
        },
    };
    match last_good.and_then(|good| Some((parse(&good.text).ok()?, good))) {
        Some((rules, good)) => Policy::of(rules, Origin::LastGood { commit: good.commit, blob: good.blob, errors }),
        None => Policy::admins_only(errors),
    }
}

/// The rule that holds wherever no rule of a file stands in its place.
static BUILT_IN: LazyLock<Rule> = LazyLock::new(|| Rule {
    name: "built-in".to_owned(),
    gate: Gate::Deployment,
    scope: Scope::default(),
    except: None,
    authored_by: AuthoredBy::Ai,
    consequence: Consequence::Require(vec![Requirement::of(1, Approvers::Writers)]),
    expires_after: DEFAULT_EXPIRY,
    remind: Vec::new(),
    escalate: Vec::new(),
    unattributed: Unattributed::default(),
    reason: None,
    mode: Mode::default(),
});

impl Policy {
    /// The policy of a repository without a file: commits an agent had a hand in need one writer who had none.
    #[must_use]
    pub fn built_in() -> Self {
        static POLICY: LazyLock<Policy> = LazyLock::new(|| Policy::fixed(Origin::BuiltIn, vec![BUILT_IN.clone()]));
        POLICY.clone()
    }

    /// The policy of a repository whose file is broken and never was good: an admin must second everything.
    #[must_use]
    pub fn admins_only(errors: PolicyErrors) -> Self {
        let rule = Rule {
            name: "admins only".to_owned(),
            authored_by: AuthoredBy::Anyone,
            consequence: Consequence::Require(vec![Requirement::of(1, Approvers::Admins)]),
            ..BUILT_IN.clone()
        };
        Self::fixed(Origin::AdminsOnly { errors }, vec![rule])
    }

    fn fixed(origin: Origin, rules: Vec<Rule>) -> Self {
        Self {
            origin,
            digest: Self::digest_of(&rules),
            approvers: BTreeMap::new(),
            people: Vec::new(),
            catalogue: TenantCatalogue::default(),
            freezes: Vec::new(),
            stop: None,
            rules,
            leans_on_another: false,
        }
    }

    /// The digest of rules that come from no file.
    pub(super) fn digest_of(rules: &[Rule]) -> Digest {
        Digest::of_json(&json!({ "rules": to_json(&rules) }))
    }

    fn of(file: PolicyFile, origin: Origin) -> Self {
        let PolicyFile { digest, approvers, people, catalogue, freezes, stop, rules, classes: _, warnings: _ } = file;
        Self { origin, digest, approvers, people, catalogue, freezes, stop, rules, leans_on_another: false }
    }

    /// Whether anybody is asked for as the owner of changed files.
    #[must_use]
    pub fn asks_code_owners(&self) -> bool {
        let group =
            |from: &Approvers| self.approvers.get(from.as_str()).is_some_and(|all| all.contains(&Member::CodeOwners));
        self.rules.iter().flat_map(Rule::asks).any(|from| *from == Approvers::CodeOwners || group(from))
    }

    /// Whether an exception hangs on a branch or tag.
    #[must_use]
    pub fn excepts_refs(&self) -> bool {
        self.rules.iter().any(|rule| rule.except.as_ref().is_some_and(Scope::looks_at_refs))
    }

    /// The rules that are looked at: all of the policy, and the built-in rule unless one of them covers every agent's commits
    /// there. A file adds to what is held or says who seconds it; forgetting an environment, or naming one agent or one folder
    /// for it, opens no door.
    pub fn rules_for<'a>(&'a self, target: &Target<'_>) -> impl Iterator<Item = &'a Rule> {
        let covered = self.leans_on_another || self.rules.iter().any(|rule| rule.covers_agents(target));
        let built_in: Option<&'a Rule> = if covered { None } else { Some(&BUILT_IN) };
        self.rules.iter().chain(built_in)
    }
}

impl Rule {
    /// Everybody it asks, now or later.
    #[must_use]
    pub fn asks(&self) -> Vec<&Approvers> {
        let mut asked: Vec<&Approvers> = self.escalate.iter().map(|step| &step.to).collect();
        if let Consequence::Require(require) = &self.consequence {
            require.iter().for_each(|requirement| requirement.collect(&mut asked));
        }
        asked
    }

    /// Whether it looks at every agent's commits that go there, whatever files they change.
    fn covers_agents(&self, target: &Target<'_>) -> bool {
        !matches!(self.authored_by, AuthoredBy::Agents(_))
            && self.mode == Mode::Enforce
            && self.gate == target.gate
            && self.scope.looks_at_environments_only()
            && self.except.is_none()
            && self.scope.covers(target, &[], true).is_ok()
    }
}

/// The rules in force for one repository, or for all of an organization's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Policy {
    /// Where they came from.
    pub origin: Origin,
    /// Digest of the rules (of the file's exact bytes when there is one).
    pub digest: Digest,
    /// Named groups of approvers.
    pub approvers: BTreeMap<String, Vec<Member>>,
    /// People it names, with several accounts or addresses.
    pub people: Vec<NamedPerson>,
    /// The catalogue of agents with what the file adds to it.
    #[serde(skip)]
    pub catalogue: TenantCatalogue,
    /// Times in which nothing is released.
    pub freezes: Vec<Freeze>,
    /// Why nothing may be released now, when somebody threw the switch.
    pub stop: Option<String>,
    /// The rules, in the order of the file.
    pub rules: Vec<Rule>,
    /// Whether another policy, which holds besides, brings the built-in rule where it is needed.
    #[serde(skip)]
    pub leans_on_another: bool,
}
