//! Requests as somebody beside the server sees them: read only, and while it runs.

use std::sync::Arc;

use sqlx::AnyPool;
use sqlx::any::AnyRow;

use super::Error;
use super::connection::Database;
use super::sql::{Statement, text};
use crate::domain::facts::Facts;
use crate::domain::gate::RequestId;
use crate::domain::policy;
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

    /// Requests with what they were judged by, where that was kept: so many, in the order of their ids, from the one after this.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub async fn judged(&self, after: &str, limit: usize) -> Result<Vec<(Request, Option<Facts>)>, Error> {
        let rows = Statement::new(
            "SELECT requests.id, requests.digest, requests.body, request_lives.life, requests.facts FROM requests \
             JOIN request_lives ON request_lives.request_id = requests.id WHERE requests.id > ",
        )
        .bind(after)
        .sql(" ORDER BY requests.id LIMIT ")
        .bind(limit as u64)
        .fetch(&mut *self.pool.acquire().await?)
        .await?;
        let facts = |row| match text(row, 4)?.as_str() {
            "" => Ok(None),
            facts => serde_json::from_str(facts).map(Some).map_err(|error| Error::unreadable("facts", error)),
        };
        rows.iter().map(|row| Ok((request(row)?, facts(row)?))).collect()
    }

    /// An organization's last good policy file.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub async fn organization_policy(&self, tenant: u64) -> Result<Option<policy::Text>, Error> {
        let rows = Statement::new("SELECT commit_sha, blob_sha, body FROM organization_policies WHERE tenant = ")
            .bind(tenant)
            .fetch(&mut *self.pool.acquire().await?)
            .await?;
        let file = |row| Ok(policy::Text { commit: text(row, 0)?, blob: text(row, 1)?, text: text(row, 2)? });
        rows.first().map(file).transpose()
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
        rows.iter().map(request).collect()
    }
}

fn request(row: &AnyRow) -> Result<Request, Error> {
    let id = text(row, 0)?;
    let unreadable = |what| move |error: serde_json::Error| Error::unreadable(what, error);
    Ok(Request {
        id: RequestId::parse(&id).ok_or_else(|| Error::unreadable("request id", &id))?,
        digest: serde_json::from_value(text(row, 1)?.into()).map_err(unreadable("digest"))?,
        case: Arc::new(serde_json::from_str(&text(row, 2)?).map_err(unreadable("case"))?),
        life: serde_json::from_str(&text(row, 3)?).map_err(unreadable("life"))?,
    })
}
