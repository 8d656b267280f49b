//! HTTP/1.1 to GitHub over connections that are kept, and the redirections that reads follow.
//!
//! hyper's client as it is: whatever lies between it and a call is paid six times a gate.

use std::time::Duration;

use http::header::{ACCEPT, AUTHORIZATION, HeaderName, LOCATION, USER_AGENT};
use http::{HeaderMap, HeaderValue, Method, Request, Response, Uri};
use http_body_util::{Either, Full};
use hyper::body::{Bytes, Incoming};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;

use super::transfer::FileBody;

/// Until a connection is there.
const CONNECTING: Duration = Duration::from_secs(10);
/// A read follows so many redirections.
const REDIRECTIONS: usize = 5;

const VERSION: HeaderName = HeaderName::from_static("x-github-api-version");

/// What is sent: bytes, or a file.
pub(super) type Outgoing = Either<Full<Bytes>, FileBody>;

/// Connections to GitHub, and to wherever it keeps files.
pub(super) struct Transport(legacy::Client<HttpsConnector<HttpConnector>, Outgoing>);

impl Transport {
    pub(super) fn new() -> Self {
        let mut connector = HttpConnector::new();
        connector.enforce_http(false);
        connector.set_nodelay(true);
        connector.set_connect_timeout(Some(CONNECTING));
        let connector =
            HttpsConnectorBuilder::new().with_webpki_roots().https_or_http().enable_http1().wrap_connector(connector);
        Self(legacy::Client::builder(TokioExecutor::new()).build(connector))
    }

    /// Sends a request. A read follows redirections: repositories are renamed, and files are kept elsewhere. Whoever is not
    /// where the request was to go sees no credential.
    pub(super) async fn send(&self, mut request: Request<Outgoing>) -> Result<Response<Incoming>, legacy::Error> {
        add_usual(request.headers_mut());
        if request.method() != Method::GET {
            return self.0.request(request).await;
        }
        let mut next = again(&request, request.uri().clone());
        let mut response = self.0.request(request).await?;
        for _ in 0..REDIRECTIONS {
            let Some(to) = redirection(&response, next.uri()) else { break };
            if !is_same_place(&to, next.uri()) {
                next.headers_mut().remove(AUTHORIZATION);
            }
            *next.uri_mut() = to.clone();
            response = self.0.request(again(&next, to)).await?;
        }
        Ok(response)
    }
}

fn add_usual(headers: &mut HeaderMap) {
    headers.entry(ACCEPT).or_insert(HeaderValue::from_static("application/vnd.github+json"));
    headers.insert(USER_AGENT, HeaderValue::from_static(concat!("seconder/", env!("CARGO_PKG_VERSION"))));
    headers.insert(VERSION, HeaderValue::from_static("2022-11-28"));
}

/// The same read at another address.
fn again(request: &Request<Outgoing>, uri: Uri) -> Request<Outgoing> {
    let mut again = Request::new(Either::Left(Full::default()));
    *again.uri_mut() = uri;
    *again.headers_mut() = request.headers().clone();
    again
}

/// Where an answer sends whoever asked, if it does.
fn redirection<B>(response: &Response<B>, from: &Uri) -> Option<Uri> {
    if !matches!(response.status().as_u16(), 301 | 302 | 303 | 307 | 308) {
        return None;
    }
    let to: Uri = response.headers().get(LOCATION)?.as_bytes().try_into().ok()?;
    if to.authority().is_some() {
        return matches!(to.scheme_str()?, "http" | "https").then_some(to);
    }
    let mut parts = from.clone().into_parts();
    parts.path_and_query = to.into_parts().path_and_query;
    Uri::from_parts(parts).ok()
}

fn is_same_place(one: &Uri, other: &Uri) -> bool {
    one.scheme() == other.scheme() && one.authority() == other.authority()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn redirected(from: &str, location: &str) -> Option<Uri> {
        let response = Response::builder().status(302).header(LOCATION, location).body(()).unwrap();
        redirection(&response, &from.parse().unwrap())
    }

    #[test]
    fn a_redirection_names_another_host_or_another_path_of_this_one() {
        let from = "https://api.github.com/repos/a/b";
        assert_eq!(redirected(from, "https://elsewhere.test/x?y=1").unwrap(), "https://elsewhere.test/x?y=1");
        let renamed = "https://api.github.com/repositories/7?z=2";
        assert_eq!(redirected(from, renamed.trim_start_matches("https://api.github.com")).unwrap(), renamed);
        assert_eq!(redirected(from, "ftp://elsewhere.test/x"), None);
    }

    #[test]
    fn another_scheme_host_or_port_is_another_place() {
        let here: Uri = "https://api.github.com/a".parse().unwrap();
        let is_here = |to: &str| is_same_place(&to.parse().unwrap(), &here);
        assert!(is_here("https://api.github.com/b"));
        assert!(!is_here("http://api.github.com/a"));
        assert!(!is_here("https://api.github.com:8443/a"));
        assert!(!is_here("https://files.test/a"));
    }
}
