//! Who signs the logs, and how one key takes over from another.
//!
//! A server has one seed, and a second one while it changes; every log has a key of its own name grown from each. Which
//! keys must sign a log is in its head, read under the lock under which it is appended to. So servers that were started
//! with different keys never disagree: one that lacks a key that must sign refuses to append, and says so.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};

use ring::rand::SystemRandom;
use serde_json::{Map, Value as Json, json};
use sqlx::AnyConnection;
use zeroize::Zeroizing;

use super::Error;
use super::ledger::{LedgerReader, LogHead, Open};
use super::sql::{Statement, Value, int, text};
use crate::domain::Millis;
use crate::ledger::{RecordType, SigningKey, Succession, VerifierKey};

/// The entry of a key that has none of this kind.
const NONE: i64 = -1;

/// A key of a log's name, and how it is written.
struct Named {
    signing: SigningKey,
    vkey: String,
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
struct Held {
    own: Arc<Named>,
    next: Option<Arc<Named>>,
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
    fn takes_over(&self, next_vkey: Option<&str>) -> bool {
        next_vkey == Some(self.own.vkey.as_str())
    }
}

/// Which key to take out of a log, and from where on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Revocation {
    /// [`VerifierKey::fingerprint`] of the key, or a beginning of it.
    pub fingerprint: String,
    /// The largest tree its signature counts for; `None`: as large as the tree is.
    pub valid_to_size: Option<u64>,
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

    fn held(&self, origin: &str) -> Result<Held, Error> {
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
            if head.next_vkey.is_none() && held.next.is_some() && held.own.vkey == head.vkey {
                changing.push((head.tenant, head.login));
            }
        }
        Ok(changing)
    }

    /// What keeps this server from signing, since it last could.
    pub(super) fn blocked(&self) -> Option<Error> {
        self.blocked.lock().unwrap_or_else(PoisonError::into_inner).as_ref().map(|(_, error)| error.clone())
    }

    fn signing(&self, held: &Held, log: &Open) -> Result<Signing, Error> {
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

/// Brings the keys of a log under lock up to what this server was started with: an announced key that is its own now takes
/// over, a next one that is new is announced. Says who signs; what is written about it goes into `entries`.
pub(super) async fn settle(
    signer: &Signer,
    log: &mut Open,
    now: Millis,
    entries: &mut Vec<[Value; 5]>,
    connection: &mut AnyConnection,
) -> Result<Signing, Error> {
    let held = signer.held(&log.origin)?;
    if held.takes_over(log.next_vkey.as_deref()) {
        let size = log.tree.size();
        take_over(log, now, entries, connection).await?;
        let old = std::mem::replace(&mut log.vkey, held.own.vkey.clone());
        revoke_entry(log, &old, size, "replaced", now, entries, connection).await?;
    }
    if let Some(next) = held.next.as_ref().filter(|_| log.next_vkey.is_none() && log.vkey == held.own.vkey)
        && is_new(signer, log, &next.vkey, connection).await?
    {
        announce(log, &held.own, next, now, entries, connection).await?;
    }
    signer.signing(&held, log)
}

/// Takes a key out of a log under lock, after [`settle`].
pub(super) async fn revoke(
    signer: &Signer,
    log: &mut Open,
    revocation: &Revocation,
    now: Millis,
    entries: &mut Vec<[Value; 5]>,
    connection: &mut AnyConnection,
) -> Result<Signing, Error> {
    let size = log.tree.size();
    let valid_to = revocation.valid_to_size.unwrap_or(size);
    if valid_to > size {
        return Err(Error::Revocation(format!("the log of {} has {size} entries, not {valid_to}", log.login)));
    }
    let is_it = |vkey: &str| -> Result<bool, Error> {
        let key: VerifierKey = vkey.parse()?;
        Ok(key.fingerprint().starts_with(&revocation.fingerprint.to_lowercase()))
    };
    match log.next_vkey.clone() {
        Some(next) if is_it(&next)? => {
            log.next_vkey = None;
            revoke_entry(log, &next, valid_to, "withdrawn", now, entries, connection).await?;
        }
        Some(next) if is_it(&log.vkey)? => {
            take_over(log, now, entries, connection).await?;
            let old = std::mem::replace(&mut log.vkey, next);
            revoke_entry(log, &old, valid_to, "revoked", now, entries, connection).await?;
        }
        None if is_it(&log.vkey)? => {
            return Err(Error::Revocation(format!(
                "it is the only key of the log of {}: name its successor first, in SECONDER_LEDGER_NEXT_KEY_FILE \
                 (`seconder ledger keys new` makes one)",
                log.login
            )));
        }
        _ => {
            return Err(Error::Revocation(format!(
                "no key in force in the log of {} has a fingerprint that begins with {}",
                log.login, revocation.fingerprint
            )));
        }
    }
    // Where the server was started with the one that is revoked now, it still has the other as its next.
    signer.signing(&signer.held(&log.origin)?, log)
}

async fn announce(
    log: &mut Open,
    own: &Named,
    next: &Named,
    now: Millis,
    entries: &mut Vec<[Value; 5]>,
    connection: &mut AnyConnection,
) -> Result<(), Error> {
    let statement = Succession::sign(&own.signing, &next.signing)
        .map_err(|error| Error::Unwritable { what: "key statement", why: error.to_string() })?;
    let body = json!({ "vkey": next.vkey, "added_by": own.vkey, "statement": statement });
    let seq = write(log, RecordType::KeyAdded, &next.vkey, body, now, entries)?;
    insert(log, &next.vkey, seq, connection).await?;
    log.next_vkey = Some(next.vkey.clone());
    tracing::warn!(log = %log.origin, tenant = %log.login, vkey = %next.vkey, "announced the log's next key; both sign until it takes over");
    Ok(())
}

/// The announced key becomes the log's own; the caller takes out the one before.
async fn take_over(
    log: &mut Open,
    now: Millis,
    entries: &mut Vec<[Value; 5]>,
    connection: &mut AnyConnection,
) -> Result<(), Error> {
    let Some(next) = log.next_vkey.take() else { return Ok(()) };
    let seq = write(log, RecordType::KeyActivated, &next, json!({ "vkey": next }), now, entries)?;
    Statement::new("UPDATE ledger_keys SET activated_seq = ")
        .bind(seq)
        .sql(" WHERE tenant = ")
        .bind(log.tenant)
        .sql(" AND vkey = ")
        .bind(next.as_str())
        .execute(connection)
        .await?;
    tracing::warn!(log = %log.origin, tenant = %log.login, vkey = %next, "the announced key has taken over");
    Ok(())
}

async fn revoke_entry(
    log: &mut Open,
    vkey: &str,
    valid_to: u64,
    why: &str,
    now: Millis,
    entries: &mut Vec<[Value; 5]>,
    connection: &mut AnyConnection,
) -> Result<(), Error> {
    let body = json!({ "vkey": vkey, "valid_to_size": valid_to, "why": why });
    let seq = write(log, RecordType::KeyRevoked, vkey, body, now, entries)?;
    Statement::new("UPDATE ledger_keys SET revoked_seq = ")
        .bind(seq)
        .sql(", valid_to_size = ")
        .bind(valid_to)
        .sql(" WHERE tenant = ")
        .bind(log.tenant)
        .sql(" AND vkey = ")
        .bind(vkey)
        .execute(connection)
        .await?;
    tracing::warn!(log = %log.origin, tenant = %log.login, vkey, valid_to, "a key was taken out of the log");
    Ok(())
}

fn write(
    log: &mut Open,
    record_type: RecordType,
    vkey: &str,
    body: Json,
    now: Millis,
    entries: &mut Vec<[Value; 5]>,
) -> Result<u64, Error> {
    let body: Map<String, Json> = match body {
        Json::Object(body) => body,
        _ => Map::new(),
    };
    let seq = log.tree.size();
    // A key is added, activated and revoked once.
    let line = log.seal(record_type, &format!("log:{record_type}:{vkey}"), None, body, now)?;
    entries.push(log.push("", record_type, line));
    Ok(seq)
}

/// Notes a key that entry `seq` made one of the log's.
pub(super) async fn insert(log: &Open, vkey: &str, seq: u64, connection: &mut AnyConnection) -> Result<(), Error> {
    let activated = if seq == 0 { 0 } else { NONE };
    let row: [Value; 6] = [log.tenant.into(), vkey.into(), seq.into(), activated.into(), NONE.into(), NONE.into()];
    Statement::new("INSERT INTO ledger_keys (tenant, vkey, added_seq, activated_seq, revoked_seq, valid_to_size) ")
        .rows([row])
        .execute(connection)
        .await?;
    Ok(())
}

/// Whether a log has never had this key.
async fn is_new(signer: &Signer, log: &Open, vkey: &str, connection: &mut AnyConnection) -> Result<bool, Error> {
    if signer.taken_out.lock().unwrap_or_else(PoisonError::into_inner).contains(&log.origin) {
        return Ok(false);
    }
    let had = Statement::new("SELECT vkey FROM ledger_keys WHERE tenant = ")
        .bind(log.tenant)
        .sql(" AND vkey = ")
        .bind(vkey)
        .fetch(connection)
        .await?;
    if had.is_empty() {
        return Ok(true);
    }
    tracing::error!(
        log = %log.origin, tenant = %log.login, vkey,
        "SECONDER_LEDGER_NEXT_KEY is a key this log had before, and a key never comes back: make another with `seconder ledger keys new`, or take the setting out"
    );
    signer.taken_out.lock().unwrap_or_else(PoisonError::into_inner).insert(log.origin.clone());
    Ok(false)
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
        .fetch(&mut *self.acquire().await?)
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
}
