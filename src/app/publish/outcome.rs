//! How a publication goes, and what becomes of it.

use std::path::PathBuf;

use crate::artifact::segment::{Asset, SegmentError};
use crate::github::client;
use crate::store::{self, Batch};

/// How far a publication has come, for whoever watches.
#[derive(Clone, Copy, Debug)]
pub enum Progress<'a> {
    /// Witnesses and time-stamp authority are waited for.
    Waiting,
    /// The files are being written: entries read, of how many.
    Writing(u64, u64),
    /// A file is being uploaded.
    Uploading(&'a Asset),
    /// What GitHub has is compared with what we have.
    Comparing,
    /// It is made public.
    Publishing,
}

/// Who watches.
pub type Watch<'a> = &'a (dyn Fn(Progress<'_>) + Send + Sync);

/// What became of a log.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// It is public.
    Published {
        /// What.
        batch: Box<Batch>,
        /// The release's page.
        url: String,
        /// Whether nobody can change it any more.
        immutable: bool,
        /// Its files.
        assets: Vec<Asset>,
    },
    /// Nothing was recorded since the last time.
    NothingNew,
    /// Somebody else publishes it now.
    Busy,
}

/// Why a log could not be published.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The database.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// GitHub.
    #[error(transparent)]
    GitHub(#[from] client::Error),
    /// The files could not be made.
    #[error(transparent)]
    Segment(#[from] SegmentError),
    /// The folder for the files.
    #[error("cannot use {path} for the files of a publication: {source}")]
    Folder {
        /// The folder.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// More is public than the database has published: nothing may be signed with it, not even that this failed.
    #[error("{0}")]
    SetBack(String),
    /// Something is not as it should be; the text says what, and what to do.
    #[error("{0}")]
    Wrong(String),
}

/// Why an attempt ended early.
pub(super) enum Trouble {
    /// The tag is somebody else's, or burnt.
    TagTaken(String),
    /// It can never be published as it was planned: what is public under its tag is not what we have, or what it would hold
    /// counts no more.
    Hopeless(String),
    /// Somebody else works on the batch.
    Lost,
    /// It may work the next time.
    Again(Error),
}

impl<E: Into<Error>> From<E> for Trouble {
    fn from(error: E) -> Self {
        Self::Again(error.into())
    }
}
