//! What a judgement made again may change, and what not: what is held is as it was, and the same rules ask the same.
use std::mem::take;

use serde_json::value::RawValue;

use super::humans::Several;
use super::open::Open;
use crate::ledger::entry::Header;
use crate::ledger::verify::violation::Violation;

/// Who judged it, and what it asks: what follows from the rules alone.
#[derive(Debug, Default)]
pub(in crate::ledger::verify) struct Judged {
    /// The software.
    sw: Box<str>,
    /// Its catalogue of agents, as it is written.
    catalogue: Box<str>,
    /// The rules that matched, as they are written.
    pub(in crate::ledger::verify) rules: Box<str>,
}

impl Judged {
    pub(in crate::ledger::verify) fn of(entry: &Header<'_>) -> Self {
        Self {
            sw: (&*entry.sw).into(),
            catalogue: entry.catalogue.map_or("", RawValue::get).into(),
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
        now.is_asked_otherwise = !is_unknown && self.asks_otherwise(&now)?;
        self.forget_no_rule(&now);
        // Who approved before approved the same thing; whether they still may, is asked anew. Who set it going is as it was, and so
        // is a denial.
        let is_denied = self.is_denied || now.is_denied;
        let Open {
            is_from_before,
            opened_at,
            approvals,
            denials,
            denied,
            starters,
            waited,
            release_taken_back,
            asked_before,
            nobody_left,
            ..
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
            asked_before,
            nobody_left,
            commits,
            ..now
        };
        Ok(())
    }

    /// By the same rules, the same software with the same catalogue finds agents on the same commits. And where the same rules match,
    /// they ask the same and end at the same time, whatever the catalogue: if another version reads them otherwise, that is told.
    fn asks_otherwise(&self, now: &Open) -> Result<bool, Violation> {
        if !self.policy.has_rules_of(&now.policy) {
            return Ok(false);
        }
        let (before, again) = (&self.judged, &now.judged);
        let is_by_the_same = before.sw == again.sw;
        if is_by_the_same && before.catalogue == again.catalogue && self.ai_commits != now.ai_commits {
            return Err(Violation::OtherAgents { before: self.ai_commits, now: now.ai_commits });
        }
        if before.rules != again.rules {
            return Ok(false);
        }
        let is_asked_like = self.quorum.len() == now.quorum.len()
            && self.quorum.iter().zip(now.quorum.iter()).all(|(before, now)| before.is_asked_like(now));
        match (is_asked_like, self.expires_at == now.expires_at) {
            (false, _) if is_by_the_same => Err(Violation::AskedOtherwise),
            (_, false) if is_by_the_same => Err(Violation::OtherExpiry),
            (is_like, ends_alike) => Ok(!is_like || !ends_alike),
        }
    }
}
