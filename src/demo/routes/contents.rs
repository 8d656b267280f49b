//! Files written by the contents API: one commit each, on a branch that is there, in the place of the file one has seen.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::{Call, Problem, Reply};
use crate::demo::git::{Commit, blob_id};

pub(super) fn put(call: &mut Call<'_>) -> Result<Reply, Reply> {
    let body = call.object()?;
    let text = |key: &str| body.get(key).and_then(Value::as_str).map(str::to_owned);
    let missing = |key: &str| Reply::unprocessable(&[Problem::missing("Content", key)]);
    let message = text("message").filter(|message| !message.is_empty()).ok_or_else(|| missing("message"))?;
    let content = text("content").ok_or_else(|| missing("content"))?;
    let content = STANDARD.decode(content).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    let content = content.ok_or_else(|| Reply::error(422, "content is not valid Base64"))?;
    let repository = call.repository();
    let branch = text("branch").unwrap_or_else(|| repository.default_branch.clone());
    let Some(&tip) = repository.history.branches.get(&branch) else {
        return Err(Reply::error(404, &format!("Branch {branch} not found")));
    };
    let path = call.values[2].clone();
    let there = repository.history.commits[tip].tree.get(path.as_str()).map(|text| blob_id(text));
    match (&there, text("sha")) {
        (Some(_), None) => return Err(Reply::error(422, "Invalid request.\n\n\"sha\" wasn't supplied.")),
        (there, Some(given)) if there.as_ref() != Some(&given) => {
            return Err(Reply::error(409, &format!("{path} does not match {given}")));
        }
        _ => {}
    }
    let mut commit = Commit::by("seconder[bot]", message.clone()).on(&branch).touching(&[]);
    commit.contents = vec![(path.clone(), Some(content.clone()))];
    let sha = call.state.commit(call.place, &commit);
    let repository = call.repository();
    let (url, blob) = (format!("{}/contents/{path}?ref={branch}", repository.url), blob_id(&content));
    let html = format!("https://github.com/{}/blob/{branch}/{path}", repository.full_name);
    let git = format!("{}/git/blobs/{blob}", repository.url);
    let commit_url = format!("{}/git/commits/{sha}", repository.url);
    let answer = json!({
        "content": {
            "name": path.rsplit('/').next(), "path": path, "sha": blob, "size": content.len(), "url": url,
            "html_url": html, "git_url": git, "download_url": html, "type": "file",
            "_links": { "self": url, "git": git, "html": html },
        },
        "commit": { "sha": sha, "url": commit_url, "message": message },
    });
    Ok(Reply::new(if there.is_some() { 200 } else { 201 }, answer.to_string()))
}
