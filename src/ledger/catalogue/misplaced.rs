//! What is told in an entry in another way than its catalogue says: a commitment in the place of a number hides the number, and
//! nobody has to open it.

use serde_json::{Map, Value};

use super::{Field, Kind, find};
use crate::ledger::sealing::{Subject, is_commitment};

/// Where the first value is of another kind than the catalogue says of this type, as a JSON Pointer (RFC 6901). Fields that the
/// catalogue does not know are left to whoever looks for what stands in clear.
#[must_use]
pub fn misplaced(name: &str, body: &Map<String, Value>) -> Option<String> {
    in_fields(find(name)?.fields, body, true)
}

fn in_fields(fields: &[Field], object: &Map<String, Value>, is_top: bool) -> Option<String> {
    fields.iter().find_map(|field| {
        let value = object.get(field.name)?;
        // Of a list in an entry that would be too long, only the digest is there.
        if is_top && is_list(&field.kind) && value.get("omitted").is_some() {
            return None;
        }
        in_value(&field.kind, value).map(|below| format!("/{}{below}", field.name))
    })
}

fn in_value(kind: &Kind, value: &Value) -> Option<String> {
    let right = |is_right: bool| if is_right { None } else { Some(String::new()) };
    match (kind, value) {
        (Kind::Named(_, kind), value) => in_value(kind, value),
        (Kind::Either(words, _), Value::String(word)) if words.contains(&word.as_str()) => None,
        (Kind::Either(_, kind), value) => in_value(kind, value),
        (Kind::List(kind), Value::Array(items)) => {
            let mut items = items.iter().enumerate();
            items.find_map(|(n, item)| in_value(kind, item).map(|below| format!("/{n}{below}")))
        }
        (Kind::Object(fields), Value::Object(object)) => in_fields(fields, object, false),
        (Kind::Account(fields), Value::Object(account)) => in_fields(fields, account, false),
        (Kind::Account(_), Value::Number(_)) => None,
        (Kind::Account(_), value) => right(value.as_str().and_then(Subject::parse).is_some()),
        (Kind::Text, value) => right(value.is_string() && !is_commitment(value)),
        (Kind::Word(words), value) => right(value.as_str().is_some_and(|word| words.contains(&word))),
        (Kind::Integer, value) => right(value.is_number()),
        (Kind::Bool, value) => right(value.is_boolean()),
        (Kind::Sealed, value) => right(is_commitment(value)),
        (Kind::List(_) | Kind::Object(_), _) => right(false),
    }
}

fn is_list(kind: &Kind) -> bool {
    match kind {
        Kind::Named(_, kind) => is_list(kind),
        Kind::List(_) => true,
        _ => false,
    }
}
