//! `seconder policy`, as somebody meets it who writes rules, and somebody who wonders what they did.

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use seconder::demo::{Commit, Deploy, GitHub, Options, UserKind};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::process::seconder;
use crate::support::stage::{SHOP, Stage, build_world};

const GOOD: &str = "version: 1\napprovers:\n  platform: [alice, bob]\nrules:\n  - name: production\n    \
                    environments: [production]\n    require: [1 of platform]\n";
const BROKEN: &str = "version: 1\napprovers:\n  platform: [alice]\nrules:\n  - name: production\n    \
                      environments: [production]\n    require: [1 of plattform]\n    expries: 4h\n";

/// A git work tree whose `.github/seconder.yml` says this.
fn repository(policy: &str) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir_all(folder.path().join(".git")).unwrap();
    std::fs::create_dir_all(folder.path().join(".github")).unwrap();
    std::fs::create_dir_all(folder.path().join("src/deep")).unwrap();
    std::fs::write(folder.path().join(".github/seconder.yml"), policy).unwrap();
    folder
}

fn check(folder: &Path, arguments: &[&str]) -> Output {
    seconder().args(["policy", "check"]).args(arguments).current_dir(folder).output().unwrap()
}

fn fed(arguments: &[&str], input: &str) -> Output {
    let mut command = seconder();
    command.args(["policy", "check"]).args(arguments);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    child.wait_with_output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

fn object(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn from_anywhere_in_the_repository_everything_wrong_is_said_at_once_and_underlined() {
    let repo = repository(BROKEN);
    let told = check(&repo.path().join("src/deep"), &[]);
    assert_eq!(told.status.code(), Some(1), "{}", text(&told.stderr));
    let expected = "\
../../.github/seconder.yml:7:15: error: there is no group `plattform`; did you mean `platform`?
  |
7 |     require: [1 of plattform]
  |               ^^^^^^^^^^^^^^

../../.github/seconder.yml:8:5: error: a rule has no key `expries`; did you mean `expires`?
  |
8 |     expries: 4h
  |     ^^^^^^^

1 rule, 1 group, 2 errors
";
    assert_eq!(text(&told.stdout), expected);
}

#[test]
fn a_good_file_is_counted_and_passes() {
    let told = check(repository(GOOD).path(), &[]);
    assert_eq!((told.status.code(), text(&told.stdout).as_str()), (Some(0), "1 rule, 1 group, no errors\n"));
}

#[test]
fn a_warning_passes_unless_one_is_strict() {
    let cautious = GOOD.replace("1 of platform", "{ approvals: 1, from: platform, assurance: passkey }");
    let told = fed(&["-"], &cautious);
    assert_eq!(told.status.code(), Some(0));
    assert!(text(&told.stdout).contains("(standard input):7:"), "{}", text(&told.stdout));
    assert!(text(&told.stdout).ends_with("1 rule, 1 group, no errors, 1 warning\n"));
    assert_eq!(fed(&["-", "--strict"], &cautious).status.code(), Some(1));
    let [lenient, strict] =
        [&["-", "--json"][..], &["-", "--json", "--strict"]].map(|how| object(&fed(how, &cautious)));
    assert_eq!((&lenient["ok"], &strict["ok"]), (&json!(true), &json!(false)), "what is said is how it ends");
}

#[test]
fn a_freeze_that_is_over_is_pointed_out() {
    let freeze = |to: &str| format!("{GOOD}freeze:\n  - {{ name: past, zone: UTC, from: 2020-01-01, to: {to} }}\n");
    let told = text(&fed(&["-"], &freeze("2020-02-01")).stdout);
    assert!(told.contains("(standard input):9:"), "{told}");
    assert!(told.contains("warning: the freeze `past` is over and holds nothing any more; take it out"), "{told}");
    assert!(!text(&fed(&["-"], &freeze("2098-02-01")).stdout).contains("is over"));
}

#[test]
fn a_reader_who_has_seen_enough_is_no_trouble() {
    let repo = repository(GOOD);
    let mut command = seconder();
    command.args(["policy", "check", "--sarif"]).current_dir(repo.path());
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let told = command.stdout(writer).stderr(Stdio::piped()).spawn().unwrap().wait_with_output().unwrap();
    assert_eq!((told.status.code(), text(&told.stderr).as_str()), (Some(0), ""));
}

#[test]
fn what_cannot_be_read_is_another_exit_code_than_what_is_wrong() {
    let nowhere = tempfile::tempdir().unwrap();
    let none = check(nowhere.path(), &[]);
    assert_eq!(none.status.code(), Some(2));
    assert!(text(&none.stderr).contains("neither .github/seconder.yml nor seconder.yml"), "{}", text(&none.stderr));
    assert_eq!(check(nowhere.path(), &["missing.yml"]).status.code(), Some(2));
    std::fs::write(nowhere.path().join("seconder.yaml"), GOOD).unwrap();
    let slip = text(&check(nowhere.path(), &[]).stderr);
    assert!(slip.contains("seconder.yaml is never read: rename it"), "{slip}");
    assert_eq!(check(nowhere.path(), &["."]).status.code(), Some(2), "a folder is no file");
    std::fs::write(nowhere.path().join("seconder.yml"), GOOD).unwrap();
    assert_eq!(check(nowhere.path(), &[]).status.code(), Some(0), "an organization's file is at the root");
}

#[test]
fn programs_get_one_object_with_every_place() {
    let told = check(repository(BROKEN).path(), &["--json"]);
    assert_eq!(told.status.code(), Some(1));
    let found = object(&told);
    assert_eq!((&found["ok"], &found["errors"], &found["rules"]), (&json!(false), &json!(2), &json!(1)));
    assert_eq!(
        found["findings"][0],
        json!({
            "severity": "error", "code": "policy-invalid", "file": ".github/seconder.yml", "line": 7, "column": 15,
            "end_column": 29, "message": "there is no group `plattform`; did you mean `platform`?",
        })
    );
}

#[test]
fn code_scanning_gets_what_it_asks_of_sarif() {
    let sarif = object(&check(&repository(BROKEN).path().join("src"), &["--sarif"]));
    assert_eq!(sarif["version"], "2.1.0");
    let run = &sarif["runs"][0];
    let rules = run["tool"]["driver"]["rules"].as_array().unwrap();
    for rule in rules {
        for text in [&rule["shortDescription"]["text"], &rule["fullDescription"]["text"], &rule["help"]["text"]] {
            assert!(text.as_str().is_some_and(|text| !text.is_empty() && text.len() < 1_024), "{rule}");
        }
        assert!(["error", "warning", "note"].contains(&rule["defaultConfiguration"]["level"].as_str().unwrap()));
    }
    let results = run["results"].as_array().unwrap();
    assert_eq!(results.len(), 2);
    for result in results {
        assert_eq!(rules[usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap()]["id"], result["ruleId"]);
        assert!(result["partialFingerprints"]["primaryLocationLineHash"].is_string());
    }
    let place = &results[0]["locations"][0]["physicalLocation"];
    assert_eq!(place["artifactLocation"]["uri"], ".github/seconder.yml");
    let region = &place["region"];
    let numbers = ["startLine", "startColumn", "endLine", "endColumn"].map(|key| region[key].as_u64().unwrap());
    assert_eq!((numbers, &region["snippet"]["text"]), ([7, 15, 7, 29], &json!("1 of plattform")));
    assert_ne!(results[0]["partialFingerprints"], results[1]["partialFingerprints"]);
}

#[test]
fn a_file_cannot_speak_to_the_terminal() {
    let told = text(&fed(&["-"], &BROKEN.replace("plattform]", "plattform] # \u{202e}evil\u{1b}[2J")).stdout);
    assert!(!told.contains('\u{1b}') && !told.contains('\u{202e}'), "{told}");
}

#[test]
fn help_teaches() {
    let help = text(&seconder().args(["policy", "check", "--help"]).output().unwrap().stdout);
    for expected in ["Examples:", "--sarif > seconder.sarif", "upload-sarif", "--repo acme/shop", "Exit code:"] {
        assert!(help.contains(expected), "{expected} in\n{help}");
    }
}

/// Checks the shop's policy on GitHub, against the shop.
fn check_shop(github: &GitHub, arguments: &[&str]) -> Output {
    as_app(github).args(["policy", "check", "--repo", SHOP]).args(arguments).output().unwrap()
}

/// `seconder` with the App's credentials.
fn as_app(github: &GitHub) -> Command {
    let mut command = seconder();
    command
        .env("SECONDER_GITHUB_API_URL", github.api_url())
        .env("SECONDER_GITHUB_APP_ID", github.app_id().to_string())
        .env("SECONDER_GITHUB_PRIVATE_KEY", github.app_private_key_pem());
    command
}

async fn shop(policy: &str) -> GitHub {
    let github = GitHub::start(Options::default()).await.unwrap();
    build_world(&github);
    github.repository("acme/.github");
    github.file(SHOP, "olga", ".github/seconder.yml", Some(policy));
    github
}

/// Places and messages of what is found, without the pictures.
fn headings(output: &Output) -> Vec<String> {
    text(&output.stdout)
        .lines()
        .filter(|line| line.contains(".yml:") && !line.starts_with(' '))
        .map(str::to_owned)
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_policy_that_fits_its_repository_passes() {
    let github = shop(&GOOD.replace("[alice, bob]", "[\"@acme/platform\", bob]")).await;
    let told = check_shop(&github, &[]);
    assert_eq!(text(&told.stdout), "1 rule, 1 group, 1 environment, no errors\n", "{}", text(&told.stderr));
    assert_eq!(told.status.code(), Some(0));
    assert_eq!(github.unknown_routes(), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_did_not_install_the_app_in_the_organizations_repository_is_told_what_that_means() {
    let github = shop(GOOD).await;
    github.hide_repository("acme/.github", true);
    let told = check_shop(&github, &["--strict"]);
    let expected = ".github/seconder.yml: note: acme/.github is not there, or Seconder is not installed in it: if the organization has \
                    rules, they do not hold here\n\n1 rule, 1 group, 1 environment, no errors\n";
    assert_eq!(text(&told.stdout), expected, "{}", text(&told.stderr));
    assert_eq!(told.status.code(), Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn people_and_teams_who_are_not_there_or_cannot_second_are_named_where_they_stand() {
    let policy = "version: 1\napprovers:\n  platform: [\"@acme/platfrom\", alise]\n  security: [rita, acme, robot]\n\
                  people:\n  robot: machine\nrules:\n  - name: production\n    environments: [production]\n    \
                  require: [1 of platform, 2 of security]\n";
    let github = shop(policy).await;
    github.user("robot", UserKind::User);
    github.collaborator(SHOP, "robot", "write");
    let told = check_shop(&github, &[]);
    assert_eq!(told.status.code(), Some(1));
    assert_eq!(
        headings(&told),
        [
            ".github/seconder.yml:3:14: error: there is no team `@acme/platfrom`, or the App may not see it (organization \
             permission Members: read); nobody counts as its member",
            ".github/seconder.yml:3:32: error: GitHub knows no account `alise`; did you mean `alice`?",
            ".github/seconder.yml:4:14: warning: `rita` has no write access to acme/shop; GitHub shows them no button to \
             approve with",
            ".github/seconder.yml:4:20: error: `acme` is an organization; name one of its teams",
            ".github/seconder.yml:4:26: warning: `robot` is a program's account; it never counts",
            ".github/seconder.yml:10:15: error: nobody can meet this: not one of `platform` can approve here",
            ".github/seconder.yml:10:30: error: nobody can meet this: not one of `security` can approve here",
        ]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn environments_that_are_missing_open_uncovered_or_look_alike_are_found() {
    let policy = "version: 1\nrules:\n  - name: production\n    environments: [production, \"stage-*\", prodution, test]\n    \
                  require: [1 of writers]\n";
    let github = shop(policy).await;
    github.unguarded_environment(SHOP, "test");
    github.environment(SHOP, "billing");
    github.environment(SHOP, "pr\u{43e}duction");
    let workflow = "on: push\njobs:\n  a:\n    environment: production\n  b:\n    environment: { name: preview }\n  c:\n    \
                    environment: ${{ inputs.where }}\n";
    github.file(SHOP, "olga", ".github/workflows/deploy.yml", Some(workflow));
    let told = check_shop(&github, &["--json"]);
    assert_eq!(told.status.code(), Some(1), "{}", text(&told.stderr));
    let found = object(&told);
    let all: Vec<(String, u64, u64)> = found["findings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|f| {
            let file = f["file"].as_str().unwrap().rsplit('/').next().unwrap();
            let code = f["code"].as_str().unwrap().trim_start_matches("policy-");
            (format!("{file} {code}"), f["line"].as_u64().unwrap(), f["column"].as_u64().unwrap())
        })
        .collect();
    let told: Vec<(&str, u64, u64)> = all.iter().map(|(what, line, column)| (what.as_str(), *line, *column)).collect();
    assert_eq!(
        told,
        [
            ("seconder.yml only-built-in", 3, 3),
            ("seconder.yml alike-environments", 4, 20),
            ("seconder.yml unmatched-pattern", 4, 32),
            ("seconder.yml unknown-environment", 4, 43),
            ("seconder.yml not-guarded", 4, 54),
            ("deploy.yml new-environment", 6, 26),
            ("deploy.yml computed-environment", 8, 18),
        ]
    );
    let words = found.to_string();
    assert!(
        words.contains("did you mean `production`?") && words.contains("`pr\u{43e}duction` (with U+043E)"),
        "{words}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_requirement_that_one_person_alone_can_meet_is_pointed_out() {
    let github = shop(&GOOD.replace("[alice, bob]", "[\"@acme/security\"]")).await;
    let told = check_shop(&github, &[]);
    assert_eq!(told.status.code(), Some(0));
    let expected = "warning: only `bob` can meet this; what they had a part in, nobody can second";
    assert!(text(&told.stdout).contains(expected), "{}", text(&told.stdout));
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_that_github_gives_in_pages_are_read_to_their_end() {
    let github = shop(&GOOD.replace("[alice, bob]", "[\"@acme/everybody\"]").replace("1 of", "100 of")).await;
    let everybody: Vec<String> = (0..130).map(|n| format!("member-{n}")).collect();
    everybody.iter().for_each(|login| github.collaborator(SHOP, login, "write"));
    github.team("acme/everybody", &everybody.iter().map(String::as_str).collect::<Vec<_>>());
    (0..104).for_each(|n| github.unguarded_environment(SHOP, &format!("preview-{n}")));
    let told = check_shop(&github, &["--strict"]);
    assert_eq!(text(&told.stdout), "1 rule, 1 group, 105 environments, no errors\n", "{}", text(&told.stderr));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_app_that_may_not_see_teams_says_so_and_checks_the_rest() {
    let mut options = Options::default();
    options.permissions.remove("members");
    let github = GitHub::start(options).await.unwrap();
    build_world(&github);
    let policy = GOOD.replace("[alice, bob]", "[\"@acme/platform\", alise]");
    github.file(SHOP, "olga", ".github/seconder.yml", Some(&policy));
    let said = text(&check_shop(&github, &[]).stdout);
    assert!(said.contains("there is no team `@acme/platform`, or the App may not see it"), "{said}");
    assert!(said.contains("GitHub knows no account `alise`"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_organization_covers_is_covered_and_its_broken_file_is_told() {
    let github = shop(GOOD).await;
    github.environment(SHOP, "billing");
    github.file("acme/.github", "olga", "seconder.yml", Some(&GOOD.replace("[production]", "[billing]")));
    assert_eq!(check_shop(&github, &["--strict"]).status.code(), Some(0));
    github.file("acme/.github", "olga", "seconder.yml", Some(BROKEN));
    let said = text(&check_shop(&github, &[]).stdout);
    let expected = "the organization's file, acme/.github:seconder.yml, is broken: 7:15: there is no group `plattform`";
    assert!(said.contains(expected) && said.contains("no rule covers environment `billing`"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_file_the_workflows_are_looked_at_all_the_same() {
    let github = GitHub::start(Options::default()).await.unwrap();
    build_world(&github);
    github.unguarded_environment(SHOP, "staging");
    github.file(SHOP, "olga", ".github/workflows/ci.yml", Some("jobs:\n  ship:\n    environment: staging\n"));
    let told = check_shop(&github, &[]);
    assert_eq!(told.status.code(), Some(0));
    let said = text(&told.stdout);
    assert!(said.contains(".github/workflows/ci.yml:3:18: warning: job `ship` deploys to `staging`"), "{said}");
    assert!(said.contains("no .github/seconder.yml, the built-in policy holds, 2 environments, no errors"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_draft_is_held_against_the_repository_before_it_is_merged_and_codeowners_when_asked() {
    let github = shop(GOOD).await;
    github.file(SHOP, "olga", ".github/CODEOWNERS", Some("* @alice\n/src alice\n"));
    let draft = repository(&GOOD.replace("[production]", "[prod]"));
    let told = as_app(&github)
        .args(["policy", "check", ".github/seconder.yml", "--repo", SHOP, "--codeowners"])
        .current_dir(draft.path())
        .output()
        .unwrap();
    let said = text(&told.stdout);
    assert_eq!(told.status.code(), Some(1), "{}", text(&told.stderr));
    assert!(said.contains("error: acme/shop has no environment `prod`"), "{said}");
    assert!(said.contains(".github/CODEOWNERS:2:6: error: `alice` is no owner"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repository_the_app_cannot_see_and_missing_credentials_are_exit_code_2() {
    let github = shop(GOOD).await;
    let elsewhere = as_app(&github).args(["policy", "check", "--repo", "acme/nothing"]).output().unwrap();
    assert_eq!(elsewhere.status.code(), Some(2));
    let said = text(&elsewhere.stderr);
    assert!(said.contains("the App is not installed on acme/nothing, or there is no such repository"), "{said}");
    let nobody = seconder().args(["policy", "check", "--repo", SHOP]).output().unwrap();
    assert_eq!(nobody.status.code(), Some(2));
    assert!(text(&nobody.stderr).contains("SECONDER_GITHUB_APP_ID"), "{}", text(&nobody.stderr));
    assert_eq!(seconder().args(["policy", "check", "--repo", "shop"]).output().unwrap().status.code(), Some(2));
}

fn explain(stage: &Stage, arguments: &[&str]) -> Output {
    let mut command = seconder();
    command.args(["policy", "explain"]).args(arguments).env("SECONDER_DATABASE_URL", &stage.database_url);
    command.output().unwrap()
}

/// What the check run says, as it reads without its markup.
fn read(markdown: &str) -> Vec<String> {
    let plain = markdown.replace(['`', '*'], "");
    plain.lines().map(|line| line.trim_start_matches('#').trim().to_owned()).filter(|l| l.starts_with("- ")).collect()
}

#[tokio::test]
async fn a_waiting_request_is_explained_in_the_words_of_its_check_run_while_the_server_runs() {
    let stage = Stage::set().await;
    let policy = "version: 1\nrules:\n  - name: exports\n    environments: [warehouse]\n    require: [1 of admins]\n  \
                  - name: production\n    environments: [production]\n    require: [1 of bob, 1 of writers]\n";
    stage.github.file(SHOP, "olga", ".github/seconder.yml", Some(policy));
    let sha = stage.agents_commit();
    stage.deploy(&sha);
    let check = stage.asked(&sha).await;
    stage.github.click(check.id, "approve", "alice");
    let check = stage.check(&sha, |check| check.summary.as_deref().unwrap_or_default().contains("approved it")).await;

    let id = check.external_id.clone().unwrap();
    let told = explain(&stage, &[&id[..8]]);
    assert_eq!(told.status.code(), Some(0), "{}", text(&told.stderr));
    let said = text(&told.stdout);
    for expected in [
        "production waits for a second human",
        "- Rule exports does not hold it: the environment is not among those it is about (warehouse)",
        "- Rule production holds it",
        "○ 0 of 1 from group bob (rule production): bob",
        "✔ 1 of 1 from anyone with write access to acme/shop (rule production)\n  - alice approved it (",
        "- mona: started the run, wrote",
        "Policy: .github/seconder.yml at ",
    ] {
        assert!(said.contains(expected), "{expected}\nin\n{said}");
    }
    for line in read(check.summary.as_deref().unwrap()).iter().chain(&read(check.text.as_deref().unwrap())) {
        assert!(said.contains(line), "the check run says\n{line}\nand the terminal\n{said}");
    }
    assert!(!said.contains('`') && !said.contains("**") && !said.contains('\u{1b}'), "{said}");
}

#[tokio::test]
async fn a_refused_author_and_a_decision_are_explained() {
    let stage = Stage::set().await;
    let sha = stage.agents_commit();
    let run = stage.deploy(&sha);
    let check = stage.asked(&sha).await;
    let id = check.external_id.clone().unwrap();
    stage.github.click(check.id, "approve", "mona");
    stage.check(&sha, |check| check.summary.as_deref().unwrap_or_default().contains("could not approve")).await;
    let refused = text(&explain(&stage, &[&id]).stdout);
    assert!(refused.contains("Not counted\n- mona could not approve ("), "{refused}");
    assert!(refused.contains("had a part in it: started the run, wrote"), "{refused}");

    stage.github.click(check.id, "approve", "alice");
    assert_eq!(stage.decision(run).await.0, "approved");
    let decided = text(&explain(&stage, &[&id.to_uppercase()]).stdout);
    assert!(decided.starts_with("production: seconded by alice\n"), "{decided}");
    let json = object(&explain(&stage, &[&id, "--json"]));
    assert_eq!((&json["id"], &json["life"]["outcome"]), (&json!(id), &json!("approved")));
    assert_eq!(json["judgement"]["matched_rules"], json!(["built-in"]));
    assert_eq!(json["tally"][0]["have"], 1);
}

#[tokio::test]
async fn what_a_rule_in_shadow_mode_would_have_done_is_explained() {
    let stage = Stage::set().await;
    let policy = "version: 1\nrules:\n  - name: admins\n    environments: [production]\n    authored_by: anyone\n    \
                  require: [1 of admins]\n    mode: shadow\n";
    stage.github.file(SHOP, "olga", ".github/seconder.yml", Some(policy));
    let sha = stage.humans_commit();
    let run = stage.github.deploy(SHOP, &Deploy::to("production", &sha, "mona"));
    assert_eq!(stage.decision(run).await.0, "approved");
    let check = stage.check(&sha, |check| check.external_id.is_some()).await;
    let said = text(&explain(&stage, &[&check.external_id.unwrap()]).stdout);
    for expected in [
        "production: no second needed",
        "- rule admins would ask for 1 from the admins of acme/shop; it is in shadow mode and holds nothing",
        "- Rule admins would hold it (shadow)",
    ] {
        assert!(said.contains(expected), "{expected}\nin\n{said}");
    }
}

#[tokio::test]
async fn a_proposed_policy_is_tried_out_on_what_was_decided_before() {
    let stage = Stage::set().await;
    let (agents, humans) = (stage.agents_commit(), stage.humans_commit());
    let run = stage.deploy(&agents);
    let check = stage.asked(&agents).await;
    stage.github.click(check.id, "approve", "alice");
    assert_eq!(stage.decision(run).await.0, "approved");
    stage.github.finish(run, true);
    let run = stage.deploy(&humans);
    assert_eq!(stage.decision(run).await.0, "approved");

    let replay = |rule: &str, options: &[&str]| {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("new.yml");
        let rules = format!("version: 1\nrules:\n  - name: new\n    environments: [production]\n    {rule}\n");
        std::fs::write(&file, rules).unwrap();
        let mut command = seconder();
        command.env("SECONDER_DATABASE_URL", &stage.database_url).args(["policy", "replay", "--with"]).arg(&file);
        command.args(options).output().unwrap()
    };
    let same = replay("require: [1 of writers]", &["--strict"]);
    assert_eq!(same.status.code(), Some(0), "{}", text(&same.stderr));
    assert_eq!(text(&same.stdout), "2 requests decided once more, 0 would have ended otherwise\n");
    let stricter = replay("authored_by: anyone\n    require: [1 of admins]", &["--strict", "--since", "1d"]);
    assert_eq!(stricter.status.code(), Some(1));
    let told = text(&stricter.stdout);
    for expected in [
        "seconded → waits for more approvals (rule new); the approval of alice no longer counts",
        "passes → waits for more approvals (rule new)",
        "2 requests decided once more, 2 would have ended otherwise",
    ] {
        assert!(told.contains(expected), "{expected}\nin\n{told}");
    }
    let elsewhere = replay("require: [1 of admins]", &["--repository", "acme/other"]);
    assert!(text(&elsewhere.stdout).starts_with("nothing was compared"), "{}", text(&elsewhere.stdout));
    assert_eq!(elsewhere.status.code(), Some(0));
    let strict = replay("require: [1 of admins]", &["--repository", "acme/other", "--strict", "--json"]);
    assert_eq!((strict.status.code(), text(&strict.stdout).as_str()), (Some(1), ""));
    assert!(text(&strict.stderr).starts_with("nothing was compared"), "{}", text(&strict.stderr));
    let lines = text(&replay("require: [1 of admins]", &["--json"]).stdout);
    let first: Value = serde_json::from_str(lines.lines().next().unwrap()).unwrap();
    assert!(first["flipped"].is_boolean() && first["proposed"]["fate"].is_string(), "{first}");
    assert_eq!(replay("require: [1 of nobody/here]", &[]).status.code(), Some(2));
}

#[tokio::test]
async fn a_commit_cannot_speak_to_the_terminal() {
    let stage = Stage::set().await;
    let message = "Fix \u{1b}[2J\u{202e}\n\nCo-Authored-By: Claude <noreply@anthropic.com>";
    let sha = stage.github.commit(SHOP, &Commit::by("mona", message));
    stage.deploy(&sha);
    let check = stage.asked(&sha).await;
    let said = text(&explain(&stage, &[&check.external_id.unwrap()]).stdout);
    assert!(said.contains("Fix ⟨U+001B⟩[2J⟨U+202E⟩") && !said.contains('\u{1b}'), "{said}");
}

#[tokio::test]
async fn whoever_has_no_id_is_told_where_ids_are() {
    let stage = Stage::set().await;
    let unknown = explain(&stage, &["0123456789abcdef"]);
    assert_eq!(unknown.status.code(), Some(1));
    assert!(text(&unknown.stderr).contains("at the foot of check runs"), "{}", text(&unknown.stderr));
    for vague in ["0123", "production", "0123456789abcdef0123456789abcdef0"] {
        let vague = explain(&stage, &[vague]);
        assert_eq!(vague.status.code(), Some(2));
        assert!(text(&vague.stderr).contains("32 hex digits"), "{}", text(&vague.stderr));
    }
    let nowhere = seconder()
        .args(["policy", "explain", "0123456789abcdef"])
        .env("SECONDER_DATABASE_URL", "sqlite:///nowhere/seconder.db")
        .output()
        .unwrap();
    assert_eq!(nowhere.status.code(), Some(1));
    assert!(text(&nowhere.stderr).contains("SECONDER_DATABASE_URL"), "{}", text(&nowhere.stderr));
}
