//! What of each log was published, what is being published, and by whom.
//!
//! A batch is planned before anything is created on GitHub: its row fixes which entries, which checkpoint and which tag.
//! Whoever has the row's lease works on it; the row and the log's entry about it end in one transaction.

use std::collections::BTreeSet;
use std::sync::Arc;

use sqlx::any::AnyRow;
use zeroize::Zeroizing;

use super::connection::{Database, Line, Session};
use super::ledger::{About, Appendix, Pending, Signer, append};
use super::sql::{Statement, Value, id, int, text};
use super::{Clock, DatabaseClock, Error, LedgerReader, LogHead, clock, with_retries};
use crate::domain::Millis;
use crate::domain::gate::Tenant;
use crate::domain::record::Record;
use crate::ledger::entry::Header;

/// Columns of a [`Batch`], in the order in which it reads them.
const COLUMNS: &str = "tenant, repository, number, tag, from_size, to_size, checkpoint, state, release_id, told, attempts, \
     last_error, planned_at, lease, leased_until, not_before";

/// How far a batch has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BatchState {
    /// Nobody but us can have seen it.
    Planned,
    /// GitHub was told to make it public, or is about to be.
    Publishing,
    /// It is public, and the log says so.
    Published,
    /// It will not be published. Its entries come with the next batch.
    GivenUp,
}

impl BatchState {
    /// Its name in storage, and on the readiness page.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Planned => "planned",
            Self::Publishing => "publishing",
            Self::Published => "published",
            Self::GivenUp => "given_up",
        }
    }
}

/// Entries of a log that are published together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Batch {
    /// Account id of the tenant whose log it is.
    pub tenant: u64,
    /// Where it is published: `owner/name`, lower-case.
    pub repository: String,
    /// Its number in that repository.
    pub number: u64,
    /// The release's tag.
    pub tag: String,
    /// The first entry.
    pub from: u64,
    /// The entry after the last one: the checkpoint's size.
    pub to: u64,
    /// Signed, over exactly `to` entries.
    pub checkpoint: String,
    /// How far it has come.
    pub state: BatchState,
    /// The release's id; 0 until it is known.
    pub release_id: u64,
    /// Whether the log says that it fails.
    pub told: bool,
    /// How often it failed so far.
    pub attempts: u64,
    /// Why, the last time.
    pub last_error: String,
    /// When it was planned.
    pub planned_at: Millis,
    /// Until when somebody works on it.
    pub leased_until: Millis,
    /// When it may be tried again.
    pub not_before: Millis,
    lease: String,
}

impl Batch {
    fn read(row: &AnyRow) -> Result<Self, Error> {
        let state = text(row, 7)?;
        let all = [BatchState::Planned, BatchState::Publishing, BatchState::Published, BatchState::GivenUp];
        let known = all.into_iter().find(|known| known.as_str() == state);
        Ok(Self {
            tenant: id(row, 0)?,
            repository: text(row, 1)?,
            number: id(row, 2)?,
            tag: text(row, 3)?,
            from: id(row, 4)?,
            to: id(row, 5)?,
            checkpoint: text(row, 6)?,
            state: known.ok_or_else(|| Error::unreadable("publication", format!("state {state}")))?,
            release_id: id(row, 8)?,
            told: int(row, 9)? != 0,
            attempts: id(row, 10)?,
            last_error: text(row, 11)?,
            planned_at: int(row, 12)?,
            lease: text(row, 13)?,
            leased_until: int(row, 14)?,
            not_before: int(row, 15)?,
        })
    }
}

/// What to plan.
#[derive(Clone, Debug)]
pub struct Plan<'a> {
    /// Whose log.
    pub tenant: u64,
    /// Where to: `owner/name`.
    pub repository: &'a str,
    /// What tags begin with; the number follows.
    pub tag_prefix: &'a str,
}

/// How to open what is published without being a server.
pub struct Beside {
    /// As [`Options::url`](super::Options).
    pub url: String,
    /// As [`Options::host`](super::Options).
    pub host: String,
    /// The secret all log keys grow from.
    pub seed: Zeroizing<[u8; 32]>,
    /// What this machine's clock says.
    pub machine: Clock,
    /// How long work is ours, in milliseconds.
    pub lease_for: Millis,
}

/// The publications in a database. Clones are the same.
#[derive(Clone)]
pub struct Publications {
    pub(super) line: Arc<Line>,
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
        let signer = Arc::new(Signer::new(beside.host, beside.seed)?);
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
        let line = Arc::new(Line::new(database));
        let clock = DatabaseClock::new(beside.machine);
        clock.begin(clock::ask(line.open().await?, several_writers).await?);
        let clock = clock.clock();
        Ok(Self { line, signer, ledger, clock, lease_for: beside.lease_for, several_writers })
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
        let header = Header::parse(&line).map_err(|error| Error::unreadable("ledger entry", error))?;
        Ok(Some(Millis::try_from(header.time).unwrap_or(Millis::MAX)))
    }

    /// Leases the unfinished batch of a log; nothing when there is none, or somebody works on it.
    ///
    /// # Errors
    /// If the database cannot be written.
    pub async fn claim(&self, tenant: u64) -> Result<Option<Batch>, Error> {
        let now = self.now();
        let statement = Statement::new("UPDATE publications SET lease = ")
            .bind(lease())
            .sql(", leased_until = ")
            .bind(now.saturating_add(self.lease_for))
            .sql(" WHERE state IN ('planned', 'publishing') AND tenant = ")
            .bind(tenant)
            .sql(" AND leased_until <= ")
            .bind(now)
            .sql(" RETURNING ")
            .sql(COLUMNS);
        let rows = with_retries(|| self.fetch(statement.clone())).await?;
        rows.first().map(Batch::read).transpose()
    }

    /// Plans everything that was not published yet as one batch, and leases it. Nothing when somebody else has just done
    /// so, or there is nothing.
    ///
    /// # Errors
    /// If the database cannot be written.
    pub async fn plan(&self, plan: &Plan<'_>) -> Result<Option<Batch>, Error> {
        with_retries(|| async {
            let mut session = self.line.begin().await?;
            match self.insert(plan, &mut session).await {
                Ok(batch) => {
                    session.commit().await?;
                    Ok(batch)
                }
                Err(error) => {
                    session.roll_back().await;
                    Err(error)
                }
            }
        })
        .await
    }

    async fn insert(&self, plan: &Plan<'_>, session: &mut Session<'_>) -> Result<Option<Batch>, Error> {
        // Under the log's lock: whoever ends a batch holds it, too.
        let heads = Statement::new("UPDATE ledger_heads SET size = size WHERE tenant = ")
            .bind(plan.tenant)
            .sql(" RETURNING size, checkpoint")
            .fetch(session.connection()?)
            .await?;
        let Some(head) = heads.first() else { return Ok(None) };
        let (size, checkpoint) = (id(head, 0)?, text(head, 1)?);
        let rows = Statement::new(
            "SELECT COALESCE(MAX(CASE WHEN state = 'published' THEN to_size ELSE 0 END), 0), \
             COUNT(CASE WHEN state IN ('planned', 'publishing') THEN 1 END) FROM publications WHERE tenant = ",
        )
        .bind(plan.tenant)
        .fetch(session.connection()?)
        .await?;
        let (from, unfinished) = rows.first().map_or(Ok((0, 0)), |row| Ok::<_, Error>((id(row, 0)?, int(row, 1)?)))?;
        if unfinished > 0 || from >= size {
            return Ok(None);
        }
        let repository = plan.repository.to_lowercase();
        let number = self.next_number(&repository, session).await?;
        let now = self.now();
        let row: [Value; 11] = [
            repository.into(),
            number.into(),
            plan.tenant.into(),
            tag(plan.tag_prefix, number).into(),
            from.into(),
            size.into(),
            checkpoint.into(),
            BatchState::Planned.as_str().into(),
            lease().into(),
            now.saturating_add(self.lease_for).into(),
            now.into(),
        ];
        // Another log may take the same number at the same moment: then this one is planned at the next look.
        let rows = Statement::new(
            "INSERT INTO publications (repository, number, tenant, tag, from_size, to_size, checkpoint, state, lease, \
             leased_until, planned_at) ",
        )
        .rows([row])
        .sql(" ON CONFLICT DO NOTHING RETURNING ")
        .sql(COLUMNS)
        .fetch(session.connection()?)
        .await?;
        rows.first().map(Batch::read).transpose()
    }

    async fn next_number(&self, repository: &str, session: &mut Session<'_>) -> Result<u64, Error> {
        let rows = Statement::new("SELECT COALESCE(MAX(number), 0) + 1 FROM publications WHERE repository = ")
            .bind(repository)
            .fetch(session.connection()?)
            .await?;
        rows.first().map_or(Ok(1), |row| id(row, 0))
    }

    /// Keeps a batch for one more lease from now. Returns whether it was still ours.
    ///
    /// # Errors
    /// If the database cannot be written.
    pub async fn renew(&self, batch: &Batch) -> Result<bool, Error> {
        self.change(batch, |row| row.sql("leased_until = ").bind(self.now().saturating_add(self.lease_for))).await
    }

    /// Remembers the release's id. Returns whether the batch was still ours.
    ///
    /// # Errors
    /// If the database cannot be written.
    pub async fn made(&self, batch: &Batch, release_id: u64) -> Result<bool, Error> {
        self.change(batch, |row| row.sql("release_id = ").bind(release_id)).await
    }

    /// GitHub is about to be told to make the batch public. Returns whether it was still ours: if not, GitHub must not be
    /// told.
    ///
    /// # Errors
    /// If the database cannot be written.
    pub async fn publishing(&self, batch: &Batch) -> Result<bool, Error> {
        self.change(batch, |row| row.sql("state = 'publishing'")).await
    }

    /// Gives a batch the next number that is free, and the tag that goes with it. Nothing when it was no longer ours.
    ///
    /// # Errors
    /// If the database cannot be written.
    pub async fn renumber(&self, batch: &Batch, tag_prefix: &str) -> Result<Option<Batch>, Error> {
        with_retries(|| async {
            let mut session = self.line.begin().await?;
            // Write first, as everywhere.
            let held = held("UPDATE publications SET state = 'planned'", batch).execute(session.connection()?).await?;
            if held == 0 {
                session.roll_back().await;
                return Ok(None);
            }
            let number = self.next_number(&batch.repository, &mut session).await?;
            let rows = Statement::new("UPDATE publications SET number = ")
                .bind(number)
                .sql(", tag = ")
                .bind(tag(tag_prefix, number))
                .sql(" WHERE repository = ")
                .bind(batch.repository.as_str())
                .sql(" AND number = ")
                .bind(batch.number)
                .sql(" RETURNING ")
                .sql(COLUMNS)
                .fetch(session.connection()?)
                .await?;
            let renumbered = rows.first().map(Batch::read).transpose()?;
            session.commit().await?;
            Ok(renumbered)
        })
        .await
    }

    /// The batch is public: the log says so, and the row ends, together or not at all. Returns whether it was still ours.
    ///
    /// # Errors
    /// If the database cannot be written.
    pub async fn published(&self, batch: &Batch, record: Record) -> Result<bool, Error> {
        let end = |row: Statement| {
            row.sql("state = 'published', last_error = '', lease = '', leased_until = 0, ended_at = ").bind(self.now())
        };
        self.end(batch, format!("publication:{}:published", batch.planned_at), Some(record), end).await
    }

    /// An attempt failed; it is tried again at `not_before`. With a record the log says so. Returns whether it was ours.
    ///
    /// # Errors
    /// If the database cannot be written.
    pub async fn failed(
        &self,
        batch: &Batch,
        error: &str,
        not_before: Millis,
        record: Option<Record>,
    ) -> Result<bool, Error> {
        let told = i64::from(batch.told || record.is_some());
        let name = format!("publication:{}:failed", batch.planned_at);
        self.end(batch, name, record, |row| {
            row.sql("attempts = attempts + 1, lease = '', leased_until = 0, not_before = ")
                .bind(not_before)
                .sql(", last_error = ")
                .bind(error)
                .sql(", told = ")
                .bind(told)
        })
        .await
    }

    /// The batch will not be published. Returns whether it was ours.
    ///
    /// # Errors
    /// If the database cannot be written.
    pub async fn give_up(&self, batch: &Batch, error: &str, record: Record) -> Result<bool, Error> {
        let name = format!("publication:{}:given_up", batch.planned_at);
        self.end(batch, name, Some(record), |row| {
            row.sql("state = 'given_up', attempts = attempts + 1, lease = '', leased_until = 0, last_error = ")
                .bind(error)
                .sql(", ended_at = ")
                .bind(self.now())
        })
        .await
    }

    /// Puts a batch back as if nobody had touched it, to be taken up at `not_before`.
    ///
    /// # Errors
    /// If the database cannot be written.
    pub async fn put_back(&self, batch: &Batch, not_before: Millis) -> Result<bool, Error> {
        self.change(batch, |row| row.sql("lease = '', leased_until = 0, not_before = ").bind(not_before)).await
    }

    async fn end(
        &self,
        batch: &Batch,
        name: String,
        record: Option<Record>,
        set: impl Fn(Statement) -> Statement,
    ) -> Result<bool, Error> {
        with_retries(|| async {
            let mut session = self.line.begin().await?;
            let ended = self.write_end(batch, &name, record.clone(), &set, &mut session).await;
            match ended {
                Ok(true) => {
                    session.commit().await?;
                    Ok(true)
                }
                Ok(false) => {
                    session.roll_back().await;
                    Ok(false)
                }
                Err(error) => {
                    session.roll_back().await;
                    Err(error)
                }
            }
        })
        .await
    }

    async fn write_end(
        &self,
        batch: &Batch,
        name: &str,
        record: Option<Record>,
        set: &impl Fn(Statement) -> Statement,
        session: &mut Session<'_>,
    ) -> Result<bool, Error> {
        if let Some(record) = record {
            // The log's lock comes first, as where a batch is planned; if the batch is not ours, nothing stays of this.
            let tenant = Tenant { account_id: batch.tenant, login: String::new(), installation_id: 0 };
            let pending = Pending { about: About::Log(name.to_owned()), record };
            let appendix = Appendix::from([(batch.tenant, (tenant, vec![pending]))]);
            append(&self.signer, appendix, self.several_writers, self.now(), session.connection()?).await?;
        }
        let changed = set(Statement::new("UPDATE publications SET "));
        Ok(holding(changed, batch).execute(session.connection()?).await? > 0)
    }

    async fn change(&self, batch: &Batch, set: impl Fn(Statement) -> Statement) -> Result<bool, Error> {
        with_retries(|| async {
            let mut session = self.line.open().await?;
            let statement = holding(set(Statement::new("UPDATE publications SET ")), batch);
            let changed = statement.execute(session.connection()?).await?;
            session.end();
            Ok(changed > 0)
        })
        .await
    }

    async fn fetch(&self, statement: Statement) -> Result<Vec<AnyRow>, Error> {
        let mut session = self.line.open().await?;
        let rows = statement.fetch(session.connection()?).await?;
        session.end();
        Ok(rows)
    }
}

/// The statement for this batch, as long as it is ours.
fn holding(statement: Statement, batch: &Batch) -> Statement {
    statement
        .sql(" WHERE state IN ('planned', 'publishing') AND repository = ")
        .bind(batch.repository.as_str())
        .sql(" AND number = ")
        .bind(batch.number)
        .sql(" AND lease = ")
        .bind(batch.lease.as_str())
}

fn held(sql: &'static str, batch: &Batch) -> Statement {
    holding(Statement::new(sql), batch)
}

fn tag(prefix: &str, number: u64) -> String {
    format!("{prefix}{number:04}")
}

/// A lease nobody had before.
fn lease() -> String {
    uuid::Uuid::now_v7().simple().to_string()
}
