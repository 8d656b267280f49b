//! Whether a checkpoint that somebody else holds is one of ours. Anybody may write one down; only our keys sign it.

use super::{Error, Publications, Store};
use crate::ledger::{Checkpoint, VerifierKey};

impl Store {
    /// [`Publications::signed_by_us`].
    ///
    /// # Errors
    /// If the database cannot be read.
    pub async fn signed_by_us(&self, note: &str) -> Result<Option<Checkpoint>, Error> {
        self.publications().signed_by_us(note).await
    }
}

impl Publications {
    /// What a checkpoint says that a key of its log has signed: one the log has or had and that counts at that size, or one
    /// that this server would sign with if the log were not in its database. Nothing if none of them has.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub async fn signed_by_us(&self, note: &str) -> Result<Option<Checkpoint>, Error> {
        let Some(Checkpoint { origin, size, .. }) = Checkpoint::unverified(note) else { return Ok(None) };
        if !crate::ledger::note::is_key_name(&origin) {
            return Ok(None);
        }
        let log = self.ledger().logs().await?.into_iter().find(|log| log.origin == origin);
        let known = match &log {
            Some(log) => self.ledger().keys(log).await?,
            None => Vec::new(),
        };
        let held = self.signer.held(&origin)?;
        let held = [Some(held.own), held.next].into_iter().flatten().map(|key| key.vkey.clone());
        let is_unknown = |vkey: &String| known.iter().all(|key| key.vkey != *vkey);
        let counts = known.iter().filter(|key| key.valid_to_size.is_none_or(|end| size <= end));
        let mut trusted = held.filter(is_unknown).chain(counts.map(|key| key.vkey.clone()));
        Ok(trusted.find_map(|vkey| Checkpoint::open(note, &vkey.parse::<VerifierKey>().ok()?).ok()))
    }
}
