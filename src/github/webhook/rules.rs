//! Events after which a decision may come out differently: the rules' files, who is in a team, who may do what; and pull
//! requests, which may change the rules.
//!
//! In doubt, they changed: to judge once more costs a few calls, not to judge leaves a request under rules that are gone.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Unusable;
use super::payload::{Installation, PayloadRepository, need, origin};
use crate::domain::gate::{Repository, Tenant};
use crate::github::files;
use crate::github::organization;
use crate::github::wire;

/// A repository's own policy file.
const POLICY: &str = ".github/seconder.yml";
/// GitHub lists 2,048 commits of a push, GitHub Enterprise Server once listed 20: from here on there may be more.
const COMMITS_LISTED: usize = 20;
/// GitHub lists at least so many files of a commit before it stops.
const FILES_LISTED: usize = 300;

/// What decisions rest on may have changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RulesMayHaveChanged {
    /// Whose.
    pub tenant: Tenant,
    /// Where; everywhere when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repository: Option<Repository>,
    /// What it was.
    pub why: RulesChange,
}

/// What may have changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RulesChange {
    /// The repository's policy file or CODEOWNERS.
    Files,
    /// The organization's policy file, or the repository it is in.
    Organization,
    /// Which branch is the default branch, and so which files count.
    DefaultBranch,
    /// Who is in a team, or which repositories a team may use.
    Teams,
    /// Who may do what in a repository.
    Access,
    /// Somebody left the organization.
    Membership,
}

/// A pull request was opened, or has a new head.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PullRequestChanged {
    /// Whose it is.
    pub tenant: Tenant,
    /// Where.
    pub repository: Repository,
    /// Its number.
    pub number: u64,
    /// Its newest commit.
    pub head_sha: String,
    /// The branch it is to go into.
    pub base_ref: String,
}

pub(super) fn is_used(event: &str) -> bool {
    matches!(
        event,
        "push" | "membership" | "team" | "team_add" | "member" | "organization" | "repository" | "pull_request"
    )
}

/// Reads the payload of one of these events.
pub(super) fn parse(event: &str, body: &[u8]) -> Result<Option<super::Incoming>, Unusable> {
    let payload: Payload = serde_json::from_slice(body).map_err(|error| Unusable::Malformed(error.to_string()))?;
    let why = match (event, payload.action.as_deref().unwrap_or_default()) {
        ("pull_request", "opened" | "reopened" | "synchronize") => {
            return payload.pull_request_changed().map(|changed| Some(super::Incoming::PullRequestChanged(changed)));
        }
        ("push", _) => payload.pushed(),
        ("repository", action) => payload.repository_changed(action),
        ("membership" | "team" | "team_add", _) => Some(RulesChange::Teams),
        ("member", _) => Some(RulesChange::Access),
        ("organization", "member_removed") => Some(RulesChange::Membership),
        _ => None,
    };
    why.map(|why| payload.rules_may_have_changed(why).map(super::Incoming::RulesMayHaveChanged)).transpose()
}

/// The fields of all these events. Whatever is missing is read as a change.
#[derive(Deserialize)]
struct Payload {
    action: Option<String>,
    repository: Option<Named>,
    organization: Option<wire::User>,
    installation: Option<Installation>,
    /// What was there before. Read as it comes: each event has a shape of its own.
    #[serde(default)]
    changes: Value,
    // push
    #[serde(rename = "ref")]
    reference: Option<String>,
    deleted: Option<bool>,
    forced: Option<bool>,
    after: Option<String>,
    commits: Option<Vec<Pushed>>,
    // pull_request
    pull_request: Option<PullRequest>,
}

#[derive(Deserialize)]
struct Named {
    #[serde(flatten)]
    repository: PayloadRepository,
    default_branch: Option<String>,
}

/// A commit of a push, and what it did to files.
#[derive(Deserialize)]
struct Pushed {
    id: Option<String>,
    added: Option<Vec<String>>,
    modified: Option<Vec<String>>,
    removed: Option<Vec<String>>,
}

#[derive(Deserialize)]
struct PullRequest {
    number: Option<u64>,
    head: Option<Side>,
    base: Option<Side>,
}

#[derive(Deserialize)]
struct Side {
    sha: Option<String>,
    #[serde(rename = "ref")]
    reference: Option<String>,
}

impl Payload {
    fn is_of_the_organization(&self) -> bool {
        let name = self.repository.as_ref().and_then(|named| named.repository.name.as_deref());
        name.is_some_and(|name| name.eq_ignore_ascii_case(organization::REPOSITORY))
    }

    /// A push changes rules if it changes their files on the default branch.
    fn pushed(&self) -> Option<RulesChange> {
        let default = self.repository.as_ref().and_then(|named| named.default_branch.as_deref());
        if let (Some(reference), Some(default)) = (self.reference.as_deref(), default)
            && reference.strip_prefix("refs/heads/") != Some(default)
        {
            return None;
        }
        if self.is_of_the_organization() {
            return Some(RulesChange::Organization);
        }
        let says_it_all = self.deleted != Some(true) && self.forced != Some(true) && self.lists_all_commits();
        let touches = |commit: &Pushed| commit.touches_rules();
        (!says_it_all || self.commits.iter().flatten().any(touches)).then_some(RulesChange::Files)
    }

    /// The newest commit is among few that are listed, so that none was left out.
    fn lists_all_commits(&self) -> bool {
        let commits = self.commits.as_deref().unwrap_or_default();
        commits.len() < COMMITS_LISTED && commits.iter().any(|commit| commit.id.is_some() && commit.id == self.after)
    }

    fn repository_changed(&self, action: &str) -> Option<RulesChange> {
        let old_name = self.changes["repository"]["name"]["from"].as_str();
        let was_the_organizations = old_name.is_some_and(|name| name.eq_ignore_ascii_case(organization::REPOSITORY));
        match action {
            "edited" if self.changes["default_branch"].is_null() => None,
            _ if self.is_of_the_organization() || was_the_organizations => Some(RulesChange::Organization),
            "edited" => Some(RulesChange::DefaultBranch),
            _ => None,
        }
    }

    /// Rules of an organization and its teams hold everywhere; so it has no repository then.
    fn rules_may_have_changed(self, why: RulesChange) -> Result<RulesMayHaveChanged, Unusable> {
        if let Some(named) = self.repository {
            let (tenant, repository) = origin(self.installation, Some(named.repository))?;
            let repository = (why != RulesChange::Organization).then_some(repository);
            return Ok(RulesMayHaveChanged { tenant, repository, why });
        }
        let installation_id = need(self.installation.and_then(|i| i.id), "installation")?;
        let organization = need(self.organization, "organization")?;
        let tenant = Tenant {
            account_id: need(organization.id, "organization.id")?,
            login: need(organization.login, "organization.login")?,
            installation_id,
        };
        Ok(RulesMayHaveChanged { tenant, repository: None, why })
    }

    fn pull_request_changed(self) -> Result<PullRequestChanged, Unusable> {
        let (tenant, repository) = origin(self.installation, self.repository.map(|named| named.repository))?;
        let pull_request = need(self.pull_request, "pull_request")?;
        Ok(PullRequestChanged {
            tenant,
            repository,
            number: need(pull_request.number, "pull_request.number")?,
            head_sha: need(pull_request.head.and_then(|head| head.sha), "pull_request.head.sha")?,
            base_ref: need(pull_request.base.and_then(|base| base.reference), "pull_request.base.ref")?,
        })
    }
}

impl Pushed {
    /// Whether it changed one of the rules' files, or does not say so much that it could not have. A merge lists no files.
    fn touches_rules(&self) -> bool {
        let (Some(added), Some(modified), Some(removed)) = (&self.added, &self.modified, &self.removed) else {
            return true;
        };
        let mut paths = added.iter().chain(modified).chain(removed).map(String::as_str);
        let count = added.len() + modified.len() + removed.len();
        count == 0 || count >= FILES_LISTED || paths.any(|path| path == POLICY || files::CODE_OWNERS.contains(&path))
    }
}

#[cfg(test)]
mod tests;
