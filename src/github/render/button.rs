//! The buttons of a check run, and what a press says.

use crate::domain::digest::{Digest, Tag};
use crate::domain::event::Verdict;

/// GitHub's limits for a button: label 20, description 40, identifier 20 characters
/// (<https://docs.github.com/rest/checks/runs>).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Button {
    /// What the button says.
    pub label: &'static str,
    /// What its tooltip says.
    pub description: &'static str,
    /// What comes back when it is pressed.
    pub identifier: String,
}

/// What the tag of the page follows in the identifier of [`Button::approve`].
const APPROVE: &str = "ok.";
const DENY: &str = "deny";

impl Button {
    /// Seconds what is shown on the page, which has this digest: the press says so, and counts for nothing else (P8).
    #[must_use]
    pub fn approve(page: &Digest) -> Self {
        let identifier = format!("{APPROVE}{}", page.tag().as_str());
        Self { label: "Approve", description: "Second it: the deployment may run", identifier }
    }

    /// Refuses the request, whatever is shown.
    #[must_use]
    pub fn deny() -> Self {
        Self { label: "Deny", description: "Refuse it: the job fails", identifier: DENY.to_owned() }
    }
}

/// The verdict that a button stands for, and the page it was pressed on. `approve` is what older versions' pages say, which do
/// not say which page they are.
#[must_use]
pub fn verdict(identifier: &str) -> Option<(Verdict, Option<Tag>)> {
    match identifier {
        DENY => Some((Verdict::Deny, None)),
        "approve" => Some((Verdict::Approve, None)),
        _ => identifier.strip_prefix(APPROVE).map(|tag| (Verdict::Approve, Some(Tag::said(tag)))),
    }
}
