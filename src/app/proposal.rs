//! A pull request that changes the policy: whether the proposed file is good, and what it would have changed of what was
//! decided so far. The rules that hold judge all the same; this only tells.
//!
//! Anybody who can open a pull request can send any file, as often as they like: what one costs is bounded, in calls, in time,
//! and by the limits of the language.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tracing::info;

use super::{App, Error};
use crate::domain::decide::Layer;
use crate::domain::effect::Urgency;
use crate::domain::policy::{self, Found, Policy, PolicyError, PolicyErrors, Text};
use crate::domain::replay::replay;
use crate::domain::text;
use crate::github::Place;
use crate::github::checks::{Annotation, CheckRun, Level};
use crate::github::client;
use crate::github::facts::PolicyFile;
use crate::github::files::{FileAt, Proposed};
use crate::github::pacing::Until;
use crate::github::render;
use crate::github::render::proposal::Replay;
use crate::github::webhook::PullRequestChanged;

/// How many of the newest requests are decided once more.
const REPLAYED: usize = 200;
/// How long that may take.
const PATIENCE: Duration = Duration::from_secs(3);
/// How long a pull request waits when all that may be written has been.
const WHEN_FULL: Duration = Duration::from_secs(30);
/// Accounts that the file on the default branch does not name, and that are looked up: a call each.
const NEW_ACCOUNTS: usize = 30;

/// A proposed file, read.
enum Read {
    /// What is wrong with it, as a compiler shows it.
    Broken(PolicyErrors, String),
    /// It names more accounts than are looked up for a stranger.
    NamesMany,
    /// It is good; and what its author should know.
    Good(Box<Policy>, Vec<PolicyError>),
}

impl App {
    /// Shows what a pull request would make of the policy, if it changes it.
    pub(super) async fn policy_proposed(&self, changed: &PullRequestChanged) -> Result<(), Error> {
        let place = Place { tenant: &changed.tenant, repository: &changed.repository };
        // Nor is anything read while nothing could be said.
        if self.github.pacer().saturated(Urgency::Note, self.now()).contains(&place.tenant.installation_id) {
            return Err(client::Error::RateLimited { until: self.after(WHEN_FULL) }.into());
        }
        let Proposed { default_branch, now, then } = self.github.proposed_policy(place, &changed.head_sha).await?;
        // A policy on another branch never holds.
        if default_branch != changed.base_ref || is_same(&then, &now) {
            return Ok(());
        }
        // It may only be older than the default branch.
        if !self.github.changes(place, now.commit(), &changed.head_sha, policy::PATH).await? {
            return Ok(());
        }
        // Room for the answer before the work for it: whoever pushes a thousand times waits.
        if let Err(Until(until)) = self.take(place.tenant.installation_id, Urgency::Note) {
            return Err(client::Error::RateLimited { until }.into());
        }
        let check_run = match then {
            FileAt::Present { text, blob, .. } => self.proposal(place, changed, now, text, blob).await?,
            FileAt::Absent => shown(changed, render::proposal::removed(), Vec::new()),
            FileAt::Unreadable { why } => shown(changed, render::proposal::unreadable(&why), Vec::new()),
        };
        self.show_proposal(place, check_run).await
    }

    async fn proposal(
        &self,
        place: Place<'_>,
        changed: &PullRequestChanged,
        now: PolicyFile,
        text: String,
        blob: String,
    ) -> Result<CheckRun, Error> {
        let commit = changed.head_sha.clone();
        let (own, warnings) = match aside(move || read(&now, commit, blob, text)).await? {
            Read::Good(own, warnings) => (*own, warnings),
            Read::NamesMany => return Ok(shown(changed, render::proposal::names_many(NEW_ACCOUNTS), Vec::new())),
            Read::Broken(errors, told) => {
                let annotations = errors.iter().map(|error| annotation(error, Level::Failure)).collect();
                return Ok(shown(changed, render::proposal::broken(&told), annotations));
            }
        };
        let mut layers = Vec::new();
        let good = self.store.good_policies(place.repository.id, place.tenant.account_id).await?;
        let organization = self.organization(place.tenant, good.organization, &mut None).await?.policy();
        let own = Policy { leans_on_another: organization.is_some(), ..own };
        for policy in [Some(own), organization].into_iter().flatten() {
            let (people, _) = self.github.people(place, &policy.people).await?;
            layers.push(Layer { policy, people });
        }
        let replayed = self.replay(place, layers).await?;
        let annotations = warnings.iter().map(|warning| annotation(warning, Level::Warning)).collect();
        Ok(shown(changed, render::proposal::replayed(&replayed, &warnings), annotations))
    }

    /// The newest requests, decided once more, as far as there is time.
    async fn replay(&self, place: Place<'_>, layers: Vec<Layer>) -> Result<Replay, Error> {
        let (mut all, layers, begun) = (Replay::default(), Arc::new(layers), Instant::now());
        let ids = self.store.recent_requests(place.tenant.account_id, place.repository.id, REPLAYED).await?;
        for id in ids {
            if begun.elapsed() > PATIENCE {
                all.is_cut_short = true;
                break;
            }
            let (request, facts) = (self.store.request(&id).await?, self.store.facts(&id).await?);
            let Some((request, facts)) = request.zip(facts) else {
                all.without_facts += 1;
                continue;
            };
            let layers = Arc::clone(&layers);
            all.replayed.push(aside(move || replay(&request, &facts, &layers)).await?);
        }
        Ok(all)
    }

    async fn show_proposal(&self, place: Place<'_>, check_run: CheckRun) -> Result<(), Error> {
        let known =
            self.github.find_check_run(place, &check_run.head_sha, &check_run.name, &check_run.external_id).await?;
        match known {
            Some(id) => self.github.update_check_run(place, id, &check_run).await?,
            None => self.github.create_check_run(place, &check_run).await?,
        };
        info!(repository = %place.repository.full_name(), sha = %check_run.head_sha, "a proposed policy is shown");
        Ok(())
    }
}

/// Work that takes a while holds up nobody who decides.
async fn aside<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, Error> {
    tokio::task::spawn_blocking(work).await.map_err(|error| Error::Aside(error.to_string()))
}

fn read(now: &PolicyFile, commit: String, blob: String, text: String) -> Read {
    let file = match policy::parse(&text) {
        Ok(file) => file,
        Err(errors) => {
            let told = errors.render(policy::PATH, &text);
            return Read::Broken(errors, told);
        }
    };
    let known = match now {
        PolicyFile::Present { text, .. } => policy::parse(text).map(|file| file.people).unwrap_or_default(),
        PolicyFile::Absent { .. } | PolicyFile::Unreadable { .. } => Vec::new(),
    };
    let known: HashSet<&String> = known.iter().flat_map(|person| &person.logins).collect();
    let logins = file.people.iter().flat_map(|person| &person.logins);
    if logins.filter(|login| !known.contains(login)).count() > NEW_ACCOUNTS {
        return Read::NamesMany;
    }
    let found = Found::File(Text { commit, blob, text });
    Read::Good(Box::new(policy::in_force(found, None, policy::PATH)), file.warnings)
}

fn is_same(proposed: &FileAt, current: &PolicyFile) -> bool {
    match (proposed, current) {
        (FileAt::Absent, PolicyFile::Absent { .. }) => true,
        (FileAt::Present { blob, .. }, PolicyFile::Present { blob: now, .. }) => blob == now,
        _ => false,
    }
}

fn shown(changed: &PullRequestChanged, page: render::Page, annotations: Vec<Annotation>) -> CheckRun {
    CheckRun {
        name: render::POLICY_CHECK_NAME.to_owned(),
        head_sha: changed.head_sha.clone(),
        external_id: format!("policy:{}", changed.number),
        state: page.state,
        title: page.title,
        summary: page.summary,
        text: page.text,
        annotations,
        ..CheckRun::default()
    }
}

fn annotation(error: &PolicyError, level: Level) -> Annotation {
    let column = (error.column > 0).then_some(error.column);
    Annotation {
        path: policy::PATH.to_owned(),
        start_line: error.line.max(1),
        end_line: error.line.max(1),
        start_column: column,
        end_column: column,
        annotation_level: level,
        message: text::visible(&error.message),
    }
}
