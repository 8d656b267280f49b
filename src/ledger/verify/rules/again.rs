//! What a judgement made again may change, and what not: what is held is as it was, and the same rules ask the same.
use std::mem::take;

use serde_json::value::RawValue;

use super::humans::Several;
use super::known::verbatim;
use super::open::Open;
use crate::ledger::entry::Header;
use crate::ledger::verify::violation::Violation;

/// Who judged it, and what it asks: what follows from the rules alone.
#[derive(Debug, Default)]
pub(in crate::ledger::verify) struct Judged {
    /// The software, and its catalogue of agents.
    pub(in crate::ledger::verify) by: String,
    /// The rules that matched, as they are written.
    pub(in crate::ledger::verify) rules: Box<str>,
}

impl Judged {
    pub(in crate::ledger::verify) fn of(entry: &Header<'_>) -> Self {
        Self {
            by: format!("{} {}", entry.sw, verbatim(&[entry.catalogue])),
            rules: entry.matched_rules.map_or("", RawValue::get).into(),
        }
    }
}

impl Open {
    /// Takes a judgement made again.
    ///
    /// A server judges again by the facts it stored when it opened the request: what is held, which commits and compared with
    /// what, is what was found then. Rules, the names of accounts, owners of files, and whether GitHub knows a branch may change.
    pub(super) fn judge_again(&mut self, mut now: Open, time: u64) -> Result<(), Violation> {
        let is_unknown = self.is_unknown();
        if now.subject != self.subject && !is_unknown {
            return Err(Violation::OtherSubject);
        }
        let commits = take(&mut self.commits).again(take(&mut now.commits))?;
        if let Some(missing) = self.starters.iter().find(|id| !now.parties.names(**id)) {
            return Err(Violation::PartyMissing(*missing));
        }
        if !is_unknown {
            self.asks_the_same(&now)?;
        }
        // Who approved before approved the same thing; whether they still may, is asked anew. Who set it going is as it was, and so
        // is a denial.
        let is_denied = self.is_denied || now.is_denied;
        let Open {
            is_from_before, opened_at, approvals, denials, denied, starters, waited, release_taken_back, ..
        } = take(self);
        *self = Open {
            is_from_before,
            opened_at,
            approved: Several::of(approvals.iter().map(|approval| approval.id), &now.humans),
            approvals,
            denials,
            denied,
            starters,
            changed_at: Some(time),
            is_denied,
            waited,
            release_taken_back,
            commits,
            ..now
        };
        Ok(())
    }

    /// Of the same software, agents are found on the same commits by the same rules; and where the same rules match, they ask the
    /// same and end at the same time.
    fn asks_the_same(&self, now: &Open) -> Result<(), Violation> {
        if self.judged.by != now.judged.by || !self.policy.has_rules_of(&now.policy) {
            return Ok(());
        }
        if self.ai_commits != now.ai_commits {
            return Err(Violation::OtherAgents { before: self.ai_commits, now: now.ai_commits });
        }
        if self.judged.rules != now.judged.rules {
            return Ok(());
        }
        let is_asked_like = self.quorum.len() == now.quorum.len()
            && self.quorum.iter().zip(&now.quorum).all(|(before, now)| before.is_asked_like(now));
        if !is_asked_like {
            return Err(Violation::AskedOtherwise);
        }
        if self.expires_at != now.expires_at {
            return Err(Violation::OtherExpiry);
        }
        Ok(())
    }
}
