//! What `--state` remembers: of each log, the newest checkpoint that verified, and the keys it had then.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Write as _};
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::ledger::verify::keys::Remembered;

/// The newest of each log, by origin.
#[derive(Debug, Default)]
pub struct Seen(BTreeMap<String, Newest>);

/// What was seen of a log.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Newest {
    /// Its checkpoint, the signed note: all that a version before this one remembered.
    Checkpoint(String),
    /// What its entries said of its keys, too.
    WithKeys {
        /// The signed note.
        checkpoint: String,
        /// The keys the log had then.
        keys: Remembered,
    },
}

impl Newest {
    /// The signed note.
    #[must_use]
    pub fn checkpoint(&self) -> &str {
        match self {
            Self::Checkpoint(checkpoint) | Self::WithKeys { checkpoint, .. } => checkpoint,
        }
    }

    /// The keys the log had then, if they are remembered.
    #[must_use]
    pub fn keys(&self) -> Option<&Remembered> {
        match self {
            Self::Checkpoint(_) => None,
            Self::WithKeys { keys, .. } => Some(keys),
        }
    }
}

impl Seen {
    /// Reads the file; nothing was seen if there is none yet.
    ///
    /// # Errors
    /// If it is there and cannot be read: then it is not known what was seen.
    pub fn read(path: &Path) -> io::Result<Self> {
        match fs::read_to_string(path) {
            Ok(text) => match serde_json::from_str::<BTreeMap<String, Newest>>(&text)? {
                // Whoever emptied it would have a ledger cut back believed.
                seen if seen.is_empty() => Err(io::Error::new(
                    io::ErrorKind::InvalidData,
                    "it remembers no log, and no file that was written here does; delete it to begin anew",
                )),
                seen => match seen.iter().find(|(log, newest)| newest.keys().is_some_and(|keys| !keys.is_of(log))) {
                    Some((log, _)) => {
                        Err(io::Error::new(io::ErrorKind::InvalidData, format!("the keys it has of {log} are not its")))
                    }
                    None => Ok(Self(seen)),
                },
            },
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Self::default()),
            Err(error) => Err(error),
        }
    }

    /// What was seen of this log.
    #[must_use]
    pub fn of(&self, origin: &str) -> Option<&Newest> {
        self.0.get(origin)
    }

    /// Remembers what is the newest, on disk when this returns. The file is replaced as a whole.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn remember(&mut self, path: &Path, origin: &str, newest: Newest) -> io::Result<()> {
        self.0.insert(origin.to_owned(), newest);
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let mut file = tempfile::NamedTempFile::new_in(folder)?;
        serde_json::to_writer_pretty(&mut file, &self.0)?;
        file.write_all(b"\n")?;
        file.as_file().sync_all()?;
        file.persist(path)?;
        Ok(())
    }
}
