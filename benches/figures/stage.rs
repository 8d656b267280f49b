//! A fake GitHub, a server and a tape between them, ready to be loaded.

use std::time::{Duration, Instant};

use anyhow::ensure;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::processes::{Fake, Server, Setup};
use crate::tape::{Sent, Tape, Webhook, play};

/// No pace: the next webhook leaves when a connection is free.
pub const FAST: f64 = 1e9;
/// Connections a load comes over.
pub const CONNECTIONS: usize = 32;
/// How long is waited for work to be done.
const PATIENCE: Duration = Duration::from_secs(120);
/// Runs are started in portions, so that GitHub's webhooks do not need thousands of sockets.
const PORTION: usize = 20;

const CHECK_RUNS: &str = "/check-runs";
const CHECK_RUN: &str = "/check-runs/{check_run_id}";
const REVIEW: &str = "/deployment_protection_rule";

/// Everything one row needs. The folder, the processes and the database go when it is dropped.
pub struct Stage {
    pub server: Option<Server>,
    pub setup: Setup,
    pub fake: Fake,
    pub tape: Tape,
    _folder: TempDir,
}

impl Stage {
    pub async fn set() -> anyhow::Result<Self> {
        Self::set_with(|setup| setup).await
    }

    pub async fn set_with(change: impl FnOnce(Setup) -> Setup) -> anyhow::Result<Self> {
        // On the disk, not in memory as /tmp may be.
        let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR"))?;
        let tape = Tape::start().await?;
        let fake = Fake::start(folder.path(), tape.address).await?;
        let setup = change(Setup::new(folder.path(), &fake)?);
        let server = Some(setup.start().await?);
        Ok(Self { server, setup, fake, tape, _folder: folder })
    }

    pub fn server(&self) -> anyhow::Result<&Server> {
        self.server.as_ref().ok_or_else(|| anyhow::anyhow!("the server is down"))
    }

    /// Starts runs and catches the webhooks that ask about them.
    pub async fn gates(&self, count: usize, agent: bool) -> anyhow::Result<(Vec<u64>, Vec<Webhook>)> {
        let (mut runs, mut webhooks) = (Vec::new(), Vec::new());
        while runs.len() < count {
            let portion = PORTION.min(count - runs.len());
            let started = self.fake.deploy(portion, agent).await?;
            for webhook in self.tape.take(portion).await? {
                webhooks.push(webhook);
            }
            runs.extend(started);
        }
        Ok((runs, webhooks))
    }

    /// Presses Approve on each run's check run, as somebody who may, and catches the webhooks. The n-th is the n-th run's.
    pub async fn clicks(&self, runs: &[u64]) -> anyhow::Result<Vec<Webhook>> {
        let mut webhooks = Vec::with_capacity(runs.len());
        for run in runs {
            self.fake.order("click", &json!({ "run_id": run, "login": "hubot-writer" })).await?;
            webhooks.extend(self.tape.take(1).await?);
        }
        Ok(webhooks)
    }

    pub async fn play(&self, webhooks: &[Webhook], per_second: f64) -> Vec<Sent> {
        play(self.setup.address, webhooks, per_second, CONNECTIONS).await
    }

    /// Opens so many requests, check run and note included; returns their runs.
    pub async fn open(&self, count: usize) -> anyhow::Result<Vec<u64>> {
        let (runs, webhooks) = self.gates(count, true).await?;
        let (shown, noted) = (self.shown().await?, self.reviewed().await?);
        let sent = self.play(&webhooks, FAST).await;
        ensure!(sent.iter().all(Sent::is_acked), "not every webhook was acknowledged");
        self.until("check runs", count, shown, || self.shown()).await?;
        self.until("notes", count, noted, || self.reviewed()).await?;
        Ok(runs)
    }

    /// Check runs that were created.
    pub async fn shown(&self) -> anyhow::Result<u64> {
        self.fake.count(("POST", 201), CHECK_RUNS).await
    }

    /// Check runs that were changed.
    pub async fn closed(&self) -> anyhow::Result<u64> {
        self.fake.count(("PATCH", 200), CHECK_RUN).await
    }

    /// Notes and decisions.
    pub async fn reviewed(&self) -> anyhow::Result<u64> {
        self.fake.count(("POST", 204), REVIEW).await
    }

    /// Waits until a counter has grown by so many.
    pub async fn until<F>(&self, what: &str, count: usize, before: u64, counter: impl Fn() -> F) -> anyhow::Result<()>
    where
        F: Future<Output = anyhow::Result<u64>>,
    {
        let until = Instant::now() + PATIENCE;
        loop {
            let done = counter().await?.saturating_sub(before);
            if done >= u64::try_from(count)? {
                return Ok(());
            }
            ensure!(Instant::now() < until, "only {done} of {count} {what} in time");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}

/// When GitHub was told each run's decision, in microseconds since the Unix epoch.
pub fn decided_at(stats: &Value, run: u64) -> Option<u64> {
    stats["runs"][run.to_string()]["callbacks"][0]["at_micros"].as_u64()
}
