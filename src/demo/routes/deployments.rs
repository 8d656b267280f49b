//! Environments, deployments and their statuses.

use serde_json::{Value, json};

use super::{Call, Reply};
use crate::demo::render::{list, node_id, object};
use crate::demo::runs::Deployment;

pub(super) fn environments(call: &mut Call<'_>) -> Result<Reply, Reply> {
    let (skip, take) = call.page();
    let repository = call.repository();
    let environments: Vec<Value> = repository
        .environments
        .iter()
        .skip(skip)
        .take(take)
        .map(|(name, environment)| {
            let rules: Vec<Value> = environment.rule.iter().map(|&id| json!({ "id": id, "node_id": node_id("GA", id), "type": "custom" })).collect();
            json!({
                "id": environment.id, "node_id": node_id("EN", environment.id), "name": name,
                "url": format!("{}/environments/{name}", repository.url), "html_url": format!("https://github.com/{}/deployments", repository.full_name),
                "created_at": "2026-01-01T00:00:00Z", "updated_at": "2026-01-01T00:00:00Z", "can_admins_bypass": true,
                "protection_rules": rules, "deployment_branch_policy": null,
            })
        })
        .collect();
    Ok(Reply::ok(json!({ "total_count": repository.environments.len(), "environments": environments }).to_string()))
}

pub(super) fn rules(call: &mut Call<'_>) -> Result<Reply, Reply> {
    let environment = call.repository().environments.get(&call.values[2]).ok_or_else(Reply::not_found)?;
    let (app, slug) = (call.state.options.app_id, &call.state.options.app_slug);
    let rules: Vec<Value> = environment
        .rule
        .iter()
        .map(|&id| {
            let app = json!({
                "id": app, "node_id": node_id("A", app), "slug": slug, "integration_url": format!("{}/apps/{slug}", call.state.base),
            });
            json!({ "id": id, "node_id": node_id("GA", id), "enabled": true, "app": app })
        })
        .collect();
    Ok(Reply::ok(json!({ "total_count": rules.len(), "custom_deployment_protection_rules": rules }).to_string()))
}

pub(super) fn deployments(call: &mut Call<'_>) -> Result<Reply, Reply> {
    let (skip, take) = call.page();
    let (environment, sha) = (call.parameter("environment"), call.parameter("sha"));
    let mut ids: Vec<u64> = call
        .repository()
        .environments
        .iter()
        .filter(|(name, _)| environment.as_ref().is_none_or(|wanted| wanted == *name))
        .flat_map(|(_, environment)| environment.deployments.iter().copied())
        .collect();
    ids.sort_unstable_by(|a, b| b.cmp(a));
    let found = ids.iter().filter_map(|id| call.state.deployments.get(id));
    let found: Vec<_> =
        found.filter(|deployment| sha.as_ref().is_none_or(|sha| *sha == deployment.sha)).skip(skip).collect();
    let mut reply = Reply::ok(list(found.iter().take(take).map(|deployment| call.state.deployment_json(deployment))));
    if found.len() > take {
        let environment = environment.map(|name| format!("&environment={name}")).unwrap_or_default();
        let url =
            format!("{}/deployments?per_page={take}&page={}{environment}", call.repository().url, skip / take + 2);
        reply.link = Some(format!("<{url}>; rel=\"next\"").into());
    }
    Ok(reply)
}

fn found<'a>(call: &'a Call<'_>) -> Result<&'a Deployment, Reply> {
    let deployment = call.state.deployments.get(&call.number(2)?);
    deployment.filter(|deployment| deployment.repository == call.place).ok_or_else(Reply::not_found)
}

pub(super) fn deployment(call: &mut Call<'_>) -> Result<Reply, Reply> {
    Ok(Reply::ok(call.state.deployment_json(found(call)?)))
}

pub(super) fn statuses(call: &mut Call<'_>) -> Result<Reply, Reply> {
    let (skip, take) = call.page();
    let deployment = found(call)?;
    let repository = call.repository();
    let url = format!("{}/deployments/{}", repository.url, deployment.id);
    let page = format!("https://github.com/{}/deployments/{}", repository.full_name, deployment.environment);
    // GitHub's published schema has no `waiting`.
    let shown = |state: &'static str| if state == "waiting" { "pending" } else { state };
    let statuses = deployment.statuses.iter().rev().skip(skip).take(take).map(|(id, state, at)| {
        let fresh = json!({
            "url": format!("{url}/statuses/{id}"), "id": id, "node_id": node_id("DES", *id), "state": shown(state), "description": "",
            "environment": deployment.environment, "target_url": page, "created_at": at, "updated_at": at, "deployment_url": url,
            "repository_url": repository.url, "environment_url": page, "log_url": page,
        });
        object(&fresh, &[("creator", call.state.account_json("github-actions[bot]"))])
    });
    Ok(Reply::ok(list(statuses)))
}
