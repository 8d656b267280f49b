//! Sentences in which somebody says that a tool wrote, or helped. The forms are data (`catalogue.toml`); here a sentence is made
//! plain, and tools' names become one sign, so that a form fits every tool.

use regex_automata::Input;
use regex_automata::meta::Regex;

use super::catalogue::AgentIndex;
use super::cues::{Cue, Cues};
use super::denials::{Denials, Elsewhere, InsteadOf, compiled};
use super::lookup::starts_with;
use super::rows::{Prose, Says};

/// Stands for a tool's name in a form.
const TOOL: char = '\u{1}';

/// Stands for a tool's name that is a word besides (`Cursor`).
const NAME: char = '\u{2}';

/// The forms, compiled.
pub(super) struct Phrases {
    wrote: Regex,
    had_a_part: Regex,
    unnamed: Regex,
    talk: Regex,
    denials: Denials,
    other: AgentIndex,
}

/// A tool that a text names.
#[derive(Clone, Copy)]
struct Tool {
    agent: AgentIndex,
    /// Other programs are called so, too: nothing said of it is sure.
    is_thing: bool,
}

/// What a text says, and of which tool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Said {
    pub says: Says,
    pub agent: AgentIndex,
}

impl Phrases {
    pub fn new(prose: &Prose, other: AgentIndex) -> Result<Self, String> {
        let expand = |form: &String| {
            let mut form = form.clone();
            for (name, part) in prose.parts.iter().rev() {
                form = form.replace(&format!("<{name}>"), part);
            }
            form
        };
        let forms = |says: Says| -> Vec<String> {
            prose.phrases.iter().filter(|p| p.says == says).flat_map(|p| p.forms.iter().map(expand)).collect()
        };
        for phrase in &prose.phrases {
            if !phrase.source.starts_with("https://") {
                return Err(format!("`{}` has no public source", phrase.forms.join("`, `")));
            }
        }
        Ok(Self {
            wrote: compiled(&forms(Says::Wrote))?,
            had_a_part: compiled(&forms(Says::HadAPart))?,
            unnamed: compiled(&forms(Says::Unnamed))?,
            talk: compiled(&prose.talk.iter().map(expand).collect::<Vec<_>>())?,
            denials: Denials::new(prose)?,
            other,
        })
    }

    /// What a paragraph says of tools: the strongest sentence first met.
    pub fn read(&self, cues: &Cues, paragraph: &str) -> Option<Said> {
        let (plain, tools) = plain(cues, paragraph);
        let mut tool = 0;
        let mut weak = None;
        let mut no_human_before = false;
        for sentence in sentences(&plain) {
            let first = tool;
            tool += sentence.matches([TOOL, NAME]).count();
            let no_human_yet = std::mem::replace(&mut no_human_before, self.denials.deny_a_human(sentence));
            if tool == first {
                if weak.is_none() && self.unnamed.is_match(sentence) {
                    weak = Some(Said { says: Says::HadAPart, agent: self.other });
                }
                continue;
            }
            let sentence = &*self.denials.affirmed(sentence);
            let said = |says, at: usize| {
                let at = char_end(sentence, at);
                let Tool { agent, is_thing } = self.meant(sentence, at, &tools[first..])?;
                Some(Said { says: if is_thing { Says::HadAPart } else { says }, agent })
            };
            if no_human_yet && self.denials.did_instead(sentence) {
                return said(Says::Wrote, TOOL.len_utf8());
            }
            if let Some((instead_of, at)) = self.denials.contrast(sentence) {
                match instead_of {
                    InsteadOf::AHuman => return said(Says::Wrote, at),
                    InsteadOf::Something => weak = weak.or_else(|| said(Says::HadAPart, at)),
                }
            }
            if self.denials.deny_a_tool(sentence) {
                if let Some(at) = self.denials.exception(sentence) {
                    weak = weak.or_else(|| said(Says::HadAPart, at));
                }
                continue;
            }
            match self.denials.elsewhere(sentence) {
                Some(Elsewhere::All) => continue,
                Some(Elsewhere::AllBut(at)) => {
                    weak = weak.or_else(|| said(Says::HadAPart, at));
                    continue;
                }
                None => {}
            }
            if let Some(found) = self.wrote.search_half(&Input::new(sentence)) {
                let is_talk = self.talk.is_match(sentence);
                match said(if is_talk { Says::HadAPart } else { Says::Wrote }, found.offset()) {
                    Some(said) if said.says == Says::Wrote => return Some(said),
                    said => weak = weak.or(said),
                }
            }
            if weak.is_none()
                && let Some(found) = self.had_a_part.search_half(&Input::new(sentence))
            {
                weak = said(Says::HadAPart, found.offset());
            }
        }
        weak
    }

    /// The tool that a form means which ends there. Where it says `AI` alone, and then which, it is the one it says.
    fn meant(&self, sentence: &str, end: usize, tools: &[Tool]) -> Option<Tool> {
        let at = sentence[..end].matches([TOOL, NAME]).count().saturating_sub(1);
        let tool = *tools.get(at)?;
        if tool.agent != self.other {
            return Some(tool);
        }
        let mut pieces = sentence.split([TOOL, NAME]).skip(at + 1);
        let names_it = |between: &str| {
            let joins = [" by ", " with ", " using ", " via ", " from ", "(", ":"];
            between.len() <= 40 && joins.iter().any(|join| between.contains(join))
        };
        let named = pieces.next().filter(|between| names_it(between)).and(tools.get(at + 1));
        Some(*named.unwrap_or(&tool))
    }

    /// Whether a text denies that a tool had a part.
    pub fn deny(&self, cues: &Cues, text: &str) -> bool {
        let plain = plain(cues, text).0;
        let text = self.denials.affirmed(&plain);
        self.denials.deny_a_tool(&text) || self.denials.elsewhere(&text) == Some(Elsewhere::All)
    }

    /// Whether a ticked box (`- [x] I used Copilot for this`) says that a tool was used.
    pub fn ticked(&self, cues: &Cues, line: &str) -> Option<AgentIndex> {
        let rest = line.trim_start_matches(['-', '*', '+', ' ']);
        let text = rest.strip_prefix("[x]").or_else(|| rest.strip_prefix("[X]"))?;
        let (plain, tools) = plain(cues, text);
        let agent = tools.first()?.agent;
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

/// The paragraph in lower case and single spaces, without decoration, each tool as [`TOOL`] or [`NAME`]; and the tools.
fn plain(cues: &Cues, paragraph: &str) -> (String, Vec<Tool>) {
    let mut text = String::with_capacity(paragraph.len());
    let mut tools = Vec::new();
    let mut from = 0;
    let mut is_model = false;
    for seen in cues.words(paragraph) {
        let (Cue::Tool(agent) | Cue::Name(agent) | Cue::Thing(agent)) = seen.cue else { continue };
        let (before, word) = (&paragraph[from..seen.start], &paragraph[seen.start..seen.end]);
        from = seen.end + model(word, &paragraph[seen.end..]);
        // `GPT-5-Codex` is Codex, whoever makes the model.
        let version = &paragraph[seen.end..from];
        let agent = version.split('-').find_map(|part| cues.tool(part)).unwrap_or(agent);
        // A model that worked in a tool, or through it, is the tool at work.
        let last_is_model = std::mem::replace(&mut is_model, is_a_model(word));
        if text.ends_with(TOOL) && is_through(before, last_is_model) {
            tools.pop();
            tools.push(Tool { agent, is_thing: false });
            continue;
        }
        push_plain(&mut text, before);
        text.push(if matches!(seen.cue, Cue::Tool(_)) { TOOL } else { NAME });
        tools.push(Tool { agent, is_thing: matches!(seen.cue, Cue::Thing(_)) });
    }
    push_plain(&mut text, &paragraph[from..]);
    (text, tools)
}

/// Whether a tool's word is a model's: it works in another tool then.
fn is_a_model(word: &str) -> bool {
    const MODELS: [&str; 5] = ["opus", "sonnet", "haiku", "flash", "pro"];
    let word = word.to_ascii_lowercase();
    let word = word.trim_end_matches(|c: char| c.is_ascii_digit() || matches!(c, ' ' | '-' | '.'));
    word.starts_with("gpt") || MODELS.iter().any(|model| word.ends_with(model))
}

/// What stands between a model and the tool it was used through.
fn is_through(between: &str, after_model: bool) -> bool {
    let between = between.trim_matches([' ', '(', ',', '`', '*']).to_ascii_lowercase();
    matches!(between.as_str(), "via" | "through" | "via the" | "through the" | "running in")
        || after_model && matches!(between.as_str(), "in" | "")
}

/// The length of a model's version after a tool's name: ` 4.5`, `-5`, `-2.5-pro`, ` opus 4.6`; of what goes on after one: `.1-codex`.
fn model(tool: &str, rest: &str) -> usize {
    const WHAT_IT_DID: [&str; 7] = ["generated", "assisted", "written", "authored", "created", "based", "powered"];
    let word = rest.trim_start_matches([' ', '-', ':']);
    let skipped = rest.len() - word.len();
    let is_version = skipped <= 1 && word.starts_with(|c: char| c.is_ascii_digit());
    let goes_on = tool.ends_with(|c: char| c.is_ascii_digit())
        && (rest.starts_with('.') && rest.as_bytes().get(1).is_some_and(u8::is_ascii_digit)
            || rest.starts_with('-')
                && word.starts_with(|c: char| c.is_ascii_alphabetic())
                && !WHAT_IT_DID.iter().any(|did| starts_with(word, did)));
    if !is_version && !goes_on {
        return 0;
    }
    let version = word.find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '.' | '-'))).unwrap_or(word.len());
    let length = skipped + word[..version].trim_end_matches(['.', '-']).len();
    length + edition(&rest[length..])
}

/// The length of what a model's version goes on with: ` Pro`, ` Flash Lite`.
fn edition(rest: &str) -> usize {
    const EDITIONS: [&str; 8] = ["pro", "flash", "max", "mini", "lite", "high", "thinking", "preview"];
    let mut length = 0;
    for word in rest.strip_prefix(' ').unwrap_or_default().split(' ').take(2) {
        let end = word.find(|c: char| !c.is_alphanumeric()).unwrap_or(word.len());
        if !EDITIONS.iter().any(|edition| word[..end].eq_ignore_ascii_case(edition)) {
            break;
        }
        length += 1 + end;
        if end < word.len() {
            break;
        }
    }
    length
}

fn push_plain(text: &mut String, piece: &str) {
    for c in piece.chars() {
        match c {
            '[' | ']' | '*' | '_' | '<' | '>' | '"' | '~' | TOOL | NAME => {}
            c if c.is_whitespace() => {
                if !text.ends_with(' ') {
                    text.push(' ');
                }
            }
            c => text.extend(c.to_lowercase()),
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
