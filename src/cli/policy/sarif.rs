//! Findings as SARIF 2.1.0, with what GitHub's code scanning reads of it.
//!
//! <https://docs.github.com/code-security/code-scanning/integrating-with-code-scanning/sarif-support-for-code-scanning>

use std::collections::HashMap;

use serde_json::{Value, json};

use super::finding::Report;
use crate::domain::digest::Digest;
use crate::domain::policy::{Kind, Remark};

/// One run, with every kind of finding there is and those that were found.
pub fn render(report: &Report) -> Value {
    let mut seen = HashMap::new();
    let results: Vec<Value> = report.remarks.iter().map(|remark| result(report, remark, &mut seen)).collect();
    json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": {
                "name": "Seconder",
                "semanticVersion": env!("CARGO_PKG_VERSION"),
                "rules": Kind::ALL.iter().map(|kind| rule(*kind)).collect::<Vec<_>>(),
            } },
            // Tells this analysis from others of the same commit.
            "automationDetails": { "id": "seconder-policy/" },
            "columnKind": "unicodeCodePoints",
            "results": results,
        }],
    })
}

fn rule(kind: Kind) -> Value {
    let name = kind.code().trim_start_matches("policy-");
    json!({
        "id": kind.code(),
        "name": name,
        "shortDescription": { "text": name.replace('-', " ") },
        "fullDescription": { "text": kind.meaning() },
        "help": { "text": kind.meaning() },
        "defaultConfiguration": { "level": kind.severity().as_str() },
        "properties": { "tags": ["security", "policy"] },
    })
}

fn result(report: &Report, remark: &Remark, seen: &mut HashMap<String, usize>) -> Value {
    let (error, code) = (&remark.error, remark.kind.code());
    let span = error.span(report.text(remark));
    // GitHub takes no result without a line; what is about the whole file stands on its first.
    let mut region = json!({ "startLine": error.line.max(1) });
    if let (true, Some(span)) = (error.line > 0, span) {
        region["startColumn"] = json!(span.before + 1);
        region["endLine"] = json!(error.line);
        region["endColumn"] = json!(span.before + span.width + 1);
        let meant: String = span.line.chars().skip(span.before).take(span.width).collect();
        region["snippet"] = json!({ "text": meant });
    }
    let line = span.map_or("", |span| span.line.trim());
    let same = format!("{}\n{}\n{line}", code, report.file(remark));
    let print = Digest::of_bytes(same.as_bytes()).as_str().to_owned();
    let nth = seen.entry(same).and_modify(|nth| *nth += 1).or_insert(1);
    json!({
        "ruleId": code,
        "ruleIndex": Kind::ALL.iter().position(|kind| *kind == remark.kind),
        "level": remark.kind.severity().as_str(),
        "message": { "text": error.message },
        "locations": [{ "physicalLocation": {
            "artifactLocation": { "uri": uri(report.file(remark)), "uriBaseId": "%SRCROOT%" },
            "region": region,
        } }],
        // What GitHub recognises a finding by when the lines around it move.
        "partialFingerprints": { "primaryLocationLineHash": format!("{}:{nth}", &print[print.len().saturating_sub(16)..]) },
    })
}

/// A path as a relative reference.
fn uri(path: &str) -> String {
    let fine = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte);
    path.bytes().map(|b| if fine(b) { char::from(b).to_string() } else { format!("%{b:02X}") }).collect()
}
