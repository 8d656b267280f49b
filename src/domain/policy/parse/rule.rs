//! `rules:` one rule.

use super::super::DEFAULT_EXPIRY;
use super::super::node::{Node, Value, Word};
use super::super::pattern::Pattern;
use super::super::rule::{
    Assurance, AuthoredBy, Consequence, Escalation, Gate, Mode, ReasonWanted, Rule, Unattributed,
};
use super::super::scope::Scope;
use super::super::values;
use super::super::vocabulary::{MOST_STEPS, REASON, RULE, SCOPE, STEP};
use super::super::words::{hint, nearest, related};
use super::require::ASSURANCES;
use super::{Reader, Table};
use crate::domain::Millis;
use crate::domain::attribution;

/// Each may take a megabyte.
const MOST_EXPRESSIONS: usize = 32;
/// Keys that say how people are asked.
const ASKING: [&str; 5] = ["expires", "remind", "escalate", "assurance", "require"];
const GATES: [(&str, Gate); 3] = [("deployment", Gate::Deployment), ("job", Gate::Job), ("command", Gate::Command)];

impl Reader {
    pub(super) fn rule(&mut self, node: &Node, names: &mut Vec<Word>) -> Option<Rule> {
        let gate = self.gate(node);
        let rule = self.table(node, "a rule", &RULE)?;
        let name = self.name(&rule, names);
        // What a gate that does not exist may cover, nobody can say.
        let (scope, except) = match gate {
            None => (Scope::default(), None),
            Some(gate) => {
                let scope = self.scope(&rule, gate);
                self.something_is_covered(&rule, gate, &scope);
                let except = rule.get("except").and_then(|node| self.except(node, gate, &scope));
                (scope, except)
            }
        };
        let authored_by = rule.get("authored_by").map_or(Some(AuthoredBy::Ai), |node| self.authored_by(node));
        let consequence = self.consequence(&rule);
        let expires_after = rule.get("expires").map_or(Some(DEFAULT_EXPIRY), |node| self.duration(node, "expires"));
        let within = expires_after.unwrap_or(Millis::MAX);
        let remind = rule.get("remind").map(|node| self.remind(node, within)).unwrap_or_default();
        let escalate = rule.get("escalate").map(|node| self.escalate(node, within)).unwrap_or_default();
        let reason = rule.get("reason").and_then(|node| self.reason(node));
        let unattributed = rule.get("unattributed").map_or(Some(Unattributed::default()), |node| {
            let words = [("extra_approval", Unattributed::ExtraApproval), ("deny", Unattributed::Deny)];
            self.word(node, "unattributed", &words)
        });
        let mode = rule.get("mode").map_or(Some(Mode::default()), |node| {
            self.word(node, "mode", &[("enforce", Mode::Enforce), ("shadow", Mode::Shadow)])
        });
        Some(Rule {
            name: name?,
            gate: gate?,
            scope,
            except,
            authored_by: authored_by?,
            consequence: consequence?,
            expires_after: expires_after?,
            remind,
            escalate,
            unattributed: unattributed?,
            reason,
            mode: mode?,
        })
    }

    fn gate(&mut self, node: &Node) -> Option<Gate> {
        let Value::Table(entries) = &node.value else { return Some(Gate::default()) };
        let Some((_, gate)) = entries.iter().find(|(key, _)| key.text == "gate") else { return Some(Gate::default()) };
        match &gate.value {
            Value::Text(word) => match GATES.iter().find(|(known, _)| known == word) {
                Some((_, Gate::Deployment)) => Some(Gate::Deployment),
                Some((word, known)) => {
                    self.warn(gate.at, format!("this version holds no {word}s yet; the rule is read and does nothing"));
                    Some(*known)
                }
                None if word == "merge" => {
                    self.complain(gate.at, "gate `merge` is not supported yet by this version");
                    None
                }
                None => {
                    let hint = hint(word, GATES.iter().map(|(word, _)| *word));
                    self.complain(gate.at, format!("there is no gate `{word}`{hint}"));
                    None
                }
            },
            other => {
                self.complain(
                    gate.at,
                    format!("`gate` is the word `deployment`, `job` or `command`, not {}", other.kind()),
                );
                None
            }
        }
    }

    fn name(&mut self, rule: &Table<'_>, names: &mut Vec<Word>) -> Option<String> {
        let node = self.needed(rule, "name", "name: production")?;
        let name = self.text(node, "`name`")?.trim();
        if let Some(other) = names.iter().find(|other| other.text == name) {
            let line = other.at.line;
            self.complain(node.at, format!("two rules are called `{name}`; the other is on line {line}"));
        }
        names.push(Word { at: node.at, text: name.to_owned() });
        Some(name.to_owned())
    }

    fn needed<'a>(&mut self, rule: &Table<'a>, key: &str, example: &str) -> Option<&'a Node> {
        let found = rule.get(key);
        if found.is_none() && !has_slip(rule, key) {
            self.complain(rule.at, format!("the rule has no `{key}`; write for example `{example}`"));
        }
        found
    }

    /// A rule about everything would be written by mistake; `"*"` says it on purpose.
    fn something_is_covered(&mut self, rule: &Table<'_>, gate: Gate, scope: &Scope) {
        let has = |keys: &[&str]| keys.iter().any(|key| rule.get(key).is_some() || has_slip(rule, key));
        match gate {
            Gate::Deployment => {
                self.needed(rule, "environments", "environments: [production, \"prod-*\"]");
            }
            Gate::Job if scope.is_empty() && !has(&["workflows", "jobs"]) => {
                self.complain(
                    rule.at,
                    "the rule has neither `workflows` nor `jobs`; write for example `workflows: [deploy.yml]`",
                );
            }
            Gate::Command if !has(&["commands", "classes"]) => {
                self.complain(
                    rule.at,
                    "the rule has neither `commands` nor `classes`; write for example `commands: [\"pg_dump *\"]`",
                );
            }
            Gate::Job | Gate::Command => {}
        }
    }

    fn except(&mut self, node: &Node, gate: Gate, of: &Scope) -> Option<Scope> {
        let complaints = self.errors.len();
        let table = self.table(node, "`except`", &SCOPE)?;
        let scope = self.scope(&table, gate);
        if scope.is_empty() && self.errors.len() == complaints {
            self.complain(node.at, "`except` is empty; write for example `except: { paths: [\"docs/**\"] }`");
        }
        if scope.takes_all_of(of) {
            self.warn(
                node.at,
                "`except` takes out all that the rule covers, and the rule never holds; name what may pass without it",
            );
        }
        Some(scope)
    }

    /// `require` or `deny`: one of them.
    fn consequence(&mut self, rule: &Table<'_>) -> Option<Consequence> {
        if let Some(deny) = rule.get("deny") {
            let message = self.sentence(deny, "deny", "what people are told")?;
            for word in ASKING.iter().filter_map(|key| rule.word(key)) {
                let message = format!("a rule that denies asks nobody; `{}` does not go with `deny`", word.text);
                self.complain(word.at, message);
            }
            return Some(Consequence::Deny(message));
        }
        let of_rule = rule.get("assurance");
        let assurance = of_rule.map_or(Some(Assurance::default()), |node| self.word(node, "assurance", &ASSURANCES));
        let Some(require) = rule.get("require") else {
            if !has_slip(rule, "require") {
                let message = "the rule neither requires nor denies; write for example `require: [1 of writers]`";
                self.complain(rule.at, message);
            }
            return None;
        };
        // What is wrong with the one hides nothing of the other.
        let require = self.require(require, assurance.unwrap_or_default());
        let (assurance, require) = (assurance?, require?);
        if let Some(node) = of_rule.filter(|_| require.iter().any(|requirement| requirement.wants(assurance))) {
            self.warn_of(assurance, node.at);
        }
        Some(Consequence::Require(require))
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
                let near = nearest(word, ["ai", "unproven", "anyone"]).map(|near| format!("; did you mean `{near}`?"));
                let hint = near.or_else(|| self.agent_meant(word, |agent| format!("`[{agent}]`"))).unwrap_or_default();
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
                        let own = || "; one of your own belongs under `agents` at the top of the file".to_owned();
                        let hint = self.agent_meant(word, |agent| format!("`{agent}`")).unwrap_or_else(own);
                        self.complain(item.at, format!("the catalogue has no agent `{word}`{hint}"));
                    }
                }
                Some(AuthoredBy::Agents(agents))
            }
        }
    }

    /// The agent that was meant.
    fn agent_meant(&self, word: &str, as_code: fn(&str) -> String) -> Option<String> {
        let slugs = || self.catalogue.get().slugs().filter(|slug| !attribution::is_automation(slug));
        let meant: Vec<String> = match nearest(word, slugs()) {
            Some(near) => vec![as_code(near)],
            None => related(word, slugs()).into_iter().map(as_code).collect(),
        };
        (!meant.is_empty()).then(|| format!("; did you mean {}?", meant.join(" or ")))
    }

    fn reason(&mut self, node: &Node) -> Option<ReasonWanted> {
        match &node.value {
            Value::Text(word) if word == "required" => Some(ReasonWanted { pattern: None }),
            Value::Table(_) => {
                let table = self.table(node, "`reason`", &REASON)?;
                let Some(pattern) = table.get("pattern") else {
                    self.complain(
                        node.at,
                        "`reason` has no `pattern`; write `required`, or `{ pattern: \"[A-Z]+-[0-9]+\" }`",
                    );
                    return None;
                };
                let text = self.text(pattern, "`pattern`")?;
                if let Some(control) = text.chars().find(|c| c.is_control()) {
                    let message = format!(
                        "the pattern has a control character (U+{:04X}) in it: in double quotes YAML reads `\\` first; write it on one \
                         line, in single quotes (`'\\b[A-Z]+-[0-9]+'`)",
                        u32::from(control)
                    );
                    self.complain(pattern.at, message);
                    return None;
                }
                self.expressions += 1;
                if self.expressions > MOST_EXPRESSIONS {
                    let message = format!("the file has more than {MOST_EXPRESSIONS} regular expressions");
                    self.complain(pattern.at, message);
                    return None;
                }
                let read = Pattern::new(text)
                    .map_err(|error| self.complain(pattern.at, format!("`{text}` is no regular expression: {error}")))
                    .ok()?;
                if read.is_in("") {
                    let message = format!(
                        "`{text}` is found in an empty text, too, and asks for nothing; write `reason: required`, or a pattern that \
                         something must match"
                    );
                    self.warn(pattern.at, message);
                }
                Some(ReasonWanted { pattern: Some(read) })
            }
            other => {
                let message =
                    format!("`reason` is `required` or `{{ pattern: \"[A-Z]+-[0-9]+\" }}`, not {}", other.kind());
                self.complain(node.at, message);
                None
            }
        }
    }

    fn duration(&mut self, node: &Node, key: &str) -> Option<Millis> {
        let read = match &node.value {
            Value::Text(text) => values::duration(key, text),
            other => Err(values::not_a_duration(key, &other.kind())),
        };
        read.map_err(|message| self.complain(node.at, message)).ok()
    }

    fn remind(&mut self, node: &Node, expires: Millis) -> Vec<Millis> {
        let items = match &node.value {
            Value::List(_) => self.list(node, "`remind`", "[1h, 3h]").unwrap_or_default(),
            _ => std::slice::from_ref(node),
        };
        self.few(node, items.len(), "reminders");
        let mut all = Vec::new();
        for item in items {
            let Some(after) = self.duration(item, "remind") else { continue };
            self.before_the_end(item, after, expires, "reminder");
            all.push(after);
        }
        all.sort_unstable();
        all.dedup();
        all
    }

    fn escalate(&mut self, node: &Node, expires: Millis) -> Vec<Escalation> {
        let Some(items) = self.list(node, "`escalate`", "[{ after: 2h, to: leads }]") else { return Vec::new() };
        self.few(node, items.len(), "steps");
        let mut all = Vec::new();
        for item in items {
            let complaints = self.errors.len();
            let Some(table) = self.table(item, "a step of `escalate`", &STEP) else { continue };
            let (Some(after), Some(to)) = (table.get("after"), table.get("to")) else {
                if self.errors.len() == complaints {
                    self.complain(item.at, "a step of `escalate` reads like `{ after: 2h, to: leads }`");
                }
                continue;
            };
            let at = after;
            let after = self.duration(after, "after");
            let name = self.text(to, "`to`").map(str::trim);
            let to = name.and_then(|name| self.approvers_named(name, to.at));
            let (Some(after), Some(to)) = (after, to) else { continue };
            self.before_the_end(at, after, expires, "step");
            all.push(Escalation { after, to });
        }
        all.sort_by_key(|step| step.after);
        all
    }

    fn few(&mut self, node: &Node, count: usize, what: &str) {
        if count > MOST_STEPS {
            self.complain(node.at, format!("{count} {what} are too many; the most is {MOST_STEPS}"));
        }
    }

    fn before_the_end(&mut self, node: &Node, after: Millis, expires: Millis, what: &str) {
        if after >= expires {
            let (after, end) = (node.value.kind(), values::spell(expires));
            let message = format!("a {what} after {after} never comes: the request ends after `{end}`");
            self.complain(node.at, message);
        }
    }
}

/// Whether a key was meant and misspelt: that is complained about already.
fn has_slip(rule: &Table<'_>, key: &str) -> bool {
    let slipped = |word: &Word| !RULE.has(&word.text) && nearest(&word.text, RULE.names()) == Some(key);
    rule.entries.iter().any(|(word, _)| slipped(word))
}
