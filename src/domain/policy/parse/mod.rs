//! The policy file, validated: every complaint names line and column, what is wrong, and what to write instead.

mod agents;
mod freeze;
mod groups;
mod people;
mod require;
mod rule;
mod scope;
mod spelling;

use std::collections::BTreeMap;

use super::classes::Meant;
use super::freeze::Freeze;
use super::node::{self, Node, Place, Value, Word};
use super::vocabulary;
use super::vocabulary::LONG;
use super::words::{hint, nearest, other_word};
use super::{Member, NamedPerson, PolicyError, PolicyErrors, PolicyFile};
use crate::domain::attribution::TenantCatalogue;
use crate::domain::digest::Digest;

/// More is no policy that people read.
const MOST_BYTES: usize = 256 * 1024;

/// So many mistakes are told at once; whoever has more begins with these. It also bounds what a stranger's file costs.
const MOST_ERRORS: usize = 100;
/// More rules nobody reads; and each is looked at whenever something is judged.
const MOST_RULES: usize = 500;

/// Words of the language that this version does not act on. Ignoring them would loosen what the file says.
const LATER: [&str; 2] = ["break_glass", "organization"];

/// Reads a policy file (`.github/seconder.yml`).
///
/// # Errors
/// Everything that is wrong with it, in the order of the file.
pub fn parse(text: &str) -> Result<PolicyFile, PolicyErrors> {
    if text.len() > MOST_BYTES {
        return Err(PolicyErrors(vec![
            whole_file().error(format!("the file is larger than {} KiB", MOST_BYTES / 1024)),
        ]));
    }
    let root = node::read(text).map_err(|mut error| {
        error.message.push_str(" (the rest is not looked at before this is mended)");
        PolicyErrors(vec![error])
    })?;
    let mut reader = Reader::default();
    let rules = reader.file(&root);
    if reader.errors.is_empty() {
        let Reader { approvers, people, catalogue, classes, freezes, stop, mut warnings, .. } = reader;
        warnings.sort_by_key(|warning| (warning.line, warning.column));
        let digest = Digest::of_bytes(text.as_bytes());
        return Ok(PolicyFile { digest, approvers, people, catalogue, classes, freezes, stop, rules, warnings });
    }
    reader.errors.sort_by_key(|error| (error.line, error.column));
    if let (true, Some(last)) = (reader.errors.len() >= MOST_ERRORS, reader.errors.last_mut()) {
        last.message.push_str(" (there may be more; the rest is not looked at before these are mended)");
    }
    Err(PolicyErrors(reader.errors))
}

fn whole_file() -> Place {
    Place { line: 1, column: 1 }
}

#[derive(Default)]
struct Reader {
    approvers: BTreeMap<String, Vec<Member>>,
    /// The groups that stand under `approvers`; the others are people whom a requirement names.
    declared: Vec<String>,
    people: Vec<NamedPerson>,
    catalogue: TenantCatalogue,
    classes: BTreeMap<String, Meant>,
    freezes: Vec<Freeze>,
    stop: Option<String>,
    /// Patterns of any kind so far.
    patterns: usize,
    /// Regular expressions so far.
    expressions: usize,
    errors: Vec<PolicyError>,
    warnings: Vec<PolicyError>,
}

impl Reader {
    fn file(&mut self, root: &Node) -> Vec<super::Rule> {
        if matches!(root.value, Value::Nothing) {
            self.complain(
                whole_file(),
                "the file is empty; without the file the built-in policy holds, with it there must be rules",
            );
            return Vec::new();
        }
        let Some(root) = self.table(root, "the policy", &vocabulary::POLICY) else { return Vec::new() };
        match root.get("version") {
            None if root.entries.iter().any(|(word, _)| nearest(&word.text, ["version"]).is_some()) => {}
            None => self.complain(root.at, "`version: 1` is missing; write it as the first line of the file"),
            Some(Node { value: Value::Number(1), .. }) => {}
            Some(Node { value: Value::Text(text), at }) if text.trim() == "1" => {
                self.complain(*at, "`version` is a number; write `version: 1`, without quotes");
            }
            Some(Node { value: Value::Odd(text), at }) if text == "1" => {
                self.complain(*at, "`version` is a whole number; write `version: 1`, without a point");
            }
            Some(Node { value: Value::Text(text) | Value::Odd(text), at }) => {
                self.complain(*at, format!("`version` is the number 1, not `{text}`; write `version: 1`"));
            }
            Some(other) => {
                let message = format!("this version of Seconder reads `version: 1`, not {}", other.value.kind());
                self.complain(other.at, message);
            }
        }
        // In this order: rules name groups, agents and classes.
        if let Some(approvers) = root.get("approvers") {
            self.approvers(approvers);
        }
        if let Some(people) = root.get("people") {
            self.people = self.people(people);
        }
        if let Some(agents) = root.get("agents") {
            self.agents(agents);
        }
        if let Some(classes) = root.get("classes") {
            self.classes(classes);
        }
        if let Some(freezes) = root.get("freeze") {
            self.freezes = self.freezes(freezes);
        }
        if let Some(stop) = root.get("stop") {
            self.stop = self.sentence(stop, "stop", "why nothing may be released");
        }
        let Some(rules) = root.get("rules") else {
            if !root.entries.iter().any(|(word, _)| nearest(&word.text, ["rules"]).is_some()) {
                self.complain(root.at, "`rules` is missing; without rules the file would hold nothing");
            }
            return Vec::new();
        };
        let Some(rules) = self.list(rules, "`rules`", "- name: production") else { return Vec::new() };
        if rules.len() > MOST_RULES {
            self.complain(root.at, format!("{} rules are too many; the most is {MOST_RULES}", rules.len()));
            return Vec::new();
        }
        let mut names: Vec<Word> = Vec::new();
        rules.iter().filter_map(|rule| self.rule(rule, &mut names)).collect()
    }

    fn complain(&mut self, at: Place, message: impl Into<String>) {
        if !self.has_enough() {
            self.errors.push(at.error(message));
        }
    }

    /// Whether so much is wrong that nothing more is looked at.
    fn has_enough(&self) -> bool {
        self.errors.len() >= MOST_ERRORS
    }

    fn warn(&mut self, at: Place, message: impl Into<String>) {
        self.warnings.push(at.error(message));
    }

    /// A table with known keys only, as a lookup.
    fn table<'a>(&mut self, node: &'a Node, what: &str, known: &vocabulary::Table) -> Option<Table<'a>> {
        let Value::Table(entries) = &node.value else {
            let key = known.keys.iter().find(|key| key.is_needed).or(known.keys.first()).map_or("key", |key| key.name);
            let message = format!("{what} is a table (`{key}: …`), not {}", node.value.kind());
            self.complain(node.at, message);
            return None;
        };
        for (key, _) in entries.iter().filter(|(key, _)| !known.has(&key.text)) {
            if self.has_enough() {
                return None;
            }
            if LATER.contains(&key.text.as_str()) {
                self.complain(key.at, format!("`{}` is not supported yet by this version", key.text));
            } else {
                let hint = other_word(what, &key.text).unwrap_or_else(|| hint(&key.text, known.names()));
                self.complain(key.at, format!("{what} has no key `{}`{hint}", key.text));
            }
        }
        Some(Table { at: node.at, entries })
    }

    fn list<'a>(&mut self, node: &'a Node, what: &str, example: &str) -> Option<&'a [Node]> {
        match &node.value {
            _ if self.has_enough() => None,
            Value::List(items) if items.is_empty() => {
                self.complain(node.at, format!("{what} is empty; write for example `{example}`"));
                None
            }
            Value::List(items) => Some(items),
            other => {
                let advice = match other {
                    Value::Text(text) if example.starts_with('[') => format!("write `[{}]`", as_yaml(text)),
                    Value::Table(entries) => match entries.first() {
                        // Brackets are all that is missing.
                        Some((key, _)) if LONG.has(&key.text) && what == "`require`" => {
                            format!("write `[{{ {}: … }}]`, or a dash before it", key.text)
                        }
                        _ => format!("write for example `{example}`"),
                    },
                    _ => format!("write for example `{example}`"),
                };
                self.complain(node.at, format!("{what} is a list, not {}; {advice}", other.kind()));
                None
            }
        }
    }

    fn text<'a>(&mut self, node: &'a Node, what: &str) -> Option<&'a str> {
        match &node.value {
            _ if self.has_enough() => None,
            Value::Text(text) if !text.trim().is_empty() => Some(text),
            Value::Text(_) | Value::Nothing => {
                self.complain(node.at, format!("{what} is empty"));
                None
            }
            Value::Number(_) | Value::Odd(_) => {
                self.complain(node.at, format!("{what} is a text; put {} in quotes", node.value.kind()));
                None
            }
            Value::List(_) | Value::Table(_) => {
                self.complain(node.at, format!("{what} is a text, not {}", node.value.kind()));
                None
            }
        }
    }

    /// A text for people.
    fn sentence(&mut self, node: &Node, key: &str, what: &str) -> Option<String> {
        match &node.value {
            Value::Text(text) if !text.trim().is_empty() => Some(text.trim().to_owned()),
            other => {
                let found = match other {
                    Value::Text(_) | Value::Nothing => String::new(),
                    other => format!(", not {}", other.kind()),
                };
                let example = if key == "stop" { "incident 42" } else { "agents do not deploy the vault" };
                let message = format!("`{key}` says {what}, in words (`{key}: {example}`){found}");
                self.complain(node.at, message);
                None
            }
        }
    }

    /// One of a few words.
    fn word<T: Copy>(&mut self, node: &Node, key: &str, words: &[(&str, T)]) -> Option<T> {
        if let Value::Text(text) = &node.value
            && let Some((_, meant)) = words.iter().find(|(word, _)| word == text)
        {
            return Some(*meant);
        }
        let mut valid: Vec<String> = words.iter().map(|(word, _)| format!("`{word}`")).collect();
        let last = valid.pop().unwrap_or_default();
        let valid = if valid.is_empty() { last } else { format!("{} or {last}", valid.join(", ")) };
        let near = match &node.value {
            Value::Text(text) => nearest(text, words.iter().map(|(word, _)| *word))
                .map(|near| format!("; did you mean `{near}`?"))
                .or_else(|| other_word(key, text))
                .unwrap_or_default(),
            _ => String::new(),
        };
        self.complain(node.at, format!("`{key}` is {valid}, not {}{near}", node.value.kind()));
        None
    }
}

/// A text as it is written in a list.
fn as_yaml(text: &str) -> String {
    let is_plain = text.chars().all(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_' | '.' | '/'))
        && text.starts_with(char::is_alphanumeric)
        && text.contains(char::is_alphabetic);
    if is_plain { text.to_owned() } else { format!("\"{text}\"") }
}

/// A table whose keys are known to be valid.
struct Table<'a> {
    at: Place,
    entries: &'a [(Word, Node)],
}

impl<'a> Table<'a> {
    fn get(&self, key: &str) -> Option<&'a Node> {
        self.entries.iter().find(|(word, _)| word.text == key).map(|(_, node)| node)
    }

    fn word(&self, key: &str) -> Option<&'a Word> {
        self.entries.iter().find(|(word, _)| word.text == key).map(|(word, _)| word)
    }
}
