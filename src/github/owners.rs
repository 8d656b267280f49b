//! CODEOWNERS: where GitHub looks for it, at one commit.
//!
//! <https://docs.github.com/repositories/managing-your-repositorys-settings-and-features/customizing-your-repository/about-code-owners>

use std::num::NonZeroUsize;
use std::sync::{Mutex, PoisonError};

use lru::LruCache;

use super::client::{Call, Error};
use super::facts::in_repository;
use super::graphql::files::{self, FilesContext};
use super::tokens::Purpose;
use super::{GitHub, Place};

/// Where the file may be. The first that is there counts, and only that one.
pub const PATHS: [&str; 3] = [".github/CODEOWNERS", "CODEOWNERS", "docs/CODEOWNERS"];

/// Each may be some hundred kilobytes.
const FILES_REMEMBERED: NonZeroUsize = match NonZeroUsize::new(64) {
    Some(number) => number,
    None => NonZeroUsize::MIN,
};

/// The CODEOWNERS file of a repository at one commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CodeOwners {
    /// There is none.
    Absent,
    /// There is one.
    Present {
        /// Where.
        path: &'static str,
        /// Object id of the file.
        blob: String,
        /// The file.
        text: String,
    },
    /// There is something, and it cannot be read. Not the same as absent (P2).
    Unreadable {
        /// What is in the way, in words.
        why: String,
    },
}

/// What is at a commit never changes: remembered by repository and commit.
pub(super) struct Remembered(Mutex<LruCache<(u64, String), CodeOwners>>);

impl Default for Remembered {
    fn default() -> Self {
        Self(Mutex::new(LruCache::new(FILES_REMEMBERED)))
    }
}

impl GitHub {
    /// The CODEOWNERS file at a commit: give the head of the default branch, never the branch that is judged. One call.
    ///
    /// # Errors
    /// [`Error`] when GitHub may know and did not answer.
    pub async fn code_owners(&self, place: Place<'_>, commit: &str) -> Result<CodeOwners, Error> {
        let key = (place.repository.id, commit.to_owned());
        let known = || self.owners.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(owners) = known().get(&key) {
            return Ok(owners.clone());
        }
        let body = files::files_at(&place.repository.owner, &place.repository.name, commit, &PATHS);
        let answer = self.call(place.scope(Purpose::Read), Call::graphql(&body)).await?;
        let (context, is_partial): (FilesContext, _) = in_repository(&answer, "CODEOWNERS", self.now())?;
        let owners = read(context, place.repository.id, commit, is_partial);
        if !matches!(owners, CodeOwners::Unreadable { .. }) {
            known().put(key, owners.clone());
        }
        Ok(owners)
    }
}

fn read(context: FilesContext, repository: u64, commit: &str, is_partial: bool) -> CodeOwners {
    let unreadable = |why: &str| CodeOwners::Unreadable { why: why.to_owned() };
    if context.database_id != Some(repository) {
        return unreadable("the name is another repository's now");
    }
    if context.commit.is_none_or(|found| !found.oid.eq_ignore_ascii_case(commit)) {
        return unreadable("GitHub does not know the commit");
    }
    if is_partial {
        return unreadable("GitHub left something out of its answer");
    }
    for (index, path) in PATHS.into_iter().enumerate() {
        match context.files.get(&format!("f{index}")) {
            Some(None) => {}
            Some(Some(object)) => {
                return match object.file() {
                    Ok((blob, text)) => CodeOwners::Present { path, blob, text },
                    Err(why) => unreadable(&format!("{path}: {why}")),
                };
            }
            None => return unreadable("GitHub left something out of its answer"),
        }
    }
    CodeOwners::Absent
}
