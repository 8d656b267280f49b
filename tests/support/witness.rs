//! Those who vouch for a log, by programs written by other people: `aics-witness`, and `openssl ts` behind a little HTTP.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Bytes;
use axum::http::StatusCode;
use axum::routing::post;
use seconder::store::LogHead;
use tempfile::TempDir;

use super::process::free_address;

/// A witness on loopback. `make prepare` installs it.
pub struct Witness {
    folder: TempDir,
    child: Option<Child>,
    address: SocketAddr,
    /// Its public key.
    pub vkey: String,
}

fn aics_witness() -> Command {
    let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/tools/.venv/bin/aics-witness");
    assert!(program.exists(), "aics-witness is not there: make prepare");
    Command::new(program)
}

impl Witness {
    /// One that knows no log yet.
    pub fn start() -> Self {
        let (folder, address) = (tempfile::tempdir().unwrap(), free_address());
        let mut init = aics_witness();
        init.current_dir(folder.path()).args(["init", "--name", "witness.test/w1", "--listen", &address.to_string()]);
        let output = init.output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let vkey = String::from_utf8(output.stdout).unwrap().trim().to_owned();
        let mut witness = Self { folder, child: None, address, vkey };
        witness.wake();
        witness
    }

    /// Stops answering.
    pub fn sleep(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }

    /// Answers again, and knows what it knew.
    pub fn wake(&mut self) {
        self.sleep();
        let mut serve = aics_witness();
        serve.current_dir(self.folder.path()).arg("serve").stdout(Stdio::null()).stderr(Stdio::null());
        self.child = Some(serve.spawn().unwrap());
        let began = Instant::now();
        while std::net::TcpStream::connect(self.address).is_err() {
            assert!(began.elapsed() < Duration::from_secs(20), "the witness does not answer");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// From now on it vouches for this log.
    pub fn trust(&mut self, log: &LogHead) {
        let mut add = aics_witness();
        add.current_dir(self.folder.path()).args(["add-log", "--origin", &log.origin, "--vkey", &log.vkey]);
        assert!(add.output().unwrap().status.success());
        self.wake();
    }

    /// The policy that asks for this witness.
    pub fn policy(&self) -> String {
        format!("witness w1 {} http://{}\nquorum w1\n", self.vkey, self.address)
    }

    /// What it keeps of logs that contradicted themselves.
    pub fn evidence(&self) -> Vec<serde_json::Value> {
        let output = aics_witness().current_dir(self.folder.path()).arg("evidence").output().unwrap();
        serde_json::from_slice(&output.stdout).unwrap()
    }
}

impl Drop for Witness {
    fn drop(&mut self) {
        self.sleep();
    }
}

/// A witness that answers everything like this.
pub async fn parrot(status: StatusCode, kind: &'static str, body: &'static str) -> String {
    let answer = move || async move { (status, [("content-type", kind)], body) };
    serve(Router::new().route("/add-checkpoint", post(answer))).await
}

async fn serve(router: Router) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await });
    format!("http://{address}")
}

/// A time-stamp authority: openssl, with a certificate of its own.
pub struct Authority {
    folder: Arc<TempDir>,
    /// Where it answers.
    pub url: String,
}

const CONFIG: &str = "\
[tsa]\ndefault_tsa = one\n[one]\nserial = serial\nsigner_digest = sha256\ndefault_policy = 1.2.3.4.1\ndigests = sha256\n\
ess_cert_id_alg = sha256\naccuracy = secs:1\n[req]\ndistinguished_name = dn\nx509_extensions = ts\nprompt = no\n\
[dn]\nCN = authority.test\n[ts]\nextendedKeyUsage = critical,timeStamping\n";

impl Authority {
    pub async fn start() -> Self {
        let folder = Arc::new(tempfile::tempdir().unwrap());
        std::fs::write(folder.path().join("tsa.cnf"), CONFIG).unwrap();
        std::fs::write(folder.path().join("serial"), "01\n").unwrap();
        openssl(
            folder.path(),
            "req -x509 -newkey rsa:2048 -nodes -keyout key.pem -out tsa.pem -days 2 -config tsa.cnf",
        );
        let at = Arc::clone(&folder);
        let reply = move |query: Bytes| async move {
            std::fs::write(at.path().join("query"), &query).unwrap();
            openssl(
                at.path(),
                "ts -reply -queryfile query -inkey key.pem -signer tsa.pem -config tsa.cnf -section one -out reply",
            );
            std::fs::read(at.path().join("reply")).unwrap()
        };
        let url = serve(Router::new().route("/", post(reply))).await;
        Self { folder, url }
    }

    /// Whether openssl believes that this response dates these bytes.
    pub fn dates(&self, bytes: &[u8], response: &[u8]) -> bool {
        let path = |name: &str| -> PathBuf { self.folder.path().join(name) };
        std::fs::write(path("data"), bytes).unwrap();
        std::fs::write(path("response"), response).unwrap();
        let verify = "ts -verify -data data -in response -CAfile tsa.pem";
        Command::new("openssl")
            .current_dir(self.folder.path())
            .args(verify.split(' '))
            .output()
            .unwrap()
            .status
            .success()
    }
}

fn openssl(folder: &Path, arguments: &str) {
    let output = Command::new("openssl").current_dir(folder).args(arguments.split(' ')).output().unwrap();
    assert!(output.status.success(), "openssl {arguments}: {}", String::from_utf8_lossy(&output.stderr));
}
