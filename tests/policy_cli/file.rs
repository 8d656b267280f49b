//! `policy check` of a file, with nobody to ask.

use std::path::Path;
use std::process::{Output, Stdio};

use serde_json::json;

use super::{BROKEN, GOOD, object, repository};
use crate::support::process::{self, seconder, text};

fn check(folder: &Path, arguments: &[&str]) -> Output {
    seconder().args(["policy", "check"]).args(arguments).current_dir(folder).output().unwrap()
}

/// Checks what it is given to read.
fn fed(arguments: &[&str], input: &str) -> Output {
    process::fed(seconder().args(["policy", "check"]).args(arguments), input)
}

#[test]
fn from_anywhere_in_the_repository_everything_wrong_is_said_at_once_and_underlined() {
    let repo = repository(BROKEN);
    let told = check(&repo.path().join("src/deep"), &[]);
    assert_eq!(told.status.code(), Some(1), "{}", text(&told.stderr));
    let expected = "\
../../.github/seconder.yml:7:15: error: there is no group `plattform`; did you mean `platform`?
  |
7 |     require: [1 of plattform]
  |               ^^^^^^^^^^^^^^

../../.github/seconder.yml:8:5: error: a rule has no key `expries`; did you mean `expires`?
  |
8 |     expries: 4h
  |     ^^^^^^^

1 rule, 1 group, 2 errors
";
    assert_eq!(text(&told.stdout), expected);
}

#[test]
fn a_good_file_is_counted_and_passes() {
    let told = check(repository(GOOD).path(), &[]);
    assert_eq!((told.status.code(), text(&told.stdout).as_str()), (Some(0), "1 rule, 1 group, no errors\n"));
}

#[test]
fn a_warning_passes_unless_one_is_strict() {
    let cautious = GOOD.replace("1 of platform", "{ approvals: 1, from: platform, assurance: passkey }");
    let told = fed(&["-"], &cautious);
    assert_eq!(told.status.code(), Some(0));
    assert!(text(&told.stdout).contains("(standard input):7:"), "{}", text(&told.stdout));
    assert!(text(&told.stdout).ends_with("1 rule, 1 group, no errors, 1 warning\n"));
    assert_eq!(fed(&["-", "--strict"], &cautious).status.code(), Some(1));
    let [lenient, strict] =
        [&["-", "--json"][..], &["-", "--json", "--strict"]].map(|how| object(&fed(how, &cautious)));
    assert_eq!((&lenient["ok"], &strict["ok"]), (&json!(true), &json!(false)), "what is said is how it ends");
}

#[test]
fn a_freeze_that_is_over_is_pointed_out() {
    let freeze = |to: &str| format!("{GOOD}freeze:\n  - {{ name: past, zone: UTC, from: 2020-01-01, to: {to} }}\n");
    let told = text(&fed(&["-"], &freeze("2020-02-01")).stdout);
    assert!(told.contains("(standard input):9:"), "{told}");
    assert!(told.contains("warning: the freeze `past` is over and holds nothing any more; take it out"), "{told}");
    assert!(!text(&fed(&["-"], &freeze("2098-02-01")).stdout).contains("is over"));
}

#[test]
fn a_reader_who_has_seen_enough_is_no_trouble() {
    let repo = repository(GOOD);
    let mut command = seconder();
    command.args(["policy", "check", "--sarif"]).current_dir(repo.path());
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let told = command.stdout(writer).stderr(Stdio::piped()).spawn().unwrap().wait_with_output().unwrap();
    assert_eq!((told.status.code(), text(&told.stderr).as_str()), (Some(0), ""));
}

#[test]
fn what_cannot_be_read_is_another_exit_code_than_what_is_wrong() {
    let nowhere = tempfile::tempdir().unwrap();
    let none = check(nowhere.path(), &[]);
    assert_eq!(none.status.code(), Some(2));
    assert!(text(&none.stderr).contains("neither .github/seconder.yml nor seconder.yml"), "{}", text(&none.stderr));
    assert_eq!(check(nowhere.path(), &["missing.yml"]).status.code(), Some(2));
    std::fs::write(nowhere.path().join("seconder.yaml"), GOOD).unwrap();
    let slip = text(&check(nowhere.path(), &[]).stderr);
    assert!(slip.contains("seconder.yaml is never read: rename it"), "{slip}");
    assert_eq!(check(nowhere.path(), &["."]).status.code(), Some(2), "a folder is no file");
    std::fs::write(nowhere.path().join("seconder.yml"), GOOD).unwrap();
    assert_eq!(check(nowhere.path(), &[]).status.code(), Some(0), "an organization's file is at the root");
}

#[test]
fn programs_get_one_object_with_every_place() {
    let told = check(repository(BROKEN).path(), &["--json"]);
    assert_eq!(told.status.code(), Some(1));
    let found = object(&told);
    assert_eq!((&found["ok"], &found["errors"], &found["rules"]), (&json!(false), &json!(2), &json!(1)));
    assert_eq!(
        found["findings"][0],
        json!({
            "severity": "error", "code": "policy-invalid", "file": ".github/seconder.yml", "line": 7, "column": 15,
            "end_column": 29, "message": "there is no group `plattform`; did you mean `platform`?",
        })
    );
}

#[test]
fn code_scanning_gets_what_it_asks_of_sarif() {
    let sarif = object(&check(&repository(BROKEN).path().join("src"), &["--sarif"]));
    assert_eq!(sarif["version"], "2.1.0");
    let run = &sarif["runs"][0];
    let rules = run["tool"]["driver"]["rules"].as_array().unwrap();
    for rule in rules {
        for text in [&rule["shortDescription"]["text"], &rule["fullDescription"]["text"], &rule["help"]["text"]] {
            assert!(text.as_str().is_some_and(|text| !text.is_empty() && text.len() < 1_024), "{rule}");
        }
        assert!(["error", "warning", "note"].contains(&rule["defaultConfiguration"]["level"].as_str().unwrap()));
    }
    let results = run["results"].as_array().unwrap();
    assert_eq!(results.len(), 2);
    for result in results {
        assert_eq!(rules[usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap()]["id"], result["ruleId"]);
        assert!(result["partialFingerprints"]["primaryLocationLineHash"].is_string());
    }
    let place = &results[0]["locations"][0]["physicalLocation"];
    assert_eq!(place["artifactLocation"]["uri"], ".github/seconder.yml");
    let region = &place["region"];
    let numbers = ["startLine", "startColumn", "endLine", "endColumn"].map(|key| region[key].as_u64().unwrap());
    assert_eq!((numbers, &region["snippet"]["text"]), ([7, 15, 7, 29], &json!("1 of plattform")));
    assert_ne!(results[0]["partialFingerprints"], results[1]["partialFingerprints"]);
}

#[test]
fn a_file_cannot_speak_to_the_terminal() {
    let told = text(&fed(&["-"], &BROKEN.replace("plattform]", "plattform] # \u{202e}evil\u{1b}[2J")).stdout);
    assert!(!told.contains('\u{1b}') && !told.contains('\u{202e}'), "{told}");
}

#[test]
fn help_teaches() {
    let help = text(&seconder().args(["policy", "check", "--help"]).output().unwrap().stdout);
    for expected in ["Examples:", "--sarif > seconder.sarif", "upload-sarif", "--repo acme/shop", "Exit code:"] {
        assert!(help.contains(expected), "{expected} in\n{help}");
    }
}
