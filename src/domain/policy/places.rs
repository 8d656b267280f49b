//! Where things stand in a policy file, for complaints that nobody could make while it was read.

use super::PolicyError;
use super::node::{self, Node, Place, Value};

/// The places of a file. A file that cannot be read has none.
#[derive(Debug, Default)]
pub struct Places(Option<Node>);

impl Places {
    /// The places of this file.
    #[must_use]
    pub fn of(text: &str) -> Self {
        Self(node::read(text).ok())
    }

    /// How many keys or items are at a path (`["approvers"]`, `["rules"]`).
    #[must_use]
    pub fn count(&self, path: &[&str]) -> usize {
        match self.follow(path).map(|node| &node.value) {
            Some(Value::List(items)) => items.len(),
            Some(Value::Table(entries)) => entries.len(),
            _ => 0,
        }
    }

    /// A complaint about the first word below a path that is meant (`["rules", "0", "require"]`), or else about what is there,
    /// or else about the whole file.
    #[must_use]
    pub fn error(&self, path: &[&str], is_meant: impl Fn(&str) -> bool, message: impl Into<String>) -> PolicyError {
        let at = self.follow(path).map(|node| find(node, &is_meant).unwrap_or(node.at));
        at.unwrap_or(Place { line: 0, column: 0 }).error(message)
    }

    fn follow(&self, path: &[&str]) -> Option<&Node> {
        path.iter().try_fold(self.0.as_ref()?, |node, step| match &node.value {
            Value::Table(entries) => entries.iter().find(|(key, _)| key.text == *step).map(|(_, node)| node),
            Value::List(items) => items.get(step.parse::<usize>().ok()?),
            _ => None,
        })
    }
}

fn find(node: &Node, is_meant: &impl Fn(&str) -> bool) -> Option<Place> {
    match &node.value {
        Value::Text(text) => is_meant(text).then_some(node.at),
        Value::List(items) => items.iter().find_map(|item| find(item, is_meant)),
        Value::Table(entries) => entries
            .iter()
            .find_map(|(key, value)| is_meant(&key.text).then_some(key.at).or_else(|| find(value, is_meant))),
        Value::Nothing | Value::Number(_) | Value::Odd(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_found_where_it_stands_and_what_is_missing_where_it_belongs() {
        let places = Places::of("version: 1\napprovers:\n  platform: [alice, bob]\nrules: []\n");
        let at = |path: &[&str], word: &str| {
            let error = places.error(path, |text| text == word, "");
            (error.line, error.column)
        };
        assert_eq!(at(&["approvers"], "bob"), (3, 21));
        assert_eq!(at(&["approvers", "platform"], "carol"), (3, 13));
        assert_eq!(at(&["people"], "carol"), (0, 0));
        assert_eq!((places.count(&["approvers"]), places.count(&["rules"])), (1, 0));
    }
}
