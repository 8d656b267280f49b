//! The files of a segment in memory, to be changed.
use std::collections::BTreeMap;
use std::fs;
use std::io::{Read as _, Write as _};
use std::path::Path;

use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use ring::digest::{SHA256, digest};
use tar::{Archive, Builder, EntryType, Header};

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Files(pub BTreeMap<String, Vec<u8>>);

impl Files {
    pub fn read(folder: &Path) -> Files {
        let entries = fs::read_dir(folder).unwrap().map(Result::unwrap);
        Files(entries.map(|it| (it.file_name().into_string().unwrap(), fs::read(it.path()).unwrap())).collect())
    }

    pub fn write(&self, folder: &Path) {
        self.0.iter().for_each(|(name, bytes)| fs::write(folder.join(name), bytes).unwrap());
    }

    pub fn text(&self, name: &str) -> String {
        String::from_utf8(self.0[name].clone()).unwrap()
    }

    pub fn put(&mut self, name: &str, bytes: impl Into<Vec<u8>>) {
        self.0.insert(name.to_owned(), bytes.into());
    }

    /// Changes some text in a file, which must be there.
    pub fn replace(&mut self, name: &str, from: &str, to: &str) {
        let text = self.text(name);
        assert!(text.contains(from), "{name} has no {from:?}");
        self.put(name, text.replacen(from, to, 1));
    }

    pub fn entries_name(&self) -> String {
        self.0.keys().find(|name| name.starts_with("entries-")).unwrap().clone()
    }

    /// Changes the lines of the entries.
    pub fn edit_lines(&mut self, edit: impl FnOnce(&mut Vec<String>)) {
        self.edit_text(|text| {
            let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
            edit(&mut lines);
            *text = lines.iter().map(|line| format!("{line}\n")).collect();
        });
    }

    /// Changes the entries as one text.
    pub fn edit_text(&mut self, edit: impl FnOnce(&mut String)) {
        let (name, mut text) = (self.entries_name(), String::new());
        GzDecoder::new(self.0[&name].as_slice()).read_to_string(&mut text).unwrap();
        edit(&mut text);
        self.put(&name, gzip(text.as_bytes()));
    }

    /// Changes a letter of an entry.
    pub fn edit_an_entry(&mut self) {
        self.edit_lines(|lines| {
            let line = lines.iter_mut().skip(1).find(|line| line.contains("acme/shop")).unwrap();
            *line = line.replace("acme/shop", "acme/shoP");
        });
    }

    /// Changes the members of a tar file.
    pub fn edit_tar(&mut self, name: &str, edit: impl FnOnce(&mut Vec<(String, Vec<u8>)>)) {
        let mut members = unpacked(&self.0[name]);
        edit(&mut members);
        self.put(name, tar(&members));
    }

    /// Changes one member of a tar file.
    pub fn edit_member(&mut self, tar: &str, member: &str, edit: impl FnOnce(&mut Vec<u8>)) {
        self.edit_tar(tar, |members| {
            let found = members.iter_mut().find(|(name, _)| name == member);
            edit(&mut found.unwrap_or_else(|| panic!("{tar} has no {member}")).1);
        });
    }

    /// Writes the manifest anew, as whoever changes the files would.
    pub fn manifest_again(&mut self) {
        self.0.remove("MANIFEST.sha256");
        let line = |(name, bytes): (&String, &Vec<u8>)| format!("{}  {name}\n", hex::encode(digest(&SHA256, bytes)));
        let manifest: String = self.0.iter().map(line).collect();
        self.put("MANIFEST.sha256", manifest);
    }
}

pub fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut gz = GzEncoder::new(Vec::new(), Compression::fast());
    gz.write_all(bytes).unwrap();
    gz.finish().unwrap()
}

pub fn unpacked(bytes: &[u8]) -> Vec<(String, Vec<u8>)> {
    let mut archive = Archive::new(bytes);
    let member = |mut entry: tar::Entry<'_, &[u8]>| {
        let (name, mut bytes) = (String::from_utf8_lossy(&entry.path_bytes()).into_owned(), Vec::new());
        entry.read_to_end(&mut bytes).unwrap();
        (name, bytes)
    };
    archive.entries().unwrap().map(|entry| member(entry.unwrap())).collect()
}

pub fn tar(members: &[(String, Vec<u8>)]) -> Vec<u8> {
    let mut builder = Builder::new(Vec::new());
    members.iter().for_each(|(name, bytes)| add(&mut builder, name, EntryType::Regular, bytes));
    builder.into_inner().unwrap()
}

/// Adds a member under any name, also one that `tar` would not write.
pub fn add(builder: &mut Builder<Vec<u8>>, name: &str, kind: EntryType, bytes: &[u8]) {
    let mut header = Header::new_ustar();
    header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
    header.set_entry_type(kind);
    header.set_mode(0o644);
    header.set_size(bytes.len() as u64);
    header.set_cksum();
    builder.append(&header, bytes).unwrap();
}
