//! `GET /l/<id>/…`: a log as <https://c2sp.org/tlog-tiles> wants it read: checkpoint, tiles, entry bundles.
//!
//! Read by the threads that decide, of which it takes few, so that no webhook waits for it; what is sent may fill only so
//! much memory. Who may not read a log is told the same as if there were none.

use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use secrecy::{ExposeSecret as _, SecretString};
use sha2::{Digest as _, Sha256};
use tokio::runtime::Handle;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::Endpoints;
use super::error::Problem;
use crate::ledger::tile::{Content, TilePath};
use crate::store::{LedgerReader, LogHead};

/// How many read from the database at once.
const READS: usize = 2;
/// How much may be read and waiting to be sent, in KiB. A bundle is 16 MiB at most.
const ROOM: u32 = 64 * 1024;
/// How long somebody waits for others who read.
const PATIENCE: Duration = Duration::from_secs(10);
/// What a checkpoint with all its cosignatures, a key, or a tile of hashes takes up at most, in KiB.
const SMALL: u32 = 64;
/// What an entry of a bundle takes up at most, in bytes: its length is two of them.
const ENTRY: usize = 2 + u16::MAX as usize;

/// Who may read the logs.
pub enum Access {
    /// Nobody: there are no such pages.
    Nobody,
    /// Everybody who knows a log's address.
    Everybody,
    /// Whoever brings one of these tokens.
    Bearers(Vec<Bearer>),
}

/// A token, known by its digest, and the account whose log it opens.
pub struct Bearer {
    digest: [u8; 32],
    tenant: Option<String>,
}

/// What somebody may read.
enum Grant {
    All,
    Of(Vec<String>),
}

impl Access {
    /// For these tokens: each opens the log of the account with this login or id, or all.
    pub fn bearers(tokens: impl IntoIterator<Item = (Option<String>, SecretString)>) -> Self {
        let bearer = |(tenant, token): (_, SecretString)| Bearer { digest: digest(token.expose_secret()), tenant };
        Self::Bearers(tokens.into_iter().map(bearer).collect())
    }

    fn grant(&self, headers: &HeaderMap) -> Option<Grant> {
        let bearers = match self {
            Self::Nobody => return None,
            Self::Everybody => return Some(Grant::All),
            Self::Bearers(bearers) => bearers,
        };
        let (scheme, token) = headers.get(header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
        if !scheme.eq_ignore_ascii_case("bearer") {
            return None;
        }
        let given = digest(token.trim());
        // All are looked at, whichever fits.
        let fitting: Vec<&Bearer> = bearers.iter().filter(|bearer| is_same(&bearer.digest, &given)).collect();
        match fitting.iter().map(|bearer| bearer.tenant.clone()).collect::<Option<Vec<_>>>() {
            _ if fitting.is_empty() => None,
            Some(tenants) => Some(Grant::Of(tenants)),
            None => Some(Grant::All),
        }
    }
}

impl Grant {
    /// An account id opens its account's log. A login opens the log that began with it, unless two did: it may have passed
    /// from one account to another. Digits are an id, though a login may be made of them.
    async fn covers(&self, log: &LogHead, reader: &LedgerReader) -> Result<bool, crate::store::Error> {
        let Self::Of(names) = self else { return Ok(true) };
        let is_id = |name: &&String| name.bytes().all(|byte| byte.is_ascii_digit());
        let (ids, logins): (Vec<&String>, Vec<&String>) = names.iter().partition(is_id);
        if ids.iter().any(|id| log.tenant.to_string() == **id) {
            return Ok(true);
        }
        if !logins.iter().any(|login| log.login.eq_ignore_ascii_case(login)) {
            return Ok(false);
        }
        let is_ambiguous = reader.has_namesake(log).await?;
        if is_ambiguous {
            tracing::warn!(
                login = log.login,
                log = log.origin,
                "a token for this login opens no ledger: two began with it; bind it to the account's id instead"
            );
        }
        Ok(!is_ambiguous)
    }
}

fn digest(text: &str) -> [u8; 32] {
    Sha256::digest(text.as_bytes()).into()
}

/// Takes as long whatever they are.
fn is_same(one: &[u8; 32], other: &[u8; 32]) -> bool {
    std::hint::black_box(one.iter().zip(other).fold(0, |differences, (one, other)| differences | (one ^ other))) == 0
}

/// Through which the logs are seen.
pub struct Window {
    reader: LedgerReader,
    access: Access,
    on: Handle,
    reads: Arc<Semaphore>,
    room: Arc<Semaphore>,
}

/// What is asked for.
#[derive(Clone, Copy)]
enum Wanted {
    Checkpoint,
    Vkey,
    Tile(TilePath),
}

impl Window {
    /// Reads in this runtime.
    #[must_use]
    pub fn new(reader: LedgerReader, access: Access, on: Handle) -> Self {
        let (reads, room) = (Arc::new(Semaphore::new(READS)), Arc::new(Semaphore::new(ROOM as usize)));
        Self { reader, access, on, reads, room }
    }

    pub(super) fn is_open(&self) -> bool {
        !matches!(self.access, Access::Nobody)
    }

    /// `wanted` is nothing when it is no part of any log.
    async fn show(&self, id: String, wanted: Option<Wanted>, headers: &HeaderMap) -> Result<Response, Problem> {
        let Some(grant) = self.access.grant(headers) else { return Ok(unauthorized()) };
        let wanted = wanted.ok_or_else(not_found)?;
        // Room comes first: what was read would take it up while it waits for it.
        let wait = tokio::time::timeout(PATIENCE, async {
            let room = self.room.clone().acquire_many_owned(wanted.largest()).await;
            (room, self.reads.clone().acquire_owned().await)
        });
        let Ok((Ok(room), Ok(place))) = wait.await else { return Ok(busy()) };
        let reader = self.reader.clone();
        let reading = self.on.spawn(async move {
            let read = read(&reader, &id, wanted, &grant).await;
            drop(place);
            (read, room)
        });
        let failed = |error: String| {
            tracing::error!(%error, "a ledger could not be read");
            Problem::new(StatusCode::SERVICE_UNAVAILABLE, "the ledger cannot be read now: ask again")
        };
        let (read, mut room) = reading.await.map_err(|error| failed(error.to_string()))?;
        let (bytes, etag) = read.map_err(|error| failed(error.to_string()))?.ok_or_else(not_found)?;
        let mut response = if is_known(headers, &etag) {
            StatusCode::NOT_MODIFIED.into_response()
        } else {
            let room = room.split(bytes.len() / 1024 + 1).unwrap_or(room);
            Body::from(Bytes::from_owner(Sending { bytes, _room: room })).into_response()
        };
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(wanted.content_type()));
        headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        let is_public = matches!(self.access, Access::Everybody);
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(wanted.caching(is_public)));
        headers.extend(HeaderValue::from_str(&etag).map(|etag| (header::ETAG, etag)));
        Ok(response)
    }
}

async fn read(
    reader: &LedgerReader,
    id: &str,
    wanted: Wanted,
    grant: &Grant,
) -> Result<Option<(Bytes, String)>, crate::store::Error> {
    let Some(log) = reader.log_with_id(id).await? else { return Ok(None) };
    if !grant.covers(&log, reader).await? {
        return Ok(None);
    }
    let bytes = match wanted {
        Wanted::Checkpoint => Some(log.checkpoint.into_bytes()),
        Wanted::Vkey => Some(format!("{}\n", log.vkey).into_bytes()),
        Wanted::Tile(tile) => reader.tile(&log, tile).await?,
    };
    Ok(bytes.map(|bytes| {
        let etag = format!("\"{}\"", hex::encode(Sha256::digest(&bytes)));
        (Bytes::from(bytes), etag)
    }))
}

impl Wanted {
    /// What it takes up at most, in KiB.
    fn largest(self) -> u32 {
        match self {
            Self::Tile(TilePath { content: Content::Entries, width, .. }) => {
                u32::try_from(width * ENTRY / 1024 + 1).unwrap_or(ROOM).min(ROOM)
            }
            _ => SMALL,
        }
    }

    fn content_type(self) -> &'static str {
        match self {
            Self::Checkpoint | Self::Vkey => "text/plain; charset=utf-8",
            Self::Tile(_) => "application/octet-stream",
        }
    }

    /// A tile never changes. A partial one is soon of no use.
    fn caching(self, is_public: bool) -> &'static str {
        match (self, is_public) {
            (Self::Tile(tile), true) if tile.is_full() => "public, max-age=31536000, immutable",
            (Self::Tile(tile), false) if tile.is_full() => "private, max-age=31536000, immutable",
            (Self::Tile(_), true) => "public, max-age=300",
            (Self::Tile(_), false) => "private, max-age=300",
            (_, true) => "no-cache",
            (_, false) => "private, no-cache",
        }
    }
}

fn not_found() -> Problem {
    Problem::new(StatusCode::NOT_FOUND, "there is no such ledger, or it has no such part")
}

fn unauthorized() -> Response {
    let problem = Problem::new(StatusCode::UNAUTHORIZED, "reading ledgers takes a token: Authorization: Bearer …");
    let mut response = problem.into_response();
    response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    response
}

fn busy() -> Response {
    let problem = Problem::new(StatusCode::SERVICE_UNAVAILABLE, "too many read the ledgers at once: ask again");
    let mut response = problem.into_response();
    response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("10"));
    response
}

fn is_known(headers: &HeaderMap, etag: &str) -> bool {
    let tags = headers.get_all(header::IF_NONE_MATCH).iter().filter_map(|tags| tags.to_str().ok());
    tags.flat_map(|tags| tags.split(',')).any(|tag| {
        let tag = tag.trim();
        tag == "*" || tag.trim_start_matches("W/") == etag
    })
}

/// Bytes that take up their room until the last of them was sent, or the connection ended ([`super::Prompt`]).
struct Sending {
    bytes: Bytes,
    _room: OwnedSemaphorePermit,
}

impl AsRef<[u8]> for Sending {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

/// The newest signed checkpoint.
pub(super) async fn checkpoint(
    State(endpoints): State<Arc<Endpoints>>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    endpoints.log.show(id, Some(Wanted::Checkpoint), &headers).await
}

/// The log's own key, for comparison: a reader trusts one that came another way.
pub(super) async fn vkey(
    State(endpoints): State<Arc<Endpoints>>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    endpoints.log.show(id, Some(Wanted::Vkey), &headers).await
}

/// A tile or an entry bundle.
pub(super) async fn tile(
    State(endpoints): State<Arc<Endpoints>>,
    Path((id, path)): Path<(String, String)>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let wanted = TilePath::parse(&format!("tile/{path}")).map(Wanted::Tile);
    endpoints.log.show(id, wanted, &headers).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn room_is_kept_for_the_largest_a_part_can_be() {
        let largest = |path: &str| TilePath::parse(path).map(|tile| Wanted::Tile(tile).largest());
        assert_eq!(largest("tile/entries/000"), Some(16_385));
        assert_eq!(largest("tile/entries/000.p/1"), Some(65));
        assert_eq!(largest("tile/0/000"), Some(SMALL));
    }

    #[tokio::test]
    async fn what_is_sent_takes_up_its_room_until_the_last_byte_of_it_is_gone() {
        let all = Arc::new(Semaphore::new(16));
        let room = all.clone().acquire_many_owned(16).await.unwrap();
        let mut bytes = Bytes::from_owner(Sending { bytes: Bytes::from_static(b"entries"), _room: room });
        let last = bytes.split_off(6);
        drop(bytes);
        assert_eq!(all.available_permits(), 0, "one byte keeps all of them");
        drop(last);
        assert_eq!(all.available_permits(), 16);
    }
}
