//! Judging again when somebody was erased: who they were cannot be told any more, and what of their word can still be weighed.
use std::collections::BTreeSet;
use std::io::{self, BufRead};

use serde_json::Value;

use crate::domain::decide::{Judgement, Later, Persons, Quorum};
use crate::domain::people::Account;
use crate::domain::policy::Approvers;
use crate::ledger::record::RecordType;
use crate::ledger::sealing::{Subject, is_commitment};

/// Beyond the number of any account: an entry can hold none as large.
const NOBODYS: u64 = 1 << 53;

/// Those whose subject no opening tells, in the order in which they were met.
#[derive(Default)]
pub(super) struct Erased(Vec<Subject>);

impl Erased {
    /// Whoever is named there by a subject that nobody knows: an account that is theirs alone. They are nobody the facts
    /// name, since facts that told of them would be gone as well.
    pub(super) fn account(&mut self, who: &Value) -> Option<Account> {
        let subject = who["id"].as_str().and_then(Subject::parse)?;
        let place = self.0.iter().position(|known| *known == subject).unwrap_or_else(|| {
            self.0.push(subject);
            self.0.len() - 1
        });
        let id = NOBODYS.saturating_add(u64::try_from(place).unwrap_or_default());
        let kind = serde_json::from_value(who["kind"].clone()).ok()?;
        Some(Account { id, login: subject.to_string(), kind })
    }

    pub(super) fn is_one(account: &Account) -> bool {
        account.id >= NOBODYS
    }
}

/// Whether what an entry tells of somebody's standing is enough to weigh their word: access, which stands in clear, and the teams
/// they were in. Where only access is asked, no team is needed; and of a person a rule names nothing could be told but by
/// facts that would be gone as well.
pub(super) fn can_be_weighed(entry: &Value, judgement: &Judgement) -> bool {
    let by_access = |from: &Approvers| matches!(from, Approvers::Writers | Approvers::Admins);
    let only_by_access =
        |asked: &Persons| by_access(&asked.from) && asked.later.iter().all(|Later { from, .. }| by_access(from));
    !is_commitment(&entry["teams"]) || judgement.quorum.iter().flat_map(Quorum::groups).all(only_by_access)
}

/// Whom the ledger says were erased from these entries, and which entry says so; those without a subject are somebody.
///
/// # Errors
/// If the entries cannot be read.
pub fn erased_from(entries: &[Value], lines: impl BufRead) -> io::Result<Vec<String>> {
    let own: BTreeSet<u64> = entries.iter().filter_map(|entry| entry["seq"].as_u64()).collect();
    let mut erased = Vec::new();
    for line in lines.lines() {
        let line = line?;
        if !line.contains(RecordType::RedactionPerformed.as_str()) {
            continue;
        }
        let Ok(entry) = serde_json::from_str::<Value>(&line) else { continue };
        let of = entry["entries"].as_array().into_iter().flatten().filter_map(|of| of["seq"].as_u64());
        if entry["type"] == RecordType::RedactionPerformed.as_str() && of.into_iter().any(|seq| own.contains(&seq)) {
            let who = entry["subject"].as_str().unwrap_or("somebody without a subject");
            erased.push(format!("{who} (entry {})", entry["seq"]));
        }
    }
    Ok(erased)
}
