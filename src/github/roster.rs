//! Everybody who could approve in a repository, when they are few enough to be counted.

use std::num::NonZeroUsize;
use std::sync::{Mutex, PoisonError};

use lru::LruCache;

use super::client::Error;
use super::{GitHub, Place};
use crate::domain::Millis;
use crate::domain::decide::{Permission, Standing};

/// So long a count is believed: it only says that nobody is left, and lets nobody in.
const REMEMBERED_FOR: Millis = 10 * 60_000;
const REMEMBERED: NonZeroUsize = match NonZeroUsize::new(1_024) {
    Some(number) => number,
    None => NonZeroUsize::MIN,
};

/// Which repository, and which teams (organization, slug).
type Key = (u64, Vec<(String, String)>);
/// Whom they are, and until when that is believed.
type Counted = (Option<Vec<Standing>>, Millis);

/// Counts that were made lately.
pub(super) struct Rosters(Mutex<LruCache<Key, Counted>>);

impl Default for Rosters {
    fn default() -> Self {
        Self(Mutex::new(LruCache::new(REMEMBERED)))
    }
}

impl GitHub {
    /// Everybody with access to a repository or in one of these teams. `None` when they are too many, or a team cannot be seen:
    /// then somebody may be left.
    ///
    /// # Errors
    /// [`Error`] when GitHub may know and did not answer.
    pub async fn roster(&self, place: Place<'_>, teams: &[(String, String)]) -> Result<Option<Vec<Standing>>, Error> {
        let key = (place.repository.id, teams.to_vec());
        let known = || self.rosters.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((roster, _)) = known().get(&key).filter(|(_, until)| *until > self.now()) {
            return Ok(roster.clone());
        }
        let roster = self.count(place, teams).await?;
        known().put(key, (roster.clone(), self.now().saturating_add(REMEMBERED_FOR)));
        Ok(roster)
    }

    /// Who may do what may have changed.
    pub fn forget_rosters(&self) {
        self.rosters.0.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    async fn count(&self, place: Place<'_>, teams: &[(String, String)]) -> Result<Option<Vec<Standing>>, Error> {
        let Some(everybody) = self.few_with_access(place).await? else { return Ok(None) };
        let standing = |(account, permission)| Standing { account, permission, teams: Vec::new() };
        let mut roster: Vec<Standing> = everybody.into_iter().map(standing).collect();
        for (org, slug) in teams {
            let Some(members) = self.few_team_members(place, org, slug).await? else { return Ok(None) };
            for account in members {
                let team = format!("{org}/{slug}").to_lowercase();
                match roster.iter_mut().find(|standing| standing.account.id == account.id) {
                    Some(standing) => standing.teams.push(team),
                    None => roster.push(Standing { account, permission: Permission::None, teams: vec![team] }),
                }
            }
        }
        Ok(Some(roster))
    }
}
