//! What is public is a memory that nobody here can set back: the newest release of each ledger is compared with the database.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::task::JoinSet;
use tracing::{error, warn};

use super::Target;
use super::claim::Claim;
use crate::app::guard::{Guard, Refusal};
use crate::github::{GitHub, Place, client};
use crate::store::{self, Store};

/// How long a server that starts waits for GitHub.
const FIRST_LOOK: Duration = Duration::from_secs(10);
/// So many repositories are looked at at once.
const AT_ONCE: usize = 8;
/// Releases that claim to be newer than the newest genuine one: so many are looked through.
const FORGED: usize = 50;

/// Compares what is released with the database.
pub struct Released {
    store: Store,
    github: Arc<GitHub>,
    target: Target,
    guard: Arc<Guard>,
    seen: Mutex<Seen>,
}

#[derive(Default)]
struct Seen {
    /// Repositories that were looked at.
    repositories: BTreeSet<String>,
    /// What was found there and nobody has been told yet.
    refusals: Vec<Refusal>,
    /// Those that could not be, and of which it was said.
    unreachable: BTreeSet<String>,
    alarms: Vec<String>,
}

/// Why a look at a repository ended early.
enum Trouble {
    Refused(Refusal),
    Unreachable(client::Error),
}

impl From<Refusal> for Trouble {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl From<store::Error> for Trouble {
    fn from(error: store::Error) -> Self {
        Self::Refused(error.into())
    }
}

impl From<client::Error> for Trouble {
    fn from(error: client::Error) -> Self {
        Self::Unreachable(error)
    }
}

impl Released {
    /// One for what is published to `target`.
    #[must_use]
    pub fn new(store: Store, github: Arc<GitHub>, target: Target, guard: Arc<Guard>) -> Self {
        Self { store, github, target, guard, seen: Mutex::default() }
    }

    /// Compares, before anything is signed. What GitHub does not show in time is left for [`Self::look_again`].
    ///
    /// # Errors
    /// If the database must not sign, or cannot be read.
    pub async fn may_sign(self: &Arc<Self>) -> Result<(), Refusal> {
        let looked = tokio::time::timeout(FIRST_LOOK, self.look()).await;
        // However the look ended: what it had found by then counts.
        if let Some(refusal) = self.seen().refusals.pop() {
            return Err(refusal);
        }
        match looked {
            Ok(looked) => Ok(looked?),
            Err(_) => {
                warn!("GitHub has not shown yet what was published of the ledgers; the server starts, and looks again");
                Ok(())
            }
        }
    }

    /// Looks at what was not seen yet. What is wrong becomes an alarm: the server has begun to sign.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub async fn look_again(self: &Arc<Self>) -> Result<(), Refusal> {
        let looked = self.look().await;
        let mut seen = self.seen();
        for refusal in std::mem::take(&mut seen.refusals) {
            error!("{refusal}");
            seen.alarms.push(refusal.to_string());
        }
        drop(seen);
        Ok(looked?)
    }

    /// What is held against the ledgers by what was published of them.
    #[must_use]
    pub fn alarms(&self) -> Vec<String> {
        self.seen().alarms.clone()
    }

    fn seen(&self) -> std::sync::MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Looks at what was not seen yet. What is found is in [`Seen`] at once: whoever waits for this may stop waiting.
    async fn look(self: &Arc<Self>) -> Result<(), store::Error> {
        let mut repositories: BTreeSet<String> = self.target.repository().into_iter().collect();
        let publications = self.store.publications();
        for log in publications.logs().await? {
            repositories.insert(self.target.of(&publications.login(&log).await?).to_lowercase());
        }
        let unseen: Vec<String> = repositories.difference(&self.seen().repositories).cloned().collect();
        let mut ended = Ok(());
        for some in unseen.chunks(AT_ONCE) {
            let mut looking = JoinSet::new();
            for name in some.iter().cloned() {
                let this = Arc::clone(self);
                looking.spawn(async move {
                    let looked = this.look_at(&name).await;
                    this.note(name, looked)
                });
            }
            for noted in looking.join_all().await {
                ended = ended.and(noted);
            }
        }
        ended
    }

    /// Notes what came of a look at a repository.
    fn note(&self, name: String, looked: Result<(), Trouble>) -> Result<(), store::Error> {
        let mut seen = self.seen();
        match looked {
            Ok(()) => drop(seen.repositories.insert(name)),
            Err(Trouble::Refused(Refusal::Store(error))) => return Err(error),
            Err(Trouble::Refused(refusal)) => {
                seen.repositories.insert(name);
                seen.refusals.push(refusal);
            }
            Err(Trouble::Unreachable(error)) if seen.unreachable.insert(name.clone()) => {
                warn!(repository = name, %error, "what was published of the ledgers cannot be compared with them yet; it is tried again");
            }
            Err(Trouble::Unreachable(_)) => {}
        }
        Ok(())
    }

    async fn look_at(&self, name: &str) -> Result<(), Trouble> {
        let (owner, repository) = name.split_once('/').unwrap_or_default();
        let (tenant, repository) = match self.github.locate(owner, repository).await {
            Ok(found) => found,
            // Nothing was published there yet; whoever publishes says what is missing.
            Err(client::Error::NotFound { .. }) => return Ok(()),
            Err(error) => return Err(error.into()),
        };
        let place = Place { tenant: &tenant, repository: &repository };
        let mut by_log: BTreeMap<String, Vec<Claim>> = BTreeMap::new();
        let mut note = |claim: Claim| by_log.entry(claim.origin.clone()).or_default().push(claim);
        self.github.each_release(place, |release| Claim::of(&release).into_iter().for_each(&mut note)).await?;
        let publications = self.store.publications();
        for (origin, mut claims) in by_log {
            claims.sort_by_key(|claim| std::cmp::Reverse(claim.end));
            // What is genuine may be shown again below a claim that goes further: it hides nothing that goes beyond itself.
            let mut genuine = 0;
            for (looked, claim) in claims.iter().enumerate() {
                if claim.end <= genuine {
                    break;
                }
                if looked == FORGED {
                    warn!(
                        log = origin,
                        repository = name,
                        "{FORGED} releases claim more than they hold; the others were not looked at"
                    );
                    break;
                }
                if let Some(checkpoint) = claim.checkpoint::<Trouble>(&self.github, &publications, place).await? {
                    let found = format!("release {} of {name}", claim.tag);
                    self.guard.check(&self.store, &checkpoint, &found).await?;
                    genuine = genuine.max(checkpoint.size);
                }
            }
        }
        Ok(())
    }
}
