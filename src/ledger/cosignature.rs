//! What a witness adds to a checkpoint (<https://c2sp.org/tlog-cosignature>), and how it is asked
//! (<https://c2sp.org/tlog-witness>). Ed25519 only.
use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use ring::signature::{ED25519, UnparsedPublicKey};

use super::merkle::Hash;
use super::note::{self, KeyError};

/// The signature type byte of Ed25519 cosignatures.
const COSIGNATURE_TYPE: u8 = 0x04;
/// More lines of a witness are not looked at.
const MAX_LINES: usize = 64;

/// The public key of a witness: `<name>+<hash>+<base64>` in its text form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CosignerKey {
    name: String,
    id: u32,
    public: [u8; 32],
}

/// What a witness said of a checkpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cosignature {
    /// The signature line, with its newline: as it stands below the checkpoint.
    pub line: String,
    /// When it said so, in seconds since 1970 UTC.
    pub time: u64,
}

impl fmt::Display for CosignerKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let key = BASE64.encode([&[COSIGNATURE_TYPE], self.public.as_slice()].concat());
        write!(f, "{}+{:08x}+{key}", self.name, self.id)
    }
}

impl FromStr for CosignerKey {
    type Err = KeyError;

    fn from_str(text: &str) -> Result<CosignerKey, KeyError> {
        let (name, id, public) = note::split_key(text, COSIGNATURE_TYPE, KeyError::Verifier)?;
        if id != note::key_id(name, COSIGNATURE_TYPE, &public) {
            return Err(KeyError::Hash);
        }
        Ok(CosignerKey { name: name.to_owned(), id, public: *public })
    }
}

impl CosignerKey {
    /// Whether both are the same key, by whatever name.
    #[must_use]
    pub fn is_same_key(&self, other: &CosignerKey) -> bool {
        self.public == other.public
    }

    /// Looks for this witness's cosignature of a checkpoint's `text` among signature lines. Lines of others, lines that
    /// cannot be read and signatures that do not belong to the text count for nothing.
    #[must_use]
    pub fn find(&self, text: &str, lines: &str) -> Option<Cosignature> {
        lines.lines().take(MAX_LINES).find_map(|line| {
            let (name, id, signature) = note::signature_line(line).ok()?;
            if (name, id) != (self.name.as_str(), self.id) {
                return None;
            }
            let (time, signature) = signature.split_first_chunk::<8>()?;
            let time = u64::from_be_bytes(*time);
            let signed = format!("cosignature/v1\ntime {time}\n{text}");
            UnparsedPublicKey::new(&ED25519, self.public).verify(signed.as_bytes(), signature).ok()?;
            (time <= i64::MAX.cast_unsigned()).then(|| Cosignature { line: format!("{line}\n"), time })
        })
    }
}

/// A note's text and its signature lines; `None` if it has no empty line.
#[must_use]
pub fn split(note: &str) -> Option<(&str, &str)> {
    let end = note.rfind("\n\n")?;
    Some((&note[..=end], &note[end + 2..]))
}

/// What a witness is sent: the size it knows, the proof that the checkpoint continues it, and the checkpoint.
#[must_use]
pub fn request(old: u64, proof: &[Hash], note: &str) -> String {
    let proof: String = proof.iter().map(|hash| hash.to_base64() + "\n").collect();
    format!("old {old}\n{proof}\n{note}")
}

#[cfg(test)]
mod tests {
    use super::*;

    // The checkpoint and keys of the specification's own example are elided there; this one was cosigned by aics-witness 0.1.0.
    const KEY: &str = include_str!("testdata/witness.vkey");
    const NOTE: &str = include_str!("testdata/cosigned");

    #[test]
    fn a_cosignature_made_by_another_program_is_found_and_nothing_else_is() {
        let key: CosignerKey = KEY.trim().parse().unwrap();
        assert_eq!(key.to_string(), KEY.trim());
        let (text, lines) = split(NOTE).unwrap();
        let found = key.find(text, lines).unwrap();
        assert!(lines.contains(&found.line) && found.time > 1_700_000_000);
        assert_eq!(key.find(&text.replace('\n', "\n\n"), lines), None, "another text");
        assert_eq!(key.find(text, &lines.replace("witness.test", "witness.tesT")), None, "another name");
        let own_line = lines.lines().next().unwrap();
        assert_eq!(key.find(text, own_line), None, "the log's own signature");
    }

    #[test]
    fn a_log_key_is_not_a_witness_key() {
        let log = crate::ledger::SigningKey::from_seed("log.test/1", &zeroize::Zeroizing::new([1; 32])).unwrap();
        assert_eq!(log.verifier().to_string().parse::<CosignerKey>(), Err(KeyError::Algorithm));
    }
}
