//! Tar files that are the same whenever they are written.
use std::io::{self, Write};

use tar::{Builder, EntryType, Header};

/// A tar file under way.
pub(super) struct Tarball<W: Write>(Builder<W>);

impl<W: Write> Tarball<W> {
    pub(super) fn new(into: W) -> Self {
        Self(Builder::new(into))
    }

    /// Adds a file.
    pub(super) fn add(&mut self, path: &str, bytes: &[u8]) -> io::Result<()> {
        let mut header = Header::new_ustar();
        header.set_entry_type(EntryType::Regular);
        header.set_mode(0o644);
        header.set_mtime(0);
        header.set_uid(0);
        header.set_gid(0);
        header.set_size(bytes.len() as u64);
        self.0.append_data(&mut header, path, bytes)
    }

    /// Writes the end mark.
    pub(super) fn finish(self) -> io::Result<W> {
        self.0.into_inner()
    }
}
