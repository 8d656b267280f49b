use serde_json::json;

use super::*;

#[test]
fn co_authors_inside_a_pull_request_come_from_trailers() {
    let message = "Add discount\n\nBody\n\nCo-authored-by: Claude <noreply@anthropic.com>\nco-authored-by:Bob <b@x.org>\n\
                   Co-authored-by: nobody";
    let names: Vec<_> = co_authors(message).into_iter().map(|i| (i.name, i.email)).collect();
    assert_eq!(
        names,
        [("Claude".to_owned(), "noreply@anthropic.com".to_owned()), ("Bob".to_owned(), "b@x.org".to_owned())]
    );
}

/// a part of the answer that GitHub nulled with an error is a gap, as it is for the policy file.
#[test]
fn a_pull_request_that_github_left_half_out_is_not_whole() {
    let node: CommitNode = serde_json::from_value(json!({
        "oid": "a", "message": "Fix", "author": null, "committer": null, "authors": { "totalCount": 0, "nodes": [] },
        "associatedPullRequests": { "totalCount": 1, "nodes": [{
            "number": 7, "title": null, "body": null, "headRefName": null, "author": null,
            "commits": { "totalCount": 1, "nodes": [{ "commit": { "oid": "b", "message": null } }] },
        }] },
    }))
    .unwrap();
    let read = node.read().unwrap();
    assert!(!read.is_whole || !read.pull_requests[0].1, "author, title, body and the only commit are missing");
}
