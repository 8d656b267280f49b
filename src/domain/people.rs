//! Persons and identities: accounts, and the names and e-mails that commits carry.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use super::attribution;

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
    pub fn resolved(&self) -> Option<Cow<'_, Account>> {
        self.account.as_ref().map(Cow::Borrowed).or_else(|| {
            let (local, domain) = self.email.rsplit_once('@')?;
            let (id, login) = local.split_once('+')?;
            if !domain.eq_ignore_ascii_case("users.noreply.github.com") {
                return None;
            }
            let kind = if login.ends_with("[bot]") { AccountKind::Bot } else { AccountKind::User };
            // No account has such a number, and a ledger entry cannot hold it.
            let id = id.parse().ok().filter(|id| *id < 1 << 53)?;
            Some(Cow::Owned(Account { id, login: login.to_owned(), kind }))
        })
    }

    /// The address, or without any address the name: who is spelled alike is the same.
    pub(super) fn spelling(&self) -> String {
        // No name can look like an address in brackets: git takes these out.
        if self.email.is_empty() {
            self.name.to_ascii_lowercase()
        } else {
            let mut spelling = ["<", &self.email, ">"].concat();
            spelling.make_ascii_lowercase();
            spelling
        }
    }

    /// GitHub itself, which commits what people do on its pages.
    #[must_use]
    pub fn is_github_itself(&self) -> bool {
        self.email == "noreply@github.com" && (self.name == "GitHub" || self.name == "web-flow")
    }
}

/// One human behind several accounts and addresses, or a machine behind one that looks like a human's, as the policy says.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Person {
    /// How the policy calls them.
    pub name: String,
    /// Their accounts.
    pub accounts: Vec<Account>,
    /// Addresses their commits carry, lower-case.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub emails: Vec<String>,
    /// A program, whatever GitHub calls its account.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_machine: bool,
}

/// The people a policy names. Whoever it does not name is one human with one account.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct People(pub Vec<Person>);

/// A human, however many accounts they have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum PersonKey {
    /// The so-many-th the policy names.
    Named(usize),
    /// The owner of an account the policy does not name.
    Account(u64),
}

impl People {
    /// Whether the policy names nobody.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whose account it is.
    #[must_use]
    pub fn key(&self, account_id: u64) -> PersonKey {
        let named = self.0.iter().position(|person| person.accounts.iter().any(|account| account.id == account_id));
        named.map_or(PersonKey::Account(account_id), PersonKey::Named)
    }

    /// The person the policy names as the owner of an account.
    #[must_use]
    pub fn owner(&self, account_id: u64) -> Option<&Person> {
        self.0.iter().find(|person| person.accounts.iter().any(|account| account.id == account_id))
    }

    /// Whether a login of the policy means this account. Logins change hands: the number counts where the policy names the login
    /// among its people, and the login itself where no number is known.
    #[must_use]
    pub fn calls(&self, login: &str, account: &Account) -> bool {
        let all = self.0.iter().flat_map(|person| &person.accounts);
        let mut known = all.filter(|known| known.login.eq_ignore_ascii_case(login)).peekable();
        match known.peek() {
            Some(_) => known.any(|known| known.id == account.id),
            None => account.login.eq_ignore_ascii_case(login),
        }
    }

    /// Whether the policy says that an account is a machine's, or the catalogue knows it as an agent's or a bot's.
    #[must_use]
    pub fn is_a_program(&self, account: &Account) -> bool {
        self.owner(account.id).is_some_and(|person| person.is_machine) || attribution::is_a_machines(account)
    }

    /// Whose address it is.
    #[must_use]
    pub fn by_email(&self, email: &str) -> Option<&Person> {
        self.0.iter().find(|person| person.emails.iter().any(|known| known.eq_ignore_ascii_case(email)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_noreply_address_spells_out_its_account_in_whatever_case_it_is_typed() {
        let resolved = |email: &str| {
            let who = Identity { email: email.into(), ..Identity::default() };
            who.resolved().map(Cow::into_owned)
        };
        for email in ["7+ann@users.noreply.github.com", "7+ann@Users.NoReply.GitHub.com"] {
            assert_eq!(
                resolved(email).map(|account| (account.id, account.login)),
                Some((7, "ann".to_owned())),
                "{email}"
            );
        }
        for email in [
            "7+ann@users.noreply.github.com.evil.example",
            "ann@users.noreply.github.com",
            "x+ann@users.noreply.github.com",
        ] {
            assert_eq!(resolved(email), None, "{email}");
        }
    }
}
