//! What follows for certain from the facts that an opening rests on, where they are not sealed.
use serde::Deserialize;
use serde::de::IgnoredAny;

use super::body::{Person, need, was_read};
use super::who::AccountId;
use crate::ledger::entry::Header;
use crate::ledger::verify::violation::Violation;

/// Who had a part for certain, and on how many commits an agent is, by the facts an opening rests on. Who else had one, takes
/// the whole judgement to tell.
#[derive(Debug, Default)]
pub(in crate::ledger::verify) struct KnownParts {
    /// Whoever set the run going: they have a part by whatever rules it is judged.
    pub(in crate::ledger::verify) starters: Vec<AccountId>,
    /// They, and whoever wrote a held commit or is its co-author, with an account that GitHub names.
    pub(in crate::ledger::verify) all: Vec<AccountId>,
    /// Commits with an agent; nothing where the facts are sealed, or elsewhere.
    pub(in crate::ledger::verify) ai_commits: Option<u64>,
}

impl KnownParts {
    pub(in crate::ledger::verify) fn of(entry: &Header<'_>) -> Result<Self, Violation> {
        // Sealed facts tell nothing by themselves: whoever has the openings looks at them (`opened`).
        let Some(facts) = entry.facts.filter(|facts| facts.get().starts_with('{')) else { return Self::started(entry) };
        let facts: Facts = need(Some(facts), "facts")?;
        let commits = was_read(&entry.named().commits)?;
        let nobody = || Violation::Unreadable("facts: somebody is named who is not listed".to_owned());
        let id = |at: usize| facts.accounts.get(at).map(|account| account.id).ok_or_else(nobody);
        let started = facts.attempts.iter().flat_map(|it| [it.actor, it.triggering_actor]).flatten();
        let starters = started.chain([facts.deployment_creator, facts.sender].into_iter().flatten());
        let starters: Vec<AccountId> = starters.map(id).collect::<Result<_, _>>()?;
        let mut all = starters.clone();
        // An opening without room leaves commits out.
        if commits.len() == facts.commits.len() {
            for (written, _) in facts.commits.iter().zip(commits).filter(|(_, judged)| judged.gated) {
                for at in std::iter::once(written.author).chain(written.co_authors.iter().copied()) {
                    let identity = facts.identities.get(at).ok_or_else(nobody)?;
                    all.extend(identity.account.map(id).transpose()?);
                }
            }
        }
        let ai_commits = facts.commits.iter().filter(|commit| commit.found.is_some()).count() as u64;
        Ok(Self { starters, all, ai_commits: Some(ai_commits) })
    }

    /// What the opening itself tells of who set the run going.
    fn started(entry: &Header<'_>) -> Result<Self, Violation> {
        let told = entry.named().starters.iter().flatten().map(Person::named);
        let starters = told.map(|who| who.map(|who| who.id)).collect::<Result<Vec<_>, _>>()?;
        Ok(Self { all: starters.clone(), starters, ai_commits: None })
    }
}

/// Accounts and identities are named by their place in a list.
#[derive(Deserialize)]
struct Facts {
    accounts: Vec<Person>,
    identities: Vec<Identity>,
    attempts: Vec<Attempt>,
    deployment_creator: Option<usize>,
    sender: Option<usize>,
    commits: Vec<Written>,
}

#[derive(Deserialize)]
struct Identity {
    account: Option<usize>,
}

#[derive(Deserialize)]
struct Attempt {
    actor: Option<usize>,
    triggering_actor: Option<usize>,
}

#[derive(Deserialize)]
struct Written {
    author: usize,
    #[serde(default)]
    co_authors: Vec<usize>,
    found: Option<IgnoredAny>,
}
