//! Tags in a subject: `[codex] Add retries`, `Add retries (with Claude Code)`. They may mean who wrote or what the commit is about.

use super::catalogue::AgentIndex;
use super::lookup::lower;
use super::mark::Place;
use super::marks::Marks;
use super::{Certainty, Kind};

impl Marks<'_> {
    pub(super) fn of_tags(&mut self, subject: &str) {
        let tagged = self.tag_before(subject).or_else(|| self.tag_behind(subject));
        if let Some(agent) = tagged {
            self.add(agent, (Kind::Assisted, Certainty::Ambiguous), Place::Subject, subject);
        }
    }

    fn tag_before(&self, subject: &str) -> Option<AgentIndex> {
        let (tag, _) = subject.strip_prefix('[')?.split_once(']')?;
        self.tool(tag)
    }

    fn tag_behind(&self, subject: &str) -> Option<AgentIndex> {
        let subject = without_number(subject.trim_end());
        if let Some((_, tag)) = subject.strip_suffix(')').and_then(|text| text.rsplit_once(" (")) {
            let joined = ["with ", "by ", "via ", "using ", "w/ ", "w/"].iter().find_map(|join| tag.strip_prefix(join));
            return joined.and_then(|tag| self.tool_or_name(tag)).or_else(|| self.tool(tag));
        }
        subject.rsplit_once(" w/").and_then(|(_, tag)| self.tool_or_name(tag))
    }

    /// A tool's own name, and nothing else.
    fn tool(&self, tag: &str) -> Option<AgentIndex> {
        let cues = &self.catalogue.cues;
        cues.tool(lower(tag).as_ref()).filter(|agent| !self.catalogue.is_unnamed(*agent))
    }

    /// The same, or a word that is a tool's name besides.
    fn tool_or_name(&self, tag: &str) -> Option<AgentIndex> {
        self.tool(tag).or_else(|| self.catalogue.named_word(tag.trim()))
    }
}

/// The subject without the pull request's number that a squash puts behind it: `Add retries (#12)`.
fn without_number(subject: &str) -> &str {
    let number = subject.strip_suffix(')').and_then(|text| text.rsplit_once(" (#"));
    number.filter(|(_, number)| number.bytes().all(|b| b.is_ascii_digit())).map_or(subject, |(before, _)| before)
}
