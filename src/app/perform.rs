//! What must go out: from an owed effect to GitHub, and the answer written down.

use tracing::{info, warn};

use super::{App, Error, backoff};
use crate::domain::Millis;
use crate::domain::decide::{Standing, nobody_is_left};
use crate::domain::effect::Effect;
use crate::domain::event::{Event, Receipt, Sending};
use crate::domain::gate::RequestId;
use crate::domain::policy;
use crate::domain::request::{Answer, Callback, Outcome, Request};
use crate::github::Place;
use crate::github::checks::{Action, Annotation, CheckRun, Level};
use crate::github::pacing::Until;
use crate::github::render::{self, Button, Head, Page};
use crate::ledger::Checkpoint;
use crate::store::{EffectDue, Work};

/// A decision is tried for a day; GitHub itself gives the run thirty.
const DECISION_PATIENCE: Millis = 24 * 3_600_000;
/// Everything else may be missing without harm to safety; after this many tries it is given up.
const TRIES: u64 = 12;

/// How one try ended.
enum Tried {
    /// GitHub has it, or needs it no longer.
    Done(Receipt),
    /// Nothing is owed any more.
    Nothing,
    /// It may not be done before then.
    NotBefore(Millis),
}

impl App {
    /// Performs one effect, or puts it back for later, or gives it up visibly. Its claim is settled when this returns.
    pub async fn perform(&self, due: &EffectDue) -> Result<(), Error> {
        if let Err(Until(until)) = self.take(due.installation_id, due.urgency) {
            self.store.release(&[due.claim()], until).await?;
            return Ok(());
        }
        match self.attempt(due).await {
            Ok(Tried::Done(receipt)) => {
                info!(request = %due.request, effect = due.effect.as_str(), status = receipt.status, "effect done");
                let shown_on = receipt.check_run_id;
                let event = Event::Done { request: due.request.clone(), effect: due.effect, receipt };
                let committed = self.store.commit(Work { claim: Some(due.claim()), event: Some(event) }).await?;
                if let (true, Some(check_run_id)) = (committed.fenced, shown_on) {
                    self.shown_twice(&due.request, check_run_id).await?;
                }
            }
            Ok(Tried::Nothing) => {
                self.store.commit(Work { claim: Some(due.claim()), event: None }).await?;
            }
            Ok(Tried::NotBefore(until)) => {
                info!(request = %due.request, effect = due.effect.as_str(), until, "effect waits");
                self.store.release(&[due.claim()], until).await?;
            }
            Err(error) => self.failed(due, error).await?,
        }
        Ok(())
    }

    async fn failed(&self, due: &EffectDue, error: Error) -> Result<(), Error> {
        let now = self.now();
        if let Some(until) = error.retry_at() {
            warn!(request = %due.request, effect = due.effect.as_str(), until, "GitHub asks us to wait");
            self.store.release(&[due.claim()], until).await?;
            return Ok(());
        }
        let patient = if due.effect == Effect::Callback {
            now.saturating_sub(due.created_at) < DECISION_PATIENCE
        } else {
            due.attempts < TRIES
        };
        if error.is_transient() && patient {
            let wait = backoff(due.attempts);
            warn!(request = %due.request, effect = due.effect.as_str(), attempts = due.attempts, %error, ?wait, "effect will be tried again");
            self.store.retry(&due.claim(), self.after(wait), &error.to_string()).await?;
            return Ok(());
        }
        tracing::error!(request = %due.request, effect = due.effect.as_str(), attempts = due.attempts, %error, "effect given up");
        let event = Event::GaveUp { request: due.request.clone(), effect: due.effect, error: error.to_string() };
        self.store.commit(Work { claim: Some(due.claim()), event: Some(event) }).await?;
        Ok(())
    }

    async fn attempt(&self, due: &EffectDue) -> Result<Tried, Error> {
        let Some(request) = self.store.request(&due.request).await? else { return Ok(Tried::Nothing) };
        match due.effect {
            Effect::Callback => self.answer(due, &request).await,
            Effect::CheckRun => self.show(due, &request).await,
            Effect::Note if request.is_pending() => {
                let receipt = self.github.note(&request.case.subject, &render::note(&request)).await?;
                self.count_those_left(&request).await?;
                Ok(Tried::Done(receipt))
            }
            Effect::Note => Ok(Tried::Nothing),
            Effect::PolicyCheck => self.show_policy(due, &request).await,
        }
    }

    /// Says so where nobody is left who could approve. Asked after the request was shown: it waits for nothing.
    pub(super) async fn count_those_left(&self, request: &Request) -> Result<(), Error> {
        let judgement = &request.case.judgement;
        let place = Place::from(&request.case.subject);
        let roster = match self.roster(judgement, place).await {
            Ok(Some(roster)) => roster,
            Ok(None) => return Ok(()),
            Err(error) => {
                tracing::debug!(request = %request.id, %error, "could not count who is left to approve");
                return Ok(());
            }
        };
        let rules = nobody_is_left(judgement, &roster);
        if rules != request.life.nobody_left {
            warn!(request = %request.id, ?rules, "nobody is left to approve");
            let event = Event::NobodyLeft { request: request.id.clone(), rules };
            self.store.commit(Work { claim: None, event: Some(event) }).await?;
        }
        Ok(())
    }

    /// Sends a decision: look at the world once more, write down that it is sent, send it.
    async fn answer(&self, due: &EffectDue, request: &Request) -> Result<Tried, Error> {
        if !matches!(request.life.callback, Callback::Owed | Callback::Sent) {
            return Ok(Tried::Nothing);
        }
        let subject = &request.case.subject;
        let was_sent = request.life.callback == Callback::Sent;
        if let (true, Some(answer)) = (was_sent, request.life.outcome.and_then(Outcome::answer))
            && self.github.answered_already(subject, answer, &render::marker(request)).await?
        {
            return Ok(Tried::Done(Receipt::default()));
        }
        let Some(approvers) = self.approvers_by_the_rules_of_now(due, request).await? else {
            return Ok(Tried::Nothing);
        };
        let run = self.github.run(Place::from(subject), subject.run_id).await?;
        let is_awaited = matches!(request.life.outcome, Some(Outcome::Approved | Outcome::Denied));
        let sending = Sending { request: request.id.clone(), run, approvers, is_awaited };
        let event = Event::Sending(Box::new(sending));
        let committed = self.store.commit(Work { claim: Some(due.claim()), event: Some(event) }).await?;
        let Some(answer) = committed.send else {
            return Ok(committed.wait_until.map_or(Tried::Nothing, Tried::NotBefore));
        };
        let decided = committed.changed.iter().find(|changed| changed.id == request.id).unwrap_or(request);
        let entry = self.store.decision_seq(&request.id).await?;
        let comment = render::callback_comment(decided, entry);
        let receipt = match self.github.answer(subject, answer, &comment).await {
            // It was on its way when we looked: whoever sent it lost the lease over it, and GitHub takes no second one.
            Err(error) if !error.is_transient() => {
                if !self.github.answered_already(subject, answer, &render::marker(request)).await? {
                    return Err(error.into());
                }
                Receipt::default()
            }
            sent => sent?,
        };
        info!(request = %due.request, state = answer.as_github_state(), "decision delivered");
        Ok(Tried::Done(receipt))
    }

    /// What GitHub says of everybody who approved, when the rules that were shown are still those that hold. `None` when they are
    /// not: then the request was judged again, and whatever is owed now is owed anew. Webhooks tell of changes and get lost; what
    /// somebody waited for leaves by the rules of now. What needed nobody was judged a moment ago, unless it was held back.
    async fn approvers_by_the_rules_of_now(
        &self,
        due: &EffectDue,
        request: &Request,
    ) -> Result<Option<Vec<Standing>>, Error> {
        let is_release = request.life.outcome.and_then(Outcome::answer) == Some(Answer::Release);
        let has_waited = request.life.outcome == Some(Outcome::Approved) || request.life.held_back.is_some();
        if !is_release || !has_waited {
            return Ok(Some(Vec::new()));
        }
        let Some(facts) = self.store.facts(&request.id).await? else {
            warn!(request = %request.id, "what the request was judged by was not kept; it leaves by the rules it was shown with");
            return self.standings(request).await.map(Some);
        };
        // Nobody may have told this server of the organization's file, and what it remembers may be a minute old.
        self.github.forget_organization_policy(&request.case.subject.tenant);
        let (rejudged, new) = self.judge_again(request, facts).await?;
        if rejudged.case.digest() == request.digest {
            return Ok(Some(rejudged.approvers));
        }
        if request.life.callback == Callback::Sent {
            let error = "nobody knows whether GitHub got the decision, and since then the rules changed".to_owned();
            let event = Event::GaveUp { request: request.id.clone(), effect: due.effect, error };
            self.store.commit(Work { claim: Some(due.claim()), event: Some(event) }).await?;
            return Ok(None);
        }
        self.take_over(request, rejudged, new).await?;
        Ok(None)
    }

    /// What GitHub says now of everybody who approved.
    async fn standings(&self, request: &Request) -> Result<Vec<Standing>, Error> {
        let mut standings = Vec::new();
        for approval in &request.life.approvals {
            standings.push(self.standing(&request.case.judgement, &request.case.subject, &approval.by.account).await?);
        }
        Ok(standings)
    }

    /// Makes the check run show the request as it is now.
    async fn show(&self, due: &EffectDue, request: &Request) -> Result<Tried, Error> {
        let head = self.store.head(request.case.subject.tenant.account_id).and_then(|log| {
            let checkpoint = Checkpoint::unverified(&log.checkpoint)?;
            Some(Head { entries: checkpoint.size, root: checkpoint.root.to_base64() })
        });
        let check_run = check_run(request, render::CHECK_NAME, render::page(request, head.as_ref()));
        let place = Place::from(&request.case.subject);
        let known = match request.life.check_run_id {
            None if !due.is_first_try() => self.find(request, &check_run).await?,
            known => known,
        };
        let receipt = match known {
            // Only what was found is news. Of an update, whoever has seen people on another check run meanwhile knows better.
            Some(id) => {
                let found = request.life.check_run_id.is_none().then_some(id);
                Receipt { check_run_id: found, ..self.github.update_check_run(place, id, &check_run).await? }
            }
            None => self.github.create_check_run(place, &check_run).await?,
        };
        Ok(Tried::Done(receipt))
    }

    /// Our lease ran out while we created a check run, and whoever has it now may have created another. People are shown the
    /// newest: if that is ours, it is the one to keep up to date.
    async fn shown_twice(&self, id: &RequestId, check_run_id: u64) -> Result<(), Error> {
        let known = self.store.request(id).await?.and_then(|request| request.life.check_run_id);
        if known < Some(check_run_id) {
            self.seen_on(id, check_run_id).await?;
        }
        Ok(())
    }

    /// Makes this check run the one that is kept up to date.
    pub(super) async fn seen_on(&self, id: &RequestId, check_run_id: u64) -> Result<(), Error> {
        warn!(request = %id, check_run_id, "the request is seen on another check run than was written down; that one shows it from here on");
        let event = Event::SeenOn { request: id.clone(), check_run_id };
        self.store.commit(Work { claim: None, event: Some(event) }).await?;
        Ok(())
    }

    /// The check run that somebody created for this request and did not live to write down.
    async fn find(&self, request: &Request, check: &CheckRun) -> Result<Option<u64>, Error> {
        let place = Place::from(&request.case.subject);
        Ok(self.github.find_check_run(place, &check.head_sha, &check.name, &check.external_id).await?)
    }

    async fn show_policy(&self, due: &EffectDue, request: &Request) -> Result<Tried, Error> {
        let Some(page) = render::policy_page(&request.case) else { return Ok(Tried::Nothing) };
        let check_run = check_run(request, render::POLICY_CHECK_NAME, page);
        let place = Place::from(&request.case.subject);
        if !due.is_first_try() && self.find(request, &check_run).await?.is_some() {
            return Ok(Tried::Done(Receipt::default()));
        }
        let receipt = self.github.create_check_run(place, &check_run).await?;
        Ok(Tried::Done(Receipt { check_run_id: None, ..receipt }))
    }
}

fn check_run(request: &Request, name: &str, page: Page) -> CheckRun {
    let action = |button: &Button| Action {
        label: button.label.to_owned(),
        description: button.description.to_owned(),
        identifier: button.identifier.clone(),
    };
    CheckRun {
        name: name.to_owned(),
        head_sha: request.case.subject.head_sha.clone(),
        external_id: request.id.as_str().to_owned(),
        state: page.state,
        title: page.title,
        summary: page.summary,
        text: page.text,
        actions: page.buttons.iter().map(action).collect(),
        annotations: page
            .points_at
            .into_iter()
            .map(|(line, column, message)| Annotation {
                path: policy::PATH.to_owned(),
                start_line: line,
                end_line: line,
                start_column: Some(column),
                end_column: Some(column),
                annotation_level: Level::Failure,
                message,
            })
            .collect(),
        ..CheckRun::default()
    }
}
