//! The accounts a policy names: looked up by login, remembered for an hour.

use std::num::NonZeroUsize;
use std::sync::{Mutex, PoisonError};

use lru::LruCache;

use super::client::Error;
use super::tokens::Purpose;
use super::{GitHub, Place, wire};
use crate::domain::Millis;
use crate::domain::facts::Gap;
use crate::domain::people::{Account, People, Person};
use crate::domain::policy::NamedPerson;

/// A login may be given to somebody else one day; so long it counts as the one it was.
const REMEMBERED_FOR: Millis = 3_600_000;
const ACCOUNTS_REMEMBERED: NonZeroUsize = match NonZeroUsize::new(4_096) {
    Some(number) => number,
    None => NonZeroUsize::MIN,
};

/// Accounts by login, lower-case, and until when they are believed.
pub(super) struct Accounts(Mutex<LruCache<String, (Account, Millis)>>);

impl Default for Accounts {
    fn default() -> Self {
        Self(Mutex::new(LruCache::new(ACCOUNTS_REMEMBERED)))
    }
}

impl GitHub {
    /// The people a policy names, with their accounts. A login GitHub does not know is a gap: whose commits its addresses
    /// stand for cannot be told, so these addresses stay unknown.
    ///
    /// # Errors
    /// [`Error`] when GitHub may know and did not answer.
    pub async fn people(&self, place: Place<'_>, named: &[NamedPerson]) -> Result<(People, Vec<Gap>), Error> {
        let (mut people, mut gaps) = (Vec::with_capacity(named.len()), Vec::new());
        for person in named {
            let mut accounts = Vec::with_capacity(person.logins.len());
            for login in &person.logins {
                match self.account(place, login).await? {
                    Some(account) => accounts.push(account),
                    None => gaps.push(Gap::AccountUnknown { login: login.clone() }),
                }
            }
            let is_whole = accounts.len() == person.logins.len();
            people.push(Person {
                name: person.name.clone(),
                accounts,
                emails: if is_whole { person.emails.clone() } else { Vec::new() },
                is_machine: person.is_machine,
            });
        }
        Ok((People(people), gaps))
    }

    /// The account of this login, if GitHub knows one.
    ///
    /// # Errors
    /// [`Error`] when GitHub may know and did not answer.
    pub async fn account(&self, place: Place<'_>, login: &str) -> Result<Option<Account>, Error> {
        let now = self.now();
        let known = || self.accounts.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((account, _)) = known().get(login).filter(|(_, until)| *until > now) {
            return Ok(Some(account.clone()));
        }
        let path = format!("/users/{}", wire::encode(login));
        let user: wire::User = match self.read(place, Purpose::Read, &path).await {
            Ok(answer) => answer.json("the account")?,
            Err(Error::NotFound { .. }) => return Ok(None),
            Err(error) => return Err(error),
        };
        // A login that was renamed leads to its new name: whoever has the old one now is somebody else.
        let account = user.account().filter(|account| account.login.eq_ignore_ascii_case(login));
        if let Some(account) = &account {
            known().put(login.to_owned(), (account.clone(), now + REMEMBERED_FOR));
        }
        Ok(account)
    }
}
