//! The marks in a message or in a pull request's body: trailers, footers, links, ticked boxes, sentences.

use std::borrow::Cow;

use super::catalogue::{AgentIndex, Catalogue};
use super::cues::{self, Cue, FOOTERS, LINKED_FOOTERS};
use super::lookup::{excepted, is_by_hand, lower, says_so, starts_with};
use super::mark::{Mark, Place, shortened, text_mark};
use super::marks::{Marks, beside_a_human};
use super::quotes::{Quotes, ToldOf};
use super::rows::{Accepts, Says};
use super::trailers::{self, Ending, Trailer};
use super::{Certainty, Kind, reverts};

/// A trailer's key as it is looked up.
pub(super) fn plain_key(key: &str) -> String {
    lower(key).replace([' ', '_'], "-")
}

/// A footer without the picture, list mark or bracket in front of it.
pub(super) fn bare(footer: &str) -> &str {
    footer.trim_start_matches(|c: char| !c.is_alphanumeric() && c != '`')
}

impl Marks<'_> {
    /// Only lines and paragraphs with a cue are looked at.
    pub(super) fn of_text(&mut self, text: &str, with_prose: bool, has_subject: bool) {
        let reverted = reverts::quoted(text);
        let ending = Ending::of(text);
        let quotes = Quotes::of(text);
        let mut bounds = (0, 0);
        let mut prose_read = false;
        for seen in self.catalogue.cues.find(text) {
            let from = self.found.len();
            if seen.start >= bounds.1 {
                bounds = line_around(text, seen.start);
                bounds.1 = bounds.1.max(seen.end);
                let is_subject = has_subject && text[..bounds.0].trim_start().is_empty();
                self.of_line(text, &ending, bounds, (with_prose, is_subject));
                if is_subject && with_prose {
                    self.of_tags(text[bounds.0..bounds.1].trim());
                }
                // What a footer says need not be read once more.
                prose_read = !with_prose || self.found.len() > from;
            }
            if !prose_read
                && matches!(seen.cue, Cue::Tool(_) | Cue::Name(_) | Cue::Thing(_) | Cue::Footer | Cue::Unnamed)
            {
                prose_read = true;
                self.of_sentences(text, bounds);
            }
            if self.found.len() > from {
                let is_reverted = reverted.iter().any(|part| part.contains(&bounds.0));
                self.quote(from, is_reverted || quotes.hold(bounds.0, &ending));
            }
        }
    }

    /// What is only quoted says that somebody else's work was marked.
    pub(super) fn quote(&mut self, from: usize, is_quoted: bool) {
        if is_quoted {
            for mark in self.found.split_off(from) {
                self.push(Mark { is_quoted: true, certainty: Certainty::Ambiguous, ..mark });
            }
        }
    }

    fn of_line(
        &mut self,
        text: &str,
        ending: &Ending<'_>,
        (start, end): (usize, usize),
        (with_prose, is_subject): (bool, bool),
    ) {
        let line = text[start..end].trim_start_matches(['>', ' ', '\t']).trim();
        let following = &text[end..];
        let from = self.found.len();
        let stands = match () {
            () if is_subject => Stands::OnSubject,
            () if line.starts_with(['-', '*', '+', '•']) && !line.starts_with("**") => Stands::InList,
            () => Stands::Alone,
        };
        let unwrapped = ending.unwrapped(line, following);
        for (at, trailer) in trailers::all_in(unwrapped) {
            let value = if at == 0 {
                trailers::unfolded(trailer, trailers::after_break(following))
            } else {
                Cow::Borrowed(trailer.value)
            };
            self.of_trailer(Trailer { key: trailer.key, value: value.trim_start() }, stands);
        }
        if unwrapped.len() == line.len() && line.starts_with('|') {
            self.of_row(line);
        }
        if self.found.len() == from && line.ends_with('>') {
            self.of_addressed(line, stands);
        }
        self.of_footer(line, with_prose);
        if with_prose && let Some(agent) = self.catalogue.phrases.ticked(&self.catalogue.cues, line) {
            self.add(agent, (Kind::Assisted, Certainty::Marked), Place::TickedBox, line);
        }
    }

    /// A row of a table that is not the message's own ending shows trailers.
    fn of_row(&mut self, line: &str) {
        let from = self.found.len();
        let cells: Vec<_> = line.split('|').map(str::trim).filter(|cell| !cell.is_empty()).collect();
        for cell in &cells {
            if let Some(trailer) = trailers::trailer(cell) {
                self.of_trailer(trailer, Stands::InList);
            }
        }
        if let [key, value] = cells[..]
            && key.contains('-')
        {
            self.of_trailer(Trailer { key, value }, Stands::InList);
        }
        self.quote(from, true);
    }

    fn of_trailer(&mut self, trailer: Trailer<'_>, stands: Stands) {
        let catalogue = self.catalogue;
        let key = plain_key(trailer.key);
        let found = || format!("{}: {}", trailer.key, shortened(trailer.value));
        if trailers::is_co_author(&key) {
            // A tenant may know a co-author by name.
            if let Some(sign) = catalogue.trailer(&key, trailer.value) {
                self.push(text_mark(sign, Place::Trailer, &found()));
            }
            for (name, email) in trailers::people(trailer.value) {
                if let Some((agent, certainty)) = named(catalogue, name, email) {
                    let is_false = catalogue.is_false_on(email, self.day);
                    let certainty = if is_false { Certainty::Ambiguous } else { certainty };
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
        if trailers::is_author(&key) {
            if key == "author"
                && stands != Stands::OnSubject
                && let Some((agent, is_product)) = catalogue.bare_agent(trailer.value)
            {
                let certainty = if is_product { Certainty::Marked } else { Certainty::Ambiguous };
                self.add(agent, (Kind::CoAuthored, certainty), Place::Trailer, &found());
            }
            for (name, email) in trailers::people(trailer.value).filter(|(_, email)| email.contains('@')) {
                if let Some((agent, certainty)) = named(catalogue, name, email) {
                    self.add(agent, (Kind::CoAuthored, certainty), Place::Trailer, &found());
                }
            }
            return;
        }
        let accepts = catalogue.accepts(&key);
        let worth =
            accepts.map_or(Some(Certainty::Marked), |accepts| worth(catalogue, &key, trailer.value, accepts, stands));
        let Some(certainty) = worth else { return };
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
                let is_tool = |seen: cues::Seen| matches!(seen.cue, Cue::Tool(_));
                let by_hand = is_by_hand(trailer.value) && !catalogue.cues.find(trailer.value).any(is_tool);
                let is_denied = || catalogue.phrases.deny(&catalogue.cues, trailer.value);
                if by_hand || excepted(&lower(trailer.value)).is_none() && is_denied() {
                    return;
                }
                let named = catalogue.cues.find(trailer.value).find_map(|seen| match seen.cue {
                    Cue::Tool(named) => Some(named).filter(|named| *named != catalogue.other),
                    _ => None,
                });
                named.or(Some(agent))
            }
            agent => agent,
        };
        if let Some(agent) = agent {
            // `Assisted-by: JIRA:1234` has the form of an agent and its model, too.
            let is_tool = |seen: cues::Seen| matches!(seen.cue, Cue::Tool(_));
            let is_only_shaped = agent == catalogue.other && accepts == Some(Accepts::Shaped);
            let is_sure = !is_only_shaped || catalogue.cues.words(trailer.value).any(is_tool);
            // `LLM-Model: removed from the config` is no model's name.
            let is_told = agent == catalogue.other && key.ends_with("-model") && trailer.value.contains(' ');
            let certainty = if is_sure && !is_told { certainty } else { Certainty::Ambiguous };
            self.add(agent, (Kind::Assisted, certainty), Place::Disclosure, &found());
            self.agree(agent, &key);
        }
    }

    /// `Agent: claude-code` and `Model: claude-opus-4-6`: either alone may be about anything, two that agree are a disclosure.
    fn agree(&mut self, agent: AgentIndex, key: &str) {
        const KEYS: [[&str; 4]; 2] =
            [["agent", "assistant", "tool", "coding-agent"], ["model", "model", "model", "model"]];
        let other = match KEYS.iter().position(|keys| keys.contains(&key)) {
            Some(0) => &KEYS[1],
            Some(_) => &KEYS[0],
            None => return,
        };
        let says = |mark: &&mut Mark| {
            let key = mark.found.split_once(':').map(|(key, _)| plain_key(key));
            mark.place == Place::Disclosure
                && !mark.is_quoted
                && mark.agent == agent
                && key.is_some_and(|key| other.contains(&key.as_str()))
        };
        if let Some(mark) = self.found.iter_mut().find(says) {
            mark.certainty = Certainty::Marked;
        }
    }

    fn of_footer(&mut self, line: &str, with_prose: bool) {
        let catalogue = self.catalogue;
        let told_of = ToldOf::in_line(line);
        let mut footer_at = |at: usize, is_signed: bool| {
            let from = self.found.len();
            let text = bare(&line[at..]);
            if let Some(sign) = catalogue.footers.iter().find(|sign| starts_with(text, &sign.text)) {
                self.push(text_mark(sign, Place::Footer, line));
            } else if with_prose
                && let Some(footer) = Footer::read(text)
                && let Some(agent) = catalogue.word(footer.word)
            {
                let is_sure = is_signed || footer.is_linked || catalogue.is_sure(footer.word, footer.says_who_wrote);
                let certainty = if is_sure { Certainty::Marked } else { Certainty::Ambiguous };
                self.add(agent, (Kind::CoAuthored, certainty), Place::Footer, line);
            } else if is_signed && let Some((agent, certainty)) = catalogue.signed_by(text) {
                self.add(agent, (Kind::CoAuthored, certainty), Place::Footer, line);
            }
            self.quote(from, self.found.len() > from && told_of.holds(at));
        };
        footer_at(0, false);
        // A robot sign starts a footer even on the subject line.
        if !line.is_ascii() {
            line.match_indices('🤖').for_each(|(at, robot)| footer_at(at + robot.len(), true));
        }
        for (at, _) in line.match_indices("://") {
            let url = &line[at + 3..];
            if let Some(sign) = catalogue.links.iter().find(|sign| starts_with(url, &sign.text)) {
                let from = self.found.len();
                self.push(text_mark(sign, Place::Link, line));
                self.quote(from, self.found.len() > from && told_of.holds(at));
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
            let is_text = |line: &&str| !is_no_prose(line) && !line.is_empty();
            // The first line is a title: nothing goes on from there.
            let before = before_break(&text[..start]).map(|end| line_around(text, end)).filter(|(start, _)| *start > 0);
            let before = before.map(|(start, end)| text[start..end].trim()).filter(is_text);
            let next = end + text[end..].len() - trailers::after_break(&text[end..]).len();
            let after = Some(line_around(text, next)).filter(|(start, _)| *start > end);
            let after = after.map(|(start, end)| text[start..end].trim()).filter(is_text);
            if before.is_some() || after.is_some() {
                let joined = [before, Some(line), after].into_iter().flatten().collect::<Vec<_>>().join(" ");
                if let Some(wider) = phrases.read(cues, &joined) {
                    (said, found) = (Some(wider), Cow::Owned(joined));
                }
            }
        }
        if let Some(said) = said {
            let certainty = if said.says == Says::Wrote { Certainty::Marked } else { Certainty::Ambiguous };
            let from = self.found.len();
            self.add(said.agent, (Kind::Assisted, certainty), Place::Prose, &found);
            let told_of = ToldOf::in_line(&found);
            self.quote(from, cues.words(&found).all(|seen| told_of.holds(seen.start)));
        }
    }
}

/// The agent that a trailer names, and how sure that is.
fn named(catalogue: &Catalogue, name: &str, email: &str) -> Option<(AgentIndex, Certainty)> {
    let by_itself = catalogue.person(name, email).map(|agent| {
        let is_guess = catalogue.is_guess(name, email);
        (agent, if is_guess { Certainty::Ambiguous } else { Certainty::Marked })
    });
    by_itself.or_else(|| beside_a_human(catalogue, name, email))
}

/// Where a line stands that may be a trailer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stands {
    OnSubject,
    InList,
    Alone,
}

/// What a disclosure with this key is worth there. `AI: enemies keep away` is about a part of a program, as are `- LLM: retry` and
/// `Model: gpt-4o`: a key of one word discloses only on a line of its own, and only with a value that says so.
fn worth(catalogue: &Catalogue, key: &str, value: &str, accepts: Accepts, stands: Stands) -> Option<Certainty> {
    let is_word = !key.contains('-');
    let says_so = || catalogue.disclosed(Accepts::Named, value).is_some() || says_so(value);
    match accepts {
        Accepts::Review => Some(Certainty::Ambiguous),
        _ if is_word && stands != Stands::Alone => None,
        Accepts::Named if is_word => Some(Certainty::Ambiguous),
        Accepts::Any if is_word => says_so().then_some(Certainty::Marked),
        Accepts::Any if stands == Stands::OnSubject => says_so().then_some(Certainty::Ambiguous),
        Accepts::Named | Accepts::Any | Accepts::Shaped => Some(Certainty::Marked),
    }
}

/// The line around a place. The two characters `\n` break lines as well. Looks no further than the line's own ends.
fn line_around(text: &str, at: usize) -> (usize, usize) {
    let bytes = text.as_bytes();
    let is_break = |at: usize| match bytes[at] {
        b'\n' | b'\r' => 1,
        b'\\' if bytes.get(at + 1) == Some(&b'n') => 2,
        _ => 0,
    };
    let start =
        (0..at).rev().find_map(|from| Some(from + is_break(from)).filter(|start| (from + 1..=at).contains(start)));
    let end = (at..bytes.len()).find(|at| is_break(*at) > 0).unwrap_or(bytes.len());
    (start.unwrap_or(0), end)
}

/// Where the line ends whose break a text ends with.
fn before_break(text: &str) -> Option<usize> {
    ["\r\n", "\n", "\r", "\\n"].iter().find_map(|written| text.strip_suffix(written)).map(str::len)
}

/// `Generated with [Word](https://…)`, or a line that is `Generated with Word` and no more.
struct Footer<'a> {
    word: &'a str,
    is_linked: bool,
    /// `Generated by`; things are `built with` a library.
    says_who_wrote: bool,
}

impl<'a> Footer<'a> {
    fn read(text: &'a str) -> Option<Self> {
        const ON_ITS_OWN: [&str; 5] = ["auto", "auto-", "auto ", "automatically ", "ai-"];
        let text =
            ON_ITS_OWN.iter().rev().find(|word| starts_with(text, word)).map_or(text, |word| &text[word.len()..]);
        let start = FOOTERS.iter().chain(&LINKED_FOOTERS).find(|start| starts_with(text, start))?;
        let rest = &text[start.len()..];
        let says_who_wrote = !["made ", "built "].iter().any(|word| start.starts_with(word));
        if start.ends_with('[') || rest.starts_with('[') {
            let (word, link) = rest.trim_start_matches('[').split_once(']')?;
            return link.starts_with('(').then_some(Self { word, is_linked: true, says_who_wrote });
        }
        Some(Self { word: rest.trim_end_matches(['.', ' ', '_', '*']), is_linked: false, says_who_wrote })
    }
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
