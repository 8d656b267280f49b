//! Gathers everything a decision rests on, in few calls; what cannot be read becomes a gap, never a guess.
//!
//! A common gate takes four calls here: the run and the deployment context at once, the comparison (`range`), the commits
//! (`commits`).

use serde::de::DeserializeOwned;

use super::client::{Call, Error};
use super::gates::RunAnswer;
use super::graphql::deployments::{DeploymentContext, deployment_context};
use super::graphql::reply::in_repository;
use super::tokens::Purpose;
use super::webhook::DeploymentHeld;
use super::{GitHub, Place};
use crate::domain::facts::{Attempt, Facts, Gap, Run};
use crate::domain::people::People;

mod commits;
mod policy_file;
mod range;

pub use policy_file::PolicyFile;
pub(super) use policy_file::policy_file;
pub(super) use range::Comparisons;

/// Earlier attempts of a run that are read; GitHub allows 50 re-runs.
const ATTEMPTS_READ: u32 = 50;
/// What was learned about a held deployment.
#[derive(Clone, Debug)]
pub struct Gathered {
    /// The facts.
    pub facts: Facts,
    /// The policy file as it is on the default branch.
    pub policy: PolicyFile,
}

impl GitHub {
    /// Learns everything about a held deployment.
    ///
    /// # Errors
    /// What is merely incomplete is a gap in the facts. An [`Error`] means that there are none: the run or the
    /// repository could not be read, or GitHub failed in a way that may pass.
    pub async fn gather(&self, held: &DeploymentHeld, released: &[String]) -> Result<Gathered, Error> {
        let place = Place { tenant: &held.tenant, repository: &held.repository };
        let mut gaps = Vec::new();
        let (run, context) =
            tokio::join!(self.run_with_attempts(place, held.run_id), self.deployment_context(place, &held.environment));
        let ((run, unread), (context, is_partial)) = (run?, context?);
        gaps.extend(unread);

        let policy = policy_file(context.default_branch_ref.as_ref(), context.policy.as_ref(), is_partial);
        let base = self.last_good(held, context.deployments, released, &mut gaps).await?;
        let (base, shas, files) = self.range(place, base, &run.head_sha, &mut gaps).await?;
        let (commits, pull_requests) = self.commits(place, &shas, &mut gaps).await?;

        let facts = Facts {
            run,
            deployment_creator: held.deployment_creator.clone(),
            sender: held.sender.clone(),
            base,
            commits,
            files,
            owners: None,
            pull_requests,
            gaps,
            people: People::default(),
        };
        Ok(Gathered { facts, policy })
    }

    /// The run with all its attempts; a gap for each attempt that cannot be read.
    async fn run_with_attempts(&self, place: Place<'_>, run_id: u64) -> Result<(Run, Vec<Gap>), Error> {
        let mut run = self.run(place, run_id).await?;
        let mut gaps = Vec::new();
        let mut earlier = Vec::new();
        for number in 1..run.attempt {
            if number > ATTEMPTS_READ {
                gaps.push(Gap::AttemptUnreadable { number });
                continue;
            }
            match self.attempt(place, run_id, number).await {
                Ok(attempt) => earlier.push(attempt),
                Err(error) if error.is_transient() => return Err(error),
                Err(_) => gaps.push(Gap::AttemptUnreadable { number }),
            }
        }
        earlier.append(&mut run.attempts);
        run.attempts = earlier;
        Ok((run, gaps))
    }

    async fn attempt(&self, place: Place<'_>, run_id: u64, number: u32) -> Result<Attempt, Error> {
        let path = place.path(format_args!("/actions/runs/{run_id}/attempts/{number}"));
        let answer: RunAnswer = self.read(place, Purpose::Read, &path).await?.json("the attempt")?;
        let attempt = answer.into_attempt();
        match (attempt.number == number, &attempt.actor) {
            (true, Some(_)) => Ok(attempt),
            _ => Err(Error::Decode { what: "the attempt", why: "it names no actor, or another attempt".to_owned() }),
        }
    }

    /// The repository's part of the deployment context, and whether GitHub left something out of it.
    async fn deployment_context(
        &self,
        place: Place<'_>,
        environment: &str,
    ) -> Result<(DeploymentContext, bool), Error> {
        let body = deployment_context(&place.repository.owner, &place.repository.name, environment);
        let (context, is_partial): (DeploymentContext, _) = self.query(place, &body, "the deployment context").await?;
        if context.database_id.is_some_and(|id| id != place.repository.id) {
            return Err(Error::NotFound {
                message: format!("{} is another repository now", place.repository.full_name()),
            });
        }
        Ok((context, is_partial))
    }

    /// Asks for parts of the repository. Returns them and whether GitHub left something out.
    async fn query<R: DeserializeOwned>(
        &self,
        place: Place<'_>,
        body: &str,
        what: &'static str,
    ) -> Result<(R, bool), Error> {
        let answer = self.call(place.scope(Purpose::Read), Call::graphql(body)).await?;
        in_repository(&answer, what, self.now())
    }
}
