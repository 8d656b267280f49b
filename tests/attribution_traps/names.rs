//! Names and addresses: people who are called like agents, and agents that are called many things.

use seconder::domain::attribution::{Certainty, attribute};

use super::{body, is_by};
use crate::support::commits::commit;

#[test]
fn agents_write_under_many_names_and_addresses() {
    for (author, agent) in [
        ("Claude <claude@anthropic.com>", "claude-code"),
        ("Claude <agent@claude.ai>", "claude-code"),
        ("anthropic-code-agent[bot] <242468646+Claude@users.noreply.github.com>", "claude-code"),
        ("Ann Lee (claude) <ann@example.com>", "claude-code"),
        ("Ann Lee (gemini-2.5-pro-preview) <ann@example.com>", "gemini-cli"),
        ("Ann + Claude <ann@example.com>", "claude-code"),
        ("Ann Lee <ann+claude@example.com>", "claude-code"),
        ("Codex <codex@example.com>", "codex"),
        ("continue-staging[bot] <230944351+continue-staging[bot]@users.noreply.github.com>", "continue"),
        ("v0 <v0[bot]@users.noreply.github.com>", "v0"),
        ("Cosine <agent@cosine.sh>", "cosine"),
        ("OpenClaw Agent <agent@openclaw.ai>", "openclaw"),
        ("gpt-5-codex-high <noreply@anthropic.com>", "claude-code"),
        ("acme-agent[bot] <999999999+acme-agent[bot]@users.noreply.github.com>", "other"),
        ("\u{421}laude \u{421}ode <x@example.com>", "claude-code"),
        ("Codebuff <noreply@codebuff.com>", "codebuff"),
        ("Freebuff <noreply@freebuff.com>", "codebuff"),
        ("cline[bot] <205137888+cline[bot]@users.noreply.github.com>", "cline"),
        ("sourcegraph-cody[bot] <201248094+sourcegraph-cody[bot]@users.noreply.github.com>", "cody"),
        ("jetbrains-ai[bot] <220155983+jetbrains-ai[bot]@users.noreply.github.com>", "junie"),
        ("claude-code-action[bot] <208546643+claude-code-action[bot]@users.noreply.github.com>", "claude-code"),
        ("anthropic-claude[bot] <215619710+anthropic-claude[bot]@users.noreply.github.com>", "claude-code"),
        ("x <167198135+copilot[bot]@users.noreply.github.com>", "copilot"),
        ("x <240665456+kilo-code-bot[bot]@users.noreply.github.com>", "kilo"),
        ("x <263205322+roomote[bot]@users.noreply.github.com>", "roo"),
        ("x <301996811+roomote-roomote[bot]@users.noreply.github.com>", "roo"),
        ("x <245459735+kiro-agent[bot]@users.noreply.github.com>", "kiro"),
        ("x <267193182+codex@users.noreply.github.com>", "codex"),
        ("x <185243770+augmentcode[bot]@users.noreply.github.com>", "augment"),
        ("x <175740463+openhands-agent@users.noreply.github.com>", "openhands"),
        ("jetbrains-junie[bot] <jetbrains-junie[bot]@users.noreply.github.com>", "junie"),
        ("x <git@eca.dev>", "eca"),
    ] {
        is_by(attribute(&commit(author, "Add retries"), &[]), agent, Certainty::Marked, author);
    }
}

#[test]
fn people_are_people_whatever_they_are_called() {
    for person in [
        "Claude Monet <claude@example.fr>",
        "Jean-Claude Dupont <jc@example.fr>",
        "Devin Townsend <devin@example.com>",
        "Devin <devin@example.com>",
        "JULES <83523810+jules-x@users.noreply.github.com>",
        "Jules (work) <jules@example.com>",
        "Cody Jones <cody@example.com>",
        "Kiro Tanaka <kiro@example.jp>",
        "Amp Thai <amp@example.com>",
        "Ann Cline <cline@example.com>",
        "Ann Goose <goose@example.com>",
        "Gemini Liu <gemini@example.com>",
        "Ann <ann.claude@example.com>",
        "Ann <ann@openai.com>",
        "Ann <ann@cursor.com>",
        "acme-ai <ann@example.com>",
        "Ann AI <ann@example.com>",
        "ann-agent <ann@example.com>",
    ] {
        let author = attribute(&commit(person, "Add retries"), &[]);
        assert_eq!(author, None, "{person} as author");
        assert_eq!(body(&format!("Co-authored-by: {person}")), None, "{person} as co-author");
        assert_eq!(body(&format!("Signed-off-by: {person}")), None, "{person} signing off");
    }
}

#[test]
fn a_tools_word_with_its_vendor_or_what_it_is_in_brackets_is_the_tool() {
    for (name, agent) in [
        ("Claude (Anthropic)", "claude-code"),
        ("Claude [Anthropic AI]", "claude-code"),
        ("Claude (AI assistant)", "claude-code"),
        ("Copilot (GitHub)", "copilot"),
        ("Cursor (AI)", "cursor"),
        ("Codex (OpenAI)", "codex"),
        ("Devin (Cognition AI)", "devin"),
        ("Jules (bot)", "jules"),
    ] {
        let who = format!("{name} <x@example.com>");
        is_by(attribute(&commit(&who, "Add retries"), &[]), agent, Certainty::Marked, &who);
        is_by(body(&format!("Co-authored-by: {who}")), agent, Certainty::Marked, &who);
    }
}

#[test]
fn a_persons_name_with_anything_else_in_brackets_is_a_persons() {
    for person in [
        "Claude (Acme) <claude@example.com>",
        "Claude (he/him) <claude@example.fr>",
        "Devin (Sales) <devin@example.com>",
        "Jules (Google) <jules@google.com>",
        "Ann (Anthropic) <ann@anthropic.com>",
    ] {
        assert_eq!(attribute(&commit(person, "Add retries"), &[]), None, "{person} as author");
        assert_eq!(body(&format!("Co-authored-by: {person}")), None, "{person} as co-author");
    }
}

#[test]
fn an_agents_word_before_a_family_name_is_a_first_name() {
    for person in
        ["Claude Martin", "Claude Van Damme", "Claude D. O'Neill", "Gemini Rossi", "Kimi Räikkönen", "Devin Martin"]
    {
        assert_eq!(body(&format!("Assisted-by: {person}")), None, "{person}");
        assert_eq!(body(&format!("Co-authored-by: {person}")), None, "{person}");
        assert_eq!(body(&format!("Written by {person}.")), None, "{person}");
    }
    for tool in [
        "Claude Opus",
        "Claude Code",
        "Claude Max",
        "Claude reviewer",
        "Claude for the tests",
        "Claude Martin, Claude Code",
    ] {
        is_by(body(&format!("Assisted-by: {tool}")), "claude-code", Certainty::Marked, tool);
    }
}

#[test]
fn what_is_called_like_a_tool_and_has_a_domain_of_another_name_may_be_a_firm() {
    for (who, agent) in
        [("Codex <me@codexstudio.io>", "codex"), ("Gemini <hello@gemini-consulting.example>", "gemini-cli")]
    {
        let found = attribute(&commit(who, "Add retries"), &[]);
        let barred = found.iter().flat_map(|found| &found.operators).count();
        assert_eq!(barred, 1, "{who} may approve nothing of theirs");
        is_by(found, agent, Certainty::Ambiguous, who);
        is_by(body(&format!("Co-authored-by: {who}")), agent, Certainty::Ambiguous, who);
    }
    is_by(
        attribute(&commit("Codex <codex@codex.io>", "x"), &[]),
        "codex",
        Certainty::Marked,
        "a domain of that very name",
    );
    is_by(
        attribute(&commit("Claude Code <me@claudecodeshop.io>", "x"), &[]),
        "claude-code",
        Certainty::Marked,
        "a product's name",
    );
}

#[test]
fn who_is_called_an_ai_agent_is_one_and_who_is_called_like_a_thing_may_be() {
    for (who, certainty) in [
        ("AI Agent <agent@acme.example>", Certainty::Marked),
        ("Coding Agent <x@acme.example>", Certainty::Marked),
        ("AI <ai@acme.example>", Certainty::Ambiguous),
        ("LLM <llm@acme.example>", Certainty::Ambiguous),
    ] {
        is_by(attribute(&commit(who, "Add retries"), &[]), "other", certainty, who);
        is_by(body(&format!("Co-authored-by: {who}")), "other", certainty, who);
    }
    let cursor = "Cursor <c@acme.example>";
    let found = attribute(&commit(cursor, "Add retries"), &[]);
    assert_eq!(
        found.as_ref().map(|found| found.operators.len()),
        Some(1),
        "who may be somebody may approve nothing of theirs"
    );
    is_by(found, "cursor", Certainty::Ambiguous, cursor);
    for person in [
        "Ai Tanaka <ai@acme.example>",
        "Ai <ai@acme.example>",
        "cursor <c@acme.example>",
        "Insurance Agent <agent@acme.example>",
        "Build Agent <agent@acme.example>",
        "Agent <agent@acme.example>",
    ] {
        assert_eq!(attribute(&commit(person, "Add retries"), &[]), None, "{person}");
    }
}

#[test]
fn a_tools_word_that_is_somebodys_name_beside_an_address_of_anybodys_may_be_them() {
    for (who, agent) in [
        ("Kimi <kimi@helsinki.example>", "kimi"),
        ("Kimi <kimi@users.noreply.github.com>", "kimi"),
        ("Gemini <gemini@zodiac.example>", "gemini-cli"),
        ("grok <12+grokfan@users.noreply.github.com>", "grok"),
    ] {
        let found = attribute(&commit(who, "Add retries"), &[]);
        let barred = found.iter().flat_map(|found| &found.operators).count();
        assert_eq!(barred, 1, "{who} may approve nothing of theirs");
        is_by(found, agent, Certainty::Ambiguous, who);
        is_by(body(&format!("Co-authored-by: {who}")), agent, Certainty::Ambiguous, who);
    }
    for (who, agent) in [
        ("Gemini <gemini@build.local>", "gemini-cli"),
        ("Gemini 3 Pro <x@acme.example>", "gemini-cli"),
        ("Bob (Gemini) <bob@acme.example>", "gemini-cli"),
        ("Gemini <gemini-cli@google.com>", "gemini-cli"),
    ] {
        is_by(attribute(&commit(who, "Add retries"), &[]), agent, Certainty::Marked, who);
    }
    assert_eq!(attribute(&commit("Bob (Gemini) <bob@gemini.example>", "Add retries"), &[]), None, "Bob works there");
}

#[test]
fn an_agent_beside_a_humans_name_is_one_however_they_are_joined() {
    for (name, certainty) in [
        ("Ann Lee and Claude Code", Certainty::Marked),
        ("Ann Lee, Claude Code", Certainty::Marked),
        ("Ann Lee / Claude Code", Certainty::Marked),
        ("Ann Lee (via Claude Code)", Certainty::Marked),
        ("Ann Lee (with Claude)", Certainty::Marked),
        ("Claude Code on behalf of Ann Lee", Certainty::Marked),
        ("Claude Code (for Ann Lee)", Certainty::Marked),
        ("Ann Lee & Claude", Certainty::Ambiguous),
    ] {
        let found = attribute(&commit(&format!("{name} <ann@example.com>"), "Add retries"), &[]);
        let operator = found.as_ref().and_then(|found| found.operators.first()).map(|ann| ann.name.clone());
        assert_eq!(operator.as_deref(), Some("Ann Lee"), "{name}");
        is_by(found, "claude-code", certainty, name);
    }
    for (name, agent) in [
        ("Ann's Claude Code", "claude-code"),
        ("cursor-agent", "cursor"),
        ("github-copilot", "copilot"),
        ("Gemini Code Assist", "gemini-code-assist"),
    ] {
        is_by(attribute(&commit(&format!("{name} <x@example.com>"), "Add"), &[]), agent, Certainty::Marked, name);
    }
    for person in ["Van Damme, Claude", "Marie and Claude Martin", "O'Neill, Claude", "Claude (for now)", "Bob and Ann"]
    {
        assert_eq!(attribute(&commit(&format!("{person} <x@example.com>"), "Add retries"), &[]), None, "{person}");
    }
}
