//! Several servers on one PostgreSQL whose connections are killed all the time, and what is left of the log afterwards.

use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use seconder::domain::case::Case;
use seconder::domain::event::{Event, Verdict};
use seconder::domain::gate::RequestId;
use seconder::ledger::entry::Header;
use seconder::ledger::merkle::{Frontier, leaf_hash};
use seconder::ledger::{Checkpoint, VerifierKey};
use seconder::store::{Delivery, Error, Handed, LedgerReader, NewDelivery, Options, Store, Work};
use sqlx::{Connection as _, PgConnection, Row as _};
use zeroize::Zeroizing;

use super::{INSTALLATION, case, click, held};

/// How many servers write to the log.
const SERVERS: usize = 3;
/// How many requests are on their way at once.
const WRITERS: u64 = 12;
/// How long claimed work is a server's: short, since what a killed connection leaves behind waits so long.
const LEASE: i64 = 1_000;
/// From one kill to the next. Too short, and nobody ever commits.
const BETWEEN_KILLS: Duration = Duration::from_millis(20);
/// How long the servers may take to end what was begun.
const PATIENCE: Duration = Duration::from_secs(60);
/// A connection that is at work for a server. Whoever only looks on is spared.
const VICTIM: &str = "SELECT pg_terminate_backend(pid) FROM (SELECT pid FROM pg_stat_activity \
    WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend' \
    AND state <> 'idle' AND application_name <> 'bystander' ORDER BY random() LIMIT 1) AS victim";

/// What was found when all was quiet.
#[derive(Debug, Default)]
#[allow(dead_code, reason = "the benches tell all of it")]
pub struct Aftermath {
    /// Connections that were killed.
    pub kills: usize,
    /// Requests that were opened and decided, each webhook of which came twice.
    pub requests: u64,
    /// Transactions a server reported as failed, and that were tried again.
    pub redone: u64,
    /// Entries of the log.
    pub entries: u64,
    /// Entries that do not follow the one before.
    pub gaps: u64,
    /// Entries too many: with the name of another, or a second one of what happened once.
    pub twice: u64,
    /// What happened and has no entry.
    pub missing: u64,
    /// Checkpoints seen while it lasted.
    pub checkpoints: BTreeMap<u64, BTreeSet<String>>,
    /// Those not signed over exactly the entries there are now.
    pub inconsistent: u64,
    /// The log's key.
    pub vkey: String,
}

struct World {
    servers: Vec<Store>,
    /// No more webhooks come.
    over: AtomicBool,
    next: AtomicU64,
    redone: AtomicU64,
    checkpoints: Mutex<BTreeMap<u64, BTreeSet<String>>>,
}

/// Kills so many connections while webhooks come in, waits until all is quiet, and looks.
pub async fn survive(url: &str, kills: usize) -> Aftermath {
    let (mut servers, mut handed) = (Vec::new(), Vec::new());
    for _ in 0..SERVERS {
        let (store, work) = Store::open(options(url)).await.expect("a server starts");
        servers.push(store);
        handed.push(work);
    }
    let world = Arc::new(World {
        servers,
        over: AtomicBool::new(false),
        next: AtomicU64::new(0),
        redone: AtomicU64::new(0),
        checkpoints: Mutex::default(),
    });
    let workers: Vec<_> =
        handed.into_iter().enumerate().map(|(n, handed)| tokio::spawn(work(Arc::clone(&world), n, handed))).collect();
    let writers: Vec<_> = (0..WRITERS).map(|n| tokio::spawn(write(Arc::clone(&world), n))).collect();
    let bystander = LedgerReader::open(&format!("{url}?application_name=bystander")).await.expect("a reader");
    let watcher = tokio::spawn(watch(Arc::clone(&world), bystander.clone()));

    let killed = kill(url, kills, &world).await;
    world.over.store(true, Ordering::SeqCst);
    for writer in writers {
        tokio::time::timeout(PATIENCE, writer).await.expect("all is decided in time").expect("a writer");
    }
    watcher.await.expect("the watcher");
    for worker in workers {
        worker.abort();
    }
    let mut found = look(&world, &bystander).await;
    found.kills = killed;
    for server in &world.servers {
        server.close().await;
    }
    found
}

fn options(url: &str) -> Options {
    Options {
        url: url.to_owned(),
        host: "seconder.test".to_owned(),
        seed: Zeroizing::new([7; 32]),
        next_seed: None,
        clock: seconder::app::system_clock(),
        lease_for: LEASE,
        may_hand: Arc::new(|_, _| false),
        ingest_on: tokio::runtime::Handle::current(),
        deliveries_in_memory: 100,
        effects_in_memory: 100,
    }
}

/// Kills until there are so many, and then ever more slowly until the log has grown meanwhile, on however slow a machine;
/// says how many died.
async fn kill(url: &str, kills: usize, world: &World) -> usize {
    let mut connection = PgConnection::connect(url).await.expect("connecting");
    let in_time = PATIENCE + BETWEEN_KILLS * 40 * u32::try_from(kills).expect("few");
    let (mut killed, until) = (0, Instant::now() + in_time);
    let mut pause = BETWEEN_KILLS;
    let has_grown = || world.checkpoints.lock().expect("it is free").len() > 1;
    while killed < kills || !has_grown() {
        assert!(Instant::now() < until, "only {killed} connections to kill in time, or the log does not grow");
        let rows = sqlx::query(VICTIM).fetch_all(&mut connection).await.expect("killing");
        killed += rows.iter().filter(|row| row.get::<bool, _>(0)).count();
        if killed >= kills {
            pause *= 2;
        }
        tokio::time::sleep(pause).await;
    }
    killed
}

/// Tries until it succeeds.
async fn insist<T, F: Future<Output = Result<T, Error>>>(world: &World, mut attempt: impl FnMut() -> F) -> T {
    let until = Instant::now() + PATIENCE;
    loop {
        match attempt().await {
            Ok(done) => return done,
            Err(error) => assert!(Instant::now() < until, "it never succeeds: {error}"),
        }
        world.redone.fetch_add(1, Ordering::Relaxed);
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// GitHub: of each deployment it tells two servers that it is held, and then that somebody approved.
async fn write(world: Arc<World>, writer: u64) {
    while !world.over.load(Ordering::SeqCst) {
        let n = world.next.fetch_add(1, Ordering::SeqCst);
        let request = case(n).subject.request_id();
        let server = |at: u64| &world.servers[usize::try_from(writer + n + at).expect("few") % SERVERS];
        for what in ["held", "click"] {
            for twin in 0..2 {
                insist(&world, || server(twin).receive(webhook(what, n))).await;
            }
            let is_done = |at: &seconder::domain::request::Request| what == "held" || !at.is_pending();
            let until = Instant::now() + PATIENCE;
            while !insist(&world, || server(2).request(&request)).await.as_ref().is_some_and(is_done) {
                assert!(Instant::now() < until, "nobody acts on {what} {n}");
                tokio::time::sleep(Duration::from_millis(4)).await;
            }
        }
    }
}

fn webhook(what: &str, n: u64) -> NewDelivery {
    NewDelivery {
        id: format!("{what} {n}"),
        event: what.to_owned(),
        installation_id: INSTALLATION,
        payload: n.to_string(),
        is_urgent: what == "click",
    }
}

/// A server: whatever it is handed or claims is decided on, under its claim, until that is written.
async fn work(world: Arc<World>, server: usize, mut handed: Handed) {
    let mut ticks = tokio::time::interval(Duration::from_millis(50));
    loop {
        let mut mine = Vec::new();
        tokio::select! {
            Some(delivery) = handed.deliveries.recv() => mine.push(delivery),
            _ = ticks.tick() => mine.extend(world.servers[server].claim_deliveries(20).await.unwrap_or_default()),
        }
        for delivery in mine {
            let world = Arc::clone(&world);
            tokio::spawn(async move {
                let work = Work { claim: Some(delivery.claim()), event: Some(event_of(&delivery)) };
                insist(&world, || world.servers[server].commit(work.clone())).await;
            });
        }
    }
}

fn event_of(delivery: &Delivery) -> Event {
    let case: Case = case(delivery.payload.parse().expect("a number"));
    match delivery.event.as_str() {
        "held" => held(&case),
        _ => click(&case, 2, Verdict::Approve),
    }
}

/// Whoever collects checkpoints while it lasts.
async fn watch(world: Arc<World>, ledger: LedgerReader) {
    while !world.over.load(Ordering::SeqCst) {
        for log in ledger.logs().await.expect("nobody kills a bystander") {
            world.checkpoints.lock().expect("it is free").entry(log.size).or_default().insert(log.checkpoint);
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

/// Reads the log as an auditor would.
async fn look(world: &World, ledger: &LedgerReader) -> Aftermath {
    let logs = ledger.logs().await.expect("reading the logs");
    let [log] = logs.as_slice() else { panic!("{} logs", logs.len()) };
    world.checkpoints.lock().expect("it is free").entry(log.size).or_default().insert(log.checkpoint.clone());
    let requests = world.next.load(Ordering::SeqCst);
    let mut found = Aftermath {
        requests,
        redone: world.redone.load(Ordering::SeqCst),
        entries: log.size,
        checkpoints: world.checkpoints.lock().expect("it is free").clone(),
        vkey: log.vkey.clone(),
        ..Aftermath::default()
    };
    let key: VerifierKey = log.vkey.parse().expect("a verifier key");
    let (mut tree, mut prev, mut names, mut happened) =
        (Frontier::new(), None::<String>, BTreeSet::new(), BTreeMap::new());
    while tree.size() < log.size {
        for line in ledger.entries(log.tenant, tree.size(), log.size, 256).await.expect("there is no gap in the rows") {
            let header = Header::parse(&line).expect("an entry");
            found.gaps += u64::from(header.seq != tree.size() || header.prev != prev.as_deref());
            found.twice += u64::from(!names.insert(header.id.to_string()));
            let about = header.corr.unwrap_or_default().to_string();
            *happened.entry((header.record_type.to_string(), about)).or_insert(0_u64) += 1;
            let leaf = leaf_hash(line.as_bytes());
            tree.push(leaf);
            prev = Some(leaf.to_string());
            let notes = found.checkpoints.get(&tree.size()).into_iter().flatten();
            let of_this = Checkpoint { origin: log.origin.clone(), size: tree.size(), root: tree.root() };
            let is_of_this = |note: &&String| Checkpoint::open(note, &key).is_ok_and(|seen| seen == of_this);
            let wrong = notes.filter(|note| !is_of_this(note)).count();
            found.inconsistent += u64::try_from(wrong).expect("few");
        }
    }
    // One that signs more entries than there are is as wrong as one that signs others.
    found.inconsistent += u64::try_from(found.checkpoints.range(log.size + 1..).count()).expect("few");
    for n in 0..requests {
        let id: RequestId = case(n).subject.request_id();
        for record_type in ["request.opened", "review.recorded", "decision.recorded"] {
            match happened.remove(&(record_type.to_owned(), id.to_string())) {
                None => found.missing += 1,
                Some(times) => found.twice += times - 1,
            }
        }
    }
    happened.remove(&("ledger.genesis".to_owned(), String::new()));
    // Whatever is left is of something that never happened.
    found.twice += happened.values().sum::<u64>();
    found
}
