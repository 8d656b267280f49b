//! Which commits an agent wrote, told with commits as agents and people leave them.

use seconder::domain::attribution::{Attribution, CATALOGUE_VERSION, Kind, attribute, attribute_all, is_machine};
use seconder::domain::facts::{Commit, Facts, PullRequest, Run};
use seconder::domain::people::{Account, AccountKind};

use crate::support::commits::{commit, identity};

/// A person's commit with this text as last paragraph.
fn signed(last_paragraph: &str) -> Option<Attribution> {
    attribute(&commit("Ann Lee <ann@example.com>", &format!("Add retries\n\nBecause.\n\n{last_paragraph}\n")), &[])
}

/// A commit by this author without anything else.
fn by(author: &str) -> Option<Attribution> {
    attribute(&commit(author, "Add retries"), &[])
}

fn brought_by(pull_request: PullRequest) -> Option<Attribution> {
    attribute(&commit("Ann Lee <ann@example.com>", "Add retries (#12)"), &[&pull_request])
}

#[track_caller]
fn assert_agent(found: Option<Attribution>, agent: &str, kind: Kind, marker: &str) {
    let found = found.expect("an agent");
    assert_eq!((found.agent.as_str(), found.kind, found.evidence[0].marker.as_str()), (agent, kind, marker));
}

#[test]
fn agents_that_write_as_author_are_known_by_their_address_or_account() {
    for (author, agent, marker) in [
        ("Claude <noreply@anthropic.com>", "claude-code", "author e-mail"),
        ("Copilot <198982749+Copilot@users.noreply.github.com>", "copilot", "author account"),
        ("copilot-swe-agent[bot] <198982749+Copilot@users.noreply.github.com>", "copilot", "author account"),
        ("codex <codex@openai.com>", "codex", "author e-mail"),
        ("Cursor Agent <cursoragent@cursor.com>", "cursor", "author e-mail"),
        ("Devin AI <158243242+devin-ai-integration[bot]@users.noreply.github.com>", "devin", "author account"),
        ("x <161369871+google-labs-jules[bot]@users.noreply.github.com>", "jules", "author account"),
        ("openhands <openhands@all-hands.dev>", "openhands", "author e-mail"),
        ("Kiro <244629292+kiro-agent@users.noreply.github.com>", "kiro", "author account"),
        ("Writer <7f4df3a0-3c6f-4a5e-9a3e-0f7b0cc1b6ce@letta.com>", "letta", "author e-mail"),
        ("Ann Lee (aider) <ann@example.com>", "aider", "author name"),
    ] {
        assert_agent(by(author), agent, Kind::Authored, marker);
    }
}

#[test]
fn agents_that_write_beside_a_person_are_known_by_their_trailers() {
    for (text, agent, kind, marker) in [
        (
            "Co-Authored-By: Claude Opus 4.5 <noreply@anthropic.com>",
            "claude-code",
            Kind::CoAuthored,
            "co-author trailer",
        ),
        ("co-authored-by: aider (gpt-5) <aider@aider.chat>", "aider", Kind::CoAuthored, "co-author trailer"),
        ("Co-authored-by: Copilot <copilot@github.com>", "copilot", Kind::CoAuthored, "co-author trailer"),
        ("Claude-Session: https://claude.ai/code/session_01A", "claude-code", Kind::CoAuthored, "trailer"),
        ("Agent-Logs-Url: https://github.com/acme/shop/sessions/1", "copilot", Kind::CoAuthored, "trailer"),
        ("Copilot-Session: 4b04480c-c2e9-483e-9b0f-34830b76a2f8", "copilot", Kind::CoAuthored, "trailer"),
        ("Amp-Thread-ID: https://ampcode.com/threads/T-1", "amp", Kind::CoAuthored, "trailer"),
        ("Made-with: Cursor", "cursor", Kind::Assisted, "trailer"),
        ("Replit-Commit-Author: Agent", "replit", Kind::Authored, "trailer"),
        ("Assisted-by: Claude:claude-opus-4 coccinelle", "claude-code", Kind::Assisted, "disclosure trailer"),
        ("Assisted-by: OpenAI Codex <noreply@openai.com>", "codex", Kind::Assisted, "disclosure trailer"),
        ("Assisted-by: Frobnicator:frob-3", "other", Kind::Assisted, "disclosure trailer"),
        ("AI-Assisted: yes", "other", Kind::Assisted, "disclosure trailer"),
        ("🤖 Generated with [Claude Code](https://claude.ai/code)", "claude-code", Kind::CoAuthored, "message footer"),
    ] {
        assert_agent(signed(text), agent, kind, marker);
    }
}

#[test]
fn the_head_branch_and_the_pull_request_betray_agents_that_leave_nothing_on_the_commit() {
    let opened_by = |id, login: &str| Some(Account { id, login: login.to_owned(), kind: AccountKind::Bot });
    let branch = |name: &str| PullRequest { number: 12, head_branch: name.to_owned(), ..PullRequest::default() };
    for (name, agent) in [("codex/fix-it", "codex"), ("devin/1700000000-x", "devin"), ("copilot/fix-7", "copilot")] {
        assert_agent(brought_by(branch(name)), agent, Kind::Assisted, "head branch of pull request #12");
    }
    let by_copilot =
        PullRequest { number: 12, author: opened_by(198_982_749, "copilot-swe-agent"), ..PullRequest::default() };
    assert_agent(brought_by(by_copilot), "copilot", Kind::CoAuthored, "author of pull request #12");
    let body = "Fixes it.\n\n🤖 Generated with [Claude Code](https://claude.com/claude-code)".to_owned();
    let says_so = PullRequest { number: 12, body, ..PullRequest::default() };
    assert_agent(brought_by(says_so), "claude-code", Kind::Assisted, "body of pull request #12");
}

#[test]
fn a_mark_that_the_squash_lost_is_found_on_the_pull_requests_own_commit() {
    let on_branch = Commit {
        sha: "b2".to_owned(),
        ..commit("Ann Lee <ann@example.com>", "wip\n\nCo-authored-by: Claude <noreply@anthropic.com>")
    };
    let pull_request = PullRequest { number: 12, commits: vec![on_branch], ..PullRequest::default() };
    let marker = "commit of pull request #12: co-author trailer";
    assert_agent(brought_by(pull_request), "claude-code", Kind::CoAuthored, marker);
}

#[test]
fn a_commit_that_lost_nothing_is_not_marked_by_its_neighbours() {
    let human = commit("Ann Lee <ann@example.com>", "By hand");
    let by_claude = Commit { sha: "b2".to_owned(), ..commit("Claude <noreply@anthropic.com>", "Not by hand") };
    let pull_request = PullRequest { number: 12, commits: vec![human.clone(), by_claude], ..PullRequest::default() };
    assert_eq!(attribute(&human, &[&pull_request]), None, "merged as it was, with its own sha");
}

#[test]
fn people_called_claude_devin_or_jules_are_people() {
    for person in [
        "Claude Martin <claude@example.com>",
        "Devin <devin@acme.example>",
        "Jules Verne <jules@example.fr>",
        "JUNIOR JULES <jj@example.com>",
        "Cline Eastwood <cline@example.com>",
        "Ann <ann@anthropic.com>",
        "warp <warp@example.com>",
        "Ann <1234567+claude@users.noreply.github.com>",
    ] {
        assert_eq!(by(person), None, "{person} as author");
        assert_eq!(signed(&format!("Co-authored-by: {person}")), None, "{person} as co-author");
        assert_eq!(signed(&format!("Assisted-by: {person}")), None, "{person} who helped");
    }
}

#[test]
fn talk_about_an_agent_is_not_authorship_by_it() {
    for text in [
        "Bump claude-code and @openai/codex",
        "Remove what Claude Code generated with so much care",
        "The cursor jumps; continue; amp up the windsurf crush",
        "Docs: how to add `Co-authored-by: Claude <noreply@anthropic.com>`",
        "Replit-Commit-Author: Deployment",
        "AI-Assisted: no",
        "Reviewed-by: Ann Lee <ann@example.com>",
        "Read https://docs.claude.com/en/docs/claude-code first",
    ] {
        assert_eq!(signed(text), None, "{text}");
    }
}

#[test]
fn automation_is_known_and_not_called_ai() {
    for bot in [
        "gemini-cli-robot <gemini-cli-robot@google.com>",
        "dependabot[bot] <49699333+dependabot[bot]@users.noreply.github.com>",
        "renovate[bot] <29139614+renovate[bot]@users.noreply.github.com>",
        "github-actions[bot] <41898282+github-actions[bot]@users.noreply.github.com>",
        "mergify[bot] <37929162+mergify[bot]@users.noreply.github.com>",
    ] {
        assert_eq!(by(bot), None, "{bot}");
        assert!(is_machine(&identity(bot)), "{bot}");
    }
    let unheard_of = "some-tool[bot] <123456789+some-tool[bot]@users.noreply.github.com>";
    assert_eq!(by(unheard_of), None, "being a bot does not make it AI");
}

#[test]
fn the_id_of_github_actions_under_the_name_of_claude_is_claude() {
    let action = "claude[bot] <41898282+claude[bot]@users.noreply.github.com>";
    assert_agent(by(action), "claude-code", Kind::Authored, "author account");
}

#[test]
fn a_dependabot_pull_request_that_claude_finished_is_claudes_work() {
    let author = "dependabot[bot] <49699333+dependabot[bot]@users.noreply.github.com>";
    let finished = commit(author, "Bump x\n\nCo-Authored-By: Claude <noreply@anthropic.com>");
    assert_agent(attribute(&finished, &[]), "claude-code", Kind::CoAuthored, "co-author trailer");
}

#[test]
fn every_agent_is_kept_as_evidence_and_the_strongest_is_named() {
    let found = signed(
        "Co-authored-by: coderabbitai[bot] <136622811+coderabbitai[bot]@users.noreply.github.com>\n\
         Made-with: Cursor\n\
         Co-authored-by: Devin AI <158243242+devin-ai-integration[bot]@users.noreply.github.com>",
    )
    .unwrap();
    assert_eq!((found.agent.as_str(), found.name.as_str(), found.kind), ("devin", "Devin", Kind::CoAuthored));
    let agents: Vec<_> = found.evidence.iter().map(|e| e.agent.as_str()).collect();
    assert_eq!(agents, ["coderabbit", "cursor", "devin"]);
}

#[test]
fn an_agents_address_is_told_from_a_persons() {
    let found = signed("Co-Authored-By: Claude <NoReply@Anthropic.com>").unwrap();
    assert_eq!(found.agent_emails, ["noreply@anthropic.com"]);
    assert!(is_machine(&identity("Anything <noreply@anthropic.com>")));
    assert!(!is_machine(&identity("claude[bot] <me@example.com>")), "a name makes nobody a machine");
    assert!(!is_machine(&identity("Ann Lee (aider) <ann@example.com>")), "the address is Ann's");
}

#[test]
fn all_commits_of_a_deployment_are_looked_at_with_the_pull_requests_that_brought_them() {
    let ann = "Ann Lee <ann@example.com>";
    let facts = Facts {
        run: Run {
            id: 1,
            attempt: 1,
            head_sha: "a".to_owned(),
            status: "waiting".to_owned(),
            name: "deploy".to_owned(),
            event: "push".to_owned(),
            head_branch: None,
            is_from_fork: false,
            ref_kind: None,
            workflow: None,
            url: String::new(),
            attempts: Vec::new(),
        },
        deployment_creator: None,
        sender: None,
        base: None,
        commits: vec![commit(ann, "One"), Commit { pull_requests: vec![12], ..commit(ann, "Two") }],
        files: Vec::new(),
        owners: None,
        pull_requests: vec![PullRequest { number: 12, head_branch: "v0/x".to_owned(), ..PullRequest::default() }],
        gaps: Vec::new(),
        people: Default::default(),
    };
    let found: Vec<_> = attribute_all(&facts).into_iter().map(|found| found.map(|found| found.agent)).collect();
    assert_eq!(found, [None, Some("v0".to_owned())]);
}

#[test]
fn a_review_bots_summary_under_a_humans_pull_request_says_nothing_of_who_wrote_it() {
    let body = "Retry the upload.\n\n<!-- CURSOR_SUMMARY -->\n---\n\n> [!NOTE]\n> **Low Risk**\n>\n> **Overview**\n> Adds a retry.\n>\n\
                > <sup>Reviewed by [Cursor Bugbot](https://cursor.com/bugbot) for commit a2e4274. Bugbot is set up for automated \
                code reviews on this repo. Configure [here](https://www.cursor.com/dashboard/bugbot).</sup>\n<!-- /CURSOR_SUMMARY -->";
    let reviewed = |body: &str| brought_by(PullRequest { number: 12, body: body.to_owned(), ..PullRequest::default() });
    assert_eq!(reviewed(body), None);
    let written = format!("<!-- CURSOR_AGENT_PR_BODY_BEGIN -->\n{body}");
    assert_eq!(reviewed(&written).unwrap().agent, "cursor");
}

#[test]
fn the_catalogue_has_a_version_that_an_auditor_can_compare() {
    let file = include_bytes!("../src/domain/attribution/catalogue.toml");
    assert_eq!(*CATALOGUE_VERSION, seconder::domain::digest::Digest::of_bytes(file));
}
