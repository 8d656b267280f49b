//! A file whose digest is known when it is written.
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;

use ring::digest::{Context, SHA256};

/// Writes are gathered to this many bytes.
const BUFFER: usize = 1 << 18;

/// A file under way.
pub(super) struct HashedFile {
    file: BufWriter<File>,
    digest: Context,
    bytes: u64,
}

impl HashedFile {
    pub(super) fn create(path: &Path) -> io::Result<Self> {
        let file = BufWriter::with_capacity(BUFFER, File::create(path)?);
        Ok(Self { file, digest: Context::new(&SHA256), bytes: 0 })
    }

    /// Ends the file: its size, and its SHA-256 in hexadecimal.
    pub(super) fn finish(mut self) -> io::Result<(u64, String)> {
        self.file.flush()?;
        Ok((self.bytes, hex::encode(self.digest.finish())))
    }
}

impl Write for HashedFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.write_all(bytes)?;
        Ok(bytes.len())
    }

    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all(bytes)?;
        self.digest.update(bytes);
        self.bytes += bytes.len() as u64;
        Ok(())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}
