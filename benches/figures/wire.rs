//! HTTP/1.1 as far as a load generator needs it: prepared bytes go out, a status and a body come back. A client library would
//! cost the core that the fake GitHub runs on as well.

use std::net::SocketAddr;

use anyhow::{Context as _, bail};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;

/// A connection that is kept open.
pub struct Connection(BufReader<TcpStream>);

impl Connection {
    pub async fn open(address: SocketAddr) -> anyhow::Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self::over(stream))
    }

    pub fn over(stream: TcpStream) -> Self {
        Self(BufReader::with_capacity(64 * 1024, stream))
    }

    /// Sends a prepared request and returns the status and body of the answer.
    pub async fn ask(&mut self, request: &[u8]) -> anyhow::Result<(u16, Vec<u8>)> {
        self.0.get_mut().write_all(request).await?;
        let message = self.read().await?.context("the connection was closed")?;
        let status = message.get(9..12).and_then(|digits| std::str::from_utf8(digits).ok()?.parse().ok());
        let body = message.iter().skip(body_at(&message)).copied().collect();
        Ok((status.context("an answer without a status")?, body))
    }

    /// The next message as it came, head and body; `None` at the end of the connection.
    pub async fn read(&mut self) -> anyhow::Result<Option<Vec<u8>>> {
        let (mut message, mut length) = (Vec::new(), 0);
        loop {
            let before = message.len();
            if self.0.read_until(b'\n', &mut message).await? == 0 {
                return Ok(None);
            }
            let line = message[before..].trim_ascii();
            if line.is_empty() {
                break;
            }
            if let Some(colon) = line.iter().position(|byte| *byte == b':')
                && line[..colon].eq_ignore_ascii_case(b"content-length")
            {
                length = std::str::from_utf8(line[colon + 1..].trim_ascii())?.parse()?;
            }
        }
        let head = message.len();
        message.resize(head + length, 0);
        self.0.read_exact(&mut message[head..]).await?;
        Ok(Some(message))
    }

    pub async fn answer(&mut self, status: u16) -> anyhow::Result<()> {
        let answer = format!("HTTP/1.1 {status} -\r\ncontent-length: 0\r\n\r\n");
        Ok(self.0.get_mut().write_all(answer.as_bytes()).await?)
    }
}

/// Where the body of a message begins.
fn body_at(message: &[u8]) -> usize {
    message.windows(4).position(|four| four == b"\r\n\r\n").map_or(message.len(), |at| at + 4)
}

/// A request in bytes. `headers` are whole lines.
pub fn request(method: &str, path: &str, headers: &[String], body: &[u8]) -> Vec<u8> {
    let head = format!("{method} {path} HTTP/1.1\r\nhost: bench\r\ncontent-length: {}\r\n", body.len());
    let mut bytes = head.into_bytes();
    headers.iter().for_each(|line| bytes.extend_from_slice(format!("{line}\r\n").as_bytes()));
    bytes.extend_from_slice(b"\r\n");
    bytes.extend_from_slice(body);
    bytes
}

/// Asks once, in JSON; anything but a 2xx is an error.
pub async fn json(address: SocketAddr, method: &str, path: &str, body: &Value) -> anyhow::Result<Value> {
    let body = if body.is_null() { String::new() } else { body.to_string() };
    let (status, answer) = Connection::open(address).await?.ask(&request(method, path, &[], body.as_bytes())).await?;
    if !(200..300).contains(&status) {
        bail!("{method} {path}: {status} {}", String::from_utf8_lossy(&answer));
    }
    Ok(serde_json::from_slice(&answer)?)
}
