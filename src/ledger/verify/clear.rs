//! Whether an entry is written as this version writes it: in canonical form, nothing in clear that its catalogue does not
//! know in clear, nothing missing that every entry of its type has, and an id of the right form. Every entry is read whole for that, so only whoever is strict asks.
use serde_json::{Map, Value};

use crate::ledger::catalogue::{self, Path, Visit};
use crate::ledger::entry::{COMMON, Fields, SealError};
use crate::ledger::sealing::{Subject, is_commitment, is_digest};

/// What a server says in the place of a value that is too long for an entry.
const OMITTED: &str = "too long for an entry";

/// No value of so few bytes is left out.
const SHORT: u64 = 200;

/// What is odd about a line, in words.
#[must_use]
pub fn odd(line: &str) -> Option<String> {
    let mut entry: Map<String, Value> = match serde_json::from_str(line) {
        Ok(entry) => entry,
        Err(error) => return Some(format!("it cannot be read: {error}")),
    };
    if serde_json::to_string(&entry).ok().as_deref() != Some(line) {
        return Some("it is not in canonical form (RFC 8785), in which every entry is written".to_owned());
    }
    let name = entry.get("type").and_then(Value::as_str).unwrap_or_default().to_owned();
    let text = |field: &str| entry.get(field).and_then(Value::as_str).map(str::to_owned);
    let (id, corr) = (text("id").unwrap_or_default(), text("corr"));
    if !is_id(&id, corr.as_deref(), &name) {
        return Some(format!("its id {id:?} is not its request, its type and its number there, with colons between"));
    }
    COMMON.iter().for_each(|common| drop(entry.remove(*common)));
    if let Err(wrong) = Fields::of(&entry) {
        return Some(match wrong {
            SealError::Value { path, what } => format!("{path} is {what}, which no entry has"),
            other => other.to_string(),
        });
    }
    if let Some(lacking) = catalogue::lacking(&name, &entry) {
        return Some(format!("{lacking} is not there, which every {name} has"));
    }
    let mut told = Told(None);
    catalogue::walk(&name, &mut entry, &mut told);
    if let Some(path) = told.0 {
        return Some(format!(
            "{path} stands in clear, and by the catalogue of this version it is sealed, or not there"
        ));
    }
    catalogue::misplaced(&name, &entry)
        .map(|path| format!("{path} is not what the catalogue of this version says stands there"))
}

/// Whether this stands for a value that was too long for an entry: only its digest is told, and how long it was.
fn is_omitted(value: &Value) -> bool {
    value.as_object().is_some_and(|it| it.len() == 3)
        && value["omitted"] == OMITTED
        && value["bytes"].as_u64().is_some_and(|bytes| bytes > SHORT)
        && value["sha256"].as_str().is_some_and(is_digest)
}

/// An entry's id names its request, its type and its number there, without zeros before it; those about the log have names of several forms.
fn is_id(id: &str, request: Option<&str>, name: &str) -> bool {
    let Some(request) = request else { return !id.is_empty() };
    let number =
        id.strip_prefix(request).and_then(|rest| rest.strip_prefix(':')?.strip_prefix(name)?.strip_prefix(':'));
    number.is_some_and(|number| number.parse::<u64>().is_ok_and(|parsed| parsed.to_string() == number))
}

/// The first place where something is told that should not be.
struct Told(Option<String>);

impl Told {
    fn at(&mut self, path: &str) {
        self.0.get_or_insert_with(|| path.to_owned());
    }
}

impl Visit for Told {
    fn sealed(&mut self, path: &Path<'_>, value: &mut Value) {
        if is_commitment(value) {
            return;
        }
        // Only a field of the entry itself is ever left out for want of room.
        let pointer = path.pointer();
        if pointer.matches('/').count() > 1 || !is_omitted(value) {
            self.at(&pointer);
        }
    }

    fn subject(&mut self, path: &Path<'_>, id: &mut Value, _: Option<&str>) {
        if id.as_str().and_then(Subject::parse).is_none() {
            self.at(&path.pointer());
        }
    }
}
