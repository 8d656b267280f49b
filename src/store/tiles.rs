//! The tree's tiles, from the rows: leaves from the entries, what is above them from the roots kept as tiles fill.

use sqlx::{AnyConnection, Connection as _};

use super::Error;
use super::connection::Database;
use super::sql::{Statement, Value, id, text};
use super::{LedgerReader, LogHead};
use crate::ledger::merkle::leaf_hash;
use crate::ledger::tile::{Content, TilePath, WIDTH, filled_by};
use crate::ledger::{Frontier, Hash};

/// How many rows go into one statement at most.
const ROWS: usize = 500;
/// How many entries are read at once to catch up.
const PAGE: usize = 1_024;

/// The row of a tile that has been filled.
pub(super) fn row(tenant: u64, level: u8, index: u64, root: Hash) -> [Value; 4] {
    [tenant.into(), i64::from(level).into(), index.into(), root.to_string().into()]
}

/// Keeps the roots of filled tiles. They are what the entries make them, so whoever comes second changes nothing. What is left
/// for one more statement is returned.
pub(super) async fn insert(
    filled: Vec<[Value; 4]>,
    connection: &mut AnyConnection,
) -> Result<Option<Statement>, Error> {
    let mut filled = filled.into_iter();
    while filled.len() > 0 {
        let insert = Statement::new("INSERT INTO ledger_tiles (tenant, level, idx, root) ")
            .rows(filled.by_ref().take(ROWS))
            .sql(" ON CONFLICT (tenant, level, idx) DO NOTHING");
        if filled.len() == 0 {
            return Ok(Some(insert));
        }
        insert.execute(connection).await?;
    }
    Ok(None)
}

/// Keeps the roots of tiles that filled before there was a place for them, or while an older server wrote.
pub(super) async fn catch_up(database: &Database, reader: &LedgerReader) -> Result<(), Error> {
    for log in reader.logs().await? {
        let rows = Statement::new("SELECT COUNT(*) FROM ledger_tiles WHERE level = 0 AND tenant = ")
            .bind(log.tenant)
            .fetch(&mut *reader.connection().await?)
            .await?;
        let kept = rows.first().map(|row| id(row, 0)).transpose()?.unwrap_or_default();
        if kept >= log.size / WIDTH as u64 {
            continue;
        }
        tracing::info!(log = %log.origin, entries = log.size, "the tiles of the log are being counted up, once");
        let mut connection = database.connect().await?;
        let mut tree = Frontier::new();
        while tree.size() < log.size {
            let mut filled = Vec::new();
            for line in reader.entries(log.tenant, tree.size(), log.size, PAGE).await? {
                let leaf = leaf_hash(line.as_bytes());
                filled.extend(filled_by(&tree, leaf).map(|(level, index, root)| row(log.tenant, level, index, root)));
                tree.push(leaf);
            }
            if let Some(last) = insert(filled, &mut connection).await? {
                last.execute(&mut connection).await?;
            }
        }
        connection.close().await?;
    }
    Ok(())
}

impl LedgerReader {
    /// The bytes of a tile or an entry bundle of a log: `None` beyond what its checkpoint signs. Reads 256 rows at most.
    ///
    /// # Errors
    /// If the database cannot be read, or what the tile is made of is not there.
    pub async fn tile(&self, log: &LogHead, tile: TilePath) -> Result<Option<Vec<u8>>, Error> {
        if !tile.is_within(log.size) {
            return Ok(None);
        }
        let first = tile.index * WIDTH as u64;
        match tile.content {
            Content::Entries => {
                let lines = self.entries(log.tenant, first, log.size, tile.width).await?;
                let mut bundle = Vec::with_capacity(lines.iter().map(|line| line.len() + 2).sum());
                for line in &lines {
                    let length = u16::try_from(line.len()).map_err(|error| Error::unreadable("entry", error))?;
                    bundle.extend_from_slice(&length.to_be_bytes());
                    bundle.extend_from_slice(line.as_bytes());
                }
                Ok(Some(bundle))
            }
            Content::Hashes { level: 0 } => {
                let lines = self.entries(log.tenant, first, log.size, tile.width).await?;
                Ok(Some(lines.iter().flat_map(|line| *leaf_hash(line.as_bytes()).as_bytes()).collect()))
            }
            Content::Hashes { level } => {
                let rows = Statement::new("SELECT root FROM ledger_tiles WHERE tenant = ")
                    .bind(log.tenant)
                    .sql(" AND level = ")
                    .bind(i64::from(level) - 1)
                    .sql(" AND idx >= ")
                    .bind(first)
                    .sql(" AND idx < ")
                    .bind(first + tile.width as u64)
                    .sql(" ORDER BY idx")
                    .fetch(&mut *self.connection().await?)
                    .await?;
                if rows.len() != tile.width {
                    return Err(Error::unreadable(
                        "ledger",
                        format!("what {tile} is made of is not there: restart the server, which counts it up"),
                    ));
                }
                let root = |row| -> Result<Hash, Error> {
                    text(row, 0)?.parse().map_err(|error| Error::unreadable("root of a tile", error))
                };
                let roots: Vec<Hash> = rows.iter().map(root).collect::<Result<_, _>>()?;
                Ok(Some(roots.iter().flat_map(|root| *root.as_bytes()).collect()))
            }
        }
    }
}
