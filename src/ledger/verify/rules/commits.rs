//! The commits that an opening tells of: as many as there were, and the same whenever it is judged again.
use std::borrow::Cow;

use super::told;
use crate::domain::request::Detail;
use crate::ledger::entry::Header;
use crate::ledger::verify::read::body::{self, Opened};
use crate::ledger::verify::violation::Violation;

/// Gaps of whoever found no deployment before this one: one of them is there wherever there is no base.
const WITHOUT_BASE: [&str; 2] = ["\"no_earlier_deployment\"", "\"deployment_history_too_long\""];

/// What is known of the commits.
#[derive(Debug)]
pub(in crate::ledger::verify) struct Commits {
    /// Their ids in their order, a line each, as far as they are told.
    ids: String,
    /// How much is told of them.
    detail: Detail,
    /// Whether a rule holds one.
    pub(super) are_gated: bool,
}

impl Default for Commits {
    /// Nothing is known.
    fn default() -> Self {
        Self { ids: String::new(), detail: Detail::None, are_gated: false }
    }
}

impl Commits {
    /// An agent is on as many commits as are counted: those without one are left out first.
    pub(super) fn of(entry: &Header<'_>, opened: &Opened<'_>) -> Result<Self, Violation> {
        let commits = body::was_read(&entry.named().commits)?;
        let abridged = entry.abridged.map(|raw| body::text(raw, "abridged")).transpose()?;
        let detail = Detail::of(abridged.as_deref())
            .ok_or_else(|| Violation::Unreadable(format!("abridged: {}", abridged.unwrap_or_default())))?;
        let counted = commits.iter().filter(|commit| commit.agent.is_some()).count() as u64;
        if detail != Detail::None || !commits.is_empty() {
            told::are_counted(counted, opened.ai_commits)?;
        } else if opened.parties.iter().any(|party| party.says_why) {
            // Where there is no room for commits, there is none for that.
            return Err(Violation::LeftOutForNothing);
        }
        if entry.base.is_none() {
            let gaps = entry.partial.map_or("", |gaps| gaps.get());
            if !WITHOUT_BASE.iter().any(|gap| gaps.contains(gap)) {
                return Err(Violation::ComparedWithNothing);
            }
        }
        let head = entry.head_sha.map_or(Ok(Cow::default()), |raw| body::text(raw, "head_sha"))?;
        let has_head = commits.is_empty() || commits.iter().any(|commit| commit.sha == head);
        if is_whole(detail) && opened.partial.is_empty() && !has_head {
            return Err(Violation::HeadLeftOut);
        }
        let ids = commits.iter().flat_map(|commit| [&*commit.sha, "\n"]).collect();
        Ok(Self { ids, detail, are_gated: commits.iter().any(|commit| commit.gated) })
    }

    /// Whether one may be left out with what is said of it, by which no agent is on one. Where no rule matches, there is room for
    /// all of them; where one does, for those without an agent there may be none.
    pub(super) fn are_loose(&self, opened: &Opened<'_>) -> bool {
        let may_be_cut = self.detail == Detail::GatedOnly && !opened.matched_rules.is_empty();
        opened.ai_commits == 0 && !is_whole(self.detail) && !may_be_cut
    }

    /// Takes what is told of them when they are judged again. They are the same, as far as both tell of them: what is without an
    /// agent may be left out in one, for want of room.
    pub(super) fn again(self, now: Self) -> Result<Self, Violation> {
        let is_told = match (is_whole(self.detail), is_whole(now.detail)) {
            (true, true) => self.ids == now.ids,
            (true, false) => now.are_among(&self),
            (false, true) => self.are_among(&now),
            (false, false) => true,
        };
        if !is_told {
            return Err(Violation::OtherCommits);
        }
        // Whoever tells less makes nobody forget what was told.
        if is_whole(self.detail) && !is_whole(now.detail) {
            return Ok(Self { are_gated: now.are_gated, ..self });
        }
        Ok(now)
    }

    /// Whether each is one of the others, in the same order.
    fn are_among(&self, all: &Self) -> bool {
        let mut all = all.ids.lines();
        self.ids.lines().all(|id| all.any(|other| other == id))
    }
}

/// Whether all of them are told.
fn is_whole(detail: Detail) -> bool {
    matches!(detail, Detail::Evidence | Detail::Agent)
}
