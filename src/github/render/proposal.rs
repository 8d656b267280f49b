//! What a pull request would make of the policy.

use super::{Page, Style, code, cut, safe};
use crate::domain::policy::PolicyError;
use crate::domain::replay::{Fate, Replayed};
use crate::github::checks::State;

/// How many requests are told one by one.
const TOLD: usize = 50;

/// The proposed file is broken.
#[must_use]
pub fn broken(errors: &str) -> Page {
    page("the proposed policy is broken", safe::block(errors), State::Failure)
}

/// The proposed file cannot be read.
#[must_use]
pub fn unreadable(why: &str) -> Page {
    page("the proposed policy cannot be read", code(why), State::Failure)
}

/// The file would be gone.
#[must_use]
pub fn removed() -> Page {
    let summary = "`.github/seconder.yml` would be gone. Merged like this, it counts as broken: the last good file goes on \
                   holding, and a failing check says so. To go back to the built-in policy, write rules that say what it says.";
    page("the policy would be gone", summary.to_owned(), State::Failure)
}

/// The proposed file names more accounts than are looked up before it is merged.
#[must_use]
pub fn names_many(most: usize) -> Page {
    let summary = format!(
        "The proposed file is good. It names more than {most} accounts under `people` that the file on the default branch does \
         not: they are not looked up before it is merged, and so nothing was decided once more. \
         `seconder policy check --repo OWNER/NAME FILE` looks all of them up."
    );
    page("the proposed policy is good; nothing was replayed", summary, State::Neutral)
}

/// Requests that were decided once more.
#[derive(Debug, Default)]
pub struct Replay {
    /// What came of each.
    pub replayed: Vec<Replayed>,
    /// How many were left out: what they were judged by was not kept.
    pub without_facts: usize,
    /// Whether there was no time for all of them.
    pub is_cut_short: bool,
}

/// The proposed file is good; this is what it would have changed.
#[must_use]
pub fn replayed(replay: &Replay, warnings: &[PolicyError]) -> Page {
    let all = replay.replayed.as_slice();
    let flipped = all.iter().filter(|one| one.is_flipped()).count();
    let mut summary = format!(
        "The proposed file is good. Of the last {} requests here, decided once more by it from the facts of the day and the \
         approvals they got, **{flipped}** would have ended otherwise.\n\nUntil it is merged the rules of the default branch \
         hold, and a deployment that brings it is judged by those before it, too.\n",
        all.len()
    );
    if replay.without_facts > 0 {
        summary
            .push_str(&format!("\n{} more were left out: their facts are not kept any more.\n", replay.without_facts));
    }
    if replay.is_cut_short {
        summary.push_str(
            "\nOlder ones were left out: the file takes long. `seconder policy replay --with FILE` takes its time.\n",
        );
    }
    if !warnings.is_empty() {
        let lines: Vec<String> =
            warnings.iter().take(TOLD).map(|warning| format!("line {}: {}", warning.line, warning.message)).collect();
        summary.push_str(&format!("\n### Mind\n{}\n", safe::block(&lines.join("\n"))));
    }
    if all.iter().any(Replayed::is_changed) {
        summary.push_str("\n### What changes\n");
        summary.push_str(&lines(all, TOLD, Style::Markdown));
    }
    let title = match flipped {
        0 => "no recorded decision changes".to_owned(),
        1 => "1 recorded decision changes".to_owned(),
        many => format!("{many} recorded decisions change"),
    };
    page(&title, summary, if flipped == 0 { State::Success } else { State::Neutral })
}

/// The requests for which something changes, a line each, at most so many.
#[must_use]
pub fn lines(all: &[Replayed], most: usize, style: Style) -> String {
    let changed: Vec<&Replayed> = all.iter().filter(|one| one.is_changed()).collect();
    let mut lines: String = changed.iter().take(most).map(|one| line(one, style)).collect();
    if changed.len() > most {
        lines.push_str(&format!("- and {} more\n", changed.len() - most));
    }
    lines
}

fn line(one: &Replayed, style: Style) -> String {
    let fate = |fate: &Fate| fate_words(fate, style);
    let mut line = format!(
        "- {} to {} (request {}): {}",
        style.prefix(&one.head_sha, 7),
        style.code(&one.environment),
        style.code(one.request.as_str()),
        if one.is_flipped() {
            format!("{} → {}", style.strong(&fate(&one.then)), style.strong(&fate(&one.proposed)))
        } else {
            fate(&one.then)
        }
    );
    for (logins, what) in [(&one.lost, "no longer counts"), (&one.gained, "counts now")] {
        for login in logins {
            line.push_str(&format!("; the approval of {} {what}", style.code(login)));
        }
    }
    if one.hangs_on_ref_kind {
        line.push_str("; may end otherwise: it was not noted whether it was started for a branch or a tag");
    }
    line.push('\n');
    line
}

/// What becomes of a request, in words.
fn fate_words(fate: &Fate, style: Style) -> String {
    let named = |rules: &[String]| rules.iter().map(|rule| style.code(rule)).collect::<Vec<_>>().join(", ");
    match fate {
        Fate::Passes => "passes".into(),
        Fate::DeniedByHuman => "denied by a human".into(),
        Fate::Denied { rules } => format!("denied by rule {}", named(rules)),
        Fate::Seconded => "seconded".into(),
        Fate::Waits { rules } => format!("waits for more approvals (rule {})", named(rules)),
    }
}

fn page(title: &str, summary: String, state: State) -> Page {
    Page {
        title: title.to_owned(),
        summary: cut(summary),
        text: None,
        state,
        buttons: Vec::new(),
        points_at: Vec::new(),
    }
}
