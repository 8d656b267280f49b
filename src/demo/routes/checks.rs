//! Check runs.

use serde_json::json;

use super::{Call, Problem, Reply};
use crate::demo::checks::{CheckRun, apply};
use crate::demo::clock;
use crate::demo::render;

pub(super) fn create(call: &mut Call<'_>) -> Result<Reply, Reply> {
    let body = call.object()?;
    let text = |key: &str| body.get(key).and_then(|value| value.as_str()).filter(|text| !text.is_empty());
    if text("name").is_none() {
        return Err(Reply::unprocessable(&[Problem::missing("CheckRun", "name")]));
    }
    let Some(sha) = text("head_sha") else {
        return Err(Reply::unprocessable(&[Problem::missing("CheckRun", "head_sha")]));
    };
    let repository = call.repository();
    let known = repository.history.resolve(sha, &repository.default_branch);
    if known.is_none_or(|index| repository.history.commits[index].sha != sha) {
        return Err(Reply::error(422, &format!("No commit found for SHA: {sha}")));
    }
    let mut check = CheckRun {
        head_sha: sha.to_owned(),
        status: "queued".to_owned(),
        repository: call.place,
        started_at: Some(clock::now()),
        created_micros: clock::micros(),
        ..CheckRun::default()
    };
    apply(&mut check, &body)?;
    check.id = call.state.fresh_id();
    let reply = Reply::new(201, call.state.check_json(&check));
    call.state.checks_by_commit.entry((call.place, check.head_sha.clone())).or_default().push(check.id);
    call.state.checks.insert(check.id, check);
    Ok(reply)
}

fn found<'a>(call: &'a Call<'_>) -> Result<&'a CheckRun, Reply> {
    let check = call.state.checks.get(&call.number(2)?);
    check.filter(|check| check.repository == call.place).ok_or_else(Reply::not_found)
}

pub(super) fn get(call: &mut Call<'_>) -> Result<Reply, Reply> {
    Ok(Reply::ok(call.state.check_json(found(call)?)))
}

pub(super) fn update(call: &mut Call<'_>) -> Result<Reply, Reply> {
    let mut check = found(call)?.clone();
    apply(&mut check, &call.object()?)?;
    let reply = Reply::ok(call.state.check_json(&check));
    call.state.checks.insert(check.id, check);
    Ok(reply)
}

fn on_commit(call: &Call<'_>, sha: &str) -> Vec<u64> {
    call.state.checks_by_commit.get(&(call.place, sha.to_owned())).cloned().unwrap_or_default()
}

pub(super) fn list(call: &mut Call<'_>) -> Result<Reply, Reply> {
    let (skip, take) = call.page();
    let repository = call.repository();
    let index = repository.history.resolve(&call.values[2], &repository.default_branch);
    let index = index.ok_or_else(|| Reply::error(422, &format!("No commit found for SHA: {}", call.values[2])))?;
    let sha = repository.history.commits[index].sha.clone();
    let (name, status, app) = (call.parameter("check_name"), call.parameter("status"), call.parameter("app_id"));
    let ours = app.is_none_or(|app| app == call.state.options.app_id.to_string());
    let mut found: Vec<&CheckRun> = on_commit(call, &sha)
        .iter()
        .rev()
        .filter_map(|id| call.state.checks.get(id))
        .filter(|check| ours && name.as_ref().is_none_or(|name| *name == check.name))
        .filter(|check| status.as_ref().is_none_or(|status| *status == check.status))
        .collect();
    // `filter=latest`, the default: only the newest of each name.
    if call.parameter("filter").as_deref() != Some("all") {
        let mut names = std::collections::HashSet::new();
        found.retain(|check| names.insert(&check.name));
    }
    let page = render::list(found.iter().skip(skip).take(take).map(|check| call.state.check_json(check)));
    Ok(Reply::ok(render::object(&json!({ "total_count": found.len() }), &[("check_runs", &page)])))
}
