//! GitHub's JSON for things that do not change: accounts, repositories, the App, commits. Rendered once, then shared.

use serde_json::value::{RawValue, to_raw_value};
use serde_json::{Value, json};

use super::clock;
use super::git::{Commit, co_authors};
use super::people::{Identity, People, UserKind};

/// The JSON text of a value, to be embedded in larger answers without being built again.
pub(super) fn raw(value: &impl serde::Serialize) -> Box<RawValue> {
    to_raw_value(value).unwrap_or_else(|_| RawValue::NULL.to_owned())
}

/// A global node id. Opaque to everybody but the fake.
pub(super) fn node_id(kind: &str, id: u64) -> String {
    format!("{kind}_fake{id:012}")
}

/// `simple-user`.
pub(super) fn simple_user(login: &str, id: u64, kind: UserKind, base: &str) -> Value {
    let url = format!("{base}/users/{}", login.replace('[', "%5B").replace(']', "%5D"));
    let html = match (kind, login.strip_suffix("[bot]")) {
        (UserKind::Bot, Some(slug)) => format!("https://github.com/apps/{slug}"),
        _ => format!("https://github.com/{login}"),
    };
    json!({
        "login": login, "id": id, "node_id": node_id("U", id), "avatar_url": format!("https://avatars.githubusercontent.com/u/{id}?v=4"),
        "gravatar_id": "", "url": url, "html_url": html,
        "followers_url": format!("{url}/followers"), "following_url": format!("{url}/following{{/other_user}}"),
        "gists_url": format!("{url}/gists{{/gist_id}}"), "starred_url": format!("{url}/starred{{/owner}}{{/repo}}"),
        "subscriptions_url": format!("{url}/subscriptions"), "organizations_url": format!("{url}/orgs"),
        "repos_url": format!("{url}/repos"), "events_url": format!("{url}/events{{/privacy}}"),
        "received_events_url": format!("{url}/received_events"), "type": kind.as_str(), "site_admin": false,
        "user_view_type": "public",
    })
}

/// `public-user`: what `GET /users/{login}` adds.
pub(super) fn public_user(mut user: Value, now: &str) -> Value {
    let more = json!({
        "name": user["login"], "company": null, "blog": "", "location": null, "email": null, "hireable": null, "bio": null,
        "twitter_username": null, "public_repos": 1, "public_gists": 0, "followers": 0, "following": 0,
        "created_at": "2015-01-01T00:00:00Z", "updated_at": now,
    });
    extend(&mut user, more);
    user
}

/// `organization-simple`, as webhooks carry it.
pub(super) fn organization(login: &str, id: u64, base: &str) -> Value {
    let url = format!("{base}/orgs/{login}");
    json!({
        "login": login, "id": id, "node_id": node_id("O", id), "url": url, "repos_url": format!("{url}/repos"),
        "events_url": format!("{url}/events"), "hooks_url": format!("{url}/hooks"), "issues_url": format!("{url}/issues"),
        "members_url": format!("{url}/members{{/member}}"), "public_members_url": format!("{url}/public_members{{/member}}"),
        "avatar_url": format!("https://avatars.githubusercontent.com/u/{id}?v=4"), "description": "",
    })
}

/// `minimal-repository`.
pub(super) fn minimal_repository(name: &str, owner: &RawValue, owner_login: &str, id: u64, base: &str) -> Value {
    let full = format!("{owner_login}/{name}");
    let url = format!("{base}/repos/{full}");
    let mut repository = json!({
        "id": id, "node_id": node_id("R", id), "name": name, "full_name": full, "owner": owner, "private": true,
        "html_url": format!("https://github.com/{full}"), "description": "What the shop window shows", "fork": false, "url": url,
    });
    // The forty links every repository carries: name of the field, path below the repository.
    for (field, path) in [
        ("archive_url", "/{archive_format}{/ref}"),
        ("assignees_url", "/assignees{/user}"),
        ("blobs_url", "/git/blobs{/sha}"),
        ("branches_url", "/branches{/branch}"),
        ("collaborators_url", "/collaborators{/collaborator}"),
        ("comments_url", "/comments{/number}"),
        ("commits_url", "/commits{/sha}"),
        ("compare_url", "/compare/{base}...{head}"),
        ("contents_url", "/contents/{+path}"),
        ("contributors_url", "/contributors"),
        ("deployments_url", "/deployments"),
        ("downloads_url", "/downloads"),
        ("events_url", "/events"),
        ("forks_url", "/forks"),
        ("git_commits_url", "/git/commits{/sha}"),
        ("git_refs_url", "/git/refs{/sha}"),
        ("git_tags_url", "/git/tags{/sha}"),
        ("hooks_url", "/hooks"),
        ("issue_comment_url", "/issues/comments{/number}"),
        ("issue_events_url", "/issues/events{/number}"),
        ("issues_url", "/issues{/number}"),
        ("keys_url", "/keys{/key_id}"),
        ("labels_url", "/labels{/name}"),
        ("languages_url", "/languages"),
        ("merges_url", "/merges"),
        ("milestones_url", "/milestones{/number}"),
        ("notifications_url", "/notifications{?since,all,participating}"),
        ("pulls_url", "/pulls{/number}"),
        ("releases_url", "/releases{/id}"),
        ("stargazers_url", "/stargazers"),
        ("statuses_url", "/statuses/{sha}"),
        ("subscribers_url", "/subscribers"),
        ("subscription_url", "/subscription"),
        ("tags_url", "/tags"),
        ("teams_url", "/teams"),
        ("trees_url", "/git/trees{/sha}"),
    ] {
        repository[field] = Value::String(format!("{url}{path}"));
    }
    repository
}

/// `full-repository`: what `GET /repos/{owner}/{repo}` and webhooks carry on top of [`minimal_repository`].
pub(super) fn full_repository(mut repository: Value, default_branch: &str, now: &str) -> Value {
    let full = repository["full_name"].as_str().unwrap_or_default().to_owned();
    let more = json!({
        "git_url": format!("git://github.com/{full}.git"), "ssh_url": format!("git@github.com:{full}.git"),
        "clone_url": format!("https://github.com/{full}.git"), "svn_url": format!("https://github.com/{full}"),
        "mirror_url": null, "homepage": null, "language": "Rust", "forks_count": 0, "stargazers_count": 0, "watchers_count": 0,
        "size": 108, "default_branch": default_branch, "open_issues_count": 0, "is_template": false, "topics": [],
        "has_issues": true, "has_projects": true, "has_wiki": false, "has_pages": false, "has_downloads": true,
        "has_discussions": false, "archived": false, "disabled": false, "visibility": "private", "allow_forking": false,
        "web_commit_signoff_required": false, "pushed_at": now, "created_at": "2024-01-01T00:00:00Z", "updated_at": now,
        "license": null, "forks": 0, "open_issues": 0, "watchers": 0, "network_count": 0, "subscribers_count": 1,
        "custom_properties": {},
    });
    extend(&mut repository, more);
    repository
}

/// The App's client id, which its tokens may name as their issuer too.
pub(super) fn client_id(app_id: u64) -> String {
    format!("Iv23fake{app_id}")
}

/// `integration`: the App itself.
pub(super) fn app(id: u64, slug: &str, owner: &RawValue, permissions: &Value, events: &Value) -> Value {
    json!({
        "id": id, "slug": slug, "client_id": client_id(id), "node_id": node_id("A", id), "owner": owner, "name": slug,
        "description": "A different human seconds it", "external_url": "https://seconder.example",
        "html_url": format!("https://github.com/apps/{slug}"), "created_at": "2026-01-01T00:00:00Z",
        "updated_at": "2026-01-01T00:00:00Z", "permissions": permissions, "events": events,
    })
}

/// REST `commit`. Bots are resolved here, as GitHub does.
pub(super) fn commit(
    sha: &str,
    parents: &[String],
    commit: &Commit,
    people: &People,
    repository_url: &str,
    now: &str,
) -> Value {
    let committer = commit.committer.as_ref().unwrap_or(&commit.author);
    let account = |identity: &Identity| people.by_email(&identity.email).map(|account| &account.json);
    let git = |identity: &Identity| json!({ "name": identity.name, "email": identity.email, "date": now });
    let url = format!("{repository_url}/commits/{sha}");
    let tree = &sha[..sha.len().min(40)];
    json!({
        "sha": sha, "node_id": format!("C_{sha}"), "url": url, "html_url": url, "comments_url": format!("{url}/comments"),
        "commit": {
            "author": git(&commit.author), "committer": git(committer), "message": commit.message,
            "tree": { "sha": tree, "url": format!("{repository_url}/git/trees/{tree}") },
            "url": format!("{repository_url}/git/commits/{sha}"), "comment_count": 0,
            "verification": { "verified": false, "reason": "unsigned", "signature": null, "payload": null, "verified_at": null },
        },
        "author": account(&commit.author), "committer": account(committer),
        "parents": parents.iter().map(|sha| json!({ "sha": sha, "url": format!("{repository_url}/commits/{sha}"), "html_url": format!("{repository_url}/commit/{sha}") })).collect::<Vec<_>>(),
    })
}

/// GraphQL `Commit`, without its pull requests. Only people are resolved here: a bot's e-mail has no `user`.
pub(super) fn graphql_commit(sha: &str, parents: &[String], commit: &Commit, people: &People) -> Value {
    let actor = |identity: &Identity| {
        let user = people.by_email(&identity.email).filter(|account| account.kind == UserKind::User);
        let user =
            user.map(|account| json!({ "__typename": "User", "databaseId": account.id, "login": account.login }));
        json!({ "__typename": "GitActor", "name": identity.name, "email": identity.email, "user": user })
    };
    let mut authors = vec![commit.author.clone()];
    for author in co_authors(&commit.message) {
        if !authors.iter().any(|known| known.email.eq_ignore_ascii_case(&author.email)) {
            authors.push(author);
        }
    }
    let committer = commit.committer.as_ref().unwrap_or(&commit.author);
    json!({
        "__typename": "Commit", "oid": sha, "message": commit.message,
        "committedDate": clock::now(), "messageHeadline": commit.message.lines().next().unwrap_or_default(),
        "parents": connection(parents.iter().map(|sha| json!({ "__typename": "Commit", "oid": sha })).collect()),
        "author": actor(&commit.author), "committer": actor(committer),
        "authors": connection(authors.iter().map(actor).collect()),
        "signature": commit.signed_by.as_ref().and_then(|login| people.by_login(login)).map(|signer| json!({
            "__typename": "SshSignature", "isValid": true, "wasSignedByGitHub": false, "keyFingerprint": format!("key-of-{}", signer.login),
            "signer": { "__typename": "User", "databaseId": signer.id, "login": signer.login },
        })),
    })
}

/// A GraphQL connection before `first` is applied.
pub(super) fn connection(nodes: Vec<Value>) -> Value {
    json!({ "totalCount": nodes.len(), "nodes": nodes })
}

/// Adds the fields of one object to another.
pub(super) fn extend(object: &mut Value, more: Value) {
    if let (Value::Object(object), Value::Object(more)) = (object, more) {
        object.extend(more);
    }
}

/// An object made of fresh fields and of parts already rendered, which are copied in as they are.
pub(super) fn object(fresh: &Value, rendered: &[(&str, &str)]) -> String {
    let mut text = fresh.to_string();
    text.reserve(rendered.iter().map(|(key, part)| key.len() + part.len() + 4).sum());
    text.pop();
    for (key, part) in rendered {
        if text.len() > 1 {
            text.push(',');
        }
        text.push('"');
        text.push_str(key);
        text.push_str("\":");
        text.push_str(part);
    }
    text.push('}');
    text
}

/// An array of rendered parts.
pub(super) fn list<T: AsRef<str>>(parts: impl IntoIterator<Item = T>) -> String {
    let mut text = String::from("[");
    for part in parts {
        if text.len() > 1 {
            text.push(',');
        }
        text.push_str(part.as_ref());
    }
    text.push(']');
    text
}
