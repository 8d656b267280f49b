//! All SQL, and the one transaction in which everything is decided.
//!
//! One SQL text for SQLite and PostgreSQL. What makes it safe on both: write first, then read; claims are leases in the
//! row; portable types only; every function is run by the same tests on both engines.
//!
//! What makes it fast: whoever wants something written waits in a queue, and everybody in the queue shares a transaction
//! and its few set-based statements. What is written for the worker is handed to it at once, already leased ([`Handed`]).

use std::collections::BTreeSet;
use std::fs::File;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{Notify, mpsc, oneshot};
use tokio::task::JoinHandle;
use zeroize::Zeroizing;

use crate::domain::Millis;
use crate::domain::facts::Facts;
use crate::domain::gate::RequestId;
use crate::domain::request::Request;

mod anchors;
mod branches;
mod cases;
mod claims;
mod clock;
mod commit;
mod connection;
mod deliveries;
mod effects;
mod erasure;
mod error;
mod gather;
mod hand;
mod heads;
mod health;
mod keys;
mod ledger;
mod logs;
mod open;
mod policies;
mod publications;
mod reader;
mod releases;
mod remembered;
mod requests;
mod retries;
mod rotation;
mod signed;
mod sql;
mod subjects;
mod tiles;
mod tree;
mod turns;

pub use anchors::{AnchorDue, Anchored, Anchoring, Contradiction, Witnessed, Witnesses};
pub use branches::BranchStanding;
pub use claims::Claim;
pub use clock::DatabaseClock;
pub use commit::{Committed, Work};
pub use deliveries::{Delivery, NewDelivery, Received};
pub use effects::EffectDue;
pub use erasure::{Eraser, Erasure};
pub use error::Error;
pub use hand::{Handed, Lease, MayHand};
pub use health::Health;
pub use keys::LogKey;
pub use logs::{LedgerReader, LogHead};
pub use policies::{GoodPolicies, StoredPolicy};
pub use publications::{Batch, BatchState, Beside, Plan, Publications, Vouched};
pub use reader::RequestReader;
pub use requests::Of;
pub use rotation::Revocation;
pub use subjects::Person;
pub use tree::Tree;
pub use turns::Turn;

use cases::Cases;
use connection::{Line, Readers};
use hand::Hand;
use heads::Heads;
use keys::Signer;
use policies::Repositories;
use remembered::Memory;
use retries::with_retries;

/// The time now.
pub type Clock = Arc<dyn Fn() -> Millis + Send + Sync>;

/// How to open a store.
pub struct Options {
    /// `sqlite:///path/to/file.db` or `postgres://user:password@host:5432/database`.
    pub url: String,
    /// Host name under which logs are known: the first part of their origin.
    pub host: String,
    /// The secret all log keys grow from.
    pub seed: Zeroizing<[u8; 32]>,
    /// The secret they will grow from: announced in every log, it signs beside the other until it takes its place.
    pub next_seed: Option<Zeroizing<[u8; 32]>>,
    /// The time now.
    pub clock: Clock,
    /// How long claimed work is ours, in milliseconds. Longer than anything takes, retries of one call included.
    pub lease_for: Millis,
    /// Whether a write to an installation may go out now; what may not stays in the database.
    pub may_hand: MayHand,
    /// How many deliveries wait in memory for the worker at most.
    pub deliveries_in_memory: usize,
    /// How many effects wait in memory for the worker at most.
    pub effects_in_memory: usize,
    /// Where webhooks are written down; everything else is written where the store is opened.
    pub ingest_on: tokio::runtime::Handle,
}

struct Shared {
    /// For webhooks that come in. On SQLite all lines are one: there is one writer.
    ingest: Arc<Line>,
    /// For the one transaction.
    decide: Arc<Line>,
    /// For the rest.
    chores: Arc<Line>,
    readers: Arc<Readers>,
    ledger: LedgerReader,
    heads: Heads,
    cases: Arc<Cases>,
    repositories: Repositories,
    memory: Memory,
    signer: Arc<Signer>,
    hand: Hand,
    clock: Clock,
    /// Whether other servers may write to the same database.
    several_writers: bool,
}

/// Ways into the tasks that write and read for everybody.
#[derive(Clone)]
struct Intake {
    arrivals: mpsc::Sender<deliveries::Arrival>,
    submissions: mpsc::Sender<commit::Submission>,
    questions: mpsc::Sender<requests::Question>,
}

/// What ends when the store is closed.
struct Running {
    intake: Intake,
    tasks: Vec<JoinHandle<()>>,
    lock: Option<File>,
}

/// The store. Clones are the same store.
#[derive(Clone)]
pub struct Store {
    shared: Arc<Shared>,
    running: Arc<Mutex<Option<Running>>>,
}

impl Store {
    fn running(&self) -> MutexGuard<'_, Option<Running>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn intake(&self) -> Result<Intake, Error> {
        self.running().as_ref().map(|running| running.intake.clone()).ok_or(Error::Closed)
    }

    /// Puts a webhook on disk (P4). It is there when this returns.
    ///
    /// # Errors
    /// If it could not be written.
    pub async fn receive(&self, delivery: NewDelivery) -> Result<Received, Error> {
        let (answer, received) = oneshot::channel();
        let arrival = deliveries::Arrival { delivery, answer };
        self.intake()?.arrivals.send(arrival).await.map_err(|_| Error::Closed)?;
        received.await.map_err(|_| Error::Closed)?
    }

    /// Decides on something that happened, in one transaction. All of it is on disk when this returns, or nothing.
    ///
    /// # Errors
    /// If it could not be written.
    pub async fn commit(&self, work: Work) -> Result<Committed, Error> {
        let (answer, committed) = oneshot::channel();
        let submission = commit::Submission { work, answer };
        self.intake()?.submissions.send(submission).await.map_err(|_| Error::Closed)?;
        committed.await.map_err(|_| Error::Closed)?
    }

    /// A request as it is now.
    ///
    /// # Errors
    /// If it could not be read.
    pub async fn request(&self, id: &RequestId) -> Result<Option<Request>, Error> {
        if let Some(request) = self.shared.cases.request(id) {
            return Ok(Some(request));
        }
        let (answer, found) = oneshot::channel();
        let question = requests::Question { id: id.clone(), answer };
        self.intake()?.questions.send(question).await.map_err(|_| Error::Closed)?;
        found.await.map_err(|_| Error::Closed)?
    }

    /// Whether a request exists.
    ///
    /// # Errors
    /// If it could not be read.
    pub async fn request_exists(&self, id: &RequestId) -> Result<bool, Error> {
        Ok(!requests::known(&self.shared, std::slice::from_ref(id)).await?.is_empty())
    }

    /// Which of these requests exist.
    ///
    /// # Errors
    /// If they could not be read.
    pub async fn known_requests(&self, ids: &[RequestId]) -> Result<BTreeSet<RequestId>, Error> {
        requests::known(&self.shared, ids).await
    }

    /// What a request was judged by; `None` when that was not kept.
    ///
    /// # Errors
    /// If it could not be read.
    pub async fn facts(&self, id: &RequestId) -> Result<Option<Facts>, Error> {
        requests::facts(&self.shared, id).await
    }

    /// Requests whose answer has not left: those that wait for a human, and those that are decided and wait to be released.
    ///
    /// # Errors
    /// If they could not be read.
    pub async fn unanswered(&self, of: Of) -> Result<Vec<RequestId>, Error> {
        requests::unanswered(&self.shared, of).await
    }

    /// The newest requests of a repository, newest first.
    ///
    /// # Errors
    /// If they could not be read.
    pub async fn recent_requests(&self, tenant: u64, repository: u64, limit: usize) -> Result<Vec<RequestId>, Error> {
        requests::recent(&self.shared, tenant, repository, limit).await
    }

    /// Pending requests whose time was over at `now`, the most overdue first.
    ///
    /// # Errors
    /// If they could not be read.
    pub async fn due_requests(&self, now: Millis, limit: usize) -> Result<Vec<RequestId>, Error> {
        requests::due(&self.shared, now, limit).await
    }

    /// When the next pending request expires.
    ///
    /// # Errors
    /// If it could not be read.
    pub async fn next_due(&self) -> Result<Option<Millis>, Error> {
        requests::next_due(&self.shared).await
    }

    /// Place in its tenant's log of the newest decision on a request.
    ///
    /// # Errors
    /// If it could not be read.
    pub async fn decision_seq(&self, id: &RequestId) -> Result<Option<u64>, Error> {
        self.shared.memory.decisions.get(id.clone(), requests::decision_seq(&self.shared, id)).await
    }

    /// Wakes the worker when rows were written that nobody was handed. Rows whose time has not come, or whose lease runs
    /// out, wake nobody: claim now and then.
    #[must_use]
    pub fn waiting(&self) -> Arc<Notify> {
        Arc::clone(&self.shared.hand.waiting)
    }

    /// Leases deliveries nobody has, oldest first.
    ///
    /// # Errors
    /// If they could not be claimed.
    pub async fn claim_deliveries(&self, limit: usize) -> Result<Vec<Delivery>, Error> {
        with_retries(|| deliveries::claim(&self.shared, limit)).await
    }

    /// Leases effects nobody has: the urgent first, then the oldest. `saturated` are installations that may not write now.
    ///
    /// # Errors
    /// If they could not be claimed.
    pub async fn claim_effects(&self, limit: usize, saturated: &[u64]) -> Result<Vec<EffectDue>, Error> {
        with_retries(|| effects::claim(&self.shared, limit, saturated)).await
    }

    /// How long a claim is good for.
    #[must_use]
    pub fn lease_for(&self) -> std::time::Duration {
        self.shared.hand.lease_for()
    }

    /// Keeps a claim for one more lease from now: what takes long must not be begun again by somebody else. Returns whether
    /// it was still ours.
    ///
    /// # Errors
    /// If it could not be written.
    pub async fn renew(&self, claim: &Claim) -> Result<bool, Error> {
        with_retries(|| claims::renew(&self.shared, claim)).await
    }

    /// Puts claimed work back as if nobody had touched it, to be claimed again at `not_before`.
    /// Returns how many of the claims were still ours.
    ///
    /// # Errors
    /// If it could not be written.
    pub async fn release(&self, claims: &[Claim], not_before: Millis) -> Result<u64, Error> {
        with_retries(|| claims::put_back(&self.shared, claims, not_before, None)).await
    }

    /// Puts claimed work back after an attempt that failed. `error` must not hold secrets. Returns whether the claim was
    /// still ours.
    ///
    /// # Errors
    /// If it could not be written.
    pub async fn retry(&self, claim: &Claim, not_before: Millis, error: &str) -> Result<bool, Error> {
        let claims = std::slice::from_ref(claim);
        Ok(with_retries(|| claims::put_back(&self.shared, claims, not_before, Some(error))).await? > 0)
    }

    /// Gives a delivery up. It is handled again if GitHub sends it again. (Effects are given up by
    /// [`Event::GaveUp`](crate::domain::event::Event::GaveUp), which leaves an entry.)
    ///
    /// # Errors
    /// If it could not be written.
    pub async fn fail_delivery(&self, claim: &Claim, error: &str) -> Result<bool, Error> {
        with_retries(|| claims::fail_delivery(&self.shared, claim, error)).await
    }

    /// What the database's own clock says. See [`DatabaseClock`].
    ///
    /// # Errors
    /// If it could not be read.
    pub async fn time(&self) -> Result<Millis, Error> {
        Ok(clock::time(&self.shared).await?.0)
    }

    /// Writes something and counts what waits.
    ///
    /// # Errors
    /// If the database cannot be written, or nobody is left who would.
    pub async fn health(&self) -> Result<Health, Error> {
        let alive = self.running().as_ref().is_some_and(|running| !running.tasks.iter().any(JoinHandle::is_finished));
        if !alive {
            return Err(Error::Closed);
        }
        health::check(&self.shared).await
    }

    /// Removes deliveries and effects that were done before a moment; returns how many. Requests and entries stay.
    ///
    /// # Errors
    /// If it could not be written.
    pub async fn purge_done(&self, before: Millis) -> Result<u64, Error> {
        health::purge(&self.shared, before).await
    }

    /// What was published of the logs, and what is being published.
    #[must_use]
    pub fn publications(&self) -> Publications {
        let Shared { chores, readers, signer, ledger, clock, hand, several_writers, .. } = &*self.shared;
        Publications {
            line: Arc::clone(chores),
            readers: Arc::clone(readers),
            signer: Arc::clone(signer),
            ledger: ledger.clone(),
            clock: Arc::clone(clock),
            lease_for: Millis::try_from(hand.lease_for().as_millis()).unwrap_or(Millis::MAX),
            several_writers: *several_writers,
        }
    }

    /// Forgets what requests were judged by that are decided and were opened before a moment; returns how many. The ledger does not.
    ///
    /// # Errors
    /// If it could not be written.
    pub async fn forget_facts(&self, before: Millis) -> Result<u64, Error> {
        health::forget_facts(&self.shared, before).await
    }

    /// The logs.
    #[must_use]
    pub fn ledger(&self) -> LedgerReader {
        self.shared.ledger.clone()
    }
}
