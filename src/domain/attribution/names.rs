//! Whom a name alone names: a product, a bot, or a person who is called like one.

use super::Certainty;
use super::catalogue::{AgentIndex, Catalogue, Known};
use super::fold::fold;
use super::lookup::{LONGEST_WORD, lower};
use crate::domain::people::Identity;

/// What stands before `agent` in the names of programs that are no AI: of monitoring, of configuration, of builds and releases.
const PROGRAMS_CALLED_AGENTS: [&str; 42] = [
    "datadog",
    "puppet",
    "release",
    "build",
    "buildkite",
    "deploy",
    "deployment",
    "ci",
    "cd",
    "sync",
    "update",
    "backup",
    "zabbix",
    "newrelic",
    "elastic",
    "grafana",
    "monitoring",
    "metrics",
    "telemetry",
    "jenkins",
    "teamcity",
    "azure",
    "chef",
    "ssh",
    "gitlab",
    "fluent",
    "user",
    "cloud",
    "updater",
    "node",
    "log",
    "logging",
    "mail",
    "http",
    "dns",
    "endpoint",
    "otel",
    "splunk",
    "wazuh",
    "consul",
    "vault",
    "dynatrace",
];

impl Catalogue {
    /// The row a name proves beside that address. What is called like a tool and has more than its word as its domain
    /// (`Codex <me@codexstudio.io>`) is perhaps another's firm: a guess.
    pub(super) fn by_name(&self, name: &str, email: &str) -> Option<(AgentIndex, Known)> {
        let lower = lower(name);
        // `GPT-5 via Codex CLI` is the tool that the model worked in.
        let may_join = || lower.bytes().filter(|b| *b == b' ').count() > 1;
        let through = || lower.split_once(" via ").and_then(|(_, tool)| self.named(tool));
        if let Some((tool, _)) = on_behalf(&lower)
            && let Some(named) = self.named(tool.trim_end())
        {
            return Some(named);
        }
        match may_join().then(through).flatten().or_else(|| self.named(&lower)) {
            Some((agent, Known::Name)) if is_namesake(name, email) || self.is_nickname(agent, &lower, email) => {
                Some((agent, Known::Guessed))
            }
            named => {
                let remarked = || self.remarked(&lower).map(|agent| (agent, Known::Name));
                named.or_else(remarked).or_else(|| self.generic(name, &lower))
            }
        }
    }

    /// `AI Agent`, `Coding Agent`: no person, whichever tool it is. `AI` alone, and a tool's name that is a word besides, are guesses.
    fn generic(&self, name: &str, lower: &str) -> Option<(AgentIndex, Known)> {
        if let Some(agent) = self.named_word(name) {
            return Some((agent, Known::Guessed));
        }
        if matches!(name, "AI" | "LLM") {
            return Some((self.other, Known::Guessed));
        }
        let is_generic = name.contains(' ') && self.ai_words.contains(lower);
        is_generic.then_some((self.other, Known::Name))
    }

    /// `Kimi <kimi@helsinki.example>`: what people are called as well, at an address that could be theirs.
    fn is_nickname(&self, agent: AgentIndex, name: &str, email: &str) -> bool {
        let is_vendors = |domain: &str| {
            self.agents[agent].vendors.iter().any(|vendor| domain.split('.').any(|label| label == vendor))
        };
        self.nicknames.contains(name)
            && may_be_somebodys(email)
            && !email.split_once('@').is_some_and(|(_, domain)| is_vendors(&lower(domain)))
    }

    /// The tool whose name is a word besides, written as a name.
    pub(super) fn named_word(&self, word: &str) -> Option<AgentIndex> {
        let is_word = word.starts_with(char::is_uppercase) && !word.contains(' ');
        let is_name = is_word && self.words_besides.contains(lower(word).as_ref());
        is_name.then(|| self.word(word)).flatten()
    }

    /// Whether a line that is `Generated with` and the word, and no more, means the tool: its own word does, and a word besides that is
    /// written as a name, unless programs are called so, too.
    pub(super) fn is_sure(&self, word: &str, says_who_wrote: bool) -> bool {
        let lower = lower(word);
        let is_tools = self.words.iter().any(|(known, _)| *known == *lower);
        is_tools || says_who_wrote && self.named_word(word).is_some() && !self.things.contains(lower.as_ref())
    }

    /// The tool that stands behind another name, as `Ann & Claude Code`, and how sure that is; both in lower case but `written`. Behind
    /// a comma a first name is the same person's.
    pub(super) fn beside(&self, join: &str, written: &str, text: &str) -> Option<(AgentIndex, Certainty)> {
        let (agent, rest) = self.word_at_start(&self.words, text)?;
        let word = &text[..text.len() - rest.len()];
        let namesakes = &self.cues.namesakes;
        if agent == self.other || rest.starts_with(char::is_alphabetic) {
            return None;
        }
        if !namesakes.is_first_name(word) {
            return Some((agent, Certainty::Marked));
        }
        (join != ", " && !namesakes.is_family_name(written, rest)).then_some((agent, Certainty::Ambiguous))
    }

    /// The agent behind a handle: `@claude`, `@copilot-swe-agent`. `@devin` is somebody.
    fn handle(&self, handle: &str) -> Option<AgentIndex> {
        let handle = lower(handle.strip_prefix('@')?);
        let handle = handle.strip_suffix("[bot]").or(handle.strip_suffix("[bot")).unwrap_or(&handle);
        let tool = || self.words.iter().find(|(word, _)| *word == handle).map(|(_, agent)| *agent);
        let word = handle.strip_suffix("agent").unwrap_or(handle);
        let besides = || self.words_besides.contains(word).then(|| self.word(word)).flatten();
        let bot = || self.bot(&format!("{handle}[bot]")).map(|(agent, _)| agent);
        tool().or_else(besides).or_else(bot)
    }

    /// The agent that is named where an author should be, and whether by its product's name.
    pub(super) fn bare_agent(&self, name: &str) -> Option<(AgentIndex, bool)> {
        if name.contains('@') {
            return None;
        }
        let product = self.named(&lower(name)).map(|(agent, _)| (agent, true));
        product
            .or_else(|| self.nameless(name, "").map(|agent| (agent, false)))
            .filter(|(agent, _)| *agent != self.other)
    }

    /// What a robot sign signs: `🤖 Claude Code`, `🤖 by Jules`.
    pub(super) fn signed_by(&self, text: &str) -> Option<(AgentIndex, Certainty)> {
        if text.len() > LONGEST_WORD {
            return None;
        }
        let by = ["by ", "with ", "via "].iter().find_map(|by| text.strip_prefix(by));
        let name = by.unwrap_or(text).trim_end_matches(['.', ' ', '_', '*', ')', ']']);
        let name = name.split(" (").next().unwrap_or_default();
        let agent = self.word(name).filter(|agent| *agent != self.other)?;
        let is_tools = self.words.iter().any(|(word, _)| *word == *lower(name));
        let is_name = name.starts_with(char::is_uppercase);
        match by {
            _ if is_tools => Some((agent, Certainty::Marked)),
            Some(_) if is_name => Some((agent, Certainty::Marked)),
            None if is_name => Some((agent, Certainty::Ambiguous)),
            _ => None,
        }
    }

    /// Whether somebody who is called like a tool may be a person or a firm all the same.
    pub(super) fn is_perhaps_somebody(&self, name: &str, email: &str) -> bool {
        let is_guess = || matches!(self.by_name(name, email), Some((_, Known::Guessed)));
        (is_namesake(name, email) || is_guess()) && self.address(email, name).is_none()
    }

    /// `Claude (Anthropic)`, `Cursor (AI)`, in lower case: a tool's own word, and in brackets who makes it or what it is.
    fn remarked(&self, name: &str) -> Option<AgentIndex> {
        const WHAT: [&str; 6] = ["bot", "agent", "assistant", "coding agent", "coding assistant", "model"];
        let (tool, remark) = name.strip_suffix([')', ']'])?.rsplit_once(['(', '['])?;
        let agent = self.word(tool).filter(|agent| *agent != self.other)?;
        let remark = remark.trim();
        let starts =
            |word: &str| remark.strip_prefix(word).is_some_and(|rest| !rest.starts_with(|c: char| c.is_alphanumeric()));
        let is_program = WHAT.contains(&remark) || ["ai", "llm"].iter().any(|word| starts(word));
        (is_program || self.agents[agent].vendors.iter().any(|vendor| starts(vendor))).then_some(agent)
    }

    /// The row a lower-case name alone proves: a bot's login, or a name that no person bears.
    fn named(&self, name: &str) -> Option<(AgentIndex, Known)> {
        if name.ends_with("[bot]") {
            return self.bot(name);
        }
        let first = name.split([' ', '-', ':', '(', '[', '/']).next().unwrap_or_default();
        let known = self.names.get(first)?;
        // `Gemini Code Assist` is more than `Gemini`.
        let named = |name: &str| {
            let fitting = known.iter().filter(|(known, _)| is_name(name, known));
            fitting.max_by_key(|(known, _)| known.len()).map(|(_, agent)| *agent)
        };
        // `cursor-agent` is how a program would write `Cursor Agent`.
        let agent = named(name).or_else(|| name.contains('-').then(|| named(&name.replace('-', " "))).flatten())?;
        Some((agent, Known::Name))
    }

    /// The row of a lower-case `….[bot]` login. `x-staging[bot]` is `x[bot]` being tried out.
    pub(super) fn bot(&self, login: &str) -> Option<(AgentIndex, Known)> {
        if let Some(agent) = self.logins.get(login) {
            return Some((*agent, Known::Login));
        }
        let (name, _) = login.strip_suffix("[bot]")?.rsplit_once('-').filter(|(_, rest)| {
            matches!(*rest, "staging" | "stage" | "dev" | "test" | "testing" | "preview" | "nightly" | "local" | "beta")
        })?;
        self.logins.get(&format!("{name}[bot]")).map(|agent| (*agent, Known::Login))
    }

    /// A bot that nobody here knows and that calls itself AI or an agent. Named like the programs that were called agents before,
    /// it is a guess only.
    pub(super) fn unheard_of_bot(&self, name: &str) -> Option<(AgentIndex, Known)> {
        if !name.ends_with(']') {
            return None;
        }
        let name = lower(name);
        let mut parts = name.strip_suffix("[bot]")?.split('-');
        if parts.clone().any(|part| matches!(part, "ai" | "llm" | "gpt" | "copilot" | "codex" | "claude")) {
            return Some((self.other, Known::Login));
        }
        let is_program = parts.clone().any(|part| PROGRAMS_CALLED_AGENTS.contains(&part));
        let known = if is_program { Known::Guessed } else { Known::Login };
        parts.any(|part| part == "agent").then_some((self.other, known))
    }

    /// Whether [`Self::person`] only guesses.
    pub(super) fn is_guess(&self, name: &str, email: &str) -> bool {
        let by_name = || self.by_name(name, email).or_else(|| self.unheard_of_bot(name));
        self.address(email, name).is_none() && matches!(by_name(), Some((_, Known::Guessed)))
    }

    /// The row of whoever a trailer names.
    pub(super) fn person(&self, name: &str, email: &str) -> Option<AgentIndex> {
        let known =
            self.address(email, name).or_else(|| self.by_name(name, email)).or_else(|| self.unheard_of_bot(name));
        known.map(|(agent, _)| agent).or_else(|| self.nameless(name, email)).or_else(|| self.handle(email))
    }

    /// A tool's own word where a name should be, and no address that could be a person's.
    fn nameless(&self, name: &str, email: &str) -> Option<AgentIndex> {
        if may_be_somebodys(email) {
            return None;
        }
        let name = lower(name);
        if email.is_empty() && !self.given_names.contains(name.as_ref()) {
            // English elsewhere, but nobody's whole name: `Co-authored-by: Cursor`.
            if let Some(agent) = self.word(&name) {
                return Some(agent);
            }
        }
        let (agent, rest) = self.word_at_start(&self.words, &name)?;
        is_name(&name, &name[..name.len() - rest.len()]).then_some(agent)
    }

    /// Whether a co-author without any address is an agent by its product's name: `Claude`, `Codex CLI`, `Claude Opus 4.5`.
    /// Names that people bear (`Devin`, `Jules`) stay people's.
    pub(super) fn is_a_bare_agent(&self, who: &Identity) -> bool {
        let name = fold(&who.name);
        let is_handle = name.is_empty() && self.handle(&who.email).is_some();
        let is_named =
            || self.named(&lower(&name)).map(|(agent, _)| agent).or_else(|| self.nameless(&name, "")).is_some();
        who.account.is_none() && (is_handle || who.email.is_empty() && is_named())
    }
}

/// Whether `name` is `known`, alone or with a version, a remark, or a word that only programs bear.
fn is_name(name: &str, known: &str) -> bool {
    let Some(rest) = name.strip_prefix(known) else { return false };
    let rest = rest.trim_start_matches([' ', '-', '(', '[', ':', '/', '+', ',']);
    let apart = rest.len() < name.len() - known.len();
    let word = rest.split(|c: char| !c.is_alphanumeric()).next().unwrap_or_default();
    let programs = matches!(
        word,
        "agent"
            | "bot"
            | "ai"
            | "cli"
            | "cloud"
            | "app"
            | "assistant"
            | "code"
            | "coder"
            | "model"
            | "opus"
            | "sonnet"
            | "haiku"
            | "pro"
            | "via"
            | "with"
            | "powered"
            | "chat"
            | "coding"
            | "autofix"
    );
    rest.is_empty()
        || !rest.starts_with(char::is_alphabetic)
        || apart && programs
        || name.as_bytes()[known.len()] == b'('
        || name[known.len()..].starts_with(" (")
}

/// An agent's name, and whom it says that it worked for: `Claude Code on behalf of Ann Lee`, `Claude Code (for Ann Lee)`.
pub(super) fn on_behalf(name: &str) -> Option<(&str, &str)> {
    const FOR: [&str; 3] = [" (on behalf of ", " on behalf of ", " (for "];
    if name.bytes().filter(|b| *b == b' ').count() < 2 {
        return None;
    }
    let (agent, human) = FOR.iter().find_map(|words| name.split_once(words))?;
    Some((agent, human.trim_end_matches(')').trim()))
}

/// Whether an address is more than that of a machine without one.
fn may_be_somebodys(email: &str) -> bool {
    email.contains('@') && !email.ends_with(".local") && !email.ends_with("@localhost")
}

/// Whether a name of one word is a part, and not the whole, of what its address calls its domain.
fn is_namesake(name: &str, email: &str) -> bool {
    let Some((_, domain)) = email.split_once('@') else { return false };
    let (name, domain) = (lower(name), lower(domain));
    let is_word = name.len() >= 4 && name.bytes().all(|b| b.is_ascii_alphanumeric());
    is_word && domain.split('.').any(|label| label.contains(name.as_ref()) && label != name)
}
