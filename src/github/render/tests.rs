use super::safe::{code, link, shorten, visible};
use super::{APPROVE, DENY};

#[test]
fn buttons_keep_to_githubs_limits() {
    for button in [APPROVE, DENY] {
        assert!(
            button.label.len() <= 20 && button.description.len() <= 40 && button.identifier.len() <= 20,
            "{button:?}"
        );
    }
}

#[test]
fn text_from_a_commit_can_neither_hide_nor_mark_up() {
    assert_eq!(visible("rm\u{202e}txt\u{200b}"), "rm⟨U+202E⟩txt⟨U+200B⟩");
    assert_eq!(code("a `b` **c** @acme/all"), "``a `b` **c** @acme/all``");
    assert_eq!(code("`"), "`` ` ``");
    assert_eq!(code("two\nlines"), "`two lines`");
    assert_eq!(link("https://github.com/a/b) [x](javascript:1"), "https://github.com/a/b[x]javascript:1");
    assert_eq!(link("javascript:alert(1)"), "#");
}

#[test]
fn long_text_is_cut_on_a_character() {
    assert_eq!(shorten("äöüäöü", 8), "äö…");
    assert_eq!(shorten("short", 8), "short");
}
