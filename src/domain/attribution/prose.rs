//! Sentences in which somebody says that a tool wrote, or helped. The forms are data (`catalogue.toml`); here a sentence is made
//! plain, and tools' names become one sign, so that a form fits every tool.

use regex_automata::Input;
use regex_automata::meta::{Config, Regex};

use super::catalogue::AgentIndex;
use super::cues::{Cue, Cues};
use super::rows::{Prose, Says};

/// Stands for a tool's name in a form.
const TOOL: char = '\u{1}';

/// The forms, compiled.
pub(super) struct Phrases {
    wrote: Regex,
    had_a_part: Regex,
    unnamed: Regex,
    talk: Regex,
    excepted: Regex,
    denied: Regex,
    contrasted: Regex,
    other: AgentIndex,
}

/// What a text says, and of which tool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Said {
    pub says: Says,
    pub agent: AgentIndex,
}

/// A negation within a few words before the tool's name.
const DENIED: &str = r"(?:\bno\b|\bnot\b|\bnever\b|\bwithout\b|\bzero\b|\bnone\b|n't\b|\bcannot\b)(?: [^ \x01]+){0,4} ?\x01|\x01[^.]{0,20} (?:was not|were not|is not|not|never|wasn't) (?:used|involved)|nicht [^.]{0,20}\x01|sans [^.]{0,20}\x01|без [^.]{0,20}\x01";

/// What follows a denial of something else: `Not tested, written by Claude`, `not by me but by Claude`.
const CONTRASTED: &str = r"^(?:but |and |it |this |was |is |rather |instead |entirely |mostly |all )*(?:written|generated|authored|created|coded|made|implemented|produced|drafted|done|built)[^\x01]{0,20} (?:by|with|using) (?:the |an |a )*\x01|^but (?:rather |instead |entirely |mostly )*(?:by|with) (?:the |an |a )*\x01|^\x01 (?:wrote|generated|made|did|created|implemented)\b";

/// What a denial leaves out: `No AI was used except for Copilot's completions`.
const EXCEPTED: &str = r"\b(?:except|other than|apart from|aside from|besides|excluding|with the exception of|save for)\b[^;\x01]{0,40}\x01";

impl Phrases {
    pub fn new(prose: &Prose, other: AgentIndex) -> Result<Self, String> {
        let expand = |form: &String| {
            let mut form = form.clone();
            for (name, part) in prose.parts.iter().rev() {
                form = form.replace(&format!("<{name}>"), part);
            }
            form.replace(r"\b", r"(?-u:\b)")
        };
        let forms = |says: Says| -> Vec<String> {
            prose.phrases.iter().filter(|p| p.says == says).flat_map(|p| p.forms.iter().map(expand)).collect()
        };
        for phrase in &prose.phrases {
            if !phrase.source.starts_with("https://") {
                return Err(format!("`{}` has no public source", phrase.forms.join("`, `")));
            }
        }
        // Room for the whole automaton: building states again and again costs more than anything else here.
        let config = Config::new().hybrid_cache_capacity(16 << 20);
        let compile = |forms: &[String]| {
            Regex::builder().configure(config.clone()).build_many(forms).map_err(|error| {
                let form = error.pattern().and_then(|at| forms.get(at.as_usize()));
                format!("`{}`: {error}", form.map_or("", String::as_str))
            })
        };
        Ok(Self {
            wrote: compile(&forms(Says::Wrote))?,
            had_a_part: compile(&forms(Says::HadAPart))?,
            unnamed: compile(&forms(Says::Unnamed))?,
            talk: compile(&prose.talk.iter().map(expand).collect::<Vec<_>>())?,
            excepted: compile(&[EXCEPTED.replace(r"\b", r"(?-u:\b)")])?,
            contrasted: compile(&[CONTRASTED.replace(r"\b", r"(?-u:\b)")])?,
            denied: compile(&[DENIED.replace(r"\b", r"(?-u:\b)")])?,
            other,
        })
    }

    /// What a paragraph says of tools: the strongest sentence first met.
    pub fn read(&self, cues: &Cues, paragraph: &str) -> Option<Said> {
        let (plain, tools) = plain(cues, paragraph);
        let mut tool = 0;
        let mut weak = None;
        for sentence in sentences(&plain) {
            let first = tool;
            tool += sentence.matches(TOOL).count();
            if tool == first {
                if weak.is_none() && self.unnamed.is_match(sentence) {
                    weak = Some(Said { says: Says::HadAPart, agent: self.other });
                }
                continue;
            }
            if weak.is_none() && self.contrasts(sentence) {
                weak = tools.get(first).map(|agent| Said { says: Says::HadAPart, agent: *agent });
            }
            let said = |says, at: usize| {
                let agent = tools.get(first + sentence[..at].matches(TOOL).count().saturating_sub(1)).copied()?;
                Some(Said { says, agent })
            };
            if self.denied.is_match(sentence) {
                if let Some(found) = self.excepted.search_half(&Input::new(sentence)) {
                    weak = weak.or_else(|| said(Says::HadAPart, char_end(sentence, found.offset())));
                }
                continue;
            }
            if let Some(found) = self.wrote.search_half(&Input::new(sentence)) {
                let at = char_end(sentence, found.offset());
                if !self.talk.is_match(sentence) {
                    return said(Says::Wrote, at);
                }
                weak = weak.or_else(|| said(Says::HadAPart, at));
            }
            if weak.is_none()
                && let Some(found) = self.had_a_part.search_half(&Input::new(sentence))
            {
                weak = said(Says::HadAPart, char_end(sentence, found.offset()));
            }
        }
        weak
    }

    /// Whether a sentence denies something else and then says that its first tool wrote.
    fn contrasts(&self, sentence: &str) -> bool {
        if !["not ", "no ", "n't ", "never ", "without "].iter().any(|word| sentence.contains(word)) {
            return false;
        }
        let before = sentence.split(TOOL).next().unwrap_or_default();
        let clause = before.rfind([',', ':', '—', '–']).into_iter().chain(before.rfind(" but ")).max();
        let clause = clause.map_or("", |at| sentence[at..].trim_start_matches([',', ':', '—', '–', ' ']));
        self.contrasted.is_match(clause) && !self.denied.is_match(clause)
    }

    /// Whether a text denies that a tool had a part.
    pub fn deny(&self, cues: &Cues, text: &str) -> bool {
        self.denied.is_match(&*plain(cues, text).0)
    }

    /// Whether a ticked box (`- [x] I used Copilot for this`) says that a tool was used.
    pub fn ticked(&self, cues: &Cues, line: &str) -> Option<AgentIndex> {
        let rest = line.trim_start_matches(['-', '*', '+', ' ']);
        let text = rest.strip_prefix("[x]").or_else(|| rest.strip_prefix("[X]"))?;
        let (plain, tools) = plain(cues, text);
        let agent = *tools.first()?;
        let has = |words: &[&str]| words.iter().any(|word| plain.contains(word));
        let is_rule =
            has(&["policy", "guideline", "contributing", "have read", "i agree", "understand", "complies", "comply"]);
        let is_denied = has(&["no ", "not ", "n't ", "never", "without", "none"]);
        let used = has(&[
            "used",
            "generated",
            "assist",
            "written",
            "wrote",
            "help",
            "creat",
            "involv",
            "tool",
            "yes",
            "author",
            "contain",
            "includ",
        ]);
        let alone = plain.trim_matches(|c: char| !c.is_alphanumeric() && c != TOOL).chars().eq([TOOL]);
        (!is_rule && !is_denied && (used || alone)).then_some(agent)
    }
}

fn char_end(text: &str, at: usize) -> usize {
    (at..=text.len()).find(|at| text.is_char_boundary(*at)).unwrap_or(text.len())
}

/// The paragraph in lower case and single spaces, without decoration, each tool as [`TOOL`]; and the tools.
fn plain(cues: &Cues, paragraph: &str) -> (String, Vec<AgentIndex>) {
    let lower = paragraph.to_lowercase();
    let mut text = String::with_capacity(lower.len());
    let mut tools = Vec::new();
    let mut from = 0;
    for seen in cues.find(&lower) {
        if let Cue::Tool(agent) = seen.cue {
            push_plain(&mut text, &lower[from..seen.start]);
            text.push(TOOL);
            tools.push(agent);
            from = seen.end + model(&lower[seen.end..]);
        }
    }
    push_plain(&mut text, &lower[from..]);
    (text, tools)
}

/// The length of a model's version after a tool's name: ` 4.5`, `-5`, `-2.5-pro`, ` opus 4.6`.
fn model(rest: &str) -> usize {
    let word = rest.trim_start_matches([' ', '-', ':']);
    let skipped = rest.len() - word.len();
    if skipped > 1 || !word.starts_with(|c: char| c.is_ascii_digit()) {
        return 0;
    }
    let version = word.find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '.' | '-'))).unwrap_or(word.len());
    skipped + word[..version].trim_end_matches(['.', '-']).len()
}

fn push_plain(text: &mut String, piece: &str) {
    for c in piece.chars() {
        match c {
            '[' | ']' | '*' | '_' | '<' | '>' | '"' | '~' | TOOL => {}
            c if c.is_whitespace() => {
                if !text.ends_with(' ') {
                    text.push(' ');
                }
            }
            c => text.push(c),
        }
    }
}

fn sentences(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = Some(text);
    std::iter::from_fn(move || {
        let text = rest.take().filter(|text| !text.is_empty())?;
        let end = text.char_indices().find(|(at, c)| {
            let next = text[at + c.len_utf8()..].chars().next();
            matches!(c, '。' | '！' | '？')
                || matches!(c, '.' | '!' | '?' | ';') && next.is_none_or(char::is_whitespace)
        });
        let end = end.map_or(text.len(), |(at, c)| at + c.len_utf8());
        rest = Some(&text[end..]);
        Some(text[..end].trim_start_matches(|c: char| c.is_whitespace() || is_ornament(c)))
    })
}

/// What may stand before a sentence without being part of it.
fn is_ornament(c: char) -> bool {
    matches!(c, '-' | '+' | '•' | '(' | '#' | ',' | ':' | '|' | '—' | '–') || !c.is_ascii() && !c.is_alphanumeric()
}
