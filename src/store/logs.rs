//! Reading logs: needs no server, and disturbs none.

use sqlx::AnyPool;
use sqlx::any::{Any, AnyRow};
use sqlx::pool::PoolConnection;

use super::Error;
use super::connection::Database;
use super::sql::{Statement, id, text};

/// One log, and where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogHead {
    /// Account id of the tenant whose log it is.
    pub tenant: u64,
    /// The tenant's login when the log was begun.
    pub login: String,
    /// The log's name for ever.
    pub origin: String,
    /// The log's own key, which checks it.
    pub vkey: String,
    /// The announced key that will take over, and signs beside it.
    pub next_vkey: Option<String>,
    /// How many entries it has.
    pub size: u64,
    /// Signed, over exactly these entries.
    pub checkpoint: String,
}

const HEADS: &str = "SELECT tenant, login, origin, vkey, size, checkpoint, next_vkey FROM ledger_heads WHERE size > 0";

fn log_head(row: &AnyRow) -> Result<LogHead, Error> {
    Ok(LogHead {
        tenant: id(row, 0)?,
        login: text(row, 1)?,
        origin: text(row, 2)?,
        vkey: text(row, 3)?,
        size: id(row, 4)?,
        checkpoint: text(row, 5)?,
        next_vkey: Some(text(row, 6)?).filter(|vkey| !vkey.is_empty()),
    })
}

/// Whether this can be the random end of a log's origin.
fn is_log_id(id: &str) -> bool {
    id.len() == 32 && id.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
}

/// Reads logs. Needs no server, and disturbs none that is running.
#[derive(Clone)]
pub struct LedgerReader {
    pub(super) pool: AnyPool,
}

impl LedgerReader {
    /// Opens the logs in the database of this URL.
    ///
    /// # Errors
    /// If the URL cannot be used.
    pub async fn open(url: &str) -> Result<Self, Error> {
        let database = Database::parse(url)?;
        database.must_exist()?;
        Ok(Self::of(&database))
    }

    pub(super) fn of(database: &Database) -> Self {
        Self { pool: database.readers(2) }
    }

    pub(super) async fn close(&self) {
        self.pool.close().await;
    }

    pub(super) async fn connection(&self) -> Result<PoolConnection<Any>, Error> {
        Ok(self.pool.acquire().await?)
    }

    /// Every log, in the order of their tenants.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub async fn logs(&self) -> Result<Vec<LogHead>, Error> {
        let rows = Statement::new(HEADS).sql(" ORDER BY tenant").fetch(&mut *self.connection().await?).await?;
        rows.iter().map(log_head).collect()
    }

    /// A tenant's log, if it has begun.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub async fn log(&self, tenant: u64) -> Result<Option<LogHead>, Error> {
        let rows =
            Statement::new(HEADS).sql(" AND tenant = ").bind(tenant).fetch(&mut *self.connection().await?).await?;
        rows.first().map(log_head).transpose()
    }

    /// Whether another account's log began with the same login, as it can when a login was given up.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub async fn has_namesake(&self, log: &LogHead) -> Result<bool, Error> {
        let statement = Statement::new(HEADS)
            .sql(" AND LOWER(login) = ")
            .bind(log.login.to_ascii_lowercase())
            .sql(" AND tenant <> ")
            .bind(log.tenant)
            .sql(" LIMIT 1");
        Ok(!statement.fetch(&mut *self.connection().await?).await?.is_empty())
    }

    /// The log whose origin ends in `/l/` and this id.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub async fn log_with_id(&self, id: &str) -> Result<Option<LogHead>, Error> {
        if !is_log_id(id) {
            return Ok(None);
        }
        // The part before it is the host that served when the log was begun, which may have another name by now.
        let rows = Statement::new(HEADS)
            .sql(" AND origin LIKE ")
            .bind(format!("%/l/{id}"))
            .fetch(&mut *self.connection().await?)
            .await?;
        rows.first().map(log_head).transpose()
    }

    /// The lines of a log from `seq` on, at most `limit` of them and none at or after `size`.
    ///
    /// Entries never change, so pages read at different times fit together as long as `size` stays the same.
    ///
    /// # Errors
    /// If the database cannot be read, or an entry is missing.
    pub async fn entries(&self, tenant: u64, seq: u64, size: u64, limit: usize) -> Result<Vec<String>, Error> {
        let end = size.min(seq.saturating_add(limit as u64));
        let rows = Statement::new("SELECT line FROM ledger_entries WHERE tenant = ")
            .bind(tenant)
            .sql(" AND seq >= ")
            .bind(seq)
            .sql(" AND seq < ")
            .bind(end)
            .sql(" ORDER BY seq")
            .fetch(&mut *self.connection().await?)
            .await?;
        if rows.len() as u64 != end.saturating_sub(seq) {
            return Err(Error::unreadable("ledger", format!("entries between {seq} and {end} are missing")));
        }
        rows.iter().map(|row| text(row, 0)).collect()
    }
}
