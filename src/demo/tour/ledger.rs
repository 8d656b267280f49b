//! The ledger from outside: exported and verified by the commands an auditor would run, in processes of their own.

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use anyhow::{Context as _, bail};

use super::Place;
use super::stage::Stage;
use crate::config::SETTINGS;

/// This program, to run as a command.
pub(super) struct Commands {
    /// Its file.
    pub program: PathBuf,
    /// What it was called.
    pub called: String,
}

/// What a verification said.
pub(super) struct Verdict {
    /// Whether the exit code was 0.
    pub verified: bool,
    /// What was printed.
    pub words: String,
}

impl Commands {
    /// Exports the ledger of a server, and puts the key to trust and the names where [`Place`] says: beside it, not in it.
    pub async fn export(&self, stage: &Stage, place: &Place) -> anyhow::Result<()> {
        let (ledger, openings) = (path(&place.ledger)?, path(&place.openings)?);
        let release = place.release.as_deref().map(path).transpose()?;
        let whole = vec!["ledger", "export", &ledger, "--openings", &openings];
        let release = release.iter().map(|release| vec!["ledger", "export", release, "--segment"]);
        for arguments in std::iter::once(whole).chain(release) {
            let output = self.run(&arguments, Some(stage.folder())).await?;
            if !output.status.success() {
                bail!("the ledger was not exported: {}", text(&output.stderr));
            }
        }
        let key = stage.log().await?.vkey;
        let mut file = fs::File::create_new(&place.key)
            .with_context(|| format!("cannot write the key to {}", place.key.display()))?;
        writeln!(file, "{key}")?;
        Ok(())
    }

    /// Verifies an exported ledger with the key and the names.
    pub async fn verify(&self, ledger: &Path, place: &Place) -> anyhow::Result<Verdict> {
        let (key, openings) = (path(&place.key)?, path(&place.openings)?);
        let arguments = ["ledger", "verify", &path(ledger)?, "--vkey", &key, "--openings", &openings];
        let output = self.run(&arguments, None).await?;
        match output.status.code() {
            Some(0) => Ok(Verdict { verified: true, words: text(&output.stdout) }),
            Some(1) => Ok(Verdict { verified: false, words: text(&output.stderr) }),
            _ => bail!("the ledger could not be verified: {}", text(&output.stderr)),
        }
    }

    /// The command that verifies a ledger, to copy.
    pub fn verify_line(&self, place: &Place) -> String {
        let [ledger, key, openings] =
            [&place.ledger, &place.key, &place.openings].map(|path| shell(&path.display().to_string()));
        format!("{} ledger verify {ledger} --vkey {key} --openings {openings}", shell(&self.called))
    }

    async fn run(&self, arguments: &[&str], data_dir: Option<&Path>) -> anyhow::Result<Output> {
        let mut command = Command::new(&self.program);
        // The demo needs no configuration, and is not disturbed by one.
        for setting in SETTINGS {
            command.env_remove(setting.variable);
        }
        command.args(arguments).envs(data_dir.map(|folder| ("SECONDER_DATA_DIR", folder)));
        let output = tokio::task::spawn_blocking(move || command.output()).await?;
        output.with_context(|| format!("cannot run {}", self.program.display()))
    }
}

fn path(path: &Path) -> anyhow::Result<String> {
    path.to_str().map(str::to_owned).with_context(|| format!("{} is not UTF-8", path.display()))
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).trim_end().to_owned()
}

/// A word as a shell reads it back.
pub(super) fn shell(word: &str) -> String {
    let is_plain = |c: char| c.is_alphanumeric() || "/._-+=:@%".contains(c);
    if !word.is_empty() && word.chars().all(is_plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

/// Copies an exported ledger.
pub(super) fn copy(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &target)?;
        } else {
            fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}

/// Changes a file where it says `before`, which is as long as `after` and differs in one byte. Returns the line it was on,
/// from 1.
pub(super) fn forge(file: &Path, before: &str, after: &str) -> anyhow::Result<usize> {
    let mut bytes = fs::read(file)?;
    let differ = before.bytes().zip(after.bytes()).filter(|(one, other)| one != other).count();
    let at = bytes.windows(before.len()).position(|window| window == before.as_bytes());
    let Some(at) = at.filter(|_| before.len() == after.len() && differ == 1) else {
        bail!("{} does not say {before}", file.display());
    };
    bytes[at..at + after.len()].copy_from_slice(after.as_bytes());
    let line = 1 + bytes[..at].iter().filter(|byte| **byte == b'\n').count();
    fs::write(file, bytes)?;
    Ok(line)
}
