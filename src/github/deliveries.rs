//! Webhooks GitHub could not deliver: it never tries again by itself, but it can be asked to.
//!
//! <https://docs.github.com/webhooks/using-webhooks/handling-failed-webhook-deliveries>

use std::collections::HashSet;

use http::Method;
use serde::Deserialize;

use super::client::Error;
use super::{GitHub, clock, next_page, webhook};
use crate::domain::Millis;

/// GitHub remembers deliveries for three days.
pub const REMEMBERED: Millis = 3 * 24 * 3_600_000;
/// Pages of failed deliveries that are read; the rest is found when these are dealt with.
const PAGES_OF_FAILURES: usize = 30;
/// Pages of successful deliveries that are read to see which failures are dealt with already. Redelivering one of those
/// does no harm: its GUID is known.
const PAGES_OF_SUCCESSES: usize = 5;

/// A delivery that failed and was not repeated with success.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FailedDelivery {
    /// Number of this delivery; ask for its redelivery by it.
    pub id: u64,
    /// `X-GitHub-Delivery`: the same for all its redeliveries.
    pub guid: String,
    /// When GitHub tried.
    pub delivered_at: Millis,
    /// The event's name.
    pub event: String,
}

#[derive(Deserialize)]
struct Delivery {
    id: u64,
    guid: String,
    delivered_at: String,
    event: String,
}

impl GitHub {
    /// Failed deliveries since `since` of events the product uses, newest first, each GUID once, without those that were
    /// redelivered with success since.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn failed_deliveries(&self, since: Millis) -> Result<Vec<FailedDelivery>, Error> {
        let mut guids = HashSet::new();
        let mut failed: Vec<FailedDelivery> = self.deliveries("failure", since, PAGES_OF_FAILURES).await?;
        failed.retain(|delivery| webhook::is_used(&delivery.event) && guids.insert(delivery.guid.clone()));
        let Some(oldest) = failed.iter().map(|delivery| delivery.delivered_at).min() else { return Ok(failed) };
        for delivery in self.deliveries("success", oldest, PAGES_OF_SUCCESSES).await? {
            guids.remove(&delivery.guid);
        }
        failed.retain(|delivery| guids.contains(&delivery.guid));
        Ok(failed)
    }

    async fn deliveries(&self, status: &str, since: Millis, pages: usize) -> Result<Vec<FailedDelivery>, Error> {
        let mut deliveries = Vec::new();
        let mut path = format!("/app/hook/deliveries?per_page=100&status={status}");
        for _ in 0..pages {
            let answer = self.call_as_app(Method::GET, &path).await?;
            let page: Vec<Delivery> = answer.json("the webhook deliveries")?;
            let is_empty = page.is_empty();
            for delivery in page {
                let Delivery { id, guid, delivered_at, event } = delivery;
                // A time that cannot be read counts as recent: rather ask once too often.
                let delivered_at = clock::parse(&delivered_at).unwrap_or(Millis::MAX);
                if delivered_at < since {
                    return Ok(deliveries);
                }
                deliveries.push(FailedDelivery { id, guid, delivered_at, event });
            }
            match next_page(answer.link.as_deref(), "cursor") {
                Some(cursor) if !is_empty => {
                    path = format!("/app/hook/deliveries?per_page=100&status={status}&cursor={cursor}");
                }
                _ => break,
            }
        }
        Ok(deliveries)
    }

    /// Asks GitHub to deliver it again, with the same GUID.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn redeliver(&self, delivery_id: u64) -> Result<(), Error> {
        self.call_as_app(Method::POST, &format!("/app/hook/deliveries/{delivery_id}/attempts")).await.map(drop)
    }
}
