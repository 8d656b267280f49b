//! `seconder policy`, as somebody meets it who writes rules, and somebody who wonders what they did.

use std::process::Output;

use serde_json::Value;
use tempfile::TempDir;

mod explain;
mod file;
mod replay;
mod repository;

const GOOD: &str = "version: 1\napprovers:\n  platform: [alice, bob]\nrules:\n  - name: production\n    \
                    environments: [production]\n    require: [1 of platform]\n";

const BROKEN: &str = "version: 1\napprovers:\n  platform: [alice]\nrules:\n  - name: production\n    \
                      environments: [production]\n    require: [1 of plattform]\n    expries: 4h\n";

/// A git work tree whose `.github/seconder.yml` says this.
fn repository(policy: &str) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir_all(folder.path().join(".git")).unwrap();
    std::fs::create_dir_all(folder.path().join(".github")).unwrap();
    std::fs::create_dir_all(folder.path().join("src/deep")).unwrap();
    std::fs::write(folder.path().join(".github/seconder.yml"), policy).unwrap();
    folder
}

fn object(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap()
}
