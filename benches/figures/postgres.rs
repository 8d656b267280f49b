//! Many writers on one log on a PostgreSQL of our own: how long a commit takes, and what killing connections does to it.

use std::path::Path;
use std::process::Command;
use std::time::Instant;

use anyhow::{Context as _, ensure};
use seconder::store::Store;
use sqlx::{Connection as _, PgConnection};

use crate::report::Report;
use crate::report::Target::{AtLeast, AtMost, None as Known};
use crate::report::{milliseconds, percentile};
use crate::rows::Size;
use crate::support::{chaos, postgres};
use crate::{log, stay_on};

/// Where PostgreSQL runs.
const DATABASE_CORE: &str = "0";
const WRITERS: usize = 32;
/// How many of the checkpoints seen are given to `ledger verify --old`.
const OLD: usize = 100;

/// The URL of a new database. It is only measured if a commit is on disk when it returns.
async fn database() -> anyhow::Result<String> {
    // Whoever is started here stays where we are at that moment.
    stay_on(DATABASE_CORE)?;
    let url = postgres::fresh_database();
    stay_on(crate::DRIVER_CORE)?;
    let mut connection = PgConnection::connect(&url).await?;
    for setting in ["fsync", "synchronous_commit", "full_page_writes"] {
        let query = sqlx::query_scalar("SELECT current_setting($1)").bind(setting);
        let value: String = query.fetch_one(&mut connection).await?;
        ensure!(value == "on", "{setting} is {value}");
    }
    connection.close().await?;
    Ok(url)
}

/// 32 writers, each on its own deployments, over so many servers.
pub async fn append(size: Size, report: &mut Report) -> anyhow::Result<()> {
    for servers in [1, 4, WRITERS] {
        let url = database().await?;
        let mut stores = Vec::new();
        for _ in 0..servers {
            stores.push(Store::open(log::options(&url)).await?.0);
        }
        log::fill(&stores[0], 100).await?;
        let each = size.of(100, 4) as u64;
        let before = log::head(&stores[0]).await?.size;
        let began = Instant::now();
        let writers: Vec<_> = (0..WRITERS)
            .map(|writer| {
                let store = stores[writer % servers].clone();
                tokio::spawn(async move {
                    let mut took = Vec::new();
                    for n in 0..each {
                        let case = log::deployment(1_000_000 * (writer as u64 + 1) + n);
                        for event in [log::holding(&case), log::approval(&case)] {
                            let began = Instant::now();
                            log::commit(&store, event).await?;
                            took.push(milliseconds(began.elapsed()));
                        }
                    }
                    anyhow::Ok(took)
                })
            })
            .collect();
        let mut took = Vec::new();
        for writer in writers {
            took.extend(writer.await??);
        }
        let spent = began.elapsed();
        let entries = log::head(&stores[0]).await?.size - before;
        ensure!(entries == 3 * each * WRITERS as u64, "{entries} entries");
        let over = match servers {
            1 => "one server".to_owned(),
            _ => format!("{servers} servers"),
        };
        let row = format!("PostgreSQL, 32 writers on one log over {over}");
        report.add(&format!("{row}: commit p99"), "ms", AtMost(75.0), percentile(&mut took, 0.99));
        report.add(&format!("{row}: commit p50"), "ms", Known, percentile(&mut took, 0.5));
        report.add(&format!("{row}: entries"), "entries/s", Known, entries as f64 / spent.as_secs_f64());
        for store in stores {
            store.close().await;
        }
    }
    Ok(())
}

/// Connections killed while servers write; then the log is exported and verified against what was seen of it on the way.
pub async fn killed(size: Size, report: &mut Report) -> anyhow::Result<()> {
    let (url, began) = (database().await?, Instant::now());
    let found = chaos::survive(&url, size.of(500, 25)).await;
    let took = began.elapsed();
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR"))?;
    let wrong = verify(folder.path(), &url, &found)?;
    let row = "killed connections of PostgreSQL";
    let mut add = |what: &str, unit, target, value: f64| report.add(&format!("{row}: {what}"), unit, target, value);
    add("kills", "kills", AtLeast(size.of(500, 25) as f64), found.kills as f64);
    add("time", "s", Known, took.as_secs_f64());
    add("transactions a server gave up, tried again", "errors", Known, found.redone as f64);
    add("requests, each webhook sent twice", "requests", Known, found.requests as f64);
    add("entries that do not follow the one before", "gaps", AtMost(0.0), found.gaps as f64);
    add("entries too many", "duplicates", AtMost(0.0), found.twice as f64);
    add("entries missing", "entries", AtMost(0.0), found.missing as f64);
    let seen: usize = found.checkpoints.values().map(std::collections::BTreeSet::len).sum();
    add("checkpoints seen on the way", "checkpoints", Known, seen as f64);
    add("checkpoints that are not of the log", "checkpoints", AtMost(0.0), found.inconsistent as f64);
    add("`ledger verify --old` refuses", "checkpoints", AtMost(0.0), wrong);
    Ok(())
}

/// Exports the log and has it verified against checkpoints seen on the way; says how many of these were refused.
fn verify(folder: &Path, url: &str, found: &chaos::Aftermath) -> anyhow::Result<f64> {
    let program = env!("CARGO_BIN_EXE_seconder");
    let out = folder.join("ledger");
    let mut export = Command::new(program);
    export.args(["ledger", "export"]).arg(&out).env("SECONDER_DATA_DIR", folder).env("SECONDER_DATABASE_URL", url);
    ensure!(export.output()?.status.success(), "the ledger is not exported");
    let (seen, old, mut refused) = (found.checkpoints.values().flatten(), folder.join("old"), 0);
    let seen: Vec<&String> = seen.collect();
    for note in seen.iter().step_by(seen.len().div_ceil(OLD).max(1)) {
        std::fs::write(&old, note).context("cannot write a checkpoint")?;
        let mut verify = Command::new(program);
        verify.args(["ledger", "verify"]).arg(&out).args(["--vkey", &found.vkey, "--old"]).arg(&old);
        let said = verify.output()?;
        if !said.status.success() {
            refused += 1;
            eprintln!("{}{}", String::from_utf8_lossy(&said.stdout), String::from_utf8_lossy(&said.stderr));
        }
    }
    Ok(f64::from(refused))
}
