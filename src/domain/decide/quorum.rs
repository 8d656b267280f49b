//! Who must approve, who may, and how far that has come.

use serde::{Deserialize, Serialize};

use super::Judgement;
use crate::domain::Millis;
use crate::domain::event::Verdict;
use crate::domain::parties::Part;
use crate::domain::people::{Account, AccountKind, People, PersonKey};
use crate::domain::policy::{Approvers, Assurance, Member};

/// One requirement of one matching rule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quorum {
    /// The rule that asks.
    pub rule: String,
    /// What it asks.
    #[serde(flatten)]
    pub need: Need,
}

/// What must be met.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Need {
    /// One of these.
    AnyOf {
        /// Which.
        any_of: Vec<Need>,
    },
    /// All of these.
    AllOf {
        /// Which.
        all_of: Vec<Need>,
    },
    /// So many persons from a group.
    Persons(Persons),
}

/// So many persons from a group, with what unknown identities add to it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Persons {
    /// From whom.
    pub from: Approvers,
    /// The members of the group, when `from` is one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub members: Vec<Member>,
    /// Distinct persons needed, extra ones included.
    pub need: u32,
    /// How many of `need` are owed to unknown identities: had each of them approved, enough others still did.
    #[serde(default)]
    pub extra: u32,
    /// How sure we must be that it was them.
    #[serde(default, skip_serializing_if = "Assurance::is_default")]
    pub assurance: Assurance,
    /// Who may besides, after some time.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub later: Vec<Later>,
}

/// Who may approve besides, once a request has waited so long.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Later {
    /// How long.
    pub after: Millis,
    /// Who.
    pub from: Approvers,
    /// The members of the group, when `from` is one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub members: Vec<Member>,
}

impl Quorum {
    /// So many persons from a group.
    #[must_use]
    pub fn persons(rule: impl Into<String>, need: u32, from: Approvers) -> Self {
        Self { rule: rule.into(), need: Need::Persons(Persons::of(need, from)) }
    }

    /// Every group it asks, however deep.
    #[must_use]
    pub fn groups(&self) -> Vec<&Persons> {
        let mut groups = Vec::new();
        self.need.each_group(&mut |group| groups.push(group));
        groups
    }
}

impl Persons {
    /// So many persons from a group, by a click.
    #[must_use]
    pub fn of(need: u32, from: Approvers) -> Self {
        Self { from, members: Vec::new(), need, extra: 0, assurance: Assurance::default(), later: Vec::new() }
    }

    /// Everybody it names, now or later.
    pub fn members(&self) -> impl Iterator<Item = &Member> {
        self.members.iter().chain(self.later.iter().flat_map(|later| &later.members))
    }

    /// Whether somebody counts towards it, leaving parties aside. `waited` is how long the request has been open, as far as
    /// that is written down.
    #[must_use]
    pub fn counts(&self, people: &People, standing: &Standing, waited: Millis) -> bool {
        let is_among = |from: &Approvers, members: &[Member]| is_among(from, members, people, standing);
        is_among(&self.from, &self.members)
            || self.later.iter().any(|later| later.after <= waited && is_among(&later.from, &later.members))
    }
}

fn is_among(from: &Approvers, members: &[Member], people: &People, standing: &Standing) -> bool {
    match from {
        Approvers::Writers => standing.permission >= Permission::Write,
        Approvers::Admins => standing.permission >= Permission::Admin,
        Approvers::Group(_) | Approvers::CodeOwners => members.iter().any(|member| match member {
            Member::User(login) => people.calls(login, &standing.account),
            Member::Team { org, slug } => standing.teams.iter().any(|team| is_team(team, org, slug)),
            Member::Permission(least) => *least > Permission::None && standing.permission >= *least,
            Member::CodeOwners => false, // Stands for others, who are named in its place.
        }),
    }
}

/// Whether a team is the one of this organization and slug.
fn is_team(team: &str, org: &str, slug: &str) -> bool {
    // Somebody's teams are mostly of one organization, so their slugs tell them apart soonest.
    team.split_at_checked(org.len()).is_some_and(|(of, name)| {
        name.strip_prefix('/').is_some_and(|name| name.eq_ignore_ascii_case(slug)) && of.eq_ignore_ascii_case(org)
    })
}

impl Need {
    fn each_group<'a>(&'a self, visit: &mut impl FnMut(&'a Persons)) {
        match self {
            Self::AnyOf { any_of: parts } | Self::AllOf { all_of: parts } => {
                parts.iter().for_each(|part| part.each_group(visit));
            }
            Self::Persons(persons) => visit(persons),
        }
    }

    fn progress(&self, have: &impl Fn(&Persons) -> u32) -> Progress {
        let all = |parts: &[Self]| parts.iter().map(|part| part.progress(have)).collect();
        match self {
            Self::AnyOf { any_of } => Progress::AnyOf { any_of: all(any_of) },
            Self::AllOf { all_of } => Progress::AllOf { all_of: all(all_of) },
            Self::Persons(persons) => {
                Progress::Persons { from: persons.from.clone(), need: persons.need, have: have(persons) }
            }
        }
    }
}

/// What GitHub says about somebody who reviews, asked at the click and again at release.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Standing {
    /// Who.
    pub account: Account,
    /// Their access to the repository.
    pub permission: Permission,
    /// `org/slug` of the teams of the policy in which they are active members, lower-case.
    #[serde(default)]
    pub teams: Vec<String>,
}

/// Access to a repository, weakest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Permission {
    /// None, or unknown.
    None,
    /// Read.
    Read,
    /// Triage.
    Triage,
    /// Write.
    Write,
    /// Maintain.
    Maintain,
    /// Admin.
    Admin,
}

impl Permission {
    /// As GitHub spells it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Read => "read",
            Self::Triage => "triage",
            Self::Write => "write",
            Self::Maintain => "maintain",
            Self::Admin => "admin",
        }
    }
}

/// Why somebody's review does not count.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "refusal", rename_all = "snake_case")]
pub enum Refusal {
    /// Bots, Apps and organizations never review.
    NotHuman,
    /// Had a part in what is held (P1).
    Party {
        /// The facts that made them one.
        because: Vec<Part>,
    },
    /// In none of the groups the rules ask.
    NotAnApprover,
    /// In a group the rules ask, and spoke by a way that is not sure enough for them.
    NotSureEnough {
        /// The least that would be.
        needs: Assurance,
    },
    /// Has no access that would let them speak here.
    NoAccess,
    /// The request is decided already.
    Closed,
    /// They approved already; one human counts once.
    AlreadyApproved,
    /// What they saw is not what is asked: it was judged again since (P3, P8).
    SawAnother,
}

/// Whether this person may approve, having spoken so surely. Every obstacle is named, not only the first.
#[must_use]
pub fn obstacles(judgement: &Judgement, standing: &Standing, spoke: Assurance, waited: Millis) -> Vec<Refusal> {
    let mut refusals = Vec::new();
    if standing.account.kind != AccountKind::User || judgement.people.is_a_program(&standing.account) {
        refusals.push(Refusal::NotHuman);
    }
    if let Some(party) = judgement.parties.find(standing.account.id) {
        refusals.push(Refusal::Party { because: party.because.clone() });
    }
    // The least that a group wants in which they count.
    let mut least: Option<Assurance> = None;
    for quorum in &judgement.quorum {
        quorum.need.each_group(&mut |group| {
            if least.is_none_or(|least| group.assurance < least) && group.counts(&judgement.people, standing, waited) {
                least = Some(group.assurance);
            }
        });
    }
    match least {
        None => refusals.push(Refusal::NotAnApprover),
        Some(needs) if needs > spoke => refusals.push(Refusal::NotSureEnough { needs }),
        Some(_) => {}
    }
    refusals
}

/// Why a word on a request that still waits does not count; empty when it does.
#[must_use]
pub fn refusals(
    judgement: &Judgement,
    approvals: &[Voice<'_>],
    by: Voice<'_>,
    verdict: Verdict,
    waited: Millis,
) -> Vec<Refusal> {
    match verdict {
        Verdict::Approve => {
            let mut why = obstacles(judgement, by.standing, by.assurance, waited);
            let person = judgement.people.key(by.standing.account.id);
            if approvals.iter().any(|earlier| judgement.people.key(earlier.standing.account.id) == person) {
                why.push(Refusal::AlreadyApproved);
            }
            why
        }
        Verdict::Deny if may_deny(judgement, by.standing, waited) => Vec::new(),
        Verdict::Deny => vec![Refusal::NoAccess],
    }
}

/// Whether this person may deny: any human who could write to the repository or is asked by a rule. A party may, too.
#[must_use]
pub fn may_deny(judgement: &Judgement, standing: &Standing, waited: Millis) -> bool {
    standing.account.kind == AccountKind::User
        && !judgement.people.is_a_program(&standing.account)
        && (standing.permission >= Permission::Write
            || judgement
                .quorum
                .iter()
                .flat_map(Quorum::groups)
                .any(|group| group.counts(&judgement.people, standing, waited)))
}

/// A requirement and how far it is met.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Met {
    /// The rule that asks.
    pub rule: String,
    /// How far it is met.
    #[serde(flatten)]
    pub progress: Progress,
}

/// How far a requirement is met.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Progress {
    /// One of these is needed.
    AnyOf {
        /// How far each is met.
        any_of: Vec<Progress>,
    },
    /// All of these are needed.
    AllOf {
        /// How far each is met.
        all_of: Vec<Progress>,
    },
    /// So many persons are needed.
    Persons {
        /// From whom.
        from: Approvers,
        /// Distinct persons needed.
        need: u32,
        /// Distinct persons who approved.
        have: u32,
    },
}

impl Progress {
    /// Whether it is met. None of nothing is not enough (P2).
    #[must_use]
    pub fn is_met(&self) -> bool {
        match self {
            Self::AnyOf { any_of } => any_of.iter().any(Self::is_met),
            Self::AllOf { all_of } => !all_of.is_empty() && all_of.iter().all(Self::is_met),
            Self::Persons { need, have, .. } => *need > 0 && have >= need,
        }
    }
}

/// Somebody who approved, and how surely.
#[derive(Clone, Copy, Debug)]
pub struct Voice<'a> {
    /// Who, and what GitHub says of them.
    pub standing: &'a Standing,
    /// How sure it is that it was them.
    pub assurance: Assurance,
}

/// Counts approvals. Reviews of parties and of others who may not approve are left out here once more, whatever let them in.
#[must_use]
pub fn tally(judgement: &Judgement, approvals: &[Voice<'_>], waited: Millis) -> Vec<Met> {
    let may = |voice: &&Voice<'_>| obstacles(judgement, voice.standing, voice.assurance, waited).is_empty();
    let mut eligible: Vec<(PersonKey, &Voice<'_>)> =
        approvals.iter().filter(may).map(|voice| (judgement.people.key(voice.standing.account.id), voice)).collect();
    eligible.sort_by_key(|(person, _)| *person);
    let have = |group: &Persons| {
        let counts = |voice: &Voice<'_>| {
            voice.assurance >= group.assurance && group.counts(&judgement.people, voice.standing, waited)
        };
        // A person's voices stand together, and are one.
        let persons = eligible.chunk_by(|(one, _), (other, _)| one == other);
        let have = persons.filter(|voices| voices.iter().any(|(_, voice)| counts(voice))).count();
        u32::try_from(have).unwrap_or(u32::MAX)
    };
    let met = |quorum: &Quorum| Met { rule: quorum.rule.clone(), progress: quorum.need.progress(&have) };
    judgement.quorum.iter().map(met).collect()
}

/// Whether every requirement is met. No requirement at all is not an approval (P2).
#[must_use]
pub fn is_met(tally: &[Met]) -> bool {
    !tally.is_empty() && tally.iter().all(|met| met.progress.is_met())
}
