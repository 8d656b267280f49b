//! What people and GitHub do in the world: deploy, re-run, cancel, press buttons.

use std::fmt;

use super::GitHub;
use super::clock;
use super::people::{User, UserKind};
use super::runs::{Attempt, Deployment, Gate, Run, Stage};
use super::state::State;

/// A workflow run's id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RunId(pub u64);

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A run of the deploy workflow to start.
#[derive(Clone, Debug)]
pub struct Deploy {
    /// Where it deploys to; each environment is a job of its own.
    pub environments: Vec<String>,
    /// What it deploys.
    pub sha: String,
    /// The branch it runs on.
    pub branch: String,
    /// The login of whoever caused it.
    pub actor: String,
    /// The event that started it: `push`, `workflow_dispatch`, …
    pub event: String,
}

impl Deploy {
    /// A push of `sha` by `actor` reaches one environment.
    pub fn to(environment: &str, sha: &str, actor: &str) -> Self {
        Self {
            environments: vec![environment.to_owned()],
            sha: sha.to_owned(),
            branch: "main".to_owned(),
            actor: actor.to_owned(),
            event: "push".to_owned(),
        }
    }
}

impl GitHub {
    /// Starts a run. For every guarded environment it makes a deployment, waits, and asks our rule by webhook.
    pub fn deploy(&self, repository: &str, deploy: &Deploy) -> RunId {
        let id = self.at(repository, |state, place| state.deploy(place, deploy));
        RunId(id.unwrap_or_default())
    }

    /// Somebody re-runs a run: a new attempt with new deployments, and a new question for each. Returns its number.
    pub fn rerun(&self, run: RunId, by: &str) -> usize {
        self.shared.with(|state| state.rerun(run.0, by))
    }

    /// Somebody cancels a run.
    pub fn cancel(&self, run: RunId) {
        self.shared.with(|state| state.cancel(run.0));
    }

    /// The released jobs of a run end.
    pub fn finish(&self, run: RunId, success: bool) {
        self.shared.with(|state| state.finish(run.0, success));
    }

    /// An administrator starts all waiting jobs: no rule is asked, no webhook is sent.
    pub fn bypass(&self, run: RunId) {
        self.shared.with(|state| state.bypass(run.0));
    }

    /// GitHub asks our rule once more about a run: a second webhook with a GUID of its own.
    pub fn ask_again(&self, run: RunId) {
        self.shared.with(|state| state.ask(run.0));
    }

    /// Somebody presses the button of a check run that is labelled so, in whatever case. GitHub does not care who; it cares
    /// that the button is there.
    /// Returns whether it was.
    pub fn click(&self, check_run: u64, label: &str, login: &str) -> bool {
        self.shared.with(|state| {
            let actions = state.checks.get(&check_run).map(|check| check.actions.as_slice()).unwrap_or_default();
            let button = actions.iter().find(|(_, known)| known.eq_ignore_ascii_case(label));
            let Some(identifier) = button.map(|(identifier, _)| identifier.clone()) else { return false };
            state.clicked(check_run, &identifier, login);
            true
        })
    }

    /// A button's webhook without a button: what a stale page, or somebody with a bot's token, can make GitHub send.
    pub fn click_stale(&self, check_run: u64, identifier: &str, login: &str) {
        self.shared.with(|state| state.clicked(check_run, identifier, login));
    }
}

impl State {
    pub(super) fn bypass(&mut self, run: u64) {
        for environment in self.environments_of(run) {
            self.open(run, &environment);
        }
    }

    pub(super) fn clicked(&mut self, check_run: u64, identifier: &str, login: &str) {
        self.known(login);
        self.emit_requested_action(check_run, identifier, login);
    }

    fn known(&mut self, login: &str) {
        let fresh = self.fresh_id();
        let kind = if login.ends_with("[bot]") { UserKind::Bot } else { UserKind::User };
        self.people.add(&User { login: login.to_owned(), kind, ..User::default() }, fresh, &self.base);
    }

    fn environments_of(&self, run: u64) -> Vec<String> {
        let stages = self.runs.get(&run).and_then(Run::latest).map(|attempt| attempt.stages.iter());
        stages.into_iter().flatten().map(|stage| stage.environment.clone()).collect()
    }

    pub(super) fn deploy(&mut self, place: usize, deploy: &Deploy) -> u64 {
        self.known(&deploy.actor);
        let (id, now) = (self.fresh_id(), clock::now());
        let repository = &mut self.repositories[place];
        repository.runs += 1;
        let check_suite = repository.suite(&deploy.sha);
        self.runs.insert(
            id,
            Run {
                id,
                number: self.repositories[place].runs,
                repository: place,
                head_sha: deploy.sha.clone(),
                head_branch: deploy.branch.clone(),
                event: deploy.event.clone(),
                actor: deploy.actor.clone(),
                check_suite,
                created_at: now,
                attempts: Vec::new(),
                callbacks: Vec::new(),
                notes: Vec::new(),
            },
        );
        self.begin_attempt(id, place, &deploy.environments, &deploy.actor);
        id
    }

    pub(super) fn rerun(&mut self, run: u64, by: &str) -> usize {
        self.known(by);
        let environments = self.environments_of(run);
        let Some(place) = self.runs.get(&run).map(|run| run.repository) else {
            return 0;
        };
        self.begin_attempt(run, place, &environments, by);
        self.runs.get(&run).map_or(0, Run::attempt)
    }

    fn begin_attempt(&mut self, run: u64, place: usize, environments: &[String], by: &str) {
        let Some((sha, branch)) = self.runs.get(&run).map(|run| (run.head_sha.clone(), run.head_branch.clone())) else {
            return;
        };
        let mut stages = Vec::new();
        for environment in environments {
            let guarded = self.environment(place, environment).rule.is_some();
            let deployment = self.fresh_id();
            let (gate, state) = if guarded { (Gate::Waiting, "waiting") } else { (Gate::Open, "in_progress") };
            self.deployments.insert(
                deployment,
                Deployment {
                    id: deployment,
                    repository: place,
                    environment: environment.clone(),
                    sha: sha.clone(),
                    branch: branch.clone(),
                    created_at: clock::now(),
                    statuses: Vec::new(),
                },
            );
            self.environment(place, environment).deployments.push(deployment);
            self.deployment_status(deployment, state);
            stages.push(Stage { environment: environment.clone(), deployment, gate, decided: false, notes: 0 });
        }
        let waits = stages.iter().any(|stage| stage.gate == Gate::Waiting);
        let status = if waits { "waiting" } else { "in_progress" };
        let attempt =
            Attempt { triggering_actor: by.to_owned(), status, conclusion: None, started_at: clock::now(), stages };
        if let Some(run) = self.runs.get_mut(&run) {
            run.attempts.push(attempt);
        }
        self.noise(run, "requested");
        self.ask(run);
        if !waits && self.options.finish_at_once {
            self.finish(run, true);
        }
    }

    fn ask(&mut self, run: u64) {
        let stages =
            self.runs.get(&run).and_then(Run::latest).map(|attempt| attempt.stages.as_slice()).unwrap_or_default();
        let waiting = stages.iter().enumerate().filter(|(_, stage)| stage.gate == Gate::Waiting);
        for place in waiting.map(|(place, _)| place).collect::<Vec<_>>() {
            self.emit_protection_rule(run, place);
        }
    }
}
