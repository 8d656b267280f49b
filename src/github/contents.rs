//! Files on a branch, one commit a change.
//!
//! <https://docs.github.com/rest/repos/contents>

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use http::Method;
use serde::{Deserialize, Serialize};

use super::client::Error;
use super::{GitHub, Place, wire};

/// A file as it is on a branch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BranchFile {
    /// Its blob's id: whoever replaces it says that this is what they replace.
    pub blob: String,
    /// What is in it; what is no text counts as empty.
    pub text: String,
}

/// A commit that writes one file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileCommit<'a> {
    /// The branch, which must be there.
    pub branch: &'a str,
    /// The file.
    pub path: &'a str,
    /// What is to be in it.
    pub text: &'a str,
    /// The commit's message.
    pub message: &'a str,
    /// The blob it replaces; absent for a file that is new.
    pub replaces: Option<&'a str>,
}

#[derive(Deserialize)]
struct Content {
    sha: String,
    #[serde(default)]
    content: String,
}

#[derive(Serialize)]
struct Put<'a> {
    message: &'a str,
    content: String,
    branch: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    sha: Option<&'a str>,
}

impl GitHub {
    /// A small file on a branch. Nothing when there is no such file, or no such branch.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn file_on_branch(
        &self,
        place: Place<'_>,
        branch: &str,
        path: &str,
    ) -> Result<Option<BranchFile>, Error> {
        let (path, branch) = (wire::encode(path), wire::encode(branch));
        let path = place.path(format_args!("/contents/{path}?ref={branch}"));
        let answer = match self.publishing(place, Method::GET, &path, None).await {
            Err(Error::NotFound { .. }) => return Ok(None),
            answer => answer?,
        };
        let Content { sha, content } = answer.json("the file on the branch")?;
        let bytes = BASE64.decode(content.replace(['\n', '\r'], "")).unwrap_or_default();
        Ok(Some(BranchFile { blob: sha, text: String::from_utf8(bytes).unwrap_or_default() }))
    }

    /// Commits one file.
    ///
    /// # Errors
    /// [`Error`]; 409 or 422 when the file is not the one to be replaced any more, not found when there is no such branch.
    pub async fn commit_file(&self, place: Place<'_>, commit: &FileCommit<'_>) -> Result<(), Error> {
        let path = place.path(format_args!("/contents/{path}", path = wire::encode(commit.path)));
        let FileCommit { branch, text, message, replaces, .. } = *commit;
        let body = super::body(&Put { message, content: BASE64.encode(text), branch, sha: replaces })?;
        self.publishing(place, Method::PUT, &path, Some(&body)).await.map(drop)
    }
}
