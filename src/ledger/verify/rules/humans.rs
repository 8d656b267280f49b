//! Who is one human: accounts that the policy says are one person's count as one. Each is looked up once, so that however many
//! speak on a request, whether they had a part is one look.
use std::collections::{BTreeMap, BTreeSet};

use crate::ledger::verify::read::body::Owner;
use crate::ledger::verify::read::who::AccountId;

/// The persons of whom a request tells that they have several accounts, or are programs.
#[derive(Debug, Default)]
pub(super) struct Humans {
    /// Whose each account is, by their places in the list.
    owners: BTreeMap<AccountId, Vec<usize>>,
    programs: BTreeSet<AccountId>,
}

impl Humans {
    pub(super) fn of(people: &[Owner]) -> Self {
        let mut humans = Self::default();
        for (place, owner) in people.iter().enumerate() {
            for account in &owner.accounts {
                humans.owners.entry(account.id).or_default().push(place);
                if owner.is_machine {
                    humans.programs.insert(account.id);
                }
            }
        }
        humans
    }

    pub(super) fn is_program(&self, id: AccountId) -> bool {
        self.programs.contains(&id)
    }

    fn owners(&self, id: AccountId) -> &[usize] {
        self.owners.get(&id).map_or(&[], Vec::as_slice)
    }
}

/// Some of them, by accounts; how often each was added is counted.
#[derive(Debug, Default)]
pub(super) struct Several {
    accounts: BTreeMap<AccountId, usize>,
    owners: BTreeMap<usize, usize>,
}

impl Several {
    pub(super) fn of(ids: impl IntoIterator<Item = AccountId>, humans: &Humans) -> Self {
        let mut several = Self::default();
        ids.into_iter().for_each(|id| several.add(id, humans));
        several
    }

    pub(super) fn add(&mut self, id: AccountId, humans: &Humans) {
        *self.accounts.entry(id).or_default() += 1;
        humans.owners(id).iter().for_each(|owner| *self.owners.entry(*owner).or_default() += 1);
    }

    /// Takes out one that was added.
    pub(super) fn remove(&mut self, id: AccountId, humans: &Humans) {
        fn one_less<K: Ord>(counts: &mut BTreeMap<K, usize>, key: K) {
            if let Some(count) = counts.get_mut(&key) {
                *count -= 1;
                if *count == 0 {
                    counts.remove(&key);
                }
            }
        }
        one_less(&mut self.accounts, id);
        humans.owners(id).iter().for_each(|owner| one_less(&mut self.owners, *owner));
    }

    /// Whether this account is among them.
    pub(super) fn names(&self, id: AccountId) -> bool {
        self.accounts.contains_key(&id)
    }

    /// Whether the human whose account this is is among them, under whichever.
    pub(super) fn has(&self, id: AccountId, humans: &Humans) -> bool {
        self.names(id) || humans.owners(id).iter().any(|owner| self.owners.contains_key(owner))
    }
}

/// How many different humans these are.
pub(super) fn different(ids: impl IntoIterator<Item = AccountId>, humans: &Humans) -> u64 {
    let mut several = Several::default();
    let is_new = |id: &AccountId| {
        let is_new = !several.has(*id, humans);
        several.add(*id, humans);
        is_new
    };
    ids.into_iter().filter(is_new).count() as u64
}
