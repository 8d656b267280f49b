//! The catalogue of entries is the truth: what is documented validates, and so does whatever is really written.

use std::fs;
use std::path::Path;

use seconder::domain::event::{Event, Verdict};
use seconder::ledger::RecordType;
use seconder::ledger::catalogue::{all, document, example, schema};
use seconder::ledger::entry::{Header, MAX_BYTES};
use seconder::ledger::verify::clear;
use serde_json::{Value, json};

use crate::support::case;
use crate::support::prism::run_script;
use crate::support::stage::Stage;

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/ledger");

fn schema_file() -> std::path::PathBuf {
    Path::new(FOLDER).join("entry.schema.json")
}

/// With `SECONDER_UPDATE=1` they are written anew.
#[test]
fn the_published_schema_and_documentation_are_those_of_this_version() {
    for (path, text) in
        [(schema_file(), format!("{:#}\n", schema())), (Path::new(FOLDER).join("entries.md"), document())]
    {
        if std::env::var_os("SECONDER_UPDATE").is_some() {
            fs::create_dir_all(FOLDER).unwrap();
            fs::write(&path, &text).unwrap();
        }
        let is_current = fs::read_to_string(&path).is_ok_and(|published| published == text);
        assert!(is_current, "{}: SECONDER_UPDATE=1 writes it anew", path.display());
    }
}

#[test]
fn every_type_has_its_fields_and_an_example_that_fits_an_entry() {
    for record_type in RecordType::ALL {
        assert!(all().any(|entry| entry.name == record_type.as_str()), "{record_type} is not in the catalogue");
    }
    for entry in all() {
        let (line, openings) = example(entry).unwrap_or_else(|| panic!("{} has no example", entry.name));
        assert!(line.len() <= MAX_BYTES, "{}", entry.name);
        assert_eq!(Header::parse(&line).unwrap().record_type, entry.name);
        let fields: Value = serde_json::from_str(&line).unwrap();
        for field in entry.fields.iter().filter(|field| field.is_required) {
            assert!(fields.get(field.name).is_some(), "the example of {} lacks {}", entry.name, field.name);
        }
        for name in ["mona", "alice", "olga", "Zoe", "zoe@", "trusted", "leads"] {
            assert!(!line.contains(name), "{name} is in {line}");
        }
        // What an example tells in its openings, the catalogue means to be sealed.
        for opening in openings {
            assert!(line.contains(&opening.commitment()), "{}", opening.path);
        }
    }
}

#[test]
fn whoever_is_strict_misses_what_every_entry_of_a_type_has_and_an_id_of_its_form() {
    for entry in all() {
        let (line, _) = example(entry).unwrap();
        assert_eq!(clear::odd(&line), None, "{}", entry.name);
        let fields: Value = serde_json::from_str(&line).unwrap();
        for field in entry.fields.iter().filter(|field| field.is_required) {
            let mut less = fields.clone();
            less.as_object_mut().unwrap().remove(field.name);
            let odd = clear::odd(&less.to_string()).unwrap();
            assert_eq!(odd, format!("/{} is not there, which every {} has", field.name, entry.name));
        }
        let Some(corr) = fields["corr"].as_str() else { continue };
        for id in ["x".to_owned(), format!("{corr}:{}:01", entry.name), format!("{corr}:ledger.genesis:1")] {
            let mut renamed = fields.clone();
            renamed["id"] = id.into();
            assert!(clear::odd(&renamed.to_string()).unwrap().starts_with("its id "), "{}", entry.name);
        }
    }
    let (line, _) = example(all().find(|entry| entry.name == "callback.sent").unwrap()).unwrap();
    let mut deeper: Value = serde_json::from_str(&line).unwrap();
    deeper["attempt_checked"].as_object_mut().unwrap().remove("status");
    assert!(clear::odd(&deeper.to_string()).unwrap().starts_with("/attempt_checked/status is not there"));
}

#[test]
fn examples_are_valid_and_a_name_or_an_unknown_field_or_an_odd_value_is_not() {
    let mut files = Vec::new();
    for entry in all() {
        let good: Value = serde_json::from_str(&example(entry).unwrap().0).unwrap();
        files.push(json!({ "title": entry.name, "file": good, "valid": true }));
        let mut unknown = good.clone();
        unknown["nickname"] = json!("mona");
        files
            .push(json!({ "title": format!("{} with an unknown field", entry.name), "file": unknown, "valid": false }));
        for field in entry.fields.iter().filter(|field| field.is_required) {
            let mut less = good.clone();
            less.as_object_mut().unwrap().remove(field.name);
            files.push(
                json!({ "title": format!("{} without {}", entry.name, field.name), "file": less, "valid": false }),
            );
        }
        for (field, other) in [
            ("v", json!(2)),
            ("seq", json!(-1)),
            ("time", json!(9_007_199_254_740_992_u64)),
            ("prev", json!("none")),
            ("corr", json!("../x")),
            ("log", json!("")),
        ] {
            let mut odd = good.clone();
            odd[field] = other;
            files.push(json!({ "title": format!("{} with an odd {field}", entry.name), "file": odd, "valid": false }));
        }
        for account in ["reviewer", "actor", "by", "member"].iter().filter(|name| good[name]["login"].is_string()) {
            let mut named = good.clone();
            named[account]["login"] = json!("mona");
            files.push(
                json!({ "title": format!("{} that names {account}", entry.name), "file": named, "valid": false }),
            );
            let mut numbered = good.clone();
            numbered[account]["id"] = json!(12);
            files.push(json!({ "title": format!("{} that tells whose {account}", entry.name), "file": numbered, "valid": false }));
        }
    }
    run_script("schema.mjs", &[&schema_file()], &files);
}

/// The whole road with everything on it that leaves entries: see `sealing.rs`.
#[tokio::test]
async fn whatever_is_really_written_is_valid() {
    let (stage, _) = crate::sealing::lived_through().await;
    let erased = crate::sealing::erase(&stage, "mona", &["--yes", "--reason", "by letter"]);
    assert!(erased.status.success(), "{}", String::from_utf8_lossy(&erased.stderr));
    let mut files = entries(&stage).await;
    let rejudged = rejudged().await;
    files.extend(entries(&rejudged).await);
    let written = |name: &str| files.iter().any(|file| file["file"]["type"] == name);
    for name in [
        "ledger.genesis",
        "policy.loaded",
        "request.opened",
        "request.rejudged",
        "attempt.refused",
        "review.recorded",
        "decision.recorded",
        "callback.sent",
        "callback.result",
        "redaction.performed",
        "facts.recorded",
    ] {
        assert!(written(name), "no {name} was written");
    }
    run_script("schema.mjs", &[&schema_file()], &files);
}

async fn entries(stage: &Stage) -> Vec<Value> {
    let reader = stage.server().store().ledger();
    let log = reader.logs().await.unwrap().remove(0);
    let lines = reader.entries(log.tenant, 0, log.size, usize::MAX >> 1).await.unwrap();
    let file = |line: &String| {
        let entry: Value = serde_json::from_str(line).unwrap();
        json!({ "title": line, "file": entry, "valid": true })
    };
    lines.iter().map(file).collect()
}

/// A large release that is judged again because the rules change while it waits.
async fn rejudged() -> Stage {
    use crate::support::stage::SHOP;
    use seconder::demo::Commit;
    let stage = Stage::set().await;
    let by = |n: usize| {
        let message = format!("Change {n}\n\nCo-Authored-By: Claude <noreply@anthropic.com>");
        Commit::by(&format!("Person {n} <person-{n}@somewhere.example>"), message)
    };
    let shas: Vec<String> = (0..240).map(|n| stage.github.commit(SHOP, &by(n))).collect();
    stage.deploy(shas.last().unwrap());
    stage.asked(shas.last().unwrap()).await;
    let policy =
        "version: 1\nrules:\n  - name: production\n    environments: [production]\n    require: [1 of alice]\n";
    stage.github.push_file(SHOP, "olga", ".github/seconder.yml", Some(policy));
    let told = async || entries(&stage).await.iter().any(|file| file["file"]["type"] == "request.rejudged");
    let waiting = async {
        while !told().await {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(crate::support::stage::PATIENCE, waiting).await.expect("it is judged again");
    crate::sealing::quiet(&stage).await;
    stage
}

#[test]
fn what_happens_rarely_is_valid_too() {
    use crate::support::database::on_sqlite;
    use crate::support::{ACME, click, held, sending};
    use seconder::domain::effect::Effect;
    use seconder::store::Work;
    let files = std::sync::Mutex::new(Vec::new());
    on_sqlite(async |database| {
        let (store, _handed) = database.open().await;
        let case = case(1);
        let request = case.subject.request_id();
        let mut gone = sending(&case, &[]);
        if let Event::Sending(gone) = &mut gone {
            gone.approvers.clear();
        }
        for event in [
            held(&case),
            click(&case, 2, Verdict::Approve),
            gone,
            click(&case, 3, Verdict::Deny),
            Event::GaveUp { request: request.clone(), effect: Effect::Note, error: "GitHub answered 403".into() },
        ] {
            store.commit(Work { claim: None, event: Some(event) }).await.unwrap();
        }
        let reader = store.ledger();
        let log = reader.logs().await.unwrap().remove(0);
        for line in reader.entries(ACME, 0, log.size, 100).await.unwrap() {
            let entry: Value = serde_json::from_str(&line).unwrap();
            files.lock().unwrap().push(json!({ "title": line, "file": entry, "valid": true }));
        }
    });
    let files = files.into_inner().unwrap();
    for name in ["review.struck", "decision.voided", "effect.failed"] {
        assert!(files.iter().any(|file| file["file"]["type"] == name), "no {name} was written");
    }
    run_script("schema.mjs", &[&schema_file()], &files);
}
