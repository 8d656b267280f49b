//! What the fake GitHub sends is caught here, to be played to the server at a pace of our own, or passed on at once.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::net::TcpListener;
use tokio::sync::Notify;

use crate::wire::Connection;

/// A webhook as GitHub sent it: a whole HTTP request.
pub type Webhook = Arc<[u8]>;

/// One webhook that was sent, and how it went.
#[derive(Clone, Copy, Debug)]
pub struct Sent {
    /// 0: no answer.
    pub status: u16,
    /// From the moment it was due until the answer was there.
    pub took: Duration,
    /// When it left, in microseconds since the Unix epoch.
    pub at_micros: u64,
}

impl Sent {
    pub fn is_acked(&self) -> bool {
        (200..300).contains(&self.status)
    }
}

#[derive(Default)]
struct Caught {
    webhooks: Vec<Webhook>,
    /// Pass on to here instead.
    relay: Option<SocketAddr>,
    /// How those passed on were answered, by delivery.
    relayed: Vec<(Webhook, u16)>,
}

/// Where the fake GitHub sends its webhooks.
#[derive(Clone)]
pub struct Tape {
    pub address: SocketAddr,
    caught: Arc<Mutex<Caught>>,
    changed: Arc<Notify>,
}

impl Tape {
    pub async fn start() -> anyhow::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let tape = Self { address: listener.local_addr()?, caught: Arc::default(), changed: Arc::default() };
        let catching = tape.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let tape = catching.clone();
                tokio::spawn(async move { tape.catch(Connection::over(stream)).await });
            }
        });
        Ok(tape)
    }

    async fn catch(&self, mut from: Connection) -> anyhow::Result<()> {
        let mut onward: Option<Connection> = None;
        while let Some(webhook) = from.read().await? {
            let webhook: Webhook = webhook.into();
            let relay = self.caught().relay;
            let status = match relay {
                None => 202,
                Some(server) => pass_on(&mut onward, server, &webhook).await.unwrap_or(502),
            };
            match relay {
                None => self.caught().webhooks.push(webhook),
                Some(_) => self.caught().relayed.push((webhook, status)),
            }
            self.changed.notify_waiters();
            from.answer(status).await?;
        }
        Ok(())
    }

    fn caught(&self) -> std::sync::MutexGuard<'_, Caught> {
        self.caught.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Passes everything on to this server from now on, as it comes.
    pub fn relay_to(&self, server: SocketAddr) {
        self.caught().relay = Some(server);
    }

    /// What was passed on, and how the server answered.
    pub fn relayed(&self) -> Vec<(Webhook, u16)> {
        self.caught().relayed.clone()
    }

    /// Takes what was caught, once there are so many.
    pub async fn take(&self, count: usize) -> anyhow::Result<Vec<Webhook>> {
        let until = Instant::now() + Duration::from_secs(60);
        loop {
            let changed = self.changed.notified();
            if self.caught().webhooks.len() >= count {
                return Ok(std::mem::take(&mut self.caught().webhooks));
            }
            anyhow::ensure!(Instant::now() < until, "GitHub sent fewer webhooks than asked for");
            let _ = tokio::time::timeout(Duration::from_millis(100), changed).await;
        }
    }
}

async fn pass_on(onward: &mut Option<Connection>, server: SocketAddr, webhook: &[u8]) -> anyhow::Result<u16> {
    let mut connection = match onward.take() {
        Some(connection) => connection,
        None => Connection::open(server).await?,
    };
    let (status, _) = connection.ask(webhook).await?;
    *onward = Some(connection);
    Ok(status)
}

pub fn now_micros() -> u64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_micros()).unwrap_or(u64::MAX)
}

/// Sends webhooks at an even pace, whatever the server does (an open loop), over so many connections.
pub async fn play(server: SocketAddr, webhooks: &[Webhook], per_second: f64, connections: usize) -> Vec<Sent> {
    let began = Instant::now() + Duration::from_millis(20);
    let next = Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let webhooks: Arc<[Webhook]> = webhooks.into();
    let tasks: Vec<_> = (0..connections)
        .map(|_| {
            let (next, webhooks) = (next.clone(), webhooks.clone());
            tokio::spawn(async move {
                let (mut connection, mut sent) = (None, Vec::new());
                loop {
                    let n = next.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                    let Some(webhook) = webhooks.get(n) else { return sent };
                    #[expect(clippy::cast_precision_loss, reason = "a number of webhooks is small")]
                    let due = began + Duration::from_secs_f64(n as f64 / per_second);
                    tokio::time::sleep_until(due.into()).await;
                    let at_micros = now_micros();
                    let status = pass_on(&mut connection, server, webhook).await.unwrap_or(0);
                    sent.push((n, Sent { status, took: due.elapsed(), at_micros }));
                }
            })
        })
        .collect();
    let mut sent = Vec::new();
    for task in tasks {
        sent.extend(task.await.unwrap_or_default());
    }
    sent.sort_by_key(|(n, _)| *n);
    sent.into_iter().map(|(_, sent)| sent).collect()
}

/// Sends webhooks over and over as fast as they are answered, for so long; returns how many were acknowledged.
pub async fn hammer(server: SocketAddr, webhooks: &[Webhook], connections: usize, time: Duration) -> (u64, Duration) {
    let began = Instant::now();
    let webhooks: Arc<[Webhook]> = webhooks.into();
    let tasks: Vec<_> = (0..connections)
        .map(|first| {
            let webhooks = webhooks.clone();
            tokio::spawn(async move {
                let (mut connection, mut acked) = (None, 0_u64);
                let mut endless = webhooks.iter().cycle().skip(first * 31 % webhooks.len());
                while began.elapsed() < time {
                    let Some(webhook) = endless.next() else { break };
                    let status = pass_on(&mut connection, server, webhook).await.unwrap_or(0);
                    acked += u64::from((200..300).contains(&status));
                }
                acked
            })
        })
        .collect();
    let mut acked = 0;
    for task in tasks {
        acked += task.await.unwrap_or_default();
    }
    (acked, began.elapsed())
}
