//! Tags in subjects, and what a robot sign signs.

use seconder::domain::attribution::Certainty;

use super::{body, is_by, says};

#[test]
fn a_tag_in_the_subject_may_name_who_wrote_or_what_the_commit_is_about() {
    for (subject, agent) in [
        ("[codex] Add retries", "codex"),
        ("[claude-code] Add retries", "claude-code"),
        ("[copilot] Add retries", "copilot"),
        ("Add retries (with Claude Code)", "claude-code"),
        ("Add retries (w/ Claude)", "claude-code"),
        ("Add retries w/ Claude", "claude-code"),
        ("Add retries (by Codex) (#12)", "codex"),
        ("Add retries (via Cursor)", "cursor"),
    ] {
        is_by(says(subject), agent, Certainty::Ambiguous, subject);
    }
    for subject in [
        "[cursor] Fix the blinking",
        "[devin] Add retries",
        "[ai] Chase the player",
        "[WIP] Add retries",
        "Add retries (w/ Bob)",
        "Add retries w/o Claude",
        "Move w/ cursor keys",
        "Pair w/ Devin on retries",
        "Integrate with Claude Code",
        "codex: add a provider",
        "feat(codex): add a provider",
    ] {
        assert_eq!(says(subject), None, "{subject}");
    }
}

#[test]
fn a_robot_sign_signs_for_the_tool_behind_it() {
    let (marked, ambiguous) = (Certainty::Marked, Certainty::Ambiguous);
    for (text, agent, certainty) in [
        ("🤖 Claude Code", "claude-code", marked),
        ("🤖 Codex", "codex", marked),
        ("🤖 by Jules", "jules", marked),
        ("🤖 by Cursor.", "cursor", marked),
        ("🤖 Jules", "jules", ambiguous),
        ("🤖 Cursor", "cursor", ambiguous),
    ] {
        is_by(body(text), agent, certainty, text);
    }
    for text in
        ["🤖 Add a robot", "🤖 cursor", "🤖 Cursor moves again", "🤖 Devin's tests", "🤖 Jules Verne", "🤖 by Bob"]
    {
        assert_eq!(body(text), None, "{text}");
    }
}
