//! How fast commits are told apart, and what `seconder attribute` costs beside the `git log` it reads.

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context as _, ensure};
use seconder::domain::attribution::attribute;
use seconder::domain::facts::Commit;
use seconder::domain::people::Identity;

use crate::report::Report;
use crate::report::Target::{AtLeast, AtMost};
use crate::rows::Size;

/// Messages as projects have them, 300 bytes on average; one in twenty carries a mark, as in ordinary projects of 2026.
const BODIES: [&str; 5] = [
    "Retry the callback when the connection is reset\n\nThe main loop gave up after the first failure. Now it waits, and says in \
     the log how long. The aim is that a restart of the other side goes unnoticed.\n\nSigned-off-by: Ann Lee <ann@example.com>",
    "Bump tokio from 1.47.0 to 1.48.0\n\nRelease notes: https://github.com/tokio-rs/tokio/releases\n\n- rt: fix a hang\n- net: \
     add a method\n- sync: document the order of wake-ups\n\nCommits: https://github.com/tokio-rs/tokio/compare/a...b",
    "Merge pull request #1234 from acme/fix-retries\n\nfix: retries",
    "fix(api): refuse an empty name (#4711)\n\n* fix(api): refuse an empty name\n\n* add tests\n\n* use the cursor again\n\n\
     ---------\n\nCo-authored-by: Bob Ray <bob@example.com>\nReviewed-by: Cid <cid@example.com>",
    "docs: explain what an environment is",
];

fn message(number: usize) -> String {
    let mark =
        if number.is_multiple_of(20) { "\n\nCo-Authored-By: Claude Opus 4.5 <noreply@anthropic.com>" } else { "" };
    format!("{}{mark}", BODIES[number % BODIES.len()])
}

pub fn run(size: Size, runs: usize, report: &mut Report) -> anyhow::Result<()> {
    let ann = Identity { name: "Ann Lee".to_owned(), email: "ann@example.com".to_owned(), account: None };
    let commits: Vec<Commit> = (0..1_000)
        .map(|number| Commit {
            message: message(number),
            author: ann.clone(),
            committer: ann.clone(),
            ..Commit::default()
        })
        .collect();
    let rounds = size.of(1_000, 20);
    let folder = tempfile::tempdir()?;
    let history = size.of(50_000, 1_000);
    import(folder.path(), history)?;
    attribute(&commits[0], &[]).context("a marked commit is found")?;
    for _ in 0..runs {
        let before = cpu()?.own;
        let found = (0..rounds).flat_map(|_| &commits).filter(|commit| attribute(commit, &[]).is_some()).count();
        let spent = cpu()?.own - before;
        ensure!(found == rounds * commits.len() / 20, "{found} marked commits were found");
        report.add("commits told apart", "commits/CPU-s", AtLeast(300_000.0), (rounds * commits.len()) as f64 / spent);

        let alone = spent_by(Command::new("git").arg("-C").arg(folder.path()).args([
            "log",
            "-z",
            "--format=tformat:%H%x00%an%x00%ae%x00%cn%x00%ce%x00%cI%x00%B%x00",
        ]))?;
        let told =
            spent_by(Command::new(env!("CARGO_BIN_EXE_seconder")).args(["attribute", "--repo"]).arg(folder.path()))?;
        report.add(
            "`seconder attribute`, its git included, by `git log` alone",
            "times the CPU-s",
            AtMost(2.0),
            told / alone,
        );
    }
    Ok(())
}

/// A repository with that many commits.
fn import(folder: &Path, commits: usize) -> anyhow::Result<()> {
    ensure!(Command::new("git").args(["init", "--quiet"]).arg(folder).status()?.success(), "git init failed");
    let mut git =
        Command::new("git").arg("-C").arg(folder).args(["fast-import", "--quiet"]).stdin(Stdio::piped()).spawn()?;
    let mut input = std::io::BufWriter::new(git.stdin.take().context("fast-import takes no input")?);
    for number in 0..commits {
        let (message, at) = (message(number), 1_760_000_000 + number * 600);
        writeln!(input, "commit refs/heads/master\ncommitter Ann Lee <ann@example.com> {at} +0000")?;
        writeln!(input, "data {}\n{message}", message.len())?;
    }
    drop(input);
    ensure!(git.wait()?.success(), "git fast-import failed");
    let head = ["symbolic-ref", "HEAD", "refs/heads/master"];
    ensure!(Command::new("git").arg("-C").arg(folder).args(head).status()?.success(), "git symbolic-ref failed");
    Ok(())
}

fn spent_by(command: &mut Command) -> anyhow::Result<f64> {
    let before = cpu()?.of_children;
    ensure!(command.stdout(Stdio::null()).status()?.success(), "{command:?} failed");
    Ok(cpu()?.of_children - before)
}

pub struct Cpu {
    pub own: f64,
    of_children: f64,
}

/// CPU seconds of this process, and of those it waited for.
pub fn cpu() -> anyhow::Result<Cpu> {
    let stat = std::fs::read_to_string("/proc/self/stat")?;
    let (_, fields) = stat.rsplit_once(") ").context("/proc/self/stat reads differently")?;
    let ticks: Vec<f64> = fields.split(' ').skip(11).take(4).filter_map(|ticks| ticks.parse().ok()).collect();
    let [user, system, children_user, children_system] = ticks[..] else {
        anyhow::bail!("/proc/self/stat reads differently")
    };
    Ok(Cpu { own: (user + system) / 100.0, of_children: (children_user + children_system) / 100.0 })
}
