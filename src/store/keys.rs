//! Who signs the logs, and how one key takes over from another.
//!
//! A server has one seed, and a second one while it changes; every log has a key of its own name grown from each. Which
//! keys must sign a log is in its head, read under the lock under which it is appended to. So servers that were started
//! with different keys never disagree: one that lacks a key that must sign refuses to append, and says so.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};

use ring::rand::SystemRandom;
use zeroize::Zeroizing;

use super::Error;
use super::ledger::Open;
use super::sql::{Statement, int, text};
use super::{LedgerReader, LogHead};
use crate::ledger::SigningKey;

/// A key of a log's name, and how it is written.
pub(super) struct Named {
    pub(super) signing: SigningKey,
    pub(super) vkey: String,
}

/// A seed, and the keys that have grown from it.
struct Seed {
    seed: Zeroizing<[u8; 32]>,
    keys: Mutex<HashMap<String, Arc<Named>>>,
}

impl Seed {
    fn key(&self, origin: &str) -> Result<Arc<Named>, Error> {
        let mut keys = self.keys.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(key) = keys.get(origin) {
            return Ok(Arc::clone(key));
        }
        let signing = SigningKey::from_seed(origin, &self.seed)?;
        let key = Arc::new(Named { vkey: signing.verifier().to_string(), signing });
        keys.insert(origin.to_owned(), Arc::clone(&key));
        Ok(key)
    }
}

/// Signs for the logs of this server.
pub(super) struct Signer {
    host: String,
    own: Seed,
    next: Option<Seed>,
    /// Logs that had the next key once and took it out: it does not come back.
    taken_out: Mutex<HashSet<String>>,
    /// The log that cannot be signed, and why.
    blocked: Mutex<Option<(String, Error)>>,
}

/// The keys this server has for one log.
pub(super) struct Held {
    pub(super) own: Arc<Named>,
    pub(super) next: Option<Arc<Named>>,
}

impl Held {
    fn find(&self, vkey: &str) -> Option<&Arc<Named>> {
        [Some(&self.own), self.next.as_ref()].into_iter().flatten().find(|key| key.vkey == vkey)
    }

    /// Those that must sign a log with these keys.
    fn signing(&self, origin: &str, vkey: &str, next_vkey: Option<&str>) -> Result<Vec<Arc<Named>>, Error> {
        let other = || Error::OtherKey { origin: origin.to_owned(), stored: vkey.to_owned() };
        let own = self.find(vkey).ok_or_else(other)?;
        let Some(next_vkey) = next_vkey else { return Ok(vec![Arc::clone(own)]) };
        let missing = || Error::NextKeyMissing { origin: origin.to_owned(), announced: next_vkey.to_owned() };
        Ok(vec![Arc::clone(own), Arc::clone(self.find(next_vkey).ok_or_else(missing)?)])
    }

    /// Whether the log's announced key is the one this server has as its own: then it takes over.
    pub(super) fn takes_over(&self, next_vkey: Option<&str>) -> bool {
        next_vkey == Some(self.own.vkey.as_str())
    }
}

impl Signer {
    pub(super) fn new(
        host: String,
        own: Zeroizing<[u8; 32]>,
        next: Option<Zeroizing<[u8; 32]>>,
    ) -> Result<Self, Error> {
        SigningKey::from_seed(&host, &own)?; // Refuse an unusable host name now, not at the first entry.
        let next = next.filter(|next| *next != own);
        let seed = |seed| Seed { seed, keys: Mutex::default() };
        Ok(Self { host, own: seed(own), next: next.map(seed), taken_out: Mutex::default(), blocked: Mutex::default() })
    }

    /// A name that tells a witness nothing about the tenant.
    pub(super) fn new_origin(&self) -> Result<String, Error> {
        let random: [u8; 16] = ring::rand::generate(&SystemRandom::new())
            .map_err(|_| Error::Unwritable { what: "name of a log", why: "no random numbers".to_owned() })?
            .expose();
        Ok(format!("{}/l/{}", self.host, hex::encode(random)))
    }

    /// The key a new log begins with.
    pub(super) fn first_vkey(&self, origin: &str) -> Result<String, Error> {
        Ok(self.own.key(origin)?.vkey.clone())
    }

    pub(super) fn held(&self, origin: &str) -> Result<Held, Error> {
        let next = self.next.as_ref().map(|next| next.key(origin)).transpose()?;
        Ok(Held { own: self.own.key(origin)?, next })
    }

    /// Refuses to go on with logs that must be signed with a key that is not here, and returns the tenants of those whose
    /// keys are about to change.
    pub(super) async fn check(&self, reader: &LedgerReader) -> Result<Vec<(u64, String)>, Error> {
        let mut changing = Vec::new();
        for head in reader.logs().await? {
            let held = self.held(&head.origin)?;
            if held.takes_over(head.next_vkey.as_deref()) {
                changing.push((head.tenant, head.login));
                continue;
            }
            held.signing(&head.origin, &head.vkey, head.next_vkey.as_deref())?;
            if head.vkey != held.own.vkey {
                tracing::warn!(
                    log = %head.origin, tenant = %head.login,
                    "the next key is the log's own by now: make it SECONDER_LEDGER_KEY, and take SECONDER_LEDGER_NEXT_KEY out"
                );
            } else if head.next_vkey.is_none() && held.next.is_some() {
                changing.push((head.tenant, head.login));
            }
        }
        Ok(changing)
    }

    /// What keeps this server from signing, since it last could.
    pub(super) fn blocked(&self) -> Option<Error> {
        self.blocked.lock().unwrap_or_else(PoisonError::into_inner).as_ref().map(|(_, error)| error.clone())
    }

    pub(super) fn knows_taken_out(&self, origin: &str) -> bool {
        self.taken_out.lock().unwrap_or_else(PoisonError::into_inner).contains(origin)
    }

    pub(super) fn note_taken_out(&self, origin: &str) {
        self.taken_out.lock().unwrap_or_else(PoisonError::into_inner).insert(origin.to_owned());
    }

    /// The keys that must sign a log, if all of them are here.
    pub(super) fn signing(&self, held: &Held, log: &Open) -> Result<Signing, Error> {
        let signing = held.signing(&log.origin, &log.vkey, log.next_vkey.as_deref());
        let mut blocked = self.blocked.lock().unwrap_or_else(PoisonError::into_inner);
        match &signing {
            Err(error) => *blocked = Some((log.origin.clone(), error.clone())),
            Ok(_) if blocked.as_ref().is_some_and(|(origin, _)| *origin == log.origin) => *blocked = None,
            Ok(_) => {}
        }
        signing.map(Signing)
    }
}

/// The keys that sign what is appended now.
pub(super) struct Signing(Vec<Arc<Named>>);

impl Signing {
    pub(super) fn keys(&self) -> impl Iterator<Item = &SigningKey> {
        self.0.iter().map(|key| &key.signing)
    }
}

/// One key of a log, and what became of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogKey {
    /// As a verifier takes it.
    pub vkey: String,
    /// The entry that made it a key of the log.
    pub added: u64,
    /// The entry that made it the log's own.
    pub activated: Option<u64>,
    /// The entry that took it out.
    pub revoked: Option<u64>,
    /// The largest tree its signature counts for.
    pub valid_to_size: Option<u64>,
}

impl LedgerReader {
    /// Every key a log has or had, the oldest first.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub async fn keys(&self, log: &LogHead) -> Result<Vec<LogKey>, Error> {
        let rows = Statement::new(
            "SELECT vkey, added_seq, activated_seq, revoked_seq, valid_to_size FROM ledger_keys WHERE tenant = ",
        )
        .bind(log.tenant)
        .sql(" ORDER BY added_seq")
        .fetch(&mut *self.connection().await?)
        .await?;
        let entry = |row, column| int(row, column).map(|entry| u64::try_from(entry).ok());
        rows.iter()
            .map(|row| {
                Ok(LogKey {
                    vkey: text(row, 0)?,
                    added: entry(row, 1)?.unwrap_or_default(),
                    activated: entry(row, 2)?,
                    revoked: entry(row, 3)?,
                    valid_to_size: entry(row, 4)?,
                })
            })
            .collect()
    }

    /// The key that was a log's own when it had so many entries.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub async fn own_key_at(&self, log: &LogHead, size: u64) -> Result<String, Error> {
        let keys = self.keys(log).await?;
        let activated = keys.into_iter().filter(|key| key.activated.is_some_and(|entry| entry < size));
        Ok(activated.max_by_key(|key| key.activated).map_or_else(|| log.vkey.clone(), |key| key.vkey))
    }
}
