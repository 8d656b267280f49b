//! The catalogue as a JSON Schema (draft 2020-12), for tools that read entries.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::{Entry, Field, Kind, NOBODYS, all};
use crate::ledger::entry::{FORMAT, MAX_INTEGER};
use crate::ledger::record::RecordType;

/// Entries as they stand in a log: sealed, so that no name is in them.
#[must_use]
pub fn schema() -> Value {
    let mut shapes = BTreeMap::new();
    let entries: Map<String, Value> =
        all().map(|entry| (entry.name.to_owned(), of_entry(entry, &mut shapes))).collect();
    let refer = |name: &&str| json!({ "if": { "properties": { "type": { "const": name } } }, "then": reference(name) });
    let names: Vec<&str> = all().map(|entry| entry.name).collect();
    let mut definitions: Map<String, Value> =
        shapes.into_iter().map(|(name, shape)| (name.to_owned(), shape)).collect();
    definitions.extend(entries);
    definitions.extend([
        ("commitment".to_owned(), json!({
            "description": "a sealed value: SHA-256 of \"seconder-commitment-v1\", 0, salt, path, 0 and the value as canonical JSON (RFC 8785)",
            "type": "string", "pattern": "^sha256:[0-9a-f]{64}$",
        })),
        ("omitted".to_owned(), json!({
            "description": "in place of what was too long",
            "type": "object", "additionalProperties": false, "required": ["bytes", "omitted", "sha256"],
            "properties": {
                "bytes": { "type": "integer" }, "omitted": { "type": "string" }, "sha256": { "type": "string" },
            },
        })),
        ("subject".to_owned(), json!({
            "description": "a person, the same in all entries of a log", "type": "string", "pattern": "^sub_[0-9a-f]{32}$",
        })),
    ]);
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "An entry of a Seconder ledger",
        "type": "object",
        "required": ["type"],
        "properties": { "type": { "enum": names } },
        "allOf": names.iter().map(refer).collect::<Vec<_>>(),
        "$defs": definitions,
    })
}

type Shapes = BTreeMap<&'static str, Value>;

fn reference(name: &str) -> Value {
    json!({ "$ref": format!("#/$defs/{name}") })
}

fn of_entry(entry: &'static Entry, shapes: &mut Shapes) -> Value {
    let described = |mut schema: Value, meaning: &str| {
        schema["description"] = meaning.into();
        schema
    };
    let mut properties: Map<String, Value> = super::documented::COMMON
        .iter()
        .map(|common| {
            let form = match common.name {
                "v" => json!({ "const": FORMAT }),
                "type" => json!({ "const": entry.name }),
                "prev" => json!({ "type": "string", "pattern": "^[0-9a-f]{64}$" }),
                "corr" => json!({ "type": "string", "pattern": "^[A-Za-z0-9_-]{1,64}$" }),
                _ if common.is_number => json!({ "type": "integer", "minimum": 0, "maximum": MAX_INTEGER }),
                _ => json!({ "type": "string", "minLength": 1 }),
            };
            (common.name.to_owned(), described(form, common.meaning))
        })
        .collect();
    let mut required: Vec<&str> = vec!["v", "log", "seq", "time", "type", "id", "sw"];
    required.extend((entry.name != RecordType::Genesis.as_str()).then_some("prev"));
    for field in entry.fields {
        let schema = match field.kind {
            Kind::List(_) | Kind::Object(_) => json!({ "anyOf": [of_kind(&field.kind, shapes), reference("omitted")] }),
            _ => of_kind(&field.kind, shapes),
        };
        properties.insert(field.name.to_owned(), described(schema, field.meaning));
        required.extend(field.is_required.then_some(field.name));
    }
    json!({
        "description": entry.meaning, "type": "object", "additionalProperties": false,
        "required": required, "properties": properties,
    })
}

fn of_kind(kind: &'static Kind, shapes: &mut Shapes) -> Value {
    match kind {
        Kind::Text => json!({ "type": "string" }),
        Kind::Word(words) => json!({ "enum": words }),
        Kind::Integer => json!({ "type": "integer" }),
        Kind::Bool => json!({ "type": "boolean" }),
        Kind::Sealed => reference("commitment"),
        Kind::List(kind) => json!({ "type": "array", "items": of_kind(kind, shapes) }),
        Kind::Object(fields) => of_fields(fields, Map::new(), shapes),
        Kind::Either(words, kind) => json!({ "anyOf": [{ "enum": words }, of_kind(kind, shapes)] }),
        Kind::Account(fields) => of_account(fields, shapes),
        Kind::Named(name, kind) => {
            if !shapes.contains_key(name) {
                shapes.insert(name, Value::Null); // It may hold itself.
                let shape = of_kind(kind, shapes);
                shapes.insert(name, shape);
            }
            reference(name)
        }
    }
}

fn of_fields(fields: &'static [Field], mut properties: Map<String, Value>, shapes: &mut Shapes) -> Value {
    let mut required: Vec<String> = properties.keys().filter(|name| *name == "id").cloned().collect();
    for field in fields {
        let mut schema = of_kind(&field.kind, shapes);
        schema["description"] = field.meaning.into();
        properties.insert(field.name.to_owned(), schema);
        required.extend(field.is_required.then(|| field.name.to_owned()));
    }
    json!({ "type": "object", "additionalProperties": false, "required": required, "properties": properties })
}

/// A person's account is sealed; one that is nobody's is in clear, and says so.
fn of_account(fields: &'static [Field], shapes: &mut Shapes) -> Value {
    let own = |of: [(&str, Value); 3]| of.map(|(name, schema)| (name.to_owned(), schema)).into_iter().collect();
    let mut nobodys = of_fields(
        fields,
        own([
            ("id", json!({ "type": "integer" })),
            ("login", json!({ "type": "string" })),
            ("kind", json!({ "enum": NOBODYS })),
        ]),
        shapes,
    );
    if let Some(required) = nobodys["required"].as_array_mut() {
        required.push("kind".into());
    }
    let persons = of_fields(
        fields,
        own([
            ("id", reference("subject")),
            ("login", reference("commitment")),
            ("kind", json!({ "type": "string", "not": { "enum": NOBODYS } })),
        ]),
        shapes,
    );
    json!({ "anyOf": [persons, nobodys, reference("subject")] })
}
