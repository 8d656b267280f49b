//! Brings one release about. Every step looks at what GitHub has and does what is missing; so it can be cut off anywhere,
//! and begun again by anybody, and there is one release in the end.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use tracing::warn;

use super::claim::{Claim, mark};
use super::{Error, Progress, Publisher, Target, Trouble, Watch, files};
use crate::artifact::segment::Asset;
use crate::domain::gate::{Repository, Tenant};
use crate::github::releases::{NewRelease, Release, ReleaseAsset};
use crate::github::{Place, client};
use crate::ledger::Checkpoint;
use crate::store::{Batch, LogHead};

/// What the tag of every release of a ledger begins with.
pub(super) const TAGS_BEGIN_WITH: &str = "seconder-ledger-";
/// So often a file is uploaded until GitHub has what we have.
const UPLOADS: usize = 2;

/// A release that is public and holds what it should.
pub(super) struct Published {
    pub release: Release,
    pub repository: Repository,
    pub assets: Vec<Asset>,
    /// The root that the checkpoint signs, as it is written there.
    pub root: String,
}

impl Publisher {
    /// From wherever the batch is to a release that is public.
    pub(super) async fn attempt(&self, log: &LogHead, batch: &Batch, watch: Watch<'_>) -> Result<Published, Trouble> {
        if self.publications.signed_by_us(&batch.checkpoint).await?.is_none() {
            return Err(Trouble::Hopeless(format!(
                "the key that signed its checkpoint of {} entries was revoked below that size since it was planned: what it \
                 signed counts for nothing. If the release is there, as a draft or public, nobody needs it",
                batch.to
            )));
        }
        let folder = self.folder_of(batch);
        let assets = files::write(&self.publications, log, batch, &folder, watch).await?;
        let root = batch.checkpoint.lines().nth(2).unwrap_or_default().to_owned();
        let (tenant, repository) = self.locate(log, batch).await?;
        let place = Place { tenant: &tenant, repository: &repository };
        let notes = notes(log, batch, &root, self.lacks_witnesses(batch));
        let mark = mark(log, batch, &root);
        let name = format!("Ledger {}, entries {} to {}", batch.tag, batch.from, batch.to.saturating_sub(1));
        let wanted = NewRelease { tag: &batch.tag, name: &name, body: &notes };
        let mut release = self.draft(place, (log, batch), &wanted, &mark).await?;
        if release.draft {
            self.fill(place, &release, &assets, &folder, watch).await?;
            watch(Progress::Comparing);
            if let Some(difference) = self.difference(place, &release, &assets).await? {
                return Err(Error::Wrong(format!("before publishing, {difference}")).into());
            }
            watch(Progress::Publishing);
            if !self.publications.publishing(batch).await? {
                return Err(Trouble::Lost);
            }
            match self.patiently(|| self.github.publish_draft(place, release.id)).await {
                Ok(_) => {}
                Err(error) => return Err(tag_trouble(error)),
            }
            release = self.shown(place, release.id).await?;
        }
        if release.draft || release.tag != batch.tag {
            let what = format!("GitHub published release {} and shows it otherwise: it is to be looked at", release.id);
            return Err(Error::Wrong(what).into());
        }
        if let Some(difference) = self.difference(place, &release, &assets).await? {
            return Err(Trouble::Hopeless(format!(
                "release {} of {} is public, and {difference}: somebody changed it, or the database is not the one it \
                 was made from. It is left as it is; compare it with what you have downloaded before",
                batch.tag,
                repository.full_name()
            )));
        }
        Ok(Published { release, repository, assets, root })
    }

    async fn locate(&self, log: &LogHead, batch: &Batch) -> Result<(Tenant, Repository), Error> {
        let (owner, name) = batch.repository.split_once('/').unwrap_or_default();
        let (tenant, repository) = self.github.locate(owner, name).await.map_err(|error| match error {
            client::Error::NotFound { .. } => Error::Wrong(format!(
                "{owner}/{name} cannot be published to: create the repository with a first commit, and include it in \
                 the App's installation on {owner}; or name another one in SECONDER_PUBLISH_REPOSITORY"
            )),
            error => error.into(),
        })?;
        if matches!(self.target, Target::Named(_)) && tenant.account_id != log.tenant {
            return Err(Error::Wrong(format!("{owner}/{name} does not belong to the account whose ledger this is")));
        }
        Ok((tenant, repository))
    }

    async fn shown(&self, place: Place<'_>, id: u64) -> Result<Release, Error> {
        let shown = self.github.release(place, id).await?;
        shown.ok_or_else(|| {
            Error::Wrong(format!("release {id} has just been there and is gone: somebody deletes releases"))
        })
    }

    /// Our release: as it is, or a new draft.
    async fn draft(
        &self,
        place: Place<'_>,
        (log, batch): (&LogHead, &Batch),
        wanted: &NewRelease<'_>,
        mark: &str,
    ) -> Result<Release, Trouble> {
        if batch.release_id != 0
            && let Some(release) = self.github.release(place, batch.release_id).await?
        {
            if !release.draft || release.tag == batch.tag {
                return Ok(release);
            }
            // It was made under a tag that turned out to be taken.
            return self.patiently(|| self.github.retag_draft(place, release.id, wanted)).await.map_err(tag_trouble);
        }
        let known = self.publications.tags(log.tenant).await?;
        let (mut ours, mut foreign, mut beyond) = (None::<Release>, None, Vec::new());
        self.github
            .each_release(place, |release| {
                let goes_beyond = |claim: &Claim| claim.origin == log.origin && claim.end > batch.from;
                beyond.extend(Claim::of(&release).filter(goes_beyond).filter(|claim| !known.contains(&claim.tag)));
                match release.tag == batch.tag {
                    true if !release.body.contains(mark) => foreign = Some(release.id),
                    // The one that is public already, or the oldest draft.
                    true if ours.as_ref().is_none_or(|it| (release.draft, release.id) < (it.draft, it.id)) => {
                        ours = Some(release);
                    }
                    _ => {}
                }
            })
            .await?;
        self.refuse_if_set_back(place, (log, batch), &beyond).await?;
        if let Some(foreign) = foreign {
            return Err(Trouble::TagTaken(format!("release {foreign} has it and is not ours")));
        }
        let release = match ours {
            Some(release) => release,
            None => {
                let made = self.patiently(|| self.github.create_draft(place, wanted)).await;
                made.map_err(tag_trouble)?
            }
        };
        if !self.publications.made(batch, release.id).await? {
            return Err(Trouble::Lost);
        }
        Ok(release)
    }

    /// A database that was set back to an older state must not publish a second version of what is public already. What
    /// the notes of a release claim anybody may write, and anybody who has a genuine checkpoint may put it into a release of
    /// their own: it counts only if the database does not have what it signs. Each is looked at, however many there are: or
    /// else enough forged ones would hide one that is genuine.
    async fn refuse_if_set_back(
        &self,
        place: Place<'_>,
        (log, batch): (&LogHead, &Batch),
        beyond: &[Claim],
    ) -> Result<(), Error> {
        for claim in beyond {
            let held = claim.checkpoint::<Error>(&self.github, &self.publications, place).await?;
            let Some(checkpoint) = held.filter(|checkpoint| checkpoint.size > batch.from) else { continue };
            if self.has(log, &checkpoint).await? {
                let (tag, size) = (&claim.tag, checkpoint.size);
                warn!(
                    log = log.origin,
                    tag,
                    size,
                    "this release is none of ours, and shows a checkpoint that we have signed; it stops nothing"
                );
                continue;
            }
            return Err(Error::SetBack(format!(
                "release {} of this ledger is public and goes further than this database ({} entries that it does not \
                 have): the database was probably restored from a backup. Nothing is published; bring back the newest \
                 database, or begin a new ledger with a new database and key",
                claim.tag, checkpoint.size
            )));
        }
        Ok(())
    }

    /// Whether the database has the entries that a checkpoint signs.
    async fn has(&self, log: &LogHead, checkpoint: &Checkpoint) -> Result<bool, Error> {
        // As it is by now: it may have grown since this was begun.
        let ledger = self.publications.ledger();
        Ok(match ledger.log(log.tenant).await? {
            Some(log) if log.size >= checkpoint.size => ledger.root_at(&log, checkpoint.size).await? == checkpoint.root,
            _ => false,
        })
    }

    /// Uploads what GitHub does not have, or has otherwise; removes what does not belong there.
    async fn fill(
        &self,
        place: Place<'_>,
        release: &Release,
        assets: &[Asset],
        folder: &Path,
        watch: Watch<'_>,
    ) -> Result<(), Error> {
        let mut there = self.github.release_assets(place, release.id).await?;
        let ours: BTreeSet<&str> = assets.iter().map(|asset| asset.name.as_str()).collect();
        for foreign in there.iter().filter(|asset| !ours.contains(asset.name.as_str())) {
            warn!(release = release.id, name = %foreign.name, "a file in our draft that is not ours is removed");
            self.patiently(|| self.github.delete_asset(place, foreign.id)).await?;
        }
        for asset in assets {
            let mut found = there.iter().position(|found| found.name == asset.name).map(|at| there.swap_remove(at));
            for upload in 0..=UPLOADS {
                if let Some(found) = &found {
                    if self.is_same(place, found, asset).await? {
                        break;
                    }
                    warn!(release = release.id, name = %asset.name, state = %found.state, "GitHub has this file otherwise; it is replaced");
                    self.patiently(|| self.github.delete_asset(place, found.id)).await?;
                }
                if upload == UPLOADS {
                    return Err(Error::Wrong(format!(
                        "GitHub stored {} of draft {} {UPLOADS} times, and each time its SHA-256 was not ours ({}): it is \
                         not published",
                        asset.name, release.id, asset.sha256
                    )));
                }
                watch(Progress::Uploading(asset));
                let path = folder.join(&asset.name);
                let sent = || self.github.upload_asset(place, release, &asset.name, &path, asset.bytes);
                found = match self.patiently(sent).await {
                    Ok(stored) => Some(stored),
                    // It broke off on the way, and a part may have stayed behind.
                    Err(error @ (client::Error::Server { .. } | client::Error::Network(_))) if upload + 1 < UPLOADS => {
                        warn!(release = release.id, name = %asset.name, %error, "an upload broke off; it is sent again");
                        let there = self.github.release_assets(place, release.id).await?;
                        there.into_iter().find(|found| found.name == asset.name)
                    }
                    Err(error) => return Err(error.into()),
                };
            }
        }
        Ok(())
    }

    /// How what GitHub has differs from what we have, if it does.
    async fn difference(&self, place: Place<'_>, release: &Release, assets: &[Asset]) -> Result<Option<String>, Error> {
        let there = self.github.release_assets(place, release.id).await?;
        let by_name: BTreeMap<&str, &ReleaseAsset> = there.iter().map(|asset| (asset.name.as_str(), asset)).collect();
        for asset in assets {
            match by_name.get(asset.name.as_str()) {
                None => return Ok(Some(format!("{} is missing there", asset.name))),
                Some(found) if !self.is_same(place, found, asset).await? => {
                    return Ok(Some(format!("its {} is not ours (sha256 {})", asset.name, asset.sha256)));
                }
                Some(_) => {}
            }
        }
        let is_ours = |name: &str| assets.iter().any(|asset| asset.name == name);
        Ok(there.iter().find(|found| !is_ours(&found.name)).map(|foreign| format!("{} is not ours", foreign.name)))
    }

    /// Whether GitHub has this file, byte for byte. A server that does not tell digests is asked for the file.
    async fn is_same(&self, place: Place<'_>, found: &ReleaseAsset, asset: &Asset) -> Result<bool, Error> {
        if !found.is_whole() || found.size != asset.bytes {
            return Ok(false);
        }
        let digest = match &found.digest {
            Some(digest) => digest.clone(),
            None => self.github.asset_digest(place, found).await?,
        };
        Ok(digest.strip_prefix("sha256:").is_some_and(|hex| hex.eq_ignore_ascii_case(&asset.sha256)))
    }

    /// Waits when there is no room for a write yet and will be soon.
    async fn patiently<T, F: Future<Output = Result<T, client::Error>>>(
        &self,
        mut write: impl FnMut() -> F,
    ) -> Result<T, client::Error> {
        loop {
            match write().await {
                Err(client::Error::RateLimited { until }) => match self.short_wait(until) {
                    Some(wait) => tokio::time::sleep(wait).await,
                    None => return Err(client::Error::RateLimited { until }),
                },
                done => return done,
            }
        }
    }
}

/// Tells a tag that cannot be used from everything else that GitHub may refuse.
fn tag_trouble(error: client::Error) -> Trouble {
    match error {
        client::Error::Unprocessable { status: 422, message }
            if message.contains("tag_name was used by an immutable release")
                || message.contains("tag_name") && message.contains("already_exists") =>
        {
            Trouble::TagTaken(message)
        }
        error => error.into(),
    }
}

fn notes(log: &LogHead, batch: &Batch, root: &str, lacks_witnesses: bool) -> String {
    let (from, last) = (batch.from, batch.to.saturating_sub(1));
    let lack = if lacks_witnesses { "Not cosigned: no quorum of witnesses has come in time.\n\n" } else { "" };
    format!(
        "Entries {from} to {last} of the ledger `{}`, with all it takes to check them. `VERIFY.md` says how.\n\n{lack}\
         Signed checkpoint:\n\n```\n{}\n```\n\n{}\n",
        log.origin,
        batch.checkpoint.trim_end(),
        mark(log, batch, root)
    )
}
