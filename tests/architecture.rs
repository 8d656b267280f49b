//! Imports point down only. The table is the house; the code must keep to it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// Each room, and the rooms it may import from.
const HOUSE: &[(&str, &[&str])] = &[
    ("domain", &[]),
    ("ledger", &["domain"]),
    ("config", &[]),
    ("keys", &["config"]),
    ("store", &["domain", "ledger"]),
    ("github", &["domain"]),
    ("witness", &["ledger"]),
    ("artifact", &["store", "ledger"]),
    ("app", &["artifact", "store", "github", "witness", "ledger", "domain"]),
    ("http", &["app", "store", "github", "ledger"]),
    ("worker", &["app", "store", "domain"]),
    ("server", &["config", "keys", "app", "store", "github", "http", "worker", "domain"]),
    // The fake GitHub shares nothing with the adapter: a shared mistake would hide itself.
    ("demo", &[]),
    ("demo/tour", &["demo", "server", "config", "ledger", "store"]),
    ("cli", &["config", "server", "demo", "artifact", "ledger", "app", "store", "github", "domain", "keys"]),
    ("main", &["cli"]),
    ("lib", &[]),
];

/// What a pure room must not touch: files, sockets, clocks, tasks, databases, randomness.
const IMPURE: &[&str] = &[
    "std::fs",
    "std::net",
    "std::env",
    "std::process",
    "std::thread",
    "Instant::now",
    "SystemTime",
    "Utc::now",
    "tokio::",
    "async fn",
    "sqlx::",
    "axum::",
    "octocrab::",
    "hyper",
    "uuid::",
    "ring::rand",
];

fn sources() -> Vec<PathBuf> {
    fn walk(folder: &Path, found: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(&path, found);
            } else if path.extension().is_some_and(|e| e == "rs") {
                found.push(path);
            }
        }
    }
    let mut found = Vec::new();
    walk(Path::new("src"), &mut found);
    found.sort();
    found
}

fn room_of(path: &Path) -> &'static str {
    let inside = path.strip_prefix("src").unwrap().with_extension("");
    HOUSE
        .iter()
        .map(|(room, _)| *room)
        .filter(|room| inside.starts_with(room))
        .max_by_key(|room| room.len())
        .unwrap_or_else(|| panic!("{} is in no room of the house", path.display()))
}

fn is_test(path: &Path) -> bool {
    path.ends_with("tests.rs") || path.components().any(|c| c.as_os_str() == "tests")
}

/// Code without comments: prose may name any room.
fn code_of(path: &Path) -> String {
    let text = fs::read_to_string(path).unwrap();
    text.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n")
}

fn imports_of(code: &str) -> BTreeSet<String> {
    code.match_indices("crate::")
        .map(|(at, word)| {
            let rest = &code[at + word.len()..];
            assert!(!rest.starts_with('{'), "write one `use crate::room::…` a room, so that this test can read it");
            rest.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect()
        })
        .collect()
}

#[test]
fn imports_point_down_only() {
    let house: BTreeMap<_, _> = HOUSE.iter().copied().collect();
    let mut wrong = Vec::new();
    for path in sources().iter().filter(|path| !is_test(path)) {
        let room = room_of(path);
        let own = room.split('/').next().unwrap();
        for import in imports_of(&code_of(path)) {
            if import != own && !house[room].contains(&import.as_str()) && house.contains_key(import.as_str()) {
                wrong.push(format!("{} ({room}) imports {import}", path.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "forbidden imports:\n{}", wrong.join("\n"));
}

#[test]
fn domain_and_ledger_do_no_io_and_know_no_clock() {
    let mut wrong = Vec::new();
    for path in sources().iter().filter(|path| matches!(room_of(path), "domain" | "ledger") && !is_test(path)) {
        let code = code_of(path);
        wrong.extend(
            IMPURE.iter().filter(|word| code.contains(**word)).map(|word| format!("{} uses {word}", path.display())),
        );
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn only_config_reads_the_environment() {
    let readers: Vec<_> = sources()
        .into_iter()
        .filter(|path| !is_test(path) && code_of(path).contains("env::var"))
        .filter(|path| room_of(path) != "config")
        .collect();
    assert!(readers.is_empty(), "{readers:?}");
}

#[test]
fn only_the_store_knows_sql() {
    let knowing: Vec<_> = sources()
        .into_iter()
        .filter(|path| !is_test(path) && room_of(path) != "store" && code_of(path).contains("sqlx"))
        .collect();
    assert!(knowing.is_empty(), "{knowing:?}");
}
