//! Which repository a log is published to.

/// Where logs are published.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// In the repository of this name in each log's own account.
    Named(String),
    /// All in this one.
    Repository {
        /// Its owner.
        owner: String,
        /// Its name.
        name: String,
    },
}

impl Target {
    /// `NAME` or `OWNER/NAME`; nothing when it is neither.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let is_name = |part: &str| {
            !part.is_empty() && part.chars().all(|c| c.is_ascii_alphanumeric() || "._-".contains(c)) && part != ".."
        };
        match text.split_once('/') {
            None if is_name(text) => Some(Self::Named(text.to_owned())),
            Some((owner, name)) if is_name(owner) && is_name(name) => {
                Some(Self::Repository { owner: owner.to_owned(), name: name.to_owned() })
            }
            _ => None,
        }
    }

    /// The one repository for all, `owner/name`, lower-case.
    #[must_use]
    pub fn repository(&self) -> Option<String> {
        match self {
            Self::Named(_) => None,
            Self::Repository { .. } => Some(self.of("").to_lowercase()),
        }
    }

    /// The repository, `owner/name`, of the tenant with this login.
    #[must_use]
    pub fn of(&self, login: &str) -> String {
        match self {
            Self::Named(name) => format!("{login}/{name}"),
            Self::Repository { owner, name } => format!("{owner}/{name}"),
        }
    }
}
