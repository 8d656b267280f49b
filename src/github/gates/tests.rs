use serde_json::{Value, json};

use super::*;

fn permission(answer: Value) -> Permission {
    serde_json::from_value::<Collaborator>(answer).unwrap().permission()
}

fn custom(word: &str, triage: bool, maintain: bool) -> Permission {
    let allowed = json!({ "pull": true, "triage": triage, "push": false, "maintain": maintain, "admin": true });
    let user = json!({ "id": 1, "login": "ann", "type": "User", "permissions": allowed });
    permission(json!({ "permission": word, "role_name": "release-captain", "user": user }))
}

#[test]
fn access_is_never_read_as_more_than_it_is() {
    for (word, expected) in [
        ("admin", Permission::Admin),
        ("write", Permission::Write),
        ("read", Permission::Read),
        ("none", Permission::None),
        ("owner-of-everything", Permission::None),
    ] {
        assert_eq!(permission(json!({ "permission": word })), expected, "{word}");
        assert!(
            permission(json!({ "permission": word, "role_name": "admin" })) <= expected,
            "{word}, whatever the role"
        );
    }
}

#[test]
fn maintain_and_triage_are_told_from_the_words_github_shows_them_as() {
    for (word, role, expected) in [
        ("write", "maintain", Permission::Maintain),
        ("write", "write", Permission::Write),
        ("read", "triage", Permission::Triage),
        ("read", "read", Permission::Read),
        ("read", "maintain", Permission::Read),
    ] {
        assert_eq!(permission(json!({ "permission": word, "role_name": role })), expected, "{word}, {role}");
    }
    assert!(Permission::Read < Permission::Triage && Permission::Triage < Permission::Write);
    assert!(Permission::Write < Permission::Maintain && Permission::Maintain < Permission::Admin);
}

#[test]
fn a_custom_role_is_what_it_allows_whatever_its_name_says() {
    assert_eq!(custom("write", true, true), Permission::Maintain);
    assert_eq!(custom("write", true, false), Permission::Write);
    assert_eq!(custom("read", true, true), Permission::Triage);
    assert_eq!(custom("read", false, false), Permission::Read);
}
