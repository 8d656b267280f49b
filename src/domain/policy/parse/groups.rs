//! `approvers:` named groups of people, and `classes:` named kinds of changes.

use super::super::Member;
use super::super::classes::Meant;
use super::super::glob::Spelling;
use super::super::node::{Node, Value, Word};
use super::super::values::{is_group_name, member};
use super::super::vocabulary::{CLASS, PERMISSION};
use super::super::words::{nearest, no_name};
use super::Reader;
use crate::domain::decide::Permission;

/// Words that always mean repository access or `CODEOWNERS`.
pub(super) const RESERVED: [&str; 3] = ["writers", "admins", "codeowners"];
const PERMISSIONS: [(&str, Permission); 5] = [
    ("read", Permission::Read),
    ("triage", Permission::Triage),
    ("write", Permission::Write),
    ("maintain", Permission::Maintain),
    ("admin", Permission::Admin),
];

impl Reader {
    pub(super) fn approvers(&mut self, node: &Node) {
        let Value::Table(groups) = &node.value else {
            let message =
                format!("`approvers` is a table of groups (`platform: [octocat]`), not {}", node.value.kind());
            return self.complain(node.at, message);
        };
        let names: Vec<String> = groups
            .iter()
            .filter(|(group, node)| !is_of_itself(group, node))
            .map(|(group, _)| group.text.to_lowercase())
            .collect();
        for (group, members) in groups {
            if RESERVED.contains(&group.text.as_str()) {
                let what =
                    if group.text == "codeowners" { "the owners of the changed files" } else { "repository access" };
                let message = format!("`{}` always means {what}; choose another name", group.text);
                self.complain(group.at, message);
            } else if !is_group_name(&group.text) {
                self.complain(group.at, no_name(&group.text, "a group"));
            }
            // A group that has errors exists all the same: one mistake, one complaint.
            let members = self.members(group, members, &names);
            self.approvers.insert(group.text.clone(), members);
            self.declared.push(group.text.clone());
        }
    }

    fn members(&mut self, group: &Word, node: &Node, names: &[String]) -> Vec<Member> {
        let what = format!("group `{}`", group.text);
        let Some(items) = self.list(node, &what, "[octocat, \"@acme/platform\"]") else { return Vec::new() };
        let mut members = Vec::new();
        for item in items {
            let Some((member, text)) = self.member(item) else { continue };
            if let Some(message) = no_login(&member, &text, names) {
                self.complain(item.at, message);
            } else if members.contains(&member) {
                self.complain(item.at, format!("`{text}` is in group `{}` twice", group.text));
            } else {
                members.push(member);
            }
        }
        members
    }

    fn member(&mut self, item: &Node) -> Option<(Member, String)> {
        if let Value::Table(_) = &item.value {
            let table = self.table(item, "an approver", &PERMISSION)?;
            let permission = self.word(table.get("permission")?, "permission", &PERMISSIONS)?;
            return Some((Member::Permission(permission), format!("permission: {}", permission.as_str())));
        }
        let Value::Text(text) = &item.value else {
            let message = format!(
                "an approver is a login or a team (`octocat`, `\"@acme/platform\"`), not {}",
                item.value.kind()
            );
            self.complain(item.at, message);
            return None;
        };
        let text = text.as_str();
        if text == "codeowners" {
            return Some((Member::CodeOwners, text.to_owned()));
        }
        match member(text) {
            Ok(member) => Some((member, text.to_owned())),
            Err(message) => {
                let hint = match nearest(text, ["codeowners"]) {
                    Some(near) => format!("; did you mean `{near}`?"),
                    None => String::new(),
                };
                self.complain(item.at, format!("{message}{hint}"));
                None
            }
        }
    }

    pub(super) fn classes(&mut self, node: &Node) {
        let example = "schema: { paths: [\"db/**\"] }";
        let Value::Table(classes) = &node.value else {
            let message = format!("`classes` is a table of classes (`{example}`), not {}", node.value.kind());
            return self.complain(node.at, message);
        };
        for (word, node) in classes {
            if !is_group_name(&word.text) {
                self.complain(word.at, no_name(&word.text, "a class"));
            }
            let complaints = self.errors.len();
            let Some(table) = self.table(node, &format!("class `{}`", word.text), &CLASS) else { continue };
            let mut globs =
                |key, spelling| table.get(key).and_then(|node| self.globs(node, key, spelling)).unwrap_or_default();
            let class =
                Meant { paths: globs("paths", Spelling::Folders), commands: globs("commands", Spelling::Exact) };
            if class.paths.is_empty() && class.commands.is_empty() && self.errors.len() == complaints {
                self.complain(word.at, format!("class `{}` means nothing; write for example `{example}`", word.text));
            }
            self.classes.insert(word.text.clone(), class);
        }
    }
}

/// Whether the group is one account that is called like it: `octocat: [octocat]`.
fn is_of_itself(group: &Word, node: &Node) -> bool {
    let Value::List(items) = &node.value else { return false };
    let [Node { value: Value::Text(only), .. }] = items.as_slice() else { return false };
    only.trim().trim_start_matches('@').eq_ignore_ascii_case(&group.text)
}

/// What is wrong with a login that is a group's name, or a word for repository access. With its `@` it is meant.
fn no_login(member: &Member, text: &str, names: &[String]) -> Option<String> {
    let Member::User(login) = member else { return None };
    let text = text.trim();
    let of_access = |word: &str, least: &str| {
        format!(
            "`{text}` is no login: for everybody with this access write `{{ permission: {least} }}`, or ask `1 of {word}`"
        )
    };
    match login.as_str() {
        _ if text.starts_with('@') => None,
        "writers" => Some(of_access("writers", "write")),
        "admins" => Some(of_access("admins", "admin")),
        "codeowners" => Some(format!("`{text}` is no login; write `codeowners`")),
        _ if names.contains(login) => Some(format!(
            "`{text}` is a group, and a group has no groups in it; write its members here, or let a rule ask either \
             (`any_of: [1 of {text}, …]`). If an account is called so, write `\"@{text}\"`"
        )),
        _ => None,
    }
}
