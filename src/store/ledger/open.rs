//! A log under lock: taken up where its head says, appended to, written back with the rest of the transaction.

use std::collections::BTreeMap;

use sqlx::AnyConnection;
use sqlx::any::AnyRow;

use super::content::Content;
use super::{ROWS, Row};
use crate::domain::Millis;
use crate::domain::gate::Tenant;
use crate::ledger::entry::SealError;
use crate::ledger::merkle::Frontier;
use crate::ledger::{Draft, Hash, RecordType, tile};
use crate::store::keys::Signer;
use crate::store::sql::{Statement, Value, id, text};
use crate::store::{Error, tiles};

/// A log under lock.
pub(in crate::store) struct Open {
    pub(in crate::store) tenant: u64,
    pub(in crate::store) login: String,
    pub(in crate::store) origin: String,
    pub(in crate::store) vkey: String,
    pub(in crate::store) next_vkey: Option<String>,
    pub(super) prev: Option<Hash>,
    pub(in crate::store) tree: Frontier,
    /// The roots of tiles that were filled since it was opened.
    pub(super) filled: Vec<[Value; 4]>,
}

/// The class of advisory locks that are logs' queues, beside whatever else a database is locked for.
const QUEUE: i64 = 0x5EC0_DE00_0000_0000;

/// A statement that locks the heads of these logs, which must be there to be found, and returns these columns of them.
///
/// Among several servers a log is locked by one statement, and the way to its row is a queue, an advisory lock that ends with
/// the transaction: whoever came first is next. Those who wait for the row alone must each follow it through all
/// the versions it had since they began to wait, overtaken by whoever comes then. Nothing but the order rests on the queue:
/// it is the row that is locked, as an update locks it.
pub(in crate::store) fn locking(columns: &'static str, tenants: &[u64], several_writers: bool) -> Statement {
    let tenants = tenants.iter().copied();
    if !several_writers {
        let lock = Statement::new("UPDATE ledger_heads SET size = size WHERE tenant IN ").list(tenants);
        return lock.sql(" RETURNING ").sql(columns);
    }
    let mut lock =
        Statement::new("SELECT ").sql(columns).sql(" FROM ledger_heads WHERE tenant IN ").list(tenants.clone());
    for tenant in tenants {
        lock = lock.sql(" AND (SELECT pg_advisory_xact_lock(").bind(QUEUE ^ tenant.cast_signed()).sql(")) IS NOT NULL");
    }
    lock.sql(" FOR NO KEY UPDATE")
}

/// Locks the logs of these tenants in the order of their ids. Begins those that are not there.
pub(super) async fn lock(
    signer: &Signer,
    tenants: &[Tenant],
    several_writers: bool,
    connection: &mut AnyConnection,
) -> Result<BTreeMap<u64, Open>, Error> {
    let all: Vec<u64> = tenants.iter().map(|tenant| tenant.account_id).collect();
    let mut heads = lock_existing(&all, several_writers, connection).await?;
    let missing: Vec<&Tenant> = tenants.iter().filter(|tenant| !heads.contains_key(&tenant.account_id)).collect();
    if !missing.is_empty() {
        let mut rows: Vec<[Value; 8]> = Vec::with_capacity(missing.len());
        for tenant in &missing {
            let origin = signer.new_origin()?;
            let vkey = signer.first_vkey(&origin)?;
            rows.push([
                tenant.account_id.into(),
                tenant.login.as_str().into(),
                origin.into(),
                vkey.into(),
                0_i64.into(),
                "".into(),
                Frontier::new().to_string().into(),
                "".into(),
            ]);
        }
        // Another replica may begin the log at the same moment: then its log it is.
        Statement::new("INSERT INTO ledger_heads (tenant, login, origin, vkey, size, prev, frontier, checkpoint) ")
            .rows(rows)
            .sql(" ON CONFLICT (tenant) DO NOTHING")
            .execute(connection)
            .await?;
        let missing: Vec<u64> = missing.into_iter().map(|tenant| tenant.account_id).collect();
        heads.append(&mut lock_existing(&missing, several_writers, connection).await?);
    }
    Ok(heads)
}

/// Locks the logs of these tenants, as far as there are any.
pub(in crate::store) async fn lock_existing(
    tenants: &[u64],
    several_writers: bool,
    connection: &mut AnyConnection,
) -> Result<BTreeMap<u64, Open>, Error> {
    const COLUMNS: &str = "tenant, login, origin, vkey, prev, frontier, size, next_vkey";
    let mut heads = BTreeMap::new();
    for tenants in tenants.chunks(if several_writers { 1 } else { ROWS }) {
        for row in &locking(COLUMNS, tenants, several_writers).fetch(connection).await? {
            let log = Open::read(row)?;
            heads.insert(log.tenant, log);
        }
    }
    Ok(heads)
}

impl Open {
    fn read(row: &AnyRow) -> Result<Self, Error> {
        let prev = text(row, 4)?;
        let prev = match prev.is_empty() {
            true => None,
            false => Some(prev.parse().map_err(|error| Error::unreadable("leaf hash", error))?),
        };
        let tree: Frontier = text(row, 5)?.parse().map_err(|error| Error::unreadable("frontier", error))?;
        if tree.size() != id(row, 6)? {
            return Err(Error::unreadable("ledger head", "its size and its frontier differ"));
        }
        Ok(Self {
            tenant: id(row, 0)?,
            login: text(row, 1)?,
            origin: text(row, 2)?,
            vkey: text(row, 3)?,
            next_vkey: Some(text(row, 7)?).filter(|vkey| !vkey.is_empty()),
            prev,
            tree,
            filled: Vec::new(),
        })
    }

    /// Appends an entry; returns its row.
    pub(in crate::store) fn append(
        &mut self,
        record_type: RecordType,
        name: &str,
        request: Option<&str>,
        content: Content,
        now: Millis,
    ) -> Result<Row, Error> {
        let mut content = content;
        let line = loop {
            let draft = Draft {
                log: &self.origin,
                seq: self.tree.size(),
                prev: self.prev,
                time_ms: u64::try_from(now).unwrap_or_default(),
                record_type,
                id: name,
                corr: request,
                body: &content.fields,
            };
            match draft.seal() {
                Err(SealError::TooLong { record_type, bytes }) => {
                    content = content.shortened()?.ok_or(SealError::TooLong { record_type, bytes })?;
                }
                sealed => break sealed?,
            }
        };
        let seq = self.tree.size();
        let filled = tile::filled_by(&self.tree, line.leaf);
        self.filled.extend(filled.map(|(level, index, root)| tiles::row(self.tenant, level, index, root)));
        self.tree.push(line.leaf);
        self.prev = Some(line.leaf);
        let (request, kind) = (request.unwrap_or_default(), record_type.as_str());
        let openings = content.openings.into_text();
        Ok([self.tenant.into(), seq.into(), request.into(), kind.into(), line.bytes.into(), openings.into()])
    }
}
