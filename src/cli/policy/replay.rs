//! `seconder policy replay`: what would have become of recorded requests under other rules.

use std::io::{self, IsTerminal as _, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, anyhow};
use secrecy::ExposeSecret as _;
use serde_json::json;

use super::{file, say};
use crate::app::system_clock;
use crate::cli::Failure;
use crate::config;
use crate::domain::Millis;
use crate::domain::decide::Layer;
use crate::domain::facts::Facts;
use crate::domain::people::{Account, People, Person};
use crate::domain::policy::{self, Found, Policy, Text};
use crate::domain::replay::{Replayed, replay};
use crate::domain::request::Request;
use crate::github::render::Style;
use crate::github::render::proposal::lines;
use crate::store::RequestReader;

/// What `seconder policy replay --help` says below the options.
pub const HELP: &str = "\
Examples:
  seconder policy replay --with .github/seconder.yml
  seconder policy replay --with new.yml --since 30d --repository acme/shop
  seconder policy replay --with new.yml --json | jq 'select(.flipped)'

Every request of the database is decided once more by the proposed file: from the facts of the day and with the approvals it got.
Told are those that would have ended otherwise, and approvals that would no longer count or would count now. Nothing is written.

An organization's rules that hold here hold in the replay, too. Who may approve is taken as it was found on the day; accounts that
the file's `people:` names are known where they had a part in something that was recorded.

The database is the one SECONDER_DATABASE_URL or SECONDER_DATA_DIR names, as for `seconder serve`, which may run meanwhile.

Exit code: 0 replayed; 1 with --strict, when something would have ended otherwise or nothing was compared, or when the database cannot be read; 2 the file is
broken, or the command line or the configuration is wrong.";

/// Requests read at a time.
const PAGE: usize = 200;

/// Decide recorded requests once more.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// The proposed policy file; `-` for standard input
    #[arg(long, value_name = "FILE")]
    with: PathBuf,

    /// Only requests opened so long ago at most: `12h`, `30d`
    #[arg(long, value_name = "DURATION")]
    since: Option<String>,

    /// Only requests of this repository
    #[arg(long, value_name = "OWNER/NAME")]
    repository: Option<String>,

    /// A JSON object a line, for each request that was replayed
    #[arg(long)]
    json: bool,

    /// End with 1 when something would have ended otherwise, or nothing was compared
    #[arg(long)]
    strict: bool,
}

pub fn run(arguments: &Arguments) -> Result<ExitCode, Failure> {
    let source = file::read(Some(&arguments.with))?;
    policy::parse(&source.text).map_err(|errors| {
        Failure::Usage(anyhow!("the proposed policy is broken:\n{}", errors.render(&source.shown, &source.text)))
    })?;
    let since = arguments.since.as_deref().map(ago).transpose().map_err(Failure::Usage)?.unwrap_or_default();
    let place = config::load_place().map_err(|error| Failure::Usage(error.into()))?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let all = runtime.block_on(async {
        let reader = RequestReader::open(place.database_url.expose_secret())
            .context("there is no database to read; SECONDER_DATABASE_URL, or SECONDER_DATA_DIR for the SQLite file in it, says where the server keeps its own")?;
        replay_all(&reader, &source.text, since, arguments.repository.as_deref()).await.context("the database cannot be read")
    })?;
    let flipped = all.replayed.iter().filter(|one| one.is_flipped()).count();
    let nothing = all.replayed.is_empty();
    let mut told = String::new();
    if arguments.json {
        for one in &all.replayed {
            let mut line = serde_json::to_value(one).context("a request cannot be told")?;
            line["flipped"] = json!(one.is_flipped());
            told.push_str(&format!("{line}\n"));
        }
        if nothing {
            writeln!(io::stderr().lock(), "{}", summary(&all, flipped))?;
        }
    } else {
        let style = if io::stdout().is_terminal() && !config::no_color() { Style::Terminal } else { Style::Plain };
        told = format!("{}{}\n", lines(&all.replayed, usize::MAX, style), summary(&all, flipped));
    }
    say(&told)?;
    let is_strict = arguments.strict && (flipped > 0 || nothing);
    Ok(if is_strict { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

#[derive(Default)]
struct All {
    replayed: Vec<Replayed>,
    /// Requests whose facts were not kept.
    without_facts: usize,
}

fn summary(all: &All, flipped: usize) -> String {
    let requests = if all.replayed.len() == 1 { "request" } else { "requests" };
    let mut summary =
        format!("{} {requests} decided once more, {flipped} would have ended otherwise", all.replayed.len());
    if all.replayed.is_empty() {
        summary = "nothing was compared: no request of this database was decided there, or so lately".to_owned();
    }
    if all.without_facts > 0 {
        summary.push_str(&format!("; {} left out, whose facts were not kept", all.without_facts));
    }
    summary
}

async fn replay_all(
    reader: &RequestReader,
    text: &str,
    since: Millis,
    repository: Option<&str>,
) -> Result<All, crate::store::Error> {
    let mut all = All::default();
    let mut after = String::new();
    loop {
        let page = reader.judged(&after, PAGE).await?;
        let Some((last, _)) = page.last() else { return Ok(all) };
        after = last.id.as_str().to_owned();
        for (request, facts) in page {
            let is_meant =
                repository.is_none_or(|name| request.case.subject.repository.full_name().eq_ignore_ascii_case(name));
            if request.life.opened_at < since || !is_meant {
                continue;
            }
            let Some(facts) = facts else {
                all.without_facts += 1;
                continue;
            };
            let organization = reader.organization_policy(request.case.subject.tenant.account_id).await?;
            let layers = layers(text, organization, &request, &facts);
            all.replayed.push(replay(&request, &facts, &layers));
        }
    }
}

fn layers(text: &str, organization: Option<Text>, request: &Request, facts: &Facts) -> Vec<Layer> {
    let proposed = Found::File(Text { commit: String::new(), blob: String::new(), text: text.to_owned() });
    let mut own = policy::in_force(proposed, None, policy::PATH);
    let organization = organization.map(|file| policy::in_force(Found::File(file), None, "the organization's policy"));
    own.leans_on_another = organization.is_some();
    let layer = |policy: Policy| Layer { people: known_people(&policy, request, facts), policy };
    [Some(own), organization].into_iter().flatten().map(layer).collect()
}

/// The people a policy names, as far as their accounts had a part in something here.
fn known_people(policy: &Policy, request: &Request, facts: &Facts) -> People {
    let accounts: Vec<&Account> =
        facts.accounts().chain(request.life.approvals.iter().map(|a| &a.by.account)).collect();
    let person = |named: &policy::NamedPerson| {
        let is_theirs =
            |account: &&&Account| named.logins.iter().any(|login| account.login.eq_ignore_ascii_case(login));
        let mut theirs: Vec<Account> = accounts.iter().filter(is_theirs).map(|account| (**account).clone()).collect();
        theirs.sort_by_key(|account| account.id);
        theirs.dedup_by_key(|account| account.id);
        Person {
            name: named.name.clone(),
            accounts: theirs,
            emails: named.emails.clone(),
            is_machine: named.is_machine,
        }
    };
    People(policy.people.iter().map(person).filter(|person| !person.accounts.is_empty()).collect())
}

/// The instant so long ago.
fn ago(text: &str) -> anyhow::Result<Millis> {
    let unit = match text.trim().chars().last() {
        Some('m') => 60_000,
        Some('h') => 3_600_000,
        Some('d') => 24 * 3_600_000,
        _ => return Err(anyhow!("`--since` reads like `12h` or `30d`, not `{text}`")),
    };
    let number = text.trim().trim_end_matches(['m', 'h', 'd']).parse::<Millis>();
    let number = number.ok().filter(|number| *number > 0);
    let number = number.ok_or_else(|| anyhow!("`--since` reads like `12h` or `30d`, not `{text}`"))?;
    Ok(system_clock()().saturating_sub(number.saturating_mul(unit)))
}
