//! Any change to any file is refused.

use seconder::ledger::export::Exporter;
use seconder::ledger::merkle::leaf_hash;
use seconder::ledger::{Checkpoint, Frontier, SigningKey};
use zeroize::Zeroizing;

use super::story::{Memory, ORIGIN, Story, key, vkey};
use super::{assert_refused, honest};

#[test]
fn any_change_to_any_file_is_refused_and_the_message_says_what_is_wrong() {
    type Change = fn(&mut Memory);
    let changes: &[(&str, Change, &str)] = &[
        (
            "a byte in the middle of the entries",
            |ledger| ledger.edit_lines(|lines| lines[8] = lines[8].replace("production", "productioN")),
            "line 10: hash chain broken: prev says",
        ),
        (
            "a byte of the last entry",
            |ledger| ledger.edit_lines(|lines| lines.last_mut().unwrap().insert(1, ' ')),
            "but the checkpoint signs",
        ),
        (
            "two entries swapped",
            |ledger| ledger.edit_lines(|lines| lines.swap(10, 11)),
            "line 11: its seq is 11, but 10 comes next",
        ),
        (
            "an entry removed",
            |ledger| ledger.edit_lines(|lines| drop(lines.remove(9))),
            "line 10: its seq is 10, but 9 comes next",
        ),
        (
            "an entry repeated",
            |ledger| ledger.edit_lines(|lines| lines.insert(9, lines[8].clone())),
            "line 10: its seq is 8, but 9",
        ),
        (
            "the first entry removed",
            |ledger| ledger.edit_lines(|lines| drop(lines.remove(0))),
            "line 1: its seq is 1, but 0",
        ),
        (
            "a forged entry with a fitting seq",
            |ledger| ledger.edit_lines(|lines| lines[9] = lines[8].replace("\"seq\":8", "\"seq\":9")),
            "line 10: hash chain broken",
        ),
        ("the last entries removed", |ledger| ledger.edit_lines(|lines| lines.truncate(300)), "ends after 300 entries"),
        ("all entries removed", |ledger| ledger.edit_lines(Vec::clear), "ends after 0 entries"),
        (
            "an entry appended",
            |ledger| {
                ledger.edit_lines(|lines| {
                    let more = lines.last().unwrap().clone();
                    lines.push(more);
                });
            },
            "nobody signed what follows",
        ),
        (
            "an empty line",
            |ledger| ledger.edit_lines(|lines| lines.insert(5, String::new())),
            "line 6: not a ledger entry",
        ),
        (
            "an end of line removed",
            |ledger| ledger.write("entries.jsonl", ledger.text("entries.jsonl").trim_end()),
            "the line has no end",
        ),
        (
            "an end of line from another system",
            |ledger| ledger.edit_lines(|lines| lines[20].push('\r')),
            "line 22: hash chain broken",
        ),
        (
            "an endless line",
            |ledger| ledger.edit_lines(|lines| lines[5] = "x".repeat(70_000)),
            "line 6: longer than 65535 bytes",
        ),
        (
            "a byte that is no text",
            |ledger| ledger.files.get_mut("entries.jsonl").unwrap()[30] = 0xff,
            "line 1: not a ledger entry",
        ),
        (
            "an entry of another log",
            |ledger| ledger.edit_lines(|lines| lines[3] = lines[3].replace(ORIGIN, "other.test/l/1")),
            "line 4: an entry of the log other.test/l/1",
        ),
        (
            "an entry of another format",
            |ledger| ledger.edit_lines(|lines| lines[3] = lines[3].replace("\"v\":1", "\"v\":2")),
            "line 4: its format is version 2",
        ),
        (
            "an entry of an unknown type",
            |ledger| ledger.edit_lines(|lines| lines[3] = lines[3].replace("attempt.refused", "attempt.forgiven")),
            "line 4: its type \"attempt.forgiven\" is unknown",
        ),
        (
            "a request id that is a path",
            |ledger| ledger.edit_lines(|lines| lines[3] = lines[3].replace("req-00000", "../../etc")),
            "line 4: its corr \"../../etc\" is not a request id",
        ),
        (
            "a field given twice",
            |ledger| ledger.edit_lines(|lines| lines[3] = lines[3].replacen('{', "{\"seq\":3,", 1)),
            "line 4: not a ledger entry: duplicate field `seq`",
        ),
        ("a forged tile", |ledger| ledger.flip("tile/0/000"), "tile/0/000: this tile does not match"),
        ("a forged tile above", |ledger| ledger.flip("tile/1/000.p/1"), "tile/1/000.p/1: this tile does not match"),
        (
            "a forged bundle",
            |ledger| ledger.flip("tile/entries/000"),
            "tile/entries/000: this entry bundle does not match",
        ),
        (
            "a longer tile",
            |ledger| ledger.files.get_mut("tile/0/000").unwrap().push(0),
            "tile/0/000: this tile does not match",
        ),
        ("a missing tile", |ledger| drop(ledger.files.remove("tile/0/000")), "tile/0/000 is missing"),
        ("a missing bundle", |ledger| drop(ledger.files.remove("tile/entries/000")), "tile/entries/000 is missing"),
        (
            "an older partial tile left behind",
            |ledger| ledger.write("tile/0/000.p/9", "x"),
            "tile/0/000.p/9 does not belong",
        ),
        ("a tile too many", |ledger| ledger.write("tile/2/000.p/1", "x"), "tile/2/000.p/1 does not belong"),
        ("a file too many", |ledger| ledger.write("VERIFY.md", "all is well"), "VERIFY.md does not belong"),
        ("a missing checkpoint", |ledger| drop(ledger.files.remove("checkpoint")), "checkpoint is missing"),
        ("a missing key file", |ledger| drop(ledger.files.remove("log.vkey")), "log.vkey is missing"),
        (
            "the key of a stranger",
            |ledger| {
                let stranger = SigningKey::from_seed(ORIGIN, &Zeroizing::new([1; 32])).unwrap();
                ledger.write("log.vkey", format!("{}\n", stranger.verifier()));
            },
            "log.vkey is not the key you trust",
        ),
        (
            "a byte after the key file",
            |ledger| ledger.files.get_mut("log.vkey").unwrap().push(b' '),
            "log.vkey is not the key you trust",
        ),
        (
            "a key file without its newline",
            |ledger| ledger.files.get_mut("log.vkey").unwrap().truncate(vkey().to_string().len()),
            "log.vkey is not the key you trust",
        ),
        (
            "a missing receipt",
            |ledger| drop(ledger.files.remove("receipts/req-00000.tlog-proof")),
            "receipts/req-00000.tlog-proof is missing",
        ),
        (
            "a missing receipt entry",
            |ledger| drop(ledger.files.remove("receipts/req-00000.json")),
            "receipts/req-00000.json is missing",
        ),
        (
            "a changed receipt entry",
            |ledger| ledger.flip("receipts/req-00001.json"),
            "receipts/req-00001.json: not the decision of this request, which is entry",
        ),
        (
            "swapped receipt entries",
            |ledger| ledger.swap("receipts/req-00000.json", "receipts/req-00001.json"),
            "receipts/req-00000.json: not the decision of this request",
        ),
        (
            "swapped proofs",
            |ledger| ledger.swap("receipts/req-00000.tlog-proof", "receipts/req-00001.tlog-proof"),
            "receipts/req-00000.tlog-proof: the proof leads to another root",
        ),
        (
            "a proof with a hash too few",
            |ledger| {
                let text = ledger.text("receipts/req-00000.tlog-proof");
                let lines: Vec<&str> = text.lines().collect();
                ledger.write("receipts/req-00000.tlog-proof", [&lines[..2], &lines[3..]].concat().join("\n") + "\n");
            },
            "which is the wrong number",
        ),
        (
            "a receipt whose signature was changed",
            |ledger| {
                let text =
                    ledger.text("receipts/req-00000.tlog-proof").replace(&format!("\n{ORIGIN}\n"), "\nother.test/1\n");
                ledger.write("receipts/req-00000.tlog-proof", text);
            },
            "the text or the signature was changed",
        ),
        (
            "a receipt from an older export",
            |ledger| {
                let older = Story::of(60).export();
                ledger.write("receipts/req-00000.tlog-proof", older.files["receipts/req-00000.tlog-proof"].clone());
            },
            "it is from another export",
        ),
        (
            "a cosignature added to the checkpoint alone",
            |ledger| {
                let cosigned = ledger.text("checkpoint") + "— witness.test/w AAECAwQFBgcICQoLDA0ODw==\n";
                ledger.write("checkpoint", cosigned);
            },
            "not the same signature lines: a witness's cosignature was added",
        ),
        (
            "a receipt for a request nobody decided",
            |ledger| {
                for file in ["json", "tlog-proof"] {
                    let forged = ledger.files[&format!("receipts/req-00000.{file}")].clone();
                    ledger.write(&format!("receipts/req-99999.{file}"), forged);
                }
            },
            "receipts/req-99999.json does not belong",
        ),
    ];
    let ledger = honest().export();
    for (what, change, reason) in changes {
        let mut changed = ledger.clone();
        change(&mut changed);
        assert_ne!(changed.files, ledger.files, "{what} changed nothing");
        assert_refused(what, &changed, None, reason);
    }
}

#[test]
fn damage_to_the_file_is_never_blamed_on_the_log() {
    let mut ledger = honest().export();
    // Without the chain this would read as: the log signed the approval of a party.
    ledger.edit_lines(|lines| lines[4] = lines[4].replace("\"id\":7", "\"id\":2"));
    assert_refused("a changed reviewer", &ledger, None, "line 6: hash chain broken");
}

#[test]
fn a_time_that_not_every_reader_of_json_reads_alike_is_refused() {
    // Its last entry is an opening, and nothing follows from its hash.
    let story = Story::of(6);
    for (field, reason) in
        [("time", "its time is 9007199254740992"), ("expires_at", "9007199254740992 is above 2^53 - 1")]
    {
        let (mut lines, mut tree) = (story.lines(), Frontier::new());
        let last = lines.last_mut().unwrap();
        let told = serde_json::from_str::<serde_json::Value>(last).unwrap()[field].to_string();
        *last = last.replace(&format!("\"{field}\":{told}"), &format!("\"{field}\":9007199254740992"));
        lines.iter().for_each(|line| tree.push(leaf_hash(line.as_bytes())));
        let signed = Checkpoint { origin: ORIGIN.into(), size: tree.size(), root: tree.root() }.sign(&key()).unwrap();
        let (mut ledger, key) = (Memory::default(), vkey());
        let mut exporter = Exporter::begin(&mut ledger, &key, &signed).unwrap();
        lines.iter().for_each(|line| exporter.push(line).unwrap());
        exporter.finish().unwrap();
        assert_refused(field, &ledger, None, reason);
    }
}
