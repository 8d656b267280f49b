//! A stage to act on: a small world on a fake GitHub, and a real Seconder server beside it.

use std::sync::Arc;
use std::time::Duration;

use seconder::config::{Anchors, Config, GitHub as GitHubConfig, KeySource, LedgerReaders, Log, Publish};
use seconder::demo::{CheckRun, Commit, Deploy, GitHub, Options, PullRequest, RunId, User, UserKind};
use seconder::server::Server;
use tempfile::TempDir;

mod ledger;

pub const SHOP: &str = "acme/shop";
pub const PATIENCE: Duration = Duration::from_secs(20);

/// mona works with an agent, alice and bob could second her, rita may only read, olga is an admin.
pub struct Stage {
    pub github: GitHub,
    pub server: Option<Server>,
    pub database_url: String,
    folder: TempDir,
    writes_per_minute: u32,
    lease: Duration,
    publish: Option<Publish>,
    /// Who vouches for the ledger; heeded by servers that start later.
    pub anchors: Anchors,
}

impl Stage {
    /// The usual world, on SQLite.
    pub async fn set() -> Self {
        Self::set_with(Options::default()).await
    }

    pub async fn set_with(options: Options) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let database_url = format!("sqlite://{}", folder.path().join("seconder.db").display());
        Self::set_on(options, database_url, folder).await
    }

    /// The usual world, on a database of your own.
    pub async fn set_on(options: Options, database_url: String, folder: TempDir) -> Self {
        let github = GitHub::start(options).await.unwrap();
        build_world(&github);
        let mut stage = Self {
            github,
            server: None,
            database_url,
            folder,
            writes_per_minute: 0,
            lease: Duration::from_secs(5),
            publish: None,
            anchors: Anchors::default(),
        };
        stage.start().await;
        stage
    }

    /// The usual world, with a server that may write to GitHub only so often, and a GitHub that insists on it.
    pub async fn set_paced(writes_per_minute: u32) -> Self {
        let mut stage = Self::set().await;
        stage.stop().await;
        stage.writes_per_minute = writes_per_minute;
        stage.start().await;
        stage
    }

    /// The usual world, with leases that run out after so long.
    pub async fn set_with_lease(lease: Duration) -> Self {
        let mut stage = Self::set().await;
        stage.stop().await;
        stage.lease = lease;
        stage.start().await;
        stage
    }

    /// Publishes its ledgers from the next start on.
    pub fn publish_to(&mut self, repository: &str, schedule: Option<&str>) {
        self.publish =
            Some(Publish { repository: repository.into(), schedule: schedule.map(str::to_owned), branch: None });
    }

    /// Commits checkpoints to this branch there, too.
    pub fn commit_to(&mut self, branch: &str) {
        self.publish.as_mut().unwrap().branch = Some(branch.to_owned());
    }

    pub async fn start(&mut self) {
        let server = Server::start(self.config()).await.unwrap();
        self.send_webhooks_to(&server);
        self.server = Some(server);
    }

    /// One more server on the same database.
    pub async fn another_replica(&self) -> Server {
        Server::start(self.config()).await.unwrap()
    }

    pub fn send_webhooks_to(&self, server: &Server) {
        self.github.set_webhook(&format!("http://{}/github/webhooks", server.address()), "a secret of this test");
    }

    pub async fn stop(&mut self) {
        if let Some(server) = self.server.take() {
            server.stop().await;
        }
    }

    /// The data folder.
    pub fn folder(&self) -> &std::path::Path {
        self.folder.path()
    }

    pub fn server(&self) -> &Server {
        self.server.as_ref().unwrap()
    }

    pub fn config(&self) -> Config {
        Config {
            listen: ([127, 0, 0, 1], 0).into(),
            data_dir: self.folder.path().to_owned(),
            database_url: self.database_url.clone().into(),
            ledger_host: "seconder.test".into(),
            ledger_key: KeySource::File(self.folder.path().join("ledger.key")),
            ledger_next_key: None,
            ledger_readers: LedgerReaders::Nobody,
            github: GitHubConfig {
                api_url: self.github.api_url(),
                app_id: self.github.app_id(),
                private_key: self.github.app_private_key_pem().to_owned().into(),
                webhook_secrets: vec!["a secret of this test".to_owned().into()],
                writes_per_minute: self.writes_per_minute,
                writes_per_hour: 0,
                points_per_minute: 0,
            },
            concurrency: 16,
            lease: self.lease,
            recovery: Duration::from_secs(3_600),
            publish: self.publish.clone(),
            anchors: self.anchors.clone(),
            keep_facts: None,
            log: Log { filter: "warn".into(), json: false },
        }
    }

    /// A policy that was there before the last good deployment.
    pub fn policy(&self, text: &str) {
        self.github.file(SHOP, "olga", ".github/seconder.yml", Some(text));
        self.deployed_before();
    }

    /// Everything so far was deployed before Seconder guarded production.
    pub fn deployed_before(&self) {
        let head = self.github.commit(SHOP, &Commit::by("olga", "Before"));
        self.github.unguarded_environment(SHOP, "production");
        let run = self.github.deploy(SHOP, &Deploy::to("production", &head, "olga"));
        self.github.finish(run, true);
        self.github.environment(SHOP, "production");
    }

    /// An agent's commit, brought by mona's pull request, on main.
    pub fn agents_commit(&self) -> String {
        let message = "Speed up checkout\n\nCo-Authored-By: Claude <noreply@anthropic.com>";
        self.merge("mona", "mona", message)
    }

    /// A commit no agent touched.
    pub fn humans_commit(&self) -> String {
        self.merge("mona", "mona", "Fix a typo")
    }

    /// A commit by `author` on main, brought by a pull request that `opener` opened.
    pub fn merge(&self, author: &str, opener: &str, message: &str) -> String {
        let sha = self.github.commit(SHOP, &Commit::by(author, message));
        self.github.pull_request(
            SHOP,
            &PullRequest {
                author: opener.into(),
                head_branch: "topic".into(),
                title: "A change".into(),
                commits: vec![sha.clone()],
                merged_as: Some(sha.clone()),
                ..PullRequest::default()
            },
        );
        sha
    }

    pub fn deploy(&self, sha: &str) -> RunId {
        self.github.deploy(SHOP, &Deploy::to("production", sha, "mona"))
    }

    /// One more deployment waits for a second human: the log grows.
    pub async fn hold(&self) {
        let sha = self.agents_commit();
        self.deploy(&sha);
        self.asked(&sha).await;
    }

    /// Waits for the check run with buttons on a commit.
    pub async fn asked(&self, sha: &str) -> CheckRun {
        self.check(sha, |check| !check.actions.is_empty()).await
    }

    /// Waits until a check run on a commit looks as wanted.
    pub async fn check(&self, sha: &str, wanted: impl Fn(&CheckRun) -> bool) -> CheckRun {
        let find = |github: &GitHub| github.check_runs(SHOP, sha).into_iter().find(|check| wanted(check));
        self.until("a check run as wanted", |github| find(github).is_some()).await;
        find(&self.github).unwrap()
    }

    /// Waits for the decision GitHub is told: `approved` or `rejected`, and the comment.
    pub async fn decision(&self, run: RunId) -> (String, String) {
        self.until("a decision", |github| !github.callbacks(run).is_empty()).await;
        let decision = self.github.callbacks(run).remove(0);
        (decision.state.unwrap_or_default(), decision.comment)
    }

    pub async fn until(&self, what: &str, wanted: impl FnMut(&GitHub) -> bool) {
        if self.github.wait_until(PATIENCE, wanted).await.is_err() {
            let calls: Vec<_> = self.github.calls().iter().rev().take(12).map(|c| format!("{c:?}")).collect();
            panic!("waited in vain for {what}; newest calls first:\n{}", calls.join("\n"));
        }
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            assert_eq!(self.github.unknown_routes(), Vec::<String>::new(), "GitHub has no such routes");
        }
    }
}

/// The adapter alone, which asks this GitHub.
pub fn adapter(github: &GitHub) -> Arc<seconder::github::GitHub> {
    let settings = seconder::github::Settings {
        api_url: github.api_url(),
        app_id: github.app_id(),
        private_key: github.app_private_key_pem().to_owned().into(),
        limits: seconder::github::pacing::Limits::default(),
        clock: seconder::app::system_clock(),
    };
    Arc::new(seconder::github::GitHub::new(&settings).unwrap())
}

pub fn build_world(github: &GitHub) {
    github.org("acme");
    github.repository(SHOP);
    for (login, role) in [
        ("mona", "write"),
        ("alice", "write"),
        ("bob", "write"),
        ("rita", "read"),
        ("olga", "admin"),
        ("dora", "maintain"),
    ] {
        github.user(login, UserKind::User);
        github.collaborator(SHOP, login, role);
    }
    github.add_user(&User { login: "shopbot[bot]".into(), kind: UserKind::Bot, ..User::default() });
    github.collaborator(SHOP, "shopbot[bot]", "write");
    github.team("acme/platform", &["alice", "olga"]);
    github.team("acme/security", &["bob"]);
    // One commit has been deployed before Seconder was switched on.
    let first = github.commit(SHOP, &Commit::by("olga", "Open the shop"));
    github.unguarded_environment(SHOP, "production");
    let run = github.deploy(SHOP, &Deploy::to("production", &first, "olga"));
    github.finish(run, true);
    github.environment(SHOP, "production");
}
