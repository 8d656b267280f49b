//! One pass over a message tells which lines can carry a mark at all. Most messages have none.

use std::collections::HashMap;

use aho_corasick::{AhoCorasick, AhoCorasickKind, Anchored, Input, MatchKind, StartKind};

use super::catalogue::AgentIndex;

/// What was seen at a place of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cue {
    /// How a trailer, a footer or a link may begin.
    Line,
    /// The name of a tool, or a word for AI.
    Tool(AgentIndex),
    /// A name that contains a tool's.
    NotATool,
}

/// A cue and its place.
#[derive(Clone, Copy, Debug)]
pub(super) struct Seen {
    pub cue: Cue,
    pub start: usize,
    pub end: usize,
}

#[derive(Default)]
pub(super) struct Cues {
    automaton: Option<AhoCorasick>,
    of: Vec<Cue>,
    words: HashMap<AgentIndex, String>,
}

/// Beginnings of trailers that name people.
const PEOPLE: [&str; 7] = ["co-a", "coaut", "co_a", "co auth", "co-dev", "signed-off-by", "[x]"];

impl Cues {
    pub fn new(
        lines: impl Iterator<Item = String>,
        words: &[(String, AgentIndex)],
        ai: &[String],
        not_tools: &[String],
        other: AgentIndex,
    ) -> Result<Self, String> {
        let mut patterns: Vec<(String, Cue)> = Vec::new();
        let tools = words.iter().map(|(word, agent)| (word.clone(), Cue::Tool(*agent)));
        let ai = ai.iter().map(|word| (word.clone(), Cue::Tool(other)));
        let no = not_tools.iter().map(|word| (word.clone(), Cue::NotATool));
        let lines = lines.chain(PEOPLE.map(str::to_owned)).flat_map(|text| [text.replace('-', " "), text]);
        let all = tools.chain(ai).chain(no).chain(lines.map(|text| (text, Cue::Line)));
        // The automaton folds the case of ASCII letters only.
        let all = all.flat_map(|(text, cue)| {
            let capitals = (!text.is_ascii()).then(|| (text.to_uppercase(), cue));
            [Some((text, cue)), capitals].into_iter().flatten()
        });
        for (text, cue) in all {
            if !text.is_empty() && !patterns.iter().any(|(known, _)| *known == text) {
                patterns.push((text, cue));
            }
        }
        let automaton = AhoCorasick::builder()
            .ascii_case_insensitive(true)
            .match_kind(MatchKind::LeftmostLongest)
            .start_kind(StartKind::Unanchored)
            .kind(Some(AhoCorasickKind::DFA))
            .build(patterns.iter().map(|(text, _)| text))
            .map_err(|error| error.to_string())?;
        let named = patterns.iter().rev().filter_map(|(word, cue)| match cue {
            Cue::Tool(agent) => Some((*agent, word.clone())),
            Cue::Line | Cue::NotATool => None,
        });
        let words = named.collect();
        Ok(Self { automaton: Some(automaton), of: patterns.into_iter().map(|(_, cue)| cue).collect(), words })
    }

    /// A word for an agent.
    pub fn word_of(&self, agent: AgentIndex) -> &str {
        self.words.get(&agent).map_or("", String::as_str)
    }

    /// The cues of a text, from left to right. A word counts as one only where it is a word.
    pub fn find<'t>(&'t self, text: &'t str) -> impl Iterator<Item = Seen> + 't {
        let mut at = 0;
        std::iter::from_fn(move || {
            let automaton = self.automaton.as_ref()?;
            loop {
                let input = Input::new(text).range(at.min(text.len())..).anchored(Anchored::No);
                let found = automaton.find(input)?;
                let (start, end) = (found.start(), found.end());
                let cue = self.of[found.pattern().as_usize()];
                if cue == Cue::Line || is_word(text, start, end) {
                    at = end;
                    return Some(Seen { cue, start, end });
                }
                at = start + 1;
            }
        })
    }
}

/// Whether letters or digits, or what makes a path or a handle of it, do not touch it.
fn is_word(text: &str, start: usize, end: usize) -> bool {
    let bytes = text.as_bytes();
    let before = start.checked_sub(1).and_then(|at| bytes.get(at)).copied();
    let (after, next) = (bytes.get(end).copied(), bytes.get(end + 1).copied());
    let is_inside = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'/' | b'.' | b'-' | b'$');
    let open = match before {
        // Emphasis opens a word, within one it joins.
        Some(b'_') => start.checked_sub(2).and_then(|at| bytes.get(at)).is_none_or(|b| !b.is_ascii_alphanumeric()),
        before => before.is_none_or(|b| !is_inside(b)),
    };
    // Words of other alphabets have letters around them, too; words of languages without spaces always do.
    let is_cyrillic = |c: char| matches!(c, '\u{400}'..='\u{52f}');
    if text[start..].starts_with(is_cyrillic)
        && (text[..start].ends_with(is_cyrillic) || text[end..].starts_with(is_cyrillic))
    {
        return false;
    }
    let closed = after.is_none_or(|b| !b.is_ascii_alphanumeric() && !matches!(b, b'_' | b'/' | b'='));
    // `CLAUDE.md` and `claude-code-action` are files and packages; `gpt-5`, `claude.` and `ai-generated` are not.
    let joined = match (after, next) {
        (Some(b'.'), Some(next)) => next.is_ascii_alphabetic(),
        _ => false,
    };
    open && closed && !joined
}
