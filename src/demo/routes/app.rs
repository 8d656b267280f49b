//! The App about itself: installations, tokens, deliveries.

use serde_json::{Value, json};

use super::{Call, Reply};
use crate::demo::auth::{self, Caller};
use crate::demo::clock;
use crate::demo::render::{client_id, extend, list, object};
use crate::demo::state::{EVENTS, Installation, State};

pub(super) fn app(call: &mut Call<'_>) -> Result<Reply, Reply> {
    Ok(Reply::ok(call.state.app.get()))
}

pub(super) fn installations(call: &mut Call<'_>) -> Result<Reply, Reply> {
    let (skip, take) = call.page();
    let known = call.state.installations.iter().skip(skip).take(take);
    Ok(Reply::ok(list(known.map(|installation| installation_json(call.state, installation)))))
}

pub(super) fn repository_installation(call: &mut Call<'_>) -> Result<Reply, Reply> {
    let state = &call.state;
    let place = state.repository(&format!("{}/{}", call.values[0], call.values[1])).ok_or_else(Reply::not_found)?;
    let installation = state.installation_of(&state.repositories[place].owner).ok_or_else(Reply::not_found)?;
    Ok(Reply::ok(installation_json(state, installation)))
}

fn installation_json(state: &State, installation: &Installation) -> String {
    let id = installation.id;
    let account = state.people.by_login(&installation.account);
    let fresh = json!({
        "id": id, "repository_selection": "all", "access_tokens_url": format!("{}/app/installations/{id}/access_tokens", state.base),
        "repositories_url": format!("{}/installation/repositories", state.base),
        "html_url": format!("https://github.com/organizations/{}/settings/installations/{id}", installation.account),
        "app_id": state.options.app_id, "client_id": client_id(state.options.app_id), "app_slug": state.options.app_slug,
        "target_id": account.map(|account| account.id), "target_type": account.map(|account| account.kind.as_str()),
        "permissions": state.granted(), "events": EVENTS,
        "created_at": "2026-01-01T00:00:00Z", "updated_at": "2026-01-01T00:00:00Z", "single_file_name": null,
        "has_multiple_single_files": false, "single_file_paths": [], "suspended_by": null, "suspended_at": null,
    });
    // The list's schema wants the fields of a user and of an enterprise at once.
    let login = &installation.account;
    let more = json!({
        "name": login, "slug": login, "created_at": "2015-01-01T00:00:00Z", "updated_at": "2015-01-01T00:00:00Z",
    });
    let mut account = serde_json::from_str(state.account_json(login)).unwrap_or_default();
    extend(&mut account, more);
    object(&fresh, &[("account", &account.to_string())])
}

pub(super) fn access_token(call: &mut Call<'_>) -> Result<Reply, Reply> {
    let installation = call.number(0)?;
    let body = Value::Object(call.object()?);
    let (token, grant) = auth::mint(call.state, installation, &body)?;
    let answer = json!({
        "token": token, "expires_at": clock::iso(grant.expires), "permissions": grant.permissions,
        "repository_selection": if grant.repositories.is_some() { "selected" } else { "all" },
    });
    let Some(ids) = &grant.repositories else {
        return Ok(Reply::new(201, answer.to_string()));
    };
    let reached = call.state.repositories.iter().filter(|repository| ids.contains(&repository.id));
    let repositories = list(reached.map(|repository| repository.full.get()));
    Ok(Reply::new(201, object(&answer, &[("repositories", &repositories)])))
}

pub(super) fn repositories(call: &mut Call<'_>) -> Result<Reply, Reply> {
    let Caller::Installation(grant) = call.caller else {
        return Err(Reply::not_found());
    };
    let (skip, take) = call.page();
    let reached: Vec<&str> = call
        .state
        .repositories
        .iter()
        .filter(|repository| repository.owner.eq_ignore_ascii_case(&grant.account))
        .filter(|repository| {
            !repository.is_hidden && grant.repositories.as_ref().is_none_or(|ids| ids.contains(&repository.id))
        })
        .map(|repository| repository.full.get())
        .collect();
    let selection = if grant.repositories.is_some() { "selected" } else { "all" };
    let fresh = json!({ "total_count": reached.len(), "repository_selection": selection });
    Ok(Reply::ok(object(&fresh, &[("repositories", &list(reached.iter().skip(skip).take(take)))])))
}

pub(super) fn deliveries(call: &mut Call<'_>) -> Result<Reply, Reply> {
    let (_, take) = call.page();
    let cursor = match call.parameter("cursor") {
        None => u64::MAX,
        Some(text) => text
            .strip_prefix("v1_")
            .and_then(|id| id.parse().ok())
            .ok_or_else(|| Reply::error(422, "Invalid cursor"))?,
    };
    let wanted = call.parameter("status");
    let mut newest_first = call
        .state
        .hook
        .deliveries
        .range(..cursor)
        .rev()
        .map(|(_, delivery)| delivery)
        .filter(|delivery| delivery.status_code.is_some())
        .filter(|delivery| match wanted.as_deref() {
            Some("failure") => !delivery.arrived(),
            Some("success") => delivery.arrived(),
            _ => true,
        });
    let page: Vec<_> = newest_first.by_ref().take(take).collect();
    let more = newest_first.next().is_some();
    let mut reply = Reply::ok(list(page.iter().map(|delivery| call.state.delivery_json(delivery, false).to_string())));
    if let (Some(last), true) = (page.last(), more) {
        let status = wanted.map(|status| format!("&status={status}")).unwrap_or_default();
        let next = format!(
            "<{}/app/hook/deliveries?per_page={take}&cursor=v1_{}{status}>; rel=\"next\"",
            call.state.base, last.id
        );
        reply.link = Some(next.into());
    }
    Ok(reply)
}

pub(super) fn delivery(call: &mut Call<'_>) -> Result<Reply, Reply> {
    let delivery = call.state.hook.deliveries.get(&call.number(0)?).ok_or_else(Reply::not_found)?;
    Ok(Reply::ok(call.state.delivery_json(delivery, true).to_string()))
}

pub(super) fn redeliver(call: &mut Call<'_>) -> Result<Reply, Reply> {
    let id = call.number(0)?;
    if !call.state.hook.deliveries.contains_key(&id) {
        return Err(Reply::not_found());
    }
    let again = call.state.redeliver(id);
    again
        .map(|_| Reply::new(202, "{}"))
        .ok_or_else(|| Reply::error(422, "The payload of this delivery is no longer available"))
}
