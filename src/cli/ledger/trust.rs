//! What `seconder ledger verify` is told to trust, and that it does not come from what it should prove.
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::args::VerifyArgs;
use super::failure::{Failure, cannot_read};
use super::openings::lies_in;
use super::reading::read_text;
use crate::artifact::Target;
use crate::ledger::VerifierKey;
use crate::ledger::layout;
use crate::ledger::quorum::Policy;

pub(super) fn witness_policy(args: &VerifyArgs, path: &Path) -> Result<Policy, Failure> {
    let mut lies_in_one = false;
    for target in &args.targets {
        lies_in_one |= lies_inside("--witness-policy", path, target)?;
    }
    if !args.trust_artifact_key && lies_in_one {
        return Err(Failure::Unusable(format!(
            "the witness policy {} lies inside the ledger it should judge: whoever changes the one can change the other",
            path.display()
        )));
    }
    read_text(path)?.parse().map_err(|error| Failure::Unusable(format!("{}: {error}", path.display())))
}

pub(super) fn trusted_key(args: &VerifyArgs, path: &Path, target: &Target) -> Result<VerifierKey, Failure> {
    let text = match args.vkey.as_deref() {
        None => target.text(layout::VKEY).map_err(|error| cannot_read(&path.join(layout::VKEY), &error))?,
        Some(given) if Path::new(given).exists() => {
            if !args.trust_artifact_key && lies_inside("--vkey", Path::new(given), path)? {
                return Err(Failure::Unusable(format!(
                    "the key {given} lies inside the ledger it should prove: whoever changes the one can change the other. \
                     Get the key from the people who run the log, or pass --trust-artifact-key if you only want to know \
                     whether the folder agrees with itself"
                )));
            }
            read_text(Path::new(given))?
        }
        Some(given) if given.contains('+') => given.to_owned(),
        Some(given) => {
            return Err(Failure::Unusable(format!("--vkey {given}: no such file, and not a key either")));
        }
    };
    text.trim().parse().map_err(|error| Failure::Unusable(format!("--vkey: {error}")))
}

/// Whether a file is in the folder by any name: directly, through a symbolic link, or as a hard link to its key.
fn lies_inside(option: &str, file: &Path, folder: &Path) -> Result<bool, Failure> {
    let file = file.canonicalize().map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => Failure::Unusable(format!("{option} {}: no such file", file.display())),
        _ => cannot_read(file, &error),
    })?;
    let folder = folder.canonicalize().map_err(|error| cannot_read(folder, &error))?;
    Ok(file.starts_with(&folder) || is_same_file(&file, &folder.join(layout::VKEY)))
}

/// What is remembered must not lie in what it is to be compared with: that is changed, or replaced as a whole, by others.
pub(super) fn is_outside(state: &Path, targets: &[PathBuf]) -> Result<(), Failure> {
    for target in targets {
        if lies_in(state, target).map_err(|error| Failure::Unusable(error.to_string()))? {
            return Err(Failure::Unusable(format!(
                "--state {} lies inside {}: whoever replaces the ledger replaces what was seen of it; keep it elsewhere",
                state.display(),
                target.display()
            )));
        }
    }
    Ok(())
}

#[cfg(unix)]
fn is_same_file(one: &Path, other: &Path) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    let id = |path: &Path| fs::metadata(path).map(|metadata| (metadata.dev(), metadata.ino())).ok();
    id(one).is_some_and(|one| Some(one) == id(other))
}

#[cfg(not(unix))]
fn is_same_file(_one: &Path, _other: &Path) -> bool {
    false
}
