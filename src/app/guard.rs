//! The rollback guard. A database that holds less than, or something else than, what was once signed must not sign on: whoever
//! kept the older checkpoint would hold the proof of a rewritten ledger. What was signed is remembered beside the database.

use std::collections::HashMap;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use sha2::{Digest as _, Sha256};
use tracing::warn;

use super::anchor::Accepted;
use crate::ledger::{Checkpoint, Hash};
use crate::store::{self, LedgerReader, LogHead, Store};

/// The folder in the data folder.
const FOLDER: &str = "checkpoints";
/// How many logs are remembered anew at once; the others have their turn at the next call.
const AT_ONCE: usize = 64;
/// Longer than any checkpoint of ours.
const LONGEST: u64 = 64 * 1024;

/// Why this database must not sign.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// Entries that were signed are not there, or are others.
    #[error(
        "{place} has a checkpoint of the ledger {origin} with {known} entries, but {found}. A restored backup looks like this, \
         and so does a rewritten ledger; going on would sign a second history, which anybody who kept that checkpoint can prove. \
         Bring back the newest database. Only if it is lost for good: set SECONDER_ACCEPT_ROLLBACK={origin}@{known}; the server \
         then goes on from what is there, verifiers who hold such a checkpoint will refuse the ledger, and witnesses will not \
         cosign it: tell your auditors"
    )]
    Rollback {
        /// Where the checkpoint was found.
        place: String,
        /// The log.
        origin: String,
        /// How many entries the checkpoint signs.
        known: u64,
        /// What the database has instead.
        found: String,
    },
    /// Witnesses hold something against a log.
    #[error(
        "{0}. Signing on would sign a second history. Bring back the newest database; only if it is lost for good, set \
         SECONDER_ACCEPT_ROLLBACK=ORIGIN@SIZE with the log's origin and the size the witness names, and tell your auditors"
    )]
    Witnessed(String),
    /// What is remembered cannot be read.
    #[error("{path}: {why}; if you know why, move the file away")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        why: String,
    },
    /// The database cannot be read.
    #[error(transparent)]
    Store(#[from] store::Error),
}

/// Remembers what was signed, and compares.
pub struct Guard {
    folder: PathBuf,
    accepted: Accepted,
    written: Mutex<HashMap<String, u64>>,
}

impl Guard {
    /// A guard that remembers in this data folder.
    #[must_use]
    pub fn new(data_dir: &Path, accepted: Accepted) -> Self {
        Self { folder: data_dir.join(FOLDER), accepted, written: Mutex::default() }
    }

    /// Compares everything that is remembered here with the database.
    ///
    /// # Errors
    /// If the database must not sign, or what is remembered cannot be read.
    pub async fn check_remembered(&self, store: &Store) -> Result<(), Refusal> {
        let mut known = Vec::new();
        for path in files(&self.folder).map_err(|error| unreadable(&self.folder, &error.to_string()))? {
            let checkpoint = read(&path)?;
            self.check(store, &checkpoint, &path.display().to_string()).await?;
            known.push(checkpoint.origin);
        }
        for log in store.heads().iter().filter(|log| !known.contains(&log.origin)) {
            warn!(
                log = log.origin, size = log.size, folder = %self.folder.display(),
                "no checkpoint of this ledger is remembered here, so a rollback before this start would not be noticed"
            );
        }
        Ok(())
    }

    /// The same for those who sign beside a server, or without one: reads all that was signed once more.
    ///
    /// # Errors
    /// As [`Self::check_remembered`].
    pub async fn check_remembered_in(&self, ledger: &LedgerReader) -> Result<(), Refusal> {
        for path in files(&self.folder).map_err(|error| unreadable(&self.folder, &error.to_string()))? {
            let checkpoint = read(&path)?;
            // Looked up after the file was read: a server that runs may have gone on.
            let log = ledger.logs().await?.into_iter().find(|log| log.origin == checkpoint.origin);
            let root = match &log {
                Some(log) if log.size >= checkpoint.size => Some(ledger.root_at(log, checkpoint.size).await?),
                _ => None,
            };
            self.judge(&checkpoint, log.map(|log| log.size), root, &path.display().to_string())?;
        }
        Ok(())
    }

    /// Compares a checkpoint that somebody else holds with the database. `place` says in the error where it was found.
    ///
    /// # Errors
    /// If the database does not have these entries, or cannot be read.
    pub async fn check(&self, store: &Store, checkpoint: &Checkpoint, place: &str) -> Result<(), Refusal> {
        let log = store.ledger().logs().await?.into_iter().find(|log| log.origin == checkpoint.origin);
        let root = match &log {
            Some(log) if log.size >= checkpoint.size => {
                store.tree(log, &[checkpoint.size]).await?.root(checkpoint.size)
            }
            _ => None,
        };
        self.judge(checkpoint, log.map(|log| log.size), root, place)
    }

    /// `has` is how many entries the database has, if it has the log, and `found` the root of as many as were signed.
    fn judge(&self, known: &Checkpoint, has: Option<u64>, found: Option<Hash>, place: &str) -> Result<(), Refusal> {
        let Checkpoint { origin, size, root } = known;
        let found = match (has, found) {
            (None, _) => "the database does not have this ledger at all".to_owned(),
            (Some(has), _) if has < *size => format!("the database has only {has}"),
            (_, Some(found)) if found == *root => return Ok(()),
            _ => "the first entries in the database are others".to_owned(),
        };
        if self.accepted.covers(origin, *size) {
            warn!(log = origin, size, place, "{found}; SECONDER_ACCEPT_ROLLBACK says that this is known");
            return Ok(());
        }
        Err(Refusal::Rollback { place: place.to_owned(), origin: origin.clone(), known: *size, found })
    }

    /// Remembers the heads that are new. To be called after they are committed.
    ///
    /// # Errors
    /// If the folder cannot be made or written, whether or not there is anything new.
    pub fn remember(&self, heads: &[Arc<LogHead>]) -> io::Result<()> {
        if !self.folder.is_dir() {
            std::fs::create_dir_all(&self.folder)?;
        }
        let mut written = self.written.lock().unwrap_or_else(PoisonError::into_inner);
        let is_new = |head: &&Arc<LogHead>| written.get(&head.origin).is_none_or(|size| *size < head.size);
        let new: Vec<_> = heads.iter().filter(is_new).take(AT_ONCE).collect();
        for head in new {
            // Another replica may share the folder, and know more.
            let path = self.folder.join(name(&head.origin));
            let shares = written.contains_key(&head.origin);
            if !(shares && read(&path).is_ok_and(|known| known.origin == head.origin && known.size > head.size)) {
                write(&path, head)?;
            }
            written.insert(head.origin.clone(), head.size);
        }
        Ok(())
    }
}

fn unreadable(path: &Path, why: &str) -> Refusal {
    Refusal::Unreadable { path: path.to_owned(), why: why.to_owned() }
}

/// The remembered checkpoints; none if there is no such folder.
fn files(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let mut files = Vec::new();
    for entry in entries {
        let path = entry?.path();
        // A file of another name was not finished.
        if path.extension().is_none() {
            files.push(path);
        }
    }
    Ok(files)
}

fn read(path: &Path) -> Result<Checkpoint, Refusal> {
    let length = std::fs::metadata(path).map_err(|error| unreadable(path, &error.to_string()))?.len();
    let text = if length > LONGEST { Ok(String::new()) } else { std::fs::read_to_string(path) };
    let text = text.map_err(|error| unreadable(path, &error.to_string()))?;
    // Not checked against the key: a made-up checkpoint here can do no more than stop us.
    Checkpoint::unverified(&text).ok_or_else(|| unreadable(path, "not a signed checkpoint"))
}

/// A file name for an origin, which may hold anything.
fn name(origin: &str) -> String {
    hex::encode(&Sha256::digest(origin.as_bytes())[..16])
}

/// Written beside and renamed into place: after a crash there is the older one or the newer one.
fn write(path: &Path, head: &LogHead) -> io::Result<()> {
    let fresh = path.with_extension(format!("new-{}", std::process::id()));
    let mut file = std::fs::File::create(&fresh)?;
    file.write_all(head.checkpoint.as_bytes())?;
    file.sync_data()?;
    std::fs::rename(fresh, path)
}
