//! `policy check --repo`: the file held against the repository it is for.

use std::process::{Command, Output};

use seconder::demo::{GitHub, Options, UserKind};

use super::{BROKEN, GOOD, object, repository};
use crate::support::process::{seconder, text};
use crate::support::stage::{SHOP, build_world};

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
