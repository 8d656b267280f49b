//! `seconder demo`, as somebody who has just built it runs it.

use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use tempfile::TempDir;

use crate::support::process;

fn seconder(arguments: &[&str], folder: &Path) -> Output {
    process::seconder()
        .args(arguments)
        .current_dir(folder)
        // What the demo puts aside while it runs goes here as well, so that we see what it leaves behind.
        .env("TMPDIR", folder)
        .stdin(Stdio::null())
        .output()
        .unwrap()
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

fn assert_success(output: &Output) {
    assert!(output.status.success(), "{}\n{}", stdout(output), stderr(output));
}

fn names_in(folder: &Path) -> Vec<String> {
    let mut names: Vec<_> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn the_demo_tells_the_whole_story_and_leaves_nothing_behind() {
    let folder = TempDir::new().unwrap();
    let output = seconder(&["demo"], folder.path());
    assert_success(&output);
    let story = stdout(&output);
    for moment in [
        "production waits for a second human",
        "Claude Code",
        "mona could not approve",
        "shopbot[bot] could not approve",
        "Seconded by alice. Ledger entry",
        "verified: demo.seconder.example/l/",
        "NOT VERIFIED: line 3: hash chain broken",
    ] {
        assert!(story.contains(moment), "{moment} is not in:\n{story}");
    }
    assert!(!story.contains('\x1b'), "no colour where no terminal is");
    assert!(story.lines().all(|line| line.chars().count() <= 100), "a hundred columns are enough:\n{story}");
    assert_eq!(names_in(folder.path()), Vec::<String>::new());
}

#[test]
fn the_ledger_it_leaves_verifies_by_the_command_it_prints_until_a_byte_is_changed() {
    let folder = TempDir::new().unwrap();
    let output = seconder(&["demo", "--fast", "--out", "out"], folder.path());
    assert_success(&output);
    let told = stdout(&output);
    let printed =
        told.lines().find_map(|line| line.trim().strip_prefix("$ ").filter(|c| c.contains("out/ledger"))).unwrap();
    assert_eq!(names_in(folder.path()), ["out"]);
    assert_eq!(names_in(&folder.path().join("out")), ["ledger", "log.vkey", "openings.jsonl", "release"]);
    let release = seconder(&["ledger", "verify", "out/release", "--vkey", "out/log.vkey", "--strict"], folder.path());
    assert_success(&release);

    let by_shell = Command::new("sh").args(["-c", printed]).current_dir(folder.path()).output().unwrap();
    assert_success(&by_shell);
    assert!(stdout(&by_shell).contains("1 decided"), "{}", stdout(&by_shell));

    let verify = ["ledger", "verify", "out/ledger", "--vkey"];
    let inside = seconder(&[&verify[..], &["out/ledger/log.vkey"]].concat(), folder.path());
    assert_eq!(inside.status.code(), Some(2), "a key from inside the folder proves nothing");
    assert!(stderr(&inside).contains("lies inside the ledger it should prove"));

    let entries = folder.path().join("out/ledger/entries.jsonl");
    let changed = fs::read_to_string(&entries).unwrap().replacen(
        "\"environment\":\"production\"",
        "\"environment\":\"productiom\"",
        1,
    );
    fs::write(&entries, changed).unwrap();
    let forged = seconder(&[&verify[..], &["out/log.vkey"]].concat(), folder.path());
    assert_eq!(forged.status.code(), Some(1));
    assert!(stderr(&forged).contains("NOT VERIFIED"), "{}", stderr(&forged));
}

#[test]
fn forty_deployments_end_as_they_should_and_all_are_accounted_for() {
    let folder = TempDir::new().unwrap();
    let output = seconder(&["demo", "--deployments", "40", "--out", "out"], folder.path());
    assert_success(&output);
    let told = stdout(&output);
    let rows: Vec<String> = told
        .lines()
        .filter(|line| line.contains(" approved ") || line.contains(" rejected "))
        .map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "))
        .collect();
    assert_eq!(
        rows,
        [
            "seconded by alice 16 16 approved 16 approved",
            "mona refused, then seconded by alice 8 8 approved 8 approved",
            "denied by alice 4 4 rejected 4 denied",
            "no agent had a part: no second needed 8 8 approved 8 not_required",
            "nobody came for a day: denied 4 4 rejected 4 expired",
        ]
    );
    let report = seconder(&["ledger", "verify", "out/ledger", "--vkey", "out/log.vkey", "--json"], folder.path());
    assert_success(&report);
    let report: serde_json::Value = serde_json::from_slice(&report.stdout).unwrap();
    assert_eq!(report["outcomes"], serde_json::json!({ "approved": 24, "denied": 4, "expired": 4, "not_required": 8 }));
    assert_eq!(report["entries"]["attempt.refused"], 8);
    assert_eq!(report["pending"], 0);
}

#[test]
fn two_demos_at_once_do_not_meet() {
    let folder = TempDir::new().unwrap();
    let outputs = std::thread::scope(|scope| {
        let runs = [(), ()].map(|()| scope.spawn(|| seconder(&["demo", "--fast"], folder.path())));
        runs.map(|run| run.join().unwrap())
    });
    outputs.iter().for_each(assert_success);
}

#[test]
fn a_folder_that_cannot_take_the_ledger_is_refused_before_anything_starts() {
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join("file"), "not a folder").unwrap();
    fs::create_dir_all(folder.path().join("used/ledger")).unwrap();
    fs::write(folder.path().join("used/ledger/checkpoint"), "somebody else's").unwrap();
    fs::create_dir_all(folder.path().join("key")).unwrap();
    fs::write(folder.path().join("key/log.vkey"), "somebody else's").unwrap();
    for (out, why) in [
        ("file/out", "cannot make file/out/ledger"),
        ("used", "holds something already"),
        ("key", "key of another ledger"),
    ] {
        let output = seconder(&["demo", "--fast", "--out", out], folder.path());
        assert_eq!(output.status.code(), Some(1));
        assert!(stderr(&output).contains(why), "{}", stderr(&output));
        assert!(stderr(&output).contains("choose another folder"), "{}", stderr(&output));
        assert_eq!(stdout(&output), "", "nothing was told");
    }
    assert_eq!(fs::read_to_string(folder.path().join("key/log.vkey")).unwrap(), "somebody else's");
}
