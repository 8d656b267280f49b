//! Seconder as a process of its own, which can be killed.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use seconder::demo::GitHub;

/// `seconder`, with nothing of our own environment.
pub fn seconder() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_seconder"));
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("SECONDER_")) {
        command.env_remove(name);
    }
    command
}

/// Runs `seconder` with these arguments and returns what it said.
pub fn run(arguments: &[&str]) -> Output {
    seconder().args(arguments).output().expect("seconder can be started")
}

/// Gives a program this to read, and returns what it said.
pub fn fed(command: &mut Command, input: &str) -> Output {
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    child.wait_with_output().unwrap()
}

/// Its exit code, and all it said.
pub fn told(output: &Output) -> (Option<i32>, String) {
    (output.status.code(), said(output))
}

/// What a program printed, and then what it complained of.
pub fn said(output: &Output) -> String {
    format!("{}{}", text(&output.stdout), text(&output.stderr))
}

/// What it printed or complained of.
pub fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// A server process.
pub struct Process {
    child: Child,
    /// Where it listens.
    pub address: SocketAddr,
}

/// An address nobody listens on.
pub fn free_address() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a free port")
}

impl Process {
    /// How a server for this GitHub is started.
    pub fn command(github: &GitHub, address: SocketAddr, folder: &Path, database_url: &str) -> Command {
        let mut command = seconder();
        command
            .arg("serve")
            .env("SECONDER_LISTEN", address.to_string())
            .env("SECONDER_DATA_DIR", folder)
            .env("SECONDER_DATABASE_URL", database_url)
            .env("SECONDER_PUBLIC_URL", "https://seconder.test")
            .env("SECONDER_GITHUB_API_URL", github.api_url())
            .env("SECONDER_GITHUB_APP_ID", github.app_id().to_string())
            .env("SECONDER_GITHUB_PRIVATE_KEY", github.app_private_key_pem())
            .env("SECONDER_GITHUB_WEBHOOK_SECRET", SECRET)
            .env("SECONDER_GITHUB_WRITES_PER_MINUTE", "0")
            .env("SECONDER_GITHUB_WRITES_PER_HOUR", "0")
            .env("SECONDER_GITHUB_POINTS_PER_MINUTE", "0")
            .env("SECONDER_LOG", "error");
        command
    }

    /// Starts a server and waits until it answers.
    pub fn start(
        github: &GitHub,
        address: SocketAddr,
        folder: &Path,
        database_url: &str,
        settings: &[(&str, &str)],
    ) -> Self {
        let child = Self::command(github, address, folder, database_url)
            .envs(settings.iter().copied())
            .stderr(Stdio::inherit())
            .spawn()
            .expect("seconder can be started");
        let mut process = Self { child, address };
        process.wait_until_it_answers();
        process
    }

    fn wait_until_it_answers(&mut self) {
        let began = Instant::now();
        while get(self.address, "/healthz").is_none() {
            assert!(began.elapsed() < Duration::from_secs(20), "the server does not answer");
            assert!(self.child.try_wait().expect("its state").is_none(), "the server ended at once");
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Ends it without a chance to do anything about it.
    pub fn kill(mut self) {
        self.child.kill().expect("it can be killed");
        self.child.wait().expect("it ends");
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What webhooks are signed with.
pub const SECRET: &str = "a secret of this test";

/// Sends a webhook as GitHub would, signed with this secret; returns the status.
pub fn post(address: SocketAddr, event: &str, delivery: &str, body: &[u8], secret: &str) -> u16 {
    let mut stream = TcpStream::connect(address).expect("it listens");
    let signature = seconder::demo::signature(secret, body);
    write!(
        stream,
        "POST /github/webhooks HTTP/1.0\r\nhost: seconder\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\
         x-github-event: {event}\r\nx-github-delivery: {delivery}\r\nx-hub-signature-256: {signature}\r\n\r\n",
        body.len()
    )
    .and_then(|()| stream.write_all(body))
    .expect("it takes the webhook");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("it answers");
    answer.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status")
}

/// Status and body of a page, if anybody answers.
pub fn get(address: SocketAddr, path: &str) -> Option<(u16, String)> {
    let mut stream = TcpStream::connect_timeout(&address, Duration::from_secs(1)).ok()?;
    write!(stream, "GET {path} HTTP/1.0\r\nhost: seconder\r\n\r\n").ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    let (head, body) = answer.split_once("\r\n\r\n")?;
    Some((head.split(' ').nth(1)?.parse().ok()?, body.to_owned()))
}
