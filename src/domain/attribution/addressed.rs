//! Agents' addresses on lines that no rule knows: `Pair: Claude <noreply@anthropic.com>`, `with Claude <noreply@anthropic.com>`. Whoever
//! writes such an address down behind a name means the agent, whatever the key is called.

use super::catalogue::AgentIndex;
use super::lookup::lower;
use super::mark::Place;
use super::marks::Marks;
use super::message::{Stands, plain_key};
use super::trailers::{self, Trailer};
use super::{Certainty, Kind};

/// Keys of people who are told or asked, and of examples: an agent behind one need not have written.
const ONLY_TOLD: [&str; 22] = [
    "cc",
    "to",
    "reply-to",
    "thanks",
    "thanks-to",
    "contact",
    "mail",
    "email",
    "e-mail",
    "identity",
    "user",
    "example",
    "e.g",
    "before",
    "after",
    "expected",
    "got",
    "was",
    "now",
    "reviewer",
    "approved-by",
    "requested-by",
];

/// What may stand before `with` or `by` on a line that goes on with nothing but an agent.
const MADE: [&str; 18] = [
    "written",
    "generated",
    "authored",
    "co-authored",
    "coauthored",
    "created",
    "made",
    "implemented",
    "coded",
    "paired",
    "pair-programmed",
    "assisted",
    "built",
    "developed",
    "drafted",
    "done",
    "helped",
    "together",
];

impl Marks<'_> {
    /// A line of its own that ends with an agent's address behind a name.
    pub(super) fn of_addressed(&mut self, line: &str, stands: Stands) {
        if stands == Stands::OnSubject {
            return;
        }
        let Some((before, address)) = line.strip_suffix('>').and_then(|line| line.rsplit_once('<')) else { return };
        let known = self.catalogue.address(address, before.trim()).map(|(agent, _)| agent);
        let Some(agent) = known.filter(|agent| self.catalogue.is_ai(*agent)) else { return };
        let worth = match trailers::all_in(line).next() {
            Some((_, Trailer { key, value })) => {
                let name = value.rsplit_once('<').map_or("", |(name, _)| name.trim());
                let is_told = ONLY_TOLD.contains(&plain_key(key).as_str()) || name.is_empty();
                self.is_title(name).then_some(if is_told { Certainty::Ambiguous } else { Certainty::Marked })
            }
            None => self.worth_of_line(before.trim(), stands),
        };
        if let Some(certainty) = worth {
            self.add(agent, (Kind::CoAuthored, certainty), Place::Trailer, line);
        }
    }

    /// `with Claude`, `written by Claude`, or the name alone.
    fn worth_of_line(&self, before: &str, stands: Stands) -> Option<Certainty> {
        let before = before.trim_start_matches(|c: char| !c.is_alphanumeric());
        let is_made = |head: &str| head.split_whitespace().all(|word| MADE.contains(&&*lower(word)));
        let joined = |join: &&str| {
            let at = format!(" {before}").to_lowercase().rfind(*join)?;
            let (head, name) = (before.get(..at.max(1) - 1)?, before.get((at + join.len()).max(1) - 1..)?);
            (is_made(head) && self.is_title(name)).then_some(Certainty::Marked)
        };
        let alone = || {
            let is_tool: Option<AgentIndex> = self.catalogue.remark(&lower(before));
            (self.is_title(before) && is_tool.is_some()).then_some(match stands {
                Stands::InList => Certainty::Ambiguous,
                _ => Certainty::Marked,
            })
        };
        let thanked = || before.to_lowercase().starts_with("thanks to ").then_some(Certainty::Ambiguous);
        [" with ", " by ", " and ", " via "].iter().find_map(joined).or_else(alone).or_else(thanked)
    }

    /// Whether a text can be somebody's name: few words, each with a capital or a digit, or a tool's.
    fn is_title(&self, name: &str) -> bool {
        let words = || name.split_whitespace();
        let starts =
            |word: &str| word.starts_with(|c: char| c.is_uppercase() || c.is_ascii_digit() || c == '(' || c == '@');
        words().count() <= 5 && (words().all(starts) || self.catalogue.remark(&lower(name)).is_some())
    }
}
