//! What rules rest on besides the repository's own file: the organization's file, CODEOWNERS, and being told of changes.

use std::sync::Arc;

use seconder::app::{App, system_clock};
use seconder::demo::{Commit, GitHub as Fake, Options, PullRequest, Trouble};
use seconder::domain::gate::{Repository, Tenant};
use seconder::github::facts::PolicyFile;
use seconder::github::files::FileAt;
use seconder::github::organization::OrganizationFile;
use seconder::github::webhook::{Incoming, RulesChange, RulesMayHaveChanged};
use seconder::github::{GitHub, Place};
use seconder::store::{NewDelivery, StoredPolicy};

use crate::support::database::on_both;
use crate::support::stage::{SHOP, adapter, build_world};

const HOUSE: &str = "acme/.github";
const FILE: &str = "seconder.yml";

/// The usual world on a fake GitHub, and the adapter that asks it.
struct Scene {
    github: Fake,
    seconder: Arc<GitHub>,
    tenant: Tenant,
}

impl Scene {
    async fn set() -> Self {
        Self::set_with(Options::default()).await
    }

    async fn set_with(options: Options) -> Self {
        let github = Fake::start(options).await.unwrap();
        build_world(&github);
        let seconder = adapter(&github);
        let account_id = github.user("acme", seconder::demo::UserKind::Organization);
        let tenant = Tenant { account_id, login: "acme".into(), installation_id: github.org("acme") };
        Self { github, seconder, tenant }
    }

    /// What GitHub says of the organization's file now.
    async fn file(&self) -> OrganizationFile {
        self.seconder.forget_organization_policy(&self.tenant);
        self.seconder.organization_policy(&self.tenant).await.unwrap()
    }

    async fn owners(&self, commit: &str) -> FileAt {
        let repository = Repository { id: self.github.repository_id(SHOP), owner: "acme".into(), name: "shop".into() };
        self.seconder.code_owners(Place { tenant: &self.tenant, repository: &repository }, commit).await.unwrap()
    }

    fn write(&self, repository: &str, path: &str, text: &str) -> String {
        self.github.file(repository, "olga", path, Some(text))
    }
}

fn text_of(file: &OrganizationFile) -> &str {
    match file {
        OrganizationFile::Seen(PolicyFile::Present { text, .. }) => text,
        other => panic!("no text: {other:?}"),
    }
}

fn why_unreadable(file: &OrganizationFile) -> &str {
    match file {
        OrganizationFile::Seen(PolicyFile::Unreadable { why, .. }) => why,
        other => panic!("not unreadable: {other:?}"),
    }
}

#[tokio::test]
async fn the_organizations_file_is_read_from_its_own_repository_with_a_token_for_nothing_else() {
    let scene = Scene::set().await;
    scene.write(SHOP, FILE, "not this one");
    let commit = scene.write(HOUSE, FILE, "version: 1 # for all\n");
    let OrganizationFile::Seen(PolicyFile::Present { commit: read, blob, text }) = scene.file().await else { panic!() };
    assert_eq!((read, blob.len(), text.as_str()), (commit, 40, "version: 1 # for all\n"));
    let call = scene.github.calls().pop().unwrap();
    assert_eq!((&*call.caller, call.repositories), ("contents:read,metadata:read", Some(1)));
}

#[tokio::test]
async fn it_is_asked_for_once_a_minute_however_many_need_it() {
    let scene = Scene::set().await;
    scene.write(HOUSE, FILE, "version: 1");
    let ask = || scene.seconder.organization_policy(&scene.tenant);
    let (first, ..) = tokio::join!(ask(), ask(), ask());
    assert_eq!(text_of(&first.unwrap()), "version: 1");
    assert_eq!(scene.seconder.calls().total(), 2, "a token and a question");
    scene.write(HOUSE, FILE, "version: 1 # new");
    assert_eq!(text_of(&ask().await.unwrap()), "version: 1", "believed for a minute");
    assert_eq!(scene.seconder.calls().total(), 2);
    assert_eq!(text_of(&scene.file().await), "version: 1 # new", "unless a webhook came");
    assert_eq!(scene.seconder.calls().total(), 3);
}

#[tokio::test]
async fn a_repository_that_is_missing_hidden_renamed_or_deleted_is_not_visible() {
    let scene = Scene::set().await;
    assert_eq!(scene.file().await, OrganizationFile::NotVisible, "never made");
    assert_eq!(scene.seconder.calls().total(), 1, "which GitHub says at once");
    scene.write(HOUSE, FILE, "version: 1");
    assert_eq!(text_of(&scene.file().await), "version: 1");
    scene.github.hide_repository(HOUSE, true);
    assert_eq!(
        scene.file().await,
        OrganizationFile::NotVisible,
        "taken out of the installation, with a token still good"
    );
    scene.github.hide_repository(HOUSE, false);
    scene.github.rename_repository(HOUSE, "olga", "github-old");
    assert_eq!(scene.file().await, OrganizationFile::NotVisible, "renamed");
    scene.github.rename_repository("acme/github-old", "olga", ".github");
    assert_eq!(text_of(&scene.file().await), "version: 1");
    scene.github.delete_repository(HOUSE, "olga");
    assert_eq!(scene.file().await, OrganizationFile::NotVisible, "deleted");
}

#[tokio::test]
async fn a_repository_that_takes_the_name_of_a_deleted_one_is_read_although_the_token_was_for_the_other() {
    let scene = Scene::set().await;
    scene.write(HOUSE, FILE, "version: 1 # old");
    assert_eq!(text_of(&scene.file().await), "version: 1 # old");
    scene.github.delete_repository(HOUSE, "olga");
    scene.write(HOUSE, FILE, "version: 1 # new");
    assert_eq!(text_of(&scene.file().await), "version: 1 # new");
}

#[tokio::test]
async fn a_file_that_is_not_there_is_absent_and_one_that_cannot_be_read_is_not() {
    let scene = Scene::set().await;
    scene.github.repository(HOUSE);
    let is_absent = |file| matches!(file, OrganizationFile::Seen(PolicyFile::Absent { commit }) if commit.len() == 40);
    assert!(is_absent(scene.file().await));
    scene.write(HOUSE, ".github/seconder.yml", "version: 1");
    assert!(is_absent(scene.file().await), "that would be the repository's own");
    scene.write(HOUSE, "seconder.yml/readme", "a folder of that name");
    assert_eq!(why_unreadable(&scene.file().await), "it is not a file");
    scene.github.file(HOUSE, "olga", "seconder.yml/readme", None);
    scene.write(HOUSE, FILE, "\0");
    assert_eq!(why_unreadable(&scene.file().await), "it is a binary file");
    scene.write(HOUSE, FILE, &"#\n".repeat(300_000));
    assert_eq!(why_unreadable(&scene.file().await), "it is too large: GitHub cut it off");
}

#[tokio::test]
async fn a_name_that_is_somebody_elses_by_now_speaks_for_nobody() {
    let mut scene = Scene::set().await;
    scene.write(HOUSE, FILE, "version: 1");
    scene.tenant.account_id += 1;
    assert!(why_unreadable(&scene.file().await).contains("belongs to another account"));
}

#[tokio::test]
async fn an_app_that_may_not_read_contents_does_not_take_the_file_for_absent() {
    let mut options = Options::default();
    options.permissions.remove("contents");
    let scene = Scene::set_with(options).await;
    scene.write(HOUSE, FILE, "version: 1");
    assert!(why_unreadable(&scene.file().await).contains("permissions"));
}

#[tokio::test]
async fn a_github_that_is_out_of_order_has_not_said_that_there_is_no_file() {
    let scene = Scene::set().await;
    scene.write(HOUSE, FILE, "version: 1");
    for route in ["access_tokens", "graphql OrganizationFile"] {
        scene.github.fail(route, 1, Trouble::Status(502));
        scene.seconder.organization_policy(&scene.tenant).await.unwrap_err();
    }
    assert_eq!(text_of(&scene.seconder.organization_policy(&scene.tenant).await.unwrap()), "version: 1");
}

#[test]
fn a_webhook_about_the_rules_makes_the_organizations_file_read_anew_beside_the_last_good_one() {
    on_both(async |database| {
        let scene = Scene::set().await;
        let (store, mut handed) = database.open().await;
        let app = App::new(store.clone(), scene.seconder.clone(), system_clock());
        scene.write(HOUSE, FILE, "version: 1");
        let found = scene.seconder.organization_policy(&scene.tenant).await.unwrap();
        assert_eq!(text_of(&found), "version: 1");
        let good = StoredPolicy { commit: "c".into(), blob: "b".into(), text: "version: 1".into() };
        store.remember_organization_policy(scene.tenant.account_id, &good).await.unwrap();

        scene.github.delete_repository(HOUSE, "olga");
        let why = RulesChange::Organization;
        let incoming =
            Incoming::RulesMayHaveChanged(RulesMayHaveChanged { tenant: scene.tenant.clone(), repository: None, why });
        let delivery = NewDelivery {
            id: "deleted".to_owned(),
            event: "repository".to_owned(),
            installation_id: scene.tenant.installation_id,
            payload: serde_json::to_string(&incoming).unwrap(),
            is_urgent: incoming.is_urgent(),
        };
        store.receive(delivery).await.unwrap();
        app.handle(&handed.deliveries.try_recv().unwrap()).await.unwrap();
        let lost = scene.seconder.organization_policy(&scene.tenant).await.unwrap();
        assert_eq!(lost, OrganizationFile::NotVisible);
        assert_eq!(store.good_policies(0, scene.tenant.account_id).await.unwrap().organization, Some(good));
        assert_eq!(store.health().await.unwrap().queued_deliveries, 0);
    });
}

#[tokio::test]
async fn owners_are_in_the_first_file_github_looks_for() {
    let scene = Scene::set().await;
    let none = scene.github.tip(SHOP, "main").unwrap();
    let docs = scene.write(SHOP, "docs/CODEOWNERS", "* @docs");
    let root = scene.write(SHOP, "CODEOWNERS", "* @root");
    let house = scene.write(SHOP, ".github/CODEOWNERS", "* @house");
    for (commit, path, expected) in [
        (&docs, "docs/CODEOWNERS", "* @docs"),
        (&root, "CODEOWNERS", "* @root"),
        (&house, ".github/CODEOWNERS", "* @house"),
    ] {
        let FileAt::Present { path: found, text, blob } = scene.owners(commit).await else { panic!("{path}") };
        assert_eq!((found, text.as_str(), blob.len()), (path, expected, 40));
    }
    assert_eq!(scene.owners(&none).await, FileAt::Absent);
    let calls = scene.seconder.calls();
    assert_eq!((calls.total(), calls.graphql), (5, 4), "one call each, and a token");
    scene.owners(&house).await;
    scene.owners(&none).await;
    assert_eq!(scene.seconder.calls(), calls, "a commit never changes");
}

#[tokio::test]
async fn owners_that_cannot_be_read_are_not_nobody() {
    let scene = Scene::set().await;
    let unreadable = async |commit: &str, expected: &str| match scene.owners(commit).await {
        FileAt::Unreadable { why } => assert!(why.contains(expected), "{why}"),
        other => panic!("{expected}: {other:?}"),
    };
    unreadable(&"0".repeat(40), "does not know the commit").await;
    scene.write(SHOP, "CODEOWNERS", "* @root");
    let folder = scene.write(SHOP, ".github/CODEOWNERS/readme", "a folder");
    unreadable(&folder, ".github/CODEOWNERS: it is not a file").await;
    scene.github.file(SHOP, "olga", ".github/CODEOWNERS/readme", None);
    let large = scene.write(SHOP, ".github/CODEOWNERS", &"#\n".repeat(300_000));
    unreadable(&large, "too large").await;
}

/// What a server makes of the webhooks that were sent since.
fn heard(scene: &Scene) -> Vec<String> {
    let read = scene.github.deliveries().into_iter().filter_map(|delivery| {
        let incoming = seconder::github::webhook::parse(&delivery.event, delivery.body()).unwrap()?;
        assert_eq!(incoming.tenant(), &scene.tenant, "{}", delivery.event);
        let place = incoming.repository().map_or("everywhere", |repository| repository.name.as_str());
        match &incoming {
            Incoming::RulesMayHaveChanged(changed) => Some(format!("{:?} {place}", changed.why)),
            Incoming::PullRequestChanged(changed) => Some(format!("#{} {place}", changed.number)),
            _ => None,
        }
    });
    read.collect()
}

#[tokio::test]
async fn whoever_changes_the_rules_is_heard() {
    let scene = Scene::set().await;
    let github = &scene.github;
    assert_eq!(heard(&scene), [""; 0], "a world that is being built says nothing");
    github.repository(HOUSE);
    github.push(SHOP, "mona", &Commit::by("mona", "Only code"));
    github.push(SHOP, "mona", &Commit::by("mona", "Elsewhere").touching(&["CODEOWNERS"]).on("topic"));
    assert_eq!(heard(&scene), [""; 0]);
    github.push_file(SHOP, "olga", ".github/seconder.yml", Some("version: 1"));
    github.push_file(SHOP, "olga", "docs/CODEOWNERS", Some("* @mona"));
    github.push_file(SHOP, "olga", "docs/CODEOWNERS", None);
    github.push_file(HOUSE, "olga", "README.md", Some("Hello"));
    github.join_team("acme/platform", "bob");
    github.leave_team("acme/platform", "bob");
    github.change_role(SHOP, "alice", "read");
    github.change_default_branch(SHOP, "olga", "topic");
    github.rename_repository(HOUSE, "olga", "old");
    github.delete_repository("acme/old", "olga");
    github.open_pull_request(SHOP, &PullRequest { author: "mona".into(), ..PullRequest::default() });
    assert_eq!(
        heard(&scene),
        [
            "Files shop",
            "Files shop",
            "Files shop",
            "Organization everywhere",
            "Teams everywhere",
            "Teams everywhere",
            "Access shop",
            "DefaultBranch shop",
            "Organization everywhere",
            "#1 shop",
        ]
    );
}
