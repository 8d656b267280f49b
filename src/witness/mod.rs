//! Those who vouch for a log from outside: witnesses (<https://c2sp.org/tlog-witness>) and time-stamp authorities (RFC 3161).
//! What they say is checked where it can be; what cannot be checked is only ever a reason to stop and look.

use std::time::Duration;

use http::header::{CONTENT_TYPE, USER_AGENT};
use http::{HeaderMap, Method, Request, StatusCode, Uri};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Bytes;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;

use crate::ledger::timestamp;

/// An exchange takes no longer than this.
const DEADLINE: Duration = Duration::from_secs(8);
/// Longer answers of a witness are not read.
const LARGEST_ANSWER: usize = 64 * 1024;
/// How much of an unhappy answer is repeated.
const SHOWN: usize = 200;

/// Why nobody vouched.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// No answer, or one that says "later".
    #[error("not reached: {0}")]
    Unreachable(String),
    /// An answer that no witness gives, or a refusal.
    #[error("refused with status {status}: {message}")]
    Refused {
        /// HTTP status.
        status: u16,
        /// What it says.
        message: String,
    },
    /// The answer to a time-stamp request is none.
    #[error(transparent)]
    Timestamp(#[from] timestamp::TimestampError),
}

/// What a witness says to a checkpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Signature lines; whose they are is to be checked.
    Cosigned(String),
    /// It has vouched for so many entries, and wants the proof from there.
    Conflict(u64),
    /// The proof does not lead from what it has vouched for to this checkpoint.
    Inconsistent(String),
}

/// Asks them.
pub struct Courier {
    client: Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
}

impl Courier {
    /// Must be called inside a Tokio runtime.
    #[must_use]
    pub fn new() -> Self {
        let connector = HttpsConnectorBuilder::new().with_webpki_roots().https_or_http().enable_http1().build();
        Self { client: Client::builder(TokioExecutor::new()).build(connector) }
    }

    /// Submits a checkpoint with its proof to the witness at this submission prefix.
    ///
    /// # Errors
    /// If there is no usable answer.
    pub async fn add_checkpoint(&self, prefix: &str, body: String) -> Result<Answer, Error> {
        let uri = format!("{prefix}/add-checkpoint");
        let (status, headers, body) = self.post(&uri, "text/plain; charset=utf-8", body.into(), LARGEST_ANSWER).await?;
        let text = String::from_utf8_lossy(&body);
        match status {
            StatusCode::OK => Ok(Answer::Cosigned(text.into_owned())),
            StatusCode::CONFLICT => {
                // Some proxies answer 409 for reasons of their own.
                let is_size =
                    headers.get(CONTENT_TYPE).is_some_and(|kind| kind.as_bytes().starts_with(b"text/x.tlog.size"));
                let size = text.strip_suffix('\n').and_then(|size| size.parse().ok()).filter(|_| is_size);
                size.map(Answer::Conflict).ok_or_else(|| refused(status, &text))
            }
            StatusCode::UNPROCESSABLE_ENTITY => Ok(Answer::Inconsistent(shown(&text))),
            _ => Err(refused(status, &text)),
        }
    }

    /// A time-stamp over these bytes: the authority's response in DER.
    ///
    /// # Errors
    /// If there is none, or it is of something else.
    pub async fn timestamp(&self, url: &str, bytes: &[u8], nonce: [u8; 8]) -> Result<Vec<u8>, Error> {
        let request = timestamp::request(bytes, nonce);
        let kind = "application/timestamp-query";
        let (status, _, response) = self.post(url, kind, request.into(), timestamp::MAX_RESPONSE_BYTES).await?;
        if status != StatusCode::OK {
            return Err(refused(status, &String::from_utf8_lossy(&response)));
        }
        timestamp::check(&response, bytes, nonce)?;
        Ok(response.into())
    }

    async fn post(
        &self,
        uri: &str,
        kind: &str,
        body: Bytes,
        largest: usize,
    ) -> Result<(StatusCode, HeaderMap, Bytes), Error> {
        let unreachable = |error: &dyn std::error::Error| Error::Unreachable(chain(error));
        let uri: Uri = uri.parse().map_err(|error| unreachable(&error))?;
        let request = Request::builder()
            .method(Method::POST)
            .uri(uri)
            .header(CONTENT_TYPE, kind)
            .header(USER_AGENT, concat!("seconder/", env!("CARGO_PKG_VERSION")))
            .body(Full::new(body))
            .map_err(|error| unreachable(&error))?;
        let exchange = async {
            let (head, body) = self.client.request(request).await.map_err(|error| unreachable(&error))?.into_parts();
            let body = Limited::new(body, largest).collect().await.map_err(|error| unreachable(error.as_ref()))?;
            Ok::<_, Error>((head.status, head.headers, body.to_bytes()))
        };
        let (status, headers, body) = match tokio::time::timeout(DEADLINE, exchange).await {
            Ok(answer) => answer?,
            Err(_) => return Err(Error::Unreachable(format!("no answer within {} s", DEADLINE.as_secs()))),
        };
        match status {
            StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_MANY_REQUESTS => Err(Error::Unreachable(status.to_string())),
            status if status.is_server_error() => Err(Error::Unreachable(status.to_string())),
            status => Ok((status, headers, body)),
        }
    }
}

impl Default for Courier {
    fn default() -> Self {
        Self::new()
    }
}

fn refused(status: StatusCode, text: &str) -> Error {
    Error::Refused { status: status.as_u16(), message: shown(text) }
}

/// The beginning of what somebody says, in one line.
fn shown(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(SHOWN).collect::<String>().trim().to_owned()
}

fn chain(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(Some(error), |error| error.source());
    shown(&causes.map(ToString::to_string).collect::<Vec<_>>().join(": "))
}
