//! Hands work to the worker as it is written, already leased: no second commit to claim it.
//!
//! Both ways are bounded. What does not fit stays in the database without a lease and is claimed later; as long as such a
//! backlog exists, only decisions overtake it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use tokio::sync::{Notify, mpsc};

use super::{Delivery, EffectDue};
use crate::domain::Millis;
use crate::domain::effect::Urgency;

/// Whether a write to this installation may go out now (rate limits). Asked with the installation's id.
pub type MayHand = Arc<dyn Fn(u64, Urgency) -> bool + Send + Sync>;

/// Proof that work is ours: whoever claims it later gets another one.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Lease(pub(super) String);

impl Lease {
    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}

/// Work for the worker, as it comes. Ends when the store is closed.
#[derive(Debug)]
pub struct Handed {
    /// Webhooks to handle.
    pub deliveries: mpsc::Receiver<Delivery>,
    /// Calls to make. The more urgent of one transaction come first.
    pub effects: mpsc::Receiver<EffectDue>,
}

pub(super) struct Hand {
    deliveries: Outlet<Delivery>,
    effects: Outlet<EffectDue>,
    may_hand: MayHand,
    lease_for: Millis,
    process: String,
    leases: AtomicU64,
    /// Somebody should claim: rows without a lease were written.
    pub(super) waiting: Arc<Notify>,
}

struct Outlet<T> {
    sender: mpsc::Sender<T>,
    behind: AtomicBool,
}

impl Hand {
    pub(super) fn new(deliveries: usize, effects: usize, may_hand: MayHand, lease_for: Millis) -> (Self, Handed) {
        let (delivery_sender, deliveries) = mpsc::channel(deliveries.max(1));
        let (effect_sender, effects) = mpsc::channel(effects.max(1));
        let hand = Self {
            deliveries: Outlet { sender: delivery_sender, behind: AtomicBool::new(true) },
            effects: Outlet { sender: effect_sender, behind: AtomicBool::new(true) },
            may_hand,
            lease_for,
            process: uuid::Uuid::now_v7().simple().to_string(),
            leases: AtomicU64::new(0),
            waiting: Arc::new(Notify::new()),
        };
        (hand, Handed { deliveries, effects })
    }

    pub(super) fn lease_for(&self) -> std::time::Duration {
        std::time::Duration::from_millis(u64::try_from(self.lease_for).unwrap_or_default())
    }

    /// A lease nobody had before, and when it ends.
    pub(super) fn lease(&self, now: Millis) -> (Lease, Millis) {
        let n = self.leases.fetch_add(1, Ordering::Relaxed);
        (Lease(format!("{}-{n}", self.process)), now.saturating_add(self.lease_for))
    }

    /// A place for one more delivery, unless the worker has enough or others wait already.
    pub(super) fn delivery(&self) -> Option<mpsc::OwnedPermit<Delivery>> {
        if self.deliveries.behind.load(Ordering::SeqCst) {
            return None;
        }
        self.deliveries.sender.clone().try_reserve_owned().ok()
    }

    /// A place for one more effect. Half of the places are kept for decisions and answers.
    pub(super) fn effect(&self, installation_id: u64, urgency: Urgency) -> Option<mpsc::OwnedPermit<EffectDue>> {
        let sender = &self.effects.sender;
        let kept_free = if urgency <= Urgency::Answer { 0 } else { sender.max_capacity() / 2 };
        let overtakes = urgency == Urgency::Decision || !self.effects.behind.load(Ordering::SeqCst);
        if !overtakes || sender.capacity() <= kept_free || !(self.may_hand)(installation_id, urgency) {
            return None;
        }
        sender.clone().try_reserve_owned().ok()
    }

    /// Deliveries without a lease are in the database now.
    pub(super) fn deliveries_wait(&self) {
        self.deliveries.behind.store(true, Ordering::SeqCst);
        self.waiting.notify_one();
    }

    /// Effects without a lease are in the database now.
    pub(super) fn effects_wait(&self) {
        self.effects.behind.store(true, Ordering::SeqCst);
        self.waiting.notify_one();
    }

    /// Call before claiming: what is written from here on speaks for itself.
    pub(super) fn caught_up_with_deliveries(&self) {
        self.deliveries.behind.store(false, Ordering::SeqCst);
    }

    /// Call before claiming: what is written from here on speaks for itself.
    pub(super) fn caught_up_with_effects(&self) {
        self.effects.behind.store(false, Ordering::SeqCst);
    }

    /// A claim came back full: there is more.
    pub(super) fn still_behind_with_deliveries(&self) {
        self.deliveries.behind.store(true, Ordering::SeqCst);
    }

    /// A claim came back full: there is more.
    pub(super) fn still_behind_with_effects(&self) {
        self.effects.behind.store(true, Ordering::SeqCst);
    }
}
