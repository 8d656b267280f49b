use serde_json::json;

use super::*;

fn node(sha: &str, pulls: serde_json::Value) -> CommitNode {
    let who = json!({ "name": "Ann", "email": "a@x.org", "user": { "databaseId": 9, "login": "ann" } });
    let claude = json!({ "name": "Claude", "email": "noreply@anthropic.com", "user": null });
    serde_json::from_value(json!({
        "oid": sha, "message": "m", "author": who, "committer": who,
        "authors": { "totalCount": 2, "nodes": [who, claude] },
        "associatedPullRequests": pulls,
    }))
    .unwrap()
}

fn in_brief(numbers: &[u64]) -> serde_json::Value {
    let nodes: Vec<_> = numbers.iter().map(|number| json!({ "number": number })).collect();
    json!({ "totalCount": nodes.len(), "nodes": nodes })
}

fn in_full(number: u64, commits: u64) -> serde_json::Value {
    json!({ "totalCount": 1, "nodes": [{
        "number": number, "title": "t", "body": null, "headRefName": "claude/x",
        "author": { "__typename": "Bot", "login": "copilot-swe-agent", "databaseId": 5 },
        "timelineItems": { "totalCount": 1, "nodes": [{ "__typename": "AssignedEvent",
            "actor": { "__typename": "User", "login": "ann", "databaseId": 9 } }] },
        "commits": { "totalCount": commits, "nodes": [{ "commit": { "oid": "inner", "message": "x" } }] },
    }] })
}

#[test]
fn a_commit_names_its_people_and_its_pull_request_with_all_of_its_commits() {
    let (mut found, mut gaps) = (Found::default(), Vec::new());
    found.take("s1", Some(node("s1", in_full(4, 1))), &mut gaps);
    assert_eq!(gaps, []);
    assert_eq!(found.commits[0].author.account.as_ref().unwrap().id, 9);
    assert_eq!(found.commits[0].co_authors[0].name, "Claude");
    assert_eq!(found.commits[0].co_authors.len(), 1, "the author is no co-author");
    assert_eq!(found.pull_requests[0].commits[0].sha, "inner");
    assert_eq!(found.pull_requests[0].author.as_ref().unwrap().kind, crate::domain::people::AccountKind::Bot);
    assert_eq!(found.pull_requests[0].sponsors[0].login, "ann", "whoever assigned it stands behind it");
}

#[test]
fn whatever_is_longer_than_what_was_read_is_a_gap() {
    let (mut found, mut gaps) = (Found::default(), Vec::new());
    found.take("s1", Some(node("s1", in_full(4, 101))), &mut gaps);
    found.take("s2", Some(node("s2", json!({ "totalCount": 6, "nodes": [] }))), &mut gaps);
    found.take("s3", None, &mut gaps);
    found.take("s4", Some(node("another", in_brief(&[]))), &mut gaps);
    assert_eq!(
        gaps,
        [
            Gap::PullRequestTooLong { number: 4 },
            Gap::CommitTooWide { sha: "s2".to_owned() },
            Gap::CommitUnreadable { sha: "s3".to_owned() },
            Gap::CommitUnreadable { sha: "s4".to_owned() },
        ]
    );
}

#[test]
fn a_pull_request_that_was_only_named_is_read_through_one_of_its_commits() {
    let (mut found, mut gaps) = (Found::default(), Vec::new());
    found.take("s1", Some(node("s1", in_brief(&[1]))), &mut gaps);
    found.take("s2", Some(node("s2", in_brief(&[1]))), &mut gaps);
    found.take("s3", Some(node("s3", in_brief(&[2, 3]))), &mut gaps);
    found.take("s4", Some(node("s4", in_full(4, 1))), &mut gaps);
    assert_eq!(found.commits_of_unread_pull_requests(), ["s1", "s3"]);
    found.take_pull_requests(node("s1", in_full(1, 1)), &mut gaps);
    assert_eq!(found.named_and_not_read(), [2, 3]);
}
