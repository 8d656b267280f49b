//! The rows of the table: each sets its stage, loads it, and says what it found.

use std::time::{Duration, Instant};

use anyhow::ensure;
use serde_json::json;

use crate::processes::SECRET;
use crate::report::Target::{AtLeast, AtMost, None as Known};
use crate::report::{Report, milliseconds, percentile};
use crate::stage::{CONNECTIONS, FAST, Stage, decided_at};
use crate::tape::{Sent, Webhook, hammer};
use crate::wire::{self, Connection};

/// Deployments of one environment that wait at once where each should find the last good one: GitHub shows the newest fifty.
const WAITING: usize = 40;

/// How much is done: the whole, or just enough to see that everything works.
#[derive(Clone, Copy)]
pub struct Size {
    pub quick: bool,
}

impl Size {
    pub fn of(self, whole: usize, quick: usize) -> usize {
        if self.quick { quick } else { whole }
    }
}

#[expect(clippy::cast_precision_loss, reason = "counts are small")]
fn per_thousand(seconds: f64, count: usize) -> f64 {
    seconds * 1_000.0 / count as f64
}

/// `workflow_job` webhooks of 7 kB, which nobody uses.
fn unused_events(count: usize) -> Vec<Webhook> {
    (0..count)
        .map(|n| {
            let body =
                json!({ "action": "queued", "workflow_job": { "id": n, "steps": "x".repeat(6_900) } }).to_string();
            let headers = [
                "content-type: application/json".to_owned(),
                "user-agent: GitHub-Hookshot/bench".to_owned(),
                "x-github-event: workflow_job".to_owned(),
                format!("x-github-delivery: 00000000-0000-7000-8000-{n:012}"),
                format!("x-hub-signature-256: {}", seconder::demo::signature(SECRET, body.as_bytes())),
            ];
            wire::request("POST", "/github/webhooks", &headers, body.as_bytes()).into()
        })
        .collect()
}

/// Events nobody uses: received, verified, counted, acknowledged.
pub async fn unused(size: Size, report: &mut Report) -> anyhow::Result<()> {
    let stage = Stage::set().await?;
    let events = unused_events(2_000);
    hammer(stage.setup.address, &events, CONNECTIONS, Duration::from_millis(300)).await;
    let before = stage.server()?.cpu()?;
    let time = Duration::from_secs(if size.quick { 1 } else { 5 });
    let (acked, took) = hammer(stage.setup.address, &events, CONNECTIONS, time).await;
    let cpu = stage.server()?.cpu()? - before;
    let acked = usize::try_from(acked)?;
    report.add(
        "events nobody uses (7 kB)",
        "acks/s",
        AtLeast(15_000.0),
        1.0 / per_thousand(took.as_secs_f64(), acked) * 1_000.0,
    );
    report.add("events nobody uses: processor", "CPU-s/1,000", AtMost(0.06), per_thousand(cpu, acked));
    Ok(())
}

/// Gates at 1,000 a second.
pub async fn gates(size: Size, report: &mut Report) -> anyhow::Result<()> {
    let stage = Stage::set().await?;
    stage.open(50).await?;
    let count = size.of(10_000, 2_000);
    let (_, webhooks) = stage.gates(count, true).await?;
    let shown = stage.shown().await?;
    let kilobytes = webhooks.iter().map(|webhook| webhook.len()).sum::<usize>() / count / 1_000;
    let sent = crate::tape::play(stage.setup.address, &webhooks, 1_000.0, 256).await;
    let refused = sent.iter().filter(|sent| !sent.is_acked()).count();
    let mut took: Vec<f64> = sent.iter().map(|sent| milliseconds(sent.took)).collect();
    let gate = format!("gates at 1,000/s ({kilobytes} kB)");
    #[expect(clippy::cast_precision_loss, reason = "a small count")]
    report.add(&format!("{gate}: not acknowledged"), "of 10,000", AtMost(0.0), refused as f64);
    report.add(&format!("{gate}: ack p50"), "ms", Known, percentile(&mut took, 0.50));
    report.add(&format!("{gate}: ack p99"), "ms", AtMost(25.0), percentile(&mut took, 0.99));
    let began = Instant::now();
    stage.until("check runs", count, shown, || stage.shown()).await?;
    report.add(&format!("{gate}: last check run after the last ack"), "s", Known, began.elapsed().as_secs_f64());
    Ok(())
}

/// A gate from webhook to released run and closed check run, decided by a human; and one that needs nobody.
pub async fn cost(size: Size, report: &mut Report) -> anyhow::Result<()> {
    let stage = Stage::set().await?;
    let warm = stage.open(50).await?;
    let clicks = stage.clicks(&warm).await?;
    stage.play(&clicks, FAST).await;
    stage.until("callbacks", 100, 0, || stage.reviewed()).await?;
    stage.until("closed check runs", 50, 0, || stage.closed()).await?;

    let count = size.of(2_000, 300);
    let writes = stage.fake.stats().await?["writes"].as_u64().unwrap_or_default();
    let (reviewed, closed) = (stage.reviewed().await?, stage.closed().await?);
    let before = stage.server()?.cpu()?;
    let runs = stage.open(count).await?;
    let opened = stage.server()?.cpu()? - before;
    let clicks = stage.clicks(&runs).await?;
    let between = stage.server()?.cpu()?;
    stage.play(&clicks, FAST).await;
    stage.until("callbacks", 2 * count, reviewed, || stage.reviewed()).await?;
    stage.until("closed check runs", count, closed, || stage.closed()).await?;
    let decided = stage.server()?.cpu()? - between;
    report.add("gate decided by a human, whole", "CPU-s/1,000", AtMost(0.8), per_thousand(opened + decided, count));
    report.add("… of it: webhook to check run and note", "CPU-s/1,000", Known, per_thousand(opened, count));
    report.add("… of it: click to callback and closed check run", "CPU-s/1,000", Known, per_thousand(decided, count));
    let stats = stage.fake.stats().await?;
    let written = stats["writes"].as_u64().unwrap_or_default() - writes;
    #[expect(clippy::cast_precision_loss, reason = "a small count")]
    report.add("GitHub writes a gate decided by a human", "writes", AtMost(4.0), written as f64 / count as f64);
    ensure!(runs.iter().all(|run| decided_at(&stats, *run).is_some()), "a run was not decided");

    // One after the other in small portions: of a crowd of waiting deployments none could be told from the last good one.
    let mut passed = 0.0;
    for _ in 0..count.div_ceil(WAITING) {
        let (runs, webhooks) = stage.gates(WAITING, false).await?;
        let reviewed = stage.reviewed().await?;
        let before = stage.server()?.cpu()?;
        stage.play(&webhooks, FAST).await;
        stage.until("callbacks", WAITING, reviewed, || stage.reviewed()).await?;
        passed += stage.server()?.cpu()? - before;
        let stats = stage.fake.stats().await?;
        ensure!(runs.iter().all(|run| decided_at(&stats, *run).is_some()), "a run was held that needed nobody");
    }
    let count = count.div_ceil(WAITING) * WAITING;
    report.add("gate that needs nobody, webhook to callback", "CPU-s/1,000", AtMost(0.8), per_thousand(passed, count));
    Ok(())
}

/// Memory, and how soon a killed server is back with that many requests on disk.
pub async fn memory(size: Size, report: &mut Report) -> anyhow::Result<()> {
    let mut stage = Stage::set().await?;
    tokio::time::sleep(Duration::from_millis(700)).await;
    report.add("memory idle (VmRSS)", "MB", AtMost(30.0), stage.server()?.memory("VmRSS")?);
    let count = size.of(10_000, 1_000);
    let began = Instant::now();
    stage.open(count).await?;
    report.add("burst of 10,000 gates: to the last check run and note", "s", Known, began.elapsed().as_secs_f64());
    report.add("memory at most in a burst of 10,000 (VmHWM)", "MB", AtMost(80.0), stage.server()?.memory("VmHWM")?);
    report.add("memory after it (VmRSS)", "MB", Known, stage.server()?.memory("VmRSS")?);

    let (_, webhook) = stage.gates(1, false).await?;
    if let Some(server) = stage.server.take() {
        server.kill();
    }
    let began = Instant::now();
    stage.server = Some(stage.setup.launch()?);
    loop {
        ensure!(began.elapsed() < Duration::from_secs(20), "the server does not come back");
        if let Ok(mut connection) = Connection::open(stage.setup.address).await
            && let Ok((202, _)) = connection.ask(&webhook[0]).await
        {
            break;
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    report.add("restart to first ack, 10,000 requests on disk", "s", AtMost(0.3), began.elapsed().as_secs_f64());
    Ok(())
}

/// From a click to the callback, among 200 new gates a second.
pub async fn latency(size: Size, report: &mut Report) -> anyhow::Result<()> {
    let stage = Stage::set().await?;
    let count = size.of(200, 40);
    let runs = stage.open(count).await?;
    let clicks = stage.clicks(&runs).await?;
    let (_, background) = stage.gates(count * 10, true).await?;
    let shown = stage.shown().await?;
    let (background_sent, sent, mut probes) =
        tokio::join!(stage.play(&background, 200.0), stage.play(&clicks, 20.0), probe(&stage, count));
    ensure!(background_sent.iter().chain(&sent).all(Sent::is_acked), "not every webhook was acknowledged");
    stage.until("check runs", count * 10, shown, || stage.shown()).await?;
    let stats = stage.fake.stats().await?;
    let mut took = Vec::with_capacity(count);
    for (run, sent) in runs.iter().zip(&sent) {
        let at = decided_at(&stats, *run).ok_or_else(|| anyhow::anyhow!("run {run} was not decided"))?;
        took.push(milliseconds(Duration::from_micros(at.saturating_sub(sent.at_micros))));
    }
    // Three answers of GitHub's one after the other: may they; run and approver again, at once; the callback.
    let own = 3.0 * percentile(&mut probes, 0.50);
    let own_high = 3.0 * percentile(&mut probes, 0.99);
    let (half, high) = (percentile(&mut took, 0.50), percentile(&mut took, 0.99));
    report.add("click → callback beside 200 gates/s, p50, less the fake's own answers", "ms", AtMost(8.0), half - own);
    report.add("click → callback beside 200 gates/s, p99, less the fake's own answers", "ms", AtMost(30.0), high - own);
    report.add("… p50 in all", "ms", Known, half);
    report.add("… p99 in all", "ms", Known, high);
    report.add("… three answers of the fake, p50", "ms", Known, own);
    report.add("… three answers of the fake, p99", "ms", Known, own_high);
    Ok(())
}

/// How long the fake takes to answer meanwhile.
async fn probe(stage: &Stage, count: usize) -> Vec<f64> {
    let request = wire::request("GET", "/_demo/calls", &[], b"");
    let mut took = Vec::with_capacity(count);
    let Ok(mut connection) = Connection::open(stage.fake.address).await else { return took };
    for _ in 0..count {
        tokio::time::sleep(Duration::from_millis(50)).await;
        let began = Instant::now();
        if connection.ask(&request).await.is_ok() {
            took.push(milliseconds(began.elapsed()));
        }
    }
    took
}

/// From a click to the callback when GitHub allows one write a second, and a gate a second comes in.
pub async fn throttled(size: Size, report: &mut Report) -> anyhow::Result<()> {
    let stage = Stage::set_with(|setup| setup.with("SECONDER_GITHUB_WRITES_PER_MINUTE", "60")).await?;
    let count = size.of(10, 3);
    let runs = stage.open(count).await?;
    let clicks = stage.clicks(&runs).await?;
    let (_, background) = stage.gates(count * 3 + 10, true).await?;
    // What was just opened must not use up the minute that is measured.
    tokio::time::sleep(Duration::from_secs(if size.quick { 0 } else { 61 })).await;
    stage.fake.order("limits", &json!({ "writes_per_second": 1.0 })).await?;
    let (_, sent) = tokio::join!(stage.play(&background, 1.0), async {
        tokio::time::sleep(Duration::from_secs(10)).await; // A backlog first.
        stage.play(&clicks, 1.0 / 3.0).await
    });
    let until = Instant::now() + Duration::from_secs(30);
    let mut took: Vec<f64> = loop {
        let stats = stage.fake.stats().await?;
        let decided: Vec<Option<u64>> = runs.iter().map(|run| decided_at(&stats, *run)).collect();
        if decided.iter().all(Option::is_some) || Instant::now() > until {
            let late = 60_000_000;
            break sent
                .iter()
                .zip(decided)
                .map(|(sent, at)| at.map_or(late, |at| at.saturating_sub(sent.at_micros)))
                .map(|micros| Duration::from_micros(micros).as_secs_f64())
                .collect();
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    };
    report.add(
        "click → callback, GitHub allows 1 write/s, 1 gate/s comes: p50",
        "s",
        AtMost(2.0),
        percentile(&mut took, 0.5),
    );
    report.add(
        "click → callback, GitHub allows 1 write/s, 1 gate/s comes: longest",
        "s",
        Known,
        percentile(&mut took, 1.0),
    );
    Ok(())
}
