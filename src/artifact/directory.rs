//! An exported ledger as a folder on disk.
use std::fs::{self, File};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use super::slice::open_inside;
use crate::ledger::layout::{Artifact, Sink};

/// A file shorter than this comes whole with the first read; asking again for its end would double the calls.
const ONE_READ: usize = 1 << 16;

/// A folder that holds an exported ledger, or is about to.
#[derive(Debug)]
pub struct Directory {
    root: PathBuf,
    /// The same, opened once it is read from: hundreds of thousands of files need not be looked for from the root of the disk on.
    opened: OnceLock<File>,
    appending: Option<(String, File)>,
}

impl Directory {
    /// A folder to read from.
    #[must_use]
    pub fn open(root: &Path) -> Directory {
        Directory { root: root.to_owned(), opened: OnceLock::new(), appending: None }
    }

    /// A new folder to write to.
    ///
    /// # Errors
    /// If there is something in it already: a mixture of two exports would not verify.
    pub fn create(root: &Path) -> io::Result<Directory> {
        fs::create_dir_all(root)?;
        if fs::read_dir(root)?.next().is_some() {
            let message = format!("{} is not empty; give a new folder", root.display());
            return Err(io::Error::new(io::ErrorKind::AlreadyExists, message));
        }
        Ok(Directory::open(root))
    }

    /// Where a file of the ledger is on disk.
    #[must_use]
    pub fn path(&self, path: &str) -> PathBuf {
        self.root.join(path)
    }

    /// Opens a file to read.
    pub(super) fn open_file(&self, path: &str) -> io::Result<File> {
        let root = match self.opened.get() {
            Some(root) => root,
            None => {
                let root = File::open(&self.root)?;
                self.opened.get_or_init(|| root)
            }
        };
        open_inside(root, Path::new(path))
    }

    fn create_file(&self, path: &str) -> io::Result<File> {
        let path = self.path(path);
        match File::create(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                path.parent().map_or(Ok(()), fs::create_dir_all)?;
                File::create(&path)
            }
            created => created,
        }
    }

    fn visit_folder(&self, folder: &Path, prefix: &str, visit: &mut dyn FnMut(&str) -> bool) -> io::Result<bool> {
        for entry in fs::read_dir(folder)? {
            let entry = entry?;
            let path = format!("{prefix}{}", entry.file_name().to_string_lossy());
            let goes_on = if entry.file_type()?.is_dir() {
                self.visit_folder(&entry.path(), &format!("{path}/"), visit)?
            } else {
                visit(&path)
            };
            if !goes_on {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

impl Artifact for Directory {
    fn read(&self, path: &str, limit: usize, into: &mut Vec<u8>) -> io::Result<()> {
        let mut file = self.open_file(path)?;
        // As much as there is, and a byte to see whether it is more: the limit of a bundle is hundreds of times what one has.
        let wanted =
            if limit < ONE_READ { limit } else { usize::try_from(file.metadata()?.len()).unwrap_or(usize::MAX) };
        into.resize(wanted.min(limit) + 1, 0);
        let mut length = 0;
        loop {
            let read = file.read(&mut into[length..])?;
            length += read;
            if read == 0 || length > limit || (length < ONE_READ && length < into.len()) {
                break;
            }
            if length == into.len() {
                into.resize(length.saturating_mul(2).min(limit + 1), 0);
            }
        }
        into.truncate(length);
        Ok(())
    }

    fn visit_paths(&self, visit: &mut dyn FnMut(&str) -> bool) -> io::Result<()> {
        self.visit_folder(&self.root, "", visit).map(|_| ())
    }
}

impl Sink for Directory {
    fn put(&mut self, path: &str, bytes: &[u8]) -> io::Result<()> {
        self.create_file(path)?.write_all(bytes)
    }

    fn append(&mut self, path: &str, bytes: &[u8]) -> io::Result<()> {
        match &mut self.appending {
            Some((current, file)) if current == path => file.write_all(bytes),
            _ => {
                let mut file = self.create_file(path)?;
                file.write_all(bytes)?;
                self.appending = Some((path.to_owned(), file));
                Ok(())
            }
        }
    }
}
