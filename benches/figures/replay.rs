//! What transactions of the store wrote, recorded row by row, and written once more by a bare loop: the same rows into the same
//! tables with the same indexes, settings and driver, in the same batches, each as one statement a table and a commit.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::str::FromStr as _;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use sqlx::any::AnyConnectOptions;
use sqlx::{AnyConnection, AssertSqlSafe, ConnectOptions as _, Connection as _, Executor as _, Row as _};

use crate::log;

/// As the store has them (`store/connection.rs`).
pub const SETTINGS: &str = "PRAGMA busy_timeout = 5000; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; \
     PRAGMA foreign_keys = ON; PRAGMA secure_delete = ON; PRAGMA wal_autocheckpoint = 4000; \
     PRAGMA journal_size_limit = 67108864";

/// A connection to the store's file, as the store opens it.
pub async fn connect(folder: &Path) -> anyhow::Result<AnyConnection> {
    let mut connection =
        AnyConnectOptions::from_str(&log::sqlite(folder))?.disable_statement_logging().connect().await?;
    connection.execute(SETTINGS).await?;
    Ok(connection)
}

type Row = Vec<serde_json::Value>;

/// A table of the store.
struct Table {
    name: String,
    columns: Vec<String>,
    /// The columns of its primary key.
    key: Vec<String>,
}

/// One row that a transaction wrote, as it then was; nothing if it was deleted.
struct Write {
    table: usize,
    row_id: i64,
    row: Option<Row>,
}

/// Notes every row that is written to a store.
pub struct Recorder {
    connection: AnyConnection,
    tables: Vec<Table>,
    /// Where each transaction ended.
    ends: Vec<i64>,
}

impl Recorder {
    /// Begins to record: the store has its tables and nothing in them.
    pub async fn begin(folder: &Path) -> anyhow::Result<Self> {
        let mut connection = connect(folder).await?;
        let names = sqlx::query(
            "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' AND name NOT LIKE '_sqlx%'",
        );
        let mut tables = Vec::new();
        for row in names.fetch_all(&mut connection).await? {
            let name: String = row.try_get(0)?;
            let about = sqlx::query("SELECT name, pk FROM pragma_table_info(?) ORDER BY cid").bind(name.clone());
            let (mut columns, mut key) = (Vec::new(), BTreeMap::new());
            for row in about.fetch_all(&mut connection).await? {
                let (column, place): (String, i64) = (row.try_get(0)?, row.try_get(1)?);
                if place > 0 {
                    key.insert(place, column.clone());
                }
                columns.push(column);
            }
            tables.push(Table { name, columns, key: key.into_values().collect() });
        }
        connection
            .execute("CREATE TABLE written (n INTEGER PRIMARY KEY, tab BIGINT, row_id BIGINT, body TEXT)")
            .await?;
        for (place, Table { name, columns, .. }) in tables.iter().enumerate() {
            let values: Vec<String> = columns.iter().map(|column| format!("new.\"{column}\"")).collect();
            let row = format!("json_array({})", values.join(", "));
            for (on, row_id, row) in
                [("INSERT", "new.rowid", &*row), ("UPDATE", "new.rowid", &row), ("DELETE", "old.rowid", "''")]
            {
                let sql = format!(
                    "CREATE TRIGGER written_{on}_{place} AFTER {on} ON \"{name}\" BEGIN \
                     INSERT INTO written (tab, row_id, body) VALUES ({place}, {row_id}, {row}); END"
                );
                connection.execute(AssertSqlSafe(sql)).await?;
            }
        }
        Ok(Self { connection, tables, ends: Vec::new() })
    }

    /// The transaction, or those that count as one, ended.
    pub async fn end_of_batch(&mut self) -> anyhow::Result<()> {
        let last = sqlx::query("SELECT coalesce(max(n), 0) FROM written").fetch_one(&mut self.connection).await?;
        self.ends.push(last.try_get(0)?);
        Ok(())
    }

    /// Writes it all once more, into the store of a folder that has the same tables and nothing in them. Batches before `counted` are
    /// not timed.
    pub async fn replay(mut self, folder: &Path, counted: usize) -> anyhow::Result<Duration> {
        let mut connection = connect(folder).await?;
        let (mut from, mut took) = (0, Duration::ZERO);
        let mut rows: HashMap<(usize, i64), Row> = HashMap::new();
        for (batch, to) in std::mem::take(&mut self.ends).into_iter().enumerate() {
            let writes = self.between(from, to).await?;
            ensure!(!writes.is_empty(), "batch {batch} wrote nothing");
            let statements = self.statements(writes, &mut rows)?;
            let began = Instant::now();
            connection.execute("BEGIN").await?;
            for (sql, values) in statements {
                let query = values.into_iter().fold(sqlx::query(AssertSqlSafe(sql)), |query, value| match value {
                    serde_json::Value::Number(number) => query.bind(number.as_i64().unwrap_or_default()),
                    serde_json::Value::String(text) => query.bind(text),
                    other => query.bind(other.to_string()),
                });
                query.execute(&mut connection).await?;
            }
            connection.execute("COMMIT").await?;
            if batch >= counted {
                took += began.elapsed();
            }
            from = to;
        }
        connection.close().await?;
        Ok(took)
    }

    async fn between(&mut self, from: i64, to: i64) -> anyhow::Result<Vec<Write>> {
        let found = sqlx::query("SELECT tab, row_id, body FROM written WHERE n > ? AND n <= ? ORDER BY n");
        let found = found.bind(from).bind(to).fetch_all(&mut self.connection).await?;
        let write = |row: &sqlx::any::AnyRow| {
            let (table, row_id, body): (i64, i64, String) = (row.try_get(0)?, row.try_get(1)?, row.try_get(2)?);
            let row = if body.is_empty() { None } else { Some(serde_json::from_str(&body)?) };
            Ok(Write { table: usize::try_from(table)?, row_id, row })
        };
        found.iter().map(write).collect()
    }

    /// The rows of a batch as they were in the end, a statement for all of a table that are new, and one for all of which the same
    /// columns were changed.
    fn statements(
        &self,
        writes: Vec<Write>,
        rows: &mut HashMap<(usize, i64), Row>,
    ) -> anyhow::Result<Vec<(String, Row)>> {
        let mut last = HashMap::new();
        let mut order = Vec::new();
        for Write { table, row_id, row } in writes {
            if last.insert((table, row_id), row).is_none() {
                order.push((table, row_id));
            }
        }
        let mut grouped: Vec<((usize, Vec<usize>), Row)> = Vec::new();
        for key in order {
            let row = last.remove(&key).flatten().context("a row was deleted, which no decision does")?;
            let changed = match rows.insert(key, row.clone()) {
                Some(before) => (0..row.len()).filter(|column| before[*column] != row[*column]).collect(),
                None => Vec::new(),
            };
            match grouped.iter_mut().find(|(group, _)| *group == (key.0, changed.clone())) {
                Some((_, values)) => values.extend(row),
                None => grouped.push(((key.0, changed), row)),
            }
        }
        let statement = |((table, changed), values): ((usize, Vec<usize>), Row)| {
            let Table { name, columns, key } = &self.tables[table];
            let row = format!("({})", vec!["?"; columns.len()].join(", "));
            let all = vec![row; values.len() / columns.len()].join(", ");
            let set = changed.iter().map(|column| format!("{0} = excluded.{0}", columns[*column]));
            let again = match set.collect::<Vec<_>>().join(", ") {
                set if set.is_empty() => String::new(),
                set => format!(" ON CONFLICT ({}) DO UPDATE SET {set}", key.join(", ")),
            };
            (format!("INSERT INTO {name} ({}) VALUES {all}{again}", columns.join(", ")), values)
        };
        Ok(grouped.into_iter().map(statement).collect())
    }
}
