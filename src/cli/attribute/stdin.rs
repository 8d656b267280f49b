//! Commits as JSON Lines.

use std::io::{BufRead, Write};

use anyhow::{Context as _, anyhow};
use serde::Deserialize;

use super::{Failure, Looked, output};
use crate::domain::facts::Commit;
use crate::domain::people::{Account, AccountKind, Identity};

#[derive(Deserialize)]
struct Line {
    sha: String,
    commit: Body,
    #[serde(default)]
    author_login: Option<String>,
}

#[derive(Deserialize)]
struct Body {
    author: Option<Who>,
    committer: Option<Who>,
    message: String,
}

#[derive(Default, Deserialize)]
struct Who {
    name: Option<String>,
    email: Option<String>,
    date: Option<String>,
}

pub fn run(mut input: impl BufRead, out: &mut impl Write) -> Result<(), Failure> {
    let mut line = Vec::new();
    for number in 1_u64.. {
        line.clear();
        if input.read_until(b'\n', &mut line).context("cannot read standard input")? == 0 {
            break;
        }
        // Some programs put a byte order mark before all they write.
        let json = if number == 1 { line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&line) } else { &line };
        if json.trim_ascii().is_empty() {
            continue;
        }
        let read: Line = serde_json::from_slice(json).map_err(|error| {
            if json.trim_ascii_start().starts_with(b"[") {
                return Failure::Usage(anyhow!(
                    "line {number} of standard input begins an array, and --stdin takes one object a line: put \
                     `jq -c '.[]'` in between"
                ));
            }
            let hint = if error.is_eof() { " (one object a line: `jq -c .` makes it so)" } else { "" };
            // The parser saw one line only: its "line 1" is this one.
            let whole = error.to_string();
            let place = format!(" at line {} column {}", error.line(), error.column());
            let what = whole.strip_suffix(place.as_str()).unwrap_or(&whole);
            let column = error.column();
            Failure::Usage(anyhow!(
                "line {number}, column {column} of standard input is not a commit: {what}{hint}. See seconder attribute --help"
            ))
        })?;
        let (commit, date) = commit(read);
        output::json(out, &Looked::at(&commit, &date))?;
    }
    Ok(())
}

fn commit(line: Line) -> (Commit, String) {
    let committer = line.commit.committer.unwrap_or_default();
    let date = committer.date.clone().unwrap_or_default();
    let mut author = identity(line.commit.author.unwrap_or_default());
    // A login alone: there is no id to go by.
    author.account = line.author_login.map(|login| {
        let kind = if login.ends_with("[bot]") { AccountKind::Bot } else { AccountKind::User };
        Account { id: 0, login, kind }
    });
    let commit = Commit {
        sha: line.sha,
        message: line.commit.message,
        author,
        committer: identity(committer),
        ..Commit::default()
    };
    (commit, date)
}

fn identity(who: Who) -> Identity {
    Identity { name: who.name.unwrap_or_default(), email: who.email.unwrap_or_default(), account: None }
}
