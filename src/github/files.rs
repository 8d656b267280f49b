//! Files at one commit: CODEOWNERS where GitHub looks for it, and the policy as it was.
//!
//! <https://docs.github.com/repositories/managing-your-repositorys-settings-and-features/customizing-your-repository/about-code-owners>

use std::num::NonZeroUsize;
use std::sync::{Mutex, PoisonError};

use lru::LruCache;

use super::client::{Call, Error};
use super::facts::{PolicyFile, policy_file};
use super::graphql::Ref;
use super::graphql::files::{self, FilesContext, ProposedContext};
use super::graphql::reply::in_repository;
use super::tokens::Purpose;
use super::{GitHub, Place};
use crate::domain::policy;

/// Where CODEOWNERS may be. The first that is there counts, and only that one.
pub const CODE_OWNERS: [&str; 3] = [".github/CODEOWNERS", "CODEOWNERS", "docs/CODEOWNERS"];

/// Each may be some hundred kilobytes.
const FILES_REMEMBERED: NonZeroUsize = match NonZeroUsize::new(64) {
    Some(number) => number,
    None => NonZeroUsize::MIN,
};

/// A file of a repository at one commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FileAt {
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

/// The policy file as it is and as somebody proposes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proposed {
    /// Name of the default branch; empty when it is unknown.
    pub default_branch: String,
    /// The file on the default branch.
    pub now: PolicyFile,
    /// The file at the commit.
    pub then: FileAt,
}

/// What is at a commit never changes: remembered by repository and commit.
pub(super) struct Remembered(Mutex<LruCache<(u64, String, &'static str), FileAt>>);

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
    pub async fn code_owners(&self, place: Place<'_>, commit: &str) -> Result<FileAt, Error> {
        self.file_at(place, commit, &CODE_OWNERS).await
    }

    /// The policy file as it was at a commit. One call.
    ///
    /// # Errors
    /// [`Error`] when GitHub may know and did not answer.
    pub async fn policy_at(&self, place: Place<'_>, commit: &str) -> Result<FileAt, Error> {
        self.file_at(place, commit, &[policy::PATH]).await
    }

    /// The policy file on the default branch and at a commit. One call.
    ///
    /// # Errors
    /// [`Error`] when GitHub may know and did not answer.
    pub async fn proposed_policy(&self, place: Place<'_>, commit: &str) -> Result<Proposed, Error> {
        let body = files::proposed(&place.repository.owner, &place.repository.name, commit, policy::PATH);
        let answer = self.call(place.scope(Purpose::Read), Call::graphql(&body)).await?;
        let (context, is_partial): (ProposedContext, _) = in_repository(&answer, "the policy file", self.now())?;
        let ProposedContext { database_id, default_branch_ref, commit: found, now, then } = context;
        let (default_branch, target) = default_branch_ref.map(|branch| (branch.name, branch.target)).unzip();
        let branch = Ref { target: target.flatten() };
        let then = FilesContext { database_id, commit: found, files: [("f0".to_owned(), then)].into() };
        Ok(Proposed {
            default_branch: default_branch.unwrap_or_default(),
            now: policy_file(Some(&branch), now.as_ref(), is_partial),
            then: read(then, place.repository.id, commit, &[policy::PATH], is_partial),
        })
    }

    /// The first of these files that is there.
    async fn file_at(&self, place: Place<'_>, commit: &str, paths: &[&'static str]) -> Result<FileAt, Error> {
        let key = (place.repository.id, commit.to_owned(), paths.first().copied().unwrap_or_default());
        let known = || self.files.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(file) = known().get(&key) {
            return Ok(file.clone());
        }
        let body = files::files_at(&place.repository.owner, &place.repository.name, commit, paths);
        let answer = self.call(place.scope(Purpose::Read), Call::graphql(&body)).await?;
        let (context, is_partial): (FilesContext, _) = in_repository(&answer, "a file", self.now())?;
        let file = read(context, place.repository.id, commit, paths, is_partial);
        if !matches!(file, FileAt::Unreadable { .. }) {
            known().put(key, file.clone());
        }
        Ok(file)
    }
}

fn read(context: FilesContext, repository: u64, commit: &str, paths: &[&'static str], is_partial: bool) -> FileAt {
    let unreadable = |why: &str| FileAt::Unreadable { why: why.to_owned() };
    if context.database_id != Some(repository) {
        return unreadable("the name is another repository's now");
    }
    if context.commit.is_none_or(|found| !found.oid.eq_ignore_ascii_case(commit)) {
        return unreadable("GitHub does not know the commit");
    }
    if is_partial {
        return unreadable("GitHub left something out of its answer");
    }
    for (index, path) in paths.iter().copied().enumerate() {
        match context.files.get(&format!("f{index}")) {
            Some(None) => {}
            Some(Some(object)) => {
                return match object.file() {
                    Ok((blob, text)) => FileAt::Present { path, blob, text },
                    Err(why) => unreadable(&format!("{path}: {why}")),
                };
            }
            None => return unreadable("GitHub left something out of its answer"),
        }
    }
    FileAt::Absent
}
