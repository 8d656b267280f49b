//! Releases and their assets, drafts first: with digests, with immutability, and with tags that are burnt for ever.

use std::collections::BTreeSet;

use ring::digest::{SHA256, digest};
use serde_json::{Value, json};

use super::GitHub;
use super::clock;
use super::render::node_id;
use super::state::State;

/// A release.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Release {
    /// The numeric id.
    pub id: u64,
    /// The tag; a draft has none yet, it only says which it wants.
    pub tag: String,
    /// Its title.
    pub name: String,
    /// Its notes.
    pub body: String,
    /// Only those who may push see it.
    pub draft: bool,
    /// Published while the repository's releases were immutable.
    pub immutable: bool,
    /// Whether it was asked not to become the repository's "latest".
    pub is_never_latest: bool,
    /// In the order in which they came.
    pub assets: Vec<Asset>,
    pub(super) target: String,
    pub(super) created_at: String,
    pub(super) published_at: Option<String>,
}

/// A file of a release.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asset {
    /// The numeric id.
    pub id: u64,
    /// The file's name.
    pub name: String,
    /// What is stored.
    pub bytes: Vec<u8>,
    /// `uploaded`; `starter` when the upload broke off.
    pub state: &'static str,
    pub(super) created_at: String,
}

impl Asset {
    /// SHA-256 of what is stored, as GitHub shows it.
    #[must_use]
    pub fn digest(&self) -> String {
        format!("sha256:{}", hex::encode(digest(&SHA256, &self.bytes)))
    }
}

/// How an upload goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Spoiled {
    /// 502, and an empty asset in state `starter` stays behind.
    Halfway,
    /// One byte is stored that was not sent.
    Altered,
}

/// Why a release may not be published under its tag.
#[derive(Clone, Copy)]
pub(super) enum Obstacle {
    Burnt,
    Taken,
}

impl Obstacle {
    /// The errors of GitHub's 422, word for word.
    pub fn errors(self) -> Value {
        match self {
            Self::Burnt => json!([
                { "resource": "Release", "code": "custom", "field": "pre_receive", "message":
                    "pre_receive Repository rule violations found\n\nCannot create ref due to creations being restricted.\n\n" },
                { "resource": "Release", "code": "custom", "field": "tag_name", "message":
                    "tag_name was used by an immutable release" },
                { "resource": "Release", "code": "custom", "message": "Published releases must have a valid tag" },
            ]),
            Self::Taken => json!([{ "resource": "Release", "code": "already_exists", "field": "tag_name" }]),
        }
    }
}

/// A repository's releases.
#[derive(Default)]
pub(super) struct Releases {
    pub all: Vec<Release>,
    pub is_immutable: bool,
    /// Tags of immutable releases, the deleted ones included.
    pub burnt: BTreeSet<String>,
    pub spoiled: Vec<Spoiled>,
}

impl Releases {
    /// Why a release may not be published under its tag.
    pub fn obstacle(&self, id: u64, tag: &str) -> Option<Obstacle> {
        if self.burnt.contains(tag) {
            return Some(Obstacle::Burnt);
        }
        let is_taken = self.all.iter().any(|other| other.id != id && !other.draft && other.tag == tag);
        is_taken.then_some(Obstacle::Taken)
    }

    /// Makes a draft public.
    pub fn publish(&mut self, id: u64) {
        let is_immutable = self.is_immutable;
        let Some(release) = self.all.iter_mut().find(|release| release.id == id && release.draft) else { return };
        release.draft = false;
        release.immutable = is_immutable;
        release.published_at = Some(clock::now());
        if is_immutable {
            self.burnt.insert(release.tag.clone());
        }
    }
}

impl State {
    /// `release`.
    pub(super) fn release_json(&self, place: usize, release: &Release) -> Value {
        let repository = &self.repositories[place];
        let url = format!("{}/releases/{}", repository.url, release.id);
        let page = format!("https://github.com/{}", repository.full_name);
        let uploads = match self.base.strip_suffix("/api/v3") {
            Some(host) => format!("{host}/api/uploads"),
            None => format!("{}/uploads", self.base),
        };
        let upload_url =
            format!("{uploads}/repos/{}/releases/{}/assets{{?name,label}}", repository.full_name, release.id);
        let tag = if release.draft { format!("untagged-{:x}", release.id) } else { release.tag.clone() };
        let assets: Vec<Value> = release.assets.iter().map(|asset| self.asset_json(place, release, asset)).collect();
        json!({
            "url": url, "assets_url": format!("{url}/assets"), "upload_url": upload_url,
            "html_url": format!("{page}/releases/tag/{tag}"), "id": release.id, "node_id": node_id("RE", release.id),
            "tag_name": release.tag, "target_commitish": release.target, "name": release.name, "body": release.body,
            "draft": release.draft, "prerelease": false, "immutable": release.immutable,
            "created_at": release.created_at, "published_at": release.published_at, "author": self.app_bot_json(),
            "tarball_url": format!("{}/tarball/{}", repository.url, release.tag),
            "zipball_url": format!("{}/zipball/{}", repository.url, release.tag), "assets": assets,
        })
    }

    /// `release-asset`. Older Enterprise Servers know no digests.
    pub(super) fn asset_json(&self, place: usize, release: &Release, asset: &Asset) -> Value {
        let repository = &self.repositories[place];
        let has_digest = asset.state == "uploaded" && !self.options.enterprise_server;
        json!({
            "url": format!("{}/releases/assets/{}", repository.url, asset.id), "id": asset.id,
            "node_id": node_id("RA", asset.id), "name": asset.name, "label": "", "state": asset.state,
            "browser_download_url":
                format!("https://github.com/{}/releases/download/{}/{}", repository.full_name, release.tag, asset.name),
            "content_type": "application/octet-stream", "size": asset.bytes.len(),
            "digest": has_digest.then(|| asset.digest()), "download_count": 0, "created_at": asset.created_at,
            "updated_at": asset.created_at, "uploader": self.app_bot_json(),
        })
    }

    fn app_bot_json(&self) -> Value {
        let bot = self.people.by_login(&format!("{}[bot]", self.options.app_slug));
        bot.and_then(|account| serde_json::from_str(account.json.get()).ok()).unwrap_or_default()
    }
}

impl GitHub {
    /// Whether releases published from now on in a repository are immutable.
    pub fn immutable_releases(&self, repository: &str, immutable: bool) {
        self.at(repository, |state, place| state.repositories[place].releases.is_immutable = immutable);
    }

    /// A repository's releases, drafts included, oldest first.
    pub fn releases(&self, repository: &str) -> Vec<Release> {
        let find = |state: &State| Some(state.repositories[state.repository(repository)?].releases.all.clone());
        self.shared.read(find).unwrap_or_default()
    }

    /// Somebody writes other notes for a release.
    pub fn rewrite_notes(&self, repository: &str, id: u64, notes: &str) {
        self.at(repository, |state, place| {
            let releases = &mut state.repositories[place].releases;
            if let Some(release) = releases.all.iter_mut().find(|release| release.id == id) {
                release.body = notes.to_owned();
            }
        });
    }

    /// An administrator publishes a release with these files under a tag; returns its id.
    pub fn release(&self, repository: &str, tag: &str, files: &[(&str, &str)]) -> u64 {
        let made = self.at(repository, |state, place| {
            let assets = files.iter().map(|(name, text)| Asset {
                id: state.fresh_id(),
                name: (*name).to_owned(),
                bytes: text.as_bytes().to_vec(),
                state: "uploaded",
                created_at: clock::now(),
            });
            let assets = assets.collect();
            let id = state.fresh_id();
            let release = Release {
                id,
                tag: tag.to_owned(),
                name: tag.to_owned(),
                body: String::new(),
                draft: true,
                immutable: false,
                is_never_latest: false,
                assets,
                target: "main".to_owned(),
                created_at: clock::now(),
                published_at: None,
            };
            let releases = &mut state.repositories[place].releases;
            releases.all.push(release);
            releases.publish(id);
            id
        });
        made.unwrap_or_default()
    }

    /// An administrator deletes a release and its tag. A tag that was burnt stays burnt.
    pub fn delete_release(&self, repository: &str, id: u64) {
        self.at(repository, |state, place| {
            state.repositories[place].releases.all.retain(|release| release.id != id);
        });
    }

    /// Somebody who may push puts another file in the place of one, digest and all; nobody can where releases are
    /// immutable.
    pub fn replace_asset(&self, repository: &str, release: u64, name: &str, text: &str) {
        self.at(repository, |state, place| {
            let releases = state.repositories[place].releases.all.iter_mut();
            for release in releases.filter(|known| known.id == release && !known.immutable) {
                for asset in release.assets.iter_mut().filter(|asset| asset.name == name) {
                    asset.bytes = text.as_bytes().to_vec();
                }
            }
        });
    }

    /// Somebody who may push adds a file to a release that is not immutable.
    pub fn add_asset(&self, repository: &str, release: u64, name: &str, text: &str) {
        self.at(repository, |state, place| {
            let id = state.fresh_id();
            let releases = state.repositories[place].releases.all.iter_mut();
            for release in releases.filter(|known| known.id == release && !known.immutable) {
                let (name, bytes, created_at) = (name.to_owned(), text.as_bytes().to_vec(), clock::now());
                release.assets.push(Asset { id, name, bytes, state: "uploaded", created_at });
            }
        });
    }

    /// The next uploads to a repository go wrong, one after the other.
    pub fn spoil_uploads(&self, repository: &str, spoiled: &[Spoiled]) {
        self.at(repository, |state, place| state.repositories[place].releases.spoiled.extend(spoiled));
    }
}
