//! What it costs to append to the log inside the transaction that decides, beside a bare loop that inserts the same rows.
//!
//! Real works go through `Store::commit` into a SQLite file: requests, their lives, effects, entries, all in one transaction a
//! batch. Of each transaction two spans are timed: `append`, in which the log's head is locked, people become subjects, entries are
//! sealed, chained and hashed, the checkpoint is signed, and entries, tiles and head are written; and `commit`, which also waits
//! for the pages of the requests. Then the rows of `ledger_entries` are written once more, in the same batches, into a table of
//! the same columns and indexes in the same file, with the same settings and driver: one transaction and one INSERT of
//! many rows a batch, and nothing else.

use std::path::Path;
use std::str::FromStr as _;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use seconder::domain::case::Case;
use seconder::store::Store;
use sqlx::any::AnyConnectOptions;
use sqlx::{AnyConnection, AssertSqlSafe, ConnectOptions as _, Connection as _, Executor as _, Row as _};
use tracing::span::{Attributes, Id};
use tracing_subscriber::layer::{Context, SubscriberExt as _};
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::{Layer, Registry};

use crate::log;
use crate::report::Report;
use crate::report::Target::{AtLeast, None as Known};
use crate::rows::Size;

/// As the store has them (`store/connection.rs`).
const SETTINGS: &str = "PRAGMA busy_timeout = 5000; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; \
     PRAGMA foreign_keys = ON; PRAGMA wal_autocheckpoint = 4000; PRAGMA journal_size_limit = 67108864";

/// How long the spans of the store took.
#[derive(Clone, Default)]
struct Spans(Arc<Mutex<Spent>>);

#[derive(Default, Clone, Copy)]
struct Spent {
    append: Duration,
    commit: Duration,
}

impl Spans {
    fn spent(&self) -> Spent {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<S: tracing::Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Spans {
    fn enabled(&self, metadata: &tracing::Metadata<'_>, _: Context<'_, S>) -> bool {
        metadata.is_span() && metadata.target().starts_with("seconder::store")
    }

    fn on_new_span(&self, _: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        if let Some(span) = context.span(id) {
            span.extensions_mut().insert(Instant::now());
        }
    }

    fn on_close(&self, id: Id, context: Context<'_, S>) {
        let Some(span) = context.span(&id) else { return };
        let took = span.extensions().get::<Instant>().map(Instant::elapsed).unwrap_or_default();
        let mut spent = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match span.name() {
            "append" => spent.append += took,
            "commit" => spent.commit += took,
            _ => {}
        }
    }
}

/// Works of one kind at once: one, or as many as share a transaction at most.
const BATCHES: [usize; 2] = [1, 24];

pub async fn run(size: Size, report: &mut Report) -> anyhow::Result<()> {
    for works in BATCHES {
        let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR"))?;
        let url = log::sqlite(folder.path());
        let spans = Spans::default();
        let tracing = tracing::subscriber::set_default(Registry::default().with(spans.clone()));
        let (store, _handed) = Store::open(log::options(&url)).await?;
        // The first batch begins the log, and waits for pages to be made.
        let rounds = size.of(if works == 1 { 1_000 } else { 200 }, 5);
        let warm = rounds / 10 + 1;
        let (mut sizes, mut whole, mut before) = (Vec::new(), Duration::ZERO, Spent::default());
        for round in 0..rounds + warm {
            let first = (round * works) as u64;
            let cases: Vec<Case> = (first..first + works as u64).map(log::deployment).collect();
            if round == warm {
                before = spans.spent();
            }
            for events in [cases.iter().map(log::holding).collect(), cases.iter().map(log::approval).collect()] {
                let began = Instant::now();
                log::commit_all(&store, events).await?;
                if round >= warm {
                    whole += began.elapsed();
                }
                sizes.push(log::head(&store).await?.size);
            }
        }
        store.close().await;
        drop(tracing);
        let after = spans.spent();
        let (append, commit) = (after.append - before.append, after.commit - before.commit);
        ensure!(!append.is_zero() && !commit.is_zero(), "the store told nothing of what it did");
        let entries = (sizes[sizes.len() - 1] - sizes[2 * warm - 1]) as f64;
        let bare = Bare::insert(folder.path(), &sizes, 2 * warm).await?;
        let each = if works == 1 { "works one by one".to_owned() } else { format!("batches of {works} works") };
        let rate = |took: Duration| entries / took.as_secs_f64();
        let target = if works == 1 { Known } else { AtLeast(0.5) };
        report.add(
            &format!("append on SQLite by a bare loop of the same rows, commits included, {each}"),
            "times the rate",
            target,
            rate(append + commit) / rate(bare.insert + bare.commit),
        );
        report.add(
            &format!("… without the commits, {each}"),
            "times the rate",
            Known,
            rate(append) / rate(bare.insert),
        );
        report.add(&format!("… append and commit, {each}"), "entries/s", Known, rate(append + commit));
        report.add(&format!("… bare loop, {each}"), "entries/s", Known, rate(bare.insert + bare.commit));
        report.add(
            &format!("… whole deciding transactions with all their other rows, {each}"),
            "entries/s",
            Known,
            rate(whole),
        );
    }
    Ok(())
}

/// The bare loop.
struct Bare {
    insert: Duration,
    commit: Duration,
}

impl Bare {
    /// Inserts the entries up to each of these sizes as one batch; those before the batch `counted` are not timed.
    async fn insert(folder: &Path, sizes: &[u64], counted: usize) -> anyhow::Result<Self> {
        let mut connection =
            AnyConnectOptions::from_str(&log::sqlite(folder))?.disable_statement_logging().connect().await?;
        connection.execute(SETTINGS).await?;
        for (name, kind) in [("ledger_entries", "table"), ("ledger_entries_decision", "index")] {
            let query = sqlx::query("SELECT sql FROM sqlite_master WHERE name = ? AND type = ?").bind(name).bind(kind);
            let sql: String = query.fetch_one(&mut connection).await?.try_get(0)?;
            let sql = sql.replace("ledger_entries", "bare_entries");
            connection.execute(AssertSqlSafe(sql)).await.with_context(|| format!("cannot copy {name}"))?;
        }
        let (mut bare, mut from) = (Self { insert: Duration::ZERO, commit: Duration::ZERO }, 0);
        for (batch, to) in sizes.iter().enumerate() {
            let rows = sqlx::query(
                "SELECT tenant, seq, request_id, type, line, openings FROM ledger_entries WHERE tenant = ? AND seq >= ? AND seq < ? \
                 ORDER BY seq",
            );
            let rows = rows
                .bind(crate::support::ACME.cast_signed())
                .bind(from)
                .bind(to.cast_signed())
                .fetch_all(&mut connection)
                .await?;
            let [insert, commit] = Self::batch(&mut connection, &rows).await?;
            if batch >= counted {
                bare.insert += insert;
                bare.commit += commit;
            }
            from = to.cast_signed();
        }
        connection.close().await?;
        Ok(bare)
    }

    async fn batch(connection: &mut AnyConnection, rows: &[sqlx::any::AnyRow]) -> anyhow::Result<[Duration; 2]> {
        let mut values: Vec<(i64, i64, [String; 4])> = Vec::with_capacity(rows.len());
        for row in rows {
            let texts = [row.try_get(2)?, row.try_get(3)?, row.try_get(4)?, row.try_get(5)?];
            values.push((row.try_get(0)?, row.try_get(1)?, texts));
        }
        connection.execute("BEGIN").await?;
        let began = Instant::now();
        let places = vec!["(?, ?, ?, ?, ?, ?)"; values.len()].join(", ");
        let sql = format!("INSERT INTO bare_entries (tenant, seq, request_id, type, line, openings) VALUES {places}");
        let mut query = sqlx::query(AssertSqlSafe(sql));
        for (tenant, seq, texts) in values {
            query = query.bind(tenant).bind(seq);
            for text in texts {
                query = query.bind(text);
            }
        }
        query.execute(&mut *connection).await?;
        let inserted = Instant::now();
        connection.execute("COMMIT").await?;
        Ok([inserted - began, inserted.elapsed()])
    }
}
