//! What an opening must tell, so that no rule is switched off by what it leaves out.
use serde::Deserialize;
use serde::de::IgnoredAny;

use crate::ledger::entry::Header;
use crate::ledger::verify::read::body;
use crate::ledger::verify::violation::Violation;

/// What `abridged` says where commits are left out, all of them.
const NO_COMMITS: &str = "\"commits\"";

#[derive(Deserialize)]
struct Commit {
    gated: bool,
    #[serde(default)]
    agent: Option<IgnoredAny>,
}

/// It says who set the run going, or rests on facts that do.
pub(in crate::ledger::verify) fn by_whom(entry: &Header<'_>) -> Result<(), Violation> {
    let told = [entry.actor, entry.triggering_actor, entry.facts, entry.facts_digest];
    if told.iter().all(Option::is_none) { Err(Violation::StartedByNobody) } else { Ok(()) }
}

/// Whether a rule holds a commit. An agent is on as many commits as are counted: those without one are left out first.
pub(in crate::ledger::verify) fn is_gated(entry: &Header<'_>, ai_commits: u64) -> Result<bool, Violation> {
    let commits: Vec<Commit> = body::need(entry.commits, "commits")?;
    let told = commits.iter().filter(|commit| commit.agent.is_some()).count() as u64;
    let is_left_out = commits.is_empty() && entry.abridged.is_some_and(|left_out| left_out.get() == NO_COMMITS);
    if told != ai_commits && !is_left_out {
        return Err(Violation::AgentsUncounted { told, ai_commits });
    }
    Ok(commits.iter().any(|commit| commit.gated))
}
