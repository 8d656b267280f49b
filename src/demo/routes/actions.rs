//! Workflow runs, and what our rule tells them.

use serde_json::{Value, json};

use super::{Call, Problem, Reply};
use crate::demo::clock;
use crate::demo::render::{list, node_id, object};
use crate::demo::runs::{Callback, Gate, Run};
use crate::demo::state::Repository;

/// Status notes a deployment takes, and how long a comment may be.
const NOTES: usize = 10;
const COMMENT: usize = 1_024;

fn found<'a>(call: &'a Call<'_>) -> Result<&'a Run, Reply> {
    let run = call.state.runs.get(&call.number(2)?);
    run.filter(|run| run.repository == call.place).ok_or_else(Reply::not_found)
}

pub(super) fn run(call: &mut Call<'_>) -> Result<Reply, Reply> {
    let run = found(call)?;
    call.state.run_json(run, run.attempt()).map(Reply::ok).ok_or_else(Reply::not_found)
}

pub(super) fn attempt(call: &mut Call<'_>) -> Result<Reply, Reply> {
    let number = usize::try_from(call.number(3)?).unwrap_or(usize::MAX);
    call.state.run_json(found(call)?, number).map(Reply::ok).ok_or_else(Reply::not_found)
}

pub(super) fn runs(call: &mut Call<'_>) -> Result<Reply, Reply> {
    let (skip, take) = call.page();
    let status = call.parameter("status");
    let wanted = |run: &&Run| {
        let Some(latest) = run.latest() else {
            return false;
        };
        let status_fits =
            status.as_deref().is_none_or(|status| latest.status == status || latest.conclusion == Some(status));
        run.repository == call.place && status_fits
    };
    let runs: Vec<&Run> = call.state.runs.values().rev().filter(wanted).collect();
    let page = list(runs.iter().skip(skip).take(take).filter_map(|run| call.state.run_json(run, run.attempt())));
    let mut reply = Reply::ok(object(&json!({ "total_count": runs.len() }), &[("workflow_runs", &page)]));
    if skip + take < runs.len() {
        let status = status.map(|status| format!("&status={status}")).unwrap_or_default();
        let url = format!("{}/actions/runs?per_page={take}&page={}{status}", call.repository().url, skip / take + 2);
        reply.link = Some(format!("<{url}>; rel=\"next\"").into());
    }
    Ok(reply)
}

fn environment_json(repository: &Repository, name: &str) -> Value {
    let id = repository.environments.get(name).map(|environment| environment.id).unwrap_or_default();
    json!({
        "id": id, "node_id": node_id("EN", id), "name": name, "url": format!("{}/environments/{name}", repository.url),
        "html_url": format!("https://github.com/{}/deployments/activity_log?environments_filter={name}", repository.full_name),
        "created_at": "2026-01-01T00:00:00Z", "updated_at": "2026-01-01T00:00:00Z",
    })
}

pub(super) fn pending(call: &mut Call<'_>) -> Result<Reply, Reply> {
    let stages = found(call)?.latest().map(|attempt| attempt.stages.as_slice()).unwrap_or_default();
    let waiting = stages.iter().filter(|stage| stage.gate == Gate::Waiting);
    let pending = waiting.map(|stage| {
        let mut environment = environment_json(call.repository(), &stage.environment);
        if let Some(fields) = environment.as_object_mut() {
            fields.retain(|key, _| !key.ends_with("_at"));
        }
        json!({ "environment": environment, "wait_timer": 0, "wait_timer_started_at": null, "current_user_can_approve": false, "reviewers": [] })
    });
    Ok(Reply::ok(Value::Array(pending.collect()).to_string()))
}

pub(super) fn approvals(call: &mut Call<'_>) -> Result<Reply, Reply> {
    let run = found(call)?;
    let bot = format!("{}[bot]", call.state.options.app_slug);
    let decisions = run.callbacks.iter().map(|callback| {
        let environments = [environment_json(call.repository(), &callback.environment)];
        let fresh = json!({ "state": callback.state, "comment": callback.comment, "environments": environments });
        object(&fresh, &[("user", call.state.account_json(&bot))])
    });
    Ok(Reply::ok(list(decisions)))
}

/// A decision (`state`) or a status note (no `state`) for one environment of a run.
pub(super) fn review(call: &mut Call<'_>) -> Result<Reply, Reply> {
    const RESOURCE: &str = "DeploymentProtectionRule";
    let (id, attempt) = found(call).map(|run| (run.id, run.attempt()))?;
    let body = call.object()?;
    let word = |key: &str| body.get(key).and_then(Value::as_str).map(str::to_owned);
    let environment = word("environment_name")
        .ok_or_else(|| Reply::unprocessable(&[Problem::missing(RESOURCE, "environment_name")]))?;
    let (state, comment) = (word("state"), word("comment"));
    if body.contains_key("state") && !state.as_deref().is_some_and(|state| ["approved", "rejected"].contains(&state)) {
        return Err(Reply::invalid(RESOURCE, "state", "must be approved or rejected"));
    }
    if comment.as_ref().is_some_and(|comment| comment.chars().count() > COMMENT) {
        return Err(Reply::invalid(RESOURCE, "comment", "is too long (maximum is 1024 characters)"));
    }
    if state.is_none() && comment.as_deref().unwrap_or_default().is_empty() {
        return Err(Reply::unprocessable(&[Problem::missing(RESOURCE, "comment")]));
    }
    let guarded =
        call.repository().environments.get(&environment).is_some_and(|environment| environment.rule.is_some());
    let run = call.state.runs.get_mut(&id).ok_or_else(Reply::not_found)?;
    let latest = run.attempts.last_mut().ok_or_else(Reply::not_found)?;
    let stage = latest.stages.iter_mut().find(|stage| stage.environment == environment && guarded);
    let stage =
        stage.ok_or_else(|| Reply::invalid(RESOURCE, "environment_name", "does not wait for this App's rule"))?;
    if latest.status == "completed" || stage.gate != Gate::Waiting || stage.decided {
        return Err(Reply::invalid(RESOURCE, "environment_name", "is not waiting for a decision"));
    }
    let said =
        Callback { attempt, environment, state, comment: comment.unwrap_or_default(), at_micros: clock::micros() };
    let Some(state) = said.state.clone() else {
        if stage.notes == NOTES {
            return Err(Reply::invalid(RESOURCE, "comment", "has reached the limit of 10 status reports"));
        }
        stage.notes += 1;
        run.notes.push(said);
        return Ok(Reply::new(204, ""));
    };
    stage.decided = true;
    let environment = said.environment.clone();
    run.callbacks.push(said);
    if state == "approved" {
        call.state.open(id, &environment);
    } else {
        call.state.reject(id, &environment);
    }
    Ok(Reply::new(204, ""))
}
