//! The files of a batch, on this machine: made anew for each attempt. They come out the same each time, so that nothing
//! here has to be remembered or trusted.

use std::io;
use std::path::Path;

use super::{Error, Progress, Watch};
use crate::artifact::segment::{self, Asset, Span};
use crate::artifact::vouchers;
use crate::store::{Batch, LogHead, Publications};

/// Writes the files of a batch into a folder, in the place of whatever is there.
pub(super) async fn write(
    publications: &Publications,
    log: &LogHead,
    batch: &Batch,
    folder: &Path,
    watch: Watch<'_>,
) -> Result<Vec<Asset>, Error> {
    let unusable = |source| Error::Folder { path: folder.to_owned(), source };
    match tokio::fs::remove_dir_all(folder).await {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(unusable(error)),
        _ => {}
    }
    tokio::fs::create_dir_all(folder).await.map_err(unusable)?;
    let checkpoint_prev = match batch.from {
        0 => None,
        _ => publications.newest(batch.tenant).await?.map(|newest| newest.checkpoint),
    };
    let extra = vouchers(&batch.witness_policy, &batch.tsr)
        .map_err(|error| Error::Wrong(format!("the stored time-stamp cannot be read: {error}")))?;
    let checkpoint = batch.checkpoint.clone();
    let span = Span { from: batch.from, to: batch.to, checkpoint, checkpoint_prev, extra };
    // The log may have changed its key since the batch was planned.
    let vkey = publications.ledger().own_key_at(log, batch.to).await?;
    let log = &LogHead { vkey, ..log.clone() };
    let mut progress = |read, of| watch(Progress::Writing(read, of));
    Ok(segment::write(publications.ledger(), log, span, folder, &mut progress).await?)
}

/// Removes them. What cannot be removed now is in nobody's way.
pub(super) async fn remove(folder: &Path) {
    if let Err(error) = tokio::fs::remove_dir_all(folder).await {
        tracing::warn!(folder = %folder.display(), %error, "the files of a publication could not be removed");
    }
}
