//! A mark that was found, and where it stood.

use std::fmt;

use super::catalogue::{AgentIndex, Known, Sign};
use super::{Certainty, Kind, LONGEST_EVIDENCE};

/// A mark: which agent, what it proves, where it stood, and its text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Mark {
    pub agent: AgentIndex,
    pub kind: Kind,
    pub certainty: Certainty,
    pub place: Place,
    pub is_quoted: bool,
    pub found: String,
}

/// Where a mark stood.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    Identity(Role, Known),
    CoAuthorTrailer,
    Trailer,
    Disclosure,
    Footer,
    Subject,
    Link,
    Prose,
    TickedBox,
    MergedBranch,
    Note,
    Signature,
    NoSignature,
    Branch { pull_request: u64 },
    Body { pull_request: u64 },
    OpenedBy { pull_request: u64 },
}

/// As what an identity stands on a commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    Author,
    Committer,
    CoAuthor,
}

impl Role {
    /// Whoever only committed need not have written.
    pub fn proves(self) -> (Kind, Certainty) {
        match self {
            Self::Author => (Kind::Authored, Certainty::Marked),
            Self::CoAuthor => (Kind::CoAuthored, Certainty::Marked),
            Self::Committer => (Kind::Assisted, Certainty::Ambiguous),
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Identity(role, known) => {
                f.write_str(match role {
                    Role::Author => "author ",
                    Role::Committer => "committer ",
                    Role::CoAuthor => "co-author ",
                })?;
                f.write_str(match known {
                    Known::Email => "e-mail",
                    Known::Account => "account",
                    Known::Login => "login",
                    Known::Name => "name",
                    Known::Guessed => "login of an unknown agent",
                })
            }
            Self::CoAuthorTrailer => f.write_str("co-author trailer"),
            Self::Trailer => f.write_str("trailer"),
            Self::Disclosure => f.write_str("disclosure trailer"),
            Self::Footer => f.write_str("message footer"),
            Self::Subject => f.write_str("subject"),
            Self::Link => f.write_str("session link"),
            Self::Prose => f.write_str("sentence"),
            Self::TickedBox => f.write_str("ticked box"),
            Self::MergedBranch => f.write_str("merge of an agent's branch"),
            Self::Note => f.write_str("git note refs/notes/ai"),
            Self::Signature => f.write_str("signature by the agent's vendor"),
            Self::NoSignature => f.write_str("not signed by the key this agent signs with"),
            Self::Branch { pull_request } => write!(f, "head branch of pull request #{pull_request}"),
            Self::Body { pull_request } => write!(f, "body of pull request #{pull_request}"),
            Self::OpenedBy { pull_request } => write!(f, "author of pull request #{pull_request}"),
        }
    }
}

/// The mark that a text of the catalogue is.
pub(super) fn text_mark(sign: &Sign, place: Place, found: &str) -> Mark {
    let (kind, certainty) = (sign.proves, sign.certainty);
    Mark { agent: sign.agent, kind, certainty, place, is_quoted: false, found: shortened(found) }
}

/// As much of a text as evidence keeps.
pub(super) fn shortened(text: &str) -> String {
    text.char_indices().nth(LONGEST_EVIDENCE).map_or(text, |(end, _)| &text[..end]).to_owned()
}
