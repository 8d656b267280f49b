//! A pull request that changes the policy: whether the proposed file is good, and what it would have changed of what was
//! decided so far. The rules that hold judge all the same; this only tells.

use tracing::info;

use super::{App, Error};
use crate::domain::decide::Layer;
use crate::domain::effect::Urgency;
use crate::domain::policy::{self, Found, Text};
use crate::domain::replay::{Replayed, replay};
use crate::domain::text;
use crate::github::Place;
use crate::github::checks::{Annotation, CheckRun, Level};
use crate::github::client;
use crate::github::facts::PolicyFile;
use crate::github::files::FileAt;
use crate::github::pacing::Until;
use crate::github::render;
use crate::github::webhook::PullRequestChanged;

/// How many of the newest requests are decided once more.
const REPLAYED: usize = 200;

impl App {
    /// Shows what a pull request would make of the policy, if it changes it.
    pub(super) async fn policy_proposed(&self, changed: &PullRequestChanged) -> Result<(), Error> {
        let place = Place { tenant: &changed.tenant, repository: &changed.repository };
        let proposed = self.github.policy_at(place, &changed.head_sha).await?;
        let known = self.store.policy(changed.repository.id).await?;
        let is_known = match (&proposed, &known) {
            (FileAt::Absent, None) => true,
            (FileAt::Present { blob, .. }, Some(known)) => *blob == known.blob,
            _ => false,
        };
        if is_known {
            return Ok(());
        }
        // What was never seen here may be on the default branch all the same.
        let current = self.github.policy_file(place, "").await?;
        if is_same(&proposed, &current) {
            return Ok(());
        }
        let check_run = match proposed {
            FileAt::Present { text, blob, .. } => self.proposal(place, changed, text, blob).await?,
            FileAt::Absent => shown(changed, render::proposal::removed(), Vec::new()),
            FileAt::Unreadable { why } => shown(changed, render::proposal::unreadable(&why), Vec::new()),
        };
        self.show_proposal(place, check_run).await
    }

    async fn proposal(
        &self,
        place: Place<'_>,
        changed: &PullRequestChanged,
        text: String,
        blob: String,
    ) -> Result<CheckRun, Error> {
        let file = match policy::parse(&text) {
            Ok(file) => file,
            Err(errors) => {
                let annotations = errors.iter().map(|error| annotation(error, Level::Failure)).collect();
                return Ok(shown(changed, render::proposal::broken(&errors.render(policy::PATH, &text)), annotations));
            }
        };
        let found = Found::File(Text { commit: changed.head_sha.clone(), blob, text });
        let mut layers = Vec::new();
        let organization = self.organization(place, &mut None).await?;
        let mut own = policy::in_force(found, None, policy::PATH);
        own.leans_on_another = organization.is_some();
        for policy in [Some(own), organization].into_iter().flatten() {
            let (people, _) = self.github.people(place, &policy.people).await?;
            layers.push(Layer { policy, people });
        }
        let replayed = self.replay(place, &layers).await?;
        let annotations = file.warnings.iter().map(|warning| annotation(warning, Level::Warning)).collect();
        Ok(shown(changed, render::proposal::replayed(&replayed, &file.warnings), annotations))
    }

    /// The newest requests, decided once more. Those whose facts were not kept are left out.
    async fn replay(&self, place: Place<'_>, layers: &[Layer]) -> Result<Vec<Replayed>, Error> {
        let mut all = Vec::new();
        let ids = self.store.recent_requests(place.tenant.account_id, place.repository.id, REPLAYED).await?;
        for id in ids {
            let (request, facts) = (self.store.request(&id).await?, self.store.facts(&id).await?);
            if let (Some(request), Some(facts)) = (request, facts) {
                all.push(replay(&request, &facts, layers));
            }
        }
        Ok(all)
    }

    async fn show_proposal(&self, place: Place<'_>, check_run: CheckRun) -> Result<(), Error> {
        if let Err(Until(until)) = self.take(place.tenant.installation_id, Urgency::Note) {
            return Err(client::Error::RateLimited { until }.into());
        }
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

fn annotation(error: &policy::PolicyError, level: Level) -> Annotation {
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
