//! The stage: a fake GitHub with a few people on it, and a real Seconder server beside it.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, anyhow, bail, ensure};
use serde_json::{Map, Value};

use crate::config::{Anchors, Config, GitHub as GitHubConfig, KeySource, LedgerReaders, Log};
use crate::demo::{Commit, Deploy, GitHub, Options, User, UserKind};
use crate::ledger::sealing::{self, Subject};
use crate::server::Server;
use crate::store::{Clock, LogHead};

/// The repository of the story.
pub(super) const SHOP: &str = "acme/shop";
/// The bot that tries its luck.
pub(super) const BOT: &str = "shopbot[bot]";
/// How long something may take that takes milliseconds: long enough for a machine that is busy with other things.
pub(super) const PATIENCE: Duration = Duration::from_secs(30);
/// Between two looks at a database that tells nobody when it changes.
const GLANCE: Duration = Duration::from_millis(20);

/// What is on it.
pub(super) struct Stage {
    pub github: GitHub,
    pub clock: Arc<MovableClock>,
    server: Option<Server>,
    address: String,
    folder: PathBuf,
}

impl Stage {
    /// Starts both servers and introduces them to each other.
    pub async fn set(folder: &Path) -> anyhow::Result<Self> {
        let github = GitHub::start(Options::default()).await.context("the demo's GitHub cannot listen on loopback")?;
        populate(&github);
        let secret = uuid::Uuid::new_v4().to_string();
        let clock = Arc::new(MovableClock::default());
        let config = config(folder, &github, &secret);
        let server = Server::start_with_clock(config, clock.as_clock()).await?;
        let address = format!("http://{}", server.address());
        github.set_webhook(&format!("{address}/github/webhooks"), &secret);
        Ok(Self { github, clock, server: Some(server), address, folder: folder.to_owned() })
    }

    /// Where the server listens.
    pub fn server_url(&self) -> &str {
        &self.address
    }

    /// Where the server keeps its things.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The server.
    pub fn server(&self) -> anyhow::Result<&Server> {
        self.server.as_ref().context("the server has stopped")
    }

    /// Waits until GitHub looks as wanted.
    pub async fn until(&self, what: &str, wanted: impl FnMut(&GitHub) -> bool) -> anyhow::Result<()> {
        self.github.wait_until(PATIENCE, wanted).await.map_err(|_| {
            let calls: Vec<String> = self
                .github
                .calls()
                .iter()
                .rev()
                .take(5)
                .map(|c| format!("{} {} {}", c.method, c.path, c.status))
                .collect();
            anyhow!("waited {PATIENCE:?} for {what}, in vain; GitHub's newest calls: {}", calls.join(", "))
        })
    }

    /// The only log there is: of the one account the App is installed on.
    pub async fn log(&self) -> anyhow::Result<LogHead> {
        let mut logs = self.server()?.store().ledger().logs().await?;
        match (logs.pop(), logs.pop()) {
            (Some(log), None) => Ok(log),
            (None, _) => bail!("the ledger is empty"),
            (Some(_), Some(_)) => bail!("there are several ledgers where one was expected"),
        }
    }

    /// Every entry of the ledger so far, with the names that are sealed in it.
    pub async fn entries(&self) -> anyhow::Result<Vec<Value>> {
        let ledger = self.server()?.store().ledger();
        if ledger.logs().await?.is_empty() {
            return Ok(Vec::new());
        }
        let log = self.log().await?;
        let lines = ledger.entries(log.tenant, 0, log.size, usize::MAX).await?;
        let mut openings: HashMap<u64, String> =
            ledger.openings(log.tenant, 0, log.size, usize::MAX).await?.into_iter().collect();
        let accounts: HashMap<Subject, u64> =
            ledger.subjects(log.tenant).await?.into_iter().map(|person| (person.subject, person.account_id)).collect();
        let mut entries = Vec::with_capacity(lines.len());
        for (seq, line) in (0..).zip(&lines) {
            let mut entry: Map<String, Value> = serde_json::from_str(line)?;
            let name = entry.get("type").and_then(Value::as_str).unwrap_or_default().to_owned();
            let openings = openings.remove(&seq).map(|text| serde_json::from_str(&text)).transpose()?;
            sealing::open(&name, &mut entry, openings.unwrap_or_default(), &|subject| accounts.get(&subject).copied())?;
            entries.push(Value::Object(entry));
        }
        Ok(entries)
    }

    /// Waits for an entry of this type, and returns the newest one.
    pub async fn entry(&self, record_type: &str, wanted: impl Fn(&Value) -> bool) -> anyhow::Result<Value> {
        let looking = async {
            loop {
                let entries = self.entries().await?;
                if let Some(entry) = entries.into_iter().rev().find(|e| e["type"] == record_type && wanted(e)) {
                    return Ok(entry);
                }
                tokio::time::sleep(GLANCE).await;
            }
        };
        tokio::time::timeout(PATIENCE, looking)
            .await
            .unwrap_or_else(|_| Err(anyhow!("the ledger has no such {record_type} after {PATIENCE:?}")))
    }

    /// Waits until nothing is left to do: no webhook to handle, no call to make.
    pub async fn quiet(&self) -> anyhow::Result<()> {
        let (mut last, mut since) = (None, Instant::now());
        loop {
            let health = self.server()?.store().health().await?;
            let left = health.queued_effects + health.queued_deliveries;
            if health.failed_effects + health.failed_deliveries > 0 {
                bail!("the server gave something up: {health:?}");
            }
            if left == 0 {
                return Ok(());
            }
            if last.replace(left) != Some(left) {
                since = Instant::now();
            }
            ensure!(since.elapsed() < PATIENCE, "the server has not moved for {PATIENCE:?}: {health:?}");
            tokio::time::sleep(GLANCE).await;
        }
    }

    /// Stops the server.
    pub async fn stop(&mut self) {
        if let Some(server) = self.server.take() {
            server.stop().await;
        }
    }
}

fn config(folder: &Path, github: &GitHub, secret: &str) -> Config {
    Config {
        listen: ([127, 0, 0, 1], 0).into(),
        data_dir: folder.to_owned(),
        database_url: format!("sqlite://{}", folder.join("seconder.db").display()).into(),
        ledger_host: "demo.seconder.example".into(),
        ledger_key: KeySource::File(folder.join("ledger.key")),
        ledger_next_key: None,
        ledger_readers: LedgerReaders::Nobody,
        github: GitHubConfig {
            api_url: github.api_url(),
            app_id: github.app_id(),
            private_key: github.app_private_key_pem().to_owned().into(),
            webhook_secrets: vec![secret.to_owned().into()],
            writes_per_minute: 0,
            writes_per_hour: 0,
            points_per_minute: 0,
        },
        concurrency: 64,
        lease: Duration::from_secs(60),
        recovery: Duration::from_secs(3_600),
        publish: None,
        anchors: Anchors::default(),
        keep_facts: None,
        log: Log { filter: "off".into(), json: false },
    }
}

fn populate(github: &GitHub) {
    github.org("acme");
    github.repository(SHOP);
    populate_people(github, SHOP);
    deploy_before_the_rule(github, SHOP);
}

/// mona works with an agent; alice had no part; shopbot is an App's bot that may write; olga is an admin.
pub(super) fn populate_people(github: &GitHub, repository: &str) {
    for (login, role) in [("mona", "write"), ("alice", "write"), ("olga", "admin")] {
        github.user(login, UserKind::User);
        github.collaborator(repository, login, role);
    }
    github.add_user(&User { login: BOT.to_owned(), kind: UserKind::Bot, ..User::default() });
    github.collaborator(repository, BOT, "write");
}

/// Something has been deployed before the rule was switched on.
pub(super) fn deploy_before_the_rule(github: &GitHub, repository: &str) {
    let first = github.commit(repository, &Commit::by("olga", "Open the shop"));
    github.unguarded_environment(repository, "production");
    let run = github.deploy(repository, &Deploy::to("production", &first, "olga"));
    github.finish(run, true);
    github.environment(repository, "production");
}

/// This machine's clock, and how far it was moved on.
#[derive(Debug, Default)]
pub(super) struct MovableClock {
    ahead: AtomicI64,
}

impl MovableClock {
    /// Milliseconds since the Unix epoch.
    pub fn now(&self) -> i64 {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
        i64::try_from(since.as_millis()).unwrap_or(i64::MAX).saturating_add(self.ahead.load(Ordering::Relaxed))
    }

    /// Moves it on, in milliseconds.
    pub fn advance(&self, by: i64) {
        self.ahead.fetch_add(by.max(0), Ordering::Relaxed);
    }

    fn as_clock(self: &Arc<Self>) -> Clock {
        let clock = Arc::clone(self);
        Arc::new(move || clock.now())
    }
}
