//! Files, in and out: streamed, so that none of them is ever in memory as a whole.

use std::io;
use std::path::Path;
use std::pin::Pin;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use http::header::{ACCEPT, AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE};
use http::{HeaderValue, Method, Request};
use http_body_util::BodyExt as _;
use hyper::body::{Body, Bytes, Frame, SizeHint};
use octocrab::OctoBody;
use sha2::{Digest as _, Sha256};
use tokio::fs::File;
use tokio::io::{AsyncRead as _, ReadBuf};

use super::{Answer, Client, Credential, DEADLINE, Error, Kind, chain, read};

/// A file is moved at least this fast: bytes a second. The exchange's time limit grows with its size.
const SLOWEST: u64 = 128 * 1024;
/// So much of a file is in memory at once, in bytes.
const PIECE: usize = 64 * 1024;

/// A file to send.
pub(in crate::github) struct Upload<'a> {
    /// Where to, as GitHub said: a host of its own.
    pub url: &'a str,
    pub file: &'a Path,
    /// How long it is.
    pub bytes: u64,
}

impl Client {
    /// Sends a file.
    pub(in crate::github) async fn upload(
        &self,
        credential: &Credential,
        upload: &Upload<'_>,
    ) -> Result<Answer, Error> {
        self.counters[Kind::Write as usize].fetch_add(1, Ordering::Relaxed);
        // The token goes where this says: never in the clear, unless everything does.
        if !upload.url.starts_with("https://") && self.rest.starts_with("https://") {
            return Err(Error::Decode { what: "where to upload to", why: "it is no https address".to_owned() });
        }
        within(upload.bytes, async {
            let file = File::open(upload.file).await.map_err(|error| unreadable(upload.file, &error))?;
            let request = Request::builder()
                .method(Method::POST)
                .uri(upload.url)
                .header(AUTHORIZATION, credential.0.clone())
                // GitHub's description knows no other.
                .header(CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"))
                .header(CONTENT_LENGTH, upload.bytes)
                .body(OctoBody::new(FileBody { file, left: upload.bytes, piece: vec![0; PIECE] }))
                .map_err(|error| Error::Decode { what: "where to upload to", why: error.to_string() })?;
            let response = self.octocrab.execute(request).await;
            read(response.map_err(|error| Error::Network(credential.redact(chain(&error))))?, credential).await
        })
        .await
    }

    /// Reads a file at a path below the API's root and returns its SHA-256. `bytes` is how long it should be; more are
    /// not read.
    pub(in crate::github) async fn sha256(
        &self,
        credential: &Credential,
        path: &str,
        bytes: u64,
    ) -> Result<[u8; 32], Error> {
        let mut hash = Sha256::new();
        self.download(credential, path, bytes, |piece| hash.update(piece)).await?;
        Ok(hash.finalize().into())
    }

    /// Reads a file at a path below the API's root, piece by piece. `bytes` is how long it should be; what comes once more
    /// have come is not read.
    pub(in crate::github) async fn download(
        &self,
        credential: &Credential,
        path: &str,
        bytes: u64,
        mut take: impl FnMut(&[u8]),
    ) -> Result<(), Error> {
        self.counters[Kind::Read as usize].fetch_add(1, Ordering::Relaxed);
        let unreachable = |error: &dyn std::error::Error| Error::Network(credential.redact(chain(error)));
        within(bytes, async {
            let request = Request::builder()
                .uri([self.rest.as_str(), path].concat())
                .header(AUTHORIZATION, credential.0.clone())
                .header(ACCEPT, HeaderValue::from_static("application/octet-stream"))
                .body(OctoBody::empty())
                .map_err(|error| unreachable(&error))?;
            let response = self.octocrab.execute(request).await.map_err(|error| unreachable(&error))?;
            if !response.status().is_success() {
                let status = response.status().as_u16();
                return match read(response, credential).await {
                    Err(error) => Err(error),
                    Ok(_) => Err(Error::Server { status, message: "it sends no file".to_owned() }),
                };
            }
            let mut seen = 0_u64;
            let mut body = response.into_body();
            while let Some(frame) = body.frame().await {
                let frame = frame.map_err(|error| unreachable(&error))?;
                let Some(data) = frame.data_ref() else { continue };
                take(data);
                seen = seen.saturating_add(data.len() as u64);
                if seen > bytes {
                    break; // It is not the file; whoever asked sees it by the hash.
                }
            }
            Ok(())
        })
        .await
    }
}

async fn within<T>(bytes: u64, exchange: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
    let limit = DEADLINE + Duration::from_secs(bytes / SLOWEST);
    match tokio::time::timeout(limit, exchange).await {
        Ok(done) => done,
        Err(_) => Err(Error::Network(format!("not done within {} s", limit.as_secs()))),
    }
}

fn unreadable(path: &Path, error: &io::Error) -> Error {
    Error::Network(format!("our own file {} cannot be read: {error}", path.display()))
}

/// A file as the body of a request.
struct FileBody {
    file: File,
    left: u64,
    piece: Vec<u8>,
}

impl Body for FileBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        let this = self.get_mut();
        if this.left == 0 {
            return Poll::Ready(None);
        }
        let most = usize::try_from(this.left).unwrap_or(PIECE).min(PIECE);
        let mut piece = ReadBuf::new(&mut this.piece[..most]);
        ready!(Pin::new(&mut this.file).poll_read(cx, &mut piece))?;
        let read = piece.filled();
        if read.is_empty() {
            let short = io::Error::new(io::ErrorKind::UnexpectedEof, "the file is shorter than it was");
            return Poll::Ready(Some(Err(short)));
        }
        this.left -= read.len() as u64;
        Poll::Ready(Some(Ok(Frame::data(Bytes::copy_from_slice(read)))))
    }

    fn is_end_stream(&self) -> bool {
        self.left == 0
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left)
    }
}
