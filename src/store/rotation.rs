//! How one key of a log takes over from another: announced, activated, revoked, each an entry of the log itself.

use serde_json::{Value as Json, json};
use sqlx::AnyConnection;

use super::LogHead;
use super::connection::Session;
use super::keys::{Named, Signer, Signing};
use super::ledger::{self, Appendix, Content, Open, Row};
use super::sql::{Statement, Value};
use super::{Error, Shared, Store, with_retries};
use crate::domain::Millis;
use crate::domain::gate::Tenant;
use crate::ledger::{RecordType, Succession, VerifierKey};

/// The entry of a key that has none of this kind.
const NONE: i64 = -1;

/// Which key to take out of a log, and from where on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Revocation {
    /// [`VerifierKey::fingerprint`] of the key, or a beginning of it.
    pub fingerprint: String,
    /// The largest tree its signature counts for; `None`: as large as the tree is.
    pub valid_to_size: Option<u64>,
}

impl Store {
    /// Brings the keys of all logs up to what the store was opened with: announces the next key, lets an announced one take
    /// over. Logs that come later, or that another replica begins, follow when they are appended to.
    ///
    /// # Errors
    /// If it could not be written, or a log must be signed with a key that is not here.
    pub async fn settle_keys(&self) -> Result<(), Error> {
        for (tenant, login) in self.shared.signer.check(&self.shared.ledger).await? {
            let tenant = Tenant { account_id: tenant, login, installation_id: 0 };
            with_retries(|| settle_one(&self.shared, &tenant)).await?;
        }
        Ok(())
    }

    /// Takes a key out of a tenant's log. If it is the log's own, the announced one takes over.
    ///
    /// # Errors
    /// If there is no such key in force, no other would be left, or it could not be written.
    pub async fn revoke_key(&self, log: &LogHead, revocation: &Revocation) -> Result<(), Error> {
        with_retries(|| revoke_one(&self.shared, log.tenant, revocation)).await
    }
}

async fn settle_one(shared: &Shared, tenant: &Tenant) -> Result<(), Error> {
    let appendix = Appendix::from([(tenant.account_id, (tenant.clone(), Vec::new()))]);
    let (now, mut session) = ((shared.clock)(), shared.decide.begin().await?);
    let connection = session.connection()?;
    let heads = ledger::append(&shared.signer, appendix, shared.several_writers, now, connection).await;
    end(shared, session, heads).await
}

async fn revoke_one(shared: &Shared, tenant: u64, revocation: &Revocation) -> Result<(), Error> {
    let (now, mut session) = ((shared.clock)(), shared.decide.begin().await?);
    let heads = take_out(shared, tenant, revocation, now, session.connection()?).await;
    end(shared, session, heads).await
}

/// Ends a transaction that appended something, or could not.
async fn end(shared: &Shared, session: Session<'_>, heads: Result<Vec<LogHead>, Error>) -> Result<(), Error> {
    match heads {
        Ok(heads) => {
            session.commit().await?;
            shared.heads.learn(heads);
            Ok(())
        }
        Err(error) => {
            session.roll_back().await;
            Err(error)
        }
    }
}

async fn take_out(
    shared: &Shared,
    tenant: u64,
    revocation: &Revocation,
    now: Millis,
    connection: &mut AnyConnection,
) -> Result<Vec<LogHead>, Error> {
    let signer = &*shared.signer;
    let mut heads = ledger::lock_existing(&[tenant], shared.several_writers, connection).await?;
    let mut log = heads.remove(&tenant).ok_or_else(|| Error::unreadable("ledger head", tenant))?;
    let mut entries = Vec::new();
    settle(signer, &mut log, now, &mut entries, connection).await?;
    let signing = revoke(signer, &mut log, revocation, now, &mut entries, connection).await?;
    ledger::write(entries, vec![(log, signing)], None, connection).await
}

/// Brings the keys of a log under lock up to what this server was started with: an announced key that is its own now takes
/// over, a next one that is new is announced. Says who signs; what is written about it goes into `entries`.
pub(super) async fn settle(
    signer: &Signer,
    log: &mut Open,
    now: Millis,
    entries: &mut Vec<Row>,
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
async fn revoke(
    signer: &Signer,
    log: &mut Open,
    revocation: &Revocation,
    now: Millis,
    entries: &mut Vec<Row>,
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
    entries: &mut Vec<Row>,
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
    entries: &mut Vec<Row>,
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
    entries: &mut Vec<Row>,
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
    entries: &mut Vec<Row>,
) -> Result<u64, Error> {
    let (seq, name) = (log.tree.size(), format!("log:{record_type}:{vkey}"));
    // A key is added, activated and revoked once.
    entries.push(log.append(record_type, &name, None, Content::plain(body)?, now)?);
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
    if signer.knows_taken_out(&log.origin) {
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
    signer.note_taken_out(&log.origin);
    Ok(false)
}
