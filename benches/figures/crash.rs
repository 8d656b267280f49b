//! SIGKILL in the middle of a burst: what was acknowledged and lost, what was never acted upon, what was done twice.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::report::Report;
use crate::report::Target::{AtMost, None as Known};
use crate::rows::Size;
use crate::stage::Stage;
use crate::tape::Webhook;

/// How long the server stays away.
const DOWN: Duration = Duration::from_secs(2);
/// How long may pass after the burst until everything is acted upon.
const PATIENCE: Duration = Duration::from_secs(40);

/// One way to crash.
pub struct Crash {
    pub name: &'static str,
    pub gates: usize,
    pub per_second: usize,
    /// Whether GitHub's list of failed deliveries can be read.
    pub recovers: bool,
    /// The server is killed after this share of the gates, in percent.
    pub killed_at: usize,
}

impl Crash {
    pub fn all(size: Size) -> [Self; 3] {
        let (few, many) = (size.of(2_000, 200), size.of(5_000, 500));
        [
            Self { name: "200/s", gates: few, per_second: 200, recovers: true, killed_at: 50 },
            Self { name: "200/s, no recovery", gates: few, per_second: 200, recovers: false, killed_at: 50 },
            Self { name: "1,000/s", gates: many, per_second: 1_000, recovers: true, killed_at: 50 },
        ]
    }

    /// Every other gate was touched by an agent and gets a check run; the rest are released at once.
    pub async fn run(&self, report: &mut Report) -> anyhow::Result<()> {
        let mut stage = Stage::set_with(|setup| setup.with("SECONDER_RECOVERY_SECONDS", "2")).await?;
        stage.tape.relay_to(stage.setup.address);
        if !self.recovers {
            let fail = json!({ "fail": { "route": "GET /app/hook/deliveries", "times": 1_000_000, "status": 500 } });
            stage.fake.order("limits", &fail).await?;
        }
        const PORTION: usize = 4;
        let (began, mut runs, mut back_at) = (tokio::time::Instant::now(), BTreeMap::new(), None);
        for n in 0..self.gates / PORTION {
            let sent = n * PORTION;
            #[expect(clippy::cast_precision_loss, reason = "a number of gates is small")]
            let due = Duration::from_secs_f64(sent as f64 / self.per_second as f64);
            tokio::time::sleep_until(began + due).await;
            if sent * 100 >= self.gates * self.killed_at && back_at.is_none() {
                stage.server.take().into_iter().for_each(crate::processes::Server::kill);
                back_at = Some(Instant::now() + DOWN);
            }
            if stage.server.is_none() && back_at.is_some_and(|at| Instant::now() >= at) {
                stage.server = Some(stage.setup.launch()?);
            }
            let agent = n % 2 == 0;
            runs.extend(stage.fake.deploy(PORTION, agent).await?.into_iter().map(|run| (run, agent)));
        }
        if stage.server.is_none() {
            tokio::time::sleep_until(back_at.unwrap_or_else(Instant::now).into()).await;
            stage.server = Some(stage.setup.launch()?);
        }
        let found = self.settle(&stage, &runs).await?;
        let wanted = |zero: bool| if zero { AtMost(0.0) } else { Known };
        let mut add = |what: &str, zero: bool, value: usize| {
            #[expect(clippy::cast_precision_loss, reason = "a count is small")]
            report.add(&format!("SIGKILL at {}: {what}", self.name), "gates", wanted(zero), value as f64);
        };
        add("acknowledged and lost", true, found.lost);
        add("never acted upon", self.recovers, found.never);
        add("acted upon twice", true, found.twice);
        add("not acknowledged at first", false, found.unacked);
        Ok(())
    }

    /// Waits until all is acted upon, or time is up.
    async fn settle(&self, stage: &Stage, runs: &BTreeMap<u64, bool>) -> anyhow::Result<Found> {
        let until = Instant::now() + PATIENCE;
        loop {
            tokio::time::sleep(Duration::from_secs(1)).await;
            let found = Found::look(&stage.fake.stats().await?, runs, &stage.tape.relayed());
            let waited_for = if self.recovers { found.never } else { found.lost };
            if waited_for == 0 || Instant::now() > until {
                // Whatever is done twice is done soon.
                tokio::time::sleep(Duration::from_secs(3)).await;
                return Ok(Found::look(&stage.fake.stats().await?, runs, &stage.tape.relayed()));
            }
        }
    }
}

#[derive(Default)]
struct Found {
    lost: usize,
    never: usize,
    twice: usize,
    unacked: usize,
}

impl Found {
    fn look(stats: &Value, runs: &BTreeMap<u64, bool>, relayed: &[(Webhook, u16)]) -> Self {
        let (mut acked, mut unacked) = (BTreeSet::new(), BTreeSet::new());
        for (webhook, status) in relayed {
            let set = if (200..300).contains(status) { &mut acked } else { &mut unacked };
            set.extend(run_of(webhook));
        }
        let mut found = Self { unacked: unacked.len(), ..Self::default() };
        for (run, agent) in runs {
            let seen = &stats["runs"][run.to_string()];
            let count = |what: &str| seen[what].as_array().map_or(0, Vec::len);
            // In a crowd of waiting deployments the last good one is not in sight: then a human is asked here, too.
            let acts = if *agent { count("check_runs") } else { count("check_runs").max(count("callbacks")) };
            found.never += usize::from(acts == 0);
            found.lost += usize::from(acts == 0 && acked.contains(run));
            found.twice += usize::from(acts > 1);
        }
        // A second decision, which GitHub would refuse, is one too many as well.
        let calls = stats["calls"].as_object().into_iter().flatten();
        let refused = calls.filter(|(name, _)| name.ends_with("/deployment_protection_rule 422"));
        found.twice += refused.filter_map(|(_, count)| usize::try_from(count.as_u64()?).ok()).sum::<usize>();
        found
    }
}

/// The run a gate's webhook is about: in its callback address.
fn run_of(webhook: &[u8]) -> Option<u64> {
    let text = std::str::from_utf8(webhook).ok()?;
    let (_, rest) = text.split_once("\"deployment_callback_url\":\"")?;
    rest.split_once("/actions/runs/")?.1.split('/').next()?.parse().ok()
}
