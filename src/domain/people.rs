//! Persons and identities: accounts, and the names and e-mails that commits carry.

use serde::{Deserialize, Serialize};

/// What kind of account GitHub says this is. Only [`AccountKind::User`] can be a human.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum AccountKind {
    /// A personal account.
    User,
    /// A GitHub App's or Actions' own account.
    Bot,
    /// An organization.
    Organization,
    /// Anything GitHub may add or did not say: never a human for us (P2).
    #[serde(other)]
    Other,
}

/// A GitHub account. The numeric id is the identity; the login is for people to read.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Account {
    /// Numeric user id: survives renames.
    pub id: u64,
    /// Login when it was read.
    pub login: String,
    /// User, bot or organization.
    pub kind: AccountKind,
}

/// Somebody a commit names: by name and e-mail, and by account where GitHub knows the e-mail.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Identity {
    /// Free text.
    pub name: String,
    /// Free text; proves nothing by itself.
    pub email: String,
    /// The account GitHub links to the e-mail.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<Account>,
}

impl Identity {
    /// The account GitHub names, or the one its no-reply address spells out (`ID+LOGIN@users.noreply.github.com`).
    #[must_use]
    pub fn resolved(&self) -> Option<Account> {
        self.account.clone().or_else(|| {
            let (id, rest) = self.email.split_once('+')?;
            let login = rest.strip_suffix("@users.noreply.github.com")?;
            let kind = if login.ends_with("[bot]") { AccountKind::Bot } else { AccountKind::User };
            Some(Account { id: id.parse().ok()?, login: login.to_owned(), kind })
        })
    }

    /// Whether both carry the same address, or without any address the same name.
    pub(super) fn is_spelled_like(&self, other: &Self) -> bool {
        if self.email.is_empty() && other.email.is_empty() {
            self.name.eq_ignore_ascii_case(&other.name)
        } else {
            self.email.eq_ignore_ascii_case(&other.email)
        }
    }

    /// GitHub itself, which commits what people do on its pages.
    #[must_use]
    pub fn is_github_itself(&self) -> bool {
        self.email == "noreply@github.com" && (self.name == "GitHub" || self.name == "web-flow")
    }
}
