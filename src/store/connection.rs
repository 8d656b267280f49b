//! Connections, the two engines, and who may use a SQLite file.

use std::fs::{File, OpenOptions, TryLockError};
use std::path::{Path, PathBuf};
use std::str::FromStr as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use sqlx::any::{AnyConnectOptions, AnyPoolOptions};
use sqlx::migrate::{Migration, MigrationType, Migrator};
use sqlx::{AnyConnection, AnyPool, ConnectOptions as _, Connection as _, Executor as _, SqlSafeStr as _};
use tokio::sync::{Mutex, MutexGuard};

use super::Error;
use super::sql::Statement;

/// What a SQLite connection is told before anything else.
/// A commit is on disk when it returns (`synchronous = FULL`). What is deleted is overwritten (`secure_delete`): whoever is
/// erased is to be gone from the file as well, and a webhook's text from the moment it is done.
const SQLITE_WRITER: &str = "PRAGMA busy_timeout = 5000; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; \
     PRAGMA foreign_keys = ON; PRAGMA secure_delete = ON; PRAGMA wal_autocheckpoint = 4000; \
     PRAGMA journal_size_limit = 67108864";
const SQLITE_READER: &str = "PRAGMA busy_timeout = 5000; PRAGMA query_only = ON";

/// How many may read at once.
const READERS: usize = 4;

/// The database a URL names.
#[derive(Clone, Debug)]
pub(super) enum Database {
    Sqlite { path: PathBuf, options: AnyConnectOptions },
    Postgres { options: AnyConnectOptions },
}

impl Database {
    pub(super) fn parse(url: &str) -> Result<Self, Error> {
        sqlx::any::install_default_drivers();
        if url.starts_with("postgres://") || url.starts_with("postgresql://") {
            let options = AnyConnectOptions::from_str(url).map_err(|_| {
                Error::Url("not a PostgreSQL URL; expected postgres://user:password@host:5432/database")
            })?;
            return Ok(Self::Postgres { options: options.disable_statement_logging() });
        }
        let path = url
            .strip_prefix("sqlite://")
            .or_else(|| url.strip_prefix("sqlite:"))
            .ok_or(Error::Url("expected sqlite:///path/to/file.db or postgres://user:password@host:5432/database"))?;
        if path.is_empty() || path.starts_with(":memory:") || path.contains('?') {
            return Err(Error::Url("expected sqlite:///path/to/file.db, without parameters: the file must outlive us"));
        }
        let path = std::path::absolute(path)
            .map_err(|source| Error::File { path: PathBuf::from(path), source: Arc::new(source) })?;
        let escaped: String = path
            .to_str()
            .ok_or(Error::Url("the path of the SQLite file must be UTF-8"))?
            .chars()
            .map(|c| match c {
                '%' => "%25".to_owned(),
                '#' => "%23".to_owned(),
                c => c.to_string(),
            })
            .collect();
        let options = AnyConnectOptions::from_str(&format!("sqlite://{escaped}"))
            .map_err(|_| Error::Url("the path of the SQLite file cannot be written as a URL"))?;
        Ok(Self::Sqlite { path, options: options.disable_statement_logging() })
    }

    pub(super) fn is_sqlite(&self) -> bool {
        matches!(self, Self::Sqlite { .. })
    }

    /// For those who only read: a SQLite file that is not there is not made.
    pub(super) fn must_exist(&self) -> Result<(), Error> {
        match self {
            Self::Sqlite { path, .. } => std::fs::metadata(path)
                .map(drop)
                .map_err(|source| Error::File { path: path.clone(), source: Arc::new(source) }),
            Self::Postgres { .. } => Ok(()),
        }
    }

    fn options(&self) -> &AnyConnectOptions {
        match self {
            Self::Sqlite { options, .. } | Self::Postgres { options } => options,
        }
    }

    pub(super) async fn connect(&self) -> Result<AnyConnection, Error> {
        let mut connection = self.options().connect().await?;
        if self.is_sqlite() {
            connection.execute(SQLITE_WRITER).await?;
        }
        Ok(connection)
    }

    /// Connections that only read.
    pub(super) fn readers(&self, most: u32) -> AnyPool {
        let sqlite = self.is_sqlite();
        AnyPoolOptions::new()
            .max_connections(most)
            .acquire_timeout(Duration::from_secs(10))
            .test_before_acquire(!sqlite) // A file does not hang up.
            .after_connect(move |connection, _| {
                Box::pin(async move {
                    if sqlite {
                        connection.execute(SQLITE_READER).await?;
                    }
                    Ok(())
                })
            })
            .connect_lazy_with(self.options().clone())
    }

    /// Makes the file if there is none, for its owner only, and takes its lock. PostgreSQL needs neither.
    pub(super) fn lock(&self) -> Result<Option<File>, Error> {
        let Self::Sqlite { path, .. } = self else { return Ok(None) };
        let lock_path = PathBuf::from(format!("{}.lock", path.display()));
        let lock = open_private(&lock_path)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(Error::InUse { path: lock_path }),
            Err(TryLockError::Error(source)) => {
                return Err(Error::File { path: lock_path, source: Arc::new(source) });
            }
        }
        open_private(path)?; // SQLite gives the files beside it the same mode.
        Ok(Some(lock))
    }

    /// Brings the tables up to date. Several replicas may do so at once: PostgreSQL has a lock for it, SQLite has one server.
    pub(super) async fn migrate(&self) -> Result<(), Error> {
        let migration = |number, name: &'static str, sql: &'static str| {
            Migration::new(number, name.into(), MigrationType::Simple, sql.into_sql_str(), false)
        };
        let migrations = vec![
            migration(1, "foundation", include_str!("../../migrations/0001_foundation.sql")),
            migration(2, "organization policies", include_str!("../../migrations/0002_organization_policies.sql")),
            migration(3, "facts", include_str!("../../migrations/0003_facts.sql")),
            migration(4, "sealing", include_str!("../../migrations/0004_sealing.sql")),
            migration(5, "publications", include_str!("../../migrations/0005_publications.sql")),
            migration(6, "anchors", include_str!("../../migrations/0006_anchors.sql")),
            migration(7, "facts kept", include_str!("../../migrations/0007_facts_kept.sql")),
            migration(8, "ledger keys", include_str!("../../migrations/0008_ledger_keys.sql")),
            migration(9, "cosigned publications", include_str!("../../migrations/0009_cosigned_publications.sql")),
            migration(10, "branch alarms", include_str!("../../migrations/0010_branch_alarms.sql")),
        ];
        let mut connection = self.connect().await?;
        Migrator::with_migrations(migrations).run_direct(None, &mut connection, false).await?;
        connection.close().await?;
        Ok(())
    }
}

fn open_private(path: &Path) -> Result<File, Error> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).map_err(|source| Error::File { path: path.to_owned(), source: Arc::new(source) })
}

/// One connection, used by one at a time, first come first served. Opened when needed, again after it broke.
pub(super) struct Line {
    database: Database,
    slot: Mutex<Slot>,
}

#[derive(Default)]
struct Slot {
    connection: Option<AnyConnection>,
    in_transaction: bool,
    /// Set while it is used; still set at the next use if that ended in an error or was cancelled.
    in_doubt: bool,
}

impl Line {
    pub(super) fn new(database: Database) -> Self {
        Self { database, slot: Mutex::default() }
    }

    /// For statements that are a transaction each. Call [`Session::end`] when all went well.
    pub(super) async fn open(&self) -> Result<Session<'_>, Error> {
        self.session(self.slot.lock().await).await
    }

    async fn session<'a>(&self, mut slot: MutexGuard<'a, Slot>) -> Result<Session<'a>, Error> {
        if slot.in_doubt {
            slot.recover().await;
        }
        slot.in_doubt = true;
        let connection = match slot.connection.take() {
            Some(connection) => connection,
            None => self.database.connect().await?,
        };
        slot.connection = Some(connection);
        Ok(Session { slot })
    }

    /// For statements that succeed or fail together. Call [`Session::commit`] at the end.
    pub(super) async fn begin(&self) -> Result<Session<'_>, Error> {
        let mut session = self.open().await?;
        session.connection()?.execute("BEGIN").await?;
        session.slot.in_transaction = true;
        Ok(session)
    }

    /// One statement that is a transaction of its own; returns how many rows it changed.
    pub(super) async fn execute(&self, statement: Statement) -> Result<u64, Error> {
        let mut session = self.open().await?;
        let changed = statement.execute(session.connection()?).await?;
        session.end();
        Ok(changed)
    }

    pub(super) async fn close(&self) {
        if let Some(connection) = self.slot.lock().await.connection.take() {
            // Nothing is lost if the other side hangs up first.
            let _ = connection.close().await;
        }
    }
}

/// Lines for reading, as many as are needed at once. Not a pool of sqlx's, which asks each connection that comes back
/// whether it is still there: that costs as much as the small things read here.
pub(super) struct Readers {
    lines: [Line; READERS],
    next: AtomicUsize,
}

impl Readers {
    pub(super) fn new(database: &Database) -> Self {
        Self { lines: std::array::from_fn(|_| Line::new(database.clone())), next: AtomicUsize::new(0) }
    }

    /// The first line nobody uses; in turn when all are used. Call [`Session::end`] when all went well.
    pub(super) async fn open(&self) -> Result<Session<'_>, Error> {
        for line in &self.lines {
            if let Ok(slot) = line.slot.try_lock() {
                return line.session(slot).await;
            }
        }
        self.lines[self.next.fetch_add(1, Ordering::Relaxed) % READERS].open().await
    }

    pub(super) async fn close(&self) {
        for line in &self.lines {
            line.close().await;
        }
    }
}

impl Slot {
    /// Rolls back what is open. A connection that cannot even do that is dropped.
    async fn recover(&mut self) {
        if let Some(connection) = &mut self.connection {
            let rolled_back = match self.in_transaction {
                true => connection.execute("ROLLBACK").await.map(drop),
                false => connection.ping().await,
            };
            if rolled_back.is_err() {
                self.connection = None;
            }
        }
        self.in_transaction = false;
        self.in_doubt = false;
    }
}

/// A connection while it is used. What is not committed is rolled back before anybody uses it again.
pub(super) struct Session<'a> {
    slot: MutexGuard<'a, Slot>,
}

impl Session<'_> {
    pub(super) fn connection(&mut self) -> Result<&mut AnyConnection, Error> {
        self.slot.connection.as_mut().ok_or(Error::Closed)
    }

    pub(super) async fn commit(mut self) -> Result<(), Error> {
        self.connection()?.execute("COMMIT").await?;
        self.slot.in_transaction = false;
        self.slot.in_doubt = false;
        Ok(())
    }

    /// Gives up the transaction now: others may wait for its locks.
    pub(super) async fn roll_back(mut self) {
        self.slot.recover().await;
    }

    pub(super) fn end(mut self) {
        self.slot.in_doubt = false;
    }
}
