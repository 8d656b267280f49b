//! What other transactions got in the way of is tried again.

use std::time::Duration;

use super::Error;

/// How often a transaction is tried that other transactions got in the way of.
const ATTEMPTS: u32 = 6;

/// Tries again what other transactions got in the way of, or a lost connection.
pub(super) async fn with_retries<T, F: Future<Output = Result<T, Error>>>(
    mut attempt: impl FnMut() -> F,
) -> Result<T, Error> {
    let mut tries = 1;
    loop {
        match attempt().await {
            Err(error) if error.is_transient() && tries < ATTEMPTS => {
                tracing::debug!(%error, tries, "transaction is tried again");
                tokio::time::sleep(Duration::from_millis(5 << tries)).await;
                tries += 1;
            }
            result => return result,
        }
    }
}
