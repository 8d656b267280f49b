//! Reading what a ledger is checked by: its entries, files that were named, and how far that is.

use std::fs;
use std::io::{self, BufRead, Read as _};
use std::path::{Path, PathBuf};

use indicatif::ProgressStyle;

use super::failure::{Failure, cannot_read, refused};
use crate::artifact::Target;

/// The entries of all targets, one after the other.
pub(super) fn entries(targets: &[PathBuf]) -> Result<Box<dyn BufRead>, Failure> {
    let mut all: Box<dyn BufRead> = Box::new(io::empty());
    for path in targets {
        let entries = open(path)?.entries().map_err(|error| cannot_read(path, &error))?;
        all = Box::new(all.chain(entries));
    }
    Ok(all)
}

pub(super) fn open(path: &Path) -> Result<Target, Failure> {
    Target::open(path).map_err(refused)
}

pub(super) fn read_text(path: &Path) -> Result<String, Failure> {
    fs::read_to_string(path).map_err(|error| cannot_read(path, &error))
}

/// How far it is.
pub(super) fn style() -> ProgressStyle {
    ProgressStyle::with_template("{bar:40} {human_pos} of {human_len} entries, {per_sec}, {eta} left")
        .unwrap_or_else(|_| ProgressStyle::default_bar())
}
