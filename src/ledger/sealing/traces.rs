//! By what somebody is found in openings: their account, and whatever they were called.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::{Opening, Subject};
use crate::ledger::catalogue::{self, Path, Visit};

/// In place of what was erased.
const ERASED: &str = "(erased)";

/// By what one person is known.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Traces {
    /// Their account.
    account: Option<u64>,
    /// Who they are in the log.
    subject: Option<Subject>,
    /// Logins, addresses and names of theirs, lower-case.
    words: BTreeSet<String>,
}

impl Traces {
    /// Somebody with an account that the log knows.
    #[must_use]
    pub fn of(account: u64, subject: Subject, login: &str) -> Self {
        let mut traces = Self { account: Some(account), subject: Some(subject), words: BTreeSet::new() };
        traces.add(login);
        traces
    }

    /// Somebody of whom only a word is known.
    #[must_use]
    pub fn of_word(word: &str) -> Self {
        let mut traces = Self::default();
        traces.add(word);
        traces
    }

    /// Whether a text names them by one of their words.
    #[must_use]
    pub fn are_in(&self, text: &str) -> bool {
        let text = text.to_lowercase();
        self.words.iter().any(|word| has_word(&text, word))
            || self.account.is_some_and(|id| has_number(&text, &format!("\"id\":{id}")) || has_number_plus(&text, id))
    }

    /// Learns what else they were called, from an entry and what opens it. Says whether something was new.
    pub fn learn(&mut self, name: &str, body: &Map<String, Value>, openings: &[Opening]) -> bool {
        let before = self.words.len();
        let own = self.paths(name, body);
        for Opening { path, value, .. } in openings {
            match value.as_str() {
                Some(login) if own.contains(path) => self.add(login),
                _ => self.learn_from(value),
            }
        }
        self.words.len() > before
    }

    /// Whether an opening of an entry tells something of them.
    #[must_use]
    pub fn are_told_by(&self, opening: &Opening) -> bool {
        match &opening.value {
            Value::String(text) => self.are_in(text),
            value => self.are_in(&value.to_string()),
        }
    }

    /// Where an entry has their login.
    #[must_use]
    pub fn paths(&self, name: &str, body: &Map<String, Value>) -> BTreeSet<String> {
        struct Own<'a>(&'a Traces, BTreeSet<String>);
        impl Visit for Own<'_> {
            fn sealed(&mut self, _: &Path<'_>, _: &mut Value) {}
            fn subject(&mut self, path: &Path<'_>, id: &mut Value, _: Option<&str>) {
                let subject = id.as_str().and_then(Subject::parse);
                if subject.is_some() && subject == self.0.subject {
                    self.1.extend(path.pointer().strip_suffix("/id").map(|account| format!("{account}/login")));
                }
            }
        }
        let mut own = Own(self, BTreeSet::new());
        catalogue::walk(name, &mut body.clone(), &mut own);
        own.1
    }

    /// Takes them out of a value, wherever they are named in it.
    pub fn take_out_of(&self, value: &mut Value) {
        match value {
            Value::String(text) if self.are_in(text) => *value = ERASED.into(),
            Value::Array(items) => items.iter_mut().for_each(|item| self.take_out_of(item)),
            Value::Object(fields) => {
                if self.account.is_some() && fields.get("id").and_then(Value::as_u64) == self.account {
                    fields.insert("id".to_owned(), 0.into());
                }
                fields.values_mut().for_each(|value| self.take_out_of(value));
            }
            _ => {}
        }
    }

    fn add(&mut self, word: &str) {
        if word.trim().chars().count() > 1 {
            self.words.insert(word.trim().to_lowercase());
        }
    }

    /// What facts say of them: logins beside their account, and names and addresses of the identities that are theirs.
    fn learn_from(&mut self, value: &Value) {
        let Some(account) = self.account else { return };
        let is_theirs = |who: &Value| who["id"].as_u64() == Some(account);
        let at = value["accounts"].as_array().and_then(|all| all.iter().position(is_theirs));
        for identity in value["identities"].as_array().into_iter().flatten() {
            if at.is_some() && identity["account"].as_u64() == at.map(|at| at as u64) {
                ["name", "email"].iter().filter_map(|key| identity[key].as_str()).for_each(|word| self.add(word));
            }
        }
        self.learn_logins(value, account);
    }

    fn learn_logins(&mut self, value: &Value, account: u64) {
        match value {
            Value::Array(items) => items.iter().for_each(|item| self.learn_logins(item, account)),
            Value::Object(fields) => {
                if let (Some(id), Some(login)) = (fields.get("id"), fields.get("login").and_then(Value::as_str))
                    && id.as_u64() == Some(account)
                {
                    self.add(login);
                }
                fields.values().for_each(|value| self.learn_logins(value, account));
            }
            _ => {}
        }
    }
}

/// Whether a word stands in a text by itself: `mona` is in `@mona:`, and not in `monalisa` or `mona-lisa`.
fn has_word(text: &str, word: &str) -> bool {
    let joins = |c: char| c.is_alphanumeric() || c == '-' || c == '_';
    text.match_indices(word).any(|(at, _)| !text[..at].ends_with(joins) && !text[at + word.len()..].starts_with(joins))
}

fn has_number(text: &str, number: &str) -> bool {
    text.match_indices(number).any(|(at, _)| !text[at + number.len()..].starts_with(|c: char| c.is_ascii_digit()))
}

/// The beginning of the address that GitHub makes of an account: `7+mona@users.noreply.github.com`.
fn has_number_plus(text: &str, id: u64) -> bool {
    let begin = format!("{id}+");
    text.match_indices(&begin).any(|(at, _)| !text[..at].ends_with(|c: char| c.is_ascii_digit()))
}
