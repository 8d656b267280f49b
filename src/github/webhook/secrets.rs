//! Whether bytes are GitHub's.

use hmac::{Hmac, KeyInit, Mac};
use secrecy::{ExposeSecret, SecretString};
use sha2::Sha256;

/// The webhook secrets that are accepted; several while one is being replaced.
pub struct Secrets(Vec<SecretString>);

impl Secrets {
    /// Takes the secrets. Empty ones are dropped: a signature made with an empty key proves nothing.
    #[must_use]
    pub fn new(secrets: impl IntoIterator<Item = SecretString>) -> Self {
        Self(secrets.into_iter().filter(|secret| !secret.expose_secret().is_empty()).collect())
    }

    /// Whether there is none, so that nothing can be accepted.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether `header` (`X-Hub-Signature-256: sha256=<hex>`) signs exactly these bytes with one of the secrets.
    /// Compared in constant time.
    ///
    /// <https://docs.github.com/webhooks/using-webhooks/validating-webhook-deliveries>
    #[must_use]
    pub fn verify(&self, body: &[u8], header: &str) -> bool {
        let mut claimed = [0; 32];
        let is_well_formed =
            header.strip_prefix("sha256=").is_some_and(|digits| hex::decode_to_slice(digits, &mut claimed).is_ok());
        is_well_formed
            && self.0.iter().any(|secret| {
                Hmac::<Sha256>::new_from_slice(secret.expose_secret().as_bytes())
                    .is_ok_and(|mac| mac.chain_update(body).verify_slice(&claimed).is_ok())
            })
    }
}

impl std::fmt::Debug for Secrets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Secrets({})", self.0.len())
    }
}
