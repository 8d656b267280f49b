use serde_json::{Value, json};

use super::super::{Incoming, Unusable, parse};
use super::*;

/// What is read of an event: what changed, and in which repository.
fn changed(event: &str, payload: &Value) -> Option<(RulesChange, Option<String>)> {
    match parse(event, payload.to_string().as_bytes()).unwrap() {
        Some(Incoming::RulesMayHaveChanged(changed)) => {
            assert_eq!(changed.tenant, Tenant { account_id: 2, login: "acme".into(), installation_id: 1 });
            Some((changed.why, changed.repository.map(|repository| repository.name)))
        }
        None => None,
        other => panic!("{other:?}"),
    }
}

fn about(repository: &str, fields: Value) -> Value {
    let mut payload = json!({
        "repository": {
            "id": 3, "name": repository, "default_branch": "trunk",
            "owner": { "id": 2, "login": "acme", "type": "Organization" },
        },
        "installation": { "id": 1 },
        "sender": { "id": 9, "login": "octo", "type": "User" },
    });
    payload.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    payload
}

fn about_the_organization(fields: Value) -> Value {
    let mut payload = about("any", fields);
    payload["organization"] = payload["repository"]["owner"].take();
    payload.as_object_mut().unwrap().remove("repository");
    payload
}

/// A push of one commit that changes these files.
fn push(paths: &[&str]) -> Value {
    let commit = json!({ "id": "new", "added": [], "modified": paths, "removed": [] });
    about(
        "shop",
        json!({ "ref": "refs/heads/trunk", "after": "new", "forced": false, "deleted": false, "commits": [commit] }),
    )
}

fn in_shop(why: RulesChange) -> Option<(RulesChange, Option<String>)> {
    Some((why, Some("shop".to_owned())))
}

fn everywhere(why: RulesChange) -> Option<(RulesChange, Option<String>)> {
    Some((why, None))
}

#[test]
fn a_push_matters_when_it_changes_a_file_the_rules_are_in() {
    for path in [".github/seconder.yml", ".github/CODEOWNERS", "CODEOWNERS", "docs/CODEOWNERS"] {
        assert_eq!(changed("push", &push(&["src/main.rs", path])), in_shop(RulesChange::Files), "{path}");
        for way in ["added", "removed"] {
            let mut payload = push(&["src/main.rs"]);
            payload["commits"][0][way] = json!([path]);
            assert_eq!(changed("push", &payload), in_shop(RulesChange::Files), "{path} {way}");
        }
    }
    for path in ["seconder.yml", "src/CODEOWNERS", ".github/seconder.yml.bak", "x/.github/seconder.yml"] {
        assert_eq!(changed("push", &push(&[path])), None, "{path}");
    }
}

#[test]
fn a_push_to_another_branch_or_a_tag_changes_no_rules() {
    for reference in ["refs/heads/topic", "refs/tags/trunk", "refs/heads/trunk/x"] {
        let mut payload = push(&[".github/seconder.yml"]);
        payload["ref"] = json!(reference);
        assert_eq!(changed("push", &payload), None, "{reference}");
    }
}

#[test]
fn a_push_that_does_not_list_everything_may_have_changed_the_rules() {
    let commit = |id: usize| json!({ "id": id.to_string(), "added": [], "modified": ["a"], "removed": [] });
    let many: Vec<Value> = (0..20).map(commit).collect();
    let wide: Vec<String> = (0..300).map(|n| format!("file-{n}")).collect();
    let commits = |commits: Value| json!({ "commits": commits });
    for (what, change) in [
        ("rewritten", json!({ "forced": true })),
        ("deleted", json!({ "deleted": true })),
        ("nothing listed", commits(json!([]))),
        ("no list", commits(Value::Null)),
        ("as many as may be listed", json!({ "commits": many, "after": "19" })),
        ("the newest is missing", json!({ "after": "newer" })),
        ("no word on files", commits(json!([{ "id": "new" }]))),
        (
            "a merge, which lists no files",
            commits(json!([{ "id": "new", "added": [], "modified": [], "removed": [] }])),
        ),
        (
            "as many files as may be listed",
            commits(json!([{ "id": "new", "added": [], "modified": wide, "removed": [] }])),
        ),
        ("no word on the branch", json!({ "ref": null, "after": null })),
    ] {
        let mut payload = push(&["src/main.rs"]);
        payload.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        assert_eq!(changed("push", &payload), in_shop(RulesChange::Files), "{what}");
    }
    assert_eq!(changed("push", &push(&["src/main.rs"])), None, "and one that does has not");
}

#[test]
fn whatever_happens_to_the_organizations_repository_concerns_all_of_its_repositories() {
    let mut pushed = push(&["README.md"]);
    pushed["repository"]["name"] = json!(".GitHub");
    assert_eq!(changed("push", &pushed), everywhere(RulesChange::Organization));
    for action in ["created", "deleted", "archived", "unarchived", "transferred", "privatized", "publicized"] {
        let payload = about(".github", json!({ "action": action }));
        assert_eq!(changed("repository", &payload), everywhere(RulesChange::Organization), "{action}");
        assert_eq!(changed("repository", &about("shop", json!({ "action": action }))), None, "{action}");
    }
    let renamed = |from: &str, to: &str| {
        let changes = json!({ "repository": { "name": { "from": from } } });
        changed("repository", &about(to, json!({ "action": "renamed", "changes": changes })))
    };
    assert_eq!(renamed(".github", "github-old"), everywhere(RulesChange::Organization));
    assert_eq!(renamed("github-new", ".github"), everywhere(RulesChange::Organization));
    assert_eq!(renamed("shop", "store"), None);
}

#[test]
fn another_default_branch_has_other_files() {
    let edited =
        |changes: Value| changed("repository", &about("shop", json!({ "action": "edited", "changes": changes })));
    assert_eq!(edited(json!({ "default_branch": { "from": "main" } })), in_shop(RulesChange::DefaultBranch));
    assert_eq!(edited(json!({ "description": { "from": "A shop" } })), None);
    assert_eq!(edited(Value::Null), None);
}

#[test]
fn who_is_in_a_team_and_who_may_do_what_is_part_of_the_rules() {
    for (event, action) in [("membership", "added"), ("membership", "removed"), ("team", "created"), ("team", "edited")]
    {
        let payload = about_the_organization(json!({ "action": action, "team": { "slug": "platform" } }));
        assert_eq!(changed(event, &payload), everywhere(RulesChange::Teams), "{event}.{action}");
    }
    let added = about("shop", json!({ "action": "added_to_repository", "changes": "of any shape" }));
    assert_eq!(changed("team", &added), in_shop(RulesChange::Teams));
    assert_eq!(changed("team_add", &about("shop", json!({}))), in_shop(RulesChange::Teams));
    assert_eq!(changed("member", &about("shop", json!({ "action": "edited" }))), in_shop(RulesChange::Access));
    let left = |action: &str| changed("organization", &about_the_organization(json!({ "action": action })));
    assert_eq!(left("member_removed"), everywhere(RulesChange::Membership));
    assert_eq!(left("member_invited"), None);
}

#[test]
fn a_pull_request_is_read_when_it_has_a_new_head() {
    let payload = |action: &str| {
        let pull_request = json!({ "number": 5, "head": { "sha": "abc", "ref": "topic" }, "base": { "ref": "trunk" } });
        about("shop", json!({ "action": action, "pull_request": pull_request })).to_string()
    };
    for action in ["opened", "reopened", "synchronize"] {
        let read = parse("pull_request", payload(action).as_bytes()).unwrap();
        let Some(Incoming::PullRequestChanged(changed)) = read else { panic!("{action}: {read:?}") };
        assert_eq!((changed.number, changed.head_sha.as_str(), changed.base_ref.as_str()), (5, "abc", "trunk"));
    }
    assert_eq!(parse("pull_request", payload("labeled").as_bytes()), Ok(None));
}

#[test]
fn without_an_installation_nobody_knows_whose_rules_they_are() {
    let mut payload = push(&[".github/seconder.yml"]);
    payload["installation"] = Value::Null;
    assert_eq!(parse("push", payload.to_string().as_bytes()), Err(Unusable::Missing("installation")));
}
