//! Logs: one line an event, for people or as JSON, on standard error.

use std::io::IsTerminal as _;

use tracing_subscriber::EnvFilter;

use crate::config::Log;

/// Starts logging. An unreadable filter falls back to `info`, and says so.
pub fn start(log: &Log) {
    // What a library logs of a failed call, we log ourselves, with the delivery or request it belongs to.
    let directives = format!("octocrab=off,{}", log.filter);
    let (filter, problem) = match EnvFilter::try_new(directives) {
        Ok(filter) => (filter, None),
        Err(error) => (EnvFilter::new("info"), Some(error)),
    };
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    let started = if log.json {
        builder.json().flatten_event(true).with_current_span(false).try_init()
    } else {
        builder.with_target(false).with_ansi(std::io::stderr().is_terminal()).try_init()
    };
    if let (Ok(()), Some(error)) = (started, problem) {
        tracing::warn!(%error, "SECONDER_LOG cannot be read; logging at info");
    }
}
