//! What it costs to append to the log inside the transaction that decides, beside a bare loop that inserts the same rows.
//!
//! Real works go through `Store::commit` into a SQLite file: requests, their lives, effects, entries, all in one transaction a
//! batch. Of each transaction two spans are timed: `append`, in which the log's head is locked, people become subjects, entries are
//! sealed, chained and hashed, the checkpoint is signed, and entries, tiles and head are written; and `commit`, which also waits
//! for the pages of the requests. Then the same rows are written once more, in the same batches, into tables of the same
//! columns and indexes in the same file, with the same settings and driver: one transaction a batch, one INSERT of many rows a
//! table, and nothing else. Once only the rows of `ledger_entries`, and once all that append writes: the tiles that were
//! filled, and the head, as well. (Subjects are written when somebody is met first, which here nobody is.)
//!
//! And whole: the time until the works are decided and durable, beside a bare loop that writes all rows that these transactions
//! wrote, requests and all (`replay`).

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use seconder::domain::case::Case;
use seconder::store::Store;
use sqlx::any::AnyRow;
use sqlx::{AnyConnection, AssertSqlSafe, Connection as _, Executor as _, Row as _};
use tracing::span::{Attributes, Id};
use tracing_subscriber::layer::{Context, SubscriberExt as _};
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::{Layer, Registry};

use crate::log;
use crate::replay::{self, Recorder};
use crate::report::Report;
use crate::report::Target::{AtLeast, None as Known};
use crate::rows::Size;

/// As the store writes a head that is there (`store/ledger.rs`).
const UPSERT: &str = " ON CONFLICT (tenant) DO UPDATE SET vkey = excluded.vkey, next_vkey = excluded.next_vkey, \
     size = excluded.size, prev = excluded.prev, frontier = excluded.frontier, checkpoint = excluded.checkpoint";

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
        let target = if works == 1 { Known } else { AtLeast(0.5) };
        let each = if works == 1 { "works one by one".to_owned() } else { format!("batches of {works} works") };
        let rate = |took: Duration| entries / took.as_secs_f64();
        for rows in [Rows::Entries, Rows::All] {
            let bare = Bare::insert(folder.path(), rows, &sizes, 2 * warm).await?;
            let name = rows.name();
            let mut ratio = |measure: String, target, append, bare| {
                report.add(&measure, "times the rate", target, rate(append) / rate(bare));
            };
            ratio(
                format!("append on SQLite and the commit of {name}, by a bare loop of them, {each}"),
                target,
                append + bare.commit,
                bare.insert + bare.commit,
            );
            ratio(
                format!("… with the commit of all that the transaction writes, by a bare loop of {name} alone, {each}"),
                Known,
                append + commit,
                bare.insert + bare.commit,
            );
            ratio(format!("… without the commits, {name}, {each}"), Known, append, bare.insert);
            for (part, took) in [("inserts", bare.insert), ("commits", bare.commit)] {
                let each_takes = took.as_secs_f64() * 1_000_000.0 / entries;
                report.add(&format!("… bare loop of {name}: {part}, {each}"), "µs an entry", Known, each_takes);
            }
        }
        for (part, took) in [("append", append), ("its commit", commit)] {
            let each_takes = took.as_secs_f64() * 1_000_000.0 / entries;
            report.add(&format!("… {part}, {each}"), "µs an entry", Known, each_takes);
        }
        report.add(&format!("… append and commit, {each}"), "entries/s", Known, rate(append + commit));
        let bare = written_again(rounds + warm, works, 2 * warm).await?;
        report.add(
            &format!("whole deciding transactions on SQLite by a bare loop of all their rows, {each}"),
            "times the rate",
            target,
            rate(whole) / rate(bare),
        );
        report.add(&format!("… whole deciding transactions, {each}"), "entries/s", Known, rate(whole));
    }
    Ok(())
}

/// The same works once more, every row of them recorded, and the time that a bare loop takes to write these.
async fn written_again(rounds: usize, works: usize, counted: usize) -> anyhow::Result<Duration> {
    let [recorded, bare] = [(), ()].map(|()| tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")));
    let (recorded, bare) = (recorded?, bare?);
    let (store, _handed) = Store::open(log::options(&log::sqlite(bare.path()))).await?;
    store.close().await;
    let (store, _handed) = Store::open(log::options(&log::sqlite(recorded.path()))).await?;
    let mut recorder = Recorder::begin(recorded.path()).await?;
    for round in 0..rounds {
        let first = (round * works) as u64;
        let cases: Vec<Case> = (first..first + works as u64).map(log::deployment).collect();
        for events in [cases.iter().map(log::holding).collect(), cases.iter().map(log::approval).collect()] {
            log::commit_all(&store, events).await?;
            recorder.end_of_batch().await?;
        }
    }
    store.close().await;
    recorder.replay(bare.path(), counted).await
}

/// What the bare loop writes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Rows {
    /// The rows of `ledger_entries`.
    Entries,
    /// Those, the rows of `ledger_tiles`, and the row of `ledger_heads`.
    All,
}

impl Rows {
    fn name(self) -> &'static str {
        match self {
            Self::Entries => "the same entries",
            Self::All => "all rows append writes",
        }
    }

    /// Its table like this one.
    fn copy(self, table: &str) -> String {
        let prefix = match self {
            Self::Entries => "bare_",
            Self::All => "all_",
        };
        table.replace("ledger_", prefix)
    }

    fn tables(self) -> &'static [&'static str] {
        match self {
            Self::Entries => &["ledger_entries"],
            Self::All => &["ledger_heads", "ledger_tiles", "ledger_entries"],
        }
    }
}

/// The bare loop.
struct Bare {
    insert: Duration,
    commit: Duration,
}

impl Bare {
    /// Inserts the entries up to each of these sizes as one batch; those before the batch `counted` are not timed.
    async fn insert(folder: &Path, rows: Rows, sizes: &[u64], counted: usize) -> anyhow::Result<Self> {
        let mut connection = replay::connect(folder).await?;
        for table in rows.tables() {
            let query =
                sqlx::query("SELECT sql FROM sqlite_master WHERE tbl_name = ? AND sql IS NOT NULL ORDER BY type DESC");
            let found = query.bind(*table).fetch_all(&mut connection).await?;
            ensure!(!found.is_empty(), "there is no {table}");
            for sql in found {
                let sql: String = sql.try_get(0)?;
                let sql = rows.tables().iter().fold(sql, |sql, table| sql.replace(table, &rows.copy(table)));
                connection.execute(AssertSqlSafe(sql)).await.with_context(|| format!("cannot copy {table}"))?;
            }
        }
        let (mut bare, mut from) = (Self { insert: Duration::ZERO, commit: Duration::ZERO }, 0);
        for (batch, to) in sizes.iter().enumerate() {
            let to = to.cast_signed();
            let [insert, commit] = Self::batch(&mut connection, rows, from, to).await?;
            if batch >= counted {
                bare.insert += insert;
                bare.commit += commit;
            }
            from = to;
        }
        connection.close().await?;
        Ok(bare)
    }

    async fn batch(connection: &mut AnyConnection, rows: Rows, from: i64, to: i64) -> anyhow::Result<[Duration; 2]> {
        let mut inserts = Vec::new();
        for table in rows.tables().iter().rev() {
            let (columns, of_batch) = match *table {
                "ledger_entries" => {
                    ("tenant, seq, request_id, type, line, openings", "seq >= ? AND seq < ? ORDER BY seq")
                }
                // What the entries of this batch filled.
                "ledger_tiles" => (
                    "tenant, level, idx, root",
                    "(idx + 1) << (8 * level + 8) > ? AND (idx + 1) << (8 * level + 8) <= ?",
                ),
                // As it is at the end, which is as long.
                _ => ("tenant, login, origin, vkey, next_vkey, size, prev, frontier, checkpoint", "? <= ?"),
            };
            let select = format!("SELECT {columns} FROM {table} WHERE tenant = ? AND {of_batch}");
            let found = sqlx::query(AssertSqlSafe(select))
                .bind(crate::support::ACME.cast_signed())
                .bind(from)
                .bind(to)
                .fetch_all(&mut *connection)
                .await?;
            if found.is_empty() {
                continue;
            }
            let values: Vec<Cell> = found.iter().map(cells).collect::<anyhow::Result<Vec<_>>>()?.concat();
            let places = format!("({})", vec!["?"; values.len() / found.len()].join(", "));
            let places = vec![places; found.len()].join(", ");
            let again = if *table == "ledger_heads" { UPSERT } else { "" };
            inserts.push((format!("INSERT INTO {} ({columns}) VALUES {places}{again}", rows.copy(table)), values));
        }
        // The first batch has no head yet that entries could refer to.
        inserts.sort_by_key(|(sql, _)| from == 0 && !sql.contains("_heads"));
        connection.execute("BEGIN").await?;
        let began = Instant::now();
        for (sql, values) in inserts {
            let query = values.into_iter().fold(sqlx::query(AssertSqlSafe(sql)), |query, value| match value {
                Cell::Number(number) => query.bind(number),
                Cell::Text(text) => query.bind(text),
            });
            query.execute(&mut *connection).await?;
        }
        let inserted = Instant::now();
        connection.execute("COMMIT").await?;
        Ok([inserted - began, inserted.elapsed()])
    }
}

/// What is in a column.
#[derive(Clone)]
enum Cell {
    Number(i64),
    Text(String),
}

fn cells(row: &AnyRow) -> anyhow::Result<Vec<Cell>> {
    let cell = |column| {
        row.try_get(column).map(Cell::Number).or_else(|_| row.try_get(column).map(Cell::Text)).map_err(Into::into)
    };
    (0..row.len()).map(cell).collect()
}
