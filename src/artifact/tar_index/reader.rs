//! Whoever reads the members of a tar file nearly one after the other: some twenty receipts come with one read.
use std::hash::BuildHasher as _;
use std::io;

use super::{Member, TarIndex};

/// Who reads members nearly one after the other finds most so far from the one before: a receipt is two of them.
const NEAR: usize = 3;
/// So many bytes are read at once then: some twenty receipts.
const AT_ONCE: usize = 1 << 16;

impl TarIndex {
    /// Somebody who reads members nearly one after the other.
    pub(in crate::artifact) fn reader(&self) -> TarReader<'_> {
        TarReader { index: self, found: 0, window: Vec::new(), begins: 0 }
    }
}

/// Reads members nearly one after the other.
pub(in crate::artifact) struct TarReader<'a> {
    index: &'a TarIndex,
    /// The place of the member that was read last.
    found: usize,
    /// Bytes of the file, and where they begin in it.
    window: Vec<u8>,
    begins: u64,
}

impl TarReader<'_> {
    /// Replaces `into` by the bytes of the member of this name, of which at most `limit` + 1 are wanted.
    pub(in crate::artifact) fn read(&mut self, name: &str, limit: usize, into: &mut Vec<u8>) -> io::Result<()> {
        let Self { index, found, .. } = *self;
        let hash = index.hasher.hash_one(name);
        let near = found.saturating_sub(NEAR);
        let is_it = |place: &usize| index.members.get(*place).is_some_and(|member| member.hash == hash);
        let next = (near..=near + 2 * NEAR).find(is_it);
        let place = next.or_else(|| index.place(hash)).ok_or(io::ErrorKind::NotFound)?;
        self.found = place;
        let member = index.members[place];
        // The other file of a receipt may stand before this one. Of what lies elsewhere, or before, nobody will want what is beside it.
        if next.is_some() && place > found && member.start >= self.begins && !self.has(member) {
            self.look(index.members[place - 1].start)?;
        }
        let slice = index.slice.part(member.start, member.length);
        if !self.has(member) {
            return slice.read(limit, into);
        }
        let wanted = usize::try_from(member.length).unwrap_or(usize::MAX).min(limit.saturating_add(1));
        let from = usize::try_from(member.start - self.begins).unwrap_or(usize::MAX);
        into.clear();
        into.extend_from_slice(self.window.get(from..).and_then(|there| there.get(..wanted)).unwrap_or_default());
        Ok(())
    }

    fn has(&self, Member { start, length, .. }: Member) -> bool {
        start >= self.begins && start.saturating_add(length) <= self.begins + self.window.len() as u64
    }

    fn look(&mut self, begins: u64) -> io::Result<()> {
        self.begins = begins;
        let part = self.index.slice.part(begins, AT_ONCE as u64);
        part.read(AT_ONCE, &mut self.window).inspect_err(|_| self.window.clear())
    }
}

#[cfg(test)]
mod tests {
    use std::fs::File;

    use tempfile::TempDir;

    use super::*;
    use crate::artifact::slice::Slice;
    use crate::artifact::tarball::Tarball;

    fn packed(lengths: &[usize]) -> TarIndex {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("receipts.tar");
        let mut tar = Tarball::new(File::create(&path).unwrap());
        for (n, length) in lengths.iter().enumerate() {
            let bytes: Vec<u8> = (0..*length).map(|at| u8::try_from((at + 7 * n) % 251).unwrap()).collect();
            tar.add(&format!("m{n}"), &bytes).unwrap();
        }
        tar.finish().unwrap();
        TarIndex::of(Slice::open(&path).unwrap(), &mut |path| Ok(Some(path.to_owned()))).unwrap()
    }

    #[test]
    fn whoever_reads_one_after_the_other_reads_the_same_in_whatever_order() {
        let lengths: Vec<usize> =
            (0..150).map(|n| [700, 1_100, 0, AT_ONCE - 512, 3, 2 * AT_ONCE][(n * n) % 6]).collect();
        let index = packed(&lengths);
        let count = lengths.len();
        let swapped = (0..count).map(|n| n ^ 1);
        let orders: [Vec<usize>; 4] = [
            (0..count).collect(),
            swapped.collect(),
            (0..count).rev().collect(),
            (0..count).map(|n| n * 37 % count).collect(),
        ];
        for (order, limit) in orders.iter().zip([usize::MAX, 900, 1 << 20, 2]) {
            let (mut reader, mut found, mut wanted) = (index.reader(), Vec::new(), Vec::new());
            for n in order {
                reader.read(&format!("m{n}"), limit, &mut found).unwrap();
                index.get(&format!("m{n}")).unwrap().read(limit, &mut wanted).unwrap();
                assert!(found == wanted, "member {n} of {} bytes, at most {limit}", lengths[*n]);
            }
            assert_eq!(reader.read("none", limit, &mut found).unwrap_err().kind(), io::ErrorKind::NotFound);
        }
    }
}
