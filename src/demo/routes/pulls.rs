//! Pull requests.

use super::{Call, Reply};
use crate::demo::pulls::Pull;
use crate::demo::render;

pub(super) fn of_commit(call: &mut Call<'_>) -> Result<Reply, Reply> {
    let repository = call.repository();
    if repository.history.resolve(&call.values[2], &repository.default_branch).is_none() {
        return Err(Reply::error(422, &format!("No commit found for SHA: {}", call.values[2])));
    }
    let numbers = repository.pulls_by_commit.get(&call.values[2]).map(Vec::as_slice).unwrap_or_default();
    Ok(Reply::ok(render::list(
        numbers
            .iter()
            .filter_map(|number| repository.pulls.get(number))
            .map(|pull| call.state.pull_json(repository, pull, false)),
    )))
}

pub(super) fn list(call: &mut Call<'_>) -> Result<Reply, Reply> {
    let (skip, take) = call.page();
    let repository = call.repository();
    Ok(Reply::ok(render::list(
        repository.pulls.values().rev().skip(skip).take(take).map(|pull| call.state.pull_json(repository, pull, false)),
    )))
}

fn found<'a>(call: &'a Call<'_>) -> Result<&'a Pull, Reply> {
    call.repository().pulls.get(&call.number(2)?).ok_or_else(Reply::not_found)
}

pub(super) fn pull(call: &mut Call<'_>) -> Result<Reply, Reply> {
    Ok(Reply::ok(call.state.pull_json(call.repository(), found(call)?, true)))
}

/// At most 250 commits, however they are paged.
pub(super) fn commits(call: &mut Call<'_>) -> Result<Reply, Reply> {
    let (skip, take) = call.page();
    let repository = call.repository();
    let commits = found(call)?.request.commits.iter().take(250).skip(skip).take(take);
    let commits = commits.filter_map(|sha| repository.history.resolve(sha, &repository.default_branch));
    Ok(Reply::ok(render::list(commits.map(|index| repository.history.commits[index].json.get()))))
}
