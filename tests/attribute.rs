//! `seconder attribute`, run as people run it: on a small repository, and fed with JSON Lines.

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::process::{self, fed, text};

fn git(repo: &Path, arguments: &[&str]) {
    let identity = ["-c", "user.name=Ann Lee", "-c", "user.email=ann@example.com", "-c", "commit.gpgsign=false"];
    let done = Command::new("git").arg("-C").arg(repo).args(identity).args(arguments).output().unwrap();
    assert!(done.status.success(), "git {arguments:?}: {}", String::from_utf8_lossy(&done.stderr));
}

/// Three commits: by hand, with Claude, by Devin alone.
fn repository() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let repo = folder.path();
    git(repo, &["init", "--quiet"]);
    let commit = |message: &str, more: &[&str]| {
        git(repo, &[&["commit", "--quiet", "--allow-empty", "-m", message], more].concat());
    };
    commit("By hand", &[]);
    commit("With help\n\nCo-Authored-By: Claude <noreply@anthropic.com>", &[]);
    let devin = "--author=Devin AI <158243242+devin-ai-integration[bot]@users.noreply.github.com>";
    commit("By an agent \u{1b}[31m", &[devin]);
    folder
}

fn seconder(arguments: &[&str], input: &str) -> Output {
    fed(process::seconder().arg("attribute").args(arguments), input)
}

fn lines(output: &Output) -> Vec<Value> {
    text(&output.stdout).lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn on(repo: &TempDir, more: &[&str]) -> Output {
    let path = repo.path().to_str().unwrap();
    seconder(&[&["--repo", path], more].concat(), "")
}

#[test]
fn a_history_is_told_as_a_table_and_a_summary() {
    let told = on(&repository(), &[]);
    let table = text(&told.stdout);
    assert!(told.status.success(), "{}", text(&told.stderr));
    for expected in
        ["Claude Code", "co-authored", "Ann Lee", "Devin", "authored", "2 of 3 commits carry an agent's mark (66.7 %)"]
    {
        assert!(table.contains(expected), "{expected} in\n{table}");
    }
    assert!(!table.contains("By hand"), "commits without a mark only with --all");
    assert!(!table.contains('\u{1b}'), "no colours where there is no terminal, and none of the commits' own");
    assert!(text(&told.stderr).is_empty(), "no progress where there is no terminal");
}

#[test]
fn all_commits_are_shown_when_asked_for_and_a_range_narrows_them() {
    let repo = repository();
    assert!(text(&on(&repo, &["--all"]).stdout).contains("By hand"));
    assert!(text(&on(&repo, &["HEAD~1.."]).stdout).contains("1 of 1 commits"));
}

#[test]
fn programs_get_one_line_a_commit() {
    let found = lines(&on(&repository(), &["--json"]));
    let agents: Vec<_> =
        found.iter().map(|line| (line["agent"].as_str().unwrap(), line["kind"].as_str().unwrap())).collect();
    assert_eq!(agents, [("devin", "authored"), ("claude-code", "co_authored")]);
    assert_eq!(found[1]["operator"], json!({ "name": "Ann Lee", "email": "ann@example.com" }));
    assert_eq!(found[1]["evidence"][0]["marker"], "co-author trailer");
}

#[test]
fn a_git_ai_note_counts_though_the_commit_says_nothing() {
    let repo = repository();
    let note = "a.rs\n  s_1 1-3\n---\n{\"schema_version\":\"authorship/3.0.0\",\"sessions\":{\"s_1\":{\"agent_id\":{\"tool\":\"codex\",\"model\":\"m\"}}}}";
    git(repo.path(), &["notes", "--ref=refs/notes/ai", "add", "-m", note, "HEAD~2"]);
    let found = lines(&on(&repo, &["--json", "HEAD~2"]));
    assert_eq!((found.len(), &found[0]["agent"]), (1, &json!("codex")));
}

#[test]
fn json_lines_in_json_lines_out() {
    let line = |sha: &str, message: &str| {
        let ann = json!({ "name": "Ann Lee", "email": "ann@example.com", "date": "2026-08-01T00:00:00Z" });
        let commit = json!({ "author": ann, "committer": ann, "message": message });
        json!({ "sha": sha, "commit": commit, "author_login": null, "parents": 1, "something": { "new": [] } })
            .to_string()
    };
    let merge = "Merge branch 'main' into devin/1-x";
    let input = [line("a", "Fix"), String::new(), line("b", "Fix\n\nMade-with: Cursor"), line("c", merge)].join("\n");
    let found = lines(&seconder(&["--stdin"], &input));
    let told: Vec<_> =
        found.iter().map(|line| (&line["sha"], &line["ai"], &line["agent"], &line["certainty"])).collect();
    let (a, b, c) = (json!("a"), json!("b"), json!("c"));
    let (cursor, devin) = (json!("cursor"), json!("devin"));
    let (marked, ambiguous) = (json!("marked"), json!("ambiguous"));
    assert_eq!(
        told,
        [
            (&a, &json!(false), &Value::Null, &Value::Null),
            (&b, &json!(true), &cursor, &marked),
            (&c, &json!(false), &devin, &ambiguous),
        ]
    );
}

#[test]
fn a_login_tells_a_bot_that_its_name_hides() {
    let who = json!({ "name": "x", "email": "x@example.com" });
    let commit = json!({ "author": who, "committer": who, "message": "Fix" });
    let input = json!({ "sha": "a", "commit": commit, "author_login": "devin-ai-integration[bot]" }).to_string();
    assert_eq!(lines(&seconder(&["--stdin"], &input))[0]["agent"], "devin");
}

#[test]
fn what_github_answers_for_a_commit_is_read_as_it_is() {
    let told = |author: Value, committer: Value, verification: Value| {
        let who = json!({ "name": "x", "email": "x@example.com" });
        let commit = json!({ "author": who, "committer": who, "message": "Fix", "verification": verification });
        let line = json!({ "sha": "a", "commit": commit, "author": author, "committer": committer, "parents": [{ "sha": "b" }] });
        lines(&seconder(&["--stdin"], &line.to_string())).remove(0)
    };
    let copilot = json!({ "login": "Copilot", "id": 198_982_749, "type": "Bot" });
    let found = told(copilot.clone(), Value::Null, Value::Null);
    assert_eq!(
        (&found["agent"], &found["kind"], &found["operator"]),
        (&json!("copilot"), &json!("authored"), &Value::Null)
    );
    let only_committed = told(json!({}), copilot, Value::Null);
    assert_eq!(only_committed["certainty"], "ambiguous");
    let ann = json!({ "login": "ann", "id": 7, "type": "User" });
    assert_eq!(told(ann, Value::Null, json!({ "verified": false, "signature": null }))["agent"], Value::Null);
    let claude = json!({ "login": "claude[bot]", "id": 209_825_114, "type": "Bot" });
    let unsigned = told(claude, Value::Null, json!({ "verified": false, "reason": "unsigned", "signature": null }));
    assert_eq!(unsigned["evidence"][1]["marker"], "not signed by the key this agent signs with");
}

#[test]
fn github_calls_its_agent_copilot_and_nothing_else() {
    let who = json!({ "name": "x", "email": "x@example.com" });
    let commit = json!({ "author": who, "committer": who, "message": "Fix" });
    let input = |login: &str| json!({ "sha": "a", "commit": commit, "author_login": login }).to_string();
    assert_eq!(lines(&seconder(&["--stdin"], &input("Copilot")))[0]["agent"], "copilot");
    assert_eq!(lines(&seconder(&["--stdin"], &input("copilot-fan")))[0]["agent"], Value::Null);
}

#[test]
fn a_repository_without_commits_has_none() {
    let folder = tempfile::tempdir().unwrap();
    git(folder.path(), &["init", "--quiet"]);
    let told = on(&folder, &[]);
    assert_eq!((told.status.code(), text(&told.stdout).trim()), (Some(0), "No commits."), "{}", text(&told.stderr));
    let told = on(&folder, &["main"]);
    assert!(text(&told.stderr).contains("Nothing was committed here yet"), "{}", text(&told.stderr));
    let for_programs = on(&folder, &["--json"]);
    assert_eq!((for_programs.status.code(), text(&for_programs.stdout).as_str()), (Some(0), ""));
}

#[test]
fn mistakes_are_named_and_have_their_own_exit_code() {
    let bad_line = seconder(&["--stdin"], "\n{\"sha\": 7}\n");
    assert_eq!(bad_line.status.code(), Some(2));
    let told = text(&bad_line.stderr);
    assert!(told.contains("line 2, column 9 of standard input is not a commit") && !told.contains("line 1"), "{told}");
    let nowhere = seconder(&["--repo", "/nowhere"], "");
    assert_eq!(nowhere.status.code(), Some(2));
    let told = text(&nowhere.stderr);
    assert!(told.contains("/nowhere cannot be read as a git repository") && told.contains("--repo PATH"), "{told}");
    let no_revision = on(&repository(), &["no-such-branch"]);
    assert_eq!(no_revision.status.code(), Some(2));
    let told = text(&no_revision.stderr);
    assert!(told.contains("no-such-branch") && told.contains("`git branch --all`"), "{told}");
    for (revision, said) in [("HEAD^{tree}", "is no commit but a tree or a file"), ("a-path", "Paths are not taken")] {
        let refused = on(&repository(), &[revision]);
        let told = text(&refused.stderr);
        assert!(refused.status.code() == Some(2) && told.contains(revision) && told.contains(said), "{told}");
    }
    let option = on(&repository(), &["--", "--output=stolen"]);
    assert_eq!(option.status.code(), Some(2), "a revision is never an option of git's");
}

#[test]
fn standard_input_may_begin_with_a_byte_order_mark_and_is_no_array() {
    let line = json!({ "sha": "a", "commit": { "message": "Fix\n\nMade-with: Cursor" } });
    let found = lines(&seconder(&["--stdin"], &format!("\u{feff}{line}\n{line}\n")));
    assert_eq!(found.iter().map(|line| &line["agent"]).collect::<Vec<_>>(), ["cursor", "cursor"]);
    for array in [format!("[{line}]\n"), format!("[\n  {line}\n]\n")] {
        let refused = seconder(&["--stdin"], &array);
        let told = text(&refused.stderr);
        assert_eq!(refused.status.code(), Some(2));
        assert!(told.contains("one object a line") && told.contains("jq -c '.[]'"), "{told}");
    }
    let spread = text(&seconder(&["--stdin"], "{\n  \"sha\": \"a\"\n}\n").stderr);
    assert!(spread.contains("one object a line: `jq -c .` makes it so"), "{spread}");
}

/// The program, while it reads commits.
fn reading() -> std::process::Child {
    let mut attribute = process::seconder();
    attribute.args(["attribute", "--stdin"]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    attribute.spawn().unwrap()
}

#[test]
fn standard_input_that_programs_mangled_is_read_or_named() {
    let message = r#"{"sha":"a","commit":{"message":"Fix \ud800\n\nMade-with: Cursor"}}"#;
    assert_eq!(lines(&seconder(&["--stdin"], message))[0]["agent"], "cursor", "half a surrogate pair");
    let refused = |input: &[u8]| {
        let mut child = reading();
        child.stdin.take().unwrap().write_all(input).unwrap();
        text(&child.wait_with_output().unwrap().stderr)
    };
    assert!(refused(b"\x1f\x8b\x08\0\n").contains("zcat"));
    assert!(refused(b"\xff\xfe{\0\n\0").contains("UTF-16"));
    assert!(refused(b"").contains("No commits on standard input."));
}

#[test]
fn a_shallow_clone_says_that_it_is_one_and_how_to_get_the_rest() {
    let (repo, clone) = (repository(), tempfile::tempdir().unwrap());
    let from = format!("file://{}", repo.path().display());
    git(clone.path(), &["clone", "--quiet", "--depth=2", &from, "."]);
    let told = on(&clone, &[]);
    assert!(text(&told.stdout).contains("2 of 2 commits"), "{}", text(&told.stdout));
    let said = text(&told.stderr);
    assert!(said.contains("is shallow") && said.contains("fetch --unshallow"), "{said}");
    git(clone.path(), &["fetch", "--quiet", "--unshallow"]);
    assert_eq!(text(&on(&clone, &[]).stderr), "", "all of it is here now");
}

#[test]
fn days_narrow_a_history_as_they_do_for_git() {
    let repo = repository();
    assert!(text(&on(&repo, &["--since", "1 hour ago"]).stdout).contains("2 of 3 commits"));
    assert!(text(&on(&repo, &["--until", "2020-01-01"]).stdout).contains("No commits."));
    assert!(text(&on(&repo, &["--until", "2020-01-01"]).stdout).contains("without revisions and dates"));
    for date in ["yestrday", "2026-13-45"] {
        let refused = on(&repo, &["--since", date]);
        let told = text(&refused.stderr);
        assert!(refused.status.code() == Some(2) && told.contains(date) && told.contains("'3 months ago'"), "{told}");
    }
    let with_stdin = seconder(&["--stdin", "--since", "2020-01-01"], "");
    assert_eq!(with_stdin.status.code(), Some(2));
}

#[test]
fn whoever_has_read_enough_may_leave() {
    let line = json!({ "sha": "a", "commit": { "message": "Fix\n\nMade-with: Cursor" } }).to_string() + "\n";
    let mut child = reading();
    drop(child.stdout.take());
    // Written until the program is gone: it stops reading when nobody reads it.
    let _ = child.stdin.take().unwrap().write_all(line.repeat(20_000).as_bytes());
    let ended = child.wait_with_output().unwrap();
    assert_eq!((ended.status.code(), text(&ended.stderr)), (Some(0), String::new()));
}

#[test]
fn help_teaches() {
    let help = text(&seconder(&["--help"], "").stdout);
    for expected in ["Examples:", "v1.4..main", "--stdin reads JSON Lines", "Exit code:", "A mark is a disclosure"] {
        assert!(help.contains(expected), "{expected} in\n{help}");
    }
}

#[cfg(unix)]
#[test]
fn a_git_that_complains_at_length_is_read_to_the_end() {
    use std::os::unix::fs::PermissionsExt as _;

    let (repo, tools) = (repository(), tempfile::tempdir().unwrap());
    let path = std::env::var("PATH").unwrap();
    // More than a pipe holds, before the first commit; whoever does not read it gets no history.
    let script = format!(
        "#!/bin/sh\ncase \" $* \" in *' log '*)\n  yes 'warning: odd ref' | head -c 300000 | timeout 20 cat >&2 || exit 9 ;;\nesac\n\
         PATH='{path}' exec git \"$@\"\n"
    );
    let git = tools.path().join("git");
    std::fs::write(&git, script).unwrap();
    std::fs::set_permissions(&git, std::fs::Permissions::from_mode(0o755)).unwrap();
    let run = |more: &[&str]| {
        let mut command = process::seconder();
        command.arg("attribute").env("PATH", format!("{}:{path}", tools.path().display()));
        fed(command.arg("--repo").arg(repo.path()).args(["--json", "--all"]).args(more), "")
    };
    let told = run(&[]);
    assert_eq!((told.status.code(), lines(&told).len()), (Some(0), 3), "{}", text(&told.stderr));
    let failed = run(&["no-such-branch"]);
    assert_eq!(failed.status.code(), Some(2));
    let said = text(&failed.stderr);
    assert!(said.contains("bad revision 'no-such-branch'") && said.len() < 10_000, "{said}");
}
