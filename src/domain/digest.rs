//! One way to name bytes: SHA-256 over canonical JSON.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

/// A value as canonical JSON: sorted keys, no insignificant white space (RFC 8785 for the values used here: strings,
/// integers, booleans, arrays, objects).
///
/// What the value's `Display` writes, without a formatter between each two characters: a third of the work.
#[must_use]
pub fn canonical(value: &serde_json::Value) -> String {
    // Only a key that is not a string could not be written, and a value has none.
    serde_json::to_string(value).unwrap_or_else(|_| value.to_string())
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
