//! Checks an exported ledger against a key the reader trusts, believing nothing else of it.
//!
//! `pass` goes once through the entries and every file beside them; `rules` are what must hold for each request, whoever
//! signed; `read` is all that they read of an entry. What is wrong comes back as a [`Refusal`], what is right as a [`Report`].
//! Two more go through entries that were verified: [`opened`], for whoever has the openings, and [`clear`], for whoever is strict.
use std::io::BufRead;

use self::past::Past;
use self::refusal::Refusal;
use self::report::Report;
use self::segment::Segment;
use super::layout::Artifact;
use super::merkle::Hash;
use super::note::VerifierKey;
use super::quorum::Policy;

pub mod again;
pub mod clear;
pub mod miscalled;
pub mod opened;
mod pass;
mod read;
pub mod refusal;
pub mod report;
mod rules;
pub mod unfounded;
pub mod unreal;
pub mod violation;

pub use self::pass::{past, segment};
pub use self::read::{who, why};
pub use self::rules::keys;

/// What the reader brings.
#[derive(Debug, Clone, Copy)]
pub struct Trust<'a> {
    /// A key of the log, from anywhere but the ledger itself: the one it has now, or one that it had.
    pub key: &'a VerifierKey,
    /// Checkpoints of the same log seen earlier: the ledger has to continue each.
    pub old: &'a [&'a str],
    /// Size and root that a check run showed: the same, without a signature.
    pub seen: Option<(u64, Hash)>,
    /// Which witnesses must have cosigned the checkpoint.
    pub witnesses: Option<&'a Policy>,
}

/// Work for a thread of its own.
pub type Task<'t> = Box<dyn FnOnce() + Send + 't>;

/// Does all of the work at once, and returns when it is done: whoever does a part of it waits for others. The last is for the calling
/// thread.
pub type AtOnce<'a> = dyn Fn(Vec<Task<'_>>, &mut dyn FnMut()) + 'a;

/// Checks a whole ledger, and everything in it; `entries` is the content of `entries.jsonl`. `progress` hears now and then how
/// many entries of how many have been read. `past` is told what a segment that follows has to know.
///
/// # Errors
/// The first reason not to believe the ledger.
pub fn verify(
    artifact: &impl Artifact,
    entries: impl BufRead + Send,
    past: &mut Past,
    trust: Trust<'_>,
    at_once: &AtOnce<'_>,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<Report, Refusal> {
    pass::check(artifact, entries, None, past, trust, at_once, progress)
}

/// Checks a segment: that it continues what the segments before signed, and everything in it, with what `past` knows of those.
/// `artifact` has its tiles and receipts as a whole ledger has them, beside its other files; `entries` is the content of its file
/// of entries, unpacked.
///
/// # Errors
/// The first reason not to believe the segment.
pub fn verify_segment(
    artifact: &impl Artifact,
    entries: impl BufRead + Send,
    segment: &Segment,
    past: &mut Past,
    trust: Trust<'_>,
    at_once: &AtOnce<'_>,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<Report, Refusal> {
    pass::check(artifact, entries, Some(segment), past, trust, at_once, progress)
}
