//! `seconder attribute`: who wrote this? Needs no server, no account and no network.

mod history;
mod output;
mod stdin;
mod summary;

use std::io::{self, IsTerminal as _, Write as _};
use std::path::PathBuf;

use super::Failure;
use crate::config;
use crate::domain::attribution::{Attribution, Catalogue, Certainty, Circumstances, attribute_with};
use crate::domain::facts::Commit;

/// What `seconder attribute --help` says below the options.
pub const HELP: &str = "\
Examples:
  seconder attribute                       the whole history of the repository you stand in
  seconder attribute v1.4..main            what came since a release
  seconder attribute --since '1 year ago'  what was committed since then
  seconder attribute --all -- HEAD~20..    every one of the last twenty commits, with or without a mark
  seconder attribute --json | jq .agent    for programs
  zcat commits.jsonl.gz | seconder attribute --stdin

What it says:
  authored, co-authored, assisted          how much of a commit the agent made
  ?                                        ambiguous: something points to an agent and does not say that it wrote.
                                           In JSON: \"ai\": false, \"certainty\": \"ambiguous\". The server gates these, too.
  the person                               author if human, else co-author, sign-off, committer; none if nobody is named

A mark is a disclosure: agents can be told to leave none, and anybody can write one. No mark is no proof of a human.

--stdin reads JSON Lines, one commit each, in the shape of GitHub's REST commits:
  {\"sha\": …, \"commit\": {\"author\": {\"name\", \"email\", \"date\"}, \"committer\": {…}, \"message\", \"verification\"},
   \"author\": {\"login\", \"id\", \"type\"}, \"committer\": {…}}
Only sha and commit.message are needed; \"author_login\": … does instead of \"author\". Other fields are ignored, \"parents\" too.
  gh api --paginate repos/OWNER/REPO/commits | jq -c '.[]' | seconder attribute --stdin

--stdin and --json write one object a commit: sha, date, ai, certainty, agent, agent_name, kind, operator, operators (each with name
and email), evidence (a list of agent, marker: which kind of mark, and found: the text that matched).

Exit code: 0 done; 1 reading or writing failed; 2 no such repository or revision, no git, or a line of --stdin cannot be read.";

/// Tell which commits an agent wrote, and for whom: reads a git history, needs no server.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Revisions as `git log` takes them; everything that HEAD reaches if none
    #[arg(value_name = "REV-RANGE", conflicts_with = "stdin")]
    revisions: Vec<String>,

    /// The repository
    #[arg(long, value_name = "PATH", default_value = ".", conflicts_with = "stdin")]
    repo: PathBuf,

    /// Only commits that are later, as git understands it: 2026-01-31, '3 months ago'
    #[arg(long, value_name = "DATE", conflicts_with = "stdin")]
    since: Option<String>,

    /// Only commits that are earlier
    #[arg(long, value_name = "DATE", conflicts_with = "stdin")]
    until: Option<String>,

    /// Show commits without any mark, too
    #[arg(long)]
    all: bool,

    /// One JSON object a commit instead of a table
    #[arg(long)]
    json: bool,

    /// Read commits as JSON Lines from standard input, write JSON Lines
    #[arg(long)]
    stdin: bool,
}

/// A commit that was looked at.
struct Looked<'a> {
    commit: &'a Commit,
    /// When it was committed, as ISO 8601; may be empty.
    date: &'a str,
    found: Option<Attribution>,
}

impl<'a> Looked<'a> {
    fn at(commit: &'a Commit, date: &'a str, signatures_were_read: bool) -> Self {
        let circumstances = Circumstances { committed_at: Some(date), signatures_were_read };
        let found = attribute_with(Catalogue::built_in(), commit, &[], circumstances);
        Self { commit, date, found }
    }

    /// Whether the commit itself says that an agent had a hand in it.
    fn is_ai(&self) -> bool {
        self.found.as_ref().is_some_and(|found| found.certainty > Certainty::Ambiguous)
    }
}

pub fn run(arguments: &Arguments) -> Result<(), Failure> {
    let out = io::stdout().lock();
    let is_terminal = out.is_terminal();
    let mut out = io::BufWriter::with_capacity(1 << 16, out);
    let result = if arguments.stdin {
        stdin::run(io::stdin().lock(), &mut out)
    } else {
        history::run(arguments, &mut out, is_terminal && !config::no_color(), if is_terminal { width() } else { None })
    };
    let result = result.and_then(|()| Ok(out.flush()?));
    match result {
        // `seconder attribute | head` has read enough.
        Err(Failure::Failed(error)) if is_broken_pipe(&error) => Ok(()),
        result => result,
    }
}

/// Columns of the terminal, where it says so.
fn width() -> Option<usize> {
    let size = rustix::termios::tcgetwinsize(io::stdout()).ok()?;
    Some(usize::from(size.ws_col)).filter(|columns| *columns > 0)
}

fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
}
