//! What a rule covers: `environments`, `branches`, `paths` and the like, and `except`.

use super::super::classes;
use super::super::classes::Meant;
use super::super::glob::{Glob, Spelling};
use super::super::node::Node;
use super::super::rule::Gate;
use super::super::scope::Scope;
use super::super::vocabulary::SCOPE;
use super::super::words::hint;
use super::spelling::{Misspelt, doubtful, misspelt};
use super::{Reader, Table};
use crate::domain::attribution::fold::fold;

/// More patterns in a file nobody reads, and each is compiled and held against every changed file.
const MOST_PATTERNS: usize = 2_000;

/// The dimensions, and how their patterns are read.
const DIMENSIONS: [(&str, Spelling); 7] = [
    ("environments", Spelling::Loose),
    ("branches", Spelling::Folders),
    ("tags", Spelling::Folders),
    ("workflows", Spelling::Exact),
    ("jobs", Spelling::Exact),
    ("commands", Spelling::Exact),
    ("paths", Spelling::Folders),
];

/// A pattern as it is told.
fn cut(pattern: &str) -> &str {
    &pattern[..pattern.floor_char_boundary(100.min(pattern.len()))]
}

impl Reader {
    /// What a rule, or its exception, covers.
    pub(super) fn scope(&mut self, table: &Table<'_>, gate: Gate) -> Scope {
        let mut scope = Scope::default();
        for (key, spelling) in DIMENSIONS {
            let Some(node) = table.get(key) else { continue };
            let gates = SCOPE.key(key).map_or([].as_slice(), |key| key.gates);
            if !gates.contains(&gate) {
                let gates: Vec<String> = gates.iter().map(|gate| format!("`{}`", gate.as_str())).collect();
                let at = table.word(key).map_or(node.at, |word| word.at);
                let message = format!(
                    "a rule of gate `{}` has no `{key}`; they belong to gate {}",
                    gate.as_str(),
                    gates.join(" or ")
                );
                self.complain(at, message);
                continue;
            }
            let Some(globs) = self.globs(node, key, spelling) else { continue };
            *match key {
                "environments" => &mut scope.environments,
                "branches" => &mut scope.branches,
                "tags" => &mut scope.tags,
                "workflows" => &mut scope.workflows,
                "jobs" => &mut scope.jobs,
                "commands" => &mut scope.commands,
                _ => &mut scope.paths,
            } = globs;
        }
        if let Some(node) = table.get("classes") {
            self.classes_of(node, gate, &mut scope);
        }
        scope
    }

    /// A list of patterns.
    pub(super) fn globs(&mut self, node: &Node, key: &str, spelling: Spelling) -> Option<Vec<Glob>> {
        let example = SCOPE.key(key).map_or("[\"**\"]", |key| key.example);
        let items = self.list(node, &format!("`{key}`"), example)?;
        let mut globs = Vec::new();
        for item in items {
            let Some(pattern) = self.text(item, &format!("an entry of `{key}`")) else { continue };
            if let Some(rest) = pattern.strip_prefix('!') {
                let message =
                    format!("`{pattern}`: nothing is taken away here; write `except: {{ {key}: [\"{rest}\"] }}`");
                self.complain(item.at, message);
                continue;
            }
            if let Some(Misspelt { why, instead }) = misspelt(key, spelling, pattern) {
                let instead = instead.map(|instead| format!("; write `{instead}`")).unwrap_or_default();
                self.complain(item.at, format!("`{pattern}`: {why}{instead}"));
                continue;
            }
            if let Some(doubt) = doubtful(key, pattern) {
                self.warn(item.at, doubt);
            }
            self.patterns += 1;
            if self.patterns == MOST_PATTERNS + 1 {
                self.complain(
                    item.at,
                    format!("the file has more than {MOST_PATTERNS} patterns; write fewer, wider ones"),
                );
            }
            if self.patterns > MOST_PATTERNS {
                return None;
            }
            let looks = fold(pattern);
            if looks != pattern {
                self.warn(
                    item.at,
                    format!(
                        "`{pattern}` has letters that only look like those of `{looks}`; it does not cover `{looks}`"
                    ),
                );
            }
            match Glob::new(pattern, spelling) {
                Ok(glob) => globs.push(glob),
                Err(error) => self.complain(item.at, format!("`{}` is no pattern: {error}", cut(pattern))),
            }
        }
        Some(globs)
    }

    fn classes_of(&mut self, node: &Node, gate: Gate, scope: &mut Scope) {
        let Some(items) = self.list(node, "`classes`", "[schema]") else { return };
        for item in items {
            let Some(name) = self.text(item, "a class") else { continue };
            let Some(class) = self.class(name) else {
                let names: Vec<String> = self.class_names();
                let hint = hint(name, names.iter().map(String::as_str));
                self.complain(item.at, format!("there is no class `{name}`{hint}"));
                continue;
            };
            if gate != Gate::Command && class.paths.is_empty() && !class.commands.is_empty() {
                let message = format!(
                    "class `{name}` has only `commands`, and a rule of gate `{}` looks at changed files: it covers none; give the \
                     class `paths`",
                    gate.as_str()
                );
                self.complain(item.at, message);
            }
            scope.classes.push(name.to_owned());
            scope.class_paths.extend(class.paths);
            scope.class_commands.extend(class.commands);
        }
    }

    fn class(&self, name: &str) -> Option<Meant> {
        self.classes.get(name).cloned().or_else(|| classes::preset(name).map(Meant::of))
    }

    fn class_names(&self) -> Vec<String> {
        self.classes.keys().cloned().chain(classes::names().map(str::to_owned)).collect()
    }
}
