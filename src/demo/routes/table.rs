//! The table of routes.

use super::Access::{self, Anybody, Anyone, App, Token};
use super::{Handler, actions, app, checks, code, contents, deployments, people, pulls, releases};
use crate::demo::auth::Level::{Read, Write};
use crate::demo::graphql;

/// Method, template as GitHub's documentation writes it, who may, who answers.
pub(super) type Row = (&'static str, &'static str, Access, Handler);

/// A template below a repository.
macro_rules! repo {
    ($path:literal) => {
        concat!("/repos/{owner}/{repo}", $path)
    };
}

// A table is read along its lines.
#[rustfmt::skip]
pub(super) const TABLE: &[Row] = &[
    ("GET", "/meta", Anybody, people::meta),
    ("GET", "/rate_limit", Anyone, people::rate_limit),
    ("GET", "/users/{username}", Anyone, people::user),
    ("GET", "/app", App, app::app),
    ("GET", "/app/installations", App, app::installations),
    ("POST", "/app/installations/{installation_id}/access_tokens", App, app::access_token),
    ("GET", "/app/hook/deliveries", App, app::deliveries),
    ("GET", "/app/hook/deliveries/{delivery_id}", App, app::delivery),
    ("POST", "/app/hook/deliveries/{delivery_id}/attempts", App, app::redeliver),
    ("GET", "/installation/repositories", Token("metadata", Read), app::repositories),
    ("GET", "/orgs/{org}/teams/{team_slug}/memberships/{username}", Token("members", Read), people::membership),
    ("GET", "/orgs/{org}/teams/{team_slug}/members", Token("members", Read), people::members),
    ("GET", repo!("/collaborators"), Token("metadata", Read), people::collaborators),
    ("GET", repo!(""), Token("metadata", Read), code::repository),
    ("GET", repo!("/installation"), App, app::repository_installation),
    ("GET", repo!("/collaborators/{username}/permission"), Token("metadata", Read), people::permission),
    ("GET", repo!("/actions/runs"), Token("actions", Read), actions::runs),
    ("GET", repo!("/actions/runs/{run_id}"), Token("actions", Read), actions::run),
    ("GET", repo!("/actions/runs/{run_id}/attempts/{attempt_number}"), Token("actions", Read), actions::attempt),
    ("GET", repo!("/actions/runs/{run_id}/pending_deployments"), Token("actions", Read), actions::pending),
    ("GET", repo!("/actions/runs/{run_id}/approvals"), Token("actions", Read), actions::approvals),
    ("POST", repo!("/actions/runs/{run_id}/deployment_protection_rule"), Token("deployments", Write), actions::review),
    ("GET", repo!("/environments/{environment_name}/deployment_protection_rules"), Token("actions", Read), deployments::rules),
    ("GET", repo!("/environments"), Token("actions", Read), deployments::environments),
    ("GET", repo!("/deployments"), Token("deployments", Read), deployments::deployments),
    ("GET", repo!("/deployments/{deployment_id}"), Token("deployments", Read), deployments::deployment),
    ("GET", repo!("/deployments/{deployment_id}/statuses"), Token("deployments", Read), deployments::statuses),
    ("GET", repo!("/compare/{basehead}"), Token("contents", Read), code::compare),
    ("GET", repo!("/contents/{path}"), Token("contents", Read), code::contents),
    ("GET", repo!("/contents/{+path}"), Token("contents", Read), code::contents),
    ("PUT", repo!("/contents/{path}"), Token("contents", Write), contents::put),
    ("PUT", repo!("/contents/{+path}"), Token("contents", Write), contents::put),
    ("GET", repo!("/commits/{ref}"), Token("contents", Read), code::commit),
    ("GET", repo!("/commits/{commit_sha}/pulls"), Token("pull_requests", Read), pulls::of_commit),
    ("GET", repo!("/commits/{ref}/check-runs"), Token("checks", Read), checks::list),
    ("GET", repo!("/pulls"), Token("pull_requests", Read), pulls::list),
    ("GET", repo!("/pulls/{pull_number}"), Token("pull_requests", Read), pulls::pull),
    ("GET", repo!("/pulls/{pull_number}/commits"), Token("pull_requests", Read), pulls::commits),
    ("POST", repo!("/check-runs"), Token("checks", Write), checks::create),
    ("GET", repo!("/check-runs/{check_run_id}"), Token("checks", Read), checks::get),
    ("PATCH", repo!("/check-runs/{check_run_id}"), Token("checks", Write), checks::update),
    ("GET", repo!("/releases"), Token("contents", Read), releases::list),
    ("POST", repo!("/releases"), Token("contents", Write), releases::create),
    ("GET", repo!("/releases/{release_id}"), Token("contents", Read), releases::get),
    ("PATCH", repo!("/releases/{release_id}"), Token("contents", Write), releases::update),
    ("GET", repo!("/releases/{release_id}/assets"), Token("contents", Read), releases::assets),
    ("GET", repo!("/releases/assets/{asset_id}"), Token("contents", Read), releases::asset),
    ("DELETE", repo!("/releases/assets/{asset_id}"), Token("contents", Write), releases::delete_asset),
    ("POST", "/uploads/repos/{owner}/{repo}/releases/{release_id}/assets", Token("contents", Write), releases::upload),
    ("POST", "/graphql", Token("metadata", Read), graphql::handle),
    ("POST", "/api/graphql", Token("metadata", Read), graphql::handle),
];
