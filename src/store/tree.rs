//! The tree of a stored log: roots and proofs for any two sizes, from few rows. Of every 256 entries one hash is kept; the
//! entries themselves are read again only where a tree ends.

use std::collections::BTreeMap;

use super::sql::{Statement, Value, id, text};
use super::{Error, LedgerReader, LogHead, Shared, Store};
use crate::ledger::merkle::{self, Frontier, Levels, Subtrees, leaf_hash};
use crate::ledger::tile::WIDTH;
use crate::ledger::{Checkpoint, Hash};

/// Entries under one kept hash.
const TILE: u64 = WIDTH as u64;
const TILE_LEVELS: u32 = WIDTH.ilog2();
/// How many tiles are hashed between two writes.
const TILES_AT_ONCE: u64 = 16;

/// The hashes of a log's tree, as far as they lead to the sizes it was made for.
pub struct Tree {
    tiles: Levels,
    edges: BTreeMap<u64, Levels>,
}

impl Subtrees for Tree {
    fn subtree(&self, level: u32, index: u64) -> Option<Hash> {
        match TILE_LEVELS.checked_sub(level) {
            None | Some(0) => self.tiles.subtree(level - TILE_LEVELS, index),
            Some(below) => self.edges.get(&(index >> below))?.subtree(level, index & ((1 << below) - 1)),
        }
    }
}

impl Tree {
    /// The root when the log had so many entries; `None` if the tree was not made for that size.
    #[must_use]
    pub fn root(&self, size: u64) -> Option<Hash> {
        merkle::root(self, size)
    }

    /// The proof that the log of `new` entries continues the log of `old` entries.
    #[must_use]
    pub fn consistency(&self, old: u64, new: u64) -> Option<Vec<Hash>> {
        merkle::consistency_proof(self, old, new)
    }
}

impl LedgerReader {
    /// The root of the first `size` entries, from the entries themselves; of fewer if there are fewer.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub async fn root_at(&self, log: &LogHead, size: u64) -> Result<Hash, Error> {
        let mut frontier = Frontier::new();
        while frontier.size() < size {
            let lines = self.entries(log.tenant, frontier.size(), size, 16 * WIDTH).await?;
            if lines.is_empty() {
                break;
            }
            lines.iter().for_each(|line| frontier.push(leaf_hash(line.as_bytes())));
        }
        Ok(frontier.root())
    }
}

impl Store {
    /// The hashes that lead to the roots of a log at these sizes, and at its own. The first call after the log has grown
    /// hashes what is new, some thousand entries at a time; after that a call reads one hash for 256 entries.
    ///
    /// # Errors
    /// If the database cannot be read or written, or its entries do not have the root that was signed.
    pub async fn tree(&self, log: &LogHead, sizes: &[u64]) -> Result<Tree, Error> {
        self.hash_finished_tiles(log).await?;
        let mut tree = Tree { tiles: finished(&self.shared, log).await?, edges: BTreeMap::new() };
        for size in sizes.iter().copied().chain([log.size]).filter(|size| *size <= log.size) {
            let tile = size / TILE;
            if !size.is_multiple_of(TILE) && !tree.edges.contains_key(&tile) {
                let lines = self.ledger().entries(log.tenant, tile * TILE, log.size, WIDTH).await?;
                tree.edges.insert(tile, lines.iter().map(|line| leaf_hash(line.as_bytes())).collect());
            }
        }
        let signed = Checkpoint::unverified(&log.checkpoint).map(|checkpoint| checkpoint.root);
        if signed.is_none() || tree.root(log.size) != signed {
            let why = format!("the entries of {} do not have the root that its checkpoint signs", log.origin);
            return Err(Error::unreadable("ledger", why));
        }
        Ok(tree)
    }

    async fn hash_finished_tiles(&self, log: &LogHead) -> Result<(), Error> {
        let mut session = self.shared.readers.open().await?;
        let rows = Statement::new("SELECT COUNT(*) FROM ledger_subtrees WHERE tenant = ")
            .bind(log.tenant)
            .fetch(session.connection()?)
            .await?;
        session.end();
        let mut tile = rows.first().map_or(Ok(0), |row| id(row, 0))?;
        while (tile + 1) * TILE <= log.size {
            let tiles = TILES_AT_ONCE.min(log.size / TILE - tile);
            let limit = usize::try_from(tiles).unwrap_or(1) * WIDTH;
            let lines = self.ledger().entries(log.tenant, tile * TILE, log.size, limit).await?;
            let mut rows: Vec<[Value; 3]> = Vec::with_capacity(lines.len() / WIDTH);
            for lines in lines.chunks_exact(WIDTH) {
                let leaves: Levels = lines.iter().map(|line| leaf_hash(line.as_bytes())).collect();
                let root = leaves.subtree(TILE_LEVELS, 0).ok_or_else(|| Error::unreadable("ledger", "a short tile"))?;
                rows.push([log.tenant.into(), tile.into(), root.to_string().into()]);
                tile += 1;
            }
            let mut session = self.shared.chores.open().await?;
            // Entries never change: whoever else writes the same tile writes the same hash.
            Statement::new("INSERT INTO ledger_subtrees (tenant, tile, hash) ")
                .rows(rows)
                .sql(" ON CONFLICT (tenant, tile) DO NOTHING")
                .execute(session.connection()?)
                .await?;
            session.end();
        }
        Ok(())
    }
}

async fn finished(shared: &Shared, log: &LogHead) -> Result<Levels, Error> {
    let mut session = shared.readers.open().await?;
    let rows = Statement::new("SELECT hash FROM ledger_subtrees WHERE tenant = ")
        .bind(log.tenant)
        .sql(" AND tile < ")
        .bind(log.size / TILE)
        .sql(" ORDER BY tile")
        .fetch(session.connection()?)
        .await?;
    session.end();
    rows.iter().map(|row| text(row, 0)?.parse().map_err(|error| Error::unreadable("subtree hash", error))).collect()
}
