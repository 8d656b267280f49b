//! With names sealed, whoever has the openings judges everything again.

use std::fs;
use std::process::Output;

use seconder::artifact::Directory;
use seconder::ledger::RecordType::*;
use serde_json::{Value, json};

use super::{Export, lived_through};
use crate::ledger_verify::story::{ORIGIN, Story, vkey};
use crate::support::process::{said, seconder};

/// What whoever is strict says of a log that was changed and signed again by whoever has its key, and left its openings as they are.
fn strictly(honest: &Export, change: impl FnOnce(&mut Story)) -> Output {
    let folder = tempfile::tempdir().unwrap();
    let (dir, openings) = (folder.path().join("ledger"), folder.path().join("openings"));
    let lines: Vec<String> = honest.lines().iter().map(Value::to_string).collect();
    let mut story = Story::of_lines(&lines.join("\n"));
    change(&mut story);
    story.export_into(Directory::create(&dir).unwrap());
    let names = fs::read_to_string(&honest.openings).unwrap();
    let (_, rest) = names.split_once('\n').unwrap();
    let log = json!({"log": ORIGIN, "size": story.records.len()});
    fs::write(&openings, format!("{log}\n{rest}")).unwrap();
    let mut verify = seconder();
    verify.args(["ledger", "verify", "--strict", "--vkey", &vkey().to_string(), "--openings"]).arg(openings).arg(dir);
    verify.output().unwrap()
}

#[tokio::test]
async fn an_answer_that_does_not_follow_is_refused_and_with_another_catalogue_by_whoever_is_strict() {
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
    let refused = strictly(&honest, |story| {
        by_another(story);
        reword(story);
    });
    assert!(
        said(&refused).contains("--strict: judged again by the catalogue of agents of this version, 1 request"),
        "{}",
        said(&refused)
    );
    assert_eq!(refused.status.code(), Some(1));
}
