//! Erasing a person: what ties them to their subject and whatever tells of them is deleted, in one transaction, and an entry
//! says so. Not a byte of what is hashed and proven changes.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value as Json, json};
use sqlx::{AnyConnection, Executor as _};
use zeroize::Zeroizing;

use super::connection::{Database, Line};
use super::ledger::{About, Appendix, LedgerReader, LogHead, Pending, Signer};
use super::sql::{Statement, id, text};
use super::{Error, ledger};
use crate::domain::Millis;
use crate::domain::case::Case;
use crate::domain::gate::Tenant;
use crate::domain::record::Record;
use crate::domain::request::Life;
use crate::ledger::sealing::{Opening, Subject, Traces};

/// Rows read at once: facts may be long.
const PAGE: u64 = 200;
/// How many bytes of paths one entry tells of.
const TOLD: usize = 48_000;
/// How often it is tried when the log grows meanwhile and tells of new names.
const ATTEMPTS: u32 = 5;

/// Erases people from the ledger of a server, which may be running.
pub struct Eraser {
    reader: LedgerReader,
    line: Line,
    signer: Signer,
    is_sqlite: bool,
}

/// What is erased, or was.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Erasure {
    /// The subject that nobody can tie to an account any more.
    pub subject: Option<Subject>,
    /// Openings.
    pub openings: usize,
    /// Entries they opened.
    pub entries: usize,
    /// Requests in the database of which only what does not name them is kept.
    pub requests: usize,
    /// Requests that name them and still wait for an answer: they have to end first.
    pub open: Vec<String>,
    /// The entries that say so.
    pub told_in: Vec<u64>,
}

/// Somebody, and all that tells of them so far.
struct Found {
    account_id: Option<u64>,
    subject: Option<Subject>,
    traces: Traces,
    /// Paths by entry.
    told: BTreeMap<u64, Vec<String>>,
    /// Requests that these entries are about.
    requests: BTreeSet<String>,
    size: u64,
}

/// One entry as it is stored.
struct Row {
    seq: u64,
    request: String,
    name: String,
    body: Map<String, Json>,
    openings: Vec<Opening>,
}

impl Eraser {
    /// Opens the ledger in the database of this URL, to be signed with this seed.
    ///
    /// # Errors
    /// If the URL cannot be used, or the logs were begun with another key.
    pub async fn open(url: &str, host: String, seed: Zeroizing<[u8; 32]>) -> Result<Self, Error> {
        let database = Database::parse(url)?;
        database.must_exist()?;
        let (reader, signer) = (LedgerReader::of(&database), Signer::new(host, seed)?);
        signer.check(&reader).await?;
        let is_sqlite = database.is_sqlite();
        Ok(Self { reader, line: Line::new(database), signer, is_sqlite })
    }

    /// Every log, in the order of their tenants.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub async fn logs(&self) -> Result<Vec<LogHead>, Error> {
        self.reader.logs().await
    }

    /// What erasing somebody would erase: a login, or an account's id.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub async fn plan(&self, log: &LogHead, person: &str) -> Result<Erasure, Error> {
        let mut session = self.line.open().await?;
        let connection = session.connection()?;
        let found = find(log.tenant, person, connection).await?;
        let mut erasure = found.erasure();
        (erasure.open, erasure.requests) = requests(log.tenant, &found, false, connection).await?;
        session.end();
        Ok(erasure)
    }

    /// Erases somebody. Nothing is erased while a request that names them is open.
    ///
    /// # Errors
    /// If the database cannot be written.
    pub async fn erase(&self, log: &LogHead, person: &str, reason: &str, now: Millis) -> Result<Erasure, Error> {
        if self.is_sqlite {
            // What is deleted is overwritten, too.
            let mut session = self.line.open().await?;
            session.connection()?.execute("PRAGMA secure_delete = ON").await?;
            session.end();
        }
        for _ in 0..ATTEMPTS {
            let mut session = self.line.open().await?;
            let mut found = find(log.tenant, person, session.connection()?).await?;
            session.end();
            let mut session = self.line.begin().await?;
            match self.delete(log, &mut found, reason, now, session.connection()?).await {
                Ok(Some(erasure)) if erasure.open.is_empty() => {
                    session.commit().await?;
                    self.forget().await?;
                    return Ok(erasure);
                }
                Ok(Some(erasure)) => {
                    session.roll_back().await;
                    return Ok(erasure);
                }
                Ok(None) => session.roll_back().await,
                Err(error) => {
                    session.roll_back().await;
                    return Err(error);
                }
            }
        }
        Err(Error::Conflict)
    }

    /// Also the journal forgets.
    async fn forget(&self) -> Result<(), Error> {
        if self.is_sqlite {
            let mut session = self.line.open().await?;
            session.connection()?.execute("PRAGMA wal_checkpoint(TRUNCATE)").await?;
            session.end();
        }
        Ok(())
    }

    /// `None`: the log has grown, and told of new names.
    async fn delete(
        &self,
        log: &LogHead,
        found: &mut Found,
        reason: &str,
        now: Millis,
        connection: &mut AnyConnection,
    ) -> Result<Option<Erasure>, Error> {
        let heads = Statement::new("UPDATE ledger_heads SET size = size WHERE tenant = ")
            .bind(log.tenant)
            .sql(" RETURNING size")
            .fetch(connection)
            .await?;
        let size = heads.first().map_or(Err(Error::Closed), |row| id(row, 0))?;
        if !found.look_at(log.tenant, size, connection).await? {
            return Ok(None);
        }
        let mut erasure = found.erasure();
        (erasure.open, erasure.requests) = requests(log.tenant, found, true, connection).await?;
        if !erasure.open.is_empty() || found.is_nobody() {
            return Ok(Some(erasure));
        }
        for (seq, paths) in &found.told {
            take_away(log.tenant, *seq, paths, connection).await?;
        }
        if let Some(account_id) = found.account_id {
            Statement::new("DELETE FROM ledger_subjects WHERE tenant = ")
                .bind(log.tenant)
                .sql(" AND account_id = ")
                .bind(account_id)
                .execute(connection)
                .await?;
        }
        let records = found.records(&erasure, reason);
        erasure.told_in = (size..).take(records.len()).collect();
        let named = |n| About::Log(format!("log:redaction:{n}"));
        let pending = (size..).zip(records).map(|(n, record)| Pending { about: named(n), record }).collect();
        let tenant = Tenant { account_id: log.tenant, login: log.login.clone(), installation_id: 0 };
        let appendix = Appendix::from([(log.tenant, (tenant, pending))]);
        ledger::append(&self.signer, appendix, !self.is_sqlite, now, connection).await?;
        Ok(Some(erasure))
    }
}

/// Finds somebody, and whatever tells of them.
async fn find(tenant: u64, person: &str, connection: &mut AnyConnection) -> Result<Found, Error> {
    let rows = Statement::new("SELECT account_id, sub, login FROM ledger_subjects WHERE tenant = ")
        .bind(tenant)
        .fetch(connection)
        .await?;
    let mut known: Vec<(u64, String, String)> = Vec::with_capacity(rows.len());
    for row in &rows {
        known.push((id(row, 0)?, text(row, 1)?, text(row, 2)?));
    }
    let by_id = known.iter().find(|(account_id, ..)| account_id.to_string() == person);
    let known = by_id.or_else(|| known.iter().find(|(_, _, login)| login.eq_ignore_ascii_case(person)));
    let (account_id, subject, traces) = match known {
        None => (None, None, Traces::of_word(person)),
        Some((account_id, sub, login)) => {
            let subject = Subject::parse(sub).ok_or_else(|| Error::unreadable("subject", sub))?;
            (Some(*account_id), Some(subject), Traces::of(*account_id, subject, login))
        }
    };
    let heads = Statement::new("SELECT size FROM ledger_heads WHERE tenant = ").bind(tenant).fetch(connection).await?;
    let size = heads.first().map_or(Ok(0), |row| id(row, 0))?;
    let mut found = Found { account_id, subject, traces, told: BTreeMap::new(), requests: BTreeSet::new(), size: 0 };
    // What they are called anywhere is looked for everywhere.
    let mut next = 0;
    while let Some(rows) = page(tenant, next, size, connection).await? {
        for Row { seq, name, body, openings, .. } in rows {
            found.traces.learn(&name, &body, &openings);
            next = seq + 1;
        }
    }
    found.look_at(tenant, size, connection).await?;
    Ok(found)
}

impl Found {
    fn is_nobody(&self) -> bool {
        self.account_id.is_none() && self.told.is_empty()
    }

    fn erasure(&self) -> Erasure {
        Erasure {
            subject: self.subject,
            openings: self.told.values().map(Vec::len).sum(),
            entries: self.told.len(),
            ..Erasure::default()
        }
    }

    /// Looks at the entries up to `size` that it has not seen. False if they tell of names that were not looked for before.
    async fn look_at(&mut self, tenant: u64, size: u64, connection: &mut AnyConnection) -> Result<bool, Error> {
        let mut pieces: BTreeMap<String, (String, Vec<(u64, String)>)> = BTreeMap::new();
        while let Some(rows) = page(tenant, self.size, size, connection).await? {
            for Row { seq, request, name, body, openings } in rows {
                self.size = seq + 1;
                if self.traces.learn(&name, &body, &openings) {
                    return Ok(false);
                }
                let own = self.traces.paths(&name, &body);
                for opening in openings {
                    if own.contains(&opening.path) || self.traces.are_told_by(&opening) {
                        self.told.entry(seq).or_default().push(opening.path);
                        self.requests.insert(request.clone());
                    } else if name == "facts.recorded" {
                        // A name may be cut in two: pieces are looked at as the whole they are of.
                        let (whole, places) = pieces.entry(request.clone()).or_default();
                        whole.push_str(opening.value.as_str().unwrap_or_default());
                        places.push((seq, opening.path));
                    }
                }
                if !own.is_empty() {
                    self.requests.insert(request);
                }
            }
        }
        self.size = self.size.max(size);
        for (request, (whole, places)) in pieces {
            if self.requests.contains(&request) || self.traces.are_in(&whole) {
                self.requests.insert(request);
                places.into_iter().for_each(|(seq, path)| self.told.entry(seq).or_default().push(path));
            }
        }
        Ok(true)
    }

    /// The entries that say what was erased, as many as it takes.
    fn records(&self, erasure: &Erasure, reason: &str) -> Vec<Record> {
        let (mut parts, mut part, mut bytes) = (Vec::new(), Vec::new(), 0);
        for (seq, paths) in &self.told {
            let entry = json!({ "seq": seq, "paths": paths });
            let length = entry.to_string().len() + 1;
            if bytes + length > TOLD && !part.is_empty() {
                parts.push(std::mem::take(&mut part));
                bytes = 0;
            }
            bytes += length;
            part.push(entry);
        }
        parts.push(part);
        let count = parts.len();
        let record = |(n, entries): (usize, Vec<Json>)| {
            Record::new(
                "redaction.performed",
                json!({
                    "subject": self.subject.map(|subject| subject.to_string()),
                    "entries": entries,
                    "part": n,
                    "parts": count,
                    "openings": erasure.openings,
                    "key_erased": self.account_id.is_some(),
                    "reason": Some(reason).filter(|reason| !reason.is_empty()),
                }),
            )
        };
        (1..).zip(parts).map(record).collect()
    }
}

/// The next entries with openings, or that may name somebody; `None` when there are no more.
async fn page(tenant: u64, from: u64, size: u64, connection: &mut AnyConnection) -> Result<Option<Vec<Row>>, Error> {
    let rows = Statement::new(
        "SELECT seq, request_id, type, line, openings FROM ledger_entries WHERE openings <> '' AND tenant = ",
    )
    .bind(tenant)
    .sql(" AND seq >= ")
    .bind(from)
    .sql(" AND seq < ")
    .bind(size)
    .sql(" ORDER BY seq LIMIT ")
    .bind(PAGE)
    .fetch(connection)
    .await?;
    if rows.is_empty() {
        return Ok(None);
    }
    let unreadable = |error: serde_json::Error| Error::unreadable("ledger entry", error);
    let row = |row| {
        Ok(Row {
            seq: id(row, 0)?,
            request: text(row, 1)?,
            name: text(row, 2)?,
            body: serde_json::from_str(&text(row, 3)?).map_err(unreadable)?,
            openings: serde_json::from_str(&text(row, 4)?).map_err(unreadable)?,
        })
    };
    rows.iter().map(row).collect::<Result<_, Error>>().map(Some)
}

/// Deletes the openings at these paths of an entry.
async fn take_away(tenant: u64, seq: u64, paths: &[String], connection: &mut AnyConnection) -> Result<(), Error> {
    let rows = Statement::new("SELECT openings FROM ledger_entries WHERE tenant = ")
        .bind(tenant)
        .sql(" AND seq = ")
        .bind(seq)
        .fetch(connection)
        .await?;
    let kept = rows.first().map_or(Ok(String::new()), |row| text(row, 0))?;
    let mut openings: Vec<Opening> =
        serde_json::from_str(&kept).map_err(|error| Error::unreadable("openings", error))?;
    openings.retain(|opening| !paths.contains(&opening.path));
    Statement::new("UPDATE ledger_entries SET openings = ")
        .bind(ledger::stored(&openings)?)
        .sql(" WHERE tenant = ")
        .bind(tenant)
        .sql(" AND seq = ")
        .bind(seq)
        .execute(connection)
        .await?;
    Ok(())
}

/// The requests that name somebody: those that are open, by id, and how many others. Of these, if wanted, only what does not
/// name them is kept.
async fn requests(
    tenant: u64,
    found: &Found,
    take_out: bool,
    connection: &mut AnyConnection,
) -> Result<(Vec<String>, usize), Error> {
    let (mut open, mut others, mut after) = (Vec::new(), 0, String::new());
    loop {
        let rows = Statement::new(
            "SELECT r.id, r.body, r.facts, l.life, CASE WHEN l.state = 'pending' OR EXISTS (SELECT 1 FROM effects e \
             WHERE e.request_id = r.id AND e.state = 'queued') THEN 1 ELSE 0 END \
             FROM requests r JOIN request_lives l ON l.request_id = r.id WHERE r.tenant = ",
        )
        .bind(tenant)
        .sql(" AND r.id > ")
        .bind(after.as_str())
        .sql(" ORDER BY r.id LIMIT ")
        .bind(PAGE)
        .fetch(connection)
        .await?;
        let Some(last) = rows.last() else { return Ok((open, others)) };
        after = text(last, 0)?;
        for row in &rows {
            let (request, body, facts, life) = (text(row, 0)?, text(row, 1)?, text(row, 2)?, text(row, 3)?);
            let is_named = [&body, &facts, &life].iter().any(|text| found.traces.are_in(text));
            if !is_named && !found.requests.contains(&request) {
                continue;
            }
            let is_open: i64 = super::sql::int(row, 4)?;
            if is_open != 0 {
                open.push(request);
                continue;
            }
            others += usize::from(is_named);
            if take_out && is_named {
                let body = without::<Case>("case", &body, &found.traces)?;
                let life = without::<Life>("life", &life, &found.traces)?;
                Statement::new("UPDATE requests SET facts = '', body = ")
                    .bind(body)
                    .sql(" WHERE id = ")
                    .bind(request.as_str())
                    .execute(connection)
                    .await?;
                Statement::new("UPDATE request_lives SET life = ")
                    .bind(life)
                    .sql(" WHERE request_id = ")
                    .bind(request.as_str())
                    .execute(connection)
                    .await?;
            }
        }
    }
}

/// What is stored, without somebody; and still readable.
fn without<T: serde::de::DeserializeOwned>(what: &'static str, stored: &str, traces: &Traces) -> Result<String, Error> {
    let mut value: Json = serde_json::from_str(stored).map_err(|error| Error::unreadable(what, error))?;
    traces.take_out_of(&mut value);
    let text = value.to_string();
    serde_json::from_str::<T>(&text).map_err(|error| Error::Unwritable { what, why: error.to_string() })?;
    Ok(text)
}
