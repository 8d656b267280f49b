//! One way to name bytes: SHA-256 over canonical JSON.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

/// A value as canonical JSON: sorted keys, no insignificant white space (RFC 8785 for the values used here: strings,
/// integers, booleans, arrays, objects).
#[must_use]
pub fn canonical(value: &serde_json::Value) -> String {
    let mut out = Vec::new();
    write_canonical(value, &mut out);
    // It is JSON, and that is text.
    String::from_utf8(out).unwrap_or_else(|_| value.to_string())
}

/// The same, at the end of something.
pub fn write_canonical(value: &serde_json::Value, out: &mut Vec<u8>) {
    use serde_json::Value;
    match value {
        Value::Null => out.extend_from_slice(b"null"),
        Value::Bool(true) => out.extend_from_slice(b"true"),
        Value::Bool(false) => out.extend_from_slice(b"false"),
        Value::Number(number) => write_json(number, out),
        Value::String(text) => write_text(text, out),
        Value::Array(items) => {
            out.push(b'[');
            for (n, item) in items.iter().enumerate() {
                if n > 0 {
                    out.push(b',');
                }
                write_canonical(item, out);
            }
            out.push(b']');
        }
        // A map of serde_json's is sorted.
        Value::Object(fields) => {
            out.push(b'{');
            for (n, (name, value)) in fields.iter().enumerate() {
                if n > 0 {
                    out.push(b',');
                }
                write_text(name, out);
                out.push(b':');
                write_canonical(value, out);
            }
            out.push(b'}');
        }
    }
}

/// A string of JSON, escaped as RFC 8785 asks. Most need no escape: that is found out sixteen bytes at a time, where looking
/// each up in a table is a tenth of what an entry costs.
pub fn write_text(text: &str, out: &mut Vec<u8>) {
    let is_plain =
        |bytes: &[u8]| !bytes.iter().fold(false, |found, b| found | (*b < 0x20) | (*b == b'"') | (*b == b'\\'));
    if text.as_bytes().chunks(64).all(is_plain) {
        out.push(b'"');
        out.extend_from_slice(text.as_bytes());
        out.push(b'"');
    } else {
        write_json(text, out);
    }
}

/// As serde_json writes it; a text or a number can be written, and a vector takes it.
fn write_json(value: &(impl Serialize + ?Sized), out: &mut Vec<u8>) {
    let _ = serde_json::to_writer(out, value);
}

/// Lower-case hexadecimal digits, a fifth of the work that `hex::encode` makes of it: an entry has dozens.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut text = Vec::with_capacity(2 * bytes.len());
    for byte in bytes {
        text.extend_from_slice(&[DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]]);
    }
    String::from_utf8(text).unwrap_or_else(|_| hex::encode(bytes))
}

/// A SHA-256 digest, written as 64 lower-case hex digits.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Digest(String);

impl Digest {
    /// Digest of raw bytes.
    #[must_use]
    pub fn of_bytes(bytes: &[u8]) -> Self {
        Self(hex(&Sha256::digest(bytes)))
    }

    /// Digest of a value as [`canonical`] JSON.
    #[must_use]
    pub fn of_json(value: &serde_json::Value) -> Self {
        Self::of_bytes(canonical(value).as_bytes())
    }

    /// The 64 hex digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Short enough for a button to carry: its first 102 bits, as 17 characters of base64url without padding (RFC 4648 §5).
    /// Nobody makes two pages with the same one.
    #[must_use]
    pub fn tag(&self) -> Tag {
        const BYTES: usize = 13;
        let bytes = (0..BYTES).filter_map(|n| u8::from_str_radix(self.0.get(2 * n..2 * n + 2)?, 16).ok());
        Tag(URL_SAFE_NO_PAD.encode(bytes.collect::<Vec<u8>>()).chars().take(Tag::LENGTH).collect())
    }
}

/// The beginning of a [`Digest`]: which page somebody saw.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tag(String);

impl Tag {
    /// Characters.
    pub const LENGTH: usize = 17;

    /// What a button said. Whether it is any page's shows when it is compared.
    #[must_use]
    pub fn said(text: &str) -> Self {
        Self(text.to_owned())
    }

    /// As a button says it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
