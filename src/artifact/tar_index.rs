//! A tar file whose members are read from any place, by name. Nothing is ever unpacked, so that no name can lead anywhere.
use std::hash::{BuildHasher as _, RandomState};
use std::io::{self, BufRead as _, BufReader, Read};

use ring::digest::{Context, SHA256};
use tar::{Archive, Entry, EntryType};

use super::slice::Slice;

/// Reads gather this many bytes.
const BUFFER: usize = 1 << 18;

/// Where the members are: 24 bytes each, whatever their names.
#[derive(Debug)]
pub(super) struct TarIndex {
    slice: Slice,
    /// By the hashes of their names. The hash has a key nobody knows, so nobody can give two names the same.
    members: Vec<Member>,
    hasher: RandomState,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Member {
    hash: u64,
    start: u64,
    length: u64,
}

/// Says under which name a member is to be found, or why it may not be there.
type Admit<'a> = dyn FnMut(&str) -> Result<Option<String>, String> + 'a;

impl TarIndex {
    /// Reads the whole file, and tells its SHA-256 in hexadecimal, too.
    ///
    /// # Errors
    /// `InvalidData`, with the reason, if it is damaged or something in it is not admitted or is there twice.
    pub(super) fn hashed(slice: Slice, admit: &mut Admit<'_>) -> io::Result<(Self, String)> {
        let mut reader = BufReader::with_capacity(BUFFER, Hashing(slice.reader(), Context::new(&SHA256)));
        let mut index = Self { slice, members: Vec::new(), hasher: RandomState::new() };
        let mut archive = Archive::new(&mut reader);
        for entry in archive.entries()? {
            index.add(&entry?, admit)?;
        }
        // A tar file ends with zeros.
        loop {
            let rest = reader.fill_buf()?;
            if rest.iter().any(|byte| *byte != 0) {
                return Err(wrong("something follows its end".to_owned()));
            }
            match rest.len() {
                0 => break,
                length => reader.consume(length),
            }
        }
        let digest = hex::encode(reader.into_inner().1.finish());
        Ok((index.sorted()?, digest))
    }

    /// Reads the names only.
    ///
    /// # Errors
    /// As for [`TarIndex::hashed`].
    pub(super) fn of(slice: Slice, admit: &mut Admit<'_>) -> io::Result<Self> {
        let mut archive = Archive::new(slice.reader());
        let mut index = Self { slice, members: Vec::new(), hasher: RandomState::new() };
        for entry in archive.entries_with_seek()? {
            index.add(&entry?, admit)?;
        }
        index.sorted()
    }

    fn add(&mut self, entry: &Entry<'_, impl Read>, admit: &mut Admit<'_>) -> io::Result<()> {
        let path = entry.path_bytes();
        let path = std::str::from_utf8(&path).map_err(|_| wrong("a member's name is not text".to_owned()))?;
        let (start, length) = (entry.raw_file_position(), entry.size());
        match entry.header().entry_type() {
            EntryType::Regular => {}
            EntryType::Directory => return Ok(()),
            kind => return Err(wrong(format!("{path:?} is not a file but {kind:?}"))),
        }
        if start.checked_add(length).is_none_or(|end| end > self.slice.length()) {
            return Err(wrong(format!("it ends within {path:?}: it was cut off")));
        }
        if let Some(name) = admit(path).map_err(wrong)? {
            self.members.push(Member { hash: self.hasher.hash_one(name.as_str()), start, length });
        }
        Ok(())
    }

    fn sorted(mut self) -> io::Result<Self> {
        self.members.sort_unstable();
        let twice = self.members.windows(2).find(|pair| pair[0].hash == pair[1].hash).map(|pair| pair[1].start);
        let Some(start) = twice else { return Ok(self) };
        let mut name = String::new();
        self.visit(&mut |path, at| {
            if at == start {
                name = path.to_owned();
            }
            at != start
        })?;
        Err(wrong(format!("{name:?} is in it twice")))
    }

    /// The member of this name.
    pub(super) fn get(&self, name: &str) -> Option<Slice> {
        let hash = self.hasher.hash_one(name);
        let at = self.members.binary_search_by_key(&hash, |member| member.hash).ok()?;
        let Member { start, length, .. } = self.members[at];
        Some(self.slice.part(start, length))
    }

    /// How many members there are.
    pub(super) fn count(&self) -> u64 {
        self.members.len() as u64
    }

    /// Visits every file by its name and place, until `visit` says false.
    pub(super) fn visit(&self, visit: &mut dyn FnMut(&str, u64) -> bool) -> io::Result<()> {
        let mut archive = Archive::new(self.slice.reader());
        for entry in archive.entries_with_seek()? {
            let entry = entry?;
            let path = entry.path_bytes();
            let is_file = entry.header().entry_type() == EntryType::Regular;
            if is_file && !visit(&String::from_utf8_lossy(&path), entry.raw_file_position()) {
                break;
            }
        }
        Ok(())
    }
}

fn wrong(why: String) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, why)
}

struct Hashing<R>(R, Context);

impl<R: Read> Read for Hashing<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let read = self.0.read(into)?;
        self.1.update(&into[..read]);
        Ok(read)
    }
}
