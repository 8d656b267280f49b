//! `require:` how many persons, from whom.

use super::super::node::{Node, Place, Value};
use super::super::values::member;
use super::super::words::nearest;
use super::super::{Approvers, Member, Requirement};
use super::{RESERVED, Reader};

const REQUIREMENT_KEYS: [&str; 2] = ["approvals", "from"];

impl Reader {
    pub(super) fn require(&mut self, node: &Node) -> Option<Vec<Requirement>> {
        let items = self.list(node, "`require`", "[1 of writers]")?;
        Some(items.iter().filter_map(|item| self.requirement(item)).collect())
    }

    fn requirement(&mut self, node: &Node) -> Option<Requirement> {
        let (approvals, from, from_at) = match &node.value {
            Value::Text(text) => {
                let mut words = text.split_whitespace();
                let (Some(count), Some("of"), Some(from), None) =
                    (words.next(), words.next(), words.next(), words.next())
                else {
                    self.complain(node.at, format!("a requirement reads like `1 of writers`, not `{text}`"));
                    return None;
                };
                let Ok(count) = count.parse::<i64>() else {
                    self.complain(
                        node.at,
                        format!("`{count}` is not a number; a requirement reads like `1 of {from}`"),
                    );
                    return None;
                };
                (count, from.to_owned(), node.at)
            }
            Value::Table(_) => {
                let table = self.table(node, "a requirement", &REQUIREMENT_KEYS)?;
                let approvals = match table.get("approvals") {
                    None => 1,
                    Some(Node { value: Value::Number(number), .. }) => *number,
                    Some(other) => {
                        self.complain(other.at, format!("`approvals` is a number, not {}", other.value.kind()));
                        return None;
                    }
                };
                let Some(from) = table.get("from") else {
                    self.complain(node.at, "the requirement has no `from`; write for example `from: writers`");
                    return None;
                };
                (approvals, self.text(from, "`from`")?.trim().to_owned(), from.at)
            }
            other => {
                let message = format!("a requirement reads like `1 of writers`, not {}", other.kind());
                self.complain(node.at, message);
                return None;
            }
        };
        let from = self.approvers_named(&from, from_at)?;
        let Some(approvals) = u32::try_from(approvals).ok().filter(|approvals| (1..=100).contains(approvals)) else {
            self.complain(node.at, format!("{approvals} approvals are not possible; ask for 1 to 100"));
            return None;
        };
        self.possible(approvals, &from, node.at);
        Some(Requirement { approvals, from })
    }

    fn approvers_named(&mut self, word: &str, at: Place) -> Option<Approvers> {
        match word {
            "writers" => return Some(Approvers::Writers),
            "admins" => return Some(Approvers::Admins),
            group if self.approvers.contains_key(group) => return Some(Approvers::Group(group.to_owned())),
            _ => {}
        }
        let groups = self.approvers.keys().map(String::as_str).filter(|group| !group.starts_with('@')).chain(RESERVED);
        if let Some(near) = nearest(word, groups) {
            self.complain(at, format!("there is no group `{word}`; did you mean `{near}`?"));
            return None;
        }
        match member(word) {
            // Somebody named on the spot is a group of one that is called like them.
            Ok(member) => {
                self.approvers.insert(word.to_owned(), vec![member]);
                Some(Approvers::Group(word.to_owned()))
            }
            Err(message) => {
                self.complain(at, format!("there is no group `{word}`, and {message}"));
                None
            }
        }
    }

    /// A team may have any number of members; named users are counted.
    fn possible(&mut self, approvals: u32, from: &Approvers, at: Place) {
        let Approvers::Group(name) = from else { return };
        let Some(members) = self.approvers.get(name) else { return };
        let users = members.len();
        if !members.is_empty() && members.iter().all(|m| matches!(m, Member::User(_))) && (approvals as usize) > users {
            let persons = if users == 1 { "1 person".to_owned() } else { format!("{users} persons") };
            self.complain(at, format!("nobody can meet this: {approvals} approvals from `{name}`, which is {persons}"));
        }
    }
}
