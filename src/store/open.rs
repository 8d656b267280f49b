//! Opening the database with the tasks that write to it, and closing it so that nothing accepted is lost.

use std::sync::{Arc, Mutex};

use tokio::sync::mpsc;

use super::cases::Cases;
use super::connection::{Database, Line, Readers};
use super::hand::Hand;
use super::heads::Heads;
use super::keys::Signer;
use super::policies::Repositories;
use super::remembered::Memory;
use super::{Error, Handed, Intake, LedgerReader, Options, Running, Shared, Store};
use super::{claims, commit, deliveries, requests, tiles};

/// How many may wait for a transaction; more have to wait before they can wait.
const QUEUE: usize = 1_024;
impl Store {
    /// Opens the database, brings its tables up to date and starts the tasks that write to it.
    ///
    /// # Errors
    /// If the URL cannot be used, the database cannot be reached, another server has the SQLite file, or the key or the
    /// host name cannot be used.
    pub async fn open(options: Options) -> Result<(Self, Handed), Error> {
        let signer = Arc::new(Signer::new(options.host, options.seed, options.next_seed)?);
        let database = Database::parse(&options.url)?;
        let lock = database.lock()?;
        database.migrate().await?;
        let ledger = LedgerReader::of(&database);
        signer.check(&ledger).await?;
        tiles::catch_up(&database, &ledger).await?;
        let heads = Heads::default();
        heads.learn(ledger.logs().await?);
        let ingest = Arc::new(Line::new(database.clone()));
        let (decide, chores) = match database.is_sqlite() {
            true => (Arc::clone(&ingest), Arc::clone(&ingest)),
            false => (Arc::new(Line::new(database.clone())), Arc::new(Line::new(database.clone()))),
        };
        if database.is_sqlite() {
            // Nobody else has the file, so whoever had a lease is dead.
            claims::clear(&chores).await?;
        }
        let (hand, handed) =
            Hand::new(options.deliveries_in_memory, options.effects_in_memory, options.may_hand, options.lease_for);
        let shared = Arc::new(Shared {
            ingest,
            decide,
            chores,
            readers: Arc::new(Readers::new(&database)),
            ledger,
            heads,
            cases: Arc::new(Cases::new(database.is_sqlite())),
            repositories: Repositories::new(),
            memory: Memory::new(database.is_sqlite()),
            signer,
            hand,
            clock: options.clock,
            several_writers: !database.is_sqlite(),
        });
        let (arrivals, arriving) = mpsc::channel(QUEUE);
        let (submissions, submitted) = mpsc::channel(QUEUE);
        let (questions, asked) = mpsc::channel(QUEUE);
        let tasks = vec![
            options.ingest_on.spawn(deliveries::ingest(Arc::clone(&shared), arriving)),
            tokio::spawn(commit::run(Arc::clone(&shared), submitted)),
            tokio::spawn(requests::read(Line::new(database), Arc::clone(&shared.cases), asked)),
        ];
        let intake = Intake { arrivals, submissions, questions };
        let running = Arc::new(Mutex::new(Some(Running { intake, tasks, lock })));
        Ok((Self { shared, running }, handed))
    }

    /// Writes what was accepted, then closes the database and frees the SQLite file.
    pub async fn close(&self) {
        let Some(Running { intake, tasks, lock }) = self.running().take() else { return };
        drop(intake);
        for task in tasks {
            // A task that panicked has nothing left to write.
            let _ = task.await;
        }
        for line in [&self.shared.ingest, &self.shared.decide, &self.shared.chores] {
            line.close().await;
        }
        self.shared.readers.close().await;
        self.shared.ledger.close().await;
        drop(lock);
    }
}
