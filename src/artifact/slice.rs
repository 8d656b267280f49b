//! Bytes in a file, read from any place by any thread.
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::os::fd::AsFd;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::sync::Arc;

use rustix::fs::{CWD, Mode, OFlags, openat};
use rustix::io::Errno;

/// A file, or a part of it.
#[derive(Debug, Clone)]
pub(super) struct Slice {
    file: Arc<File>,
    start: u64,
    length: u64,
}

/// Opens a file to read. A pipe that lies in its place does not make us wait for whoever writes to it.
pub(super) fn open_file(path: &Path) -> io::Result<File> {
    File::options().read(true).custom_flags(OFlags::NONBLOCK.bits().cast_signed()).open(path)
}

/// Opens a file of a ledger to read: what lies in the folder itself, never what a symbolic link in it leads to.
pub(super) fn open_inside(folder: impl AsFd, path: &Path) -> io::Result<File> {
    let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK | OFlags::NOFOLLOW;
    openat(folder, path, flags, Mode::empty()).map(File::from).map_err(|error| match error {
        Errno::LOOP => {
            let why = "it is a symbolic link, which is not followed: put the file itself in its place";
            io::Error::new(io::ErrorKind::InvalidInput, why)
        }
        error => error.into(),
    })
}

impl Slice {
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        Self::of_file(open_file(path)?)
    }

    /// The same for a file of a ledger in a folder.
    pub(super) fn open_inside(path: &Path) -> io::Result<Self> {
        Self::of_file(open_inside(CWD, path)?)
    }

    fn of_file(file: File) -> io::Result<Self> {
        if !file.metadata()?.is_file() {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is not a file"));
        }
        Self::of(file)
    }

    pub(super) fn of(file: File) -> io::Result<Self> {
        let length = file.metadata()?.len();
        Ok(Self { file: Arc::new(file), start: 0, length })
    }

    pub(super) fn length(&self) -> u64 {
        self.length
    }

    /// A part of it, which ends with it at the latest.
    pub(super) fn part(&self, start: u64, length: u64) -> Self {
        let start = start.min(self.length);
        Self { file: Arc::clone(&self.file), start: self.start + start, length: length.min(self.length - start) }
    }

    /// Replaces `into` by its bytes, of which at most `limit` + 1 are wanted.
    pub(super) fn read(&self, limit: usize, into: &mut Vec<u8>) -> io::Result<()> {
        let wanted = usize::try_from(self.length).unwrap_or(usize::MAX).min(limit.saturating_add(1));
        into.resize(wanted, 0);
        let mut length = 0;
        while length < wanted {
            match self.read_at(&mut into[length..], length as u64)? {
                0 => break,
                read => length += read,
            }
        }
        into.truncate(length);
        Ok(())
    }

    fn read_at(&self, into: &mut [u8], at: u64) -> io::Result<usize> {
        let left = usize::try_from(self.length.saturating_sub(at)).unwrap_or(usize::MAX);
        let wanted = into.len().min(left);
        read_at(&self.file, &mut into[..wanted], self.start + at)
    }

    /// Its bytes, one after the other.
    pub(super) fn reader(&self) -> Reader {
        Reader { slice: self.clone(), at: 0 }
    }
}

#[cfg(unix)]
fn read_at(file: &File, into: &mut [u8], at: u64) -> io::Result<usize> {
    std::os::unix::fs::FileExt::read_at(file, into, at)
}

#[cfg(windows)]
fn read_at(file: &File, into: &mut [u8], at: u64) -> io::Result<usize> {
    std::os::windows::fs::FileExt::seek_read(file, into, at)
}

/// Reads a slice from its beginning.
#[derive(Debug)]
pub(super) struct Reader {
    slice: Slice,
    at: u64,
}

impl Read for Reader {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let read = self.slice.read_at(into, self.at)?;
        self.at += read as u64;
        Ok(read)
    }
}

impl Seek for Reader {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let at = match to {
            SeekFrom::Start(at) => Some(at),
            SeekFrom::Current(by) => self.at.checked_add_signed(by),
            SeekFrom::End(by) => self.slice.length.checked_add_signed(by),
        };
        self.at = at.ok_or_else(|| io::Error::from(io::ErrorKind::InvalidInput))?;
        Ok(self.at)
    }
}
