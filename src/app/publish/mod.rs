//! Publishes logs as releases: on a schedule, and when somebody asks.
//!
//! What is published is planned in a row first ([`Publications`]); [`release`] then brings the release about, each time by
//! what GitHub shows. So it does not matter where the last one was cut off, and who goes on.

use std::collections::HashMap;
use std::path::PathBuf;
use std::pin::pin;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::json;
use tracing::{error, info, warn};

use super::{cut, later, slow_backoff};
use crate::domain::Millis;
use crate::domain::record::Record;
use crate::domain::schedule::Schedule;
use crate::github::{GitHub, client};
use crate::store::{self, Batch, BatchState, LogHead, Plan, Publications, Vouched};

mod claim;
mod files;
mod guard;
mod outcome;
mod release;
mod target;
mod vouched;

pub use guard::Released;
pub use outcome::{Error, Outcome, Progress, Watch};
pub use target::Target;
pub use vouched::Witnessing;

use outcome::Trouble;
use release::Published;
use vouched::Vouching;

/// After so many failures the log says so.
const FAILURES_BEFORE_IT_IS_TOLD: u64 = 3;
/// Without a reason to look earlier, it is looked so often for batches that others left unfinished.
const LOOK: Millis = 60_000;
/// So often it is looked whether witnesses have vouched.
const GLANCE: Millis = 2_000;
/// So many tags in a row may be taken.
const TAGS: usize = 25;

/// Publishes logs.
pub struct Publisher {
    publications: Publications,
    github: Arc<GitHub>,
    target: Target,
    schedule: Option<Schedule>,
    folder: PathBuf,
    witnessing: Witnessing,
    /// Since when each tenant's publication has been waiting for witnesses, and for which moment's.
    waiting: Mutex<HashMap<u64, (Millis, Millis)>>,
    next_look: AtomicI64,
}

impl Publisher {
    /// One that publishes to `target`, and keeps its files below `folder` meanwhile. Without a schedule it only finishes
    /// what was begun.
    #[must_use]
    pub fn new(
        publications: Publications,
        github: Arc<GitHub>,
        target: Target,
        schedule: Option<Schedule>,
        folder: PathBuf,
    ) -> Self {
        Self {
            publications,
            github,
            target,
            schedule,
            folder,
            witnessing: Witnessing::default(),
            waiting: Mutex::default(),
            next_look: AtomicI64::new(0),
        }
    }

    /// The same, but it waits for those who vouch for checkpoints.
    #[must_use]
    pub fn witnessed(self, witnessing: Witnessing) -> Self {
        Self { witnessing, ..self }
    }

    /// The publications it works on.
    #[must_use]
    pub fn publications(&self) -> &Publications {
        &self.publications
    }

    /// Publishes what is due. Cheap when nothing can be.
    ///
    /// # Errors
    /// If the logs cannot be listed. What else fails is said in the log, in the ledger and by `/readyz`.
    pub async fn due(&self) -> Result<(), store::Error> {
        let now = self.publications.now();
        if now < self.next_look.load(Ordering::Relaxed) {
            return Ok(());
        }
        // Whatever fails below: it is looked again then, and not at every tick.
        self.next_look.store(now.saturating_add(LOOK), Ordering::Relaxed);
        let scheduled = self.schedule.as_ref().and_then(|schedule| schedule.next_after(now));
        let mut next = scheduled.unwrap_or(Millis::MAX).min(now.saturating_add(LOOK));
        for log in self.publications.logs().await? {
            match self.due_of(&log, now).await {
                Ok(then) => next = next.min(then),
                Err(error) => {
                    error!(origin = %log.origin, %error, "the ledger could not be published; it will be tried again");
                }
            }
        }
        self.next_look.store(next, Ordering::Relaxed);
        Ok(())
    }

    /// Publishes a log if it is due. Returns when it is to be looked at again. One that cannot be read keeps no other waiting.
    async fn due_of(&self, log: &LogHead, now: Millis) -> Result<Millis, store::Error> {
        let published = match self.is_due(log, now).await? {
            Due::No => Ok(Outcome::NothingNew),
            Due::Vouched(vouched) => self.publish_vouched(log, vouched, &|_| {}).await,
            Due::Waiting => return Ok(now.saturating_add(GLANCE)),
        };
        // Everything else was said where it was written down.
        if let Err(Error::Store(error)) = published {
            return Err(error);
        }
        let unfinished = self.publications.unfinished(log.tenant).await?;
        Ok(unfinished.map_or(Millis::MAX, |batch| batch.not_before.max(batch.leased_until)))
    }

    /// Whether something was recorded before the schedule's last moment that is not published yet; or begun and not ended.
    async fn is_due(&self, log: &LogHead, now: Millis) -> Result<Due, store::Error> {
        if let Some(batch) = self.publications.unfinished(log.tenant).await? {
            let is_free = batch.not_before <= now && batch.leased_until <= now;
            return Ok(if is_free { Due::Vouched(None) } else { Due::No });
        }
        let Some(schedule) = &self.schedule else { return Ok(Due::No) };
        let news = self.publications.oldest_news(log.tenant).await?;
        let moment = match news {
            None => None,
            Some(at) if at <= now => schedule.next_after(at),
            // From the future: a clock was wrong. It was written after the last publication, whenever that was.
            Some(_) => match self.publications.newest(log.tenant).await? {
                Some(batch) if batch.planned_at <= now => schedule.next_after(batch.planned_at),
                _ => Some(now),
            },
        };
        let Some(moment) = moment.filter(|moment| *moment <= now) else { return Ok(Due::No) };
        Ok(match self.vouched(log, moment, self.waited(log, moment)).await? {
            Vouching::Waiting => Due::Waiting,
            Vouching::Over(vouched) => Due::Vouched(vouched),
        })
    }

    /// What would be published now, and where: the first entry, the entry after the last, the repository. Nothing when
    /// nothing is new.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub async fn preview(&self, log: &LogHead) -> Result<Option<(u64, u64, String)>, store::Error> {
        if let Some(batch) = self.publications.unfinished(log.tenant).await? {
            return Ok(Some((batch.from, batch.to, batch.repository)));
        }
        if self.publications.oldest_news(log.tenant).await?.is_none() {
            return Ok(None);
        }
        let from = self.publications.newest(log.tenant).await?.map_or(0, |batch| batch.to);
        Ok(Some((from, log.size, self.target.of(&self.publications.login(log).await?))))
    }

    /// Publishes a log now: finishes what was begun, or else everything since the last time; that may have to wait for
    /// witnesses.
    ///
    /// # Errors
    /// [`Error`]; it is written down by then, and tried again by whoever keeps the schedule.
    pub async fn publish(&self, log: &LogHead, watch: Watch<'_>) -> Result<Outcome, Error> {
        let vouched = match self.publications.unfinished(log.tenant).await? {
            Some(_) => None,
            None if self.publications.oldest_news(log.tenant).await?.is_none() => return Ok(Outcome::NothingNew),
            None => self.wait_for_witnesses(log, watch).await?,
        };
        self.publish_vouched(log, vouched, watch).await
    }

    async fn publish_vouched(
        &self,
        log: &LogHead,
        vouched: Option<Vouched>,
        watch: Watch<'_>,
    ) -> Result<Outcome, Error> {
        let repository = self.target.of(&self.publications.login(log).await?);
        let mut batch = match self.publications.claim(log.tenant).await? {
            Some(batch)
                if batch.state == BatchState::Planned && !batch.repository.eq_ignore_ascii_case(&repository) =>
            {
                let why = format!("logs are published to {repository} now; nothing of this was public yet");
                warn!(tag = %batch.tag, repository = %batch.repository, "publication given up: {why}");
                self.publications.give_up(&batch, &why, failure(&batch, &why, true)).await?;
                None
            }
            batch => batch,
        };
        if batch.is_none() {
            if self.publications.unfinished(log.tenant).await?.is_some() {
                return Ok(Outcome::Busy);
            }
            if self.publications.oldest_news(log.tenant).await?.is_none() {
                return Ok(Outcome::NothingNew);
            }
            let tag_prefix = self.tag_prefix();
            let plan = Plan {
                tenant: log.tenant,
                repository: &repository,
                tag_prefix: &tag_prefix,
                vouched: vouched.as_ref(),
            };
            batch = self.publications.plan(&plan).await?;
            if let Some(batch) = batch.as_ref().filter(|batch| self.lacks_witnesses(batch)) {
                warn!(origin = %log.origin, tag = %batch.tag, "published without a quorum of witnesses: none has come in time");
            }
        }
        match batch {
            Some(batch) => self.finish(log, batch, watch).await,
            None => Ok(Outcome::Busy),
        }
    }

    /// `seconder-ledger-2026.11.29-`: the number follows.
    fn tag_prefix(&self) -> String {
        let day = chrono::DateTime::from_timestamp_millis(self.publications.now()).unwrap_or_default();
        format!("{}{}-", release::TAGS_BEGIN_WITH, day.format("%Y.%m.%d"))
    }

    async fn finish(&self, log: &LogHead, mut batch: Batch, watch: Watch<'_>) -> Result<Outcome, Error> {
        for _ in 0..TAGS {
            match self.keeping(&batch, self.attempt(log, &batch, watch)).await {
                Ok(published) => return self.record(batch, published).await,
                Err(Trouble::Lost) => return Ok(Outcome::Busy),
                Err(Trouble::TagTaken(why)) => {
                    warn!(tag = %batch.tag, repository = %batch.repository, why, "this tag cannot be used; the next one is");
                    files::remove(&self.folder_of(&batch)).await;
                    match self.publications.renumber(&batch, &self.tag_prefix()).await? {
                        Some(renumbered) => batch = renumbered,
                        None => return Ok(Outcome::Busy),
                    }
                }
                Err(Trouble::Hopeless(why)) => {
                    let Batch { tag, repository, .. } = &batch;
                    error!(%tag, %repository, why, "publication given up; its entries come with the next one");
                    self.publications.give_up(&batch, &cut(&why), failure(&batch, &why, true)).await?;
                    files::remove(&self.folder_of(&batch)).await;
                    return Err(Error::Wrong(why));
                }
                Err(Trouble::Again(error)) => return Err(self.postpone(&batch, error).await?),
            }
        }
        let error = Error::Wrong(format!("{TAGS} tags in a row are taken in {}", batch.repository));
        Err(self.postpone(&batch, error).await?)
    }

    /// Writes down that an attempt failed; returns why.
    async fn postpone(&self, batch: &Batch, error: Error) -> Result<Error, Error> {
        let now = self.publications.now();
        if let Error::GitHub(client::Error::RateLimited { until }) = error {
            warn!(tag = %batch.tag, repository = %batch.repository, until, "GitHub asks us to wait with a publication");
            self.publications.put_back(batch, until).await?;
            return Ok(error);
        }
        let why = error.to_string();
        let may_sign = !matches!(error, Error::SetBack(_));
        let is_news = may_sign && !batch.told && batch.attempts + 1 >= FAILURES_BEFORE_IT_IS_TOLD;
        let record = is_news.then(|| failure(batch, &why, false));
        let Batch { tag, repository, attempts, .. } = batch;
        error!(%tag, %repository, attempts = attempts + 1, error = %why, "publication failed; it will be tried again");
        self.publications.failed(batch, &cut(&why), later(now, slow_backoff(batch.attempts)), record).await?;
        Ok(error)
    }

    async fn record(&self, batch: Batch, published: Published) -> Result<Outcome, Error> {
        let Published { release, repository, assets, root } = published;
        let record = Record::new(
            "ledger.published",
            json!({
                "tag": batch.tag,
                "release_id": release.id,
                "repository": { "id": repository.id, "name": repository.full_name() },
                "from": batch.from,
                "to": batch.to,
                "root": root,
                "immutable": release.immutable,
                "assets": assets.iter().map(|asset| json!({
                    "name": asset.name, "bytes": asset.bytes, "sha256": asset.sha256,
                })).collect::<Vec<_>>(),
            }),
        );
        if !self.publications.published(&batch, record).await? {
            return Ok(Outcome::Busy); // Somebody else saw it, too, and writes it down.
        }
        files::remove(&self.folder_of(&batch)).await;
        let Batch { tag, from, to, .. } = &batch;
        info!(%tag, from, to, url = %release.html_url, immutable = release.immutable, "ledger published");
        Ok(Outcome::Published { batch: Box::new(batch), url: release.html_url, immutable: release.immutable, assets })
    }

    /// Its own: tags are counted in each repository, so two logs may have the same.
    fn folder_of(&self, batch: &Batch) -> PathBuf {
        self.folder.join(format!("{}-{}", batch.tenant, batch.tag))
    }

    /// Works, and keeps the lease for as long as that takes. Whoever has lost it stops.
    async fn keeping<T>(&self, batch: &Batch, work: impl Future<Output = Result<T, Trouble>>) -> Result<T, Trouble> {
        let period = self.publications.lease_for() / 3;
        let mut work = pin!(work);
        loop {
            match tokio::time::timeout(period, &mut work).await {
                Ok(done) => return done,
                Err(_) if self.publications.renew(batch).await? => {}
                Err(_) => return Err(Trouble::Lost),
            }
        }
    }

    /// How long until then, if that is worth waiting for.
    fn short_wait(&self, until: Millis) -> Option<Duration> {
        let wait = until.saturating_sub(self.publications.now());
        (wait <= LOOK).then(|| Duration::from_millis(u64::try_from(wait).unwrap_or_default()))
    }
}

/// Whether a log is to be published now.
enum Due {
    No,
    /// It would be, but for witnesses that may still come.
    Waiting,
    /// With what others vouch for.
    Vouched(Option<Vouched>),
}

/// What the log says of a publication that fails.
fn failure(batch: &Batch, why: &str, given_up: bool) -> Record {
    Record::new(
        "ledger.publication_failed",
        json!({
            "tag": batch.tag,
            "repository": batch.repository,
            "from": batch.from,
            "to": batch.to,
            "attempts": batch.attempts + 1,
            "given_up": given_up,
            "error": cut(&why),
        }),
    )
}
