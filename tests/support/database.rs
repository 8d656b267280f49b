//! Stories about storage run on both engines.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use seconder::domain::Millis;
use seconder::store::{Error, Handed, Options, Store};
use zeroize::Zeroizing;

use super::postgres;

/// How long claimed work is ours in stories, in milliseconds.
pub const LEASE: Millis = 60_000;

/// A database and a clock that stands still unless the story moves it.
pub struct Database {
    /// Its URL.
    pub url: String,
    clock: Arc<AtomicI64>,
    folder: tempfile::TempDir,
}

/// Tells a story on SQLite, then on PostgreSQL.
pub fn on_both(story: impl AsyncFn(&Database)) {
    on_sqlite(&story);
    on_postgres(&story);
}

/// Tells a story on SQLite.
pub fn on_sqlite(story: impl AsyncFn(&Database)) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let url = format!("sqlite://{}", folder.path().join("seconder.db").display());
    tell(&story, folder, url);
}

/// Tells a story on PostgreSQL.
pub fn on_postgres(story: impl AsyncFn(&Database)) {
    tell(&story, tempfile::tempdir().expect("a temporary folder"), postgres::fresh_database());
}

fn tell(story: &impl AsyncFn(&Database), folder: tempfile::TempDir, url: String) {
    eprintln!("on {}", url.split(':').next().unwrap_or_default());
    let database = Database { url, clock: Arc::new(AtomicI64::new(1_700_000_000_000)), folder };
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime");
    runtime.block_on(story(&database));
}

impl Database {
    /// Where its files are.
    pub fn folder(&self) -> &std::path::Path {
        self.folder.path()
    }

    /// How a server would open it. It starts with claims only: call [`Store::claim_deliveries`] once, empty, to be handed work.
    pub fn options(&self) -> Options {
        let clock = Arc::clone(&self.clock);
        Options {
            url: self.url.clone(),
            host: "seconder.test".to_owned(),
            seed: Zeroizing::new([7; 32]),
            next_seed: None,
            clock: Arc::new(move || clock.load(Ordering::SeqCst)),
            lease_for: LEASE,
            may_hand: Arc::new(|_, _| true),
            ingest_on: tokio::runtime::Handle::current(),
            deliveries_in_memory: 1_000,
            effects_in_memory: 1_000,
        }
    }

    /// Opens it as one more server would.
    pub async fn open(&self) -> (Store, Handed) {
        self.open_with(self.options()).await
    }

    /// Opens it with these options, and claims once, as the worker does when it starts.
    pub async fn open_with(&self, options: Options) -> (Store, Handed) {
        let (store, handed) = Store::open(options).await.expect("the store opens");
        assert_eq!(store.claim_deliveries(1).await.expect("claiming").len(), 0, "a story begins with nothing to do");
        assert_eq!(store.claim_effects(1, &[]).await.expect("claiming").len(), 0, "a story begins with nothing to do");
        (store, handed)
    }

    /// Opens it as a server that has this key to sign with, and this one as the next.
    pub async fn open_with_keys(&self, own: u8, next: Option<u8>) -> Result<Store, Error> {
        let seed = |n| Zeroizing::new([n; 32]);
        let (store, _) = Store::open(Options { seed: seed(own), next_seed: next.map(seed), ..self.options() }).await?;
        store.settle_keys().await?;
        Ok(store)
    }

    /// Opens it when there may be work left to do.
    pub async fn reopen(&self) -> (Store, Handed) {
        Store::open(self.options()).await.expect("the store opens")
    }

    /// The time now.
    pub fn now(&self) -> Millis {
        self.clock.load(Ordering::SeqCst)
    }

    /// Lets time pass.
    pub fn pass(&self, milliseconds: Millis) {
        self.clock.fetch_add(milliseconds, Ordering::SeqCst);
    }
}
