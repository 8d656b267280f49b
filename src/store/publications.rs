//! What of each log was published, what is being published, and by whom.
//!
//! A batch is planned before anything is created on GitHub: its row fixes which entries, which checkpoint and which tag.
//! Whoever has the row's lease works on it; the row and the log's entry about it end in one transaction.

use std::collections::BTreeSet;
use std::sync::Arc;

use sqlx::any::AnyRow;
use zeroize::Zeroizing;

use super::connection::{Database, Line, Readers};
use super::keys::Signer;
use super::sql::{Statement, text};
use super::{Clock, DatabaseClock, Error, LedgerReader, LogHead, clock, with_retries};
use crate::domain::Millis;
use crate::ledger::entry::Header;

mod batch;
mod work;

pub use batch::{Batch, BatchState};
pub use work::{Plan, Vouched};

use batch::COLUMNS;

/// How to open what is published without being a server.
pub struct Beside {
    /// As [`Options::url`](super::Options).
    pub url: String,
    /// As [`Options::host`](super::Options).
    pub host: String,
    /// The secret all log keys grow from.
    pub seed: Zeroizing<[u8; 32]>,
    /// As [`Options::next_seed`](super::Options).
    pub next_seed: Option<Zeroizing<[u8; 32]>>,
    /// What this machine's clock says.
    pub machine: Clock,
    /// How long work is ours, in milliseconds.
    pub lease_for: Millis,
}

/// The publications in a database. Clones are the same.
#[derive(Clone)]
pub struct Publications {
    /// For whoever writes.
    pub(super) line: Arc<Line>,
    /// For the rest: nobody who waits to write waits for them.
    pub(super) readers: Arc<Readers>,
    pub(super) signer: Arc<Signer>,
    pub(super) ledger: LedgerReader,
    pub(super) clock: Clock,
    pub(super) lease_for: Millis,
    pub(super) several_writers: bool,
}

impl Publications {
    /// Opens the publications in a database that a server may be using at the same time.
    ///
    /// # Errors
    /// If there is no such database, or the key is not the one its logs were begun with.
    pub async fn open_beside(beside: Beside) -> Result<Self, Error> {
        let signer = Arc::new(Signer::new(beside.host, beside.seed, beside.next_seed)?);
        let database = Database::parse(&beside.url)?;
        database.must_exist()?;
        match database.lock() {
            Ok(_lock) => database.migrate().await?,
            Err(Error::InUse { .. }) => {} // Whoever has it has done so.
            Err(error) => return Err(error),
        }
        let ledger = LedgerReader::of(&database);
        signer.check(&ledger).await?;
        let several_writers = !database.is_sqlite();
        let readers = Arc::new(Readers::new(&database));
        let line = Arc::new(Line::new(database));
        let clock = DatabaseClock::new(beside.machine);
        clock.begin(clock::ask(line.open().await?, several_writers).await?);
        let clock = clock.clock();
        Ok(Self { line, readers, signer, ledger, clock, lease_for: beside.lease_for, several_writers })
    }

    /// Every log.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub async fn logs(&self) -> Result<Vec<LogHead>, Error> {
        self.ledger.logs().await
    }

    /// Reads logs.
    #[must_use]
    pub fn ledger(&self) -> &LedgerReader {
        &self.ledger
    }

    /// The time now, as everybody on this database has it.
    #[must_use]
    pub fn now(&self) -> Millis {
        (self.clock)()
    }

    /// How long work is ours without renewing.
    #[must_use]
    pub fn lease_for(&self) -> std::time::Duration {
        std::time::Duration::from_millis(u64::try_from(self.lease_for).unwrap_or_default())
    }

    /// The tenant's login as it was last seen; the log keeps the one it began with.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub async fn login(&self, log: &LogHead) -> Result<String, Error> {
        let statement = Statement::new("SELECT login FROM repositories WHERE tenant = ")
            .bind(log.tenant)
            .sql(" ORDER BY seen_at DESC LIMIT 1");
        Ok(match self.fetch(statement).await?.first() {
            Some(row) => text(row, 0)?,
            None => log.login.clone(),
        })
    }

    /// The newest published batch of a log.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub async fn newest(&self, tenant: u64) -> Result<Option<Batch>, Error> {
        let statement = Statement::new("SELECT ")
            .sql(COLUMNS)
            .sql(" FROM publications WHERE state = 'published' AND tenant = ")
            .bind(tenant)
            .sql(" ORDER BY to_size DESC LIMIT 1");
        self.fetch(statement).await?.first().map(Batch::read).transpose()
    }

    /// The unfinished batch of a log.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub async fn unfinished(&self, tenant: u64) -> Result<Option<Batch>, Error> {
        let statement = Statement::new("SELECT ")
            .sql(COLUMNS)
            .sql(" FROM publications WHERE state IN ('planned', 'publishing') AND tenant = ")
            .bind(tenant);
        self.fetch(statement).await?.first().map(Batch::read).transpose()
    }

    /// The newest published batch and the unfinished one of every log.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub async fn standing(&self) -> Result<Vec<Batch>, Error> {
        let statement = Statement::new("SELECT ").sql(COLUMNS).sql(
            " FROM publications AS p WHERE state IN ('planned', 'publishing') OR state = 'published' AND to_size = \
             (SELECT MAX(to_size) FROM publications WHERE tenant = p.tenant AND state = 'published') ORDER BY tenant, to_size",
        );
        self.fetch(statement).await?.iter().map(Batch::read).collect()
    }

    /// The tags of all batches of a log.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub async fn tags(&self, tenant: u64) -> Result<BTreeSet<String>, Error> {
        let statement = Statement::new("SELECT tag FROM publications WHERE tenant = ").bind(tenant);
        self.fetch(statement).await?.iter().map(|row| text(row, 0)).collect()
    }

    /// When the oldest entry was written that was not published and is worth it. What says that something was published
    /// is not: it would be published for ever.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub async fn oldest_news(&self, tenant: u64) -> Result<Option<Millis>, Error> {
        let from = self.newest(tenant).await?.map_or(0, |batch| batch.to);
        let statement =
            Statement::new("SELECT line FROM ledger_entries WHERE type <> 'ledger.published' AND tenant = ")
                .bind(tenant)
                .sql(" AND seq >= ")
                .bind(from)
                .sql(" ORDER BY seq LIMIT 1");
        let rows = self.fetch(statement).await?;
        let Some(line) = rows.first().map(|row| text(row, 0)).transpose()? else { return Ok(None) };
        time_of(&line).map(Some)
    }

    /// When an entry was written; nothing when there is none yet.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub async fn written_at(&self, tenant: u64, seq: u64) -> Result<Option<Millis>, Error> {
        let statement = Statement::new("SELECT line FROM ledger_entries WHERE tenant = ").bind(tenant);
        let rows = self.fetch(statement.sql(" AND seq = ").bind(seq)).await?;
        rows.first().map(|row| time_of(&text(row, 0)?)).transpose()
    }

    /// Has whoever brings checkpoints to witnesses bring this log's at their next look, if it has grown.
    ///
    /// # Errors
    /// If the database cannot be written.
    pub async fn hurry_witnesses(&self, tenant: u64) -> Result<(), Error> {
        let statement = Statement::new("UPDATE ledger_anchors SET not_before = 0 WHERE tenant = ").bind(tenant);
        with_retries(|| self.line.execute(statement.clone())).await.map(drop)
    }

    async fn fetch(&self, statement: Statement) -> Result<Vec<AnyRow>, Error> {
        let mut session = self.readers.open().await?;
        let rows = statement.fetch(session.connection()?).await?;
        session.end();
        Ok(rows)
    }
}

fn time_of(line: &str) -> Result<Millis, Error> {
    let header = Header::parse(line).map_err(|error| Error::unreadable("ledger entry", error))?;
    Ok(Millis::try_from(header.time).unwrap_or(Millis::MAX))
}
