//! What came back: the body, and what the headers say.

use http::HeaderMap;
use http_body_util::{BodyExt, Limited};
use hyper::body::{Body, Bytes};
use serde::de::DeserializeOwned;

use super::error::{failure, message};
use super::{Credential, Error};
use crate::domain::Millis;
use crate::domain::event::Receipt;

/// Answers above this are not read.
const LARGEST_ANSWER: usize = 16 * 1024 * 1024;

/// What the answer's headers say about the limits of whoever asked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Quota {
    /// Requests left (`x-ratelimit-remaining`).
    pub remaining: Option<u64>,
    /// Requests an hour (`x-ratelimit-limit`).
    pub limit: Option<u64>,
    /// When `remaining` is filled up again (`x-ratelimit-reset`).
    pub reset: Option<Millis>,
    /// Whether this is the limit that writes and most reads share (`x-ratelimit-resource: core`).
    pub is_core: bool,
}

/// An answer that GitHub marked as a success.
#[derive(Debug)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// `x-github-request-id`.
    pub request_id: Option<String>,
    /// The `Link` header, for paging.
    pub link: Option<String>,
    /// Limits.
    pub quota: Quota,
    body: Bytes,
}

impl Answer {
    /// Reads the body. `what` names it in the error.
    ///
    /// # Errors
    /// [`Error::Decode`].
    pub fn json<T: DeserializeOwned>(&self, what: &'static str) -> Result<T, Error> {
        serde_json::from_slice(&self.body).map_err(|error| Error::Decode { what, why: error.to_string() })
    }

    /// What the ledger keeps of the exchange.
    #[must_use]
    pub fn receipt(&self, check_run_id: Option<u64>) -> Receipt {
        Receipt { status: self.status, github_request_id: self.request_id.clone(), check_run_id }
    }
}

/// An answer, or what GitHub says went wrong.
pub(super) async fn read<B>(response: http::Response<B>, credential: &Credential) -> Result<Answer, Error>
where
    B: Body,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let (head, body) = response.into_parts();
    let body = Limited::new(body, LARGEST_ANSWER)
        .collect()
        .await
        .map_err(|error| Error::unreached(error.as_ref(), credential))?
        .to_bytes();
    let quota = quota(&head.headers);
    if head.status.is_success() {
        return Ok(Answer {
            status: head.status.as_u16(),
            request_id: text(&head.headers, "x-github-request-id"),
            link: text(&head.headers, "link"),
            quota,
            body,
        });
    }
    Err(failure(head.status, &head.headers, quota, credential.redact(&message(&body), 600)))
}

pub(super) fn quota(headers: &HeaderMap) -> Quota {
    let number = |name| headers.get(name)?.to_str().ok()?.parse::<u64>().ok();
    Quota {
        remaining: number("x-ratelimit-remaining"),
        limit: number("x-ratelimit-limit"),
        reset: number("x-ratelimit-reset").and_then(|seconds| Millis::try_from(seconds).ok()?.checked_mul(1_000)),
        is_core: headers.get("x-ratelimit-resource").is_none_or(|resource| resource == "core"),
    }
}

pub(super) fn text(headers: &HeaderMap, name: &str) -> Option<String> {
    headers.get(name)?.to_str().ok().map(str::to_owned)
}
