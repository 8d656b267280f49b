//! Names: in no entry, whoever writes it, and all of them in the openings.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use seconder::domain::event::{Event, Verdict};
use seconder::store::Work;
use serde_json::Value;

use super::{Export, lived_through, on_ledger};
use crate::support::database::on_both;
use crate::support::process::{said, seconder};
use crate::support::{ACME, case, case_of, click, held};

/// Everybody there is, and what else is sealed.
const NAMES: [&str; 12] = [
    "mona",
    "alice",
    "bob",
    "rita",
    "olga",
    "dora",
    "zoe@",
    "Zoe",
    "example.com",
    "platform",
    "anthropic.com",
    "enough",
];

fn files_in(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(files_in(&path));
        } else {
            files.push((path.clone(), fs::read(&path).unwrap()));
        }
    }
    files
}

/// A text without its hashes and signatures: in so many letters that mean nothing, any short name stands sooner or later.
fn words(text: &str) -> String {
    let ends = |c: char| !(c.is_ascii_alphanumeric() || matches!(c, '+' | '/' | '='));
    text.split_inclusive(ends).filter(|run| run.len() < 43).collect()
}

#[tokio::test]
async fn nobody_is_named_anywhere_in_an_exported_ledger_and_whoever_has_the_openings_reads_all_names() {
    let (stage, request) = lived_through().await;
    let export = Export::of(&stage).await;
    let tiles = export.dir.join("tile");
    let is_hashes = |path: &Path| path.starts_with(&tiles) && !path.starts_with(tiles.join("entries"));
    for (path, bytes) in files_in(&export.dir).into_iter().filter(|(path, _)| !is_hashes(path)) {
        let text = words(&String::from_utf8_lossy(&bytes)).to_lowercase();
        for name in NAMES {
            assert!(!text.contains(&name.to_lowercase()), "{name} is in {}", path.display());
        }
    }
    let text = words(&fs::read_to_string(export.dir.join("entries.jsonl")).unwrap());
    assert!(text.contains("shopbot[bot]"), "a bot is nobody");

    let verified = export.verify_opened(&["--explain", &request]);
    let story = said(&verified);
    assert!(verified.status.success(), "{story}");
    for name in [
        "alice approved",
        "mona could not approve",
        "dora (account",
        "judged again: same parties",
        "are what the entries commit to",
    ] {
        assert!(story.contains(name), "{name}\n{story}");
    }
    let sealed = export.verify(&["--explain", &request]);
    let story = said(&sealed);
    assert!(story.contains("sub_") && story.contains("--openings FILE tells"), "{story}");
    assert!(NAMES.iter().all(|name| !words(&story).contains(name)), "{story}");
    assert_eq!(sealed.status.code(), Some(2), "what is sealed is not judged again");
    assert!(said(&export.verify(&[])).contains("names are sealed and stay so"));
}

#[test]
fn one_person_is_one_subject_in_all_entries_of_a_log_and_another_one_in_another_log() {
    on_both(async |database| {
        let (store, _handed) = database.open().await;
        let (one, other) = (case(1), case_of(7_777, 2));
        for case in [&one, &other] {
            store.commit(Work { claim: None, event: Some(held(case)) }).await.unwrap();
        }
        let click: Event = click(&one, 1, Verdict::Approve);
        store.commit(Work { claim: None, event: Some(click) }).await.unwrap();
        let reader = store.ledger();
        let mut subjects: BTreeMap<u64, Vec<Value>> = BTreeMap::new();
        for log in reader.logs().await.unwrap() {
            for line in reader.entries(log.tenant, 0, log.size, 100).await.unwrap() {
                let entry: Value = serde_json::from_str(&line).unwrap();
                for who in ["/actor/id", "/triggering_actor/id", "/parties/0/id", "/reviewer/id"] {
                    subjects.entry(log.tenant).or_default().extend(entry.pointer(who).cloned());
                }
            }
        }
        let (here, there) = (&subjects[&ACME], &subjects[&7_777]);
        assert_eq!((here.len(), there.len()), (4, 3), "{subjects:?}");
        assert!(here.iter().all(|subject| *subject == here[0]), "{subjects:?}");
        assert!(here[0].as_str().unwrap().starts_with("sub_"));
        assert_ne!(here[0], there[0]);
    });
}

#[tokio::test]
async fn whoever_closes_the_pipe_has_read_enough() {
    let (stage, _) = lived_through().await;
    let folder = tempfile::tempdir().unwrap();
    for arguments in [&["export", "ledger"][..], &["keys"], &["keys", "--json"], &["erase", "mona", "--dry-run"]] {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let output = on_ledger(&stage).args(arguments).current_dir(folder.path()).stdout(writer).output().unwrap();
        assert!(output.status.success() && output.stderr.is_empty(), "{arguments:?}: {}", said(&output));
    }
}

#[tokio::test]
async fn whoever_is_strict_finds_nothing_odd_in_what_a_server_writes_and_every_name_in_what_is_told() {
    let (stage, _) = lived_through().await;
    let strict = Export::of(&stage).await.verify_opened(&["--strict"]);
    assert!(strict.status.success() && !said(&strict).contains("warning"), "{}", said(&strict));
    let folder = tempfile::tempdir().unwrap();
    let mut command = on_ledger(&stage);
    command.args(["export", "segment", "--segment"]).current_dir(folder.path());
    assert!(command.output().unwrap().status.success());
    let vkey = &stage.log().await.vkey;
    let mut command = seconder();
    command.args(["ledger", "verify", "segment", "--vkey", vkey, "--strict"]).current_dir(folder.path());
    let strict = command.output().unwrap();
    assert!(strict.status.success() && !said(&strict).contains("vouches"), "{}", said(&strict));
}
