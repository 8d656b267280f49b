//! What the ledger will say: one record a fact, written in the transaction that made it true (P5).

use serde::Serialize;
use serde_json::{Map, Value, json};

/// A record before it has a place in a log.
#[derive(Clone, Debug, PartialEq)]
pub struct Record {
    /// The entry's type (`decision.recorded`).
    pub kind: &'static str,
    /// Its own fields. No floats, no nulls.
    pub body: Map<String, Value>,
}

impl Record {
    /// A record of this type with the fields of a JSON object. Nulls are left out at every depth:
    /// the ledger has no null, an absent field says the same.
    #[must_use]
    pub fn new(kind: &'static str, fields: Value) -> Self {
        let body = match Self::without_nulls(fields) {
            Value::Object(body) => body,
            other => Map::from_iter([("value".to_owned(), other)]),
        };
        Self { kind, body }
    }

    /// A value as an entry holds it.
    #[must_use]
    pub fn without_nulls(mut value: Value) -> Value {
        drop_nulls(&mut value);
        value
    }
}

/// In place: most values have none, and a map that is built anew costs more than looking through it.
fn drop_nulls(value: &mut Value) {
    match value {
        Value::Object(fields) => fields.retain(|_, value| {
            drop_nulls(value);
            !value.is_null()
        }),
        Value::Array(items) => items.retain_mut(|value| {
            drop_nulls(value);
            !value.is_null()
        }),
        _ => {}
    }
}

/// A value as JSON; a value that cannot be written says so in its place instead of vanishing.
pub(crate) fn to_json(value: &impl Serialize) -> Value {
    serde_json::to_value(value).unwrap_or_else(|error| json!({ "unwritable": error.to_string() }))
}
