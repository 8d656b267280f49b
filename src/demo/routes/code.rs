//! Repositories, commits, comparisons, files.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::{Call, Reply};
use crate::demo::git::blob_id;
use crate::demo::render::{extend, list, object};

/// GitHub's limits for a comparison.
const COMMITS: usize = 250;
const FILES: usize = 300;

pub(super) fn repository(call: &mut Call<'_>) -> Result<Reply, Reply> {
    Ok(Reply::ok(call.repository().full.get()))
}

fn resolve(call: &Call<'_>, reference: &str) -> Option<usize> {
    let repository = call.repository();
    repository.history.resolve(reference, &repository.default_branch)
}

fn file_json(call: &Call<'_>, path: &str) -> Value {
    let repository = call.repository();
    let sha = blob_id(path);
    json!({
        "sha": sha, "filename": path, "status": "modified", "additions": 1, "deletions": 1, "changes": 2,
        "blob_url": format!("https://github.com/{}/blob/{sha}/{path}", repository.full_name),
        "raw_url": format!("https://github.com/{}/raw/{sha}/{path}", repository.full_name),
        "contents_url": format!("{}/contents/{path}", repository.url), "patch": "@@ -1 +1 @@\n-before\n+after",
    })
}

pub(super) fn commit(call: &mut Call<'_>) -> Result<Reply, Reply> {
    let index = resolve(call, &call.values[2]);
    let index = index.ok_or_else(|| Reply::error(422, &format!("No commit found for SHA: {}", call.values[2])))?;
    let commit = &call.repository().history.commits[index];
    let files: Vec<Value> = commit.files.iter().take(FILES).map(|path| file_json(call, path)).collect();
    let changes = files.len();
    let stats = json!({ "additions": changes, "deletions": changes, "total": changes * 2 });
    let mut whole =
        serde_json::from_str(commit.json.get()).map_err(|_| Reply::error(500, "the fake has made bad JSON"))?;
    extend(&mut whole, json!({ "stats": stats, "files": files }));
    Ok(Reply::ok(whole.to_string()))
}

pub(super) fn compare(call: &mut Call<'_>) -> Result<Reply, Reply> {
    let (base_name, head_name) = call.values[2].split_once("...").ok_or_else(Reply::not_found)?;
    let (Some(base), Some(head)) = (resolve(call, base_name), resolve(call, head_name)) else {
        return Err(Reply::not_found());
    };
    let repository = call.repository();
    let history = &repository.history;
    let found = history.compare(base, head);
    let Some(merge_base) = found.merge_base else {
        return Err(Reply::error(404, &format!("No common ancestor between {base_name} and {head_name}.")));
    };
    let status = match (found.ahead.len(), found.behind) {
        (0, 0) => "identical",
        (_, 0) => "ahead",
        (0, _) => "behind",
        _ => "diverged",
    };
    let paged = call.parameter("page").is_some() || call.parameter("per_page").is_some();
    let (skip, take) = if paged { call.page() } else { (found.ahead.len().saturating_sub(COMMITS), COMMITS) };
    let commits = list(found.ahead.iter().skip(skip).take(take).map(|&index| history.commits[index].json.get()));
    let first_page = !paged || skip == 0;
    let files: Vec<Value> = history
        .files(&found.ahead)
        .iter()
        .take(FILES)
        .filter(|_| first_page)
        .map(|path| file_json(call, path))
        .collect();
    let url = format!("{}/compare/{base_name}...{head_name}", repository.url);
    let fresh = json!({
        "url": url, "html_url": url, "permalink_url": url, "diff_url": format!("{url}.diff"), "patch_url": format!("{url}.patch"),
        "status": status, "ahead_by": found.ahead.len(), "behind_by": found.behind, "total_commits": found.ahead.len(), "files": files,
    });
    let body = object(
        &fresh,
        &[
            ("base_commit", history.commits[base].json.get()),
            ("merge_base_commit", history.commits[merge_base].json.get()),
            ("commits", &commits),
        ],
    );
    let mut reply = Reply::ok(body);
    if paged && skip + take < found.ahead.len() {
        reply.link = Some(format!("<{url}?per_page={take}&page={}>; rel=\"next\"", skip / take + 2).into());
    }
    Ok(reply)
}

pub(super) fn contents(call: &mut Call<'_>) -> Result<Reply, Reply> {
    let reference = call.parameter("ref").unwrap_or_else(|| "HEAD".to_owned());
    let index = resolve(call, &reference)
        .ok_or_else(|| Reply::error(404, &format!("No commit found for the ref {reference}")))?;
    let repository = call.repository();
    let path = call.values[2].as_str();
    let content = repository.history.commits[index].tree.get(path).ok_or_else(Reply::not_found)?;
    let url = format!("{}/contents/{path}?ref={reference}", repository.url);
    let sha = blob_id(content);
    let git = format!("{}/git/blobs/{sha}", repository.url);
    let html = format!("https://github.com/{}/blob/{reference}/{path}", repository.full_name);
    let body = json!({
        "type": "file", "encoding": "base64", "size": content.len(), "name": path.rsplit('/').next(), "path": path,
        "content": STANDARD.encode(content.as_bytes()), "sha": sha, "url": url, "git_url": git, "html_url": html,
        "download_url": html, "_links": { "git": git, "html": html, "self": url },
    });
    Ok(Reply::ok(body.to_string()))
}
