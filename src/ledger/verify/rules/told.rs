//! What an opening must tell, so that no rule is switched off by what it leaves out.
use super::known::Body;
use crate::ledger::entry::Header;
use crate::ledger::sealing::{is_commitment_text, is_digest};
use crate::ledger::verify::read::body::{self, Opened};
use crate::ledger::verify::violation::Violation;

/// It says who set the run going, or rests on facts that do; and every server that names the judgement records what that rests
/// on, in the opening, in entries of its own, or at least by its digest.
pub(super) fn by_whom(entry: &Header<'_>) -> Result<(), Violation> {
    if entry.judgement.is_some() && entry.facts.is_none() && entry.facts_digest.is_none() {
        return Err(Violation::FactsLeftOut);
    }
    let told = [entry.actor, entry.triggering_actor, entry.facts, entry.facts_digest];
    if told.iter().all(Option::is_none) { Err(Violation::StartedByNobody) } else { Ok(()) }
}

/// What names where it goes and of which judgement it is, stands in clear: a commitment in its place would hide it.
pub(super) fn in_clear(entry: &Header<'_>) -> Result<(), Violation> {
    for (raw, name) in [(entry.environment, "environment"), (entry.head_sha, "head_sha")] {
        let text = raw.map(|raw| body::text(raw, name)).transpose()?;
        if text.is_some_and(|text| is_commitment_text(&text)) {
            return Err(Violation::Unreadable(format!("{name}: a commitment, where the value stands in clear")));
        }
    }
    for (raw, name) in [(entry.judgement, "judgement"), (entry.catalogue, "catalogue")] {
        let digest = raw.map(|raw| body::text(raw, name)).transpose()?;
        if let Some(text) = digest.filter(|text| !is_digest(text)) {
            let why = format!("{name}: {text:?} is not a digest of 64 hexadecimal digits");
            return Err(Violation::Unreadable(why));
        }
    }
    Ok(())
}

/// The commits on which an agent is told to be are those that are counted.
pub(in crate::ledger::verify) fn are_counted(told: u64, ai_commits: u64) -> Result<(), Violation> {
    if told == ai_commits { Ok(()) } else { Err(Violation::AgentsUncounted { told, ai_commits }) }
}

/// Whatever a rule holds expires: every server says when.
pub(super) fn until_when(opened: &Opened<'_>) -> Result<(), Violation> {
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
