//! Connections whose other end takes what it asked for, or loses it: what nobody takes fills memory others wait for.

use std::io::{self, IoSlice};
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::serve::Listener;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{Sleep, sleep};

/// How long somebody may take for [`LEAST`], when there is as much.
const PATIENCE: Duration = Duration::from_secs(30);
/// What has to be taken meanwhile, in bytes: a bundle of 16 MiB is gone after a quarter of an hour at the latest.
const LEAST: usize = 512 * 1024;

/// Listens, and gives connections that end when the other end reads nothing, or too slowly.
pub struct Prompt(TcpListener);

impl Prompt {
    /// Of this listener.
    #[must_use]
    pub fn new(listener: TcpListener) -> Self {
        Self(listener)
    }
}

impl Listener for Prompt {
    type Io = Connection<TcpStream>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        let (stream, address) = Listener::accept(&mut self.0).await;
        (Connection::new(stream, PATIENCE), address)
    }

    fn local_addr(&self) -> io::Result<Self::Addr> {
        self.0.local_addr()
    }
}

/// A connection that fails once the other end has taken too little for too long.
pub struct Connection<S> {
    stream: S,
    patience: Duration,
    /// Runs from when the other end first took nothing.
    waiting: Option<Pin<Box<Sleep>>>,
    /// What was taken since, in bytes.
    taken: usize,
}

impl<S: AsyncWrite + Unpin> Connection<S> {
    fn new(stream: S, patience: Duration) -> Self {
        Self { stream, patience, waiting: None, taken: 0 }
    }

    fn rest(&mut self) {
        (self.waiting, self.taken) = (None, 0);
    }

    fn judge(&mut self, written: Poll<io::Result<usize>>, context: &mut Context<'_>) -> Poll<io::Result<usize>> {
        match &written {
            Poll::Ready(Ok(bytes)) => {
                self.taken = self.taken.saturating_add(*bytes);
                if self.taken >= LEAST {
                    self.rest();
                }
            }
            Poll::Ready(Err(_)) => {}
            Poll::Pending => {
                if self.waiting.is_none() {
                    self.taken = 0;
                }
                let patience = self.patience;
                let waiting = self.waiting.get_or_insert_with(|| Box::pin(sleep(patience)));
                ready!(waiting.as_mut().poll(context));
                let error = io::Error::new(io::ErrorKind::TimedOut, "the other end does not take what it asked for");
                return Poll::Ready(Err(error));
            }
        }
        written
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Connection<S> {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, into)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Connection<S> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.judge(written, context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(context, slices);
        self.judge(written, context)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    /// Comes when all was written that there was.
    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = ready!(Pin::new(&mut self.stream).poll_flush(context));
        self.rest();
        Poll::Ready(flushed)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use super::*;

    async fn write(connection: &mut Connection<tokio::io::DuplexStream>) -> io::Result<usize> {
        poll_fn(|context| Pin::new(&mut *connection).poll_write(context, &[0; 1_000])).await
    }

    #[tokio::test]
    async fn a_connection_whose_other_end_takes_nothing_ends() {
        let (ours, _theirs) = tokio::io::duplex(1_000);
        let mut connection = Connection::new(ours, Duration::from_millis(20));
        assert_eq!(write(&mut connection).await.unwrap(), 1_000);
        assert_eq!(write(&mut connection).await.unwrap_err().kind(), io::ErrorKind::TimedOut);
    }
}
