//! Every way to change a segment is refused, and the message says what is wrong.
use seconder::ledger::RecordType::*;
use seconder::ledger::SigningKey;
use serde_json::json;
use tar::EntryType;
use tempfile::TempDir;
use zeroize::Zeroizing;

use super::files::{self, Files, gzip};
use super::{check, cut, write};
use crate::ledger_verify::story::{ORIGIN, Story, request};

/// Where the segment begins: within a tile, between two requests.
const FROM: usize = 300;

fn segment_of(story: &Story, before: &Story) -> Files {
    let folder = TempDir::new().unwrap();
    write(story, Some(before), folder.path());
    Files::read(folder.path())
}

fn honest() -> Files {
    let story = Story::of(250);
    segment_of(&story, &cut(&story, FROM))
}

/// The past rewritten, and everything signed again with the right key.
fn fork() -> Story {
    let mut story = Story::of(250);
    story.set(&request(0), RequestOpened, "/environment", json!("staging"));
    story
}

fn assert_refused(what: &str, files: &Files, reason: &str) {
    let folder = TempDir::new().unwrap();
    files.write(folder.path());
    let message = match check(folder.path(), &[]) {
        Ok(_) => panic!("{what}: the segment was believed"),
        Err(refusal) => refusal.to_string(),
    };
    assert!(message.contains(reason), "{what}:\n  said: {message}\n  not:  {reason}");
}

type Change = fn(&mut Files);

/// A decided request of the segment, and another.
const ONE: &str = "receipts/req-00120";
const OTHER: &str = "receipts/req-00126";

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
                let shorter: Vec<&str> = manifest.lines().filter(|line| !line.ends_with("frontier")).collect();
                f.put("MANIFEST.sha256", shorter.join("\n"));
            },
            "it does not name frontier",
        ),
    ];
    for (what, change, reason) in changes {
        let mut files = honest.clone();
        change(&mut files);
        assert_refused(what, &files, reason);
    }
}

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
            "entries.jsonl is damaged",
        ),
        (
            "something after the packed entries",
            |f| {
                let name = f.entries_name();
                f.0.get_mut(&name).unwrap().extend(gzip(b"more\n"));
            },
            "entries.jsonl is damaged: something follows its end",
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

#[test]
fn a_rule_broken_within_a_segment_is_refused_although_everything_is_signed() {
    let id = request(120);
    for (what, change, reason) in [
        (
            "a party as approver",
            Box::new(|story: &mut Story| {
                story.set(&id, ReviewRecorded, "/reviewer/id", json!(2));
                story.set(&id, DecisionRecorded, "/approvers/0/id", json!(2));
            }) as Box<dyn Fn(&mut Story)>,
            "the reviewer 2 had a part in the request",
        ),
        (
            "released before decided",
            Box::new(|story| {
                let (decision, callback) = (story.place(&id, DecisionRecorded), story.place(&id, CallbackSent));
                story.records.swap(decision, callback);
            }),
            "callback.sent comes before decision.recorded",
        ),
        (
            "a grant used twice",
            Box::new(|story| {
                let again = story.record(&id, CallbackSent).clone();
                story.records.push(again);
            }),
            "callback.sent comes twice for one decision",
        ),
        (
            "a grant used for another attempt",
            Box::new(|story| story.set(&id, CallbackSent, "/attempt_checked/attempt", json!(2))),
            "callback.sent is for attempt 2 of the run",
        ),
        (
            "a genesis in the middle",
            Box::new(|story| {
                let genesis = story.records[0].clone();
                story.records.push(genesis);
            }),
            "the first entry must be ledger.genesis, and no other may be",
        ),
    ] {
        let mut story = Story::of(250);
        change(&mut story);
        assert_refused(what, &segment_of(&story, &cut(&story, FROM)), reason);
    }
}

#[test]
fn what_was_decided_before_a_segment_leaves_within_it_once() {
    let (honest, id) = (Story::of(150), request(60));
    let before = cut(&honest, honest.place(&id, DecisionRecorded) + 1);
    for after in [CallbackSent, CallbackResult] {
        let mut story = honest.clone();
        let again = story.record(&id, CallbackSent).body.clone();
        story.insert_after(&id, after, CallbackSent, again.into());
        let what = format!("once more after {after}");
        assert_refused(&what, &segment_of(&story, &before), "callback.sent comes twice for one decision");
    }
}

#[test]
fn what_nobody_signs_is_named_as_that_and_not_refused() {
    let mut files = honest();
    files.put("VERIFY.md", "Just trust us.\n");
    files.put("witness.policy", "quorum none\n");
    files.manifest_again();
    let folder = TempDir::new().unwrap();
    files.write(folder.path());
    assert_eq!(check(folder.path(), &[]).unwrap().unvouched, ["VERIFY.md", "witness.policy"]);
}
