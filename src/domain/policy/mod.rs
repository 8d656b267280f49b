//! The policy file: parse, validate with line and column, match.

pub mod classes;
pub mod codeowners;
pub mod freeze;
mod node;
mod parse;
mod values;
mod words;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::LazyLock;

use globset::GlobBuilder;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::Millis;
use super::attribution::{Attribution, TenantCatalogue};
use super::digest::Digest;
use super::record::to_json;
pub use parse::parse;

/// Where a repository keeps its policy, on the default branch.
pub const PATH: &str = ".github/seconder.yml";

/// How long a request waits when the rule does not say: 24 hours.
pub const DEFAULT_EXPIRY: Millis = 24 * 60 * 60 * 1000;

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

impl PolicyError {
    /// The error as a compiler shows it: `file:line:column`, what is wrong, and the line with the place underlined.
    /// Plain text; the line is the file's own, so whoever shows it elsewhere escapes it.
    #[must_use]
    pub fn render(&self, path: &str, text: &str) -> String {
        let index = usize::try_from(self.line.saturating_sub(1)).unwrap_or(usize::MAX);
        let heading = format!("{path}:{}:{}: {}", self.line, self.column, self.message);
        let Some(line) = text.lines().nth(index).filter(|line| self.line > 0 && !line.trim().is_empty()) else {
            return heading;
        };
        let before = usize::try_from(self.column.saturating_sub(1)).unwrap_or(0).min(line.chars().count());
        let start = line.char_indices().nth(before).map_or(line.len(), |(start, _)| start);
        let gutter = " ".repeat(self.line.to_string().len());
        let (indent, under) = (" ".repeat(before), "^".repeat(width_of_value(&line[start..]).max(1)));
        format!("{heading}\n{gutter} |\n{} | {line}\n{gutter} | {indent}{under}", self.line)
    }
}

/// How many characters the value takes with which this text starts.
fn width_of_value(text: &str) -> usize {
    if let Some(quote @ ('"' | '\'')) = text.chars().next() {
        return text.chars().skip(1).position(|c| c == quote).map_or(text.chars().count(), |end| end + 2);
    }
    if text.starts_with(['{', '[']) {
        return text.trim_end().chars().count();
    }
    let end = [",", "]", "}", ": ", ":\n", " #"].iter().filter_map(|stop| text.find(stop)).min().unwrap_or(text.len());
    text[..end].trim_end().trim_end_matches(':').chars().count()
}

/// Everything that is wrong with a policy file, in the order of the file; never empty.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct PolicyErrors(Vec<PolicyError>);

impl fmt::Display for PolicyErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().enumerate().try_for_each(|(n, error)| write!(f, "{}{error}", if n == 0 { "" } else { "\n" }))
    }
}

impl PolicyErrors {
    /// The errors, in the order of the file.
    pub fn iter(&self) -> impl Iterator<Item = &PolicyError> {
        self.0.iter()
    }

    /// The first error; how many others there are is added to its words.
    #[must_use]
    pub fn first(&self) -> PolicyError {
        let Some(first) = self.0.first() else {
            return PolicyError { line: 0, column: 0, message: "the file cannot be read".to_owned() };
        };
        match self.0.len() - 1 {
            0 => first.clone(),
            1 => PolicyError { message: format!("{} (and 1 more error)", first.message), ..first.clone() },
            more => PolicyError { message: format!("{} (and {more} more errors)", first.message), ..first.clone() },
        }
    }

    /// All errors as a compiler shows them ([`PolicyError::render`]).
    #[must_use]
    pub fn render(&self, path: &str, text: &str) -> String {
        self.0.iter().map(|error| error.render(path, text)).collect::<Vec<_>>().join("\n\n")
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
    /// The rules, in the order of the file; at least one.
    pub rules: Vec<Rule>,
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
#[must_use]
pub fn in_force(file: Found, last_good: Option<Text>) -> Policy {
    let error = match (file, &last_good) {
        (Found::Absent, None) => return Policy::built_in(),
        (Found::Unreadable(why), _) => {
            PolicyError { line: 0, column: 0, message: format!("{PATH} cannot be read: {why}") }
        }
        (Found::Absent, Some(_)) => {
            PolicyError { line: 0, column: 0, message: format!("{PATH} is gone from the default branch; put it back") }
        }
        (Found::File(file), _) => match parse(&file.text) {
            Ok(rules) => return Policy::of(rules, Origin::File { commit: file.commit, blob: file.blob }),
            Err(errors) => errors.first(),
        },
    };
    match last_good.and_then(|good| Some((parse(&good.text).ok()?, good))) {
        Some((rules, good)) => Policy::of(rules, Origin::LastGood { commit: good.commit, blob: good.blob, error }),
        None => Policy::admins_only(error),
    }
}

/// The rule that holds wherever no rule of a file stands in its place.
static BUILT_IN: LazyLock<Rule> = LazyLock::new(|| Rule {
    name: "built-in".to_owned(),
    environments: vec!["*".to_owned()],
    authored_by: AuthoredBy::Ai,
    require: vec![Requirement { approvals: 1, from: Approvers::Writers }],
    expires_after: DEFAULT_EXPIRY,
    unattributed: Unattributed::ExtraApproval,
});

impl Policy {
    /// The policy of a repository without a file: commits an agent had a hand in need one writer who had none.
    #[must_use]
    pub fn built_in() -> Self {
        Self::fixed(Origin::BuiltIn, vec![BUILT_IN.clone()])
    }

    /// The policy of a repository whose file is broken and never was good: an admin must second everything.
    #[must_use]
    pub fn admins_only(error: PolicyError) -> Self {
        let rule = Rule {
            name: "admins only".to_owned(),
            authored_by: AuthoredBy::Anyone,
            require: vec![Requirement { approvals: 1, from: Approvers::Admins }],
            ..BUILT_IN.clone()
        };
        Self::fixed(Origin::AdminsOnly { error }, vec![rule])
    }

    fn fixed(origin: Origin, rules: Vec<Rule>) -> Self {
        let digest = Digest::of_json(&json!({ "rules": to_json(&rules) }));
        Self {
            origin,
            digest,
            approvers: BTreeMap::new(),
            people: Vec::new(),
            catalogue: TenantCatalogue::default(),
            rules,
        }
    }

    fn of(file: PolicyFile, origin: Origin) -> Self {
        let PolicyFile { digest, approvers, people, catalogue, rules } = file;
        Self { origin, digest, approvers, people, catalogue, rules }
    }

    /// The rules that are looked at for an environment: all of the policy, and the built-in rule unless one of them names
    /// the environment and holds every agent's commits. A file adds to what is held or says who seconds it; forgetting an
    /// environment, or naming one agent for it, opens no door.
    #[must_use]
    pub fn rules_for(&self, environment: &str) -> Vec<&Rule> {
        let holds_agents = |rule: &Rule| !matches!(rule.authored_by, AuthoredBy::Agents(_));
        let covered = self.rules.iter().any(|rule| holds_agents(rule) && rule.names(environment));
        let built_in: Option<&Rule> = if covered { None } else { Some(&BUILT_IN) };
        self.rules.iter().chain(built_in).collect()
    }
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
    /// People it names, with several accounts or addresses.
    pub people: Vec<NamedPerson>,
    /// The catalogue of agents with what the file adds to it.
    #[serde(skip)]
    pub catalogue: TenantCatalogue,
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
    /// What becomes of a request in which somebody unknown had a part.
    #[serde(default, skip_serializing_if = "Unattributed::is_default")]
    pub unattributed: Unattributed,
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

impl Rule {
    /// Whether the rule names an environment. Case does not matter, as for GitHub. A pattern that does not compile names
    /// every environment: a broken rule holds (P2).
    #[must_use]
    pub fn names(&self, environment: &str) -> bool {
        self.environments.iter().any(|pattern| {
            // Most are plain names, and a pattern takes long to compile.
            let is_plain = pattern.is_ascii() && !pattern.contains(['*', '?', '[', ']', '{', '}', '\\']);
            if pattern == "*" || (is_plain && environment.is_ascii()) {
                return pattern == "*" || pattern.eq_ignore_ascii_case(environment);
            }
            GlobBuilder::new(pattern)
                .case_insensitive(true)
                .build()
                .map_or(true, |glob| glob.compile_matcher().is_match(environment))
        })
    }
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

#[cfg(test)]
mod tests;
