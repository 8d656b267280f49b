//! Requests as somebody beside the server sees them: read only, and while it runs.

use std::sync::Arc;

use sqlx::AnyPool;

use super::Error;
use super::connection::Database;
use super::sql::{Statement, text};
use crate::domain::gate::RequestId;
use crate::domain::request::Request;

/// Reads requests.
#[derive(Clone)]
pub struct RequestReader {
    pool: AnyPool,
}

impl RequestReader {
    /// Opens the requests in the database of this URL.
    ///
    /// # Errors
    /// If the URL cannot be used, or there is no such file.
    pub fn open(url: &str) -> Result<Self, Error> {
        let database = Database::parse(url)?;
        database.must_exist()?;
        Ok(Self { pool: database.readers(1) })
    }

    /// The requests whose ids begin like this, at most so many.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub async fn begin_with(&self, prefix: &str, limit: usize) -> Result<Vec<Request>, Error> {
        // `g` comes after every hex digit.
        let rows = Statement::new(
            "SELECT requests.id, requests.digest, requests.body, request_lives.life FROM requests \
             JOIN request_lives ON request_lives.request_id = requests.id WHERE requests.id >= ",
        )
        .bind(prefix)
        .sql(" AND requests.id < ")
        .bind(format!("{prefix}g"))
        .sql(" ORDER BY requests.id LIMIT ")
        .bind(limit as u64)
        .fetch(&mut *self.pool.acquire().await?)
        .await?;
        let mut found = Vec::with_capacity(rows.len());
        for row in &rows {
            let id = text(row, 0)?;
            let unreadable = |what| move |error: serde_json::Error| Error::unreadable(what, error);
            found.push(Request {
                id: RequestId::parse(&id).ok_or_else(|| Error::unreadable("request id", &id))?,
                digest: serde_json::from_value(text(row, 1)?.into()).map_err(unreadable("digest"))?,
                case: Arc::new(serde_json::from_str(&text(row, 2)?).map_err(unreadable("case"))?),
                life: serde_json::from_str(&text(row, 3)?).map_err(unreadable("life"))?,
            });
        }
        Ok(found)
    }
}
