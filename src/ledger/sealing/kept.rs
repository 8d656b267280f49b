//! What opens one entry, as it is kept beside the log.

use std::fmt;

use super::{Opening, Salt};
use crate::domain::digest::{hex, write_canonical, write_text};

/// The openings of one entry as a JSON list of [`Opening`]s: written once, as each value is sealed.
#[derive(Clone, Default)]
pub struct Kept(Vec<u8>);

/// Openings are what must not get into logs.
impl fmt::Debug for Kept {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bytes of openings", self.0.len())
    }
}

impl Kept {
    /// One more, of a value that is JSON already.
    pub(super) fn add(&mut self, path: &str, salt: &Salt, value: &[u8]) {
        self.0.extend_from_slice(if self.0.is_empty() { b"[{\"path\":" } else { b",{\"path\":" });
        write_text(path, &mut self.0);
        self.0.extend_from_slice(b",\"salt\":\"");
        self.0.extend_from_slice(hex(salt).as_bytes());
        self.0.extend_from_slice(b"\",\"value\":");
        self.0.extend_from_slice(value);
        self.0.push(b'}');
    }

    /// Each by itself.
    #[must_use]
    pub fn openings(&self) -> Vec<Opening> {
        serde_json::from_str(&self.clone().into_text()).unwrap_or_default()
    }

    /// The list; nothing if there is none.
    #[must_use]
    pub fn into_text(self) -> String {
        let mut text = self.0;
        if !text.is_empty() {
            text.push(b']');
        }
        // All of it was written as JSON.
        String::from_utf8(text).unwrap_or_default()
    }
}

impl FromIterator<Opening> for Kept {
    fn from_iter<I: IntoIterator<Item = Opening>>(openings: I) -> Self {
        let (mut kept, mut json) = (Self::default(), Vec::new());
        for Opening { path, salt, value } in openings {
            json.clear();
            write_canonical(&value, &mut json);
            kept.add(&path, &salt, &json);
        }
        kept
    }
}
