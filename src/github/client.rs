//! One exchange with GitHub: a request out, a typed answer or a typed error back.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderName, USER_AGENT};
use http::{HeaderMap, HeaderValue, Method, Request, StatusCode, Uri};
use http_body_util::{BodyExt, Limited};
use hyper::body::{Body, Bytes};
use octocrab::Octocrab;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::clock;
use super::wire::cut_chars;
use crate::domain::Millis;
use crate::domain::event::Receipt;

mod transfer;

pub(super) use transfer::Upload;

/// An exchange takes no longer than this, connecting and reading the answer included.
const DEADLINE: Duration = Duration::from_secs(30);
/// Answers above this are not read.
const LARGEST_ANSWER: usize = 16 * 1024 * 1024;
/// How long to wait when GitHub says "too often" and not until when.
pub(super) const RATE_LIMIT_PAUSE: Millis = 60_000;

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
    Key(#[from] super::app_jwt::KeyError),
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
}

/// An `Authorization` header. Its `Debug` says nothing.
#[derive(Clone)]
pub struct Credential(HeaderValue);

impl Credential {
    /// `Bearer …`; `None` when the token could not be sent in a header.
    #[must_use]
    pub fn bearer(token: String) -> Option<Self> {
        let mut line = zeroize::Zeroizing::new(format!("Bearer {token}"));
        drop(zeroize::Zeroizing::new(token));
        let mut value = HeaderValue::from_str(&line).ok()?;
        zeroize::Zeroize::zeroize(&mut *line);
        value.set_sensitive(true);
        Some(Self(value))
    }

    pub(super) fn is_same(&self, other: &Self) -> bool {
        self.0 == other.0
    }

    #[cfg(test)]
    pub(super) fn token_for_tests(&self) -> String {
        self.0.to_str().unwrap().strip_prefix("Bearer ").unwrap().to_owned()
    }

    /// Takes the token out of a text that came from outside.
    fn redact(&self, text: String) -> String {
        match self.0.to_str().ok().and_then(|line| line.strip_prefix("Bearer ")) {
            Some(token) if text.contains(token) => text.replace(token, "[token]"),
            _ => text,
        }
    }
}

impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Credential")
    }
}

/// What a call is for; calls are counted by it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Minting an installation token.
    Mint,
    /// Reading over REST.
    Read,
    /// Reading over GraphQL.
    GraphQl,
    /// Writing.
    Write,
    /// The App speaking for itself: installations, deliveries.
    App,
}

/// How many calls were made, by kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Calls {
    /// Tokens minted.
    pub mint: u64,
    /// REST reads.
    pub read: u64,
    /// GraphQL reads.
    pub graphql: u64,
    /// Writes.
    pub write: u64,
    /// Calls of the App itself.
    pub app: u64,
}

impl Calls {
    /// All of them.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.mint + self.read + self.graphql + self.write + self.app
    }
}

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

/// The API address cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the GitHub API URL {given:?} cannot be used; give https://api.github.com, or https://HOST/api/v3 for GitHub \
     Enterprise Server"
)]
pub struct BadApiUrl {
    given: String,
}

/// Speaks HTTP to one GitHub.
pub struct Client {
    octocrab: Octocrab,
    /// Scheme, host and path prefix of the REST API, without a slash at the end.
    rest: String,
    graphql: String,
    counters: [AtomicU64; 5],
}

/// One request.
pub(super) struct Call<'a> {
    pub kind: Kind,
    pub method: Method,
    /// Path and query below the API's root; ignored for GraphQL.
    pub path: &'a str,
    pub body: Option<&'a [u8]>,
}

impl<'a> Call<'a> {
    /// A GraphQL query.
    pub fn graphql(body: &'a str) -> Self {
        Self { kind: Kind::GraphQl, method: Method::POST, path: "", body: Some(body.as_bytes()) }
    }
}

impl Client {
    /// A client for the API at `api_url`. Must be called inside a Tokio runtime.
    ///
    /// # Errors
    /// [`BadApiUrl`].
    pub fn new(api_url: &str) -> Result<Self, BadApiUrl> {
        let bad = || BadApiUrl { given: api_url.chars().take(200).collect() };
        let uri: Uri = api_url.parse().map_err(|_| bad())?;
        let (Some(scheme), Some(authority)) = (uri.scheme_str(), uri.authority()) else { return Err(bad()) };
        if !matches!(scheme, "http" | "https") || uri.query().is_some() || authority.as_str().contains('@') {
            return Err(bad());
        }
        let origin = format!("{scheme}://{authority}");
        let prefix = uri.path().trim_end_matches('/');
        // github.com: /graphql beside everything else. GHES: /api/graphql beside /api/v3.
        let graphql_prefix = prefix.strip_suffix("/v3").unwrap_or(prefix);
        let octocrab = Octocrab::builder()
            // Without a path: octocrab would put it in front of GHES's GraphQL path, too.
            .base_uri(origin.as_str())
            .map_err(|_| bad())?
            .add_header(USER_AGENT, concat!("seconder/", env!("CARGO_PKG_VERSION")).to_owned())
            .add_header(ACCEPT, "application/vnd.github+json".to_owned())
            .add_header(HeaderName::from_static("x-github-api-version"), "2022-11-28".to_owned())
            // No time limits for single reads and writes: each exchange as a whole has one.
            .set_connect_timeout(Some(Duration::from_secs(10)))
            .build()
            .map_err(|_| bad())?;
        Ok(Self {
            octocrab,
            rest: format!("{origin}{prefix}"),
            graphql: format!("{origin}{graphql_prefix}/graphql"),
            counters: Default::default(),
        })
    }

    /// How many calls were made since the start.
    #[must_use]
    pub fn calls(&self) -> Calls {
        let [mint, read, graphql, write, app] = self.counters.each_ref().map(|counter| counter.load(Ordering::Relaxed));
        Calls { mint, read, graphql, write, app }
    }

    pub(super) async fn send(&self, credential: &Credential, call: &Call<'_>) -> Result<Answer, Error> {
        self.counters[call.kind as usize].fetch_add(1, Ordering::Relaxed);
        match tokio::time::timeout(DEADLINE, self.exchange(credential, call)).await {
            Ok(answer) => answer,
            Err(_) => Err(Error::Network(format!("no answer within {} s", DEADLINE.as_secs()))),
        }
    }

    async fn exchange(&self, credential: &Credential, call: &Call<'_>) -> Result<Answer, Error> {
        let unreachable = |error: &dyn std::error::Error| Error::Network(credential.redact(chain(error)));
        let uri = match call.kind {
            Kind::GraphQl => self.graphql.clone(),
            _ => [self.rest.as_str(), call.path].concat(),
        };
        let mut request =
            Request::builder().method(call.method.clone()).uri(uri).header(AUTHORIZATION, credential.0.clone());
        if call.body.is_some() {
            request = request.header(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        }
        let request =
            request.body(call.body.map(<[u8]>::to_vec).unwrap_or_default()).map_err(|error| unreachable(&error))?;
        let response = self.octocrab.execute(request).await.map_err(|error| unreachable(&error))?;
        read(response, credential).await
    }
}

/// An answer, or what GitHub says went wrong.
async fn read<B>(response: http::Response<B>, credential: &Credential) -> Result<Answer, Error>
where
    B: Body,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let unreachable = |error: &dyn std::error::Error| Error::Network(credential.redact(chain(error)));
    let (head, body) = response.into_parts();
    let body =
        Limited::new(body, LARGEST_ANSWER).collect().await.map_err(|error| unreachable(error.as_ref()))?.to_bytes();
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
    Err(failure(head.status, &head.headers, quota, credential.redact(message(&body))))
}

/// Sorts an unhappy answer.
///
/// <https://docs.github.com/rest/using-the-rest-api/rate-limits-for-the-rest-api#exceeding-the-rate-limit>
fn failure(status: StatusCode, headers: &HeaderMap, quota: Quota, message: String) -> Error {
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

fn quota(headers: &HeaderMap) -> Quota {
    let number = |name| headers.get(name)?.to_str().ok()?.parse::<u64>().ok();
    Quota {
        remaining: number("x-ratelimit-remaining"),
        limit: number("x-ratelimit-limit"),
        reset: number("x-ratelimit-reset").and_then(|seconds| Millis::try_from(seconds).ok()?.checked_mul(1_000)),
        is_core: headers.get("x-ratelimit-resource").is_none_or(|resource| resource == "core"),
    }
}

fn text(headers: &HeaderMap, name: &str) -> Option<String> {
    headers.get(name)?.to_str().ok().map(str::to_owned)
}

/// GitHub's own words for a failure, cut to 600 characters; not the body of some proxy.
fn message(body: &[u8]) -> String {
    #[derive(Deserialize)]
    struct Failure {
        message: Option<String>,
        errors: Option<serde_json::Value>,
    }
    let Ok(Failure { message, errors }) = serde_json::from_slice(body) else { return "no explanation".to_owned() };
    let errors = errors.map(|errors| format!(" {errors}")).unwrap_or_default();
    cut_chars(&(message.unwrap_or_default() + &errors), 600).to_owned()
}

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
    cut_chars(&text, 300).to_owned()
}

#[cfg(test)]
mod tests;
