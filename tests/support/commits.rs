//! Commits as agents and people leave them.

use seconder::domain::facts::Commit;
use seconder::domain::people::Identity;

/// `Ann Lee <ann@example.com>`
pub fn identity(text: &str) -> Identity {
    let (name, rest) = text.split_once(" <").unwrap_or((text, ">"));
    Identity { name: name.to_owned(), email: rest.trim_end_matches('>').to_owned(), account: None }
}

/// A commit by that author, merged on GitHub's pages.
pub fn commit(author: &str, message: &str) -> Commit {
    Commit {
        sha: "4f1c0de".to_owned(),
        message: message.to_owned(),
        author: identity(author),
        committer: identity("GitHub <noreply@github.com>"),
        ..Commit::default()
    }
}
