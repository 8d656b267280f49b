//! Trailers and footers, wherever tools, people and squashes put them.

use seconder::domain::attribution::Certainty;

use super::{body, is_by, says};

#[test]
fn trailers_are_read_wherever_tools_and_people_put_them() {
    let marked = Certainty::Marked;
    for text in [
        "Co-Authored-By: Claude <noreply@anthropic.com>",
        "co-authored-by: claude <NOREPLY@ANTHROPIC.COM>",
        "    Co-authored-by: Claude <noreply@anthropic.com>",
        "\tCo-authored-by: Claude <noreply@anthropic.com>",
        "* Co-authored-by: Claude <noreply@anthropic.com>",
        "Co-authored-by: Claude\n <noreply@anthropic.com>",
        "Co-authored-by:\n  Claude\n  <noreply@anthropic.com>",
        "Co-authored-by: Claude noreply@anthropic.com",
        "    Co-authored-by: Claude\n    Co-authored-by: Bob <bob@example.com>",
        "Co-authored-by: Claude <<noreply@anthropic.com>>",
        "Co-authored-by: Claude <[noreply@anthropic.com](mailto:noreply@anthropic.com)>",
        "Co-authored-by: Claude",
        "Co-authored-by: Claude Opus 4.6 (1M context)",
        "Co-Author: Claude <noreply@anthropic.com>",
        "Coauthored-by: Claude <noreply@anthropic.com>",
        "Co-authored-by: Bob <bob@example.com>, Claude <noreply@anthropic.com>",
        "text\\n\\nCo-authored-by: Claude <noreply@anthropic.com>",
        "text  🤖 Generated with [Claude Code](https://claude.ai/code)  Co-Authored-By: Claude <noreply@anthropic.com>",
        "\u{421}\u{43e}-\u{430}uthored-by: Claude <noreply@anthropic.com>",
        "Co-authored-by: Cl\u{200b}aude <noreply@anthropic.com>",
        "Co-authored-by: Claude <noreply@anthropic.com>\r\nSigned-off-by: Ann <ann@example.com>\r",
        "𝐂𝐨-𝐀𝐮𝐭𝐡𝐨𝐫𝐞𝐝-𝐁𝐲: Claude <noreply@anthropic.com>",
        "Co-authored-by\u{2236} Claude <noreply@anthropic.com>",
        "Assisted-by: Claude:opus-4",
        "Assited-by: Claude Code",
        "Assisted by: Claude Code (Opus 4.5)",
        "AI-assisted-by: Claude",
        "AI usage: Claude wrote the tests",
        "Generated-By: Claude Code",
        "Claude-Session-Id: 4711",
        "Co-Authored-By: Claude <noreply+x@anthropic.com>",
        "From: Claude <noreply@anthropic.com>",
        "Author: Claude <noreply@anthropic.com>",
        "Original-author: Claude <noreply@anthropic.com>",
        "Original-patch-by: Claude <noreply@anthropic.com>",
        "Based-on-patch-by: Claude <noreply@anthropic.com>",
        "AI: Claude Code",
        "**Assisted-by:** Claude Code",
        "`Co-authored-by: Claude <noreply@anthropic.com>`",
        "[Co-authored-by: Claude <noreply@anthropic.com>]",
        "(\"Co-authored-by: Claude <noreply@anthropic.com>\")",
        "``Assisted-by: Claude Code``\n\nSigned-off-by: Ann <ann@example.com>",
        "[Claude-Session: 4711]\r\n(Reviewed-by: Bob <bob@example.com>)\r\n",
        "text\u{2028}Co-authored-by: Claude <noreply@anthropic.com>\u{2028}text",
        "text\u{85}Co-authored-by: Claude <noreply@anthropic.com>\u{85}text",
        "text\u{b}Assisted-by: Claude Code\u{b}text",
        "text\u{c}Assisted-by: Claude Code\u{2029}text",
    ] {
        is_by(body(text), "claude-code", marked, text);
    }
    let squash = "Squash (#7)\n\n* First\n\nCo-authored-by: Claude <noreply@anthropic.com>\n\n* Second\n\nplain";
    is_by(says(squash), "claude-code", marked, squash);
    let merged = "Squashed commit of the following:\n\ncommit 4711\nAuthor: Ann\n\n    Fix\n    \n    Co-authored-by: Claude <noreply@anthropic.com>";
    is_by(says(merged), "claude-code", marked, merged);
}

#[test]
fn every_agent_that_signs_in_its_own_way_is_known_by_it() {
    for (text, agent) in [
        ("Co-authored-by: Cursor <cursoragent@cursor.com>", "cursor"),
        ("Co-authored-by: Copilot App <223556219+Copilot@users.noreply.github.com>", "copilot"),
        ("Co-authored-by: Copilot <175728472+Copilot@users.noreply.github.com>", "copilot"),
        ("Co-authored-by: Codex <noreply@openai.com>", "codex"),
        ("Co-authored-by: Oz <oz-agent@warp.dev>", "warp"),
        ("Co-authored-by: Amp <amp@ampcode.com>", "amp"),
        ("Co-authored-by: Junie <junie@jetbrains.com>", "junie"),
        ("Co-authored-by: Gemini <gemini-cli@google.com>", "gemini-cli"),
        ("Co-authored-by: Qwen-Coder <qwen-coder@alibabacloud.com>", "qwen-code"),
        ("Co-authored-by: opencode <noreply@opencode.ai>", "opencode"),
        ("Co-authored-by: Sisyphus <clio-agent@sisyphuslabs.ai>", "oh-my-opencode"),
        ("Co-authored-by: mistral-vibe <vibe@mistral.ai>", "mistral-vibe"),
        ("Co-authored-by: Kilo Code <noreply@kilocode.ai>", "kilo"),
        ("Co-authored-by: Grok <noreply@x.ai>", "grok"),
        ("Co-authored-by: ChatGPT <noreply@chatgpt.com>", "gpt"),
        ("Co-authored-by: Cline <noreply@cline.bot>", "cline"),
        ("Co-authored-by: Claude Sonnet 4 <noreply@pi.dev>", "pi"),
        ("Co-developed-by: iFlow <noreply@iflow.cn>", "iflow"),
        ("Co-authored-by: TRAE CLI <noreply@trae.ai>", "trae"),
        ("Co-authored-by: Ona <no-reply@ona.com>", "ona"),
        ("Co-authored-by: Happy <yesreply@happy.engineering>", "happy"),
        ("via [Happy](https://happy.engineering)", "happy"),
        ("Co-Authored-By: Amplifier <240397093+microsoft-amplifier@users.noreply.github.com>", "amplifier"),
        ("🤖 Generated with [Amplifier](https://github.com/microsoft/amplifier)", "amplifier"),
        ("Co-authored-by: codegen-sh[bot] <131295404+codegen-sh[bot]@users.noreply.github.com>", "codegen"),
        ("Co-authored-by: ellipsis-dev[bot] <65095814+ellipsis-dev[bot]@users.noreply.github.com>", "ellipsis"),
        ("💘 Generated with Crush", "crush"),
        ("Assisted-by: Crush:glm-4.7", "crush"),
        ("Generated with [Continue](https://continue.dev)", "continue"),
        ("Generated with [Amp](https://ampcode.com)", "amp"),
        ("Created by [Jules](https://jules.google.com)", "jules"),
        ("Generated with Cursor", "cursor"),
        ("Assisted-by: OpenAI GPT-5 <noreply@openai.com>", "codex"),
        ("AI-Assisted: yes\nAI-Tools: GitLab Duo, OpenCode", "gitlab-duo"),
        ("Assisted-by: https://example.com/policy#llms", "other"),
        ("Assisted-by: AI", "other"),
        ("Entire-Checkpoint: e87ef149e998", "other"),
        ("_codex-gpt-5 on behalf of Ann Lee_", "codex"),
        ("[Codex Task](https://chatgpt.com/codex/cloud/tasks/task_b_1)", "codex"),
    ] {
        is_by(body(text), agent, Certainty::Marked, text);
    }
}

#[test]
fn authors_of_the_commits_that_a_squash_by_git_lists_are_authors() {
    let head = |author: &str| {
        format!("commit 92935a0a13c35fd9f1cdfaecf2d73eeb4fb0bc68\nAuthor: {author}\nDate:   Mon Nov 30\n")
    };
    let by_both = format!(
        "Squashed commit of the following:\n\n{}\n    add a\n\n{}\n    add b\n",
        head("Claude <noreply@anthropic.com>"),
        head("Bob Roe <bob@example.com>")
    );
    for message in [by_both.clone(), by_both.replace('\n', "\n    "), by_both.replace('\n', "\r\n")] {
        let found = says(&message);
        assert_eq!(found.as_ref().map(|found| found.operators.len()), Some(2), "Ann and Bob: {message}");
        is_by(found, "claude-code", Certainty::Marked, &message);
    }
    assert_eq!(says(&by_both.replace("Claude <noreply@anthropic.com>", "Cid <cid@example.com>")), None);
}

#[test]
fn a_huge_message_of_nothing_but_marks_is_read_to_its_end() {
    // Each of these took time that grew with the square of its length: minutes or hours for this one.
    for unit in [
        "Co-authored-by: A <a@x.org> ",
        "`Co-authored-by: A <a@x.org>`\n",
        "claude foo\\n",
        "claude <noreply@anthropic.com>, ",
        "Co-authored-by: A\\n x\\n",
        "written with claude foo bar\n",
        "```\nCo-authored-by: A <a@x.org>\n```\n",
        "~~~\nwritten with claude\n~~~\n",
        "so:\n  written with claude\n\n",
        "> written with claude, says n\n",
        "\"https://claude.ai/code/session_1\" `https://claude.ai/code/session_1` ",
        "no claude except claude, vibe coded; ",
        "not by claude, but written not by claude, ",
        "not only claude, isn't all claude, ",
        "| Co-authored-by: A <a@x.org> | claude <noreply@anthropic.com> ",
        "🤖 Claude ",
        "Claude and Paul, ",
        "Claude from here to there ",
        "nicht von claude, sondern ",
        "\"written by claude\" -> ",
        "pro pro pro gpt-5 pro pro ",
        "由Cursor",
        "Cursorで",
        "Cursor foo ",
    ] {
        let marks = unit.repeat(1_000_000 / unit.len());
        let claude = "Co-authored-by: Claude <noreply@anthropic.com>";
        is_by(says(&format!("Fix\n\n{marks}\n{claude}")), "claude-code", Certainty::Marked, unit);
    }
}

#[test]
fn an_agents_address_behind_a_name_is_a_mark_whatever_the_key() {
    for (text, agent) in [
        ("Pair: Claude <noreply@anthropic.com>", "claude-code"),
        ("Paired-with: Claude <noreply@anthropic.com>", "claude-code"),
        ("AI: Claude <noreply@anthropic.com>", "claude-code"),
        ("Contributor: Opus 4.5 <noreply@anthropic.com>", "claude-code"),
        ("Helper: Copilot <223556219+Copilot@users.noreply.github.com>", "copilot"),
        ("X-Made: Cursor <cursoragent@cursor.com>", "cursor"),
        ("with Claude <noreply@anthropic.com>", "claude-code"),
        ("Written with Claude <noreply@anthropic.com>", "claude-code"),
        ("Author: Claude Code", "claude-code"),
    ] {
        is_by(body(text), agent, Certainty::Marked, text);
    }
    for text in [
        "Cc: Claude <noreply@anthropic.com>",
        "Example: Claude <noreply@anthropic.com>",
        "- Claude <noreply@anthropic.com>",
        "Author: Claude",
    ] {
        is_by(body(text), "claude-code", Certainty::Ambiguous, text);
    }
    for text in [
        "Pair: Devin <devin@example.com>",
        "Paired-with: Bob Lee <bob@example.com>",
        "Owner: dependabot[bot] <49699333+dependabot[bot]@users.noreply.github.com>",
        "Ignore mails from noreply@anthropic.com.",
        "and the hook drops Claude <noreply@anthropic.com>",
        "Docs: map commits by Claude <noreply@anthropic.com>",
        "Author: Devin",
        "Author: Bob",
    ] {
        assert_eq!(body(text), None, "{text}");
    }
    assert_eq!(says("fix: map Claude <noreply@anthropic.com>"), None);
}

#[test]
fn a_trailer_in_a_table_is_the_messages_own_at_its_end_and_an_example_before() {
    for text in [
        "| Co-Authored-By: Claude <noreply@anthropic.com> |",
        "| Trailer |\n|---|\n| Co-Authored-By: Claude <noreply@anthropic.com> |",
        "|Co-authored-by: Claude <noreply@anthropic.com>|\n|Signed-off-by: Ann Lee <ann@example.com>|",
        "| Assisted-by: Claude Code |",
    ] {
        is_by(body(text), "claude-code", Certainty::Marked, text);
    }
    for text in [
        "| Co-Authored-By | Claude <noreply@anthropic.com> |",
        "| Claude | Co-Authored-By: Claude <noreply@anthropic.com> |\n| Bob | none |\n\nThese are the rows.",
    ] {
        is_by(body(text), "claude-code", Certainty::Ambiguous, text);
    }
    assert_eq!(body("| a | b |\n| claude | 4 |"), None);
}

#[test]
fn a_co_author_may_be_a_handle() {
    for (handle, agent) in [
        ("@claude", "claude-code"),
        ("@claude[bot]", "claude-code"),
        ("@copilot", "copilot"),
        ("@copilot-swe-agent", "copilot"),
        ("@cursor", "cursor"),
        ("@cursoragent", "cursor"),
        ("@codex", "codex"),
        ("@devin-ai-integration", "devin"),
    ] {
        let found = body(&format!("Co-Authored-By: {handle}"));
        assert_eq!(found.as_ref().map(|found| found.operators.len()), Some(1), "Ann alone beside {handle}");
        is_by(found, agent, Certainty::Marked, handle);
    }
    for handle in ["@devin", "@jules", "@bob", "@claude-martin"] {
        assert_eq!(body(&format!("Co-Authored-By: {handle}")), None, "{handle}");
    }
}

#[test]
fn what_a_line_says_it_was_built_with_may_be_a_library() {
    for (text, agent) in [
        ("Built with Hermes", "hermes"),
        ("Built with BOLT", "bolt"),
        ("made with goose", "goose"),
        ("Made with Zed.", "zed"),
        ("- Generated with Goose", "goose"),
        ("Made with Cursor.", "cursor"),
        ("Generated by Codegen.", "codegen"),
        ("Generated using Cascade.", "windsurf"),
    ] {
        is_by(body(text), agent, Certainty::Ambiguous, text);
    }
    for (text, agent) in [
        ("Built with Claude", "claude-code"),
        ("Built with Codex.", "codex"),
        ("Generated with Windsurf", "windsurf"),
        ("Generated with [Goose](https://github.com/block/goose)", "goose"),
        ("🤖 Generated with Goose", "goose"),
    ] {
        is_by(body(text), agent, Certainty::Marked, text);
    }
}
