//! Lists in which everybody has one place, however often they are named.

use std::collections::HashMap;
use std::hash::Hash;

use super::{Found, Named, Signed, Written};
use crate::domain::attribution::Attribution;
use crate::domain::decide::Judgement;
use crate::domain::facts::Commit;
use crate::domain::people::{Account, Identity, Person};

/// Gives everybody a place when they are met first.
#[derive(Default)]
pub(super) struct Who {
    pub(super) accounts: Places<Account>,
    known: Places<Identity>,
    pub(super) identities: Vec<Named>,
    /// Accounts whose key signed something.
    signers: Vec<u64>,
}

pub(super) struct Places<T> {
    pub(super) list: Vec<T>,
    of: HashMap<T, usize>,
}

impl<T> Default for Places<T> {
    fn default() -> Self {
        Self { list: Vec::new(), of: HashMap::new() }
    }
}

impl<T: Clone + Eq + Hash> Places<T> {
    fn of(&mut self, item: &T) -> usize {
        if let Some(at) = self.of.get(item) {
            return *at;
        }
        self.of.insert(item.clone(), self.list.len());
        self.list.push(item.clone());
        self.list.len() - 1
    }
}

impl Who {
    pub(super) fn account(&mut self, account: Option<&Account>) -> Option<usize> {
        account.map(|account| self.accounts.of(account))
    }

    fn identity(&mut self, identity: &Identity) -> usize {
        let at = self.known.of(identity);
        if at == self.identities.len() {
            let account = self.account(identity.account.as_ref());
            self.identities.push(Named { name: identity.name.clone(), email: identity.email.clone(), account });
        }
        at
    }

    pub(super) fn commit(&mut self, commit: &Commit, attribution: Option<&Attribution>) -> Written {
        let signature = commit.signature.as_ref().map(|signature| {
            self.signers.extend(signature.signer.as_ref().map(|signer| signer.id));
            let signer = self.account(signature.signer.as_ref());
            Signed { is_valid: signature.is_valid, by_github: signature.by_github, signer }
        });
        Written {
            sha: commit.sha.clone(),
            author: self.identity(&commit.author),
            committer: self.identity(&commit.committer),
            co_authors: commit.co_authors.iter().map(|who| self.identity(who)).collect(),
            named: commit.named_in_message().iter().map(|who| self.identity(who)).collect(),
            pull_requests: commit.pull_requests.clone(),
            says: Vec::new(),
            signature,
            found: attribution.map(Found::of),
        }
    }

    /// A person, if it can matter that the policy names them: for who wrote what is held, or for who may second it.
    pub(super) fn person(&self, person: &Person, judgement: &Judgement) -> Option<Person> {
        let is_told = |email: &&String| self.identities.iter().any(|who| who.email.eq_ignore_ascii_case(email));
        let emails: Vec<String> = person.emails.iter().filter(is_told).cloned().collect();
        let signed = person.accounts.iter().any(|account| self.signers.contains(&account.id));
        let matters =
            person.accounts.len() > 1 || person.is_machine || signed || !emails.is_empty() || judgement.means(person);
        matters.then(|| Person { emails, ..person.clone() })
    }
}
