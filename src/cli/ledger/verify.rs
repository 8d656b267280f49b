//! `seconder ledger verify`: check a ledger offline: a folder or an archive, whole or segments of it.
use std::io::{self, BufRead as _, Write as _};
use std::path::Path;
use std::process::ExitCode;
use std::thread;

use indicatif::ProgressBar;
use tempfile::TempDir;

pub use super::args::VerifyArgs;
use super::explained::Explained;
pub use super::failure::Failure;
use super::failure::{cannot_read, cannot_read_entries, refused};
use super::openings;
use super::reading::{entries, open, read_text, style};
use super::seen::{Newest, Seen};
use super::served::{self, FetchError};
use super::told::{failed, in_words, unvouched};
use super::trust::{is_outside, trusted_key, witness_policy};
use crate::domain::text::visible;
use crate::ledger::layout;
use crate::ledger::quorum::Policy;
use crate::ledger::verify::clear;
use crate::ledger::verify::opened::Opened;
use crate::ledger::verify::past::Past;
use crate::ledger::verify::refusal::Refusal;
use crate::ledger::verify::report::Report;
use crate::ledger::verify::{Task, Trust};

/// Runs the command: 0 if the ledger verifies, 1 if it does not or a request judged again comes out otherwise, 2 if that
/// cannot be said.
pub fn run(args: &VerifyArgs) -> ExitCode {
    match at_hand(args) {
        Ok((args, _folders)) => run_at_hand(&args),
        Err(failure) => refuse(args, &failure),
    }
}

/// Everything that is to be checked on disk: what a server serves is fetched into a folder, which goes when it is dropped.
fn at_hand(args: &VerifyArgs) -> Result<(VerifyArgs, Vec<TempDir>), Failure> {
    let (mut args, mut folders) = (args.clone(), Vec::new());
    let token = args.token_file.as_deref().map(read_text).transpose()?;
    for target in &mut args.targets {
        let Some(url) = target.to_str().filter(|target| served::is_url(target)).map(str::to_owned) else { continue };
        let unusable = |error: io::Error| Failure::Unusable(format!("cannot keep what is served: {error}"));
        let folder = tempfile::tempdir().map_err(unusable)?;
        *target = folder.path().join("ledger");
        folders.push(folder);
        let bar = ProgressBar::no_length().with_style(style());
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(unusable)?;
        let token = token.as_deref().map(|token| token.trim().to_owned().into());
        let fetched = runtime.block_on(served::fetch(&url, token, target, &mut |read, size| {
            bar.set_length(size);
            bar.set_position(read);
        }));
        bar.finish_and_clear();
        fetched.map_err(|error| match error {
            FetchError::Forged(why) => Failure::Forged(why),
            FetchError::Unusable(why) => Failure::Unusable(why),
        })?;
    }
    Ok((args, folders))
}

fn refuse(args: &VerifyArgs, failure: &Failure) -> ExitCode {
    // A closed pipe changes nothing about the verdict, which is the exit code.
    let said: Vec<String> = failure.to_string().lines().map(visible).collect();
    drop(writeln!(io::stderr(), "{}: {}", failure.verdict(), said.join("\n")));
    if args.json {
        drop(writeln!(io::stdout(), "{:#}", failed(failure)));
    }
    ExitCode::from(failure.code())
}

fn run_at_hand(args: &VerifyArgs) -> ExitCode {
    let verified = Verified::of(args).and_then(|(verified, newest)| {
        let code = verified.explained.as_ref().map_or(0, Explained::code);
        if code == 0 {
            newest.remember()?;
        }
        Ok((code, verified))
    });
    let (code, printed) = match verified {
        Ok((code, verified)) => (code, print(args, &verified)),
        Err(failure) => return refuse(args, &failure),
    };
    // A closed pipe changes nothing about the verdict, which is the exit code.
    drop(printed);
    ExitCode::from(code)
}

/// What `--state` is to remember, once there is nothing more to go wrong.
struct ToRemember<'a> {
    file: Option<&'a Path>,
    seen: Seen,
    /// The origin of the log, and what was seen of it.
    newest: Option<(String, Newest)>,
}

impl ToRemember<'_> {
    fn remember(mut self) -> Result<(), Failure> {
        let Some((path, (origin, newest))) = self.file.zip(self.newest) else { return Ok(()) };
        let cannot = |error| Failure::Unusable(format!("verified, but cannot write {}: {error}", path.display()));
        self.seen.remember(path, &origin, newest).map_err(cannot)
    }
}

/// What is known of a ledger that verifies.
struct Verified {
    reports: Vec<Report>,
    opened: Option<Opened>,
    explained: Option<Explained>,
}

impl Verified {
    fn of(args: &VerifyArgs) -> Result<(Self, ToRemember<'_>), Failure> {
        let (reports, newest) = all(args)?;
        let opened = args.openings.as_deref().map(|file| openings::check(&args.targets, file, &reports)).transpose()?;
        if args.strict
            && let Some(warning) = opened.as_ref().and_then(|opened| opened.judged_again.warnings().next())
        {
            return Err(Failure::Odd(warning));
        }
        let explained = args.explain.as_deref().map(|request| Explained::of(args, &reports, request)).transpose()?;
        Ok((Self { reports, opened, explained }, newest))
    }
}

/// The last report is the newest; as JSON it is the object, and those before it are in it.
fn print(args: &VerifyArgs, verified: &Verified) -> io::Result<()> {
    let Verified { reports, opened, explained } = verified;
    let mut stdout = io::stdout().lock();
    let Some((newest, before)) = reports.split_last() else { return Ok(()) };
    if args.json {
        let mut report = serde_json::to_value(newest)?;
        report["ok"] = explained.as_ref().is_none_or(|explained| explained.code() == 0).into();
        report["exit_code"] = explained.as_ref().map_or(0, Explained::code).into();
        report["opened"] = serde_json::to_value(opened)?;
        if !before.is_empty() {
            report["before"] = serde_json::to_value(before)?;
        }
        if let Some(explained) = explained {
            report["explained"] = explained.to_json();
        }
        return writeln!(stdout, "{report:#}");
    }
    let explained = explained.as_ref().map(|explained| format!("\n{}", explained.in_words()));
    let each_before = std::iter::once(None).chain(reports.iter().map(Some));
    let words: String =
        reports.iter().zip(each_before).map(|(it, before)| in_words(it, before, args.trust_artifact_key)).collect();
    write!(stdout, "{words}{}{}", openings::in_words(opened.as_ref()), explained.unwrap_or_default())
}

/// Checks every target, with a progress bar if somebody is watching, and remembers the newest checkpoint.
///
/// # Errors
/// If one does not verify, or cannot be read.
pub fn check(args: &VerifyArgs) -> Result<Vec<Report>, Failure> {
    let (reports, newest) = all(args)?;
    newest.remember()?;
    Ok(reports)
}

fn all(args: &VerifyArgs) -> Result<(Vec<Report>, ToRemember<'_>), Failure> {
    let old = args.old.as_deref().map(read_text).transpose()?;
    let policy = args.witness_policy.as_deref().map(|path| witness_policy(args, path)).transpose()?;
    if let Some(state) = &args.state {
        is_outside(state, &args.targets)?;
    }
    let seen = match &args.state {
        Some(path) => Seen::read(path).map_err(|error| cannot_read(path, &error))?,
        None => Seen::default(),
    };
    let mut reports: Vec<Report> = Vec::new();
    // Each segment has to continue those before it; what was kept from earlier may well be newer than all but the last.
    let mut kept: Vec<String> = Vec::new();
    let (mut newest, mut past) = (None, Past::default());
    for (n, path) in args.targets.iter().enumerate() {
        let target = open(path)?;
        let key = trusted_key(args, path, &target)?;
        let (is_last, known) = (n + 1 == args.targets.len(), seen.of(key.name()));
        if n == 0 {
            past = Past::remembering(known.and_then(Newest::keys).cloned());
        }
        past.goes_on = !is_last;
        if is_last {
            kept.extend(old.clone());
            kept.extend(known.map(|known| known.checkpoint().to_owned()));
        }
        let kept_now: Vec<&str> = kept.iter().map(String::as_str).collect();
        let bar = ProgressBar::no_length().with_style(style());
        let trust = Trust {
            key: &key,
            old: &kept_now,
            seen: args.seen.filter(|_| is_last),
            witnesses: policy.as_ref().filter(|_| is_last),
        };
        let result = target.verify(&mut past, trust, &at_once, &mut |read, size| {
            bar.set_length(size);
            bar.set_position(read);
        });
        bar.finish_and_clear();
        let mut report = result.map_err(|refusal| in_order(path, reports.last(), refusal))?;
        if is_last && policy.as_ref().is_some_and(Policy::asks_nobody) {
            report
                .warnings
                .push("the witness policy asks no witness (quorum none): nobody vouches for the checkpoint".to_owned());
        }
        if let Some(before) = reports.last().filter(|before| before.size != report.from) {
            return Err(Failure::Unusable(format!(
                "{} begins at entry {}, but the one before it ends at {}: give all segments, in their order",
                path.display(),
                report.from,
                before.size
            )));
        }
        reports.push(report);
        let checkpoint = target.text(layout::CHECKPOINT).map_err(|error| cannot_read(path, &error))?;
        kept.push(checkpoint.clone());
        newest = Some((key.name().to_owned(), seen_now(checkpoint, &past)));
        past.add(target.into_receipts());
    }
    if args.strict {
        is_spotless(args, &reports)?;
    }
    Ok((reports, ToRemember { file: args.state.as_deref(), seen, newest }))
}

/// What there is to remember of a log that verifies up to this checkpoint.
fn seen_now(checkpoint: String, past: &Past) -> Newest {
    match past.remembered() {
        Some(keys) => Newest::WithKeys { checkpoint, keys },
        None => Newest::Checkpoint(checkpoint),
    }
}

/// A segment that ends before the one given before it is no rollback.
fn in_order(path: &Path, before: Option<&Report>, refusal: Refusal) -> Failure {
    match (&refusal, before) {
        (Refusal::Rollback { size, .. }, Some(before)) if *size < before.size => Failure::Unusable(format!(
            "{} ends at entry {size}, but the one before it ends at {}: give segments in their order, the oldest first",
            path.display(),
            before.size
        )),
        _ => refused(refusal),
    }
}

/// Refuses what is odd, if nothing worse.
fn is_spotless(args: &VerifyArgs, reports: &[Report]) -> Result<(), Failure> {
    if let Some(name) = reports.iter().flat_map(|report| &report.unvouched).next() {
        return Err(Failure::Odd(unvouched(name)));
    }
    if let Some(warning) = reports.iter().flat_map(|report| &report.warnings).next() {
        return Err(Failure::Odd(warning.clone()));
    }
    let first = reports.first().map_or(0, |report| report.from);
    // What is hashed are the bytes before the newline, a carriage return among them.
    for (seq, line) in (first..).zip(entries(&args.targets)?.split(b'\n')) {
        let line = line.map_err(cannot_read_entries)?;
        let odd = match std::str::from_utf8(&line) {
            Ok(line) => clear::odd(line),
            Err(error) => Some(format!("it cannot be read: {error}")),
        };
        if let Some(odd) = odd {
            return Err(Failure::Odd(format!("entry {seq}: {odd}")));
        }
    }
    Ok(())
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
