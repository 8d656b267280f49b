//! What an entry says, written out before its place in the log is known: only that is left for the time under lock.

use serde_json::{Map, Value, json};

use crate::domain::digest::Digest;
use crate::ledger::entry::Fields;
use crate::ledger::sealing::{Kept, Opening};
use crate::store::Error;

/// The own fields of an entry, and what opens them.
pub(in crate::store) struct Content {
    pub(super) fields: Fields,
    pub(super) openings: Kept,
    /// For the rare entry that is too long.
    body: Map<String, Value>,
}

impl Content {
    /// Of fields that are sealed.
    pub(in crate::store) fn sealed(body: Map<String, Value>, openings: Kept) -> Result<Self, Error> {
        Ok(Self { fields: Fields::of(&body)?, openings, body })
    }

    /// Of the fields of a JSON object that tell nothing of people.
    pub(in crate::store) fn plain(body: Value) -> Result<Self, Error> {
        let body = match body {
            Value::Object(body) => body,
            _ => Map::new(),
        };
        Self::sealed(body, Kept::default())
    }

    /// With a digest in the place of the longest field that is not one already; its parts cannot be opened then. The request
    /// keeps what it stands for. `None` if nothing is left to be shortened.
    pub(super) fn shortened(self) -> Result<Option<Self>, Error> {
        let mut body = self.body;
        let longest = body
            .iter()
            .filter(|(_, value)| value.get("omitted").is_none())
            .map(|(name, value)| (value.to_string().len(), name.clone()))
            .max();
        let Some((bytes, name)) = longest.filter(|(bytes, _)| *bytes > 200) else { return Ok(None) };
        if let Some(value) = body.get_mut(&name) {
            *value = json!({ "omitted": "too long for an entry", "bytes": bytes, "sha256": Digest::of_json(value) });
        }
        let stays = |opening: &Opening| opening.path.split('/').nth(1) != Some(name.as_str());
        Self::sealed(body, self.openings.openings().into_iter().filter(stays).collect()).map(Some)
    }
}
