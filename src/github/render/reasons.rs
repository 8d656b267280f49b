//! The tree of reasons, and how far each requirement is met.

use super::code;
use super::words::{approvers_words, authored_by_words, duration_words, gap_words, need_words};
use crate::domain::decide::{Need, Permission, Persons, Progress};
use crate::domain::policy::{Dimension, Member};
use crate::domain::reason::{Finding, Reason};
use crate::domain::request::Request;

pub(super) fn reason_lines(reason: &Reason, depth: usize, line: &mut impl FnMut(String)) {
    let text = words(&reason.finding);
    let deeper = depth + usize::from(text.is_some());
    if let Some(text) = text {
        line(format!("{}- {text}", "  ".repeat(depth)));
    }
    reason.because.iter().for_each(|child| reason_lines(child, deeper, line));
}

/// A finding in words; `None` when it is shown elsewhere.
fn words(finding: &Finding) -> Option<String> {
    Some(match finding {
        // The heading says it, and the requirements are shown with their progress.
        Finding::Held | Finding::NotHeld | Finding::Required { .. } => return None,
        Finding::Rule { name, matched: true, acts: true } => format!("Rule {} holds it", code(name)),
        Finding::Rule { name, matched: true, acts: false } => format!("Rule {} would hold it (shadow)", code(name)),
        Finding::Rule { name, matched: false, .. } => format!("Rule {} does not hold it", code(name)),
        Finding::Outside { by: Dimension::Gate, patterns } => {
            format!("it is about another kind of gate ({})", patterns.join(", "))
        }
        Finding::Outside { by, patterns } => format!(
            "the {} is not among those it is about ({})",
            by.as_str(),
            patterns.iter().map(|pattern| code(pattern)).collect::<Vec<_>>().join(", ")
        ),
        Finding::Excepted => "its `except` takes this out".into(),
        Finding::Authorship { authored_by, held, of } => {
            format!("{held} of {of} commits are {}", authored_by_words(authored_by))
        }
        Finding::Missing { gap } => format!("counts as touched by AI: {}", gap_words(gap)),
        Finding::NobodyLeft { rule, approvals, left, .. } => format!(
            "**Nobody is left to second it**: rule {} asks for {approvals}, and {left} of the people it names had no part in \
             it. Ask an admin of the repository to name somebody else in `.github/seconder.yml`, then re-run the job",
            code(rule)
        ),
        Finding::Forbidden { rule, message } => format!("**Rule {} denies it**: {}", code(rule), code(message)),
        Finding::NoReason { rule, pattern, commits } => format!(
            "**Rule {} denies it**: {commits} commits do not say why they are made. Say it in the pull request's title or text{}, \
             then re-run the job",
            code(rule),
            pattern.as_ref().map_or(String::new(), |pattern| format!(" so that {} is found in it", code(pattern)))
        ),
        Finding::Unattributed { rule } => format!(
            "rule {} denies what somebody had a part in whom nobody can identify; the policy's `people:` can say whose an \
             address is",
            code(rule)
        ),
    })
}

/// What rules in shadow mode would have asked.
pub(super) fn shadow_lines(request: &Request, line: &mut impl FnMut(String)) {
    let judgement = &request.case.judgement;
    for rule in &judgement.shadow {
        let asks: Vec<String> = judgement
            .would_ask
            .iter()
            .filter(|quorum| quorum.rule == *rule)
            .map(|quorum| need_words(&quorum.need, request))
            .collect();
        let would = if asks.is_empty() { "deny it".to_owned() } else { format!("ask for {}", asks.join(" and ")) };
        line(format!("- rule {} would {would}; it is in shadow mode and holds nothing", code(rule)));
    }
}

pub(super) fn quorum_lines(request: &Request, line: &mut impl FnMut(String)) {
    for (quorum, met) in request.case.judgement.quorum.iter().zip(request.tally()) {
        need_lines(&quorum.need, &met.progress, Some(&quorum.rule), 0, request, line);
    }
    line("\nNobody who had a part in it counts, whatever their role.".into());
}

fn need_lines(
    need: &Need,
    progress: &Progress,
    rule: Option<&str>,
    depth: usize,
    request: &Request,
    line: &mut impl FnMut(String),
) {
    let start = format!("{}- {}", "  ".repeat(depth), if progress.is_met() { "✔" } else { "○" });
    let rule = rule.map_or(String::new(), |rule| format!(" (rule {})", code(rule)));
    match (need, progress) {
        (Need::AnyOf { any_of: parts }, Progress::AnyOf { any_of: met })
        | (Need::AllOf { all_of: parts }, Progress::AllOf { all_of: met }) => {
            let which = if matches!(need, Need::AnyOf { .. }) { "one" } else { "all" };
            line(format!("{start} {which} of these{rule}:"));
            for (part, met) in parts.iter().zip(met) {
                need_lines(part, met, None, depth + 1, request, line);
            }
        }
        (Need::Persons(group), Progress::Persons { have, .. }) => {
            let extra = match group.extra {
                0 => String::new(),
                extra => format!(": {extra} more than the rule asks, because so many authors could not be identified"),
            };
            let members = match group.members.as_slice() {
                [] => String::new(),
                members => format!(": {}", names(members)),
            };
            line(format!("{start} {have} of {}{rule}{extra}{members}", need_words(need, request)));
            later_lines(group, depth + 1, request, line);
        }
        // A tally has the shape of what it counts for.
        (Need::AnyOf { .. } | Need::AllOf { .. } | Need::Persons(_), _) => {}
    }
}

fn later_lines(group: &Persons, depth: usize, request: &Request, line: &mut impl FnMut(String)) {
    for later in &group.later {
        let open = if later.after <= request.life.waited { "now" } else { "if nobody decides" };
        line(format!(
            "{}- after {}, {open}: also {}",
            "  ".repeat(depth),
            duration_words(later.after),
            approvers_words(&later.from, request)
        ));
    }
}

fn names(members: &[Member]) -> String {
    let name = |member: &Member| match member {
        Member::User(login) => code(login),
        Member::Team { org, slug } => format!("team {}", code(&format!("{org}/{slug}"))),
        Member::Permission(Permission::Admin) => "the repository's admins".to_owned(),
        Member::Permission(permission) => format!("everybody with at least {} access", code(permission.as_str())),
        Member::CodeOwners => "the owners of the changed files".to_owned(),
    };
    members.iter().map(name).collect::<Vec<_>>().join(", ")
}
