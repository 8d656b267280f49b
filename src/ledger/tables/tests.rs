use serde_json::json;

use super::csv::CsvRow;
use super::*;
use crate::ledger::entry::Header;
use crate::ledger::merkle::leaf_hash;

fn cell(text: &str) -> String {
    let mut table = String::new();
    CsvRow::in_table(&mut table).text(text).end();
    table
}

#[test]
fn what_a_spreadsheet_would_run_is_text() {
    for formula in ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", " =1", " -1", "＝1"] {
        assert!(cell(formula).trim_start_matches('"').starts_with('\''), "{formula:?}: {}", cell(formula));
    }
    assert_eq!(cell("=HYPERLINK(\"http://evil\",\"x\")"), "\"'=HYPERLINK(\"\"http://evil\"\",\"\"x\"\")\"\r\n");
    assert_eq!(cell("sub_a; sub_b"), "sub_a; sub_b\r\n");
    assert_eq!(cell("a "), "\"a \"\r\n");
    assert_eq!(cell("main\nx"), "main x\r\n");
    assert_eq!(cell("a\u{202e}b"), "a⟨U+202E⟩b\r\n");
    assert_eq!(cell("2026-11-29T21:08:22.000Z"), "2026-11-29T21:08:22.000Z\r\n");
}

fn tables(entries: &[serde_json::Value]) -> (Vec<String>, Vec<String>) {
    let mut tables = Tables::default();
    for (seq, entry) in entries.iter().enumerate() {
        let mut entry = entry.clone();
        for (name, value) in
            [("v", json!(1)), ("log", json!("l")), ("seq", json!(seq)), ("id", json!("i")), ("sw", json!("s"))]
        {
            entry[name] = value;
        }
        entry["time"] = json!(seq * 1000);
        let line = entry.to_string();
        let header = Header::parse(&line).unwrap();
        if let Some(event) = event::Event::of(&header, &line) {
            let at = At {
                seq: seq as u64,
                leaf: leaf_hash(line.as_bytes()),
                time: header.time,
                name: header.record_type,
                request: header.corr,
            };
            tables.push(at, event);
        }
    }
    tables.finish();
    let rows = |table: &str| table.lines().skip(1).map(str::to_owned).collect();
    (rows(&tables.decisions), rows(&tables.exceptions))
}

fn commit(agent: Option<&str>) -> serde_json::Value {
    json!({"sha": "abc", "gated": true, "agent": agent})
}

fn opened(request: &str) -> serde_json::Value {
    json!({
        "type": "request.opened", "corr": request, "repository": {"id": 1, "name": "acme/shop"}, "environment": "production",
        "run": {"id": 991, "attempt": 2}, "head_sha": "abc", "commits": [commit(Some("claude-code")), commit(None), commit(Some("claude-code"))],
        "partial": [], "deployment_id": 7100, "actor": {"id": "sub_a1"}, "triggering_actor": {"id": "sub_a2"},
        "parties": [{"id": "sub_a1"}, "sub_a2", {"id": 12, "kind": "Bot"}],
    })
}

fn decided(request: &str, outcome: &str) -> serde_json::Value {
    json!({
        "type": "decision.recorded", "corr": request, "outcome": outcome, "approvers": [{"id": "sub_7f", "login": "=cmd"}],
        "quorum": [{"rule": "prod, eu", "need": 1, "have": 1}], "policy": {"digest": "sha256:p", "commit": "c0"},
    })
}

#[test]
fn a_decision_is_one_row_with_what_an_auditor_samples() {
    let (decisions, exceptions) = tables(&[
        opened("r1"),
        json!({"type": "review.recorded", "corr": "r1", "reviewer": {"id": "sub_7f"}, "verdict": "approve", "via": "check_run"}),
        decided("r1", "approved"),
        json!({"type": "callback.result", "corr": "r1", "status": 204}),
    ]);
    assert_eq!(decisions.len(), 1);
    let row = &decisions[0];
    assert!(row.starts_with("2,"), "{row}");
    assert!(
        row.ends_with(
            ",r1,acme/shop,production,991,2,abc,7100,sub_a1; sub_a2,sub_a1; sub_a2; 12,approved,claude-code,sub_7f,check_run,\
             1 of 1,\"prod, eu\",sha256:p,c0,1970-01-01T00:00:00.000Z,1970-01-01T00:00:02.000Z,1970-01-01T00:00:03.000Z,\
             receipts/r1.tlog-proof"
        ),
        "{row}"
    );
    assert!(exceptions.is_empty());
}

#[test]
fn whoever_set_a_run_going_and_this_attempt_of_it_is_named_once() {
    let mut opening = opened("r1");
    opening["triggering_actor"] = opening["actor"].clone();
    let decided = json!({"type": "decision.recorded", "corr": "r1", "outcome": "superseded", "approvers": []});
    let (decisions, _) = tables(&[opening, decided]);
    assert!(decisions[0].contains(",7100,sub_a1,sub_a1; sub_a2; 12,superseded,"), "{decisions:?}");
}

#[test]
fn whoever_approved_stands_in_the_row_whatever_else_is_said_of_them() {
    let odd = json!([{"id": "sub_7f", "kind": 7, "because": 1}]);
    let decided = json!({"type": "decision.recorded", "corr": "r1", "outcome": "superseded", "approvers": odd});
    let (decisions, _) = tables(&[opened("r1"), decided]);
    assert!(decisions[0].contains(",sub_7f,"), "{decisions:?}");
}

#[test]
fn what_was_opened_before_the_entries_that_are_there_does_not_say_when() {
    let mut again = opened("r1");
    again["type"] = json!("request.rejudged");
    let (decisions, _) = tables(&[again.clone(), decided("r1", "withdrawn")]);
    assert!(decisions[0].contains("acme/shop,production") && decisions[0].contains(",c0,,1970-01-01"), "{decisions:?}");
    let (decisions, _) = tables(&[opened("r1"), again, decided("r1", "withdrawn")]);
    assert!(decisions[0].contains(",c0,1970-01-01T00:00:00.000Z,1970-01-01T00:00:02.000Z,,"), "{decisions:?}");
}

#[test]
fn what_befell_the_log_itself_is_an_exception() {
    let (_, exceptions) = tables(&[
        json!({"type": "key.revoked", "vkey": "log+1+A", "valid_to_size": 20, "why": "lost"}),
        json!({"type": "redaction.performed", "subject": "sub_7f", "openings": 2, "entries": [], "reason": "by letter"}),
        json!({"type": "ledger.publication_failed", "tag": "l-2026-12", "given_up": true, "error": "422"}),
    ]);
    let [revoked, erased, failed] = &exceptions[..] else { panic!("{exceptions:?}") };
    assert!(revoked.ends_with("key.revoked,,,,,why: lost; vkey: log+1+A; valid_to_size: 20"), "{revoked}");
    assert!(erased.ends_with("redaction.performed,,,,sub_7f,openings: 2"), "{erased}");
    assert!(failed.ends_with("ledger.publication_failed,,,,,error: 422; tag: l-2026-12; given_up: true"), "{failed}");
}

#[test]
fn what_was_taken_back_is_an_exception_and_no_decision() {
    let voided = json!({"type": "decision.voided", "corr": "r1", "why": "approval_struck"});
    let refused = json!({
        "type": "attempt.refused", "corr": "r1", "reviewer": {"id": 5}, "verdict": "approve", "why": [{"refusal": "party", "because": []}],
    });
    let failed = json!({"type": "callback.result", "corr": "r1", "status": 502, "state": "approved"});
    let (decisions, exceptions) =
        tables(&[opened("r1"), refused, decided("r1", "approved"), voided, decided("r1", "denied"), failed]);
    assert_eq!(decisions.len(), 1);
    assert!(decisions[0].starts_with("4,") && decisions[0].contains(",denied,"), "{decisions:?}");
    assert_eq!(exceptions.len(), 3);
    assert!(
        exceptions[0].ends_with("attempt.refused,r1,acme/shop,production,5,verdict: approve; why: party"),
        "{exceptions:?}"
    );
    assert!(exceptions[1].ends_with("decision.voided,r1,acme/shop,production,,why: approval_struck"), "{exceptions:?}");
    assert!(exceptions[2].ends_with(",GitHub answered 502 to approved"), "{exceptions:?}");
}
