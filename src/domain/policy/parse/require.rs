//! `require:` how many persons, from whom.

use std::collections::BTreeSet;

use super::super::Member;
use super::super::node::{Node, Place, Value};
use super::super::rule::{Approvals, Approvers, Assurance, Requirement};
use super::super::values::member;
use super::super::vocabulary::LONG;
use super::super::words::{meant, nearest};
use super::Reader;
use super::groups::RESERVED;

/// Alternatives within alternatives; deeper ones nobody reads.
const DEEPEST: usize = 4;
/// A request's entry in the ledger names them all.
const MOST: usize = 32;
pub(super) const ASSURANCES: [(&str, Assurance); 3] =
    [("click", Assurance::Click), ("session", Assurance::Session), ("passkey", Assurance::Passkey)];

impl Reader {
    pub(super) fn require(&mut self, node: &Node, assurance: Assurance) -> Option<Vec<Requirement>> {
        let all = self.requirements(node, "`require`", assurance, 1)?;
        let count = all.iter().map(count).sum::<usize>();
        if count > MOST {
            self.complain(node.at, format!("the rule asks {count} groups; the most is {MOST}"));
        }
        Some(all)
    }

    fn requirements(
        &mut self,
        node: &Node,
        what: &str,
        assurance: Assurance,
        depth: usize,
    ) -> Option<Vec<Requirement>> {
        let Some(items) = self.list(node, what, "[1 of writers]") else {
            // Brackets are missing, and more may be wrong.
            let is_one = match &node.value {
                Value::Text(text) => text.contains(" of "),
                Value::Table(entries) => entries.first().is_some_and(|(key, _)| LONG.has(&key.text)),
                _ => false,
            };
            if is_one {
                self.requirement(node, assurance, depth);
            }
            return None;
        };
        Some(items.iter().filter_map(|item| self.requirement(item, assurance, depth)).collect())
    }

    fn requirement(&mut self, node: &Node, assurance: Assurance, depth: usize) -> Option<Requirement> {
        match &node.value {
            _ if self.has_enough() => None,
            Value::Text(text) => self.short(node, text, assurance),
            Value::Table(_) => self.long(node, assurance, depth),
            other => {
                let message = format!("a requirement reads like `1 of writers`, not {}", other.kind());
                self.complain(node.at, message);
                None
            }
        }
    }

    /// `1 of writers`
    fn short(&mut self, node: &Node, text: &str, assurance: Assurance) -> Option<Requirement> {
        let mut words = text.split_whitespace();
        let (Some(count), Some("of"), Some(from), None) = (words.next(), words.next(), words.next(), words.next())
        else {
            self.complain(node.at, format!("a requirement reads like `1 of writers`, not `{text}`"));
            return None;
        };
        let Ok(count) = count.parse::<i64>() else {
            self.complain(node.at, format!("`{count}` is not a number; a requirement reads like `1 of {from}`"));
            self.approvers_named(from, node.at);
            return None;
        };
        self.approvals(node.at, count, from, node.at, assurance)
    }

    /// `{ approvals: 1, from: security, assurance: passkey }`, `{ any_of: […] }`, `{ all_of: […] }`
    fn long(&mut self, node: &Node, assurance: Assurance, depth: usize) -> Option<Requirement> {
        let table = self.table(node, "a requirement", &LONG)?;
        for (key, make) in [("any_of", Requirement::AnyOf as fn(_) -> _), ("all_of", Requirement::AllOf as fn(_) -> _)]
        {
            let Some(parts) = table.get(key) else { continue };
            let is_alone = table.entries.len() == 1;
            if !is_alone {
                self.complain(node.at, format!("`{key}` stands alone; put the other requirement into its list"));
            }
            if depth > DEEPEST {
                self.complain(node.at, format!(
                        "`any_of` and `all_of` stand at most {DEEPEST} deep in each other; a list in a list of the same word is one list, \
                         and a second rule adds to what the first one asks"
                    ));
                return None;
            }
            let parts = self.requirements(parts, &format!("`{key}`"), assurance, depth + 1)?;
            return is_alone.then(|| make(parts));
        }
        let approvals = match table.get("approvals") {
            None => Some(1),
            Some(Node { value: Value::Number(number), .. }) => Some(*number),
            Some(other) => {
                self.complain(other.at, format!("`approvals` is a number, not {}", other.value.kind()));
                None
            }
        };
        let assurance = match table.get("assurance") {
            None => Some(assurance),
            Some(node) => self.assurance(node),
        };
        let Some(from) = table.get("from") else {
            self.complain(node.at, "the requirement has no `from`; write for example `from: writers`");
            return None;
        };
        let name = self.text(from, "`from`")?.trim().to_owned();
        let (Some(approvals), Some(assurance)) = (approvals, assurance) else {
            self.approvers_named(&name, from.at);
            return None;
        };
        self.approvals(node.at, approvals, &name, from.at, assurance)
    }

    pub(super) fn assurance(&mut self, node: &Node) -> Option<Assurance> {
        let assurance = self.word(node, "assurance", &ASSURANCES)?;
        self.warn_of(assurance, node.at);
        Some(assurance)
    }

    /// Says so where nobody can speak as surely as is asked.
    pub(super) fn warn_of(&mut self, assurance: Assurance, at: Place) {
        if assurance > Assurance::Click {
            let word = assurance.as_str();
            self.warn(at, format!("this version has no way to approve by `{word}`; nobody can meet this yet"));
        }
    }

    fn approvals(
        &mut self,
        at: Place,
        approvals: i64,
        from: &str,
        from_at: Place,
        assurance: Assurance,
    ) -> Option<Requirement> {
        let from = self.approvers_named(from, from_at)?;
        let Some(approvals) = u32::try_from(approvals).ok().filter(|approvals| (1..=100).contains(approvals)) else {
            self.complain(at, format!("{approvals} approvals are not possible; ask for 1 to 100"));
            return None;
        };
        self.possible(approvals, &from, at);
        Some(Requirement::Approvals(Approvals { approvals, from, assurance }))
    }

    pub(super) fn approvers_named(&mut self, word: &str, at: Place) -> Option<Approvers> {
        match word {
            "writers" => return Some(Approvers::Writers),
            "admins" => return Some(Approvers::Admins),
            "codeowners" => return Some(Approvers::CodeOwners),
            group if self.approvers.contains_key(group) => return Some(Approvers::Group(group.to_owned())),
            _ => {}
        }
        let read = member(word);
        // Somebody named on the spot is a group of one that is called like them, with or without `@`.
        let name = match &read {
            Ok(Member::User(_)) => word.trim_start_matches('@'),
            _ => word,
        };
        let is_same = |members: &Vec<Member>| read.as_ref().is_ok_and(|one| members.as_slice() == [one.clone()]);
        if self.approvers.get(name).is_some_and(is_same) {
            return Some(Approvers::Group(name.to_owned()));
        }
        let groups = self.declared.iter().map(String::as_str).chain(RESERVED);
        // Whoever writes a team's `@acme/platform` means it.
        let is_team = matches!(&read, Ok(Member::Team { .. }));
        if let (false, Some(near)) = (is_team, nearest(word, groups)) {
            self.complain(at, format!("there is no group `{word}`; {}", meant(word, near)));
            return None;
        }
        match read {
            Ok(member) => {
                self.approvers.insert(name.to_owned(), vec![member]);
                Some(Approvers::Group(name.to_owned()))
            }
            Err(message) => {
                self.complain(at, format!("there is no group `{word}`, and {message}"));
                None
            }
        }
    }

    /// A team may have any number of members; named users are counted, as the humans `people` says they are.
    fn possible(&mut self, approvals: u32, from: &Approvers, at: Place) {
        let Approvers::Group(name) = from else { return };
        let Some(members) = self.approvers.get(name) else { return };
        let mut humans = BTreeSet::new();
        for member in members {
            let Member::User(login) = member else { return };
            match self.people.iter().find(|person| person.logins.contains(login)) {
                Some(person) if person.is_machine => {}
                Some(person) => _ = humans.insert(person.logins.first().unwrap_or(login)),
                None => _ = humans.insert(login),
            }
        }
        let is_short = !members.is_empty() && (approvals as usize) > humans.len();
        if is_short {
            let persons = match humans.len() {
                0 => "nobody".to_owned(),
                1 => "1 person".to_owned(),
                many => format!("{many} persons"),
            };
            let so = if humans.len() < members.len() { ", as `people` says" } else { "" };
            self.complain(
                at,
                format!("nobody can meet this: {approvals} approvals from `{name}`, which is {persons}{so}"),
            );
        }
    }
}

fn count(requirement: &Requirement) -> usize {
    match requirement {
        Requirement::Approvals(_) => 1,
        Requirement::AnyOf(parts) | Requirement::AllOf(parts) => parts.iter().map(count).sum(),
    }
}
