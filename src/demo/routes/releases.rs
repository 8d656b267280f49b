//! Releases: created as drafts, filled, published, and from then on, where the repository wants it, never changed again.

use serde_json::{Map, Value, json};

use super::{Call, Problem, Reply};
use crate::demo::auth::Level;
use crate::demo::clock;
use crate::demo::releases::{Asset, Obstacle, Release, Spoiled};

pub(super) fn list(call: &mut Call<'_>) -> Result<Reply, Reply> {
    let (skip, take) = call.page();
    let sees_drafts = call.holds("contents", Level::Write);
    let visible = |release: &&Release| sees_drafts || !release.draft;
    let all: Vec<&Release> = call.repository().releases.all.iter().rev().filter(visible).collect();
    let page: Vec<Value> =
        all.iter().skip(skip).take(take).map(|release| call.state.release_json(call.place, release)).collect();
    let mut reply = Reply::ok(json!(page).to_string());
    if all.len() > skip + take {
        let url = format!("{}/releases?per_page={take}&page={}", call.repository().url, skip / take + 2);
        reply.link = Some(format!("<{url}>; rel=\"next\"").into());
    }
    Ok(reply)
}

fn text(body: &Map<String, Value>, key: &str) -> Result<Option<String>, Reply> {
    match body.get(key) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(_) => Err(Reply::invalid("Release", key, "is not a string")),
    }
}

fn flag(body: &Map<String, Value>, key: &str) -> Result<Option<bool>, Reply> {
    match body.get(key) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Bool(flag)) => Ok(Some(*flag)),
        Some(_) => Err(Reply::invalid("Release", key, "is not a boolean")),
    }
}

/// `make_latest` is a word, not a boolean.
fn never_latest(body: &Map<String, Value>) -> Result<Option<bool>, Reply> {
    match text(body, "make_latest")?.as_deref() {
        None => Ok(None),
        Some("false") => Ok(Some(true)),
        Some("true" | "legacy") => Ok(Some(false)),
        Some(_) => Err(Reply::invalid("Release", "make_latest", "is not included in the list")),
    }
}

fn refused(obstacle: Obstacle) -> Reply {
    let errors = obstacle.errors();
    Reply::new(422, json!({ "message": "Validation Failed", "errors": errors, "status": "422" }).to_string())
}

pub(super) fn create(call: &mut Call<'_>) -> Result<Reply, Reply> {
    let body = call.object()?;
    let Some(tag) = text(&body, "tag_name")?.filter(|tag| !tag.is_empty()) else {
        return Err(Reply::unprocessable(&[Problem::missing("Release", "tag_name")]));
    };
    let repository = call.repository();
    let target = text(&body, "target_commitish")?.unwrap_or_else(|| repository.default_branch.clone());
    if repository.history.resolve(&target, &repository.default_branch).is_none() {
        return Err(Reply::invalid("Release", "target_commitish", "is invalid"));
    }
    let release = Release {
        id: call.state.fresh_id(),
        name: text(&body, "name")?.unwrap_or_default(),
        body: text(&body, "body")?.unwrap_or_default(),
        tag,
        draft: true,
        immutable: false,
        is_never_latest: never_latest(&body)?.unwrap_or(false),
        assets: Vec::new(),
        target,
        created_at: clock::now(),
        published_at: None,
    };
    let id = release.id;
    let publishes = !flag(&body, "draft")?.unwrap_or(false);
    let releases = &mut call.state.repositories[call.place].releases;
    if publishes && let Some(obstacle) = releases.obstacle(id, &release.tag) {
        return Err(refused(obstacle));
    }
    releases.all.push(release);
    if publishes {
        releases.publish(id);
    }
    show(call, id, 201)
}

fn find<'a>(call: &'a Call<'_>, id: u64) -> Result<&'a Release, Reply> {
    let sees_drafts = call.holds("contents", Level::Write);
    let found = call.repository().releases.all.iter().find(|release| release.id == id);
    found.filter(|release| sees_drafts || !release.draft).ok_or_else(Reply::not_found)
}

fn show(call: &Call<'_>, id: u64, status: u16) -> Result<Reply, Reply> {
    Ok(Reply::new(status, call.state.release_json(call.place, find(call, id)?).to_string()))
}

pub(super) fn get(call: &mut Call<'_>) -> Result<Reply, Reply> {
    show(call, call.number(2)?, 200)
}

pub(super) fn update(call: &mut Call<'_>) -> Result<Reply, Reply> {
    let (id, body) = (call.number(2)?, call.object()?);
    let mut release = find(call, id)?.clone();
    if let Some(tag) = text(&body, "tag_name")?.filter(|tag| *tag != release.tag) {
        if release.immutable {
            return Err(Reply::error(422, "Cannot change the tag of an immutable release"));
        }
        release.tag = tag;
    }
    release.name = text(&body, "name")?.unwrap_or(release.name);
    release.body = text(&body, "body")?.unwrap_or(release.body);
    release.is_never_latest = never_latest(&body)?.unwrap_or(release.is_never_latest);
    let publishes = release.draft && flag(&body, "draft")? == Some(false);
    let releases = &mut call.state.repositories[call.place].releases;
    if publishes && let Some(obstacle) = releases.obstacle(id, &release.tag) {
        return Err(refused(obstacle));
    }
    if let Some(known) = releases.all.iter_mut().find(|known| known.id == id) {
        *known = release;
    }
    if publishes {
        releases.publish(id);
    }
    show(call, id, 200)
}

pub(super) fn assets(call: &mut Call<'_>) -> Result<Reply, Reply> {
    let (skip, take) = call.page();
    let release = find(call, call.number(2)?)?;
    let page = release.assets.iter().skip(skip).take(take);
    let page: Vec<Value> = page.map(|asset| call.state.asset_json(call.place, release, asset)).collect();
    Ok(Reply::ok(json!(page).to_string()))
}

pub(super) fn upload(call: &mut Call<'_>) -> Result<Reply, Reply> {
    let id = call.number(2)?;
    let release = find(call, id)?;
    let (is_immutable, given) = (release.immutable, call.parameter("name"));
    let Some(name) = given.filter(|name| !name.is_empty()) else {
        return Err(Reply::error(400, "Bad Request: no name given"));
    };
    if is_immutable {
        return Err(Reply::error(422, "Cannot upload assets to an immutable release."));
    }
    if release.assets.iter().any(|asset| asset.name == name) {
        let errors = json!([{ "resource": "ReleaseAsset", "code": "already_exists", "field": "name" }]);
        return Err(Reply::new(422, json!({ "message": "Validation Failed", "errors": errors }).to_string()));
    }
    if call.body.is_empty() {
        return Err(Reply::error(400, "Bad Content-Length: 0"));
    }
    // As GitHub does with names it does not like.
    let is_kept = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    let name = name.chars().map(|c| if is_kept(c) { c } else { '.' }).collect();
    let mut asset = Asset {
        id: call.state.fresh_id(),
        name,
        bytes: call.body.to_vec(),
        state: "uploaded",
        created_at: clock::now(),
    };
    let releases = &mut call.state.repositories[call.place].releases;
    let spoiled = if releases.spoiled.is_empty() { None } else { Some(releases.spoiled.remove(0)) };
    match (spoiled, asset.bytes.first_mut()) {
        (Some(Spoiled::Altered), Some(first)) => *first ^= 1,
        (Some(Spoiled::Halfway), _) => (asset.bytes, asset.state) = (Vec::new(), "starter"),
        _ => {}
    }
    if let Some(release) = releases.all.iter_mut().find(|release| release.id == id) {
        release.assets.push(asset.clone());
    }
    if spoiled == Some(Spoiled::Halfway) {
        return Err(Reply::error(502, "Server Error"));
    }
    let json = call.state.asset_json(call.place, find(call, id)?, &asset);
    Ok(Reply::new(201, json.to_string()))
}

/// The release an asset belongs to.
fn owner(call: &Call<'_>, asset: u64) -> Result<u64, Reply> {
    let has_it = |release: &&Release| release.assets.iter().any(|known| known.id == asset);
    let release = call.repository().releases.all.iter().find(has_it).ok_or_else(Reply::not_found)?;
    find(call, release.id).map(|release| release.id)
}

pub(super) fn asset(call: &mut Call<'_>) -> Result<Reply, Reply> {
    let id = call.number(2)?;
    let release = find(call, owner(call, id)?)?;
    let asset = release.assets.iter().find(|asset| asset.id == id).ok_or_else(Reply::not_found)?;
    if call.accept == "application/octet-stream" {
        return Ok(Reply { file: Some(asset.bytes.clone()), ..Reply::ok("") });
    }
    Ok(Reply::ok(call.state.asset_json(call.place, release, asset).to_string()))
}

pub(super) fn delete_asset(call: &mut Call<'_>) -> Result<Reply, Reply> {
    let id = call.number(2)?;
    let owner = owner(call, id)?;
    if find(call, owner)?.immutable {
        return Err(Reply::error(422, "Cannot delete asset from an immutable release"));
    }
    let releases = &mut call.state.repositories[call.place].releases;
    for release in releases.all.iter_mut().filter(|release| release.id == owner) {
        release.assets.retain(|asset| asset.id != id);
    }
    Ok(Reply::new(204, ""))
}
