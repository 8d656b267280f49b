//! The tree of reasons, and how far each requirement is met.

use super::safe::instant;
use super::style::Style;
use super::words::{approvers_words, authored_by_words, duration_words, gap_words, need_words};
use crate::domain::decide::{Need, Permission, Persons, Progress, Standing};
use crate::domain::policy::{Dimension, Member, PATH};
use crate::domain::reason::{Finding, Reason};
use crate::domain::request::{Approval, Request};

pub(super) fn reason_lines(reason: &Reason, depth: usize, style: Style, line: &mut impl FnMut(String)) {
    let text = words(&reason.finding, style);
    let deeper = depth + usize::from(text.is_some());
    if let Some(text) = text {
        line(format!("{}- {text}", "  ".repeat(depth)));
    }
    reason.because.iter().for_each(|child| reason_lines(child, deeper, style, line));
}

/// A finding in words; `None` when it is shown elsewhere.
fn words(finding: &Finding, style: Style) -> Option<String> {
    Some(match finding {
        // The heading says it, and the requirements are shown with their progress.
        Finding::Held | Finding::NotHeld => return None,
        Finding::Rule { name, matched: true, acts: true } => format!("Rule {} holds it", style.code(name)),
        Finding::Rule { name, matched: true, acts: false } => {
            format!("Rule {} would hold it (shadow)", style.code(name))
        }
        Finding::Rule { name, matched: false, .. } => format!("Rule {} does not hold it", style.code(name)),
        Finding::Outside { rule, by: Dimension::Gate, patterns } => {
            format!("Rule {} does not hold it: it is about another kind of gate ({patterns})", style.code(rule))
        }
        Finding::Outside { rule, by, patterns } => format!(
            "Rule {} does not hold it: the {} is not among those it is about ({})",
            style.code(rule),
            by.as_str(),
            style.code(patterns)
        ),
        Finding::Excepted => format!("its {} takes this out", style.code("except")),
        Finding::Authorship { authored_by, held, of } => {
            format!("{held} of {of} commits are {}", authored_by_words(authored_by, style))
        }
        Finding::Missing { gap } => format!("counts as touched by AI: {}", gap_words(gap, style)),
        Finding::NobodyLeft { rule, approvals, left, .. } => format!(
            "{}: rule {} asks for {approvals}, and {left} of the people it names had no part in \
             it. Ask an admin of the repository to name somebody else in {}, then re-run the job",
            style.strong("Nobody is left to second it"),
            style.code(rule),
            style.code(PATH)
        ),
        Finding::Forbidden { rule, message } => {
            format!("{}: {}", style.strong(&format!("Rule {} denies it", style.code(rule))), style.code(message))
        }
        Finding::NoReason { rule, pattern, commits } => format!(
            "{}: {commits} commits do not say why they are made. Say it in the pull request's title or text{}, \
             then re-run the job",
            style.strong(&format!("Rule {} denies it", style.code(rule))),
            pattern
                .as_ref()
                .map_or(String::new(), |pattern| format!(" so that {} is found in it", style.code(pattern)))
        ),
        Finding::Unattributed { rule } => format!(
            "rule {} denies what somebody had a part in whom nobody can identify; the policy's {} can say whose an \
             address is",
            style.code(rule),
            style.code("people:")
        ),
    })
}

/// What rules in shadow mode would have asked.
pub(super) fn shadow_lines(request: &Request, style: Style, line: &mut impl FnMut(String)) {
    let judgement = &request.case.judgement;
    for rule in &judgement.shadow {
        let asks: Vec<String> = judgement
            .would_ask
            .iter()
            .filter(|quorum| quorum.rule == *rule)
            .map(|quorum| need_words(&quorum.need, request, style))
            .collect();
        let would = if asks.is_empty() { "deny it".to_owned() } else { format!("ask for {}", asks.join(" and ")) };
        line(format!("- rule {} would {would}; it is in shadow mode and holds nothing", style.code(rule)));
    }
}

pub(super) fn quorum_lines(request: &Request, style: Style, line: &mut impl FnMut(String)) {
    for (quorum, met) in request.case.judgement.quorum.iter().zip(request.tally()) {
        need_lines(&quorum.need, &met.progress, Some(&quorum.rule), 0, request, style, line);
    }
    line("\nNobody who had a part in it counts, whatever their role.".into());
}

fn need_lines(
    need: &Need,
    progress: &Progress,
    rule: Option<&str>,
    depth: usize,
    request: &Request,
    style: Style,
    line: &mut impl FnMut(String),
) {
    let start = format!("{}- {}", "  ".repeat(depth), if progress.is_met() { "✔" } else { "○" });
    let rule = rule.map_or(String::new(), |rule| format!(" (rule {})", style.code(rule)));
    match (need, progress) {
        (Need::AnyOf { any_of: parts }, Progress::AnyOf { any_of: met })
        | (Need::AllOf { all_of: parts }, Progress::AllOf { all_of: met }) => {
            let which = if matches!(need, Need::AnyOf { .. }) { "one" } else { "all" };
            line(format!("{start} {which} of these{rule}:"));
            for (part, met) in parts.iter().zip(met) {
                need_lines(part, met, None, depth + 1, request, style, line);
            }
        }
        (Need::Persons(group), Progress::Persons { have, .. }) => {
            let extra = match group.extra {
                0 => String::new(),
                extra => format!(": {extra} more than the rule asks, because so many authors could not be identified"),
            };
            let members = match group.members.as_slice() {
                [] => String::new(),
                members => format!(": {}", names(members, style)),
            };
            line(format!("{start} {have} of {}{rule}{extra}{members}", need_words(need, request, style)));
            counted_lines(group, depth + 1, request, style, line);
            later_lines(group, depth + 1, request, style, line);
        }
        // A tally has the shape of what it counts for.
        (Need::AnyOf { .. } | Need::AllOf { .. } | Need::Persons(_), _) => {}
    }
}

/// Who counted towards it. What does not count is no approval.
fn counted_lines(group: &Persons, depth: usize, request: &Request, style: Style, line: &mut impl FnMut(String)) {
    let life = &request.life;
    let counts = |a: &&Approval| {
        a.via.assurance() >= group.assurance && group.counts(&request.case.judgement.people, &a.by, life.waited)
    };
    for approval in life.approvals.iter().filter(counts) {
        let Standing { account, permission, .. } = &approval.by;
        line(format!(
            "{}- {} approved it ({}, {} access)",
            "  ".repeat(depth),
            style.code(&account.login),
            instant(approval.at),
            permission.as_str()
        ));
    }
}

fn later_lines(group: &Persons, depth: usize, request: &Request, style: Style, line: &mut impl FnMut(String)) {
    for later in &group.later {
        let open = if later.after <= request.life.waited { "now" } else { "if nobody decides" };
        line(format!(
            "{}- after {}, {open}: also {}",
            "  ".repeat(depth),
            duration_words(later.after),
            approvers_words(&later.from, request, style)
        ));
    }
}

fn names(members: &[Member], style: Style) -> String {
    let name = |member: &Member| match member {
        Member::User(login) => style.code(login),
        Member::Team { org, slug } => format!("team {}", style.code(&format!("{org}/{slug}"))),
        Member::Permission(Permission::Admin) => "the repository's admins".to_owned(),
        Member::Permission(permission) => format!("everybody with at least {} access", style.code(permission.as_str())),
        Member::CodeOwners => "the owners of the changed files".to_owned(),
    };
    members.iter().map(name).collect::<Vec<_>>().join(", ")
}
