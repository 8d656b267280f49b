//! The tree and its entries cut into files (<https://c2sp.org/tlog-tiles>): 256 hashes, or 256 entries, to a file.
use std::fmt;

use super::merkle::{Frontier, Hash};

/// Hashes in a full tile, entries in a full bundle.
pub const WIDTH: usize = 256;
const HEIGHT: u32 = 8;

/// What a tile holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Content {
    /// The hashes of subtrees of 256^level leaves.
    Hashes {
        /// 0 for leaf hashes.
        level: u8,
    },
    /// Entries, each after its length as a big-endian u16.
    Entries,
}

/// The place of one tile; its `Display` form is its path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TilePath {
    /// What it holds.
    pub content: Content,
    /// Its place among the tiles of this content.
    pub index: u64,
    /// How many hashes or entries it has: 1 to 256.
    pub width: usize,
}

impl fmt::Display for TilePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.content {
            Content::Hashes { level } => write!(f, "tile/{level}")?,
            Content::Entries => f.write_str("tile/entries")?,
        }
        // Groups of three digits; all but the last are marked, so that no folder has the name of a file.
        let mut groups = vec![self.index % 1000];
        let mut rest = self.index / 1000;
        while rest > 0 {
            groups.push(rest % 1000);
            rest /= 1000;
        }
        for (left, group) in groups.iter().enumerate().rev() {
            let mark = if left > 0 { "x" } else { "" };
            write!(f, "/{mark}{group:03}")?;
        }
        if self.width < WIDTH { write!(f, ".p/{}", self.width) } else { Ok(()) }
    }
}

impl TilePath {
    /// Reads a path; `None` unless it is one in its canonical form.
    #[must_use]
    pub fn parse(path: &str) -> Option<TilePath> {
        let rest = path.strip_prefix("tile/")?;
        let (rest, width) = match rest.split_once(".p/") {
            Some((rest, width)) => (rest, width.parse().ok().filter(|width| (1..WIDTH).contains(width))?),
            None => (rest, WIDTH),
        };
        let (content, groups) = rest.split_once('/')?;
        let content = match content {
            "entries" => Content::Entries,
            level => Content::Hashes { level: level.parse().ok().filter(|level| *level < 64)? },
        };
        let mut index: u64 = 0;
        for group in groups.split('/') {
            let group: u64 = group.strip_prefix('x').unwrap_or(group).parse().ok()?;
            index = index.checked_mul(1000)?.checked_add(group)?;
        }
        let tile = TilePath { content, index, width };
        (tile.to_string() == path).then_some(tile)
    }

    /// Whether a log of `size` entries has this tile, at this width.
    #[must_use]
    pub fn belongs_to(self, size: u64) -> bool {
        let level = match self.content {
            Content::Hashes { level } => u32::from(level),
            Content::Entries => 0,
        };
        let hashes = size.checked_shr(level * HEIGHT).unwrap_or(0);
        let (full, partial) = (hashes / WIDTH as u64, (hashes % WIDTH as u64) as usize);
        if self.width == WIDTH { self.index < full } else { self.index == full && self.width == partial }
    }

    /// Whether it has all the hashes or entries it will ever have.
    #[must_use]
    pub fn is_full(self) -> bool {
        self.width == WIDTH
    }

    /// Whether all of it is in a log of `size` entries: so it was, at this width, when the log had this much and no more.
    #[must_use]
    pub fn is_within(self, size: u64) -> bool {
        let level = match self.content {
            Content::Hashes { level } => u32::from(level),
            Content::Entries => 0,
        };
        let hashes = size.checked_shr(level * HEIGHT).unwrap_or(0);
        self.index.checked_mul(WIDTH as u64).is_some_and(|first| first + (self.width as u64) <= hashes)
    }

    /// Whether a segment that begins at entry `from` has it, if it belongs to the log: the tree is whole in every segment,
    /// the entries before are in the segments before.
    #[must_use]
    pub fn is_in_segment(self, from: u64) -> bool {
        self.content != Content::Entries || self.index >= from / WIDTH as u64
    }

    /// The bundle of the entries whose leaf hashes this tile holds.
    #[must_use]
    pub fn bundle(self) -> Option<TilePath> {
        (self.content == Content::Hashes { level: 0 }).then_some(TilePath { content: Content::Entries, ..self })
    }

    /// A word for what is here.
    #[must_use]
    pub fn noun(self) -> &'static str {
        match self.content {
            Content::Hashes { .. } => "tile",
            Content::Entries => "entry bundle",
        }
    }

    /// The number of files a log of `size` entries has under `tile/`.
    #[must_use]
    pub fn count(size: u64) -> u64 {
        let tiles = |level: u32| size.checked_shr(level * HEIGHT).unwrap_or(0).div_ceil(WIDTH as u64);
        (0..8).map(tiles).sum::<u64>() + tiles(0)
    }
}

/// Cuts the hashes of a tree into tiles while they come in. Holds one unfinished tile a level.
#[derive(Debug, Default)]
pub struct HashTiles {
    lowest: u8,
    levels: Vec<Level>,
}

#[derive(Debug, Default)]
struct Level {
    finished: u64,
    bytes: Vec<u8>,
    tree: Frontier,
}

impl Level {
    fn tile(&self, level: u8) -> TilePath {
        TilePath { content: Content::Hashes { level }, index: self.finished, width: self.tree.size() as usize }
    }
}

impl HashTiles {
    /// Tiles of this level and those above: what comes in are the hashes of its tiles.
    #[must_use]
    pub fn from_level(lowest: u8) -> HashTiles {
        HashTiles { lowest, levels: Vec::new() }
    }

    /// Appends a hash; `emit` gets each tile this fills, the lowest first.
    ///
    /// # Errors
    /// Those of `emit`.
    pub fn push<E>(&mut self, hash: Hash, emit: &mut impl FnMut(TilePath, &[u8]) -> Result<(), E>) -> Result<(), E> {
        let mut hash = hash;
        for (n, level) in (0..).zip(self.lowest..) {
            if self.levels.len() == n {
                self.levels.push(Level::default());
            }
            let current = &mut self.levels[n];
            current.bytes.extend_from_slice(hash.as_bytes());
            current.tree.push(hash);
            if current.tree.size() < WIDTH as u64 {
                break;
            }
            emit(current.tile(level), &current.bytes)?;
            hash = current.tree.root();
            current.finished += 1;
            current.bytes.clear();
            current.tree = Frontier::new();
        }
        Ok(())
    }

    /// Ends; `emit` gets the partial tiles of the right edge.
    ///
    /// # Errors
    /// Those of `emit`.
    pub fn finish<E>(&self, emit: &mut impl FnMut(TilePath, &[u8]) -> Result<(), E>) -> Result<(), E> {
        let unfinished = self.levels.iter().zip(self.lowest..).filter(|(level, _)| !level.bytes.is_empty());
        unfinished.map(|(level, n)| (level.tile(n), &level.bytes)).try_for_each(|(tile, bytes)| emit(tile, bytes))
    }
}

/// Cuts a log into tiles while its entries stream by. Holds the unfinished tiles and one bundle: at most 16 MiB.
#[derive(Debug, Default)]
pub struct Builder {
    tiles: HashTiles,
    bundle: Vec<u8>,
}

impl Builder {
    /// Appends an entry; `emit` gets each tile and bundle this fills.
    ///
    /// # Errors
    /// Those of `emit`. Entries longer than [`super::entry::MAX_BYTES`] are cut in the bundle: check them before.
    pub fn push<E>(
        &mut self,
        leaf: Hash,
        entry: &[u8],
        emit: &mut impl FnMut(TilePath, &[u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        let entry = &entry[..entry.len().min(usize::from(u16::MAX))];
        let Self { tiles, bundle } = self;
        bundle.extend_from_slice(&(entry.len() as u16).to_be_bytes());
        bundle.extend_from_slice(entry);
        tiles.push(leaf, &mut |tile, bytes| {
            if let Some(entries) = tile.bundle() {
                emit(entries, bundle)?;
                bundle.clear();
            }
            emit(tile, bytes)
        })
    }

    /// Ends the log; `emit` gets the partial tiles of its right edge.
    ///
    /// # Errors
    /// Those of `emit`.
    pub fn finish<E>(&self, emit: &mut impl FnMut(TilePath, &[u8]) -> Result<(), E>) -> Result<(), E> {
        self.tiles.finish(&mut |tile, bytes| {
            tile.bundle().map_or(Ok(()), |entries| emit(entries, &self.bundle))?;
            emit(tile, bytes)
        })
    }
}

/// The full tiles that appending this leaf completes, from the lowest level up: level, index and root.
pub fn filled_by(tree: &Frontier, leaf: Hash) -> impl Iterator<Item = (u8, u64, Hash)> {
    let size = tree.size() + 1;
    let levels = 1..=(size.trailing_zeros() / HEIGHT) as u8;
    levels.filter_map(move |above| {
        let height = u32::from(above) * HEIGHT;
        Some((above - 1, (size >> height) - 1, tree.completed_by(leaf, height)?))
    })
}

/// The entries of a bundle, in order; ends early at an entry that is cut off.
pub fn bundled(bundle: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = bundle;
    std::iter::from_fn(move || {
        let (length, after) = rest.split_first_chunk::<2>()?;
        let (entry, after) = after.split_at_checked(usize::from(u16::from_be_bytes(*length)))?;
        rest = after;
        Some(entry)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::merkle::leaf_hash;
    use std::collections::BTreeMap;

    fn tiles(size: u64) -> BTreeMap<String, Vec<u8>> {
        let mut tiles = BTreeMap::new();
        let mut emit = |tile: TilePath, bytes: &[u8]| {
            assert!(tile.belongs_to(size), "{tile} of {size}");
            assert_eq!(TilePath::parse(&tile.to_string()), Some(tile));
            assert!(tiles.insert(tile.to_string(), bytes.to_vec()).is_none(), "{tile} twice");
            Ok::<(), ()>(())
        };
        let mut builder = Builder::default();
        for n in 0..size {
            builder.push(leaf_hash(&n.to_be_bytes()), &n.to_be_bytes(), &mut emit).unwrap();
        }
        builder.finish(&mut emit).unwrap();
        assert_eq!(tiles.len() as u64, TilePath::count(size));
        tiles
    }

    #[test]
    fn the_example_of_the_specification_has_the_tiles_it_says() {
        let tiles = tiles(70_000);
        let full = |level: &str| {
            let level = format!("tile/{level}/");
            tiles.iter().filter(|(path, _)| path.starts_with(&level) && !path.contains(".p/")).count()
        };
        assert_eq!((full("0"), full("1"), full("2"), full("entries")), (273, 1, 0, 273));
        assert_eq!(tiles["tile/0/273.p/112"].len(), 112 * 32);
        assert_eq!(tiles["tile/1/001.p/17"].len(), 17 * 32);
        assert_eq!(tiles["tile/2/000.p/1"].len(), 32);
        assert_eq!(bundled(&tiles["tile/entries/273.p/112"]).last(), Some(69_999_u64.to_be_bytes().as_slice()));
    }

    #[test]
    fn what_a_leaf_fills_is_what_the_tiles_above_are_made_of() {
        let (size, mut tree, mut roots) = (66_000_u64, Frontier::new(), [Vec::new(), Vec::new()]);
        for n in 0..size {
            let leaf = leaf_hash(&n.to_be_bytes());
            for (level, index, root) in filled_by(&tree, leaf) {
                assert_eq!(index, roots[usize::from(level)].len() as u64);
                roots[usize::from(level)].push(root);
            }
            tree.push(leaf);
        }
        let tiles = tiles(size);
        let bytes = |roots: &[Hash]| roots.iter().flat_map(|root| *root.as_bytes()).collect::<Vec<_>>();
        assert_eq!(bytes(&roots[0][..256]), tiles["tile/1/000"]);
        assert_eq!(bytes(&roots[0][256..]), tiles["tile/1/001.p/1"]);
        assert_eq!(bytes(&roots[1]), tiles["tile/2/000.p/1"]);
    }

    #[test]
    fn a_full_tile_is_hashed_into_the_level_above_and_a_partial_one_is_not() {
        let tiles = tiles(256);
        let mut tree = Frontier::new();
        (0..256_u64).for_each(|n| tree.push(leaf_hash(&n.to_be_bytes())));
        assert_eq!(tiles["tile/1/000.p/1"], tree.root().as_bytes());
        assert_eq!(tiles.keys().collect::<Vec<_>>(), ["tile/0/000", "tile/1/000.p/1", "tile/entries/000"]);
    }

    #[test]
    fn a_path_is_read_only_in_its_one_form() {
        let tile = TilePath { content: Content::Hashes { level: 0 }, index: 1_234_067, width: 256 };
        assert_eq!(tile.to_string(), "tile/0/x001/x234/067");
        assert_eq!(TilePath::parse("tile/0/x001/x234/067"), Some(tile));
        for wrong in [
            "tile/0/1",
            "tile/00/001",
            "tile/64/001",
            "tile/0/001/x234",
            "tile/0/x000/001",
            "tile/0/001.p/0",
            "tile/0/001.p/256",
            "tile/0/001.p/07",
            "tile/0/001.p/7/",
            "tile//001",
            "tile/0/",
            "tile/0/+01",
            "tile/data/001",
            "tile/0/x999/x999/x999/x999/x999/x999/x999/999",
        ] {
            assert_eq!(TilePath::parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn an_older_partial_tile_does_not_belong_to_the_log_any_more() {
        let partial = TilePath::parse("tile/0/000.p/3").unwrap();
        assert!(partial.belongs_to(3) && !partial.belongs_to(4) && !partial.belongs_to(256));
        assert!(!TilePath::parse("tile/63/000.p/3").unwrap().belongs_to(u64::MAX));
    }
}
