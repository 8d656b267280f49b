//! Trailers wherever tools put them: not only in git's last paragraph, but indented, after squash lists, with CRLF,
//! and with the two characters `\n` where somebody's shell did not make a line break of them.

use std::borrow::Cow;
use std::cell::OnceCell;

use super::fold::with_plain_breaks;
use crate::domain::people::Identity;

/// A `Key: value` line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Trailer<'a> {
    pub key: &'a str,
    pub value: &'a str,
}

/// The lines of a message, trimmed, each with what follows it; a literal `\n` breaks a line, too.
fn lines(message: &str) -> impl Iterator<Item = (&str, &str)> {
    let mut rest = message;
    std::iter::from_fn(move || {
        while !rest.is_empty() {
            let line;
            (line, rest) = first_line(rest);
            let line = line.trim();
            if !line.is_empty() {
                return Some((line, rest));
            }
        }
        None
    })
}

/// A text's first line and what follows its break. Looks no further than the break, so that reading all lines is linear.
pub(super) fn first_line(text: &str) -> (&str, &str) {
    let bytes = text.as_bytes();
    let is_break = |(at, b): (usize, &u8)| match b {
        b'\n' | b'\r' => true,
        b'\\' => bytes.get(at + 1) == Some(&b'n'),
        _ => false,
    };
    let end = bytes.iter().enumerate().position(is_break).unwrap_or(bytes.len());
    (&text[..end], after_break(&text[end..]))
}

/// What follows the break of a line that a text begins with.
pub(super) fn after_break(text: &str) -> &str {
    ["\r\n", "\n", "\r", "\\n"].iter().find_map(|written| text.strip_prefix(written)).unwrap_or(text)
}

/// Most lines a trailer is folded over.
const LONGEST_FOLD: usize = 4;

/// The value of a co-author trailer whose address is on one of the indented lines behind it: git folds long ones. What is a
/// trailer itself goes on with none, as where a squash list indents whole messages.
pub(super) fn unfolded<'a>(of: Trailer<'a>, following: &str) -> Cow<'a, str> {
    if !is_co_author(of.key) || of.value.contains(['@', '<']) {
        return Cow::Borrowed(of.value);
    }
    let mut value = of.value.to_owned();
    let mut rest = following;
    for _ in 0..LONGEST_FOLD {
        let line;
        (line, rest) = first_line(rest);
        if !line.starts_with([' ', '\t']) || trailer(line.trim()).is_some() {
            break;
        }
        value.push(' ');
        value.push_str(line.trim());
        if line.contains('@') {
            return Cow::Owned(value);
        }
    }
    Cow::Borrowed(of.value)
}

/// Reads a line as a trailer.
pub(super) fn trailer(line: &str) -> Option<Trailer<'_>> {
    let line = line.strip_prefix(['*', '-']).map_or(line, str::trim_start);
    let end = line.bytes().take(41).position(|b| !(b.is_ascii_alphanumeric() || b == b'-'))?;
    let value = line[end..].trim_start_matches([' ', '\t']).strip_prefix(':')?;
    (end > 0).then(|| Trailer { key: &line[..end], value: value.trim() })
}

/// How much at the end of a text, in bytes, is nothing but trailers, wrapped or not. Found out once for a text, and only where a line
/// of it is wrapped.
pub(super) struct Ending<'t> {
    text: &'t str,
    bytes: OnceCell<usize>,
}

impl<'t> Ending<'t> {
    pub(super) fn of(text: &'t str) -> Self {
        Self { text, bytes: OnceCell::new() }
    }

    pub(super) fn bytes(&self) -> usize {
        *self.bytes.get_or_init(|| {
            let last_other = lines(self.text).filter(|(line, _)| !is_hyphenated(without_wrapping(line))).last();
            last_other.map_or(self.text.len(), |(_, rest)| rest.len())
        })
    }

    /// The line without what is around the whole of it, backticks, quotes, brackets or a table's bars, if that leaves a trailer and nothing but
    /// trailers follows. Amid text it is an example of one.
    pub(super) fn unwrapped<'a>(&self, line: &'a str, following: &str) -> &'a str {
        let inside = without_wrapping(line);
        let is_wrapped = inside.len() < line.len() && is_hyphenated(inside);
        if is_wrapped && after_break(following).len() <= self.bytes() { inside } else { line }
    }
}

/// Whether a line is a trailer with a key of several words, as those that name people are.
pub(super) fn is_hyphenated(line: &str) -> bool {
    trailer(line).is_some_and(|trailer| trailer.key.contains('-'))
}

fn without_wrapping(line: &str) -> &str {
    const PAIRS: [(char, char); 7] =
        [('`', '`'), ('"', '"'), ('\'', '\''), ('(', ')'), ('[', ']'), ('{', '}'), ('|', '|')];
    let mut inside = line;
    while let Some(narrower) = PAIRS.iter().find_map(|(open, close)| inside.strip_prefix(*open)?.strip_suffix(*close)) {
        inside = narrower.trim();
    }
    inside
}

/// The trailers of a line: the line itself, with spaces in its key where people put them, and those that somebody's shell put
/// behind the text, each up to the next. With the place of each.
pub(super) fn all_in(line: &str) -> impl Iterator<Item = (usize, Trailer<'_>)> {
    let own = trailer(line).or_else(|| spaced(line));
    // Only what ends with an address can be one: text that only tells of a trailer goes on behind it.
    let may_be =
        line.ends_with('>') && own.is_none_or(|own| !is_co_author(own.key) || own.value.matches('<').nth(1).is_some());
    let starts = line.match_indices(' ').take_while(move |_| may_be).map(|(at, _)| at + 1).filter(|at| {
        let is_start = matches!(line.as_bytes().get(*at), Some(b'c' | b'C'));
        is_start && line.get(*at..).and_then(trailer).is_some_and(|found| is_co_author(found.key))
    });
    let mut starts = starts.peekable();
    let inline = std::iter::from_fn(move || {
        let at = starts.next()?;
        // Each ends where the next begins: a line of thousands would be read thousands of times otherwise.
        let end = starts.peek().map_or(line.len(), |next| next - 1);
        Some((at, trailer(&line[at..end])?))
    });
    own.map(|trailer| (0, trailer)).into_iter().chain(inline)
}

/// `Assisted by: …`
fn spaced(line: &str) -> Option<Trailer<'_>> {
    let line = line.trim_start_matches(['*', '-', '#', ' ', '_']);
    let (key, value) = line.split_once(':')?;
    let key = key.trim_end_matches(['*', ' ', '_']);
    let is_key =
        key.len() <= 30 && key.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b' ' | b'/'));
    (is_key && !key.is_empty()).then(|| Trailer { key, value: value.trim_start_matches(['*', ' ', '_']).trim_end() })
}

/// Whether a key means "co-authored by", in any of its spellings.
pub(super) fn is_co_author(key: &str) -> bool {
    const SPELLINGS: [&str; 8] = [
        "coauthoredby",
        "coauthorby",
        "coauthored",
        "coauthor",
        "coauthors",
        "coauthoredwith",
        "coautheredby",
        "codevelopedby",
    ];
    let letters = || key.bytes().filter(|b| !matches!(b, b'-' | b'_' | b' ')).map(|b| b.to_ascii_lowercase());
    key.len() <= 20 && SPELLINGS.iter().any(|spelling| spelling.bytes().eq(letters()))
}

/// Whether a key names the author of what the commit holds: as git's own message for a squash does, as patches in mails do, and as
/// people do who took a patch over.
pub(super) fn is_author(key: &str) -> bool {
    const KEYS: [&str; 9] = [
        "author",
        "from",
        "original-author",
        "original-patch-by",
        "original-patch-from",
        "based-on-patch-by",
        "based-on-a-patch-by",
        "patch-by",
        "contributed-by",
    ];
    KEYS.contains(&key)
}

/// The people a trailer's value names: every `Name <address>` in it, or the whole value as a name.
pub(super) fn people(value: &str) -> impl Iterator<Item = (&str, &str)> {
    let mut rest = Some(value);
    std::iter::from_fn(move || {
        let text = rest.take()?;
        let Some((name, after)) = text.split_once('<') else {
            let text = text.trim_matches([' ', ',', ';', '>']);
            // Only the first piece may lack its brackets: what follows a `>` is a remark.
            let whole = std::ptr::eq(text.as_ptr(), value.as_ptr()) && !text.is_empty();
            return whole.then(|| without_brackets(text));
        };
        let after = after.trim_start_matches(['<', ' ']);
        let (address, following) = after.split_once('>').unwrap_or((after, ""));
        rest = (!following.is_empty()).then_some(following);
        Some((name.trim_matches([' ', ',', ';', '>', '\t']), plain_address(address)))
    })
}

/// `Ann Lee ann@example.com`, `ann@example.com` or `Ann Lee`.
fn without_brackets(text: &str) -> (&str, &str) {
    let (name, last) = text.rsplit_once(' ').unwrap_or(("", text));
    let last = last.trim_start_matches("&lt;").trim_end_matches("&gt");
    if last.contains('@') { (name.trim_end(), last.trim_matches(['(', ')', '[', ']'])) } else { (text, "") }
}

/// `[a@b](mailto:a@b)` and `mailto:a@b` as they were meant.
fn plain_address(text: &str) -> &str {
    let text = text.trim();
    let text = text.strip_prefix("mailto:").unwrap_or(text);
    text.strip_prefix('[').and_then(|rest| rest.split_once(']')).map_or(text, |(address, _)| address)
}

/// Everybody whom a message names as co-author, and the authors of the commits that git's own message for a squash lists.
///
/// Whoever writes the message can write these: they may bar an approver and ask for one more, never make one.
#[must_use]
pub fn co_authors(message: &str) -> Vec<Identity> {
    let mut named = named_by(message, is_co_author);
    named.extend(squashed_authors(message));
    named
}

/// The authors in the heads that `git merge --squash` lists: `commit 4f1c0de…`, perhaps `Merge: …`, `Author: Ann <ann@example.com>`.
fn squashed_authors(message: &str) -> Vec<Identity> {
    let mut named = Vec::new();
    if !message.contains("Author:") {
        return named;
    }
    let mut in_head = false;
    for (line, _) in lines(&with_plain_breaks(message)) {
        let id = line.strip_prefix("commit ").and_then(|rest| rest.split(' ').next());
        if id.is_some_and(|id| id.len() >= 7 && id.bytes().all(|b| b.is_ascii_hexdigit())) {
            in_head = true;
        } else if in_head && !line.starts_with("Merge:") {
            in_head = false;
            let authors = line.strip_prefix("Author:").into_iter().flat_map(|value| people(value.trim()));
            named.extend(authors.filter(|(_, email)| email.contains('@')).map(identity));
        }
    }
    named
}

fn identity((name, email): (&str, &str)) -> Identity {
    Identity { name: name.into(), email: email.into(), account: None }
}

/// Everybody who signed off.
pub(super) fn signers_off(message: &str) -> Vec<Identity> {
    let says_so = message.contains("igned-") || message.contains("IGNED-");
    if says_so { named_by(message, |key| key.eq_ignore_ascii_case("signed-off-by")) } else { Vec::new() }
}

fn named_by(message: &str, is_key: impl Fn(&str) -> bool) -> Vec<Identity> {
    let mut named = Vec::new();
    // Every trailer has its colon, most lines have none.
    let has_colon = |line: &str| line.contains(':');
    if !has_colon(message) {
        return named;
    }
    let message = with_plain_breaks(message);
    let ending = Ending::of(&message);
    for (line, following) in lines(&message).filter(|(line, _)| has_colon(line)) {
        for (at, trailer) in all_in(ending.unwrapped(line, following)).filter(|(_, trailer)| is_key(trailer.key)) {
            let value = if at == 0 { unfolded(trailer, following) } else { Cow::Borrowed(trailer.value) };
            named.extend(people(value.trim_start()).map(identity));
        }
    }
    named
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(value: &str) -> Vec<(&str, &str)> {
        people(value).collect()
    }

    #[test]
    fn addresses_are_read_as_they_were_meant() {
        assert_eq!(named("Ann Lee <ann@example.com>"), [("Ann Lee", "ann@example.com")]);
        assert_eq!(named("Ann <<ann@example.com>>"), [("Ann", "ann@example.com")]);
        assert_eq!(named("Ann <[ann@example.com](mailto:ann@example.com)>"), [("Ann", "ann@example.com")]);
        assert_eq!(named("A <a@x.org>, B <b@x.org>"), [("A", "a@x.org"), ("B", "b@x.org")]);
        assert_eq!(named("Ann <ann@example.com"), [("Ann", "ann@example.com")]);
        assert_eq!(named("ann@example.com"), [("", "ann@example.com")]);
        assert_eq!(named("Ann Lee"), [("Ann Lee", "")]);
        assert_eq!(named("Ann Lee ann@example.com"), [("Ann Lee", "ann@example.com")]);
        assert_eq!(named("Ann Lee (ann@example.com)"), [("Ann Lee", "ann@example.com")]);
        assert_eq!(named("Ann Lee &lt;ann@example.com&gt;"), [("Ann Lee", "ann@example.com")]);
        assert_eq!(named("Ann <ann@example.com> (pairing)"), [("Ann", "ann@example.com")]);
        assert_eq!(named(""), []);
    }

    #[test]
    fn trailers_are_found_wherever_tools_put_them() {
        let message = "Subject\r\n\r\n    CO-AUTHORED-BY : A <a@x.org>\r\n* Co-authored-by: B <b@x.org>\n\
                       text\\nCo-authored-by: C <c@x.org>\n\nCoauthored-by: D <d@x.org>\n\nfollowed by prose";
        let found: Vec<_> = co_authors(message).into_iter().map(|who| who.email).collect();
        assert_eq!(found, ["a@x.org", "b@x.org", "c@x.org", "d@x.org"]);
    }

    #[test]
    fn a_folded_trailer_is_one_and_an_indented_list_of_trailers_is_many() {
        let found = |message: &str| -> Vec<String> {
            co_authors(message).into_iter().map(|who| format!("{} <{}>", who.name, who.email)).collect()
        };
        for folded in ["Ann\n <a@x.org>", "\n\tAnn\n\t<a@x.org>", " \r\n Ann\r\n <a@x.org>"] {
            assert_eq!(found(&format!("Fix\n\nCo-authored-by:{folded}\nmore")), ["Ann <a@x.org>"], "{folded:?}");
        }
        let list = "Squash\n\n    Co-authored-by: Ann\n    Co-authored-by: Bob <b@x.org>\n";
        assert_eq!(found(list), ["Ann <>", "Bob <b@x.org>"]);
    }

    #[test]
    fn a_trailer_in_backticks_or_behind_a_strange_line_break_names_its_person_and_an_example_of_one_does_not() {
        let found = |text: &str| -> Vec<String> {
            co_authors(&format!("Fix\n\n{text}")).into_iter().map(|who| who.email).collect()
        };
        assert_eq!(found("`Co-authored-by: A <a@x.org>`\n(Co-authored-by: B <b@x.org>)\n"), ["a@x.org", "b@x.org"]);
        assert_eq!(
            found("text\u{2028}Co-authored-by: A <a@x.org>\u{b}Co-authored-by: B <b@x.org>"),
            ["a@x.org", "b@x.org"]
        );
        assert_eq!(found("`Co-authored-by: A <a@x.org>`\n\nis how it looks."), [""; 0]);
    }

    #[test]
    fn prose_is_no_trailer() {
        assert_eq!(trailer("https://example.com/a"), Some(Trailer { key: "https", value: "//example.com/a" }));
        assert_eq!(trailer("this is prose: it goes on"), None);
        assert_eq!(trailer(": nothing"), None);
        assert_eq!(trailer(""), None);
    }
}
