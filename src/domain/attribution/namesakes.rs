//! People who are called like a tool: `Claude Dupont wrote this`, `Claude and Paul wrote this`.

use std::collections::HashSet;

use super::lookup::lower;

/// What stands between a first name and a family name.
const PARTICLES: [&str; 23] = [
    "van", "von", "de", "der", "den", "du", "da", "di", "la", "le", "del", "della", "dos", "do", "das", "ten", "ter",
    "af", "av", "bin", "ibn", "al", "zu",
];

/// What joins two people, in a few languages.
const AND: [&str; 14] = ["and", "und", "et", "y", "e", "en", "och", "og", "i", "и", "та", "&", "+", "plus"];

/// Before one of these stands what something was done with: `built with Claude and React`.
const WITH: [&str; 18] = [
    "with",
    "using",
    "via",
    "through",
    "use",
    "used",
    "mit",
    "mithilfe",
    "avec",
    "con",
    "com",
    "med",
    "met",
    "с",
    "z",
    "від",
    "из",
    "utilisant",
];

/// Where people are from: `Claude from sales`.
const PLACES: [&str; 20] = [
    "sales",
    "marketing",
    "support",
    "accounting",
    "finance",
    "hr",
    "legal",
    "ops",
    "operations",
    "design",
    "product",
    "security",
    "infra",
    "qa",
    "office",
    "team",
    "department",
    "dept",
    "helpdesk",
    "management",
];

/// What the people did, right behind where they are from.
const DID: [&str; 12] = [
    "wrote",
    "made",
    "did",
    "implemented",
    "created",
    "coded",
    "fixed",
    "built",
    "generated",
    "refactored",
    "drafted",
    "helped",
];

/// Most words behind `from` that can be of a place.
const LONGEST_PLACE: usize = 4;

/// Which tools' words are first names, and what may follow them that is no family name.
#[derive(Debug, Default)]
pub(super) struct Namesakes {
    first_names: HashSet<String>,
    editions: HashSet<String>,
}

impl Namesakes {
    pub fn new(first_names: HashSet<String>, editions: HashSet<String>) -> Self {
        Self { first_names, editions }
    }

    pub fn is_first_name(&self, word: &str) -> bool {
        self.first_names.iter().any(|name| name.eq_ignore_ascii_case(word))
    }

    /// Whether a tool's word is a first name here, and the rest a family name, as in `Claude Martin`: one to three words with
    /// capitals, and no edition of the tool. `rest` is what follows the word, in lower case; `written` the whole as it was written.
    pub fn is_family_name(&self, written: &str, rest: &str) -> bool {
        let words = rest.split_whitespace().count();
        let mut last = written.split_whitespace().rev().take(words);
        let is_name = |word: &str| {
            let word = word.strip_suffix('.').filter(|initial| initial.chars().count() == 1).unwrap_or(word);
            let letters = word.chars().all(|c| c.is_alphabetic() || matches!(c, '-' | '\'' | '’'));
            let lower = lower(word);
            let is_capital = word.starts_with(char::is_uppercase) && !self.editions.contains(lower.as_ref());
            letters && (is_capital || PARTICLES.contains(&lower.as_ref()))
        };
        (1..=3).contains(&words) && last.all(is_name)
    }

    /// Whether the first name that stands there in a sentence is somebody's: a family name follows, somebody beside them, or where they
    /// are from. `is_tool` tells whether a tool's name begins at a place.
    pub fn is_somebody(&self, text: &str, (start, end): (usize, usize), is_tool: impl Fn(usize) -> bool) -> bool {
        let word = &text[start..end];
        if !word.starts_with(char::is_uppercase) || !self.is_first_name(word) {
            return false;
        }
        let Some(rest) = text[end..].strip_prefix(' ') else { return false };
        if self.starts_with_a_family_name(rest) {
            return true;
        }
        let Some((first, rest)) = rest.split_once(' ') else { return false };
        let at = text.len() - rest.len();
        if AND.contains(&&*lower(first)) {
            return !is_done_with(&text[..start]) && self.starts_with_a_name(rest) && !is_tool(at);
        }
        first == "from" && is_place(rest, ends_a_sentence(&text[..start]))
    }

    fn starts_with_a_family_name(&self, text: &str) -> bool {
        let mut rest = text;
        for _ in 0..3 {
            let Some((first, behind)) = rest.split_once(' ') else { break };
            if !PARTICLES.contains(&first) {
                break;
            }
            rest = behind;
        }
        let rest = ["d'", "d’", "l'", "l’"].iter().find_map(|article| rest.strip_prefix(article)).unwrap_or(rest);
        self.starts_with_a_name(rest)
    }

    /// A word with a capital, or an initial; no edition of a tool, no abbreviation, and nothing that programs are called.
    fn starts_with_a_name(&self, text: &str) -> bool {
        let end = text.find(|c: char| !(c.is_alphabetic() || matches!(c, '-' | '\'' | '’'))).unwrap_or(text.len());
        let (word, behind) = text.split_at(end);
        let word = word.trim_end_matches(['-', '\'', '’']);
        if !word.starts_with(char::is_uppercase) || is_part_of_a_word(behind) {
            return false;
        }
        let lower = lower(word);
        let letters = word.chars().count();
        if letters == 1 {
            return behind.starts_with('.') && behind.len() > 1;
        }
        let is_abbreviation = letters <= 3 && word.chars().all(char::is_uppercase);
        !is_abbreviation && !is_camel_case(word) && !self.editions.contains(lower.as_ref()) && !lower.starts_with("co-")
    }
}

/// Whether a word goes on there, as `README.md` and `K2` do.
fn is_part_of_a_word(behind: &str) -> bool {
    let mut next = behind.chars();
    match next.next() {
        Some('.') => next.next().is_some_and(char::is_alphabetic),
        Some(c) => c.is_numeric() || matches!(c, '_' | '/' | '='),
        None => false,
    }
}

/// `TypeScript`, and neither `McDonald` nor `O'Neill`.
fn is_camel_case(word: &str) -> bool {
    const NAMES: [&str; 9] = ["Mc", "Mac", "De", "Di", "Du", "Le", "La", "Van", "Fitz"];
    let word = NAMES.iter().find_map(|start| word.strip_prefix(start)).unwrap_or(word);
    let mut pairs = word.chars().zip(word.chars().skip(1));
    pairs.any(|(c, next)| c.is_lowercase() && next.is_uppercase())
}

/// Whether a text ends with what says that something was done with a tool.
fn is_done_with(before: &str) -> bool {
    let last = before.trim_end().rsplit(' ').next().unwrap_or_default();
    WITH.contains(&&*lower(last))
}

/// `the Lyon office`, and of whoever is the subject also `the shop wrote`; `scratch` is no place.
fn is_place(text: &str, is_subject: bool) -> bool {
    // No further than that is looked: the clause may be as long as the message.
    for word in text.split(' ').take(LONGEST_PLACE + 1) {
        let end = word.find([',', '.', ';', ':', '\n']);
        let whole = lower(word[..end.unwrap_or(word.len())].trim_end_matches([')', '!']));
        if PLACES.contains(&whole.as_ref()) || is_subject && DID.contains(&whole.as_ref()) {
            return true;
        }
        if end.is_some() {
            return false;
        }
    }
    false
}

/// Whether a sentence begins behind a text.
fn ends_a_sentence(before: &str) -> bool {
    before.trim_end_matches(' ').is_empty() || before.trim_end_matches(' ').ends_with(['.', '!', '\n', ':', '-', '*'])
}
