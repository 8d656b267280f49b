//! The two programs under test, each a process of its own: the server alone on core 0, the fake GitHub beside the driver on
//! core 1; and what the kernel counts about them.

use std::fs::File;
use std::io::Write as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};
use serde_json::{Value, json};

use crate::wire::{self, Connection};

pub const SECRET: &str = "a secret of this benchmark";
const PROGRAM: &str = env!("CARGO_BIN_EXE_seconder");
/// What is deployed goes round all of these.
const ENVIRONMENTS: usize = 500;
const SERVER_CORE: &str = "0";
/// How long a program may take to start.
const PATIENCE: Duration = Duration::from_secs(20);
/// The kernel counts processor time in hundredths of a second for everybody to read.
const TICKS: f64 = 100.0;

/// A process that is killed when it goes out of scope.
struct Process(Child);

impl Process {
    fn start(command: &mut Command) -> anyhow::Result<Self> {
        Ok(Self(command.spawn().context("cannot start the program; is `taskset` installed?")?))
    }

    fn kill(&mut self) {
        let _ = self.0.kill(); // SIGKILL. It may be gone already.
        let _ = self.0.wait();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

fn free_address() -> anyhow::Result<SocketAddr> {
    Ok(std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?)
}

async fn wait_for(address: SocketAddr) -> anyhow::Result<()> {
    let until = Instant::now() + PATIENCE;
    while Instant::now() < until {
        if Connection::open(address).await.is_ok() {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    bail!("nobody listens on {address}")
}

/// The fake GitHub. It inherits the driver's core.
pub struct Fake {
    _process: Process,
    pub address: SocketAddr,
    key: PathBuf,
    deploys: AtomicUsize,
}

impl Fake {
    pub async fn start(folder: &Path, webhooks: SocketAddr) -> anyhow::Result<Self> {
        let (address, key) = (free_address()?, folder.join("app.pem"));
        let mut command = Command::new(PROGRAM);
        command.arg("demo-github").args(["--listen", &address.to_string(), "--webhook-secret", SECRET]);
        command.args(["--webhook-url", &format!("http://{webhooks}/github/webhooks")]).arg("--write-key").arg(&key);
        command.env("SECONDER_LOG", "warn").stdin(Stdio::null());
        let (process, began) = (Process::start(&mut command)?, Instant::now());
        wait_for(address).await?;
        let fake = Self { _process: process, address, key, deploys: AtomicUsize::new(0) };
        let order = json!({ "count": ENVIRONMENTS });
        while fake.order("environments", &order).await.is_err() {
            ensure!(began.elapsed() < PATIENCE, "the fake GitHub has no repository");
            tokio::time::sleep(Duration::from_millis(5)).await; // It listens a moment before it is furnished.
        }
        Ok(fake)
    }

    pub async fn order(&self, verb: &str, order: &Value) -> anyhow::Result<Value> {
        wire::json(self.address, "POST", &format!("/_demo/{verb}"), order).await
    }

    /// How often calls of `METHOD /template STATUS` were answered, for templates that end like this.
    pub async fn count(&self, method_and_status: (&str, u16), end: &str) -> anyhow::Result<u64> {
        let calls = wire::json(self.address, "GET", "/_demo/calls", &Value::Null).await?;
        let (method, status) = method_and_status;
        let wanted = |name: &str| {
            name.starts_with(method)
                && name.strip_suffix(&format!(" {status}")).is_some_and(|route| route.ends_with(end))
        };
        let calls = calls["calls"].as_object().into_iter().flatten();
        Ok(calls.filter(|(name, _)| wanted(name)).filter_map(|(_, count)| count.as_u64()).sum())
    }

    pub async fn stats(&self) -> anyhow::Result<Value> {
        wire::json(self.address, "GET", "/_demo/stats", &Value::Null).await
    }

    /// New runs, each with an agent's commit or without, to the next environment: where many deployments wait, the last
    /// good one may be too far back to be found, and every commit counts as an agent's.
    pub async fn deploy(&self, count: usize, agent: bool) -> anyhow::Result<Vec<u64>> {
        let n = self.deploys.fetch_add(1, Ordering::Relaxed) % ENVIRONMENTS;
        let order = json!({ "count": count, "agent": agent, "environment": format!("production-{n}") });
        let runs = self.order("deploy", &order).await?;
        Ok(runs["runs"].as_array().into_iter().flatten().filter_map(|run| run["run_id"].as_u64()).collect())
    }
}

/// How a server is started.
#[derive(Clone)]
pub struct Setup {
    folder: PathBuf,
    environment: Vec<(&'static str, String)>,
    pub address: SocketAddr,
}

impl Setup {
    /// Without limits of its own, on a SQLite file in this folder.
    pub fn new(folder: &Path, fake: &Fake) -> anyhow::Result<Self> {
        let address = free_address()?;
        let environment = vec![
            ("SECONDER_LISTEN", address.to_string()),
            ("SECONDER_DATA_DIR", folder.join("data").display().to_string()),
            ("SECONDER_GITHUB_API_URL", format!("http://{}", fake.address)),
            ("SECONDER_GITHUB_APP_ID", "4242".to_owned()),
            ("SECONDER_GITHUB_PRIVATE_KEY_FILE", fake.key.display().to_string()),
            ("SECONDER_GITHUB_WEBHOOK_SECRET", SECRET.to_owned()),
            ("SECONDER_GITHUB_WRITES_PER_MINUTE", "0".to_owned()),
            ("SECONDER_GITHUB_WRITES_PER_HOUR", "0".to_owned()),
            ("SECONDER_GITHUB_POINTS_PER_MINUTE", "0".to_owned()),
        ];
        Ok(Self { folder: folder.to_owned(), environment, address })
    }

    pub fn with(mut self, name: &'static str, value: &str) -> Self {
        self.environment.push((name, value.to_owned()));
        self
    }

    /// Starts the program and returns at once.
    pub fn launch(&self) -> anyhow::Result<Server> {
        let log = File::options().create(true).append(true).open(self.folder.join("server.log"))?;
        let mut command = Command::new("taskset");
        command.args(["-c", SERVER_CORE, PROGRAM, "serve"]).envs(self.environment.iter().cloned());
        command.stdin(Stdio::null()).stderr(log);
        Ok(Server(Process::start(&mut command)?))
    }

    /// Starts the program and waits until it listens.
    pub async fn start(&self) -> anyhow::Result<Server> {
        let server = self.launch()?;
        wait_for(self.address).await?;
        Ok(server)
    }
}

/// A running server.
pub struct Server(Process);

impl Server {
    /// SIGKILL: no chance to write anything down.
    pub fn kill(mut self) {
        self.0.kill();
    }

    /// Seconds of processor time so far.
    pub fn cpu(&self) -> anyhow::Result<f64> {
        let text = std::fs::read_to_string(format!("/proc/{}/stat", self.0.0.id()))?;
        let fields: Vec<&str> = text.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
        let ticks = |n: usize| fields.get(n).and_then(|field| field.parse::<f64>().ok()).context("/proc/…/stat");
        Ok((ticks(11)? + ticks(12)?) / TICKS)
    }

    /// A line of `/proc/…/status`, in MB.
    pub fn memory(&self, line: &str) -> anyhow::Result<f64> {
        memory(self.0.0.id(), line)
    }
}

/// Runs a program to its end, which must be a good one; returns the most memory it took, in MB.
pub async fn most_memory(command: &mut Command) -> anyhow::Result<f64> {
    let mut child = command.spawn()?;
    let mut most: f64 = 0.0;
    let status = loop {
        if let Some(status) = child.try_wait()? {
            break status;
        }
        most = most.max(memory(child.id(), "VmHWM").unwrap_or_default());
        tokio::time::sleep(Duration::from_millis(5)).await;
    };
    ensure!(status.success(), "{:?} ended with {status}", command.get_args());
    Ok(most)
}

/// `VmRSS` or `VmHWM` of a process, in MB.
pub fn memory(process: u32, line: &str) -> anyhow::Result<f64> {
    let text = std::fs::read_to_string(format!("/proc/{process}/status"))?;
    let value = text.lines().find_map(|l| l.strip_prefix(line)?.strip_prefix(':')?.trim().strip_suffix(" kB"));
    Ok(value.with_context(|| format!("/proc/…/status has no {line}"))?.trim().parse::<f64>()? / 1_024.0)
}

/// Writes of one page that reach the disk a second: what a commit costs here at least.
pub fn syncs_per_second(folder: &Path) -> anyhow::Result<f64> {
    let path = folder.join("sync");
    let mut file = File::create(&path)?;
    let (began, mut count) = (Instant::now(), 0_u32);
    while began.elapsed() < Duration::from_millis(500) {
        file.write_all(&[7; 4_096])?;
        file.sync_data()?;
        count += 1;
    }
    std::fs::remove_file(path)?;
    Ok(f64::from(count) / began.elapsed().as_secs_f64())
}

/// The machine, in one line.
pub fn machine() -> String {
    let read = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
    let cpu = read("/proc/cpuinfo");
    let model =
        cpu.lines().find_map(|l| l.strip_prefix("model name")?.split(':').nth(1)).unwrap_or("?").trim().to_owned();
    let cores = cpu.lines().filter(|line| line.starts_with("processor")).count();
    let kernel = read("/proc/sys/kernel/osrelease");
    let load = read("/proc/loadavg");
    let load = load.split(' ').next().unwrap_or("?");
    format!("{model}, {cores} cores, Linux {}, load {load}", kernel.trim())
}
