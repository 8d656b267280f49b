//! Requests: the case that never changes, and the life that does.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use serde::de::DeserializeOwned;
use sqlx::AnyConnection;
use tokio::sync::{mpsc, oneshot};

use super::cases::{Cases, Known};
use super::connection::Line;
use super::sql::{Statement, Value, id, int, text};
use super::{Error, Shared};
use crate::domain::Millis;
use crate::domain::digest::Digest;
use crate::domain::facts::Facts;
use crate::domain::gate::{RequestId, RunKey};
use crate::domain::request::{Life, Request};

/// How many reads share one statement at most.
const BATCH: usize = 64;

/// A request under the write lock of a transaction.
pub(super) struct Locked {
    pub(super) request: Request,
    pub(super) run_key: RunKey,
    /// How many ledger entries it has.
    pub(super) entries: u64,
    /// Whether its life has to be written.
    pub(super) dirty: bool,
}

/// Locks the requests with these ids or run keys, and loads them.
pub(super) async fn lock(
    cases: &Cases,
    ids: &BTreeSet<RequestId>,
    keys: &BTreeSet<RunKey>,
    connection: &mut AnyConnection,
) -> Result<BTreeMap<RequestId, Locked>, Error> {
    if ids.is_empty() && keys.is_empty() {
        return Ok(BTreeMap::new());
    }
    let mut statement = Statement::new("UPDATE request_lives SET entries = entries WHERE ");
    if !ids.is_empty() {
        statement = statement.sql("request_id IN ").list(ids.iter().map(RequestId::as_str));
    }
    if !keys.is_empty() {
        statement = statement.sql(if ids.is_empty() { "run_key IN " } else { " OR run_key IN " });
        statement = statement.list(keys.iter().map(RunKey::as_str));
    }
    let rows = statement.sql(" RETURNING request_id, entries, life").fetch(connection).await?;

    let mut lives = Vec::with_capacity(rows.len());
    for row in &rows {
        lives.push((request_id(&text(row, 0)?)?, id(row, 1)?, json("life", &text(row, 2)?)?));
    }
    let known = load_cases(cases, lives.iter().map(|(id, _, life)| (id, life)), connection).await?;
    let mut locked = BTreeMap::new();
    for (id, entries, life) in lives {
        let request = assemble(&known, id.clone(), life)?;
        locked.insert(id, Locked { run_key: request.case.subject.run_key(), request, entries, dirty: false });
    }
    Ok(locked)
}

async fn load_cases<'a>(
    cases: &Cases,
    lives: impl Iterator<Item = (&'a RequestId, &'a Life)>,
    connection: &mut AnyConnection,
) -> Result<HashMap<RequestId, Known>, Error> {
    let mut known = HashMap::new();
    let mut missing = Vec::new();
    for (id, life) in lives {
        // Another replica may have judged it again since.
        let is_current = |known: &Known| life.judged.as_ref().is_none_or(|digest| *digest == known.digest);
        match cases.get(id).filter(is_current) {
            Some(case) => drop(known.insert(id.clone(), case)),
            None => missing.push(id.as_str()),
        }
    }
    if !missing.is_empty() {
        let rows = Statement::new("SELECT id, digest, body FROM requests WHERE id IN ")
            .list(missing)
            .fetch(connection)
            .await?;
        for row in &rows {
            let (id, body) = (request_id(&text(row, 0)?)?, text(row, 2)?);
            let digest: Digest =
                serde_json::from_value(text(row, 1)?.into()).map_err(|e| Error::unreadable("digest", e))?;
            let case = Known { case: Arc::new(json("case", &body)?), digest };
            cases.put(id.clone(), case.clone(), body.len());
            known.insert(id, case);
        }
    }
    Ok(known)
}

fn assemble(known: &HashMap<RequestId, Known>, id: RequestId, life: Life) -> Result<Request, Error> {
    let Known { case, digest } = known.get(&id).cloned().ok_or_else(|| Error::unreadable("case", &id))?;
    Ok(Request { id, digest, case, life })
}

/// Writes requests that were opened. Fails with [`Error::Conflict`] if another replica opened one of them meanwhile.
/// Returns the length of each case as it is stored.
pub(super) async fn insert(
    opened: &[Request],
    facts: &HashMap<RequestId, Box<Facts>>,
    connection: &mut AnyConnection,
) -> Result<Vec<usize>, Error> {
    if opened.is_empty() {
        return Ok(Vec::new());
    }
    let mut lengths = Vec::with_capacity(opened.len());
    let mut rows: Vec<[Value; 6]> = Vec::with_capacity(opened.len());
    for request in opened {
        let body = to_json("case", &*request.case)?;
        lengths.push(body.len());
        rows.push([
            request.id.as_str().into(),
            request.case.subject.tenant.account_id.into(),
            request.digest.as_str().into(),
            body.into(),
            facts.get(&request.id).map(|facts| to_json("facts", &**facts)).transpose()?.unwrap_or_default().into(),
            request.life.opened_at.into(),
        ]);
    }
    let written = Statement::new("INSERT INTO requests (id, tenant, digest, body, facts, facts_since) ")
        .rows(rows)
        .sql(" ON CONFLICT (id) DO NOTHING")
        .execute(connection)
        .await?;
    if written == opened.len() as u64 { Ok(lengths) } else { Err(Error::Conflict) }
}

/// Writes what a request was judged anew. Returns the length of its case as it is stored.
pub(super) async fn judge_again(request: &Request, connection: &mut AnyConnection) -> Result<usize, Error> {
    let body = to_json("case", &*request.case)?;
    let length = body.len();
    Statement::new("UPDATE requests SET digest = ")
        .bind(request.digest.as_str())
        .sql(", body = ")
        .bind(body)
        .sql(" WHERE id = ")
        .bind(request.id.as_str())
        .execute(connection)
        .await?;
    Ok(length)
}

/// What a request was judged by; `None` when that was not kept.
pub(super) async fn facts(shared: &Shared, id: &RequestId) -> Result<Option<Facts>, Error> {
    let mut session = shared.readers.open().await?;
    let rows =
        Statement::new("SELECT facts FROM requests WHERE id = ").bind(id.as_str()).fetch(session.connection()?).await?;
    session.end();
    let Some(row) = rows.first() else { return Ok(None) };
    let facts = text(row, 0)?;
    if facts.is_empty() { Ok(None) } else { json("facts", &facts).map(Some) }
}

/// Writes how far requests have come.
pub(super) async fn save(locked: &BTreeMap<RequestId, Locked>, connection: &mut AnyConnection) -> Result<(), Error> {
    let mut rows: Vec<[Value; 6]> = Vec::new();
    for Locked { request, run_key, entries, .. } in locked.values().filter(|locked| locked.dirty) {
        let state = if request.is_pending() { "pending" } else { "decided" };
        rows.push([
            request.id.as_str().into(),
            run_key.as_str().into(),
            state.into(),
            request.next_due().unwrap_or_default().into(),
            (*entries).into(),
            to_json("life", &request.life)?.into(),
        ]);
    }
    if rows.is_empty() {
        return Ok(());
    }
    Statement::new("INSERT INTO request_lives (request_id, run_key, state, due_at, entries, life) ")
        .rows(rows)
        .sql(
            " ON CONFLICT (request_id) DO UPDATE SET state = excluded.state, due_at = excluded.due_at, \
             entries = excluded.entries, life = excluded.life",
        )
        .execute(connection)
        .await?;
    Ok(())
}

/// Somebody wants to see a request.
pub(super) struct Question {
    pub(super) id: RequestId,
    pub(super) answer: oneshot::Sender<Result<Option<Request>, Error>>,
}

/// Reads requests, all that are asked for in one statement.
pub(super) async fn read(line: Line, cases: Arc<Cases>, mut questions: mpsc::Receiver<Question>) {
    let mut batch = Vec::with_capacity(BATCH);
    while questions.recv_many(&mut batch, BATCH).await > 0 {
        let ids: BTreeSet<RequestId> = batch.iter().map(|question| question.id.clone()).collect();
        let found = super::with_retries(|| read_all(&line, &cases, &ids)).await;
        for Question { id, answer } in batch.drain(..) {
            // Whoever asked may have hung up.
            let _ = answer.send(found.as_ref().map(|found| found.get(&id).cloned()).map_err(Clone::clone));
        }
    }
    line.close().await;
}

async fn read_all(line: &Line, cases: &Cases, ids: &BTreeSet<RequestId>) -> Result<HashMap<RequestId, Request>, Error> {
    let mut session = line.open().await?;
    let connection = session.connection()?;
    let rows = Statement::new("SELECT request_id, life FROM request_lives WHERE request_id IN ")
        .list(ids.iter().map(RequestId::as_str))
        .fetch(connection)
        .await?;
    let mut lives = Vec::with_capacity(rows.len());
    for row in &rows {
        lives.push((request_id(&text(row, 0)?)?, json("life", &text(row, 1)?)?));
    }
    let known = load_cases(cases, lives.iter().map(|(id, life)| (id, life)), connection).await?;
    session.end();
    lives.into_iter().map(|(id, life)| Ok((id.clone(), assemble(&known, id, life)?))).collect()
}

/// Whose requests.
#[derive(Clone, Copy, Debug)]
pub enum Of {
    /// A tenant's, by account id.
    Tenant(u64),
    /// A repository's, by id.
    Repository(u64),
}

/// Requests whose answer has not left: those that wait for a human, and those that are decided and wait to be released.
pub(super) async fn unanswered(shared: &Shared, of: Of) -> Result<Vec<RequestId>, Error> {
    let mut session = shared.readers.open().await?;
    let statement = Statement::new("SELECT l.request_id FROM request_lives l JOIN requests r ON r.id = l.request_id ");
    let statement = match of {
        Of::Tenant(tenant) => statement.sql("WHERE r.tenant = ").bind(tenant),
        Of::Repository(repository) => statement.sql("WHERE l.run_key LIKE ").bind(format!("{repository}/%")),
    };
    let rows = statement
        .sql(
            " AND (l.state = 'pending' OR EXISTS (SELECT 1 FROM effects e WHERE e.request_id = l.request_id \
             AND e.kind = 'callback' AND e.state = 'queued')) ORDER BY l.request_id",
        )
        .fetch(session.connection()?)
        .await?;
    session.end();
    rows.iter().map(|row| request_id(&text(row, 0)?)).collect()
}

/// The newest requests of a repository, newest first.
pub(super) async fn recent(
    shared: &Shared,
    tenant: u64,
    repository: u64,
    limit: usize,
) -> Result<Vec<RequestId>, Error> {
    let mut session = shared.readers.open().await?;
    let rows = Statement::new(
        "SELECT e.request_id FROM ledger_entries e JOIN request_lives l ON l.request_id = e.request_id \
         WHERE e.type = 'request.opened' AND e.tenant = ",
    )
    .bind(tenant)
    .sql(" AND l.run_key LIKE ")
    .bind(format!("{repository}/%"))
    .sql(" ORDER BY e.seq DESC LIMIT ")
    .bind(i64::try_from(limit).unwrap_or(i64::MAX))
    .fetch(session.connection()?)
    .await?;
    session.end();
    rows.iter().map(|row| request_id(&text(row, 0)?)).collect()
}

/// Pending requests whose time is over, the most overdue first.
pub(super) async fn due(shared: &Shared, now: Millis, limit: usize) -> Result<Vec<RequestId>, Error> {
    let mut session = shared.readers.open().await?;
    let rows =
        Statement::new("SELECT request_id FROM request_lives WHERE state = 'pending' AND due_at > 0 AND due_at <= ")
            .bind(now)
            // Not the value alone: SQLite prepares a statement anew each time its limit is bound.
            .sql(" ORDER BY due_at LIMIT 0 + ")
            .bind(limit as u64)
            .fetch(session.connection()?)
            .await?;
    session.end();
    rows.iter().map(|row| request_id(&text(row, 0)?)).collect()
}

/// When the next pending request expires.
pub(super) async fn next_due(shared: &Shared) -> Result<Option<Millis>, Error> {
    let mut session = shared.readers.open().await?;
    let rows = Statement::new(
        "SELECT due_at FROM request_lives WHERE state = 'pending' AND due_at > 0 ORDER BY due_at LIMIT 1",
    )
    .fetch(session.connection()?)
    .await?;
    session.end();
    rows.first().map(|row| int(row, 0)).transpose()
}

/// Which of these requests are known.
pub(super) async fn known(shared: &Shared, ids: &[RequestId]) -> Result<BTreeSet<RequestId>, Error> {
    if ids.is_empty() {
        return Ok(BTreeSet::new());
    }
    let mut session = shared.readers.open().await?;
    let rows = Statement::new("SELECT id FROM requests WHERE id IN ")
        .list(ids.iter().map(RequestId::as_str))
        .fetch(session.connection()?)
        .await?;
    session.end();
    rows.iter().map(|row| request_id(&text(row, 0)?)).collect()
}

/// Place in its tenant's log of the newest decision on a request.
pub(super) async fn decision_seq(shared: &Shared, request: &RequestId) -> Result<Option<u64>, Error> {
    let mut session = shared.readers.open().await?;
    let rows = Statement::new("SELECT seq FROM ledger_entries WHERE type = 'decision.recorded' AND request_id = ")
        .bind(request.as_str())
        .sql(" ORDER BY seq DESC LIMIT 1")
        .fetch(session.connection()?)
        .await?;
    session.end();
    rows.first().map(|row| id(row, 0)).transpose()
}

fn request_id(text: &str) -> Result<RequestId, Error> {
    RequestId::parse(text).ok_or_else(|| Error::unreadable("request id", text))
}

fn json<T: DeserializeOwned>(what: &'static str, text: &str) -> Result<T, Error> {
    serde_json::from_str(text).map_err(|error| Error::unreadable(what, error))
}

fn to_json(what: &'static str, value: &impl serde::Serialize) -> Result<String, Error> {
    serde_json::to_string(value).map_err(|error| Error::Unwritable { what, why: error.to_string() })
}
