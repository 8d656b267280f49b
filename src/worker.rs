//! Takes deliveries, effects and timers as they come due, and calls the app. Everything it holds is also a row with a
//! lease: when this process dies, another one, or the next one, takes over.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinSet;
use tracing::{error, warn};

use self::floor::Floor;
use crate::app::anchor::Anchors;
use crate::app::branch::Branch;
use crate::app::guard::Guard;
use crate::app::publish::{Publisher, Released};
use crate::app::{App, Clock, Pulse};
use crate::domain::Millis;
use crate::store::{DatabaseClock, Handed};

mod floor;

/// How often the clock is looked at for requests whose time is over.
const TICK: Duration = Duration::from_secs(1);
/// How often the database is asked what time it is.
const LOOK_AT_THE_CLOCK: Duration = Duration::from_secs(30);
/// How often it is looked whether a ledger's checkpoint is to be committed.
const GLANCE: Duration = Duration::from_secs(10);
/// How often it is tried again to see what was published.
const LOOK_AT_RELEASES: Duration = Duration::from_secs(60);
/// How often what is done and old is thrown away.
const SWEEP: Duration = Duration::from_secs(3_600);
/// How long what is done is remembered; GitHub redelivers for three days at most.
const MEMORY: Millis = 7 * 24 * 3_600_000;

/// Works until it is told to stop, then finishes what it has begun.
pub struct Worker {
    /// Does the work.
    pub app: Arc<App>,
    /// Publishes the ledgers, where that is wanted.
    pub publisher: Option<Arc<Publisher>>,
    /// Work that comes straight from the transaction that wrote it down.
    pub handed: Handed,
    /// How many deliveries, decisions and other effects are worked on at once, each.
    pub concurrency: usize,
    /// How often to look for missed webhooks.
    pub recovery: Duration,
    /// How long what decided requests were judged by is kept; `None`: for ever.
    pub keep_facts: Option<Duration>,
    /// Tells the time.
    pub clock: Clock,
    /// Shows that the worker lives.
    pub pulse: Arc<Pulse>,
    /// What `clock` goes by, to be set by the database now and then; absent when it goes by something else.
    pub database_clock: Option<Arc<DatabaseClock>>,
    /// Brings checkpoints to those who vouch for them; absent when nobody does.
    pub anchors: Option<Arc<Anchors>>,
    /// Remembers what was signed.
    pub guard: Arc<Guard>,
    /// Compares what was published with the database; absent when nothing is published.
    pub released: Option<Arc<Released>>,
    /// Commits checkpoints, where that is wanted.
    pub branch: Option<Arc<Branch>>,
}

impl Worker {
    /// Works until `shutdown` turns true.
    pub async fn run(self, shutdown: watch::Receiver<bool>) {
        let Self {
            app,
            publisher,
            handed,
            concurrency,
            recovery,
            keep_facts,
            clock,
            pulse,
            database_clock,
            anchors,
            guard,
            released,
            branch,
        } = self;
        let mut tasks = JoinSet::new();
        tasks.spawn(Floor::new(app.clone(), concurrency).work(handed, shutdown.clone()));
        tasks.spawn(every(TICK, shutdown.clone(), {
            let (app, clock) = (app.clone(), clock.clone());
            move || {
                let (app, pulse, clock) = (app.clone(), pulse.clone(), clock.clone());
                async move {
                    pulse.beat(clock());
                    if let Err(error) = app.due().await {
                        error!(%error, "could not look for requests whose time is over");
                    }
                }
            }
        }));
        if let Some(database_clock) = database_clock {
            tasks.spawn(every(LOOK_AT_THE_CLOCK, shutdown.clone(), {
                let app = app.clone();
                move || {
                    let (app, clock) = (app.clone(), database_clock.clone());
                    async move {
                        if let Err(error) = clock.read(app.store()).await {
                            warn!(%error, "could not ask the database for the time; it goes on by itself");
                        }
                    }
                }
            }));
        }
        tasks.spawn(every(TICK, shutdown.clone(), {
            let app = app.clone();
            move || remember(app.clone(), guard.clone())
        }));
        if let Some(anchors) = anchors {
            tasks.spawn(every(anchors.glance(), shutdown.clone(), move || {
                let anchors = anchors.clone();
                async move {
                    if let Err(error) = anchors.due().await {
                        error!(%error, "could not bring checkpoints to those who vouch for them");
                    }
                }
            }));
        }
        tasks.spawn(every(recovery, shutdown.clone(), {
            let app = app.clone();
            move || {
                let app = app.clone();
                async move {
                    if let Err(error) = app.recover().await {
                        warn!(%error, "could not look for missed webhooks");
                    }
                }
            }
        }));
        if let Some(publisher) = publisher {
            tasks.spawn(every(TICK, shutdown.clone(), move || {
                let publisher = publisher.clone();
                async move {
                    if let Err(error) = publisher.due().await {
                        error!(%error, "could not look for ledgers that are to be published");
                    }
                }
            }));
        }
        if let Some(released) = released {
            tasks.spawn(every(LOOK_AT_RELEASES, shutdown.clone(), move || {
                let released = released.clone();
                async move {
                    if let Err(error) = released.look_again().await {
                        error!(%error, "could not compare what was published with the ledgers");
                    }
                }
            }));
        }
        if let Some(branch) = branch {
            tasks.spawn(every(GLANCE, shutdown.clone(), move || {
                let branch = branch.clone();
                async move {
                    if let Err(error) = branch.due().await {
                        error!(%error, "could not look for checkpoints that are to be committed");
                    }
                }
            }));
        }
        tasks.spawn(every(SWEEP, shutdown, move || {
            let (app, now) = (app.clone(), clock());
            let millis = |kept: Duration| Millis::try_from(kept.as_millis()).unwrap_or(Millis::MAX);
            let old = keep_facts.map(|kept| now.saturating_sub(millis(kept)));
            async move {
                if let Err(error) = app.store().purge_done(now.saturating_sub(MEMORY)).await {
                    warn!(%error, "could not throw away what is done");
                }
                if let Some(old) = old
                    && let Err(error) = app.store().forget_facts(old).await
                {
                    warn!(%error, "could not forget what old requests were judged by");
                }
            }
        }));
        while tasks.join_next().await.is_some() {}
    }
}

/// Writes the newest checkpoints down beside the database.
async fn remember(app: Arc<App>, guard: Arc<Guard>) {
    let written = tokio::task::spawn_blocking(move || guard.remember(&app.store().heads())).await;
    if let Ok(Err(error)) = written {
        error!(%error, "could not remember the newest checkpoints in the data folder");
    }
}

/// Calls `work` at once and then every so often. A call is never cut short: shutdown waits for it.
async fn every<F: Future<Output = ()>>(period: Duration, mut shutdown: watch::Receiver<bool>, work: impl Fn() -> F) {
    let mut clock = tokio::time::interval(period);
    clock.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = clock.tick() => work().await,
            () = asked_to_stop(&mut shutdown) => return,
        }
    }
}

async fn asked_to_stop(shutdown: &mut watch::Receiver<bool>) {
    // An error means that whoever could ask is gone: the same.
    let _ = shutdown.wait_for(|stop| *stop).await;
}
