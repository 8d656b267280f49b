//! Pull requests.

use serde_json::{Value, json};

use super::render::{self, connection, node_id};
use super::state::{Repository, State};

/// A pull request to create; already merged when `merged_as` is there.
#[derive(Clone, Debug, Default)]
pub struct PullRequest {
    /// The login of whoever opened it.
    pub author: String,
    /// Its branch.
    pub head_branch: String,
    /// Its title.
    pub title: String,
    /// Its description.
    pub body: String,
    /// SHAs of its own commits, oldest first.
    pub commits: Vec<String>,
    /// Logins of those who assigned it to somebody, oldest first.
    pub assigned_by: Vec<String>,
    /// The commit on the default branch it became: a squash, a merge, or its own last commit.
    pub merged_as: Option<String>,
}

/// A pull request. Its JSON is large (it carries two repositories), so it is rendered when asked for.
pub(super) struct Pull {
    pub id: u64,
    pub number: u64,
    pub request: PullRequest,
    pub base_sha: String,
    pub created_at: String,
    pub graphql: Value,
}

impl State {
    /// GraphQL `PullRequest`, without its commits.
    pub fn pull_graphql(&self, pull: &PullRequest, number: u64) -> Value {
        let actor = |login: &str| {
            self.people.by_login(login).map(|account| {
                json!({ "__typename": account.kind.as_str(), "login": account.login.trim_end_matches("[bot]"), "databaseId": account.id })
            })
        };
        let author = actor(&pull.author);
        let assignments = pull
            .assigned_by
            .iter()
            .map(|login| json!({ "__typename": "AssignedEvent", "actor": actor(login) }))
            .collect();
        json!({
            "__typename": "PullRequest", "number": number, "title": pull.title, "body": pull.body, "headRefName": pull.head_branch,
            "state": if pull.merged_as.is_some() { "MERGED" } else { "OPEN" }, "author": author,
            "mergeCommit": pull.merged_as.as_ref().map(|sha| json!({ "__typename": "Commit", "oid": sha })),
            "labels": connection(Vec::new()), "timelineItems": connection(assignments),
        })
    }

    /// `pull-request-simple`, or `pull-request` when `full`.
    pub fn pull_json(&self, repository: &Repository, found: &Pull, full: bool) -> String {
        let Pull { id, number, request: pull, created_at: now, base_sha, .. } = found;
        let url = format!("{}/pulls/{number}", repository.url);
        let issue = format!("{}/issues/{number}", repository.url);
        let html = format!("https://github.com/{}/pull/{number}", repository.full_name);
        let merged = pull.merged_as.is_some();
        let head = pull.commits.last().or(pull.merged_as.as_ref()).cloned().unwrap_or_default();
        let statuses = format!("{}/statuses/{head}", repository.url);
        let link = |href: &str| json!({ "href": href });
        let mut fresh = json!({
            "id": id, "node_id": node_id("PR", *id), "number": number, "url": url, "html_url": html, "diff_url": format!("{html}.diff"),
            "patch_url": format!("{html}.patch"), "issue_url": issue, "commits_url": format!("{url}/commits"),
            "review_comments_url": format!("{url}/comments"), "review_comment_url": format!("{}/pulls/comments{{/number}}", repository.url),
            "comments_url": format!("{issue}/comments"), "statuses_url": statuses, "state": if merged { "closed" } else { "open" },
            "locked": false, "active_lock_reason": null, "title": pull.title, "body": pull.body, "labels": [], "milestone": null,
            "created_at": now, "updated_at": now, "closed_at": merged.then_some(now), "merged_at": merged.then_some(now),
            "merge_commit_sha": pull.merged_as, "assignee": null, "assignees": [], "requested_reviewers": [], "requested_teams": [],
            "author_association": "MEMBER", "auto_merge": null, "draft": false,
            "_links": {
                "self": link(&url), "html": link(&html), "issue": link(&issue), "comments": link(&format!("{issue}/comments")),
                "review_comments": link(&format!("{url}/comments")), "review_comment": link(&format!("{}/pulls/comments{{/number}}", repository.url)),
                "commits": link(&format!("{url}/commits")), "statuses": link(&statuses),
            },
        });
        let side = |branch: &str, sha: &str| {
            let owner = &repository.owner;
            let fresh = json!({ "label": format!("{owner}:{branch}"), "ref": branch, "sha": sha });
            render::object(&fresh, &[("repo", repository.full.get()), ("user", self.account_json(owner))])
        };
        if full {
            let more = json!({
                "merged": merged, "mergeable": null, "rebaseable": null, "mergeable_state": "unknown", "merged_by": null,
                "comments": 0, "review_comments": 0, "maintainer_can_modify": false, "commits": pull.commits.len(),
                "additions": 1, "deletions": 1, "changed_files": 1,
            });
            render::extend(&mut fresh, more);
        }
        let (head, base) = (side(&pull.head_branch, &head), side(&repository.default_branch, base_sha));
        let parts = [("user", self.account_json(&pull.author)), ("head", head.as_str()), ("base", base.as_str())];
        render::object(&fresh, &parts)
    }
}
