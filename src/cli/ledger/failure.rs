//! Why a ledger is not believed, or cannot be looked at: what tells the exit codes apart.

use std::io;
use std::path::Path;

use thiserror::Error;

use crate::ledger::verify::opened::Distrust;
use crate::ledger::verify::refusal::Refusal;

/// Why the command does not succeed.
#[derive(Debug, Error)]
pub enum Failure {
    /// The ledger is not to be believed.
    #[error("{0}")]
    Refused(Refusal),
    /// The openings are not to be believed, or what they tell is not.
    #[error("{0}")]
    Distrusted(Distrust),
    /// What a server serves does not fit together.
    #[error("{0}")]
    Forged(String),
    /// Nothing is proven against it, and whoever asks is strict.
    #[error("--strict: {0}")]
    Odd(String),
    /// It could not be looked at.
    #[error("{0}")]
    Unusable(String),
}

impl Failure {
    /// The exit code.
    pub(super) fn code(&self) -> u8 {
        if matches!(self, Self::Unusable(_)) { 2 } else { 1 }
    }

    /// What it comes to, in two words.
    pub(super) fn verdict(&self) -> &'static str {
        if self.code() == 1 { "NOT VERIFIED" } else { "cannot verify" }
    }
}

pub(super) fn refused(refusal: Refusal) -> Failure {
    match refusal {
        refusal if refusal.is_about_the_ledger() => Failure::Refused(refusal),
        refusal => Failure::Unusable(refusal.to_string()),
    }
}

pub(super) fn cannot_read_entries(error: io::Error) -> Failure {
    Failure::Unusable(format!("cannot read the entries: {error}"))
}

pub(super) fn cannot_read(path: &Path, error: &io::Error) -> Failure {
    Failure::Unusable(format!("cannot read {}: {error}", path.display()))
}
