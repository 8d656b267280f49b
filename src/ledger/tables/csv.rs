//! Cells and rows (RFC 4180) that no spreadsheet takes for formulas.
use std::borrow::Cow;
use std::fmt::Write as _;

use chrono::{DateTime, SecondsFormat};

use crate::domain::text::visible;

/// A row at the end of a table.
pub(super) struct CsvRow<'t> {
    table: &'t mut String,
    is_first: bool,
}

impl<'t> CsvRow<'t> {
    pub(super) fn in_table(table: &'t mut String) -> Self {
        Self { table, is_first: true }
    }

    fn next(&mut self) {
        if !std::mem::take(&mut self.is_first) {
            self.table.push(',');
        }
    }

    pub(super) fn number(mut self, number: u64) -> Self {
        self.next();
        write!(self.table, "{number}").ok();
        self
    }

    /// What needs no quotes: hexadecimal of our own making, or [`cells`].
    pub(super) fn ready(mut self, text: &str) -> Self {
        self.next();
        self.table.push_str(text);
        self
    }

    pub(super) fn text(mut self, text: &str) -> Self {
        self.next();
        push(self.table, text);
        self
    }

    pub(super) fn end(self) {
        self.table.push_str("\r\n");
    }
}

/// Cells that follow each other in a row, made before the row is; what is not there is an empty one.
pub(super) fn cells<'a, const N: usize>(texts: [Option<Cow<'a, str>>; N]) -> String {
    let mut cells = String::with_capacity(texts.iter().flatten().map(|text| 1 + text.len()).sum());
    texts.iter().fold(CsvRow::in_table(&mut cells), |row, text| row.text(text.as_deref().unwrap_or_default()));
    cells
}

/// What begins like this is a formula to some spreadsheet, in whatever quotes (OWASP, CSV injection). The last are the
/// full-width forms, which some take for the plain ones.
const FORMULA: [char; 8] = ['=', '+', '-', '@', '＝', '＋', '－', '＠'];

/// The bytes that stand in a cell as they are, but at its ends: letters, digits and these few.
static STANDS: [bool; 256] = {
    let (mut stands, mut byte) = ([false; 256], 0);
    while byte < 256 {
        let b = byte as u8;
        stands[byte] = b.is_ascii_alphanumeric() || matches!(b, b':' | b'.' | b'/' | b'_' | b'-' | b';' | b' ');
        byte += 1;
    }
    stands
};

fn push(table: &mut String, text: &str) {
    // The common case: digests, ids, times, and several of them.
    if text.bytes().all(|b| STANDS[usize::from(b)]) && !text.starts_with(['-', ' ']) && !text.ends_with(' ') {
        return table.push_str(text);
    }
    let shown = visible(text);
    let guard = if shown.trim_start().starts_with(FORMULA) { "'" } else { "" };
    if shown.contains([',', '"']) || shown.trim() != shown {
        table.extend(["\"", guard, &shown.replace('"', "\"\""), "\""]);
    } else {
        table.extend([guard, &shown]);
    }
}

/// `2026-11-29T21:08:22.000Z`.
pub(super) fn time(millis: u64) -> String {
    let at = i64::try_from(millis).ok().and_then(DateTime::from_timestamp_millis);
    at.map(|at| at.to_rfc3339_opts(SecondsFormat::Millis, true)).unwrap_or_default()
}
