//! What must hold for every commit, whatever is written on it.

use proptest::prelude::*;

use super::*;
use crate::domain::people::{Account, AccountKind};

/// Marks as agents leave them, each in the last paragraph of a message.
const MARKS: [&str; 9] = [
    "Co-Authored-By: Claude <noreply@anthropic.com>",
    "Co-authored-by: Copilot <223556219+Copilot@users.noreply.github.com>",
    "Assisted-by: Crush:glm-4.7",
    "Agent-Logs-Url: https://github.com/acme/shop/sessions/1",
    "Made-with: Cursor",
    "Amp-Thread-ID: https://ampcode.com/threads/T-1",
    "Replit-Commit-Author: Agent",
    "🤖 Generated with [Claude Code](https://claude.com/claude-code)",
    "See https://chatgpt.com/codex/tasks/task_1",
];

/// Marks that name an agent and no address.
const BARE: [&str; 3] = ["Co-authored-by: Claude", "Co-authored-by: Codex CLI", "Assisted-by: Claude Code"];

/// What people write beside them.
const BESIDE: [&str; 4] = [
    "Co-authored-by: Bob Lee <bob@example.com>",
    "Signed-off-by: Ann <ann@example.com>",
    "Reviewed-by: Bob <bob@example.com>",
    "Co-authored-by: Devin",
];

fn commit(name: &str, email: &str, message: &str) -> Commit {
    let who = Identity { name: name.to_owned(), email: email.to_owned(), account: None };
    Commit {
        sha: "c1".to_owned(),
        message: message.to_owned(),
        author: who.clone(),
        committer: who,
        ..Commit::default()
    }
}

#[test]
fn every_mark_of_the_list_is_a_mark() {
    for mark in MARKS {
        assert!(attribute(&commit("Ann", "ann@example.com", &format!("Fix\n\n{mark}")), &[]).is_some(), "{mark}");
    }
}

proptest! {
    #[test]
    fn a_mark_is_found_whatever_stands_around_it(before in ".{0,80}", after in ".{0,80}", mark in 0..MARKS.len(), crlf: bool) {
        let newline = if crlf { "\r\n" } else { "\n" };
        let message = format!("{before}{newline}{newline}  {}{newline}{after}", MARKS[mark]);
        prop_assert!(attribute(&commit("Ann", "ann@example.com", &message), &[]).is_some());
    }

    #[test]
    fn adding_a_line_never_makes_an_ai_commit_human(message in "(?s).{0,120}", line in ".{0,60}", mark in 0..MARKS.len()) {
        let marked = format!("{message}\n{}", MARKS[mark]);
        let before = attribute(&commit("Ann", "ann@example.com", &marked), &[]).unwrap();
        let after = attribute(&commit("Ann", "ann@example.com", &format!("{marked}\n{line}")), &[]).unwrap();
        prop_assert!(after.kind >= before.kind || after.agent != before.agent);
        for evidence in &before.evidence {
            prop_assert!(after.evidence.iter().any(|e| e.agent == evidence.agent));
        }
    }

    #[test]
    fn neither_a_mark_more_nor_a_human_beside_it_makes_an_ai_commit_human(
        message in "(?s).{0,60}", mark in 0..BARE.len(), beside in 0..BESIDE.len(), deep in 0_usize..6, before: bool,
    ) {
        let indent = " ".repeat(deep);
        let (first, second) = if before { (BESIDE[beside], BARE[mark]) } else { (BARE[mark], BESIDE[beside]) };
        let marked = format!("{message}\n\n{indent}{}\n", BARE[mark]);
        prop_assume!(attribute(&commit("Ann", "ann@example.com", &marked), &[]).is_some());
        let with_more = format!("{message}\n\n{indent}{first}\n{indent}{second}\n");
        prop_assert!(attribute(&commit("Ann", "ann@example.com", &with_more), &[]).is_some(), "{with_more}");
    }

    #[test]
    fn neither_quoting_nor_indenting_makes_an_agent_disappear(message in "(?s).{0,120}", mark in 0..MARKS.len(), deep in 0_usize..9, quoted: bool) {
        let plain = attribute(&commit("Ann", "ann@example.com", MARKS[mark]), &[]).unwrap();
        let prefix = format!("{}{}", " ".repeat(deep), if quoted { "> " } else { "" });
        let found = attribute(&commit("Ann", "ann@example.com", &format!("{message}\n\n{prefix}{}", MARKS[mark])), &[]).unwrap();
        prop_assert!(found.evidence.iter().any(|e| e.agent == plain.agent));
    }

    #[test]
    fn a_marked_pull_request_marks_what_it_brought(message in "(?s).{0,120}", mark in 0..MARKS.len()) {
        let squashed = commit("Ann", "ann@example.com", &message);
        let on_branch = Commit { sha: "p1".to_owned(), ..commit("Bob", "bob@example.com", MARKS[mark]) };
        let pull_request = PullRequest { number: 12, commits: vec![on_branch], ..PullRequest::default() };
        let found = attribute(&squashed, &[&pull_request]).unwrap();
        prop_assert!(found.evidence.iter().any(|e| e.marker.starts_with("commit of pull request #12: ")));
    }

    #[test]
    fn nothing_written_on_a_commit_breaks_it(name in ".{0,40}", email in ".{0,60}", message in "(?s).{0,400}") {
        let commit = commit(&name, &email, &message);
        if let Some(found) = attribute(&commit, &[]) {
            prop_assert!(!found.evidence.is_empty());
            prop_assert!(found.evidence.iter().all(|e| e.found.chars().count() <= LONGEST_EVIDENCE));
        }
        let _ = trailers::co_authors(&message);
    }
}

#[test]
fn evidence_of_thousands_of_trailers_stays_small() {
    let trailers: String =
        (0..5_000).map(|n| format!("Claude-Session: https://claude.ai/code/session_{n}\n")).collect();
    let found = attribute(&commit("Ann", "ann@example.com", &format!("Fix\n\n{trailers}")), &[]).unwrap();
    assert_eq!(found.evidence.len(), MOST_EVIDENCE);
}

#[test]
fn evidence_is_cut_between_characters() {
    let line = format!("🤖 Generated with [Claude Code](https://claude.ai/code){}", "🤖".repeat(300));
    let found = attribute(&commit("Ann", "ann@example.com", &format!("Fix\n\n{line}")), &[]).unwrap();
    assert_eq!(found.evidence[0].found.chars().count(), LONGEST_EVIDENCE);
    assert!(line.starts_with(&found.evidence[0].found));
}

#[test]
fn a_bot_is_known_by_its_account_even_after_a_rename() {
    let author =
        Some(Account { id: 157_164_994, login: "called-something-else[bot]".to_owned(), kind: AccountKind::Bot });
    let pull_request = PullRequest { number: 3, author, ..PullRequest::default() };
    let found = attribute(&commit("Ann", "ann@example.com", "Fix"), &[&pull_request]).unwrap();
    assert_eq!(found.agent, "seer");
}

#[test]
fn graphql_logins_lack_the_bot_suffix_and_are_known_all_the_same() {
    let account = |kind| Some(Account { id: 1, login: "devin-ai-integration".to_owned(), kind });
    let opened_by = |kind| PullRequest { number: 3, author: account(kind), ..PullRequest::default() };
    let commit = commit("Ann", "ann@example.com", "Fix");
    assert_eq!(attribute(&commit, &[&opened_by(AccountKind::Bot)]).unwrap().agent, "devin");
    assert_eq!(attribute(&commit, &[&opened_by(AccountKind::User)]), None, "a person may have that login");
}
