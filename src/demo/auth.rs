//! Who calls, and what they may do: App JSON Web Tokens and installation tokens.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use ring::rand::SecureRandom;
use ring::signature::{self, KeyPair};
use serde::Serialize;
use serde_json::Value;

use super::routes::Reply;
use super::state::{Repository, State};
use super::{clock, render};

/// The App's private key. It opens nothing; the file says so as well.
pub(super) const PRIVATE_KEY_FILE: &str = include_str!("app-private-key.pem");

/// How much of a permission.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// Look.
    Read,
    /// Look and change.
    Write,
}

impl Level {
    fn parse(text: &str) -> Option<Self> {
        match text {
            "read" => Some(Self::Read),
            "write" => Some(Self::Write),
            _ => None,
        }
    }
}

/// What an installation token may do.
#[derive(Debug)]
pub(super) struct Grant {
    pub account: String,
    /// Ids of the repositories it is narrowed to; all of the account's when absent.
    pub repositories: Option<BTreeSet<u64>>,
    pub permissions: BTreeMap<String, Level>,
    /// The permissions in one line, for the log of calls.
    pub label: Arc<str>,
    pub expires: u64,
}

/// Who stands behind a request.
#[derive(Clone)]
pub(super) enum Caller {
    /// Nobody: no `Authorization` header.
    Nobody,
    /// The App, by its JSON Web Token.
    App,
    /// The App on one account, by an installation token.
    Installation(Arc<Grant>),
}

/// The public half of the App's key, as `ring` wants it.
pub(super) fn public_key() -> Option<Vec<u8>> {
    let body: String = private_key_pem().lines().filter(|line| !line.starts_with("-----")).collect();
    let pair = signature::RsaKeyPair::from_der(&STANDARD.decode(body).ok()?).ok()?;
    Some(pair.public_key().as_ref().to_vec())
}

/// The PEM block alone, without the words above it.
pub(super) fn private_key_pem() -> &'static str {
    PRIVATE_KEY_FILE.find("-----BEGIN").map_or(PRIVATE_KEY_FILE, |start| &PRIVATE_KEY_FILE[start..])
}

/// Finds out who calls.
pub(super) fn caller(state: &mut State, public_key: &[u8], authorization: Option<&str>) -> Result<Caller, Reply> {
    let Some(header) = authorization else {
        return Ok(Caller::Nobody);
    };
    let token =
        header.split_once(' ').filter(|(scheme, _)| ["bearer", "token"].contains(&scheme.to_lowercase().as_str()));
    let token = token.map_or("", |(_, token)| token.trim());
    if let Some(grant) = state.tokens.get(token) {
        if grant.expires > clock::seconds() {
            return Ok(Caller::Installation(grant.clone()));
        }
        state.tokens.remove(token);
    }
    if token.is_empty() || token.starts_with("gh") {
        return Err(Reply::error(401, "Bad credentials"));
    }
    verify_app_token(token, public_key, state.options.app_id).map(|()| Caller::App)
}

fn verify_app_token(token: &str, public_key: &[u8], app_id: u64) -> Result<(), Reply> {
    let undecodable = || Reply::error(401, "A JSON web token could not be decoded");
    let part = |text: &str| URL_SAFE_NO_PAD.decode(text).map_err(|_| undecodable());
    let json = |bytes: Vec<u8>| serde_json::from_slice::<Value>(&bytes).map_err(|_| undecodable());
    let (signed, mark) = token.rsplit_once('.').ok_or_else(undecodable)?;
    let (header, claims) = signed.split_once('.').ok_or_else(undecodable)?;
    if json(part(header)?)?["alg"] != "RS256" {
        return Err(undecodable());
    }
    let key = signature::UnparsedPublicKey::new(&signature::RSA_PKCS1_2048_8192_SHA256, public_key);
    key.verify(signed.as_bytes(), &part(mark)?).map_err(|_| undecodable())?;
    let claims = json(part(claims)?)?;
    let issuer = &claims["iss"];
    let names_us = |text: &str| text == app_id.to_string() || text == render::client_id(app_id);
    if issuer.as_u64() != Some(app_id) && !issuer.as_str().is_some_and(names_us) {
        return Err(Reply::error(401, "'Issuer' claim ('iss') must be an Integer"));
    }
    let (issued, expires) = (claims["iat"].as_u64(), claims["exp"].as_u64());
    let now = clock::seconds();
    match (issued, expires) {
        (Some(issued), _) if issued > now + 5 => Err(Reply::error(
            401,
            "'Issued at' claim ('iat') must be an Integer representing the time that the assertion was issued",
        )),
        (Some(_), Some(expires)) if expires > now + 600 => {
            Err(Reply::error(401, "'Expiration time' claim ('exp') is too far in the future"))
        }
        (Some(_), Some(expires)) if expires > now => Ok(()),
        (Some(_), Some(_)) => Err(Reply::error(
            401,
            "'Expiration time' claim ('exp') must be a numeric value representing the future time at which the assertion expires",
        )),
        _ => Err(undecodable()),
    }
}

/// Gives out an installation token, narrowed as the body asks. Returns the token and what it may do.
pub(super) fn mint(state: &mut State, installation: u64, body: &Value) -> Result<(String, Arc<Grant>), Reply> {
    let found = state.installations.iter().find(|known| known.id == installation);
    let account = found.map(|known| known.account.clone()).ok_or_else(Reply::not_found)?;
    let permissions = narrow_permissions(state, &body["permissions"])?;
    let repositories = narrow_repositories(state, &account, body)?;
    let label = permissions.iter().map(|(name, level)| format!("{name}:{level:?}").to_lowercase()).collect::<Vec<_>>();
    let mut random = [0_u8; 384];
    if ring::rand::SystemRandom::new().fill(&mut random).is_err() {
        return Err(Reply::error(500, "no randomness"));
    }
    // As long as the tokens GitHub gives out since 2026, to find every column and pattern that is too small for them.
    let token = format!("ghs_{}_{}", state.options.app_id, URL_SAFE_NO_PAD.encode(random).replace('-', "."));
    let expires = clock::seconds() + 3_600;
    let grant = Arc::new(Grant { account, repositories, permissions, label: label.join(",").into(), expires });
    state.tokens.insert(token.clone(), grant.clone());
    Ok((token, grant))
}

fn narrow_permissions(state: &State, asked: &Value) -> Result<BTreeMap<String, Level>, Reply> {
    let granted = state.granted();
    let Some(asked) = asked.as_object() else {
        return Ok(granted.clone());
    };
    let mut permissions = BTreeMap::from([("metadata".to_owned(), Level::Read)]);
    for (name, level) in asked {
        let level = level.as_str().and_then(Level::parse);
        match (level, granted.get(name)) {
            (Some(level), Some(&limit)) if level <= limit => permissions.insert(name.clone(), level),
            _ => {
                return Err(Reply::error(422, "The permissions requested are not granted to this installation."));
            }
        };
    }
    Ok(permissions)
}

fn narrow_repositories(state: &State, account: &str, body: &Value) -> Result<Option<BTreeSet<u64>>, Reply> {
    let is_own = |repository: &&Repository| repository.owner.eq_ignore_ascii_case(account) && !repository.is_hidden;
    let own = || state.repositories.iter().filter(is_own);
    let refused = || {
        Reply::error(
            422,
            "There is at least one repository that does not exist or is not accessible to the parent installation.",
        )
    };
    let mut ids = BTreeSet::new();
    for id in body["repository_ids"].as_array().into_iter().flatten() {
        let found = own().find(|repository| *id == repository.id);
        ids.insert(found.ok_or_else(refused)?.id);
    }
    for name in body["repositories"].as_array().into_iter().flatten() {
        let name = name.as_str().unwrap_or_default();
        let found = own().find(|repository| repository.full_name.rsplit('/').next() == Some(name));
        ids.insert(found.ok_or_else(refused)?.id);
    }
    let narrowed = body.get("repository_ids").is_some() || body.get("repositories").is_some();
    Ok(narrowed.then_some(ids))
}
