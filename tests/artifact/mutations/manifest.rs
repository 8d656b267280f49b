//! The manifest: whoever leaves it as it was is found out by it.

use std::fs;

use tempfile::TempDir;

use super::{Change, assert_refused, honest};
use crate::artifact::check;

#[test]
fn whoever_changes_a_file_and_not_the_manifest_is_refused_by_the_manifest() {
    let honest = honest();
    for name in honest.0.keys().filter(|name| *name != "MANIFEST.sha256") {
        let mut files = honest.clone();
        let bytes = files.0.get_mut(name).unwrap();
        // In a tar file this byte may be in a header or in its padding, where nothing else would look.
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        let folder = TempDir::new().unwrap();
        files.write(folder.path());
        let refusal = check(folder.path(), &[]).unwrap_err().to_string();
        assert!(refusal.contains(name.as_str()), "{name}: {refusal}");

        let mut files = honest.clone();
        files.0.remove(name);
        let folder = TempDir::new().unwrap();
        files.write(folder.path());
        let refusal = check(folder.path(), &[]).unwrap_err().to_string();
        let gone = if name.starts_with("entries-") { "entries-" } else { name };
        assert!(refusal.contains(gone) && refusal.contains("is missing"), "{name}: {refusal}");
    }
    let changes: &[(&str, Change, &str)] = &[
        ("a line taken out", |f| f.replace("MANIFEST.sha256", "  frontier\n", "\n"), "is not a line of it"),
        (
            "a line taken out, of a file that every ledger has",
            |f| {
                let manifest = f.text("MANIFEST.sha256");
                let lines = manifest.split_inclusive('\n').filter(|line| !line.ends_with("  checkpoint\n"));
                f.put("MANIFEST.sha256", lines.collect::<String>());
            },
            "it does not name checkpoint",
        ),
        ("a digest changed", |f| f.replace("MANIFEST.sha256", "  frontier", "0  frontier"), "frontier is not the file"),
        (
            "a file named twice",
            |f| {
                let twice = f.text("MANIFEST.sha256").repeat(2);
                f.put("MANIFEST.sha256", twice);
            },
            "it names VERIFY.md twice",
        ),
        ("no manifest", |f| drop(f.0.remove("MANIFEST.sha256")), "MANIFEST.sha256 is missing"),
        ("a file it does not name", |f| f.put("README", "all is well"), "README does not belong to this ledger"),
        (
            "a file of its own that it does not name",
            |f| {
                let manifest = f.text("MANIFEST.sha256");
                let shorter = manifest.split_inclusive('\n').filter(|line| !line.ends_with("frontier\n"));
                f.put("MANIFEST.sha256", shorter.collect::<String>());
            },
            "it does not name frontier",
        ),
        (
            "lines that end as on Windows",
            |f| {
                let manifest = f.text("MANIFEST.sha256").replace('\n', "\r\n");
                f.put("MANIFEST.sha256", manifest);
            },
            "VERIFY.md\\r\" is not a line of it",
        ),
        (
            "a last line without an end",
            |f| f.0.get_mut("MANIFEST.sha256").unwrap().truncate(400),
            "its last line has no end",
        ),
    ];
    for (what, change, reason) in changes {
        let mut files = honest.clone();
        change(&mut files);
        assert_refused(what, &files, reason);
    }
}

#[test]
fn a_file_that_cannot_belong_to_a_segment_is_refused_before_it_is_read_however_long_it_is() {
    let folder = TempDir::new().unwrap();
    for (name, reason) in [
        ("NOTE", "NOTE does not belong to this ledger"),
        ("VERIFY.md", "VERIFY.md is damaged: it has 9000000000000 bytes, and says in a few lines what it has to say"),
    ] {
        honest().write(folder.path());
        fs::File::create(folder.path().join(name)).unwrap().set_len(9_000_000_000_000).unwrap();
        let refusal = check(folder.path(), &[]).unwrap_err().to_string();
        assert!(refusal.contains(reason), "{refusal}");
        fs::remove_file(folder.path().join(name)).unwrap();
    }
}
