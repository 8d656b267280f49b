//! From the last good deployment to the head that is held: which commits lie between, and which files they change.

use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, PoisonError};

use lru::LruCache;
use serde::Deserialize;

use crate::domain::facts::{Base, Gap};
use crate::github::client::Error;
use crate::github::graphql::deployments::{DeploymentContext, Deployments, PageInfo, earlier_deployments};
use crate::github::tokens::Purpose;
use crate::github::webhook::DeploymentHeld;
use crate::github::{GitHub, Place, wire};

/// Pages of deployments that are read: fifty, and then a hundred each.
const PAGES_READ: usize = 4;
/// Commits of a comparison that are read.
const COMMITS_READ: usize = 250;
/// GitHub lists no more files of a comparison.
const FILES_LISTED: usize = 300;
/// Commits a page of a comparison.
const COMMITS_A_PAGE: usize = 100;
/// Comparisons remembered; each may be some 30 kB.
const COMPARISONS_REMEMBERED: NonZeroUsize = match NonZeroUsize::new(128) {
    Some(number) => number,
    None => NonZeroUsize::MIN,
};

/// A comparison of two commits never changes: remembered by repository, base and head.
pub(in crate::github) struct Comparisons(Mutex<LruCache<(u64, String, String), Arc<Comparison>>>);

impl Default for Comparisons {
    fn default() -> Self {
        Self(Mutex::new(LruCache::new(COMPARISONS_REMEMBERED)))
    }
}

struct Comparison {
    is_diverged: bool,
    total: u64,
    /// Oldest first.
    shas: Vec<String>,
    files: Vec<String>,
    has_all_files: bool,
}

#[derive(Deserialize)]
struct ComparisonPage {
    status: String,
    total_commits: u64,
    commits: Vec<ComparedCommit>,
    files: Option<Vec<ComparedFile>>,
}

#[derive(Deserialize)]
struct ComparedCommit {
    sha: String,
}

#[derive(Deserialize)]
struct ComparedFile {
    filename: String,
    previous_filename: Option<String>,
}

impl Comparison {
    fn has_all_commits(&self) -> bool {
        u64::try_from(self.shas.len()).unwrap_or(u64::MAX) >= self.total
    }
}

impl GitHub {
    /// The last good deployment of the environment, looked for in the newest deployments, which are at hand, and page by page
    /// in those before. Many that wait, or failed, hide it: beyond some pages nobody knows whether there is one, a gap.
    pub(super) async fn last_good(
        &self,
        held: &DeploymentHeld,
        newest: Option<Deployments>,
        released: &[String],
        gaps: &mut Vec<Gap>,
    ) -> Result<Option<Base>, Error> {
        let place = Place { tenant: &held.tenant, repository: &held.repository };
        let mut page = newest;
        for number in 1..=PAGES_READ {
            let missing = || Error::Server { status: 200, message: "the list of deployments is missing".to_owned() };
            let deployments = page.ok_or_else(missing)?;
            let good = last_good(&deployments, held.deployment_node_id.as_deref(), released);
            if good.is_some() {
                return Ok(good);
            }
            let after = match deployments.page_info {
                Some(PageInfo { has_next_page: false, .. }) => {
                    gaps.push(Gap::NoEarlierDeployment);
                    return Ok(None);
                }
                Some(PageInfo { end_cursor: Some(after), .. }) if number < PAGES_READ => after,
                _ => break,
            };
            let (owner, name) = (&place.repository.owner, &place.repository.name);
            let body = earlier_deployments(owner, name, &held.environment, &after);
            let (context, _): (DeploymentContext, _) = self.query(place, &body, "earlier deployments").await?;
            page = context.deployments.filter(|_| context.database_id == Some(place.repository.id));
        }
        gaps.push(Gap::DeploymentHistoryTooLong);
        Ok(None)
    }

    /// What the deployment brings beyond the last good one: commits, oldest first, and files. Without a comparison it is
    /// the head commit alone, and a gap.
    pub(super) async fn range(
        &self,
        place: Place<'_>,
        base: Option<Base>,
        head: &str,
        gaps: &mut Vec<Gap>,
    ) -> Result<(Option<Base>, Vec<String>, Vec<String>), Error> {
        let head_alone = || vec![head.to_owned()];
        let Some(base) = base else { return Ok((None, head_alone(), Vec::new())) };
        let comparison = match self.comparison(place, &base.sha, head).await {
            Ok(comparison) => comparison,
            // The last good commit is gone: its history was rewritten and swept away.
            Err(Error::NotFound { .. }) => {
                gaps.push(Gap::Diverged);
                return Ok((Some(base), head_alone(), Vec::new()));
            }
            Err(error) => return Err(error),
        };
        if comparison.is_diverged {
            gaps.push(Gap::Diverged);
        }
        let read = u64::try_from(comparison.shas.len()).unwrap_or(u64::MAX);
        if comparison.total > read {
            gaps.push(Gap::TooManyCommits { total: comparison.total, read });
        }
        if !comparison.has_all_files {
            let read = u64::try_from(comparison.files.len()).unwrap_or(u64::MAX);
            gaps.push(Gap::TooManyFiles { read });
        }
        Ok((Some(base), comparison.shas.clone(), comparison.files.clone()))
    }

    /// Whether what a commit brings beyond another changes a file, or may.
    ///
    /// # Errors
    /// [`Error`] when GitHub may know and did not answer.
    pub async fn changes(&self, place: Place<'_>, base: &str, head: &str, path: &str) -> Result<bool, Error> {
        match self.comparison(place, base, head).await {
            Ok(comparison) => Ok(!comparison.has_all_files || comparison.files.iter().any(|file| file == path)),
            Err(error) if error.is_transient() => Err(error),
            Err(_) => Ok(true),
        }
    }

    /// Whether a commit comes before another. One call, none when it was asked before.
    pub(in crate::github) async fn is_ancestor(&self, place: Place<'_>, commit: &str, of: &str) -> Result<bool, Error> {
        let comparison = self.comparison(place, of, commit).await?;
        Ok(!comparison.is_diverged && comparison.total == 0)
    }

    async fn comparison(&self, place: Place<'_>, base: &str, head: &str) -> Result<Arc<Comparison>, Error> {
        let key = (place.repository.id, base.to_owned(), head.to_owned());
        let known = || self.comparisons.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(comparison) = known().get(&key) {
            return Ok(Arc::clone(comparison));
        }
        let mut comparison =
            Comparison { is_diverged: false, total: 0, shas: Vec::new(), files: Vec::new(), has_all_files: true };
        for page in 1..=COMMITS_READ.div_ceil(COMMITS_A_PAGE) {
            let (base, head) = (wire::encode(base), wire::encode(head));
            let path = place.path(format_args!("/compare/{base}...{head}?per_page={COMMITS_A_PAGE}&page={page}"));
            let read: ComparisonPage = self.read(place, Purpose::Read, &path).await?.json("the comparison")?;
            let is_last_page = read.commits.len() < COMMITS_A_PAGE;
            comparison.shas.extend(read.commits.into_iter().map(|commit| commit.sha));
            if page == 1 {
                comparison.is_diverged = !matches!(read.status.as_str(), "ahead" | "behind" | "identical");
                comparison.total = read.total_commits;
                // Files come with the first page, all of them or the first 300.
                comparison.has_all_files = read.files.as_ref().is_some_and(|files| files.len() < FILES_LISTED);
                for file in read.files.into_iter().flatten() {
                    comparison.files.extend(file.previous_filename);
                    comparison.files.push(file.filename);
                }
            }
            if is_last_page || comparison.shas.len() >= COMMITS_READ || comparison.has_all_commits() {
                break;
            }
        }
        comparison.shas.truncate(COMMITS_READ);
        let comparison = Arc::new(comparison);
        known().put(key, Arc::clone(&comparison));
        Ok(comparison)
    }
}

/// The newest of these deployments that ever succeeded, other than the one that is held. Anybody with `deployments: write` can
/// make GitHub show a success: once we have released something here, only what we released counts.
fn last_good(deployments: &Deployments, held: Option<&str>, released: &[String]) -> Option<Base> {
    deployments
        .nodes
        .iter()
        .flatten()
        .flatten()
        .filter(|deployment| held.is_none() || deployment.id.as_deref() != held)
        .filter(|deployment| {
            released.is_empty() || deployment.commit_oid.as_ref().is_some_and(|sha| released.contains(sha))
        })
        .find(|deployment| deployment.succeeded())
        .and_then(|deployment| Some(Base { sha: deployment.commit_oid.clone()?, deployment: deployment.id.clone()? }))
}

#[cfg(test)]
mod tests;
