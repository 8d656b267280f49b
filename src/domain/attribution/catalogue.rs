//! The catalogue of agents: `catalogue.toml`, compiled in, parsed once and indexed for one pass over a commit.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

use serde::Deserialize;

use super::Kind;
use crate::domain::digest::Digest;
use crate::domain::people::{AccountKind, Identity};

const TEXT: &str = include_str!("catalogue.toml");

/// Digest of the catalogue's bytes: recorded with a judgement, so that it can be redone with the same rows.
pub static CATALOGUE_VERSION: LazyLock<Digest> = LazyLock::new(|| Digest::of_bytes(TEXT.as_bytes()));

static CATALOGUE: LazyLock<Catalogue> = LazyLock::new(|| match Catalogue::parse(TEXT) {
    Ok(catalogue) => catalogue,
    // The bytes are fixed at compile time and `the_catalogue_is_sound` parses them. Without rows nothing may be judged (P2).
    Err(error) => unreachable!("catalogue.toml: {error}"),
});

pub(super) fn catalogue() -> &'static Catalogue {
    &CATALOGUE
}

/// What sort of program a row describes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AgentKind {
    /// Writes code on its own or beside a person.
    CodingAgent,
    /// Reviews, and writes what a person accepts. Named only when no coding agent is.
    ReviewBot,
    /// Follows fixed rules; its commits are not AI-authored for being its own.
    Automation,
}

/// A row of the catalogue.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Agent {
    /// How policy names it.
    pub slug: String,
    /// How people name it.
    pub name: String,
    /// What sort it is.
    pub kind: AgentKind,
    /// Public page or repository path that shows its marks.
    pub source: String,
    /// How disclosure trailers spell it.
    #[serde(default)]
    pub words: Vec<String>,
    /// Its marks.
    pub markers: Vec<Marker>,
}

/// One mark an agent leaves.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Marker {
    #[serde(rename = "type")]
    kind: MarkerType,
    #[serde(default)]
    value: String,
    key: Option<String>,
    name: Option<String>,
    proves: Option<Kind>,
    /// Where this mark is documented, when not on the agent's page.
    pub source: Option<String>,
    /// What to know about it.
    pub note: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum MarkerType {
    Email,
    Account,
    Login,
    UuidAt,
    Name,
    NameSuffix,
    Trailer,
    Footer,
    Subject,
    Link,
    Branch,
    Body,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Disclosure {
    key: String,
    must_name: bool,
    source: String,
    #[serde(default)]
    #[allow(dead_code, reason = "for readers of the file")]
    note: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    disclosures: Vec<Disclosure>,
    agent: Vec<Agent>,
}

/// Position of an agent in the catalogue.
pub(super) type AgentIndex = usize;

/// A text and what it proves when found.
pub(super) struct Sign {
    pub text: String,
    pub agent: AgentIndex,
    pub proves: Kind,
}

/// Why an identity is known: which of its parts the catalogue lists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Known {
    Email,
    Account,
    Login,
    Name,
}

struct AccountSign {
    name: Option<String>,
    agent: AgentIndex,
}

/// The rows, and the tables made from them.
pub(super) struct Catalogue {
    pub agents: Vec<Agent>,
    emails: HashMap<String, AgentIndex>,
    accounts: HashMap<u64, Vec<AccountSign>>,
    logins: HashMap<String, AgentIndex>,
    uuid_at: HashMap<String, AgentIndex>,
    names: Vec<(String, AgentIndex)>,
    pub name_suffixes: Vec<(String, AgentIndex)>,
    trailers: HashMap<String, Vec<Sign>>,
    disclosures: HashMap<String, bool>,
    words: Vec<(String, AgentIndex)>,
    pub footers: Vec<Sign>,
    pub subjects: Vec<Sign>,
    pub links: Vec<Sign>,
    pub branches: Vec<Sign>,
    pub bodies: Vec<Sign>,
    other: AgentIndex,
}

impl Catalogue {
    fn parse(text: &str) -> Result<Self, String> {
        let file: File = toml::from_str(text).map_err(|error| error.to_string())?;
        let other = file.agent.iter().position(|agent| agent.slug == "other").ok_or("no agent `other`")?;
        let mut it = Self {
            agents: Vec::new(),
            emails: HashMap::new(),
            accounts: HashMap::new(),
            logins: HashMap::new(),
            uuid_at: HashMap::new(),
            names: Vec::new(),
            name_suffixes: Vec::new(),
            trailers: HashMap::new(),
            disclosures: HashMap::new(),
            words: Vec::new(),
            footers: Vec::new(),
            subjects: Vec::new(),
            links: Vec::new(),
            branches: Vec::new(),
            bodies: Vec::new(),
            other,
        };
        for disclosure in file.disclosures {
            require_source(&disclosure.source, &disclosure.key)?;
            it.disclosures.insert(disclosure.key.to_lowercase(), disclosure.must_name);
        }
        let mut slugs = HashSet::new();
        for (index, agent) in file.agent.iter().enumerate() {
            if !slugs.insert(agent.slug.as_str()) {
                return Err(format!("agent `{}` twice", agent.slug));
            }
            require_source(&agent.source, &agent.slug)?;
            it.words.extend(agent.words.iter().map(|word| (word.to_lowercase(), index)));
            for marker in &agent.markers {
                it.add(index, marker).map_err(|error| format!("agent `{}`: {error}", agent.slug))?;
            }
        }
        // Longest first: `claude code` before `claude`.
        it.words.sort_by_key(|(word, _)| std::cmp::Reverse(word.len()));
        it.agents = file.agent;
        Ok(it)
    }

    fn add(&mut self, agent: AgentIndex, marker: &Marker) -> Result<(), String> {
        let text = marker.value.to_lowercase();
        if let Some(source) = &marker.source {
            require_source(source, &text)?;
        }
        if text.is_empty() && marker.kind != MarkerType::Trailer {
            return Err("a marker without a value would match everything".to_owned());
        }
        let sign = || -> Result<Sign, String> {
            let proves = marker.proves.ok_or_else(|| format!("`{text}` does not say what it proves"))?;
            Ok(Sign { text: text.clone(), agent, proves })
        };
        let only_once = |old: Option<AgentIndex>| match old {
            None => Ok(()),
            Some(_) => Err(format!("`{text}` is listed twice")),
        };
        match marker.kind {
            MarkerType::Email => only_once(self.emails.insert(text.clone(), agent))?,
            MarkerType::Login => only_once(self.logins.insert(text.clone(), agent))?,
            MarkerType::UuidAt => only_once(self.uuid_at.insert(text.clone(), agent))?,
            MarkerType::Account => {
                let id = text.parse().map_err(|_| format!("`{text}` is not an account id"))?;
                let name = marker.name.as_ref().map(|name| name.to_lowercase());
                let signs = self.accounts.entry(id).or_default();
                if signs.iter().any(|sign| sign.name == name) {
                    return Err(format!("account {id} is listed twice"));
                }
                // Rows that ask for a name are tried first.
                let at = if name.is_some() { 0 } else { signs.len() };
                signs.insert(at, AccountSign { name, agent });
            }
            MarkerType::Name => self.names.push((text, agent)),
            MarkerType::NameSuffix => self.name_suffixes.push((text, agent)),
            MarkerType::Trailer => {
                let key = marker.key.as_ref().ok_or("a trailer without a key")?.to_lowercase();
                self.trailers.entry(key).or_default().push(sign()?);
            }
            MarkerType::Footer => self.footers.push(sign()?),
            MarkerType::Subject => self.subjects.push(sign()?),
            MarkerType::Link => self.links.push(sign()?),
            MarkerType::Branch => self.branches.push(sign()?),
            MarkerType::Body => self.bodies.push(sign()?),
        }
        Ok(())
    }

    /// The row an identity belongs to, automation included.
    pub fn identity(&self, identity: &Identity) -> Option<(AgentIndex, Known)> {
        self.machine(identity)
            .or_else(|| self.named(&identity.name))
            .or_else(|| identity.account.as_ref().and_then(|account| self.login(&account.login, account.kind)))
    }

    /// The row to which the address or the account belongs; whatever the name says, this is no person.
    pub fn machine(&self, identity: &Identity) -> Option<(AgentIndex, Known)> {
        if let Some(account) = &identity.account
            && let Some(agent) = self.account(account.id, &identity.name)
        {
            return Some((agent, Known::Account));
        }
        self.address(&identity.email, &identity.name)
    }

    /// The row an address belongs to; `name` is what stands beside it.
    pub fn address(&self, email: &str, name: &str) -> Option<(AgentIndex, Known)> {
        let email = lower(email);
        if let Some(agent) = self.emails.get(email.as_ref()) {
            return Some((*agent, Known::Email));
        }
        let (local, domain) = email.split_once('@')?;
        if domain == "users.noreply.github.com" {
            let id = local.split_once('+')?.0.parse().ok()?;
            return self.account(id, name).map(|agent| (agent, Known::Account));
        }
        let agent = self.uuid_at.get(domain).filter(|_| is_uuid(local))?;
        Some((*agent, Known::Email))
    }

    /// The row a name alone proves: a bot's login, or a name that no person bears.
    fn named(&self, name: &str) -> Option<(AgentIndex, Known)> {
        let name = lower(name);
        if name.ends_with("[bot]")
            && let Some(agent) = self.logins.get(name.as_ref())
        {
            return Some((*agent, Known::Login));
        }
        let (_, agent) = self.names.iter().find(|(known, _)| starts_with_word(&name, known))?;
        Some((*agent, Known::Name))
    }

    /// The row of whoever a trailer names.
    pub fn person(&self, name: &str, email: &str) -> Option<AgentIndex> {
        self.address(email, name).or_else(|| self.named(name)).map(|(agent, _)| agent)
    }

    /// The row of an account. `name` decides where one id serves several bots.
    pub fn account(&self, id: u64, name: &str) -> Option<AgentIndex> {
        self.accounts
            .get(&id)?
            .iter()
            .find(|sign| sign.name.as_ref().is_none_or(|wanted| wanted.eq_ignore_ascii_case(name)))
            .map(|sign| sign.agent)
    }

    /// The row of a bot's login. GraphQL leaves the `[bot]` out.
    pub fn login(&self, login: &str, kind: AccountKind) -> Option<(AgentIndex, Known)> {
        let mut login = login.to_lowercase();
        if !login.ends_with("[bot]") {
            if kind != AccountKind::Bot {
                return None;
            }
            login.push_str("[bot]");
        }
        self.logins.get(&login).map(|agent| (*agent, Known::Login))
    }

    /// What a trailer proves by its key, or by key and value.
    pub fn trailer(&self, key: &str, value: &str) -> Option<&Sign> {
        self.trailers.get(key)?.iter().find(|sign| starts_with(value, &sign.text))
    }

    /// Whether trailers with this key disclose a tool.
    pub fn is_disclosure(&self, key: &str) -> bool {
        self.disclosures.contains_key(key)
    }

    /// The row a disclosure trailer (`Assisted-by`) names; `None` when it is no such trailer or names no tool.
    pub fn disclosed(&self, key: &str, value: &str) -> Option<AgentIndex> {
        let must_name = *self.disclosures.get(key)?;
        let value = lower(value);
        let person = value.contains('@');
        let named = self.words.iter().find_map(|(word, agent)| {
            let rest = value.strip_prefix(word.as_str())?;
            // `Claude:opus`, `Claude (Opus)` and `Claude 4` are the tool; `Claude Martin <cm@example.com>` is a person.
            let names_it = match rest.trim_start().chars().next() {
                None => true,
                Some(next) => !next.is_alphabetic() && (!person || next == ':' || next == '('),
            };
            names_it.then_some(*agent)
        });
        named.or_else(|| {
            let agent_and_model = !person
                && value.split_once(':').is_some_and(|(agent, model)| {
                    !agent.is_empty() && !agent.contains("http") && model.starts_with(|c: char| c.is_alphanumeric())
                });
            let denied = matches!(value.as_ref(), "" | "no" | "none" | "false" | "0" | "n/a" | "not used");
            let disclosed = if must_name { agent_and_model } else { !person && !denied };
            disclosed.then_some(self.other)
        })
    }

    /// Whether this row stands for tools that a disclosure does not name, or names and nobody here knows.
    pub fn is_unnamed(&self, agent: AgentIndex) -> bool {
        agent == self.other
    }

    /// Whether this row's marks make a commit AI-authored.
    pub fn is_ai(&self, agent: AgentIndex) -> bool {
        self.agents[agent].kind != AgentKind::Automation
    }
}

fn require_source(source: &str, what: &str) -> Result<(), String> {
    if source.starts_with("https://") { Ok(()) } else { Err(format!("`{what}` has no public source")) }
}

fn is_uuid(text: &str) -> bool {
    let text = text.strip_prefix("agent-").unwrap_or(text);
    text.len() == 36 && text.bytes().all(|b| b.is_ascii_hexdigit() || b == b'-')
}

/// Lower case without allocating when it is that already.
pub(super) fn lower(text: &str) -> Cow<'_, str> {
    let text = text.trim();
    if text.bytes().any(|b| b.is_ascii_uppercase() || !b.is_ascii()) {
        Cow::Owned(text.to_lowercase())
    } else {
        Cow::Borrowed(text)
    }
}

/// Whether `text` starts with `prefix`, which is lower-case.
pub(super) fn starts_with(text: &str, prefix: &str) -> bool {
    text.as_bytes().get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix.as_bytes()))
}

fn starts_with_word(text: &str, prefix: &str) -> bool {
    text.strip_prefix(prefix).is_some_and(|rest| !rest.starts_with(char::is_alphabetic))
}

/// The slugs that policy may name, in the order of the catalogue.
pub fn slugs() -> impl Iterator<Item = &'static str> {
    let catalogue = catalogue();
    catalogue.agents.iter().filter(|agent| agent.kind != AgentKind::Automation).map(|agent| agent.slug.as_str())
}

/// Whether the catalogue knows this slug as automation that is not AI.
#[must_use]
pub fn is_automation(slug: &str) -> bool {
    catalogue().agents.iter().any(|agent| agent.kind == AgentKind::Automation && agent.slug == slug)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_catalogue_is_sound() {
        let catalogue = Catalogue::parse(TEXT).unwrap();
        let idle = catalogue.agents.iter().find(|agent| agent.markers.is_empty() && agent.words.is_empty());
        assert_eq!(idle.map(|agent| &agent.slug), None, "an agent without any mark");
    }

    #[test]
    fn a_row_without_a_public_source_is_refused() {
        let text = "disclosures = []\n[[agent]]\nslug = 'other'\nname = 'x'\nkind = 'coding_agent'\nsource = 'hearsay'\nmarkers = []";
        assert_eq!(Catalogue::parse(text).err().unwrap(), "`other` has no public source");
    }
}
