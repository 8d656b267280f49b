//! Users, teams, permissions, and what GitHub says about itself.

use serde_json::{Value, json};

use super::{Call, Reply};
use crate::demo::clock;
use crate::demo::render::{extend, public_user};

fn account(call: &Call<'_>, login: &str) -> Result<Value, Reply> {
    let account = call.state.people.by_login(login).ok_or_else(Reply::not_found)?;
    serde_json::from_str(account.json.get()).map_err(|_| Reply::error(500, "the fake has made bad JSON"))
}

pub(super) fn user(call: &mut Call<'_>) -> Result<Reply, Reply> {
    let user = account(call, &call.values[0])?;
    Ok(Reply::ok(public_user(user, &clock::now()).to_string()))
}

/// `permission` knows only four words; `role_name` is exact.
pub(super) fn permission(call: &mut Call<'_>) -> Result<Reply, Reply> {
    let mut user = account(call, &call.values[2])?;
    let role = call.repository().collaborators.get(&call.values[2].to_lowercase()).map_or("none", String::as_str);
    // A custom role is written with the role it is built on: `release-captain:maintain`.
    let (role, base) = role.split_once(':').unwrap_or((role, role));
    let rank =
        ["none", "read", "triage", "write", "maintain", "admin"].iter().position(|&known| known == base).unwrap_or(1);
    let permission = ["none", "read", "read", "write", "write", "admin"][rank];
    extend(
        &mut user,
        json!({
            "role_name": role,
            "permissions": { "pull": rank >= 1, "triage": rank >= 2, "push": rank >= 3, "maintain": rank >= 4, "admin": rank >= 5 },
        }),
    );
    Ok(Reply::ok(json!({ "permission": permission, "role_name": role, "user": user }).to_string()))
}

pub(super) fn membership(call: &mut Call<'_>) -> Result<Reply, Reply> {
    let [org, team, login] = call.values.as_slice() else {
        return Err(Reply::not_found());
    };
    let members = call.state.people.team(org, team).ok_or_else(Reply::not_found)?;
    let (state, role) = members.get(&login.to_lowercase()).ok_or_else(Reply::not_found)?;
    let url = format!("{}/organizations/1/team/1/memberships/{login}", call.state.base);
    Ok(Reply::ok(json!({ "url": url, "state": state, "role": role }).to_string()))
}

pub(super) fn rate_limit(call: &mut Call<'_>) -> Result<Reply, Reply> {
    let [limit, remaining, used, reset] = call.state.limits.headers();
    let rate = json!({ "limit": limit, "remaining": remaining, "used": used, "reset": reset });
    Ok(Reply::ok(json!({ "resources": { "core": rate, "search": rate, "graphql": rate }, "rate": rate }).to_string()))
}

pub(super) fn meta(_: &mut Call<'_>) -> Result<Reply, Reply> {
    Ok(Reply::ok(json!({ "verifiable_password_authentication": false, "hooks": ["127.0.0.0/8"] }).to_string()))
}
