//! Whether whoever seconds is in a group that is asked, for whoever has the openings: members and teams are told only there.
//! What was erased counts in favour of whoever signed.
use std::collections::BTreeMap;

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::domain::Millis;
use crate::domain::decide::{Permission, Persons, Quorum, Standing};
use crate::domain::people::{Account, AccountKind, People};
use crate::domain::policy::Member;
use crate::ledger::record::RecordType;
use crate::ledger::sealing::is_commitment;
use crate::ledger::verify::read::who::AccountId;
use crate::ledger::verify::violation::Violation;

/// What each request asks that is not told to GitHub yet.
#[derive(Default)]
pub(super) struct Grouped(BTreeMap<String, Asked>);

#[derive(Default)]
struct Asked {
    /// Nothing where a part of it cannot be told.
    quorum: Option<Vec<Quorum>>,
    waited: Millis,
    /// Accounts that the policy knows by their numbers: a group may call them as they were called before.
    named: Vec<AccountId>,
    /// Whoever seconds, as far as it is told.
    standings: BTreeMap<AccountId, Option<Standing>>,
}

impl Grouped {
    /// Looks at the next entry of a request, with what its openings tell in its place.
    pub(super) fn follow(
        &mut self,
        request: &str,
        kind: RecordType,
        entry: &Map<String, Value>,
    ) -> Result<(), Violation> {
        if kind == RecordType::RequestOpened {
            self.0.insert(request.to_owned(), Asked::default());
        }
        // Opened before the entries that are checked.
        let Some(asked) = self.0.get_mut(request) else { return Ok(()) };
        match kind {
            RecordType::RequestOpened | RecordType::RequestRejudged => {
                (asked.quorum, asked.named) = (read(entry, "quorum"), named(entry));
            }
            RecordType::RequestEscalated | RecordType::RequestReminded => {
                asked.waited = asked.waited.max(read(entry, "waited").unwrap_or_default());
            }
            RecordType::ReviewRecorded if entry.get("verdict").is_some_and(|verdict| verdict == "approve") => {
                let id = asked.learn(entry);
                id.map_or(Ok(()), |id| asked.is_in_one(id))?;
            }
            RecordType::ReviewWeighed => drop(asked.learn(entry)),
            RecordType::DecisionRecorded => match entry.get("outcome").and_then(Value::as_str) {
                Some("approved") => asked.approved(entry)?,
                Some("superseded" | "withdrawn") => drop(self.0.remove(request)),
                _ => {}
            },
            RecordType::CallbackSent => drop(self.0.remove(request)),
            _ => {}
        }
        Ok(())
    }
}

impl Asked {
    fn learn(&mut self, entry: &Map<String, Value>) -> Option<AccountId> {
        let id = id(entry.get("reviewer")?)?;
        self.standings.insert(id, standing(entry));
        Some(id)
    }

    /// Whether somebody may count toward a part; yes where it cannot be told.
    fn counts(&self, part: &Persons, id: AccountId) -> bool {
        let standing = self.standings.get(&id).and_then(Option::as_ref);
        standing.is_none_or(|standing| {
            let may_be_called = || self.named.contains(&id) && part.members().any(|it| matches!(it, Member::User(_)));
            part.counts(&People::default(), standing, self.waited) || may_be_called()
        })
    }

    fn is_in_one(&self, id: AccountId) -> Result<(), Violation> {
        let Some(quorum) = &self.quorum else { return Ok(()) };
        match quorum.iter().flat_map(Quorum::groups).any(|part| self.counts(part, id)) {
            true => Ok(()),
            false => Err(Violation::NotInAGroup(id)),
        }
    }

    /// Everybody who seconded is in a group, and toward each part no more are counted than are in its.
    fn approved(&self, decision: &Map<String, Value>) -> Result<(), Violation> {
        let approvers = decision.get("approvers").and_then(Value::as_array).into_iter().flatten();
        let approvers: Vec<AccountId> = approvers.filter_map(id).collect();
        approvers.iter().try_for_each(|id| self.is_in_one(*id))?;
        let mut met = Vec::new();
        decision.get("quorum").into_iter().for_each(|quorum| counted(quorum, &mut met));
        for (part, have) in self.quorum.iter().flatten().flat_map(Quorum::groups).zip(met) {
            let may = approvers.iter().filter(|id| self.counts(part, **id)).count() as u64;
            if have > may {
                return Err(Violation::Overcounted { have, may });
            }
        }
        Ok(())
    }
}

/// How many are counted toward each part, in the order in which the parts are asked.
fn counted(met: &Value, parts: &mut Vec<u64>) {
    match met {
        Value::Array(all) => all.iter().for_each(|met| counted(met, parts)),
        Value::Object(met) => match met.get("any_of").or(met.get("all_of")) {
            Some(deeper) => counted(deeper, parts),
            None => parts.push(met.get("have").and_then(Value::as_u64).unwrap_or_default()),
        },
        _ => {}
    }
}

fn named(opening: &Map<String, Value>) -> Vec<AccountId> {
    let people = opening.get("people").and_then(Value::as_array).into_iter().flatten();
    people.filter_map(|person| person.get("accounts")?.as_array()).flatten().filter_map(id).collect()
}

fn id(who: &Value) -> Option<AccountId> {
    serde_json::from_value(who.get("id")?.clone()).ok()
}

/// Somebody's access and teams; nothing where the teams cannot be told. Whoever was erased is no member by name: what told
/// the members would be gone with them.
fn standing(entry: &Map<String, Value>) -> Option<Standing> {
    let teams = read(entry, "teams").filter(|_| !entry.get("teams").is_some_and(is_commitment))?;
    let login = entry.get("reviewer")?.get("login").and_then(Value::as_str).unwrap_or_default().to_owned();
    let account = Account { id: 0, login, kind: AccountKind::User };
    Some(Standing { account, permission: read(entry, "permission").unwrap_or(Permission::None), teams })
}

fn read<T: DeserializeOwned>(entry: &Map<String, Value>, name: &str) -> Option<T> {
    serde_json::from_value(entry.get(name)?.clone()).ok()
}
