use super::safe::{code, link, shorten, visible};
use super::style::Style;
use super::words::parts_words;
use super::{APPROVE, DENY};
use crate::domain::gate::RequestId;
use crate::domain::parties::Part;
use crate::domain::replay::{Fate, Replayed};

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
