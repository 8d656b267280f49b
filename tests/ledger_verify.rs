//! An auditor checks a ledger: an honest one passes, and every way to cheat is refused with the reason.
use seconder::cli::ledger::verify::at_once;
use seconder::ledger::RecordType::*;
use seconder::ledger::verify::past::Past;
use seconder::ledger::verify::refusal::Refusal;
use seconder::ledger::verify::report::Report;
use seconder::ledger::verify::{Trust, verify};
use seconder::ledger::{Checkpoint, SigningKey};
use serde_json::json;
use story::{Memory, ORIGIN, Story, attempt_checked, digest, key, person, request, review, vkey};
use zeroize::Zeroizing;

mod audited;
mod command;
mod keys;
pub mod others_tools;
pub mod story;

fn check(ledger: &Memory, old: Option<&str>) -> Result<Report, Refusal> {
    let entries = ledger.files["entries.jsonl"].as_slice();
    let old: Vec<&str> = old.into_iter().collect();
    let trust = Trust { key: &vkey(), old: &old, seen: None, witnesses: None };
    verify(ledger, entries, &mut Past::default(), trust, &at_once, &mut |_, _| {})
}

/// 120 requests: about 500 entries, two tiles.
fn honest() -> Story {
    Story::of(120)
}

fn assert_refused(what: &str, ledger: &Memory, old: Option<&str>, reason: &str) {
    let message = match check(ledger, old) {
        Ok(_) => panic!("{what}: the ledger was believed"),
        Err(refusal) => refusal.to_string(),
    };
    assert!(message.contains(reason), "{what}:\n  said: {message}\n  not:  {reason}");
}

#[test]
fn an_honest_ledger_is_believed_and_its_content_counted() {
    let story = honest();
    let report = check(&story.export(), Some(&Story::of(50).checkpoint())).unwrap();
    assert_eq!(report.size, story.records.len() as u64);
    assert_eq!((report.requests(), report.decisions(), report.pending), (120, 119, 1));
    assert_eq!(report.outcomes["approved"], 20);
    assert_eq!(report.continues, Some(Story::of(50).records.len() as u64));
}

#[test]
fn ledgers_of_every_size_around_the_edges_of_tiles_are_believed() {
    let story = honest();
    for size in [1, 2, 3, 7, 8, 9, 255, 256, 257, 300] {
        let shorter = Story { records: story.records[..size].to_vec() };
        let report = check(&shorter.export(), Some(&shorter.checkpoint())).unwrap();
        assert_eq!(report.size, size as u64);
    }
}

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
fn a_checkpoint_that_was_changed_or_signed_by_somebody_else_is_refused() {
    let ledger = honest().export();
    let text = ledger.text("checkpoint");
    let stranger = SigningKey::from_seed(ORIGIN, &Zeroizing::new([1; 32])).unwrap();
    let body = text.split_once("\n\n").unwrap().0;
    let other_origin = SigningKey::from_seed("other.test/l/1", &Zeroizing::new([42; 32])).unwrap();
    let changed = [
        ("the size", text.replacen("\n4", "\n3", 1), "the text or the signature was changed"),
        ("the signature", text.replace("— ", "—"), "not a signed note"),
        ("another key", stranger.sign(&format!("{body}\n")).unwrap(), "not signed by the trusted key"),
        ("another log", other_origin.sign(&format!("{body}\n")).unwrap(), "not signed by the trusted key"),
        ("an extension line", key().sign(&format!("{body}\nmore\n")).unwrap(), "not a checkpoint"),
        ("no checkpoint", key().sign("hello\n").unwrap(), "not a checkpoint"),
    ];
    for (what, checkpoint, reason) in changed {
        let mut ledger = ledger.clone();
        assert_ne!(checkpoint, text, "{what}");
        ledger.write("checkpoint", checkpoint);
        assert_refused(what, &ledger, None, reason);
    }
}

#[test]
fn a_ledger_cut_back_to_an_older_checkpoint_is_caught_by_whoever_kept_a_newer_one() {
    let (before, after) = (Story::of(60), honest());
    assert!(check(&before.export(), None).is_ok(), "nothing in the ledger itself can show it");
    assert_refused("cut back", &before.export(), Some(&after.checkpoint()), "rollback: the older checkpoint has");
}

#[test]
fn a_past_rewritten_and_signed_again_with_the_right_key_is_caught_by_an_older_checkpoint() {
    let story = honest();
    let mut rewritten = story.clone();
    rewritten.set(&request(0), RequestOpened, "/environment", json!("staging"));
    assert!(check(&rewritten.export(), None).is_ok(), "nothing in the ledger itself can show it");
    let kept = Story::of(30).checkpoint();
    assert!(check(&story.export(), Some(&kept)).is_ok());
    assert_refused("forked", &rewritten.export(), Some(&kept), "fork: the first");

    let foreign = Checkpoint { origin: "other.test/1".into(), size: 0, root: seconder::ledger::merkle::empty_root() };
    let other = SigningKey::from_seed("other.test/1", &Zeroizing::new([1; 32])).unwrap();
    assert_refused(
        "of another log",
        &story.export(),
        Some(&foreign.sign(&other).unwrap()),
        "older checkpoint cannot be used",
    );
}

#[test]
fn a_ledger_that_breaks_a_rule_is_refused_even_if_it_is_signed() {
    // By the order of outcomes in a story.
    let (approved, denied, expired, unneeded, superseded, pending) =
        (&request(0), &request(1), &request(2), &request(3), &request(4), &request(5));
    type Edit<'a> = Box<dyn Fn(&mut Story) + 'a>;
    let edits: Vec<(&str, Edit<'_>, &str)> = vec![
        ("no genesis", Box::new(|s| drop(s.records.remove(0))), "the first entry must be ledger.genesis"),
        (
            "a second genesis",
            Box::new(|s| s.records.insert(5, s.records[0].clone())),
            "line 6, entry 5, request -: the first entry must be",
        ),
        (
            "a genesis of another log",
            Box::new(|s| drop(s.records[0].body.insert("origin".into(), json!("other.test/1")))),
            "names the origin other.test/1, but the log is seconder.test",
        ),
        (
            "a party approves",
            Box::new(|s| s.set(approved, ReviewRecorded, "/reviewer/id", json!(2))),
            "request req-00000: the reviewer 2 had a part in the request",
        ),
        (
            "a bot approves",
            Box::new(|s| s.set(approved, ReviewRecorded, "/reviewer/kind", json!("Bot"))),
            "the reviewer 7 is a Bot; only a person (User) can second",
        ),
        (
            "a party added later to those who had a part",
            Box::new(|s| s.set(approved, RequestOpened, "/parties", json!([person(1), person(2), person(7)]))),
            "the reviewer 7 had a part in the request",
        ),
        (
            "an author left out of the parties",
            Box::new(|s| s.set(approved, RequestOpened, "/parties", json!([person(2)]))),
            "request req-00000: by its own facts 1 had a part, but is not among the parties",
        ),
        (
            "whoever ran it left out of the parties",
            Box::new(|s| s.set(approved, RequestOpened, "/parties", json!([person(1)]))),
            "by its own facts 2 had a part",
        ),
        (
            "facts that name nobody",
            Box::new(|s| s.set(approved, RequestOpened, "/facts/commits/0/author", json!(9))),
            "facts: somebody is named who is not listed",
        ),
        (
            "a decision in the name of a party",
            Box::new(|s| s.set(approved, DecisionRecorded, "/approvers/0/id", json!(1))),
            "names 1 as an approver, who had a part",
        ),
        (
            "a decision in the name of somebody who never approved",
            Box::new(|s| s.set(approved, DecisionRecorded, "/approvers/0/id", json!(8))),
            "names 8 as an approver, who has no standing approval",
        ),
        (
            "approved without a review",
            Box::new(|s| drop(s.remove(approved, ReviewRecorded))),
            "names 7 as an approver, who has no standing",
        ),
        (
            "approved by somebody struck before",
            Box::new(|s| {
                s.insert_after(
                    approved,
                    ReviewRecorded,
                    ReviewStruck,
                    json!({"reviewer": {"id": 7}, "why": "left the team"}),
                )
            }),
            "names 7 as an approver, who has no standing",
        ),
        (
            "one person counted twice",
            Box::new(|s| {
                s.set(approved, DecisionRecorded, "/approvers", json!([person(7), person(7)]));
                s.set(approved, DecisionRecorded, "/quorum/0", json!({"need": 2, "have": 2}));
            }),
            "names 7 as an approver twice",
        ),
        (
            "one person counted under two accounts",
            Box::new(|s| {
                s.add(approved, RequestOpened, "people", json!([{"accounts": [{"id": 7}, {"id": 9}]}]));
                s.insert_after(approved, ReviewRecorded, ReviewRecorded, review(approved, 9, "approve"));
                s.set(approved, DecisionRecorded, "/approvers", json!([person(7), person(9)]));
                s.set(approved, DecisionRecorded, "/quorum/0", json!({"need": 2, "have": 2}));
            }),
            "names 9 as an approver twice",
        ),
        (
            "a party approved under another account",
            Box::new(|s| s.add(approved, RequestOpened, "people", json!([{"accounts": [{"id": 1}, {"id": 7}]}]))),
            "the reviewer 7 had a part in the request",
        ),
        (
            "a program approves with a personal account",
            Box::new(|s| {
                s.add(approved, RequestOpened, "people", json!([{"accounts": [{"id": 7}], "is_machine": true}]))
            }),
            "7 seconds, whom request.opened lists as a program",
        ),
        (
            "a decision in the name of an App",
            Box::new(|s| s.set(approved, DecisionRecorded, "/approvers/0/kind", json!("Bot"))),
            "the reviewer 7 is a Bot; only a person (User) can second",
        ),
        (
            "a decision in the name of an organization",
            Box::new(|s| s.set(approved, DecisionRecorded, "/approvers/0/kind", json!("Organization"))),
            "the reviewer 7 is a Organization; only a person",
        ),
        (
            "a decision that hides what its approver is",
            Box::new(|s| s.set(approved, DecisionRecorded, "/approvers/0", json!({"id": 7}))),
            "approvers: missing field `kind`",
        ),
        (
            "approved although a rule denies it",
            Box::new(|s| s.add(approved, RequestOpened, "denied_by", json!(["production"]))),
            "approved although a rule denies it",
        ),
        (
            "facts told after the decision",
            Box::new(|s| s.insert_after(approved, DecisionRecorded, FactsRecorded, json!({"text": "{}"}))),
            "facts.recorded comes after decision.recorded",
        ),
        (
            "approved without quorum",
            Box::new(|s| s.set(approved, DecisionRecorded, "/quorum", json!([]))),
            "approved without a quorum",
        ),
        (
            "approved with too few",
            Box::new(|s| s.set(approved, DecisionRecorded, "/quorum/0/need", json!(2))),
            "approved with 1 of 2 approvals needed, and 1 approvers named",
        ),
        (
            "a quorum of nobody",
            Box::new(|s| {
                s.set(approved, RequestOpened, "/quorum/0/need", json!(0));
                s.set(approved, DecisionRecorded, "/quorum/0", json!({"need": 0, "have": 0}));
            }),
            "approved with 0 of 0",
        ),
        (
            "more counted than named",
            Box::new(|s| s.set(approved, DecisionRecorded, "/quorum/0", json!({"need": 2, "have": 2}))),
            "approved with 2 of 2 approvals needed, and 1 approvers named",
        ),
        (
            "a denial overruled",
            Box::new(|s| s.insert_after(approved, ReviewRecorded, ReviewRecorded, review(approved, 8, "deny"))),
            "approved although 8 denied",
        ),
        (
            "a decision without policy",
            Box::new(|s| s.set(approved, DecisionRecorded, "/policy/digest", json!(""))),
            "does not name its policy's digest",
        ),
        (
            "a decision without any policy field",
            Box::new(|s| drop(s.record(approved, DecisionRecorded).body.remove("policy"))),
            "missing field `policy`",
        ),
        (
            "a decision about something else",
            Box::new(|s| s.set(approved, DecisionRecorded, "/request_digest", json!(digest("other")))),
            "about something else than what was shown",
        ),
        (
            "a callback about something else",
            Box::new(|s| s.set(approved, CallbackSent, "/request_digest", json!(digest("other")))),
            "about something else than what was shown",
        ),
        (
            "a review of something else",
            Box::new(|s| s.set(approved, ReviewRecorded, "/request_digest", json!(digest("other")))),
            "about something else than what was shown",
        ),
        (
            "a denied gate released",
            Box::new(|s| s.set(denied, CallbackSent, "/state", json!("approved"))),
            "callback.sent says approved, but the decision was denied",
        ),
        (
            "an expired gate released",
            Box::new(|s| s.set(expired, CallbackSent, "/state", json!("approved"))),
            "but the decision was expired",
        ),
        (
            "an approved gate rejected",
            Box::new(|s| s.set(approved, CallbackSent, "/state", json!("rejected"))),
            "says rejected, but the decision was approved",
        ),
        (
            "a superseded gate released",
            Box::new(|s| {
                let body = json!({
                    "request_digest": digest(superseded), "state": "approved", "attempt_checked": attempt_checked(),
                });
                s.insert_after(superseded, DecisionRecorded, CallbackSent, body);
            }),
            "says approved, but the decision was superseded",
        ),
        (
            "a grant used twice at once",
            Box::new(|s| {
                let again = s.record(approved, CallbackSent).body.clone();
                s.insert_after(approved, CallbackSent, CallbackSent, again.into());
            }),
            "request req-00000: callback.sent comes twice for one decision",
        ),
        (
            "a grant used again when GitHub had answered",
            Box::new(|s| {
                let again = s.record(approved, CallbackSent).clone();
                s.records.push(again);
            }),
            "request req-00000: callback.sent comes twice for one decision",
        ),
        (
            "a grant used for another attempt",
            Box::new(|s| s.set(approved, CallbackSent, "/attempt_checked/attempt", json!(2))),
            "callback.sent is for attempt 2 of the run at commit aaaa",
        ),
        (
            "a grant used for another commit",
            Box::new(|s| s.set(approved, CallbackSent, "/attempt_checked/head_sha", json!("b".repeat(40)))),
            "callback.sent is for attempt 1 of the run at commit bbbb",
        ),
        (
            "a grant of which nobody says what it was used for",
            Box::new(|s| drop(s.record(approved, CallbackSent).body.remove("attempt_checked"))),
            "missing field `attempt_checked`",
        ),
        (
            "an opening that hides which attempt it is about",
            Box::new(|s| drop(s.record(approved, RequestOpened).body.remove("run"))),
            "but request.opened is about another",
        ),
        (
            "an answer that a superseded gate cannot have",
            Box::new(|s| {
                s.insert_after(
                    superseded,
                    DecisionRecorded,
                    CallbackResult,
                    json!({"state": "approved", "status": 204}),
                )
            }),
            "callback.result comes before callback.sent",
        ),
        (
            "released before decided",
            Box::new(|s| {
                let (decision, callback) = (s.place(approved, DecisionRecorded), s.place(approved, CallbackSent));
                s.records.swap(decision, callback);
            }),
            "callback.sent comes before decision.recorded",
        ),
        (
            "an answer without a question",
            Box::new(|s| drop(s.remove(approved, CallbackSent))),
            "callback.result comes before callback.sent",
        ),
        (
            "never opened",
            Box::new(|s| drop(s.remove(approved, RequestOpened))),
            "request req-00000: attempt.refused comes before request.opened",
        ),
        (
            "opened twice",
            Box::new(|s| {
                let again = s.record(pending, RequestOpened).clone();
                s.records.push(again);
            }),
            "request req-00005: the request was opened before",
        ),
        (
            "opened again after it was decided",
            Box::new(|s| {
                let again = s.record(approved, RequestOpened).clone();
                s.records.push(again);
            }),
            "request req-00000: the request was opened before",
        ),
        (
            "decided twice at once",
            Box::new(|s| {
                let again = s.record(approved, DecisionRecorded).body.clone();
                s.insert_after(approved, DecisionRecorded, DecisionRecorded, again.into());
            }),
            "request req-00000: the request is decided twice",
        ),
        (
            "reviewed after the decision",
            Box::new(|s| s.insert_after(approved, DecisionRecorded, ReviewRecorded, review(approved, 8, "approve"))),
            "review.recorded comes after decision.recorded",
        ),
        (
            "an agent's commits passed as needing nobody",
            Box::new(|s| {
                s.set(unneeded, RequestOpened, "/ai_commits", json!(3));
                s.set(unneeded, RequestOpened, "/matched_rules", json!(["production"]));
            }),
            "ai_commits says 3, but 0 of its commits have an agent",
        ),
        (
            "partial facts passed as needing nobody",
            Box::new(|s| {
                s.set(unneeded, RequestOpened, "/partial", json!(["250 commits"]));
                s.set(unneeded, RequestOpened, "/matched_rules", json!(["production"]));
            }),
            "and 1 gaps in the facts",
        ),
        (
            "an entry of no request",
            Box::new(|s| s.record(approved, ReviewRecorded).corr = None),
            "review.recorded must name its request",
        ),
        (
            "an unknown outcome",
            Box::new(|s| s.set(approved, DecisionRecorded, "/outcome", json!("waved_through"))),
            "unknown variant `waved_through`",
        ),
    ];
    for (what, edit, reason) in edits {
        let mut story = Story::of(12);
        edit(&mut story);
        assert_refused(what, &story.export(), None, reason);
    }
}

#[test]
fn a_request_decided_twice_with_its_whole_life_in_between_is_refused() {
    let mut story = honest();
    let second_life: Vec<_> = story.records.iter().filter(|r| r.corr == Some(request(0))).cloned().collect();
    story.records.extend(second_life);
    assert_refused("decided twice", &story.export(), None, "the request is decided twice");
}

#[test]
fn what_comes_late_to_a_settled_request_is_checked_against_its_receipt() {
    let (approved, superseded) = (request(0), request(4));
    let mut story = honest();
    let refused = story.record(&approved, AttemptRefused).clone();
    let answer = story.record(&approved, CallbackResult).clone();
    let late_click = story::Record { corr: Some(superseded), ..refused.clone() };
    story.records.extend([refused, answer, late_click]);
    check(&story.export(), None).unwrap();

    let mut lying = story.record(&approved, CallbackSent).clone();
    lying.body.insert("state".into(), json!("rejected"));
    story.records.push(lying);
    assert_refused("a late lie", &story.export(), None, "says rejected, but the decision was approved");
}

#[test]
fn damage_to_the_file_is_never_blamed_on_the_log() {
    let mut ledger = honest().export();
    // Without the chain this would read as: the log signed the approval of a party.
    ledger.edit_lines(|lines| lines[4] = lines[4].replace("\"id\":7", "\"id\":2"));
    assert_refused("a changed reviewer", &ledger, None, "line 6: hash chain broken");
}

/// The decision about the first approved request is taken back, and an approver is struck; then somebody else approves.
fn second_thoughts() -> (Story, String) {
    let mut story = honest();
    let request = story
        .records
        .iter()
        .find(|r| r.record_type == DecisionRecorded && r.body["outcome"] == "approved")
        .and_then(|r| r.corr.clone())
        .unwrap();
    let decision = serde_json::Value::Object(story.record(&request, DecisionRecorded).body.clone());
    let digest = decision["request_digest"].clone();
    story.insert_after(&request, DecisionRecorded, DecisionRecorded, decision);
    let voided = json!({ "request_digest": digest, "why": "approval_struck" });
    story.insert_after(&request, DecisionRecorded, DecisionVoided, voided);
    (story, request)
}

#[test]
fn a_decision_may_be_taken_back_before_it_leaves_and_made_anew() {
    let (story, request) = second_thoughts();
    let report = check(&story.export(), None).unwrap();
    assert_eq!(report.outcomes, check(&honest().export(), None).unwrap().outcomes, "each request is counted once");

    let mut pending = story.clone();
    let last =
        pending.records.iter().rposition(|r| r.corr.as_deref() == Some(&request) && r.record_type == DecisionRecorded);
    pending.records.remove(last.unwrap());
    pending.remove(&request, CallbackSent);
    pending.remove(&request, CallbackResult);
    assert_eq!(check(&pending.export(), None).unwrap().pending, check(&story.export(), None).unwrap().pending + 1);
}

#[test]
fn a_decision_that_has_left_cannot_be_taken_back() {
    let (mut story, request) = second_thoughts();
    let voided = story.remove(&request, DecisionVoided);
    let sent = story.place(&request, CallbackSent);
    story.records.insert(sent + 1, voided);
    let again = story.place(&request, DecisionRecorded);
    story.records.remove(again);
    // Whoever exports it leaves out the receipt of what was taken back, and the verifier misses it before GitHub is told.
    assert_refused("voided after callback.sent", &story.export(), None, "receipts/req-00000.json is missing");
}

#[test]
fn a_decision_cannot_lower_the_quorum_that_was_opened() {
    let mut story = Story::of(12);
    let id = request(0);
    let opened = story.record(&id, RequestOpened);
    opened.body.insert(
        "quorum".into(),
        json!([{ "rule": "built-in", "from": "writers", "members": [], "need": 3, "extra": 2 }]),
    );
    assert!(check(&story.export(), None).is_err(), "three were asked for, one came");
}

#[test]
fn what_a_rule_holds_cannot_be_not_required() {
    let mut story = Story::of(12);
    story.set(&request(3), RequestOpened, "/matched_rules", json!(["production: anyone"]));
    assert!(check(&story.export(), None).is_err(), "a rule matched (authored_by: anyone) and no human was asked");
    let mut story = Story::of(12);
    story.set(&request(3), RequestOpened, "/ai_commits", json!(5));
    assert!(
        check(&story.export(), None).is_err(),
        "five commits by agents and no rule matched: no policy can say that"
    );
}

#[test]
fn a_denial_cannot_be_struck() {
    let mut story = Story::of(12);
    let id = request(0);
    let who = json!({ "reviewer": { "id": 8, "login": "person-8", "kind": "User" }, "why": [] });
    story.insert_after(&id, RequestOpened, ReviewStruck, who);
    story.insert_after(&id, RequestOpened, ReviewRecorded, review(&id, 8, "deny"));
    assert!(check(&story.export(), None).is_err(), "somebody denied it");
}

/// The first approved request is judged again after it was opened: the same entry once more, under another name.
fn judged_again(change: impl FnOnce(&mut serde_json::Map<String, serde_json::Value>)) -> (Story, String) {
    let (mut story, request) = (Story::of(12), request(0));
    let mut body = story.record(&request, RequestOpened).body.clone();
    change(&mut body);
    story.insert_after(&request, RequestOpened, RequestRejudged, serde_json::Value::Object(body));
    (story, request)
}

#[test]
fn what_is_judged_again_is_what_was_opened() {
    check(&judged_again(|_| ()).0.export(), None).unwrap();
    for field in ["head_sha", "environment", "repository", "run"] {
        let (story, _) = judged_again(|body| drop(body.insert(field.into(), json!("another"))));
        assert_refused(field, &story.export(), None, "request.rejudged is about another");
    }
}

#[test]
fn a_denial_is_not_forgotten_by_judging_again_nor_by_taking_it_back() {
    let (mut story, id) = judged_again(|body| drop(body.remove("denied_by")));
    story.record(&id, RequestOpened).body.insert("denied_by".into(), json!(["production"]));
    assert_refused("a rule denied", &story.export(), None, "approved although a rule denies it");

    let (mut story, request) = second_thoughts();
    let first = story.record(&request, DecisionRecorded);
    first.body.insert("outcome".into(), json!("expired"));
    first.body.remove("approvers");
    assert_refused("expired, then approved", &story.export(), None, "or it was rejected before");
}
