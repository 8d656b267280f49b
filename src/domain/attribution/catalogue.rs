//! The catalogue of agents: `catalogue.toml`, compiled in, parsed once and indexed for one pass over a commit.

use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

use super::cues::{Cue, Cues};
use super::namesakes::Namesakes;
use super::prose::Phrases;
use super::rows::{Accepts, Agent, AgentKind, ExtraAgent, File, Marker, MarkerType, Prose};
use super::{Certainty, Kind};
use crate::domain::digest::Digest;

const TEXT: &str = include_str!("catalogue.toml");

/// Digest of the catalogue's bytes: recorded with a judgement, so that it can be redone with the same rows.
pub static CATALOGUE_VERSION: LazyLock<Digest> = LazyLock::new(|| Digest::of_bytes(TEXT.as_bytes()));

static CATALOGUE: LazyLock<Catalogue> = LazyLock::new(|| match Catalogue::parse(TEXT, &[]) {
    Ok(catalogue) => catalogue,
    // The bytes are fixed at compile time and `the_catalogue_is_sound` parses them. Without rows nothing may be judged (P2).
    Err(error) => unreachable!("catalogue.toml: {error}"),
});

/// Position of an agent in the catalogue.
pub(super) type AgentIndex = usize;

/// A text and what it proves when found.
pub(super) struct Sign {
    pub text: String,
    pub agent: AgentIndex,
    pub proves: Kind,
    pub certainty: Certainty,
}

/// Why an identity is known: which of its parts the catalogue lists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Known {
    Email,
    Account,
    Login,
    Name,
    /// Nobody here knows it; it calls itself an agent, as programs like it did before there were AI agents.
    Guessed,
}

pub(super) struct AccountSign {
    pub name: Option<String>,
    pub agent: AgentIndex,
}

/// The rows, and the tables made from them.
pub struct Catalogue {
    pub(super) agents: Vec<Agent>,
    pub(super) emails: HashMap<String, AgentIndex>,
    pub(super) false_between: HashMap<String, (String, String)>,
    pub(super) accounts: HashMap<u64, Vec<AccountSign>>,
    pub(super) logins: HashMap<String, AgentIndex>,
    pub(super) uuid_at: HashMap<String, AgentIndex>,
    pub(super) role_at: HashMap<String, AgentIndex>,
    pub(super) role_names: Vec<String>,
    pub(super) given_names: HashSet<String>,
    pub(super) nicknames: HashSet<String>,
    pub(super) session_keys: Vec<String>,
    /// First words of values that say no.
    pub(super) no: HashSet<String>,
    /// Words for AI in general.
    pub(super) ai_words: HashSet<String>,
    /// Tools' names that are words besides.
    pub(super) words_besides: HashSet<String>,
    /// Those of them that programs are called, too.
    pub(super) things: HashSet<String>,
    pub(super) names: HashMap<String, Vec<(String, AgentIndex)>>,
    pub(super) name_suffixes: Vec<(String, AgentIndex)>,
    pub(super) trailers: HashMap<String, Vec<Sign>>,
    pub(super) disclosures: HashMap<String, Accepts>,
    pub(super) words: Vec<(String, AgentIndex)>,
    pub(super) all_words: Vec<(String, AgentIndex)>,
    pub(super) footers: Vec<Sign>,
    pub(super) subjects: Vec<Sign>,
    pub(super) links: Vec<Sign>,
    pub(super) branches: Vec<Sign>,
    pub(super) bodies: Vec<Sign>,
    pub(super) cues: Cues,
    pub(super) phrases: Phrases,
    pub(super) other: AgentIndex,
}

impl std::fmt::Debug for Catalogue {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Catalogue").field("agents", &self.agents.len()).finish_non_exhaustive()
    }
}

impl Catalogue {
    /// The catalogue that is compiled in.
    #[must_use]
    pub fn built_in() -> &'static Self {
        &CATALOGUE
    }

    /// The built-in catalogue and what a tenant adds to it. Nothing can be taken away: a mark that belongs to an agent already
    /// is refused, one that belongs to automation becomes the agent's.
    pub fn with(extra: &[ExtraAgent]) -> Result<Self, String> {
        Self::parse(TEXT, extra)
    }

    /// The slugs of agents, in the order of the catalogue: those that policy may name.
    pub fn slugs(&self) -> impl Iterator<Item = &str> {
        self.agents.iter().filter(|agent| agent.kind != AgentKind::Automation).map(|agent| agent.slug.as_str())
    }

    fn parse(text: &str, extra: &[ExtraAgent]) -> Result<Self, String> {
        let file: File = toml::from_str(text).map_err(|error| error.to_string())?;
        let other = file.agent.iter().position(|agent| agent.slug == "other").ok_or("no agent `other`")?;
        let mut agents = file.agent;
        agents.iter_mut().for_each(|agent| agent.name_sources(&file.sources));
        for mark in agents.iter().flat_map(|agent| &agent.markers) {
            require_source(mark.source.as_deref().unwrap_or_default(), &mark.value)?;
        }
        let built_in = agents.len();
        for agent in extra {
            add_extra(&mut agents, agent)?;
        }
        let mut it = Self {
            agents: Vec::new(),
            emails: HashMap::new(),
            false_between: HashMap::new(),
            accounts: HashMap::new(),
            logins: HashMap::new(),
            uuid_at: HashMap::new(),
            role_at: HashMap::new(),
            role_names: file.role_names,
            given_names: file.given_names,
            nicknames: file.nicknames,
            session_keys: file.session_keys,
            no: file.no,
            ai_words: file.prose.ai.iter().cloned().collect(),
            words_besides: file.prose.names.iter().chain(&file.prose.things).cloned().collect(),
            things: file.prose.things.iter().cloned().collect(),
            names: HashMap::new(),
            name_suffixes: Vec::new(),
            trailers: HashMap::new(),
            disclosures: HashMap::new(),
            words: Vec::new(),
            all_words: Vec::new(),
            footers: Vec::new(),
            subjects: Vec::new(),
            links: Vec::new(),
            branches: Vec::new(),
            bodies: Vec::new(),
            cues: Cues::default(),
            phrases: Phrases::new(&file.prose, other)?,
            other,
        };
        for disclosure in file.disclosures {
            for key in disclosure.keys {
                require_source(&disclosure.source, &key)?;
                it.disclosures.insert(key.to_lowercase(), disclosure.accepts);
            }
        }
        for (index, agent) in agents.iter().enumerate() {
            if agents.iter().take(index).any(|earlier| earlier.slug == agent.slug) {
                return Err(format!("agent `{}` twice", agent.slug));
            }
            if index < built_in {
                require_source(&agent.source, &agent.slug)?;
                if agent.since.is_some() {
                    require_source(agent.since_source.as_deref().unwrap_or_default(), &agent.slug)?;
                }
                if agent.operator.is_none() && agent.kind != AgentKind::Automation {
                    return Err(format!("agent `{}` does not say where its human stands", agent.slug));
                }
            }
            it.words.extend(agent.words.iter().map(|word| (word.to_lowercase(), index)));
            it.all_words.extend(agent.trailer_words.iter().map(|word| (word.to_lowercase(), index)));
        }
        it.all_words.extend(it.words.iter().cloned());
        // Longest first: `claude code` before `claude`.
        it.words.sort_by_key(|(word, _)| std::cmp::Reverse(word.len()));
        it.all_words.sort_by_key(|(word, _)| std::cmp::Reverse(word.len()));
        it.agents = agents;
        for index in 0..it.agents.len() {
            let agent = it.agents[index].clone();
            for marker in &agent.markers {
                it.add(index, marker).map_err(|error| format!("agent `{}`: {error}", agent.slug))?;
            }
        }
        it.cues = it.cues(&file.prose, Namesakes::new(file.first_names, file.editions))?;
        Ok(it)
    }

    fn cues(&self, prose: &Prose, namesakes: Namesakes) -> Result<Cues, String> {
        let spelled = self.trailers.keys().map(|key| key.replace('-', "_"));
        let keys = self.trailers.keys().chain(self.disclosures.keys()).cloned().chain(spelled);
        let keys = keys.map(|key| format!("{key}:"));
        let links = self.links.iter().map(|sign| sign.text.clone());
        let domains = self.emails.keys().filter_map(|email| Some(email.split_once('@')?.1));
        let domains = domains.chain(self.role_at.keys().map(String::as_str)).chain(["users.noreply.github.com"]);
        let lines = keys.chain(links).chain(domains.map(|domain| format!("@{domain}>"))).map(|text| (text, Cue::Line));
        let footers = self.footers.iter().map(|sign| (sign.text.clone(), Cue::Footer));
        let tools = self.words.iter().map(|(word, agent)| (word.clone(), Cue::Tool(*agent)));
        // `Devin (Cognition)` is the tool in a sentence, too.
        let with_vendor = self.all_words.iter().flat_map(|(word, agent)| {
            let vendors = self.agents[*agent].vendors.iter();
            vendors
                .flat_map(move |vendor| [format!("{word} ({vendor})"), format!("{word} ({vendor} ai)")])
                .map(|text| (text, Cue::Tool(*agent)))
        });
        let named = |word: &String| {
            let agent = self.word(word)?;
            Some((word.clone(), if self.things.contains(word) { Cue::Thing(agent) } else { Cue::Name(agent) }))
        };
        let names = prose.names.iter().chain(&prose.things).filter_map(named);
        Cues::new(lines.chain(footers), tools.chain(with_vendor).chain(names), prose, (self.other, namesakes))
    }

    fn add(&mut self, agent: AgentIndex, marker: &Marker) -> Result<(), String> {
        let text = marker.value.to_lowercase();
        if text.is_empty() && marker.kind != MarkerType::Trailer {
            return Err("a marker without a value would match everything".to_owned());
        }
        let sign = || -> Result<Sign, String> {
            let proves = marker.proves.ok_or_else(|| format!("`{text}` does not say what it proves"))?;
            Ok(Sign { text: text.clone(), agent, proves, certainty: marker.certainty })
        };
        // What was automation's becomes an agent's; no agent loses a mark to another.
        let is_taken = |old: Option<&AgentIndex>, agents: &[Agent]| {
            old.is_some_and(|old| *old == agent || agents[*old].kind != AgentKind::Automation)
        };
        let table = match marker.kind {
            MarkerType::Email => Some(&mut self.emails),
            MarkerType::Login => Some(&mut self.logins),
            MarkerType::UuidAt => Some(&mut self.uuid_at),
            MarkerType::RoleAt => Some(&mut self.role_at),
            _ => None,
        };
        if let Some(table) = table {
            if is_taken(table.get(&text), &self.agents) {
                return Err(format!("`{text}` is a mark of another agent already"));
            }
            if let Some(days) = &marker.false_between {
                self.false_between.insert(text.clone(), days.clone());
            }
            table.insert(text, agent);
            return Ok(());
        }
        match marker.kind {
            MarkerType::Account => {
                let id = text.parse().map_err(|_| format!("`{text}` is not an account id"))?;
                let name = marker.name.as_ref().map(|name| name.to_lowercase());
                let signs = self.accounts.entry(id).or_default();
                if let Some(old) = signs.iter_mut().find(|sign| sign.name == name) {
                    if is_taken(Some(&old.agent), &self.agents) {
                        return Err(format!("account {id} is a mark of another agent already"));
                    }
                    old.agent = agent;
                    return Ok(());
                }
                // Rows that ask for a name are tried first.
                let at = if name.is_some() { 0 } else { signs.len() };
                signs.insert(at, AccountSign { name, agent });
            }
            MarkerType::Name => {
                let first = text.split([' ', '-']).next().unwrap_or_default().to_owned();
                self.names.entry(first).or_default().push((text, agent));
            }
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
            MarkerType::Email | MarkerType::Login | MarkerType::UuidAt | MarkerType::RoleAt => {}
        }
        Ok(())
    }
}

fn add_extra(agents: &mut Vec<Agent>, extra: &ExtraAgent) -> Result<(), String> {
    let mut markers: Vec<Marker> = extra.marks.iter().map(super::rows::ExtraMark::marker).collect();
    if let Some(known) = agents.iter_mut().find(|agent| agent.slug == extra.slug) {
        if known.kind == AgentKind::Automation {
            return Err(format!("`{}` is automation; give the agent another name", extra.slug));
        }
        known.markers.append(&mut markers);
        return Ok(());
    }
    if extra.slug.is_empty() {
        return Err("an agent without a name".to_owned());
    }
    agents.push(Agent {
        slug: extra.slug.clone(),
        name: if extra.name.is_empty() { extra.slug.clone() } else { extra.name.clone() },
        kind: AgentKind::CodingAgent,
        source: String::new(),
        operator: None,
        since: None,
        since_source: None,
        words: Vec::new(),
        trailer_words: Vec::new(),
        vendors: Vec::new(),
        signed_by: Vec::new(),
        signed_by_github: false,
        markers,
    });
    Ok(())
}

fn require_source(source: &str, what: &str) -> Result<(), String> {
    if source.starts_with("https://") { Ok(()) } else { Err(format!("`{what}` has no public source")) }
}

/// The slugs of the built-in catalogue that policy may name, in its order.
pub fn slugs() -> impl Iterator<Item = &'static str> {
    Catalogue::built_in().slugs()
}

/// Whether the catalogue knows this slug as automation that is not AI.
#[must_use]
pub fn is_automation(slug: &str) -> bool {
    Catalogue::built_in().agents.iter().any(|agent| agent.kind == AgentKind::Automation && agent.slug == slug)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_catalogue_is_sound() {
        let catalogue = Catalogue::parse(TEXT, &[]).unwrap();
        let idle = catalogue.agents.iter().find(|agent| agent.markers.is_empty() && agent.words.is_empty());
        assert_eq!(idle.map(|agent| &agent.slug), None, "an agent without any mark");
        assert!(catalogue.slugs().count() >= 40);
        assert!(!TEXT.contains("github.com/search"), "a search is no source");
        let file: File = toml::from_str(TEXT).unwrap();
        for name in file.sources.keys() {
            assert!(TEXT.matches(&format!("source = \"{name}\"")).count() > 1, "`{name}` is cited less than twice");
        }
    }

    #[test]
    fn every_mark_names_the_page_that_shows_it_and_every_date_its_page() {
        let is_date = |text: &str| {
            let (year, month) = text.split_once('-').unwrap_or((text, "01"));
            year.parse().is_ok_and(|year: u16| (2010..2100).contains(&year))
                && month.len() == 2
                && month.parse().is_ok_and(|month: u8| (1..=12).contains(&month))
        };
        for agent in &Catalogue::built_in().agents {
            for mark in &agent.markers {
                // The agent's page is the vendor's word that it exists, not somebody's look at this mark.
                let source = mark.source.as_deref().unwrap_or_default();
                assert!(source.starts_with("https://"), "{}: `{}` was seen nowhere", agent.slug, mark.value);
                assert!(mark.since >= agent.since || mark.since.is_none(), "{}: older than its agent", mark.value);
            }
            let dates = agent.since.iter().chain(agent.markers.iter().filter_map(|mark| mark.since.as_ref()));
            dates.for_each(|date| assert!(is_date(date), "{}: `{date}` is no date", agent.slug));
            assert_eq!(agent.since.is_some(), agent.since_source.is_some(), "{}", agent.slug);
        }
    }

    #[test]
    fn the_document_says_how_many_agents_and_marks_there_are_and_which_agents_have_no_date() {
        let document = include_str!("../../../docs/attribution.md");
        let agents = &Catalogue::built_in().agents;
        let marks = agents.iter().map(|agent| agent.markers.len()).sum::<usize>();
        let counted = format!("{marks} marks of {} agents", agents.len());
        assert!(document.contains(&counted), "{counted}");
        let listed = document.split("Without one: ").nth(1).and_then(|rest| rest.split(", which is no product").next());
        let listed: Vec<_> = listed.unwrap().split('`').skip(1).step_by(2).collect();
        let mut undated: Vec<_> =
            agents.iter().filter(|agent| agent.since.is_none()).map(|agent| &agent.slug).collect();
        undated.sort_unstable_by_key(|slug| (*slug == "other", *slug));
        assert_eq!(listed, undated);
    }

    #[test]
    fn a_row_without_a_public_source_is_refused() {
        let at = TEXT.find("source = \"https").unwrap();
        let text = format!("{}source = \"hearsay{}", &TEXT[..at], &TEXT[at + "source = \"https".len()..]);
        assert!(Catalogue::parse(&text, &[]).err().unwrap().ends_with("has no public source"));
        let text = TEXT.replace("source = \"disclosure\"", "source = \"disclosur\"");
        assert!(
            Catalogue::parse(&text, &[]).err().unwrap().ends_with("has no public source"),
            "a short name of nothing"
        );
        let text = TEXT.replace("value = \"codex@openai.com\", source = \"deslag\"", "value = \"codex@openai.com\"");
        assert_eq!(Catalogue::parse(&text, &[]).err().unwrap(), "`codex@openai.com` has no public source", "a mark");
    }
}
