//! Where deliveries and effects are worked on, side by side.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::Instant;
use tracing::{error, warn};

use super::asked_to_stop;
use crate::app::{App, backoff};
use crate::domain::Millis;
use crate::domain::effect::Urgency;
use crate::store::{Claim, Delivery, EffectDue, Handed};

/// How often rows are looked for that nobody handed over: those whose time has come, and those whose lease ran out.
const POLL: Duration = Duration::from_millis(500);
/// A delivery is tried for a day while GitHub is out of order. Then it is left for a human, and for a redelivery.
const PATIENCE: Millis = 24 * 3_600_000;
/// What GitHub denies may still come: its replicas lag. So often it is asked again.
const LOOKS: u64 = 3;
/// How many effects are taken in at once at most.
const HANDFUL: usize = 64;

/// Where deliveries and effects are worked on. Each kind has places of its own: no number of deliveries or openings can
/// be in the way of a decision.
pub(super) struct Floor {
    app: Arc<App>,
    deliveries: Arc<Semaphore>,
    decisions: Places,
    others: Places,
    running: JoinSet<()>,
    /// A claim came back full: there is more in the database.
    behind: bool,
}

impl Floor {
    pub(super) fn new(app: Arc<App>, places: usize) -> Self {
        Self {
            app,
            deliveries: Arc::new(Semaphore::new(places)),
            decisions: Places::new(places),
            others: Places::new(places),
            running: JoinSet::new(),
            behind: false,
        }
    }

    pub(super) async fn work(mut self, mut handed: Handed, mut shutdown: watch::Receiver<bool>) {
        let waiting = self.app.store().waiting();
        let mut effects = Vec::with_capacity(HANDFUL);
        let mut poll = tokio::time::interval(POLL);
        poll.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                biased;
                () = asked_to_stop(&mut shutdown) => break,
                1.. = handed.effects.recv_many(&mut effects, HANDFUL) => self.begin_effects(effects.drain(..)),
                Some(delivery) = handed.deliveries.recv(), if self.deliveries.available_permits() > 0 => {
                    self.begin_delivery(delivery);
                }
                () = waiting.notified() => self.claim().await,
                _ = poll.tick() => self.claim().await,
                Some(_) = self.running.join_next() => {
                    self.begin_waiting();
                    if self.behind && self.running.len() < self.deliveries.available_permits() {
                        self.claim().await;
                    }
                }
            }
        }
        put_back(self.app.clone(), self.decisions.clear().chain(self.others.clear()).collect()).await;
        while self.running.join_next().await.is_some() {}
    }

    /// Takes from the database what nobody handed over, as far as there are places for it.
    async fn claim(&mut self) {
        self.behind = false;
        let free = self.deliveries.available_permits();
        if free > 0 {
            match self.app.store().claim_deliveries(free).await {
                Ok(claimed) => {
                    self.behind |= claimed.len() == free;
                    claimed.into_iter().for_each(|delivery| self.begin_delivery(delivery));
                }
                Err(error) => error!(%error, "could not claim deliveries"),
            }
        }
        let free = self.decisions.free().min(self.others.free());
        if free > 0 {
            match self.app.store().claim_effects(free, &self.app.saturated()).await {
                Ok(claimed) => {
                    self.behind |= claimed.len() == free;
                    self.begin_effects(claimed.into_iter());
                }
                Err(error) => error!(%error, "could not claim effects"),
            }
        } else {
            self.behind = true;
        }
    }

    fn begin_delivery(&mut self, delivery: Delivery) {
        match self.deliveries.clone().try_acquire_owned() {
            Ok(place) => self.running.spawn(handle(self.app.clone(), delivery, place)),
            Err(_) => self.running.spawn(put_back(self.app.clone(), vec![delivery.claim()])),
        };
    }

    fn begin_effects(&mut self, effects: impl Iterator<Item = EffectDue>) {
        let mut too_many = Vec::new();
        for effect in effects {
            let places = if effect.urgency == Urgency::Decision { &mut self.decisions } else { &mut self.others };
            too_many.extend(places.seat(effect).map(|effect| effect.claim()));
            self.begin_waiting();
        }
        if !too_many.is_empty() {
            self.behind = true;
            self.running.spawn(put_back(self.app.clone(), too_many));
        }
    }

    fn begin_waiting(&mut self) {
        for places in [&mut self.decisions, &mut self.others] {
            while let Some((waiting, place)) = places.next() {
                self.running.spawn(perform(self.app.clone(), waiting, place));
            }
        }
    }
}

/// Where one kind of effect is performed, and a row of seats before it: to put back what was handed over, and to claim it
/// again, takes two commits.
struct Places {
    places: Arc<Semaphore>,
    /// The urgent first, then the older.
    waiting: VecDeque<Waiting>,
    seats: usize,
}

struct Waiting {
    effect: EffectDue,
    since: Instant,
}

impl Places {
    fn new(places: usize) -> Self {
        Self { places: Arc::new(Semaphore::new(places)), waiting: VecDeque::new(), seats: places }
    }

    fn free(&self) -> usize {
        self.places.available_permits()
    }

    /// Returns the effect when every seat is taken.
    fn seat(&mut self, effect: EffectDue) -> Option<EffectDue> {
        if self.waiting.len() >= self.seats {
            return Some(effect);
        }
        let at = self.waiting.partition_point(|other| other.effect.urgency <= effect.urgency);
        self.waiting.insert(at, Waiting { effect, since: Instant::now() });
        None
    }

    /// Who is next, if there is a place.
    fn next(&mut self) -> Option<(Waiting, OwnedSemaphorePermit)> {
        if self.waiting.is_empty() {
            return None;
        }
        let place = self.places.clone().try_acquire_owned().ok()?;
        Some((self.waiting.pop_front()?, place))
    }

    fn clear(&mut self) -> impl Iterator<Item = Claim> {
        self.waiting.drain(..).map(|waiting| waiting.effect.claim())
    }
}

async fn handle(app: Arc<App>, delivery: Delivery, _place: OwnedSemaphorePermit) {
    let claim = delivery.claim();
    let Err(error) = keeping(&app, &claim, Box::pin(app.handle(&delivery))).await else { return };
    let settled = if let Some(until) = error.retry_at() {
        warn!(delivery = %delivery.id, until, "GitHub asks us to wait");
        app.store().release(&[claim], until).await.map(drop)
    } else if app.age(delivery.received_at) < PATIENCE && (error.is_transient() || delivery.attempts < LOOKS) {
        let wait = backoff(delivery.attempts);
        warn!(delivery = %delivery.id, attempts = delivery.attempts, %error, ?wait, "delivery will be tried again");
        app.store().retry(&claim, app.after(wait), &error.to_string()).await.map(drop)
    } else {
        error!(delivery = %delivery.id, attempts = delivery.attempts, %error, "delivery given up; redeliver it once the cause is mended");
        app.store().fail_delivery(&claim, &error.to_string()).await.map(drop)
    };
    if let Err(error) = settled {
        error!(delivery = %delivery.id, %error, "could not write down how a delivery ended; its lease will run out");
    }
}

async fn perform(app: Arc<App>, Waiting { effect, since }: Waiting, _place: OwnedSemaphorePermit) {
    let claim = effect.claim();
    if since.elapsed() > app.store().lease_for() / 3 && !is_still_ours(&app, &claim).await {
        return;
    }
    if let Err(error) = keeping(&app, &claim, Box::pin(app.perform(&effect))).await {
        error!(request = %effect.request, effect = effect.effect.as_str(), %error, "could not write down how an effect ended; its lease will run out");
    }
}

/// Renews a lease. When that fails, somebody else may have it.
async fn is_still_ours(app: &App, claim: &Claim) -> bool {
    app.store().renew(claim).await.unwrap_or_else(|error| {
        warn!(%error, "could not renew a lease");
        false
    })
}

/// Works, and keeps the lease for as long as that takes: slow work must not be begun a second time elsewhere. The work is
/// boxed: its state is large, and would be moved with the task as that begins.
async fn keeping<T>(app: &App, claim: &Claim, mut work: Pin<Box<impl Future<Output = T>>>) -> T {
    let period = app.store().lease_for() / 3;
    loop {
        match tokio::time::timeout(period, &mut work).await {
            Ok(done) => return done,
            Err(_) => {
                is_still_ours(app, claim).await;
            }
        }
    }
}

/// Every place is taken: the rows wait for the next look.
async fn put_back(app: Arc<App>, claims: Vec<Claim>) {
    if claims.is_empty() {
        return;
    }
    if let Err(error) = app.store().release(&claims, 0).await {
        warn!(%error, "could not put work back; its lease will run out");
    }
}
