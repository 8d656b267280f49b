//! Finds the marks on one commit or one pull request.

use std::borrow::Cow;

use super::catalogue::{AgentIndex, Catalogue, Known};
use super::fold::{fold, with_plain_breaks};
use super::lookup::{lower, starts_with};
use super::mark::{Mark, Place, Role, shortened, text_mark};
use super::{Certainty, Kind, MOST_EVIDENCE};
use crate::domain::facts::{Commit, PullRequest};
use crate::domain::people::Identity;

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

    pub(super) fn push(&mut self, mark: Mark) {
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

    pub(super) fn add(&mut self, agent: AgentIndex, proves: (Kind, Certainty), place: Place, found: &str) {
        let (kind, certainty) = proves;
        self.push(Mark { agent, kind, certainty, place, is_quoted: false, found: shortened(found) });
    }

    /// The marks on a commit itself, its signature left out.
    pub fn of_commit(&mut self, commit: &Commit) {
        let author = self.of_identity(&commit.author, Role::Author);
        if commit.committer != commit.author && !commit.committer.is_github_itself() {
            self.of_identity(&commit.committer, Role::Committer);
        }
        for co_author in &commit.co_authors {
            self.of_identity(co_author, Role::CoAuthor);
        }
        let message = with_plain_breaks(&commit.message);
        let message = fold(&message);
        for sign in &self.catalogue.subjects {
            if starts_with(&message, &sign.text) {
                self.push(text_mark(sign, Place::Subject, commit.subject()));
            }
        }
        if starts_with(&message, "merge ") {
            self.of_merge(commit.subject());
        }
        // A bot's release notes tell what others wrote.
        let is_automation = author.is_some_and(|(agent, _)| !self.catalogue.is_ai(agent))
            && self.catalogue.machine(&commit.author).is_some();
        self.of_text(&message, !is_automation, true);
        if let Some(note) = &commit.ai_note {
            for (agent, found) in super::note::agents(self.catalogue, note) {
                self.add(agent, (Kind::CoAuthored, Certainty::Marked), Place::Note, &found);
            }
        }
    }

    /// Returns whose the identity is, whatever the row, and why.
    fn of_identity(&mut self, who: &Identity, role: Role) -> Option<(AgentIndex, Known)> {
        let proves = role.proves();
        let found = || format!("{} <{}>", who.name, who.email);
        let name = fold(&who.name);
        let known = match &name {
            Cow::Borrowed(_) => self.catalogue.identity(who),
            Cow::Owned(name) => self.catalogue.identity(&Identity { name: name.clone(), ..who.clone() }),
        };
        if let Some((agent, known)) = known {
            let certainty = if known == Known::Guessed { Certainty::Ambiguous } else { proves.1 };
            self.add(agent, (proves.0, certainty), Place::Identity(role, known), &found());
        }
        // The address stays the human's here, so this is looked for besides.
        if let Some((agent, certainty)) = beside_a_human(self.catalogue, &name, &who.email) {
            self.add(agent, (proves.0, certainty.min(proves.1)), Place::Identity(role, Known::Name), &found());
        }
        known
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
        let body = with_plain_breaks(&pull_request.body);
        let body = fold(&body);
        self.of_text(&body, true, false);
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
const JOINS: [&str; 8] = [" + ", " via ", " with ", " w/ ", " & ", " and ", ", ", " / "];

/// Of these, those that join two people, or a person's names, as well.
const PEOPLES: [&str; 4] = [" & ", " and ", ", ", " / "];

/// The agent that a name names beside a human's address, and how sure that is: `Ann (aider)`, `Ann + Claude`, `Ann's Claude Code`,
/// `ann+claude@example.com`. `Ann & Claude` may be two people, `Martin, Claude` is one.
pub(super) fn beside_a_human(catalogue: &Catalogue, name: &str, email: &str) -> Option<(AgentIndex, Certainty)> {
    let has_signs =
        name.bytes().any(|b| matches!(b, b'(' | b'[' | b'+' | b'/' | b'&' | b',' | b'\'')) || email.contains('+');
    // What joins two names has a space on either side.
    let may_join = || name.bytes().filter(|b| *b == b' ').count() > 1;
    if !has_signs && !may_join() {
        return None;
    }
    if !has_signs && !JOINS.iter().any(|join| name.contains(join)) {
        return None;
    }
    let written = name;
    let name = lower(name);
    let sure = |agent| Some((agent, Certainty::Marked));
    if let Some((_, agent)) = catalogue.name_suffixes.iter().find(|(suffix, _)| name.ends_with(suffix.as_str())) {
        return sure(*agent);
    }
    let in_brackets = name.strip_suffix([')', ']']).and_then(|name| name.rsplit_once(['(', '['])).map(|(_, text)| text);
    let without_join = |text: &'_ str| -> usize {
        ["via ", "with ", "using ", "by ", "w/ "]
            .iter()
            .find(|join| text.starts_with(**join))
            .map_or(0, |join| join.len())
    };
    let in_brackets = in_brackets.map(|text| &text[without_join(text)..]).filter(|text| !is_domain(email, text));
    if let Some(agent) = in_brackets.and_then(|text| catalogue.remark(text.trim())) {
        return sure(agent);
    }
    let joined = JOINS.iter().find_map(|join| Some((*join, name.split_once(join)?.1.trim())));
    if let Some((join, text)) = joined {
        let agent = if PEOPLES.contains(&join) {
            catalogue.beside(join, written, text)
        } else {
            catalogue.remark(text).and_then(sure)
        };
        if agent.is_some() {
            return agent;
        }
    }
    if let Some((_, owned)) = name.split_once("'s ").or_else(|| name.split_once("’s "))
        && let Some(agent) = catalogue.word(owned.trim()).filter(|_| catalogue.remark(owned.trim()).is_some())
    {
        return sure(agent);
    }
    let tag = || lower(email).split_once('@').and_then(|(local, _)| Some(local.split_once('+')?.1.to_owned()));
    let is_github = || email.ends_with("@users.noreply.github.com");
    (!is_github()).then(tag).flatten().and_then(|tag| catalogue.remark(&tag)).and_then(sure)
}

/// The human's name in front of an agent's: `Ann (aider)`.
pub(super) fn without_remark(name: &str) -> &str {
    let joins = JOINS.iter().chain(&["'s ", "’s "]).filter_map(|join| name.find(join));
    let cut = name.rfind(['(', '[']).into_iter().chain(joins);
    cut.min().map_or(name, |at| name[..at].trim_end())
}

/// Whether an address is at what is called so: `Bob (Gemini) <bob@gemini.com>` works there.
fn is_domain(email: &str, name: &str) -> bool {
    email
        .split_once('@')
        .is_some_and(|(_, domain)| domain.split('.').any(|label| label.eq_ignore_ascii_case(name.trim())))
}
