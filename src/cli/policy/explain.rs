//! `seconder policy explain`: why a request waits, was released or was denied, in the words of its check run.

use std::io::{self, IsTerminal as _};

use anyhow::{Context as _, anyhow};
use secrecy::ExposeSecret as _;
use serde_json::json;

use super::say;
use crate::cli::Failure;
use crate::config;
use crate::domain::request::Request;
use crate::github::render::{Style, story};
use crate::store::RequestReader;

/// What `seconder policy explain --help` says below the options.
pub const HELP: &str = "\
Examples:
  seconder policy explain 6f1c2a9be0d34c1f8a77b1de5c90e2a4
  seconder policy explain 6f1c2a9b            its first digits, at least eight, are enough
  seconder policy explain 6f1c2a9b --json     what the rules said, and how far the request has come

The id stands at the foot of the check run, in the comment on the waiting run, and as `corr` in the \
ledger's entries.

It says what the check run says: every rule that was looked at, whether it holds the request and why; \
what each requirement asks, how far it is met and by whom, who could meet it, who cannot and why; every \
commit with the mark that was found on it; and which policy, at which commit, said so.

The database is the one SECONDER_DATABASE_URL or SECONDER_DATA_DIR names, as for `seconder serve`, which may run meanwhile.

Exit code: 0 told; 1 there is no such request, or the database cannot be read; 2 the command line or the configuration is wrong.";

/// Fewer digits might soon name another request, too.
const LEAST_DIGITS: usize = 8;
const DIGITS: usize = 32;

/// Say why a request waits, was released or was denied.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// The request's id, or at least its first eight digits
    #[arg(value_name = "REQUEST")]
    request: String,

    /// One JSON object: the judgement, and how far the request has come
    #[arg(long)]
    json: bool,
}

pub fn run(arguments: &Arguments) -> Result<(), Failure> {
    let id = arguments.request.trim().to_lowercase();
    if !(LEAST_DIGITS..=DIGITS).contains(&id.len()) || !id.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Err(Failure::Usage(anyhow!(
            "a request's id is {DIGITS} hex digits, of which the first {LEAST_DIGITS} are enough; it stands at the foot of its \
             check run, in the comment on the waiting run, and as `corr` in the ledger's entries"
        )));
    }
    let place = config::load_place().map_err(|error| Failure::Usage(error.into()))?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let found = runtime.block_on(async {
        let reader = RequestReader::open(place.database_url.expose_secret())
            .context("there is no database to read; SECONDER_DATABASE_URL, or SECONDER_DATA_DIR for the SQLite file in it, says where the server keeps its own")?;
        reader.begin_with(&id, 2).await.context("the database cannot be read")
    })?;
    let request = match found.as_slice() {
        [only] => only,
        [] => {
            return Err(Failure::Failed(anyhow!(
                "there is no request {id} in this database; ids stand at the foot of check runs, in the comment on a waiting run, \
                 and as `corr` in the ledger's entries"
            )));
        }
        _ => return Err(Failure::Failed(anyhow!("several requests begin with {id}; write more of its digits"))),
    };
    let colour = io::stdout().is_terminal() && !config::no_color();
    say(&if arguments.json {
        format!("{:#}\n", as_json(request))
    } else {
        story(request, if colour { Style::Terminal } else { Style::Plain })
    })?;
    Ok(())
}

fn as_json(request: &Request) -> serde_json::Value {
    let case = &request.case;
    json!({
        "id": request.id,
        "digest": request.digest,
        "subject": case.subject,
        "policy": case.policy,
        "policy_digest": case.policy_digest,
        "also": case.also,
        "gaps": case.gaps,
        "judgement": case.judgement,
        "tally": request.tally(),
        "life": request.life,
    })
}
