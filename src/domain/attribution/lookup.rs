//! What the catalogue says of an identity, a trailer or a word.

use std::borrow::Cow;

use super::catalogue::{AgentIndex, Catalogue, Known, Sign};
use super::rows::{Accepts, AgentKind};
use crate::domain::people::{AccountKind, Identity};

/// Longest word that may be a tool's, in bytes.
pub(super) const LONGEST_WORD: usize = 60;

impl Catalogue {
    /// The row an identity belongs to, automation included.
    pub(super) fn identity(&self, identity: &Identity) -> Option<(AgentIndex, Known)> {
        self.machine(identity)
            .or_else(|| self.by_name(&identity.name, &identity.email))
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

    /// The row of an account. `name` decides where one id serves several bots.
    pub(super) fn account(&self, id: u64, name: &str) -> Option<AgentIndex> {
        self.accounts
            .get(&id)?
            .iter()
            .find(|sign| sign.name.as_ref().is_none_or(|wanted| wanted.eq_ignore_ascii_case(name)))
            .map(|sign| sign.agent)
    }

    /// The row of a bot's login. GraphQL leaves the `[bot]` out; `Copilot` has none.
    pub(super) fn login(&self, login: &str, kind: AccountKind) -> Option<(AgentIndex, Known)> {
        let mut login = login.to_lowercase();
        if let Some(agent) = self.logins.get(&login) {
            return Some((*agent, Known::Login));
        }
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
        let is_theirs = rest.starts_with(['\'', '’']);
        (!rest.starts_with(char::is_alphabetic) && !is_theirs && agent != self.other).then_some(agent)
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
        let written = value;
        let value = lower(value);
        let value = value.trim_start_matches(['[', '`', '"', '*', '_', '(', '@']);
        let value = ["an ", "the ", "a "].iter().find_map(|article| value.strip_prefix(article)).unwrap_or(value);
        if self.is_denial(value) {
            return excepted(value).and_then(|rest| self.disclosed(accepts, rest));
        }
        let person = value.contains('@');
        const BETWEEN: [char; 4] = [',', ';', '+', '&'];
        let mut named = value.split(BETWEEN).zip(written.split(BETWEEN)).filter_map(|(part, written)| {
            let part = part.trim();
            let (agent, rest) = self.word_at_start(&self.all_words, part)?;
            // `GPT-5 via Codex CLI` is the tool that the model worked in; `GPT-5-Codex` is Codex.
            let through = part.split_once(" via ").and_then(|(_, tool)| self.word_at_start(&self.words, tool));
            if let Some((tool, _)) = through.filter(|_| !person) {
                return Some(tool);
            }
            let version = rest.split([' ', '(', ':']).next().unwrap_or_default();
            let agent = version.split('-').skip(1).find_map(|part| self.cues.tool(part)).unwrap_or(agent);
            // `Claude:opus`, `Claude (Opus)` and `Claude 4` are the tool; `Claude Martin <cm@example.com>` is a person.
            let names_it = match rest.trim_start().chars().next() {
                None => true,
                Some(next) => {
                    let letter = next.is_alphabetic();
                    // A word beside it makes a name of a word that is one; `Codex reviewer` is Codex.
                    (!letter || !person && rest.starts_with(' ') && self.is_only_a_tool(part, (written, rest)))
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

    /// `no`, `none used`, `not applicable`, `n/a`, `0%`: says that no tool had a part.
    fn is_denial(&self, value: &str) -> bool {
        let value = value.trim();
        let first = value.split([' ', ',', '.', ';', ':', '(', '-', '、', '，']).next().unwrap_or_default();
        first.is_empty() || self.no.contains(first)
    }

    fn is_only_a_tool(&self, text: &str, (written, rest): (&str, &str)) -> bool {
        let word = &text[..text.len() - rest.len()];
        let is_person = self.cues.namesakes.is_first_name(word) && self.cues.namesakes.is_family_name(written, rest);
        !is_person && self.words.iter().any(|(known, _)| known == word)
    }

    /// The tool that has exactly this word.
    pub(super) fn word(&self, word: &str) -> Option<AgentIndex> {
        // No word is so long, and what is asked about may be the rest of a message.
        if word.len() > LONGEST_WORD {
            return None;
        }
        let word = lower(word);
        self.all_words.iter().find(|(known, _)| *known == word).map(|(_, agent)| *agent)
    }

    /// The tool whose word a lower-case text starts with, and what follows.
    pub(super) fn word_at_start<'t>(
        &self,
        words: &[(String, AgentIndex)],
        text: &'t str,
    ) -> Option<(AgentIndex, &'t str)> {
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

/// What a denial leaves out: `None, except Claude for the tests`.
pub(super) fn excepted(value: &str) -> Option<&str> {
    const WORDS: [&str; 7] =
        ["except", "other than", "apart from", "aside from", "besides", "with the exception of", "save for"];
    let at = |words: &&str| value.find(*words).map(|at| at + words.len());
    let rest = &value[WORDS.iter().find_map(at)?..];
    let rest = rest.strip_prefix("ing").unwrap_or(rest).trim_start();
    Some(rest.strip_prefix("for ").unwrap_or(rest).trim_start()).filter(|rest| !rest.is_empty())
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
