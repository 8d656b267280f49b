//! The language as a JSON Schema, for editors. It says less than the parser: a file it refuses is wrong, a file it takes may be.

use serde_json::{Map, Value, json};

use super::node;
use super::rule::Gate;
use super::vocabulary::{
    AGENT, CLASS, FREEZE, HUMAN, Key, LONG, PERMISSION, POLICY, REASON, RULE, SCOPE, STEP, Table, Takes,
};

/// The JSON Schema (draft 2020-12) of the policy file.
#[must_use]
pub fn schema() -> Value {
    let tables = [&PERMISSION, &HUMAN, &AGENT, &CLASS, &FREEZE, &SCOPE, &RULE, &LONG, &STEP, &REASON];
    let mut definitions: Map<String, Value> =
        tables.iter().map(|table| (table.name.to_owned(), keys(table).into())).collect();
    for (name, more) in [(RULE.name, of_rules()), (LONG.name, of_requirements())] {
        if let Some(Value::Object(table)) = definitions.get_mut(name) {
            table.extend(more);
        }
    }
    let mut schema = Map::new();
    schema.insert("$schema".to_owned(), "https://json-schema.org/draft/2020-12/schema".into());
    schema.insert("title".to_owned(), "Seconder's policy, .github/seconder.yml".into());
    schema.extend(keys(&POLICY));
    schema.insert("$defs".to_owned(), definitions.into());
    schema.into()
}

fn keys(table: &Table) -> Map<String, Value> {
    let properties: Map<String, Value> =
        table.keys.iter().map(|key| (key.name.to_owned(), property(key).into())).collect();
    let needed: Vec<&str> = table.keys.iter().filter(|key| key.is_needed).map(|key| key.name).collect();
    let mut schema = Map::new();
    schema.insert("description".to_owned(), table.doc.into());
    schema.insert("type".to_owned(), "object".into());
    schema.insert("additionalProperties".to_owned(), false.into());
    schema.insert("properties".to_owned(), properties.into());
    if !needed.is_empty() {
        schema.insert("required".to_owned(), needed.into());
    }
    schema
}

fn property(key: &Key) -> Map<String, Value> {
    let mut property = takes(&key.takes);
    property.insert("description".to_owned(), key.doc.into());
    let example = node::read(key.example).ok().map(|example| example.value.to_json());
    property.insert("examples".to_owned(), Value::Array(example.into_iter().collect()));
    property
}

fn takes(takes_what: &Takes) -> Map<String, Value> {
    let value = match takes_what {
        Takes::Version => json!({ "const": 1 }),
        Takes::Text => json!({ "type": "string", "pattern": "\\S" }),
        Takes::Form(pattern) => json!({ "type": "string", "pattern": pattern }),
        Takes::Number(most) => {
            let mut number = json!({ "type": "integer", "minimum": 1 });
            if *most < u64::MAX {
                number["maximum"] = (*most).into();
            }
            number
        }
        Takes::Words(words) => json!({ "enum": words }),
        Takes::Keys(table) => json!({ "$ref": format!("#/$defs/{}", table.name) }),
        Takes::List(of, most) => {
            let mut list = json!({ "type": "array", "minItems": 1, "items": takes(of) });
            if *most < usize::MAX {
                list["maxItems"] = (*most).into();
            }
            list
        }
        Takes::Named(pattern, of) => json!({
            "type": "object", "patternProperties": { *pattern: takes(of) }, "additionalProperties": false,
        }),
        Takes::Either(all) => json!({ "anyOf": all.iter().map(takes).collect::<Vec<_>>() }),
    };
    if let Value::Object(fields) = value { fields } else { Map::new() }
}

/// A rule requires or denies, and covers what its gate has.
fn of_rules() -> Map<String, Value> {
    let deny = json!({
        "required": ["deny"],
        "properties": { "require": false, "expires": false, "remind": false, "escalate": false, "assurance": false },
    });
    let mut all = vec![json!({ "anyOf": [{ "required": ["require"], "properties": { "deny": false } }, deny] })];
    for gate in [Gate::Deployment, Gate::Job, Gate::Command] {
        let foreign = SCOPE.keys.iter().filter(|key| !key.gates.contains(&gate));
        let none: Map<String, Value> = foreign.map(|key| (key.name.to_owned(), false.into())).collect();
        let mut then = json!({ "properties": none });
        then["properties"]["except"] = json!({ "type": "object", "properties": none });
        match gate {
            Gate::Deployment => then["required"] = json!(["environments"]),
            Gate::Job => {}
            Gate::Command => then["anyOf"] = json!([{ "required": ["commands"] }, { "required": ["classes"] }]),
        }
        let mut is_so = json!({ "properties": { "gate": { "const": gate.as_str() } } });
        if gate != Gate::default() {
            is_so["required"] = json!(["gate"]);
        }
        all.push(json!({ "if": is_so, "then": then }));
    }
    Map::from_iter([("allOf".to_owned(), all.into())])
}

/// A group, or alternatives alone.
fn of_requirements() -> Map<String, Value> {
    let alone = |key: &str| json!({ "required": [key], "maxProperties": 1 });
    let all = json!([
        { "required": ["from"], "properties": { "any_of": false, "all_of": false } },
        alone("any_of"),
        alone("all_of"),
    ]);
    Map::from_iter([("anyOf".to_owned(), all)])
}
