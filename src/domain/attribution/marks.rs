//! Finds the marks on one commit or one pull request.

use std::borrow::Cow;
use std::fmt;

use super::catalogue::{AgentIndex, Catalogue, Known, Sign};
use super::cues::{Cue, FOOTERS, LINKED_FOOTERS};
use super::fold::fold;
use super::lookup::{lower, starts_with};
use super::rows::{Accepts, Says};
use super::trailers::{self, Trailer};
use super::{Certainty, Kind, LONGEST_EVIDENCE, MOST_EVIDENCE};
use crate::domain::facts::{Commit, PullRequest};
use crate::domain::people::Identity;

/// A mark: which agent, what it proves, where it stood, and its text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Mark {
    pub agent: AgentIndex,
    pub kind: Kind,
    pub certainty: Certainty,
    pub place: Place,
    pub is_quoted: bool,
    pub found: String,
}

/// Where a mark stood.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    Identity(Role, Known),
    CoAuthorTrailer,
    Trailer,
    Disclosure,
    Footer,
    Subject,
    Link,
    Prose,
    TickedBox,
    MergedBranch,
    Note,
    Signature,
    NoSignature,
    Branch { pull_request: u64 },
    Body { pull_request: u64 },
    OpenedBy { pull_request: u64 },
}

/// As what an identity stands on a commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    Author,
    Committer,
    CoAuthor,
}

impl Role {
    /// Whoever only committed need not have written.
    fn proves(self) -> (Kind, Certainty) {
        match self {
            Self::Author => (Kind::Authored, Certainty::Marked),
            Self::CoAuthor => (Kind::CoAuthored, Certainty::Marked),
            Self::Committer => (Kind::Assisted, Certainty::Ambiguous),
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Identity(role, known) => {
                f.write_str(match role {
                    Role::Author => "author ",
                    Role::Committer => "committer ",
                    Role::CoAuthor => "co-author ",
                })?;
                f.write_str(match known {
                    Known::Email => "e-mail",
                    Known::Account => "account",
                    Known::Login => "login",
                    Known::Name => "name",
                })
            }
            Self::CoAuthorTrailer => f.write_str("co-author trailer"),
            Self::Trailer => f.write_str("trailer"),
            Self::Disclosure => f.write_str("disclosure trailer"),
            Self::Footer => f.write_str("message footer"),
            Self::Subject => f.write_str("subject"),
            Self::Link => f.write_str("session link"),
            Self::Prose => f.write_str("sentence"),
            Self::TickedBox => f.write_str("ticked box"),
            Self::MergedBranch => f.write_str("merge of an agent's branch"),
            Self::Note => f.write_str("git note refs/notes/ai"),
            Self::Signature => f.write_str("signature by the agent's vendor"),
            Self::NoSignature => f.write_str("not signed by the key this agent signs with"),
            Self::Branch { pull_request } => write!(f, "head branch of pull request #{pull_request}"),
            Self::Body { pull_request } => write!(f, "body of pull request #{pull_request}"),
            Self::OpenedBy { pull_request } => write!(f, "author of pull request #{pull_request}"),
        }
    }
}

/// A trailer's key as it is looked up.
pub(super) fn plain_key(key: &str) -> String {
    lower(key).replace([' ', '_'], "-")
}

/// A footer without the picture, list mark or bracket in front of it.
pub(super) fn bare(footer: &str) -> &str {
    footer.trim_start_matches(|c: char| !c.is_alphanumeric() && c != '`')
}

/// The marks found so far; of one agent no more than are kept in the end.
pub(super) struct Marks<'c> {
    pub catalogue: &'c Catalogue,
    pub found: Vec<Mark>,
    /// When the commit was made, where that is known.
    pub day: Option<&'c str>,
}

impl<'c> Marks<'c> {
    pub fn new(catalogue: &'c Catalogue, day: Option<&'c str>) -> Self {
        Self { catalogue, found: Vec::new(), day }
    }

    fn push(&mut self, mark: Mark) {
        if !self.catalogue.is_ai(mark.agent) || self.found.contains(&mark) {
            return;
        }
        // A strong mark after many weak ones must still be seen.
        let same = self.found.iter().filter(|m| m.agent == mark.agent);
        if same.clone().count() < MOST_EVIDENCE
            || !same.clone().any(|m| m.certainty >= mark.certainty && m.kind >= mark.kind)
        {
            self.found.push(mark);
        }
    }

    fn add(&mut self, agent: AgentIndex, proves: (Kind, Certainty), place: Place, found: &str) {
        let (kind, certainty) = proves;
        self.push(Mark { agent, kind, certainty, place, is_quoted: false, found: shortened(found) });
    }

    /// The marks on a commit itself, its signature left out.
    pub fn of_commit(&mut self, commit: &Commit) {
        self.of_identity(&commit.author, Role::Author);
        if commit.committer != commit.author && !commit.committer.is_github_itself() {
            self.of_identity(&commit.committer, Role::Committer);
        }
        for co_author in &commit.co_authors {
            self.of_identity(co_author, Role::CoAuthor);
        }
        let message = fold(&commit.message);
        for sign in &self.catalogue.subjects {
            if starts_with(&message, &sign.text) {
                self.push(text_mark(sign, Place::Subject, commit.subject()));
            }
        }
        if starts_with(&message, "merge ") {
            self.of_merge(commit.subject());
        }
        // A bot's release notes tell what others wrote.
        let is_automation =
            self.catalogue.machine(&commit.author).is_some_and(|(agent, _)| !self.catalogue.is_ai(agent));
        self.of_text(&message, !is_automation);
        if let Some(note) = &commit.ai_note {
            for (agent, found) in super::note::agents(self.catalogue, note) {
                self.add(agent, (Kind::CoAuthored, Certainty::Marked), Place::Note, &found);
            }
        }
    }

    fn of_identity(&mut self, who: &Identity, role: Role) {
        let proves = role.proves();
        let found = || format!("{} <{}>", who.name, who.email);
        let name = fold(&who.name);
        let known = match &name {
            Cow::Borrowed(_) => self.catalogue.identity(who),
            Cow::Owned(name) => self.catalogue.identity(&Identity { name: name.clone(), ..who.clone() }),
        };
        if let Some((agent, known)) = known {
            self.add(agent, proves, Place::Identity(role, known), &found());
        }
        // The address stays the human's here, so this is looked for besides.
        if let Some(agent) = beside_a_human(self.catalogue, &name, &who.email) {
            self.add(agent, proves, Place::Identity(role, Known::Name), &found());
        }
    }

    /// `Merge branch 'main' into devin/1-x`, `Merge pull request #1 from acme/claude/x`.
    fn of_merge(&mut self, subject: &str) {
        for word in subject.split_whitespace().map(|word| word.trim_matches(['\'', '"', '`', ','])) {
            let parts = std::iter::successors(Some(word), |word| word.split_once('/').map(|(_, rest)| rest));
            for part in parts.take(3) {
                for sign in self.catalogue.branches.iter().filter(|sign| starts_with(part, &sign.text)) {
                    self.add(sign.agent, (Kind::Assisted, Certainty::Ambiguous), Place::MergedBranch, subject);
                }
            }
        }
    }

    /// The marks on a pull request, its commits left out.
    pub fn of_pull_request(&mut self, pull_request: &PullRequest) {
        let number = pull_request.number;
        if let Some(author) = &pull_request.author {
            let known = self.catalogue.account(author.id, &author.login);
            let known = known.or_else(|| self.catalogue.login(&author.login, author.kind).map(|(agent, _)| agent));
            if let Some(agent) = known {
                let place = Place::OpenedBy { pull_request: number };
                self.add(agent, (Kind::CoAuthored, Certainty::Marked), place, &author.login);
            }
        }
        let branch = fold(&pull_request.head_branch);
        for sign in self.catalogue.branches.iter().filter(|sign| starts_with(&branch, &sign.text)) {
            let place = Place::Branch { pull_request: number };
            self.push(Mark { certainty: Certainty::Ambiguous, ..text_mark(sign, place, &branch) });
        }
        let from = self.found.len();
        let body = fold(&pull_request.body);
        self.of_text(&body, true);
        if !self.catalogue.bodies.is_empty() && !body.is_empty() {
            let lower = body.to_lowercase();
            for sign in self.catalogue.bodies.iter().filter(|sign| lower.contains(&sign.text)) {
                self.push(text_mark(sign, Place::Footer, &sign.text));
            }
        }
        for mark in self.found.iter_mut().skip(from) {
            mark.place = Place::Body { pull_request: number };
            // What the body says it says of the pull request as a whole.
            mark.kind = Kind::Assisted;
        }
    }

    /// Only lines and paragraphs with a cue are looked at.
    fn of_text(&mut self, text: &str, with_prose: bool) {
        let quoted_until = reverted(text);
        let mut bounds = (0, 0);
        let mut prose_read = false;
        for seen in self.catalogue.cues.find(text) {
            let from = self.found.len();
            if seen.start >= bounds.1 {
                bounds = line_around(text, seen.start);
                bounds.1 = bounds.1.max(seen.end);
                self.of_line(text, bounds, with_prose);
                // What a footer says need not be read once more.
                prose_read = !with_prose || self.found.len() > from;
            }
            if !prose_read && matches!(seen.cue, Cue::Tool(_)) {
                prose_read = true;
                self.of_sentences(text, bounds);
            }
            self.quote(from, bounds.0 < quoted_until || is_quote(&text[bounds.0..bounds.1]));
        }
    }

    /// What is only quoted says that somebody else's work was marked.
    fn quote(&mut self, from: usize, is_quoted: bool) {
        if is_quoted {
            for mark in self.found.iter_mut().skip(from) {
                mark.is_quoted = true;
                mark.certainty = Certainty::Ambiguous;
            }
        }
    }

    fn of_line(&mut self, text: &str, (start, end): (usize, usize), with_prose: bool) {
        let line = text[start..end].trim_start_matches(['>', ' ', '\t']).trim();
        for (at, trailer) in trailers::all_in(line) {
            // Folded: the value goes on where the next line is indented.
            let next = (at == 0 && !trailer.value.contains(['@', '<'])).then(|| continuation(&text[end..])).flatten();
            match next {
                Some(next) if trailers::is_co_author(trailer.key) => {
                    let value = format!("{} {next}", trailer.value);
                    self.of_trailer(Trailer { key: trailer.key, value: &value });
                }
                _ => self.of_trailer(trailer),
            }
        }
        self.of_footer(line, with_prose);
        if with_prose && let Some(agent) = self.catalogue.phrases.ticked(&self.catalogue.cues, line) {
            self.add(agent, (Kind::Assisted, Certainty::Marked), Place::TickedBox, line);
        }
    }

    fn of_trailer(&mut self, trailer: Trailer<'_>) {
        let catalogue = self.catalogue;
        let key = plain_key(trailer.key);
        let found = || format!("{}: {}", trailer.key, trailer.value);
        if trailers::is_co_author(&key) {
            // A tenant may know a co-author by name.
            if let Some(sign) = catalogue.trailer(&key, trailer.value) {
                self.push(text_mark(sign, Place::Trailer, &found()));
            }
            for (name, email) in trailers::people(trailer.value) {
                let remark = || beside_a_human(catalogue, name, email);
                if let Some(agent) = catalogue.person(name, email).or_else(remark) {
                    let is_false = catalogue.is_false_on(email, self.day);
                    let certainty = if is_false { Certainty::Ambiguous } else { Certainty::Marked };
                    self.add(agent, (Kind::CoAuthored, certainty), Place::CoAuthorTrailer, &found());
                }
            }
            return;
        }
        if let Some(sign) = catalogue.trailer(&key, trailer.value) {
            self.push(text_mark(sign, Place::Trailer, &found()));
            return;
        }
        if let Some(agent) = catalogue.session(&key) {
            self.add(agent, (Kind::CoAuthored, Certainty::Marked), Place::Trailer, &found());
            return;
        }
        let accepts = catalogue.accepts(&key);
        if key != "signed-off-by" && accepts.is_none() {
            return;
        }
        // A signed-off agent, or an `Assisted-by` with an agent's address.
        let by_address = trailers::people(trailer.value).find_map(|(name, email)| catalogue.address(email, name));
        let by_address = by_address.map(|(agent, _)| agent);
        let agent = by_address.or_else(|| catalogue.disclosed(accepts?, trailer.value));
        let agent = match agent {
            // `AI usage: I used ChatGPT for the docs` names it further on, `AI usage: I did not use any AI` denies it.
            Some(agent) if agent == catalogue.other && accepts == Some(Accepts::Any) => {
                if catalogue.phrases.deny(&catalogue.cues, trailer.value) {
                    return;
                }
                let named = catalogue.cues.find(trailer.value).find_map(|seen| match seen.cue {
                    Cue::Tool(named) => Some(named).filter(|named| *named != catalogue.other),
                    Cue::Line | Cue::NotATool => None,
                });
                named.or(Some(agent))
            }
            agent => agent,
        };
        if let Some(agent) = agent {
            let certainty = if accepts == Some(Accepts::Review) { Certainty::Ambiguous } else { Certainty::Marked };
            self.add(agent, (Kind::Assisted, certainty), Place::Disclosure, &found());
        }
    }

    fn of_footer(&mut self, line: &str, with_prose: bool) {
        let catalogue = self.catalogue;
        let mut footer_at = |text: &str| {
            let text = bare(text);
            if let Some(sign) = catalogue.footers.iter().find(|sign| starts_with(text, &sign.text)) {
                self.push(text_mark(sign, Place::Footer, line));
            } else if with_prose && let Some(agent) = footer_word(text).and_then(|word| catalogue.word(word)) {
                self.add(agent, (Kind::CoAuthored, Certainty::Marked), Place::Footer, line);
            }
        };
        footer_at(line);
        // A robot sign starts a footer even on the subject line.
        if !line.is_ascii() {
            line.split('🤖').skip(1).for_each(footer_at);
        }
        for (at, _) in line.match_indices("://") {
            let url = &line[at + 3..];
            if let Some(sign) = catalogue.links.iter().find(|sign| starts_with(url, &sign.text)) {
                self.push(text_mark(sign, Place::Link, line));
            }
        }
    }

    fn of_sentences(&mut self, text: &str, (start, end): (usize, usize)) {
        let line = text[start..end].trim_start_matches(['>', ' ', '\t']);
        if is_no_prose(line) {
            return;
        }
        let (phrases, cues) = (&self.catalogue.phrases, &self.catalogue.cues);
        let mut found = Cow::Borrowed(line);
        let mut said = phrases.read(cues, line);
        if said.as_ref().is_none_or(|said| said.says != Says::Wrote) {
            // The sentence may have begun in the line before, and go on in the next.
            let before =
                text[..start].lines().next_back().map(str::trim).filter(|line| !is_no_prose(line) && !line.is_empty());
            let after = text[end..].trim_start_matches('\r').strip_prefix('\n').and_then(|rest| rest.lines().next());
            let after = after.map(str::trim).filter(|line| !is_no_prose(line) && !line.is_empty());
            // The first line is a title: nothing goes on from there.
            let before = before.filter(|_| text[..start].trim_end().contains('\n'));
            if before.is_some() || after.is_some() {
                let joined = [before, Some(line), after].into_iter().flatten().collect::<Vec<_>>().join(" ");
                if let Some(wider) = phrases.read(cues, &joined) {
                    (said, found) = (Some(wider), Cow::Owned(joined));
                }
            }
        }
        if let Some(said) = said {
            let certainty = if said.says == Says::Wrote { Certainty::Marked } else { Certainty::Ambiguous };
            self.add(said.agent, (Kind::Assisted, certainty), Place::Prose, &found);
        }
    }

    /// What the signature says of an agent that stands as author.
    pub fn of_signature(&mut self, commit: &Commit, signatures_were_read: bool) {
        let Some((agent, _)) = self.catalogue.machine(&commit.author) else { return };
        let row = &self.catalogue.agents[agent];
        let signature = commit.signature.as_ref().filter(|signature| signature.is_valid);
        let by_key = signature.and_then(|s| s.ssh_key.as_ref()).filter(|key| row.signed_by.contains(key));
        // GitHub signs what people do on its pages in the same way, then as committer.
        let is_web = commit.committer.is_github_itself();
        let by_github = row.signed_by_github && !is_web && signature.is_some_and(|signature| signature.by_github);
        if let Some(key) = by_key {
            self.add(agent, (Kind::Authored, Certainty::Vouched), Place::Signature, &format!("SSH key SHA256:{key}"));
        } else if by_github {
            self.add(agent, (Kind::Authored, Certainty::Vouched), Place::Signature, "GitHub's own key");
        } else if signatures_were_read && !is_web && !row.signed_by.is_empty() {
            let found = match commit.signature.as_ref().and_then(|signature| signature.ssh_key.as_ref()) {
                Some(key) => format!("SSH key SHA256:{key}"),
                None if commit.signature.is_some() => "another signature".to_owned(),
                None => "no signature".to_owned(),
            };
            self.add(agent, (Kind::Authored, Certainty::Marked), Place::NoSignature, &found);
        }
    }
}

/// What joins a human's name and a tool's.
const JOINS: [&str; 4] = [" + ", " via ", " with ", " w/ "];

/// The agent that a name names beside a human's address: `Ann (aider)`, `Ann + Claude`, `ann+claude@example.com`.
pub(super) fn beside_a_human(catalogue: &Catalogue, name: &str, email: &str) -> Option<AgentIndex> {
    let may_be = name.bytes().any(|b| matches!(b, b'(' | b'[' | b'+' | b'/')) || email.contains('+');
    if !may_be && !JOINS.iter().any(|join| name.contains(join)) {
        return None;
    }
    let name = lower(name);
    if let Some((_, agent)) = catalogue.name_suffixes.iter().find(|(suffix, _)| name.ends_with(suffix.as_str())) {
        return Some(*agent);
    }
    let in_brackets = name.strip_suffix([')', ']']).and_then(|name| name.rsplit_once(['(', '['])).map(|(_, text)| text);
    let joined = || JOINS.iter().find_map(|join| name.split_once(join)).map(|(_, text)| text);
    let tag = || lower(email).split_once('@').and_then(|(local, _)| Some(local.split_once('+')?.1.to_owned()));
    let named = in_brackets.or_else(joined).and_then(|text| catalogue.remark(text.trim()));
    let is_github = || email.ends_with("@users.noreply.github.com");
    named.or_else(|| (!is_github()).then(tag).flatten().and_then(|tag| catalogue.remark(&tag)))
}

/// The human's name in front of an agent's: `Ann (aider)`.
pub(super) fn without_remark(name: &str) -> &str {
    let cut = name.rfind(['(', '[']).into_iter().chain(JOINS.iter().filter_map(|join| name.find(join)));
    cut.min().map_or(name, |at| name[..at].trim_end())
}

/// Where the quoted message of a revert ends: git says `This reverts commit …` after what it quotes.
fn reverted(text: &str) -> usize {
    if !starts_with(text, "revert") {
        return 0;
    }
    text.find("This reverts commit ").unwrap_or(0)
}

/// The line around a place. The two characters `\n` break lines as well.
fn line_around(text: &str, at: usize) -> (usize, usize) {
    let (before, after) = (&text[..at], &text[at..]);
    let start = before.rfind(['\n', '\r']).map_or(0, |at| at + 1);
    let start = before[start..].rfind("\\n").map_or(start, |at| start + at + 2);
    let end = after.find(['\n', '\r']).unwrap_or(after.len());
    let end = after[..end].find("\\n").unwrap_or(end);
    (start, at + end)
}

/// What an indented next line adds.
fn continuation(rest: &str) -> Option<&str> {
    let line = rest.strip_prefix("\r\n").or_else(|| rest.strip_prefix('\n'))?.lines().next()?;
    (line.starts_with([' ', '\t']) && line.contains('@')).then(|| line.trim())
}

fn is_quote(text: &str) -> bool {
    text.trim_start().starts_with('>')
}

/// The word in `Generated with [Word](https://…)`, or in a line that is `Generated with Word` and no more.
fn footer_word(text: &str) -> Option<&str> {
    let start = FOOTERS.iter().chain(&LINKED_FOOTERS).find(|start| starts_with(text, start))?;
    let rest = &text[start.len()..];
    if start.ends_with('[') || rest.starts_with('[') {
        let (word, link) = rest.trim_start_matches('[').split_once(']')?;
        return link.starts_with('(').then_some(word);
    }
    Some(rest.trim_end_matches(['.', ' ', '_', '*']))
}

/// Boxes, and trailers with an address or a link, are read elsewhere.
fn is_no_prose(line: &str) -> bool {
    is_box(line)
        || trailers::trailer(line)
            .is_some_and(|trailer| trailer.value.contains(['@', '<']) || trailer.value.contains("://"))
}

fn is_box(line: &str) -> bool {
    line.trim_start_matches(['-', '*', '+', ' ', '>']).as_bytes().get(..3).is_some_and(|b| b[0] == b'[' && b[2] == b']')
}

fn text_mark(sign: &Sign, place: Place, found: &str) -> Mark {
    let (kind, certainty) = (sign.proves, sign.certainty);
    Mark { agent: sign.agent, kind, certainty, place, is_quoted: false, found: shortened(found) }
}

fn shortened(text: &str) -> String {
    text.char_indices().nth(LONGEST_EVIDENCE).map_or(text, |(end, _)| &text[..end]).to_owned()
}
