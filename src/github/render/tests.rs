use super::safe::{code, link, shorten, visible};
use super::style::Style;
use super::words::parts_words;
use super::{Button, verdict};
use crate::domain::digest::Digest;
use crate::domain::event::Verdict;
use crate::domain::gate::RequestId;
use crate::domain::parties::Part;
use crate::domain::replay::{Fate, Replayed};

#[test]
fn buttons_keep_to_githubs_limits() {
    let page = Digest::of_bytes(b"a page");
    for button in [Button::approve(&page), Button::deny()] {
        assert!(
            button.label.len() <= 20 && button.description.len() <= 40 && button.identifier.len() <= 20,
            "{button:?}"
        );
    }
}

#[test]
fn approve_says_on_which_page_it_was_pressed() {
    let (page, other) = (Digest::of_bytes(b"a page"), Digest::of_bytes(b"another page"));
    assert_eq!(verdict(&Button::approve(&page).identifier), Some((Verdict::Approve, Some(page.tag()))));
    assert_ne!(page.tag(), other.tag());
    assert_eq!(page.tag().as_str().len(), 17);
    assert_eq!(verdict("approve"), Some((Verdict::Approve, None)), "a page that does not say which it is");
    assert_eq!(verdict("release"), None);
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

#[test]
fn who_has_a_part_is_told_without_repetition() {
    let sha = "abcdef0123456789".to_owned();
    let parts = [
        Part::Actor { attempt: 1 },
        Part::TriggeringActor { attempt: 1 },
        Part::Sender,
        Part::Author { sha: sha.clone() },
        Part::Committer { sha },
    ];
    assert_eq!(parts_words(&parts, Style::Markdown), "started the run, wrote `abcdef0`");
    assert_eq!(
        parts_words(&[Part::TriggeringActor { attempt: 2 }, Part::Sender], Style::Markdown),
        "started attempt 2"
    );
}

#[test]
fn a_replayed_request_says_that_it_hangs_on_what_nobody_noted() {
    let replayed = Replayed {
        request: RequestId::parse(&"a".repeat(32)).unwrap(),
        environment: "production".into(),
        head_sha: "c".repeat(40),
        then: Fate::Passes,
        proposed: Fate::Passes,
        gained: Vec::new(),
        lost: Vec::new(),
        hangs_on_ref_kind: true,
    };
    let told = super::proposal::lines(&[replayed], 1, Style::Plain);
    let why = "passes; may end otherwise: it was not noted whether it was started for a branch or a tag\n";
    assert!(told.ends_with(why), "{told}");
}
