//! Installation tokens: minted for one purpose and one repository, kept in memory until shortly before they expire.
//!
//! <https://docs.github.com/rest/apps/apps#create-an-installation-access-token-for-an-app>

use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, PoisonError};

use http::Method;
use lru::LruCache;
use serde::Deserialize;
use serde_json::json;

use super::app_jwt::AppJwt;
use super::client::{Call, Client, Credential, Error, Kind};
use super::clock;
use crate::domain::Millis;

/// How many tokens are remembered. The least used one makes room; it can be minted again.
const REMEMBERED: NonZeroUsize = match NonZeroUsize::new(2_048) {
    Some(number) => number,
    None => NonZeroUsize::MIN,
};
/// GitHub's tokens live this long.
const LIFETIME: Millis = 3_600_000;
/// Not used any more when so little of its life is left.
const MARGIN: Millis = 5 * 60_000;

/// What a token is for; it may do that and nothing else.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Purpose {
    /// Learn the facts.
    Read,
    /// Open, explain and answer: check runs, notes, decisions.
    Speak,
    /// Ask who is in a team.
    People,
    /// Read the organization's rules.
    Rules,
    /// Find out which repository a name means.
    Look,
    /// Publish the ledger as a release.
    Publish,
}

impl Purpose {
    /// The permissions it takes, with their levels.
    #[must_use]
    pub fn permissions(self) -> &'static [(&'static str, &'static str)] {
        match self {
            Self::Read => &[
                ("actions", "read"),
                ("contents", "read"),
                ("deployments", "read"),
                ("metadata", "read"),
                ("pull_requests", "read"),
            ],
            Self::Speak => &[("checks", "write"), ("deployments", "write")],
            Self::People => &[("members", "read"), ("metadata", "read")],
            Self::Rules => &[("contents", "read"), ("metadata", "read")],
            Self::Look => &[("metadata", "read")],
            Self::Publish => &[("contents", "write"), ("metadata", "read")],
        }
    }
}

/// The repository a token reaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Reach {
    /// By its id.
    Repository(u64),
    /// By its name: nothing has told us its id.
    Named(&'static str),
    /// All of the installation's: nothing has told us an id yet.
    Everything,
}

/// Which token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Scope {
    pub installation: u64,
    pub reach: Reach,
    pub purpose: Purpose,
}

#[derive(Clone)]
struct Token {
    credential: Credential,
    fresh_until: Millis,
}

/// The lock is held while minting, so that those who need the same token wait for one mint.
type Slot = Arc<tokio::sync::Mutex<Option<Token>>>;

/// Mints tokens and keeps them.
pub(super) struct Tokens(Mutex<LruCache<Scope, Slot>>);

impl Tokens {
    pub fn new() -> Self {
        Self(Mutex::new(LruCache::new(REMEMBERED)))
    }

    fn slot(&self, scope: Scope) -> Slot {
        let mut slots = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        slots.get_or_insert(scope, Slot::default).clone()
    }

    pub async fn get(&self, client: &Client, app: &AppJwt, scope: Scope, now: Millis) -> Result<Credential, Error> {
        let slot = self.slot(scope);
        let mut token = slot.lock().await;
        if let Some(token) = token.as_ref()
            && now < token.fresh_until
        {
            return Ok(token.credential.clone());
        }
        let minted = mint(client, app, scope, now).await?;
        Ok(token.insert(minted).credential.clone())
    }

    /// Drops a token that may be about what its name meant before.
    pub fn discard(&self, scope: Scope) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).pop(&scope);
    }

    /// Drops a token GitHub did not accept, unless somebody has replaced it already.
    pub async fn forget(&self, scope: Scope, refused: &Credential) {
        let slot = self.slot(scope);
        let mut token = slot.lock().await;
        if token.as_ref().is_some_and(|token| token.credential.is_same(refused)) {
            *token = None;
        }
    }
}

#[derive(Deserialize)]
struct Minted {
    token: String,
    expires_at: Option<String>,
}

async fn mint(client: &Client, app: &AppJwt, scope: Scope, now: Millis) -> Result<Token, Error> {
    let permissions: serde_json::Map<String, serde_json::Value> =
        scope.purpose.permissions().iter().map(|(name, level)| ((*name).to_owned(), json!(level))).collect();
    let wanted = match scope.reach {
        Reach::Repository(id) => json!({ "permissions": permissions, "repository_ids": [id] }),
        Reach::Named(name) => json!({ "permissions": permissions, "repositories": [name] }),
        Reach::Everything => json!({ "permissions": permissions }),
    };
    let path = format!("/app/installations/{}/access_tokens", scope.installation);
    let body = wanted.to_string();
    let call = Call { kind: Kind::Mint, method: Method::POST, path: &path, body: Some(body.as_bytes()) };
    let answer = match client.send(&app.credential(now)?, &call).await {
        Err(Error::Unauthorized { .. }) => {
            app.forget();
            client.send(&app.credential(clock::now())?, &call).await?
        }
        answer => answer?,
    };
    let minted: Minted = answer.json("the minted token")?;
    let expires = minted.expires_at.as_deref().and_then(clock::parse);
    let life = expires.map_or(LIFETIME, |expires| expires.saturating_sub(clock::now()).clamp(0, LIFETIME));
    let credential = Credential::bearer(minted.token)
        .ok_or_else(|| Error::Decode { what: "the minted token", why: "it fits no header".to_owned() })?;
    Ok(Token { credential, fresh_until: now.saturating_add(life - MARGIN) })
}
