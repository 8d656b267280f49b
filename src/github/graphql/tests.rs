use super::*;

/// The text is checked against GitHub's schema by the contract suite; here, that it is one query with its fragments.
#[test]
fn a_query_defines_each_fragment_it_uses_once_and_no_other() {
    let wanted =
        [Wanted { sha: "a".repeat(40).leak(), full: false }, Wanted { sha: "b".repeat(40).leak(), full: true }];
    for wanted in [&wanted[..], &wanted[..1], &wanted[1..]] {
        let body: serde_json::Value = serde_json::from_str(&commit_context("acme", "shop", wanted)).unwrap();
        let query = body["query"].as_str().unwrap();
        for name in ["Who", "Authorship", "Brief", "Full"] {
            let uses = query.matches(&format!("...{name} ")).count();
            let definitions = query.matches(&format!("fragment {name} on")).count();
            assert_eq!(definitions, usize::from(uses > 0), "{name} in {query}");
        }
    }
}

#[test]
fn a_commit_id_cannot_break_out_of_its_string() {
    let body = commit_context("acme", "shop", &[Wanted { sha: "ab\") { e } x(\"cd", full: true }]);
    assert!(body.contains(r#"c0: object(oid:\"abecd\")"#), "{body}");
}

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
