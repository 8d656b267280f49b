//! Why somebody's word does not count, or no longer.
use std::fmt;

use serde::Deserialize;
use serde::de::IgnoredAny;

use super::body::{Person, need};
use crate::ledger::entry::Header;
use crate::ledger::verify::violation::Violation;

/// What can stand against somebody's word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Refusal {
    /// No person.
    NotHuman,
    /// They had a part.
    Party,
    /// Nobody whom the rules ask.
    NotAnApprover,
    /// They spoke by a way that is not sure enough.
    NotSureEnough,
    /// No access.
    NoAccess,
    /// It was decided.
    Closed,
    /// They approved before.
    AlreadyApproved,
    /// They saw something else than is asked.
    SawAnother,
}

impl Refusal {
    /// Whether it can come to stand against an approval that counted: the others are about the click.
    fn strikes(self) -> bool {
        !matches!(self, Self::Closed | Self::AlreadyApproved | Self::SawAnother)
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotHuman => "not_human",
            Self::Party => "party",
            Self::NotAnApprover => "not_an_approver",
            Self::NotSureEnough => "not_sure_enough",
            Self::NoAccess => "no_access",
            Self::Closed => "closed",
            Self::AlreadyApproved => "already_approved",
            Self::SawAnother => "saw_another",
        })
    }
}

/// Whose word does not count.
pub(in crate::ledger::verify) struct Refused {
    pub(in crate::ledger::verify) reviewer: Person,
    /// Because they had a part.
    pub(in crate::ledger::verify) is_party: bool,
}

#[derive(Deserialize)]
struct Why {
    refusal: Refusal,
}

/// What stands in the place of a list that is too long for an entry.
#[derive(Deserialize)]
struct Omitted {
    #[serde(rename = "omitted")]
    _omitted: IgnoredAny,
}

impl Refused {
    pub(in crate::ledger::verify) fn of(entry: &Header<'_>) -> Result<Self, Violation> {
        Self::read(entry).map(|(refused, _)| refused)
    }

    /// Of an approval that counted until now.
    pub(in crate::ledger::verify) fn struck(entry: &Header<'_>) -> Result<Self, Violation> {
        let (refused, why) = Self::read(entry)?;
        match why.into_iter().find(|why| !why.strikes()) {
            Some(why) => Err(Violation::NoReasonToStrike(why)),
            None => Ok(refused),
        }
    }

    fn read(entry: &Header<'_>) -> Result<(Self, Vec<Refusal>), Violation> {
        let reviewer = need(entry.reviewer, "reviewer")?;
        // Only the facts that give somebody a part can be so many.
        if entry.why.is_some_and(|why| why.get().starts_with('{')) {
            let Omitted { .. } = need(entry.why, "why")?;
            return Ok((Self { reviewer, is_party: true }, vec![Refusal::Party]));
        }
        let why: Vec<Why> = need(entry.why, "why")?;
        if why.is_empty() {
            return Err(Violation::RefusedForNothing);
        }
        let why: Vec<Refusal> = why.into_iter().map(|why| why.refusal).collect();
        Ok((Self { reviewer, is_party: why.contains(&Refusal::Party) }, why))
    }
}
