//! What a request proves itself with, and what must never be told.

use std::borrow::Cow;
use std::fmt;

use http::HeaderValue;

use crate::github::wire::cut_chars;

/// An `Authorization` header. Its `Debug` says nothing.
#[derive(Clone)]
pub struct Credential(HeaderValue);

impl Credential {
    /// `Bearer …`; `None` when the token could not be sent in a header.
    #[must_use]
    pub fn bearer(token: String) -> Option<Self> {
        let mut line = zeroize::Zeroizing::new(format!("Bearer {token}"));
        drop(zeroize::Zeroizing::new(token));
        let mut value = HeaderValue::from_str(&line).ok()?;
        zeroize::Zeroize::zeroize(&mut *line);
        value.set_sensitive(true);
        Some(Self(value))
    }

    /// The header's value.
    pub(super) fn header(&self) -> HeaderValue {
        self.0.clone()
    }

    pub(in crate::github) fn is_same(&self, other: &Self) -> bool {
        self.0 == other.0
    }

    #[cfg(test)]
    pub(in crate::github) fn token_for_tests(&self) -> String {
        self.0.to_str().unwrap().strip_prefix("Bearer ").unwrap().to_owned()
    }

    /// What may be told of a text that came from outside: without the token, and of that so many characters.
    pub(super) fn redact(&self, text: &str, most: usize) -> String {
        let token = self.0.to_str().ok().and_then(|line| line.strip_prefix("Bearer "));
        let told = token.map_or(Cow::Borrowed(text), |token| text.replace(token, "[token]").into());
        cut_chars(&told, most).to_owned()
    }
}

impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Credential")
    }
}
