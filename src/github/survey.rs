//! What there is in a repository, as far as a policy can be about it: read for whoever writes one.

use http::Method;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::client::{Call, Error};
use super::facts::{PolicyFile, policy_file};
use super::graphql::files::{self, RepositoryContext, SurveyContext};
use super::graphql::reply::in_repository;
use super::tokens::{Purpose, Reach, Scope};
use super::{GitHub, Place, wire};
use crate::domain::decide::Permission;
use crate::domain::gate::{Repository, Tenant};
use crate::domain::people::Account;

/// GitHub's largest page.
const PAGE: usize = 100;
/// So many pages of a list are read.
const PAGES: usize = 100;
/// Where GitHub looks for workflows.
const WORKFLOWS: &str = ".github/workflows";

/// The policy file and the workflows at the head of the default branch.
#[derive(Clone, Debug)]
pub struct Files {
    /// The policy file.
    pub policy: PolicyFile,
    /// Path and text of each workflow.
    pub workflows: Vec<(String, String)>,
    /// Path of each workflow that cannot be read, and why not.
    pub unread: Vec<(String, String)>,
}

impl GitHub {
    /// A repository by its name, and through which installation it is reached.
    ///
    /// # Errors
    /// [`Error`]; not found when the App is not installed there, or has no such repository.
    pub async fn locate(&self, owner: &str, name: &str) -> Result<(Tenant, Repository), Error> {
        let path = super::below_repository(owner, name, format_args!("/installation"));
        let found: Installation = self.call_as_app(Method::GET, &path).await?.json("the installation")?;
        let tenant = Tenant {
            account_id: found.account.id.unwrap_or_default(),
            login: found.account.login.unwrap_or_default(),
            installation_id: found.id,
        };
        // A token for all of them, which may do nothing but look: the id of the one is still to be learned.
        let scope = Scope { installation: tenant.installation_id, reach: Reach::Everything, purpose: Purpose::Look };
        let answer = self.call(scope, Call::graphql(&files::repository(owner, name))).await?;
        let (context, _): (RepositoryContext, _) = in_repository(&answer, "the repository", self.now())?;
        let (owner, name) = context.name_with_owner.split_once('/').unwrap_or((owner, name));
        Ok((tenant, Repository { id: context.database_id, owner: owner.to_owned(), name: name.to_owned() }))
    }

    /// The policy file and the workflows, in one call.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn policy_and_workflows(&self, place: Place<'_>) -> Result<Files, Error> {
        let body = files::survey(&place.repository.owner, &place.repository.name, WORKFLOWS);
        let answer = self.call(place.scope(Purpose::Read), Call::graphql(&body)).await?;
        let (context, is_partial): (SurveyContext, _) =
            in_repository(&answer, "the policy file and the workflows", self.now())?;
        let policy = policy_file(context.default_branch_ref.as_ref(), context.policy.as_ref(), is_partial);
        let (mut workflows, mut unread) = (Vec::new(), Vec::new());
        for entry in context.workflows.and_then(|tree| tree.entries).unwrap_or_default() {
            if entry.kind != "blob" || !(entry.name.ends_with(".yml") || entry.name.ends_with(".yaml")) {
                continue;
            }
            let path = format!("{WORKFLOWS}/{}", entry.name);
            match entry.object.as_ref().map_or(Err("GitHub did not show it"), |object| object.file()) {
                Ok((_, text)) => workflows.push((path, text)),
                Err(why) => unread.push((path, why.to_owned())),
            }
        }
        Ok(Files { policy, workflows, unread })
    }

    /// Names of the repository's environments.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn environments(&self, place: Place<'_>) -> Result<Vec<String>, Error> {
        let mut names = Vec::new();
        for page in 1..=PAGES {
            let path = place.path(format_args!("/environments?per_page={PAGE}&page={page}"));
            let answer: Environments = self.read(place, Purpose::Read, &path).await?.json("the environments")?;
            let read = answer.environments.unwrap_or_default();
            let is_last = read.len() < PAGE;
            names.extend(read.into_iter().map(|environment| environment.name));
            if is_last {
                break;
            }
        }
        Ok(names)
    }

    /// Everybody with access to the repository, and what it is.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn everybody_with_access(&self, place: Place<'_>) -> Result<Vec<(Account, Permission)>, Error> {
        let list = |page| place.path(format_args!("/collaborators?per_page={PAGE}&page={page}"));
        let all: Vec<Collaborator> = self.all(place, Purpose::Read, "the collaborators", list).await?;
        let known = |one: Collaborator| Some((one.user.account()?, one.permissions.highest()));
        Ok(all.into_iter().filter_map(known).collect())
    }

    /// A team's members, those of its child teams included; nothing when there is none that could be seen.
    ///
    /// # Errors
    /// [`Error`] when GitHub may know and did not answer.
    pub async fn team_members(&self, place: Place<'_>, org: &str, slug: &str) -> Result<Option<Vec<Account>>, Error> {
        if !org.eq_ignore_ascii_case(&place.tenant.login) {
            return Ok(None);
        }
        let (org, slug) = (wire::encode(org), wire::encode(slug));
        let list = |page| format!("/orgs/{org}/teams/{slug}/members?per_page={PAGE}&page={page}");
        match self.all::<wire::User>(place, Purpose::People, "the team's members", list).await {
            Ok(members) => Ok(Some(members.into_iter().filter_map(wire::User::account).collect())),
            // 403 and 422: the App was not given members: read.
            Err(Error::NotFound { .. } | Error::Forbidden { .. } | Error::Unprocessable { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Everybody with access to the repository, when one page holds them all.
    pub(super) async fn few_with_access(&self, place: Place<'_>) -> Result<Option<Vec<(Account, Permission)>>, Error> {
        let path = place.path(format_args!("/collaborators?per_page={PAGE}&page=1"));
        let all: Vec<Collaborator> = self.read(place, Purpose::Read, &path).await?.json("the collaborators")?;
        let known = |one: Collaborator| Some((one.user.account()?, one.permissions.highest()));
        Ok((all.len() < PAGE).then(|| all.into_iter().filter_map(known).collect()))
    }

    /// A team's members, when one page holds them all and the team can be seen.
    pub(super) async fn few_team_members(
        &self,
        place: Place<'_>,
        org: &str,
        slug: &str,
    ) -> Result<Option<Vec<Account>>, Error> {
        let path = format!("/orgs/{}/teams/{}/members?per_page={PAGE}&page=1", wire::encode(org), wire::encode(slug));
        match self.read(place, Purpose::People, &path).await {
            Ok(answer) => {
                let all: Vec<wire::User> = answer.json("the team's members")?;
                Ok((all.len() < PAGE).then(|| all.into_iter().filter_map(wire::User::account).collect()))
            }
            Err(error) if error.is_transient() => Err(error),
            Err(_) => Ok(None),
        }
    }

    async fn all<T: DeserializeOwned>(
        &self,
        place: Place<'_>,
        purpose: Purpose,
        what: &'static str,
        list: impl Fn(usize) -> String,
    ) -> Result<Vec<T>, Error> {
        let mut all = Vec::new();
        for page in 1..=PAGES {
            let read: Vec<T> = self.read(place, purpose, &list(page)).await?.json(what)?;
            let is_last = read.len() < PAGE;
            all.extend(read);
            if is_last {
                break;
            }
        }
        Ok(all)
    }
}

#[derive(Deserialize)]
struct Installation {
    id: u64,
    account: wire::User,
}

#[derive(Deserialize)]
struct Environments {
    environments: Option<Vec<Environment>>,
}

#[derive(Deserialize)]
struct Environment {
    name: String,
}

#[derive(Deserialize)]
struct Collaborator {
    #[serde(flatten)]
    user: wire::User,
    #[serde(default)]
    permissions: Permissions,
}

/// What somebody may do, whatever their role is called.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Permissions {
    pull: bool,
    triage: bool,
    push: bool,
    maintain: bool,
    admin: bool,
}

impl Permissions {
    fn highest(&self) -> Permission {
        match self {
            Self { admin: true, .. } => Permission::Admin,
            Self { maintain: true, .. } => Permission::Maintain,
            Self { push: true, .. } => Permission::Write,
            Self { triage: true, .. } => Permission::Triage,
            Self { pull: true, .. } => Permission::Read,
            Self { .. } => Permission::None,
        }
    }
}
