//! Why GitHub did not do what it was asked to: its answer sorted, and its words without what is secret.

use http::{HeaderMap, StatusCode};
use serde::Deserialize;

use super::Credential;
use super::answer::{Quota, text};
use crate::domain::Millis;
use crate::github::clock;

/// How long to wait when GitHub says "too often" and not until when.
pub(in crate::github) const RATE_LIMIT_PAUSE: Millis = 60_000;

/// Why GitHub did not do what it was asked to. Never holds a credential.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Too many requests; nothing may be sent for this installation before.
    #[error("GitHub's rate limit is reached; it ends at {until} (Unix milliseconds)")]
    RateLimited {
        /// When to try again.
        until: Millis,
    },
    /// 401: the credential was not accepted.
    #[error("GitHub does not accept the credential (401): {message}")]
    Unauthorized {
        /// GitHub's words.
        message: String,
    },
    /// 404 or 410: not there, or not for us.
    #[error("GitHub has no such thing, or the App may not see it (404): {message}")]
    NotFound {
        /// GitHub's words.
        message: String,
    },
    /// 403: the App lacks a permission, or is suspended.
    #[error("GitHub forbids it (403); check the App's permissions and that it is not suspended: {message}")]
    Forbidden {
        /// GitHub's words.
        message: String,
    },
    /// Another 4xx: asked again, it will be refused again.
    #[error("GitHub refuses the request ({status}): {message}")]
    Unprocessable {
        /// HTTP status.
        status: u16,
        /// GitHub's words.
        message: String,
    },
    /// 5xx, or GraphQL gave up.
    #[error("GitHub failed ({status}): {message}")]
    Server {
        /// HTTP status.
        status: u16,
        /// GitHub's words.
        message: String,
    },
    /// No answer.
    #[error("GitHub was not reached: {0}")]
    Network(String),
    /// An answer that is not what GitHub documents.
    #[error("GitHub's answer to {what} cannot be read: {why}")]
    Decode {
        /// Which answer.
        what: &'static str,
        /// What is wrong with it.
        why: String,
    },
    /// The App's own key would not sign.
    #[error(transparent)]
    Key(#[from] crate::github::app_jwt::KeyError),
}

impl Error {
    /// Whether the same request may succeed later without anybody changing it. A credential that is refused counts:
    /// keys are replaced and Apps are unsuspended while requests wait.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        matches!(
            self,
            Self::RateLimited { .. }
                | Self::Unauthorized { .. }
                | Self::Server { .. }
                | Self::Network(_)
                | Self::Key(_)
        )
    }

    /// Nothing came back, or not all of it, for this reason. No credential is told with it.
    pub(super) fn unreached(error: &dyn std::error::Error, credential: &Credential) -> Self {
        Self::Network(credential.redact(&chain(error), 300))
    }
}

/// Sorts an unhappy answer.
///
/// <https://docs.github.com/rest/using-the-rest-api/rate-limits-for-the-rest-api#exceeding-the-rate-limit>
pub(super) fn failure(status: StatusCode, headers: &HeaderMap, quota: Quota, message: String) -> Error {
    let retry_after = text(headers, "retry-after").and_then(|seconds| seconds.parse::<Millis>().ok());
    let says_rate_limit = || {
        let message = message.to_ascii_lowercase();
        message.contains("rate limit") || message.contains("abuse detection")
    };
    let is_limit = status == StatusCode::TOO_MANY_REQUESTS
        || status == StatusCode::FORBIDDEN
            && (retry_after.is_some() || quota.remaining == Some(0) || says_rate_limit());
    if is_limit {
        let now = clock::now();
        let until = match (retry_after, quota) {
            (Some(seconds), _) => now + seconds.clamp(0, 86_400) * 1_000,
            (None, Quota { remaining: Some(0), reset: Some(reset), .. }) => reset.clamp(now, now + 3_600_000),
            (None, _) => now + RATE_LIMIT_PAUSE,
        };
        return Error::RateLimited { until };
    }
    let code = status.as_u16();
    match code {
        401 => Error::Unauthorized { message },
        403 => Error::Forbidden { message },
        404 | 410 => Error::NotFound { message },
        408 | 500.. => Error::Server { status: code, message },
        _ => Error::Unprocessable { status: code, message },
    }
}

/// GitHub's own words for a failure; not the body of some proxy.
pub(super) fn message(body: &[u8]) -> String {
    #[derive(Deserialize)]
    struct Failure {
        message: Option<String>,
        errors: Option<serde_json::Value>,
    }
    let Ok(Failure { message, errors }) = serde_json::from_slice(body) else { return "no explanation".to_owned() };
    let errors = errors.map(|errors| format!(" {errors}")).unwrap_or_default();
    message.unwrap_or_default() + &errors
}

/// An error and its causes.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !text.ends_with(&cause_text) {
            text = text + ": " + &cause_text;
        }
        source = cause.source();
    }
    text
}
