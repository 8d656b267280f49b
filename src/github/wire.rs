//! Shapes that several of GitHub's answers and payloads share. Lenient on purpose: everything may be absent.

use serde::Deserialize;

use crate::domain::people::{Account, AccountKind};

/// GitHub's `simple-user`.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct User {
    pub id: Option<u64>,
    pub login: Option<String>,
    #[serde(rename = "type")]
    pub kind: Option<String>,
}

impl User {
    /// The account, if GitHub said whose it is.
    pub fn account(self) -> Option<Account> {
        Some(Account { id: self.id?, login: self.login?, kind: kind(self.kind.as_deref().unwrap_or_default()) })
    }
}

/// The kind of account GitHub's word for it means. A word we do not know is never a human (P2).
pub(super) fn kind(word: &str) -> AccountKind {
    match word {
        "User" => AccountKind::User,
        "Bot" => AccountKind::Bot,
        "Organization" => AccountKind::Organization,
        _ => AccountKind::Other,
    }
}

/// A path segment or query value, percent-encoded: everything but RFC 3986's unreserved characters.
pub(super) fn encode(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
            encoded.push('%');
            encoded.push(char::from(DIGITS[usize::from(byte >> 4)]));
            encoded.push(char::from(DIGITS[usize::from(byte & 15)]));
        }
    }
    encoded
}

/// The longest prefix of at most `max` bytes that ends between characters.
pub(super) fn cut(text: &str, max: usize) -> &str {
    &text[..text.floor_char_boundary(max)]
}

/// The first `max` characters.
pub(super) fn cut_chars(text: &str, max: usize) -> &str {
    text.char_indices().nth(max).map_or(text, |(end, _)| &text[..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_a_slash_stays_one_segment() {
        assert_eq!(encode("prod/eu west"), "prod%2Feu%20west");
        assert_eq!(encode("büro"), "b%C3%BCro");
        assert_eq!(encode("my-repo_1.0~x"), "my-repo_1.0~x");
    }

    #[test]
    fn text_is_cut_between_characters() {
        assert_eq!(cut("aé", 2), "a");
        assert_eq!(cut("aé", 3), "aé");
        assert_eq!(cut_chars("ééé", 2), "éé");
        assert_eq!(cut_chars("é", 2), "é");
    }
}
