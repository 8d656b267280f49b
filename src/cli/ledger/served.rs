//! A ledger that a server serves (<https://c2sp.org/tlog-tiles>), fetched into a folder as an export has it: what checks an
//! export checks it then.

use std::path::Path;
use std::time::Duration;

use http::header::{AUTHORIZATION, USER_AGENT};
use http::{Request, StatusCode, Uri};
use http_body_util::{BodyExt as _, Empty, Limited};
use hyper::body::Bytes;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use secrecy::{ExposeSecret as _, SecretString};
use thiserror::Error;

use crate::artifact::Directory;
use crate::ledger::entry::MAX_BYTES;
use crate::ledger::export::{ExportError, Exporter};
use crate::ledger::layout::{self, Artifact as _};
use crate::ledger::note::MAX_NOTE_BYTES;
use crate::ledger::tile::{Content, TilePath, WIDTH, bundled};
use crate::ledger::{Checkpoint, VerifierKey};

/// An answer takes no longer than this.
const DEADLINE: Duration = Duration::from_secs(60);
/// How often a server that is busy is asked.
const ATTEMPTS: u32 = 5;
/// No bundle is longer.
const MAX_BUNDLE: usize = WIDTH * (2 + MAX_BYTES);

/// Why a served ledger was not fetched.
#[derive(Debug, Error)]
pub enum FetchError {
    /// What is served is not what was signed.
    #[error("{0}")]
    Forged(String),
    /// The server did not give it, or it could not be kept.
    #[error("{0}")]
    Unusable(String),
}

/// A server's ledger.
struct Served {
    client: Client<HttpsConnector<HttpConnector>, Empty<Bytes>>,
    url: String,
    token: Option<SecretString>,
}

/// Whether this names a server's ledger instead of something on disk.
#[must_use]
pub fn is_url(target: &str) -> bool {
    target.starts_with("https://") || target.starts_with("http://")
}

/// Fetches a ledger into a new folder. `progress` hears how many entries of how many are there.
///
/// # Errors
/// If the server does not give it, or its parts do not fit together.
pub async fn fetch(
    url: &str,
    token: Option<SecretString>,
    dir: &Path,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<(), FetchError> {
    let served = Served::new(url, token)?;
    let note = text(served.get(layout::CHECKPOINT, MAX_NOTE_BYTES).await?)?;
    let vkey = text(served.get(layout::VKEY, 1024).await?)?;
    let key: VerifierKey = vkey.trim_end().parse().map_err(|error| forged(layout::VKEY, error))?;
    let size = Checkpoint::open(&note, &key).map_err(|error| forged(layout::CHECKPOINT, error))?.size;
    let mut directory = Directory::create(dir).map_err(|error| unusable(dir.display(), error))?;
    let mut exporter = Exporter::begin(&mut directory, &key, &note).map_err(not_exported)?;
    let mut read = 0;
    for tile in tiles(size, 0) {
        let bundle = TilePath { content: Content::Entries, ..tile };
        let bytes = served.get(&bundle.to_string(), MAX_BUNDLE).await?;
        let entries: Vec<&[u8]> = bundled(&bytes).collect();
        let length: usize = entries.iter().map(|entry| entry.len() + 2).sum();
        if entries.len() != tile.width || length != bytes.len() {
            return Err(forged(bundle, "it does not hold the entries it should"));
        }
        for entry in entries {
            let line = std::str::from_utf8(entry).map_err(|error| forged(bundle, error))?;
            if line.contains('\n') {
                return Err(forged(bundle, "an entry of it has two lines"));
            }
            exporter.push(line).map_err(not_exported)?;
            read += 1;
        }
        progress(read, size);
    }
    exporter.finish().map_err(not_exported)?;
    let mut made = Vec::new();
    for level in 0..8 {
        for tile in tiles(size, level) {
            let path = tile.to_string();
            directory.read(&path, WIDTH * 32, &mut made).map_err(|error| unusable(&path, error))?;
            if served.get(&path, WIDTH * 32).await? != made {
                return Err(forged(&path, "this tile does not match the entries, which have the root that was signed"));
            }
        }
    }
    Ok(())
}

/// The hash tiles of a level in a log of this size.
fn tiles(size: u64, level: u8) -> impl Iterator<Item = TilePath> {
    let hashes = size.checked_shr(u32::from(level) * WIDTH.ilog2()).unwrap_or(0);
    (0..hashes.div_ceil(WIDTH as u64)).map(move |index| TilePath {
        content: Content::Hashes { level },
        index,
        width: WIDTH.min((hashes - index * WIDTH as u64) as usize),
    })
}

impl Served {
    fn new(url: &str, token: Option<SecretString>) -> Result<Self, FetchError> {
        let uri: Uri = url.parse().map_err(|error| unusable(url, error))?;
        let host = uri.host().unwrap_or_default().trim_matches(['[', ']']);
        let is_here = host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|it| it.is_loopback());
        if token.is_some() && uri.scheme_str() != Some("https") && !is_here {
            return Err(FetchError::Unusable(format!("{url}: a token is sent over https:// only")));
        }
        let connector = HttpsConnectorBuilder::new().with_webpki_roots().https_or_http().enable_http1().build();
        let client = Client::builder(TokioExecutor::new()).build(connector);
        Ok(Self { client, url: url.trim_end_matches('/').to_owned(), token })
    }

    async fn get(&self, path: &str, limit: usize) -> Result<Vec<u8>, FetchError> {
        let mut attempt = 1;
        loop {
            let answer = tokio::time::timeout(DEADLINE, self.ask(path, limit)).await;
            let (status, bytes) = answer.map_err(|_| unusable(path, "the server does not answer"))??;
            let what = match status {
                StatusCode::OK => return Ok(bytes),
                StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS if attempt < ATTEMPTS => {
                    tokio::time::sleep(Duration::from_secs(u64::from(attempt))).await;
                    attempt += 1;
                    continue;
                }
                StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
                    "the server wants a token, or another one: --token-file".to_owned()
                }
                StatusCode::NOT_FOUND => {
                    "the server has no such thing, or does not show it to this token; the address of a ledger is https:// \
                     and its origin"
                        .to_owned()
                }
                status => format!("the server answers {status}"),
            };
            return Err(unusable(format!("{}/{path}", self.url), what));
        }
    }

    async fn ask(&self, path: &str, limit: usize) -> Result<(StatusCode, Vec<u8>), FetchError> {
        let url = format!("{}/{path}", self.url);
        let failed = |why: String| unusable(&url, why);
        let mut request = Request::get(&url).header(USER_AGENT, concat!("seconder/", env!("CARGO_PKG_VERSION")));
        if let Some(token) = &self.token {
            request = request.header(AUTHORIZATION, format!("Bearer {}", token.expose_secret()));
        }
        let request = request.body(Empty::new()).map_err(|error| failed(error.to_string()))?;
        let answer = self.client.request(request).await.map_err(|error| failed(chain(&error)))?;
        let (head, body) = answer.into_parts();
        let body = Limited::new(body, limit + 4096).collect().await.map_err(|error| failed(error.to_string()))?;
        Ok((head.status, body.to_bytes().to_vec()))
    }
}

fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let causes = std::iter::successors(Some(error), |error| error.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

fn text(bytes: Vec<u8>) -> Result<String, FetchError> {
    String::from_utf8(bytes).map_err(|error| forged(layout::CHECKPOINT, error))
}

fn forged(what: impl std::fmt::Display, why: impl std::fmt::Display) -> FetchError {
    FetchError::Forged(format!("{what}: {why}"))
}

fn unusable(what: impl std::fmt::Display, why: impl std::fmt::Display) -> FetchError {
    FetchError::Unusable(format!("{what}: {why}"))
}

fn not_exported(error: ExportError) -> FetchError {
    match error {
        ExportError::Io { .. } | ExportError::ReadBack(_) => FetchError::Unusable(error.to_string()),
        ExportError::Root(size) => FetchError::Forged(format!(
            "the entries that are served do not have the root that the checkpoint of {size} entries signs: an entry was changed"
        )),
        error => FetchError::Forged(error.to_string()),
    }
}
