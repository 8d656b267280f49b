//! A tar file whose members are read from any place, by name. Nothing is ever unpacked, so that no name can lead anywhere.
use std::hash::{BuildHasher as _, RandomState};
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom};

use ring::digest::{Context, SHA256};
use tar::{Archive, Entries, Entry, EntryType, PaxExtensions};

use super::slice::Slice;

mod reader;

/// Reads gather this many bytes.
const BUFFER: usize = 1 << 18;
/// What is in it begins with a block of so many bytes.
const BLOCK: u64 = 512;
/// What some programs write before a member, its long name or its times, may have so many bytes; it has to be held in memory.
const LONGEST_EXTENSION: u64 = 8 << 10;
/// Whoever packed the archive in a way that is not read is told this.
const PACK_AGAIN: &str = "unpack it and verify the folder, or pack it again with tar --format=ustar";

/// Where the members are: 28 bytes each, whatever their names.
#[derive(Debug)]
pub(super) struct TarIndex {
    slice: Slice,
    /// As they stand in the file, with the hashes of their names. The hash has a key nobody knows, so nobody can give two names
    /// the same.
    members: Vec<Member>,
    /// Their places, in the order of their hashes.
    by_hash: Vec<u32>,
    /// Where in that the members begin whose hashes begin with the same bits: few each, so that one is found without going to and fro in
    /// megabytes.
    begins: Vec<usize>,
    hasher: RandomState,
}

/// Hashes with so many first bits in common lie together.
const COMMON_BITS: u32 = 16;

fn group(hash: u64) -> usize {
    (hash >> (u64::BITS - COMMON_BITS)) as usize
}

#[derive(Debug, Clone, Copy)]
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
        let reader = BufReader::with_capacity(BUFFER, Hashing(slice.reader(), Context::new(&SHA256)));
        let mut index = Self::new(slice);
        let mut archive = Archive::new(Onwards { reader, at: 0 });
        walk(archive.entries_with_seek()?, &mut |path, entry| index.add(path, entry, admit).map(|()| true))?;
        let mut reader = archive.into_inner().reader;
        only_zeros(&mut reader)?;
        let digest = hex::encode(reader.into_inner().1.finish());
        Ok((index.sorted()?, digest))
    }

    /// Reads the names only, and what follows the last member.
    ///
    /// # Errors
    /// As for [`TarIndex::hashed`].
    pub(super) fn of(slice: Slice, admit: &mut Admit<'_>) -> io::Result<Self> {
        let mut archive = Archive::new(slice.reader());
        let mut index = Self::new(slice);
        let mut end = 0;
        walk(archive.entries_with_seek()?, &mut |path, entry| {
            end = entry.raw_file_position().saturating_add(entry.size()).next_multiple_of(BLOCK);
            index.add(path, entry, admit).map(|()| true)
        })?;
        let rest = index.slice.length().saturating_sub(end);
        only_zeros(&mut BufReader::with_capacity(BUFFER, index.slice.part(end, rest).reader()))?;
        index.sorted()
    }

    fn new(slice: Slice) -> Self {
        Self { slice, members: Vec::new(), by_hash: Vec::new(), begins: Vec::new(), hasher: RandomState::new() }
    }

    fn add(&mut self, path: &str, entry: &Entry<'_, impl Read>, admit: &mut Admit<'_>) -> io::Result<()> {
        let (start, length) = (entry.raw_file_position(), entry.size());
        match entry.header().entry_type() {
            EntryType::Regular => {}
            // What other programs would read as more members.
            EntryType::Directory if length > 0 => {
                return Err(wrong(format!("{path:?} is a folder with {length} bytes in it")));
            }
            EntryType::Directory => return inside(path.trim_end_matches('/')).map(drop).map_err(wrong),
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
        let count = u32::try_from(self.members.len()).map_err(|_| wrong("it has too many members".to_owned()))?;
        let mut begins = vec![0; (1 << COMMON_BITS) + 1];
        self.members.iter().for_each(|member| begins[group(member.hash) + 1] += 1);
        (1..begins.len()).for_each(|group| begins[group] += begins[group - 1]);
        // Each goes where its group begins, and after those of it that are there.
        let mut next = begins.clone();
        self.by_hash = vec![0; self.members.len()];
        for (place, member) in (0..count).zip(&self.members) {
            let next = &mut next[group(member.hash)];
            self.by_hash[*next] = place;
            *next += 1;
        }
        self.begins = begins;
        let twice = self.begins.windows(2).find_map(|group| {
            let places = &mut self.by_hash[group[0]..group[1]];
            let hash = |place: &u32| self.members[*place as usize].hash;
            places.sort_unstable_by_key(|place| (hash(place), *place));
            places.windows(2).find(|pair| hash(&pair[0]) == hash(&pair[1])).map(|pair| pair[1])
        });
        let twice = twice.map(|place| self.members[place as usize].start);
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
        let Member { start, length, .. } = self.members[self.place(self.hasher.hash_one(name))?];
        Some(self.slice.part(start, length))
    }

    fn place(&self, hash: u64) -> Option<usize> {
        let group = group(hash);
        let places = &self.by_hash[self.begins[group]..self.begins[group + 1]];
        places.iter().map(|place| *place as usize).find(|place| self.members[*place].hash == hash)
    }

    /// How many members there are.
    pub(super) fn count(&self) -> u64 {
        self.members.len() as u64
    }

    /// Visits every file by its name and place, until `visit` says false.
    pub(super) fn visit(&self, visit: &mut dyn FnMut(&str, u64) -> bool) -> io::Result<()> {
        let mut archive = Archive::new(self.slice.reader());
        walk(archive.entries_with_seek()?, &mut |path, entry| {
            let is_file = entry.header().entry_type() == EntryType::Regular;
            Ok(!is_file || visit(path, entry.raw_file_position()))
        })
    }
}

/// A member's name without what `tar` puts before it.
pub(super) fn inside(path: &str) -> Result<&str, String> {
    let inside = path.strip_prefix("./").unwrap_or(path);
    let is_root = matches!(inside, "" | ".") && !path.starts_with('/');
    if !is_root && inside.split('/').any(|part| matches!(part, "" | "." | "..")) || inside.contains('\\') {
        return Err(format!("{path:?} leads out of it"));
    }
    Ok(inside)
}

/// A tar file ends with zeros.
fn only_zeros(rest: &mut impl BufRead) -> io::Result<()> {
    loop {
        let bytes = rest.fill_buf()?;
        if bytes.iter().any(|byte| *byte != 0) {
            return Err(wrong("something follows its end".to_owned()));
        }
        match bytes.len() {
            0 => return Ok(()),
            length => rest.consume(length),
        }
    }
}

/// Gets every member and its name, until it says false.
type Each<'a, 'r, R> = dyn FnMut(&str, &Entry<'r, R>) -> io::Result<bool> + 'a;

/// Goes through the members. What stands before one and is about it is read here, not by the library: that would read it
/// into memory however long it is.
fn walk<'r, R: Read>(entries: Entries<'r, R>, each: &mut Each<'_, 'r, R>) -> io::Result<()> {
    let mut long_name: Option<Vec<u8>> = None;
    for entry in entries.raw(true) {
        let mut entry = entry?;
        let kind = entry.header().entry_type();
        if matches!(kind, EntryType::GNULongName | EntryType::XHeader) {
            if entry.size() > LONGEST_EXTENSION {
                let size = entry.size();
                return Err(wrong(format!(
                    "{size} bytes are about the name or the attributes of one member, more than {LONGEST_EXTENSION}: \
                     {PACK_AGAIN}"
                )));
            }
            let mut bytes = Vec::new();
            entry.read_to_end(&mut bytes)?;
            let name = if kind == EntryType::XHeader { pax_name(&bytes)? } else { Some(before_nul(bytes)) };
            if name.is_some() && long_name.is_some() {
                return Err(wrong(format!("a member has two names: {PACK_AGAIN}")));
            }
            long_name = name.or(long_name);
            continue;
        }
        let path = long_name.take().unwrap_or_else(|| entry.path_bytes().into_owned());
        let path = std::str::from_utf8(&path).map_err(|_| wrong("a member's name is not text".to_owned()))?;
        if !each(path, &entry)? {
            return Ok(());
        }
    }
    match long_name {
        None => Ok(()),
        Some(_) => Err(wrong("it ends after a member's name: it was cut off".to_owned())),
    }
}

/// The name that a PAX header gives the member after it, if any. What it says of times and owners does not matter here.
fn pax_name(bytes: &[u8]) -> io::Result<Option<Vec<u8>>> {
    let mut name = None;
    for said in PaxExtensions::new(bytes) {
        let said = said?;
        match said.key_bytes() {
            b"path" => name = Some(said.value_bytes().to_owned()),
            // Readers that look at it and readers that do not would see two different archives.
            key if key == b"size" || key.starts_with(b"GNU.sparse.") => {
                let key = String::from_utf8_lossy(key);
                return Err(wrong(format!(
                    "a PAX header says where a member ends ({key}), which is not read: {PACK_AGAIN}"
                )));
            }
            _ => {}
        }
    }
    Ok(name)
}

fn before_nul(mut bytes: Vec<u8>) -> Vec<u8> {
    let end = bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len());
    bytes.truncate(end);
    bytes
}

fn wrong(why: String) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, why)
}

/// Passes over what is skipped by reading it.
struct Onwards<R> {
    reader: R,
    at: u64,
}

impl<R: Read> Read for Onwards<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let read = self.reader.read(into)?;
        self.at += read as u64;
        Ok(read)
    }
}

impl<R: BufRead> Seek for Onwards<R> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let SeekFrom::Current(left) = to else { return Err(io::ErrorKind::Unsupported.into()) };
        let mut left = u64::try_from(left).map_err(|_| io::Error::from(io::ErrorKind::Unsupported))?;
        while left > 0 {
            let passed = self.reader.fill_buf()?.len().min(usize::try_from(left).unwrap_or(usize::MAX));
            if passed == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            self.reader.consume(passed);
            self.at += passed as u64;
            left -= passed as u64;
        }
        Ok(self.at)
    }
}

struct Hashing<R>(R, Context);

impl<R: Read> Read for Hashing<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let read = self.0.read(into)?;
        self.1.update(&into[..read]);
        Ok(read)
    }
}
