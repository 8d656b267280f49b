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

/// A role's name and its rank among GitHub's own, from `none` up.
fn role(written: &str) -> (&str, usize) {
    // A custom role is written with the role it is built on: `release-captain:maintain`.
    let (role, base) = written.split_once(':').unwrap_or((written, written));
    let known = ["none", "read", "triage", "write", "maintain", "admin"];
    (role, known.iter().position(|&known| known == base).unwrap_or(1))
}

fn allowed(role: &str, rank: usize) -> Value {
    json!({
        "role_name": role,
        "permissions": { "pull": rank >= 1, "triage": rank >= 2, "push": rank >= 3, "maintain": rank >= 4, "admin": rank >= 5 },
    })
}

/// `permission` knows only four words; `role_name` is exact.
pub(super) fn permission(call: &mut Call<'_>) -> Result<Reply, Reply> {
    let mut user = account(call, &call.values[2])?;
    let (role, rank) =
        role(call.repository().collaborators.get(&call.values[2].to_lowercase()).map_or("none", String::as_str));
    let permission = ["none", "read", "read", "write", "write", "admin"][rank];
    extend(&mut user, allowed(role, rank));
    Ok(Reply::ok(json!({ "permission": permission, "role_name": role, "user": user }).to_string()))
}

/// Everybody with access, in the order of their logins.
pub(super) fn collaborators(call: &mut Call<'_>) -> Result<Reply, Reply> {
    let (skip, take) = call.page();
    let mut all: Vec<(&String, &String)> = call.repository().collaborators.iter().collect();
    all.retain(|(_, written)| role(written).1 > 0);
    all.sort();
    let page = all.into_iter().skip(skip).take(take).map(|(login, written)| {
        let mut user = account(call, login)?;
        let (role, rank) = role(written);
        extend(&mut user, allowed(role, rank));
        Ok(user)
    });
    Ok(Reply::ok(Value::Array(page.collect::<Result<_, Reply>>()?).to_string()))
}

/// Only those who are members already: whoever was merely invited is none.
pub(super) fn members(call: &mut Call<'_>) -> Result<Reply, Reply> {
    let (skip, take) = call.page();
    let team = call.state.people.team(&call.values[0], &call.values[1]).ok_or_else(Reply::not_found)?;
    let mut logins: Vec<&String> =
        team.iter().filter(|(_, (state, _))| *state == "active").map(|(login, _)| login).collect();
    logins.sort();
    let page = logins.into_iter().skip(skip).take(take).map(|login| account(call, login));
    Ok(Reply::ok(Value::Array(page.collect::<Result<_, Reply>>()?).to_string()))
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
