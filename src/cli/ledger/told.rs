//! What `seconder ledger verify` says: the report in words, and a failure as JSON.
use chrono::{DateTime, SecondsFormat};
use serde_json::{Value, json};

use super::failure::Failure;
use crate::domain::text::visible;
use crate::ledger::layout::VKEY;
use crate::ledger::segment::{TIMESTAMP, WITNESS_POLICY};
use crate::ledger::verify::report::{Report, counted};

/// A failure for programs, which never get nothing.
pub(super) fn failed(failure: &Failure) -> Value {
    json!({
        "ok": false,
        "exit_code": failure.code(),
        "verdict": failure.verdict(),
        "message": failure.to_string(),
    })
}

/// What is to be thought of a file for which nothing vouches.
pub(super) fn unvouched(name: &str) -> String {
    let but = match name {
        WITNESS_POLICY => "; with --witness-policy it is held against the policy you trust",
        TIMESTAMP => ", and it is no time-stamp of this checkpoint",
        VKEY => {
            ", nor for log.pub.pem: these entries do not tell of that key. Give the segments before, too, and do not take it from here"
        }
        _ => ", and this version of seconder writes another",
    };
    format!("{name}: nothing the log has signed vouches for it{but}")
}

/// When a witness says that it cosigned, in seconds since 1970 UTC; a number if that is no date.
fn time(seconds: u64) -> String {
    let at = i64::try_from(seconds).ok().and_then(|seconds| DateTime::from_timestamp(seconds, 0));
    at.map_or_else(|| seconds.to_string(), |at| at.to_rfc3339_opts(SecondsFormat::Secs, true))
}

/// A report for people, who have read the one of the segment before.
pub(super) fn in_words(report: &Report, before: Option<&Report>, key_from_artifact: bool) -> String {
    let outcomes: Vec<String> =
        report.outcomes.iter().map(|(outcome, n)| format!("{n} {}", outcome.replace('_', " "))).collect();
    let span = match report.from {
        0 => counted(report.size, "entry", "entries"),
        from => format!("entries {from} to {} of {}", report.size - 1, report.size),
    };
    // In the middle of a log others are decided than are opened.
    let opened = counted(report.requests(), "request", "requests") + if report.from == 0 { ":" } else { " opened;" };
    let mut words = format!(
        "verified: {}\n  {span}, root {}\n  {opened} {} decided, each with a receipt{}; {} pending\n",
        report.origin,
        report.root,
        report.decisions(),
        if outcomes.is_empty() { String::new() } else { format!(" ({})", outcomes.join(", ")) },
        report.pending,
    );
    if report.opened_before > 0 {
        words.push_str(&format!(
            "  {} opened before entry {}: who had a part in them is in the segments before\n",
            counted(report.opened_before, "request was", "requests were"),
            report.from
        ));
    }
    if report.callbacks_given_up > 0 {
        words.push_str(&format!(
            "  {} given up: GitHub may not know what was decided\n",
            counted(report.callbacks_given_up, "callback was", "callbacks were")
        ));
    }
    for warning in &report.warnings {
        words.push_str(&format!("  warning: {}\n", visible(warning)));
    }
    for name in &report.unvouched {
        words.push_str(&format!("  {}\n", unvouched(name)));
    }
    if !report.cosigned.is_empty() {
        let each: Vec<String> =
            report.cosigned.iter().map(|(witness, at)| format!("{witness} ({})", time(*at))).collect();
        words.push_str(&format!("  cosigned by witnesses: {}\n", each.join(", ")));
    }
    if report.is_stamped {
        words.push_str(&format!(
            "  {TIMESTAMP} has the form of a time-stamp of this checkpoint; whose it is, `openssl ts -verify` tells\n"
        ));
    }
    if let Some(size) = report.continues {
        words.push_str(&format!("  continues the older checkpoint of {}\n", counted(size, "entry", "entries")));
    }
    let is_news = |key: &String| before.is_none_or(|it| it.newer_key.as_ref() != Some(key));
    if let Some(key) = report.newer_key.as_ref().filter(|key| is_news(key)) {
        words.push_str(&format!(
            "  the log has another key than the one you gave, which vouches for it; from now on trust\n  {key}\n"
        ));
    }
    for key in report.announced_keys.iter().filter(|key| before.is_none_or(|it| !it.announced_keys.contains(key))) {
        words.push_str(&format!(
            "  the log announces a key that will take over, and the one you gave vouches for it; keep both: this one verifies what comes\n  {key}\n"
        ));
    }
    if key_from_artifact {
        words.push_str(
            "  with the key found in the folder: it agrees with itself, which proves nothing about who wrote it\n",
        );
    }
    words
}
