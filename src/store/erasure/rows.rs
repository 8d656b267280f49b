//! The rows that tell of somebody, and how they stop.

use serde_json::Value as Json;
use sqlx::AnyConnection;

use super::find::Found;
use crate::domain::case::Case;
use crate::domain::request::Life;
use crate::ledger::sealing::{Kept, Opening, Traces};
use crate::store::Error;
use crate::store::sql::{Statement, int, text};

/// Rows read at once: facts may be long.
pub(super) const PAGE: u64 = 200;

/// Deletes the openings at these paths of an entry.
pub(super) async fn take_away(
    tenant: u64,
    seq: u64,
    paths: &[String],
    connection: &mut AnyConnection,
) -> Result<(), Error> {
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
        .bind(openings.into_iter().collect::<Kept>().into_text())
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
pub(super) async fn requests(
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
            let is_open: i64 = int(row, 4)?;
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
