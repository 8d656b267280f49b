//! A ledger to publish, and a GitHub to publish it on.

use std::time::Duration;

use seconder::app::publish::{Error, Outcome, Publisher, Target};
use seconder::demo::{GitHub, Level, Options, User, UserKind};
use seconder::domain::schedule::Schedule;
use seconder::ledger::entry::Header;
use seconder::store::{LogHead, Store, Work};
use serde_json::Value;

use crate::support::database::Database;
use crate::support::stage::adapter;
use crate::support::{ACME, case, case_of, held};

pub const LEDGER: &str = "acme/ledger";
/// Longer than anybody waits for an answer.
pub const HANG: Duration = Duration::from_secs(600);

/// A GitHub whose App may publish.
pub fn granted() -> Options {
    let mut options = Options::default();
    options.permissions.insert("contents".into(), Level::Write);
    options
}

/// The same as an Enterprise Server.
pub fn enterprise() -> Options {
    Options { enterprise_server: true, ..granted() }
}

pub struct Press<'a> {
    pub database: &'a Database,
    pub github: GitHub,
    pub store: Store,
}

impl<'a> Press<'a> {
    pub async fn set(database: &'a Database, options: Options) -> Self {
        let github = GitHub::start(options).await.unwrap();
        let owner = User { login: "acme".into(), id: Some(ACME), kind: UserKind::Organization, ..User::default() };
        github.add_user(&owner);
        github.repository(LEDGER);
        let (store, _handed) = database.open().await;
        Self { database, github, store }
    }

    /// Stops the server and copies its database.
    pub async fn backup(&mut self) -> Vec<u8> {
        self.store.close().await;
        let copy = std::fs::read(self.database.folder().join("seconder.db")).unwrap();
        (self.store, _) = self.database.reopen().await;
        copy
    }

    /// Stops the server, and starts it on the copy.
    pub async fn restore(&mut self, copy: &[u8]) {
        self.store.close().await;
        std::fs::write(self.database.folder().join("seconder.db"), copy).unwrap();
        (self.store, _) = self.database.reopen().await;
    }

    /// Something is held: the log grows.
    pub async fn hold(&self, run: u64) {
        let event = Some(held(&case(run)));
        self.store.commit(Work { claim: None, event }).await.unwrap();
    }

    /// The other account has a repository for its ledger, too.
    pub fn account(&self, tenant: u64) {
        let login = format!("account-{tenant}");
        let kind = UserKind::Organization;
        self.github.add_user(&User { login: login.clone(), id: Some(tenant), kind, ..User::default() });
        self.github.repository(&format!("{login}/ledger"));
    }

    /// The same in another account's log.
    pub async fn hold_of(&self, tenant: u64, run: u64) {
        let event = Some(held(&case_of(tenant, run)));
        self.store.commit(Work { claim: None, event }).await.unwrap();
    }

    pub async fn log(&self) -> LogHead {
        let logs = self.store.ledger().logs().await.unwrap();
        logs.into_iter().find(|log| log.tenant == ACME).unwrap()
    }

    /// The entries of a type.
    pub async fn entries_of(&self, wanted: &str) -> Vec<Value> {
        let log = self.log().await;
        let lines = self.store.ledger().entries(log.tenant, 0, log.size, 1_000).await.unwrap();
        let is_wanted = |line: &&String| Header::parse(line).unwrap().record_type == wanted;
        lines.iter().filter(is_wanted).map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    pub fn publisher(&self) -> Publisher {
        self.publisher_to("ledger", None)
    }

    pub fn publisher_on(&self, schedule: &str) -> Publisher {
        self.publisher_to("ledger", Some(schedule))
    }

    pub fn publisher_to(&self, target: &str, schedule: Option<&str>) -> Publisher {
        let schedule = schedule.map(|text| Schedule::parse(text).unwrap());
        let target = Target::parse(target).unwrap();
        let folder = self.database.folder().join("publications");
        Publisher::new(self.store.publications(), adapter(&self.github), target, schedule, folder)
    }

    pub async fn publish(&self) -> Result<Outcome, Error> {
        self.publisher().publish(&self.log().await, &|_| {}).await
    }

    pub fn folder_is_empty(&self) -> bool {
        std::fs::read_dir(self.database.folder().join("publications")).unwrap().next().is_none()
    }
}

impl Drop for Press<'_> {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            assert_eq!(self.github.unknown_routes(), Vec::<String>::new(), "GitHub has no such routes");
        }
    }
}
