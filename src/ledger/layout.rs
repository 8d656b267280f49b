//! Where everything is in an exported ledger, and how its files are reached: the only I/O this room knows of is these traits.
use std::io;

use super::tile::TilePath;

/// The newest signed checkpoint.
pub const CHECKPOINT: &str = "checkpoint";
/// The verifier key of the log, for comparison with the trusted one.
pub const VKEY: &str = "log.vkey";
/// The C2SP tlog-policy the checkpoint was cosigned by, if it was.
pub const WITNESS_POLICY: &str = "witness.policy";
/// An RFC 3161 time stamp over the checkpoint, if there is one.
pub const TIMESTAMP: &str = "checkpoint.tsr";
/// All entries, one a line.
pub const ENTRIES: &str = "entries.jsonl";

const RECEIPTS: &str = "receipts/";
const PROOF: &str = ".tlog-proof";
const ENTRY: &str = ".json";

/// Where the proof of a request's decision is.
#[must_use]
pub fn receipt_proof(request: &str) -> String {
    [RECEIPTS, request, PROOF].concat()
}

/// Where the entry that is proven is: the exact line.
#[must_use]
pub fn receipt_entry(request: &str) -> String {
    [RECEIPTS, request, ENTRY].concat()
}

/// What a path in an exported ledger is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place<'a> {
    /// `checkpoint`, `log.vkey`, `entries.jsonl`, or what others say of the checkpoint.
    Fixed,
    /// A tile or an entry bundle.
    Tile(TilePath),
    /// One of the two files of this request's receipt.
    Receipt(&'a str),
    /// Nothing that belongs to a ledger.
    Foreign,
}

/// What is at this path.
#[must_use]
pub fn place(path: &str) -> Place<'_> {
    if matches!(path, CHECKPOINT | VKEY | ENTRIES | WITNESS_POLICY | TIMESTAMP) {
        return Place::Fixed;
    }
    if let Some(tile) = TilePath::parse(path) {
        return Place::Tile(tile);
    }
    let request = path.strip_prefix(RECEIPTS).and_then(|name| name.strip_suffix(PROOF).or(name.strip_suffix(ENTRY)));
    match request {
        Some(request) if super::entry::is_request_id(request) => Place::Receipt(request),
        _ => Place::Foreign,
    }
}

/// FileReader files of a ledger as [`Artifact::read`] does.
pub type FileReader<'a> = Box<dyn FnMut(&str, usize, &mut Vec<u8>) -> io::Result<()> + Send + 'a>;

/// The files of an exported ledger, wherever they are, to be read by several at the same time. Paths are relative, with `/`.
pub trait Artifact: Sync {
    /// Replaces `into` by the content of a file, of which at most `limit` + 1 bytes are wanted: a longer file is wrong anyway.
    ///
    /// # Errors
    /// `NotFound` if there is no such file, and whatever reading meets.
    fn read(&self, path: &str, limit: usize, into: &mut Vec<u8>) -> io::Result<()>;

    /// The same for one who reads files nearly in the order of their entries.
    fn reader(&self) -> FileReader<'_> {
        Box::new(|path, limit, into| self.read(path, limit, into))
    }

    /// Calls `visit` with the path of every file there is, in any order, until it says false.
    ///
    /// # Errors
    /// Whatever listing meets.
    fn visit_paths(&self, visit: &mut dyn FnMut(&str) -> bool) -> io::Result<()>;

    /// The same but for receipts, of which only the number of files is told: there may be very many.
    ///
    /// # Errors
    /// Whatever listing meets.
    fn visit_but_receipts(&self, visit: &mut dyn FnMut(&str) -> bool) -> io::Result<u64> {
        let mut receipts = 0;
        self.visit_paths(&mut |path| match place(path) {
            Place::Receipt(_) => {
                receipts += 1;
                true
            }
            _ => visit(path),
        })?;
        Ok(receipts)
    }
}

/// Somewhere a ledger can be written to, and read back from.
pub trait Sink: Artifact {
    /// Writes a whole file.
    ///
    /// # Errors
    /// Whatever writing meets.
    fn put(&mut self, path: &str, bytes: &[u8]) -> io::Result<()>;

    /// Adds to the end of a file, which is new at the first call.
    ///
    /// # Errors
    /// Whatever writing meets.
    fn append(&mut self, path: &str, bytes: &[u8]) -> io::Result<()>;
}
