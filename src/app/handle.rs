//! What came in: from a stored webhook to a decision.

use tracing::{info, warn};

use super::{App, Error};
use crate::domain::basis::Basis;
use crate::domain::case::Case;
use crate::domain::decide::{Layer, Permission, Persons, Quorum, Standing, judge_all};
use crate::domain::event::{Channel, Event, Reviewed, Verdict};
use crate::domain::facts::Facts;
use crate::domain::gate::{RequestId, RunKey, Subject};
use crate::domain::people::{Account, AccountKind};
use crate::domain::policy::{self, Member, Origin, Policy, Target};
use crate::domain::request::Request;
use crate::github::Place;
use crate::github::facts::PolicyFile;
use crate::github::render;
use crate::github::webhook::{ButtonPressed, DeploymentHeld, Incoming};
use crate::store::{Delivery, StoredPolicy, Work};

impl App {
    /// Handles one delivery. When it returns, the delivery is done, and everything it led to is written down.
    pub async fn handle(&self, delivery: &Delivery) -> Result<(), Error> {
        let incoming: Incoming = serde_json::from_str(&delivery.payload)?;
        let mut new_policy = None;
        let event = match incoming {
            Incoming::DeploymentHeld(held) => {
                let repository = held.repository.id;
                let (event, policy) = self.held(&delivery.id, held).await?;
                new_policy = policy.map(|policy| (repository, policy));
                Some(event)
            }
            Incoming::ButtonPressed(pressed) => self.pressed(pressed).await?,
            Incoming::CheckRerequested(check) => RequestId::parse(&check.external_id).map(Event::Refreshed),
            Incoming::RunCompleted(run) => {
                Some(Event::RunEnded { run: RunKey::of(&run.repository, run.run_id), attempt: run.attempt })
            }
            Incoming::RulesMayHaveChanged(changed) => {
                self.github.forget_organization_policy(&changed.tenant);
                None
            }
            Incoming::PullRequestChanged(_) => None,
        };
        let committed = self.store.commit(Work { claim: Some(delivery.claim()), event }).await?;
        // After the entry that names it: dying in between means a second entry, never none (P5).
        if let Some((repository, policy)) = new_policy.filter(|_| !committed.fenced) {
            self.store.remember_policy(repository, &policy).await?;
        }
        Ok(())
    }

    async fn held(&self, delivery: &str, held: DeploymentHeld) -> Result<(Event, Option<StoredPolicy>), Error> {
        let released = self.store.released(held.repository.id, &held.environment).await?;
        let gathered = self.github.gather(&held, &released).await?;
        let (policy, new_policy) = self.policy_in_force(held.repository.id, gathered.policy).await?;
        let mut facts = gathered.facts;
        let place = Place { tenant: &held.tenant, repository: &held.repository };
        let (people, unknown) = self.github.people(place, &policy.people).await?;
        facts.people = people.clone();
        facts.gaps.extend(unknown);
        let case = case(delivery, held, facts, &[Layer { policy, people }], new_policy.is_some());
        info!(
            request = %case.subject.request_id(), delivery,
            repository = %case.subject.repository.full_name(), environment = %case.subject.environment,
            run = case.subject.run_id, attempt = case.subject.run_attempt,
            commits = case.judgement.commits.len(), ai_commits = case.judgement.ai_commits().count(),
            asks = case.judgement.asks(), "deployment held"
        );
        Ok((Event::Held(Box::new(case)), new_policy))
    }

    /// The rules in force, and the file they come from when it is new here: a good file is remembered for the day it breaks.
    async fn policy_in_force(
        &self,
        repository: u64,
        file: PolicyFile,
    ) -> Result<(Policy, Option<StoredPolicy>), Error> {
        let known = self.store.policy(repository).await?;
        let last_good = known.clone().map(|p| policy::Text { commit: p.commit, blob: p.blob, text: p.text });
        let found = match file {
            PolicyFile::Absent { .. } => policy::Found::Absent,
            PolicyFile::Present { commit, blob, text } => policy::Found::File(policy::Text { commit, blob, text }),
            PolicyFile::Unreadable { why, .. } => policy::Found::Unreadable(why),
        };
        let text = match &found {
            policy::Found::File(file) => file.text.clone(),
            policy::Found::Absent | policy::Found::Unreadable(_) => String::new(),
        };
        let policy = policy::in_force(found, last_good);
        let new = match &policy.origin {
            Origin::File { commit, blob } if known.is_none_or(|known| known.blob != *blob) => {
                Some(StoredPolicy { commit: commit.clone(), blob: blob.clone(), text })
            }
            _ => None,
        };
        Ok((policy, new))
    }

    /// Somebody pressed a button. The press counts only for the request whose check run carries the button (P3).
    async fn pressed(&self, pressed: ButtonPressed) -> Result<Option<Event>, Error> {
        let Some(id) = RequestId::parse(&pressed.external_id) else { return Ok(None) };
        let Some(verdict) = render::verdict(&pressed.identifier) else {
            warn!(request = %id, "a button nobody offers was pressed");
            return Ok(None);
        };
        let Some(request) = self.store.request(&id).await? else {
            warn!(request = %id, "a button of an unknown request was pressed");
            return Ok(None);
        };
        if !belongs(&pressed, &request) {
            warn!(request = %id, sender = pressed.sender.id, "a button was pressed on a check run that is not the request's");
            return Ok(None);
        }
        if verdict == Verdict::Approve && !render::is_shown_whole(&request) {
            warn!(request = %id, sender = pressed.sender.id, "Approve was pressed where it is not offered");
            return Ok(None);
        }
        let by = self.standing(&request, &pressed.sender).await?;
        info!(request = %id, by = by.account.id, ?verdict, "button pressed");
        Ok(Some(Event::Reviewed(Box::new(Reviewed { request: id, by, verdict, via: Channel::CheckRun }))))
    }

    /// What GitHub says of somebody, as far as the request's rules ask. Bots are not asked about: they never count.
    pub(super) async fn standing(&self, request: &Request, who: &Account) -> Result<Standing, Error> {
        if who.kind != AccountKind::User {
            return Ok(Standing { account: who.clone(), permission: Permission::None, teams: Vec::new() });
        }
        let quorum = &request.case.judgement.quorum;
        let mut teams: Vec<(String, String)> = quorum
            .iter()
            .flat_map(Quorum::groups)
            .flat_map(Persons::members)
            .filter_map(|member| match member {
                Member::Team { org, slug } => Some((org.clone(), slug.clone())),
                Member::User(_) | Member::Permission(_) | Member::CodeOwners => None,
            })
            .collect();
        teams.sort();
        teams.dedup();
        Ok(self.github.standing(Place::from(&request.case.subject), &who.login, who.id, &teams).await?)
    }
}

fn belongs(pressed: &ButtonPressed, request: &Request) -> bool {
    let subject = &request.case.subject;
    pressed.tenant.account_id == subject.tenant.account_id
        && pressed.repository.id == subject.repository.id
        && pressed.head_sha == subject.head_sha
        && request.life.check_run_id.is_none_or(|id| id == pressed.check_run_id)
}

fn case(delivery: &str, held: DeploymentHeld, facts: Facts, layers: &[Layer], policy_is_new: bool) -> Case {
    let target = Target {
        git_ref: facts.run.head_branch.as_deref(),
        workflow: facts.run.workflow.as_deref(),
        ..Target::deployment(&held.environment)
    };
    let judgement = judge_all(layers, &target, &facts);
    let basis = Basis::of(layers, &target, &facts, &judgement);
    let run = facts.run;
    let attempt = run.attempts.iter().find(|attempt| attempt.number == run.attempt);
    Case {
        actor: attempt.and_then(|attempt| attempt.actor.clone()),
        triggering_actor: attempt.and_then(|attempt| attempt.triggering_actor.clone()),
        subject: Subject {
            tenant: held.tenant,
            repository: held.repository,
            environment: held.environment,
            run_id: run.id,
            run_attempt: run.attempt,
            head_sha: run.head_sha,
        },
        deployment_id: held.deployment_id,
        run_over: run.status == "completed",
        run_name: run.name,
        run_event: run.event,
        run_url: run.url,
        head_branch: run.head_branch,
        base: facts.base,
        gaps: facts.gaps,
        policy: layers.first().map_or(Origin::BuiltIn, |layer| layer.policy.origin.clone()),
        policy_digest: layers.first().map_or_else(|| Policy::built_in().digest, |layer| layer.policy.digest.clone()),
        judgement,
        delivery: delivery.to_owned(),
        policy_is_new,
        basis: Some(Box::new(basis)),
    }
}
