//! The App proves who it is: a short-lived JWT signed with the App's private key.
//!
//! <https://docs.github.com/apps/creating-github-apps/authenticating-with-a-github-app/generating-a-json-web-token-jwt-for-a-github-app>

use std::sync::{Mutex, PoisonError};

use jsonwebtoken::crypto::{CryptoProvider, JwtSigner, KeyUtils};
use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::signature::{self, Signer};
use jsonwebtoken::{Algorithm, AlgorithmFamily, EncodingKey, Header};
use ring::rand::SystemRandom;
use ring::signature::{RSA_PKCS1_SHA256, RsaKeyPair};
use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;

use super::client::Credential;
use crate::domain::Millis;

/// Backdated, so that a GitHub clock behind ours still accepts it.
const ISSUED_BEFORE: Millis = 60_000;
/// GitHub's limit is ten minutes.
const EXPIRES_AFTER: Millis = 9 * 60_000;
/// No longer used when so little is left.
const MARGIN: Millis = 60_000;

/// The private key is none that GitHub gives out. The text says what to do and holds nothing of the key.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// No PEM block that holds an RSA private key.
    #[error(
        "the GitHub App private key is not an RSA private key in PEM form; download one from the App's settings page \
         (\"Generate a private key\") and give the whole file, from -----BEGIN to -----END"
    )]
    NotRsaPem,
    /// The signature library refuses the key.
    #[error("the GitHub App private key cannot be used ({0}); generate a new one on the App's settings page")]
    Refused(String),
}

/// Signs as the App, and keeps the last JWT while it is good.
pub struct AppJwt {
    app_id: u64,
    key: EncodingKey,
    last: Mutex<Option<(Credential, Millis)>>,
}

#[derive(Serialize)]
struct Claims {
    iat: i64,
    exp: i64,
    iss: String,
}

impl AppJwt {
    /// Takes the App's id and its private key, as PKCS#1 (what GitHub gives out) or PKCS#8.
    ///
    /// # Errors
    /// [`KeyError`] when nothing can be signed with it.
    pub fn new(app_id: u64, private_key_pem: &SecretString) -> Result<Self, KeyError> {
        let _ = RING.install_default(); // Err: it is installed already.
        let key =
            EncodingKey::from_rsa_pem(private_key_pem.expose_secret().as_bytes()).map_err(|_| KeyError::NotRsaPem)?;
        RsaKeyPair::from_der(key.as_bytes()).map_err(|refused| KeyError::Refused(refused.to_string()))?;
        Ok(Self { app_id, key, last: Mutex::new(None) })
    }

    /// The App's id.
    #[must_use]
    pub fn app_id(&self) -> u64 {
        self.app_id
    }

    /// A JWT good for at least a minute.
    ///
    /// # Errors
    /// [`KeyError::Refused`] when the library will not sign.
    pub fn credential(&self, now: Millis) -> Result<Credential, KeyError> {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((credential, fresh_until)) = &*last
            && (now..=now + EXPIRES_AFTER).contains(fresh_until)
        {
            return Ok(credential.clone());
        }
        let claims = Claims {
            iat: (now - ISSUED_BEFORE).div_euclid(1_000),
            exp: (now + EXPIRES_AFTER).div_euclid(1_000),
            iss: self.app_id.to_string(),
        };
        let jwt = jsonwebtoken::encode(&Header::new(Algorithm::RS256), &claims, &self.key)
            .map_err(|error| KeyError::Refused(error.to_string()))?;
        let credential = Credential::bearer(jwt).ok_or_else(|| KeyError::Refused("odd characters".to_owned()))?;
        *last = Some((credential.clone(), now + EXPIRES_AFTER - MARGIN));
        Ok(credential)
    }

    /// Drops the JWT that is kept: GitHub did not accept it.
    pub fn forget(&self) {
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}

impl std::fmt::Debug for AppJwt {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "AppJwt(app {})", self.app_id)
    }
}

/// `jsonwebtoken` on `ring`, which TLS brings along anyway. It can sign RS256: an App needs nothing else.
static RING: CryptoProvider = CryptoProvider {
    signer_factory: |algorithm, key| match (algorithm, key.family()) {
        (Algorithm::RS256, AlgorithmFamily::Rsa) => Ok(Box::new(Rs256(key.clone()))),
        _ => Err(ErrorKind::InvalidAlgorithm.into()),
    },
    verifier_factory: |_, _| Err(ErrorKind::InvalidAlgorithm.into()),
    key_utils: KeyUtils::new_unimplemented(),
};

struct Rs256(EncodingKey);

impl Signer<Vec<u8>> for Rs256 {
    fn try_sign(&self, message: &[u8]) -> Result<Vec<u8>, signature::Error> {
        let key = RsaKeyPair::from_der(self.0.as_bytes()).map_err(|_| signature::Error::new())?;
        let mut signed = vec![0; key.public().modulus_len()];
        key.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), message, &mut signed).map_err(|_| signature::Error::new())?;
        Ok(signed)
    }
}

impl JwtSigner for Rs256 {
    fn algorithm(&self) -> Algorithm {
        Algorithm::RS256
    }
}

#[cfg(test)]
mod tests;
