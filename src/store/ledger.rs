//! The ledger's rows: entries are appended in the transaction that made them true (P5), and sealed as they are appended.

use std::collections::BTreeMap;

use serde_json::json;
use sqlx::AnyConnection;

use super::keys::{Signer, Signing};
use super::sql::{Statement, Together, Value};
use super::subjects::{Salts, Subjects};
use super::{Error, LogHead, rotation, tiles};
use crate::domain::Millis;
use crate::domain::gate::{RequestId, Tenant};
use crate::domain::record::Record;
use crate::ledger::sealing;
use crate::ledger::{Checkpoint, RecordType};

mod content;
mod open;

pub(super) use content::Content;
pub(super) use open::{Open, lock_existing, locking};

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

/// A record with everything about people sealed: all that can be done before its place in the log is known.
struct Sealed {
    about: About,
    kind: RecordType,
    content: Content,
}

/// Appends records to their tenants' logs and signs a checkpoint over each log. Returns the new heads.
///
/// Must come last in the transaction: the heads are the rows everybody waits for. They are locked in the order of their
/// tenants, so that two transactions cannot wait for each other, and for as little as possible: from there it is one
/// statement to the commit.
pub(super) async fn append(
    signer: &Signer,
    appendix: Appendix,
    several_writers: bool,
    now: Millis,
    connection: &mut AnyConnection,
) -> Result<Vec<LogHead>, Error> {
    if appendix.is_empty() {
        return Ok(Vec::new());
    }
    let mut appendix = appendix;
    let subjects = Subjects::of(&mut appendix, connection).await?;
    let tenants: Vec<Tenant> = appendix.values().map(|(tenant, _)| tenant.clone()).collect();
    let sealed = seal(appendix, &subjects)?;
    let mut heads = open::lock(signer, &tenants, several_writers, connection).await?;
    subjects.name(connection).await?;
    let (mut entries, mut signed) = (Vec::new(), Vec::with_capacity(heads.len()));
    for (tenant, records) in sealed {
        let Some(mut log) = heads.remove(&tenant.account_id) else {
            return Err(Error::unreadable("ledger head", tenant.account_id));
        };
        if log.tree.size() == 0 {
            let account = json!({ "account_id": log.tenant, "login": log.login });
            let content = Content::plain(json!({ "origin": log.origin, "vkey": log.vkey, "tenant": account }))?;
            entries.push(log.append(RecordType::Genesis, "log:genesis", None, content, now)?);
            rotation::insert(&log, &log.vkey, 0, connection).await?;
        }
        let signing = rotation::settle(signer, &mut log, now, &mut entries, connection).await?;
        for Sealed { about, kind, content } in records {
            let (request, name) = match &about {
                About::Request(request, n) => (Some(request.as_str()), format!("{request}:{kind}:{n}")),
                About::Log(name) => (None, name.clone()),
            };
            entries.push(log.append(kind, &name, request, content, now)?);
        }
        signed.push((log, signing));
    }
    let known = if several_writers { subjects.still_known() } else { None };
    write(entries, signed, known, connection).await
}

/// Seals what is told of people.
fn seal(appendix: Appendix, subjects: &Subjects) -> Result<Vec<(Tenant, Vec<Sealed>)>, Error> {
    let mut salts = Salts::new();
    let mut sealed = Vec::with_capacity(appendix.len());
    for (account_id, (tenant, pending)) in appendix {
        let mut records = Vec::with_capacity(pending.len());
        for Pending { about, record: Record { kind, mut body } } in pending {
            let Some(kind) = RecordType::from_name(kind) else {
                return Err(Error::Unwritable { what: "ledger entry", why: format!("unknown type {kind}") });
            };
            let subject = |account| subjects.of_account(account_id, account);
            let openings = sealing::seal(kind.as_str(), &mut body, &subject, &mut || salts.next())
                .map_err(|error| Error::Unwritable { what: "ledger entry", why: error.to_string() })?;
            records.push(Sealed { about, kind, content: Content::sealed(body, openings)? });
        }
        sealed.push((tenant, records));
    }
    salts.check()?;
    Ok(sealed)
}

/// Writes what was appended, and the heads with their checkpoints, if `known` holds. Returns the new heads.
pub(super) async fn write(
    entries: Vec<Row>,
    logs: Vec<(Open, Signing)>,
    known: Option<Statement>,
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
    let (heads, mut entries, mut last) = (rows.len(), entries.into_iter(), Together::default());
    while entries.len() > 0 {
        let insert = Statement::new("INSERT INTO ledger_entries (tenant, seq, request_id, type, line, openings) ")
            .rows(entries.by_ref().take(ROWS));
        match entries.len() {
            0 => last.and(insert),
            _ => drop(insert.execute(connection).await?),
        }
    }
    if let Some(insert) = tiles::insert(filled, connection).await? {
        last.and(insert);
    }
    let mut write = Statement::new(
        "INSERT INTO ledger_heads (tenant, login, origin, vkey, next_vkey, size, prev, frontier, checkpoint) ",
    )
    .rows(rows)
    .sql(
        " ON CONFLICT (tenant) DO UPDATE SET vkey = excluded.vkey, next_vkey = excluded.next_vkey, size = excluded.size, \
         prev = excluded.prev, frontier = excluded.frontier, checkpoint = excluded.checkpoint",
    );
    if let Some(known) = known {
        write = write.sql(" WHERE ").and(known);
    }
    last.and(write.sql(" RETURNING tenant"));
    // Somebody was erased between being looked up and the lock: then they are somebody new, next time.
    if last.fetch(connection).await?.len() == heads { Ok(signed) } else { Err(Error::Conflict) }
}
