//! The bodies of webhooks, as large as the real ones.

use serde_json::json;

use super::checks::CheckRun;
use super::render::{extend, list, node_id, object};
use super::runs::{Run, Stage};
use super::state::{Repository, State};

impl State {
    /// `deployment_protection_rule.requested`: no run id, job or attempt; only the callback address names the run.
    pub fn emit_protection_rule(&mut self, run: u64, place: usize) {
        let Some(run) = self.runs.get(&run) else {
            return;
        };
        let Some(stage) = run.latest().and_then(|attempt| attempt.stages.get(place)) else {
            return;
        };
        let actor = run.latest().map_or("", |attempt| &attempt.triggering_actor);
        let (body, repository) = (self.protection_rule(run, stage, actor), run.repository);
        self.emit("deployment_protection_rule", "requested", repository, body);
    }

    fn protection_rule(&self, run: &Run, stage: &Stage, sender: &str) -> String {
        let repository = &self.repositories[run.repository];
        let callback = format!("{}/actions/runs/{}/deployment_protection_rule", repository.url, run.id);
        let fresh = json!({
            "action": "requested", "environment": stage.environment, "event": run.event, "sha": run.head_sha,
            "ref": run.head_branch, "deployment_callback_url": callback,
        });
        let deployment = self.deployments.get(&stage.deployment).map(|deployment| self.deployment_json(deployment));
        let numbers = repository.pulls_by_commit.get(&run.head_sha).map(Vec::as_slice).unwrap_or_default();
        let pulls = numbers.iter().filter_map(|number| repository.pulls.get(number));
        let pulls = list(pulls.map(|pull| self.pull_json(repository, pull, true)));
        self.envelope(
            repository,
            sender,
            &fresh,
            &[("deployment", deployment.as_deref().unwrap_or("null")), ("pull_requests", &pulls)],
        )
    }

    /// `check_run.requested_action`: somebody pressed a button.
    pub fn emit_requested_action(&mut self, check: u64, identifier: &str, login: &str) {
        let Some(check) = self.checks.get(&check) else {
            return;
        };
        let repository = &self.repositories[check.repository];
        let fresh = json!({ "action": "requested_action", "requested_action": { "identifier": identifier } });
        let body = self.envelope(repository, login, &fresh, &[("check_run", &self.webhook_check(check))]);
        self.emit("check_run", "requested_action", check.repository, body);
    }

    /// The check run as webhooks carry it: with its suite in full.
    fn webhook_check(&self, check: &CheckRun) -> String {
        let repository = &self.repositories[check.repository];
        let suite = self.suite_json(repository, &check.head_sha, &check.status, check.conclusion.as_deref());
        // A later field of the same name would be a duplicate: the small suite is replaced, not repeated.
        let text = self.check_json(check);
        let small = format!("\"check_suite\":{{\"id\":{}}}", repository.suite(&check.head_sha));
        text.replacen(&small, &format!("\"check_suite\":{suite}"), 1)
    }

    fn suite_json(&self, repository: &Repository, sha: &str, status: &str, conclusion: Option<&str>) -> String {
        let id = repository.suite(sha);
        let url = format!("{}/check-suites/{id}", repository.url);
        let now = super::clock::now();
        let fresh = json!({
            "id": id, "node_id": node_id("CS", id), "head_branch": repository.default_branch, "head_sha": sha, "status": status,
            "conclusion": conclusion, "url": url, "before": null, "after": sha, "pull_requests": [], "created_at": now,
            "updated_at": now, "latest_check_runs_count": 1, "check_runs_url": format!("{url}/check-runs"),
            "rerequestable": true, "runs_rerequestable": true, "head_commit": self.simple_commit(repository, sha),
        });
        object(&fresh, &[("app", self.app.get())])
    }

    /// The events nobody asked for, when the options want them: `workflow_run`, `workflow_job`, `check_suite`.
    pub fn noise(&mut self, run: u64, action: &str) {
        if !self.options.noise {
            return;
        }
        let Some(run) = self.runs.get(&run) else {
            return;
        };
        let Some(attempt) = run.latest() else { return };
        let repository = &self.repositories[run.repository];
        let place = run.repository;
        let run_json = self.run_json(run, run.attempt()).unwrap_or_default();
        let workflow = json!({
            "id": repository.workflow, "node_id": node_id("W", repository.workflow), "name": "Deploy",
            "path": ".github/workflows/deploy.yml", "state": "active", "created_at": run.created_at, "updated_at": run.created_at,
            "url": format!("{}/actions/workflows/{}", repository.url, repository.workflow),
            "html_url": format!("https://github.com/{}/actions/workflows/deploy.yml", repository.full_name),
            "badge_url": format!("https://github.com/{}/workflows/Deploy/badge.svg", repository.full_name),
        })
        .to_string();
        let sender = attempt.triggering_actor.as_str();
        let mut bodies = vec![(
            "workflow_run",
            action,
            self.envelope(
                repository,
                sender,
                &json!({ "action": action }),
                &[("workflow", &workflow), ("workflow_run", &run_json)],
            ),
        )];
        for stage in &attempt.stages {
            let job_action = if action == "requested" { "waiting" } else { action };
            let job = self.job_json(run, stage, attempt.status, attempt.conclusion);
            let fresh = json!({ "action": job_action });
            bodies.push((
                "workflow_job",
                job_action,
                self.envelope(repository, sender, &fresh, &[("workflow_job", &job)]),
            ));
        }
        if action != "in_progress" {
            let suite = self.suite_json(repository, &run.head_sha, attempt.status, attempt.conclusion);
            let fresh = json!({ "action": action });
            bodies.push(("check_suite", action, self.envelope(repository, sender, &fresh, &[("check_suite", &suite)])));
        }
        let bodies: Vec<_> = bodies.into_iter().map(|(event, action, body)| (event, action.to_owned(), body)).collect();
        for (event, action, body) in bodies {
            self.emit(event, &action, place, body);
        }
    }

    fn job_json(&self, run: &Run, stage: &Stage, status: &str, conclusion: Option<&str>) -> String {
        let repository = &self.repositories[run.repository];
        let id = stage.deployment;
        json!({
            "id": id, "run_id": run.id, "run_attempt": run.attempt(), "workflow_name": "Deploy", "head_branch": run.head_branch,
            "run_url": format!("{}/actions/runs/{}", repository.url, run.id), "node_id": node_id("CR", id),
            "head_sha": run.head_sha, "url": format!("{}/actions/jobs/{id}", repository.url),
            "html_url": format!("https://github.com/{}/actions/runs/{}/job/{id}", repository.full_name, run.id),
            "status": status, "conclusion": conclusion, "created_at": run.created_at, "started_at": run.created_at,
            "completed_at": null, "name": format!("deploy to {}", stage.environment), "steps": [],
            "check_run_url": format!("{}/check-runs/{id}", repository.url), "labels": ["ubuntu-latest"],
            "runner_id": null, "runner_name": null, "runner_group_id": null, "runner_group_name": null,
        })
        .to_string()
    }

    /// What every delivery carries: repository, organization, installation, sender.
    pub fn envelope(
        &self,
        repository: &Repository,
        sender: &str,
        fresh: &serde_json::Value,
        parts: &[(&str, &str)],
    ) -> String {
        let mut all = parts.to_vec();
        all.push(("repository", repository.full.get()));
        self.account_envelope(&repository.owner, sender, fresh, &all)
    }

    /// What a delivery about an account carries: organization, installation, sender.
    pub fn account_envelope(
        &self,
        account: &str,
        sender: &str,
        fresh: &serde_json::Value,
        parts: &[(&str, &str)],
    ) -> String {
        let mut fresh = fresh.clone();
        if let Some(installation) = self.installation_of(account) {
            let id = installation.id;
            extend(&mut fresh, json!({ "installation": { "id": id, "node_id": node_id("I", id) } }));
        }
        let owner = self.people.by_login(account);
        let organization = owner.filter(|owner| owner.kind == super::UserKind::Organization);
        if let Some(owner) = organization {
            let organization = super::render::organization(&owner.login, owner.id, &self.base);
            extend(&mut fresh, json!({ "organization": organization }));
        }
        let mut all = parts.to_vec();
        all.push(("sender", self.account_json(sender)));
        object(&fresh, &all)
    }
}
