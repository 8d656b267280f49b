//! Which file is meant, and its text.

use std::io::Read as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, anyhow};

use crate::cli::Failure;
use crate::domain::policy::PATH;

/// Where an organization keeps the rules for all of its repositories: at the root of `.github`.
const AT_THE_ROOT: &str = "seconder.yml";
/// Nothing larger is read: it is no policy file.
const LARGEST: u64 = 16 * 1024 * 1024;

/// A file and its text.
#[derive(Debug)]
pub struct Source {
    /// What it is called here: a name to click on in a terminal.
    pub shown: String,
    /// What it is called in the repository.
    pub in_repository: String,
    /// What is in it.
    pub text: String,
}

/// Reads the file that is named, or standard input for `-`, or the repository's own.
pub fn read(named: Option<&Path>) -> Result<Source, Failure> {
    let path = match named {
        Some(path) if path == Path::new("-") => {
            let text = text(std::io::stdin().lock(), "standard input").map_err(Failure::Usage)?;
            return Ok(Source { shown: "(standard input)".into(), in_repository: PATH.into(), text });
        }
        Some(path) => path.to_owned(),
        None => find().map_err(Failure::Usage)?,
    };
    let open = std::fs::File::open(&path).with_context(|| format!("{} cannot be read", path.display()));
    let text = open.and_then(|file| text(file, &path.display().to_string())).map_err(Failure::Usage)?;
    Ok(Source { shown: path.display().to_string(), in_repository: in_repository(&path), text })
}

fn text(from: impl std::io::Read, what: &str) -> anyhow::Result<String> {
    let mut bytes = Vec::new();
    from.take(LARGEST).read_to_end(&mut bytes).with_context(|| format!("{what} cannot be read"))?;
    String::from_utf8(bytes).map_err(|_| anyhow!("{what} is not text (UTF-8)"))
}

/// The repository's file, looked for at the root of the work tree we stand in; without a repository, here.
fn find() -> anyhow::Result<PathBuf> {
    let here = std::env::current_dir().context("the current folder cannot be read")?;
    let root = root_of(&here);
    let up = root.map_or(0, |root| here.components().count() - root.components().count());
    // Shown as it is reached from here.
    let root: PathBuf = std::iter::repeat_n("..", up).collect();
    let places = [root.join(PATH), root.join(AT_THE_ROOT)];
    let found = places.iter().find(|path| path.is_file());
    found.cloned().ok_or_else(|| {
        let other = places.iter().map(|path| path.with_extension("yaml")).find(|path| path.is_file());
        let advice = other.map_or_else(
            || "Name one, or write - for standard input".to_owned(),
            |path| format!("{} is never read: rename it to end in .yml", path.display()),
        );
        anyhow!("there is no policy file: neither {} nor {}. {advice}", places[0].display(), places[1].display())
    })
}

/// The folder with `.git` in it, here or above.
fn root_of(folder: &Path) -> Option<&Path> {
    folder.ancestors().find(|folder| folder.join(".git").exists())
}

/// The path from the root of its repository, with `/`, as GitHub and SARIF know it.
fn in_repository(path: &Path) -> String {
    let inside = path.canonicalize().ok().and_then(|whole| {
        let root = root_of(whole.parent()?)?;
        whole.strip_prefix(root).ok().map(Path::to_owned)
    });
    let Some(inside) = inside else { return path.display().to_string() };
    inside.components().map(|part| part.as_os_str().to_string_lossy()).collect::<Vec<_>>().join("/")
}
