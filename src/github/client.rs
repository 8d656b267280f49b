//! One exchange with GitHub: a request out, a typed answer or a typed error back.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderName, USER_AGENT};
use http::{HeaderValue, Method, Request, Uri};
use octocrab::Octocrab;

mod answer;
mod credential;
mod error;
mod transfer;

pub use answer::{Answer, Quota};
pub use credential::Credential;
pub use error::Error;
pub(super) use error::RATE_LIMIT_PAUSE;
pub(super) use transfer::Upload;

/// An exchange takes no longer than this, connecting and reading the answer included.
const DEADLINE: Duration = Duration::from_secs(30);

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
        let unreached = |error: &dyn std::error::Error| Error::unreached(error, credential);
        let uri = match call.kind {
            Kind::GraphQl => self.graphql.clone(),
            _ => [self.rest.as_str(), call.path].concat(),
        };
        let mut request =
            Request::builder().method(call.method.clone()).uri(uri).header(AUTHORIZATION, credential.header());
        if call.body.is_some() {
            request = request.header(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        }
        let request =
            request.body(call.body.map(<[u8]>::to_vec).unwrap_or_default()).map_err(|error| unreached(&error))?;
        let response = self.octocrab.execute(request).await.map_err(|error| unreached(&error))?;
        answer::read(response, credential).await
    }
}

#[cfg(test)]
mod tests;
