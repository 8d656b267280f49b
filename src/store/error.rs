//! What can go wrong with storage.

use std::path::PathBuf;
use std::sync::Arc;

use crate::ledger::checkpoint::CheckpointError;
use crate::ledger::entry::SealError;
use crate::ledger::note::KeyError;

/// What can go wrong with storage. Cheap to clone: everybody in a failed batch gets the same error.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Error {
    /// The database said no, or could not be reached.
    #[error("database: {0}")]
    Database(Arc<sqlx::Error>),
    /// The tables could not be brought up to date.
    #[error("database migration: {0}")]
    Migration(Arc<sqlx::migrate::MigrateError>),
    /// The database URL cannot be used. Does not repeat it: it may hold a password.
    #[error("database URL: {0}")]
    Url(&'static str),
    /// Another server has the SQLite file.
    #[error(
        "{path} is locked: another server uses this SQLite file. Stop that one, or use PostgreSQL for several replicas"
    )]
    InUse {
        /// The lock file.
        path: PathBuf,
    },
    /// The SQLite file or its lock file cannot be opened.
    #[error("{path}: {source}")]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        source: Arc<std::io::Error>,
    },
    /// A row does not hold what this version writes.
    #[error("stored {what} cannot be read: {why}")]
    Unreadable {
        /// What was read.
        what: &'static str,
        /// Why it cannot be read.
        why: String,
    },
    /// A value cannot be written as JSON.
    #[error("{what} cannot be written: {why}")]
    Unwritable {
        /// What was to be written.
        what: &'static str,
        /// Why.
        why: String,
    },
    /// A ledger entry cannot be written.
    #[error(transparent)]
    Entry(Arc<SealError>),
    /// The log key cannot be used.
    #[error("ledger key: {0}")]
    Key(Arc<KeyError>),
    /// A checkpoint cannot be signed.
    #[error("ledger checkpoint: {0}")]
    Checkpoint(Arc<CheckpointError>),
    /// The log has another key.
    #[error(
        "log {origin} is signed with another key: start the server with the one that belongs to {stored}. To change the \
         key, keep that one and give the new one beside it, in SECONDER_LEDGER_NEXT_KEY_FILE; when it is announced in \
         every log, it may take the other's place"
    )]
    OtherKey {
        /// The log.
        origin: String,
        /// The verifier key the log has.
        stored: String,
    },
    /// The log's next key is announced, and not here.
    #[error(
        "log {origin} is changing its key and must be signed with {announced} as well: give this server the same \
         SECONDER_LEDGER_NEXT_KEY_FILE as the one that announced it, and start it again"
    )]
    NextKeyMissing {
        /// The log.
        origin: String,
        /// The verifier key that was announced.
        announced: String,
    },
    /// A key cannot be taken out.
    #[error("the key cannot be revoked: {0}")]
    Revocation(String),
    /// Another replica opened the same request at the same moment.
    #[error("the request was opened by another replica at the same moment")]
    Conflict,
    /// The store was closed.
    #[error("the store is closed")]
    Closed,
}

impl Error {
    /// Whether the same transaction may succeed when it is tried again: locks, lost connections, other replicas.
    pub(super) fn is_transient(&self) -> bool {
        let Self::Database(error) = self else { return matches!(self, Self::Conflict) };
        match &**error {
            sqlx::Error::Database(database) => match database.code().as_deref() {
                // serialization_failure, deadlock_detected, lock_not_available, admin_shutdown, crash_shutdown
                Some("40001" | "40P01" | "55P03" | "57P01" | "57P02") => true,
                // SQLITE_BUSY, SQLITE_LOCKED, SQLITE_BUSY_RECOVERY, SQLITE_BUSY_SNAPSHOT
                Some("5" | "6" | "261" | "517") => true,
                _ => false,
            },
            _ => self.is_unreachable(),
        }
    }

    /// Whether the database could not be reached, whatever was asked of it.
    pub(super) fn is_unreachable(&self) -> bool {
        matches!(self, Self::Database(error) if matches!(
            **error,
            sqlx::Error::Io(_)
                | sqlx::Error::Protocol(_)
                | sqlx::Error::PoolTimedOut
                | sqlx::Error::PoolClosed
                | sqlx::Error::WorkerCrashed
        ))
    }

    pub(super) fn unreadable(what: &'static str, why: impl std::fmt::Display) -> Self {
        Self::Unreadable { what, why: why.to_string() }
    }
}

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        Self::Database(Arc::new(error))
    }
}

impl From<sqlx::migrate::MigrateError> for Error {
    fn from(error: sqlx::migrate::MigrateError) -> Self {
        Self::Migration(Arc::new(error))
    }
}

impl From<SealError> for Error {
    fn from(error: SealError) -> Self {
        Self::Entry(Arc::new(error))
    }
}

impl From<KeyError> for Error {
    fn from(error: KeyError) -> Self {
        Self::Key(Arc::new(error))
    }
}

impl From<CheckpointError> for Error {
    fn from(error: CheckpointError) -> Self {
        Self::Checkpoint(Arc::new(error))
    }
}
