//! `seconder policy check`: what is wrong with a policy file.

use std::io::{self, IsTerminal as _};
use std::path::PathBuf;
use std::process::ExitCode;

use super::finding::Report;
use super::repository::{self, Name};
use super::{file, sarif, say, terminal};
use crate::cli::Failure;
use crate::config;

/// What `seconder policy check --help` says below the options.
pub const HELP: &str = "\
Examples:
  seconder policy check                     the file of the repository you stand in, offline
  seconder policy check draft.yml --strict  warnings count as errors, too
  git show HEAD:.github/seconder.yml | seconder policy check -
  seconder policy check --repo acme/shop    its file, held against what is there
  seconder policy check draft.yml --repo acme/shop
  seconder policy check --json | jq -r '.findings[].message'
  seconder policy check --sarif > seconder.sarif

Everything that is wrong is said at once, each with its line, what is meant, and the nearest word \
that would do:

  .github/seconder.yml:8:15: error: there is no group `plattform`; did you mean `platform`?
    |
  8 |     require: [1 of plattform]
    |               ^^^^^^^^^^^^^^

--repo finds accounts and teams that are not there, or whom GitHub shows no button; requirements that \
nobody can meet, or one person alone; environments that no rule covers, whose names look alike, or on \
which Seconder is not switched on; workflows that deploy where nobody looks. It asks GitHub as the \
App: SECONDER_GITHUB_APP_ID and SECONDER_GITHUB_PRIVATE_KEY(_FILE), as for `seconder serve`.

In a workflow:
  - run: seconder policy check --sarif > seconder.sarif
  - uses: github/codeql-action/upload-sarif@v4
    if: always()
    with: { sarif_file: seconder.sarif }

Exit code: 0 no errors; 1 errors (with --strict: or warnings); 2 the file or the repository cannot be read.";

/// Read a policy file and say everything that is wrong with it.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// The file; `-` for standard input; .github/seconder.yml (or seconder.yml) of the repository you stand in if none
    #[arg(value_name = "FILE")]
    file: Option<PathBuf>,

    /// Check against this repository on GitHub, and its own file if none is named
    #[arg(long, value_name = "OWNER/NAME")]
    repo: Option<Name>,

    /// With --repo: read CODEOWNERS, too
    #[arg(long, requires = "repo")]
    codeowners: bool,

    /// Warnings count as errors
    #[arg(long)]
    strict: bool,

    /// One JSON object
    #[arg(long, conflicts_with = "sarif")]
    json: bool,

    /// SARIF 2.1.0, for GitHub's code scanning
    #[arg(long)]
    sarif: bool,
}

pub fn run(arguments: &Arguments) -> Result<ExitCode, Failure> {
    let report = match &arguments.repo {
        Some(repo) => {
            let file = arguments.file.as_deref().map(|file| file::read(Some(file))).transpose()?;
            repository::check(repo, file, arguments.codeowners)?
        }
        None => Report::of(file::read(arguments.file.as_deref())?).0,
    };
    say(&if arguments.json {
        format!("{:#}\n", report.json(arguments.strict))
    } else if arguments.sarif {
        format!("{:#}\n", sarif::render(&report))
    } else {
        terminal::render(&report, io::stdout().is_terminal() && !config::no_color())
    })?;
    Ok(ExitCode::from(u8::from(!report.is_ok(arguments.strict))))
}
