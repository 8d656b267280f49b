//! What the catalogue says of an identity, a trailer or a word.

use std::borrow::Cow;

use super::catalogue::{AgentIndex, Catalogue, Known, Sign};
use super::fold::fold;
use super::rows::{Accepts, AgentKind};
use crate::domain::people::{AccountKind, Identity};

/// What stands before `agent` in the names of programs that are no AI: of monitoring, of configuration, of builds and releases.
const PROGRAMS_CALLED_AGENTS: [&str; 24] = [
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
];

impl Catalogue {
    /// The row an identity belongs to, automation included.
    pub(super) fn identity(&self, identity: &Identity) -> Option<(AgentIndex, Known)> {
        self.machine(identity)
            .or_else(|| self.named(&identity.name))
            .or_else(|| identity.account.as_ref().and_then(|account| self.login(&account.login, account.kind)))
            .or_else(|| self.unheard_of_bot(&identity.name))
    }

    /// The row to which the address or the account belongs; whatever the name says, this is no person.
    pub(super) fn machine(&self, identity: &Identity) -> Option<(AgentIndex, Known)> {
        if let Some(account) = &identity.account
            && let Some(agent) = self.account(account.id, &identity.name)
        {
            return Some((agent, Known::Account));
        }
        self.address(&identity.email, &identity.name)
    }

    /// The row an address belongs to; `name` is what stands beside it.
    pub(super) fn address(&self, email: &str, name: &str) -> Option<(AgentIndex, Known)> {
        let email = lower(email);
        if let Some(agent) = self.emails.get(email.as_ref()) {
            return Some((*agent, Known::Email));
        }
        let (local, domain) = email.split_once('@')?;
        if domain == "users.noreply.github.com" {
            if let Some((id, _)) = local.split_once('+') {
                return self.account(id.parse().ok()?, name).map(|agent| (agent, Known::Account));
            }
            return local.ends_with("[bot]").then(|| self.bot(local)).flatten();
        }
        // What stands behind a plus sign does not change whose address it is.
        if let Some((base, _)) = local.split_once('+') {
            return self.address(&format!("{base}@{domain}"), name);
        }
        if let Some(agent) = self.uuid_at.get(domain).filter(|_| is_uuid(local)) {
            return Some((*agent, Known::Email));
        }
        let agent = *self.role_at.get(domain)?;
        let local = local.replace(['-', '_', '.'], "");
        let is_role = self.role_names.contains(&local)
            || self.all_words.iter().any(|(word, of)| *of == agent && word.replace([' ', '-'], "") == local);
        is_role.then_some((agent, Known::Email))
    }

    /// Whether an address was written without cause on that day (`2026-04-30…`).
    pub(super) fn is_false_on(&self, email: &str, day: Option<&str>) -> bool {
        let Some((first, last)) = self.false_between.get(lower(email).as_ref()) else { return false };
        day.and_then(|day| day.get(..10)).is_some_and(|day| first.as_str() <= day && day <= last.as_str())
    }

    /// The row a name alone proves: a bot's login, or a name that no person bears.
    fn named(&self, name: &str) -> Option<(AgentIndex, Known)> {
        let name = lower(name);
        if name.ends_with("[bot]") {
            return self.bot(&name);
        }
        let first = name.split([' ', '-', ':', '(', '[', '/']).next().unwrap_or_default();
        let (_, agent) = self.names.get(first)?.iter().find(|(known, _)| is_name(&name, known))?;
        Some((*agent, Known::Name))
    }

    /// The row of a lower-case `….[bot]` login. `x-staging[bot]` is `x[bot]` being tried out.
    fn bot(&self, login: &str) -> Option<(AgentIndex, Known)> {
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
    fn unheard_of_bot(&self, name: &str) -> Option<(AgentIndex, Known)> {
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
        let is_known = || self.address(email, name).is_some() || self.named(name).is_some();
        matches!(self.unheard_of_bot(name), Some((_, Known::Guessed))) && !is_known()
    }

    /// The row of whoever a trailer names.
    pub(super) fn person(&self, name: &str, email: &str) -> Option<AgentIndex> {
        let known = self.address(email, name).or_else(|| self.named(name)).or_else(|| self.unheard_of_bot(name));
        known.map(|(agent, _)| agent).or_else(|| self.nameless(name, email))
    }

    /// A tool's own word where a name should be, and no address that could be a person's.
    fn nameless(&self, name: &str, email: &str) -> Option<AgentIndex> {
        if email.contains('@') && !email.ends_with(".local") && !email.ends_with("@localhost") {
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
        who.email.is_empty()
            && who.account.is_none()
            && self.named(&name).map(|(agent, _)| agent).or_else(|| self.nameless(&name, "")).is_some()
    }

    /// The row of an account. `name` decides where one id serves several bots.
    pub(super) fn account(&self, id: u64, name: &str) -> Option<AgentIndex> {
        self.accounts
            .get(&id)?
            .iter()
            .find(|sign| sign.name.as_ref().is_none_or(|wanted| wanted.eq_ignore_ascii_case(name)))
            .map(|sign| sign.agent)
    }

    /// The row of a bot's login. GraphQL leaves the `[bot]` out.
    pub(super) fn login(&self, login: &str, kind: AccountKind) -> Option<(AgentIndex, Known)> {
        let mut login = login.to_lowercase();
        if !login.ends_with("[bot]") {
            if kind != AccountKind::Bot {
                return None;
            }
            login.push_str("[bot]");
        }
        self.bot(&login)
    }

    /// The tool that what stands in brackets after a name, or after a plus sign in its address, names.
    pub(super) fn remark(&self, text: &str) -> Option<AgentIndex> {
        let (agent, rest) = self.word_at_start(&self.words, text)?;
        (!rest.starts_with(char::is_alphabetic) && agent != self.other).then_some(agent)
    }

    /// What a trailer proves by its key, or by key and value.
    pub(super) fn trailer(&self, key: &str, value: &str) -> Option<&Sign> {
        self.trailers.get(key)?.iter().find(|sign| starts_with(value, &sign.text))
    }

    /// The agent whose session a key like `Codex-Session-Id` names.
    pub(super) fn session(&self, key: &str) -> Option<AgentIndex> {
        let at = key.find('-')?;
        std::iter::once(at).chain(key.rfind('-')).find_map(|at| {
            let (tool, what) = (&key[..at], &key[at + 1..]);
            let named = || self.all_words.iter().find(|(word, _)| word.replace(' ', "-") == tool);
            let is_session = self.session_keys.iter().any(|known| known == what);
            is_session.then(named).flatten().map(|(_, agent)| *agent).filter(|agent| *agent != self.other)
        })
    }

    /// What values of this trailer disclose; `None` when it discloses nothing.
    pub(super) fn accepts(&self, key: &str) -> Option<Accepts> {
        self.disclosures.get(key).copied()
    }

    /// The row a disclosure trailer (`Assisted-by`) names; `None` when it names no tool.
    pub(super) fn disclosed(&self, accepts: Accepts, value: &str) -> Option<AgentIndex> {
        let value = lower(value);
        let value = value.trim_start_matches(['[', '`', '"', '*', '_', '(', '@']);
        let value = ["an ", "the ", "a "].iter().find_map(|article| value.strip_prefix(article)).unwrap_or(value);
        if is_denial(value) {
            return None;
        }
        let person = value.contains('@');
        let mut named = value.split([',', ';', '+', '&']).filter_map(|part| {
            let (agent, rest) = self.word_at_start(&self.all_words, part.trim())?;
            // `Claude:opus`, `Claude (Opus)` and `Claude 4` are the tool; `Claude Martin <cm@example.com>` is a person.
            let names_it = match rest.trim_start().chars().next() {
                None => true,
                Some(next) => {
                    let letter = next.is_alphabetic();
                    // A word beside it makes a name of a word that is one; `Codex reviewer` is Codex.
                    (!letter || !person && rest.starts_with(' ') && self.is_only_a_tool(part.trim(), rest))
                        && (!person || next == ':' || next == '(')
                }
            };
            names_it.then_some(agent)
        });
        let first = named.next();
        let best =
            first.filter(|agent| *agent != self.other).or_else(|| named.find(|agent| *agent != self.other)).or(first);
        best.or_else(|| {
            let shaped = !person
                && (value.split_once(':').is_some_and(|(agent, model)| {
                    !agent.is_empty() && !agent.contains("http") && model.starts_with(|c: char| c.is_alphanumeric())
                }) || value.starts_with("http"));
            let disclosed = match accepts {
                Accepts::Named | Accepts::Review => false,
                Accepts::Shaped => shaped,
                Accepts::Any => !person,
            };
            disclosed.then_some(self.other)
        })
    }

    fn is_only_a_tool(&self, text: &str, rest: &str) -> bool {
        let word = &text[..text.len() - rest.len()];
        self.words.iter().any(|(known, _)| known == word)
    }

    /// The tool that has exactly this word.
    pub(super) fn word(&self, word: &str) -> Option<AgentIndex> {
        let word = lower(word);
        self.all_words.iter().find(|(known, _)| *known == word).map(|(_, agent)| *agent)
    }

    /// The tool whose word a lower-case text starts with, and what follows.
    fn word_at_start<'t>(&self, words: &[(String, AgentIndex)], text: &'t str) -> Option<(AgentIndex, &'t str)> {
        words.iter().find_map(|(word, agent)| {
            let rest = text.strip_prefix(word.as_str())?;
            (!rest.starts_with(|c: char| c.is_alphanumeric())).then_some((*agent, rest))
        })
    }

    /// The row a tool's own name for itself belongs to, as notes spell it.
    pub(super) fn tool(&self, name: &str) -> AgentIndex {
        let name = lower(name).replace(['-', '_'], " ");
        let known = self.word_at_start(&self.all_words, &name).map(|(agent, _)| agent);
        known.or_else(|| self.agents.iter().position(|agent| agent.slug == name)).unwrap_or(self.other)
    }

    /// Whether this row stands for tools that a disclosure does not name, or names and nobody here knows.
    pub(super) fn is_unnamed(&self, agent: AgentIndex) -> bool {
        agent == self.other
    }

    /// Whether this row's marks make a commit AI-authored.
    pub(super) fn is_ai(&self, agent: AgentIndex) -> bool {
        self.agents[agent].kind != AgentKind::Automation
    }
}

/// `no`, `none used`, `not applicable`, `n/a`, `0%`: says that no tool had a part.
fn is_denial(value: &str) -> bool {
    let value = value.trim();
    let first = value.split([' ', ',', '.', ';', ':', '(', '-']).next().unwrap_or_default();
    matches!(
        first,
        "" | "no"
            | "none"
            | "false"
            | "0"
            | "0%"
            | "n/a"
            | "na"
            | "not"
            | "never"
            | "without"
            | "nothing"
            | "zero"
            | "unused"
    )
}

/// Whether what follows `AI:` says that it was used: `yes`, `generated`, `mostly written by …`.
pub(super) fn says_so(value: &str) -> bool {
    let value = lower(value);
    let first = value.split(|c: char| !(c.is_alphanumeric() || c == '-')).next().unwrap_or_default();
    matches!(
        first,
        "yes"
            | "true"
            | "used"
            | "assisted"
            | "generated"
            | "written"
            | "authored"
            | "co-authored"
            | "helped"
            | "partly"
            | "partially"
            | "mostly"
            | "fully"
            | "entirely"
            | "heavily"
    ) || value.starts_with("i used")
        || value.starts_with("we used")
}

/// `written by hand`, `human only`: says who did it instead of a tool.
pub(super) fn is_by_hand(value: &str) -> bool {
    const WORDS: [&str; 6] = ["by hand", "handwritten", "hand-written", "manual", "human only", "human-only"];
    let value = lower(value);
    let by_people = ["by humans", "by a human", "human written", "human-written", "only humans", "humans only"];
    WORDS.iter().chain(&by_people).any(|words| value.contains(words))
}

fn is_uuid(text: &str) -> bool {
    let text = text.strip_prefix("agent-").unwrap_or(text);
    text.len() == 36 && text.bytes().all(|b| b.is_ascii_hexdigit() || b == b'-')
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
