//! `seconder serve`: the server.

use super::{Failure, logging};
use crate::config;
use crate::server::Server;

/// What `seconder serve --help` says below the options.
pub fn help() -> String {
    format!(
        "Settings (environment variables; or keys of the TOML file that SECONDER_CONFIG names):\n{}",
        config::table()
    )
}

pub fn run() -> Result<(), Failure> {
    let config = config::load().map_err(|error| Failure::Usage(error.into()))?;
    logging::start(&config.log);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().on_thread_start(stand_back).build()?;
    runtime.block_on(async {
        let server = Server::start(config).await?;
        tracing::info!(address = %server.address(), version = env!("CARGO_PKG_VERSION"), "listening");
        stop_asked().await?;
        tracing::info!("stopping: finishing what has begun");
        server.stop().await;
        Ok(())
    })
}

/// Lets the thread that acknowledges webhooks go first. Where the system does not know such a thing, all are equal.
fn stand_back() {
    #[cfg(unix)]
    if let Err(error) = rustix::process::nice(10) {
        tracing::debug!(%error, "worker threads keep their priority");
    }
}

/// Waits for Ctrl-C or a polite request to end.
async fn stop_asked() -> std::io::Result<()> {
    let mut terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
    tokio::select! {
        asked = tokio::signal::ctrl_c() => asked,
        _ = terminate.recv() => Ok(()),
    }
}
