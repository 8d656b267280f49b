//! Company for a transaction: it costs more than what it commits.

use std::time::Duration;

use tokio::sync::mpsc;

/// Waits a moment for more to share a transaction with what has come, unless somebody waits for some of it.
pub(super) async fn gather<T>(
    batch: &mut Vec<T>,
    more: &mut mpsc::Receiver<T>,
    most: usize,
    moment: Duration,
    is_urgent: impl Fn(&T) -> bool,
) {
    let deadline = tokio::time::Instant::now() + moment;
    let mut looked_at = 0;
    while batch.len() < most && !batch[looked_at..].iter().any(&is_urgent) {
        looked_at = batch.len();
        match tokio::time::timeout_at(deadline, more.recv_many(batch, most - looked_at)).await {
            Ok(1..) => {}
            Ok(0) | Err(_) => return,
        }
    }
}
