//! `seconder ledger verify` on a folder.
use std::fs;
use std::path::Path;

use clap::Parser;
use seconder::artifact::Directory;
use seconder::cli::ledger::verify::{Failure, VerifyArgs, check};
use tempfile::TempDir;

use super::story::{Story, vkey};

#[derive(Parser)]
struct Command {
    #[command(flatten)]
    verify: VerifyArgs,
}

fn exported() -> TempDir {
    let folder = TempDir::new().unwrap();
    Story::of(70).export_into(Directory::create(&folder.path().join("ledger")).unwrap());
    fs::write(folder.path().join("trusted.vkey"), format!("{}\n", vkey())).unwrap();
    folder
}

fn run(folder: &Path, options: &[&str]) -> Result<(), Failure> {
    let ledger = folder.join("ledger").display().to_string();
    let arguments = ["verify", &ledger].into_iter().chain(options.iter().copied());
    check(&Command::try_parse_from(arguments).unwrap().verify).map(|_| ())
}

#[test]
fn the_key_may_be_given_as_a_file_or_as_itself() {
    let folder = exported();
    run(folder.path(), &["--vkey", folder.path().join("trusted.vkey").to_str().unwrap()]).unwrap();
    run(folder.path(), &["--vkey", &vkey().to_string()]).unwrap();
    let missing = run(folder.path(), &["--vkey", "no-such-file"]).unwrap_err();
    assert!(matches!(&missing, Failure::Unusable(why) if why.contains("no such file")), "{missing}");
}

#[test]
fn a_key_that_lies_inside_the_ledger_is_refused_by_whatever_name_unless_told_to() {
    let folder = exported();
    let inside = folder.path().join("ledger/log.vkey");
    let (symbolic, hard) = (folder.path().join("symbolic"), folder.path().join("hard"));
    std::os::unix::fs::symlink(&inside, &symbolic).unwrap();
    fs::hard_link(&inside, &hard).unwrap();
    let roundabout = folder.path().join("ledger/../ledger/log.vkey");
    for key in [&inside, &symbolic, &hard, &roundabout] {
        let key = key.to_str().unwrap();
        let refused = run(folder.path(), &["--vkey", key]).unwrap_err();
        assert!(matches!(&refused, Failure::Unusable(why) if why.contains("lies inside the ledger")), "{refused}");
        run(folder.path(), &["--vkey", key, "--trust-artifact-key"]).unwrap();
    }
    run(folder.path(), &["--trust-artifact-key"]).unwrap();
}

#[test]
fn a_request_that_the_ledger_does_not_know_cannot_be_explained() {
    let folder = exported();
    let ledger = folder.path().join("ledger").display().to_string();
    let explain = |request: &str| {
        let arguments = ["verify", &ledger, "--vkey", &vkey().to_string(), "--explain", request];
        seconder::cli::ledger::verify::run(&Command::try_parse_from(arguments).unwrap().verify)
    };
    assert_eq!(explain("00000000000000000000000000000000"), std::process::ExitCode::from(2));
}

#[test]
fn without_a_key_the_command_is_not_even_tried() {
    let error = Command::try_parse_from(["verify", "ledger"]).map(|_| ()).unwrap_err();
    assert!(error.to_string().contains("--vkey"), "{error}");
}

#[test]
fn an_older_checkpoint_is_compared_and_a_lie_is_told_from_a_problem() {
    let folder = exported();
    let (older, newer) = (folder.path().join("older"), folder.path().join("newer"));
    fs::write(&older, Story::of(20).checkpoint()).unwrap();
    fs::write(&newer, Story::of(90).checkpoint()).unwrap();
    let key = vkey().to_string();
    run(folder.path(), &["--vkey", &key, "--old", older.to_str().unwrap()]).unwrap();
    let rollback = run(folder.path(), &["--vkey", &key, "--old", newer.to_str().unwrap()]).unwrap_err();
    assert!(matches!(&rollback, Failure::Refused(refusal) if refusal.to_string().contains("rollback")), "{rollback}");
    let problem = run(folder.path(), &["--vkey", &key, "--old", "nowhere"]).unwrap_err();
    assert!(matches!(&problem, Failure::Unusable(why) if why.contains("cannot read nowhere")), "{problem}");
    fs::remove_file(folder.path().join("ledger/entries.jsonl")).unwrap();
    let refused = run(folder.path(), &["--vkey", &key]).unwrap_err();
    assert!(matches!(&refused, Failure::Refused(refusal) if refusal.to_string().contains("entries.jsonl is missing")));
}

#[test]
fn a_ledger_is_not_exported_over_another() {
    let folder = exported();
    let error = Directory::create(&folder.path().join("ledger")).unwrap_err();
    assert!(error.to_string().contains("is not empty"), "{error}");
}
