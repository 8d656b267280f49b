//! Who has a part in what is held, and the fact that made them a party (P1).

use std::collections::{BTreeMap, HashSet};

use serde::{Deserialize, Serialize};

use super::attribution::{self, Attribution};
use super::facts::{Commit, Facts};
use super::people::{Account, AccountKind, Identity, People};

/// The fact that gave somebody a part.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(tag = "fact", rename_all = "snake_case")]
pub enum Part {
    /// Started the run.
    Actor {
        /// Attempt of the run.
        attempt: u32,
    },
    /// Started this attempt of the run.
    TriggeringActor {
        /// Attempt of the run.
        attempt: u32,
    },
    /// Created the deployment.
    DeploymentCreator,
    /// Sent the event that asks for the deployment.
    Sender,
    /// Wrote a gated commit.
    Author {
        /// The commit.
        sha: String,
    },
    /// Committed a gated commit.
    Committer {
        /// The commit.
        sha: String,
    },
    /// Is named as co-author of a gated commit.
    CoAuthor {
        /// The commit.
        sha: String,
    },
    /// Signed a gated commit with their key.
    Signer {
        /// The commit.
        sha: String,
    },
    /// Opened the pull request that brought gated commits.
    PullRequestAuthor {
        /// Its number.
        number: u64,
    },
    /// Set the agent that opened the pull request to work on it, or asked for its review: stands behind it.
    Sponsor {
        /// Its number.
        number: u64,
    },
    /// Is the same human as another party, by the policy's word.
    SamePerson {
        /// The other account's login.
        login: String,
    },
}

/// Somebody with a part, who can therefore not second.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Party {
    /// Who.
    #[serde(flatten)]
    pub account: Account,
    /// Every fact that made them one.
    pub because: Vec<Part>,
}

/// Somebody with a part whom nobody could tie to an account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unknown {
    /// As the commit spells it.
    pub name: String,
    /// As the commit spells it.
    pub email: String,
    /// Every fact that made them one.
    pub because: Vec<Part>,
}

/// Everybody with a part in what is held.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Parties {
    /// Accounts, ordered by id.
    pub known: Vec<Party>,
    /// Identities without an account; each costs one more approver.
    pub unknown: Vec<Unknown>,
}

impl Parties {
    /// The party with this account id.
    #[must_use]
    pub fn find(&self, account_id: u64) -> Option<&Party> {
        self.known.iter().find(|p| p.account.id == account_id)
    }

    /// Whoever has a part under one account has it under all of theirs.
    pub(super) fn join_persons(&mut self, people: &People) {
        for person in &people.0 {
            let Some(login) = person.accounts.iter().find_map(|a| self.find(a.id)).map(|p| p.account.login.clone())
            else {
                continue;
            };
            for account in &person.accounts {
                if self.find(account.id).is_none() {
                    let because = vec![Part::SamePerson { login: login.clone() }];
                    self.known.push(Party { account: account.clone(), because });
                }
            }
        }
        self.known.sort_by_key(|party| party.account.id);
    }

    /// Collects the parties of a gate: whoever set it going, and for the gated commits whoever wrote or brought them.
    ///
    /// An identity that the catalogue knows as a machine is not a person and makes no party by itself.
    #[must_use]
    pub fn of(facts: &Facts, gated: &[(&Commit, Option<&Attribution>)]) -> Self {
        let mut collected = Collected { people: Some(&facts.people), ..Collected::default() };
        for attempt in &facts.run.attempts {
            if attempt.actor.is_none() && attempt.triggering_actor.is_none() {
                let name = format!("whoever started attempt {}", attempt.number);
                collected.nobody_knows(name, Part::TriggeringActor { attempt: attempt.number });
            }
            collected.account(&attempt.actor, || Part::Actor { attempt: attempt.number });
            collected.account(&attempt.triggering_actor, || Part::TriggeringActor { attempt: attempt.number });
        }
        collected.account(&facts.deployment_creator, || Part::DeploymentCreator);
        collected.account(&facts.sender, || Part::Sender);
        let mut brought = BTreeMap::new();
        for (commit, attribution) in gated {
            collected.commit(commit, *attribution);
            brought.extend(facts.pull_requests_of(commit).map(|pull_request| (pull_request.number, pull_request)));
            if let Some(found) = attribution
                && !names_a_human(commit, found, facts)
                && !collected.has_unknown_of(commit)
            {
                let name = format!("whoever had {} write it", found.name);
                collected.nobody_knows(name, Part::Author { sha: commit.sha.clone() });
            }
        }
        // A squash keeps the merger's name and may drop everybody else's: whoever wrote on the branch has a part, too.
        for (number, pull_request) in brought {
            collected.account(&pull_request.author, || Part::PullRequestAuthor { number });
            if !is_human(&pull_request.author, &facts.people) {
                for sponsor in &pull_request.sponsors {
                    collected.add(sponsor, Part::Sponsor { number });
                }
                if pull_request.has_more_sponsors {
                    let name = format!("whoever else asked for pull request #{number}");
                    collected.nobody_knows(name, Part::Sponsor { number });
                }
            }
            pull_request.commits.iter().for_each(|commit| collected.commit(commit, None));
        }
        collected.finish()
    }
}

/// Whether GitHub ties an agent's commit, or a pull request that brought it, to a human: as author, committer, whoever opened it
/// or asked for it. An agent does not write by itself: when nobody is tied to it, somebody is hidden. Some agents have personal
/// accounts, to which GitHub links their addresses.
///
/// A co-author trailer does not count. Whom it names is barred, but whoever had the agent write chose the name: a stranger's
/// would hide them, and leave them free to approve.
fn names_a_human(commit: &Commit, found: &Attribution, facts: &Facts) -> bool {
    let is_human = |account: &Option<Account>| is_human(account, &facts.people);
    let agents = agents_of(Some(found));
    let is_nobody =
        |who: &Identity| who.is_github_itself() || attribution::is_machine(who) || is_among(&agents, &who.email);
    let is_known = |who: &Identity| {
        is_human(&who.account) || facts.people.by_email(&who.email).is_some_and(|person| !person.is_machine)
    };
    let on_commit =
        |commit: &Commit| [&commit.author, &commit.committer].into_iter().any(|who| !is_nobody(who) && is_known(who));
    on_commit(commit)
        || facts.pull_requests_of(commit).any(|pull_request| {
            is_human(&pull_request.author)
                || pull_request.sponsors.iter().any(|sponsor| is_human(&Some(sponsor.clone())))
                || pull_request.commits.iter().any(on_commit)
        })
}

/// The addresses that are agents' by a tenant's catalogue, too.
fn agents_of(attribution: Option<&Attribution>) -> HashSet<&str> {
    attribution.map(|found| found.agent_emails.iter().map(String::as_str).collect()).unwrap_or_default()
}

fn is_among(agents: &HashSet<&str>, email: &str) -> bool {
    !agents.is_empty() && agents.contains(email.to_lowercase().as_str())
}

/// A personal account, unless the policy or the catalogue says that a program has it.
fn is_human(account: &Option<Account>, people: &People) -> bool {
    account.as_ref().is_some_and(|account| account.kind == AccountKind::User && !people.is_a_program(account))
}

#[derive(Default)]
struct Collected<'a> {
    people: Option<&'a People>,
    known: BTreeMap<u64, Party>,
    unknown: BTreeMap<String, Unknown>,
    /// The commits that somebody unknown wrote.
    by_unknown: HashSet<String>,
}

impl Collected<'_> {
    fn account(&mut self, account: &Option<Account>, part: impl FnOnce() -> Part) {
        if let Some(account) = account {
            self.add(account, part());
        }
    }

    fn add(&mut self, account: &Account, part: Part) {
        let of_account = || Party { account: account.clone(), because: Vec::new() };
        let party = self.known.entry(account.id).or_insert_with(of_account);
        if !party.because.contains(&part) {
            party.because.push(part);
        }
    }

    /// Whether somebody unknown wrote this commit already.
    fn has_unknown_of(&self, commit: &Commit) -> bool {
        self.by_unknown.contains(&commit.sha)
    }

    fn nobody_knows(&mut self, name: String, part: Part) {
        let unknown = self.unknown.entry(name.clone()).or_insert_with(|| Unknown {
            name,
            email: String::new(),
            because: Vec::new(),
        });
        unknown.because.push(part.clone());
        self.note_writer(part);
    }

    fn note_writer(&mut self, part: Part) {
        if let Part::Author { sha } | Part::Committer { sha } = part {
            self.by_unknown.insert(sha);
        }
    }

    fn commit(&mut self, commit: &Commit, attribution: Option<&Attribution>) {
        let agents = agents_of(attribution);
        self.identity(&commit.author, &agents, Part::Author { sha: commit.sha.clone() });
        if !commit.committer.is_github_itself() {
            self.identity(&commit.committer, &agents, Part::Committer { sha: commit.sha.clone() });
        }
        for co_author in &commit.co_authors {
            self.identity(co_author, &agents, Part::CoAuthor { sha: commit.sha.clone() });
        }
        if let Some(signature) =
            commit.signature.as_ref().filter(|signature| signature.is_valid && !signature.by_github)
        {
            self.account(&signature.signer, || Part::Signer { sha: commit.sha.clone() });
        }
        for co_author in commit.named_in_message() {
            self.identity(&co_author, &agents, Part::CoAuthor { sha: commit.sha.clone() });
        }
    }

    fn identity(&mut self, identity: &Identity, agents: &HashSet<&str>, part: Part) {
        if let Some(account) = identity.resolved() {
            // GitHub links authors' and committers' addresses itself. One it does not link spells out whatever its writer liked:
            // whom it names is barred, and who wrote it is unknown all the same.
            let is_claim = identity.account.is_none() && !matches!(part, Part::CoAuthor { .. });
            if !is_claim || attribution::is_machine(identity) {
                return self.add(&account, part);
            }
            self.add(&account, part.clone());
        }
        if attribution::is_machine(identity) || is_among(agents, &identity.email) {
            return;
        }
        // The policy's word comes last: it can name somebody nobody knew, never unname somebody GitHub knows.
        if let Some(person) = self.people.and_then(|people| people.by_email(&identity.email)) {
            person.accounts.iter().for_each(|account| self.add(account, part.clone()));
            return;
        }
        let key = if identity.email.is_empty() { &identity.name } else { &identity.email };
        let unknown = self.unknown.entry(key.to_lowercase()).or_insert_with(|| Unknown {
            name: identity.name.clone(),
            email: identity.email.clone(),
            because: Vec::new(),
        });
        if !unknown.because.contains(&part) {
            unknown.because.push(part.clone());
        }
        self.note_writer(part);
    }

    fn finish(self) -> Parties {
        let mut parties =
            Parties { known: self.known.into_values().collect(), unknown: self.unknown.into_values().collect() };
        if let Some(people) = self.people {
            parties.join_persons(people);
        }
        parties
    }
}

#[cfg(test)]
mod tests;
