//! What an entry leaves out that every entry of its type has.

use serde_json::{Map, Value};

use super::{Field, Kind, find};

/// Where the first field is missing, as a JSON Pointer (RFC 6901) into an entry of this type; its values may be sealed.
#[must_use]
pub fn lacking(name: &str, body: &Map<String, Value>) -> Option<String> {
    find(name).and_then(|entry| in_fields(entry.fields, body))
}

fn in_fields(fields: &[Field], object: &Map<String, Value>) -> Option<String> {
    // What was too long for an entry is named by its digest alone.
    if object.contains_key("omitted") {
        return None;
    }
    fields.iter().find_map(|field| {
        let below = match object.get(field.name) {
            None => field.is_required.then(String::new),
            Some(value) => in_value(&field.kind, value),
        };
        below.map(|below| format!("/{}{below}", field.name))
    })
}

fn in_value(kind: &Kind, value: &Value) -> Option<String> {
    match (kind, value) {
        (Kind::Either(_, kind) | Kind::Named(_, kind), value) => in_value(kind, value),
        (Kind::List(kind), Value::Array(items)) => {
            let mut items = items.iter().enumerate();
            items.find_map(|(n, item)| in_value(kind, item).map(|below| format!("/{n}{below}")))
        }
        (Kind::Object(fields), Value::Object(object)) => in_fields(fields, object),
        (Kind::Account(_), Value::Object(account)) if !account.contains_key("id") => Some("/id".to_owned()),
        (Kind::Account(fields), Value::Object(account)) => in_fields(fields, account),
        _ => None,
    }
}
