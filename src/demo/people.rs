//! Users, organizations, teams, and who a commit e-mail belongs to.

use std::collections::HashMap;

use serde_json::value::RawValue;

use super::render;

/// What GitHub calls the `type` of an account.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum UserKind {
    /// A person, or a machine account that looks like one.
    #[default]
    User,
    /// A GitHub App's bot account.
    Bot,
    /// An organization.
    Organization,
}

impl UserKind {
    /// The word GitHub's JSON uses.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::User => "User",
            Self::Bot => "Bot",
            Self::Organization => "Organization",
        }
    }
}

/// An account to create.
#[derive(Clone, Debug, Default)]
pub struct User {
    /// The login, as shown; compared without case.
    pub login: String,
    /// The numeric id; given out by the fake when absent.
    pub id: Option<u64>,
    /// Person, bot or organization.
    pub kind: UserKind,
    /// Verified e-mail addresses. The two `noreply` forms and `LOGIN@example.com` are always added.
    pub emails: Vec<String>,
}

/// An account as the fake keeps it.
pub(super) struct Account {
    pub id: u64,
    pub login: String,
    pub kind: UserKind,
    /// GitHub's `simple-user`, rendered once.
    pub json: Box<RawValue>,
}

/// A name and an e-mail, as git writes them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The name before the angle bracket.
    pub name: String,
    /// The address inside the angle brackets.
    pub email: String,
}

impl From<&str> for Identity {
    /// Reads `Name <email>`; without brackets the text is a login and stands for `LOGIN <LOGIN@example.com>`.
    fn from(text: &str) -> Self {
        match text.trim().split_once('<') {
            Some((name, rest)) => {
                Self { name: name.trim().to_owned(), email: rest.trim_end_matches('>').trim().to_owned() }
            }
            None => Self { name: text.trim().to_owned(), email: format!("{}@example.com", text.trim()) },
        }
    }
}

/// A team's members: login in lower case, membership state, role.
pub(super) type Team = HashMap<String, (&'static str, &'static str)>;

/// Everybody GitHub knows.
#[derive(Default)]
pub(super) struct People {
    accounts: Vec<Account>,
    by_login: HashMap<String, usize>,
    by_email: HashMap<String, usize>,
    teams: HashMap<(String, String), Team>,
}

impl People {
    /// Adds an account, or returns the one that has this login.
    pub fn add(&mut self, user: &User, fresh_id: u64, base: &str) -> u64 {
        let key = user.login.to_lowercase();
        if let Some(&index) = self.by_login.get(&key) {
            return self.accounts[index].id;
        }
        let id = user.id.unwrap_or(fresh_id);
        let index = self.accounts.len();
        let login = &user.login;
        let noreply = "users.noreply.github.com";
        let usual = [format!("{id}+{login}@{noreply}"), format!("{login}@{noreply}"), format!("{login}@example.com")];
        for email in user.emails.iter().chain(&usual) {
            self.by_email.entry(email.to_lowercase()).or_insert(index);
        }
        let json = render::raw(&render::simple_user(login, id, user.kind, base));
        self.accounts.push(Account { id, login: login.clone(), kind: user.kind, json });
        self.by_login.insert(key, index);
        id
    }

    /// The account with this login, in any case.
    pub fn by_login(&self, login: &str) -> Option<&Account> {
        self.by_login.get(&login.to_lowercase()).map(|&index| &self.accounts[index])
    }

    /// The account that has verified this address.
    pub fn by_email(&self, email: &str) -> Option<&Account> {
        self.by_email.get(&email.to_lowercase()).map(|&index| &self.accounts[index])
    }

    /// The team, created when new.
    pub fn team_mut(&mut self, org: &str, slug: &str) -> &mut Team {
        self.teams.entry((org.to_lowercase(), slug.to_lowercase())).or_default()
    }

    /// The team, if there is one.
    pub fn team(&self, org: &str, slug: &str) -> Option<&Team> {
        self.teams.get(&(org.to_lowercase(), slug.to_lowercase()))
    }
}
