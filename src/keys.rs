//! The key that signs the ledger: given, or made at first start and kept where only its owner can read it.

use std::io::Write as _;
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;

use anyhow::{Context as _, bail};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::rand::SecureRandom as _;
use secrecy::{ExposeSecret as _, SecretString};
use zeroize::Zeroizing;

use crate::config::KeySource;

/// The 32-byte Ed25519 seed (RFC 8032, section 5.1.5).
pub type Seed = Zeroizing<[u8; 32]>;

/// Reads the key, or makes one at first start.
pub fn load_or_make(source: &KeySource) -> anyhow::Result<Seed> {
    match source {
        KeySource::Inline(text) => parse(text).context("SECONDER_LEDGER_KEY"),
        KeySource::File(path) if path.exists() => {
            read(path).with_context(|| format!("SECONDER_LEDGER_KEY_FILE: {}", path.display()))
        }
        KeySource::File(path) => {
            make(path).with_context(|| format!("SECONDER_LEDGER_KEY_FILE: cannot make {}", path.display()))
        }
    }
}

/// Reads the key of a server that has been started before.
pub fn load(source: &KeySource) -> anyhow::Result<Seed> {
    if let KeySource::File(path) = source
        && !path.exists()
    {
        bail!(
            "SECONDER_LEDGER_KEY_FILE: {} is not there; it must be the key the server signs with (SECONDER_DATA_DIR or \
             SECONDER_LEDGER_KEY may say where it is)",
            path.display()
        );
    }
    load_or_make(source)
}

/// Reads the key that will take over. It is never made here: two replicas would make two.
pub fn load_next(source: &KeySource) -> anyhow::Result<Seed> {
    match source {
        KeySource::Inline(text) => parse(text).context("SECONDER_LEDGER_NEXT_KEY"),
        KeySource::File(path) => read(path).with_context(|| {
            format!("SECONDER_LEDGER_NEXT_KEY_FILE: {}; `seconder ledger keys new` makes one", path.display())
        }),
    }
}

/// Makes a new key in a file that must not be there yet.
pub fn make_new(path: &Path) -> anyhow::Result<Seed> {
    match write_new(path)? {
        Some(seed) => Ok(seed),
        None => bail!("{} is there already and is not written over: name another file with --out", path.display()),
    }
}

fn parse(text: &SecretString) -> anyhow::Result<Seed> {
    let bytes = Zeroizing::new(
        STANDARD.decode(text.expose_secret().trim()).ok().context("is not base64: it must be 32 bytes in base64")?,
    );
    let seed: [u8; 32] = bytes.as_slice().try_into().ok().context("must be exactly 32 bytes in base64")?;
    Ok(Zeroizing::new(seed))
}

fn read(path: &Path) -> anyhow::Result<Seed> {
    let mode = std::fs::metadata(path)?.permissions().mode();
    if mode & 0o077 != 0 {
        bail!("others can read it (mode {:o}): chmod 600, and think about a new key", mode & 0o777);
    }
    parse(&SecretString::from(std::fs::read_to_string(path)?))
}

fn make(path: &Path) -> anyhow::Result<Seed> {
    let Some(seed) = write_new(path)? else { return read(path) };
    tracing::info!(file = %path.display(), "made the key that signs the ledger; keep a copy in a safe place");
    Ok(seed)
}

/// Makes a key and writes it to a file for its owner only; `None` if there is such a file already.
fn write_new(path: &Path) -> anyhow::Result<Option<Seed>> {
    let mut seed = Zeroizing::new([0_u8; 32]);
    ring::rand::SystemRandom::new().fill(seed.as_mut()).ok().context("this machine gives no randomness")?;
    let text = Zeroizing::new(STANDARD.encode(seed.as_ref()));
    // Written beside and linked into place: two replicas that start at once end up with one key, and no half-written one.
    let fresh = path.with_extension(format!("new-{}", std::process::id()));
    let mut file = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&fresh)?;
    file.write_all(text.as_bytes())?;
    file.write_all(b"\n")?;
    file.sync_all()?;
    let linked = std::fs::hard_link(&fresh, path);
    std::fs::remove_file(&fresh)?;
    match linked {
        Ok(()) => Ok(Some(seed)),
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Ok(None),
        Err(error) => Err(error.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_is_made_once_and_only_its_owner_can_read_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ledger.key");
        let made = load_or_make(&KeySource::File(path.clone())).unwrap();
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        let read = load_or_make(&KeySource::File(path.clone())).unwrap();
        assert_eq!(made, read);

        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
        assert!(load_or_make(&KeySource::File(path)).unwrap_err().to_string().contains("SECONDER_LEDGER_KEY_FILE"));
    }

    #[test]
    fn a_new_key_is_never_written_over_another() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("next.key");
        let made = make_new(&path).unwrap();
        assert!(make_new(&path).unwrap_err().to_string().contains("is not written over"));
        assert_eq!(load_next(&KeySource::File(path)).unwrap(), made);
        let missing = load_next(&KeySource::File(folder.path().join("nowhere"))).unwrap_err();
        assert!(missing.to_string().contains("seconder ledger keys new"), "{missing}");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "nothing is left lying about");
    }

    #[test]
    fn a_key_of_the_wrong_length_is_refused_without_being_shown() {
        let error = load_or_make(&KeySource::Inline("c2hvcnQ=".to_owned().into())).unwrap_err();
        assert!(!format!("{error:#} {error:?}").contains("c2hvcnQ"), "{error:#}");
    }
}
