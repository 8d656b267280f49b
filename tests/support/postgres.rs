//! A PostgreSQL of our own: made by `initdb` in a temporary folder, one for the test binary, a database for each test.

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

static CLUSTER: OnceLock<Cluster> = OnceLock::new();
static DATABASES: AtomicU32 = AtomicU32::new(0);

/// The URL of a new, empty database. The cluster is started by whoever asks first, and stops with the test binary.
pub fn fresh_database() -> String {
    let cluster = CLUSTER.get_or_init(Cluster::start);
    let name = format!("story_{}", DATABASES.fetch_add(1, Ordering::Relaxed));
    cluster.sql("postgres", &format!("CREATE DATABASE {name}"));
    format!("postgres://seconder@127.0.0.1:{}/{name}", cluster.port)
}

struct Cluster {
    bin: PathBuf,
    port: u16,
    _server: Child,
    _watcher: Child,
}

impl Cluster {
    fn start() -> Self {
        let bin = binaries();
        let home = tempfile::Builder::new().prefix("seconder-postgres-").tempdir().expect("a temporary folder").keep();
        if let Some((uid, gid)) = user() {
            chown(&home, Some(uid), Some(gid)).expect("giving the temporary folder to the user postgres");
        }
        fs::set_permissions(&home, fs::Permissions::from_mode(0o700)).expect("closing the temporary folder");
        let data = home.join("data");
        succeed(as_user(&bin.join("initdb")).arg("-D").arg(&data).args([
            "--username=seconder",
            "--auth=trust",
            "--encoding=UTF8",
            "--locale=C",
            "--no-sync",
        ]));
        let port = free_port();
        let server = as_user(&bin.join("postgres"))
            .arg("-D")
            .arg(&data)
            .arg("-k")
            .arg(&home)
            .args(["-p", &port.to_string(), "-c", "listen_addresses=127.0.0.1", "-c", "max_connections=400"])
            .args(["-c", "deadlock_timeout=100ms", "-c", "log_min_messages=fatal"])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(fs::File::create(home.join("log")).expect("a log file"))
            .spawn()
            .expect("starting postgres");
        let watcher = stop_with_us(server.id(), &home);
        let cluster = Self { bin, port, _server: server, _watcher: watcher };
        let deadline = Instant::now() + Duration::from_secs(60);
        while !cluster.psql("postgres", "SELECT 1").status.success() {
            assert!(
                Instant::now() < deadline,
                "PostgreSQL does not answer: {}",
                fs::read_to_string(home.join("log")).unwrap_or_default()
            );
            std::thread::sleep(Duration::from_millis(50));
        }
        cluster
    }

    fn psql(&self, database: &str, sql: &str) -> Output {
        Command::new(self.bin.join("psql"))
            .args(["-X", "-q", "-h", "127.0.0.1", "-U", "seconder", "-p", &self.port.to_string(), "-d", database])
            .args(["-c", sql])
            .output()
            .expect("running psql")
    }

    fn sql(&self, database: &str, sql: &str) {
        let output = self.psql(database, sql);
        assert!(output.status.success(), "{sql}: {}", String::from_utf8_lossy(&output.stderr));
    }
}

/// Debian keeps the server's programs out of the PATH, in a folder a version.
fn binaries() -> PathBuf {
    let mut found: Vec<PathBuf> = fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten()
        .map(|version| version.path().join("bin"))
        .filter(|bin| bin.join("initdb").exists())
        .collect();
    found.sort();
    found.pop().expect("PostgreSQL is not installed: run `apt-get install postgresql`, or `make test`, which does")
}

/// PostgreSQL refuses to run as root. When we are root, it runs as the user its package made.
fn user() -> Option<(u32, u32)> {
    let id = |flag: &str, of: Option<&str>| {
        let output = Command::new("id").arg(flag).args(of).output().expect("running id");
        String::from_utf8_lossy(&output.stdout).trim().parse::<u32>().ok()
    };
    if id("-u", None) != Some(0) {
        return None;
    }
    let ids = id("-u", Some("postgres")).zip(id("-g", Some("postgres")));
    Some(ids.expect("we are root and there is no user postgres to run PostgreSQL as"))
}

fn as_user(program: &Path) -> Command {
    match user() {
        None => Command::new(program),
        Some((uid, gid)) => {
            let mut command = Command::new("setpriv");
            command.args([&format!("--reuid={uid}"), &format!("--regid={gid}"), "--clear-groups", "--"]).arg(program);
            command.current_dir("/");
            command
        }
    }
}

fn succeed(command: &mut Command) {
    let output = command.output().expect("starting a program");
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a free port").port()
}

/// Statics are never dropped, so a shell waits until this process is gone, then stops the server and removes its folder.
fn stop_with_us(server: u32, home: &Path) -> Child {
    let script = "while kill -0 \"$1\" 2>/dev/null; do sleep 0.3; done; kill -INT \"$2\"; \
                  while kill -0 \"$2\" 2>/dev/null; do sleep 0.1; done; rm -rf \"$3\"";
    Command::new("sh")
        .args(["-c", script, "sh", &std::process::id().to_string(), &server.to_string()])
        .arg(home)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("starting the watcher")
}
