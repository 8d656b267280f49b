//! Releases: where the ledger is published. A draft is filled, compared, and only then made public.
//!
//! <https://docs.github.com/rest/releases/releases>, <https://docs.github.com/rest/releases/assets>

use std::path::Path;

use http::Method;
use serde::{Deserialize, Serialize};

use super::client::{Answer, Call, Error, Kind, Upload};
use super::tokens::Purpose;
use super::{GitHub, Place, next_page, wire};
use crate::domain::effect::Urgency;

/// GitHub's largest page.
const PAGE: usize = 100;
/// So many pages are looked through. GitHub lists no more than 10,000 releases.
const PAGES: usize = 100;
/// Who cannot mint a token for publishing is told this.
const GRANT: &str = "publishing needs the App's repository permission \"Contents: Read and write\"; grant it in the App's \
     settings, accept it where the App is installed, and see that the installation includes the repository";

/// A release to be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewRelease<'a> {
    /// Its tag, which comes into being when it is published.
    pub tag: &'a str,
    /// Its title.
    pub name: &'a str,
    /// Its notes, Markdown.
    pub body: &'a str,
}

/// A release as GitHub shows it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Release {
    /// Its id.
    pub id: u64,
    /// Its tag, or the one a draft wants.
    #[serde(rename = "tag_name")]
    pub tag: String,
    /// Its notes.
    #[serde(default, deserialize_with = "text")]
    pub body: String,
    /// Whether it is still a draft.
    pub draft: bool,
    /// Whether nobody can change it any more. Older servers do not say.
    #[serde(default)]
    pub immutable: bool,
    /// Its page.
    #[serde(default)]
    pub html_url: String,
    /// Where files go: a template, on a host of its own.
    upload_url: String,
}

/// A file of a release as GitHub shows it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct ReleaseAsset {
    /// Its id.
    pub id: u64,
    /// Its name.
    pub name: String,
    /// `uploaded`; anything else was not uploaded as a whole.
    pub state: String,
    /// Its size in bytes.
    pub size: u64,
    /// `sha256:…`. Older Enterprise Servers do not say.
    #[serde(default)]
    pub digest: Option<String>,
}

impl ReleaseAsset {
    /// Whether GitHub has it as a whole.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.state == "uploaded"
    }
}

fn text<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    Option::deserialize(deserializer).map(Option::unwrap_or_default)
}

#[derive(Serialize)]
struct Draft<'a> {
    tag_name: &'a str,
    name: &'a str,
    body: &'a str,
    draft: bool,
    prerelease: bool,
    make_latest: &'static str,
}

impl NewRelease<'_> {
    fn draft(&self) -> Draft<'_> {
        let Self { tag, name, body } = *self;
        // Without a target the tag comes to point at the default branch's head: a commit of its own would need the
        // permission to write workflows. Never "latest": the repository's own releases stay what people find first.
        Draft { tag_name: tag, name, body, draft: true, prerelease: false, make_latest: "false" }
    }
}

impl GitHub {
    /// Makes a draft.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn create_draft(&self, place: Place<'_>, release: &NewRelease<'_>) -> Result<Release, Error> {
        let path = place.path(format_args!("/releases"));
        let body = super::body(&release.draft())?;
        self.publishing(place, Method::POST, &path, Some(&body)).await?.json("the created draft")
    }

    /// Gives a draft another tag.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn retag_draft(&self, place: Place<'_>, id: u64, release: &NewRelease<'_>) -> Result<Release, Error> {
        let path = place.path(format_args!("/releases/{id}"));
        let body = super::body(&release.draft())?;
        self.publishing(place, Method::PATCH, &path, Some(&body)).await?.json("the changed draft")
    }

    /// Makes a draft public. From here on nobody can take it back where releases are immutable.
    ///
    /// # Errors
    /// [`Error`]; 422 when its tag may not be used.
    pub async fn publish_draft(&self, place: Place<'_>, id: u64) -> Result<Release, Error> {
        let path = place.path(format_args!("/releases/{id}"));
        let body = br#"{"draft":false,"make_latest":"false"}"#;
        self.publishing(place, Method::PATCH, &path, Some(body)).await?.json("the published release")
    }

    /// A release; nothing when it is gone.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn release(&self, place: Place<'_>, id: u64) -> Result<Option<Release>, Error> {
        let path = place.path(format_args!("/releases/{id}"));
        match self.publishing(place, Method::GET, &path, None).await {
            Ok(answer) => answer.json("the release").map(Some),
            Err(Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Shows all releases, drafts included, a page of them in memory at a time. Drafts have no tag yet: they can only be found
    /// by looking through all. GitHub sorts by the date of the commit a release stands on, which whoever makes one may choose:
    /// so nothing follows from the order, and there is no stopping early.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn each_release(&self, place: Place<'_>, mut show: impl FnMut(Release) + Send) -> Result<(), Error> {
        for page in 1..=PAGES {
            let path = place.path(format_args!("/releases?per_page={PAGE}&page={page}"));
            let answer = self.publishing(place, Method::GET, &path, None).await?;
            answer.json::<Vec<Release>>("the releases")?.into_iter().for_each(&mut show);
            if next_page(answer.link.as_deref(), "page").is_none() {
                return Ok(());
            }
        }
        let (repository, seen) = (place.repository.full_name(), PAGES * PAGE);
        tracing::warn!(repository, seen, "there are more releases than GitHub lists; those beyond are not seen");
        Ok(())
    }

    /// A release's files.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn release_assets(&self, place: Place<'_>, id: u64) -> Result<Vec<ReleaseAsset>, Error> {
        let path = place.path(format_args!("/releases/{id}/assets?per_page={PAGE}"));
        self.publishing(place, Method::GET, &path, None).await?.json("the release's files")
    }

    /// Uploads a file of `bytes` bytes under this name.
    ///
    /// # Errors
    /// [`Error`]; a part of it may be there then, in another state than `uploaded`.
    pub async fn upload_asset(
        &self,
        place: Place<'_>,
        release: &Release,
        name: &str,
        file: &Path,
        bytes: u64,
    ) -> Result<ReleaseAsset, Error> {
        self.make_room(place).await?;
        let address = release.upload_url.split('{').next().unwrap_or_default();
        let url = format!("{address}?name={}", wire::encode(name));
        let answer = self.upload(place.scope(Purpose::Publish), &Upload { url: &url, file, bytes }).await;
        answer.map_err(explain)?.json("the uploaded file")
    }

    /// Deletes a file of a draft. One that is gone already is as good.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn delete_asset(&self, place: Place<'_>, id: u64) -> Result<(), Error> {
        let path = place.path(format_args!("/releases/assets/{id}"));
        match self.publishing(place, Method::DELETE, &path, None).await {
            Ok(_) | Err(Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Downloads a file and returns its SHA-256 as GitHub would show it: for servers that do not.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn asset_digest(&self, place: Place<'_>, asset: &ReleaseAsset) -> Result<String, Error> {
        let path = place.path(format_args!("/releases/assets/{}", asset.id));
        let credential = self.tokens.get(&self.client, &self.app, place.scope(Purpose::Publish), self.now()).await?;
        let hash = self.client.sha256(&credential, &path, asset.size).await?;
        Ok(format!("sha256:{}", hex::encode(hash)))
    }

    /// Downloads a small text file; one that is longer than GitHub says, or no text, is as good as an empty one.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn asset_text(&self, place: Place<'_>, asset: &ReleaseAsset) -> Result<String, Error> {
        let path = place.path(format_args!("/releases/assets/{}", asset.id));
        let credential = self.tokens.get(&self.client, &self.app, place.scope(Purpose::Publish), self.now()).await?;
        let mut bytes = Vec::new();
        self.client.download(&credential, &path, asset.size, |piece| bytes.extend_from_slice(piece)).await?;
        Ok(String::from_utf8(bytes).unwrap_or_default())
    }

    pub(super) async fn publishing(
        &self,
        place: Place<'_>,
        method: Method,
        path: &str,
        body: Option<&[u8]>,
    ) -> Result<Answer, Error> {
        let kind = if method == Method::GET { Kind::Read } else { Kind::Write };
        if kind == Kind::Write {
            self.make_room(place).await?;
        }
        self.call(place.scope(Purpose::Publish), Call { kind, method, path, body }).await.map_err(explain)
    }

    /// Takes room for one write, behind everybody a deployment waits for.
    async fn make_room(&self, place: Place<'_>) -> Result<(), Error> {
        let taken = self.pacer().try_take(place.tenant.installation_id, Urgency::Note, self.now());
        taken.map_err(|until| Error::RateLimited { until: until.0 })
    }
}

/// Says what to grant when it is a permission that is missing.
fn explain(error: Error) -> Error {
    match error {
        Error::Forbidden { message } => Error::Forbidden { message: format!("{message} ({GRANT})") },
        Error::Unprocessable { status: 422, message } if message.contains("permissions requested") => {
            Error::Forbidden { message: format!("{message} ({GRANT})") }
        }
        error => error,
    }
}
