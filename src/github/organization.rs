//! The organization's policy file: `seconder.yml` at the root of the owner's `.github` repository, on its default branch.

use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, PoisonError};

use lru::LruCache;

use super::GitHub;
use super::client::{Call, Error};
use super::facts::{PolicyFile, policy_file};
use super::graphql::files::{self, OrganizationContext};
use super::graphql::reply::in_repository;
use super::tokens::{Purpose, Reach, Scope};
use crate::domain::Millis;
use crate::domain::gate::Tenant;

/// The repository in which an owner keeps what holds for all of theirs.
pub const REPOSITORY: &str = ".github";
/// The file, at the root: in a folder of the same name it would be that repository's own.
pub const FILE: &str = "seconder.yml";

/// So long an answer is believed. A webhook about the repository ends it earlier, on the server that hears it.
const REMEMBERED_FOR: Millis = 60_000;
const OWNERS_REMEMBERED: NonZeroUsize = match NonZeroUsize::new(1_024) {
    Some(number) => number,
    None => NonZeroUsize::MIN,
};

/// What GitHub says of the organization's file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OrganizationFile {
    /// The repository can be seen, and this is in it.
    Seen(PolicyFile),
    /// There is no such repository, or the App may not see it: GitHub gives both the same answer. Whoever had a file
    /// here before has lost it, and that is no reason to forget its rules (P2).
    NotVisible,
}

impl OrganizationFile {
    /// Whether it is this blob.
    #[must_use]
    pub fn is(&self, known: &str) -> bool {
        matches!(self, Self::Seen(PolicyFile::Present { blob, .. }) if blob == known)
    }
}

/// The lock is held while asking, so that those who need the same answer wait for one.
type Slot = Arc<tokio::sync::Mutex<Option<Read>>>;

struct Read {
    file: OrganizationFile,
    at: Millis,
}

impl Read {
    /// A clock that was set back makes nothing fresh again.
    fn is_fresh(&self, now: Millis) -> bool {
        (self.at..self.at.saturating_add(REMEMBERED_FOR)).contains(&now)
    }
}

/// Answers by owner's account id.
pub(super) struct Files(Mutex<LruCache<u64, Slot>>);

impl Default for Files {
    fn default() -> Self {
        Self(Mutex::new(LruCache::new(OWNERS_REMEMBERED)))
    }
}

impl GitHub {
    /// The organization's file. Two calls at most, the token included; none while the last answer is fresh.
    ///
    /// # Errors
    /// [`Error`] when GitHub may know and did not answer. What is there and cannot be read is
    /// [`PolicyFile::Unreadable`], never an error and never absent.
    pub async fn organization_policy(&self, tenant: &Tenant) -> Result<OrganizationFile, Error> {
        let slot = {
            let mut slots = self.organization_files.0.lock().unwrap_or_else(PoisonError::into_inner);
            slots.get_or_insert(tenant.account_id, Slot::default).clone()
        };
        let mut known = slot.lock().await;
        if let Some(known) = known.as_ref().filter(|read| read.is_fresh(self.now())) {
            return Ok(known.file.clone());
        }
        let at = self.now();
        let file = self.read_organization_policy(tenant).await?;
        *known = Some(Read { file: file.clone(), at });
        Ok(file)
    }

    /// Something may have changed: the next who needs the file asks GitHub.
    pub fn forget_organization_policy(&self, tenant: &Tenant) {
        // The slot goes, not only what is in it: an answer under way may be from before the change.
        self.organization_files.0.lock().unwrap_or_else(PoisonError::into_inner).pop(&tenant.account_id);
    }

    async fn read_organization_policy(&self, tenant: &Tenant) -> Result<OrganizationFile, Error> {
        let reach = Reach::Named(REPOSITORY);
        let scope = Scope { installation: tenant.installation_id, reach, purpose: Purpose::Rules };
        if let Some(file) = self.ask_for_organization_policy(tenant, scope).await? {
            return Ok(file);
        }
        // The token may be for a repository of that name which is gone, and there is another one.
        self.tokens.discard(scope);
        Ok(self.ask_for_organization_policy(tenant, scope).await?.unwrap_or(OrganizationFile::NotVisible))
    }

    /// `None`: there is a token for the repository, and with it GitHub knows no such repository.
    async fn ask_for_organization_policy(
        &self,
        tenant: &Tenant,
        scope: Scope,
    ) -> Result<Option<OrganizationFile>, Error> {
        let body = files::organization_file(&tenant.login, REPOSITORY, &format!("HEAD:{FILE}"));
        let seen = |file| Some(OrganizationFile::Seen(file));
        let unreadable = |why| seen(PolicyFile::Unreadable { commit: String::new(), why });
        let answer = match self.call(scope, Call::graphql(&body)).await {
            Ok(answer) => answer,
            // No token for the repository. GitHub says so too when it is the permission that is not granted.
            Err(Error::Unprocessable { status: 422, message }) if !message.contains("permission") => {
                return Ok(Some(OrganizationFile::NotVisible));
            }
            Err(error @ (Error::Unprocessable { .. } | Error::Forbidden { .. })) => {
                return Ok(unreadable(error.to_string()));
            }
            Err(error) => return Err(error),
        };
        let (context, is_partial): (OrganizationContext, _) =
            match in_repository(&answer, "the organization's file", self.now()) {
                Ok(read) => read,
                Err(Error::NotFound { .. }) => return Ok(None),
                Err(error) if error.is_transient() => return Err(error),
                Err(error) => return Ok(unreadable(error.to_string())),
            };
        // The name may be another account's by now, and anybody's public repository can be read.
        if context.owner.and_then(|owner| owner.database_id) != Some(tenant.account_id) {
            return Ok(unreadable(format!("{}/{REPOSITORY} belongs to another account", tenant.login)));
        }
        if context.is_empty == Some(true) {
            return Ok(seen(PolicyFile::Absent { commit: String::new() }));
        }
        Ok(seen(policy_file(context.default_branch_ref.as_ref(), context.file.as_ref(), is_partial)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_fresh_for_a_minute_and_never_before_it_was_given() {
        let read = Read { file: OrganizationFile::NotVisible, at: 1_000 };
        let fresh = |now| read.is_fresh(now);
        assert_eq!((fresh(999), fresh(1_000), fresh(60_999), fresh(61_000)), (false, true, true, false));
    }
}
