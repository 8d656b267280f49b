//! The JSON Schema that editors use says the same as the parser, as far as a schema can.

use std::fs;
use std::path::Path;

use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;
use seconder::domain::policy::{parse, schema};
use serde_json::{Value, json};

use super::any;
use super::cases::pages;
use super::examples::EXAMPLES;
use crate::support::prism::run_script;

const PUBLISHED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/seconder.schema.json");

/// With `SECONDER_UPDATE=1` it is written anew.
#[test]
fn the_published_schema_is_the_one_of_this_version() {
    let text = format!("{:#}\n", schema());
    if std::env::var_os("SECONDER_UPDATE").is_some() {
        fs::write(PUBLISHED, &text).unwrap();
    }
    assert!(fs::read_to_string(PUBLISHED).is_ok_and(|published| published == text), "SECONDER_UPDATE=1 writes it anew");
}

fn as_json(yaml: &str) -> Option<Value> {
    serde_saphyr::from_str(yaml).ok()
}

/// Examples of good policies are valid; broken ones are not, when an editor can see it (`yaml schema` in `tests/policies/errors`).
#[test]
fn an_editor_with_the_schema_sees_what_is_wrong_and_nothing_else() {
    let mut files = Vec::new();
    let mut add = |title: &str, file: Value, valid: bool| {
        files.push(json!({ "title": title, "file": file, "valid": valid }));
    };
    for (name, text) in EXAMPLES {
        add(name, as_json(text).unwrap(), true);
    }
    let mut runner = TestRunner::deterministic();
    for number in 0..200 {
        let file = any::file().new_tree(&mut runner).unwrap().current();
        add(&format!("generated {number}"), file, true);
    }
    for page in pages() {
        for case in &page.cases {
            let Some(file) = as_json(&case.yaml) else { continue };
            add(&case.title, file, page.is_of_warnings() || !case.by_schema);
        }
    }
    let path = Path::new(PUBLISHED);
    run_script("schema.mjs", &[path], &files);
}

#[test]
fn every_example_in_the_schema_is_read_by_the_parser() {
    let schema = schema();
    let read = |rule: Value| {
        let file = json!({
            "version": 1, "approvers": { "platform": ["octocat", "mona"] }, "rules": [rule],
        });
        parse(&file.to_string())
    };
    let properties = schema["$defs"]["rule"]["properties"].as_object().unwrap();
    for (key, property) in properties {
        let Some(example) = property["examples"].get(0) else { panic!("{key} has no example") };
        let mut rule = json!({ "name": "a", "environments": ["b"], "require": ["1 of writers"] });
        match key.as_str() {
            "deny" => drop(rule.as_object_mut().unwrap().remove("require")),
            "jobs" => rule["gate"] = "job".into(),
            "commands" => rule["gate"] = "command".into(),
            _ => {}
        }
        rule[key] = example.clone();
        assert!(read(rule.clone()).is_ok(), "{key}: {rule}: {}", read(rule.clone()).unwrap_err());
        // Every word an editor offers is read.
        for word in property["enum"].as_array().into_iter().flatten().filter(|_| key != "gate") {
            rule[key] = word.clone();
            assert!(read(rule.clone()).is_ok(), "{key}: {word}");
        }
    }
    for (key, property) in schema["properties"].as_object().unwrap() {
        let mut file =
            json!({ "version": 1, "rules": [{ "name": "a", "environments": ["b"], "require": ["1 of writers"] }] });
        file[key] = property["examples"][0].clone();
        assert!(parse(&file.to_string()).is_ok(), "{key}: {}", parse(&file.to_string()).unwrap_err());
    }
}
