//! `agents:` marks of agents the catalogue does not know. They add to it; nothing takes away.

use super::super::node::{Node, Value, Word};
use super::super::values::{is_group_name, is_login};
use super::super::vocabulary::AGENT;
use super::super::words::no_name;
use super::{Reader, Table};
use crate::domain::attribution::{ExtraAgent, ExtraMark, TenantCatalogue};

/// The mark a text of the file stands for.
type MarkOf = fn(&str) -> ExtraMark;

/// More agents of their own nobody has.
const MOST_AGENTS: usize = 100;
const EXAMPLE: &str = "acme-bot: { emails: [bot@acme.example], branches: [\"acme-bot/\"] }";

impl Reader {
    pub(super) fn agents(&mut self, node: &Node) {
        let Value::Table(entries) = &node.value else {
            let message = format!("`agents` is a table of agents (`{EXAMPLE}`), not {}", node.value.kind());
            return self.complain(node.at, message);
        };
        if entries.len() > MOST_AGENTS {
            return self.complain(node.at, format!("{} agents are too many; the most is {MOST_AGENTS}", entries.len()));
        }
        let mut rows = Vec::new();
        for (word, node) in entries {
            let Some(row) = self.agent(word, node) else { continue };
            rows.push(row);
            // One at a time: what is wrong with a row is said where it stands.
            match TenantCatalogue::with(rows.clone()) {
                Ok(catalogue) => self.catalogue = catalogue,
                Err(message) => {
                    self.complain(word.at, message);
                    rows.pop();
                }
            }
        }
    }

    fn agent(&mut self, word: &Word, node: &Node) -> Option<ExtraAgent> {
        if !is_group_name(&word.text) {
            self.complain(word.at, no_name(&word.text, "an agent"));
        }
        let complaints = self.errors.len();
        let table = self.table(node, &format!("agent `{}`", word.text), &AGENT)?;
        let mut row = ExtraAgent { slug: word.text.to_lowercase(), name: String::new(), marks: Vec::new() };
        if let Some(name) = table.get("name").and_then(|name| self.text(name, "`name`")) {
            row.name = name.trim().to_owned();
        }
        let marks: [(&str, MarkOf); 6] = [
            ("emails", |text| ExtraMark::Email(text.to_owned())),
            ("logins", |text| ExtraMark::Login(text.to_owned())),
            ("trailers", |text| {
                let (key, value) = text.split_once(':').unwrap_or((text, ""));
                ExtraMark::Trailer { key: key.trim().to_owned(), value: value.trim().to_owned() }
            }),
            ("footers", |text| ExtraMark::Footer(text.to_owned())),
            ("branches", |text| ExtraMark::Branch(text.to_owned())),
            ("bodies", |text| ExtraMark::Body(text.to_owned())),
        ];
        for (key, mark) in marks {
            for item in self.marks(&table, key) {
                let Some(text) = self.text(item, "a mark").map(str::trim) else { continue };
                match never(key, text) {
                    Some(message) => self.complain(item.at, message),
                    None => row.marks.push(mark(text)),
                }
            }
        }
        for item in self.marks(&table, "accounts") {
            match &item.value {
                Value::Number(id) if *id > 0 => row.marks.push(ExtraMark::Account(id.unsigned_abs())),
                other => {
                    let message =
                        format!("an account is its number (`gh api users/LOGIN --jq .id`), not {}", other.kind());
                    self.complain(item.at, message);
                }
            }
        }
        if row.marks.is_empty() && self.errors.len() == complaints {
            self.complain(word.at, format!("agent `{}` has no marks; write for example `{EXAMPLE}`", word.text));
        }
        Some(row).filter(|row| !row.marks.is_empty())
    }

    fn marks<'a>(&mut self, table: &Table<'a>, key: &str) -> &'a [Node] {
        table.get(key).and_then(|node| self.list(node, &format!("`{key}`"), EXAMPLE)).unwrap_or_default()
    }
}

/// Why a mark can be found on nothing, and what to write.
fn never(key: &str, text: &str) -> Option<String> {
    match key {
        "emails" if text.contains(['*', '?', ' ']) => Some(format!(
            "`{text}` is no address: addresses are compared whole, without patterns; write each (`bot@acme.example`)"
        )),
        "logins" if !is_login(text.strip_suffix("[bot]").unwrap_or(text)) => {
            Some(format!("`{text}` is no login, and logins are compared whole; write for example `acme-bot[bot]`"))
        }
        "branches" if text.contains(['*', '?', '[', ' ', '^', '~', ':', '\\']) => {
            let beginning = text.split(['*', '?', '[', ' ', '^', '~', ':', '\\']).next().unwrap_or_default();
            let instead = if beginning.is_empty() { "acme-bot/" } else { beginning };
            Some(format!(
                "no branch begins with `{text}`: it is how names begin, and no pattern; write for example `{instead}`"
            ))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::super::parse;
    use crate::domain::attribution::{Circumstances, attribute_with};
    use crate::domain::facts::Commit;

    fn with(agents: &str) -> String {
        format!(
            "version: 1\nagents:\n{agents}\nrules:\n  - {{ name: p, environments: [p], authored_by: [acme-bot], require: [1 of writers] }}\n"
        )
    }

    #[test]
    fn a_tenants_agent_can_be_named_by_its_rules() {
        let file =
            parse(&with("  acme-bot: { name: Acme Bot, emails: [bot@acme.example], trailers: [Acme-Run] }")).unwrap();
        assert!(file.catalogue.get().slugs().any(|slug| slug == "acme-bot"));
    }

    #[test]
    fn a_tenants_marks_are_found_however_they_are_written() {
        for (marks, message) in [
            ("trailers: [Acme_Run]", "Fix\n\nAcme_Run: 7"),
            ("trailers: [\"Co-authored-by: Acme Bot\"]", "Fix\n\nCo-authored-by: Acme Bot <acme@acme.example>"),
            ("footers: [\"🤖 Made with Acme\"]", "Fix\n\n🤖 Made with Acme 2"),
            ("footers: [\"[acme]\"]", "Fix\n\n[acme] did it"),
        ] {
            let file = parse(&with(&format!("  acme-bot: {{ {marks} }}"))).unwrap();
            let commit = Commit { message: message.to_owned(), ..Commit::default() };
            let found = attribute_with(file.catalogue.get(), &commit, &[], Circumstances::default());
            assert_eq!(found.map(|found| found.agent).as_deref(), Some("acme-bot"), "{marks}");
        }
    }

    #[test]
    fn what_is_wrong_with_agents_is_said_with_its_place() {
        for (agents, complaint) in [
            ("  acme-bot: { emails: [] }", "3:23: `emails` is empty"),
            ("  acme-bot: {}", "3:3: agent `acme-bot` has no marks"),
            ("  acme-bot: { email: [a@x.org] }", "3:15: agent `acme-bot` has no key `email`; did you mean `emails`?"),
            ("  acme-bot: { accounts: [mona] }", "3:26: an account is its number"),
            ("  - acme-bot", "3:3: `agents` is a table of agents"),
        ] {
            let errors = parse(&with(agents)).unwrap_err().to_string();
            assert!(errors.starts_with(complaint), "{agents}\n{errors}");
        }
        let taken = parse(&with("  acme-bot: { emails: [noreply@anthropic.com] }")).unwrap_err().to_string();
        assert!(taken.starts_with("3:3: "), "a mark of Claude Code stays Claude Code's: {taken}");
    }
}
