//! A policy that is printed and read again is the same.

use std::collections::BTreeSet;

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use seconder::domain::policy::{PolicyFile, parse, print, schema};
use serde_json::Value;

use super::any;

/// What a file says, wherever it says so.
fn said(mut file: PolicyFile, of: &PolicyFile) -> PolicyFile {
    file.digest = of.digest.clone();
    file.warnings = of.warnings.clone();
    file
}

proptest! {
    // Agents and freezes take long to read without optimization.
    #![proptest_config(ProptestConfig { max_shrink_iters: 100, ..ProptestConfig::with_cases(32) })]
    #[test]
    fn what_is_printed_says_the_same_and_is_printed_so_again(file in any::file()) {
        let text = file.to_string();
        let read = parse(&text).map_err(|errors| TestCaseError::fail(errors.render("any", &text)))?;
        let printed = print(&read);
        let again = parse(&printed).map_err(|errors| TestCaseError::fail(errors.render("printed", &printed)))?;
        prop_assert_eq!(&said(again.clone(), &read), &read, "{}", printed);
        prop_assert_eq!(again.warnings.is_empty(), read.warnings.is_empty());
        prop_assert_eq!(print(&again), printed);
    }
}

#[test]
fn a_printed_policy_is_one_that_somebody_could_have_written() {
    let text = r#"{ version: 1, approvers: { platform: ["@acme/Platform", Octocat], "leads": [{ permission: maintain }] },
        people: { Octocat: { also: [octocat-work] }, robot: machine }, stop: "incident 42: ask @acme/oncall",
        rules: [{ name: production, environments: [production, "prod-*"], except: { paths: ["docs/**"] }, expires: 240m,
                  require: [1 of platform, { any_of: [1 of admins, { approvals: 2, from: leads, assurance: passkey }] }] },
                { name: "no", environments: ["*"], authored_by: anyone, deny: not here }] }"#;
    insta::assert_snapshot!(print(&parse(text).unwrap()), @r#"
    version: 1
    approvers:
      leads: [{ permission: maintain }]
      platform: ["@acme/platform", octocat]
    people:
      Octocat: { also: [octocat-work] }
      robot: machine
    stop: "incident 42: ask @acme/oncall"
    rules:
      - name: production
        environments: [production, "prod-*"]
        except: { paths: ["docs/**"] }
        require: [1 of platform, { any_of: [1 of admins, { approvals: 2, from: leads, assurance: passkey }] }]
        expires: 4h
      - name: "no"
        environments: ["*"]
        authored_by: anyone
        deny: not here
    "#);
}

/// Every key and every word of the language, by its schema.
fn vocabulary(schema: &Value, all: &mut BTreeSet<String>) {
    match schema {
        Value::Object(fields) => {
            for (key, value) in fields {
                match (key.as_str(), value) {
                    ("properties", Value::Object(keys)) => all.extend(keys.keys().cloned()),
                    ("enum", Value::Array(words)) => {
                        all.extend(words.iter().filter_map(Value::as_str).map(str::to_owned))
                    }
                    _ => {}
                }
                vocabulary(value, all);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| vocabulary(item, all)),
        _ => {}
    }
}

/// Every key and every text of a file.
fn used(file: &Value, all: &mut BTreeSet<String>) {
    match file {
        Value::Object(fields) => fields.iter().for_each(|(key, value)| {
            all.insert(key.clone());
            used(value, all);
        }),
        Value::Array(items) => items.iter().for_each(|item| used(item, all)),
        Value::String(text) => all.extend([text.clone()]),
        _ => {}
    }
}

#[test]
fn no_part_of_the_language_is_left_out_of_what_is_printed_and_read_again() {
    let (mut language, mut tried) = (BTreeSet::new(), BTreeSet::new());
    vocabulary(&schema(), &mut language);
    assert!(language.len() > 50, "{language:?}");
    let mut runner = TestRunner::deterministic();
    for _ in 0..400 {
        used(&any::file().new_tree(&mut runner).unwrap().current(), &mut tried);
    }
    assert_eq!(language.difference(&tried).collect::<Vec<_>>(), [""; 0]);
}
