//! A policy as one would write it. Reading it again gives the same policy.

use std::fmt::{self, Write as _};

use super::classes::Meant;
use super::glob::Glob;
use super::rule::{Assurance, Mode, Unattributed};
use super::scope::Scope;
use super::values::{self, is_group_name};
use super::{
    Approvals, AuthoredBy, Consequence, DEFAULT_EXPIRY, Freeze, Gate, Member, NamedPerson, PolicyFile, Requirement,
    Rule,
};
use crate::domain::Millis;
use crate::domain::attribution::{ExtraAgent, ExtraMark};

/// The file as YAML: every key in its usual place, nothing that goes without saying.
#[must_use]
pub fn print(file: &PolicyFile) -> String {
    let mut page = String::from("version: 1\n");
    // Writing to a text does not fail.
    let _ = write_file(&mut page, file);
    page
}

fn write_file(page: &mut String, file: &PolicyFile) -> fmt::Result {
    // Teams that a requirement names on the spot have names that no group can have.
    let groups = file.approvers.iter().filter(|(name, _)| is_group_name(name));
    let groups = groups.map(|(name, members)| (name.clone(), list(members.iter().map(|one| member(one, file)))));
    write_named(page, "approvers", groups)?;
    write_named(page, "people", file.people.iter().map(|person| (person.name.clone(), person_of(person))))?;
    write_named(page, "agents", file.catalogue.rows().iter().map(|row| (row.slug.clone(), agent(row))))?;
    let classes = file.classes.iter().map(|(name, meant)| (name.clone(), class(meant)));
    write_named(page, "classes", classes)?;
    if !file.freezes.is_empty() {
        writeln!(page, "freeze:")?;
        file.freezes.iter().try_for_each(|each| writeln!(page, "  - {}", freeze(each)))?;
    }
    if let Some(stop) = &file.stop {
        writeln!(page, "stop: {}", text(stop))?;
    }
    writeln!(page, "rules:")?;
    for rule in &file.rules {
        let mut indent = "  - ";
        for (key, value) in lines(rule) {
            writeln!(page, "{indent}{key}: {value}")?;
            indent = "    ";
        }
    }
    Ok(())
}

fn write_named(page: &mut String, key: &str, all: impl Iterator<Item = (String, String)>) -> fmt::Result {
    let mut all = all.peekable();
    if all.peek().is_some() {
        writeln!(page, "{key}:")?;
    }
    all.try_for_each(|(name, value)| writeln!(page, "  {}: {value}", text(&name)))
}

fn lines(rule: &Rule) -> Vec<(&'static str, String)> {
    let mut lines = vec![("name", text(&rule.name))];
    if rule.gate != Gate::default() {
        lines.push(("gate", rule.gate.as_str().to_owned()));
    }
    lines.extend(covered(&rule.scope));
    if let Some(except) = &rule.except {
        lines.push(("except", table(covered(except))));
    }
    match &rule.authored_by {
        AuthoredBy::Ai => {}
        AuthoredBy::Unproven => lines.push(("authored_by", "unproven".to_owned())),
        AuthoredBy::Anyone => lines.push(("authored_by", "anyone".to_owned())),
        AuthoredBy::Agents(agents) => lines.push(("authored_by", texts(agents))),
    }
    match &rule.consequence {
        Consequence::Deny(message) => lines.push(("deny", text(message))),
        Consequence::Require(all) => lines.push(("require", list(all.iter().map(requirement)))),
    }
    if let Some(reason) = &rule.reason {
        lines.push(match &reason.pattern {
            None => ("reason", "required".to_owned()),
            Some(pattern) => ("reason", table([("pattern", text(pattern.as_str()))])),
        });
    }
    if rule.expires_after != DEFAULT_EXPIRY {
        lines.push(("expires", values::spell(rule.expires_after)));
    }
    if !rule.remind.is_empty() {
        lines.push(("remind", list(rule.remind.iter().map(|after: &Millis| values::spell(*after)))));
    }
    if !rule.escalate.is_empty() {
        let step =
            |step: &super::Escalation| table([("after", values::spell(step.after)), ("to", text(step.to.as_str()))]);
        lines.push(("escalate", list(rule.escalate.iter().map(step))));
    }
    if rule.unattributed == Unattributed::Deny {
        lines.push(("unattributed", "deny".to_owned()));
    }
    if rule.mode == Mode::Shadow {
        lines.push(("mode", "shadow".to_owned()));
    }
    lines
}

fn covered(scope: &Scope) -> Vec<(&'static str, String)> {
    let Scope { environments, branches, tags, workflows, jobs, commands, paths, classes, .. } = scope;
    let dimensions = [
        ("environments", environments),
        ("branches", branches),
        ("tags", tags),
        ("workflows", workflows),
        ("jobs", jobs),
        ("commands", commands),
        ("paths", paths),
    ];
    let written = dimensions.into_iter().filter(|(_, patterns)| !patterns.is_empty());
    let mut lines: Vec<_> = written.map(|(key, patterns)| (key, globs(patterns))).collect();
    if !classes.is_empty() {
        lines.push(("classes", texts(classes)));
    }
    lines
}

fn requirement(requirement: &Requirement) -> String {
    match requirement {
        Requirement::AnyOf(parts) => table([("any_of", list(parts.iter().map(self::requirement)))]),
        Requirement::AllOf(parts) => table([("all_of", list(parts.iter().map(self::requirement)))]),
        Requirement::Approvals(Approvals { approvals, from, assurance: Assurance::Click }) => {
            text(&format!("{approvals} of {}", from.as_str()))
        }
        Requirement::Approvals(Approvals { approvals, from, assurance }) => table([
            ("approvals", approvals.to_string()),
            ("from", text(from.as_str())),
            ("assurance", assurance.as_str().to_owned()),
        ]),
    }
}

fn member(member: &Member, file: &PolicyFile) -> String {
    // A login that a group, or a word of the language, has as its name.
    let is_taken = |login: &str| {
        let is_other = |(name, all): (&String, &Vec<Member>)| {
            name.eq_ignore_ascii_case(login) && all.as_slice() != [Member::User(login.to_owned())]
        };
        ["writers", "admins", "codeowners"].contains(&login) || file.approvers.iter().any(is_other)
    };
    match member {
        Member::User(login) if is_taken(login) => text(&format!("@{login}")),
        Member::User(login) => text(login),
        Member::Team { org, slug } => text(&format!("@{org}/{slug}")),
        Member::Permission(least) => table([("permission", least.as_str().to_owned())]),
        Member::CodeOwners => "codeowners".to_owned(),
    }
}

fn person_of(person: &NamedPerson) -> String {
    if person.is_machine {
        return "machine".to_owned();
    }
    let also = person.logins.get(1..).unwrap_or_default();
    let keys = [("also", also), ("emails", &person.emails)];
    table(keys.into_iter().filter(|(_, all)| !all.is_empty()).map(|(key, all)| (key, texts(all))))
}

fn agent(row: &ExtraAgent) -> String {
    let mut keys = Vec::new();
    if !row.name.is_empty() {
        keys.push(("name", text(&row.name)));
    }
    let mut marks: Vec<(&str, Vec<String>)> = Vec::new();
    for mark in &row.marks {
        let (key, value) = match mark {
            ExtraMark::Email(value) => ("emails", text(value)),
            ExtraMark::Login(value) => ("logins", text(value)),
            ExtraMark::Trailer { key, value } if value.is_empty() => ("trailers", text(key)),
            ExtraMark::Trailer { key, value } => ("trailers", text(&format!("{key}: {value}"))),
            ExtraMark::Footer(value) => ("footers", text(value)),
            ExtraMark::Branch(value) => ("branches", text(value)),
            ExtraMark::Body(value) => ("bodies", text(value)),
            ExtraMark::Account(id) => ("accounts", id.to_string()),
        };
        match marks.iter_mut().find(|(same, _)| *same == key) {
            Some((_, values)) => values.push(value),
            None => marks.push((key, vec![value])),
        }
    }
    keys.extend(marks.into_iter().map(|(key, values)| (key, list(values))));
    table(keys)
}

fn class(meant: &Meant) -> String {
    let keys = [("paths", &meant.paths), ("commands", &meant.commands)];
    table(keys.into_iter().filter(|(_, all)| !all.is_empty()).map(|(key, all)| (key, globs(all))))
}

fn freeze(freeze: &Freeze) -> String {
    let mut keys = vec![
        ("name", text(freeze.name())),
        ("zone", text(freeze.zone())),
        ("from", text(freeze.from())),
        ("to", text(freeze.to())),
    ];
    if !freeze.environments().is_empty() {
        keys.push(("environments", texts(freeze.environments())));
    }
    table(keys)
}

fn globs(globs: &[Glob]) -> String {
    list(globs.iter().map(|glob| text(glob.as_str())))
}

fn texts(all: &[String]) -> String {
    list(all.iter().map(|one| text(one)))
}

fn list(items: impl IntoIterator<Item = String>) -> String {
    format!("[{}]", items.into_iter().collect::<Vec<_>>().join(", "))
}

fn table(keys: impl IntoIterator<Item = (&'static str, String)>) -> String {
    let keys: Vec<String> = keys.into_iter().map(|(key, value)| format!("{key}: {value}")).collect();
    if keys.is_empty() { "{}".to_owned() } else { format!("{{ {} }}", keys.join(", ")) }
}

/// A text as a scalar: plain where nobody can take it for something else, quoted otherwise.
fn text(text: &str) -> String {
    let is_count = |count: &str| !count.is_empty() && count.bytes().all(|b| b.is_ascii_digit());
    let is_sentence = text.split_once(" of ").is_some_and(|(count, _)| is_count(count));
    let is_safe = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | '/' | ' ' | '@');
    let is_plain = text.starts_with(|c: char| c.is_ascii_alphabetic() || is_sentence)
        && text.ends_with(|c: char| c.is_ascii_alphanumeric())
        && text.chars().all(is_safe)
        && !is_word_of_yaml(text);
    if is_plain { text.to_owned() } else { quoted(text) }
}

/// Words that some reader of YAML takes for a truth value, nothing, or a number.
fn is_word_of_yaml(text: &str) -> bool {
    const WORDS: [&str; 9] = ["true", "false", "yes", "no", "on", "off", "y", "n", "null"];
    WORDS.iter().any(|word| text.eq_ignore_ascii_case(word)) || text.parse::<f64>().is_ok()
}

fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            '\n' => quoted.push_str("\\n"),
            '\t' => quoted.push_str("\\t"),
            // What a reader of YAML takes for the end of a line, or does not take at all.
            c if c.is_control() || matches!(c, '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}') => {
                let _ = write!(quoted, "\\u{:04x}", u32::from(c));
            }
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}
