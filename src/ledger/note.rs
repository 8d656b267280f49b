//! Keys and signed notes (<https://c2sp.org/signed-note>): a text, a blank line, signatures. Ed25519 only.
use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use ring::digest;
use ring::signature::{ED25519, Ed25519KeyPair, KeyPair as _, UnparsedPublicKey};
use thiserror::Error;
use zeroize::{Zeroize as _, Zeroizing};

/// The signature type byte of Ed25519 notes.
const ED25519_TYPE: u8 = 0x01;
/// Longer is not a note; leaves room for sixteen post-quantum cosignatures.
pub const MAX_NOTE_BYTES: usize = 256 * 1024;
/// More signatures than this are refused. Verifiers must accept 16.
const MAX_SIGNATURES: usize = 64;
/// How Go's x/mod writes a private key; understood by every tool of that family.
const PRIVATE_PREFIX: &str = "PRIVATE+KEY+";
/// The fixed start of an Ed25519 SubjectPublicKeyInfo (RFC 8410 §4).
const SPKI_PREFIX: [u8; 12] = [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];

/// Why a key cannot be used. Never shows the key.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum KeyError {
    /// Key names go into space-separated lines and plus-separated keys.
    #[error("key name {0:?} is not usable: it must be non-empty, without spaces, control characters or +")]
    Name(String),
    /// Not of the form `<name>+<hash>+<base64>`.
    #[error("not a verifier key: expected <name>+<8 hexadecimal digits>+<base64>, as in the file log.vkey")]
    Verifier,
    /// Not of the form `PRIVATE+KEY+<name>+<hash>+<base64>`.
    #[error("not a signing key: expected PRIVATE+KEY+<name>+<8 hexadecimal digits>+<base64>")]
    Signing,
    /// The key is there, but not for Ed25519.
    #[error("the key is not an Ed25519 note key (type 0x01)")]
    Algorithm,
    /// The hash in the middle does not belong to the rest.
    #[error("the key's hash does not match its name and content: it was mistyped or cut off")]
    Hash,
}

/// Whether this can be the name of a key, and so the origin of a log.
#[must_use]
pub fn is_key_name(name: &str) -> bool {
    !name.is_empty() && !name.chars().any(|c| c.is_whitespace() || c.is_control() || c == '+')
}

pub(super) fn key_id(name: &str, kind: u8, public: &[u8; 32]) -> u32 {
    let mut context = digest::Context::new(&digest::SHA256);
    context.update(name.as_bytes());
    context.update(&[b'\n', kind]);
    context.update(public);
    let mut id = [0; 4];
    id.copy_from_slice(&context.finish().as_ref()[..4]);
    u32::from_be_bytes(id)
}

/// Splits `<name>+<hash>+<base64 of type and 32 bytes>` and returns name, hash and the 32 bytes.
pub(super) fn split_key(
    text: &str,
    kind: u8,
    malformed: KeyError,
) -> Result<(&str, u32, Zeroizing<[u8; 32]>), KeyError> {
    let mut parts = text.splitn(3, '+');
    let (Some(name), Some(hash), Some(key)) = (parts.next(), parts.next(), parts.next()) else {
        return Err(malformed);
    };
    let canonical = hash.len() == 8 && hash.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    let (true, Ok(hash), Ok(key)) = (canonical, u32::from_str_radix(hash, 16), BASE64.decode(key).map(Zeroizing::new))
    else {
        return Err(malformed);
    };
    if !is_key_name(name) {
        return Err(KeyError::Name(name.to_owned()));
    }
    match key.split_first() {
        Some((found, bytes)) if *found == kind => {
            let mut array = Zeroizing::new([0; 32]);
            if bytes.len() != array.len() {
                return Err(malformed);
            }
            array.copy_from_slice(bytes);
            Ok((name, hash, array))
        }
        _ => Err(KeyError::Algorithm),
    }
}

/// A public key that checks notes: `<name>+<hash>+<base64>` in its text form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifierKey {
    name: String,
    id: u32,
    public: [u8; 32],
}

impl VerifierKey {
    /// The name; for a log, its origin.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether both are the same key, by whatever name.
    #[must_use]
    pub fn is_same_key(&self, other: &VerifierKey) -> bool {
        self.public == other.public
    }

    /// SHA-256 of the bare public key, in hexadecimal: the same for all logs of one seed, whatever their names.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        hex::encode(digest::digest(&digest::SHA256, &self.public))
    }

    /// The key as an SPKI PEM block, as `openssl pkeyutl -pubin` wants it.
    #[must_use]
    pub fn to_spki_pem(&self) -> String {
        let der = [SPKI_PREFIX.as_slice(), &self.public].concat();
        format!("-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n", BASE64.encode(der))
    }
}

impl fmt::Display for VerifierKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let key = BASE64.encode([&[ED25519_TYPE], self.public.as_slice()].concat());
        write!(f, "{}+{:08x}+{key}", self.name, self.id)
    }
}

impl FromStr for VerifierKey {
    type Err = KeyError;

    fn from_str(text: &str) -> Result<VerifierKey, KeyError> {
        if text.starts_with(PRIVATE_PREFIX) {
            return Err(KeyError::Verifier);
        }
        let (name, id, public) = split_key(text, ED25519_TYPE, KeyError::Verifier)?;
        if id != key_id(name, ED25519_TYPE, &public) {
            return Err(KeyError::Hash);
        }
        Ok(VerifierKey { name: name.to_owned(), id, public: *public })
    }
}

/// The private key of a log.
///
/// Its Debug form shows the name only. The seed is wiped after use; the copy inside `ring` lives as long as this value.
pub struct SigningKey {
    verifier: VerifierKey,
    pair: Ed25519KeyPair,
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SigningKey").field("verifier", &self.verifier).finish_non_exhaustive()
    }
}

impl SigningKey {
    /// The key that grows from this 32-byte seed.
    ///
    /// # Errors
    /// If the name cannot be the name of a key.
    pub fn from_seed(name: &str, seed: &Zeroizing<[u8; 32]>) -> Result<SigningKey, KeyError> {
        if !is_key_name(name) {
            return Err(KeyError::Name(name.to_owned()));
        }
        let pair = Ed25519KeyPair::from_seed_unchecked(seed.as_slice()).map_err(|_| KeyError::Signing)?;
        let mut public = [0; 32];
        public.copy_from_slice(pair.public_key().as_ref());
        let verifier = VerifierKey { name: name.to_owned(), id: key_id(name, ED25519_TYPE, &public), public };
        Ok(SigningKey { verifier, pair })
    }

    /// Reads the text form `PRIVATE+KEY+<name>+<hash>+<base64>`.
    ///
    /// # Errors
    /// If it is not one, or its hash does not belong to the rest.
    pub fn parse(text: &str) -> Result<SigningKey, KeyError> {
        let rest = text.strip_prefix(PRIVATE_PREFIX).ok_or(KeyError::Signing)?;
        let (name, id, seed) = split_key(rest, ED25519_TYPE, KeyError::Signing)?;
        let key = SigningKey::from_seed(name, &seed)?;
        if key.verifier.id != id {
            return Err(KeyError::Hash);
        }
        Ok(key)
    }

    /// Writes a seed in the text form that [`SigningKey::parse`] reads.
    ///
    /// # Errors
    /// If the name cannot be the name of a key.
    pub fn encode(name: &str, seed: &Zeroizing<[u8; 32]>) -> Result<Zeroizing<String>, KeyError> {
        let key = SigningKey::from_seed(name, seed)?;
        let mut bytes = [ED25519_TYPE; 33];
        bytes[1..].copy_from_slice(seed.as_slice());
        let secret = Zeroizing::new(BASE64.encode(bytes));
        bytes.zeroize();
        Ok(Zeroizing::new(format!("{PRIVATE_PREFIX}{name}+{:08x}+{}", key.verifier.id, *secret)))
    }

    /// The public half.
    #[must_use]
    pub fn verifier(&self) -> &VerifierKey {
        &self.verifier
    }

    /// Signs a text, which must end in a newline, and returns the note.
    ///
    /// # Errors
    /// If the text cannot be the text of a note.
    pub fn sign(&self, text: &str) -> Result<String, NoteError> {
        sign_with(text, [self])
    }

    fn signature_line(&self, text: &str) -> String {
        let signature = self.pair.sign(text.as_bytes());
        let blob = BASE64.encode([&self.verifier.id.to_be_bytes(), signature.as_ref()].concat());
        format!("— {} {blob}\n", self.verifier.name)
    }
}

/// Signs a text, which must end in a newline, with each of these keys, and returns the note.
///
/// # Errors
/// If the text cannot be the text of a note.
pub fn sign_with<'k>(text: &str, keys: impl IntoIterator<Item = &'k SigningKey>) -> Result<String, NoteError> {
    check_text(text)?;
    let signatures: String = keys.into_iter().map(|key| key.signature_line(text)).collect();
    Ok(format!("{text}\n{signatures}"))
}

/// Why a note is not to be believed.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum NoteError {
    /// It does not have the form of a note.
    #[error("not a signed note: {0}")]
    Malformed(&'static str),
    /// None of the signatures is by a key that was given.
    #[error("not signed by the trusted key {0}")]
    NoTrustedSignature(String),
    /// A signature by a trusted key does not belong to this text.
    #[error("the signature of {0} does not belong to this text: the text or the signature was changed")]
    BadSignature(String),
}

fn check_text(text: &str) -> Result<(), NoteError> {
    if !text.ends_with('\n') {
        return Err(NoteError::Malformed("the text does not end in a newline"));
    }
    if text.bytes().any(|b| b < 0x20 && b != b'\n') {
        return Err(NoteError::Malformed("it contains a control character"));
    }
    Ok(())
}

/// The text of a note and its signature lines, of which none has been checked.
fn split(note: &str) -> Result<(&str, &str), NoteError> {
    if note.len() > MAX_NOTE_BYTES {
        return Err(NoteError::Malformed("it is too long"));
    }
    check_text(note)?;
    // The text is separated from the signatures by the last empty line.
    let end = note.rfind("\n\n").ok_or(NoteError::Malformed("no empty line before the signatures"))?;
    Ok((&note[..=end], &note[end + 2..]))
}

/// The text of a note, whoever signed it: for those who learn only later which keys count.
///
/// # Errors
/// If it does not have the form of a note.
pub fn unverified(note: &str) -> Result<&str, NoteError> {
    split(note).map(|(text, _)| text)
}

/// Checks a note and returns its text. Signatures of keys that are not in `keys` are ignored, as the specification asks;
/// one signature by each key that is there must be right, and at least one must be there.
///
/// # Errors
/// If the note is malformed, or not signed as it has to be.
pub fn open<'a>(note: &'a str, keys: &[&VerifierKey]) -> Result<&'a str, NoteError> {
    let (text, signatures) = split(note)?;
    if signatures.is_empty() {
        return Err(NoteError::Malformed("no signature after the empty line"));
    }
    let mut trusted: Vec<u32> = Vec::new();
    for (n, line) in signatures.lines().enumerate() {
        if n == MAX_SIGNATURES {
            return Err(NoteError::Malformed("too many signatures"));
        }
        let (name, id, signature) = signature_line(line)?;
        let Some(key) = keys.iter().find(|key| key.name == name && key.id == id) else {
            continue;
        };
        if trusted.contains(&id) {
            return Err(NoteError::Malformed("two signatures by the same key"));
        }
        UnparsedPublicKey::new(&ED25519, key.public)
            .verify(text.as_bytes(), &signature)
            .map_err(|_| NoteError::BadSignature(name.to_owned()))?;
        trusted.push(id);
    }
    if trusted.is_empty() {
        let names: Vec<String> = keys.iter().map(ToString::to_string).collect();
        return Err(NoteError::NoTrustedSignature(names.join(", ")));
    }
    Ok(text)
}

/// Reads `— <name> <base64 of key id and signature>`.
pub(super) fn signature_line(line: &str) -> Result<(&str, u32, Vec<u8>), NoteError> {
    let (name, blob) = line
        .strip_prefix("— ")
        .and_then(|line| line.split_once(' '))
        .ok_or(NoteError::Malformed("a signature line is not of the form — <name> <base64>"))?;
    let blob = BASE64.decode(blob).map_err(|_| NoteError::Malformed("a signature is not base64"))?;
    match blob.split_first_chunk::<4>() {
        Some((id, signature)) if is_key_name(name) && !signature.is_empty() => {
            Ok((name, u32::from_be_bytes(*id), signature.to_vec()))
        }
        _ => Err(NoteError::Malformed("a signature line has no key name or no signature")),
    }
}

#[cfg(test)]
mod tests;
