//! Findings in words.

use super::safe;
use super::style::Style;
use crate::domain::Millis;
use crate::domain::attribution::{Attribution, Certainty, Kind};
use crate::domain::decide::{Need, Refusal};
use crate::domain::facts::Gap;
use crate::domain::parties::Part;
use crate::domain::people::Account;
use crate::domain::policy::{Approvers, Assurance, AuthoredBy};
use crate::domain::request::{HeldBack, Request};

/// Why a review did not count, as told to the one who made it.
pub(super) fn refusal_words(refusal: &Refusal, style: Style) -> String {
    match refusal {
        Refusal::NotHuman => "only humans second".into(),
        Refusal::Party { because } if because.is_empty() => "had a part in it since it was seconded".into(),
        Refusal::Party { because } => format!("had a part in it: {}", parts_words(because, style)),
        Refusal::NotAnApprover => "is not among the approvers the rules ask for".into(),
        Refusal::NotSureEnough { needs } => {
            format!(
                "the rules ask for more than a click here ({}), which this version cannot give yet",
                style.code(needs.as_str())
            )
        }
        Refusal::NoAccess => "has no write access here and is no approver".into(),
        Refusal::Closed => "it was decided already".into(),
        Refusal::AlreadyApproved => "approved already; one human counts once".into(),
        Refusal::SawAnother => {
            "saw another page than this one: it was judged again meanwhile; read it as it is now, and press again"
                .into()
        }
    }
}

pub(super) fn parts_words(parts: &[Part], style: Style) -> String {
    const SHOWN: usize = 4;
    let telling: Vec<&Part> = parts.iter().filter(|part| !goes_without_saying(part, parts)).collect();
    let mut words: Vec<String> = telling.iter().take(SHOWN).map(|part| part_words(part, style)).collect();
    if telling.len() > SHOWN {
        words.push(format!("and {} more", telling.len() - SHOWN));
    }
    words.join(", ")
}

/// Whoever starts a run starts its attempt and sends its event; whoever writes a commit mostly commits it. The ledger
/// has each fact; people read the one that says it.
fn goes_without_saying(part: &Part, all: &[Part]) -> bool {
    all.iter().any(|other| match (part, other) {
        (Part::TriggeringActor { attempt }, Part::Actor { attempt: same }) => attempt == same,
        (Part::Sender, Part::Actor { .. } | Part::TriggeringActor { .. }) => true,
        (Part::Committer { sha } | Part::Signer { sha }, Part::Author { sha: same }) => sha == same,
        _ => false,
    })
}

fn part_words(part: &Part, style: Style) -> String {
    let short = |sha: &str| style.prefix(sha, 7);
    match part {
        Part::Actor { .. } => "started the run".into(),
        Part::TriggeringActor { attempt } => format!("started attempt {attempt}"),
        Part::DeploymentCreator => "created the deployment".into(),
        Part::Sender => "asked for the deployment".into(),
        Part::Author { sha } => format!("wrote {}", short(sha)),
        Part::Committer { sha } => format!("committed {}", short(sha)),
        Part::CoAuthor { sha } => format!("co-authored {}", short(sha)),
        Part::Signer { sha } => format!("signed {}", short(sha)),
        Part::PullRequestAuthor { number } => format!("opened pull request #{number}"),
        Part::Sponsor { number } => format!("had an agent work on pull request #{number}"),
        Part::SamePerson { login } => format!("the same person as {}", style.code(login)),
    }
}

/// From whom approvals are asked.
pub(super) fn approvers_words(from: &Approvers, request: &Request, style: Style) -> String {
    let repository = style.code(&request.case.subject.repository.full_name());
    match from {
        Approvers::Writers => format!("anyone with write access to {repository}"),
        Approvers::Admins => format!("the admins of {repository}"),
        Approvers::CodeOwners => "the owners of the changed files".into(),
        Approvers::Group(name) => format!("group {}", style.code(name)),
    }
}

/// What is asked, in a sentence.
pub(super) fn need_words(need: &Need, request: &Request, style: Style) -> String {
    let all = |parts: &[Need], between: &str| {
        parts.iter().map(|part| need_words(part, request, style)).collect::<Vec<_>>().join(between)
    };
    match need {
        Need::AnyOf { any_of } => format!("({})", all(any_of, " or ")),
        Need::AllOf { all_of } => format!("({})", all(all_of, " and ")),
        Need::Persons(group) => {
            let sure = match group.assurance {
                Assurance::Click => "",
                Assurance::Session => ", signed in on the web page",
                Assurance::Passkey => ", with a passkey",
            };
            format!("{} from {}{sure}", group.need, approvers_words(&group.from, request, style))
        }
    }
}

/// That nobody is left to meet some rules, and to whom to turn.
pub(super) fn nobody_left_words(rules: &[String], style: Style) -> String {
    let named: Vec<String> = rules.iter().map(|rule| style.code(rule)).collect();
    format!(
        "{} by rule {}: everybody who could approve had a part in it, or too few others could. Ask an admin of the repository to \
         give somebody else access or to name them in {}; it is then judged again.\n",
        style.strong("Nobody is left to second it"),
        named.join(", "),
        style.code(".github/seconder.yml"),
    )
}

/// What keeps a decision from leaving.
pub(super) fn held_back_words(held_back: &HeldBack, style: Style) -> String {
    let stop = style.code("stop");
    match held_back {
        HeldBack::Stop { why } => {
            format!(
                "the policy says {stop} ({}). What is decided leaves when {stop} is taken out of it",
                style.code(why)
            )
        }
        HeldBack::Freeze { name, until: Some(until) } => {
            format!("freeze {} lasts until {}; what is decided leaves then", style.code(name), safe::instant(*until))
        }
        HeldBack::Freeze { name, until: None } => format!("freeze {} has no end", style.code(name)),
    }
}

/// How long, in the largest unit that divides it.
pub(super) fn duration_words(millis: Millis) -> String {
    let minutes = millis / 60_000;
    let (number, unit) = match minutes {
        m if m % 1_440 == 0 => (m / 1_440, "day"),
        m if m % 60 == 0 => (m / 60, "hour"),
        m => (m, "minute"),
    };
    format!("{number} {unit}{}", if number == 1 { "" } else { "s" })
}

pub(super) fn authored_by_words(authored_by: &AuthoredBy, style: Style) -> String {
    match authored_by {
        AuthoredBy::Ai => "held as touched by an AI agent".into(),
        AuthoredBy::Unproven => "held for want of a known person's own signature".into(),
        AuthoredBy::Anyone => "held, whoever wrote them".into(),
        AuthoredBy::Agents(agents) => {
            format!("held as touched by {}", agents.iter().map(|a| style.code(a)).collect::<Vec<_>>().join(" or "))
        }
    }
}

/// What could not be learned.
pub(super) fn gap_words(gap: &Gap, style: Style) -> String {
    let short = |sha: &str| style.prefix(sha, 7);
    match gap {
        Gap::NoEarlierDeployment => "no earlier deployment here succeeded, so every commit is new to it".into(),
        Gap::DeploymentHistoryTooLong => "no successful deployment among the newest ones GitHub lists".into(),
        Gap::Diverged => "history was rewritten: the last good deployment is not an ancestor".into(),
        Gap::TooManyCommits { total, read } => format!("{total} commits, of which GitHub lists {read}"),
        Gap::TooManyFiles { read } => format!("more files changed than the {read} GitHub lists"),
        Gap::PullRequestTooLong { number } => format!("pull request #{number} has more commits than could be read"),
        Gap::CommitTooWide { sha } => format!("{} has more authors or pull requests than could be read", short(sha)),
        Gap::CommitUnreadable { sha } => format!("GitHub did not show {}", short(sha)),
        Gap::AccountUnknown { login } => {
            format!("the policy names {}, an account GitHub does not know", style.code(login))
        }
        Gap::AttemptUnreadable { number } => format!("GitHub did not show attempt {number} of the run"),
    }
}

/// What an agent did, how sure that is, and whether the mark was lost on the way.
pub(super) fn attribution_words(found: &Attribution) -> String {
    let kind = match found.kind {
        Kind::Authored => "author",
        Kind::CoAuthored => "co-author",
        Kind::Assisted => "assisted",
    };
    let certainty = match found.certainty {
        Certainty::Ambiguous => ", ambiguous",
        Certainty::Marked => "",
        Certainty::Vouched => ", signed by its vendor",
    };
    let stripped = if found.stripped { ", the mark was lost when it was merged" } else { "" };
    format!("{kind}{certainty}{stripped}")
}

pub(super) fn people<'a>(accounts: impl Iterator<Item = &'a Account>) -> String {
    let names: Vec<&str> = accounts.map(|account| account.login.as_str()).collect();
    if names.is_empty() { "nobody".into() } else { names.join(", ") }
}
