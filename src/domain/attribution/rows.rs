//! The rows of `catalogue.toml`, as they are written.

use std::collections::{HashMap, HashSet};

use serde::Deserialize;

use super::message;
use super::{Certainty, Kind};

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

/// Where the human behind an agent's commit stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Operator {
    /// The author is the human.
    Author,
    /// A co-author, on most commits.
    CoAuthor,
    /// The author's address is the human's, the name beside it the agent's.
    SameAddress,
    /// The commit names nobody, mostly: only the pull request or the session knows.
    Nobody,
    /// Depends on where the agent runs.
    Varies,
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
    /// Where its human stands; not for automation.
    pub operator: Option<Operator>,
    /// When its vendor first released it (`2025-02`, or `2025`), else the earliest dated public trace of it that was found.
    pub since: Option<String>,
    /// That page.
    pub since_source: Option<String>,
    /// How people spell it, in words that mean nothing else.
    #[serde(default)]
    pub words: Vec<String>,
    /// How a trailer or a note spells it, in words that elsewhere are English or somebody's given name.
    #[serde(default)]
    pub trailer_words: Vec<String>,
    /// Who makes it, as people write it in brackets behind its name.
    #[serde(default)]
    pub vendors: Vec<String>,
    /// Fingerprints of the SSH keys it signs with.
    #[serde(default)]
    pub signed_by: Vec<String>,
    /// Whether what it pushes carries GitHub's own signature.
    #[serde(default)]
    pub signed_by_github: bool,
    /// Its marks.
    pub markers: Vec<Marker>,
}

impl Agent {
    /// Puts addresses in the place of the short names of `sources`; what is neither stays, and is refused as no public source.
    pub(super) fn name_sources(&mut self, sources: &HashMap<String, String>) {
        let mine =
            self.since_source.iter_mut().chain(self.markers.iter_mut().filter_map(|marker| marker.source.as_mut()));
        for source in mine {
            if let Some(address) = sources.get(source) {
                source.clone_from(address);
            }
        }
    }
}

/// One mark an agent leaves.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Marker {
    #[serde(rename = "type")]
    pub(super) kind: MarkerType,
    #[serde(default)]
    pub(super) value: String,
    pub(super) key: Option<String>,
    pub(super) name: Option<String>,
    pub(super) proves: Option<Kind>,
    #[serde(default)]
    pub(super) certainty: Certainty,
    /// First and last day on which some tool wrote this mark without cause.
    pub(super) false_between: Option<(String, String)>,
    /// When it was first written or documented, where its own source says so.
    pub since: Option<String>,
    /// Public page, file or commit that was seen to show this mark. A tenant's marks have none.
    pub source: Option<String>,
    /// What to know about it.
    pub note: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum MarkerType {
    Email,
    Account,
    Login,
    UuidAt,
    RoleAt,
    Name,
    NameSuffix,
    Trailer,
    Footer,
    Subject,
    Link,
    Branch,
    Body,
}

/// Which values of a disclosure trailer disclose a tool.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Accepts {
    /// One that names a tool of the catalogue.
    Named,
    /// Or has the form `AGENT:MODEL`, or links to something about AI.
    Shaped,
    /// Anything but a denial.
    Any,
    /// One that names a tool; says that it reviewed, found or tested, not that it wrote.
    Review,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Disclosure {
    pub keys: Vec<String>,
    pub accepts: Accepts,
    pub source: String,
    #[serde(default)]
    #[allow(dead_code, reason = "for readers of the file")]
    pub note: String,
}

/// What a sentence of that form says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Says {
    /// That a tool wrote or helped to write.
    Wrote,
    /// That a tool had some part: found it, reviewed it, suggested it.
    HadAPart,
    /// That some tool wrote, in words that name none.
    Unnamed,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Phrase {
    pub says: Says,
    pub forms: Vec<String>,
    pub source: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Prose {
    /// Words for AI in general.
    pub ai: Vec<String>,
    /// Tools' names that are words besides: they count in sentences where they are written as names are.
    pub names: Vec<String>,
    /// The same, and programs are called so, too: whatever is said of them is ambiguous.
    pub things: Vec<String>,
    /// Names that contain a tool's name and are not the tool at work.
    pub not_tools: Vec<String>,
    /// Words that say it without the name of any tool.
    pub unnamed: Vec<String>,
    /// Forms of denials in other languages than English.
    pub denials: Vec<String>,
    /// What looks like a denial and is none.
    pub not_only: Vec<String>,
    /// What begins a clause, besides a comma.
    pub but: Vec<String>,
    /// Forms in which people tell what a program does.
    pub talk: Vec<String>,
    pub parts: Vec<(String, String)>,
    pub phrases: Vec<Phrase>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct File {
    /// Files that several rows cite: a short name, and the address at the commit that was read.
    pub sources: HashMap<String, String>,
    pub disclosures: Vec<Disclosure>,
    pub role_names: Vec<String>,
    pub given_names: HashSet<String>,
    pub nicknames: HashSet<String>,
    pub first_names: HashSet<String>,
    pub editions: HashSet<String>,
    pub session_keys: Vec<String>,
    pub no: HashSet<String>,
    pub prose: Prose,
    pub agent: Vec<Agent>,
}

/// An agent or marks that a tenant adds to the catalogue. Nothing can be taken away.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExtraAgent {
    /// A new slug, or one of the catalogue to add marks to it.
    pub slug: String,
    /// How people name it; the slug if empty.
    pub name: String,
    /// Its marks.
    pub marks: Vec<ExtraMark>,
}

/// A mark that a tenant adds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ExtraMark {
    /// Address of an author or co-author.
    Email(String),
    /// Account id.
    Account(u64),
    /// Login of an App, with or without `[bot]`.
    Login(String),
    /// Trailer with this key, and a value that starts so; empty for any value.
    Trailer {
        /// The key.
        key: String,
        /// How the value starts.
        value: String,
    },
    /// How a line of the message starts.
    Footer(String),
    /// How the head branch of a pull request starts.
    Branch(String),
    /// What the body of a pull request contains.
    Body(String),
}

impl ExtraMark {
    pub(super) fn marker(&self) -> Marker {
        let (kind, value, proves) = match self {
            Self::Email(value) => (MarkerType::Email, value.clone(), None),
            Self::Account(id) => (MarkerType::Account, id.to_string(), None),
            Self::Login(login) => (MarkerType::Login, bot_login(login), None),
            Self::Trailer { value, .. } => (MarkerType::Trailer, value.clone(), Some(Kind::CoAuthored)),
            Self::Footer(value) => (MarkerType::Footer, message::bare(value).to_owned(), Some(Kind::CoAuthored)),
            Self::Branch(value) => (MarkerType::Branch, value.clone(), Some(Kind::Assisted)),
            Self::Body(value) => (MarkerType::Body, value.clone(), Some(Kind::Assisted)),
        };
        let key = if let Self::Trailer { key, .. } = self { Some(message::plain_key(key)) } else { None };
        Marker {
            kind,
            value,
            key,
            name: None,
            proves,
            certainty: Certainty::Marked,
            false_between: None,
            since: None,
            source: None,
            note: None,
        }
    }
}

fn bot_login(login: &str) -> String {
    if login.ends_with("[bot]") { login.to_owned() } else { format!("{login}[bot]") }
}
