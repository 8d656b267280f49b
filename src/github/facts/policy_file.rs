//! The policy file of a repository: there, not there, or there and not to be read.

use crate::github::client::Error;
use crate::github::graphql::{Object, Ref};
use crate::github::{GitHub, Place};

/// `.github/seconder.yml` at the head of the default branch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PolicyFile {
    /// There is none.
    Absent {
        /// Head of the default branch.
        commit: String,
    },
    /// There is one.
    Present {
        /// Head of the default branch.
        commit: String,
        /// Object id of the file.
        blob: String,
        /// The file.
        text: String,
    },
    /// There is something, and it cannot be read. Not the same as absent (P2).
    Unreadable {
        /// Head of the default branch; empty when even that is unknown.
        commit: String,
        /// What is in the way, in words.
        why: String,
    },
}

impl PolicyFile {
    /// Head of the default branch; empty when even that is unknown.
    #[must_use]
    pub fn commit(&self) -> &str {
        match self {
            Self::Absent { commit } | Self::Present { commit, .. } | Self::Unreadable { commit, .. } => commit,
        }
    }
}

impl GitHub {
    /// The policy file as it is now.
    ///
    /// # Errors
    /// [`Error`] when GitHub may know and did not answer.
    pub async fn policy_file(&self, place: Place<'_>, environment: &str) -> Result<PolicyFile, Error> {
        let (context, is_partial) = self.deployment_context(place, environment).await?;
        Ok(policy_file(context.default_branch_ref.as_ref(), context.policy.as_ref(), is_partial))
    }
}

/// The file an answer holds, at the head of the default branch it names.
pub(in crate::github) fn policy_file(branch: Option<&Ref>, file: Option<&Object>, is_partial: bool) -> PolicyFile {
    let target = branch.and_then(|branch| branch.target.as_ref());
    let commit = target.map(|target| target.oid.clone()).unwrap_or_default();
    let unreadable = |why: &str| PolicyFile::Unreadable { commit: commit.clone(), why: why.to_owned() };
    match file {
        None if commit.is_empty() => unreadable("the repository has no default branch that could be read"),
        None if is_partial => unreadable("GitHub left the file out of its answer; the App may lack contents: read"),
        None => PolicyFile::Absent { commit },
        Some(object) => match object.file() {
            Ok((blob, text)) => PolicyFile::Present { commit, blob, text },
            Err(why) => unreadable(why),
        },
    }
}

#[cfg(test)]
mod tests;
