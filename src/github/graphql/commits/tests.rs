use super::*;

/// The text is checked against GitHub's schema by the contract suite; here, that it is one query with its fragments.
#[test]
fn a_query_defines_each_fragment_it_uses_once_and_no_other() {
    let wanted =
        [Wanted { sha: "a".repeat(40).leak(), full: false }, Wanted { sha: "b".repeat(40).leak(), full: true }];
    for wanted in [&wanted[..], &wanted[..1], &wanted[1..]] {
        let body: serde_json::Value = serde_json::from_str(&commit_context("acme", "shop", wanted)).unwrap();
        let query = body["query"].as_str().unwrap();
        for name in ["Who", "Authorship", "Brief", "Full", "Note"] {
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
fn a_note_is_found_in_whichever_folder_git_keeps_it() {
    let sha = "abcdef0123456789abcdef0123456789abcdef01";
    assert_eq!(
        NOTE_FOLDERS.map(|folders| note_path(sha, folders)[..9].to_owned()),
        ["abcdef012", "ab/cdef01", "ab/cd/ef0"]
    );
    let read = |alias: &str, truncated: bool| {
        let commit = json!({ "oid": sha, "message": "Fix", "author": { "name": "Ann" }, "committer": { "name": "Ann" },
            "authors": { "totalCount": 0, "nodes": [] }, "associatedPullRequests": { "totalCount": 0, "nodes": [] } });
        let answer = json!({ "c0": commit, alias: { "text": "note", "isTruncated": truncated } }).to_string();
        let context: CommitContext = serde_json::from_str(&answer).unwrap();
        context.commits(1).unwrap().pop().flatten().unwrap().read().unwrap()
    };
    for alias in ["n0_0", "n0_1", "n0_2"] {
        let read = read(alias, false);
        assert_eq!((read.commit.ai_note.as_deref(), read.is_whole), (Some("note"), true));
    }
    assert!(!read("n0_1", true).is_whole, "what is cut off is a gap");
}
