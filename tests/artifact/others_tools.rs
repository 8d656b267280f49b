//! What the guide in a segment says works as pasted, and tools that nobody here wrote agree.
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use seconder::ledger::merkle::{Levels, inclusion_proof, leaf_hash};
use seconder::ledger::receipt::Receipt;
use seconder::ledger::{RecordType, SigningKey};
use serde_json::Value;
use tempfile::TempDir;
use zeroize::Zeroizing;

use super::files::{self, Files};
use super::{cut, write};
use crate::ledger_verify::others_tools::{go_check, run};
use crate::ledger_verify::story::{ORIGIN, Story, vkey};

/// A later segment in `segment`, and the key from elsewhere beside it.
fn published() -> TempDir {
    published_from(300)
}

/// The same of the entries from this one on.
fn published_from(from: usize) -> TempDir {
    let folder = TempDir::new().unwrap();
    let story = Story::of(250);
    let before = (from > 0).then(|| cut(&story, from));
    write(&story, before.as_ref(), &folder.path().join("segment"));
    fs::write(folder.path().join("trusted.vkey"), format!("{}\n", vkey())).unwrap();
    fs::write(folder.path().join("older"), cut(&story, 100).checkpoint()).unwrap();
    folder
}

/// The commands of the guide, block by block, under the titles of their sections.
fn pasted(guide: &str) -> Vec<(String, String)> {
    let section = |text: &str| {
        let (title, rest) = text.split_once('\n')?;
        let (commands, _) = rest.split_once("```sh\n")?.1.split_once("```")?;
        Some((title.to_owned(), commands.to_owned()))
    };
    guide.split("\n## ").skip(1).filter_map(section).collect()
}

/// Runs commands as somebody pastes them, but stops at the first that fails.
fn paste(commands: &str, folder: &Path) -> Result<(), String> {
    let program = Path::new(env!("CARGO_BIN_EXE_seconder")).parent().unwrap().display().to_string();
    let path = format!("{program}:{}", std::env::var("PATH").unwrap());
    run(Command::new("bash").args(["-euo", "pipefail", "-c", commands]).env("PATH", path).current_dir(folder))
}

/// The guide's commands for a segment; one block is found by a part of its title.
struct Guide {
    segment: PathBuf,
    blocks: Vec<(String, String)>,
}

impl Guide {
    fn of(folder: &TempDir) -> Guide {
        let segment = folder.path().join("segment");
        let blocks = pasted(&fs::read_to_string(segment.join("VERIFY.md")).unwrap());
        Guide { segment, blocks }
    }

    fn block(&self, title: &str) -> &str {
        &self.blocks.iter().find(|(found, _)| found.contains(title)).unwrap().1
    }

    fn paste(&self, title: &str) -> Result<(), String> {
        paste(self.block(title), &self.segment)
    }
}

#[test]
fn the_commands_of_the_guide_work_as_pasted_for_a_first_segment_and_a_later_one() {
    for from in [0, 300] {
        let folder = published_from(from);
        let guide = Guide::of(&folder);
        assert_eq!(guide.blocks.len(), 7, "{:?}", guide.blocks);
        for (title, _) in &guide.blocks {
            guide.paste(title).unwrap_or_else(|said| panic!("from {from}: {title}: {said}"));
        }
        // One decision alone; and one that has no receipt here.
        let of = |request: &str| guide.block("The receipts").replace("python3 -", &format!("python3 - {request}"));
        paste(&of("req-00120"), &guide.segment).unwrap();
        paste(&of("req-99999"), &guide.segment).unwrap_err();
    }
}

#[test]
fn the_commands_of_the_guide_fail_when_a_signature_or_a_key_is_not_what_it_was() {
    let folder = published();
    let guide = Guide::of(&folder);
    let checkpoint = fs::read_to_string(guide.segment.join("checkpoint")).unwrap();
    fs::write(guide.segment.join("checkpoint"), checkpoint.replacen("\n9", "\n8", 1)).unwrap();
    for title in ["Everything at once", "lost on the way", "openssl", "The root", "The receipts"] {
        guide.paste(title).unwrap_err();
    }
    fs::write(guide.segment.join("checkpoint"), checkpoint).unwrap();
    let stranger = "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=\n-----END PUBLIC KEY-----\n";
    fs::write(guide.segment.join("log.pub.pem"), stranger).unwrap();
    guide.paste("lost on the way").unwrap_err();
}

/// The proof that a request's callback is in the log, in the place of the receipt of its decision.
fn receipt_of_a_callback(files: &mut Files) {
    let story = Story::of(250);
    let lines = story.lines();
    let index = story.place("req-00120", RecordType::CallbackSent) as u64;
    let leaves: Levels = lines.iter().map(|line| leaf_hash(line.as_bytes())).collect();
    let proof = inclusion_proof(&leaves, index, lines.len() as u64).unwrap();
    let receipt = Receipt { index, proof, checkpoint: story.checkpoint() };
    files.edit_member("receipts.tar", "receipts/req-00120.json", |entry| *entry = lines[index as usize].clone().into());
    files.edit_member("receipts.tar", "receipts/req-00120.tlog-proof", |proof| *proof = receipt.to_string().into());
}

#[test]
fn whoever_has_the_key_before_this_one_is_told_that_it_did_not_sign() {
    let folder = published();
    let guide = Guide::of(&folder);
    let old = SigningKey::from_seed(ORIGIN, &Zeroizing::new([1; 32])).unwrap();
    fs::write(folder.path().join("trusted.vkey"), format!("{}\n", old.verifier())).unwrap();
    let said = guide.paste("openssl").unwrap_err();
    assert!(said.contains("FAILED: the key in ../trusted.vkey did not sign this checkpoint"), "{said}");
}

#[test]
fn whoever_has_python_alone_sees_every_changed_entry_and_receipt() {
    type Change = fn(&mut Files);
    let root: [(Change, &str); 7] = [
        (
            |f| {
                f.edit_text(|text| {
                    text.pop();
                    text.push('X');
                })
            },
            "FAILED: the last line of the entries has no end",
        ),
        (
            |f| {
                let name = f.entries_name();
                f.0.get_mut(&name).unwrap().truncate(2_000);
            },
            "FAILED: EOFError",
        ),
        (|f| f.put("frontier", "300"), "FAILED: "),
        (Files::edit_an_entry, "not the entries that checkpoint signs"),
        (|f| f.edit_lines(|lines| drop(lines.pop())), "not the entries that checkpoint signs"),
        (|f| f.edit_lines(|lines| lines.swap(0, 1)), "not the entries that checkpoint signs"),
        (|f| f.edit_lines(|lines| lines.push(lines[0].clone())), "not the entries that checkpoint signs"),
    ];
    let receipts: [(Change, &str); 7] = [
        (
            |f| f.put("receipts.tar", files::tar(&[])),
            "FAILED: receipts.tar does not have one receipt for each decision",
        ),
        (
            |f| f.edit_tar("receipts.tar", |members| members.retain(|(name, _)| !name.contains("req-00120"))),
            "FAILED: receipts.tar does not have one receipt for each decision",
        ),
        (receipt_of_a_callback, "FAILED: what the receipt of req-00120 proves is no decision"),
        (|f| f.edit_member("receipts.tar", "receipts/req-00120.json", |it| it[40] ^= 1), "req-00120 is not proven"),
        (
            |f| {
                f.edit_member("receipts.tar", "receipts/req-00120.tlog-proof", |it| {
                    it[40] = if it[40] == b'A' { b'B' } else { b'A' }
                })
            },
            "req-00120 is not proven",
        ),
        (
            |f| f.edit_member("receipts.tar", "receipts/req-00120.tlog-proof", |it| it.push(b'\n')),
            "req-00120 is not proven",
        ),
        (
            // The receipt of another decision under this one's name.
            |f| {
                f.edit_tar("receipts.tar", |members| {
                    members.retain(|(name, _)| !name.contains("req-00120"));
                    members.iter_mut().for_each(|it| it.0 = it.0.replace("req-00121", "req-00120"));
                });
            },
            "req-00120 is not proven",
        ),
    ];
    let of = |title, changes: [(Change, &'static str); 7]| changes.map(|(change, reason)| (title, change, reason));
    for from in [0, 300] {
        let folder = published_from(from);
        let guide = Guide::of(&folder);
        let honest = Files::read(&guide.segment);
        for (title, change, reason) in of("The root", root).into_iter().chain(of("The receipts", receipts)) {
            let mut files = honest.clone();
            change(&mut files);
            assert_ne!(files, honest);
            files.write(&guide.segment);
            let said = guide.paste(title).unwrap_err();
            assert!(said.contains(reason), "from {from}: {reason}: {said}");
            honest.write(&guide.segment);
        }
    }
    let folder = published();
    let guide = Guide::of(&folder);
    let mut files = Files::read(&guide.segment);
    // Alone, and together with what is held against it.
    for (file, from, to) in [("frontier", "300:", "299:"), ("checkpoint.prev", "\n300\n", "\n299\n")] {
        files.replace(file, from, to);
        files.write(&guide.segment);
        let said = guide.paste("The root").unwrap_err();
        assert!(said.contains("does not begin where checkpoint.prev ends"), "{said}");
    }
    files.replace("frontier", "299:", "300:");
    files.write(&guide.segment);
    fs::remove_file(guide.segment.join("checkpoint.prev")).unwrap();
    let said = guide.paste("The root").unwrap_err();
    assert!(said.contains("FAILED: FileNotFoundError") && !said.contains("Traceback"), "{said}");
}

/// The entries of one request of this type, in another form.
fn edit_entries(files: &mut Files, request: &str, kind: &str, edit: fn(&mut Value)) {
    files.edit_lines(|lines| {
        for line in
            lines.iter_mut().filter(|line| line.contains(request) && line.contains(&format!("\"type\":\"{kind}\"")))
        {
            let mut entry = serde_json::from_str(line).unwrap();
            edit(&mut entry);
            *line = entry.to_string();
        }
    });
}

#[test]
fn whoever_has_python_alone_sees_a_rule_that_was_broken_and_a_table_that_tells_otherwise() {
    type Change = fn(&mut Files);
    let changes: [(Change, &str); 9] = [
        (|f| f.replace("decisions.csv", ",denied,", ",approved,"), "does not tell entry"),
        (|f| f.replace("decisions.csv", "req-00120", "req-00121"), "does not tell entry"),
        (|f| f.replace("decisions.csv", "aaaaaaaaaaaaaaaaaaaa", "bbbbbbbbbbbbbbbbbbbb"), "does not tell entry"),
        (
            |f| {
                let table = f.text("decisions.csv");
                let kept = table.lines().filter(|row| !row.contains("req-00120")).collect::<Vec<_>>().join("\r\n");
                f.put("decisions.csv", kept);
            },
            "does not tell entry",
        ),
        (
            |f| edit_entries(f, "req-00120", "request.opened", |it| it["parties"][0]["id"] = 7.into()),
            "somebody who had a part in it approved it",
        ),
        (
            |f| edit_entries(f, "req-00120", "review.recorded", |it| it["verdict"] = "deny".into()),
            "somebody approved it who has not spoken",
        ),
        (
            |f| edit_entries(f, "req-00120", "decision.recorded", |it| it["quorum"][0]["have"] = 0.into()),
            "what was asked for is not met",
        ),
        (
            |f| edit_entries(f, "req-00120", "callback.sent", |it| it["state"] = "rejected".into()),
            "GitHub was told something else than what was decided",
        ),
        (
            |f| {
                f.edit_lines(|lines| {
                    let of =
                        |kind: &str| lines.iter().position(|line| line.contains("req-00120") && line.contains(kind));
                    let (decided, sent) = (of("decision.recorded").unwrap(), of("callback.sent").unwrap());
                    lines.swap(decided, sent);
                });
            },
            "GitHub was told before it was decided",
        ),
    ];
    for from in [0, 300] {
        let folder = published_from(from);
        let guide = Guide::of(&folder);
        let honest = Files::read(&guide.segment);
        for (change, reason) in changes {
            let mut files = honest.clone();
            change(&mut files);
            files.write(&guide.segment);
            let said = guide.paste("The rules and the table").expect_err(reason);
            assert!(said.contains(reason), "from {from}: {reason}: {said}");
            honest.write(&guide.segment);
        }
    }
}

#[test]
fn gos_transparency_log_library_verifies_a_segment_and_refuses_what_was_changed() {
    let folder = published();
    let program = go_check(folder.path());
    let check = || run(Command::new(&program).args(["segment", "trusted.vkey", "older"]).current_dir(folder.path()));
    check().unwrap();
    let segment = folder.path().join("segment");
    let honest = Files::read(&segment);
    type Change = fn(&mut Files);
    let changes: [(Change, &str); 8] = [
        (Files::edit_an_entry, "root hash"),
        (|f| f.edit_member("tiles.tar", "tile/0/000", |tile| tile[40] ^= 1), "hash"),
        (|f| f.edit_member("tiles.tar", "tile/0/002", |tile| tile[40] ^= 1), "tile/0/002"),
        (|f| f.edit_member("tiles.tar", "tile/entries/001", |tile| tile[40] ^= 1), "tile/entries/001"),
        (|f| f.edit_member("receipts.tar", "receipts/req-00120.json", |entry| entry[40] ^= 1), "receipt req-00120"),
        (|f| f.replace("checkpoint.prev", "\n300\n", "\n299\n"), "checkpoint.prev"),
        (|f| f.replace("consistency.add-checkpoint", "old 300\n", "old 300\nAAAA"), "consistency"),
        (|f| f.replace("frontier", "300:", "299:"), "frontier"),
    ];
    for (change, reason) in changes {
        let mut files = honest.clone();
        change(&mut files);
        files.write(&segment);
        let said = check().unwrap_err();
        assert!(said.contains(reason), "{reason}: {said}");
        honest.write(&segment);
    }
}

/// `aics-tlog` of PyPI.
fn aics_tlog() -> Command {
    let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/tools/.venv/bin/aics-tlog");
    assert!(program.exists(), "{} is missing; run `make test`, it installs what the tests need", program.display());
    Command::new(program)
}

#[test]
fn aics_tlog_verifies_the_tiles_of_a_segment_and_refuses_a_forged_one() {
    let folder = published();
    let (segment, tiles) = (folder.path().join("segment"), folder.path().join("tiles"));
    fs::create_dir(&tiles).unwrap();
    run(Command::new("tar").args(["-xf", "segment/tiles.tar", "-C", "tiles"]).current_dir(folder.path())).unwrap();
    fs::copy(segment.join("checkpoint"), tiles.join("checkpoint")).unwrap();
    let leaf = Story::of(250).lines()[400].clone();
    fs::write(folder.path().join("leaf"), &leaf).unwrap();
    let tlog = |command: &str, more: &[&str]| {
        let mut tlog = aics_tlog();
        tlog.arg(command).args(["--tiles", "tiles", "--vkey-file", "trusted.vkey"]).args(more);
        run(tlog.current_dir(folder.path()))
    };
    tlog("verify-checkpoint", &[]).unwrap();
    tlog("verify-consistency", &["--old-checkpoint", "segment/checkpoint.prev"]).unwrap();
    let inclusion = ["--index", "400", "--leaf", "leaf"];
    tlog("verify-inclusion", &inclusion).unwrap();

    fs::write(folder.path().join("leaf"), leaf.replace("request", "Request")).unwrap();
    tlog("verify-inclusion", &inclusion).unwrap_err();
    fs::write(folder.path().join("leaf"), &leaf).unwrap();
    let mut tile = fs::read(tiles.join("tile/0/001")).unwrap();
    tile[32 * 100] ^= 1;
    fs::write(tiles.join("tile/0/001"), tile).unwrap();
    tlog("verify-inclusion", &inclusion).unwrap_err();
}
