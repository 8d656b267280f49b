//! Whatever tells of somebody, found entry by entry.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value as Json, json};
use sqlx::AnyConnection;

use super::Erasure;
use super::rows::PAGE;
use crate::domain::record::Record;
use crate::ledger::sealing::{Opening, Subject, Traces};
use crate::store::Error;
use crate::store::sql::{Statement, id, text};

/// How many bytes of paths one entry tells of.
const TOLD: usize = 48_000;

/// Somebody, and all that tells of them so far.
pub(super) struct Found {
    pub(super) account_id: Option<u64>,
    pub(super) subject: Option<Subject>,
    pub(super) traces: Traces,
    /// Paths by entry.
    pub(super) told: BTreeMap<u64, Vec<String>>,
    /// Requests that these entries are about.
    pub(super) requests: BTreeSet<String>,
    pub(super) size: u64,
}

/// One entry as it is stored.
struct Row {
    seq: u64,
    request: String,
    name: String,
    body: Map<String, Json>,
    openings: Vec<Opening>,
}

/// Finds somebody, and whatever tells of them.
pub(super) async fn find(tenant: u64, person: &str, connection: &mut AnyConnection) -> Result<Found, Error> {
    let rows = Statement::new("SELECT account_id, sub, login FROM ledger_subjects WHERE tenant = ")
        .bind(tenant)
        .fetch(connection)
        .await?;
    let mut known: Vec<(u64, String, String)> = Vec::with_capacity(rows.len());
    for row in &rows {
        known.push((id(row, 0)?, text(row, 1)?, text(row, 2)?));
    }
    let heads = Statement::new("SELECT size FROM ledger_heads WHERE tenant = ").bind(tenant).fetch(connection).await?;
    let size = heads.first().map_or(Ok(0), |row| id(row, 0))?;
    let is_it = |(account_id, _, login): &&(u64, String, String)| {
        account_id.to_string() == person || login.eq_ignore_ascii_case(person)
    };
    let mut them: Vec<&(u64, String, String)> = known.iter().filter(is_it).collect();
    if them.is_empty() {
        // They may have been called something else when they were met first.
        let called = called(person, tenant, size, connection).await?;
        them = known.iter().filter(|(_, sub, _)| called.contains(sub)).collect();
    }
    if them.len() > 1 {
        let ids: Vec<String> = them.iter().map(|(account_id, ..)| account_id.to_string()).collect();
        let why = format!("several accounts are or were called {person}: name one by its id, {}", ids.join(" or "));
        return Err(Error::Unwritable { what: "erasure", why });
    }
    let (account_id, subject, traces) = match them.first() {
        None => (None, None, Traces::of_word(person)),
        Some((account_id, sub, login)) => {
            let subject = Subject::parse(sub).ok_or_else(|| Error::unreadable("subject", sub))?;
            (Some(*account_id), Some(subject), Traces::of(*account_id, subject, login))
        }
    };
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

/// The subjects of whoever is called like this in some entry.
async fn called(
    login: &str,
    tenant: u64,
    size: u64,
    connection: &mut AnyConnection,
) -> Result<BTreeSet<String>, Error> {
    let (mut subjects, mut next) = (BTreeSet::new(), 0);
    while let Some(rows) = page(tenant, next, size, connection).await? {
        for Row { seq, body, openings, .. } in rows {
            next = seq + 1;
            let body = Json::Object(body);
            let is_login =
                |opening: &&Opening| opening.value.as_str().is_some_and(|value| value.eq_ignore_ascii_case(login));
            let beside = |opening: &Opening| {
                let account = opening.path.strip_suffix("/login")?;
                body.pointer(&format!("{account}/id"))?.as_str().map(str::to_owned)
            };
            subjects.extend(openings.iter().filter(is_login).filter_map(beside));
        }
    }
    Ok(subjects)
}

impl Found {
    pub(super) fn is_nobody(&self) -> bool {
        self.account_id.is_none() && self.told.is_empty()
    }

    pub(super) fn erasure(&self) -> Erasure {
        Erasure {
            subject: self.subject,
            openings: self.told.values().map(Vec::len).sum(),
            entries: self.told.len(),
            ..Erasure::default()
        }
    }

    /// Looks at the entries up to `size` that it has not seen. False if they tell of names that were not looked for before.
    pub(super) async fn look_at(
        &mut self,
        tenant: u64,
        size: u64,
        connection: &mut AnyConnection,
    ) -> Result<bool, Error> {
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
    pub(super) fn records(&self, erasure: &Erasure, reason: &str) -> Vec<Record> {
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
