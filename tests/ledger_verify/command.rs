//! `seconder ledger verify` on a folder.
use std::fs;
use std::path::Path;

use clap::Parser;
use seconder::artifact::Directory;
use seconder::cli::ledger::verify::{Failure, VerifyArgs, check};
use tempfile::TempDir;

use super::story::{Story, export_lines, vkey};
use crate::support::process::seconder;

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

/// Runs the program, and returns its exit code, what it printed and what it complained of.
fn verify(folder: &Path, options: &[&str]) -> (i32, String, String) {
    let mut command = seconder();
    command.args(["ledger", "verify", "ledger", "--vkey", &vkey().to_string()]).args(options).current_dir(folder);
    let output = command.output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

#[test]
fn a_request_is_found_by_the_first_digits_of_its_id_unless_others_begin_so_too() {
    let folder = TempDir::new().unwrap();
    Story::of(62).export_into(Directory::create(&folder.path().join("ledger")).unwrap());
    let explain = |request: &str| verify(folder.path(), &["--explain", request]);
    for asked in ["req-00061", " req-00061 "] {
        assert!(explain(asked).1.contains("production of acme/shop waits"), "{asked}");
    }
    let (code, _, said) = explain("req-0006");
    assert_eq!(code, 2);
    assert!(said.contains("several requests begin with req-0006, req-00060, req-00061 among them"), "{said}");
    for unknown in ["req-9999", "\"", ""] {
        let (code, _, said) = explain(unknown);
        assert!(code == 2 && said.contains("says nothing of a request"), "{unknown}: {said}");
    }
    Story::of(61).export_into(Directory::create(&folder.path().join("shorter/ledger")).unwrap());
    let (_, story, said) = verify(&folder.path().join("shorter"), &["--explain", "req-0006"]);
    assert!(story.contains("production of acme/shop waits"), "{said}");
}

#[test]
fn a_program_is_told_of_a_failure_too() {
    let folder = exported();
    let json = |options: &[&str]| {
        let (code, said, _) = verify(folder.path(), &[&["--json"], options].concat());
        (code, serde_json::from_str::<serde_json::Value>(&said).unwrap_or_else(|error| panic!("{error}: {said:?}")))
    };
    let (code, report) = json(&[]);
    assert_eq!((code, &report["ok"], &report["exit_code"]), (0, &true.into(), &0.into()));
    let (code, failure) = json(&["--old", "nowhere"]);
    assert_eq!((code, &failure["ok"], &failure["exit_code"]), (2, &false.into(), &2.into()));
    assert!(failure["message"].as_str().unwrap().contains("cannot read nowhere"), "{failure}");
    fs::remove_file(folder.path().join("ledger/log.vkey")).unwrap();
    let (code, failure) = json(&[]);
    assert_eq!((code, &failure["exit_code"], &failure["verdict"]), (1, &1.into(), &"NOT VERIFIED".into()));
}

#[test]
fn a_program_gets_an_object_also_when_its_command_line_is_wrong() {
    let folder = exported();
    let run = |arguments: &[&str]| {
        let mut command = seconder();
        let output = command.args(["ledger", "verify"]).args(arguments).current_dir(folder.path()).output().unwrap();
        (output.status.code().unwrap(), output.stdout, String::from_utf8(output.stderr).unwrap())
    };
    for wrong in [&["ledger", "--json"][..], &["--json", "--vkey", "x"], &["ledger", "--json", "--wrong"]] {
        let (code, stdout, said) = run(wrong);
        let answer: serde_json::Value = serde_json::from_slice(&stdout).unwrap();
        assert_eq!((code, &answer["ok"], &answer["exit_code"]), (2, &false.into(), &2.into()), "{said}");
        assert!(answer["message"].as_str().unwrap().starts_with("error: ") && said.contains("error: "), "{answer}");
    }
    let (code, stdout, said) = run(&["ledger"]);
    assert!(code == 2 && stdout.is_empty() && said.contains("--vkey"), "{said}");
    let (code, stdout, _) = run(&["--help", "--json"]);
    assert!(code == 0 && stdout.starts_with(b"Check "), "help is no failure");
}

#[test]
fn too_few_digits_of_a_request_are_said_to_be_too_few() {
    let folder = exported();
    let (code, _, said) = verify(folder.path(), &["--explain", "eed"]);
    assert!(code == 2 && said.contains("eed is too short") && said.contains("at least 8 digits"), "{said}");
}

#[test]
fn what_is_not_there_is_said_not_to_be_there() {
    let folder = exported();
    for (option, said) in [
        (["--witness-policy", "nowhere"], "--witness-policy nowhere: no such file"),
        (["--openings", "nowhere"], "cannot read nowhere"),
    ] {
        let (code, _, complaint) = verify(folder.path(), &option);
        assert!(code == 2 && complaint.contains(said), "{complaint}");
    }
    let missing = run(folder.path(), &["--vkey", "nowhere/log.vkey"]).unwrap_err();
    assert!(missing.to_string().contains("no such file"), "{missing}");
}

#[test]
fn a_witness_policy_that_asks_nobody_is_a_warning_and_whoever_is_strict_refuses_it() {
    let folder = exported();
    fs::write(folder.path().join("nobody"), "quorum none\n").unwrap();
    let (code, said, _) = verify(folder.path(), &["--witness-policy", "nobody"]);
    assert_eq!(code, 0);
    assert!(said.contains("warning: the witness policy asks no witness"), "{said}");
    let (code, _, said) = verify(folder.path(), &["--witness-policy", "nobody", "--strict", "--state", "seen"]);
    assert_eq!(code, 1);
    assert!(said.contains("NOT VERIFIED: --strict: "), "{said}");
    assert!(!folder.path().join("seen").exists(), "what was refused is not remembered");
}

#[test]
fn a_symbolic_link_in_the_folder_of_a_ledger_is_not_followed() {
    let folder = exported();
    let within = folder.path().join("ledger");
    for name in ["checkpoint", "entries.jsonl", "tile/0/000", "receipts/req-00000.json"] {
        let (file, elsewhere) = (within.join(name), folder.path().join("elsewhere"));
        fs::rename(&file, &elsewhere).unwrap();
        std::os::unix::fs::symlink(&elsewhere, &file).unwrap();
        let (code, _, said) = verify(folder.path(), &[]);
        assert!(code == 2 && said.contains("it is a symbolic link, which is not followed"), "{name}: {said}");
        fs::remove_file(&file).unwrap();
        fs::rename(&elsewhere, &file).unwrap();
    }
    fs::rename(within.join("receipts"), folder.path().join("elsewhere")).unwrap();
    std::os::unix::fs::symlink(folder.path().join("elsewhere"), within.join("receipts")).unwrap();
    let (code, _, said) = verify(folder.path(), &[]);
    assert!(code == 1 && said.contains("receipts does not belong to this ledger"), "{said}");
}

#[test]
fn what_stands_in_clear_and_what_is_not_canonical_is_refused_by_whoever_is_strict() {
    use seconder::ledger::verify::clear::odd;
    let line = r#"{"effect":"note","error":"sha256:0000000000000000000000000000000000000000000000000000000000000000","id":"x","request_digest":"sha256:d","type":"effect.failed","v":1}"#;
    assert_eq!(odd(line), None);
    for (change, said) in [
        (line.replace("\"v\":1", "\"v\": 1"), "not in canonical form"),
        (
            line.replace("{\"effect\":\"note\",", "{").replace(",\"v\"", ",\"effect\":\"note\",\"v\""),
            "not in canonical form",
        ),
        (line.replace("{\"effect\"", "{\"effect\":\"x\",\"effect\""), "not in canonical form"),
        (line.replace("sha256:0000", "monas token is 0000"), "/error stands in clear"),
        (line.replace(",\"v\"", ",\"user\":\"mona\",\"v\""), "/user stands in clear"),
        (format!("{line}\r"), "not in canonical form"),
        (line.replace(",\"v\"", r#","user":{"a":1,"a":2},"v""#), "not in canonical form"),
        (line.replace("note", r"\ud800"), "it cannot be read: "),
        (
            line.replace(",\"v\"", &format!(",\"user\":{}1{},\"v\"", "[".repeat(200), "]".repeat(200))),
            "it cannot be read: ",
        ),
        (line.replace("\"note\"", "[1.5]"), "effect[0] is not an integer, which no entry has"),
        (line.replace("\"note\"", "{\"a\":null}"), "effect.a is null, which no entry has"),
        (line.replace("\"note\"", "9007199254740992"), "effect is an integer of 2^53 or more"),
    ] {
        assert!(odd(&change).is_some_and(|odd| odd.contains(said)), "{change}");
    }
}

#[test]
fn whoever_is_strict_refuses_an_entry_that_ends_in_a_carriage_return_though_it_is_signed() {
    let folder = TempDir::new().unwrap();
    let ledger = folder.path().join("ledger");
    let strict = |lines: &[String]| {
        export_lines(lines, Directory::create(&ledger).unwrap());
        let (code, _, said) = verify(folder.path(), &["--strict"]);
        fs::remove_dir_all(&ledger).unwrap();
        (code, said)
    };
    let mut lines = Story::of(0).lines();
    let (code, said) = strict(&lines);
    assert_eq!(code, 0, "{said}");
    lines.last_mut().unwrap().push('\r');
    let (code, said) = strict(&lines);
    assert!(code == 1 && said.contains("entry 1: it is not in canonical form"), "{said}");
}

#[test]
fn whoever_is_strict_takes_no_commitment_for_what_stands_in_clear_and_nothing_else_for_what_was_too_long() {
    use seconder::ledger::catalogue::{all, example};
    use seconder::ledger::verify::clear::odd;
    use serde_json::{Value, json};
    let (line, _) = example(all().find(|entry| entry.name == "request.opened").unwrap()).unwrap();
    let opening: Value = serde_json::from_str(&line).unwrap();
    let changed = |path: &str, value: &Value| {
        let mut opening = opening.clone();
        *opening.pointer_mut(path).unwrap_or_else(|| panic!("no {path}")) = value.clone();
        odd(&opening.to_string())
    };
    let sealed = json!(format!("sha256:{}", "0".repeat(64)));
    for path in ["/deployment_id", "/environment", "/head_sha", "/run", "/run/id", "/ai_commits", "/partial"] {
        let said = format!("{path} is not what the catalogue of this version says stands there");
        assert_eq!(changed(path, &sealed), Some(said));
    }
    assert!(changed("/ai_commits", &json!("7")).is_some(), "a word for a number");
    let omitted =
        |omitted: &str, bytes: Value, sha256: &str| json!({"omitted": omitted, "bytes": bytes, "sha256": sha256});
    let too_long = "too long for an entry";
    assert_eq!(changed("/commits", &omitted(too_long, json!(70_000), &"0".repeat(64))), None);
    for (path, value) in [
        ("/commits", omitted("mona", json!(70_000), &"0".repeat(64))),
        ("/commits", omitted(too_long, json!(70_000), "the name of somebody")),
        ("/commits", omitted(too_long, json!(7), &"0".repeat(64))),
        ("/commits", json!({"omitted": too_long, "sha256": "0".repeat(64)})),
        ("/facts", omitted(too_long, json!(70_000), &"0".repeat(64))),
        ("/commits/0/evidence", omitted(too_long, json!(70_000), &"0".repeat(64))),
        ("/deployment_id", omitted(too_long, json!(70_000), &"0".repeat(64))),
    ] {
        assert!(changed(path, &value).is_some_and(|odd| odd.starts_with(path)), "{path}: {value}");
    }
}
