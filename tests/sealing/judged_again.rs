//! With names sealed, whoever has the openings judges everything again.

use std::fs;
use std::process::Output;

use seconder::artifact::Directory;
use seconder::ledger::RecordType::*;
use seconder::ledger::sealing::Opening;
use serde_json::{Value, json};

use super::{Export, lived_through};
use crate::ledger_verify::story::{ORIGIN, Story, vkey};
use crate::support::process::{said, seconder};

/// What whoever is strict says of a log that was changed and signed again by whoever has its key, and left its openings as they are.
fn strictly(honest: &Export, change: impl FnOnce(&mut Story)) -> Output {
    strictly_with(honest, change, |names| names)
}

/// The same, with openings that were changed as well.
fn strictly_with(
    honest: &Export,
    change: impl FnOnce(&mut Story),
    forge: impl FnOnce(Vec<String>) -> Vec<String>,
) -> Output {
    audited_with(honest, &["--strict"], change, forge)
}

/// What whoever is not strict says.
fn audited(honest: &Export, options: &[&str], change: impl FnOnce(&mut Story)) -> Output {
    audited_with(honest, options, change, |names| names)
}

fn audited_with(
    honest: &Export,
    options: &[&str],
    change: impl FnOnce(&mut Story),
    forge: impl FnOnce(Vec<String>) -> Vec<String>,
) -> Output {
    let folder = tempfile::tempdir().unwrap();
    let (dir, openings) = (folder.path().join("ledger"), folder.path().join("openings"));
    let lines: Vec<String> = honest.lines().iter().map(Value::to_string).collect();
    let mut story = Story::of_lines(&lines.join("\n"));
    change(&mut story);
    story.export_into(Directory::create(&dir).unwrap());
    let names = fs::read_to_string(&honest.openings).unwrap();
    let rest = forge(names.lines().skip(1).map(str::to_owned).collect()).join("\n");
    let log = json!({"log": ORIGIN, "size": story.records.len()});
    fs::write(&openings, format!("{log}\n{rest}\n")).unwrap();
    let mut verify = seconder();
    verify.args(["ledger", "verify", "--vkey", &vkey().to_string(), "--openings"]).arg(openings).arg(dir);
    verify.args(options).output().unwrap()
}

#[tokio::test]
async fn an_answer_that_does_not_follow_is_refused_whatever_the_catalogue() {
    let (stage, request) = lived_through().await;
    let honest = Export::of(&stage).await;
    let honestly = strictly(&honest, |_| {});
    assert!(honestly.status.success() && said(&honestly).contains("judged again: 2 requests"), "{}", said(&honestly));

    let reword = |story: &mut Story| story.set(&request, AttemptRefused, "/why", json!([{"refusal": "no_access"}]));
    let refused = strictly(&honest, reword);
    assert!(said(&refused).contains("this comes out otherwise: why mona was refused"), "{}", said(&refused));
    assert_eq!(refused.status.code(), Some(1));

    let by_another = |story: &mut Story| story.set(&request, RequestOpened, "/catalogue", json!("0".repeat(64)));
    let told = strictly(&honest, by_another);
    assert!(told.status.success(), "it comes out the same: {}", said(&told));
    assert!(said(&told).contains("1 request was recorded with another catalogue"), "{}", said(&told));
    for sw in ["seconder/0.1.0", "seconder/99.0.0"] {
        let refused = audited(&honest, &[], |story| {
            by_another(story);
            story.add(&request, RequestOpened, "sw", json!(sw));
            reword(story);
        });
        assert!(said(&refused).contains("this comes out otherwise: why mona was refused"), "{}", said(&refused));
        assert_eq!(refused.status.code(), Some(1));
    }
}

#[tokio::test]
async fn facts_whose_opening_looks_sealed_do_not_pass_for_erased() {
    let (stage, request) = lived_through().await;
    let honest = Export::of(&stage).await;
    let value = json!(format!("sha256:{}", "ab".repeat(32)));
    let hollow = Opening { path: "/facts".to_owned(), salt: [7; 32], value };
    let reseal = |story: &mut Story| story.set(&request, RequestOpened, "/facts", json!(hollow.commitment()));
    // Of two requests, the first.
    let forge = |mut names: Vec<String>| {
        let line = names.iter_mut().find(|line| line.contains("\"/facts\"")).unwrap();
        let mut entry: Value = serde_json::from_str(line).unwrap();
        let mut openings = entry["openings"].as_array_mut().unwrap().iter_mut();
        *openings.find(|opening| opening["path"] == "/facts").unwrap() = serde_json::to_value(&hollow).unwrap();
        *line = entry.to_string();
        names
    };
    let refused = strictly_with(&honest, reseal, forge);
    assert!(said(&refused).contains("the opening of /facts tells another commitment"), "{}", said(&refused));
    assert_eq!(refused.status.code(), Some(1));
}
