//! What `--state` remembers: of each log, the newest checkpoint that verified.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Write as _};
use std::path::Path;

/// The newest checkpoint of each log, by origin: the signed note.
#[derive(Debug, Default)]
pub struct Seen(BTreeMap<String, String>);

impl Seen {
    /// Reads the file; nothing was seen if there is none yet.
    ///
    /// # Errors
    /// If it is there and cannot be read: then it is not known what was seen.
    pub fn read(path: &Path) -> io::Result<Self> {
        match fs::read_to_string(path) {
            Ok(text) => match serde_json::from_str::<BTreeMap<String, String>>(&text)? {
                // Whoever emptied it would have a ledger cut back believed.
                seen if seen.is_empty() => Err(io::Error::new(
                    io::ErrorKind::InvalidData,
                    "it remembers no log, and no file that was written here does; delete it to begin anew",
                )),
                seen => Ok(Self(seen)),
            },
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Self::default()),
            Err(error) => Err(error),
        }
    }

    /// The newest checkpoint of this log.
    #[must_use]
    pub fn of(&self, origin: &str) -> Option<&str> {
        self.0.get(origin).map(String::as_str)
    }

    /// Remembers a checkpoint, on disk when this returns. The file is replaced as a whole.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn remember(&mut self, path: &Path, origin: &str, checkpoint: &str) -> io::Result<()> {
        self.0.insert(origin.to_owned(), checkpoint.to_owned());
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let mut file = tempfile::NamedTempFile::new_in(folder)?;
        serde_json::to_writer_pretty(&mut file, &self.0)?;
        file.write_all(b"\n")?;
        file.as_file().sync_all()?;
        file.persist(path)?;
        Ok(())
    }
}
