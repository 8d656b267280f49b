//! A repository's history, by one `git log`, as it streams.

use std::io::{self, BufRead, BufReader, IsTerminal as _, Read, Write};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::thread::{self, JoinHandle};
use std::time::{Duration, SystemTime};

use anyhow::{Context as _, anyhow};
use indicatif::{ProgressBar, ProgressStyle};

use super::summary::Summary;
use super::{Arguments, Failure, Looked, output};
use crate::domain::facts::Commit;

/// Ends of fields; git writes no other NUL.
const FORMAT: &str = "--format=tformat:%H%x00%an%x00%ae%x00%cn%x00%ce%x00%cI%x00%B%x00";

pub fn run(arguments: &Arguments, out: &mut impl Write, colour: bool, width: Option<usize>) -> Result<(), Failure> {
    let is_shallow = require_repository(&arguments.repo)?;
    let mut summary = Summary::default();
    if arguments.revisions.is_empty() && !exists(&arguments.repo, "HEAD")? {
        // Nothing was committed yet; git calls that a bad revision.
        if !arguments.json {
            summary.write(out, colour, width)?;
        }
        return Ok(());
    }
    for date in arguments.since.iter().chain(&arguments.until) {
        require_date(&arguments.repo, date)?;
    }
    for revision in &arguments.revisions {
        require_commit(&arguments.repo, revision)?;
    }
    let mut log = Log::start(arguments)?;
    let progress = progress();
    let mut table = output::Table::new(colour, width);
    while log.next()? {
        let looked = Looked::at(&log.commit, &log.date, false);
        summary.add(&looked);
        if arguments.all || looked.found.is_some() {
            // Rows and the progress line share a terminal.
            progress.suspend(|| if arguments.json { output::json(out, &looked) } else { table.row(out, &looked) })?;
            if !progress.is_hidden() {
                out.flush()?;
            }
        }
        progress.inc(1);
    }
    log.finish(arguments)?;
    progress.finish_and_clear();
    if !arguments.json {
        summary.write(out, colour, width)?;
        if summary.is_empty() {
            writeln!(out, "Nothing lies in that range; without revisions and dates the whole history is read.")?;
        }
    }
    if is_shallow {
        out.flush()?;
        let rest = command_in(&arguments.repo, "fetch --unshallow");
        writeln!(
            io::stderr(),
            "\nThis clone is shallow: what you see is of the part of the history that is here. `{rest}` gets the rest."
        )?;
    }
    Ok(())
}

/// How a person runs that in the repository.
fn command_in(repo: &Path, command: &str) -> String {
    if repo == Path::new(".") { format!("git {command}") } else { format!("git -C {} {command}", repo.display()) }
}

/// On standard error, and only for people.
fn progress() -> ProgressBar {
    if !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let progress = ProgressBar::new_spinner();
    if let Ok(style) = ProgressStyle::with_template("{spinner} {human_pos} commits, {per_sec}") {
        progress.set_style(style);
    }
    progress.enable_steady_tick(Duration::from_millis(200));
    progress
}

/// A running `git log`.
struct Log {
    git: Child,
    output: BufReader<ChildStdout>,
    complaint: Option<JoinHandle<io::Result<String>>>,
    field: Vec<u8>,
    with_notes: bool,
    /// What was read last; read over by the next.
    commit: Commit,
    date: String,
}

impl Log {
    fn start(arguments: &Arguments) -> Result<Self, Failure> {
        let (repo, revisions) = (&*arguments.repo, &arguments.revisions);
        // By git-ai.
        let with_notes = exists(repo, "refs/notes/ai")?;
        let mut git = git(repo);
        git.args(["log", "-z", "--no-color", "--no-show-signature", "--no-patch", "--encoding=UTF-8"]);
        if with_notes {
            git.args(["--no-notes", "--notes=refs/notes/ai"]).arg(format!("{FORMAT}%N%x00"));
        } else {
            git.arg(FORMAT);
        }
        git.args(arguments.since.iter().map(|date| format!("--since={date}")));
        git.args(arguments.until.iter().map(|date| format!("--until={date}")));
        git.arg("--end-of-options");
        if revisions.is_empty() {
            git.arg("HEAD");
        }
        git.args(revisions).arg("--");
        // Into a pipe git writes every commit on its own otherwise: two switches of process for each.
        git.env("GIT_FLUSH", "0");
        let mut git = git.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().map_err(no_git)?;
        let output = git.stdout.take().context("git has no output")?;
        // Read as it comes: once a pipe is full git waits, and nobody would be told of another commit.
        let complaint = git.stderr.take().map(|errors| thread::spawn(move || end_of(errors)));
        let output = BufReader::with_capacity(1 << 17, output);
        let (commit, date) = (Commit::default(), String::new());
        Ok(Self { git, output, complaint, field: Vec::new(), with_notes, commit, date })
    }

    /// Reads another commit, if there is one.
    fn next(&mut self) -> Result<bool, Failure> {
        let Self { output, field, commit, date, .. } = self;
        let mut read = |into: &mut String| -> Result<bool, Failure> {
            field.clear();
            let is_there = output.read_until(0, field).context("cannot read from git")? > 0;
            if field.last() == Some(&0) {
                field.pop();
            }
            into.clear();
            match std::str::from_utf8(field) {
                Ok(text) => into.push_str(text),
                Err(_) => into.push_str(&String::from_utf8_lossy(field)),
            }
            Ok(is_there)
        };
        // `-z` ends records with one NUL more.
        if !read(&mut commit.sha)? || commit.sha.is_empty() && !read(&mut commit.sha)? {
            return Ok(false);
        }
        let Commit { author, committer, message, ai_note, .. } = commit;
        let fields =
            [&mut author.name, &mut author.email, &mut committer.name, &mut committer.email, &mut *date, &mut *message];
        let with_note = self.with_notes.then(|| ai_note.get_or_insert_default());
        for into in fields.into_iter().chain(with_note) {
            if !read(into)? {
                return Err(anyhow!("git log ended in the middle of a commit").into());
            }
        }
        if ai_note.as_ref().is_some_and(String::is_empty) {
            *ai_note = None;
        }
        Ok(true)
    }

    /// Says what git complained of, if it did.
    fn finish(mut self, arguments: &Arguments) -> Result<(), Failure> {
        let complaint = match self.complaint.take().map(JoinHandle::join) {
            Some(Ok(read)) => read.context("cannot read from git")?,
            Some(Err(_)) | None => String::new(),
        };
        if self.git.wait().context("cannot wait for git")?.success() {
            return Ok(());
        }
        let complaint = complaint.trim();
        // git says so, too, of a range whose ends are no revisions.
        let hint = if !(complaint.contains("bad revision") || complaint.contains("Invalid revision range")) {
            ""
        } else if !exists(&arguments.repo, "HEAD")? {
            "\nNothing was committed here yet"
        } else {
            "\n`git branch --all` and `git tag` list what there is here, `git fetch` gets what is only on the server. Paths are not \
             taken. Examples: seconder attribute --help"
        };
        Err(Failure::Usage(anyhow!("{complaint}{hint}")))
    }
}

impl Drop for Log {
    fn drop(&mut self) {
        // Whoever stopped reading (`| head`) needs no more of it. It may have ended already.
        let _ = self.git.kill();
        let _ = self.git.wait();
    }
}

/// Longest complaint of git's that is kept, in bytes.
const LONGEST_COMPLAINT: usize = 1 << 13;

/// Reads everything and keeps the end: what git gave up for it says last.
fn end_of(errors: impl Read) -> io::Result<String> {
    let mut errors = BufReader::new(errors);
    let mut kept = Vec::new();
    while errors.by_ref().take(LONGEST_COMPLAINT as u64).read_until(b'\n', &mut kept)? > 0 {
        kept.drain(..kept.len().saturating_sub(LONGEST_COMPLAINT));
    }
    Ok(String::from_utf8_lossy(&kept).into_owned())
}

fn git(repo: &Path) -> Command {
    let mut git = Command::new("git");
    git.arg("-C").arg(repo).arg("--no-pager");
    git
}

/// Whether the repository, which has to be one, lacks the beginning of its history.
fn require_repository(repo: &Path) -> Result<bool, Failure> {
    let asked = git(repo).args(["rev-parse", "--git-dir", "--is-shallow-repository"]).output().map_err(no_git)?;
    if asked.status.success() {
        return Ok(asked.stdout.ends_with(b"\ntrue\n"));
    }
    let (complaint, path) = (String::from_utf8_lossy(&asked.stderr), repo.display());
    if complaint.contains("dubious ownership") {
        // git says itself what to do.
        return Err(Failure::Usage(anyhow!("{path} cannot be read: {}", complaint.trim())));
    }
    let hint = "Go into one, or name it: seconder attribute --repo PATH. `git clone` gets one that is elsewhere";
    Err(Failure::Usage(anyhow!("{path} cannot be read as a git repository: {}\n{hint}", complaint.trim())))
}

/// git takes what it does not understand for now, and a day that no month has for another.
fn require_date(repo: &Path, date: &str) -> Result<(), Failure> {
    let wrong = || {
        Failure::Usage(anyhow!(
            "`{date}` is no date that git understands. Examples: 2026-01-31, '3 months ago', yesterday"
        ))
    };
    let mut parts = date.get(..10).unwrap_or_default().splitn(3, '-').map(str::parse::<u32>);
    if let (Some(Ok(year)), Some(Ok(month)), Some(Ok(day))) = (parts.next(), parts.next(), parts.next()) {
        let year = i32::try_from(year).map_err(|_| wrong())?;
        return chrono::NaiveDate::from_ymd_opt(year, month, day).map(|_| ()).ok_or_else(wrong);
    }
    if matches!(date.trim(), "now" | "today") {
        return Ok(());
    }
    let asked = git(repo).args(["rev-parse", &format!("--since={date}")]).output().map_err(no_git)?;
    let seconds =
        String::from_utf8_lossy(&asked.stdout).trim().strip_prefix("--max-age=").and_then(|at| at.parse::<u64>().ok());
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs();
    if seconds.is_some_and(|at| at.abs_diff(now) <= 2) { Err(wrong()) } else { Ok(()) }
}

/// A tree or a file has no history of its own; git shows none and says nothing.
fn require_commit(repo: &Path, revision: &str) -> Result<(), Failure> {
    let is_option = revision.starts_with('-');
    if !is_option && exists(repo, revision)? && !exists(repo, &format!("{revision}^{{commit}}"))? {
        let mistake =
            "is no commit but a tree or a file. A revision is a branch, a tag, a commit or a range: main, v1.4..main";
        return Err(Failure::Usage(anyhow!("`{revision}` {mistake}")));
    }
    Ok(())
}

fn exists(repo: &Path, reference: &str) -> Result<bool, Failure> {
    let asked = git(repo).args(["rev-parse", "--verify", "--quiet", reference]).output().map_err(no_git)?;
    Ok(asked.status.success())
}

fn no_git(error: std::io::Error) -> Failure {
    Failure::Usage(anyhow!("cannot run git ({error}): install it, or put it on the PATH"))
}
