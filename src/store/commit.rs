//! The one transaction in which everything is decided.
//!
//! What a delivery, a click, a timer or an effect's answer changes is written together or not at all: the claim is ended,
//! the requests it touches are locked, [`step`] decides, and requests, effects and ledger entries are written (P4, P5).
//! Works that wait share a transaction, because a commit costs more than what it commits.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use sqlx::AnyConnection;
use tokio::sync::{mpsc, oneshot};
use tracing::{Instrument as _, debug_span};

use super::cases::Known;
use super::effects::{Handing, Owed};
use super::ledger::{About, Appendix, Pending};
use super::releases::Environment;
use super::requests::Locked;
use super::{Claim, Error, LogHead, Shared, claims, effects, ledger, policies, releases, requests};
use crate::domain::Millis;
use crate::domain::event::Event;
use crate::domain::facts::Facts;
use crate::domain::gate::RequestId;
use crate::domain::request::{Answer, Change, Life, Request, step};

/// How many works share one transaction at most.
const BATCH: usize = 24;
/// How long works that nobody waits for are gathered: a transaction costs more than what it commits.
const GATHERING: Duration = Duration::from_millis(4);

/// Something that happened, and the claim under which it was found out.
#[derive(Clone, Debug)]
pub struct Work {
    /// The delivery or effect this ends; `None` for timers and the like. [`Event::Sending`] renews it, since the effect it
    /// belongs to is still being performed; [`Event::GaveUp`] ends it as failed.
    pub claim: Option<Claim>,
    /// What happened; `None` when the delivery or effect turned out to change nothing.
    pub event: Option<Event>,
}

impl Work {
    /// Whether somebody waits for it: a human who clicked, or one whose decision is about to leave.
    fn is_urgent(&self) -> bool {
        match &self.event {
            Some(Event::Reviewed(_)) => true,
            Some(Event::Sending(sending)) => sending.is_awaited,
            _ => false,
        }
    }
}

/// What a work came to.
#[derive(Clone, Debug, Default)]
pub struct Committed {
    /// The claim was lost to somebody else; nothing was written.
    pub fenced: bool,
    /// Whether a decision may leave now; only [`Event::Sending`] asks.
    pub send: Option<Answer>,
    /// When a decision that may not leave now is looked at again.
    pub wait_until: Option<Millis>,
    /// Whether a request changed while it was judged again: it is to be judged once more.
    pub is_stale: bool,
    /// The request that was opened.
    pub opened: Option<Request>,
    /// Other requests that were changed, as they are now.
    pub changed: Vec<Request>,
}

pub(super) struct Submission {
    pub(super) work: Work,
    pub(super) answer: oneshot::Sender<Result<Committed, Error>>,
}

/// Commits works, all that wait in one transaction, until nobody can submit any more.
pub(super) async fn run(shared: Arc<Shared>, mut submissions: mpsc::Receiver<Submission>) {
    let mut batch = Vec::with_capacity(BATCH);
    while submissions.recv_many(&mut batch, BATCH).await > 0 {
        let is_urgent = |submission: &Submission| submission.work.is_urgent();
        super::gather::gather(&mut batch, &mut submissions, BATCH, GATHERING, is_urgent).await;
        let (works, answers): (Vec<_>, Vec<_>) = batch.drain(..).map(|s| (s.work, s.answer)).unzip();
        let results = commit(&shared, &works).await;
        for (answer, result) in answers.into_iter().zip(results) {
            // Whoever asked may have hung up.
            let _ = answer.send(result);
        }
    }
}

/// Commits works together; if that fails, one by one, so that one that cannot be written holds up no other.
async fn commit(shared: &Shared, works: &[Work]) -> Vec<Result<Committed, Error>> {
    match super::with_retries(|| transaction(shared, works)).await {
        Ok(committed) => committed.into_iter().map(Ok).collect(),
        Err(error) if works.len() == 1 || error.is_unreachable() => vec![Err(error); works.len()],
        Err(_) => {
            let mut results = Vec::with_capacity(works.len());
            for work in works {
                let alone = std::slice::from_ref(work);
                let result = super::with_retries(|| transaction(shared, alone)).await;
                results.push(result.map(|mut committed| committed.pop().unwrap_or_default()));
            }
            results
        }
    }
}

async fn transaction(shared: &Shared, works: &[Work]) -> Result<Vec<Committed>, Error> {
    let now = (shared.clock)();
    let mut session = shared.decide.begin().await?;
    match write(shared, works, now, session.connection()?).await {
        Ok(written) => {
            if let Err(error) = session.commit().instrument(debug_span!("commit")).await {
                shared.cases.forget_lives();
                shared.memory.forget_all();
                return Err(error);
            }
            Ok(written.publish(shared))
        }
        Err(error) => {
            session.roll_back().await;
            Err(error)
        }
    }
}

/// What a transaction leaves to do once it is committed.
struct Written {
    committed: Vec<Committed>,
    /// Requests whose cases were written, and how long those are as stored.
    written: Vec<(Request, usize)>,
    /// How far the requests have come that were locked; `None` for those nothing is left to do for.
    lives: Vec<(RequestId, Option<Life>)>,
    /// Where something was released, or was not after all.
    released: Vec<Environment>,
    /// Requests that were decided, and the place of the entry that says so.
    decided: Vec<(RequestId, u64)>,
    repositories: Vec<u64>,
    handing: Handing,
    heads: Vec<LogHead>,
    now: Millis,
}

impl Written {
    fn publish(self, shared: &Shared) -> Vec<Committed> {
        for (request, bytes) in self.written {
            shared.cases.put(request.id, Known { case: request.case, digest: request.digest }, bytes);
        }
        for (id, seq) in self.decided {
            shared.memory.decisions.put(id, Some(seq));
        }
        self.released.iter().for_each(|environment| shared.memory.releases.forget(environment));
        // Before the worker hears of it: what it reads is to be this.
        for (id, life) in self.lives {
            shared.cases.put_life(&id, life);
        }
        shared.repositories.saw(&self.repositories, self.now);
        // Before the worker hears of it: what it shows is to have this head.
        shared.heads.learn(self.heads);
        self.handing.hand_over(shared);
        self.committed
    }
}

async fn write(shared: &Shared, works: &[Work], now: Millis, connection: &mut AnyConnection) -> Result<Written, Error> {
    let taken = claims::take(shared, works, now, connection).await?;
    let (ids, keys) = touched(works, &taken.held);
    let mut batch = Batch { locked: requests::lock(&shared.cases, &ids, &keys, connection).await?, ..Batch::default() };
    let committed = works
        .iter()
        .zip(&taken.held)
        .map(|(work, held)| match &work.event {
            _ if !held => Committed { fenced: true, ..Committed::default() },
            Some(event) => batch.apply(event.clone(), now),
            None => Committed::default(),
        })
        .collect();

    let lengths = requests::insert(&batch.opened, &batch.facts, connection).await?;
    let mut written = Vec::new();
    for request in batch.judged_again.iter().filter_map(|id| batch.locked.get(id)).map(|locked| &locked.request) {
        written.push((request.clone(), requests::judge_again(request, connection).await?));
    }
    requests::save(&batch.locked, connection).await?;
    let told = batch.told.iter().filter_map(|id| batch.locked.get(id)).map(|locked| &locked.request);
    let released = releases::remember(told, now, connection).await?;
    let mut handing = effects::owe(shared, &batch.owed, now, connection).await?;
    handing.waits |= taken.again;
    let decisions = decisions(&batch.appendix);
    let repositories = policies::see(&shared.repositories, &batch.opened, now, connection).await?;
    let append = ledger::append(&shared.signer, batch.appendix, shared.several_writers, now, connection);
    let heads = append.instrument(debug_span!("append")).await?;
    written.extend(batch.opened.into_iter().zip(lengths));
    let decided = decisions.into_iter().filter_map(|(tenant, from_the_end, id)| {
        let head = heads.iter().find(|head| head.tenant == tenant)?;
        Some((id, head.size.checked_sub(from_the_end)?))
    });
    let decided = decided.collect();
    let owed: BTreeSet<&RequestId> = batch.owed.keys().map(|(id, _)| id).collect();
    let lives = batch.locked.into_iter().map(|(id, Locked { request, .. })| {
        let is_open = request.is_open() || owed.contains(&id);
        (id, is_open.then_some(request.life))
    });
    Ok(Written { committed, written, lives: lives.collect(), released, decided, repositories, handing, heads, now })
}

/// The decisions among what is appended: whose log, how many entries before its end they will stand, and of which request. What a
/// transaction appends ends with these records, in their order (`ledger::append`).
fn decisions(appendix: &Appendix) -> Vec<(u64, u64, RequestId)> {
    let mut decisions = Vec::new();
    for (tenant, (_, records)) in appendix {
        for (before_the_end, pending) in (1..).zip(records.iter().rev()) {
            if let (About::Request(id, _), "decision.recorded") = (&pending.about, pending.record.kind) {
                decisions.push((*tenant, before_the_end, id.clone()));
            }
        }
    }
    decisions.reverse(); // Of two decisions on one request, the newer counts.
    decisions
}

fn touched(works: &[Work], held: &[bool]) -> (BTreeSet<RequestId>, BTreeSet<crate::domain::gate::RunKey>) {
    let (mut ids, mut keys) = (BTreeSet::new(), BTreeSet::new());
    for event in works.iter().zip(held).filter_map(|(work, held)| work.event.as_ref().filter(|_| *held)) {
        let (some_ids, some_keys) = event.touches();
        ids.extend(some_ids);
        keys.extend(some_keys);
    }
    (ids, keys)
}

/// What the works of one transaction come to. Later ones see what earlier ones did.
#[derive(Default)]
struct Batch {
    locked: BTreeMap<RequestId, Locked>,
    opened: Vec<Request>,
    facts: HashMap<RequestId, Box<Facts>>,
    judged_again: BTreeSet<RequestId>,
    owed: Owed,
    appendix: Appendix,
    /// Requests whose answer leaves after this transaction, or was given up.
    told: Vec<RequestId>,
}

impl Batch {
    fn apply(&mut self, event: Event, now: Millis) -> Committed {
        let (ids, keys) = event.touches();
        let touched: Vec<RequestId> = self
            .locked
            .iter()
            .filter(|(id, locked)| ids.contains(id) || keys.contains(&locked.run_key))
            .map(|(id, _)| id.clone())
            .collect();
        let mut requests: Vec<Request> =
            touched.iter().filter_map(|id| self.locked.get(id)).map(|locked| locked.request.clone()).collect();
        let change = step(event, &mut requests, now);
        for request in requests {
            if let Some(locked) = self.locked.get_mut(&request.id) {
                locked.request = request;
            }
        }
        self.take_in(change)
    }

    fn take_in(&mut self, change: Change) -> Committed {
        let Change { opened, changed, records, effects, judged_again, facts, send, wait_until, is_stale } = change;
        self.facts.extend(facts);
        self.judged_again.extend(judged_again);
        if let Some(request) = &opened {
            let run_key = request.case.subject.run_key();
            let locked = Locked { request: request.clone(), run_key, entries: 0, dirty: true };
            self.locked.insert(request.id.clone(), locked);
            self.opened.push(request.clone());
        }
        let mut snapshots = Vec::with_capacity(changed.len());
        for id in changed {
            if let Some(locked) = self.locked.get_mut(&id) {
                locked.dirty = true;
                snapshots.push(locked.request.clone());
            }
        }
        for (id, record) in records {
            let Some(locked) = self.locked.get_mut(&id) else { continue };
            locked.dirty = true;
            if matches!(record.kind, "callback.sent" | "effect.failed") {
                self.told.push(id.clone());
            }
            let tenant = &locked.request.case.subject.tenant;
            let (_, records) = self.appendix.entry(tenant.account_id).or_insert_with(|| (tenant.clone(), Vec::new()));
            records.push(Pending { about: About::Request(id, locked.entries), record });
            locked.entries += 1;
        }
        for (id, effect, urgency) in effects {
            let Some(locked) = self.locked.get(&id) else { continue };
            let installation_id = locked.request.case.subject.tenant.installation_id;
            let owed = self.owed.entry((id, effect)).or_insert((urgency, installation_id));
            owed.0 = owed.0.min(urgency);
        }
        Committed { fenced: false, send, wait_until, is_stale, opened, changed: snapshots }
    }
}
