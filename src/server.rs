//! A whole server: store, GitHub, app, worker and HTTP put together. Used by `seconder serve`, the demo and the tests.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use secrecy::ExposeSecret as _;
use tokio::net::TcpListener;
use tokio::runtime::{Handle, Runtime};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::app::anchor::{self, Accepted, Anchors};
use crate::app::branch::Branch;
use crate::app::guard::{Guard, Refusal};
use crate::app::publish::{Publisher, Released, Target, Witnessing};
use crate::app::{self, App, Clock, Pulse};
use crate::config::{self, Config, LedgerReaders, Publish, make_data_dir};
use crate::domain::Millis;
use crate::domain::schedule::Schedule;
use crate::github::pacing::Limits;
use crate::github::webhook::Secrets;
use crate::github::{GitHub, Settings};
use crate::http::{self, Access, Counters, Endpoints, Room, Window};
use crate::keys;
use crate::store::{DatabaseClock, Options, Store};
use crate::worker::Worker;

/// How long work that has begun may take to end when the server is asked to stop.
const GRACE: Duration = Duration::from_secs(10);

/// How long a server that starts waits for witnesses.
const FIRST_WORD: Duration = Duration::from_secs(20);

/// A server that runs until it is stopped.
pub struct Server {
    front: Front,
    address: SocketAddr,
    store: Store,
    guard: Arc<Guard>,
    stop: watch::Sender<bool>,
    http: JoinHandle<()>,
    worker: JoinHandle<()>,
}

impl Server {
    /// Opens the store, starts the worker and listens.
    pub async fn start(config: Config) -> anyhow::Result<Self> {
        Self::start_on_machine(config, app::system_clock()).await
    }

    /// The same on a machine whose clock says something else. It does not matter: the database's counts.
    pub async fn start_on_machine(config: Config, machine: Clock) -> anyhow::Result<Self> {
        let clock = DatabaseClock::new(machine);
        Self::start_by(config, clock.clock(), Some(clock)).await
    }

    /// The same by another clock altogether, for those who cannot wait a day to see a request expire.
    pub async fn start_with_clock(config: Config, clock: Clock) -> anyhow::Result<Self> {
        Self::start_by(config, clock, None).await
    }

    async fn start_by(
        config: Config,
        clock: Clock,
        database_clock: Option<Arc<DatabaseClock>>,
    ) -> anyhow::Result<Self> {
        let publish = config.publish.as_ref().map(read_publish).transpose()?;
        let witnessing = witnessing(&config.anchors)?;
        make_data_dir(&config.data_dir)
            .with_context(|| format!("SECONDER_DATA_DIR: cannot make {}", config.data_dir.display()))?;
        let seed = keys::load_or_make(&config.ledger_key)?;
        let next_seed = config.ledger_next_key.as_ref().map(keys::load_next).transpose()?;
        let limits = Limits {
            writes_per_second: 0,
            writes_per_minute: config.github.writes_per_minute,
            writes_per_hour: config.github.writes_per_hour,
            points_per_minute: config.github.points_per_minute,
        };
        let github = Arc::new(GitHub::new(&Settings {
            api_url: config.github.api_url,
            app_id: config.github.app_id,
            private_key: config.github.private_key,
            limits,
            // A clock that is made up is not GitHub's.
            clock: database_clock.as_ref().map_or_else(app::system_clock, DatabaseClock::clock),
        })?);
        let front = Front::open()?;
        let (store, handed) = Store::open(Options {
            url: config.database_url.expose_secret().to_owned(),
            host: config.ledger_host,
            seed,
            next_seed,
            clock: clock.clone(),
            lease_for: Millis::try_from(config.lease.as_millis())?,
            may_hand: {
                let (github, clock) = (github.clone(), clock.clone());
                Arc::new(move |installation, urgency| github.pacer().may(installation, urgency, clock()).is_ok())
            },
            deliveries_in_memory: config.concurrency,
            effects_in_memory: config.concurrency * 2,
            ingest_on: front.handle()?,
        })
        .await
        .context("SECONDER_DATABASE_URL: the database cannot be opened")?;
        if let Some(clock) = &database_clock {
            // Before anything is done by it.
            clock.read(&store).await.context("SECONDER_DATABASE_URL: the database does not say what time it is")?;
        }
        let accepted = Accepted(config.anchors.accepted_rollbacks);
        let settings = anchor::Settings {
            policy: config.anchors.witness_policy,
            timestamp_url: config.anchors.timestamp_url,
            every: config.anchors.every,
            accepted: accepted.clone(),
        };
        let guard = Arc::new(Guard::new(&config.data_dir, accepted));
        let released = publish
            .as_ref()
            .map(|(target, _)| Arc::new(Released::new(store.clone(), github.clone(), target.clone(), guard.clone())));
        let anchors = match may_sign(&store, &guard, released.as_ref(), &clock, settings).await {
            Ok(anchors) => anchors,
            Err(refusal) => {
                store.close().await;
                return Err(refusal);
            }
        };
        store.settle_keys().await.context("SECONDER_LEDGER_NEXT_KEY: the ledgers' keys cannot be changed")?;
        let listener = TcpListener::bind(config.listen)
            .await
            .with_context(|| format!("SECONDER_LISTEN: cannot listen on {}", config.listen))?;
        let address = listener.local_addr()?;

        let (stop, stopped) = watch::channel(false);
        let pulse = Arc::new(Pulse::default());
        pulse.beat(clock()); // From here on it has ten seconds to move it itself.
        let branch = config.publish.and_then(|publish| publish.branch);
        let branch = branch
            .zip(publish.as_ref())
            .map(|(name, (target, _))| Branch::new(store.clone(), github.clone(), target.clone(), name, guard.clone()))
            .map(Arc::new);
        let publisher = publish.map(|(target, schedule)| {
            let folder = publications_below(&config.data_dir);
            Publisher::new(store.publications(), github.clone(), target, schedule, folder).witnessed(witnessing)
        });
        let has_branch = branch.is_some();
        let worker = Worker {
            app: Arc::new(App::new(store.clone(), github, clock.clone())),
            publisher: publisher.map(Arc::new),
            handed,
            concurrency: config.concurrency,
            recovery: config.recovery,
            keep_facts: config.keep_facts,
            clock: clock.clone(),
            pulse: pulse.clone(),
            database_clock,
            anchors,
            guard: guard.clone(),
            released: released.clone(),
            branch,
        };
        let worker = tokio::spawn(worker.run(stopped.clone()));
        let endpoints = Endpoints {
            store: store.clone(),
            secrets: Secrets::new(config.github.webhook_secrets),
            pulse,
            clock,
            counters: Counters::default(),
            room: Room::default(),
            released,
            has_branch,
            log: Window::new(store.ledger(), readers(config.ledger_readers), Handle::current()),
        };
        let http = front.handle()?.spawn(listen(listener.into_std()?, endpoints, stopped));
        Ok(Self { front, address, store, guard, stop, http, worker })
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where it keeps everything.
    #[must_use]
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// Stops taking work, finishes what has begun, closes the store. What is left over is in the database.
    pub async fn stop(self) {
        let _ = self.stop.send(true);
        let end = async {
            let _ = self.http.await;
            let _ = self.worker.await;
        };
        if tokio::time::timeout(GRACE, end).await.is_err() {
            tracing::warn!("some work did not end in time; it will be taken up at the next start");
        }
        self.store.close().await;
        if let Err(error) = self.guard.remember(&self.store.heads()) {
            tracing::warn!(%error, "could not remember the newest checkpoints");
        }
        drop(self.front);
    }
}

/// Where and when to publish.
///
/// # Errors
/// What is wrong with which setting, and what to write.
pub fn read_publish(publish: &Publish) -> anyhow::Result<(Target, Option<Schedule>)> {
    let target = Target::parse(&publish.repository).with_context(|| {
        format!(
            "SECONDER_PUBLISH_REPOSITORY: {:?} is neither NAME nor OWNER/NAME, like ledger or acme/ledger",
            publish.repository
        )
    })?;
    let schedule = publish.schedule.as_deref().map(Schedule::parse).transpose();
    Ok((target, schedule.map_err(|why| anyhow::anyhow!("SECONDER_PUBLISH_SCHEDULE: {why}"))?))
}

/// Who vouches for what is published. A publication waits for them as long as two rounds of asking and a minute take.
///
/// # Errors
/// What is wrong with which setting.
pub fn witnessing(anchors: &config::Anchors) -> anyhow::Result<Witnessing> {
    let policy = anchors.witness_policy.as_deref().map(Witnessing::policy_of).transpose();
    let policy = policy.map_err(|why| anyhow::anyhow!("SECONDER_WITNESS_POLICY: {why}"))?;
    let patience = anchors.every.saturating_mul(2).saturating_add(Duration::from_secs(60));
    Ok(Witnessing { policy, is_dated: anchors.timestamp_url.is_some(), patience })
}

/// Where the files of publications are while they are uploaded.
#[must_use]
pub fn publications_below(data_dir: &std::path::Path) -> std::path::PathBuf {
    data_dir.join("publications")
}

/// Makes sure that the database holds all that was ever signed, as far as anybody who can be asked knows. Returns those who
/// will be asked from now on.
async fn may_sign(
    store: &Store,
    guard: &Guard,
    released: Option<&Arc<Released>>,
    clock: &Clock,
    settings: anchor::Settings,
) -> anyhow::Result<Option<Arc<Anchors>>> {
    guard.check_remembered(store).await?;
    let anchors = Anchors::new(store.clone(), clock.clone(), settings).map_err(anyhow::Error::msg)?.map(Arc::new);
    if let Some(anchors) = &anchors {
        store.ask_again().await?;
        match tokio::time::timeout(FIRST_WORD, anchors.due()).await {
            Ok(asked) => drop(asked?),
            Err(_) => tracing::warn!("not all witnesses have answered yet; the server starts, and asks on"),
        }
        let alarms = store.ledger_alarms().await?;
        if !alarms.is_empty() {
            return Err(Refusal::Witnessed(alarms.join("; ")).into());
        }
    } else {
        store.drop_alarms().await?;
    }
    if let Some(released) = released {
        released.may_sign().await?;
    }
    guard.remember(&store.heads()).context("SECONDER_DATA_DIR: the newest checkpoints cannot be remembered there")?;
    Ok(anchors)
}

fn readers(readers: LedgerReaders) -> Access {
    match readers {
        LedgerReaders::Nobody => Access::Nobody,
        LedgerReaders::Everybody => Access::Everybody,
        LedgerReaders::Bearers(tokens) => Access::bearers(tokens.into_iter().map(|it| (it.tenant, it.token))),
    }
}

/// A thread of its own for what GitHub waits for: HTTP, and writing webhooks down. However much there is to decide,
/// an acknowledgement waits for no more than the transaction under way.
struct Front(Option<Runtime>);

impl Front {
    fn open() -> std::io::Result<Self> {
        let log = tracing::dispatcher::get_default(Clone::clone);
        let mut runtime = tokio::runtime::Builder::new_multi_thread();
        // It logs where whoever starts it logs, for as long as the thread lives.
        runtime.on_thread_start(move || std::mem::forget(tracing::dispatcher::set_default(&log)));
        Ok(Self(Some(runtime.worker_threads(1).thread_name("front").enable_all().build()?)))
    }

    fn handle(&self) -> anyhow::Result<Handle> {
        Ok(self.0.as_ref().context("the server is stopped")?.handle().clone())
    }
}

impl Drop for Front {
    fn drop(&mut self) {
        // A runtime must not be waited for inside another one.
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}

async fn listen(listener: std::net::TcpListener, endpoints: Endpoints, mut stopped: watch::Receiver<bool>) {
    let listener = match TcpListener::from_std(listener) {
        Ok(listener) => listener,
        Err(error) => return tracing::error!(%error, "cannot listen"),
    };
    let serving =
        axum::serve(http::Prompt::new(listener), http::router(endpoints)).with_graceful_shutdown(async move {
            let _ = stopped.wait_for(|stop| *stop).await;
        });
    if let Err(error) = serving.await {
        tracing::error!(%error, "stopped listening");
    }
}
