use super::*;

#[test]
fn access_is_never_read_as_more_than_it_is() {
    for (word, permission) in [
        ("admin", Permission::Admin),
        ("write", Permission::Write),
        ("read", Permission::Read),
        ("none", Permission::None),
        ("owner-of-everything", Permission::None),
    ] {
        assert_eq!(Collaborator { permission: word.to_owned(), user: None }.permission(), permission, "{word}");
    }
}
