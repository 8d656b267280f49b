//! Checkpoints that leave the house, and what happens to an operator who contradicts one.

use std::path::Path;

use seconder::server::Server;

use crate::support::process::{run, told};
use crate::support::stage::Stage;

mod seen;
mod stored;
mod witness;

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
    told(&run(&[&["ledger", "verify", dir.to_str().unwrap(), "--vkey", key], more].concat()))
}
