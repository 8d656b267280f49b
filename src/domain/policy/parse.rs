//! The policy file, validated: every complaint names line and column, what is wrong, and what to write instead.

mod agents;
mod people;
mod require;

use std::collections::BTreeMap;

use globset::GlobBuilder;

use super::node::{self, Node, Place, Value, Word};
use super::values::{self, is_group_name, member};
use super::words::{hint, nearest};
use super::{AuthoredBy, Member, NamedPerson, PolicyError, PolicyErrors, PolicyFile, Rule, Unattributed};
use crate::domain::attribution::{self, TenantCatalogue};
use crate::domain::digest::Digest;
use crate::domain::{Millis, policy::DEFAULT_EXPIRY};

/// More is no policy that people read.
const MOST_BYTES: usize = 256 * 1024;

const ROOT_KEYS: [&str; 5] = ["version", "approvers", "people", "agents", "rules"];
const RULE_KEYS: [&str; 7] = ["name", "gate", "environments", "authored_by", "require", "expires", "unattributed"];
const RESERVED: [&str; 2] = ["writers", "admins"];
/// Words of the language that this version does not act on. Ignoring them would loosen what the file says.
const LATER: [&str; 20] = [
    "all_of",
    "any_of",
    "assurance",
    "branches",
    "classes",
    "commands",
    "deny",
    "escalate",
    "except",
    "freeze",
    "jobs",
    "mode",
    "paths",
    "permission",
    "reason",
    "remind",
    "tags",
    "workflows",
    "break_glass",
    "organization",
];

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
    let root = node::read(text).map_err(|error| PolicyErrors(vec![error]))?;
    let mut reader = Reader::default();
    let rules = reader.file(&root);
    if reader.errors.is_empty() {
        let Reader { approvers, people, catalogue, .. } = reader;
        return Ok(PolicyFile { digest: Digest::of_bytes(text.as_bytes()), approvers, people, catalogue, rules });
    }
    reader.errors.sort_by_key(|error| (error.line, error.column));
    Err(PolicyErrors(reader.errors))
}

fn whole_file() -> Place {
    Place { line: 1, column: 1 }
}

#[derive(Default)]
struct Reader {
    approvers: BTreeMap<String, Vec<Member>>,
    people: Vec<NamedPerson>,
    catalogue: TenantCatalogue,
    errors: Vec<PolicyError>,
}

impl Reader {
    fn complain(&mut self, at: Place, message: impl Into<String>) {
        self.errors.push(at.error(message));
    }

    /// A table with known keys only, as a lookup.
    fn table<'a>(&mut self, node: &'a Node, what: &str, keys: &[&str]) -> Option<Table<'a>> {
        let Value::Table(entries) = &node.value else {
            let message = format!("{what} is a table (`{}: …`), not {}", keys[0], node.value.kind());
            self.complain(node.at, message);
            return None;
        };
        for (key, _) in entries.iter().filter(|(key, _)| !keys.contains(&key.text.as_str())) {
            if LATER.contains(&key.text.as_str()) {
                self.complain(key.at, format!("`{}` is not supported yet by this version", key.text));
            } else {
                let hint = hint(&key.text, keys.iter().copied());
                self.complain(key.at, format!("{what} has no key `{}`{hint}", key.text));
            }
        }
        Some(Table { at: node.at, entries })
    }

    fn list<'a>(&mut self, node: &'a Node, what: &str, example: &str) -> Option<&'a [Node]> {
        match &node.value {
            Value::List(items) if items.is_empty() => {
                self.complain(node.at, format!("{what} is empty; write for example `{example}`"));
                None
            }
            Value::List(items) => Some(items),
            other => {
                let message = format!("{what} is a list, not {}; write for example `{example}`", other.kind());
                self.complain(node.at, message);
                None
            }
        }
    }

    fn text<'a>(&mut self, node: &'a Node, what: &str) -> Option<&'a str> {
        match &node.value {
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

    fn file(&mut self, root: &Node) -> Vec<Rule> {
        if matches!(root.value, Value::Nothing) {
            self.complain(
                whole_file(),
                "the file is empty; without the file the built-in policy holds, with it there must be rules",
            );
            return Vec::new();
        }
        let Some(root) = self.table(root, "the policy", &ROOT_KEYS) else { return Vec::new() };
        match root.get("version") {
            None => self.complain(root.at, "`version: 1` is missing"),
            Some(Node { value: Value::Number(1), .. }) => {}
            Some(other) => {
                let message = format!("this version reads `version: 1`, not {}", other.value.kind());
                self.complain(other.at, message);
            }
        }
        if let Some(approvers) = root.get("approvers") {
            self.approvers(approvers);
        }
        if let Some(people) = root.get("people") {
            self.people = self.people(people);
        }
        if let Some(agents) = root.get("agents") {
            self.agents(agents);
        }
        let Some(rules) = root.get("rules") else {
            self.complain(root.at, "`rules` is missing; without rules the file would hold nothing");
            return Vec::new();
        };
        let Some(rules) = self.list(rules, "`rules`", "- name: production") else { return Vec::new() };
        let mut names: Vec<String> = Vec::new();
        rules.iter().filter_map(|rule| self.rule(rule, &mut names)).collect()
    }

    fn approvers(&mut self, node: &Node) {
        let Value::Table(groups) = &node.value else {
            let message =
                format!("`approvers` is a table of groups (`platform: [octocat]`), not {}", node.value.kind());
            return self.complain(node.at, message);
        };
        for (group, members) in groups {
            if RESERVED.contains(&group.text.as_str()) {
                let message = format!("`{}` always means repository access; choose another name", group.text);
                self.complain(group.at, message);
            } else if !is_group_name(&group.text) {
                let message = format!("`{}` is no name for a group; use letters, digits, `-` and `_`", group.text);
                self.complain(group.at, message);
            }
            // A group that has errors exists all the same: one mistake, one complaint.
            let members = self.members(group, members);
            self.approvers.insert(group.text.clone(), members);
        }
    }

    fn members(&mut self, group: &Word, node: &Node) -> Vec<Member> {
        let what = format!("group `{}`", group.text);
        let Some(items) = self.list(node, &what, "[octocat, \"@acme/platform\"]") else { return Vec::new() };
        let mut members = Vec::new();
        for item in items {
            let Some(text) = self.text(item, "an approver") else { continue };
            match member(text) {
                Err(message) => self.complain(item.at, message),
                Ok(member) if members.contains(&member) => {
                    self.complain(item.at, format!("`{text}` is in group `{}` twice", group.text));
                }
                Ok(member) => members.push(member),
            }
        }
        members
    }

    fn rule(&mut self, node: &Node, names: &mut Vec<String>) -> Option<Rule> {
        // Of a gate that this version does not know, nothing else can be judged.
        if let Value::Table(entries) = &node.value
            && let Some((_, gate)) = entries.iter().find(|(key, _)| key.text == "gate")
            && !matches!(&gate.value, Value::Text(gate) if gate == "deployment")
        {
            let message = match &gate.value {
                Value::Text(gate) if ["job", "command", "merge"].contains(&gate.as_str()) => {
                    format!("gate `{gate}` is not supported yet by this version; only `deployment` is")
                }
                Value::Text(gate) => format!("there is no gate `{gate}`{}", hint(gate, ["deployment"])),
                other => format!("`gate` is the word `deployment`, not {}", other.kind()),
            };
            self.complain(gate.at, message);
            return None;
        }
        let rule = self.table(node, "a rule", &RULE_KEYS)?;
        let name = self.needed(&rule, "name", "name: production").and_then(|node| {
            let name = self.text(node, "`name`")?.trim();
            if names.iter().any(|other| other == name) {
                self.complain(node.at, format!("two rules are called `{name}`"));
            }
            names.push(name.to_owned());
            Some(name.to_owned())
        });
        let environments = self
            .needed(&rule, "environments", "environments: [production, \"prod-*\"]")
            .and_then(|node| self.environments(node));
        let authored_by = rule.get("authored_by").map_or(Some(AuthoredBy::Ai), |node| self.authored_by(node));
        let require = self.needed(&rule, "require", "require: [1 of writers]").and_then(|node| self.require(node));
        let expires_after = rule.get("expires").map_or(Some(DEFAULT_EXPIRY), |node| self.expires(node));
        let unattributed =
            rule.get("unattributed").map_or(Some(Unattributed::default()), |node| self.unattributed(node));
        Some(Rule {
            unattributed: unattributed?,
            name: name?,
            environments: environments?,
            authored_by: authored_by?,
            require: require?,
            expires_after: expires_after?,
        })
    }

    fn needed<'a>(&mut self, rule: &Table<'a>, key: &str, example: &str) -> Option<&'a Node> {
        let found = rule.get(key);
        // A slip in the key is complained about already.
        let slipped =
            |word: &Word| !RULE_KEYS.contains(&word.text.as_str()) && nearest(&word.text, RULE_KEYS) == Some(key);
        if found.is_none() && !rule.entries.iter().any(|(word, _)| slipped(word)) {
            self.complain(rule.at, format!("the rule has no `{key}`; write for example `{example}`"));
        }
        found
    }

    fn environments(&mut self, node: &Node) -> Option<Vec<String>> {
        let items = self.list(node, "`environments`", "[production, \"prod-*\"]")?;
        let mut patterns = Vec::new();
        for item in items {
            let Some(pattern) = self.text(item, "an environment") else { continue };
            match GlobBuilder::new(pattern).build() {
                Ok(_) => patterns.push(pattern.to_owned()),
                Err(error) => self.complain(item.at, format!("`{pattern}` is no pattern: {}", error.kind())),
            }
        }
        Some(patterns)
    }

    fn unattributed(&mut self, node: &Node) -> Option<Unattributed> {
        match &node.value {
            Value::Text(word) if word == "extra_approval" => Some(Unattributed::ExtraApproval),
            Value::Text(word) if word == "deny" => Some(Unattributed::Deny),
            Value::Text(word) => {
                let hint = hint(word, ["extra_approval", "deny"]);
                self.complain(node.at, format!("`unattributed` is `extra_approval` or `deny`, not `{word}`{hint}"));
                None
            }
            other => {
                let message = format!("`unattributed` is the word `extra_approval` or `deny`, not {}", other.kind());
                self.complain(node.at, message);
                None
            }
        }
    }

    fn authored_by(&mut self, node: &Node) -> Option<AuthoredBy> {
        match &node.value {
            Value::Text(word) if word == "ai" => Some(AuthoredBy::Ai),
            Value::Text(word) if word == "anyone" => Some(AuthoredBy::Anyone),
            Value::Text(word) if word == "unproven" => Some(AuthoredBy::Unproven),
            Value::Text(word) if self.catalogue.get().slugs().any(|slug| slug == word) => {
                self.complain(node.at, format!("agents are a list; write `[{word}]`"));
                None
            }
            Value::Text(word) => {
                let hint = nearest(word, ["ai", "unproven", "anyone"])
                    .map(|near| format!("; did you mean `{near}`?"))
                    .unwrap_or_default();
                self.complain(
                    node.at,
                    format!("`authored_by` is `ai`, `unproven`, `anyone` or a list of agents, not `{word}`{hint}"),
                );
                None
            }
            _ => {
                let mut agents = Vec::new();
                for item in self.list(node, "`authored_by`", "[claude-code, devin]")? {
                    let Some(word) = self.text(item, "an agent") else { continue };
                    if self.catalogue.get().slugs().any(|slug| slug == word) {
                        agents.push(word.to_owned());
                    } else if attribution::is_automation(word) {
                        let message =
                            format!("`{word}` is automation, not AI; `authored_by: anyone` holds its commits, too");
                        self.complain(item.at, message);
                    } else {
                        let hint = hint(word, self.catalogue.get().slugs());
                        self.complain(item.at, format!("the catalogue has no agent `{word}`{hint}"));
                    }
                }
                Some(AuthoredBy::Agents(agents))
            }
        }
    }

    fn expires(&mut self, node: &Node) -> Option<Millis> {
        let read = match &node.value {
            Value::Text(text) => values::duration(text),
            other => Err(values::not_a_duration(&other.kind())),
        };
        read.map_err(|message| self.complain(node.at, message)).ok()
    }
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
}
