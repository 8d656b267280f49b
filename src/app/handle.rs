//! What came in: from a stored webhook to a decision.

use tracing::{info, warn};

use super::rules::{InForce, NewPolicies};
use super::{App, Error};
use crate::domain::basis::{Basis, target_of};
use crate::domain::case::Case;
use crate::domain::decide::{Judgement, Permission, Persons, Quorum, Standing, judge_all};
use crate::domain::event::{Channel, Event, Rejudged, Reviewed, Verdict};
use crate::domain::facts::{Facts, Gap};
use crate::domain::gate::{RequestId, RunKey, Subject, Tenant};
use crate::domain::people::{Account, AccountKind};
use crate::domain::policy::Member;
use crate::domain::request::Request;
use crate::github::facts::Gathered;
use crate::github::webhook::{ButtonPressed, DeploymentHeld, Incoming, RulesMayHaveChanged};
use crate::github::{Place, organization, render};
use crate::store::{self, Delivery, Of, Work};

/// How often a request is judged again while others do so, too.
const JUDGED_AGAIN_AT_MOST: usize = 5;

impl App {
    /// Handles one delivery. When it returns, the delivery is done, and everything it led to is written down.
    pub async fn handle(&self, delivery: &Delivery) -> Result<(), Error> {
        let incoming: Incoming = serde_json::from_str(&delivery.payload)?;
        let mut new_policies = None;
        let event = match incoming {
            Incoming::DeploymentHeld(held) => {
                let (repository, tenant) = (held.repository.id, held.tenant.account_id);
                let (event, new) = self.held(&delivery.id, held).await?;
                new_policies = Some((repository, tenant, new));
                Some(event)
            }
            Incoming::ButtonPressed(pressed) => self.pressed(pressed).await?,
            Incoming::CheckRerequested(check) => RequestId::parse(&check.external_id).map(Event::Refreshed),
            Incoming::RunCompleted(run) => {
                Some(Event::RunEnded { run: RunKey::of(&run.repository, run.run_id), attempt: run.attempt })
            }
            Incoming::RulesMayHaveChanged(changed) => {
                self.rules_changed(&changed).await?;
                None
            }
            Incoming::PullRequestChanged(pull_request) => {
                match self.policy_proposed(&pull_request).await {
                    Err(error) if error.is_transient() => return Err(error),
                    // It only tells: whoever does not let us look is told nothing.
                    Err(error) => warn!(delivery = %delivery.id, %error, "could not look at a pull request's policy"),
                    Ok(()) => {}
                }
                None
            }
        };
        let committed = self.store.commit(Work { claim: Some(delivery.claim()), event }).await?;
        if let Some((repository, tenant, new)) = new_policies.filter(|_| !committed.fenced) {
            self.remember(repository, tenant, new).await?;
        }
        Ok(())
    }

    async fn held(&self, delivery: &str, held: DeploymentHeld) -> Result<(Event, NewPolicies), Error> {
        let released = self.store.released(held.repository.id, &held.environment).await?;
        let Gathered { mut facts, policy } = self.github.gather(&held, &released).await?;
        let place = Place { tenant: &held.tenant, repository: &held.repository };
        let head = policy.commit().to_owned();
        let rules = self.rules(place, policy, &facts).await?;
        self.complete(place, &head, &mut facts, &rules).await?;
        let new = rules.new.clone();
        let subject = Subject {
            tenant: held.tenant,
            repository: held.repository,
            environment: held.environment,
            run_id: facts.run.id,
            run_attempt: facts.run.attempt,
            head_sha: facts.run.head_sha.clone(),
        };
        let case = judged(subject, held.deployment_id, delivery, facts, rules);
        info!(
            request = %case.subject.request_id(), delivery,
            repository = %case.subject.repository.full_name(), environment = %case.subject.environment,
            run = case.subject.run_id, attempt = case.subject.run_attempt,
            commits = case.judgement.commits.len(), ai_commits = case.judgement.ai_commits().count(),
            asks = case.judgement.asks(), "deployment held"
        );
        Ok((Event::Held(Box::new(case)), new))
    }

    /// The rules, or who is who, may have changed: everything that waits is judged again.
    async fn rules_changed(&self, changed: &RulesMayHaveChanged) -> Result<(), Error> {
        let of = match &changed.repository {
            Some(repository) if repository.name != organization::REPOSITORY => Of::Repository(repository.id),
            _ => Of::Tenant(changed.tenant.account_id),
        };
        self.github.forget_organization_policy(&changed.tenant);
        self.github.forget_rosters();
        let mut failed: Option<Error> = None;
        for id in self.store.unanswered(of).await? {
            // What cannot be judged holds up nobody else; all of it is tried again.
            if let Err(error) = self.rejudge(&id, &changed.tenant).await {
                warn!(request = %id, why = ?changed.why, %error, "the rules changed, and a request could not be judged again");
                failed = Some(failed.filter(Error::is_transient).unwrap_or(error));
            }
        }
        failed.map_or(Ok(()), Err)
    }

    /// Judges a request by the rules as they are now. Somebody else may do so meanwhile, and know newer rules: then once more.
    async fn rejudge(&self, id: &RequestId, tenant: &Tenant) -> Result<(), Error> {
        for attempt in 0..JUDGED_AGAIN_AT_MOST {
            if attempt > 0 {
                self.github.forget_organization_policy(tenant);
                self.github.forget_rosters();
            }
            let Some(request) = self.store.request(id).await? else { return Ok(()) };
            let Some(facts) = self.store.facts(id).await? else {
                warn!(request = %id, "the rules changed, and what the request was judged by was not kept");
                return Ok(());
            };
            let (rejudged, new) = self.judge_again(&request, facts).await?;
            match self.take_over(&request, rejudged, new).await {
                Err(Error::Store(store::Error::Conflict)) => continue,
                other => other?,
            }
            if let Some(request) = self.store.request(id).await?.filter(Request::is_pending) {
                self.count_those_left(&request).await?;
            }
            return Ok(());
        }
        Err(store::Error::Conflict.into())
    }

    /// Writes a new judgement down, unless somebody who knows more did so meanwhile: that is a conflict.
    pub(super) async fn take_over(&self, request: &Request, rejudged: Rejudged, new: NewPolicies) -> Result<(), Error> {
        let event = Some(Event::Rejudged(Box::new(rejudged)));
        if self.store.commit(Work { claim: None, event }).await?.is_stale {
            return Err(store::Error::Conflict.into());
        }
        info!(request = %request.id, "judged again");
        let subject = &request.case.subject;
        self.remember(subject.repository.id, subject.tenant.account_id, new).await
    }

    /// After the entry that names them: dying in between means a second entry, never none (P5).
    async fn remember(&self, repository: u64, tenant: u64, new: NewPolicies) -> Result<(), Error> {
        if let Some(policy) = new.repository {
            self.store.remember_policy(repository, &policy).await?;
        }
        if let Some(policy) = new.organization {
            self.store.remember_organization_policy(tenant, &policy).await?;
        }
        Ok(())
    }

    pub(super) async fn judge_again(
        &self,
        request: &Request,
        mut facts: Facts,
    ) -> Result<(Rejudged, NewPolicies), Error> {
        let subject = request.case.subject.clone();
        let place = Place::from(&subject);
        let policy = self.github.policy_file(place, &subject.environment).await?;
        let head = policy.commit().to_owned();
        // What is missing of people is found out anew.
        facts.gaps.retain(|gap| !matches!(gap, Gap::AccountUnknown { .. }));
        let rules = self.rules(place, policy, &facts).await?;
        self.complete(place, &head, &mut facts, &rules).await?;
        let new = rules.new.clone();
        let case = judged(subject.clone(), request.case.deployment_id, &request.case.delivery, facts, rules);
        let mut approvers = Vec::new();
        for approval in &request.life.approvals {
            approvers.push(self.standing(&case.judgement, &subject, &approval.by.account).await?);
        }
        Ok((Rejudged { request: request.id.clone(), from: request.digest.clone(), case, approvers }, new))
    }

    /// Somebody pressed a button. The press counts only for the request that the check run shows (P3): that we wrote into it, and
    /// nobody else can. It need not be the check run that was written down: a server whose lease ran out may have left another.
    async fn pressed(&self, pressed: ButtonPressed) -> Result<Option<Event>, Error> {
        let Some(id) = RequestId::parse(&pressed.external_id) else { return Ok(None) };
        let Some((verdict, saw)) = render::verdict(&pressed.identifier) else {
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
        if request.life.check_run_id.is_some_and(|known| known != pressed.check_run_id) {
            self.seen_on(&id, pressed.check_run_id).await?;
        }
        if verdict == Verdict::Approve && !render::is_shown_whole(&request) {
            warn!(request = %id, sender = pressed.sender.id, "Approve was pressed where it is not offered");
            return Ok(None);
        }
        let by = self.standing(&request.case.judgement, &request.case.subject, &pressed.sender).await?;
        info!(request = %id, by = by.account.id, ?verdict, "button pressed");
        Ok(Some(Event::Reviewed(Box::new(Reviewed { request: id, by, verdict, via: Channel::CheckRun, saw }))))
    }

    /// What GitHub says of somebody, as far as the rules ask. Bots are not asked about: they never count.
    pub(super) async fn standing(
        &self,
        judgement: &Judgement,
        subject: &Subject,
        who: &Account,
    ) -> Result<Standing, Error> {
        if who.kind != AccountKind::User {
            return Ok(Standing { account: who.clone(), permission: Permission::None, teams: Vec::new() });
        }
        let teams = teams(judgement);
        Ok(self.github.standing(Place::from(subject), &who.login, who.id, &teams).await?)
    }

    /// Everybody who could approve; `None` when they are too many to be counted.
    pub(super) async fn roster(&self, judgement: &Judgement, place: Place<'_>) -> Result<Option<Vec<Standing>>, Error> {
        let Some(mut roster) = self.github.roster(place, &teams(judgement)).await? else { return Ok(None) };
        for login in members(judgement).filter_map(|member| match member {
            Member::User(login) => Some(login),
            _ => None,
        }) {
            let is_there = roster.iter().any(|standing| standing.account.login.eq_ignore_ascii_case(login));
            if !is_there && let Some(account) = self.github.account(place, login).await? {
                roster.push(Standing { account, permission: Permission::None, teams: Vec::new() });
            }
        }
        Ok(Some(roster))
    }
}

fn members(judgement: &Judgement) -> impl Iterator<Item = &Member> {
    judgement.quorum.iter().flat_map(Quorum::groups).flat_map(Persons::members)
}

/// The teams the rules ask, as organization and slug.
fn teams(judgement: &Judgement) -> Vec<(String, String)> {
    let team = |member: &Member| match member {
        Member::Team { org, slug } => Some((org.clone(), slug.clone())),
        Member::User(_) | Member::Permission(_) | Member::CodeOwners => None,
    };
    let mut teams: Vec<(String, String)> = members(judgement).filter_map(team).collect();
    teams.sort();
    teams.dedup();
    teams
}

fn belongs(pressed: &ButtonPressed, request: &Request) -> bool {
    let subject = &request.case.subject;
    pressed.tenant.account_id == subject.tenant.account_id
        && pressed.repository.id == subject.repository.id
        && pressed.head_sha == subject.head_sha
        && pressed.check_run_name.as_deref().is_none_or(|name| name == render::CHECK_NAME)
}

fn judged(subject: Subject, deployment_id: Option<u64>, delivery: &str, mut facts: Facts, rules: InForce) -> Case {
    let InForce { repository: (policy, policy_digest), also, layers, gaps, new, organization_is_hidden } = rules;
    facts.gaps.extend(gaps);
    facts.people = layers.first().map(|layer| layer.people.clone()).unwrap_or_default();
    let target = target_of(&facts, &subject.environment);
    let judgement = judge_all(&layers, &target, &facts);
    let basis = Basis::of(&layers, &target, &facts, &judgement);
    let run = &facts.run;
    let attempt = run.attempts.iter().find(|attempt| attempt.number == run.attempt);
    Case {
        actor: attempt.and_then(|attempt| attempt.actor.clone()),
        triggering_actor: attempt.and_then(|attempt| attempt.triggering_actor.clone()),
        subject,
        deployment_id,
        run_over: run.status == "completed",
        run_name: run.name.clone(),
        run_event: run.event.clone(),
        run_url: run.url.clone(),
        head_branch: run.head_branch.clone(),
        base: facts.base.clone(),
        gaps: facts.gaps.clone(),
        policy,
        policy_digest,
        also,
        judgement,
        delivery: delivery.to_owned(),
        organization_is_hidden,
        policy_is_new: new.repository.is_some(),
        organization_is_new: new.organization.is_some(),
        basis: Some(Box::new(basis)),
        facts: Some(Box::new(facts)),
    }
}
