//! What an opening must tell, so that no rule is switched off by what it leaves out.
use serde::Deserialize;
use serde::de::IgnoredAny;

use super::known::Body;
use crate::ledger::entry::Header;
use crate::ledger::verify::read::body::{self, Opened};
use crate::ledger::verify::violation::Violation;

/// What `abridged` says where commits are left out, all of them.
const NO_COMMITS: &str = "\"commits\"";

#[derive(Deserialize)]
struct Commit {
    gated: bool,
    #[serde(default)]
    agent: Option<IgnoredAny>,
}

/// It says who set the run going, or rests on facts that do; and every server that names the judgement records what that rests
/// on, in the opening, in entries of its own, or at least by its digest.
pub(super) fn by_whom(entry: &Header<'_>) -> Result<(), Violation> {
    if entry.judgement.is_some() && entry.facts.is_none() && entry.facts_digest.is_none() {
        return Err(Violation::FactsLeftOut);
    }
    let told = [entry.actor, entry.triggering_actor, entry.facts, entry.facts_digest];
    if told.iter().all(Option::is_none) { Err(Violation::StartedByNobody) } else { Ok(()) }
}

/// What is known of the commits.
pub(super) struct Commits {
    /// Whether a rule holds one, as far as they are told.
    pub(super) are_gated: bool,
    /// Whether they are left out, all of them.
    pub(super) are_left_out: bool,
}

/// An agent is on as many commits as are counted: those without one are left out first.
pub(super) fn commits(entry: &Header<'_>, opened: &Opened) -> Result<Commits, Violation> {
    let commits: Vec<Commit> = body::need(entry.commits, "commits")?;
    let told = commits.iter().filter(|commit| commit.agent.is_some()).count() as u64;
    let are_left_out = commits.is_empty() && entry.abridged.is_some_and(|left_out| left_out.get() == NO_COMMITS);
    if !are_left_out {
        are_counted(told, opened.ai_commits)?;
    } else if opened.parties.iter().any(|party| party.says_why) {
        // Where there is no room for commits, there is none for that.
        return Err(Violation::LeftOutForNothing);
    }
    Ok(Commits { are_gated: commits.iter().any(|commit| commit.gated), are_left_out })
}

/// The commits on which an agent is told to be are those that are counted.
pub(in crate::ledger::verify) fn are_counted(told: u64, ai_commits: u64) -> Result<(), Violation> {
    if told == ai_commits { Ok(()) } else { Err(Violation::AgentsUncounted { told, ai_commits }) }
}

/// Whatever a rule holds expires: every server says when.
pub(super) fn until_when(opened: &Opened) -> Result<(), Violation> {
    let is_held_for_good = !opened.matched_rules.is_empty() && opened.expires_at.is_none();
    if is_held_for_good { Err(Violation::NeverExpires) } else { Ok(()) }
}

/// Whether openings say of what judgement their digest is: once a server has said it, no later one leaves it out.
#[derive(Debug, Default)]
pub(super) struct Judged(bool);

impl Judged {
    /// Looks at the next entry.
    pub(super) fn look(&mut self, body: &Body) -> Result<(), Violation> {
        let (Body::Opened(open) | Body::Rejudged(open)) = body else { return Ok(()) };
        if self.0 && !open.has_judgement {
            return Err(Violation::JudgementLeftOut);
        }
        self.0 |= open.has_judgement;
        Ok(())
    }
}
