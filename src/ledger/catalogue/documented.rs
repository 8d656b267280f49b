//! The catalogue for people to read: every type with its fields and one example.

use std::fmt::Write as _;

use serde::Deserialize;
use serde_json::{Map, Value};

use super::{About, Entry, Field, Kind, all};
use crate::ledger::entry::{FORMAT, SOFTWARE};
use crate::ledger::merkle::leaf_hash;
use crate::ledger::sealing::{self, Opening, Subject, SubjectKey};

/// The examples before they are sealed, by type.
const EXAMPLES: &str = include_str!("examples.json");

/// A field that all entries have.
pub(super) struct Common {
    pub(super) name: &'static str,
    pub(super) is_number: bool,
    pub(super) meaning: &'static str,
}

const fn common(name: &'static str, is_number: bool, meaning: &'static str) -> Common {
    Common { name, is_number, meaning }
}

pub(super) const COMMON: [Common; 9] = [
    common("v", true, "version of this format"),
    common("log", false, "the log's origin"),
    common("seq", true, "the entry's place in the log, from 0"),
    common("prev", false, "leaf hash of the entry before it, in hexadecimal; the first has none"),
    common("time", true, "when it was written, in milliseconds since 1970 UTC"),
    common("type", false, "what happened"),
    common("id", false, "idempotency key: the same happening has the same one"),
    common("corr", false, "the request it is about"),
    common("sw", false, "the software that wrote it"),
];

#[derive(Deserialize)]
struct Example {
    seq: u64,
    body: Map<String, Value>,
}

/// An example of an entry of this type as it stands in a log, and what opens it. `None`: there is no such type, or no example.
#[must_use]
pub fn example(entry: &Entry) -> Option<(String, Vec<Opening>)> {
    let examples: Map<String, Value> = serde_json::from_str(EXAMPLES).ok()?;
    let Example { seq, body } = Example::deserialize(examples.get(entry.name)?).ok()?;
    let mut fields = body;
    // Keys and salts that are the same at every build: nobody could use them for anything else.
    let subject =
        |account: u64| -> Option<Subject> { Some(SubjectKey::new([account.to_le_bytes()[0]; 32]).subject(account)) };
    let mut n = 0;
    let mut salt = || {
        n += 1;
        [n; 32]
    };
    let openings = sealing::seal(entry.name, &mut fields, &subject, &mut salt).ok()?.openings();
    let corr = "3b8f2a61c0d94e57a1b2c3d4e5f60718";
    let id = match entry.about {
        About::Request => format!("{corr}:{}:{seq}", entry.name),
        About::Log if seq == 0 => "log:genesis".to_owned(),
        About::Log => format!("log:{}:{seq}", entry.name),
    };
    fields.extend([
        ("v".to_owned(), FORMAT.into()),
        ("log".to_owned(), "seconder.example/l/290fab6a144fe02d586882823ef6713d".into()),
        ("seq".to_owned(), seq.into()),
        ("time".to_owned(), (1_795_000_000_000 + seq * 1_000).into()),
        ("type".to_owned(), entry.name.into()),
        ("id".to_owned(), id.into()),
        ("sw".to_owned(), SOFTWARE.into()),
    ]);
    if seq > 0 {
        fields.insert("prev".to_owned(), leaf_hash(&seq.to_be_bytes()).to_string().into());
    }
    if entry.about == About::Request {
        fields.insert("corr".to_owned(), corr.into());
    }
    Some((Value::Object(fields).to_string(), openings))
}

/// `docs/ledger/entries.md`.
#[must_use]
pub fn document() -> String {
    let mut text = String::from(HEAD);
    for Common { name, is_number, meaning } in &COMMON {
        let kind = if *is_number { "integer" } else { "text" };
        text.push_str(&format!("| `{name}` | {kind} | {meaning} |\n"));
    }
    let (written, kept): (Vec<&Entry>, Vec<&Entry>) = all().partition(|entry| entry.is_written());
    text.push_str("\n## Types that are written\n");
    written.into_iter().for_each(|entry| describe(entry, &mut text));
    text.push_str(
        "\n## Types that are kept for later\n\nTheir names and fields are taken; this version neither writes them nor lets a \
         ledger that has them verify, because it cannot tell what they would allow.\n",
    );
    kept.into_iter().for_each(|entry| describe(entry, &mut text));
    text
}

fn describe(entry: &'static Entry, text: &mut String) {
    let about = match entry.about {
        About::Request => "About one request.",
        About::Log => "About the log, or the rules.",
    };
    text.push_str(&format!("\n### `{}`\n\n{} {about}\n\n", entry.name, entry.meaning));
    text.push_str("| field | | holds | says |\n|---|---|---|---|\n");
    rows(entry.fields, "", &mut Vec::new(), text);
    if let Some((line, openings)) = example(entry) {
        // Writing to a string cannot fail.
        let _ = write!(text, "\n```json\n{line}\n```\n");
        if !openings.is_empty() {
            let told: Vec<String> =
                openings.iter().map(|opening| format!("`{}`: `{}`", opening.path, opening.value)).collect();
            let _ = write!(text, "\nIts openings tell {}.\n", told.join(", "));
        }
    }
}

fn rows(fields: &'static [Field], before: &str, seen: &mut Vec<&'static str>, text: &mut String) {
    for Field { name, is_required, kind, meaning } in fields {
        let need = if *is_required { "always" } else { "" };
        let path = format!("{before}{name}");
        text.push_str(&format!("| `{path}` | {need} | {} | {meaning} |\n", holds(kind)));
        inside(kind, &path, seen, text);
    }
}

/// The rows of what a field holds. What holds itself is told once.
fn inside(kind: &'static Kind, path: &str, seen: &mut Vec<&'static str>, text: &mut String) {
    match kind {
        Kind::List(kind) => inside(kind, &format!("{path}[]"), seen, text),
        Kind::Either(_, kind) => inside(kind, path, seen, text),
        Kind::Object(fields) | Kind::Account(fields) => rows(fields, &format!("{path}."), seen, text),
        Kind::Named(name, kind) if !seen.contains(name) => {
            seen.push(name);
            inside(kind, path, seen, text);
            seen.pop();
        }
        _ => {}
    }
}

fn holds(kind: &Kind) -> String {
    match kind {
        Kind::Text => "text".to_owned(),
        Kind::Word(words) => words.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", "),
        Kind::Integer => "integer".to_owned(),
        Kind::Bool => "true or false".to_owned(),
        Kind::List(kind) => format!("list: {}", holds(kind)),
        Kind::Object(_) => "object".to_owned(),
        Kind::Either(words, kind) => {
            let words: Vec<String> = words.iter().map(|word| format!("`{word}`")).collect();
            format!("{}, or {}", words.join(", "), holds(kind))
        }
        Kind::Account(_) => "**account**".to_owned(),
        Kind::Named(_, kind) => holds(kind),
        Kind::Sealed => "**sealed**".to_owned(),
    }
}

const HEAD: &str = "<!-- Generated from src/ledger/catalogue by `cargo test`: SECONDER_UPDATE=1 writes it anew. -->
# The entries of the ledger

One entry is one line of JSON, at most 65,535 bytes (C2SP tlog-tiles): sorted keys, no null, no fraction. What is hashed and
proven is exactly these bytes. `entry.schema.json` says the same for tools (`seconder ledger schema` prints it).

**Nobody's name is in an entry.** What a field holds is one of these:

- text, integer, …: in clear: commit ids, environments, repositories, rules, digests, outcomes, counts. A repository's name has its
  owner's name in it, and the first entry the customer's own.
- **account**: of a person, `id` is their subject `sub_…`, the first 128 bits of HMAC-SHA256(key, `github:ACCOUNT_ID`) with a random key
  of 32 bytes for each person and log, and `login` is sealed. The same person is the same subject in all entries of one log, so that whether
  somebody seconded their own work can be checked by whoever knows no names. Accounts that are nobody's (`Bot`, `Organization`) are in clear.
- **sealed**: the string `sha256:` and SHA-256(`seconder-commitment-v1` ‖ 0 ‖ salt ‖ path ‖ 0 ‖ value as canonical JSON (RFC 8785)), with 32 random bytes of
  salt and the field's path as a JSON Pointer. Its *opening* (path, salt, value) is kept beside the log and in no export, tile or receipt.

A field that is not in this catalogue is sealed, whatever it holds.

`seconder ledger export DIR --openings FILE` writes openings and keys for an auditor who may see names: lines of JSON, first the log,
then the subjects, then the openings by entry. `seconder ledger verify DIR --openings FILE` holds each against the entries, and refuses
one that is forged, swapped, or missing without a `redaction.performed` that says so. `seconder ledger erase PERSON` deletes a person's key and
openings; its `--help` says what it does not reach. Digests such as `request_digest` are over names, too, and not salted: whoever knows all
the rest of a request can try whether a name fits.

## Fields of every entry

| field | holds | says |
|---|---|---|
";
