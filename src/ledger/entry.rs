//! One entry: the line that is hashed, and the fields all entries share.
//!
//! The writer emits canonical JSON (RFC 8785) of a restricted kind: sorted ASCII keys, integers below 2^53, no null, no
//! fraction. Nobody ever canonicalises again: a verifier hashes the bytes it finds.
use std::borrow::Cow;
use std::fmt;

use serde::{Deserialize, Serialize, Serializer};
use serde_json::value::RawValue;
use serde_json::{Map, Value};
use thiserror::Error;

use super::merkle::{Hash, leaf_hash};
use super::record::RecordType;

/// The longest entry, in bytes: what the length prefix of a tlog-tiles bundle can say.
pub const MAX_BYTES: usize = 65_535;

/// The version of the entry format, the `v` of every entry.
pub const FORMAT: u64 = 1;

/// The software that writes entries, the `sw` of every entry.
pub const SOFTWARE: &str = concat!("seconder/", env!("CARGO_PKG_VERSION"));

/// The fields that all entries have, or may have; the others are an entry's own.
pub const COMMON: [&str; 9] = ["v", "log", "seq", "prev", "time", "type", "id", "corr", "sw"];

/// Numbers above this are not the same in every JSON reader (RFC 8785 §3.2.2.3).
const MAX_INTEGER: u64 = (1 << 53) - 1;

/// An entry about to be written.
#[derive(Debug, Clone)]
pub struct Draft<'a> {
    /// The origin of the log.
    pub log: &'a str,
    /// Its place in the log, from 0.
    pub seq: u64,
    /// The leaf hash of the entry before it; `None` for the first.
    pub prev: Option<Hash>,
    /// Milliseconds since 1970 UTC.
    pub time_ms: u64,
    /// What happened.
    pub record_type: RecordType,
    /// The idempotency key: the same happening always has the same one.
    pub id: &'a str,
    /// The approval request it belongs to. Becomes a file name on export: letters, digits, `-` and `_`, at most 64.
    pub corr: Option<&'a str>,
    /// The record's own fields; they stand beside the common ones.
    pub body: &'a Map<String, Value>,
}

/// A finished entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// The exact bytes, without a newline.
    pub bytes: String,
    /// Their leaf hash: the next entry's `prev`.
    pub leaf: Hash,
}

/// Why something cannot become an entry.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum SealError {
    /// A common field cannot be written so that every reader reads the same.
    #[error("ledger entry: {field} {value:?} is not usable: {rule}")]
    Unusable {
        /// The field.
        field: &'static str,
        /// What was given.
        value: String,
        /// What it has to be.
        rule: &'static str,
    },
    /// `prev` is there for the first entry or missing for a later one.
    #[error("ledger entry {0}: prev must be given for every entry but the first")]
    Prev(u64),
    /// The record names a field that all entries have.
    #[error("ledger entry: the record's own field {0:?} clashes with the common field of that name; rename it")]
    Clash(String),
    /// A value that JSON readers do not all read alike.
    #[error("ledger entry: {path} is {what}; leave it out, or write it as a string")]
    Value {
        /// Where it is, like `run.id`.
        path: String,
        /// What is wrong with it.
        what: &'static str,
    },
    /// Longer than [`MAX_BYTES`].
    #[error(
        "ledger entry of type {record_type} has {bytes} bytes, more than {MAX_BYTES}: record long content by its digest"
    )]
    TooLong {
        /// The entry's type.
        record_type: RecordType,
        /// Its length.
        bytes: usize,
    },
}

impl Draft<'_> {
    /// Writes the entry.
    ///
    /// # Errors
    /// If a value cannot be written so that every reader reads the same, if a field clashes, or if it is too long.
    pub fn seal(self) -> Result<Line, SealError> {
        if self.prev.is_some() != (self.seq > 0) {
            return Err(SealError::Prev(self.seq));
        }
        require("log", self.log, is_plain, "printable ASCII without space, quote, backslash or plus")?;
        if let Some(corr) = self.corr {
            require("corr", corr, is_request_id, "1 to 64 letters, digits, - and _")?;
        }
        for (name, value) in self.body {
            check(name, value).map_err(|wrong| wrong.of(name))?;
        }
        let common = [
            ("v", Some(FORMAT.into())),
            ("log", Some(self.log.into())),
            ("seq", Some(integer("seq", self.seq)?)),
            ("prev", self.prev.map(|prev| prev.to_string().into())),
            ("time", Some(integer("time", self.time_ms)?)),
            ("type", Some(self.record_type.as_str().into())),
            ("id", Some(self.id.into())),
            ("corr", self.corr.map(Value::from)),
            ("sw", Some(SOFTWARE.into())),
        ];
        // An absent common field is as much a clash: a body's `corr` would be read as the entry's own.
        if let Some((name, _)) = common.iter().find(|(name, _)| self.body.contains_key(*name)) {
            return Err(SealError::Clash((*name).to_owned()));
        }
        let given = common.iter().filter_map(|(name, value)| Some((*name, value.as_ref()?)));
        let own = self.body.iter().map(|(name, value)| (name.as_str(), value));
        let mut fields: Vec<(&str, &Value)> = own.chain(given).collect();
        fields.sort_by_key(|(name, _)| *name);
        let bytes = serde_json::to_string(&Fields(fields))
            .map_err(|_| SealError::Value { path: self.id.to_owned(), what: "not writable as JSON" })?;
        if bytes.len() > MAX_BYTES {
            return Err(SealError::TooLong { record_type: self.record_type, bytes: bytes.len() });
        }
        let leaf = leaf_hash(bytes.as_bytes());
        Ok(Line { bytes, leaf })
    }
}

/// Whether readers may take this text from between the quotes as it stands.
fn is_plain(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_graphic() && !matches!(b, b'"' | b'\\' | b'+'))
}

/// Whether this can be a request's id, which is also a file name on every system.
#[must_use]
pub fn is_request_id(text: &str) -> bool {
    (1..=64).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
}

fn require(field: &'static str, value: &str, holds: fn(&str) -> bool, rule: &'static str) -> Result<(), SealError> {
    if holds(value) { Ok(()) } else { Err(SealError::Unusable { field, value: value.to_owned(), rule }) }
}

/// The fields of an entry, sorted by their names. serde_json keeps the maps in them sorted, and escapes strings exactly as
/// RFC 8785 asks.
struct Fields<'a>(Vec<(&'a str, &'a Value)>);

impl Serialize for Fields<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().copied())
    }
}

fn integer(name: &str, number: u64) -> Result<Value, SealError> {
    let value = Value::from(number);
    check(name, &value).map_err(|wrong| wrong.of(name))?;
    Ok(value)
}

/// What is wrong, and where below the value that was looked at. The way there is only written down when something is.
struct Wrong {
    path: String,
    what: &'static str,
}

impl Wrong {
    fn below(self, step: fmt::Arguments<'_>) -> Self {
        Self { path: format!("{step}{}", self.path), ..self }
    }

    fn of(self, field: &str) -> SealError {
        SealError::Value { path: format!("{field}{}", self.path), what: self.what }
    }
}

fn check(key: &str, value: &Value) -> Result<(), Wrong> {
    let wrong = |what| Err(Wrong { path: String::new(), what });
    // Beyond ASCII, RFC 8785 sorts keys by UTF-16 units, which is not the order of a sorted map.
    if !key.bytes().all(|b| b.is_ascii_graphic()) {
        return wrong("under a key that is not printable ASCII");
    }
    match value {
        Value::Null => wrong("null"),
        Value::Number(number) => match (number.as_u64(), number.as_i64()) {
            (Some(n), _) if n <= MAX_INTEGER => Ok(()),
            (_, Some(n)) if n.unsigned_abs() <= MAX_INTEGER => Ok(()),
            (None, None) => wrong("not an integer"),
            _ => wrong("an integer of 2^53 or more"),
        },
        Value::Bool(_) | Value::String(_) => Ok(()),
        Value::Array(items) => {
            let item = |(n, item)| check("", item).map_err(|wrong| wrong.below(format_args!("[{n}]")));
            items.iter().enumerate().try_for_each(item)
        }
        Value::Object(fields) => {
            let field =
                |(name, value): (&String, _)| check(name, value).map_err(|wrong| wrong.below(format_args!(".{name}")));
            fields.iter().try_for_each(field)
        }
    }
}

/// What a reader needs of an entry, borrowed from its bytes in one pass. A field given twice is refused.
///
/// The common fields are read; the record's own fields that the rules of a verifier look at are only found, and parsed by
/// whoever needs them.
#[derive(Debug, Deserialize)]
pub struct Header<'a> {
    /// Format version.
    pub v: u64,
    /// Origin of the log.
    pub log: &'a str,
    /// Place in the log.
    pub seq: u64,
    /// Leaf hash of the entry before it, in hexadecimal.
    pub prev: Option<&'a str>,
    /// Milliseconds since 1970 UTC.
    pub time: u64,
    /// The name of its [`RecordType`].
    #[serde(rename = "type")]
    pub record_type: &'a str,
    /// Idempotency key.
    #[serde(borrow)]
    pub id: Cow<'a, str>,
    /// The request it belongs to.
    pub corr: Option<&'a str>,
    /// The software that wrote it.
    #[serde(borrow)]
    pub sw: Cow<'a, str>,
    /// The origin a log describes itself by.
    #[serde(borrow)]
    pub origin: Option<&'a RawValue>,
    /// Where what is held belongs.
    #[serde(borrow)]
    pub repository: Option<&'a RawValue>,
    /// Where it goes.
    #[serde(borrow)]
    pub environment: Option<&'a RawValue>,
    /// Its run.
    #[serde(borrow)]
    pub run: Option<&'a RawValue>,
    /// Its commit.
    #[serde(borrow)]
    pub head_sha: Option<&'a RawValue>,
    /// Who started the run.
    #[serde(borrow)]
    pub actor: Option<&'a RawValue>,
    /// Who started this attempt of it.
    #[serde(borrow)]
    pub triggering_actor: Option<&'a RawValue>,
    /// What run GitHub was asked about, a moment before it was told.
    #[serde(borrow)]
    pub attempt_checked: Option<&'a RawValue>,
    /// The digest of what was shown.
    #[serde(borrow)]
    pub request_digest: Option<&'a RawValue>,
    /// The people who had a part.
    #[serde(borrow)]
    pub parties: Option<&'a RawValue>,
    /// What was found on each commit.
    #[serde(borrow)]
    pub commits: Option<&'a RawValue>,
    /// What was left out of an opening for want of room.
    #[serde(borrow)]
    pub abridged: Option<&'a RawValue>,
    /// What the opening rests on.
    #[serde(borrow)]
    pub facts: Option<&'a RawValue>,
    /// The digest of that, where it stands elsewhere.
    #[serde(borrow)]
    pub facts_digest: Option<&'a RawValue>,
    /// Accounts that are one human's, or a program's.
    #[serde(borrow)]
    pub people: Option<&'a RawValue>,
    /// How many commits an agent touched.
    #[serde(borrow)]
    pub ai_commits: Option<&'a RawValue>,
    /// Which facts are incomplete.
    #[serde(borrow)]
    pub partial: Option<&'a RawValue>,
    /// The rules that matched.
    #[serde(borrow)]
    pub matched_rules: Option<&'a RawValue>,
    /// The rules that deny whatever anybody says; in a decision, who denied.
    #[serde(borrow)]
    pub denied_by: Option<&'a RawValue>,
    /// Who gave a verdict.
    #[serde(borrow)]
    pub reviewer: Option<&'a RawValue>,
    /// What stands against one.
    #[serde(borrow)]
    pub why: Option<&'a RawValue>,
    /// The verdict.
    #[serde(borrow)]
    pub verdict: Option<&'a RawValue>,
    /// How the request ended.
    #[serde(borrow)]
    pub outcome: Option<&'a RawValue>,
    /// Who seconded it.
    #[serde(borrow)]
    pub approvers: Option<&'a RawValue>,
    /// What was needed and what was there.
    #[serde(borrow)]
    pub quorum: Option<&'a RawValue>,
    /// The policy it was decided by.
    #[serde(borrow)]
    pub policy: Option<&'a RawValue>,
    /// What GitHub is told.
    #[serde(borrow)]
    pub state: Option<&'a RawValue>,
    /// What it answered.
    #[serde(borrow)]
    pub status: Option<&'a RawValue>,
    /// When it is denied if nobody decides.
    #[serde(borrow)]
    pub expires_at: Option<&'a RawValue>,
    /// A reviewer's access to the repository.
    #[serde(borrow)]
    pub permission: Option<&'a RawValue>,
    /// How long a request had waited when others were let in.
    #[serde(borrow)]
    pub waited: Option<&'a RawValue>,
    /// The account a log belongs to.
    #[serde(borrow)]
    pub tenant: Option<&'a RawValue>,
    /// The deployment that is held.
    #[serde(borrow)]
    pub deployment_id: Option<&'a RawValue>,
    /// What it was compared with.
    #[serde(borrow)]
    pub base: Option<&'a RawValue>,
    /// The digest of the whole judgement.
    #[serde(borrow)]
    pub judgement: Option<&'a RawValue>,
    /// The outward call that was given up.
    #[serde(borrow)]
    pub effect: Option<&'a RawValue>,
}

impl<'a> Header<'a> {
    /// Reads an entry.
    ///
    /// # Errors
    /// If the bytes are not a JSON object with these fields.
    pub fn parse(line: &'a str) -> Result<Header<'a>, serde_json::Error> {
        serde_json::from_str(line)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn draft(body: &Value) -> Draft<'_> {
        Draft {
            log: "seconder.test/l/1",
            seq: 1,
            prev: Some(leaf_hash(b"before")),
            time_ms: 1_700_000_000_000,
            record_type: RecordType::RequestOpened,
            id: "delivery:1",
            corr: Some("r1"),
            body: body.as_object().unwrap(),
        }
    }

    #[test]
    fn an_entry_is_one_sorted_line_of_json_and_its_leaf_is_the_hash_of_exactly_that() {
        let line = draft(&json!({"zulu": "tab\there ☃", "alpha": {"b": [1, true], "a": -7}})).seal().unwrap();
        let prev = leaf_hash(b"before");
        let expected = format!(
            r#"{{"alpha":{{"a":-7,"b":[1,true]}},"corr":"r1","id":"delivery:1","log":"seconder.test/l/1","prev":"{prev}","seq":1,"sw":"{SOFTWARE}","time":1700000000000,"type":"request.opened","v":1,"zulu":"tab\there ☃"}}"#
        );
        assert_eq!(line.bytes, expected);
        assert_eq!(line.leaf, leaf_hash(expected.as_bytes()));
        assert_eq!(Header::parse(&line.bytes).unwrap().corr, Some("r1"));
    }

    #[test]
    fn what_json_readers_do_not_all_read_alike_is_refused_with_its_place() {
        for (body, message) in [
            (json!({"a": {"b": null}}), "a.b is null"),
            (json!({"a": [1, 0.5]}), "a[1] is not an integer"),
            (json!({"a": 9_007_199_254_740_992_u64}), "a is an integer of 2^53 or more"),
            (json!({"a": -9_007_199_254_740_992_i64}), "a is an integer of 2^53 or more"),
            (json!({"a": {"ключ": 1}}), "a.ключ is under a key that is not printable ASCII"),
        ] {
            let error = draft(&body).seal().unwrap_err().to_string();
            assert!(error.contains(message), "{error}");
        }
        assert!(draft(&json!({"a": 9_007_199_254_740_991_u64})).seal().is_ok());
    }

    #[test]
    fn a_record_cannot_overwrite_a_common_field_not_even_an_absent_one() {
        assert_eq!(draft(&json!({"seq": 9})).seal(), Err(SealError::Clash("seq".into())));
        let with_corr = json!({"corr": "r2"});
        let without_request = Draft { corr: None, ..draft(&with_corr) };
        assert_eq!(without_request.seal(), Err(SealError::Clash("corr".into())));
    }

    #[test]
    fn an_entry_may_be_as_long_as_a_bundle_can_say_and_not_a_byte_longer() {
        let empty = draft(&json!({"text": ""})).seal().unwrap().bytes.len();
        let text = "x".repeat(MAX_BYTES - empty);
        assert_eq!(draft(&json!({"text": text})).seal().unwrap().bytes.len(), MAX_BYTES);
        let error = draft(&json!({"text": format!("{text}x")})).seal().unwrap_err();
        assert!(
            error.to_string().contains("65536 bytes, more than 65535: record long content by its digest"),
            "{error}"
        );
    }

    #[test]
    fn a_request_id_that_could_leave_the_receipts_folder_is_refused() {
        for corr in ["../checkpoint", "", "a/b", "a.b", "ü"] {
            let error = Draft { corr: Some(corr), ..draft(&json!({})) }.seal().unwrap_err();
            assert!(error.to_string().contains("corr"), "{error}");
        }
    }

    #[test]
    fn only_the_first_entry_has_no_entry_before_it() {
        assert_eq!(Draft { prev: None, ..draft(&json!({})) }.seal(), Err(SealError::Prev(1)));
        assert_eq!(Draft { seq: 0, ..draft(&json!({})) }.seal(), Err(SealError::Prev(0)));
    }

    #[test]
    fn an_entry_that_gives_a_common_field_twice_is_not_read() {
        let line = draft(&json!({})).seal().unwrap().bytes.replacen('{', r#"{"seq":0,"#, 1);
        assert!(Header::parse(&line).unwrap_err().to_string().contains("duplicate field `seq`"));
    }
}
