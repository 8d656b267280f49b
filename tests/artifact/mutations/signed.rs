//! The manifest written anew: what was signed finds it out.

use seconder::ledger::RecordType::*;
use seconder::ledger::SigningKey;
use serde_json::json;
use tar::EntryType;
use zeroize::Zeroizing;

use super::{Change, FROM, assert_refused, honest, segment_of};
use crate::artifact::cut;
use crate::artifact::files::{self, Files, gzip};
use crate::ledger_verify::story::{ORIGIN, Story, request};

/// The past rewritten, and everything signed again with the right key.
fn fork() -> Story {
    let mut story = Story::of(250);
    story.set(&request(0), RequestOpened, "/environment", json!("staging"));
    story
}

/// A decided request of the segment, and another.
const ONE: &str = "receipts/req-00120";
const OTHER: &str = "receipts/req-00126";

#[test]
fn whoever_writes_the_manifest_anew_is_refused_by_what_was_signed() {
    let changes: &[(&str, Change, &str)] = &[
        (
            "a tile before the segment",
            |f| f.edit_member("tiles.tar", "tile/0/000", |tile| tile[40] ^= 1),
            "do not have the hashes of frontier",
        ),
        (
            "the leaves before the segment in its first tile",
            |f| f.edit_member("tiles.tar", "tile/0/001", |tile| tile[40] ^= 1),
            "do not have the hashes of frontier",
        ),
        (
            "a tile of the segment",
            |f| f.edit_member("tiles.tar", "tile/0/002", |tile| tile[40] ^= 1),
            "tile/0/002: this tile does not match",
        ),
        (
            "a tile above",
            |f| f.edit_member("tiles.tar", "tile/1/000.p/3", |tile| tile[70] ^= 1),
            "tile/1/000.p/3: this tile does not match",
        ),
        (
            "a bundle of the segment",
            |f| f.edit_member("tiles.tar", "tile/entries/002", |bundle| bundle[900] ^= 1),
            "tile/entries/002: this entry bundle",
        ),
        (
            "an entry before the segment in its first bundle",
            |f| f.edit_member("tiles.tar", "tile/entries/001", |bundle| bundle[900] ^= 1),
            "tile/entries/001: this entry bundle",
        ),
        (
            "a longer bundle",
            |f| f.edit_member("tiles.tar", "tile/entries/001", |bundle| bundle.push(0)),
            "tile/entries/001: this entry bundle",
        ),
        (
            "a longer tile",
            |f| f.edit_member("tiles.tar", "tile/0/002", |tile| tile.push(0)),
            "tile/0/002: this tile does not match",
        ),
        (
            "a missing tile",
            |f| f.edit_tar("tiles.tar", |members| members.retain(|(name, _)| name != "tile/0/002")),
            "tile/0/002 is missing",
        ),
        (
            "a tile too many",
            |f| f.edit_tar("tiles.tar", |members| members.push(("tile/2/000.p/1".into(), vec![0; 32]))),
            "tile/2/000.p/1 does not belong",
        ),
        (
            "a bundle of the segment before",
            |f| f.edit_tar("tiles.tar", |members| members.push(("tile/entries/000".into(), vec![0; 32]))),
            "tile/entries/000 does not belong",
        ),
        (
            "a tile twice",
            |f| f.edit_tar("tiles.tar", |members| members.push(members[0].clone())),
            "tiles.tar is damaged: \"tile/0/000\" is in it twice",
        ),
        (
            "a member that leads out of it",
            |f| f.edit_tar("tiles.tar", |members| members.push(("../../etc/passwd".into(), vec![0; 32]))),
            "tiles.tar is damaged: \"../../etc/passwd\" does not belong",
        ),
        (
            "a member from the root",
            |f| f.edit_tar("receipts.tar", |members| members.push(("/etc/passwd".into(), vec![0; 32]))),
            "receipts.tar is damaged: \"/etc/passwd\" does not belong",
        ),
        (
            "a link",
            |f| {
                let mut builder = tar::Builder::new(Vec::new());
                files::add(&mut builder, "tile/0/000", EntryType::Symlink, b"");
                f.put("tiles.tar", builder.into_inner().unwrap());
            },
            "\"tile/0/000\" is not a file but Symlink",
        ),
        (
            "a folder in which other programs find members",
            |f| {
                let mut builder = tar::Builder::new(f.0["receipts.tar"].clone());
                builder.get_mut().truncate(f.0["receipts.tar"].len() - 1024);
                files::add(&mut builder, "receipts/", EntryType::Directory, &[7; 512]);
                f.put("receipts.tar", builder.into_inner().unwrap());
            },
            "receipts.tar is damaged: \"receipts/\" is a folder with 512 bytes in it",
        ),
        (
            "a folder that leads out of it",
            |f| {
                let mut builder = tar::Builder::new(Vec::new());
                files::add(&mut builder, "../evil/", EntryType::Directory, b"");
                f.put("tiles.tar", builder.into_inner().unwrap());
            },
            "tiles.tar is damaged: \"../evil\" leads out of it",
        ),
        ("a tar file cut off", |f| f.0.get_mut("tiles.tar").unwrap().truncate(5_000), "tiles.tar is damaged"),
        (
            "something after the end of a tar file",
            |f| f.0.get_mut("receipts.tar").unwrap().extend([7; 512]),
            "receipts.tar is damaged: something follows its end",
        ),
        (
            "swapped receipts",
            |f| {
                f.edit_tar("receipts.tar", |members| {
                    for (name, _) in members {
                        *name = match name.split_once('.').unwrap() {
                            (ONE, kind) => format!("{OTHER}.{kind}"),
                            (OTHER, kind) => format!("{ONE}.{kind}"),
                            _ => continue,
                        };
                    }
                });
            },
            "receipts/req-00120.json: not the decision of this request",
        ),
        (
            "swapped proofs",
            |f| {
                let find = |f: &Files, name: &str| {
                    files::unpacked(&f.0["receipts.tar"]).into_iter().find(|(at, _)| at == name).unwrap().1
                };
                let (one, other) = (format!("{ONE}.tlog-proof"), format!("{OTHER}.tlog-proof"));
                let (first, second) = (find(f, &one), find(f, &other));
                f.edit_member("receipts.tar", &one, |proof| *proof = second);
                f.edit_member("receipts.tar", &other, |proof| *proof = first);
            },
            "receipts/req-00120.tlog-proof: the proof leads to another root",
        ),
        (
            "a hash of a proof within its tile",
            |f| {
                f.edit_member("receipts.tar", &format!("{OTHER}.tlog-proof"), |proof| {
                    let at = proof.iter().enumerate().filter(|(_, byte)| **byte == b'\n').nth(1).unwrap().0 + 5;
                    proof[at] = if proof[at] == b'A' { b'B' } else { b'A' };
                });
            },
            "receipts/req-00126.tlog-proof: the proof leads to another root",
        ),
        (
            "a hash of a proof above its tile",
            |f| {
                f.edit_member("receipts.tar", &format!("{OTHER}.tlog-proof"), |proof| {
                    let at = proof.iter().enumerate().filter(|(_, byte)| **byte == b'\n').nth(9).unwrap().0 + 5;
                    proof[at] = if proof[at] == b'A' { b'B' } else { b'A' };
                });
            },
            "receipts/req-00126.tlog-proof: the proof leads to another root",
        ),
        (
            "a missing receipt",
            |f| f.edit_tar("receipts.tar", |all| all.retain(|(name, _)| !name.starts_with(ONE))),
            "receipts/req-00120.json is missing",
        ),
        (
            "a receipt that nobody decided",
            |f| f.edit_tar("receipts.tar", |all| all.push(("receipts/req-99999.json".into(), all[1].1.clone()))),
            "receipts/req-99999.json does not belong",
        ),
        (
            "the key of a stranger",
            |f| {
                let stranger = SigningKey::from_seed(ORIGIN, &Zeroizing::new([1; 32])).unwrap();
                f.put("log.vkey", format!("{}\n", stranger.verifier()));
            },
            "is not the key you trust",
        ),
        ("a byte after the key", |f| f.0.get_mut("log.vkey").unwrap().push(b'\n'), "log.vkey is not the key you trust"),
        (
            "a key without its newline",
            |f| f.put("log.vkey", f.text("log.vkey").trim_end()),
            "log.vkey is not the key you trust",
        ),
        (
            "the key of a stranger for openssl",
            |f| {
                let stranger = SigningKey::from_seed(ORIGIN, &Zeroizing::new([1; 32])).unwrap();
                f.put("log.pub.pem", stranger.verifier().to_spki_pem());
            },
            "log.pub.pem is not the key you trust",
        ),
        ("an older checkpoint", |f| f.put("checkpoint", Story::of(200).checkpoint()), "its entries end at"),
        ("a changed checkpoint", |f| f.replace("checkpoint", "\n9", "\n8"), "checkpoint: the signature of"),
        (
            "a fork signed again with the right key",
            |f| {
                let prev = f.0["checkpoint.prev"].clone();
                *f = segment_of(&fork(), &cut(&fork(), FROM));
                f.put("checkpoint.prev", prev);
            },
            "checkpoint.prev was signed over another past: a fork",
        ),
        ("a checkpoint of a fork", |f| f.put("checkpoint", fork().checkpoint()), "not a proof for this checkpoint"),
        (
            "the checkpoint before, of a fork",
            |f| f.put("checkpoint.prev", cut(&fork(), FROM).checkpoint()),
            "checkpoint.prev was signed over another past: a fork",
        ),
        (
            "the checkpoint before, of another size",
            |f| f.put("checkpoint.prev", cut(&Story::of(250), FROM - 1).checkpoint()),
            "checkpoint.prev is of 299 entries, but it begins at 300",
        ),
        (
            "the checkpoint before, signed by somebody else",
            |f| {
                let stranger = SigningKey::from_seed(ORIGIN, &Zeroizing::new([1; 32])).unwrap();
                let text = f.text("checkpoint.prev");
                f.put("checkpoint.prev", stranger.sign(&format!("{}\n", text.split_once("\n\n").unwrap().0)).unwrap());
            },
            "checkpoint.prev: the checkpoint of 300 entries must be signed by",
        ),
        (
            "the frontier of a fork",
            |f| f.put("frontier", segment_of(&fork(), &cut(&fork(), FROM)).text("frontier")),
            "frontier does not have the root that checkpoint.prev signs",
        ),
        (
            "the frontier of another place",
            |f| f.put("frontier", segment_of(&Story::of(250), &cut(&Story::of(250), 299)).text("frontier")),
            "frontier is of 299 entries, but it begins at 300",
        ),
        ("a frontier in another form", |f| f.replace("frontier", "300:", "0300:"), "frontier is not one"),
        ("no frontier", |f| f.put("frontier", "300:AAAA\n"), "frontier is not one"),
        (
            "a hash of the consistency proof",
            |f| {
                let (text, at) = (f.text("consistency.add-checkpoint"), "old 300\n".len());
                let other = if text.as_bytes()[at] == b'A' { "B" } else { "A" };
                f.put("consistency.add-checkpoint", format!("{}{other}{}", &text[..at], &text[at + 1..]));
            },
            "consistency.add-checkpoint: the proof leads to another root",
        ),
        (
            "the size in the consistency proof",
            |f| f.replace("consistency.add-checkpoint", "old 300", "old 299"),
            "consistency.add-checkpoint is a proof for 299 entries",
        ),
        (
            "a consistency proof of another form",
            |f| f.replace("consistency.add-checkpoint", "old 300", "old 0300"),
            "consistency.add-checkpoint is not a proof for this checkpoint",
        ),
        (
            "the name of the entries",
            |f| {
                let name = f.entries_name();
                let bytes = f.0.remove(&name).unwrap();
                f.put(&name.replace("-300-", "-301-"), bytes);
            },
            "frontier is of 300 entries, but it begins at 301",
        ),
        (
            "entries twice",
            |f| {
                let (name, bytes) = (f.entries_name(), f.0[&f.entries_name()].clone());
                f.put(&name.replace("-300-", "-0-"), bytes);
            },
            "does not belong to this ledger",
        ),
        (
            "packed entries damaged",
            |f| {
                let name = f.entries_name();
                f.0.get_mut(&name).unwrap()[2_000] ^= 0xff;
            },
            "",
        ),
        (
            "packed entries cut off",
            |f| {
                let name = f.entries_name();
                f.0.get_mut(&name).unwrap().truncate(2_000);
            },
            ".jsonl.gz is damaged",
        ),
        (
            "something after the packed entries",
            |f| {
                let name = f.entries_name();
                f.0.get_mut(&name).unwrap().extend(gzip(b"more\n"));
            },
            ".jsonl.gz is damaged: something follows its end",
        ),
        (
            "entries that unpack to a thousand times their size",
            |f| f.put(&f.entries_name(), gzip(&vec![b'x'; 8 << 20])),
            "line 301: longer than 65535 bytes",
        ),
        (
            "endless empty lines",
            |f| f.put(&f.entries_name(), gzip(&vec![b'\n'; 4 << 20])),
            "line 301: not a ledger entry",
        ),
        ("an entry changed", Files::edit_an_entry, "hash chain broken"),
        ("the first entry changed", |f| f.edit_lines(|lines| lines[0].insert(1, ' ')), "line 302: hash chain broken"),
        ("entries swapped", |f| f.edit_lines(|lines| lines.swap(3, 4)), "line 304: its seq is 304, but 303 comes next"),
        ("an entry repeated", |f| f.edit_lines(|lines| lines.insert(4, lines[3].clone())), "line 305: its seq is 303"),
        ("the first entry removed", |f| f.edit_lines(|lines| drop(lines.remove(0))), "line 301: its seq is 301"),
        ("the last entry removed", |f| f.edit_lines(|lines| drop(lines.pop())), "entries are missing at the end"),
        ("an entry appended", |f| f.edit_lines(|lines| lines.push(lines[0].clone())), "nobody signed what follows"),
        (
            "a cell of the decisions",
            |f| f.replace("decisions.csv", ",approved,", ",denied,"),
            "decisions.csv does not say what the entries say",
        ),
        (
            "a row of the exceptions taken out",
            |f| {
                let text = f.text("exceptions.csv");
                let all: Vec<&str> = text.split_inclusive("\r\n").collect();
                f.put("exceptions.csv", all[..all.len() - 1].concat());
            },
            "exceptions.csv does not say what the entries say",
        ),
        (
            "a file too many, in the manifest",
            |f| f.put("README", "all is well"),
            "README does not belong to this ledger",
        ),
    ];
    let honest = honest();
    for (what, change, reason) in changes {
        let mut files = honest.clone();
        change(&mut files);
        files.manifest_again();
        assert_ne!(files, honest, "{what} changed nothing");
        assert_refused(what, &files, reason);
    }
    let mut again = honest.clone();
    again.manifest_again();
    assert_eq!(again, honest, "what the tests write is what is written");
}
