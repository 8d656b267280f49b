//! An entry's own fields on their way into its line: checked and written in one go, before its place in the log is known.

use std::fmt;

use serde_json::{Map, Number, Value};

use super::{COMMON, SealError};
use crate::domain::digest::write_text;

/// Numbers above this are not the same in every JSON reader (RFC 8785 §3.2.2.3).
pub const MAX_INTEGER: u64 = (1 << 53) - 1;

/// The [`COMMON`] fields in the order in which they stand in a line.
const SORTED: [&str; COMMON.len()] = ["corr", "id", "log", "prev", "seq", "sw", "time", "type", "v"];

/// An entry's own fields as they will stand in its line; each has a comma after it.
#[derive(Debug)]
pub struct Fields {
    text: Vec<u8>,
    /// Where in it each of the common fields belongs.
    places: [usize; COMMON.len()],
}

impl Fields {
    /// Checks and writes them.
    ///
    /// # Errors
    /// If a value cannot be written so that every reader reads the same, or a field has the name of a common one.
    pub fn of(body: &Map<String, Value>) -> Result<Self, SealError> {
        let mut fields = Self { text: Vec::with_capacity(2048), places: [0; COMMON.len()] };
        let mut common = SORTED.iter().zip(&mut fields.places).peekable();
        for (name, value) in body {
            while let Some((_, place)) = common.next_if(|(common, _)| **common < name.as_str()) {
                *place = fields.text.len();
            }
            // An absent common field is as much a clash: a body's `corr` would be read as the entry's own.
            if common.peek().is_some_and(|(common, _)| **common == name) {
                return Err(SealError::Clash(name.clone()));
            }
            write_field(name, value, &mut fields.text).map_err(|wrong| wrong.of(name))?;
            fields.text.push(b',');
        }
        for (_, place) in common {
            *place = fields.text.len();
        }
        Ok(fields)
    }

    /// The line with the common fields, in the order of [`SORTED`], as far as they are given.
    pub(super) fn with(&self, common: [Option<Scalar<'_>>; COMMON.len()]) -> Result<Vec<u8>, SealError> {
        let mut line = Vec::with_capacity(self.text.len() + 512);
        line.push(b'{');
        let mut at = 0;
        for ((name, place), value) in SORTED.into_iter().zip(self.places).zip(common) {
            line.extend_from_slice(&self.text[at..place]);
            at = place;
            let Some(value) = value else { continue };
            write_text(name, &mut line);
            line.push(b':');
            match value {
                Scalar::Text(text) => write_text(text, &mut line),
                Scalar::Integer(number) => {
                    write_number(&number.into(), &mut line).map_err(|wrong| wrong.of(name))?;
                }
            }
            line.push(b',');
        }
        line.extend_from_slice(&self.text[at..]);
        line.pop(); // The last comma: no entry is without `v`.
        line.push(b'}');
        Ok(line)
    }
}

/// The value of a common field.
pub(super) enum Scalar<'a> {
    Text(&'a str),
    Integer(u64),
}

/// What is wrong, and where below the value that was looked at. The way there is only written down when something is.
struct Wrong {
    path: String,
    what: &'static str,
}

impl Wrong {
    fn here(what: &'static str) -> Self {
        Self { path: String::new(), what }
    }

    fn below(self, step: fmt::Arguments<'_>) -> Self {
        Self { path: format!("{step}{}", self.path), ..self }
    }

    fn of(self, field: &str) -> SealError {
        SealError::Value { path: format!("{field}{}", self.path), what: self.what }
    }
}

fn write_field(name: &str, value: &Value, out: &mut Vec<u8>) -> Result<(), Wrong> {
    // Beyond ASCII, RFC 8785 sorts keys by UTF-16 units, which is not the order of a sorted map.
    if !name.bytes().all(|b| b.is_ascii_graphic()) {
        return Err(Wrong::here("under a key that is not printable ASCII"));
    }
    write_text(name, out);
    out.push(b':');
    write_value(value, out)
}

fn write_value(value: &Value, out: &mut Vec<u8>) -> Result<(), Wrong> {
    match value {
        Value::Null => return Err(Wrong::here("null")),
        Value::Number(number) => write_number(number, out)?,
        Value::Bool(true) => out.extend_from_slice(b"true"),
        Value::Bool(false) => out.extend_from_slice(b"false"),
        Value::String(text) => write_text(text, out),
        Value::Array(items) => {
            out.push(b'[');
            for (n, item) in items.iter().enumerate() {
                if n > 0 {
                    out.push(b',');
                }
                write_value(item, out).map_err(|wrong| wrong.below(format_args!("[{n}]")))?;
            }
            out.push(b']');
        }
        // A map of serde_json's is sorted.
        Value::Object(fields) => {
            out.push(b'{');
            for (n, (name, value)) in fields.iter().enumerate() {
                if n > 0 {
                    out.push(b',');
                }
                write_field(name, value, out).map_err(|wrong| wrong.below(format_args!(".{name}")))?;
            }
            out.push(b'}');
        }
    }
    Ok(())
}

fn write_number(number: &Number, out: &mut Vec<u8>) -> Result<(), Wrong> {
    match (number.as_u64(), number.as_i64()) {
        (Some(n), _) if n <= MAX_INTEGER => {}
        (_, Some(n)) if n.unsigned_abs() <= MAX_INTEGER => {}
        (None, None) => return Err(Wrong::here("not an integer")),
        _ => return Err(Wrong::here("an integer of 2^53 or more")),
    }
    serde_json::to_writer(out, number).map_err(|_| Wrong::here("not writable as JSON"))
}
