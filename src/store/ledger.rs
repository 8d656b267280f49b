//! The ledger's rows: entries are appended in the transaction that made them true (P5), and sealed as they are appended.

use std::collections::BTreeMap;

use serde_json::{Map, Value as Json, json};
use sqlx::AnyConnection;
use sqlx::any::AnyRow;

use super::keys::{Signer, Signing};
use super::sql::{Statement, Value, id, text};
use super::subjects::{Salts, Subjects};
use super::{Error, LogHead, rotation, tiles};
use crate::domain::Millis;
use crate::domain::digest::Digest;
use crate::domain::gate::{RequestId, Tenant};
use crate::domain::record::Record;
use crate::ledger::entry::SealError;
use crate::ledger::merkle::Frontier;
use crate::ledger::sealing::{self, Opening};
use crate::ledger::{Checkpoint, Draft, Hash, Line, RecordType};

/// How many entries go into one statement at most.
pub(super) const ROWS: usize = 500;

/// An entry as it is stored.
pub(super) type Row = [Value; 6];

/// A record on its way into a log.
pub(super) struct Pending {
    pub(super) about: About,
    pub(super) record: Record,
}

/// What a record is about.
pub(super) enum About {
    /// A request, and the record's number among the entries of it.
    Request(RequestId, u64),
    /// The log itself; the name says which entry it is.
    Log(String),
}

/// What one transaction appends, by tenant (account id).
pub(super) type Appendix = BTreeMap<u64, (Tenant, Vec<Pending>)>;

/// A log under lock.
pub(super) struct Open {
    pub(super) tenant: u64,
    pub(super) login: String,
    pub(super) origin: String,
    pub(super) vkey: String,
    pub(super) next_vkey: Option<String>,
    prev: Option<Hash>,
    pub(super) tree: Frontier,
    /// The roots of tiles that were filled since it was opened.
    filled: Vec<[Value; 4]>,
}

/// Appends records to their tenants' logs and signs a checkpoint over each log. Returns the new heads.
///
/// Must come last in the transaction: the heads are the rows everybody waits for. They are locked in the order of their
/// tenants, so that two transactions cannot wait for each other.
pub(super) async fn append(
    signer: &Signer,
    appendix: Appendix,
    one_by_one: bool,
    now: Millis,
    connection: &mut AnyConnection,
) -> Result<Vec<LogHead>, Error> {
    if appendix.is_empty() {
        return Ok(Vec::new());
    }
    let mut appendix = appendix;
    let mut heads = lock(signer, &appendix, one_by_one, connection).await?;
    // Under the heads' lock: whoever erases somebody has it, too, and nobody is named by a subject that is gone.
    let subjects = Subjects::of(&mut appendix, connection).await?;
    let mut salts = Salts::new();
    let mut entries: Vec<Row> = Vec::new();
    let mut signed: Vec<(Open, Signing)> = Vec::with_capacity(heads.len());
    for (tenant, (_, records)) in appendix {
        let Some(mut log) = heads.remove(&tenant) else {
            return Err(Error::unreadable("ledger head", tenant));
        };
        if log.tree.size() == 0 {
            let body = json!({ "origin": log.origin, "vkey": log.vkey, "tenant": { "account_id": tenant, "login": log.login } });
            let Json::Object(body) = body else { continue };
            let line = log.seal(RecordType::Genesis, "log:genesis", None, body, now, &mut Vec::new())?;
            entries.push(log.push("", RecordType::Genesis, line, String::new()));
            rotation::insert(&log, &log.vkey, 0, connection).await?;
        }
        let signing = rotation::settle(signer, &mut log, now, &mut entries, connection).await?;
        for Pending { about, record } in records {
            let Some(kind) = RecordType::from_name(record.kind) else {
                return Err(Error::Unwritable { what: "ledger entry", why: format!("unknown type {}", record.kind) });
            };
            let (request, name) = match &about {
                About::Request(request, n) => (Some(request.as_str()), format!("{request}:{kind}:{n}")),
                About::Log(name) => (None, name.clone()),
            };
            let mut body = record.body;
            let subject = |account_id| subjects.of_account(tenant, account_id);
            let mut openings = sealing::seal(kind.as_str(), &mut body, &subject, &mut || salts.next())
                .map_err(|error| Error::Unwritable { what: "ledger entry", why: error.to_string() })?;
            salts.check()?;
            let line = log.seal(kind, &name, request, body, now, &mut openings)?;
            entries.push(log.push(request.unwrap_or_default(), kind, line, stored(&openings)?));
        }
        signed.push((log, signing));
    }
    write(entries, signed, connection).await
}

/// Writes what was appended, and the heads with their checkpoints. Returns the new heads.
pub(super) async fn write(
    entries: Vec<Row>,
    logs: Vec<(Open, Signing)>,
    connection: &mut AnyConnection,
) -> Result<Vec<LogHead>, Error> {
    let mut signed = Vec::with_capacity(logs.len());
    let mut rows: Vec<[Value; 9]> = Vec::with_capacity(logs.len());
    let mut filled = Vec::new();
    for (mut log, signing) in logs {
        let checkpoint = Checkpoint { origin: log.origin.clone(), size: log.tree.size(), root: log.tree.root() }
            .sign_with(signing.keys())?;
        filled.append(&mut log.filled);
        signed.push(LogHead {
            tenant: log.tenant,
            login: log.login.clone(),
            origin: log.origin.clone(),
            vkey: log.vkey.clone(),
            next_vkey: log.next_vkey.clone(),
            size: log.tree.size(),
            checkpoint: checkpoint.clone(),
        });
        rows.push([
            log.tenant.into(),
            log.login.into(),
            log.origin.into(),
            log.vkey.into(),
            log.next_vkey.unwrap_or_default().into(),
            log.tree.size().into(),
            log.prev.map(|prev| prev.to_string()).unwrap_or_default().into(),
            log.tree.to_string().into(),
            checkpoint.into(),
        ]);
    }
    let mut entries = entries.into_iter();
    while entries.len() > 0 {
        Statement::new("INSERT INTO ledger_entries (tenant, seq, request_id, type, line, openings) ")
            .rows(entries.by_ref().take(ROWS))
            .execute(connection)
            .await?;
    }
    tiles::insert(filled, connection).await?;
    Statement::new("INSERT INTO ledger_heads (tenant, login, origin, vkey, next_vkey, size, prev, frontier, checkpoint) ")
        .rows(rows)
        .sql(
            " ON CONFLICT (tenant) DO UPDATE SET vkey = excluded.vkey, next_vkey = excluded.next_vkey, \
             size = excluded.size, prev = excluded.prev, frontier = excluded.frontier, checkpoint = excluded.checkpoint",
        )
        .execute(connection)
        .await?;
    Ok(signed)
}

async fn lock(
    signer: &Signer,
    appendix: &Appendix,
    one_by_one: bool,
    connection: &mut AnyConnection,
) -> Result<BTreeMap<u64, Open>, Error> {
    let tenants: Vec<u64> = appendix.keys().copied().collect();
    let mut heads = lock_existing(&tenants, one_by_one, connection).await?;
    let missing: Vec<u64> = tenants.into_iter().filter(|tenant| !heads.contains_key(tenant)).collect();
    if !missing.is_empty() {
        let mut rows: Vec<[Value; 8]> = Vec::with_capacity(missing.len());
        for (tenant, (named, _)) in appendix.iter().filter(|(tenant, _)| missing.contains(tenant)) {
            let origin = signer.new_origin()?;
            let vkey = signer.first_vkey(&origin)?;
            rows.push([
                (*tenant).into(),
                named.login.as_str().into(),
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
        heads.append(&mut lock_existing(&missing, one_by_one, connection).await?);
    }
    Ok(heads)
}

pub(super) async fn lock_existing(
    tenants: &[u64],
    one_by_one: bool,
    connection: &mut AnyConnection,
) -> Result<BTreeMap<u64, Open>, Error> {
    let mut heads = BTreeMap::new();
    for tenants in tenants.chunks(if one_by_one { 1 } else { ROWS }) {
        let rows = Statement::new("UPDATE ledger_heads SET size = size WHERE tenant IN ")
            .list(tenants.iter().copied())
            .sql(" RETURNING tenant, login, origin, vkey, prev, frontier, size, next_vkey")
            .fetch(connection)
            .await?;
        for row in &rows {
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

    pub(super) fn seal(
        &self,
        record_type: RecordType,
        name: &str,
        corr: Option<&str>,
        body: Map<String, Json>,
        now: Millis,
        openings: &mut Vec<Opening>,
    ) -> Result<Line, Error> {
        let mut body = body;
        loop {
            let draft = Draft {
                log: &self.origin,
                seq: self.tree.size(),
                prev: self.prev,
                time_ms: u64::try_from(now).unwrap_or_default(),
                record_type,
                id: name,
                corr,
                body: &body,
            };
            match draft.seal() {
                Err(SealError::TooLong { record_type, bytes }) => {
                    let Some(name) = shorten(&mut body) else {
                        return Err(SealError::TooLong { record_type, bytes }.into());
                    };
                    let is_of_it = |opening: &Opening| opening.path.split('/').nth(1) == Some(name.as_str());
                    openings.retain(|opening| !is_of_it(opening));
                }
                sealed => return Ok(sealed?),
            }
        }
    }

    pub(super) fn push(&mut self, request: &str, record_type: RecordType, line: Line, openings: String) -> Row {
        let seq = self.tree.size();
        let filled = crate::ledger::tile::filled_by(&self.tree, line.leaf);
        self.filled.extend(filled.map(|(level, index, root)| tiles::row(self.tenant, level, index, root)));
        self.tree.push(line.leaf);
        self.prev = Some(line.leaf);
        let kind = record_type.as_str();
        [self.tenant.into(), seq.into(), request.into(), kind.into(), line.bytes.into(), openings.into()]
    }
}

/// Openings as they are kept.
pub(super) fn stored(openings: &[Opening]) -> Result<String, Error> {
    if openings.is_empty() {
        return Ok(String::new());
    }
    serde_json::to_string(openings).map_err(|error| Error::Unwritable { what: "openings", why: error.to_string() })
}

/// Puts a digest in the place of the longest field that is not one already; its parts cannot be opened then. The request
/// keeps what it stands for.
fn shorten(body: &mut Map<String, Json>) -> Option<String> {
    let longest = body
        .iter()
        .filter(|(_, value)| value.get("omitted").is_none())
        .map(|(name, value)| (value.to_string().len(), name.clone()))
        .max();
    let (bytes, name) = longest.filter(|(bytes, _)| *bytes > 200)?;
    if let Some(value) = body.get_mut(&name) {
        *value = json!({ "omitted": "too long for an entry", "bytes": bytes, "sha256": Digest::of_json(value) });
    }
    Some(name)
}
