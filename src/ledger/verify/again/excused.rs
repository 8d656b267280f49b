//! What another catalogue of agents explains: by it an account or an address may be a program's, or a mark an agent's, and what
//! follows from that.
//!
//! Whoever signs a log writes the digest of the catalogue, too. So one that nobody knows explains nothing, unless a newer version
//! says that it judged, which is told; and what follows from the judgement is explained only where that came out otherwise.

use serde_json::Value;

use super::{Again, Difference};
use crate::domain::attribution::CATALOGUE_VERSION;
use crate::domain::decide::Refusal;
use crate::domain::request::Detail;
use crate::ledger::software::{RELEASED, is_newer};

/// What of an opening hangs on the catalogue.
const FIELDS: [&str; 8] =
    ["parties", "unknown", "unknown_count", "people", "commits", "quorum", "ai_commits", "would_ask"];

/// What of that a decision follows from.
const JUDGEMENT: &[&str] = FIELDS.split_at(6).0;

/// When another catalogue explains a difference.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Explained {
    /// It follows from what was recorded alone.
    Never,
    /// It is about who is a program, or which marks are an agent's.
    Always,
    /// It follows from who had a part, who is unknown, which commits are held, and what is asked.
    IfJudgedOtherwise,
    /// It comes with a commit that is held.
    IfOthersAreHeld,
}

impl Explained {
    pub(super) fn of_field(name: &str) -> Self {
        if FIELDS.contains(&name) { Self::Always } else { Self::Never }
    }

    /// Of what stands against an approval that was counted. A part that takes their word away comes with a commit that is held;
    /// in which groups they are, no catalogue says.
    pub(super) fn of(against: &[Refusal]) -> Self {
        match against {
            all if all.iter().all(|why| matches!(why, Refusal::NotHuman)) => Self::IfJudgedOtherwise,
            all if all.iter().all(|why| matches!(why, Refusal::NotHuman | Refusal::Party { .. })) => {
                Self::IfOthersAreHeld
            }
            _ => Self::Never,
        }
    }
}

impl Again {
    /// Excuses those differences of one judgement, which are there from this one on, that another catalogue explains.
    pub(super) fn excuse(&mut self, judged: &Value, from: usize) {
        let Some(catalogue) = judged["catalogue"].as_str().filter(|it| *it != CATALOGUE_VERSION.as_str()) else {
            return;
        };
        let sw = judged["sw"].as_str().unwrap_or_default();
        let may_know_others = RELEASED.contains(&(sw, catalogue)) || is_newer(sw) == Some(true);
        let found = self.differences.get_mut(from..).unwrap_or_default();
        let is_judged_otherwise = found.iter().any(|it| JUDGEMENT.contains(&&*it.what));
        let is_held_otherwise = found.iter().any(|it| is_about_what_is_held(it, judged));
        for difference in found {
            let may_explain = match difference.explained {
                Explained::Never => false,
                Explained::Always => true,
                Explained::IfJudgedOtherwise => is_judged_otherwise,
                Explained::IfOthersAreHeld => is_held_otherwise,
            };
            difference.is_excused = may_explain && may_know_others;
            difference.catalogue = (may_explain && !may_know_others).then(|| catalogue.to_owned());
        }
    }
}

/// Whether it says that other commits are held. Where there was no room for commits, how many have an agent is all that tells.
fn is_about_what_is_held(difference: &Difference, judged: &Value) -> bool {
    fn held(commits: &Value) -> impl Iterator<Item = &Value> {
        commits.as_array().into_iter().flatten().filter(|commit| commit["gated"] == true).map(|commit| &commit["sha"])
    }
    match difference.what.as_str() {
        "commits" => !held(&difference.recorded).eq(held(&difference.again)),
        "ai_commits" => Detail::of(judged["abridged"].as_str()) == Some(Detail::None),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::entry::SOFTWARE;

    #[test]
    fn a_new_version_knows_the_catalogue_of_the_one_before() {
        assert!(SOFTWARE == "seconder/0.1.0" || !RELEASED.is_empty(), "enter the catalogue of the version before");
    }
}
