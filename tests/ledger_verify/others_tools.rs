//! Tools that nobody here wrote agree: Go's x/mod (`sumdb/note`, `sumdb/tlog`) and openssl.
use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use base64::Engine as _;
use seconder::artifact::Directory;
use tempfile::TempDir;

use super::story::{Story, vkey};

const GO_CHECK: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/tools/ledger_check.go");

fn exported() -> TempDir {
    let folder = TempDir::new().unwrap();
    Story::of(150).export_into(Directory::create(&folder.path().join("ledger")).unwrap());
    fs::write(folder.path().join("trusted.vkey"), vkey().to_string()).unwrap();
    fs::write(folder.path().join("older"), Story::of(60).checkpoint()).unwrap();
    folder
}

fn output(command: &mut Command) -> Output {
    let program = command.get_program().to_owned();
    command.output().unwrap_or_else(|error| {
        panic!("cannot run {program:?} ({error}); run `make test`, it installs what the tests need")
    })
}

pub fn run(command: &mut Command) -> Result<(), String> {
    let output = output(command);
    let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    if output.status.success() { Ok(()) } else { Err(said) }
}

/// Builds the check once; Debian's `golang-golang-x-mod-dev` has the library.
pub fn go_check(folder: &Path) -> String {
    let library = Path::new("/usr/share/gocode/src/golang.org/x/mod/sumdb/tlog");
    assert!(library.is_dir(), "{} is missing; run `make test`, it installs what the tests need", library.display());
    let program = folder.join("ledger_check").display().to_string();
    let mut build = Command::new("go");
    build.args(["build", "-o", &program, GO_CHECK]).env("GO111MODULE", "off").env("GOPATH", "/usr/share/gocode");
    build.env("GOCACHE", concat!(env!("CARGO_TARGET_TMPDIR"), "/go-cache")).env("GOFLAGS", "").current_dir(folder);
    run(&mut build).unwrap();
    program
}

#[test]
fn gos_transparency_log_library_verifies_what_we_export_and_refuses_what_was_changed() {
    let folder = exported();
    let program = go_check(folder.path());
    let check = || run(Command::new(&program).args(["ledger", "trusted.vkey", "older"]).current_dir(folder.path()));
    check().unwrap();

    for (path, place, reason) in [
        ("entries.jsonl", 5_000, "root hash"),
        ("checkpoint", 2, "signature"),
        ("tile/0/000", 40, "tile/0/000"),
        ("tile/1/000.p/2", 40, "tile/1/000.p/2"),
        ("tile/entries/001", 600, "tile/entries/001"),
        ("receipts/req-00006.json", 100, "receipt req-00006"),
        ("receipts/req-00006.tlog-proof", 50, "receipt req-00006"),
        ("../older", 60, "older checkpoint"),
    ] {
        let file = folder.path().join("ledger").join(path);
        let before = fs::read(&file).unwrap();
        let mut after = before.clone();
        after[place] ^= 1;
        fs::write(&file, after).unwrap();
        let said = check().unwrap_err();
        assert!(said.contains(reason), "{path}: {said}");
        fs::write(&file, before).unwrap();
    }
    check().unwrap();
}

#[test]
fn openssl_verifies_the_signature_of_a_checkpoint() {
    let folder = exported();
    let note = fs::read_to_string(folder.path().join("ledger/checkpoint")).unwrap();
    let (text, signatures) = note.split_once("\n\n").unwrap();
    let blob = signatures.split_whitespace().last().unwrap();
    let signature = &base64::engine::general_purpose::STANDARD.decode(blob).unwrap()[4..];
    fs::write(folder.path().join("body"), format!("{text}\n")).unwrap();
    fs::write(folder.path().join("sig"), signature).unwrap();
    fs::write(folder.path().join("log.pub.pem"), vkey().to_spki_pem()).unwrap();
    let verify = || {
        let arguments = "pkeyutl -verify -pubin -inkey log.pub.pem -rawin -in body -sigfile sig";
        run(Command::new("openssl").args(arguments.split(' ')).current_dir(folder.path()))
    };
    verify().unwrap();
    fs::write(folder.path().join("body"), format!("{text} \n")).unwrap();
    verify().unwrap_err();
}
