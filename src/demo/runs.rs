//! Workflow runs, their attempts, the environments they wait for, and deployments.

use serde_json::{Value, json};

use super::clock;
use super::render::{node_id, object};
use super::state::{Repository, State};

/// How far the job of one environment has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gate {
    /// Waits for our rule.
    Waiting,
    /// Released: by the rule, by an administrator, or because nothing guards the environment.
    Open,
    /// Refused by the rule.
    Rejected,
    /// Cancelled, or finished.
    Over,
}

/// The part of an attempt that deploys to one environment.
pub(super) struct Stage {
    pub environment: String,
    pub deployment: u64,
    pub gate: Gate,
    /// Whether our rule has spoken; it speaks once.
    pub decided: bool,
    pub notes: usize,
}

/// One attempt of a run.
pub(super) struct Attempt {
    pub triggering_actor: String,
    pub status: &'static str,
    pub conclusion: Option<&'static str>,
    pub started_at: String,
    pub stages: Vec<Stage>,
}

/// A run of the deploy workflow.
pub(super) struct Run {
    pub id: u64,
    pub number: u64,
    pub repository: usize,
    pub head_sha: String,
    pub head_branch: String,
    pub event: String,
    pub actor: String,
    pub check_suite: u64,
    pub created_at: String,
    pub attempts: Vec<Attempt>,
    pub callbacks: Vec<Callback>,
    pub notes: Vec<Callback>,
}

/// What our App told a run: a decision, or (without a state) a status note.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Callback {
    /// The attempt it reached, from 1.
    pub attempt: usize,
    /// The environment's name.
    pub environment: String,
    /// `approved` or `rejected`; `None` for a note.
    pub state: Option<String>,
    /// The comment; empty when there was none.
    pub comment: String,
    /// When it arrived, in microseconds since the Unix epoch.
    pub at_micros: u64,
}

/// A deployment of one commit to one environment.
pub(super) struct Deployment {
    pub id: u64,
    pub repository: usize,
    pub environment: String,
    pub sha: String,
    pub branch: String,
    pub created_at: String,
    /// Oldest first: id, state in lower case, time.
    pub statuses: Vec<(u64, &'static str, String)>,
}

impl Deployment {
    /// The state of the newest status.
    pub fn state(&self) -> &'static str {
        self.statuses.last().map_or("pending", |(_, state, _)| state)
    }
}

impl Run {
    /// The newest attempt's number, from 1.
    pub fn attempt(&self) -> usize {
        self.attempts.len()
    }

    /// The newest attempt.
    pub fn latest(&self) -> Option<&Attempt> {
        self.attempts.last()
    }
}

impl State {
    /// Adds a status to a deployment; a success makes the environment's earlier ones inactive.
    pub fn deployment_status(&mut self, deployment: u64, state: &'static str) {
        let id = self.fresh_id();
        let Some(found) = self.deployments.get_mut(&deployment) else {
            return;
        };
        found.statuses.push((id, state, clock::now()));
        if state != "success" {
            return;
        }
        let (repository, environment) = (found.repository, found.environment.clone());
        // Only the newest success can still be active.
        let slot = &mut self.repositories[repository].environments;
        let before = slot.get_mut(&environment).and_then(|environment| environment.active.replace(deployment));
        if let Some(before) = before.filter(|&before| before != deployment) {
            self.deployment_status(before, "inactive");
        }
    }

    /// The job of a stage may run.
    pub fn open(&mut self, run: u64, environment: &str) {
        let Some(attempt) = self.runs.get_mut(&run).and_then(|run| run.attempts.last_mut()) else {
            return;
        };
        let mut opened = Vec::new();
        for stage in &mut attempt.stages {
            if stage.environment == environment && stage.gate == Gate::Waiting {
                stage.gate = Gate::Open;
                opened.push(stage.deployment);
            }
        }
        if attempt.stages.iter().all(|stage| stage.gate != Gate::Waiting) {
            attempt.status = "in_progress";
        }
        for deployment in opened {
            self.deployment_status(deployment, "in_progress");
        }
        self.noise(run, "in_progress");
        if self.options.finish_at_once {
            self.finish(run, true);
        }
    }

    /// Our rule refused a stage: its job fails, and the run with it once nothing else is under way.
    pub fn reject(&mut self, run: u64, environment: &str) {
        let Some(attempt) = self.runs.get_mut(&run).and_then(|run| run.attempts.last_mut()) else {
            return;
        };
        let mut refused = Vec::new();
        for stage in attempt.stages.iter_mut().filter(|stage| stage.environment == environment) {
            stage.gate = Gate::Rejected;
            refused.push(stage.deployment);
        }
        let over = attempt.stages.iter().all(|stage| matches!(stage.gate, Gate::Rejected | Gate::Over));
        if over {
            (attempt.status, attempt.conclusion) = ("completed", Some("failure"));
        }
        for deployment in refused {
            self.deployment_status(deployment, "failure");
        }
        if over {
            self.noise(run, "completed");
        }
    }

    /// The open jobs of a run end.
    pub fn finish(&mut self, run: u64, success: bool) {
        let Some(attempt) = self.runs.get_mut(&run).and_then(|run| run.attempts.last_mut()) else {
            return;
        };
        let mut ended = Vec::new();
        for stage in attempt.stages.iter_mut().filter(|stage| stage.gate == Gate::Open) {
            stage.gate = Gate::Over;
            ended.push(stage.deployment);
        }
        let over = attempt.stages.iter().all(|stage| stage.gate != Gate::Waiting);
        if over {
            let failed = !success || attempt.stages.iter().any(|stage| stage.gate == Gate::Rejected);
            (attempt.status, attempt.conclusion) = ("completed", Some(if failed { "failure" } else { "success" }));
        }
        for deployment in ended {
            self.deployment_status(deployment, if success { "success" } else { "failure" });
        }
        if over {
            self.noise(run, "completed");
        }
    }

    /// Somebody cancels the run.
    pub fn cancel(&mut self, run: u64) {
        let Some(attempt) = self.runs.get_mut(&run).and_then(|run| run.attempts.last_mut()) else {
            return;
        };
        (attempt.status, attempt.conclusion) = ("completed", Some("cancelled"));
        let mut ended = Vec::new();
        for stage in attempt.stages.iter_mut().filter(|stage| matches!(stage.gate, Gate::Waiting | Gate::Open)) {
            stage.gate = Gate::Over;
            ended.push(stage.deployment);
        }
        for deployment in ended {
            self.deployment_status(deployment, "error");
        }
        self.noise(run, "completed");
    }

    /// `workflow-run`, as it was at one attempt (from 1).
    pub fn run_json(&self, run: &Run, attempt: usize) -> Option<String> {
        let repository = &self.repositories[run.repository];
        let this = run.attempts.get(attempt.checked_sub(1)?)?;
        let url = format!("{}/actions/runs/{}", repository.url, run.id);
        let html = format!("https://github.com/{}/actions/runs/{}", repository.full_name, run.id);
        let previous = (attempt > 1).then(|| format!("{url}/attempts/{}", attempt - 1));
        let fresh = json!({
            "id": run.id, "name": "Deploy", "node_id": node_id("WFR", run.id), "head_branch": run.head_branch,
            "head_sha": run.head_sha, "path": ".github/workflows/deploy.yml", "display_title": "Deploy",
            "run_number": run.number, "event": run.event, "status": this.status, "conclusion": this.conclusion,
            "workflow_id": repository.workflow, "check_suite_id": run.check_suite,
            "check_suite_node_id": node_id("CS", run.check_suite), "url": url, "html_url": html,
            "created_at": run.created_at, "updated_at": this.started_at, "run_attempt": attempt,
            "run_started_at": this.started_at, "previous_attempt_url": previous, "referenced_workflows": [],
            "jobs_url": format!("{url}/jobs"), "logs_url": format!("{url}/logs"),
            "check_suite_url": format!("{}/check-suites/{}", repository.url, run.check_suite),
            "artifacts_url": format!("{url}/artifacts"), "cancel_url": format!("{url}/cancel"),
            "rerun_url": format!("{url}/rerun"), "workflow_url": format!("{}/actions/workflows/{}", repository.url, repository.workflow),
            "head_commit": self.simple_commit(repository, &run.head_sha), "pull_requests": [],
        });
        Some(object(
            &fresh,
            &[
                ("actor", self.account_json(&run.actor)),
                ("triggering_actor", self.account_json(&this.triggering_actor)),
                ("repository", repository.minimal.get()),
                ("head_repository", repository.minimal.get()),
            ],
        ))
    }

    /// `simple-commit`, as runs carry it.
    pub fn simple_commit(&self, repository: &Repository, sha: &str) -> Value {
        let Some(index) = repository.history.resolve(sha, &repository.default_branch) else {
            return Value::Null;
        };
        let commit = &repository.history.commits[index];
        let who = |role: &str| json!({ "name": commit.graphql[role]["name"], "email": commit.graphql[role]["email"] });
        json!({
            "id": commit.sha, "tree_id": commit.sha, "message": commit.graphql["message"], "timestamp": clock::now(),
            "author": who("author"), "committer": who("committer"),
        })
    }

    /// REST `deployment`. GitHub Actions created it, whoever triggered the run.
    pub fn deployment_json(&self, deployment: &Deployment) -> String {
        let repository = &self.repositories[deployment.repository];
        let url = format!("{}/deployments/{}", repository.url, deployment.id);
        let fresh = json!({
            "url": url, "id": deployment.id, "node_id": node_id("DE", deployment.id), "task": "deploy",
            "original_environment": deployment.environment, "environment": deployment.environment, "description": null,
            "created_at": deployment.created_at, "updated_at": deployment.created_at, "statuses_url": format!("{url}/statuses"),
            "repository_url": repository.url, "sha": deployment.sha, "ref": deployment.branch, "payload": {},
            "transient_environment": false, "production_environment": false,
        });
        object(
            &fresh,
            &[
                ("creator", self.account_json("github-actions[bot]")),
                ("performed_via_github_app", self.actions_app.get()),
            ],
        )
    }

    /// The account's `simple-user`, or `null`.
    pub fn account_json(&self, login: &str) -> &str {
        self.people.by_login(login).map_or("null", |account| account.json.get())
    }
}
