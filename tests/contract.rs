//! What Seconder asks of GitHub is what GitHub describes: every request and every answer of the fake passes GitHub's own
//! OpenAPI description, every query its GraphQL schema.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use seconder::app::publish::{Outcome, Publisher, Target};
use seconder::app::system_clock;
use seconder::demo::{Commit, Deploy, Level, Options, PullRequest, Spoiled, UserKind};
use seconder::domain::facts::Run;
use seconder::domain::gate::{Repository, Tenant};
use seconder::domain::policy::RefKind;
use seconder::github::contents::FileCommit;
use seconder::github::organization::OrganizationFile;
use seconder::github::pacing::Limits;
use seconder::github::{GitHub, Place, Settings, client};
use seconder::server::Server;

use crate::support::prism::{Checkpoint, Operation, run_script};
use crate::support::stage::{SHOP, Stage};

/// Every REST operation the client uses, as GitHub names it. A new call belongs here, and into the story below.
#[rustfmt::skip]
const OPERATIONS: &[Operation] = &[
    Operation { id: "apps/create-installation-access-token", method: "POST", path: "/app/installations/{installation_id}/access_tokens" },
    Operation { id: "apps/list-webhook-deliveries", method: "GET", path: "/app/hook/deliveries" },
    Operation { id: "apps/redeliver-webhook-delivery", method: "POST", path: "/app/hook/deliveries/{delivery_id}/attempts" },
    Operation { id: "users/get-by-username", method: "GET", path: "/users/{username}" },
    Operation { id: "teams/get-membership-for-user-in-org", method: "GET", path: "/orgs/{org}/teams/{team_slug}/memberships/{username}" },
    Operation { id: "teams/list-members-in-org", method: "GET", path: "/orgs/{org}/teams/{team_slug}/members" },
    Operation { id: "apps/get-repo-installation", method: "GET", path: "/repos/{owner}/{repo}/installation" },
    Operation { id: "repos/list-collaborators", method: "GET", path: "/repos/{owner}/{repo}/collaborators" },
    Operation { id: "repos/get-all-environments", method: "GET", path: "/repos/{owner}/{repo}/environments" },
    Operation { id: "repos/get-collaborator-permission-level", method: "GET", path: "/repos/{owner}/{repo}/collaborators/{username}/permission" },
    Operation { id: "repos/compare-commits-with-basehead", method: "GET", path: "/repos/{owner}/{repo}/compare/{basehead}" },
    Operation { id: "repos/get-all-deployment-protection-rules", method: "GET", path: "/repos/{owner}/{repo}/environments/{environment_name}/deployment_protection_rules" },
    Operation { id: "actions/list-workflow-runs-for-repo", method: "GET", path: "/repos/{owner}/{repo}/actions/runs" },
    Operation { id: "actions/get-workflow-run", method: "GET", path: "/repos/{owner}/{repo}/actions/runs/{run_id}" },
    Operation { id: "actions/get-workflow-run-attempt", method: "GET", path: "/repos/{owner}/{repo}/actions/runs/{run_id}/attempts/{attempt_number}" },
    Operation { id: "actions/get-pending-deployments-for-run", method: "GET", path: "/repos/{owner}/{repo}/actions/runs/{run_id}/pending_deployments" },
    Operation { id: "actions/get-reviews-for-run", method: "GET", path: "/repos/{owner}/{repo}/actions/runs/{run_id}/approvals" },
    Operation { id: "actions/review-custom-gates-for-run", method: "POST", path: "/repos/{owner}/{repo}/actions/runs/{run_id}/deployment_protection_rule" },
    Operation { id: "checks/create", method: "POST", path: "/repos/{owner}/{repo}/check-runs" },
    Operation { id: "checks/update", method: "PATCH", path: "/repos/{owner}/{repo}/check-runs/{check_run_id}" },
    Operation { id: "repos/get-content", method: "GET", path: "/repos/{owner}/{repo}/contents/{path}" },
    Operation { id: "repos/create-or-update-file-contents", method: "PUT", path: "/repos/{owner}/{repo}/contents/{path}" },
    Operation { id: "repos/list-releases", method: "GET", path: "/repos/{owner}/{repo}/releases" },
    Operation { id: "repos/create-release", method: "POST", path: "/repos/{owner}/{repo}/releases" },
    Operation { id: "repos/get-release", method: "GET", path: "/repos/{owner}/{repo}/releases/{release_id}" },
    Operation { id: "repos/update-release", method: "PATCH", path: "/repos/{owner}/{repo}/releases/{release_id}" },
    Operation { id: "repos/list-release-assets", method: "GET", path: "/repos/{owner}/{repo}/releases/{release_id}/assets" },
    Operation { id: "repos/upload-release-asset", method: "POST", path: "/repos/{owner}/{repo}/releases/{release_id}/assets" },
    Operation { id: "repos/get-release-asset", method: "GET", path: "/repos/{owner}/{repo}/releases/assets/{asset_id}" },
    Operation { id: "repos/delete-release-asset", method: "DELETE", path: "/repos/{owner}/{repo}/releases/assets/{asset_id}" },
    Operation { id: "checks/list-for-ref", method: "GET", path: "/repos/{owner}/{repo}/commits/{ref}/check-runs" },
];

/// The GraphQL queries.
#[rustfmt::skip]
const QUERIES: [&str; 9] = [
    "CommitContext", "DeploymentContext", "EarlierDeployments", "FilesAt", "OrganizationFile", "ProposedFile", "RefKind",
    "RepositoryByName", "Survey",
];

#[tokio::test]
async fn every_request_seconder_makes_is_one_github_describes() {
    let mut options = Options::default();
    options.permissions.insert("contents".into(), Level::Write);
    let mut stage = Stage::set_with(options).await;
    let checkpoint = Checkpoint::start(OPERATIONS, stage.github.api_url()).await;
    restart_behind(&checkpoint, &mut stage).await;

    a_team_member_seconds_a_rerun_and_answers_get_lost(&stage, &checkpoint).await;
    a_long_pull_request_of_a_bot_is_denied(&stage).await;
    a_broken_policy_gets_a_check_of_its_own(&stage).await;
    a_missed_webhook_is_fetched_back(&checkpoint, &mut stage).await;
    what_else_the_rules_rest_on_is_read(&checkpoint, &stage).await;
    a_pull_request_proposes_another_policy(&stage).await;
    a_good_deployment_is_looked_for_on_later_pages(&stage).await;
    a_name_is_told_to_be_a_branch_or_a_tag(&checkpoint, &stage).await;
    a_repository_is_looked_at_for_whoever_writes_its_policy(&checkpoint, &stage).await;
    the_ledger_is_published(&checkpoint, &stage).await;
    its_checkpoint_is_committed(&checkpoint, &stage).await;

    let violations = checkpoint.violations();
    assert!(violations.is_empty(), "{} violations:\n{}", violations.len(), violations.join("\n"));
    let exchanges = checkpoint.graphql();
    let script = tokio::task::spawn_blocking(move || run_script("graphql.mjs", &[], &exchanges));
    script.await.unwrap_or_else(|panic| std::panic::resume_unwind(panic.into_panic()));
    assert_eq!(made(&stage), described(), "left: what was called; right: what OPERATIONS and QUERIES say is called");
}

#[test]
fn every_path_the_client_knows_is_part_of_the_contract() {
    let described: BTreeSet<String> = OPERATIONS.iter().map(|operation| shape(operation.path)).collect();
    assert_eq!(paths_in_source(), described, "left: paths in src/github; right: paths in OPERATIONS");
}

async fn a_team_member_seconds_a_rerun_and_answers_get_lost(stage: &Stage, checkpoint: &Checkpoint) {
    let policy = "version: 1\napprovers:\n  platform: [\"@acme/platform\"]\npeople:\n  dora: { emails: [dora@corp.example] }\nrules:\n  - name: production\n    environments: [production]\n    require: [1 of platform]\n";
    stage.policy(policy);
    let sha = stage.agents_commit();
    checkpoint.lose_answer("/check-runs", "");
    let run = stage.deploy(&sha);
    let first = stage.check(&sha, |check| check.revisions > 1).await;
    stage.until("the note", |github| !github.notes(run).is_empty()).await;

    stage.github.rerun(run, "bob");
    let second = stage.check(&sha, |check| check.id != first.id && !check.actions.is_empty()).await;
    stage.github.click(second.id, "approve", "mona");
    stage.check(&sha, |check| check.summary.as_deref().unwrap_or_default().contains("`mona` could not approve")).await;
    checkpoint.lose_answer("/deployment_protection_rule", "\"approved\"");
    stage.github.click(second.id, "approve", "alice");
    assert_eq!(stage.decision(run).await.0, "approved");
    stage.check(&sha, |check| check.id == second.id && check.conclusion.as_deref() == Some("success")).await;
    stage.until("the question whether the decision arrived", |github| was_called(github, "/approvals")).await;
    stage.github.finish(run, true);
    assert_eq!(stage.github.callbacks(run).len(), 1);
}

async fn a_long_pull_request_of_a_bot_is_denied(stage: &Stage) {
    let commits: Vec<String> =
        (0..12).map(|step| stage.github.commit(SHOP, &Commit::by("mona", format!("Step {step}")))).collect();
    // Not by the bot itself: GitHub's description calls `shopbot[bot]@…` no e-mail address, though GitHub sends such.
    let sha = stage.github.commit(SHOP, &Commit::by("mona", "The last step").signed_by("mona"));
    let pull_request = PullRequest {
        author: "shopbot[bot]".into(),
        assigned_by: vec!["alice".into()],
        head_branch: "claude/topic".into(),
        commits: commits.into_iter().chain([sha.clone()]).collect(),
        merged_as: Some(sha.clone()),
        ..PullRequest::default()
    };
    stage.github.pull_request(SHOP, &pull_request);
    let run = stage.deploy(&sha);
    let check = stage.asked(&sha).await;
    stage.github.click(check.id, "deny", "mona");
    assert_eq!(stage.decision(run).await.0, "rejected");
    stage.check(&sha, |check| check.conclusion.as_deref() == Some("failure")).await;
}

async fn a_broken_policy_gets_a_check_of_its_own(stage: &Stage) {
    stage.github.file(SHOP, "mona", ".github/seconder.yml", Some("version: 1\nruels: []\n"));
    let sha = stage.humans_commit();
    stage.deploy(&sha);
    stage.asked(&sha).await;
    stage.check(&sha, |check| check.name == "Seconder policy").await;
}

/// The run of the broken policy still waits; another one asks while nobody listens.
async fn a_missed_webhook_is_fetched_back(checkpoint: &Checkpoint, stage: &mut Stage) {
    stage.github.webhooks_down(true);
    let sha = stage.agents_commit();
    stage.deploy(&sha);
    let failed = |github: &seconder::demo::GitHub| github.deliveries().iter().any(|d| d.status_code == Some(502));
    stage.until("a delivery that fails", failed).await;
    stage.github.webhooks_down(false);
    // And one of which nobody ever heard.
    stage.github.forget_webhooks(true);
    let unheard = stage.agents_commit();
    stage.deploy(&unheard);
    stage.github.forget_webhooks(false);
    restart_behind(checkpoint, stage).await;
    stage.asked(&sha).await;
    stage.asked(&unheard).await;
}

/// The organization's file and CODEOWNERS: missing, there, and something that is no file.
async fn what_else_the_rules_rest_on_is_read(checkpoint: &Checkpoint, stage: &Stage) {
    let account_id = stage.github.user("acme", UserKind::Organization);
    let tenant = Tenant { account_id, login: "acme".into(), installation_id: stage.github.org("acme") };
    let shop = Repository { id: stage.github.repository_id(SHOP), owner: "acme".into(), name: "shop".into() };
    let seconder = client(checkpoint, stage);
    assert_eq!(seconder.organization_policy(&tenant).await.unwrap(), OrganizationFile::NotVisible);
    for path in ["README.md", "seconder.yml/readme", "seconder.yml"] {
        stage.github.file("acme/.github", "olga", "seconder.yml/readme", None);
        stage.github.file("acme/.github", "olga", path, Some("version: 1"));
        seconder.forget_organization_policy(&tenant);
        let OrganizationFile::Seen(_) = seconder.organization_policy(&tenant).await.unwrap() else { panic!("{path}") };
    }
    for path in ["README.md", "docs/CODEOWNERS", ".github/CODEOWNERS/readme"] {
        let commit = stage.github.file(SHOP, "olga", path, Some("* @mona"));
        seconder.code_owners(Place { tenant: &tenant, repository: &shop }, &commit).await.unwrap();
    }
}

async fn a_pull_request_proposes_another_policy(stage: &Stage) {
    let mut commit = Commit::by("mona", "Other rules").on("other-rules");
    commit.contents = vec![(".github/seconder.yml".into(), Some("version: 1\n".into()))];
    let head = stage.github.commit(SHOP, &commit);
    let pull_request = PullRequest {
        author: "mona".into(),
        head_branch: "other-rules".into(),
        commits: vec![head.clone()],
        ..PullRequest::default()
    };
    stage.github.open_pull_request(SHOP, &pull_request);
    stage.check(&head, |check| check.name == "Seconder policy").await;
}

/// As where many deployments never ended.
async fn a_good_deployment_is_looked_for_on_later_pages(stage: &Stage) {
    let sha = stage.github.tip(SHOP, "main").unwrap();
    stage.github.unguarded_environment(SHOP, "staging");
    for _ in 0..50 {
        stage.github.deploy(SHOP, &Deploy::to("staging", &sha, "mona"));
    }
    stage.github.environment(SHOP, "staging");
    stage.github.deploy(SHOP, &Deploy::to("staging", &sha, "mona"));
    stage.until("a later page", |github| was_called(github, "EarlierDeployments")).await;
}

/// As where a rule excepts branches.
async fn a_name_is_told_to_be_a_branch_or_a_tag(checkpoint: &Checkpoint, stage: &Stage) {
    let seconder = client(checkpoint, stage);
    let (tenant, repository) = seconder.locate("acme", "shop").await.unwrap();
    let head_sha = stage.github.tip(SHOP, "main").unwrap();
    stage.github.tag(SHOP, "v1", &head_sha, true);
    stage.github.tag(SHOP, "v2", &head_sha, false);
    for (name, kind) in
        [("main", Some(RefKind::Branch)), ("v1", Some(RefKind::Tag)), ("v2", Some(RefKind::Tag)), ("gone", None)]
    {
        let run = Run { head_branch: Some(name.to_owned()), head_sha: head_sha.clone(), ..Run::default() };
        let place = Place { tenant: &tenant, repository: &repository };
        assert_eq!(seconder.ref_kind(place, &run).await.unwrap(), kind, "{name}");
    }
}

/// As `seconder policy check --repo` does.
async fn a_repository_is_looked_at_for_whoever_writes_its_policy(checkpoint: &Checkpoint, stage: &Stage) {
    let seconder = client(checkpoint, stage);
    stage.github.file(SHOP, "olga", ".github/workflows/deploy.yml", Some("jobs: {}\n"));
    let (tenant, repository) = seconder.locate("acme", "shop").await.unwrap();
    let place = Place { tenant: &tenant, repository: &repository };
    assert_eq!(seconder.policy_and_workflows(place).await.unwrap().workflows.len(), 1);
    assert_eq!(seconder.environments(place).await.unwrap(), ["production", "staging"]);
    assert!(!seconder.everybody_with_access(place).await.unwrap().is_empty());
    assert_eq!(seconder.team_members(place, "acme", "platform").await.unwrap().map(|all| all.len()), Some(2));
    assert_eq!(seconder.account(place, "nobody-at-all").await.unwrap(), None);
}

/// With a file that is stored wrong the first time. That GitHub refuses burnt tags (422) its description does not know.
async fn the_ledger_is_published(checkpoint: &Checkpoint, stage: &Stage) {
    const LEDGER: &str = "acme/ledger";
    stage.github.repository(LEDGER);
    stage.github.immutable_releases(LEDGER, true);
    stage.github.spoil_uploads(LEDGER, &[Spoiled::Altered]);
    let seconder = Arc::new(client(checkpoint, stage));
    let publications = stage.server().store().publications();
    let folder = stage.config().data_dir.join("publications");
    let target = Target::parse("ledger").unwrap();
    let publisher = Publisher::new(publications, seconder.clone(), target, None, folder);
    let log = stage.log().await;
    let Outcome::Published { batch, immutable: true, .. } = publisher.publish(&log, &|_| {}).await.unwrap() else {
        panic!("not published");
    };
    // A server that tells no digests is asked for the file.
    let (tenant, repository) = seconder.locate("acme", "ledger").await.unwrap();
    let place = Place { tenant: &tenant, repository: &repository };
    let mut releases = Vec::new();
    seconder.each_release(place, |release| releases.push(release)).await.unwrap();
    let release = releases.into_iter().find(|release| release.tag == batch.tag).unwrap();
    for asset in seconder.release_assets(place, release.id).await.unwrap() {
        assert_eq!(Some(seconder.asset_digest(place, &asset).await.unwrap()), asset.digest);
    }
}

/// As on a branch to which somebody else writes, too. A conflict (409) fits GitHub's description in two ways, where it says one.
async fn its_checkpoint_is_committed(checkpoint: &Checkpoint, stage: &Stage) {
    const LEDGER: &str = "acme/ledger";
    stage.github.commit(LEDGER, &Commit::by("olga", "A branch for checkpoints").on("checkpoints"));
    let seconder = client(checkpoint, stage);
    let (tenant, repository) = seconder.locate("acme", "ledger").await.unwrap();
    let place = Place { tenant: &tenant, repository: &repository };
    let path = "checkpoints/0123";
    let commit = |branch, text, replaces| FileCommit { branch, path, text, message: "A checkpoint", replaces };
    assert_eq!(seconder.file_on_branch(place, "checkpoints", path).await.unwrap(), None);
    seconder.commit_file(place, &commit("checkpoints", "one", None)).await.unwrap();
    let one = seconder.file_on_branch(place, "checkpoints", path).await.unwrap().unwrap();
    seconder.commit_file(place, &commit("checkpoints", "two", Some(&one.blob))).await.unwrap();
    let two = seconder.file_on_branch(place, "checkpoints", path).await.unwrap().unwrap();
    assert_eq!((one.text.as_str(), two.text.as_str()), ("one", "two"));
    let again = seconder.commit_file(place, &commit("checkpoints", "three", None)).await;
    assert!(matches!(again, Err(client::Error::Unprocessable { status: 422, .. })), "{again:?}");
    let nowhere = seconder.commit_file(place, &commit("nowhere", "one", None)).await;
    assert!(matches!(nowhere, Err(client::Error::NotFound { .. })), "{nowhere:?}");
}

fn client(checkpoint: &Checkpoint, stage: &Stage) -> GitHub {
    let settings = Settings {
        api_url: checkpoint.url.clone(),
        app_id: stage.github.app_id(),
        private_key: stage.github.app_private_key_pem().to_owned().into(),
        limits: Limits::default(),
        clock: system_clock(),
    };
    GitHub::new(&settings).unwrap()
}

/// Stops the server, if there is one, and starts it where it reaches GitHub through the checkpoint only.
async fn restart_behind(checkpoint: &Checkpoint, stage: &mut Stage) {
    stage.stop().await;
    let mut config = stage.config();
    config.github.api_url.clone_from(&checkpoint.url);
    config.lease = Duration::from_secs(30); // Prism takes its time.
    let server = Server::start(config).await.unwrap();
    stage.send_webhooks_to(&server);
    stage.server = Some(server);
}

fn was_called(github: &seconder::demo::GitHub, end: &str) -> bool {
    github.calls().iter().any(|call| call.route.ends_with(end))
}

/// `METHOD /template` or the query's name of everything the fake was asked.
fn made(stage: &Stage) -> BTreeSet<String> {
    let calls = stage.github.calls();
    calls
        .iter()
        .map(|call| {
            call.route
                .strip_prefix("/graphql ")
                // Uploads have a host of their own; GitHub describes them as if it were the same.
                .map_or_else(|| format!("{} {}", call.method, call.route.replace("/uploads/", "/")), str::to_owned)
        })
        .collect()
}

fn described() -> BTreeSet<String> {
    let operations = OPERATIONS.iter().map(|operation| format!("{} {}", operation.method, operation.path));
    operations.chain(QUERIES.map(str::to_owned)).collect()
}

/// A path's fixed parts: `/actions/runs/{}/approvals`, below the repository if it is below one.
fn shape(path: &str) -> String {
    let path = path.strip_prefix("/repos/{owner}/{repo}").unwrap_or(path);
    let path = path.split('?').next().unwrap_or_default().replace("{base}...{head}", "{basehead}");
    let mut shape = String::new();
    for (place, part) in path.split('{').enumerate() {
        shape.push_str(if place == 0 { part } else { "{}" });
        if place > 0 {
            shape.push_str(part.split_once('}').map_or("", |(_, rest)| rest));
        }
    }
    shape
}

/// Every string literal in the client that is a path of GitHub's API.
fn paths_in_source() -> BTreeSet<String> {
    /// Parts of addresses that are no paths themselves.
    const PARTS: [&str; 5] = ["/repos/{}/{}{rest}", "/repos/", "/api/v3", "/v3", "/actions/"];
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/github");
    let mut source = Vec::new();
    let mut folders = vec![folder];
    while let Some(folder) = folders.pop() {
        for path in std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            match path.extension() {
                _ if path.is_dir() => folders.push(path),
                Some(extension) if extension == "rs" => source.push(path),
                _ => {}
            }
        }
    }
    let mut paths = BTreeSet::new();
    for text in source.into_iter().map(|path| std::fs::read_to_string(path).unwrap()) {
        let code = text.lines().filter(|line| !line.trim_start().starts_with("//"));
        for line in code {
            let literals = line.split('"').skip(1).step_by(2);
            let is_path = |literal: &&str| literal.starts_with('/') && literal.len() > 1 && !PARTS.contains(literal);
            paths.extend(literals.filter(is_path).map(shape));
        }
    }
    paths
}
