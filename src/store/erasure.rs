//! Erasing a person: what ties them to their subject and whatever tells of them is deleted, in one transaction, and an entry
//! says so. Not a byte of what is hashed and proven changes.

use sqlx::AnyConnection;
use zeroize::Zeroizing;

use super::connection::{Database, Line};
use super::keys::Signer;
use super::ledger::{About, Appendix, Pending};
use super::sql::{Statement, id, int};
use super::{Error, clock, ledger, with_retries};
use super::{LedgerReader, LogHead};
use crate::domain::Millis;
use crate::domain::gate::Tenant;
use crate::ledger::sealing::Subject;

mod find;
mod rows;

use find::{Found, find};
use rows::{requests, take_away};

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
    /// Whether what was erased may remain in SQLite's journal until its next checkpoint: somebody was reading.
    pub journal_remains: bool,
}

impl Eraser {
    /// Opens the ledger in the database of this URL, to be signed with this seed, and the next one where it was announced.
    ///
    /// # Errors
    /// If the URL cannot be used, or the logs were begun with another key.
    pub async fn open(
        url: &str,
        host: String,
        seed: Zeroizing<[u8; 32]>,
        next_seed: Option<Zeroizing<[u8; 32]>>,
    ) -> Result<Self, Error> {
        let database = Database::parse(url)?;
        database.must_exist()?;
        let (reader, signer) = (LedgerReader::of(&database), Signer::new(host, seed, next_seed)?);
        signer.check(&reader).await?;
        let is_sqlite = database.is_sqlite();
        Ok(Self { reader, line: Line::new(database), signer, is_sqlite })
    }

    /// Reads the logs.
    #[must_use]
    pub fn ledger(&self) -> &LedgerReader {
        &self.reader
    }

    /// What the database's own clock says: entries are dated by it, whoever writes them.
    ///
    /// # Errors
    /// If the database did not say.
    pub async fn time(&self) -> Result<Millis, Error> {
        Ok(clock::ask(self.line.open().await?, !self.is_sqlite).await?.0)
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
        for _ in 0..ATTEMPTS {
            // A decision locks the request first and the log after it; of two who wait for each other, PostgreSQL ends one.
            if let Some(mut erasure) = with_retries(|| self.attempt(log, person, reason, now)).await? {
                // It is done, whatever becomes of the journal.
                erasure.journal_remains = erasure.open.is_empty() && !self.forget().await.unwrap_or(false);
                return Ok(erasure);
            }
        }
        Err(Error::Conflict)
    }

    /// `None`: as [`Self::delete`].
    async fn attempt(&self, log: &LogHead, person: &str, reason: &str, now: Millis) -> Result<Option<Erasure>, Error> {
        let mut session = self.line.open().await?;
        let mut found = find(log.tenant, person, session.connection()?).await?;
        session.end();
        let mut session = self.line.begin().await?;
        match self.delete(log, &mut found, reason, now, session.connection()?).await {
            Ok(Some(erasure)) if erasure.open.is_empty() => session.commit().await.map(|()| Some(erasure)),
            other => {
                session.roll_back().await;
                other
            }
        }
    }

    /// Also the journal forgets; whether it has.
    async fn forget(&self) -> Result<bool, Error> {
        if !self.is_sqlite {
            return Ok(true);
        }
        let mut session = self.line.open().await?;
        let rows = Statement::new("PRAGMA wal_checkpoint(TRUNCATE)").fetch(session.connection()?).await?;
        session.end();
        let busy = rows.first().map_or(Err(Error::Closed), |row| int(row, 0))?;
        Ok(busy == 0)
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
        let heads = ledger::locking("size", &[log.tenant], !self.is_sqlite).fetch(connection).await?;
        let size = heads.first().map_or(Err(Error::Closed), |row| id(row, 0))?;
        if !found.look_at(log.tenant, size, connection).await? {
            return Ok(None);
        }
        let mut erasure = found.erasure();
        (erasure.open, erasure.requests) = requests(log.tenant, found, true, connection).await?;
        // What is changed is told, also where it is only a row of the database.
        if !erasure.open.is_empty() || (found.is_nobody() && erasure.requests == 0) {
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
