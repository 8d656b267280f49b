//! Finds the marks on one commit or one pull request. Each line of a message is looked at once.

use std::fmt;

use super::Kind;
use super::catalogue::{AgentIndex, Catalogue, Known, Sign, catalogue, lower, starts_with};
use super::trailers::{self, Trailer};
use crate::domain::facts::{Commit, PullRequest};
use crate::domain::people::Identity;

/// A mark: which agent, what it proves, where it stood, and its text.
#[derive(Clone, Debug)]
pub(super) struct Mark<'a> {
    pub agent: AgentIndex,
    pub kind: Kind,
    pub place: Place,
    pub found: Found<'a>,
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
    fn proves(self) -> Kind {
        match self {
            Self::Author => Kind::Authored,
            Self::CoAuthor => Kind::CoAuthored,
            Self::Committer => Kind::Assisted,
        }
    }
}

/// The text that matched.
#[derive(Clone, Debug)]
pub(super) enum Found<'a> {
    Text(&'a str),
    Trailer(Trailer<'a>),
    Identity(&'a str, &'a str),
}

impl fmt::Display for Found<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => f.write_str(text),
            Self::Trailer(trailer) => write!(f, "{}: {}", trailer.key, trailer.value),
            Self::Identity(name, email) => write!(f, "{name} <{email}>"),
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
            Self::Branch { pull_request } => write!(f, "head branch of pull request #{pull_request}"),
            Self::Body { pull_request } => write!(f, "body of pull request #{pull_request}"),
            Self::OpenedBy { pull_request } => write!(f, "author of pull request #{pull_request}"),
        }
    }
}

/// The marks on a commit itself.
pub(super) fn of_commit<'a>(commit: &'a Commit, marks: &mut Vec<Mark<'a>>) {
    let catalogue = catalogue();
    let mut identity = |who: &'a Identity, role: Role| {
        let mut add = |agent, known| {
            let found = Found::Identity(&who.name, &who.email);
            marks.push(Mark { agent, kind: role.proves(), place: Place::Identity(role, known), found });
        };
        if let Some((agent, known)) = catalogue.identity(who) {
            add(agent, known);
        }
        // The address stays the human's here, so this is looked for besides.
        let name = lower(&who.name);
        if let Some((_, agent)) = catalogue.name_suffixes.iter().find(|(suffix, _)| name.ends_with(suffix.as_str())) {
            add(*agent, Known::Name);
        }
    };
    identity(&commit.author, Role::Author);
    identity(&commit.committer, Role::Committer);
    for co_author in &commit.co_authors {
        identity(co_author, Role::CoAuthor);
    }
    for sign in &catalogue.subjects {
        if starts_with(&commit.message, &sign.text) {
            marks.push(text_mark(sign, Place::Subject, commit.subject()));
        }
    }
    of_message(&commit.message, marks);
}

/// The marks on a pull request, its commits left out.
pub(super) fn of_pull_request<'a>(pull_request: &'a PullRequest, marks: &mut Vec<Mark<'a>>) {
    let catalogue = catalogue();
    let number = pull_request.number;
    if let Some(author) = &pull_request.author {
        let known = catalogue.account(author.id, &author.login);
        if let Some(agent) = known.or_else(|| catalogue.login(&author.login, author.kind).map(|(agent, _)| agent)) {
            let place = Place::OpenedBy { pull_request: number };
            marks.push(Mark { agent, kind: Kind::CoAuthored, place, found: Found::Text(&author.login) });
        }
    }
    for sign in catalogue.branches.iter().filter(|sign| starts_with(&pull_request.head_branch, &sign.text)) {
        marks.push(text_mark(sign, Place::Branch { pull_request: number }, &pull_request.head_branch));
    }
    let from = marks.len();
    for line in trailers::lines(&pull_request.body) {
        in_line(catalogue, line, marks);
    }
    if !catalogue.bodies.is_empty() {
        let body = pull_request.body.to_lowercase();
        for sign in catalogue.bodies.iter().filter(|sign| body.contains(&sign.text)) {
            marks.push(text_mark(sign, Place::Footer, &sign.text));
        }
    }
    for mark in marks.iter_mut().skip(from) {
        mark.place = Place::Body { pull_request: number };
        // What the body says it says of the pull request as a whole.
        mark.kind = Kind::Assisted;
    }
}

fn of_message<'a>(message: &'a str, marks: &mut Vec<Mark<'a>>) {
    let catalogue = catalogue();
    for line in trailers::lines(message) {
        if let Some(trailer) = trailers::trailer(line) {
            in_trailer(catalogue, trailer, marks);
        }
        in_line(catalogue, line, marks);
    }
}

fn in_trailer<'a>(catalogue: &'static Catalogue, trailer: Trailer<'a>, marks: &mut Vec<Mark<'a>>) {
    let found = Found::Trailer(trailer);
    let key = lower(trailer.key);
    if trailers::is_co_author(&key) {
        for (name, email) in trailers::people(trailer.value) {
            if let Some(agent) = catalogue.person(name, email) {
                let place = Place::CoAuthorTrailer;
                marks.push(Mark { agent, kind: Kind::CoAuthored, place, found: found.clone() });
            }
        }
        return;
    }
    if let Some(sign) = catalogue.trailer(&key, trailer.value) {
        marks.push(Mark { agent: sign.agent, kind: sign.proves, place: Place::Trailer, found });
        return;
    }
    if !matches!(key.as_ref(), "signed-off-by") && !catalogue.is_disclosure(&key) {
        return;
    }
    // A signed-off agent, or an `Assisted-by` with an agent's address.
    let by_address = trailers::people(trailer.value).find_map(|(name, email)| catalogue.address(email, name));
    let agent = by_address.map(|(agent, _)| agent).or_else(|| catalogue.disclosed(&key, trailer.value));
    if let Some(agent) = agent {
        marks.push(Mark { agent, kind: Kind::Assisted, place: Place::Disclosure, found });
    }
}

fn in_line<'a>(catalogue: &'static Catalogue, line: &'a str, marks: &mut Vec<Mark<'a>>) {
    let mut footer_at = |text: &'a str| {
        let text = text.trim_start_matches(|c: char| !c.is_alphanumeric());
        if let Some(sign) = catalogue.footers.iter().find(|sign| starts_with(text, &sign.text)) {
            marks.push(text_mark(sign, Place::Footer, line));
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
            marks.push(text_mark(sign, Place::Link, line));
        }
    }
}

fn text_mark<'a>(sign: &Sign, place: Place, found: &'a str) -> Mark<'a> {
    Mark { agent: sign.agent, kind: sign.proves, place, found: Found::Text(found) }
}
