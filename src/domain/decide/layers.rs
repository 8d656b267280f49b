//! Several policies that hold at once: what one asks, another can only add to.

use std::collections::{BTreeMap, BTreeSet};

use super::{Judgement, judge_attributed};
use crate::domain::attribution::{Attribution, TenantCatalogue, attribute_all_with};
use crate::domain::facts::Facts;
use crate::domain::parties::{Parties, Party, Unknown};
use crate::domain::people::{People, Person};
use crate::domain::policy::{Policy, Target};
use crate::domain::reason::{Finding, Reason};

/// A policy, and the people it names with their accounts.
#[derive(Clone, Debug)]
pub struct Layer {
    /// The policy.
    pub policy: Policy,
    /// Its people.
    pub people: People,
}

/// Judges by several policies that hold at once: marks of agents that one adds count for all, people that one names only for
/// its own rules. So no policy loosens what another asks.
#[must_use]
pub fn judge_all(layers: &[Layer], target: &Target<'_>, facts: &Facts) -> Judgement {
    let catalogue = layers.iter().fold(TenantCatalogue::default(), |all, layer| all.and(&layer.policy.catalogue));
    let mut found = attribute_all_with(catalogue.get(), facts);
    // That an address is an agent's takes a person's part away: so all must say it, where one's word is enough for a mark.
    for layer in layers.iter().filter(|layer| layer.policy.catalogue != catalogue) {
        let by_this = attribute_all_with(layer.policy.catalogue.get(), facts);
        for (found, by_this) in found.iter_mut().zip(by_this) {
            let known = by_this.map(|found| found.agent_emails).unwrap_or_default();
            found.iter_mut().for_each(|found| found.agent_emails.retain(|email| known.contains(email)));
        }
    }
    judge_layers(layers, target, facts, &found)
}

/// [`judge_all`] when it is known already what was found on each commit, in their order.
#[must_use]
pub fn judge_layers(layers: &[Layer], target: &Target<'_>, facts: &Facts, found: &[Option<Attribution>]) -> Judgement {
    let judge_by = |layer: &Layer| {
        if layer.people == facts.people {
            return judge_attributed(&layer.policy, target, facts, found.to_vec());
        }
        let facts = Facts { people: layer.people.clone(), ..facts.clone() };
        judge_attributed(&layer.policy, target, &facts, found.to_vec())
    };
    let built_in = || judge_attributed(&Policy::built_in(), target, facts, found.to_vec());
    layers.iter().map(judge_by).reduce(Judgement::and).unwrap_or_else(built_in)
}

impl Judgement {
    /// What holds when both hold: everything either asks, everybody either bars. Whoever has a part by either has it for both.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        let people = merge_people(self.people, other.people);
        let parties = merge_parties(self.parties, other.parties, &people);
        let mut commits = self.commits;
        let mut theirs: BTreeMap<String, _> = other.commits.into_iter().map(|c| (c.sha.clone(), c)).collect();
        for commit in &mut commits {
            if let Some(same) = theirs.remove(&commit.sha) {
                commit.gated |= same.gated;
                commit.attribution = commit.attribution.take().or(same.attribution);
            }
        }
        commits.extend(theirs.into_values());
        let is_held = [&self.reasons, &other.reasons].iter().any(|reason| reason.finding == Finding::Held);
        Self {
            matched_rules: joined(self.matched_rules, other.matched_rules),
            quorum: joined(self.quorum, other.quorum),
            expires_after: [self.expires_after, other.expires_after].into_iter().flatten().min(),
            remind: joined(self.remind, other.remind).into_iter().collect::<BTreeSet<_>>().into_iter().collect(),
            parties,
            people,
            denied_by: joined(self.denied_by, other.denied_by),
            shadow: joined(self.shadow, other.shadow),
            would_ask: joined(self.would_ask, other.would_ask),
            freezes: joined(self.freezes, other.freezes),
            stopped: self.stopped.or(other.stopped),
            commits,
            reasons: Reason::new(
                if is_held { Finding::Held } else { Finding::NotHeld },
                joined(self.reasons.because, other.reasons.because),
            ),
            catalogue: self.catalogue,
        }
    }
}

fn joined<T>(mut ours: Vec<T>, theirs: Vec<T>) -> Vec<T> {
    ours.extend(theirs);
    ours
}

/// Persons who share an account are one.
fn merge_people(ours: People, theirs: People) -> People {
    let mut people: Vec<Person> = ours.0;
    for mut person in theirs.0 {
        let shares = |other: &Person| other.accounts.iter().any(|a| person.accounts.iter().any(|b| a.id == b.id));
        let (same, others): (Vec<Person>, Vec<Person>) = people.into_iter().partition(shares);
        people = others;
        for other in same {
            let new = other.accounts.into_iter().filter(|a| !person.accounts.iter().any(|b| a.id == b.id));
            let new: Vec<_> = new.collect();
            person.accounts.extend(new);
            person.emails.extend(other.emails);
            person.is_machine |= other.is_machine;
        }
        person.emails.sort();
        person.emails.dedup();
        people.push(person);
    }
    People(people)
}

fn merge_parties(ours: Parties, theirs: Parties, people: &People) -> Parties {
    let mut known: BTreeMap<u64, Party> = BTreeMap::new();
    for party in ours.known.into_iter().chain(theirs.known) {
        match known.get_mut(&party.account.id) {
            None => {
                known.insert(party.account.id, party);
            }
            Some(same) => {
                let new: Vec<_> = party.because.into_iter().filter(|part| !same.because.contains(part)).collect();
                same.because.extend(new);
            }
        }
    }
    let mut unknown: Vec<Unknown> = ours.unknown;
    for one in theirs.unknown {
        if !unknown.iter().any(|other| (&other.name, &other.email) == (&one.name, &one.email)) {
            unknown.push(one);
        }
    }
    let mut parties = Parties { known: known.into_values().collect(), unknown };
    parties.join_persons(people);
    parties
}
