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
        if line.trim_ascii().is_empty() {
            continue;
        }
        let read: Line = serde_json::from_slice(&line).map_err(|error| {
            // The parser saw one line only: its "line 1" is this one.
            let whole = error.to_string();
            let place = format!(" at line {} column {}", error.line(), error.column());
            let what = whole.strip_suffix(place.as_str()).unwrap_or(&whole);
            let column = error.column();
            Failure::Usage(anyhow!(
                "line {number}, column {column} of standard input is not a commit: {what}. See seconder attribute --help"
            ))
        })?;
        output::json(out, &look(read))?;
    }
    Ok(())
}

fn look(line: Line) -> Looked {
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
    Looked::at(commit, date)
}

fn identity(who: Who) -> Identity {
    Identity { name: who.name.unwrap_or_default(), email: who.email.unwrap_or_default(), account: None }
}
