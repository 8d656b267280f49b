//! Everything a person reads of a request, on GitHub and on a terminal. The logic elsewhere hands over data; the words are here.

use super::checks::State;
use crate::domain::case::Whose;
use crate::domain::event::Verdict;
use crate::domain::facts::Gap;
use crate::domain::people::AccountKind;
use crate::domain::policy::{self, Origin};
use crate::domain::request::{Callback, Outcome, Refused, Request};

mod broken;
mod button;
mod head;
pub mod proposal;
mod reasons;
mod safe;
mod style;
mod words;

pub use broken::policy_page;
pub use button::{Button, verdict};
pub use head::Head;
use reasons::{quorum_lines, reason_lines, shadow_lines};
pub use safe::{code, instant, shorten};
pub use style::Style;
use words::{attribution_words, held_back_words, need_words, nobody_left_words, parts_words, people, refusal_words};

/// Name of the check run that shows a request.
pub const CHECK_NAME: &str = "Seconder";
/// Name of the check run that shows a broken policy file.
pub const POLICY_CHECK_NAME: &str = "Seconder policy";

/// A check run, in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// One line.
    pub title: String,
    /// Markdown, at most 65,535 bytes.
    pub summary: String,
    /// Markdown below the summary: every commit.
    pub text: Option<String>,
    /// How it stands.
    pub state: State,
    /// Buttons offered.
    pub buttons: Vec<Button>,
    /// Lines and columns of `.github/seconder.yml` to point at, and what to say there.
    pub points_at: Vec<(u64, u64, String)>,
}

/// GitHub cuts `summary` and `text` at so many bytes; we cut before, on a line, and say so.
const PAGE_LIMIT: usize = 65_000;
/// Length of a callback's or a note's comment (<https://docs.github.com/actions/how-tos/deploy/configure-and-manage-deployments/create-custom-protection-rules>).
pub const COMMENT_LIMIT: usize = 1_024;

/// The check run that shows a request as it stands.
#[must_use]
pub fn page(request: &Request, ledger: Option<&Head>) -> Page {
    let (title, state) = headline(request);
    let (mut summary, text) = (summary(request, Style::Markdown), commits(request));
    let buttons = match request.is_pending() {
        true if is_whole(request, &summary, &text) => vec![Button::approve(&request.digest), Button::deny()],
        // What cannot be shown cannot be seconded (P8).
        true => {
            let told =
                "\n**Too long to be shown here in full, so it can only be denied here.** Deploy in smaller steps.\n";
            summary.insert_str(0, told);
            vec![Button::deny()]
        }
        false => Vec::new(),
    };
    // Below what may be cut: GitHub's limit leaves room for it.
    let summary = cut(summary) + &ledger.map(Head::line).unwrap_or_default();
    Page { title, summary, text: Some(cut(text)), state, buttons, points_at: Vec::new() }
}

/// Whether everything an approver must see fits on the check run (P8).
#[must_use]
pub fn is_shown_whole(request: &Request) -> bool {
    is_whole(request, &summary(request, Style::Markdown), &commits(request))
}

fn is_whole(request: &Request, summary: &str, commits: &str) -> bool {
    let unlisted = request.case.gaps.iter().any(|gap| matches!(gap, Gap::TooManyCommits { .. }));
    !unlisted && summary.len() <= PAGE_LIMIT && commits.len() <= PAGE_LIMIT
}

fn headline(request: &Request) -> (String, State) {
    let environment = shorten(&safe::visible(&request.case.subject.environment), 60);
    let approvers = || people(request.life.approvals.iter().map(|a| &a.by.account));
    if request.life.callback == Callback::Failed {
        return (format!("{environment}: decided, but GitHub did not take the answer"), State::Failure);
    }
    match request.life.outcome {
        None => (format!("{environment} waits for a second human"), State::ActionRequired),
        Some(Outcome::Approved | Outcome::NotRequired)
            if request.life.callback == Callback::Owed && request.life.held_back.is_some() =>
        {
            (format!("{environment}: decided; nothing is released now"), State::ActionRequired)
        }
        Some(Outcome::Approved) => (format!("{environment}: seconded by {}", approvers()), State::Success),
        Some(Outcome::NotRequired) => (format!("{environment}: no second needed"), State::Success),
        Some(Outcome::Denied) => (format!("{environment}: denied by {}", denied_by(request)), State::Failure),
        Some(Outcome::Expired) => (format!("{environment}: nobody decided in time, denied"), State::TimedOut),
        Some(Outcome::Superseded) => (format!("{environment}: replaced by a newer attempt"), State::Cancelled),
        Some(Outcome::Withdrawn) => (format!("{environment}: the run ended before anybody decided"), State::Cancelled),
    }
}

/// Who denied it: a human, or a rule that does so without asking one.
fn denied_by(request: &Request) -> String {
    match (&request.life.denied_by, request.case.judgement.denied_by.first()) {
        (None, Some(rule)) => format!("rule {}", shorten(&safe::visible(rule), 60)),
        (denier, _) => people(denier.iter()),
    }
}

fn summary(request: &Request, style: Style) -> String {
    let case = &request.case;
    let subject = &case.subject;
    let mut page = String::new();
    let mut line = |text: String| {
        page.push_str(&text);
        page.push('\n');
    };
    line(format!(
        "{} to {} of {}: {} ({}, started by {})",
        style.strong(&style.prefix(&subject.head_sha, 12)),
        style.strong(&style.code(&subject.environment)),
        style.code(&subject.repository.full_name()),
        style.link(&format!("run {}, attempt {}", subject.run_id, subject.run_attempt), &case.run_url),
        style.code(&case.run_event),
        case.triggering_actor
            .as_ref()
            .or(case.actor.as_ref())
            .map_or("somebody unknown".into(), |a| style.code(&a.login)),
    ));
    if !request.life.refused.is_empty() {
        line(style.heading("Not counted"));
        request.life.refused.iter().for_each(|refused| line(format!("- {}", refusal_line(refused, style))));
    }
    if let (Some(held_back), Callback::Owed) = (&request.life.held_back, request.life.callback) {
        line(format!("\n{}: {}.", style.strong("Nothing is released now"), held_back_words(held_back, style)));
    }
    if !case.judgement.shadow.is_empty() {
        line(style.heading("In shadow mode"));
        shadow_lines(request, style, &mut line);
    }
    line(style.heading(if case.judgement.matched_rules.is_empty() { "Why it is not held" } else { "Why it is held" }));
    reason_lines(&case.judgement.reasons, 0, style, &mut line);
    let ai = case.judgement.ai_commits().count();
    line(format!(
        "\n{ai} of {} commits since {} carry the mark of an AI agent; each is listed below with its evidence.",
        case.judgement.commits.len(),
        case.base
            .as_ref()
            .map_or("the beginning".into(), |b| format!("the last good deployment ({})", style.prefix(&b.sha, 12))),
    ));
    if case.judgement.asks() {
        line(style.heading("Who can second it"));
        if !request.life.nobody_left.is_empty() && request.is_pending() {
            line(nobody_left_words(&request.life.nobody_left, style));
        }
        quorum_lines(request, style, &mut line);
        line(style.heading("Who cannot, and why"));
        party_lines(request, style, &mut line);
    }
    if let (true, Some(at)) = (request.is_pending(), request.life.expires_at) {
        line(format!("\nWithout a decision it is {}.", style.strong(&format!("denied at {}", instant(at)))));
    }
    let file = style.code(policy::PATH);
    line(format!("\n{}Policy: {}", style.rule(), policy_line(&file, &case.policy, case.policy_digest.as_str(), style)));
    let organization = style.code(&format!("{}/.github: seconder.yml", case.subject.tenant.login));
    for also in &case.also {
        let digest = also.digest.as_str();
        line(match also.whose {
            Whose::Organization => {
                format!("\nAnd the organization's: {}", policy_line(&organization, &also.origin, digest, style))
            }
            Whose::Before => {
                let when = match &case.base {
                    Some(_) => "of the last good deployment",
                    None => "before this",
                };
                format!("\nAnd the policy {when}, because this changes it, digest {}", style.prefix(digest, 12))
            }
        });
    }
    if case.organization_is_hidden {
        line(format!(
            "\nOf the organization's rules nothing can be seen: {} is not there, or Seconder is not installed in it. If there are any, \
             they do not hold here.",
            style.code(&format!("{}/.github", case.subject.tenant.login))
        ));
    }
    line(format!("\nRequest {} · digest {}", style.code(request.id.as_str()), style.code(request.digest.as_str())));
    page
}

fn party_lines(request: &Request, style: Style, line: &mut impl FnMut(String)) {
    let parties = &request.case.judgement.parties;
    for party in parties.known.iter().filter(|party| party.account.kind == AccountKind::User) {
        line(format!("- {}: {}", style.code(&party.account.login), parts_words(&party.because, style)));
    }
    for unknown in &parties.unknown {
        line(format!(
            "- {} (no account found; one more approver is needed): {}",
            style.code(&format!("{} <{}>", unknown.name, unknown.email)),
            parts_words(&unknown.because, style)
        ));
    }
    line("- bots, Apps and machine accounts: they never approve".into());
}

fn refusal_line(refused: &Refused, style: Style) -> String {
    let why: Vec<String> = refused.why.iter().map(|why| refusal_words(why, style)).collect();
    let verb = match refused.verdict {
        Verdict::Approve => "approve",
        Verdict::Deny => "deny",
    };
    format!("{} could not {verb} ({}): {}", style.code(&refused.by.login), instant(refused.at), why.join("; "))
}

/// Where rules come from, and whether their file is in order.
fn policy_line(file: &str, origin: &Origin, digest: &str, style: Style) -> String {
    let digest = style.prefix(digest, 12);
    match origin {
        Origin::BuiltIn => format!("built in, digest {digest} (the repository has no {file})"),
        Origin::File { commit, .. } => {
            format!("{file} at {}, digest {digest}", style.prefix(commit, 12))
        }
        Origin::LastGood { commit, errors, .. } => format!(
            "{file} is broken ({}); the last good one, of {}, digest {digest}, holds",
            style.code(&errors.first().to_string()),
            style.prefix(commit, 12)
        ),
        Origin::AdminsOnly { errors } => format!(
            "{file} is broken ({}) and no good one is known: admins must second everything",
            style.code(&errors.first().to_string())
        ),
    }
}

/// Every commit, with as much evidence as fits.
fn commits(request: &Request) -> String {
    let full = commits_with(request, 3, Style::Markdown);
    if full.len() <= PAGE_LIMIT { full } else { commits_with(request, 0, Style::Markdown) }
}

fn commits_with(request: &Request, evidence: usize, style: Style) -> String {
    let mut text = style.heading("Commits since the last good deployment").trim_start().to_owned() + "\n\n";
    for commit in &request.case.judgement.commits {
        let sha = style.prefix(&commit.sha, 7);
        let subject = style.code(&shorten(&safe::visible(&commit.subject), 100));
        match &commit.attribution {
            None => text.push_str(&format!("- {sha} {subject}\n")),
            Some(found) => {
                text.push_str(&format!(
                    "- {sha} {subject} — {} ({})\n",
                    style.strong(&safe::visible(&found.name)),
                    attribution_words(found)
                ));
                for evidence in found.evidence.iter().take(evidence) {
                    let found = shorten(&safe::visible(&evidence.found), 120);
                    text.push_str(&format!("  - {}: {}\n", evidence.marker, style.code(&found)));
                }
            }
        }
    }
    if request.case.judgement.commits.is_empty() {
        text.push_str("None.\n");
    }
    if evidence == 0 {
        text.push_str("\nThe evidence for each is in the ledger.\n");
    }
    text
}

/// All that the check run shows of a request, in the same words, for whoever reads it elsewhere: nothing is cut.
#[must_use]
pub fn story(request: &Request, style: Style) -> String {
    let (title, _) = headline(request);
    format!("{}\n\n{}\n{}", style.strong(&title), summary(request, style), commits_with(request, usize::MAX, style))
}

/// What the callback tells GitHub: who decided, and the ledger entry that proves it.
#[must_use]
pub fn callback_comment(request: &Request, entry: Option<u64>) -> String {
    let what = match request.life.outcome {
        Some(Outcome::Approved) => {
            format!("Seconded by {}.", people(request.life.approvals.iter().map(|a| &a.by.account)))
        }
        Some(Outcome::Denied) => format!("Denied by {}.", denied_by(request)),
        Some(Outcome::Expired) => "Denied: nobody decided in time. Re-run the job to ask again.".into(),
        Some(Outcome::NotRequired) => "No second needed: no rule holds these commits.".into(),
        Some(Outcome::Superseded | Outcome::Withdrawn) | None => "No longer asked.".into(),
    };
    let entry = entry.map_or(String::new(), |seq| format!(" Ledger entry {seq}."));
    shorten(&format!("{what}{entry} {}", marker(request)), COMMENT_LIMIT)
}

/// What names the request in a comment, so that an answer sent by a process that died is recognised.
#[must_use]
pub fn marker(request: &Request) -> String {
    format!("Seconder request `{}`.", request.id)
}

/// What the waiting run says.
#[must_use]
pub fn note(request: &Request) -> String {
    let judgement = &request.case.judgement;
    let need: Vec<String> =
        judgement.quorum.iter().map(|quorum| need_words(&quorum.need, request, Style::Markdown)).collect();
    let subject = &request.case.subject;
    let place = request.case.run_url.split("/actions/").next().unwrap_or_default();
    shorten(
        &format!(
            "Waits for a second human: {} of {} commits carry the mark of an AI agent. Needs {}, who had no part in it. \
             [Approve or deny]({}/commit/{}/checks). {}",
            judgement.ai_commits().count(),
            judgement.commits.len(),
            need.join(" and "),
            safe::link(place),
            subject.head_sha,
            marker(request)
        ),
        COMMENT_LIMIT,
    )
}

fn cut(text: String) -> String {
    if text.len() <= PAGE_LIMIT {
        return text;
    }
    let end = text[..text.floor_char_boundary(PAGE_LIMIT)].rfind('\n').unwrap_or(0);
    format!("{}\n\n… shortened: the rest is in the ledger entry of this request.\n", &text[..end])
}

#[cfg(test)]
mod tests;
