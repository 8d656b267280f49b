//! Every type of entry, with every field: what it means, whether it must be there, and whether it stands in clear. One table
//! for whoever seals entries, for the JSON Schema and for the documentation.
//!
//! What this table does not know is sealed, never told: a field somebody forgot to enter here leaks nothing.

use serde_json::{Map, Value};

use super::record::RecordType;
use super::sealing::Subject;

mod documented;
mod future;
mod keys;
mod lacking;
mod misplaced;
mod path;
mod schema;
mod shapes;
mod written;

pub use documented::{document, example};
pub use lacking::lacking;
pub use misplaced::misplaced;
pub use path::Path;
pub use schema::schema;

/// What an entry of one type says.
#[derive(Debug)]
pub struct Entry {
    /// The value of its `type` field.
    pub name: &'static str,
    /// What it says happened.
    pub meaning: &'static str,
    /// Whether it is about a request, which its `corr` names.
    pub about: About,
    /// Its own fields, beside those that all entries have.
    pub fields: &'static [Field],
}

impl Entry {
    /// Whether this version writes it. A verifier refuses the others: it cannot tell what they would allow.
    #[must_use]
    pub fn is_written(&self) -> bool {
        RecordType::from_name(self.name).is_some()
    }
}

/// What an entry is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum About {
    /// One request.
    Request,
    /// The log, or whatever is held.
    Log,
}

/// One field.
#[derive(Debug)]
pub struct Field {
    /// Its name.
    pub name: &'static str,
    /// Whether every entry of the type has it.
    pub is_required: bool,
    /// What it holds.
    pub kind: Kind,
    /// What it says.
    pub meaning: &'static str,
}

/// What a field holds.
#[derive(Debug)]
pub enum Kind {
    /// A string, in clear.
    Text,
    /// One of these strings, in clear.
    Word(&'static [&'static str]),
    /// An integer, in clear.
    Integer,
    /// True or false, in clear.
    Bool,
    /// A list.
    List(&'static Kind),
    /// An object with these fields.
    Object(&'static [Field]),
    /// One of these strings in clear, or the other.
    Either(&'static [&'static str], &'static Kind),
    /// An account with these fields besides: a person's is sealed, a bot's or an organization's stays in clear.
    Account(&'static [Field]),
    /// A shape that has a name because it holds itself, or stands in several entries.
    Named(&'static str, &'static Kind),
    /// Whatever it is, only its commitment stands in the entry.
    Sealed,
}

/// The kinds of account that are nobody's.
pub const NOBODYS: [&str; 2] = ["Bot", "Organization"];

/// Every type there is, those that are written first.
pub fn all() -> impl Iterator<Item = &'static Entry> {
    written::ENTRIES.iter().chain(keys::ENTRIES).chain(future::ENTRIES)
}

/// The type with this name.
#[must_use]
pub fn find(name: &str) -> Option<&'static Entry> {
    all().find(|entry| entry.name == name)
}

const fn need(name: &'static str, kind: Kind, meaning: &'static str) -> Field {
    Field { name, is_required: true, kind, meaning }
}

const fn may(name: &'static str, kind: Kind, meaning: &'static str) -> Field {
    Field { name, is_required: false, kind, meaning }
}

/// Whoever looks at the parts of an entry that are not told in clear.
pub trait Visit {
    /// A value of which only the commitment is told, or already its commitment.
    fn sealed(&mut self, path: &Path<'_>, value: &mut Value);
    /// The id of an account that may be a person's, or already their subject; and the login beside it.
    fn subject(&mut self, path: &Path<'_>, id: &mut Value, login: Option<&str>);
}

/// Visits what is not told in clear of an entry's own fields. All of it, if nobody knows the type.
pub fn walk(name: &str, body: &mut Map<String, Value>, visit: &mut dyn Visit) {
    walk_fields(find(name).map_or(&[], |entry| entry.fields), body, None, visit);
}

fn walk_fields(fields: &[Field], object: &mut Map<String, Value>, above: Option<&Path<'_>>, visit: &mut dyn Visit) {
    for (name, value) in object.iter_mut() {
        let path = Path::field(above, name);
        match fields.iter().find(|field| field.name == name) {
            Some(field) => walk_value(&field.kind, value, &path, visit),
            None => visit.sealed(&path, value),
        }
    }
}

fn walk_value(kind: &Kind, value: &mut Value, path: &Path<'_>, visit: &mut dyn Visit) {
    match (kind, value) {
        (Kind::Text, Value::String(_)) | (Kind::Integer, Value::Number(_)) | (Kind::Bool, Value::Bool(_)) => {}
        (Kind::Word(words) | Kind::Either(words, _), Value::String(word)) if words.contains(&word.as_str()) => {}
        (Kind::Either(_, kind) | Kind::Named(_, kind), value) => walk_value(kind, value, path, visit),
        (Kind::List(kind), Value::Array(items)) => {
            for (n, item) in items.iter_mut().enumerate() {
                walk_value(kind, item, &Path::item(path, n), visit);
            }
        }
        (Kind::Object(fields), Value::Object(object)) => walk_fields(fields, object, Some(path), visit),
        (Kind::Account(fields), Value::Object(account)) => walk_account(fields, account, path, visit),
        // Where there is no room, an account is only its id.
        (Kind::Account(_), id @ Value::Number(_)) => visit.subject(path, id, None),
        (Kind::Account(_), value) if value.as_str().is_some_and(|text| Subject::parse(text).is_some()) => {
            visit.subject(path, value, None);
        }
        // Either it is sealed, or it is not what the table says it is.
        (_, value) => visit.sealed(path, value),
    }
}

fn walk_account(fields: &[Field], account: &mut Map<String, Value>, above: &Path<'_>, visit: &mut dyn Visit) {
    let is_nobodys = account.get("kind").and_then(Value::as_str).is_some_and(|kind| NOBODYS.contains(&kind));
    let login = account.get("login").and_then(Value::as_str).map(str::to_owned);
    for (name, value) in account.iter_mut() {
        let path = Path::field(Some(above), name);
        match (name.as_str(), fields.iter().find(|field| field.name == name)) {
            ("id", _) if is_nobodys && value.is_number() => {}
            ("login", _) if is_nobodys && value.is_string() => {}
            ("id", _) => visit.subject(&path, value, login.as_deref()),
            ("kind", _) if value.is_string() => {}
            (_, Some(field)) => walk_value(&field.kind, value, &path, visit),
            _ => visit.sealed(&path, value),
        }
    }
}
