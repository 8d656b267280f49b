//! Findings as a compiler shows them.

use super::finding::Report;
use crate::domain::policy::{Remark, Severity, Span};
use crate::domain::text::visible;

struct Ink {
    error: &'static str,
    warning: &'static str,
    note: &'static str,
    strong: &'static str,
    dim: &'static str,
    plain: &'static str,
}

const COLOURED: Ink = Ink {
    error: "\x1b[1;31m",
    warning: "\x1b[1;33m",
    note: "\x1b[1;36m",
    strong: "\x1b[1m",
    dim: "\x1b[34m",
    plain: "\x1b[0m",
};
const PLAIN: Ink = Ink { error: "", warning: "", note: "", strong: "", dim: "", plain: "" };

/// Every finding with its line, and a summary.
pub fn render(report: &Report, colour: bool) -> String {
    let ink = if colour { &COLOURED } else { &PLAIN };
    let mut text: String = report.remarks.iter().map(|remark| one(report, remark, ink) + "\n\n").collect();
    let by = if report.count(Severity::Error) > 0 { ink.error } else { ink.strong };
    text.push_str(&format!("{by}{}{}\n", report.summary(), ink.plain));
    text
}

/// What is in a file is other people's: it may not speak to the terminal.
fn one(report: &Report, remark: &Remark, ink: &Ink) -> String {
    let Ink { strong, dim, plain, .. } = ink;
    let severity = remark.kind.severity().as_str();
    let by = match remark.kind.severity() {
        Severity::Error => ink.error,
        Severity::Warning => ink.warning,
        Severity::Note => ink.note,
    };
    let error = &remark.error;
    let file = visible(report.shown(remark));
    let place = if error.line == 0 { file } else { format!("{file}:{}:{}", error.line, error.column) };
    let mut shown = format!("{place}: {by}{severity}{plain}{strong}: {}{plain}", visible(&error.message));
    if let Some(Span { line, before, width }) = error.span(report.text(remark)) {
        let part = |from, length| visible(&line.chars().skip(from).take(length).collect::<String>());
        let (head, meant, tail) = (part(0, before), part(before, width), part(before + width, usize::MAX));
        let gutter = " ".repeat(error.line.to_string().len());
        let (indent, under) = (" ".repeat(head.chars().count()), "^".repeat(meant.chars().count().max(1)));
        shown.push_str(&format!("\n{dim}{gutter} |{plain}\n{dim}{} |{plain} {head}{meant}{tail}", error.line));
        shown.push_str(&format!("\n{dim}{gutter} |{plain} {indent}{by}{under}{plain}"));
    }
    shown
}
