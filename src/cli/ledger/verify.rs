//! `seconder ledger verify`: check an exported ledger offline.
use std::fs::{self, File};
use std::io::{self, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::thread;

use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::{Value, json};
use tempfile::TempDir;
use thiserror::Error;

use super::again::{Again, judge_again};
use super::explain::{entries_of, explain};
use super::served::{self, FetchError};
use crate::artifact::Directory;
use crate::ledger::VerifierKey;
use crate::ledger::layout;
use crate::ledger::verify::refusal::Refusal;
use crate::ledger::verify::report::Report;
use crate::ledger::verify::{Task, Trust, verify};

/// The entries are read in pieces of this many bytes.
const READ_BUFFER: usize = 1 << 18;

/// Check an exported ledger: signature, tree, chain, tiles, receipts and rules.
#[derive(Clone, Debug, Args)]
pub struct VerifyArgs {
    /// The folder that `seconder ledger export` wrote, or the address of a ledger that a server serves: https:// and its
    /// origin
    #[arg(value_name = "DIR_OR_URL")]
    pub dir: PathBuf,

    /// A file with the token that a server wants to see
    #[arg(long, value_name = "FILE")]
    pub token_file: Option<PathBuf>,

    /// The verifier key you trust, or a file that holds it, from anywhere but DIR
    #[arg(long, value_name = "FILE_OR_KEY", required_unless_present = "trust_artifact_key")]
    pub vkey: Option<String>,

    /// A checkpoint of the same log kept from earlier, which DIR has to continue
    #[arg(long, value_name = "CHECKPOINT")]
    pub old: Option<PathBuf>,

    /// Take the key from DIR; proves only that DIR agrees with itself
    #[arg(long)]
    pub trust_artifact_key: bool,

    /// Tell what became of this request and why, and judge it again from the facts that were recorded
    #[arg(long, value_name = "REQUEST")]
    pub explain: Option<String>,

    /// Print the report as JSON
    #[arg(long)]
    pub json: bool,
}

/// Why the command does not succeed.
#[derive(Debug, Error)]
pub enum Failure {
    /// The ledger is not to be believed.
    #[error("{0}")]
    Refused(Refusal),
    /// What a server serves does not fit together.
    #[error("{0}")]
    Forged(String),
    /// It could not be looked at.
    #[error("{0}")]
    Unusable(String),
}

/// Runs the command: 0 if the ledger verifies, 1 if it does not or a request judged again comes out otherwise, 2 if that
/// cannot be said.
pub fn run(args: &VerifyArgs) -> ExitCode {
    match at_hand(args) {
        Ok((args, _folder)) => run_at_hand(&args),
        Err(failure) => refuse(&failure),
    }
}

/// What is to be checked as a folder: what a server serves is fetched into one, which goes when it is dropped.
fn at_hand(args: &VerifyArgs) -> Result<(VerifyArgs, Option<TempDir>), Failure> {
    let Some(url) = args.dir.to_str().filter(|target| served::is_url(target)) else { return Ok((args.clone(), None)) };
    let token = args.token_file.as_deref().map(read_text).transpose()?.map(|token| token.trim().to_owned().into());
    let unusable = |error: io::Error| Failure::Unusable(format!("cannot keep what is served: {error}"));
    let folder = tempfile::tempdir().map_err(unusable)?;
    let dir = folder.path().join("ledger");
    let bar = ProgressBar::no_length().with_style(style());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(unusable)?;
    let fetched = runtime.block_on(served::fetch(url, token, &dir, &mut |read, size| {
        bar.set_length(size);
        bar.set_position(read);
    }));
    bar.finish_and_clear();
    match fetched {
        Ok(()) => Ok((VerifyArgs { dir, ..args.clone() }, Some(folder))),
        Err(FetchError::Forged(why)) => Err(Failure::Forged(why)),
        Err(FetchError::Unusable(why)) => Err(Failure::Unusable(why)),
    }
}

fn refuse(failure: &Failure) -> ExitCode {
    let code = if matches!(failure, Failure::Unusable(_)) { 2 } else { 1 };
    let verdict = if code == 1 { "NOT VERIFIED" } else { "cannot verify" };
    // A closed pipe changes nothing about the verdict, which is the exit code.
    drop(writeln!(io::stderr(), "{verdict}: {failure}"));
    ExitCode::from(code)
}

fn run_at_hand(args: &VerifyArgs) -> ExitCode {
    let explained = match &args.explain {
        None => check(args).map(|report| (report, None)),
        Some(request) => check(args).and_then(|report| Ok((report, Some(Explained::of(args, request)?)))),
    };
    let (code, printed) = match explained {
        Ok((report, explained)) => {
            let code = explained.as_ref().map_or(0, Explained::code);
            (code, print(args, &report, explained.as_ref()))
        }
        Err(failure) => return refuse(&failure),
    };
    // A closed pipe changes nothing about the verdict, which is the exit code.
    drop(printed);
    ExitCode::from(code)
}

fn print(args: &VerifyArgs, report: &Report, explained: Option<&Explained>) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    if args.json {
        let mut report = serde_json::to_value(report)?;
        if let Some(explained) = explained {
            report["explained"] = explained.to_json();
        }
        return writeln!(stdout, "{report:#}");
    }
    let explained = explained.map(|explained| format!("\n{}", explained.in_words()));
    write!(stdout, "{}{}", in_words(report, args.trust_artifact_key), explained.unwrap_or_default())
}

/// A request: its entries, and what came of judging it again.
struct Explained {
    entries: Vec<Value>,
    again: Result<Again, String>,
}

impl Explained {
    fn of(args: &VerifyArgs, request: &str) -> Result<Self, Failure> {
        let entries = entries_of(&args.dir, request).map_err(|error| cannot_read(&args.dir, &error))?;
        if entries.is_empty() {
            return Err(Failure::Unusable(format!(
                "the ledger says nothing of a request {request}; its id is on the check run, and in the name of its receipt"
            )));
        }
        Ok(Self { again: judge_again(&entries), entries })
    }

    fn code(&self) -> u8 {
        match &self.again {
            Ok(again) => u8::from(!again.differences.is_empty()),
            Err(_) => 2,
        }
    }

    fn in_words(&self) -> String {
        let verdict = match &self.again {
            Ok(again) => again.in_words(),
            Err(why) => format!("cannot be judged again: {why}\n"),
        };
        format!("{}\n{verdict}", explain(&self.entries))
    }

    fn to_json(&self) -> Value {
        let (again, cannot) = (self.again.as_ref().ok(), self.again.as_ref().err());
        json!({ "entries": self.entries, "judged_again": again, "cannot_be_judged_again": cannot })
    }
}

/// Checks the ledger, with a progress bar if somebody is watching.
///
/// # Errors
/// If it does not verify, or cannot be read.
pub fn check(args: &VerifyArgs) -> Result<Report, Failure> {
    let key = trusted_key(args)?;
    let old = args.old.as_deref().map(read_text).transpose()?;
    let directory = Directory::open(&args.dir);
    let path = directory.path(layout::ENTRIES);
    let entries = File::open(&path).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound if args.dir.is_dir() => Failure::Refused(Refusal::Missing(layout::ENTRIES.to_owned())),
        _ => cannot_read(&path, &error),
    })?;
    let bar = ProgressBar::no_length().with_style(style());
    let result = verify(
        &directory,
        BufReader::with_capacity(READ_BUFFER, entries),
        Trust { key: &key, old: old.as_deref() },
        &at_once,
        &mut |read, size| {
            bar.set_length(size);
            bar.set_position(read);
        },
    );
    bar.finish_and_clear();
    result.map_err(|refusal| match refusal {
        refusal if refusal.is_about_the_ledger() => Failure::Refused(refusal),
        refusal => Failure::Unusable(refusal.to_string()),
    })
}

/// Does all of the work, each task in a thread of its own.
pub fn at_once(tasks: Vec<Task<'_>>, here: &mut dyn FnMut()) {
    thread::scope(|scope| {
        for task in tasks {
            scope.spawn(task);
        }
        here();
    });
}

fn trusted_key(args: &VerifyArgs) -> Result<VerifierKey, Failure> {
    let inside = args.dir.join(layout::VKEY);
    let text = match args.vkey.as_deref() {
        None => read_text(&inside)?,
        Some(given) if Path::new(given).exists() => {
            if !args.trust_artifact_key && lies_inside(Path::new(given), &args.dir) {
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
fn lies_inside(file: &Path, folder: &Path) -> bool {
    let (Ok(file), Ok(folder)) = (file.canonicalize(), folder.canonicalize()) else {
        return true;
    };
    file.starts_with(&folder) || is_same_file(&file, &folder.join(layout::VKEY))
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

fn read_text(path: &Path) -> Result<String, Failure> {
    fs::read_to_string(path).map_err(|error| cannot_read(path, &error))
}

fn cannot_read(path: &Path, error: &io::Error) -> Failure {
    Failure::Unusable(format!("cannot read {}: {error}", path.display()))
}

fn style() -> ProgressStyle {
    ProgressStyle::with_template("{bar:40} {human_pos} of {human_len} entries, {per_sec}, {eta} left")
        .unwrap_or_else(|_| ProgressStyle::default_bar())
}

fn in_words(report: &Report, key_from_artifact: bool) -> String {
    let outcomes: Vec<String> =
        report.outcomes.iter().map(|(outcome, n)| format!("{n} {}", outcome.replace('_', " "))).collect();
    let mut words = format!(
        "verified: {}\n  {} entries, root {}\n  {} requests: {} decided, each with a receipt{}; {} pending\n",
        report.origin,
        report.size,
        report.root,
        report.requests(),
        report.decisions(),
        if outcomes.is_empty() { String::new() } else { format!(" ({})", outcomes.join(", ")) },
        report.pending,
    );
    if let Some(size) = report.continues {
        words.push_str(&format!("  continues the older checkpoint of {size} entries\n"));
    }
    if let Some(key) = &report.newer_key {
        words.push_str(&format!(
            "  the log has another key than the one you gave, which vouches for it; from now on trust\n  {key}\n"
        ));
    }
    if key_from_artifact {
        words.push_str(
            "  with the key found in the folder: it agrees with itself, which proves nothing about who wrote it\n",
        );
    }
    words
}
