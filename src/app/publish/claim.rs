//! What a release says it is, and what it holds. The one may be written by anybody who can write to the repository; the other
//! counts if the ledger's keys have signed it.

use tracing::warn;

use crate::github::releases::Release;
use crate::github::{GitHub, Place, client};
use crate::ledger::{Checkpoint, layout, note};
use crate::store::{self, Batch, LogHead, Publications};

/// What a mark begins with; the origin follows.
const MARK: &str = "<!-- seconder ";
/// Longer than the origin of any log, in bytes.
const LONGEST_ORIGIN: usize = 1024;
/// Longer than any checkpoint of ours, in bytes.
const LONGEST_CHECKPOINT: u64 = 64 * 1024;

/// A public release that says it is of a ledger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Claim {
    /// The release's id.
    pub id: u64,
    /// Its tag.
    pub tag: String,
    /// Of which ledger it says it is.
    pub origin: String,
    /// The entry after the last it says it holds.
    pub end: u64,
}

impl Claim {
    /// What a release says of itself, if it is public.
    pub fn of(release: &Release) -> Option<Self> {
        let (_, rest) = release.body.split_once(MARK).filter(|_| !release.draft)?;
        let mut words = rest.split(' ');
        let (origin, span) = (words.next()?, words.next()?);
        let is_one = origin.len() <= LONGEST_ORIGIN && note::is_key_name(origin);
        let (origin, end) = (origin.to_owned(), span.split_once('-')?.1.parse().ok()?);
        is_one.then(|| Self { id: release.id, tag: release.tag.clone(), origin, end })
    }

    /// The checkpoint it holds, if a key of the log has signed it: whoever can write to the repository could put any other.
    pub async fn checkpoint<E: From<client::Error> + From<store::Error>>(
        &self,
        github: &GitHub,
        publications: &Publications,
        place: Place<'_>,
    ) -> Result<Option<Checkpoint>, E> {
        let assets = github.release_assets(place, self.id).await?;
        let is_it = |name: &str, size| name == layout::CHECKPOINT && size <= LONGEST_CHECKPOINT;
        let checkpoint = match assets.iter().find(|asset| asset.is_whole() && is_it(&asset.name, asset.size)) {
            Some(asset) => publications.signed_by_us(&github.asset_text(place, asset).await?).await?,
            None => None,
        };
        let genuine = checkpoint.filter(|checkpoint| checkpoint.origin == self.origin);
        if genuine.is_none() {
            warn!(
                log = self.origin,
                tag = self.tag,
                repository = place.repository.full_name(),
                "this release claims to be of this ledger, and holds no checkpoint that the ledger's keys have signed; it counts for nothing"
            );
        }
        Ok(genuine)
    }
}

/// By this a release is known as ours when its id was not written down in time.
pub(super) fn mark(log: &LogHead, batch: &Batch, root: &str) -> String {
    format!("{MARK}{} {}-{} {root} -->", log.origin, batch.from, batch.to)
}
