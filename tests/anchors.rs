//! Checkpoints that leave the house, and what happens to an operator who contradicts one.

use std::path::Path;

use seconder::server::Server;
use seconder::store::LogHead;

use crate::support::process::run;
use crate::support::stage::Stage;

mod seen;
mod stored;
mod witness;

/// One more deployment that waits for a second human.
async fn deploy(stage: &Stage) {
    let sha = stage.agents_commit();
    stage.deploy(&sha);
    stage.asked(&sha).await;
}

async fn log(stage: &Stage) -> LogHead {
    stage.server().store().ledger().logs().await.unwrap().remove(0)
}

fn copy(from: &Path, to: &Path) {
    for suffix in ["", "-wal", "-shm"] {
        let name = |path: &Path| format!("{}{suffix}", path.display());
        let _ = std::fs::remove_file(name(to));
        if Path::new(&name(from)).exists() {
            std::fs::copy(name(from), name(to)).unwrap();
        }
    }
}

async fn refusal(stage: &Stage) -> String {
    match Server::start(stage.config()).await {
        Ok(server) => {
            server.stop().await;
            panic!("the server started");
        }
        Err(error) => format!("{error:#}"),
    }
}

fn verify(dir: &Path, key: &str, more: &[&str]) -> (Option<i32>, String) {
    let output = run(&[&["ledger", "verify", dir.to_str().unwrap(), "--vkey", key], more].concat());
    (output.status.code(), String::from_utf8([output.stdout, output.stderr].concat()).unwrap())
}
