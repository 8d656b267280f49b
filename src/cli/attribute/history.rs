//! A repository's history, by one `git log`, as it streams.

use std::io::{self, BufRead, BufReader, IsTerminal as _, Read, Write};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use anyhow::{Context as _, anyhow};
use indicatif::{ProgressBar, ProgressStyle};

use super::summary::Summary;
use super::{Arguments, Failure, Looked, output};
use crate::domain::facts::Commit;
use crate::domain::people::Identity;

/// Ends of fields; git writes no other NUL.
const FORMAT: &str = "--format=tformat:%H%x00%P%x00%an%x00%ae%x00%cn%x00%ce%x00%cI%x00%B%x00";

pub fn run(arguments: &Arguments, out: &mut impl Write, colour: bool, width: Option<usize>) -> Result<(), Failure> {
    require_repository(&arguments.repo)?;
    let mut summary = Summary::default();
    if arguments.revisions.is_empty() && !exists(&arguments.repo, "HEAD")? {
        // Nothing was committed yet; git calls that a bad revision.
        if !arguments.json {
            summary.write(out, colour, width)?;
        }
        return Ok(());
    }
    let mut log = Log::start(&arguments.repo, &arguments.revisions)?;
    let progress = progress();
    let mut table = output::Table::new(colour, width);
    while let Some((commit, date)) = log.next()? {
        let looked = Looked::at(commit, date);
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
    log.finish()?;
    progress.finish_and_clear();
    if !arguments.json {
        summary.write(out, colour, width)?;
    }
    Ok(())
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
}

impl Log {
    fn start(repo: &Path, revisions: &[String]) -> Result<Self, Failure> {
        // By git-ai.
        let with_notes = exists(repo, "refs/notes/ai")?;
        let mut git = git(repo);
        git.args(["log", "-z", "--no-color", "--no-show-signature", "--no-patch", "--encoding=UTF-8"]);
        if with_notes {
            git.args(["--no-notes", "--notes=refs/notes/ai"]).arg(format!("{FORMAT}%N%x00"));
        } else {
            git.arg(FORMAT);
        }
        git.arg("--end-of-options");
        if revisions.is_empty() {
            git.arg("HEAD");
        }
        git.args(revisions).arg("--");
        let mut git = git.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().map_err(no_git)?;
        let output = git.stdout.take().context("git has no output")?;
        // Read as it comes: once a pipe is full git waits, and nobody would be told of another commit.
        let complaint = git.stderr.take().map(|errors| thread::spawn(move || end_of(errors)));
        let output = BufReader::with_capacity(1 << 17, output);
        Ok(Self { git, output, complaint, field: Vec::new(), with_notes })
    }

    fn next(&mut self) -> Result<Option<(Commit, String)>, Failure> {
        let Some(sha) = self.field()? else { return Ok(None) };
        // `-z` ends records with one NUL more.
        let sha = if sha.is_empty() { self.field()?.unwrap_or_default() } else { sha };
        if sha.is_empty() {
            return Ok(None);
        }
        let mut field = || -> Result<String, Failure> {
            Ok(self.field()?.ok_or_else(|| anyhow!("git log ended in the middle of a commit"))?)
        };
        let parents = field()?.split(' ').filter(|parent| !parent.is_empty()).map(str::to_owned).collect();
        let author = Identity { name: field()?, email: field()?, account: None };
        let committer = Identity { name: field()?, email: field()?, account: None };
        let date = field()?;
        let message = field()?;
        let note = if self.with_notes { self.field()?.filter(|note| !note.is_empty()) } else { None };
        Ok(Some((Commit { sha, message, author, committer, parents, ai_note: note, ..Commit::default() }, date)))
    }

    fn field(&mut self) -> Result<Option<String>, Failure> {
        self.field.clear();
        if self.output.read_until(0, &mut self.field).context("cannot read from git")? == 0 {
            return Ok(None);
        }
        if self.field.last() == Some(&0) {
            self.field.pop();
        }
        Ok(Some(String::from_utf8_lossy(&self.field).into_owned()))
    }

    /// Says what git complained of, if it did.
    fn finish(mut self) -> Result<(), Failure> {
        let complaint = match self.complaint.take().map(JoinHandle::join) {
            Some(Ok(read)) => read.context("cannot read from git")?,
            Some(Err(_)) | None => String::new(),
        };
        if self.git.wait().context("cannot wait for git")?.success() {
            return Ok(());
        }
        Err(Failure::Usage(anyhow!("{}", complaint.trim())))
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

fn require_repository(repo: &Path) -> Result<(), Failure> {
    let asked = git(repo).args(["rev-parse", "--git-dir"]).output().map_err(no_git)?;
    if asked.status.success() {
        return Ok(());
    }
    let complaint = String::from_utf8_lossy(&asked.stderr);
    Err(Failure::Usage(anyhow!("{} cannot be read as a git repository: {}", repo.display(), complaint.trim())))
}

fn exists(repo: &Path, reference: &str) -> Result<bool, Failure> {
    let asked = git(repo).args(["rev-parse", "--verify", "--quiet", reference]).output().map_err(no_git)?;
    Ok(asked.status.success())
}

fn no_git(error: std::io::Error) -> Failure {
    Failure::Usage(anyhow!("cannot run git ({error}): install it, or put it on the PATH"))
}
