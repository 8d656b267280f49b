//! Runs and the gates that hold them; what GitHub says of somebody who reviews.

use http::Method;
use serde::{Deserialize, Serialize};

use super::client::Error;
use super::tokens::Purpose;
use super::{GitHub, Place, wire};
use crate::domain::decide::{Permission, Standing};
use crate::domain::event::Receipt;
use crate::domain::facts::{Attempt, Run};
use crate::domain::gate::Subject;
use crate::domain::people::{Account, AccountKind};
use crate::domain::request::Answer;

/// Longest comment GitHub takes with a review or a note, in characters.
pub const LONGEST_COMMENT: usize = 1_024;

/// GitHub's workflow run, or one attempt of it.
#[derive(Deserialize)]
pub(super) struct RunAnswer {
    id: u64,
    run_attempt: Option<u32>,
    head_sha: String,
    status: Option<String>,
    name: Option<String>,
    display_title: Option<String>,
    event: Option<String>,
    head_branch: Option<String>,
    path: Option<String>,
    html_url: Option<String>,
    actor: Option<wire::User>,
    triggering_actor: Option<wire::User>,
    repository: Option<Id>,
    head_repository: Option<Id>,
}

#[derive(Deserialize)]
struct Id {
    id: u64,
}

impl RunAnswer {
    /// The workflow's file: `deploy.yml` of `.github/workflows/deploy.yml@refs/heads/main`.
    fn workflow(&self) -> Option<String> {
        let path = self.path.as_deref()?;
        let path = path.split('@').next().unwrap_or(path);
        path.rsplit('/').next().filter(|file| !file.is_empty()).map(str::to_owned)
    }

    /// Who set this attempt going.
    pub fn into_attempt(self) -> Attempt {
        Attempt {
            number: self.run_attempt.unwrap_or(1),
            actor: self.actor.and_then(wire::User::account),
            triggering_actor: self.triggering_actor.and_then(wire::User::account),
        }
    }
}

/// A run that waits, as the search for forgotten ones finds it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WaitingRun {
    /// The run.
    pub id: u64,
    /// Its newest attempt.
    pub attempt: u32,
    /// Its commit.
    pub head_sha: String,
    /// Who caused it.
    pub actor: Option<Account>,
}

#[derive(Serialize)]
struct Review<'a> {
    environment_name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    state: Option<&'static str>,
    comment: &'a str,
}

impl GitHub {
    /// The run as it is now, with its newest attempt only: one call. Asked right before a decision leaves.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn run(&self, place: Place<'_>, run_id: u64) -> Result<Run, Error> {
        let path = place.path(format_args!("/actions/runs/{run_id}"));
        let answer: RunAnswer = self.read(place, Purpose::Read, &path).await?.json("the workflow run")?;
        if answer.id != run_id || answer.repository.as_ref().is_some_and(|r| r.id != place.repository.id) {
            let message = format!("run {run_id} is not a run of {}", place.repository.full_name());
            return Err(Error::NotFound { message });
        }
        let attempt = answer.run_attempt.unwrap_or(1);
        Ok(Run {
            id: run_id,
            attempt,
            head_sha: answer.head_sha.clone(),
            status: answer.status.clone().unwrap_or_default(),
            name: answer.name.clone().or_else(|| answer.display_title.clone()).unwrap_or_default(),
            event: answer.event.clone().unwrap_or_default(),
            head_branch: answer.head_branch.clone(),
            is_from_fork: answer.head_repository.as_ref().is_none_or(|head| head.id != place.repository.id),
            ref_kind: None,
            workflow: answer.workflow(),
            url: answer.html_url.clone().unwrap_or_default(),
            attempts: vec![answer.into_attempt()],
        })
    }

    /// What GitHub says now of somebody: kind of account, access to the repository, and in which of `teams`
    /// (organization, slug) they are active members. The account must still be the one with this id.
    ///
    /// Whoever GitHub does not know has no access and is no human.
    ///
    /// # Errors
    /// [`Error`] when it may know and did not answer.
    pub async fn standing(
        &self,
        place: Place<'_>,
        login: &str,
        id: u64,
        teams: &[(String, String)],
    ) -> Result<Standing, Error> {
        let nobody = || Standing {
            account: Account { id, login: login.to_owned(), kind: AccountKind::Other },
            permission: Permission::None,
            teams: Vec::new(),
        };
        let path = place.path(format_args!("/collaborators/{}/permission", wire::encode(login)));
        let answer: Collaborator = match self.read(place, Purpose::Read, &path).await {
            Ok(answer) => answer.json("the collaborator's permission")?,
            Err(Error::NotFound { .. }) => return Ok(nobody()),
            Err(error) => return Err(error),
        };
        let permission = answer.permission();
        let Some(account) = answer.user.and_then(|who| who.user.account()).filter(|account| account.id == id) else {
            return Ok(nobody()); // The login was given to somebody else.
        };
        let mut member_of = Vec::new();
        for (org, slug) in teams {
            if self.is_active_member(place, org, slug, &account.login).await? {
                member_of.push(format!("{org}/{slug}").to_lowercase());
            }
        }
        Ok(Standing { account, permission, teams: member_of })
    }

    /// Teams of other organizations cannot be seen through this installation: nobody is a member of them here.
    async fn is_active_member(&self, place: Place<'_>, org: &str, slug: &str, login: &str) -> Result<bool, Error> {
        if !org.eq_ignore_ascii_case(&place.tenant.login) {
            return Ok(false);
        }
        let (org, slug, login) = (wire::encode(org), wire::encode(slug), wire::encode(login));
        let path = format!("/orgs/{org}/teams/{slug}/memberships/{login}");
        match self.read(place, Purpose::People, &path).await {
            Ok(answer) => {
                let membership: Membership = answer.json("the team membership")?;
                Ok(membership.state == "active")
            }
            // 404: no member, or no such team. 403 and 422: the App was not given members: read.
            Err(error @ (Error::Forbidden { .. } | Error::Unprocessable { .. })) => {
                tracing::warn!(%error, team = %slug, "team membership cannot be read; nobody counts as a member");
                Ok(false)
            }
            Err(Error::NotFound { .. }) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Releases or rejects the deployment. The comment is cut to [`LONGEST_COMMENT`].
    ///
    /// # Errors
    /// [`Error`]; anything but GitHub's 204 counts as not decided.
    pub async fn answer(&self, subject: &Subject, answer: Answer, comment: &str) -> Result<Receipt, Error> {
        self.review(subject, Some(answer.as_github_state()), comment).await
    }

    /// Says on the waiting run what it waits for. GitHub shows at most ten notes a deployment.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn note(&self, subject: &Subject, comment: &str) -> Result<Receipt, Error> {
        self.review(subject, None, comment).await
    }

    /// The callback URL is built here, never taken from a payload.
    async fn review(&self, subject: &Subject, state: Option<&'static str>, comment: &str) -> Result<Receipt, Error> {
        let place = Place::from(subject);
        let path = place.path(format_args!("/actions/runs/{}/deployment_protection_rule", subject.run_id));
        let review = Review {
            environment_name: &subject.environment,
            state,
            comment: wire::cut_chars(comment, LONGEST_COMMENT),
        };
        let answer = self.write(place, Method::POST, &path, &super::body(&review)?).await?;
        if answer.status == 204 {
            return Ok(answer.receipt(None));
        }
        let message = "expected 204: the deployment was not reviewed".to_owned();
        Err(Error::Server { status: answer.status, message })
    }

    /// Whether GitHub has our review of this environment already: one whose comment contains `marker`. Asked before a
    /// callback is repeated, when nobody knows whether the first one arrived.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn answered_already(&self, subject: &Subject, answer: Answer, marker: &str) -> Result<bool, Error> {
        let place = Place::from(subject);
        let path = place.path(format_args!("/actions/runs/{}/approvals", subject.run_id));
        let reviews: Vec<PastReview> = self.read(place, Purpose::Read, &path).await?.json("the run's reviews")?;
        Ok(reviews.iter().any(|review| {
            review.state == answer.as_github_state()
                && review.environments.iter().any(|e| e.name == subject.environment)
                && review.comment.as_deref().is_some_and(|comment| comment.contains(marker))
        }))
    }

    /// Names of the environments whose gates hold the run now, ours or not.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn pending_environments(&self, place: Place<'_>, run_id: u64) -> Result<Vec<String>, Error> {
        let path = place.path(format_args!("/actions/runs/{run_id}/pending_deployments"));
        let pending: Vec<Pending> = self.read(place, Purpose::Read, &path).await?.json("the pending deployments")?;
        Ok(pending.into_iter().map(|pending| pending.environment.name).collect())
    }

    /// Whether our own rule guards an environment.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn guards(&self, place: Place<'_>, environment: &str) -> Result<bool, Error> {
        let environment = wire::encode(environment);
        let path = place.path(format_args!("/environments/{environment}/deployment_protection_rules"));
        let rules: Rules = match self.read(place, Purpose::Read, &path).await {
            Ok(answer) => answer.json("the environment's protection rules")?,
            Err(Error::NotFound { .. }) => return Ok(false),
            Err(error) => return Err(error),
        };
        let is_ours = |rule: &Rule| rule.enabled && rule.app.as_ref().is_some_and(|app| app.id == self.app.app_id());
        Ok(rules.custom_deployment_protection_rules.iter().any(is_ours))
    }

    /// Up to a hundred runs of the repository that wait for a gate.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn waiting_runs(&self, place: Place<'_>) -> Result<Vec<WaitingRun>, Error> {
        let path = place.path(format_args!("/actions/runs?status=waiting&per_page=100"));
        let runs: Runs = self.read(place, Purpose::Read, &path).await?.json("the waiting runs")?;
        Ok(runs
            .workflow_runs
            .into_iter()
            .map(|run| {
                let (id, head_sha) = (run.id, run.head_sha.clone());
                let attempt = run.into_attempt();
                WaitingRun { id, attempt: attempt.number, head_sha, actor: attempt.actor }
            })
            .collect())
    }
}

#[derive(Deserialize)]
struct Rules {
    #[serde(default)]
    custom_deployment_protection_rules: Vec<Rule>,
}

#[derive(Deserialize)]
struct Rule {
    #[serde(default)]
    enabled: bool,
    app: Option<RuleApp>,
}

#[derive(Deserialize)]
struct RuleApp {
    id: u64,
}

#[derive(Deserialize)]
struct Runs {
    workflow_runs: Vec<RunAnswer>,
}

#[derive(Deserialize)]
struct PastReview {
    state: String,
    comment: Option<String>,
    #[serde(default)]
    environments: Vec<Environment>,
}

#[derive(Deserialize)]
struct Environment {
    name: String,
}

#[derive(Deserialize)]
struct Pending {
    environment: Environment,
}

#[derive(Deserialize)]
struct Membership {
    state: String,
}

/// <https://docs.github.com/rest/collaborators/collaborators#get-repository-permissions-for-a-user>
#[derive(Deserialize)]
struct Collaborator {
    /// `admin`, `write`, `read` or `none`; maintain is shown as write, triage as read, a custom role as what it is
    /// built on.
    permission: String,
    /// The exact role. A custom role has a name of its own, which says nothing to us.
    role_name: Option<String>,
    user: Option<Collaborating>,
}

#[derive(Deserialize)]
struct Collaborating {
    #[serde(flatten)]
    user: wire::User,
    permissions: Option<Permissions>,
}

/// What the role allows, whatever it is called.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Permissions {
    triage: bool,
    maintain: bool,
}

impl Collaborator {
    /// `permission` is the bound: the role only says where below the next word it lies (P2).
    fn permission(&self) -> Permission {
        let allowed = || self.user.as_ref().and_then(|user| user.permissions.as_ref());
        let role = self.role_name.as_deref().unwrap_or_default();
        let is_custom = !matches!(role, "admin" | "maintain" | "write" | "triage" | "read" | "none");
        let maintains = || role == "maintain" || is_custom && allowed().is_some_and(|allowed| allowed.maintain);
        let triages = || role == "triage" || is_custom && allowed().is_some_and(|allowed| allowed.triage);
        match self.permission.as_str() {
            "admin" => Permission::Admin,
            "maintain" => Permission::Maintain,
            "write" if maintains() => Permission::Maintain,
            "write" => Permission::Write,
            "triage" => Permission::Triage,
            "read" if triages() => Permission::Triage,
            "read" => Permission::Read,
            _ => Permission::None,
        }
    }
}

#[cfg(test)]
mod tests;
