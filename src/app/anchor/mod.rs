//! What makes a ledger provable against its own operator: its checkpoints leave the house. Witnesses cosign them and a
//! time-stamp authority dates them, whenever a log has grown; what they hold against a log becomes an alarm.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use ring::rand::SystemRandom;
use tokio::task::JoinSet;
use tracing::{error, info, warn};

use self::ask::{Said, ask};
use super::{Clock, backoff, later};
use crate::ledger::cosignature;
use crate::ledger::quorum::{Policy, Witness};
use crate::store::{self, AnchorDue, Anchored, Anchoring, LogHead, Store, Witnessed, Witnesses};
use crate::witness::Courier;

mod ask;

/// How many logs are asked about at once.
const LOGS: usize = 16;

/// Whom to ask, and how often.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// Witnesses and quorum, in the form of <https://c2sp.org/tlog-policy>.
    pub policy: Option<String>,
    /// Where a time-stamp authority answers (RFC 3161 over HTTP).
    pub timestamp_url: Option<String>,
    /// How often a log that grows is brought to them.
    pub every: Duration,
    /// Rollbacks that the operator knows of.
    pub accepted: Accepted,
}

/// Logs that go on, as the operator knows, from fewer entries than were once signed: up to so many, by origin.
#[derive(Clone, Debug, Default)]
pub struct Accepted(pub Vec<(String, u64)>);

impl Accepted {
    /// Whether a checkpoint of this size may be missing from the log.
    #[must_use]
    pub fn covers(&self, origin: &str, size: u64) -> bool {
        self.0.iter().any(|(accepted, up_to)| accepted == origin && size <= *up_to)
    }
}

/// Brings checkpoints to those who vouch for them.
pub struct Anchors {
    store: Store,
    clock: Clock,
    courier: Arc<Courier>,
    policy: Option<Policy>,
    timestamp_url: Option<String>,
    every: Duration,
    accepted: Accepted,
}

impl Anchors {
    /// Reads the settings; `None` if nobody is to be asked. Must be called inside a Tokio runtime.
    ///
    /// # Errors
    /// What is wrong with the settings, with the name of the setting.
    pub fn new(store: Store, clock: Clock, settings: Settings) -> Result<Option<Self>, String> {
        let Settings { policy, timestamp_url, every, accepted } = settings;
        let policy: Option<Policy> = match policy.map(|text| text.parse::<Policy>()) {
            None => None,
            Some(Ok(policy)) => Some(policy),
            Some(Err(error)) => return Err(format!("SECONDER_WITNESS_POLICY: {error}")),
        };
        for Witness { name, url, .. } in policy.iter().flat_map(Policy::witnesses) {
            let url = url.as_deref().ok_or_else(|| {
                format!("SECONDER_WITNESS_POLICY: witness {name} has no URL; the server needs one to ask it")
            })?;
            if !is_safe(url) {
                return Err(format!(
                    "SECONDER_WITNESS_POLICY: witness {name}: the URL must start with https:// (plain http only on this machine)"
                ));
            }
        }
        if policy.is_none() && timestamp_url.is_none() {
            return Ok(None);
        }
        Ok(Some(Self { store, clock, courier: Arc::new(Courier::new()), policy, timestamp_url, every, accepted }))
    }

    /// How often to look for logs that have grown.
    #[must_use]
    pub fn glance(&self) -> Duration {
        self.every.min(Duration::from_secs(30))
    }

    /// Asks about every log that has grown and is due. Returns how many that were.
    ///
    /// # Errors
    /// If the database cannot be read or written; what others say is no error here.
    pub async fn due(self: &Arc<Self>) -> Result<usize, store::Error> {
        let mut asked = 0;
        loop {
            let mut bringing = JoinSet::new();
            for due in self.store.claim_anchors(LOGS).await? {
                let this = Arc::clone(self);
                bringing.spawn(async move { this.bring(&due).await });
            }
            let claimed = bringing.len();
            for brought in bringing.join_all().await {
                brought?;
            }
            asked += claimed;
            if claimed < LOGS {
                return Ok(asked);
            }
        }
    }

    /// Brings one log's checkpoint to everybody, and writes down what came of it.
    async fn bring(&self, due: &AnchorDue) -> Result<(), store::Error> {
        let log = &due.turn.log;
        let mut anchoring = Anchoring::default();
        let mut lines = String::new();
        let mut by = BTreeSet::new();
        let mut is_complete = true;
        let answers = self.ask_all(due).await;
        for (witness, (size, said)) in self.policy.iter().flat_map(Policy::witnesses).zip(answers) {
            let key = witness.key.to_string();
            let before = due.witnesses.get(&key).and_then(|witnessed| witnessed.against.clone());
            let mut witnessed = Witnessed { size, error: None, against: None };
            match said {
                Said::Cosigned(cosignature) => {
                    lines.push_str(&cosignature.line);
                    by.insert(witness.name.as_str());
                    witnessed.size = log.size;
                }
                Said::Against(contradiction) => witnessed.against = Some(contradiction),
                Said::Nothing(why) => {
                    warn!(
                        log = log.origin,
                        witness = witness.name,
                        attempts = due.turn.attempts,
                        "no cosignature: {why}"
                    );
                    (witnessed.error, witnessed.against) = (Some(why), before);
                    // It may have cosigned this very checkpoint an hour ago.
                    if let Some(line) = kept_line(due, witness) {
                        lines.push_str(&line);
                        by.insert(witness.name.as_str());
                    }
                }
            }
            is_complete &= witnessed.error.is_none() && witnessed.against.is_none();
            anchoring.witnesses.insert(key, witnessed);
        }
        anchoring.alarm = self.alarm(log, &anchoring.witnesses);
        let note = format!("{}{lines}", log.checkpoint);
        let has_quorum = self.policy.as_ref().is_none_or(|policy| policy.is_satisfied_by(&by));
        if has_quorum || !by.is_empty() {
            anchoring.keep = self.to_keep(due, note, has_quorum, &mut is_complete).await;
        }
        anchoring.done = is_complete.then_some(log.size);
        let wait = if is_complete { self.every } else { self.every.min(backoff(due.turn.attempts)) };
        anchoring.not_before = later((self.clock)(), wait);
        if self.store.anchored(due, &anchoring).await? && is_complete {
            info!(log = log.origin, size = log.size, witnesses = by.len(), "checkpoint anchored");
        }
        Ok(())
    }

    /// What is held against a log, but for what the operator has accepted.
    fn alarm(&self, log: &LogHead, witnesses: &Witnesses) -> String {
        let mut held = Vec::new();
        for witness in self.policy.iter().flat_map(Policy::witnesses) {
            let Some(against) = witnesses.get(&witness.key.to_string()).and_then(|said| said.against.as_ref()) else {
                continue;
            };
            let what = format!("witness {}: {}", witness.name, against.what);
            if self.accepted.covers(&log.origin, against.size) {
                warn!(log = log.origin, "{what}; SECONDER_ACCEPT_ROLLBACK says that this is known");
            } else {
                error!(log = log.origin, tenant = log.login, "{what}");
                held.push(what);
            }
        }
        held.join("; ")
    }

    /// What each witness says, in the order of the policy, and how many entries it has vouched for before.
    async fn ask_all(&self, due: &AnchorDue) -> Vec<(u64, Said)> {
        let mut asking = JoinSet::new();
        for (n, witness) in self.policy.iter().flat_map(Policy::witnesses).cloned().enumerate() {
            let (store, courier, log) = (self.store.clone(), Arc::clone(&self.courier), due.turn.log.clone());
            let known = due.witnesses.get(&witness.key.to_string()).map_or(0, |witnessed| witnessed.size);
            asking.spawn(async move { (n, ask(&store, &courier, &witness, &log, known).await) });
        }
        let mut answers = asking.join_all().await;
        answers.sort_by_key(|(n, _)| *n);
        answers.into_iter().map(|(_, said)| said).collect()
    }

    /// The checkpoint to keep instead of the one that is kept, if it is worth more. It gets its time-stamp first: that is over
    /// exactly these bytes.
    async fn to_keep(&self, due: &AnchorDue, note: String, has_quorum: bool, complete: &mut bool) -> Option<Anchored> {
        let kept = due.kept.as_ref();
        if !has_quorum && kept.is_some_and(|kept| kept.has_quorum) {
            return None;
        }
        let policy = self.policy.as_ref().filter(|_| has_quorum).map(|policy| policy.for_log(&due.turn.log.vkey));
        let mut keep = Anchored {
            size: due.turn.log.size,
            note,
            has_quorum,
            policy: policy.unwrap_or_default(),
            tsr: String::new(),
            at: (self.clock)(),
        };
        if let Some(url) = self.timestamp_url.as_deref().filter(|_| has_quorum) {
            match self.timestamp(url, &keep.note).await {
                Ok(tsr) => keep.tsr = tsr,
                Err(error) => {
                    warn!(log = due.turn.log.origin, attempts = due.turn.attempts, %error, "no time-stamp");
                    *complete = false;
                }
            }
        }
        let is_worth_less = |kept: &Anchored| kept.size == keep.size && !kept.tsr.is_empty() && keep.tsr.is_empty();
        (!kept.is_some_and(is_worth_less)).then_some(keep)
    }

    async fn timestamp(&self, url: &str, note: &str) -> Result<String, crate::witness::Error> {
        let nonce: [u8; 8] = ring::rand::generate(&SystemRandom::new())
            .map_err(|_| crate::witness::Error::Unreachable("this machine gives no randomness".to_owned()))?
            .expose();
        Ok(BASE64.encode(self.courier.timestamp(url, note.as_bytes(), nonce).await?))
    }
}

/// The line of a witness below the checkpoint that is kept, if that is the same checkpoint.
fn kept_line(due: &AnchorDue, witness: &Witness) -> Option<String> {
    let (text, _) = cosignature::split(&due.turn.log.checkpoint)?;
    let (_, lines) = cosignature::split(&due.kept.as_ref()?.note)?;
    Some(witness.key.find(text, lines)?.line)
}

fn is_safe(url: &str) -> bool {
    let Ok(uri) = url.parse::<http::Uri>() else { return false };
    let host = uri.host().unwrap_or_default().trim_matches(['[', ']']);
    let is_here = host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback());
    uri.query().is_none() && (uri.scheme_str() == Some("https") || (uri.scheme_str() == Some("http") && is_here))
}
